"""Whatever goes wrong, in any order: a wait ends with the truth, or at its deadline."""

from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_plans import (
    AccessDeniedError,
    PollSchedule,
    SageMakerPlansError,
    Stage,
    StageFailedError,
    StageNotStartedError,
    StageStoppedError,
    WaitError,
    WaitTimeoutError,
)
from sagemaker_plans._edge.plans import EdgeDeploymentPlans
from virtual_clock import LOOPS, Loop, freeze
from waiting.virtual_plans import (
    PATIENT,
    Answer,
    CommandedPlans,
    VirtualPlans,
    a_plan,
    broken,
    denied,
    hang_guarded,
    plans_of,
    reset,
    throttled,
    virtually,
)

BOUND: Final = 30.0
EPSILON: Final = 1.0
HANGS: Final = 1e9

FAULTS: Final[dict[str, Answer]] = {
    "throttle": throttled(),
    "throttle that asks for 5 s": throttled(retry_after=5),
    "throttle that asks for an hour": throttled(retry_after=3600),
    "500": broken(),
    "503 that asks for 100 s": broken(retry_after=100),
    "reset": reset(),
    "refused": reset(request_sent=False),
    "no object": {"unknown": "members"},
    "no stages": {**a_plan("DEPLOYED"), "Stages": None},
    "no status": {**a_plan(), "Stages": [{"StageName": "canary"}]},
}


@frozen
class Call:
    """How a call goes."""

    fault: str | None
    latency: float


calls = st.builds(
    Call,
    st.none() | st.sampled_from(sorted(FAULTS)),
    st.sampled_from([0.0, 0.0, 1.0, 14.0, 29.0, HANGS]),
)


@frozen
class Waiter:
    """One who joins, and has so much time."""

    joins_at: float
    timeout: float


waiters = st.builds(
    Waiter,
    st.integers(0, 100).map(float),
    st.sampled_from([0.0, 1.0, 10.0, 37.0, 100.0, 300.0]),
)

ENDS: Final = {"DEPLOYED": Stage, "FAILED": StageFailedError, "STOPPED": StageStoppedError}


@given(
    sequence=st.lists(calls, max_size=25),
    waiting=st.lists(waiters, min_size=1, max_size=5),
    end=st.sampled_from(sorted(ENDS)),
    ends_at=st.integers(0, 400),
)
@PATIENT
@pytest.mark.parametrize("loop", LOOPS)
def test_every_wait_ends_with_the_truth_or_at_its_deadline(
    loop: Loop, sequence: list[Call], waiting: list[Waiter], end: str, ends_at: int
) -> None:
    async def test() -> None:
        gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (ends_at, a_plan(end)))
        for number, call in enumerate(sequence, 1):
            fault = FAULTS[call.fault] if call.fault else None
            gateway.strike(number, fault, latency=call.latency)
        plans = plans_of(
            gateway,
            polling=PollSchedule(interval=10, max_interval=40),
            request_timeout=BOUND,
        )

        async def wait(waiter: Waiter) -> None:
            await anyio.sleep(waiter.joins_at)
            deadline = waiter.joins_at + waiter.timeout
            found: Stage | WaitError
            try:
                found = await plans.wait_until_stage_deployed(
                    "rollout", "canary", timeout=waiter.timeout
                )
            except WaitError as error:
                found = error
            assert anyio.current_time() <= deadline + BOUND
            if isinstance(found, WaitError):
                assert found.polls >= 0
                assert found.waited == anyio.current_time() - waiter.joins_at
            if not isinstance(found, WaitTimeoutError):
                assert type(found) is ENDS[end]
                assert anyio.current_time() >= ends_at
            else:
                assert anyio.current_time() >= deadline
                # It has looked at its deadline, or it has tried for as long as it may.
                looked = [
                    number
                    for number in gateway.answered
                    if gateway.calls[number - 1].began >= deadline
                ]
                assert looked or anyio.current_time() == deadline + BOUND
                # Nothing that shows the truth was answered.
                for number, answered_at in gateway.answered.items():
                    began = gateway.calls[number - 1].began
                    shows = number > len(sequence) or sequence[number - 1].fault is None
                    counts = began >= ends_at and began > waiter.joins_at
                    assert not (shows and counts and answered_at < anyio.current_time())

        async with anyio.create_task_group() as tasks:
            for waiter in waiting:
                tasks.start_soon(wait, waiter)

        assert gateway.most_under_way == 1
        assert gateway.under_way == 0
        # Each one's first and last, and one an interval; those cut short by a deadline.
        longest = max(waiter.joins_at + waiter.timeout for waiter in waiting) + BOUND
        assert len(gateway.calls) <= 3 * len(waiting) + longest / 10

    hang_guarded(loop, test)


def an_outage(*, until: float, error: Answer) -> VirtualPlans:
    return VirtualPlans.of((0, a_plan("INPROGRESS")), (10, error), (until, a_plan("DEPLOYED")))


@pytest.mark.parametrize("error", [throttled(), broken(), reset()], ids=str)
@virtually
async def test_an_outage_is_logged_once_when_it_begins_and_once_when_it_ends(
    error: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "sagemaker_plans")
    plans = plans_of(an_outage(until=600, error=error))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(lambda: plans.wait_until_deployed("rollout", timeout=None))

    # At 15, 45, 105 and so on, up to 585.
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f"plan rollout: polls fail, waits go on: {error}"),
        ("INFO", "plan rollout: polls work again after 630.0 s, in which 11 failed"),
    ]


@virtually
async def test_each_outage_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "sagemaker_plans")
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (100, a_plan("DEPLOYED")))
    gateway.strike(2, throttled())
    gateway.strike(4, throttled())

    await plans_of(gateway).wait_until_deployed("rollout", timeout=None)

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 2


@virtually
async def test_what_ends_a_wait_is_no_outage(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "sagemaker_plans")
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (10, denied()))

    with pytest.raises(AccessDeniedError):
        await plans_of(gateway).wait_until_deployed("rollout", timeout=None)

    assert caplog.records == []


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("kind", ["stage deployed", "stage ready", "deployed"])
@virtually
async def test_each_wait_is_told_of_each_poll_that_fails(kind: str, is_async: bool) -> None:
    gateway = VirtualPlans.of((0, throttled()), (10, reset()), (80, denied()))
    plans = plans_of(gateway)
    told: list[tuple[float, str]] = []

    def note(error: SageMakerPlansError) -> None:
        told.append((anyio.current_time(), type(error).__name__))

    async def note_later(error: SageMakerPlansError) -> None:
        await anyio.sleep(1)
        note(error)

    hook = note_later if is_async else note

    waits: dict[str, Callable[[], Awaitable[object]]] = {
        "stage deployed": lambda: plans.wait_until_stage_deployed(
            "rollout", "canary", timeout=None, on_poll_error=hook
        ),
        "stage ready": lambda: plans.wait_until_stage_ready(
            "rollout", "canary", timeout=None, on_poll_error=hook
        ),
        "deployed": lambda: plans.wait_until_deployed("rollout", timeout=None, on_poll_error=hook),
    }

    async def wait() -> None:
        with pytest.raises(AccessDeniedError):
            await waits[kind]()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        tasks.start_soon(wait)

    late = int(is_async)
    assert told == [
        (time + late, name)
        for time, name in (
            (0, "ThrottledError"),
            (30, "ConnectionFailedError"),
            (90, "AccessDeniedError"),
        )
        for _ in range(2)
    ]
    assert gateway.times == [0, 30, 90]


@virtually
async def test_an_error_of_on_poll_error_ends_the_wait_as_it_is() -> None:
    def fail(_: SageMakerPlansError) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await plans_of(VirtualPlans.of((0, throttled()))).wait_until_deployed(
            "rollout", timeout=60, on_poll_error=fail
        )


@virtually
async def test_a_slow_function_misses_polls_but_not_how_they_end() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (200, denied()))
    gateway.strike(2, throttled())
    gateway.strike(5, reset())
    plans = plans_of(gateway)
    told: list[tuple[float, str]] = []

    async def slow(error: SageMakerPlansError) -> None:
        told.append((anyio.current_time(), type(error).__name__))
        await anyio.sleep(40)

    async def other() -> None:
        with pytest.raises(AccessDeniedError):
            await plans.wait_until_deployed("rollout", timeout=None)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        with pytest.raises(AccessDeniedError):
            await plans.wait_until_deployed("rollout", timeout=None, on_poll_error=slow)

    # At 55 it goes on, when 45 was good and changed nothing; 75 fails, 105 and so on are good.
    assert gateway.times == [0, 15, 45, 60, 75, 105, 120, 135, 150, 165, 180, 195, 210]
    assert told == [
        (15, "ThrottledError"),
        (75, "ConnectionFailedError"),
        (210, "AccessDeniedError"),
    ]


@virtually
async def test_one_who_was_busy_when_all_polls_ended_is_told_why() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (10, throttled()), (20, denied()))
    plans = plans_of(gateway)

    async def busy(_: object) -> None:
        await anyio.sleep(100)

    async def other() -> None:
        with pytest.raises(AccessDeniedError):
            await plans.wait_until_deployed("rollout", timeout=None)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        with pytest.raises(AccessDeniedError):
            await plans.wait_until_deployed("rollout", timeout=None, on_poll=busy)

    assert anyio.current_time() == 100
    assert gateway.times == [0, 15, 45]


@virtually
async def test_one_who_was_busy_when_a_poll_failed_waits_for_the_next_one() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("INPROGRESS")), (10, throttled()), (20, a_plan("DEPLOYED"))
    )
    plans = plans_of(gateway)
    seen: list[float] = []

    async def busy(_: object) -> None:
        seen.append(anyio.current_time())
        await anyio.sleep(20)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: plans.wait_until_deployed("rollout", timeout=None))
        tasks.start_soon(lambda: plans.wait_until_deployed("rollout", timeout=None, on_poll=busy))

    assert seen == gateway.times[::2] == [0, 45]
    assert len(gateway.calls) == 3


@frozen
class Visitor:
    """One who joins, has so much time, may be cancelled, and may be slow or curious."""

    joins_at: float
    timeout: float | None
    stays: float
    slow: float | None
    start_grace: float | None


visitors = st.builds(
    Visitor,
    st.floats(0, 60),
    st.none() | st.sampled_from([0.0, 0.5, 20.0, 90.0]),
    st.sampled_from([3.0, 50.0, 1e4, 1e4, 1e4]),
    st.sampled_from([None, None, 0.0, 7.0]),
    st.sampled_from([None, None, 0.0, 15.0]),
)


@frozen
class Happening:
    """What goes on around the visitors."""

    sequence: list[Call]
    freezes: list[tuple[float, float]]
    starts: list[float]
    ends_at: float

    def shows_the_truth(self, number: int, asked_at: float) -> bool:
        """Tell whether the nth call shows that the stage is deployed."""
        shows = number > len(self.sequence) or self.sequence[number - 1].fault is None
        return shows and asked_at >= self.ends_at


happenings = st.builds(
    Happening,
    st.lists(calls, max_size=20),
    st.lists(st.tuples(st.floats(0, 150), st.floats(1, 200)), max_size=2),
    st.lists(st.floats(0, 150), max_size=2),
    st.floats(0, 200),
)


async def visit(
    visitor: Visitor, gateway: CommandedPlans, plans: EdgeDeploymentPlans, around: Happening
) -> None:
    """Wait as this one does, and check that the wait ends as it should."""
    await anyio.sleep(visitor.joins_at)
    began, slowness, ended = anyio.current_time(), 0.0, ""

    async def look(_: Stage) -> None:
        nonlocal slowness
        slept = anyio.current_time()
        await anyio.sleep(visitor.slow or 0.0)
        slowness += anyio.current_time() - slept

    with anyio.move_on_after(visitor.stays) as scope:
        try:
            await plans.wait_until_stage_deployed(
                "rollout",
                "canary",
                timeout=visitor.timeout,
                on_poll=None if visitor.slow is None else look,
                start_grace=visitor.start_grace,
            )
        except (StageNotStartedError, WaitTimeoutError) as error:
            ended = type(error).__name__
    now = anyio.current_time()
    frozen = sum(seconds for _, seconds in around.freezes)
    if scope.cancelled_caught:
        assert now <= began + visitor.stays + frozen + EPSILON
    if ended == "StageNotStartedError":
        assert now >= began + (visitor.start_grace or 0.0)
    if visitor.timeout is not None:
        # Neither a freeze nor its own slowness counts, and after a freeze it looks once more.
        extra = slowness + frozen + BOUND * len(around.freezes) + EPSILON
        assert now <= began + visitor.timeout + BOUND + extra
    deadline = began + (visitor.timeout or 0.0)
    if ended == "WaitTimeoutError":
        assert now >= deadline
    if ended == "WaitTimeoutError" and not visitor.slow:
        # One whose own function is slow may miss what others read.
        for number, answered_at in gateway.answered.items():
            asked_at = gateway.calls[number - 1].began
            seen = asked_at >= deadline and answered_at < now
            # One that was under way during a command is made again.
            void = any(asked_at <= time <= answered_at for time in gateway.commanded)
            assert void or not (seen and around.shows_the_truth(number, asked_at))


@given(visiting=st.lists(visitors, min_size=1, max_size=8), around=happenings)
@PATIENT
@pytest.mark.parametrize("loop", LOOPS)
def test_whoever_comes_and_goes_each_wait_ends_in_time_and_with_the_truth(
    loop: Loop, visiting: list[Visitor], around: Happening
) -> None:
    """Joins, cancellations, failures, slow functions, freezes and commands, in any order."""

    async def test() -> None:
        gateway = CommandedPlans.of(
            (0, a_plan("READYTODEPLOY")), (around.ends_at, a_plan("DEPLOYED"))
        )
        for number, call in enumerate(around.sequence, 1):
            fault = FAULTS[call.fault] if call.fault else None
            gateway.strike(number, fault, latency=call.latency)
        schedule = PollSchedule(interval=10, max_interval=40)
        plans = plans_of(gateway, polling=schedule, request_timeout=BOUND)

        async def freeze_at(time: float, seconds: float) -> None:
            await anyio.sleep(time)
            freeze(seconds)

        async def start_at(time: float) -> None:
            await anyio.sleep(time)
            await plans.start_stage("rollout", "canary")

        async with anyio.create_task_group() as tasks:
            for visitor in visiting:
                tasks.start_soon(visit, visitor, gateway, plans, around)
            for each in around.freezes:
                tasks.start_soon(freeze_at, *each)
            for time in around.starts:
                tasks.start_soon(start_at, time)

        assert gateway.most_under_way <= 1
        assert gateway.under_way == 0
        regular = anyio.current_time() / (schedule.interval / (1 + schedule.jitter))
        # Each one's first look, its grace and its deadline; those made again after a command.
        most = regular + 3 * len(visiting) + len(around.starts) + 2
        # At most 20 looks that fail fit into the time after a deadline.
        assert len(gateway.calls) <= most + 20 * len(visiting)

    hang_guarded(loop, test)
