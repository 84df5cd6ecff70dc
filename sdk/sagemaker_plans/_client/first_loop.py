"""The event loop in which a client was first used."""

from typing import final

from sagemaker_plans._event_loop import current_loop
from sagemaker_plans.errors import ConfigurationError


@final
class FirstLoop:
    """The event loop in which a client was first used."""

    def __init__(self) -> None:
        self._loops: dict[str, object] = {}

    def check(self) -> None:
        """Check that this is the event loop in which the client was first used.

        Raises:
            ConfigurationError: If it is another one.
        """
        # The connections belong to one event loop, and so does whatever waits for its turn.
        # Several threads may get here at the same time, each with an event loop: setdefault
        # lets only one of them be the first.
        current = current_loop()
        if self._loops.setdefault("first", current) != current:
            raise ConfigurationError(
                "this client belongs to the event loop in which it was first used; make one in "
                "each event loop (each asyncio.run or trio.run has its own)"
            )
