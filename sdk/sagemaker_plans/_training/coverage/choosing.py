"""Reads a plan and its offerings, and chooses one. It buys nothing."""

from datetime import datetime
from decimal import Decimal

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.coverage.choice import Wanted, choose, covered_already
from sagemaker_plans._training.coverage.sweep import Sweep
from sagemaker_plans._training.plan_reads import read_training_plan
from sagemaker_plans._training.purchases.service_clock import ServiceClock
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import SEARCH_OFFERINGS
from sagemaker_plans.errors import CoverageError, InvalidRequestError
from sagemaker_plans.models import ExtensionChoice, TrainingPlan, TrainingPlanStatus

ENDED = frozenset({TrainingPlanStatus.EXPIRED, TrainingPlanStatus.FAILED})
"""The states in which a plan cannot be extended."""


def check_date(subject: str, until: datetime, clock: ServiceClock) -> None:
    """Raise if a date has passed.

    Args:
        subject: The method that was called.
        until: The date.
        clock: The service's clock.

    Raises:
        InvalidRequestError: If the service's clock shows a later time.
    """
    now = clock.now()
    if until <= now:
        problem = (
            f"until: got {until:%Y-%m-%d %H:%M} UTC, and the service's time is "
            f"{now:%Y-%m-%d %H:%M} UTC; allowed are times in the future"
        )
        raise InvalidRequestError(subject, (problem,), operation=SEARCH_OFFERINGS.name)


def why_not_extendable(plan: TrainingPlan) -> str | None:
    """Tell why a plan cannot be extended.

    Args:
        plan: The plan.

    Returns:
        The reason; None if it can be, as far as the plan itself shows.
    """
    if plan.status in ENDED:
        return f"the plan is {plan.status}, so it cannot be extended"
    if plan.end_time is None:
        return "the service does not say when the plan ends"
    return None


async def choose_extension(
    gateway: Gateway,
    retrier: Retrier,
    arn: str,
    *,
    until: datetime,
    limit: Decimal | None,
    currency_code: str,
    resource: str | None,
) -> ExtensionChoice:
    """Choose the next extension of a plan.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        arn: The plan.
        until: Until when the machines are needed.
        limit: The highest price allowed; None for no limit.
        currency_code: The currency of all fees.
        resource: For what the machines are used.

    Returns:
        The choice.

    Raises:
        InvalidRequestError: If the date has passed.
        CoverageError: If the plan cannot be extended.
    """
    clock = ServiceClock()
    plan = await read_training_plan(gateway, retrier, arn, hear=clock.hear)
    check_date("choose_extension", until, clock)
    if problem := why_not_extendable(plan):
        raise CoverageError(f"{arn}: {problem}", training_plan_arn=arn)
    usable = plan.usable_until(resource)
    assert plan.end_time is not None
    assert usable is not None
    wanted = Wanted(
        training_plan_arn=arn,
        end=plan.end_time,
        until=until,
        margin=plan.end_time - usable,
        limit=limit,
        currency_code=currency_code,
    )
    if usable >= until:
        return covered_already(wanted)
    sweep = Sweep(gateway, retrier, arn)
    await sweep.search(wanted)
    return choose(wanted, sweep.offerings)
