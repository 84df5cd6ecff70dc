"""What a rollout does with the stages of a plan, in order."""

import copy
import pickle
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import anyio
import pytest

from harness import a_spec
from rollout.world import (
    CREATE,
    DESCRIBE,
    DEVICES,
    MINUTES,
    START,
    STOP,
    Process,
    World,
    guarded,
)
from sagemaker_plans import (
    EdgeDeploymentPlanSpec,
    PercentageOfFleet,
    PlanMismatchError,
    PollSchedule,
    ResourceNotFoundError,
    RolloutReport,
    RolloutStoppedError,
    Stage,
    StageChange,
    StageNotFoundError,
    StageSpec,
    WaitTimeoutError,
)
from sagemaker_plans.emulator import Timings
from virtual_clock import LOOPS, Loop, run_virtually

NAMES = {"EdgeDeploymentPlanName": "rollout"}
FAST = Timings(creating=0, starting=1, device_report=1, report_spread=3, stopping=1)


def on_both(test: Callable[[], Awaitable[None]]) -> Callable[[Loop], None]:
    def run(loop: Loop) -> None:
        run_virtually(loop, guarded(test))

    run.__doc__ = test.__doc__
    return pytest.mark.parametrize("loop", LOOPS)(run)


def outcomes(report: RolloutReport) -> dict[str, str]:
    return {each.stage.name: each.outcome for each in report.stages}


def whole_fleet(name: str = "rollout", *, stages: int = 2) -> EdgeDeploymentPlanSpec:
    return EdgeDeploymentPlanSpec(
        name,
        device_fleet_name="cameras",
        model_configs=a_spec().model_configs,
        stages=[StageSpec(f"stage-{number}", PercentageOfFleet(100)) for number in range(stages)],
    )


def failing(number: int) -> tuple[str, ...]:
    return tuple(f"cameras-{each:04}" for each in range(1, number + 1))


@on_both
async def test_the_stages_are_deployed_one_after_the_other() -> None:
    world = World()
    report = await Process(world).roll_out(a_spec(stages=3))

    assert report is not None
    assert outcomes(report) == dict.fromkeys(["stage-0", "stage-1", "stage-2"], "deployed")
    assert (report.plan_name, report.is_done, report.may_still_run) == ("rollout", True, ())
    assert all(each.was_started for each in report.stages)
    assert [one.stage for one in world.sent if one.operation == START] == [
        *("stage-0", "stage-1", "stage-2")
    ]
    starts = [one.at for one in world.sent if one.operation == START]
    assert starts == sorted(starts)
    assert min(b - a for a, b in pairwise(starts)) > 60


@on_both
async def test_it_returns_at_once_if_all_is_done() -> None:
    world = World()
    await Process(world).roll_out()
    before, asked = anyio.current_time(), len(world.sent)

    async def approve(*_: object) -> bool:
        raise AssertionError("nothing is to be approved")

    report = await Process(world).roll_out("rollout", bake_time=3600, approve=approve)

    assert report is not None
    assert outcomes(report) == dict.fromkeys(["stage-0", "stage-1"], "already_deployed")
    assert not any(each.was_started for each in report.stages)
    assert anyio.current_time() == before
    assert [one.operation for one in world.sent[asked:]] == [DESCRIBE]


@on_both
async def test_each_stage_bakes_and_is_approved_of() -> None:
    world = World(timings=FAST)
    asked: list[tuple[str, float, dict[str, str]]] = []

    async def approve(stage: Stage, report: RolloutReport) -> bool:
        await anyio.sleep(100)
        asked.append((stage.name, anyio.current_time(), outcomes(report)))
        return True

    report = await Process(world).roll_out(bake_time=1000, approve=approve)

    assert report is not None
    assert [(name, at // 1000) for name, at, _ in asked] == [("stage-0", 1), ("stage-1", 2)]
    assert asked[0][2] == {"stage-0": "deployed", "stage-1": "not_started"}
    assert asked[1][2] == {"stage-0": "deployed", "stage-1": "deployed"}


@on_both
async def test_baking_begins_anew_and_approval_is_asked_for_again() -> None:
    world = World(timings=FAST)
    await Process(world).roll_out(stages=["stage-0"])
    before = anyio.current_time()
    asked: list[str] = []

    async def approve(stage: Stage, _: RolloutReport) -> bool:
        asked.append(stage.name)
        return True

    await Process(world).roll_out(bake_time=500, approve=approve)

    assert asked == ["stage-0", "stage-1"]
    assert anyio.current_time() - before > 1000


@pytest.mark.parametrize(
    ("answer", "words"),
    [(False, "said no"), (None, "returned None"), (0, "returned 0")],
)
@pytest.mark.parametrize("loop", LOOPS)
def test_a_no_stops_the_rollout_and_nothing_runs(loop: Loop, answer: Any, words: str) -> None:
    @guarded
    async def run() -> None:
        world = World(timings=FAST)

        async def approve(_: Stage, __: RolloutReport) -> Any:
            await anyio.lowlevel.checkpoint()
            return answer

        said = f"approve {words} after stage stage-0"
        with pytest.raises(RolloutStoppedError, match=said) as no:
            await Process(world).roll_out(approve=approve)

        assert outcomes(no.value.report) == {"stage-0": "deployed", "stage-1": "not_started"}
        assert world.accepted(STOP) == {}

    run_virtually(loop, run)


@pytest.mark.parametrize(
    ("max_failed", "number", "is_stopped"),
    [
        (0, 1, True),
        (3, 3, False),
        (3, 4, True),
        (0.0, 1, True),
        (0.15, 3, False),
        (0.15, 4, True),
        (1.0, 20, False),
        (20, 20, False),
        (1, 2, True),
    ],
)
@pytest.mark.parametrize("loop", LOOPS)
def test_a_stage_past_max_failed_is_stopped_while_it_runs(
    loop: Loop, max_failed: float, number: int, *, is_stopped: bool
) -> None:
    @guarded
    async def run() -> None:
        world = World(failing=failing(number), failure_tolerance=1.0)
        process = Process(world)
        if not is_stopped:
            report = await process.roll_out(whole_fleet(), max_failed=max_failed)
            assert report is not None
            assert report.is_done
            return
        with pytest.raises(RolloutStoppedError, match="more than max_failed allows") as stopped:
            await process.roll_out(whole_fleet(), max_failed=max_failed)

        report = stopped.value.report
        assert outcomes(report) == {"stage-0": "stopped", "stage-1": "not_started"}
        assert report.may_still_run == ()
        # It was stopped long before the last device had reported.
        devices = report.stage("stage-0").stage.devices
        assert devices.pending > 0
        assert len(report.failed_devices) == devices.failed
        assert report.failed_devices[0].status_message == "The device agent reported a failure."
        assert "cameras-0001 (The device agent reported a failure.)" in str(stopped.value)
        assert world.accepted(STOP) == {"stage-0": 1}

    run_virtually(loop, run)


@on_both
async def test_a_deployed_stage_past_max_failed_stops_the_rollout_too() -> None:
    world = World(timings=FAST, failing=failing(2), failure_tolerance=1.0)
    for _ in range(2):
        with pytest.raises(RolloutStoppedError, match="more than max_failed allows") as stopped:
            await Process(world).roll_out(whole_fleet(), max_failed=1)
        assert stopped.value.report.stage("stage-1").outcome == "not_started"
        assert len(stopped.value.report.failed_devices) == 2

    report = await Process(world).roll_out(whole_fleet(), max_failed=2)

    assert report is not None
    assert report.is_done


@on_both
async def test_a_failed_stage_names_its_devices_but_not_all_in_the_message() -> None:
    world = World(timings=FAST, failing=failing(7), failure_tolerance=0.1)
    with pytest.raises(RolloutStoppedError) as stopped:
        await Process(world).roll_out(whole_fleet(), max_failed=20)

    assert str(stopped.value).startswith(
        "the rollout of plan rollout has stopped: stage stage-0 is FAILED ("
    )
    assert str(stopped.value).endswith(
        "cameras-0005 (The device agent reported a failure.), and 2 more"
    )
    assert len(stopped.value.report.failed_devices) == 7
    for same in (copy.copy(stopped.value), pickle.loads(pickle.dumps(stopped.value))):  # our own
        assert same.report == stopped.value.report


@on_both
async def test_devices_that_cannot_be_read_do_not_hide_the_reason() -> None:
    world = World(timings=FAST, failing=failing(1), fates={DEVICES: ["down"] * 100})
    with pytest.raises(RolloutStoppedError, match="stage-0 is FAILED") as stopped:
        await Process(world).roll_out(whole_fleet())

    assert "how it ended could not be read: " in str(stopped.value)
    assert stopped.value.report.failed_devices == ()


@on_both
async def test_a_stage_that_failed_before_is_told_and_restarted_if_wanted() -> None:
    world = World(timings=FAST, failing=failing(1))
    with pytest.raises(RolloutStoppedError):
        await Process(world).roll_out(whole_fleet())
    with pytest.raises(RolloutStoppedError, match="restart=True starts it again") as told:
        await Process(world).roll_out(whole_fleet())
    assert not told.value.report.stage("stage-0").was_started

    # It fails again: at most once for each stage and call.
    with pytest.raises(RolloutStoppedError) as again:
        await Process(world).roll_out(whole_fleet(), restart=True)
    assert again.value.report.stage("stage-0").was_started
    assert "restart" not in str(again.value)
    assert world.accepted(START) == {"stage-0": 2}

    world.service.add_fleet("cameras", devices=20)
    report = await Process(world).roll_out(whole_fleet(), restart=True)
    assert report is not None
    assert report.is_done
    assert world.accepted(START) == {"stage-0": 3, "stage-1": 1}


@on_both
async def test_a_stage_that_ends_after_the_call_began_is_not_restarted() -> None:
    world = World()
    process = Process(world)
    await process.plans.create(whole_fleet())
    await anyio.sleep(30)
    world.carry_out("other", START, {**NAMES, "StageName": "stage-0"})

    async def stop() -> None:
        await anyio.sleep(40)
        world.carry_out("other", STOP, {**NAMES, "StageName": "stage-0"})

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop)
        with pytest.raises(RolloutStoppedError, match="stage-0 is STOPPED") as stopped:
            await process.roll_out(restart=True, plan="rollout")
        assert outcomes(stopped.value.report)["stage-0"] == "stopped"

    assert world.accepted(START) == {"stage-0": 1}


@on_both
async def test_every_change_is_told_and_awaited() -> None:
    world = World(timings=Timings(creating=20, starting=30, device_report=30, report_spread=300))
    told: list[tuple[str, str, int]] = []

    async def on_change(change: StageChange) -> None:
        await anyio.lowlevel.checkpoint()
        if change.previous is not None:
            before = change.previous
            assert (before.status, before.devices) != (change.stage.status, change.stage.devices)
        told.append((change.stage.name, change.stage.status, change.stage.devices.succeeded))

    await Process(world).roll_out(a_spec(), on_change=on_change)

    assert told[:2] == [("stage-0", "CREATING", 0), ("stage-1", "CREATING", 0)]
    for name in ("stage-0", "stage-1"):
        mine = [(status, count) for each, status, count in told if each == name]
        assert len(mine) == len(set(mine))
        assert [status for status, _ in mine][-2:] == ["INPROGRESS", "DEPLOYED"]
        assert mine[-1] == ("DEPLOYED", 2)


@on_both
async def test_a_display_is_told_of_which_plan_a_stage_is() -> None:
    shown: list[tuple[str, str]] = []

    class Display:
        def for_plan(self, plan_name: str) -> Callable[[StageChange], None]:
            return lambda change: shown.append((plan_name, change.stage.name))

        def __call__(self, change: StageChange) -> None:
            raise AssertionError(change)

    await Process(World(timings=FAST)).roll_out(on_change=Display())

    assert set(shown) == {("rollout", "stage-0"), ("rollout", "stage-1")}


@pytest.mark.parametrize("stop_on_exit", [True, False])
@pytest.mark.parametrize("loop", LOOPS)
def test_an_exception_of_the_user_s_ends_the_rollout(loop: Loop, *, stop_on_exit: bool) -> None:
    @guarded
    async def run() -> None:
        world = World()

        def on_change(change: StageChange) -> None:
            if change.stage.status == "INPROGRESS":
                raise KeyError("oh no")

        with pytest.raises(KeyError, match="oh no"):
            await Process(world).roll_out(on_change=on_change, stop_on_exit=stop_on_exit)

        assert world.accepted(STOP).total() == int(stop_on_exit)

    run_virtually(loop, run)


@pytest.mark.parametrize("stop_on_exit", [True, False])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_stage_that_takes_too_long_stops_the_rollout(loop: Loop, *, stop_on_exit: bool) -> None:
    @guarded
    async def run() -> None:
        world = World()
        with pytest.raises(RolloutStoppedError, match="did not happen within 60 s") as stopped:
            await Process(world).roll_out(stage_timeout=60, stop_on_exit=stop_on_exit)

        assert isinstance(stopped.value.__cause__, WaitTimeoutError)
        outcome = "stopped" if stop_on_exit else "under_way"
        assert outcomes(stopped.value.report)["stage-0"] == outcome
        assert stopped.value.report.may_still_run == (() if stop_on_exit else ("stage-0",))

    run_virtually(loop, run)


@on_both
async def test_the_time_of_a_stage_counts_from_its_start() -> None:
    slow = Timings(creating=500, starting=200, device_report=30, report_spread=300, stopping=20)
    report = await Process(World(timings=slow)).roll_out(stage_timeout=550)
    assert report is not None
    assert report.is_done


@on_both
async def test_only_the_stages_that_were_asked_for_are_rolled_out() -> None:
    world = World(timings=FAST)
    await Process(world).plans.create(a_spec(stages=3))

    report = await Process(world).roll_out("rollout", stages=["stage-2", "stage-0"])

    assert report is not None
    assert [*outcomes(report)] == ["stage-0", "stage-2"]
    assert world.accepted(START) == {"stage-0": 1, "stage-2": 1}


@on_both
async def test_a_plan_without_stages_is_done() -> None:
    report = await Process(World()).roll_out(a_spec(stages=0))

    assert report is not None
    assert (report.stages, report.is_done) == ((), True)


@on_both
async def test_a_plan_that_differs_from_the_spec_is_told_before_anything_is_started() -> None:
    world = World()
    await Process(world).plans.create(a_spec())
    with pytest.raises(PlanMismatchError) as caught:
        await Process(world).roll_out(whole_fleet())

    assert [difference.split(":")[0] for difference in caught.value.differences] == [
        *("stage stage-0", "stage stage-1")
    ]
    assert world.accepted(START) == {}


@on_both
async def test_a_plan_that_does_not_exist_is_told() -> None:
    with pytest.raises(ResourceNotFoundError):
        await Process(World()).roll_out("rollout")


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_plan_that_is_deleted_on_the_way_ends_the_rollout(loop: Loop, *, again: bool) -> None:
    @guarded
    async def run() -> None:
        world = World(timings=MINUTES)

        async def delete() -> None:
            await anyio.sleep(10)
            world.carry_out("other", "DeleteEdgeDeploymentPlan", NAMES)
            if again:
                world.carry_out("other", CREATE, a_spec().to_wire())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(delete)
            if again:
                with pytest.raises(RolloutStoppedError, match="created again") as stopped:
                    await Process(world).roll_out()
                assert isinstance(stopped.value.__cause__, StageNotFoundError)
            else:
                with pytest.raises(ResourceNotFoundError):
                    await Process(world).roll_out()

        assert world.accepted(START) == {}

    run_virtually(loop, run)


@on_both
async def test_a_plan_that_is_created_again_while_a_stage_bakes_ends_the_rollout() -> None:
    world = World(timings=FAST)

    async def create_again() -> None:
        await anyio.sleep(100)
        world.carry_out("other", "DeleteEdgeDeploymentPlan", NAMES)
        world.carry_out("other", CREATE, a_spec().to_wire())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(create_again)
        with pytest.raises(RolloutStoppedError, match="deleted and created again"):
            await Process(world).roll_out(bake_time=200)

    assert world.accepted(START) == {"stage-0": 1}


@on_both
async def test_a_stage_that_is_deleted_on_the_way_ends_the_rollout() -> None:
    world = World(timings=MINUTES)

    async def delete() -> None:
        await anyio.sleep(10)
        world.carry_out("other", "DeleteEdgeDeploymentStage", {**NAMES, "StageName": "stage-0"})

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(delete)
        with pytest.raises(RolloutStoppedError, match="stage stage-0 of plan rollout is gone"):
            await Process(world).roll_out()


@on_both
async def test_a_rollout_that_is_thrown_away_stops_nothing() -> None:
    world = World()
    rollout: Any = Process(world).plans.roll_out(a_spec(), stage_timeout=60)
    # It is closed where it waits for its first reply.
    rollout.send(None)
    rollout.close()

    assert world.sent == []


@on_both
async def test_a_rollout_that_is_thrown_away_while_a_stage_runs_stops_nothing() -> None:
    world = World()

    def on_change(_: StageChange) -> None:
        if world.accepted(START):
            # What a coroutine gets that is closed.
            raise GeneratorExit

    with pytest.raises(GeneratorExit):
        await Process(world).roll_out(on_change=on_change)

    assert world.accepted(STOP) == {}


@on_both
async def test_polls_come_closer_when_a_stage_is_nearly_done() -> None:
    slow = Timings(starting=30, device_report=60, report_spread=1200)
    rare, close = World(timings=slow), World(timings=slow)
    spec = whole_fleet(stages=1)
    await Process(rare).roll_out(spec, schedule=PollSchedule(interval=50, jitter=0))
    schedule = PollSchedule(interval=50, final_interval=5, jitter=0)
    await Process(close).roll_out(spec, schedule=schedule)

    assert len(close.sent) > len(rare.sent) + 5


@on_both
async def test_a_report_names_a_thousand_failed_devices_at_most() -> None:
    world = World(timings=FAST, devices=1_100, failing=failing(1_100))
    with pytest.raises(RolloutStoppedError, match="and 995 more") as stopped:
        await Process(world).roll_out(whole_fleet(stages=1), max_failed=2_000)

    assert len(stopped.value.report.failed_devices) == 1_000
    assert stopped.value.report.stage("stage-0").stage.devices.failed == 1_100


def test_a_report_finds_its_stages() -> None:
    report = RolloutReport(plan_name="rollout", stages=())

    with pytest.raises(KeyError, match="the rollout of plan rollout has no stage 'canary'"):
        report.stage("canary")
