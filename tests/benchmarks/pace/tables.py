"""Waits for many plans beside a service that permits few requests, in virtual time.

Run it with ``python -m benchmarks.pace.tables``. It prints a table: what this package does, what
a loop with boto3 does, and the least that is possible.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Final

import anyio
from attrs import frozen

from benchmarks.pace.peers import AdaptiveLoop, Boto3Loop, Peer, ThisPackage
from benchmarks.pace.service import COMMAND, PermittingService, Request
from virtual_clock import run_virtually

TIMEOUT: Final = 900.0
DEPLOYED_AT: Final = 780.0
BETWEEN_COMMANDS: Final = 20.0
_FIRST_MINUTE: Final = 60.0
# The last look may take until one request timeout after the deadline.
_TIME_TO_LOOK: Final = TIMEOUT - DEPLOYED_AT + 60.0

PEERS: Final[dict[str, Callable[[PermittingService], Peer]]] = {
    "this package": ThisPackage,
    "boto3 loop, legacy": Boto3Loop,
    "boto3 loop, standard": partial(Boto3Loop, attempts=3),
    "boto3 loop, adaptive": AdaptiveLoop,
}


@frozen(kw_only=True)
class Outcome:
    """What one run has shown."""

    first_read: float
    """Seconds until the last plan was read first."""
    never_read: int
    blind: float
    """The longest time between two readings of a plan, in seconds."""
    wasted_at_first: float
    """The share of requests that were throttled, in the first minute."""
    wasted: float
    """The same, after the first minute."""
    used: float
    """The share of the permitted requests that were used, after the first minute."""
    command_wait: float
    """The longest time that a command took, in seconds."""
    failed_commands: int
    false_timeouts: int


@frozen
class Run:
    """The outcome of one run, and all its requests."""

    outcome: Outcome
    requests: Sequence[Request]


def run(make: Callable[[PermittingService], Peer], plans: int, rate: float) -> Run:
    """Wait for some plans, all at once, until all waits have ended."""
    service = PermittingService(rate, deployed_at=DEPLOYED_AT)
    names = [f"plan-{number}" for number in range(plans)]
    commands: list[tuple[float, bool]] = []
    seen: Counter[bool] = Counter()

    async def waits() -> None:
        peer = make(service)

        async def wait(name: str) -> None:
            seen[await peer.wait(name, TIMEOUT)] += 1

        async def command(name: str) -> None:
            began = anyio.current_time()
            accepted = await peer.command(name)
            commands.append((anyio.current_time() - began, accepted))

        async with anyio.create_task_group() as tasks:
            for name in names:
                tasks.start_soon(wait, name)
            while anyio.current_time() < DEPLOYED_AT:
                await anyio.sleep(BETWEEN_COMMANDS)
                tasks.start_soon(command, names[0])

    random.seed(1)
    run_virtually("asyncio", waits)
    return Run(_outcome(service, names, commands, seen[False]), service.requests)


def _outcome(
    service: PermittingService,
    names: Sequence[str],
    commands: Sequence[tuple[float, bool]],
    false_timeouts: int,
) -> Outcome:
    before = [request for request in service.requests if request.at < DEPLOYED_AT]
    read: dict[str, list[float]] = {name: [0.0] for name in names}
    for request in before:
        if request.is_permitted and request.operation != COMMAND:
            read[request.plan_name].append(request.at)
    first, later = (
        [request for request in before if (request.at < _FIRST_MINUTE) is is_first]
        for is_first in (True, False)
    )
    permitted = sum(request.is_permitted for request in later)
    return Outcome(
        first_read=max((times[1] for times in read.values() if len(times) > 1), default=0.0),
        never_read=sum(len(times) == 1 for times in read.values()),
        blind=max(
            after - before
            for times in read.values()
            for before, after in pairwise([*times, DEPLOYED_AT])
        ),
        wasted_at_first=_wasted(first),
        wasted=_wasted(later),
        used=permitted / (service.rate * (DEPLOYED_AT - _FIRST_MINUTE)),
        command_wait=max(took for took, _ in commands),
        failed_commands=sum(not accepted for _, accepted in commands),
        false_timeouts=false_timeouts,
    )


def _wasted(requests: Sequence[Request]) -> float:
    return sum(not request.is_permitted for request in requests) / len(requests)


_HEAD: Final = (
    "first read (s)",
    "never read",
    "blind (s)",
    "wasted, 1st min",
    "wasted later",
    "rate used",
    "command (s)",
    "failed",
    "false timeouts",
)


def _row(name: str, cells: Sequence[str]) -> str:
    return " ".join([f"{name:22}", *(f"{cell:>15}" for cell in cells)])


def table(plans: int, rate: float) -> list[str]:
    """Measure all peers, and write down what they did."""
    needed = min(rate, plans / 15)
    lines = [f"{plans:,} plans, {rate:g} requests a second permitted", _row("", _HEAD)]
    for name, make in PEERS.items():
        outcome = run(make, plans, rate).outcome
        lines.append(
            _row(
                name,
                [
                    f"{outcome.first_read:.0f}",
                    str(outcome.never_read),
                    f"{outcome.blind:.0f}",
                    f"{outcome.wasted_at_first:.1%}",
                    f"{outcome.wasted:.1%}",
                    f"{outcome.used:.0%}",
                    f"{outcome.command_wait:.1f}",
                    str(outcome.failed_commands),
                    str(outcome.false_timeouts),
                ],
            )
        )
    least = [
        f"{(plans - rate) / rate:.0f}",
        "0",
        f"{max(15.0, plans / rate):.0f}",
        "0.0%",
        "0.0%",
        f"{needed / rate:.0%}",
        "0.1",
        "0",
        str(max(0, plans - int(_TIME_TO_LOOK * rate))),
    ]
    return [*lines, _row("the least possible", least), ""]


if __name__ == "__main__":
    for plans, rate in ((200, 20.0), (1_000, 20.0), (200, 5.0), (1_000, 5.0)):
        sys.stdout.write("\n".join(table(plans, rate)) + "\n")
