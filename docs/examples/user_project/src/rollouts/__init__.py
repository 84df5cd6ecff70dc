"""An example of a user's package: one step of a rollout, and one purchase."""

from datetime import timedelta
from decimal import Decimal

import sagemaker_plans as smp


async def deploy(
    client: smp.AsyncClient,
    plan_name: str,
    stage_name: str,
    *,
    patience: timedelta,
    schedule: smp.PollSchedule | None = None,
) -> bool:
    """Deploy a stage. Return False if devices failed, or if it took too long and was stopped."""
    await client.plans.start_stage(plan_name, stage_name)
    try:
        await client.plans.wait_until_stage_deployed(
            plan_name, stage_name, timeout=patience, schedule=schedule
        )
    except smp.WaitTimeoutError:
        await client.plans.stop_stage(plan_name, stage_name)
        return False
    except smp.StageFailedError:
        return False
    return True


async def extend_by_a_day(
    client: smp.AsyncClient, training_plan_arn: str, *, budget: Decimal
) -> smp.ExtensionReceipt:
    """Buy the cheapest extension of 24 hours.

    Raises:
        LookupError: There is no such offering.
    """
    offerings = await client.training_plans.search_extension_offerings(
        training_plan_arn, duration_hours=24
    )
    priced = [(each.upfront_fee, each.offering_id) for each in offerings if each.upfront_fee]
    if not priced:
        raise LookupError("no extension of 24 hours is on offer")
    _, offering_id = min(priced)
    return await client.training_plans.extend(
        offering_id, training_plan_arn=training_plan_arn, max_upfront_fee=budget
    )
