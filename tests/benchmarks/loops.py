"""The event loops that peers run on. Like `peers` this imports only what a peer needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class Loop(ABC):
    """An event loop that runs one coroutine function after the other."""

    @abstractmethod
    def run(self, work: Callable[..., Coroutine[Any, Any, T]], *arguments: Any) -> T:
        """Run a coroutine function to its end."""

    @abstractmethod
    async def all(self, work: Callable[[], Coroutine[Any, Any, T]], times: int) -> list[T]:
        """Run one function so many times, all at once; gives what each returned."""

    @abstractmethod
    def close(self) -> None:
        """End the loop."""


class AsyncioLoop(Loop):
    """The loop of asyncio."""

    def __init__(self) -> None:
        import asyncio  # part of a cold start on asyncio, and only there

        self._asyncio = asyncio
        self._runner = asyncio.Runner()

    def run(self, work: Callable[..., Coroutine[Any, Any, T]], *arguments: Any) -> T:
        return self._runner.run(work(*arguments))

    async def all(self, work: Callable[[], Coroutine[Any, Any, T]], times: int) -> list[T]:
        return await self._asyncio.gather(*(work() for _ in range(times)))

    def close(self) -> None:
        self._runner.close()


class TrioLoop(Loop):
    """The loop of trio, in a thread of its own."""

    def __init__(self) -> None:
        self._trio = import_module("trio")
        self._stack = ExitStack()
        portal = import_module("anyio.from_thread").start_blocking_portal("trio")
        self._portal = self._stack.enter_context(portal)

    def run(self, work: Callable[..., Coroutine[Any, Any, T]], *arguments: Any) -> T:
        result: T = self._portal.call(work, *arguments)
        return result

    async def all(self, work: Callable[[], Coroutine[Any, Any, T]], times: int) -> list[T]:
        found: list[T] = []

        async def note() -> None:
            found.append(await work())

        async with self._trio.open_nursery() as nursery:
            for _ in range(times):
                nursery.start_soon(note)
        return found

    def close(self) -> None:
        self._stack.close()
