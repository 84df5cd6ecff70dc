"""A rollout and a purchase in ten seconds, without an AWS account.

An emulator takes the place of SageMaker. Without `use_emulator` the same code runs on AWS.
"""

import asyncio
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from decimal import Decimal

import sagemaker_plans as smp
from sagemaker_plans.emulator import Emulator

CAMERAS = [f"cam-{number:03}" for number in range(1, 11)]
SPEC = smp.EdgeDeploymentPlanSpec(
    name="spring-rollout",
    device_fleet_name="cameras",
    model_configs=[smp.ModelConfig("detector", "detector-v7")],
    stages=[
        smp.StageSpec("canary", smp.NamedDevices(CAMERAS[:2])),
        smp.StageSpec("everyone", smp.PercentageOfFleet(100)),
    ],
)


async def roll_out(client: smp.AsyncClient, emulator: Emulator) -> None:
    """Deploy a detector to two cameras first, then to all. One camera fails at first."""
    emulator.add_fleet("cameras", devices=CAMERAS, failing=["cam-002"])
    try:
        with shown_progress() as show:
            await client.plans.roll_out(SPEC, stage_timeout=60, on_change=show)
    except smp.RolloutStoppedError as error:
        for device in error.report.failed_devices:
            print(f"\nStopped, because {device.name} failed: {device.status_message}")

    print("It is repaired. The same call again goes on where things stand:\n")
    emulator.add_fleet("cameras", devices=CAMERAS)
    with shown_progress() as show:
        report = await client.plans.roll_out(SPEC, stage_timeout=60, on_change=show, restart=True)
    print("Rolled out:", ", ".join(f"{each.stage.name} {each.outcome}" for each in report.stages))


async def extend(client: smp.AsyncClient, training_plan_arn: str) -> None:
    """Buy the shortest extension of a training plan, if it costs 2,000 USD at most."""
    offerings = await client.training_plans.search_extension_offerings(training_plan_arn)
    shortest = min(offerings, key=lambda offering: offering.duration_hours or 0)

    receipt = await client.training_plans.extend(
        shortest.offering_id, training_plan_arn=training_plan_arn, max_upfront_fee=Decimal(2000)
    )
    bought = receipt.extension
    print(f"\nReceipt: {bought.offering_id}, {receipt.outcome}")
    print(f"  {bought.duration_hours} hours more, until {bought.end_date:%Y-%m-%d %H:%M} UTC")
    print(f"  {bought.upfront_fee:,} {bought.currency_code}, at most 2,000 USD were allowed")


@contextmanager
def shown_progress() -> Generator[Callable[[smp.StageChange], object]]:
    """Show stages as bars, or as plain lines where rich is not installed."""
    try:
        from sagemaker_plans.progress import StageProgress  # noqa: PLC0415  # an extra
    except ImportError:
        yield lambda change: print(f"{change.stage.name}: {change.stage.status}")
    else:
        with StageProgress() as progress:
            yield progress


def use_emulator(emulator: Emulator) -> None:
    """Make every AWS client use the emulator, whatever AWS settings this machine has."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(
        emulator.environment(),
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    )


async def main() -> None:
    """Run everything, then print what the emulator received."""
    with Emulator() as emulator:
        use_emulator(emulator)
        async with smp.AsyncClient(polling=smp.PollSchedule(interval=0.2)) as client:
            await roll_out(client, emulator)
            await extend(client, emulator.training_plan_arn)

        print(f"\nOn the wire: {len(emulator.requests)} requests, of which", end=" ")
        print(f"{len(emulator.requests_of('ExtendTrainingPlan'))} purchase.")
    print("Done: nothing was spent, nothing is left behind.")


if __name__ == "__main__":
    asyncio.run(main())
