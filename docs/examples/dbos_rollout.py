"""A durable DBOS workflow that rolls a plan out, and then extends a training plan.

DBOS writes the result of each step into a database. A process that was killed goes on behind
the last result that was written. So a step whose effect is there and whose result is not is run
again. These steps bear that: `roll_out` starts no stage that is under way or deployed, and with
a journal `extend` buys nothing twice.

You need no AWS account: an emulator takes the place of the service. This program kills the
worker at each place in turn, runs it again, and checks what the service has seen. At one place
the purchase is made already, and the plan's history does not show it yet.

    pip install . "dbos>=3.4"
    python docs/examples/dbos_rollout.py [--database postgresql://...]
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from dbos import DBOS, SetWorkflowID

import sagemaker_plans as smp
from sagemaker_plans.emulator import Emulator, Timings
from sagemaker_plans.journal import FileJournal

STEPS: Final = ("create", "canary", "everyone", "extend")
HELD: Final = {"start": "StartEdgeDeploymentStage", "buy": "ExtendTrainingPlan"}
# For the emulator. Real devices look for deployments every few minutes.
OFTEN: Final = smp.PollSchedule(interval=0.2)


def die_here(place: str) -> None:
    """End this process as a power cut would, if this is the place."""
    if os.environ.get("DIE_AT") == place:
        os.kill(os.getpid(), signal.SIGKILL)


def spec_of(name: str) -> smp.EdgeDeploymentPlanSpec:
    """Describe a plan with two stages."""
    return smp.EdgeDeploymentPlanSpec(
        name=name,
        device_fleet_name="cameras",
        model_configs=[smp.ModelConfig("detector", "detector-v7")],
        stages=[
            smp.StageSpec("canary", smp.NamedDevices(["cam-001"])),
            smp.StageSpec("everyone", smp.NamedDevices(["cam-002", "cam-003"])),
        ],
    )


@DBOS.step()
async def create(name: str) -> str:
    """Create the plan, unless it is there."""
    die_here("before create")
    async with smp.shared_client() as client:
        plan = await client.plans.ensure_created(spec_of(name))
    die_here("after create")
    return plan.arn


@DBOS.step()
async def roll_out(name: str, stage: str) -> int:
    """Deploy a stage; return the number of devices that have it."""
    die_here(f"before {stage}")
    # Recovery begins before `main` could open a client. Steps that run at once share this one.
    async with smp.shared_client() as client:
        report = await client.plans.roll_out(
            name, stages=[stage], stage_timeout=600, schedule=OFTEN
        )
    die_here(f"after {stage}")
    return report.stage(stage).stage.devices.succeeded


# As long as nobody knows what became of a purchase, `extend` with a journal sends nothing.
@DBOS.step(retries_allowed=True, max_attempts=60, interval_seconds=0.5, backoff_rate=1.0)
async def extend(arn: str, offering: str, journal: str) -> str:
    """Buy an extension once; return how that is known."""
    die_here("before extend")
    async with smp.shared_client(journal=FileJournal(journal)) as client:
        receipt = await client.training_plans.extend(
            offering, training_plan_arn=arn, max_upfront_fee=Decimal(5000)
        )
    die_here("after extend")
    return receipt.outcome


@DBOS.workflow()
async def spring(name: str, arn: str, offering: str, journal: str) -> list[int]:
    """Roll out, stage by stage, then keep the machines."""
    await create(name)
    devices = [await roll_out(name, stage) for stage in ("canary", "everyone")]
    await extend(arn, offering, journal)
    return devices


async def work(arguments: list[str]) -> None:
    """Run the workflow, or wait for the one that recovery has begun."""
    database, name, *others = arguments
    config = DBOS(config={"name": "spring", "system_database_url": database})
    DBOS.launch()
    try:
        with SetWorkflowID(name):
            handle = await DBOS.start_workflow_async(spring, name, *others)
        print(name, await handle.get_result())
    finally:
        config.destroy()


class World:
    """An emulator, and workers that are killed."""

    def __init__(self, emulator: Emulator, folder: Path, database: str | None) -> None:
        self.emulator = emulator
        self.folder = folder
        self.database = database

    def worker(
        self, name: str, arn: str, offering: str, die_at: str = ""
    ) -> subprocess.Popen[bytes]:
        """Start a worker."""
        journal = self.folder / name
        journal.mkdir(exist_ok=True)
        # Each has a database of its own, because a worker also goes on with others' workflows.
        database = f"sqlite:///{self.folder / name}.sqlite"
        if self.database is not None:
            database = f"{self.database}_{name.replace('-', '_')}"
        arguments = [database, name, arn, offering, str(journal)]
        return subprocess.Popen(  # noqa: S603  # our own arguments
            [sys.executable, __file__, "--work", *arguments],
            env={**os.environ, **self.emulator.environment(), "DIE_AT": die_at},
        )

    def run(self, place: str) -> None:
        """Kill a worker at a place, run it again, and check what the service has seen."""
        name = place.replace(" ", "-")
        arn = self.emulator.add_training_plan(name)
        # It can be bought again and again, each time for money.
        offering = self.emulator.add_extension_offering(arn, resellable=True)
        with ExitStack() as stack:
            how, _, what = place.partition(" ")
            if how == "in":
                gate = stack.enter_context(self.emulator.hold_replies(HELD[what]))
                first = self.worker(name, arn, offering)
                # The service has done it, and its reply is on the way.
                gate.wait_for_arrivals(timeout=120.0)
                first.kill()
            else:
                first = self.worker(name, arn, offering, die_at=place)
            assert first.wait() == -signal.SIGKILL, place
        assert self.worker(name, arn, offering).wait() == 0, place

        starts = [each.body or {} for each in self.emulator.requests_of(HELD["start"])]
        started = [each["StageName"] for each in starts if each["EdgeDeploymentPlanName"] == name]
        bought = [each for each in self.emulator.purchases if each.training_plan_arn == arn]
        print(f"killed {place}: started {started}, bought {len(bought)}")
        assert started == ["canary", "everyone"], place
        assert len(bought) == 1, place


def main() -> None:
    """Kill a worker at each place."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--database", help="of Postgres; by default files of SQLite")
    parser.add_argument("--work", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        asyncio.run(work(options.work))
        return
    places = [f"{when} {step}" for step in STEPS for when in ("before", "after")]
    timings = Timings(history_lag=5.0, starting=0.1, device_report=0.1)
    with TemporaryDirectory() as folder, Emulator(timings=timings) as emulator:
        emulator.add_fleet("cameras", devices=["cam-001", "cam-002", "cam-003"])
        world = World(emulator, Path(folder), options.database)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(world.run, places))
        # One by one: these hold back the replies to everybody.
        for what in HELD:
            world.run(f"in {what}")


if __name__ == "__main__":
    main()
