"""A virtual world: its clock, its network, its processes, and who runs when."""

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final, Literal, TypeVar

from attrs import define, field, frozen

from journal_world.processes import NEVER, Process, SteppedLoop

T = TypeVar("T")

START: Final = datetime(2026, 11, 1, tzinfo=UTC)
_MOST_STEPS: Final = 200_000

Effect = Literal["done", "never", "late"]


_RUNNING: Final[list[tuple["World", Process]]] = []
"""The process that runs now, and its world."""


def machine_time() -> datetime:
    """Give the time by the clock of the process that runs now."""
    world, process = _RUNNING[0]
    return world.machine_time(process)


def running() -> tuple["World", Process]:
    """Give the process that runs now, and its world."""
    return _RUNNING[0]


def naive_machine_time() -> datetime:
    """Give the same time as botocore wants it."""
    return machine_time().replace(tzinfo=None)


@frozen
class Fate:
    """What becomes of one request to the service or to the journal."""

    effect: Effect = "done"
    told: bool = True
    """Whether the caller gets the reply. Nobody gets one to what is never or late done."""
    before: float = 0.01
    """Seconds on the way there."""
    after: float = 0.01
    """Seconds on the way back."""
    late: float = 0.0
    """How many seconds later than its caller gave up it is carried out."""


FINE: Final = Fate()


@define(eq=False)
class World:
    """A world. Whatever happens by chance in it comes from ``draw``."""

    draw: Random
    now: float = 0.0
    processes: list[Process] = field(factory=list[Process])
    at_step: Callable[[Process], None] = lambda _: None
    """Called before each step of a process; may kill it or stop it."""
    at_place: Callable[[Process, str], None] = lambda _process, _place: None
    """Called when a process passes a named place; may kill it or stop it."""
    is_over: bool = False
    _events: list[tuple[float, int, Callable[[], None]]] = field(
        factory=list[tuple[float, int, Callable[[], None]]]
    )
    _numbers: Any = field(factory=count)

    # clocks

    def service_time(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def machine_time(self, process: Process) -> datetime:
        """Give the time by the clock of a process's machine."""
        return START + timedelta(seconds=self.now + process.ahead)

    # processes

    def launch(
        self,
        name: str,
        call: Callable[[Process], Coroutine[Any, Any, object]],
        *,
        key: str = "",
        offering: str = "",
        after: float = 0.0,
        ahead: float = 0.0,
    ) -> Process:
        """Start a process some seconds from now."""
        loop = SteppedLoop(lambda: self.now)
        process = Process(name=name, key=key, offering=offering, loop=loop, ahead=ahead)
        self.processes.append(process)

        def start() -> None:
            process.started = self.now
            process.start(call(process))

        self.at(self.now + after, start)
        return process

    def at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), act))

    def kill(self, process: Process) -> None:
        """Kill a process: nothing of it runs any more. What it has sent is on its way."""
        process.is_killed = True

    def stop(self, process: Process, seconds: float) -> None:
        """Stop a process for a time, in which its clock goes on."""
        process.stopped_until = self.now + seconds

    def run(self) -> None:
        """Let everything happen that is going to happen."""
        for _ in range(_MOST_STEPS):
            able = [each for each in self.processes if each.due_at() <= self.now]
            is_due = bool(self._events) and self._events[0][0] <= self.now
            if able and not (is_due and self.draw.random() < 0.5):
                self._step(able[0] if len(able) == 1 else self.draw.choice(able))
            elif is_due:
                heapq.heappop(self._events)[2]()
            else:
                times = [each.due_at() for each in self.processes]
                if self._events:
                    times.append(self._events[0][0])
                following = min(times, default=NEVER)
                if following == NEVER:
                    return
                self.now = following
        raise AssertionError("this world does not come to rest")

    def _step(self, process: Process) -> None:
        self.at_step(process)
        if process.due_at() > self.now:
            return
        process.steps += 1
        _RUNNING[:] = [(self, process)]
        process.loop.step()

    async def place(self, process: Process, name: str) -> None:
        """Pass a place at which a process may be killed or stopped."""
        if not self.is_over:
            process.places.append(name)
            self.at_place(process, name)
            await self.pause(process)

    async def pause(self, process: Process) -> None:
        waiter = process.loop.create_future()
        process.loop.call_soon(_wake, waiter)
        await waiter

    async def carry(
        self, process: Process, act: Callable[[], T], fate: Fate, lost: Callable[[], Exception]
    ) -> T:
        """Send something, have it done at the other end, and wait for the reply."""
        if self.is_over:
            raise lost()
        waiter: Any = process.loop.create_future()
        arrives = self.now + fate.before
        answers = arrives + fate.after

        def tell(result: object) -> None:
            if not waiter.done():
                if isinstance(result, BaseException):
                    waiter.set_exception(result)
                else:
                    waiter.set_result(result)

        def arrive() -> None:
            result: object
            try:
                result = act()
            except Exception as error:  # noqa: BLE001  # it goes to the caller
                result = error
            if fate.effect == "done":
                self.at(answers, lambda: tell(result if fate.told else lost()))

        if fate.effect == "done":
            self.at(arrives, arrive)
        else:
            self.at(answers, lambda: tell(lost()))
            if fate.effect == "late":
                self.at(answers + fate.late, arrive)
        result: T = await waiter
        return result

    def end(self) -> None:
        """End the world: let killed processes clean up, which changes nothing in it any more.

        Otherwise Python would do that at any later time, outside of their event loops.
        """
        self.is_over = True
        for process in self.processes:
            # What is written at the end has a task of its own.
            while left := [each for each in process.loop.tasks if not each.done()]:
                for task in left:
                    task.cancel()
                self.now = max(self.now, process.loop.due_at())
                _RUNNING[:] = [(self, process)]
                process.loop.step()


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
