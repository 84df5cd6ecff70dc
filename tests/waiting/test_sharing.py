"""Any number of waits on a plan cost one request an interval, and no more."""

import gc
from collections import Counter
from itertools import pairwise

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_plans import AccessDeniedError, PollSchedule, Stage, StageFailedError
from virtual_clock import LOOPS, Loop
from waiting.virtual_plans import (
    PATIENT,
    STEADY,
    VirtualPlans,
    a_plan,
    a_stage,
    denied,
    hang_guarded,
    plans_kept,
    plans_of,
    virtually,
)

TEN = tuple(f"stage-{number}" for number in range(10))


def ten_stages(status: str, *, name: str = "rollout") -> dict[str, object]:
    return a_plan(*(a_stage(status, name=stage) for stage in TEN), name=name)


def ten_stages_deployed_at(seconds: float, *, latency: float = 0.0) -> VirtualPlans:
    gateway = VirtualPlans(latency=latency)
    gateway.becomes(ten_stages("INPROGRESS"))
    gateway.becomes(ten_stages("DEPLOYED"), since=seconds)
    return gateway


@virtually
async def test_ten_waits_on_ten_stages_cost_one_request_an_interval() -> None:
    gateway = ten_stages_deployed_at(100)
    plans = plans_of(gateway)
    deployed: list[Stage] = []

    async def wait(stage: str) -> None:
        deployed.append(await plans.wait_until_stage_deployed("rollout", stage, timeout=3600))

    async with anyio.create_task_group() as tasks:
        for stage in TEN:
            tasks.start_soon(wait, stage)

    assert gateway.times == [0, 15, 30, 45, 60, 75, 90, 105]
    assert sorted(stage.name for stage in deployed) == [*TEN]


@virtually
async def test_jitter_does_not_make_ten_waits_ask_more_often_than_one() -> None:
    gateway = ten_stages_deployed_at(3600)
    plans = plans_of(gateway, polling=PollSchedule(interval=15, jitter=1))

    async with anyio.create_task_group() as tasks:
        for stage in TEN:
            tasks.start_soon(
                lambda name: plans.wait_until_stage_deployed("rollout", name, timeout=None), stage
            )

    gaps = [later - earlier for earlier, later in pairwise(gateway.times)]
    assert min(gaps) >= 15
    assert gateway.most_under_way == 1


@virtually
async def test_waits_that_join_later_cost_one_request_more_and_then_share() -> None:
    gateway = ten_stages_deployed_at(40)
    plans = plans_of(gateway)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: plans.wait_until_stage_deployed("rollout", TEN[0], timeout=60))
        await anyio.sleep(5)
        for stage in TEN[1:]:
            tasks.start_soon(
                lambda name: plans.wait_until_stage_deployed("rollout", name, timeout=60), stage
            )

    assert gateway.times == [0, 5, 20, 35, 50]


@virtually
async def test_waits_that_join_during_a_slow_reading_share_the_next_one() -> None:
    gateway = ten_stages_deployed_at(0, latency=10)
    plans = plans_of(gateway)

    async with anyio.create_task_group() as tasks:
        for stage in TEN:
            tasks.start_soon(
                lambda name: plans.wait_until_stage_deployed("rollout", name, timeout=60), stage
            )
            await anyio.sleep(1)

    assert gateway.times == [0, 10]


@virtually
async def test_a_reading_under_way_is_too_old_for_one_who_joins_even_at_the_same_time() -> None:
    gateway = VirtualPlans.of((0, a_plan("FAILED")))
    gateway.strike(1, latency=1)
    plans = plans_of(gateway)
    ends: list[object] = []

    async def wait() -> None:
        try:
            ends.append(await plans.wait_until_stage_deployed("rollout", "canary", timeout=60))
        except StageFailedError as error:
            ends.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        for _ in range(9):
            await anyio.lowlevel.checkpoint()
        # The stage is started anew while the other one's reply is on its way.
        assert (gateway.under_way, anyio.current_time()) == (1, 0)
        gateway.becomes(a_plan("DEPLOYED"))
        tasks.start_soon(wait)

    assert isinstance(ends[0], StageFailedError)
    assert isinstance(ends[1], Stage)
    assert gateway.times == [0, 1]


@virtually
async def test_a_reading_of_before_is_too_old_for_a_wait_that_follows() -> None:
    gateway = VirtualPlans.of((0, a_plan("FAILED")))
    plans = plans_of(gateway)
    with pytest.raises(StageFailedError):
        await plans.wait_until_stage_deployed("rollout", "canary", timeout=60)
    gateway.becomes(a_plan("DEPLOYED"))

    await plans.wait_until_stage_deployed("rollout", "canary", timeout=60)

    assert gateway.times == [0, 0]


@virtually
async def test_waits_on_different_plans_do_not_share() -> None:
    gateway = VirtualPlans()
    for name in ("one", "two"):
        gateway.becomes(ten_stages("INPROGRESS", name=name), name=name)
        gateway.becomes(ten_stages("DEPLOYED", name=name), name=name, since=20)
    plans = plans_of(gateway)

    async with anyio.create_task_group() as tasks:
        for name in ("one", "two"):
            for stage in TEN:
                tasks.start_soon(
                    lambda plan, stage: plans.wait_until_stage_deployed(plan, stage, timeout=60),
                    name,
                    stage,
                )

    assert Counter(call.plan_name for call in gateway.calls) == {"one": 3, "two": 3}


@virtually
async def test_two_clients_do_not_share() -> None:
    gateway = ten_stages_deployed_at(0)
    for plans in (plans_of(gateway), plans_of(gateway)):
        await plans.wait_until_deployed("rollout", timeout=60)

    assert gateway.times == [0, 0]


@virtually
async def test_all_kinds_of_waits_share() -> None:
    gateway = ten_stages_deployed_at(40)
    plans = plans_of(gateway)

    async def watch() -> None:
        async for _ in plans.watch("rollout", timeout=60):
            pass

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        tasks.start_soon(lambda: plans.wait_until_deployed("rollout", timeout=60))
        tasks.start_soon(lambda: plans.wait_until_stage_ready("rollout", TEN[0], timeout=60))
        tasks.start_soon(lambda: plans.wait_until_stage_deployed("rollout", TEN[1], timeout=60))

    assert gateway.times == [0, 15, 30, 45]


@virtually
async def test_the_more_frequent_schedule_leads_until_its_wait_ends() -> None:
    gateway = ten_stages_deployed_at(200)
    plans = plans_of(gateway, polling=PollSchedule(interval=60, jitter=0))
    seen: list[float] = []

    async def impatient() -> None:
        with anyio.move_on_after(25):
            often = PollSchedule(interval=10, jitter=0)
            await plans.wait_until_deployed("rollout", timeout=60, schedule=often)

    async def patient() -> None:
        await plans.wait_until_deployed(
            "rollout", timeout=None, on_poll=lambda _: seen.append(anyio.current_time())
        )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(patient)
        tasks.start_soon(impatient)

    # Who looks seldom sees what others looked at.
    assert seen == gateway.times == [0, 10, 20, 80, 140, 200]


@virtually
async def test_a_reading_that_takes_longer_than_the_interval_is_followed_by_a_pause() -> None:
    gateway = ten_stages_deployed_at(100, latency=40)
    plans = plans_of(gateway)

    async with anyio.create_task_group() as tasks:
        for stage in TEN:
            tasks.start_soon(
                lambda name: plans.wait_until_stage_deployed("rollout", name, timeout=None), stage
            )

    assert gateway.times == [0, 55, 110]
    assert gateway.most_under_way == 1


@virtually
async def test_one_who_is_slow_to_handle_a_reading_holds_nobody_up() -> None:
    gateway = ten_stages_deployed_at(100)
    plans = plans_of(gateway)
    seen: list[float] = []

    async def slow(_: Stage) -> None:
        seen.append(anyio.current_time())
        await anyio.sleep(40)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: plans.wait_until_deployed("rollout", timeout=None))
        tasks.start_soon(
            lambda: plans.wait_until_stage_deployed("rollout", TEN[0], timeout=None, on_poll=slow)
        )

    assert gateway.times == [0, 15, 30, 45, 60, 75, 90, 105]
    assert seen == [0, 40, 80, 120]


@virtually
async def test_each_wait_raises_an_error_of_its_own() -> None:
    gateway = VirtualPlans.of((0, ten_stages("INPROGRESS")), (10, denied()))
    plans = plans_of(gateway)
    errors: list[AccessDeniedError] = []

    async def wait(stage: str) -> None:
        with pytest.raises(AccessDeniedError) as caught:
            await plans.wait_until_stage_deployed("rollout", stage, timeout=60)
        errors.append(caught.value)

    async with anyio.create_task_group() as tasks:
        for stage in TEN:
            tasks.start_soon(wait, stage)

    assert len({id(error) for error in errors}) == 10
    assert [error.__notes__ for error in errors] == [
        ["while waiting on plan rollout (2 polls in 15.0 s)"]
    ] * 10
    assert gateway.times == [0, 15]


@virtually
async def test_nothing_is_kept_of_plans_that_nobody_waits_for() -> None:
    gateway = VirtualPlans()
    names = [f"plan-{number}" for number in range(20)]
    for name in names:
        gateway.becomes(a_plan("INPROGRESS", name=name), name=name)
        gateway.becomes(denied(), since=20, name=name)
    plans = plans_of(gateway)

    async def wait(name: str) -> None:
        with pytest.raises(AccessDeniedError):
            await plans.wait_until_deployed(name, timeout=60)

    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(wait, name)
        await anyio.sleep(1)
        assert plans_kept(plans) == 20

    gc.collect()
    assert plans_kept(plans) == 0


@given(
    joins=st.lists(
        st.tuples(st.integers(0, 100), st.integers(3, 40), st.integers(0, 120)),
        min_size=1,
        max_size=8,
    ),
    latency=st.sampled_from([0, 3, 20]),
)
@PATIENT
@pytest.mark.parametrize("loop", LOOPS)
def test_whoever_joins_and_leaves_when_there_is_one_reading_at_a_time_and_none_too_many(
    loop: Loop, joins: list[tuple[int, int, int]], latency: int
) -> None:
    """Each wait joins at a time, has an interval, and is cancelled after a time."""

    async def test() -> None:
        gateway = VirtualPlans(latency=latency)
        gateway.becomes(a_plan("INPROGRESS"))
        plans = plans_of(gateway)

        async def wait(joins_at: int, interval: int, stays: int) -> None:
            await anyio.sleep(joins_at)
            with anyio.move_on_after(stays):
                await plans.wait_until_deployed(
                    "rollout",
                    timeout=None,
                    schedule=PollSchedule(interval=interval, max_interval=60, jitter=0),
                )

        async with anyio.create_task_group() as tasks:
            for each in joins:
                tasks.start_soon(wait, *each)

        assert gateway.most_under_way <= 1
        assert gateway.under_way == 0
        present = sum(stays / interval for _, interval, stays in joins)
        # One a joining, one a leader who leaves, and at most each one's own looks.
        assert len(gateway.calls) <= 2 * len(joins) + present
        seconds = max(at + stays for at, _, stays in joins)
        shortest = min(interval for _, interval, _ in joins)
        assert len(gateway.calls) <= 2 * len(joins) + 1 + seconds / (shortest + latency)

    hang_guarded(loop, test)


def test_the_steady_schedule_of_these_tests_has_no_random_part() -> None:
    assert STEADY.pause_bounds(0) == (15, 15)
