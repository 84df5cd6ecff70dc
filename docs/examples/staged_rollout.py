"""Roll a plan out stage by stage, and stop at the first stage in which a device fails.

Run it again after a crash: it goes on where things stand. It shows the progress if the extra
`rich` is installed, and it returns an exit code.

You need no AWS account: an emulator takes the place of the service:

    python docs/examples/staged_rollout.py                     # ends with exit code 0
    python docs/examples/staged_rollout.py --failing cam-002   # ends with exit code 1
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import sagemaker_plans as smp
from sagemaker_plans.emulator import Emulator

CAMERAS: Final = tuple(f"cam-{number:03}" for number in range(1, 31))
SPEC: Final = smp.EdgeDeploymentPlanSpec(
    name="spring-rollout",
    device_fleet_name="cameras",
    model_configs=[smp.ModelConfig("detector", "detector-v7")],
    stages=[
        smp.StageSpec("canary", smp.NamedDevices(CAMERAS[:5])),
        smp.StageSpec("everyone", smp.PercentageOfFleet(100)),
    ],
)
# The emulator's devices report within seconds. On AWS use the default schedule: real devices
# look for deployments every few minutes.
SCHEDULE: Final = smp.PollSchedule(interval=0.1)


def display() -> AbstractContextManager[Callable[[smp.StageChange], object]]:
    """Return a display of the progress; without rich it shows nothing."""
    try:
        from sagemaker_plans.progress import StageProgress  # noqa: PLC0415  # an extra
    except ImportError:
        return nullcontext(lambda _change: None)
    return StageProgress()


async def main(failing: list[str]) -> int:
    """Create a plan in an emulator and roll it out. Return the exit code."""
    with Emulator() as emulator:
        # Without these two lines the same code runs on AWS, with the credentials and the
        # region of its environment.
        os.environ.update(emulator.environment())
        emulator.add_fleet("cameras", devices=CAMERAS, failing=failing)

        async with smp.AsyncClient(polling=SCHEDULE) as client:
            try:
                with display() as show:
                    report = await client.plans.roll_out(SPEC, stage_timeout=60, on_change=show)
            except smp.RolloutStoppedError as error:
                print(f"The rollout has ended early: {error}", file=sys.stderr)
                report = error.report

    for each in report.stages:
        devices = each.stage.devices
        print(f"{each.stage.name}: {each.outcome}, {devices.succeeded} of {devices.total}")
    return 0 if report.is_done else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Roll a plan out in an emulator.")
    parser.add_argument("--failing", nargs="*", default=[], help="devices that fail")
    sys.exit(asyncio.run(main(parser.parse_args().failing)))
