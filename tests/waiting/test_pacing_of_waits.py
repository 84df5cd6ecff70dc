"""Waits for many plans beside a service that permits few requests, in virtual time."""

import math
from collections import Counter
from collections.abc import Iterable

import anyio
import pytest

from benchmarks.pacing import PEERS, run
from benchmarks.pacing_peers import ThisPackage
from benchmarks.pacing_service import PermittingService, Request
from virtual_clock import run_virtually

THIS = PEERS["this package"]


def test_200_plans_where_20_a_second_are_permitted() -> None:
    outcome = run(THIS, plans=200, rate=20.0).outcome
    assert outcome.first_read <= 40
    assert outcome.blind <= 60
    assert outcome.wasted <= 0.1
    assert outcome.command_wait <= 15
    assert (outcome.never_read, outcome.failed_commands, outcome.false_timeouts) == (0, 0, 0)


def test_1000_plans_where_20_a_second_are_permitted() -> None:
    outcome = run(THIS, plans=1_000, rate=20.0).outcome
    assert outcome.blind <= 180
    assert outcome.wasted <= 0.2
    assert outcome.used >= 0.85
    assert outcome.command_wait <= 15
    assert (outcome.never_read, outcome.failed_commands, outcome.false_timeouts) == (0, 0, 0)


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


def _permitted(requests: Iterable[Request]) -> int:
    return sum(request.is_permitted for request in requests)
