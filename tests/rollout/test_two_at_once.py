"""Two rollouts of one plan at the same time: each stage runs once, and both ends are true."""

from functools import partial

import anyio
import pytest

from harness import a_spec, examples
from rollout.world import CREATE, START, STOP, Process, World, guarded
from sagemaker_plans import RolloutReport, RolloutStoppedError
from sagemaker_plans.emulator import Timings
from virtual_clock import LOOPS, Loop, run_virtually

SEEDS = range(examples(300))


def a_world(seed: int, *, failing: tuple[str, ...] = ()) -> World:
    lag = (0.0, 3.0, 8.0)[seed % 3]
    timings = Timings(
        creating=20, starting=30, device_report=30, report_spread=90, stopping=20, reading_lag=lag
    )
    return World(timings=timings, seed=seed, failing=failing)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_stage_runs_once_and_both_reports_are_true(seed: int) -> None:
    @guarded
    async def run() -> None:
        world = a_world(seed)
        reports: list[RolloutReport] = []

        async def roll_out(name: str) -> None:
            report = await Process(world, name).roll_out(a_spec(stages=3))
            assert report is not None
            reports.append(report)

        async with anyio.create_task_group() as tasks:
            for name in ("one", "two"):
                tasks.start_soon(roll_out, name)

        assert [report.is_done for report in reports] == [True, True]
        assert world.accepted(CREATE).total() == 1
        assert world.accepted(START) == {"stage-0": 1, "stage-1": 1, "stage-2": 1}
        assert world.accepted(STOP) == {}
        # Each stage was started by one of the two, and each report says so.
        for stage in world.accepted(START):
            assert stage is not None
            assert sum(report.stage(stage).was_started for report in reports) == 1

    run_virtually(LOOPS[seed % 2], run)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_that_is_cancelled_stops_only_what_it_may_have_started(seed: int) -> None:
    @guarded
    async def run() -> None:
        world = a_world(seed)
        scope = anyio.CancelScope()
        ended: list[int] = []

        async def roll_out(name: str) -> None:
            try:
                await Process(world, name).roll_out(a_spec(stages=3))
            except RolloutStoppedError:
                # The other has stopped what it had started.
                ended.append(world.accepted(STOP).total())

        async def be_cancelled() -> None:
            with scope:
                await roll_out("cancelled")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(be_cancelled)
            tasks.start_soon(roll_out, "other")
            await anyio.sleep(20 + 7.3 * (seed % 50))
            scope.cancel()

        assert set(ended) <= {1}
        for stage in world.accepted(STOP):
            assert stage is not None
            # It has started it, or was cancelled before it knew whether it had.
            assert ("cancelled", START, stage) in world.asked
        assert {one.caller for one in world.sent if one.operation == STOP} <= {"cancelled"}
        assert set(world.accepted(START).values()) <= {1}

    run_virtually(LOOPS[seed % 2], run)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_stage_that_fails_ends_both_and_runs_once(loop: Loop) -> None:
    @guarded
    async def run() -> None:
        world = a_world(0, failing=("cameras-0002",))
        ends: list[str] = []

        async def roll_out(name: str) -> None:
            with pytest.raises(RolloutStoppedError) as stopped:
                await Process(world, name).roll_out()
            ends.append(stopped.value.report.stage("stage-0").outcome)

        async with anyio.create_task_group() as tasks:
            for name in ("one", "two"):
                tasks.start_soon(roll_out, name)

        assert len(ends) == 2
        assert set(ends) <= {"failed", "stopped"}
        assert world.accepted(START) == {"stage-0": 1}

    run_virtually(loop, run)


def test_two_of_one_client_share_their_readings() -> None:
    counts: list[int] = []

    async def run(rollouts: int) -> None:
        world = World()
        process = Process(world)
        plans = process.plans
        await plans.create(a_spec())
        before = process.requests
        async with anyio.create_task_group() as tasks:
            for _ in range(rollouts):
                tasks.start_soon(partial(plans.roll_out, "rollout", stage_timeout=3600))
        counts.append(process.requests - before)

    run_virtually("asyncio", run, 1)
    run_virtually("asyncio", run, 10)

    # The others cost a first reading each, and refused starts with a look after each.
    assert counts[1] < counts[0] + 10 * 8
