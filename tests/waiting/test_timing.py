"""When a wait looks: at once, then at intervals, at last on the deadline."""

import math
from datetime import timedelta
from itertools import chain, repeat
from typing import Final

import anyio
import pytest
from attrs import frozen
from hypothesis import example, given
from hypothesis import strategies as st

from sagemaker_plans import PollSchedule, WaitTimeoutError
from sagemaker_plans.errors import SageMakerPlansError
from virtual_clock import LOOPS, Loop
from waiting.virtual_plans import (
    A_DAY,
    PATIENT,
    STEADY,
    VirtualPlans,
    a_plan,
    broken,
    hang_guarded,
    plans_of,
    reset,
    throttled,
    virtually,
)


async def times_of(
    gateway: VirtualPlans, *, within: float, polling: PollSchedule = STEADY
) -> list[float]:
    """Wait in vain, and give the times of the calls."""
    with pytest.raises(WaitTimeoutError):
        await plans_of(gateway, polling=polling).wait_until_deployed("rollout", timeout=within)
    return gateway.times


@virtually
async def test_the_first_look_is_immediate_and_the_last_on_the_deadline() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))

    assert await times_of(gateway, within=50) == [0, 15, 30, 45, 50]
    assert anyio.current_time() == 50


@virtually
async def test_a_look_that_is_due_on_the_deadline_is_made_once() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))

    assert await times_of(gateway, within=30) == [0, 15, 30]


@virtually
async def test_what_happens_by_the_deadline_is_seen() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (20, a_plan("DEPLOYED")))

    plan = await plans_of(gateway).wait_until_deployed("rollout", timeout=20)

    assert plan.is_finished
    assert gateway.times == [0, 15, 20]


@virtually
async def test_without_any_time_there_is_one_look() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))

    assert await times_of(gateway, within=0) == [0]

    gateway.becomes(a_plan("DEPLOYED"))
    assert (await plans_of(gateway).wait_until_deployed("rollout", timeout=0)).is_finished


@virtually
async def test_without_a_timeout_a_wait_never_ends_by_itself() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
    plans = plans_of(gateway, polling=PollSchedule(interval=3600))

    with anyio.move_on_after(A_DAY / 2) as scope:
        await plans.wait_until_deployed("rollout", timeout=None)

    assert scope.cancelled_caught
    assert anyio.current_time() == A_DAY / 2


@virtually
async def test_every_duration_may_be_a_timedelta() -> None:
    gateway = VirtualPlans.of((0, a_plan("READYTODEPLOY")))
    plans = plans_of(gateway)
    minute = timedelta(minutes=1)
    schedule = PollSchedule(interval=timedelta(seconds=40), jitter=0)

    with pytest.raises(WaitTimeoutError):
        await plans.wait_until_stage_deployed(
            "rollout", "canary", timeout=minute, start_grace=2 * minute, schedule=schedule
        )
    with pytest.raises(WaitTimeoutError):
        await plans.wait_until_deployed("rollout", timeout=minute, schedule=schedule)
    with pytest.raises(WaitTimeoutError):
        async for _ in plans.watch("rollout", timeout=minute, schedule=schedule):
            pass

    assert gateway.times == [0, 40, 60, 60, 100, 120, 120, 160, 180]


@virtually
async def test_a_schedule_of_its_own_wins_over_the_clients() -> None:
    gateway = VirtualPlans.of((0, a_plan("CREATING")))
    plans = plans_of(gateway)

    with pytest.raises(WaitTimeoutError):
        await plans.wait_until_stage_ready(
            "rollout", "canary", timeout=20, schedule=PollSchedule(interval=10, jitter=0)
        )

    assert gateway.times == [0, 10, 20]


@virtually
async def test_failures_in_a_row_double_the_pause_up_to_its_bound_and_a_success_resets_it() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (1, broken()), (300, a_plan("INPROGRESS")))

    times = await times_of(gateway, within=400)

    # 15 after the success, then 30, 60 and no more; 15 again from 315 on.
    assert times == [0, 15, 45, 105, 165, 225, 285, 345, 360, 375, 390, 400]


@virtually
async def test_a_server_that_asks_for_a_longer_pause_gets_it() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
    gateway.strike(1, throttled(retry_after=50))
    gateway.strike(2, broken(retry_after=5))

    # The second asks for less than the pause after a failure has.
    assert await times_of(gateway, within=200) == [0, 50, 110, 125, 140, 155, 170, 185, 200]


@virtually
async def test_a_server_that_asks_for_hours_gets_the_longest_pause() -> None:
    gateway = VirtualPlans.of((0, throttled(retry_after=7200)))

    # After its deadline it has a minute, of which the server gets a quarter each time.
    assert await times_of(gateway, within=130) == [0, 60, 120, 130, 145, 160, 175]


@virtually
async def test_an_interval_longer_than_the_usual_bound_is_kept() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("INPROGRESS")), (1, broken()), (7300, a_plan("INPROGRESS"))
    )
    hourly = PollSchedule(interval=timedelta(hours=1), jitter=0)

    assert await times_of(gateway, within=7300, polling=hourly) == [0, 3600, 7200, 7300]


@virtually
async def test_a_look_that_hangs_counts_as_failed_when_its_time_is_up() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (200, a_plan("DEPLOYED")))
    gateway.strike(2, latency=1e9)

    await plans_of(gateway).wait_until_deployed("rollout", timeout=300)

    # At 15 for 60 seconds; then twice the interval.
    assert gateway.times == [0, 15, 105, 120, 135, 150, 165, 180, 195, 210]


@virtually
async def test_a_slow_on_poll_does_not_cost_the_look_on_the_deadline() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (20, a_plan("DEPLOYED")))

    async def slow(_: object) -> None:
        await anyio.sleep(20)

    plan = await plans_of(gateway).wait_until_deployed("rollout", timeout=20, on_poll=slow)

    assert plan.is_finished
    assert gateway.times == [0, 20]


@virtually
async def test_a_very_slow_on_poll_does_not_cost_the_last_look_either() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (20, a_plan("DEPLOYED")))
    gateway.strike(2, latency=30)

    async def slow(_: object) -> None:
        await anyio.sleep(500)

    plan = await plans_of(gateway).wait_until_deployed("rollout", timeout=20, on_poll=slow)

    assert plan.is_finished
    assert gateway.times == [0, 500]


@virtually
async def test_an_hour_of_polling_makes_no_more_looks_than_it_should() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))

    assert await times_of(gateway, within=3600) == [15 * number for number in range(241)]


@frozen
class Look:
    """How one call goes."""

    error: SageMakerPlansError | None
    latency: float

    @property
    def asked(self) -> float:
        return getattr(self.error, "retry_after", None) or 0.0


BOUND: Final = 60.0
TINY: Final = 1e-6

looks = st.builds(
    Look,
    st.one_of(
        st.none(),
        st.builds(throttled, st.none() | st.floats(0, 1000)),
        st.builds(broken, st.none() | st.floats(0, 1000)),
        st.builds(reset),
    ),
    st.sampled_from([0.0, 0.5, 20.0, 59.0, 1000.0]),
)


def a_schedule(interval: float, factor: float, jitter: float) -> PollSchedule:
    return PollSchedule(interval=interval, max_interval=interval * factor, jitter=jitter)


schedules = st.builds(a_schedule, st.floats(1, 100), st.floats(1, 20), st.floats(0, 1))


@given(
    sequence=st.lists(looks, max_size=15),
    schedule=schedules,
    timeout=st.floats(0, 1500),
)
# The first look is under way at the deadline, and fails when its time is up.
@example(
    sequence=[Look(None, 1000.0), Look(None, 0.5)], schedule=a_schedule(1, 1, 0), timeout=1e-48
)
@PATIENT
@pytest.mark.parametrize("loop", LOOPS)
def test_every_pause_is_within_the_bounds_of_its_schedule(
    loop: Loop, sequence: list[Look], schedule: PollSchedule, timeout: float
) -> None:
    async def test() -> None:
        gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
        for number, look in enumerate(sequence, 1):
            gateway.strike(number, look.error, latency=look.latency)

        times = await times_of(gateway, within=timeout, polling=schedule)

        assert timeout - TINY <= anyio.current_time() <= timeout + BOUND + TINY
        failures, began, end = 0, 0.0, 0.0
        earliest = latest = 0.0
        for began, look in zip(times, chain(sequence, repeat(Look(None, 0))), strict=False):
            assert earliest - TINY <= began <= latest + TINY
            end = began + min(look.latency, BOUND)
            hung = look.latency >= BOUND
            has_failed = bool(look.error) or hung
            failures = failures + 1 if has_failed else 0
            asked = 0.0 if hung else look.asked
            bounds = schedule.pause_bounds(failures)
            least, most = (max(pause, min(asked, schedule.max_interval)) for pause in bounds)
            if has_failed and began >= timeout:
                # It is made again, soon.
                earliest = end + min(least, asked, BOUND / 4)
                latest = end + min(most, max(BOUND / 8, min(asked, BOUND / 4)))
                continue
            # The last one begins at the deadline, or as soon as it can.
            earliest = min(end + least, max(timeout, end))
            latest = min(end + most, max(timeout, end))
            if began >= timeout:
                earliest = math.inf
        assert began >= timeout or end >= timeout + BOUND - TINY or failures

    hang_guarded(loop, test)
