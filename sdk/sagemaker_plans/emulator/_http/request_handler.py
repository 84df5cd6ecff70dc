"""Handles requests to the service: checks, records and answers them, or applies their faults.

The checks that need only the head come first: target, size, and what the signature claims. A
stranger's body is never read. Then the body is read and its signature verified. Only what has
passed is recorded and parsed.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import struct
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from socket import SO_LINGER, SOL_SOCKET
from typing import Final

import attrs
from aiohttp import web

from sagemaker_plans.emulator._faults.fault import Fault
from sagemaker_plans.emulator._faults.schedule import FaultSchedule
from sagemaker_plans.emulator._http.connection import Connection
from sagemaker_plans.emulator._http.limits.limits import Limits
from sagemaker_plans.emulator._http.recorder import Headers, RecordedRequest, Recorder
from sagemaker_plans.emulator._http.request_body import MOST_BYTES, parsed_object
from sagemaker_plans.emulator._http.request_log import current_exchange
from sagemaker_plans.emulator._http.responses import (
    CONTENT_TYPE,
    Response,
    aiohttp_response,
    error_response,
    reply_response,
)
from sagemaker_plans.emulator._http.signature import (
    Credentials,
    SignedRequest,
    check_signature,
    check_signature_head,
)
from sagemaker_plans.emulator._service.service import Service
from sagemaker_plans.emulator._wire.members import Caller
from sagemaker_plans.emulator._wire.refusal import Refusal

_TARGET: Final = re.compile(r"SageMaker\.([A-Za-z]{1,128})")

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
# SO_LINGER with a timeout of zero makes a close send RST instead of FIN.

_UPLOAD_SECONDS: Final = 20.0
# How long the upload of a request's body may take, in real seconds.

_TOO_LARGE: Final = Refusal("RequestEntityTooLargeException", "The body is too large.", 413)


@attrs.frozen(kw_only=True)
class _Call:
    """One signed request to the service."""

    operation: str
    caller: Caller
    body: Mapping[str, object]


@attrs.frozen(kw_only=True)
class RequestHandler:
    """Handles every request to the service."""

    service: Service
    faults: FaultSchedule
    recorder: Recorder
    credentials: Credentials
    signature_times: Callable[[dt.datetime, str], Sequence[dt.datetime]]
    """Gives the times with which the date of a signature is compared, for an operation."""
    limits: Limits = attrs.Factory(Limits)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Return the response to one request.

        Raises:
            Refusal: The request is refused before it is recorded.
            ConnectionError: The client disconnected.
            TimeoutError: The body did not arrive in time.
        """
        exchange = current_exchange()
        headers = {name.lower(): ",".join(request.headers.getall(name)) for name in request.headers}
        exchange.operation = _operation(request, headers)
        operation = exchange.operation
        claim = check_signature_head(
            headers, self.credentials, lambda signed_at: self.signature_times(signed_at, operation)
        )
        async with body_of(request, self.limits) as raw_body:
            signed = SignedRequest(
                method=request.method,
                path=request.rel_url.raw_path,
                query=request.rel_url.raw_query_string,
                headers=headers,
                body=raw_body,
            )
            check_signature(signed, claim)
        caller = Caller(
            region=claim.region,
            account_id=claim.account_id or self.service.account_id,
            request_id=exchange.request_id,
        )
        self._record(exchange.operation, signed, caller)
        try:
            body = parsed_object(raw_body)
        except Refusal as refusal:
            return self._reply(error_response(exchange.request_id, refusal))
        call = _Call(operation=exchange.operation, caller=caller, body=body)
        fault = self.faults.next_fault(call.operation)
        if fault is None:
            return self._reply(self._carry_out(call, None))
        exchange.fault = fault.name
        self.recorder.mark_fault(exchange.request_id, fault.name)
        return await self._apply_fault(request, call, fault)

    def _record(self, operation: str, signed: SignedRequest, caller: Caller) -> None:
        self.recorder.add(
            RecordedRequest(
                request_id=caller.request_id,
                operation=operation,
                raw_body=signed.body,
                headers=Headers(signed.headers),
                region=caller.region,
                account_id=caller.account_id,
                received_at=self.service.clock.now(),
            )
        )

    def _carry_out(self, call: _Call, fault: Fault | None) -> Response:
        request_id = call.caller.request_id
        try:
            reply = self.service.handle(call.operation, call.body, caller=call.caller)
        except Refusal as refusal:
            return error_response(request_id, refusal)
        self.recorder.mark_committed(request_id)
        if fault is not None and fault.change is not None:
            reply = fault.change(call.operation, call.body, reply)
        response = reply_response(request_id, call.operation, reply)
        if fault is not None and fault.damage is not None:
            body = fault.damage(response.body)
            response = attrs.evolve(response, body=body, content_type=fault.content_type)
        return response

    async def _apply_fault(
        self, request: web.Request, call: _Call, fault: Fault
    ) -> web.StreamResponse:
        # The operation is carried out first and in one step. If the client disconnects
        # later, that cannot undo half of it.
        response = self._carry_out(call, fault) if fault.committed else None
        if fault.answer is not None:
            response = error_response(call.caller.request_id, fault.answer)
        if _holds_back(fault) and isinstance(request.protocol, Connection):
            request.protocol.end_with_client()
        if fault.gate is not None:
            await fault.gate.passage()
        transport = transport_of(request)
        if fault.delivery == "hang":
            await asyncio.get_running_loop().create_future()
        if fault.delivery == "fin":
            transport.close()
        if fault.delivery == "rst":
            connection = transport.get_extra_info("socket")
            connection.setsockopt(SOL_SOCKET, SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()
        if response is None or transport.is_closing():
            return no_response()
        if fault.delivery == "whole":
            await asyncio.sleep(fault.seconds)
            return self._reply(response)
        self._mark_reply(response)
        if fault.delivery == "cut":
            return await _cut(request, response)
        return await _drip(request, response, fault.seconds)

    def _mark_reply(self, response: Response) -> None:
        current_exchange().outcome = response.error_code or "ok"
        self.recorder.mark_reply(response.request_id, response.status, response.error_code)

    def _reply(self, response: Response) -> web.Response:
        self._mark_reply(response)
        return aiohttp_response(response)


@asynccontextmanager
async def body_of(request: web.Request, limits: Limits) -> AsyncGenerator[bytes]:
    """Give the body of a request to a block, after which it counts as held no longer.

    Raises:
        Refusal: It is longer than `MOST_BYTES`; if the head says so, nothing is read. Or others
            need the memory.
        TimeoutError: It did not arrive in time.
        ConnectionError: The client disconnected.
        web.RequestPayloadError: The client broke the framing.
    """
    if (request.content_length or 0) > MOST_BYTES:
        raise _TOO_LARGE
    if request.headers.get("Expect", "").lower() == "100-continue":
        # curl waits a second for this before it sends a long body. Other clients wait for ever.
        transport_of(request).write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # aiohttp does not report a broken chunk to the reader, which would wait for ever.
    async with limits.requests.share(_UPLOAD_SECONDS) as share:
        pieces: list[bytes] = []
        while piece := await request.content.readany():
            share.take(len(piece))
            pieces.append(piece)
            if share.held > MOST_BYTES:
                raise _TOO_LARGE
        yield b"".join(pieces)


def no_response() -> web.Response:
    """Return a response that is never sent. aiohttp needs one even on a closed connection."""
    return web.Response()


def transport_of(request: web.BaseRequest) -> asyncio.Transport:
    """Return the transport of a request's connection.

    Raises:
        ConnectionError: The client has disconnected.
    """
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has disconnected")
    return transport


def _operation(request: web.Request, headers: Mapping[str, str]) -> str:
    target = _TARGET.fullmatch(headers.get("x-amz-target", ""))
    if request.content_type != CONTENT_TYPE or target is None:
        raise Refusal(
            "UnknownOperationException",
            f"Requests have the content type {CONTENT_TYPE} and a target SageMaker.<Operation>.",
            404,
        )
    return target[1]


def _holds_back(fault: Fault) -> bool:
    """Tell whether the reply waits, perhaps for ever, before all of it is sent."""
    return fault.gate is not None or fault.delivery == "hang" or fault.seconds > 0


async def _cut(request: web.Request, response: Response) -> web.StreamResponse:
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    # For an empty reply too, Content-Length must be above zero, or nothing could be cut.
    stream.content_length = max(len(response.body), 2)
    await stream.prepare(request)
    await stream.write(response.body[: stream.content_length // 2])
    transport_of(request).close()
    return stream


async def _drip(request: web.Request, response: Response, seconds: float) -> web.StreamResponse:
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_length = len(response.body)
    await stream.prepare(request)
    for position in range(len(response.body)):
        await asyncio.sleep(seconds)
        await stream.write(response.body[position : position + 1])
    return stream
