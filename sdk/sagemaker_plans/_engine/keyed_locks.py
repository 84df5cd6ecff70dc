"""Taking turns: what may be done for one thing at a time only."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import anyio

_Key = tuple[str, str]


class Turns:
    """Lets calls for one offering, and for one plan, go one at a time."""

    def __init__(self) -> None:
        self._locks: dict[_Key, anyio.Lock] = {}
        self._users: Counter[_Key] = Counter()

    @asynccontextmanager
    async def turn(
        self, kind: Literal["offering", "plan"], name: str | None
    ) -> AsyncGenerator[None]:
        """Wait for one's turn.

        Args:
            kind: What the name is of: an offering and a plan may have the same one.
            name: What only one may have at a time; None needs no waiting.

        Yields:
            When it is one's turn.
        """
        if name is None:
            yield
            return
        key = kind, name
        self._users[key] += 1
        try:
            async with self._locks.setdefault(key, anyio.Lock()):
                yield
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._locks[key], self._users[key]
