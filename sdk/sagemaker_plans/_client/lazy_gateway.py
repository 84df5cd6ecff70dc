"""The gateway of a client, which opens with the first call."""

import warnings
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from os import getpid
from typing import Final, Protocol, final
from weakref import finalize

from attrs import define, field

from sagemaker_plans._client.first_loop import FirstLoop
from sagemaker_plans._event_loop import new_lock, time_limit
from sagemaker_plans._transport.gateway import Gateway, Interrupted
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import ConfigurationError, ConnectionFailedError

_CLOSE_TIMEOUT: Final = 5.0

Opened = tuple["LocatedGateway", Callable[[], Awaitable[None]]]
"""A gateway that is open, and how to close it."""


class LocatedGateway(Gateway, Protocol):
    """A gateway that knows its region."""

    @property
    def region(self) -> str | None:
        """The region of the client; None if it is not known."""
        ...


@define(eq=False, repr=False)
class _Opening:
    """What is open. It outlives its gateway, to tell who forgot to close that."""

    settings: Mapping[str, str | None]
    opened: Opened | None
    is_closed: bool = False
    process: int = field(factory=getpid)
    """The process that made it. One that was forked from it has nothing to close."""

    def __repr__(self) -> str:
        """Tell which client this is, without anything that may be a secret."""
        region = self.opened and self.opened[0].region
        shown_settings = {
            **self.settings,
            "region_name": region or self.settings.get("region_name"),
        }
        told = [f"{name}={value!r}" for name, value in shown_settings.items() if value is not None]
        state = "closed" if self.is_closed else "open" if self.opened else "not open yet"
        return f"<AsyncClient {', '.join([*told, state])}>"

    def tell_if_open(self) -> None:
        """Log and warn that nobody closed it, if so."""
        if not self.opened or self.process != getpid():
            return
        import logging  # noqa: PLC0415  # here it was imported long ago; see the package's tests

        from sagemaker_plans._wire.logs import tell  # noqa: PLC0415  # likewise

        message = (
            f"{self!r} was not closed; use it as 'async with AsyncClient(...) as client:', or "
            "call 'await client.aclose()' when you are done"
        )
        tell(logging.WARNING, "%s", message)
        # The line that let go of it is behind this method and finalize's own.
        warnings.warn(message, ResourceWarning, source=self, stacklevel=3)


@final
class LazyGateway(Gateway):
    """A gateway that opens with the first call, only once. After close() it stays closed.

    Args:
        open_gateway: Opens it; None if it is open.
        opened: The open one, and how to close it; None if it is not open yet.
        settings: What shows in its repr, as the user gave it. None of it may be a secret.
        first_loop: Checks the event loop. It is not of this class, so that who has only the
            check does not keep the gateway alive.
    """

    def __init__(
        self,
        open_gateway: Callable[[], Awaitable[Opened]] | None = None,
        *,
        opened: Opened | None = None,
        settings: Mapping[str, str | None] = {},
        first_loop: FirstLoop | None = None,
    ) -> None:
        self._open_gateway = open_gateway
        self._state = _Opening(settings, opened)
        self._lock: AbstractAsyncContextManager[None] | None = None
        self._first_loop = first_loop or FirstLoop()
        # Groups, pagers and waits hold this too, so it is the last that anybody can close. This
        # is called when it is gone, or when the program ends: also if something that lasts as
        # long as the program holds it. A wrapped client is its owner's to close.
        if open_gateway is not None:
            finalize(self, self._state.tell_if_open)

    def __repr__(self) -> str:
        """Tell which client this is, without anything that may be a secret."""
        return repr(self._state)

    async def region(self) -> str | None:
        """Open the gateway, and give its region; None if that is not known."""
        # What is done next says that the client is closed.
        return None if self._state.is_closed else (await self.open()).region

    async def open(self) -> LocatedGateway:
        """Open the gateway, unless it is open.

        Returns:
            The gateway.

        Raises:
            ConfigurationError: If it was closed, or cannot be opened.
        """
        self._first_loop.check()
        return (self._state.opened or await self._open_once())[0]

    async def _open_once(self) -> Opened:
        # There is no await between the two steps, and only one event loop gets here.
        self._lock = self._lock or new_lock()
        async with self._lock:
            opened = self._state.opened
            if opened is None and self._open_gateway is not None and not self._is_closed():
                opened = self._state.opened = await self._open_gateway()
                if self._is_closed():
                    await self.close()
        if opened is None or self._is_closed():
            raise ConfigurationError("this client is closed; make a new one")
        return opened

    def _is_closed(self) -> bool:
        return self._state.is_closed

    async def call(
        self,
        operation: Operation,
        request: Mapping[str, object],
        /,
        *,
        send_by: datetime | None = None,
        interrupted: Interrupted | None = None,
    ) -> Reply:
        """Send a request as ``Gateway.call`` says. The first one opens the gateway."""
        # Whoever paces requests has looked at the event loop before each of them.
        try:
            opened = self._state.opened or await self._open_once()
        except BaseException as error:
            if interrupted is not None and not isinstance(error, Exception):
                words = f"{operation.name} was not sent: the client was not open yet"
                interrupted(
                    ConnectionFailedError(words, request_sent=False, operation=operation.name)
                )
            raise
        return await opened[0].call(operation, request, send_by=send_by, interrupted=interrupted)

    async def close(self) -> None:
        """Close the gateway for good."""
        # This does not wait for the lock. If another task is opening the gateway now, that
        # task sees the flag when it is done, and calls this method again.
        self._state.is_closed = True
        opened, self._state.opened = self._state.opened, None
        if opened is not None:
            # A cancellation does not stop this. Connections that are still open after the
            # timeout are left to the garbage collector.
            with time_limit(_CLOSE_TIMEOUT, shield=True):
                await opened[1]()
