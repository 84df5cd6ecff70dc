"""A rollout that is killed, wherever that is, is brought to its end by another process."""

from collections.abc import Iterator
from functools import cache

import pytest

from harness import a_spec
from rollout.world import CREATE, START, Moment, Process, World, guarded
from sagemaker_plans import RolloutReport, RolloutStoppedError
from sagemaker_plans.emulator import Timings
from virtual_clock import LOOPS, Loop, run_virtually

LAGS = (0.0, 4.0)
MOMENTS: tuple[Moment, ...] = ("before", "after")
ONCE = {"stage-0": 1, "stage-1": 1}


def a_world(lag: float, failing: tuple[str, ...] = ()) -> World:
    timings = Timings(
        creating=20, starting=30, device_report=30, report_spread=60, stopping=20, reading_lag=lag
    )
    return World(timings=timings, devices=20, failing=failing)


@cache
def requests(lag: float, failing: tuple[str, ...]) -> int:
    """Count the requests of a rollout that nobody kills."""
    counts: list[int] = []

    async def run() -> None:
        process = Process(a_world(lag, failing))
        try:
            await process.roll_out()
        except RolloutStoppedError:
            assert failing
        counts.append(process.requests)

    run_virtually("asyncio", run)
    return counts[0]


def deaths(failing: tuple[str, ...] = ()) -> Iterator[tuple[float, int, Moment]]:
    for lag in LAGS:
        for number in range(1, requests(lag, failing) + 1):
            for moment in MOMENTS:
                yield lag, number, moment


def test_there_are_enough_deaths() -> None:
    assert len([*deaths()]) > 60
    assert len([*deaths(("cameras-0001",))]) > 30


@pytest.mark.parametrize(("lag", "number", "moment"), [*deaths()])
@pytest.mark.parametrize("loop", LOOPS)
def test_the_next_process_finishes_what_the_killed_one_began(
    loop: Loop, lag: float, number: int, moment: Moment
) -> None:
    @guarded
    async def run() -> None:
        world = a_world(lag)
        killed = Process(world, "first", dies_at=number, dies=moment)
        assert await killed.roll_out() is None

        report = await Process(world, "second").roll_out()

        assert report is not None
        assert report.is_done
        assert report.may_still_run == ()
        assert world.accepted(CREATE).total() == 1
        assert world.accepted(START) == ONCE
        assert set(world.statuses().values()) == {"DEPLOYED"}

    run_virtually(loop, run)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("lag", LAGS)
def test_any_number_of_processes_may_be_killed(lag: float, moment: Moment) -> None:
    """Each process lives for one request more than the one before."""

    @guarded
    async def run() -> None:
        world = a_world(lag)
        report: RolloutReport | None = None
        number = 0
        while report is None:
            number += 1
            report = await Process(world, str(number), dies_at=number, dies=moment).roll_out()
        assert report.is_done
        assert number > 3
        assert world.accepted(CREATE).total() == 1
        assert world.accepted(START) == ONCE

    run_virtually("asyncio", run)


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", [*deaths()], ids=str)
def test_two_deaths_anywhere(first: tuple[float, int, Moment]) -> None:
    lag, number, moment = first

    async def run(second: int, moment_of_second: Moment) -> None:
        world = a_world(lag)
        await Process(world, "first", dies_at=number, dies=moment).roll_out()
        killed = Process(world, "second", dies_at=second, dies=moment_of_second)
        report = await killed.roll_out()
        report = report or await Process(world, "third").roll_out()
        assert report is not None
        assert report.is_done
        assert world.accepted(CREATE).total() == 1
        assert world.accepted(START) == ONCE

    for second in range(1, requests(lag, ()) + 1):
        for moment_of_second in MOMENTS:
            run_virtually("asyncio", run, second, moment_of_second)


FAILING = ("cameras-0001",)


@pytest.mark.parametrize(("lag", "number", "moment"), [*deaths(FAILING)])
def test_a_rollout_that_fails_fails_again_and_no_stage_runs_twice(
    lag: float, number: int, moment: Moment
) -> None:
    @guarded
    async def run() -> None:
        world = a_world(lag, FAILING)
        await Process(world, "first", dies_at=number, dies=moment).roll_out()

        with pytest.raises(RolloutStoppedError) as stopped:
            await Process(world, "second").roll_out()

        report = stopped.value.report
        assert report.stage("stage-0").outcome in {"failed", "stopped"}
        assert report.stage("stage-1").outcome == "not_started"
        assert [device.name for device in report.failed_devices] == ["cameras-0001"]
        assert world.accepted(START) == {"stage-0": 1}

    run_virtually("asyncio", run)


@pytest.mark.parametrize("number", [2, 3, 5, 7])
def test_a_killed_process_stops_nothing_and_the_next_one_stops_by_max_failed(number: int) -> None:
    @guarded
    async def run() -> None:
        world = World(failing=tuple(f"cameras-{n:04}" for n in range(1, 21)))
        killed = Process(world, "first", dies_at=number)
        assert await killed.roll_out(a_spec(stages=1)) is None

        with pytest.raises(RolloutStoppedError):
            await Process(world, "second").roll_out(a_spec(stages=1))

        assert {one.caller for one in world.sent if one.operation.startswith("Stop")} <= {"second"}
        assert world.accepted(START) == {"stage-0": 1}

    run_virtually("asyncio", run)
