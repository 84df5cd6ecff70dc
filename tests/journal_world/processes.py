"""Processes of a virtual world: each has an event loop of its own, which somebody else steps.

A process that is killed is never stepped again. Nothing of its cleanup runs, as with
``kill -9``. A process that is stopped is not stepped until it is continued.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from itertools import count
from typing import Any, Final, cast

from attrs import define, field

_Job = tuple[asyncio.Handle, Callable[..., object], tuple[Any, ...], Context]
NEVER: Final = float("inf")


class SteppedLoop:
    """An event loop without sockets that runs one callback at a time, when it is told to.

    Args:
        now: The clock of the world.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._ready: deque[_Job] = deque()
        self._timers: list[tuple[float, int, _Job]] = []
        self._numbers = count()
        self.tasks: list[asyncio.Task[Any]] = []
        # asyncio needs no more of a loop than what is below.
        self._as_loop = cast("asyncio.AbstractEventLoop", self)

    def time(self) -> float:
        return self._now()

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Ignore what asyncio says about tasks of killed processes."""

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self._as_loop)

    def create_task(self, coro: Any, **settings: Any) -> Any:
        self.tasks.append(asyncio.Task(coro, loop=self._as_loop, **settings))
        return self.tasks[-1]

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self._as_loop, context)
        self._ready.append((handle, callback, args, context or copy_context()))
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self._as_loop, context)
        job = (handle, callback, args, context or copy_context())
        heapq.heappush(self._timers, (when, next(self._numbers), job))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Do nothing: a timer that was cancelled is skipped when its time comes."""

    def due_at(self) -> float:
        """Tell when there is something to run."""
        while self._timers and self._timers[0][2][0].cancelled():
            heapq.heappop(self._timers)
        if self._ready:
            return 0.0
        return self._timers[0][0] if self._timers else NEVER

    def step(self) -> None:
        """Run the next callback that is due."""
        while self._timers and self._timers[0][0] <= self._now():
            self._ready.append(heapq.heappop(self._timers)[2])
        handle, callback, args, context = self._ready.popleft()
        if handle.cancelled():
            return
        asyncio._set_running_loop(self._as_loop)
        try:
            context.run(callback, *args)
        finally:
            asyncio._set_running_loop(None)


@define(eq=False)
class Process:
    """One process, which makes one call."""

    name: str
    key: str
    """The idempotency key of its call; empty for a person's."""
    offering: str
    loop: SteppedLoop
    ahead: float = 0.0
    """How many seconds its machine's clock is ahead of the service's."""
    steps: int = 0
    is_killed: bool = False
    stopped_until: float = 0.0
    task: "asyncio.Task[object] | None" = None
    record: str | None = None
    """The id of the last record that it began."""
    sent: int = 0
    """How many purchase requests it has handed to the network."""
    lost: bool = False
    """Whether the reply to a purchase of its own was lost, or could not be read."""
    was_open: bool = False
    """Whether its key had an open record of another call while it looked into the journal."""
    places: list[str] = field(factory=list[str])
    """The places that it has passed."""
    dooms: list[Any] = field(factory=list[Any])
    """What becomes of its purchases, if that is not left to chance."""
    started: float = 0.0

    def start(self, coroutine: Coroutine[Any, Any, object]) -> None:
        self.task = self.loop.create_task(coroutine)

    @property
    def is_over(self) -> bool:
        return self.is_killed or (self.task is not None and self.task.done())

    def due_at(self) -> float:
        """Tell when it can be stepped."""
        if self.is_over or self.task is None:
            return NEVER
        return max(self.loop.due_at(), self.stopped_until)

    def result(self) -> object:
        """Give what its call returned, or the exception that it raised."""
        assert self.task is not None
        error = self.task.exception()
        return self.task.result() if error is None else error
