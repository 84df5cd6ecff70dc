"""One connection of aiohttp, for clients that half-close it and bytes that are not HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from typing import Any, Final, cast, final

from aiohttp import StreamReader, web

from sagemaker_plans.emulator._http.limits.limits import Limits
from sagemaker_plans.emulator._http.limits.memory_budget import Share
from sagemaker_plans.emulator._http.responses import aiohttp_response, error_response
from sagemaker_plans.emulator._wire.refusal import Refusal

LOGGER: Final = logging.getLogger("sagemaker_plans.emulator")

_INTERNAL_FAILURE: Final = 500

_LONGEST_READ: Final = 32 * 1024

_LONGEST_HEAD: Final = 64 * 1024
# Those of AWS clients take a few kilobytes.


@final
class Connection(web.RequestHandler):
    """One connection of a client.

    A client that closes its sending side after a whole request still gets the reply. aiohttp
    would drop the request.
    """

    __slots__ = ("_arriving", "_half_closed", "_head", "_last_body", "_limits")

    _half_closed: bool
    _last_body: StreamReader | None
    _arriving: StreamReader | None
    _head: Share

    def __init__(self, server: web.Server, *, limits: Limits, **options: Any) -> None:  # noqa: ANN401  # those of aiohttp
        super().__init__(server, **options)
        self._limits = limits

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with nothing to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._half_closed = False
        self._last_body = None
        self._arriving = None
        self._head = Share(self._limits.requests, transport.abort)
        # What a connection may read at once. asyncio does not document it; without it, a flood
        # takes three times as much, because each connection reads before any is counted.
        cast("Any", transport).max_size = _LONGEST_READ
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget what has come of a head."""
        self._head.release()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse bytes, and remember the body of the last request that is not answered."""
        count = self._request_count
        is_body = self._arriving is not None and not self._arriving.is_eof()
        super().data_received(data)
        if self._messages:
            self._last_body = self._messages[-1][1]
        if self._request_count > count:
            self._arriving = self._last_body
            self._head.release()
        elif not is_body:
            self._take_head(len(data))

    def _take_head(self, count: int) -> None:
        """Count what has come of a head that has no end yet."""
        with contextlib.suppress(Refusal):
            # A head that is cut ends with its connection. There is no request yet to answer.
            self._head.take(count)
        if self._head.held > _LONGEST_HEAD and self.transport is not None:
            self.transport.abort()

    # asyncio asks for an answer, aiohttp's annotation knows of none.
    def eof_received(self) -> bool:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # see above
        """Keep the connection open if a whole request waits for its reply."""
        self._half_closed = self._last_body is not None and self._last_body.is_eof()
        return self._half_closed

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the response, and close a half-closed connection after the last one."""
        finished = await super().finish_response(request, resp, start_time)
        if not self._messages:
            self._last_body = None
            if self._half_closed:
                self.close()
        return finished

    def end_with_client(self) -> None:
        """End the request as soon as the client closes its side.

        A reply that a fault holds back may never be sent. So nobody else would end it.
        """
        self._last_body = None
        if self._half_closed and self.transport is not None:
            self.transport.close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the response to bytes that are not an HTTP request, without the reason."""
        del request, message
        refusal = Refusal("SerializationException", "This is not an HTTP request.", status)
        if status >= _INTERNAL_FAILURE:
            LOGGER.error("The emulator itself failed outside of a request", exc_info=exc)
            refusal = Refusal("InternalFailure", "The emulator itself failed on this.", status)
        response = aiohttp_response(error_response(str(uuid.uuid4()), refusal))
        response.force_close()
        return response
