"""What every call needs of the event loop, from asyncio itself where it is asyncio's.

anyio does all of this for asyncio and trio alike. But importing it for asyncio takes 20 ms, and
60 without bytecode, which counts in a program that makes one call and ends. So what is needed by
every call is here, and what only some calls need (queues, polls, locks) imports anyio then.

Each function imports what it needs: asyncio takes 40 ms, and a program that only imports this
package does not need it.
"""

from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from contextvars import copy_context
from sys import modules
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar, cast

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

_AGAIN: Final = 1.0
"""How many seconds after its time is over something is cancelled again."""


class Limit(Protocol):
    """A time limit, as ``time_limit`` makes it."""

    @property
    def cancelled_caught(self) -> bool:
        """Whether what ran in it was cancelled, because its time was over."""
        ...

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool | None: ...


class AsyncioLimit:
    """A time limit for a task of asyncio: when the time is over, what runs in it is cancelled.

    It is for programs without anyio, whose scopes would take its cancellation for one from
    outside. Whoever swallows the cancellation is cancelled again after a second.

    Args:
        seconds: The time.
    """

    __slots__ = ("_before", "_cancels", "_seconds", "_task", "_timer", "cancelled_caught")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._cancels = 0
        self._timer: asyncio.Handle
        self.cancelled_caught = False

    def __enter__(self) -> Self:
        import asyncio

        self._task = cast("asyncio.Task[object]", asyncio.current_task())
        self._before = self._task.cancelling()
        self._set_timer(self._seconds)
        return self

    def _set_timer(self, seconds: float) -> None:
        self._timer = self._task.get_loop().call_later(seconds, self._end)

    def _end(self) -> None:
        # What has come already is let through first: a process that was frozen for a time may
        # find the reply and the end of the time side by side.
        self._timer = self._task.get_loop().call_soon(self._cancel)

    def _cancel(self) -> None:
        self._cancels += 1
        self._task.cancel()
        self._set_timer(_AGAIN)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool:
        self._timer.cancel()
        if self._cancels:
            import asyncio

            for _ in range(self._cancels):
                self._task.uncancel()
            # Somebody else may have cancelled the task too. Then the cancellation is theirs.
            is_ours = self._task.cancelling() <= self._before
            self.cancelled_caught = is_ours and isinstance(error, asyncio.CancelledError)
        return self.cancelled_caught


def on_asyncio() -> bool:
    """Tell whether the event loop that runs is asyncio's.

    Returns:
        Whether it is; else it is trio's.
    """
    if "trio" not in modules:
        return True
    import asyncio

    import anyio

    return anyio.get_cancelled_exc_class() is asyncio.CancelledError


def current_time() -> float:
    """Give the time of the event loop's clock.

    Returns:
        The time in seconds.
    """
    if on_asyncio():
        import asyncio

        return asyncio.get_running_loop().time()
    import anyio

    return anyio.current_time()


def current_loop() -> object:
    """Give what stands for the event loop that runs: equal for the same one only.

    Returns:
        The loop, or a token of it.
    """
    if on_asyncio():
        import asyncio

        return asyncio.get_running_loop()
    from anyio.lowlevel import current_token

    return current_token()


def new_lock() -> AbstractAsyncContextManager[None]:
    """Make a lock for tasks of the event loop that runs.

    Returns:
        The lock, for ``async with``.
    """
    if on_asyncio():
        import asyncio

        return asyncio.Lock()
    import anyio

    return anyio.Lock()


async def in_thread(function: Callable[[], T]) -> T:
    """Run a function in a worker thread that waits for no other, so that the event loop goes on.

    It runs in a copy of the caller's context.

    Args:
        function: The function. On asyncio it goes on if this is cancelled.

    Returns:
        What it returns.

    Raises:
        Exception: Whatever it raises.
    """
    if on_asyncio():
        import asyncio
        from concurrent.futures import ThreadPoolExecutor

        threads = ThreadPoolExecutor(1)
        try:
            run = copy_context().run
            return await asyncio.get_running_loop().run_in_executor(threads, run, function)
        finally:
            threads.shutdown(wait=False)
    import anyio
    from anyio import to_thread

    return await to_thread.run_sync(function, limiter=anyio.CapacityLimiter(1))


async def to_its_end(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a shielded coroutine to its end, although the caller is cancelled meanwhile.

    A shielded scope keeps off the cancellations of anyio and trio, but not ``Task.cancel()`` of
    asyncio. There the coroutine runs in a task of its own, and the caller waits for that task.

    Args:
        coroutine: What runs. It runs in a shielded scope of its own, and ends soon.

    Returns:
        What it returns.

    Raises:
        BaseException: Whatever it raises; otherwise, the cancellation of the caller.
    """
    if not on_asyncio():
        return await coroutine
    import asyncio

    import anyio

    task = asyncio.ensure_future(coroutine)
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancelled = error
    result = task.result()
    if cancelled is not None:
        raise cancelled
    return result


def time_limit(seconds: float, *, shield: bool = False) -> Limit:
    """Make a time limit, for ``with``.

    Args:
        seconds: How long what runs in it may take.
        shield: Whether what runs in it is shielded from cancellations of anyio and trio.

    Returns:
        The limit.
    """
    if "anyio" not in modules and on_asyncio():
        # Where nobody has imported anyio, nobody is inside a scope or a task group of anyio, and
        # there is nothing to be shielded from.
        return AsyncioLimit(seconds)
    import anyio

    return anyio.move_on_after(seconds, shield=shield)
