"""Roll a plan out stage by stage, and stop at the first stage that fails.

It continues where an earlier run ended. It ends a wait early, with an `on_poll` that
raises. If anything fails, or on Ctrl-C, it stops the stages that still run. It shows the
progress if the extra `rich` is installed, and it returns an exit code.

You need no AWS account: an emulator takes the place of the service:

    python docs/examples/staged_rollout.py                     # ends with exit code 0
    python docs/examples/staged_rollout.py --failing cam-002   # ends with exit code 1
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Final

import sagemaker_plans as smp
from sagemaker_plans.emulator import Emulator

PLAN: Final = "spring-rollout"
CAMERAS: Final = tuple(f"cam-{number:03}" for number in range(1, 31))
UNDER_WAY: Final = {smp.StageStatus.STARTING, smp.StageStatus.INPROGRESS}
# The emulator's devices report within seconds. On AWS use the default schedule: real devices
# look for deployments every few minutes.
SCHEDULE: Final = smp.PollSchedule(interval=0.1)

Show = Callable[[smp.Stage], object]


class TooManyFailuresError(Exception):
    """More devices failed than a stage may lose."""


async def roll_out(
    client: smp.AsyncClient, plan_name: str, *, stage_timeout: float, max_failed: int, show: Show
) -> None:
    """Deploy every stage, one after the other. If this ends early, no stage is left running."""
    plan = await client.plans.describe(plan_name)
    try:
        for stage in plan.stages:
            await deploy(
                client,
                plan_name,
                stage,
                stage_timeout=stage_timeout,
                max_failed=max_failed,
                show=show,
            )
    except BaseException:  # even a cancellation: nobody would watch the stage after it
        await stop_what_runs(client, plan_name)
        raise


async def deploy(
    client: smp.AsyncClient,
    plan_name: str,
    stage: smp.Stage,
    *,
    stage_timeout: float,
    max_failed: int,
    show: Show,
) -> None:
    """Deploy one stage, unless an earlier run did."""

    def on_poll(seen: smp.Stage) -> None:
        show(seen)
        # The service says FAILED only after the last device has reported. This stops the
        # wait earlier.
        if seen.devices.failed > max_failed:
            raise TooManyFailuresError(
                f"stage {seen.name}: {seen.devices.failed} of {seen.devices.total} devices failed"
            )

    if stage.status not in UNDER_WAY | {smp.StageStatus.DEPLOYED}:
        await client.plans.start_stage(plan_name, stage.name)
    await client.plans.wait_until_stage_deployed(
        plan_name, stage.name, timeout=stage_timeout, schedule=SCHEDULE, on_poll=on_poll
    )


async def stop_what_runs(client: smp.AsyncClient, plan_name: str) -> None:
    """Stop every stage that is under way, and wait until it has stopped."""
    for stage in (await client.plans.describe(plan_name)).stages:
        if stage.status in UNDER_WAY:
            await client.plans.stop_stage(plan_name, stage.name)
            with suppress(smp.StageStoppedError):
                await client.plans.wait_until_stage_deployed(
                    plan_name, stage.name, timeout=300, schedule=SCHEDULE
                )


def display() -> AbstractContextManager[Show]:
    """Return a display of the progress; without rich it shows nothing."""
    try:
        from sagemaker_plans.progress import StageProgress  # noqa: PLC0415  # an extra
    except ImportError:
        return nullcontext(lambda _stage: None)
    return StageProgress()


async def main(failing: list[str]) -> int:
    """Create a plan in an emulator and roll it out. Return the exit code."""
    with Emulator() as emulator:
        # Without these two lines the same code runs on AWS, with the credentials and the
        # region of its environment.
        os.environ.update(emulator.environment())
        emulator.add_fleet("cameras", devices=CAMERAS, failing=failing)

        async with smp.AsyncClient() as client:
            await client.plans.create(
                smp.EdgeDeploymentPlanSpec(
                    name=PLAN,
                    device_fleet_name="cameras",
                    model_configs=[smp.ModelConfig("detector", "detector-v7")],
                    stages=[
                        smp.StageSpec("canary", smp.NamedDevices(CAMERAS[:5])),
                        smp.StageSpec("everyone", smp.PercentageOfFleet(100)),
                    ],
                )
            )
            try:
                with display() as show:
                    await roll_out(client, PLAN, stage_timeout=60, max_failed=0, show=show)
            except (smp.WaitError, TooManyFailuresError) as error:
                print(f"The rollout has ended early: {error}", file=sys.stderr)
            plan = await client.plans.describe(PLAN)

    for stage in plan.stages:
        print(f"{stage.name}: {stage.status}, {stage.devices.succeeded} of {stage.devices.total}")
    return 0 if all(stage.status is smp.StageStatus.DEPLOYED for stage in plan.stages) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Roll a plan out in an emulator.")
    parser.add_argument("--failing", nargs="*", default=[], help="devices that fail")
    sys.exit(asyncio.run(main(parser.parse_args().failing)))
