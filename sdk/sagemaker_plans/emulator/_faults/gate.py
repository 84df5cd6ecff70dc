"""A gate at which replies wait until a test opens it."""

from __future__ import annotations

import asyncio
import threading
from typing import final


@final
class Gate:
    """Holds replies back until a test opens it.

    The test's thread and the server's thread may both use it. An open gate stays open.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}
        self._open = False
        self._arrivals = 0

    @property
    def arrivals(self) -> int:
        """How many replies have reached the gate so far."""
        with self._changed:
            return self._arrivals

    @property
    def is_open(self) -> bool:
        """Whether the gate was opened, so that replies pass."""
        with self._changed:
            return self._open

    def open(self) -> None:
        """Let all replies pass, those that wait and all later ones."""
        with self._changed:
            self._open = True
            for future, loop in self._waiting.items():
                loop.call_soon_threadsafe(_finish, future)
            self._waiting.clear()

    def wait_for_arrivals(self, count: int = 1, *, timeout: float = 30.0) -> None:
        """Block the calling thread until a number of replies have reached the gate.

        In async code, call it in a worker thread.

        Args:
            count: The number of replies, counted since the gate was created.
            timeout: The longest time to wait, in real seconds.

        Raises:
            TimeoutError: The replies did not reach the gate in time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._arrivals >= count, timeout):
                raise TimeoutError(
                    f"{self._arrivals} of {count} replies reached the gate in {timeout} s"
                )

    async def passage(self) -> None:
        """Wait, in the server's loop, until the gate is open."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        with self._changed:
            self._arrivals += 1
            self._changed.notify_all()
            if self._open:
                return
            self._waiting[future] = loop
        try:
            await future
        finally:
            # If the client disconnects or the server stops, the gate must forget the reply.
            with self._changed:
                self._waiting.pop(future, None)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
