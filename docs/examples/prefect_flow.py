"""A Prefect flow that rolls a plan out stage by stage, then extends a training plan.

Each task asks for its client itself, so that it can run anywhere. Tasks that deploy at the
same time in one event loop share a client. Prefect may run `deploy_stage` again, but only
after some errors. It may never run `extend_training_plan` again, because that spends money.

You need no AWS account: an emulator takes the place of the service. The first describe of
the plan fails, so that there is a retry to see. Without PREFECT_API_URL, Prefect starts a
server that runs as long as the flow:

    pip install . "prefect>=3.4" "fastapi<0.150"
    python docs/examples/prefect_flow.py
"""

import asyncio
import os
from decimal import Decimal
from typing import Any, Final

from prefect import Task, flow, task
from prefect.client.schemas.objects import State, TaskRun

import sagemaker_plans as smp
from sagemaker_plans.emulator import Emulator, Fault

DONE_OR_UNDER_WAY: Final = {
    smp.StageStatus.STARTING,
    smp.StageStatus.INPROGRESS,
    smp.StageStatus.DEPLOYED,
}


async def may_pass(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Say whether a failure may be temporary. A stage with failed devices is not."""
    error = await state.aresult(raise_on_failure=False)
    return isinstance(
        error, smp.ConnectionFailedError | smp.InternalServiceError | smp.ThrottledError
    )


# Safe to run again: a stage that is deployed or under way is not started again.
@task(retries=3, retry_delay_seconds=1, retry_condition_fn=may_pass)
async def deploy_stage(plan_name: str, stage_name: str) -> int:
    """Deploy a stage; return the number of devices that succeeded."""
    # For the emulator. Real devices look for deployments every few minutes.
    schedule = smp.PollSchedule(interval=0.2)
    # Prefect makes the retries here, so that its UI shows them.
    async with smp.shared_client(retry=smp.RetryPolicy.none(), polling=schedule) as client:
        stage = (await client.plans.describe(plan_name)).stage(stage_name)
        if stage.status not in DONE_OR_UNDER_WAY:
            await client.plans.start_stage(plan_name, stage_name)
        stage = await client.plans.wait_until_stage_deployed(plan_name, stage_name, timeout=3600)
    return stage.devices.succeeded


# No retries: this spends money. If a reply is lost, `extend` looks for the purchase itself.
# If it then raises OutcomeUnknownError, a person has to check: a retry would buy a second
# time if the first purchase shows late in the plan's history.
@task(retries=0)
async def extend_training_plan(
    offering_id: str, *, training_plan_arn: str, max_upfront_fee: Decimal
) -> smp.ExtensionReceipt:
    """Buy an extension once, for no more than the limit."""
    async with smp.AsyncClient() as client:
        return await client.training_plans.extend(
            offering_id, training_plan_arn=training_plan_arn, max_upfront_fee=max_upfront_fee
        )


@flow
async def spring_rollout(
    plan_name: str, *, offering_id: str, training_plan_arn: str
) -> smp.ExtensionReceipt:
    """Deploy both stages, one after the other, then buy the extension."""
    for stage_name in ("canary", "everyone"):
        print(f"{stage_name}: {await deploy_stage(plan_name, stage_name)} devices")
    return await extend_training_plan(
        offering_id, training_plan_arn=training_plan_arn, max_upfront_fee=Decimal(1500)
    )


async def main() -> None:
    """Run the flow against an emulator."""
    with Emulator() as emulator:
        os.environ.update(emulator.environment())
        async with smp.AsyncClient() as client:
            await client.plans.create(
                smp.EdgeDeploymentPlanSpec(
                    name="spring-rollout",
                    device_fleet_name="cameras",
                    model_configs=[smp.ModelConfig("detector", "detector-v7")],
                    stages=[
                        smp.StageSpec("canary", smp.NamedDevices(["cam-001", "cam-002"])),
                        smp.StageSpec("everyone", smp.PercentageOfFleet(100)),
                    ],
                )
            )
        emulator.inject("DescribeEdgeDeploymentPlan", Fault.service_unavailable())

        receipt = await spring_rollout(
            "spring-rollout",
            offering_id="tpeo-0123456789abcdef",
            training_plan_arn=emulator.training_plan_arn,
        )
        print(f"{receipt.outcome}, until {receipt.extension.end_date}")
        assert len(emulator.purchases) == 1


if __name__ == "__main__":
    asyncio.run(main())
