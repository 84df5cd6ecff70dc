"""A process that rolls a plan out: python rollout_process.py ENDPOINT. It may be killed."""

import asyncio
import sys

import sagemaker_plans as smp


async def main(endpoint_url: str) -> None:
    """Roll the plan out, and write how its stages ended."""
    spec = smp.EdgeDeploymentPlanSpec(
        "rollout",
        device_fleet_name="cameras",
        model_configs=[smp.ModelConfig("detector", "detector-v7")],
        stages=[smp.StageSpec(f"stage-{n}", smp.PercentageOfFleet(20)) for n in range(2)],
    )
    async with smp.AsyncClient(
        region_name="us-east-1",
        endpoint_url=endpoint_url,
        polling=smp.PollSchedule(interval=0.1, jitter=0),
    ) as client:
        report = await client.plans.roll_out(spec, stage_timeout=60)
    sys.stdout.write(" ".join(each.outcome for each in report.stages))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
