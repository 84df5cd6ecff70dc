"""A gate that tests open and replies wait at."""

from __future__ import annotations

import asyncio
import threading
from typing import final


@final
class Gate:
    """Holds replies until it is opened; shared by the test's thread and the server's.

    A gate that is open stays open.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}
        self._open = False
        self._arrivals = 0

    @property
    def arrivals(self) -> int:
        """How many replies have come to the gate so far."""
        with self._changed:
            return self._arrivals

    @property
    def is_open(self) -> bool:
        """Whether replies pass."""
        with self._changed:
            return self._open

    def open(self) -> None:
        """Let all replies pass, those that wait and those to come."""
        with self._changed:
            self._open = True
            for future, loop in self._waiting.items():
                loop.call_soon_threadsafe(_finish, future)
            self._waiting.clear()

    def wait_for_arrivals(self, count: int = 1, *, timeout: float = 5.0) -> None:
        """Block the calling thread until so many replies have come to the gate.

        In async code, call it in a worker thread.

        Args:
            count: How many, since the gate was made.
            timeout: Real seconds to wait at most.

        Raises:
            TimeoutError: They did not come in time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._arrivals >= count, timeout):
                raise TimeoutError(
                    f"{self._arrivals} of {count} replies came to the gate in {timeout} s"
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
            # A client that gave up, or a server that closes, must not be called back.
            with self._changed:
                self._waiting.pop(future, None)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
