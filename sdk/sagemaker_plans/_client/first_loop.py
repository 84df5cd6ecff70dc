"""The event loop in which a client was first used, and its clock."""

import sys
from collections.abc import Callable
from typing import final

from sagemaker_plans._event_loop import current_loop, current_time
from sagemaker_plans.errors import ConfigurationError


@final
class FirstLoop:
    """The event loop in which a client was first used."""

    def __init__(self) -> None:
        self._loops: dict[str, object] = {}
        self._loop_of_asyncio: object = None
        self._running_loop: Callable[[], object] = object
        self._clock: Callable[[], float] = current_time

    def check(self) -> None:
        """Check that this is the event loop in which the client was first used.

        Raises:
            ConfigurationError: If it is another one.
        """
        # anyio looks which library runs, which costs a microsecond or two. While nobody has
        # imported trio, it is asyncio. With trio, asyncio's loop may be trio's host.
        is_asyncio = "trio" not in sys.modules
        if is_asyncio and self._loop_of_asyncio is self._running_loop():
            return
        # The connections belong to one event loop, and so does whatever waits for its turn.
        # Several threads may get here at the same time, each with an event loop: setdefault
        # lets only one of them be the first.
        current = current_loop()
        if self._loops.setdefault("first", current) != current:
            raise ConfigurationError(
                "this client belongs to the event loop in which it was first used; make one in "
                "each event loop (each asyncio.run or trio.run has its own)"
            )
        if is_asyncio:
            import asyncio  # noqa: PLC0415  # here it was imported long ago; see the package's tests

            self._running_loop = asyncio.get_running_loop
            self._loop_of_asyncio = running = asyncio.get_running_loop()
            self._clock = running.time

    def now(self) -> float:
        """Give the time of this event loop's clock, once ``check`` has passed in it.

        Returns:
            The time, in seconds, as ``current_time`` gives it.
        """
        return self._clock()
