"""A lock for each key."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import anyio
from anyio.lowlevel import EventLoopToken, current_token

_Key = tuple[str, str, EventLoopToken]


class KeyedLocks:
    """A lock for each offering and each plan. A lock exists only while somebody uses it.

    Each event loop has its own locks, because a task can only be woken in its own loop.
    The client refuses to work in a second loop anyway.
    """

    def __init__(self) -> None:
        # Semaphores: only the task that took a Lock can release it, but a coroutine may be
        # closed by another task.
        self._locks: dict[_Key, anyio.Semaphore] = {}
        self._users: Counter[_Key] = Counter()

    @asynccontextmanager
    async def hold(
        self, kind: Literal["offering", "plan", "new plan", "coverage"], name: str | None
    ) -> AsyncGenerator[None]:
        """Hold the lock of one offering or plan.

        Args:
            kind: What the name belongs to. An offering and a plan may have the same name.
            name: The name. With None no lock is taken.

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
