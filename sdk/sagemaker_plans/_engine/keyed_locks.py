"""A lock for each key."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import anyio

_Key = tuple[str, str]


class KeyedLocks:
    """A lock for each offering and each plan. A lock exists only while somebody uses it."""

    def __init__(self) -> None:
        # Semaphores: only the task that took a Lock can release it, but a coroutine may be
        # closed by another task.
        self._locks: dict[_Key, anyio.Semaphore] = {}
        self._users: Counter[_Key] = Counter()

    @asynccontextmanager
    async def hold(
        self, kind: Literal["offering", "plan"], name: str | None
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
        key = kind, name
        self._users[key] += 1
        try:
            async with self._locks.setdefault(key, anyio.Semaphore(1)):
                yield
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._locks[key], self._users[key]
