"""The server's routes, and the chain of middlewares in front of them.

From the outside in: every request gets one line in the log and an answer, and is let in by its
Host and Origin. What then comes to `/` is a request to the service. The rest is for the admin
surface.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from email.utils import formatdate
from typing import Final

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from sagemaker_plans.emulator._http.admin import ADMIN_PREFIX, OF_ONE_MOMENT, Admin
from sagemaker_plans.emulator._http.limits.limits import STANDSTILL_SECONDS
from sagemaker_plans.emulator._http.limits.memory_budget import Share
from sagemaker_plans.emulator._http.origins import AccessRules
from sagemaker_plans.emulator._http.request_body import MOST_BYTES, parsed_object
from sagemaker_plans.emulator._http.request_handler import (
    RequestHandler,
    body_of,
    no_response,
    transport_of,
)
from sagemaker_plans.emulator._http.request_log import current_exchange, log_request
from sagemaker_plans.emulator._http.responses import aiohttp_response, error_response
from sagemaker_plans.emulator._wire.json_pieces import json_pieces
from sagemaker_plans.emulator._wire.not_kept_error import NotKeptError
from sagemaker_plans.emulator._wire.refusal import Refusal

LOGGER: Final = logging.getLogger("sagemaker_plans.emulator")

_SLICE_SECONDS: Final = 0.01
# How long one response may be computed before others get their turn.

_MOST_TRIES: Final = 5
# How often what is of one moment is computed while others are served.

_MOST_FAILURES: Final = 20
# How many errors of the emulator are kept, each with its traceback and what that refers to.

_LONGEST_WRITE: Final = 64 * 1024

_UNKNOWN: Final = Refusal("UnknownOperationException", "Requests are posted to '/'.", 404)


@attrs.frozen(kw_only=True)
class Application:
    """What the server serves."""

    handler: RequestHandler
    admin: Admin
    rules: AccessRules
    dates_replies: Callable[[], bool]
    """Whether the clock of the signatures is another than the machine's."""
    failures: list[Exception]
    """Errors of the emulator itself. The list belongs to the emulator, which raises them."""

    def made(self) -> web.Application:
        """Return a new application of aiohttp, for one event loop."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._answer(request, handler)

        @web.middleware
        async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._let_in(request, handler)

        app = web.Application(client_max_size=MOST_BYTES, middlewares=[log_request, answer, let_in])
        app.router.add_post("/", self.handler.handle, expect_handler=_continue_later)
        # Programs that watch containers ask for the head alone.
        app.router.add_get(
            f"{ADMIN_PREFIX}/health", self._health, allow_head=True, expect_handler=_continue_later
        )
        for name, question in self.admin.questions.items():
            app.router.add_get(
                f"{ADMIN_PREFIX}/{name}",
                self._at_one_moment(question)
                if name in OF_ONE_MOMENT
                else self._piece_by_piece(question),
                allow_head=False,
                expect_handler=_continue_later,
            )
        for name, command in self.admin.commands.items():
            app.router.add_post(
                f"{ADMIN_PREFIX}/{name}", self._carried_out(command), expect_handler=_continue_later
            )
        app.on_response_prepare.append(self._add_headers)
        return app

    async def _health(self, _request: web.Request) -> web.StreamResponse:
        health = self.admin.health()
        current_exchange().outcome = str(health["status"])
        return web.json_response(health, status=200 if health["status"] == "ok" else 503)

    def _at_one_moment(self, question: Callable[[], object]) -> Handler:
        """Return a handler whose answer is computed again if something changes meanwhile."""

        async def pieces_of(share: Share) -> AsyncIterator[bytes]:
            pieces = await self._pieces_of_one_moment(question, share)
            while pieces:
                yield pieces.popleft()

        return self._answer_to(pieces_of)

    def _piece_by_piece(self, question: Callable[[], object]) -> Handler:
        """Return a handler whose answer is sent while it is computed."""

        async def pieces_of(share: Share) -> AsyncIterator[bytes]:
            async for piece in _in_slices(json_pieces(question())):
                share.take(len(piece))
                yield piece

        return self._answer_to(pieces_of)

    async def _pieces_of_one_moment(
        self, question: Callable[[], object], share: Share
    ) -> deque[bytes]:
        service = self.handler.service
        for _ in range(_MOST_TRIES):
            changes, pieces = service.changes, deque[bytes]()
            async for piece in _in_slices(json_pieces(question())):
                share.take(len(piece))
                pieces.append(piece)
            if service.changes == changes:
                return pieces
            share.give_back(share.held)
        # Too much is going on. Others have to wait.
        whole = "".join(json_pieces(question())).encode()
        share.take(len(whole))
        return deque([whole])

    def _answer_to(self, pieces_of: Callable[[Share], AsyncIterator[bytes]]) -> Handler:
        """Return a handler that sends pieces of JSON."""

        async def answer(request: web.Request) -> web.StreamResponse:
            stream = web.StreamResponse(headers={"Content-Type": "application/json; charset=utf-8"})
            await self._send(request, stream, pieces_of)
            current_exchange().outcome = "ok"
            return stream

        return answer

    async def _send(
        self,
        request: web.Request,
        stream: web.StreamResponse,
        pieces_of: Callable[[Share], AsyncIterator[bytes]],
    ) -> None:
        """Send pieces of an answer, each when the client has read most of the others."""
        try:
            async with self.handler.limits.answers.share(None) as share:
                async for piece in pieces_of(share):
                    # A question that cannot be answered gets an error, and no head.
                    await stream.prepare(request)
                    await _write(stream, piece)
                    share.give_back(len(piece))
        except Exception as error:
            if not stream.prepared:
                raise
            # Half of a response is sent, so no error can follow it.
            transport_of(request).abort()
            if isinstance(error, Refusal):
                raise ConnectionAbortedError(error.message) from error
            raise

    async def _sent_if_long(
        self, request: web.Request, response: web.StreamResponse
    ) -> web.StreamResponse:
        """Send a reply that takes much memory until the client has read it."""
        body = response.body if isinstance(response, web.Response) else None
        if not isinstance(body, bytes) or len(body) <= _LONGEST_WRITE:
            return response

        async def pieces_of(share: Share) -> AsyncIterator[bytes]:
            share.take(len(body))
            yield body

        stream = web.StreamResponse(status=response.status, headers=response.headers)
        stream.content_length = len(body)
        await self._send(request, stream, pieces_of)
        return stream

    def _carried_out(self, command: Callable[[Mapping[str, object]], object]) -> Handler:
        async def carry_out(request: web.Request) -> web.StreamResponse:
            async with body_of(request, self.handler.limits) as body:
                arguments = parsed_object(body or b"{}")
            try:
                reply = command(arguments)
            except ValueError as error:
                raise Refusal("ValidationException", str(error)) from error
            current_exchange().outcome = "ok"
            return web.json_response(reply)

        return carry_out

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Make a response of every error."""
        try:
            return await self._sent_if_long(request, await handler(request))
        except Refusal as refusal:
            return self._refused(request, refusal)
        except web.HTTPException as error:
            return self._refused(request, self._unknown(request, error))
        except (ConnectionError, TimeoutError, web.RequestPayloadError):
            # The client disconnected, or broke the framing in the middle of its request.
            if request.transport is not None:
                request.transport.close()
            return no_response()
        except Exception as error:  # noqa: BLE001  # it is kept, and raised when the emulator ends
            return self._failed(error)

    async def _let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn strangers away."""
        self.rules.check(request, control=_is_control(request))
        return self.rules.preflight(request) or await handler(request)

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self.rules.cors_headers(request))
        if self.dates_replies():
            # Some clients correct their clock by this header, and sign by it from then on.
            response.headers["Date"] = formatdate(self.handler.service.clock.now(), usegmt=True)

    def _refused(self, request: web.Request, refusal: Refusal) -> web.Response:
        exchange = current_exchange()
        exchange.outcome = refusal.code
        self.handler.recorder.turn_away(refusal.code)
        if _is_control(request):
            return web.json_response({"error": refusal.message}, status=refusal.status)
        return aiohttp_response(error_response(exchange.request_id, refusal))

    def _unknown(self, request: web.Request, error: web.HTTPException) -> Refusal:
        if not _is_control(request):
            return _UNKNOWN
        if isinstance(error, web.HTTPMethodNotAllowed):
            expected = " or ".join(sorted(error.allowed_methods))
            message = f"{request.path} takes {expected}, not {request.method}"
            return Refusal("MethodNotAllowed", message, 405)
        known = ", ".join(sorted({"health", *self.admin.questions, *self.admin.commands}))
        message = f"there is no {request.path}; below {ADMIN_PREFIX}/ are: {known}"
        return Refusal("NotFound", message, 404)

    def _failed(self, error: Exception) -> web.Response:
        message, log = (
            "The emulator itself failed on this.",
            "The emulator itself failed on a request",
        )
        if isinstance(error, NotKeptError):
            # It says what happened and what to do. A traceback has no more to say.
            message = log = str(error)
        if len(self.failures) < _MOST_FAILURES:
            self.failures.append(error)
            LOGGER.error("%s", log, exc_info=None if log == message else error)
        else:
            LOGGER.error("The emulator itself failed on one more request: %r", error)
        exchange = current_exchange()
        exchange.outcome = "InternalFailure"
        internal = Refusal("InternalFailure", message, 500)
        response = error_response(exchange.request_id, internal)
        self.handler.recorder.mark_reply(response.request_id, response.status, response.error_code)
        return aiohttp_response(response)


def _is_control(request: web.Request) -> bool:
    return request.path.startswith(ADMIN_PREFIX)


async def _continue_later(_request: web.Request) -> None:
    """Leave `Expect: 100-continue` to the handler, which first looks at the head."""


async def _write(stream: web.StreamResponse, piece: bytes) -> None:
    """Write to a client, and wait until it has read most of it."""
    view = memoryview(piece)
    for start in range(0, len(view), _LONGEST_WRITE):
        async with asyncio.timeout(STANDSTILL_SECONDS):
            await stream.write(view[start : start + _LONGEST_WRITE])


async def _in_slices(pieces: Iterator[str]) -> AsyncIterator[bytes]:
    """Join pieces of text, and give way to the loop's other tasks after each slice of time."""
    slice_ends = time.perf_counter() + _SLICE_SECONDS
    joined: list[str] = []
    for piece in pieces:
        joined.append(piece)
        if time.perf_counter() >= slice_ends:
            yield "".join(joined).encode()
            joined.clear()
            await asyncio.sleep(0)
            slice_ends = time.perf_counter() + _SLICE_SECONDS
    yield "".join(joined).encode()
