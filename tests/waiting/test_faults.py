"""Whatever goes wrong, in any order: a wait ends with the truth, or at its deadline."""

from typing import Final

import anyio
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_plans import (
    PollSchedule,
    Stage,
    StageFailedError,
    StageStoppedError,
    WaitError,
    WaitTimeoutError,
)
from virtual_clock import LOOPS, Loop
from waiting.virtual_plans import (
    PATIENT,
    Answer,
    VirtualPlans,
    a_plan,
    broken,
    hang_guarded,
    plans_of,
    reset,
    throttled,
)

BOUND: Final = 30.0
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
                assert found.polls >= 1
                assert found.waited == anyio.current_time() - waiter.joins_at
            if not isinstance(found, WaitTimeoutError):
                assert type(found) is ENDS[end]
                assert anyio.current_time() >= ends_at
            else:
                assert anyio.current_time() >= deadline
                # Nothing that shows the truth was answered (one who is cut short by a
                # deadline of its own gets no answer).
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
