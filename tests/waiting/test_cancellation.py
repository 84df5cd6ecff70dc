"""Cancellation and deadlines of others: they end what they are meant for, and nothing else."""

import asyncio
import operator
import sys
from collections.abc import Mapping

import anyio
import anyio.lowlevel
import pytest
import trio

from sagemaker_plans import EdgeDeploymentPlan, StageFailedError, WaitTimeoutError
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from virtual_clock import run_virtually
from waiting.virtual_plans import VirtualPlans, a_plan, broken, plans_of, virtually

FOREVER = 1e9


@virtually
async def test_the_first_to_wait_may_be_cancelled_in_a_look_that_goes_on_for_the_others() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (20, a_plan("DEPLOYED")))
    gateway.strike(1, latency=12)
    plans = plans_of(gateway)
    found: list[EdgeDeploymentPlan] = []

    async def leader() -> None:
        with anyio.move_on_after(10):
            await plans.wait_until_deployed("rollout", timeout=60)

    async def follower() -> None:
        found.append(await plans.wait_until_deployed("rollout", timeout=60))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(leader)
        for _ in range(9):
            tasks.start_soon(follower)

    # One at 0, and one after its reply came at 12.
    assert gateway.times == [0, 27]
    assert len(found) == 9


@virtually
async def test_ten_leaders_cancelled_one_after_the_other_leave_the_last_waiter_the_truth() -> None:
    gateway = VirtualPlans.of((0, a_plan("DEPLOYED")))
    for number in range(1, 11):
        gateway.strike(number, latency=FOREVER)
    plans = plans_of(gateway)
    found: list[EdgeDeploymentPlan] = []

    async def wait(stays: float) -> None:
        with anyio.move_on_after(stays):
            found.append(await plans.wait_until_deployed("rollout", timeout=None))

    async with anyio.create_task_group() as tasks:
        for number in range(1, 11):
            tasks.start_soon(wait, number)
        tasks.start_soon(wait, FOREVER)

    assert len(found) == 1
    # Under trio it is not the first to come who leads, and a leader may survive others.
    assert len(gateway.calls) <= 11
    assert gateway.most_under_way == 1


@virtually
async def test_leaders_and_followers_cancelled_at_the_same_time_leave_the_others_alone() -> None:
    gateway = VirtualPlans.of((0, a_plan("DEPLOYED")))
    gateway.strike(1, latency=FOREVER)
    plans = plans_of(gateway)
    found: list[EdgeDeploymentPlan] = []

    async def wait(stays: float) -> None:
        with anyio.move_on_after(stays):
            found.append(await plans.wait_until_deployed("rollout", timeout=None))

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(wait, 5 if number < 8 else FOREVER)

    assert len(found) == 2
    assert len(gateway.calls) == 2


@virtually
async def test_a_follower_who_is_cancelled_changes_nothing() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (20, a_plan("DEPLOYED")))
    plans = plans_of(gateway)

    async def follower() -> None:
        with anyio.move_on_after(10):
            await plans.wait_until_deployed("rollout", timeout=60)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: plans.wait_until_deployed("rollout", timeout=60))
        tasks.start_soon(follower)

    assert gateway.times == [0, 15, 30]


@pytest.mark.parametrize("latency", [0.0, FOREVER])
@virtually
async def test_an_outer_scope_ends_a_wait_at_once(latency: float) -> None:
    """Be it in a pause or in the middle of a look."""
    gateway = VirtualPlans(latency=latency)
    gateway.becomes(a_plan("INPROGRESS"))
    gateway.strike(1, latency=latency)

    with anyio.move_on_after(20) as scope:
        await plans_of(gateway).wait_until_deployed("rollout", timeout=1000)

    assert scope.cancelled_caught
    assert anyio.current_time() == 20
    assert gateway.under_way == 0


@virtually
async def test_an_outer_scope_ends_one_who_follows_at_once() -> None:
    gateway = VirtualPlans.of((0, a_plan("DEPLOYED")))
    gateway.strike(1, latency=50)
    plans = plans_of(gateway)
    ended: list[float] = []

    async def follower() -> None:
        with anyio.move_on_after(20):
            await plans.wait_until_deployed("rollout", timeout=1000)
        ended.append(anyio.current_time())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: plans.wait_until_deployed("rollout", timeout=1000))
        await anyio.sleep(1)
        tasks.start_soon(follower)

    assert ended == [21]
    # The one who stayed had no need of another look.
    assert gateway.times == [0]


@virtually
async def test_an_outer_deadline_is_not_taken_for_the_waits_own() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))

    with pytest.raises(TimeoutError) as caught, anyio.fail_after(20):
        await plans_of(gateway).wait_until_deployed("rollout", timeout=1000)

    assert type(caught.value) is TimeoutError
    assert anyio.current_time() == 20


@virtually
async def test_an_outer_deadline_at_the_waits_own_ends_it_one_way_or_the_other() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))

    with pytest.raises(TimeoutError), anyio.fail_after(20):
        await plans_of(gateway).wait_until_deployed("rollout", timeout=20)

    assert anyio.current_time() == 20


@virtually
async def test_a_scope_that_is_cancelled_already_lets_nothing_be_sent() -> None:
    gateway = VirtualPlans.of((0, a_plan("DEPLOYED")))

    with anyio.CancelScope() as scope:
        scope.cancel()
        await plans_of(gateway).wait_until_deployed("rollout", timeout=20)

    assert scope.cancelled_caught
    assert gateway.calls == []


def test_asyncios_own_ways_to_cancel_work_too() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (100, a_plan("DEPLOYED")))
    gateway.strike(2, latency=FOREVER)

    async def test() -> None:
        plans = plans_of(gateway)
        leader = asyncio.create_task(plans.wait_until_deployed("rollout", timeout=None))
        follower = asyncio.create_task(plans.wait_until_deployed("rollout", timeout=None))
        await asyncio.sleep(20)
        assert (gateway.under_way, gateway.times) == (1, [0, 15])
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(10):
                await plans.wait_until_deployed("rollout", timeout=None)
        assert type(caught.value) is TimeoutError
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(plans.wait_until_deployed("rollout", timeout=None), 10)
        assert (await follower).is_finished

    run_virtually("asyncio", test)

    assert gateway.most_under_way == 1


@virtually
async def test_a_timeout_error_of_a_call_reaches_the_one_who_looked_as_it_is() -> None:
    gateway = VirtualPlans.of((0, a_plan("DEPLOYED")))
    gateway.strike(1, TimeoutError("a bug below"))
    plans = plans_of(gateway)
    ends: list[object] = []

    async def wait() -> None:
        try:
            ends.append(await plans.wait_until_deployed("rollout", timeout=60))
        except TimeoutError as error:
            ends.append(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(wait)

    errors = [end for end in ends if isinstance(end, TimeoutError)]
    assert [(type(error), str(error)) for error in errors] == [(TimeoutError, "a bug below")]
    # The others looked again, together.
    assert len(ends) == 10
    assert gateway.times == [0, 0]


@virtually
async def test_a_failure_that_is_none_of_ours_ends_each_wait_that_meets_it_and_strands_none() -> (
    None
):
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (15, ZeroDivisionError()))
    plans = plans_of(gateway)
    ended: list[float] = []

    async def wait() -> None:
        with pytest.raises(ZeroDivisionError):
            await plans.wait_until_deployed("rollout", timeout=60)
        ended.append(anyio.current_time())

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(wait)

    assert ended == [15] * 10
    assert gateway.times == [0] + [15] * 10


@pytest.mark.parametrize("is_async", [False, True])
@virtually
async def test_a_timeout_error_of_on_poll_is_not_taken_for_the_waits_own(is_async: bool) -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))

    def fail(_: object) -> None:
        raise TimeoutError("mine")

    async def fail_later(_: object) -> None:
        with anyio.fail_after(1):
            await anyio.sleep(2)

    with pytest.raises(TimeoutError) as caught:
        await plans_of(gateway).wait_until_deployed(
            "rollout", timeout=60, on_poll=fail_later if is_async else fail
        )

    assert type(caught.value) is TimeoutError
    assert anyio.current_time() == int(is_async)


@virtually
async def test_a_failed_stage_ends_the_siblings_of_its_wait() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (20, a_plan("FAILED")))
    plans = plans_of(gateway)

    async def both() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep, FOREVER)
            tasks.start_soon(
                lambda: plans.wait_until_stage_deployed("rollout", "canary", timeout=None)
            )

    with pytest.raises(ExceptionGroup) as caught:
        await both()

    assert [type(error) for error in caught.value.exceptions] == [StageFailedError]
    assert anyio.current_time() == 30


@virtually
async def test_a_failed_sibling_ends_a_wait_at_once() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
    gateway.strike(2, latency=FOREVER)
    plans = plans_of(gateway)

    async def fail() -> None:
        await anyio.sleep(20)
        raise ZeroDivisionError

    async def both() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail)
            tasks.start_soon(lambda: plans.wait_until_deployed("rollout", timeout=None))

    with pytest.raises(ExceptionGroup) as caught:
        await both()

    assert [type(error) for error in caught.value.exceptions] == [ZeroDivisionError]
    assert anyio.current_time() == 20


@virtually
async def test_after_its_deadline_a_wait_gives_another_ones_slow_look_its_time_and_no_more() -> (
    None
):
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
    plans = plans_of(gateway, request_timeout=60)
    gateway.strike(2, latency=50)
    gateway.strike(3, latency=FOREVER)
    errors: list[WaitTimeoutError] = []

    async def wait() -> None:
        with pytest.raises(WaitTimeoutError) as caught:
            await plans.wait_until_deployed("rollout", timeout=20)
        errors.append(caught.value)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(wait)

    # The second one began before the deadline, so it is not the last word.
    assert gateway.times == [0, 15, 65]
    assert [(error.waited, error.polls, error.reading_age) for error in errors] == [(80, 3, 65)] * 3


@virtually
async def test_one_who_joins_during_a_look_that_hangs_ends_in_time() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
    for number in (1, 2):
        gateway.strike(number, latency=FOREVER)
    plans = plans_of(gateway, request_timeout=60)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: plans.wait_until_deployed("rollout", timeout=None))
        await anyio.sleep(1)
        with pytest.raises(WaitTimeoutError, match="no whole reading within 60 s") as caught:
            await plans.wait_until_deployed("rollout", timeout=5)
        error = caught.value
        assert anyio.current_time() == 1 + 5 + 60
        assert (error.last_seen, error.polls, error.waited) == (None, 1, 65)
        tasks.cancel_scope.cancel()


@virtually
async def test_leaders_cancelled_in_a_row_do_not_hold_a_wait_up_past_its_time() -> None:
    gateway = VirtualPlans(latency=FOREVER)
    gateway.becomes(a_plan("INPROGRESS"))
    for number in range(1, 100):
        gateway.strike(number, latency=FOREVER)
    plans = plans_of(gateway, request_timeout=60)
    ended: list[float] = []

    async def wait(timeout: float) -> None:  # noqa: ASYNC109  # of the wait
        with pytest.raises(WaitTimeoutError):
            await plans.wait_until_deployed("rollout", timeout=timeout)
        ended.append(anyio.current_time())

    async def leader(stays: float) -> None:
        with anyio.move_on_after(stays):
            await plans.wait_until_deployed("rollout", timeout=None)

    async with anyio.create_task_group() as tasks:
        for stays in range(10, 100, 10):
            tasks.start_soon(leader, stays)
        await anyio.sleep(1)
        for timeout in (0, 9, 30):
            tasks.start_soon(wait, timeout)

    # Whose turn it is to look is up to the loop: a look that lasts its whole time may end
    # before the wait's own time is up.
    latest = [1 + 0 + 60, 1 + 9 + 60, 1 + 30 + 60]
    assert all(map(operator.le, ended, latest)), ended
    assert gateway.most_under_way == 1


@virtually
async def test_a_wait_that_gives_up_on_a_look_leaves_it_to_the_others() -> None:
    gateway = VirtualPlans.of((0, broken()), (90, a_plan("DEPLOYED")))
    for number in (1, 2):
        gateway.strike(number, latency=FOREVER)
    plans = plans_of(gateway, request_timeout=60)
    found: list[EdgeDeploymentPlan] = []

    async def patient() -> None:
        found.append(await plans.wait_until_deployed("rollout", timeout=None))

    async def impatient() -> None:
        with pytest.raises(WaitTimeoutError):
            await plans.wait_until_deployed("rollout", timeout=15)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(patient)
        await anyio.sleep(1)
        tasks.start_soon(impatient)

    assert len(found) == 1
    assert gateway.most_under_way == 1
    assert len(gateway.calls) <= 5


@virtually
async def test_a_client_that_waits_no_longer_leaves_no_task_behind() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
    gateway.strike(2, latency=50)
    plans = plans_of(gateway)

    for stays in (10, 20):
        with anyio.move_on_after(stays):
            await plans.wait_until_deployed("rollout", timeout=None)
        assert gateway.under_way == 0
    assert await tasks_of_polls() == []


async def tasks_of_polls() -> list[str]:
    """Name the tasks of polls that are left."""
    if not trio.lowlevel.in_trio_task():
        names = [task.get_name() for task in asyncio.all_tasks()]
    else:
        root = trio.lowlevel.current_root_task()
        assert root is not None
        names = [task.name for nursery in root.child_nurseries for task in nursery.child_tasks]
    return [name for name in names if name.startswith("polls of ")]


def test_a_wait_that_is_thrown_away_leaves_nothing_behind() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))

    async def test() -> None:
        wait = plans_of(gateway).wait_until_deployed("rollout", timeout=None)
        wait.send(None)
        await asyncio.sleep(1)
        wait.close()
        await asyncio.sleep(100)
        assert await tasks_of_polls() == []

    run_virtually("asyncio", test)

    assert gateway.times == [0]


@pytest.mark.parametrize("steps", range(8))
@virtually
async def test_who_joins_while_the_last_one_leaves_is_served(steps: int) -> None:
    gateway = VirtualPlans.of((0, a_plan("DEPLOYED")))
    gateway.strike(1, latency=FOREVER)
    plans = plans_of(gateway)
    found: list[EdgeDeploymentPlan] = []

    async def leaver(scope: anyio.CancelScope) -> None:
        with scope:
            await plans.wait_until_deployed("rollout", timeout=None)

    async with anyio.create_task_group() as tasks:
        scope = anyio.CancelScope()
        tasks.start_soon(leaver, scope)
        await anyio.sleep(1)
        scope.cancel()
        for _ in range(steps):
            await anyio.lowlevel.checkpoint()
        found.append(await plans.wait_until_deployed("rollout", timeout=None))

    assert len(found) == 1
    assert gateway.most_under_way == 1
    # One who joins before the other one has left waits for the poll under way to end.
    assert gateway.times in ([0, 1], [0, 60])


def test_polls_need_no_trio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "trio")
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (20, a_plan("DEPLOYED")))

    async def test() -> None:
        await plans_of(gateway).wait_until_deployed("rollout", timeout=None)

    run_virtually("asyncio", test)

    assert gateway.times == [0, 15, 30]


def test_a_poll_that_is_cancelled_from_below_strands_nobody() -> None:
    gateway = VirtualPlans.of((0, a_plan("DEPLOYED")))
    gateway.strike(1, asyncio.CancelledError())
    ends: list[object] = []

    async def test() -> None:
        plans = plans_of(gateway)
        waits = [
            asyncio.create_task(plans.wait_until_deployed("rollout", timeout=60)) for _ in range(3)
        ]
        ends.extend(await asyncio.gather(*waits, return_exceptions=True))

    run_virtually("asyncio", test)

    assert [type(end).__name__ for end in ends].count("CancelledError") == 1
    assert [type(end).__name__ for end in ends].count("EdgeDeploymentPlan") == 2


@virtually
async def test_a_failure_of_a_poll_for_which_nobody_waits_any_more_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(VirtualPlans):
        async def call(
            self, operation: Operation, request: Mapping[str, object], /, **_: object
        ) -> Reply:
            try:
                return await super().call(operation, request)
            except anyio.get_cancelled_exc_class():
                raise ZeroDivisionError from None

    gateway = Failing.of((0, a_plan("DEPLOYED")))
    gateway.strike(1, latency=FOREVER)

    with anyio.move_on_after(1):
        await plans_of(gateway).wait_until_deployed("rollout", timeout=None)

    (record,) = caplog.records
    assert record.getMessage() == "plan rollout: a poll failed when nobody waited"
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
