"""Handles every HTTP request: records it, checks it, and answers it or applies its fault."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import re
import struct
import uuid
from collections.abc import Mapping
from socket import SO_LINGER, SOL_SOCKET
from typing import Final

import attrs
from aiohttp import web

from sagemaker_plans.emulator._faults.fault import Fault
from sagemaker_plans.emulator._faults.schedule import FaultSchedule
from sagemaker_plans.emulator._http.admin import ADMIN_PREFIX, Admin
from sagemaker_plans.emulator._http.recorder import Headers, RecordedRequest, Recorder
from sagemaker_plans.emulator._http.responses import (
    CONTENT_TYPE,
    Response,
    error_response,
    parsed_object,
    reply_response,
)
from sagemaker_plans.emulator._http.signature import (
    Credentials,
    SignedRequest,
    claimed_region,
    verify,
)
from sagemaker_plans.emulator._service.service import Service
from sagemaker_plans.emulator._wire.members import Caller
from sagemaker_plans.emulator._wire.refusal import Refusal

LOGGER: Final = logging.getLogger("sagemaker_plans.emulator")

_TARGET: Final = re.compile(r"SageMaker\.([A-Za-z]{1,128})")

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
# SO_LINGER with a timeout of zero makes a close send RST instead of FIN.

_UPLOAD_SECONDS: Final = 20.0
# How long the upload of a request's body may take, in real seconds.

_TOO_LARGE: Final = Refusal("RequestEntityTooLargeException", "The body is too large.", 413)


@attrs.frozen(kw_only=True)
class _Call:
    """One request to the service, as it was read from the socket."""

    request_id: str
    operation: str
    headers: Mapping[str, str]
    raw_body: bytes | None
    """None if it was too large to be read."""
    body: Mapping[str, object] | None
    region: str | None
    body_error: Refusal | None
    """Why the body is not a JSON object; None if it is one."""


@attrs.frozen(kw_only=True)
class RequestHandler:
    """Handles every HTTP request that comes in."""

    service: Service
    faults: FaultSchedule
    recorder: Recorder
    credentials: Credentials
    admin: Admin
    failures: list[Exception]
    """Errors of the emulator itself. The list belongs to the emulator; the handler appends."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the response to one HTTP request."""
        request_id = str(uuid.uuid4())
        try:
            raw_body = await _read(request)
        except (ConnectionError, TimeoutError, web.RequestPayloadError):
            # The client disconnected or broke the framing in the middle of its request.
            if request.transport is not None:
                request.transport.close()
            return _no_response()
        try:
            if request.path.startswith(ADMIN_PREFIX):
                return self._handle_admin(request, raw_body)
            return await self._handle_call(request, _call(request, request_id, raw_body))
        except ConnectionError:
            # The client disconnected before its reply was sent; aiohttp closes the connection.
            return _no_response()
        except Exception as error:
            self.failures.append(error)
            LOGGER.exception("The emulator itself failed on a request")
            internal = Refusal("InternalFailure", "The emulator itself failed on this.", 500)
            return self._reply(error_response(request_id, internal))

    def _handle_admin(self, request: web.BaseRequest, raw_body: bytes | None) -> web.StreamResponse:
        if raw_body is None:
            return web.json_response({"error": _TOO_LARGE.message}, status=_TOO_LARGE.status)
        status, reply = self.admin.handle(request.method, request.path, raw_body)
        return web.json_response(reply, status=status)

    async def _handle_call(self, request: web.BaseRequest, call: _Call) -> web.StreamResponse:
        self.recorder.add(
            RecordedRequest(
                request_id=call.request_id,
                operation=call.operation,
                body=call.body,
                headers=Headers(call.headers),
                region=call.region,
                received_at=self.service.clock.now(),
            )
        )
        try:
            self._check(request, call)
        except Refusal as refusal:
            return self._reply(error_response(call.request_id, refusal))
        fault = self.faults.next_fault(call.operation)
        if fault is None:
            return self._reply(self._carry_out(call, None))
        self.recorder.mark_fault(call.request_id, fault.name)
        return await self._apply_fault(request, call, fault)

    def _check(self, request: web.BaseRequest, call: _Call) -> None:
        """Raise Refusal if a request is not signed, or is not an AWS JSON request to SageMaker."""
        if request.method != "POST" or request.rel_url.raw_path != "/":
            raise Refusal("UnknownOperationException", "Requests are posted to '/'.", 404)
        if call.raw_body is None:
            raise _TOO_LARGE
        if request.content_type != CONTENT_TYPE or not call.operation:
            raise Refusal(
                "UnknownOperationException",
                f"Requests have the content type {CONTENT_TYPE} and a target "
                "SageMaker.<Operation>.",
                404,
            )
        signed = SignedRequest(
            method=request.method,
            path=request.rel_url.raw_path,
            query=request.rel_url.raw_query_string,
            headers=call.headers,
            body=call.raw_body,
        )
        verify(signed, self.credentials, dt.datetime.now(dt.UTC))
        if call.body_error is not None:
            raise call.body_error

    def _carry_out(self, call: _Call, fault: Fault | None) -> Response:
        assert call.body is not None, "the check has rejected a body that is not an object"
        caller = Caller(region=call.region or "us-east-1", request_id=call.request_id)
        try:
            reply = self.service.handle(call.operation, call.body, caller=caller)
        except Refusal as refusal:
            return error_response(call.request_id, refusal)
        self.recorder.mark_committed(call.request_id)
        if fault is not None and fault.change is not None:
            reply = fault.change(call.operation, call.body, reply)
        response = reply_response(call.request_id, call.operation, reply)
        if fault is not None and fault.damage is not None:
            body = fault.damage(response.body)
            response = attrs.evolve(response, body=body, content_type=fault.content_type)
        return response

    async def _apply_fault(
        self, request: web.BaseRequest, call: _Call, fault: Fault
    ) -> web.StreamResponse:
        # The operation is carried out first and in one step. If the client disconnects
        # later, that cannot undo half of it.
        response = self._carry_out(call, fault) if fault.committed else None
        if fault.answer is not None:
            response = error_response(call.request_id, fault.answer)
        if fault.gate is not None:
            await fault.gate.passage()
        transport = _transport(request)
        if fault.delivery == "hang":
            await asyncio.get_running_loop().create_future()
        if fault.delivery == "fin":
            transport.close()
        if fault.delivery == "rst":
            connection = transport.get_extra_info("socket")
            connection.setsockopt(SOL_SOCKET, SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()
        if response is None or transport.is_closing():
            return _no_response()
        if fault.delivery == "whole":
            await asyncio.sleep(fault.seconds)
            return self._reply(response)
        self.recorder.mark_reply(response.request_id, response.status, response.error_code)
        if fault.delivery == "cut":
            return await _cut(request, response)
        return await _drip(request, response, fault.seconds)

    def _reply(self, response: Response) -> web.Response:
        self.recorder.mark_reply(response.request_id, response.status, response.error_code)
        return _aiohttp_response(response)


class Connection(web.RequestHandler):
    """One connection of aiohttp. Bytes that are not HTTP get an error in AWS's format."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the response to bytes that are not an HTTP request, without the reason."""
        del request, exc, message
        refusal = Refusal("SerializationException", "This is not an HTTP request.", status)
        response = _aiohttp_response(error_response(str(uuid.uuid4()), refusal))
        response.force_close()
        return response


async def _read(request: web.BaseRequest) -> bytes | None:
    """Return the body, or None if it is longer than aiohttp's limit of 1 MiB.

    Raises:
        TimeoutError: The body did not arrive in time.
        ConnectionError: The client disconnected.
    """
    if request.headers.get("Expect", "").lower() == "100-continue":
        # curl waits a second for this before it sends a long body. Other clients wait for ever.
        _transport(request).write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        # aiohttp does not report a broken chunk to the reader, which would wait for ever.
        async with asyncio.timeout(_UPLOAD_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        return None


def _call(request: web.BaseRequest, request_id: str, raw_body: bytes | None) -> _Call:
    headers = {name.lower(): ",".join(request.headers.getall(name)) for name in request.headers}
    target = _TARGET.fullmatch(headers.get("x-amz-target", ""))
    body, body_error = None, None
    if raw_body is not None:
        try:
            body = parsed_object(raw_body)
        except Refusal as refusal:
            body_error = refusal
    return _Call(
        request_id=request_id,
        operation=target[1] if target else "",
        headers=headers,
        raw_body=raw_body,
        body=body,
        region=claimed_region(headers.get("authorization", "")),
        body_error=body_error,
    )


def _no_response() -> web.Response:
    """Return a response that is never sent. aiohttp needs one even on a closed connection."""
    return web.Response()


def _transport(request: web.BaseRequest) -> asyncio.Transport:
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has disconnected")
    return transport


def _aiohttp_response(response: Response) -> web.Response:
    return web.Response(body=response.body, status=response.status, headers=response.headers)


async def _cut(request: web.BaseRequest, response: Response) -> web.StreamResponse:
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    # For an empty reply too, Content-Length must be above zero, or nothing could be cut.
    stream.content_length = max(len(response.body), 2)
    await stream.prepare(request)
    await stream.write(response.body[: stream.content_length // 2])
    _transport(request).close()
    return stream


async def _drip(request: web.BaseRequest, response: Response, seconds: float) -> web.StreamResponse:
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_length = len(response.body)
    await stream.prepare(request)
    for position in range(len(response.body)):
        await asyncio.sleep(seconds)
        await stream.write(response.body[position : position + 1])
    return stream
