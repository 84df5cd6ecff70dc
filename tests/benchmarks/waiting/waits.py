"""Waits on a stage that never ends: by this package, and as one would write them without.

Imported only where this package is installed.
"""

import asyncio
import time

from benchmarks.peers import PLAN, STAGE_NAMES, Aiobotocore, SagemakerPlans
from sagemaker_plans import PollSchedule, WaitTimeoutError


async def _by_this_package(peer: SagemakerPlans, interval: float, intervals: int) -> None:
    schedule = PollSchedule(interval=interval, jitter=0)
    try:
        await peer.client.plans.wait_until_stage_deployed(
            PLAN, STAGE_NAMES[0], timeout=interval * intervals, schedule=schedule
        )
    except WaitTimeoutError:
        return
    raise AssertionError("a stage that nobody started is deployed")


async def _by_a_loop(peer: Aiobotocore, interval: float, intervals: int) -> None:
    deadline = time.monotonic() + interval * intervals
    while True:
        await peer.describe()
        left = deadline - time.monotonic()
        if left <= 0:
            return
        await asyncio.sleep(min(interval, left))


def wait(peer: SagemakerPlans | Aiobotocore, waiters: int, interval: float, intervals: int) -> None:
    """Let so many wait for one stage until their time is up."""

    async def wait_for_all() -> None:
        waits = (
            _by_this_package(peer, interval, intervals)
            if isinstance(peer, SagemakerPlans)
            else _by_a_loop(peer, interval, intervals)
            for _ in range(waiters)
        )
        await asyncio.gather(*waits)

    peer.loop.run(wait_for_all)


def weight(plans: int, waiters: int) -> float:
    """Weigh, in virtual time, waits that pause; gives the bytes of one."""
    # Only this needs what the tests need.
    from benchmarks.waiting.waiters import weigh
    from virtual_clock import run_virtually

    return run_virtually("asyncio", lambda: weigh(plans, waiters, traced=True))
