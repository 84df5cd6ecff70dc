"""A lock for each name: what may be done for one thing at a time only."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import anyio
from anyio.lowlevel import EventLoopToken, current_token

_Key = tuple[str, str, EventLoopToken]


class KeyedLocks:
    """A lock for each offering and each plan, kept for as long as somebody needs it.

    Each event loop has its own: nobody could wake who waits in another one. There the
    client itself refuses to work.
    """

    def __init__(self) -> None:
        # Semaphores, for a lock can only be released by the task that took it, and a coroutine
        # may be closed by another one.
        self._locks: dict[_Key, anyio.Semaphore] = {}
        self._users: Counter[_Key] = Counter()

    @asynccontextmanager
    async def hold(
        self, kind: Literal["offering", "plan"], name: str | None
    ) -> AsyncGenerator[None]:
        """Hold the lock of a name.

        Args:
            kind: What the name is of: an offering and a plan may have the same one.
            name: What only one caller may work on at a time; None needs no lock.

        Yields:
            Once the lock is held.
        """
        if name is None:
            yield
            return
        key = kind, name, current_token()
        self._users[key] += 1
        try:
            async with self._locks.setdefault(key, anyio.Semaphore(1)):
                yield
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._locks[key], self._users[key]
