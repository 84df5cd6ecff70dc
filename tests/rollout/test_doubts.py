"""Starts and stops of which nobody knows whether they had their effect."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from harness import a_spec
from rollout.world import DESCRIBE, MINUTES, START, STOP, Fate, Process, World, guarded
from sagemaker_plans import (
    AccessDeniedError,
    RolloutReport,
    RolloutStoppedError,
    ServiceError,
    StageChange,
    StageStatus,
    ThrottledError,
    WaitTimeoutError,
)
from sagemaker_plans.emulator import Timings
from virtual_clock import LOOPS, Loop, run_virtually

ONE = a_spec(stages=1)


def lagging(seconds: float) -> Timings:
    return Timings(
        creating=20,
        starting=30,
        device_report=30,
        report_spread=90,
        stopping=20,
        reading_lag=seconds,
    )


def rolled_out(loop: Loop, world: World, **arguments: object) -> RolloutReport:
    reports: list[RolloutReport] = []

    @guarded
    async def run() -> None:
        report = await Process(world).roll_out(ONE, **arguments)
        assert report is not None
        reports.append(report)

    run_virtually(loop, run)
    return reports[0]


def with_world(make: Callable[[], World], test: Callable[[World], Awaitable[None]]) -> None:
    @guarded
    async def run() -> None:
        await test(make())

    run_virtually("asyncio", run)


@pytest.mark.parametrize(
    "fates",
    [
        ("throttled",),
        ("throttled", "throttled", "unsent"),
        ("lost before",),
        ("lost after",),
        ("late",),
        ("down", "lost after"),
        ("lost before", "late", "throttled"),
        ("lost before",) * 5,
        ("throttled",) * 12,
        ("unsent",) * 7 + ("late",),
        ("late",) * 3,
    ],
    ids=str,
)
@pytest.mark.parametrize("lag", [0.0, 4.0, 9.0])
def test_a_stage_whose_start_meets_failures_runs_once(fates: tuple[Fate, ...], lag: float) -> None:
    async def test(world: World) -> None:
        report = await Process(world).roll_out(ONE)

        assert report is not None
        assert report.is_done
        assert world.accepted(START) == {"stage-0": 1}

    with_world(lambda: World(timings=lagging(lag), fates={START: [*fates]}), test)


def test_a_throttled_start_looks_before_it_is_sent_again() -> None:
    async def test(world: World) -> None:
        process = Process(world)
        await process.plans.create(ONE)
        await anyio.sleep(30)
        world.fates[START] = ["throttled"]

        async def somebody_else() -> None:
            await anyio.sleep(0.01)
            world.carry_out("other", START, {**_NAMES})

        reports: list[RolloutReport | None] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(somebody_else)
            reports.append(await process.roll_out("rollout"))

        (report,) = reports
        assert report is not None
        assert report.is_done
        assert not report.stage("stage-0").was_started
        # The second attempt was not sent: the look showed that the stage runs.
        assert [one.caller for one in world.sent if one.operation == START] == ["other"]

    with_world(World, test)


_NAMES = {"EdgeDeploymentPlanName": "rollout", "StageName": "stage-0"}


def test_a_throttled_start_of_a_stage_that_has_failed_meanwhile_is_not_sent_again() -> None:
    async def test(world: World) -> None:
        process = Process(world)
        await process.plans.create(ONE)
        await anyio.sleep(30)
        world.fates[START] = ["throttled"] * 5

        async def somebody_else() -> None:
            await anyio.sleep(0.01)
            world.carry_out("other", START, {**_NAMES})
            world.carry_out("other", STOP, {**_NAMES})

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(somebody_else)
            with pytest.raises(RolloutStoppedError, match="stage-0 is STOPPED"):
                await process.roll_out("rollout", restart=True)

        assert world.accepted(START) == {"stage-0": 1}

    with_world(World, test)


def test_a_start_does_not_rest_on_a_reading_that_has_become_old() -> None:
    """The user's own function takes long, and somebody else runs the stage meanwhile."""

    async def test(world: World) -> None:
        process = Process(world)
        await process.plans.create(ONE)
        await anyio.sleep(30)

        async def on_change(_: object) -> None:
            if not world.accepted(START):
                world.carry_out("other", START, {**_NAMES})
                world.carry_out("other", STOP, {**_NAMES})
                await anyio.sleep(100)

        with pytest.raises(RolloutStoppedError, match="stage-0 is STOPPED"):
            await process.roll_out("rollout", on_change=on_change)

        assert world.accepted(START) == {"stage-0": 1}

    with_world(World, test)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("lag", [0.0, 5.0, 9.0])
def test_a_reading_from_before_the_start_is_no_verdict(loop: Loop, lag: float) -> None:
    @guarded
    async def run() -> None:
        world = World(timings=lagging(lag), failing=("cameras-0001",))
        with pytest.raises(RolloutStoppedError):
            await Process(world, "first").roll_out(ONE)
        world.service.add_fleet("cameras", devices=20)
        await anyio.sleep(600)

        report = await Process(world, "second").roll_out(ONE, restart=True)

        assert report is not None
        assert report.stage("stage-0").outcome == "deployed"
        assert [one.caller for one in world.sent if one.operation == START and one.accepted] == [
            *("first", "second")
        ]

    run_virtually(loop, run)


def test_a_start_that_is_refused_because_the_stage_runs_is_a_success() -> None:
    async def test(world: World) -> None:
        await Process(world).plans.create(ONE)
        await anyio.sleep(60)
        world.carry_out("other", START, {**_NAMES})

        report = await Process(world).roll_out("rollout")

        assert report is not None
        assert report.is_done
        assert not report.stage("stage-0").was_started
        refused = [one for one in world.sent if one.operation == START and not one.accepted]
        assert len(refused) == 1

    with_world(lambda: World(timings=lagging(5)), test)


def test_a_start_that_is_refused_for_another_reason_is_told_after_a_look() -> None:
    class Refusing(World):
        def carry_out(self, caller: str, operation: str, request: object) -> object:
            if operation == START:
                return ServiceError("no", code="ValidationException", operation=START)
            return super().carry_out(caller, operation, request)  # type: ignore[arg-type]  # as in the class above

    async def test(world: World) -> None:
        began = anyio.current_time()
        with pytest.raises(ServiceError, match="no"):
            await Process(world).roll_out(ONE)
        assert anyio.current_time() - began < 60

    with_world(Refusing, test)


@pytest.mark.parametrize("fate", ["late", "lost before", "lost after"])
def test_after_a_start_in_doubt_a_refused_stop_is_tried_again(fate: Fate) -> None:
    """The start comes late: the first stop is refused, because nothing runs yet."""

    async def test(world: World) -> None:
        process = Process(world)
        await process.plans.create(ONE)
        await anyio.sleep(30)
        world.fates[START] = [fate]
        sent = world.was_fated = anyio.Event()
        with anyio.CancelScope() as scope:

            async def cancel() -> None:
                await sent.wait()
                scope.cancel()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cancel)
                await process.roll_out("rollout")
        assert scope.cancelled_caught
        await anyio.sleep(60)

        running = {"late": "STOPPED", "lost before": "READYTODEPLOY", "lost after": "STOPPED"}
        assert world.statuses() == {"stage-0": running[fate]}
        assert world.accepted(START).total() == (0 if fate == "lost before" else 1)

    with_world(World, test)


def test_what_was_not_stopped_is_told() -> None:
    async def test(world: World) -> None:
        process = Process(world)
        world.fates[STOP] = ["down"] * 100
        with pytest.raises(RolloutStoppedError) as stopped:
            await process.roll_out(ONE, stage_timeout=60)

        assert stopped.value.report.may_still_run == ("stage-0",)
        assert stopped.value.report.stage("stage-0").outcome == "under_way"
        assert "stage stage-0 could not be stopped: " in str(stopped.value)
        assert isinstance(stopped.value.__cause__, WaitTimeoutError)

    with_world(World, test)


def test_a_stop_that_is_not_allowed_is_told_at_once() -> None:
    async def test(world: World) -> None:
        world.fates[STOP] = ["denied"]
        with pytest.raises(RolloutStoppedError, match="stage-0 could not be stopped: ") as stopped:
            await Process(world).roll_out(ONE, stage_timeout=60)

        assert stopped.value.report.may_still_run == ("stage-0",)
        assert world.fates[STOP] == []
        # Until it was ready, and its own time; nothing more.
        assert anyio.current_time() < 110

    with_world(World, test)


def test_a_start_that_is_not_allowed_is_told_at_once() -> None:
    async def test(world: World) -> None:
        world.fates[START] = ["denied"]
        with pytest.raises(AccessDeniedError):
            await Process(world).roll_out(ONE)

        assert anyio.current_time() < 40

    with_world(World, test)


def test_a_stop_that_is_not_answered_is_not_waited_for_for_ever() -> None:
    async def test(world: World) -> None:
        world.fates[STOP] = ["hangs"]
        with pytest.raises(RolloutStoppedError, match="no answer within 30 s"):
            await Process(world).roll_out(ONE, stage_timeout=60)

    with_world(World, test)


def test_a_look_that_fails_after_a_refused_stop_is_made_again() -> None:
    async def test(world: World) -> None:
        def fail(_: object) -> None:
            if world.accepted(START):
                # The stop is refused, because the stage has ended meanwhile.
                world.service.clock.advance(3600)
                world.fates[DESCRIBE] = ["denied", "denied"]
                raise KeyError("on_change")

        with pytest.raises(KeyError, match="on_change") as raised:
            await Process(world).roll_out(ONE, on_change=fail)

        assert not hasattr(raised.value, "__notes__")
        assert world.fates[DESCRIBE] == []

    with_world(World, test)


@pytest.mark.parametrize(("stopping", "failures"), [(40, 1), (500, 1), (40, 1_000)])
def test_the_stop_is_seen_through_but_not_for_ever(stopping: float, failures: int) -> None:
    async def test(world: World) -> None:
        def on_change(change: StageChange) -> None:
            if change.stage.status is StageStatus.STOPPING:
                world.fates[DESCRIBE] = ["down"] * failures

        with pytest.raises(RolloutStoppedError) as stopped:
            await Process(world).roll_out(ONE, stage_timeout=60, on_change=on_change)

        is_seen = (stopping, failures) == (40, 1)
        outcome = "stopped" if is_seen else "under_way"
        assert stopped.value.report.stage("stage-0").outcome == outcome
        assert stopped.value.report.may_still_run == (() if is_seen else ("stage-0",))

    with_world(lambda: World(timings=Timings(starting=300, stopping=stopping)), test)


def test_a_stage_that_is_gone_needs_no_stop() -> None:
    async def test(world: World) -> None:
        def fail(_: object) -> None:
            if world.accepted(START):
                world.carry_out("other", STOP, {**_NAMES})
                world.service.clock.advance(60)
                world.carry_out("other", "DeleteEdgeDeploymentStage", {**_NAMES})
                raise KeyError("on_change")

        with pytest.raises(KeyError, match="on_change") as raised:
            await Process(world).roll_out(ONE, on_change=fail)

        assert not hasattr(raised.value, "__notes__")

    with_world(World, test)


def test_a_cancelled_rollout_says_what_it_could_not_stop() -> None:
    async def test(world: World) -> None:
        process = Process(world)
        world.fates[STOP] = ["down"] * 100

        def fail(_: object) -> None:
            if world.accepted(START):
                raise KeyError("on_change")

        with pytest.raises(KeyError, match="on_change") as raised:
            await process.roll_out(ONE, on_change=fail)

        assert "stage stage-0 could not be stopped" in raised.value.__notes__[0]

    with_world(World, test)


def test_a_service_that_is_down_at_the_start_is_waited_for() -> None:
    async def test(world: World) -> None:
        world.fates[START] = ["throttled"] * 30
        report = await Process(world).roll_out(ONE)
        assert report is not None
        assert report.is_done

    with_world(World, test)


def test_a_start_that_never_gets_through_is_told_when_the_time_is_up() -> None:
    async def test(world: World) -> None:
        world.fates[START] = ["throttled"] * 1000
        with pytest.raises(RolloutStoppedError) as stopped:
            await Process(world).roll_out(ONE, stage_timeout=300)

        assert stopped.value.report.stage("stage-0").outcome == "not_started"
        assert stopped.value.report.may_still_run == ()
        assert "the stage could not be started: " in stopped.value.__notes__[0]
        assert world.accepted(START) == {}

    with_world(lambda: World(timings=MINUTES), test)


def test_readings_that_fail_do_not_end_a_rollout() -> None:
    async def test(world: World) -> None:
        process = Process(world)
        await process.plans.create(ONE)
        world.fates[DESCRIBE] = ["fine", "fine", "throttled", "down", "lost after", "fine", "down"]
        report = await process.roll_out("rollout")
        assert report is not None
        assert report.stage("stage-0").stage.status is StageStatus.DEPLOYED

    with_world(World, test)


def test_a_plan_that_cannot_be_read_at_first_is_told() -> None:
    async def test(world: World) -> None:
        world.fates[DESCRIBE] = ["throttled"] * 100
        with pytest.raises(ThrottledError):
            await Process(world).roll_out("rollout")

    with_world(World, test)
