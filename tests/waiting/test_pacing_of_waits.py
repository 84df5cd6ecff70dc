"""Waits for many plans beside a service that permits few requests, in virtual time."""

import math
from collections import Counter
from collections.abc import Iterable

import anyio
import pytest

from benchmarks.pace.peers import ThisPackage
from benchmarks.pace.service import PermittingService, Request
from benchmarks.pace.tables import PEERS, run
from sagemaker_plans import PacePolicy, WaitTimeoutError, errors
from virtual_clock import run_virtually
from waiting.virtual_plans import VirtualPlans, a_plan, plans_of, throttled, virtually

THIS = PEERS["this package"]


def test_200_plans_where_20_a_second_are_permitted() -> None:
    outcome = run(THIS, plans=200, rate=20.0).outcome
    assert outcome.first_read <= 40
    assert outcome.blind <= 60
    assert outcome.wasted <= 0.1
    assert outcome.command_wait <= 15
    assert (outcome.never_read, outcome.failed_commands, outcome.false_timeouts) == (0, 0, 0)


@pytest.mark.exhaustive
def test_1000_plans_where_20_a_second_are_permitted() -> None:
    outcome = run(THIS, plans=1_000, rate=20.0).outcome
    assert outcome.blind <= 180
    assert outcome.wasted <= 0.2
    assert outcome.used >= 0.85
    assert outcome.command_wait <= 15
    assert (outcome.never_read, outcome.failed_commands, outcome.false_timeouts) == (0, 0, 0)


@pytest.mark.exhaustive
def test_waits_that_begin_together_do_not_stay_in_step() -> None:
    service = PermittingService(math.inf)

    async def waits() -> None:
        peer = ThisPackage(service)
        async with anyio.create_task_group() as tasks:
            for number in range(600):
                tasks.start_soon(peer.wait, f"plan-{number}", 300.0)

    run_virtually("asyncio", waits)
    late = [request for request in service.requests if 120 <= request.at < 290]
    busiest = max(Counter(int(request.at) for request in late).values())
    assert busiest <= 2.2 * len(late) / 170


@pytest.mark.exhaustive
@pytest.mark.parametrize("clients", [2, 4])
def test_clients_of_one_account_share_and_one_that_joins_late_gets_its_share(clients: int) -> None:
    service = PermittingService(20.0)

    async def waits() -> None:
        async with anyio.create_task_group() as tasks:
            for client in range(clients):
                if client == clients - 1:
                    await anyio.sleep_until(100)
                peer = ThisPackage(service)
                for number in range(1_000 // clients):
                    tasks.start_soon(peer.wait, f"{client}-{number}", 400.0 - anyio.current_time())

    run_virtually("asyncio", waits)
    late = [request for request in service.requests if 200 <= request.at < 400]
    share = 20.0 / clients

    def rate(client: int) -> float:
        return _permitted(request for request in late if request.plan_name[0] == str(client)) / 200

    for client in range(clients):
        assert 0.5 * share <= rate(client) <= 1.6 * share
    assert 1 - _permitted(late) / len(late) <= 0.054


@virtually
async def test_a_throttle_on_the_look_at_the_deadline_is_no_timeout() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (29, a_plan("DEPLOYED")))
    gateway.strike(3, throttled())

    plan = await plans_of(gateway, pace=PacePolicy()).wait_until_deployed("rollout", timeout=30)

    assert plan.is_finished
    assert gateway.times[:3] == [0, 15, 30]
    assert gateway.times[3] == pytest.approx(30.5, abs=0.26)  # It follows within half a second.


@virtually
async def test_waiters_are_told_of_throttles_that_do_not_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "sagemaker_plans")
    states = ((0, a_plan("INPROGRESS")), (10, throttled()), (610, a_plan("DEPLOYED")))
    told: list[float] = []

    def note(error: errors.SageMakerPlansError) -> None:
        assert isinstance(error, errors.ThrottledError)
        told.append(anyio.current_time())

    plans = plans_of(VirtualPlans.of(*states), pace=PacePolicy())
    await plans.wait_until_deployed("rollout", timeout=None, on_poll_error=note)

    # The poll of 15 s is told of as failed every two minutes, and waits on.
    assert told == pytest.approx([135.0, 255.5, 376.0, 496.5], abs=12)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


@virtually
async def test_whoever_joins_while_a_poll_waits_for_its_turn_shares_it() -> None:
    gateway = VirtualPlans()
    for number in range(100):
        gateway.becomes(a_plan("DEPLOYED"), name=f"plan-{number}")
    plans = plans_of(gateway, pace=PacePolicy(max_rate=1))

    async def join(number: int) -> None:
        await anyio.sleep(1 + number)
        await plans.wait_until_deployed("plan-99", timeout=None)

    async with anyio.create_task_group() as tasks:
        for number in range(99):
            tasks.start_soon(lambda n: plans.wait_until_deployed(f"plan-{n}", timeout=None), number)
        # The poll of the last plan is due after theirs, and leaves after 99 s.
        for number in range(90):
            tasks.start_soon(join, number)

    assert len(gateway.calls) == 100
    assert gateway.times[-1] == pytest.approx(99)


@virtually
async def test_a_reading_that_waited_in_the_queue_is_as_young_as_its_request() -> None:
    gateway = VirtualPlans()
    for number in range(20):
        gateway.becomes(a_plan("INPROGRESS"), name=f"plan-{number}")
    plans = plans_of(gateway, pace=PacePolicy(max_rate=0.5))
    ages: list[float | None] = []

    async def wait(number: int) -> None:
        with pytest.raises(WaitTimeoutError) as timed_out:
            await plans.wait_until_deployed(f"plan-{number}", timeout=30)
        ages.append(timed_out.value.reading_age)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(wait, number)

    assert len(ages) == 20
    assert all(age is not None and age <= 60 for age in ages)


def _permitted(requests: Iterable[Request]) -> int:
    return sum(request.is_permitted for request in requests)
