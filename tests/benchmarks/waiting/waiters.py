"""What many waits cost: time and memory, in virtual time and over sockets.

Run it with the tests beside it on the path::

    PYTHONPATH=tests python tests/benchmarks/waiting/waiters.py --plans 1000 --waiters 10

It prints, for each event loop, how long waits on so many plans take in virtual time (three
looks each) and over sockets (the emulator runs in the same process), and what one wait
weighs while it pauses. It fails if a wait ends otherwise than it should.
"""

import argparse
import gc
import os
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import anyio

from harness import TRANSPORTS, Transport, a_spec, client_for
from sagemaker_plans import PollSchedule, Stage
from sagemaker_plans._edge.plans import EdgeDeploymentPlans
from sagemaker_plans.emulator import Emulator, FleetSeed, PlanSeed, Seed, Timings
from virtual_clock import LOOPS, Loop, run_virtually
from waiting.virtual_plans import DESCRIBE, VirtualPlans, a_plan, a_stage, plans_of

AN_HOUR = 3600.0
PAUSE = 10
STATM = Path("/proc/self/statm")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def resident() -> int | None:
    """Give the bytes of memory that this process occupies, where the system tells."""
    if not STATM.exists():
        return None
    return int(STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def names(count: int) -> list[str]:
    return [f"plan-{number}" for number in range(count)]


def stages(count: int) -> list[str]:
    return [f"stage-{number}" for number in range(count)]


def virtual_plans(plans: int, waiters: int) -> VirtualPlans:
    gateway = VirtualPlans()
    for name in names(plans):
        for since, status in ((0, "INPROGRESS"), (20, "DEPLOYED")):
            found = a_plan(*(a_stage(status, name=each) for each in stages(waiters)), name=name)
            gateway.becomes(found, since=since, name=name)
    return gateway


async def wait_for_all(
    client_plans: EdgeDeploymentPlans,
    plans: int,
    waiters: int,
    on_poll: Callable[[Stage], object] | None = None,
) -> Counter[str]:
    """Wait for every stage of every plan, all at the same time."""
    ends: Counter[str] = Counter()

    async def wait(plan: str, stage: str) -> None:
        found = await client_plans.wait_until_stage_deployed(
            plan, stage, timeout=AN_HOUR, on_poll=on_poll
        )
        ends[found.status] += 1

    async with anyio.create_task_group() as tasks:
        for plan in names(plans):
            for stage in stages(waiters):
                tasks.start_soon(wait, plan, stage)
    return ends


def check(ends: Counter[str], plans: int, waiters: int) -> None:
    if ends != {"DEPLOYED": plans * waiters}:
        raise SystemExit(f"these waits ended as they should not: {ends}")


def in_virtual_time(plans: int, waiters: int) -> None:
    for loop in LOOPS:
        gateway = virtual_plans(plans, waiters)
        began = time.perf_counter()
        check(run_virtually(loop, wait_for_all, plans_of(gateway), plans, waiters), plans, waiters)
        spent = time.perf_counter() - began
        say(f"virtual time, {loop:8}: {spent:6.2f} s for {len(gateway.calls):,} looks")


async def weigh(plans: int, waiters: int, *, traced: bool) -> float:
    """Give the bytes that one wait occupies while it pauses."""
    client_plans = plans_of(virtual_plans(plans, waiters))
    # Whatever is loaded at first use is loaded now.
    await client_plans.describe("plan-0")
    gc.collect()
    if traced:
        tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0] if traced else resident() or 0
    after = 0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait_for_all, client_plans, plans, waiters)
        await anyio.sleep(5)
        gc.collect()
        after = tracemalloc.get_traced_memory()[0] if traced else resident() or 0
        tasks.cancel_scope.cancel()
    if traced:
        tracemalloc.stop()
    return (after - before) / (plans * waiters)


def weight(loop: Loop, plans: int, waiters: int, traced: bool) -> float:
    return run_virtually(loop, lambda: weigh(plans, waiters, traced=traced))


def on_the_scales(plans: int, waiters: int) -> None:
    for loop in LOOPS:
        # A process each: a second run would find room that the first one left.
        with ProcessPoolExecutor(mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
            objects, process = (
                fresh.submit(weight, loop, plans, waiters, traced).result() / 1024
                for traced in (True, False)
            )
        say(
            f"memory,       {loop:8}: {objects:6.1f} KiB of objects per wait, its task and its "
            f"share of the plan included; the process grew by {process:.1f} KiB"
        )


async def rolled_out(
    emulator: Emulator, transport: Transport, plans: int, waiters: int
) -> Counter[str]:
    polls = 0

    def deploy_once_all_have_looked(_: Stage) -> None:
        nonlocal polls
        polls += 1
        if polls == plans * waiters:
            emulator.clock.advance(AN_HOUR)

    client = client_for(
        emulator.endpoint_url,
        transport,
        polling=PollSchedule(interval=PAUSE),
        request_timeout=120,
    )
    async with client:
        return await wait_for_all(client.plans, plans, waiters, deploy_once_all_have_looked)


def over_sockets(plans: int, waiters: int) -> None:
    seeds = tuple(
        PlanSeed(create=a_spec(name, stages=waiters).to_wire(), start=tuple(stages(waiters)))
        for name in names(plans)
    )
    for transport in TRANSPORTS:
        seed = Seed(fleets=(FleetSeed(name="cameras"),), plans=seeds)
        emulator = Emulator(seed=seed, timings=Timings(starting=AN_HOUR / 2))
        emulator.clock.hold()
        with emulator:
            began = time.perf_counter()
            # In real time, on the loop's own clock.
            ends = anyio.run(
                rolled_out, emulator, transport, plans, waiters, backend=transport.loop
            )
            spent = time.perf_counter() - began
            requests = len(emulator.requests_of(DESCRIBE))
        check(ends, plans, waiters)
        say(
            f"sockets, {transport!s:15}: {spent:6.2f} s for {requests:,} requests "
            f"and a pause of {PAUSE} s"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="What many waits cost: time and memory.")
    parser.add_argument("--plans", type=int, default=1_000)
    parser.add_argument("--waiters", type=int, default=10, help="per plan, 1 to 10")
    chosen = parser.parse_args()
    plans, waiters = int(chosen.plans), int(chosen.waiters)
    say(f"{plans * waiters:,} waits on {plans:,} plans")
    on_the_scales(plans, waiters)
    in_virtual_time(plans, waiters)
    over_sockets(plans, waiters)


if __name__ == "__main__":
    main()
