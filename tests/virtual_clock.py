"""Event loops whose clock jumps to the next timer, so that hours pass in milliseconds."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

import anyio
import trio.testing

T = TypeVar("T")

Loop = Literal["asyncio", "trio"]
LOOPS: tuple[Loop, ...] = ("asyncio", "trio")


class _JumpingSelector(selectors.SelectSelector):
    """Does not sleep: where others would wait, it sets the clock forward."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everything waits, and no timer is set: this is a deadlock")
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio loop under a virtual clock, which starts at 0."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Give the virtual time in seconds."""
        return self._jumping.now

    def jump(self, seconds: float) -> None:
        """Let virtual time pass at once."""
        self._jumping.now += seconds


def freeze(seconds: float) -> None:
    """Let virtual time pass in which nothing runs."""
    if trio.lowlevel.in_trio_task():
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, trio.testing.MockClock)
        clock.jump(seconds)
    else:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.jump(seconds)


def run_virtually(loop: Loop, function: Callable[..., Awaitable[T]], *args: object) -> T:
    """Run a coroutine function on a virtual clock, from time 0.

    trio gets its clock from here: anyio before 4.14 does not hand its options on.
    """
    if loop == "asyncio":
        return anyio.run(function, *args, backend_options={"loop_factory": VirtualTimeLoop})
    return trio.run(function, *args, clock=trio.testing.MockClock(autojump_threshold=0))
