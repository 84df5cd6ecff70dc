"""Roll 50 plans out at once. The first one that fails stops them all; rich shows all of them."""

import asyncio

import sagemaker_plans as smp
from sagemaker_plans.progress import StageProgress


def spec_of(number: int) -> smp.EdgeDeploymentPlanSpec:
    """Say what one of the plans is to be."""
    return smp.EdgeDeploymentPlanSpec(
        name=f"rollout-{number:02}",
        device_fleet_name=f"site-{number:02}",
        model_configs=[smp.ModelConfig("detector", "detector-v7")],
        stages=[
            smp.StageSpec("canary", smp.PercentageOfFleet(10)),
            smp.StageSpec("everyone", smp.PercentageOfFleet(100)),
        ],
    )


async def roll_out_all(client: smp.AsyncClient) -> None:
    """Roll all plans out. Raise the failure after what runs was asked to stop."""
    with StageProgress() as show:
        async with asyncio.TaskGroup() as tasks:
            for spec in map(spec_of, range(1, 51)):
                rollout = client.plans.roll_out(spec, stage_timeout=3600, on_change=show)
                tasks.create_task(rollout)
