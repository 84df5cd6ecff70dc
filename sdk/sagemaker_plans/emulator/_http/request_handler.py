"""The HTTP side: AWS JSON 1.1 on a socket, faults included."""

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
    Answer,
    failure,
    parsed_object,
    success,
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
# SO_LINGER with a timeout of zero: closing then sends RST instead of FIN.

_UPLOAD_SECONDS: Final = 20.0
# How long a request's body may take, in real seconds.

_TOO_LARGE: Final = Refusal("RequestEntityTooLargeException", "The body is too large.", 413)

_NOTHING_SENT: Final = web.Response
# aiohttp wants a response object in any case; on a closed connection it goes nowhere.


@attrs.frozen(kw_only=True)
class _Call:
    """One request on its way through the front desk."""

    request_id: str
    operation: str
    headers: Mapping[str, str]
    raw_body: bytes | None
    """None if it was too large to be read."""
    body: Mapping[str, object] | None
    region: str | None
    problem: Refusal | None
    """What was wrong with the body."""


@attrs.frozen(kw_only=True)
class FrontDesk:
    """What every HTTP request meets when it comes in."""

    service: Service
    faults: FaultSchedule
    recorder: Recorder
    credentials: Credentials
    admin: Admin
    failures: list[Exception]
    """Errors of the emulator itself, which its owner gets to see at the end."""

    async def receive(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request, whatever it is."""
        request_id = str(uuid.uuid4())
        try:
            raw_body = await _read(request)
        except (ConnectionError, TimeoutError, web.RequestPayloadError):
            # The client broke off, or broke the framing, in the middle of its request.
            if request.transport is not None:
                request.transport.close()
            return _NOTHING_SENT()
        try:
            if request.path.startswith(ADMIN_PREFIX):
                return self._administer(request, raw_body)
            return await self._serve(request, _call(request, request_id, raw_body))
        except ConnectionError:
            # The client left while the reply was on its way: aiohttp ends the connection.
            return _NOTHING_SENT()
        except Exception as error:
            self.failures.append(error)
            LOGGER.exception("The emulator itself failed on a request")
            broken = Refusal("InternalFailure", "The emulator itself failed on this.", 500)
            self.recorder.answering(request_id, broken.status, broken.code)
            return _response(failure(request_id, broken))

    def _administer(self, request: web.BaseRequest, raw_body: bytes | None) -> web.StreamResponse:
        if raw_body is None:
            return web.json_response({"error": _TOO_LARGE.message}, status=_TOO_LARGE.status)
        status, reply = self.admin.answer(request.method, request.path, raw_body)
        return web.json_response(reply, status=status)

    async def _serve(self, request: web.BaseRequest, call: _Call) -> web.StreamResponse:
        self.recorder.arrived(
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
            return self._reply(failure(call.request_id, refusal))
        fault = self.faults.next_fault(call.operation)
        if fault is None:
            return self._reply(self._carry_out(call, None))
        self.recorder.struck(call.request_id, fault.name)
        return await self._go_wrong(request, call, fault)

    def _check(self, request: web.BaseRequest, call: _Call) -> None:
        """Refuse what is no signed AWS JSON request of SageMaker."""
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
        if call.problem is not None:
            raise call.problem

    def _carry_out(self, call: _Call, fault: Fault | None) -> Answer:
        assert call.body is not None, "a body that is no object was refused before"
        caller = Caller(region=call.region or "us-east-1", request_id=call.request_id)
        try:
            reply = self.service.handle(call.operation, call.body, caller=caller)
        except Refusal as refusal:
            return failure(call.request_id, refusal)
        self.recorder.committed(call.request_id)
        if fault is not None and fault.change is not None:
            reply = fault.change(call.operation, call.body, reply)
        answer = success(call.request_id, call.operation, reply)
        if fault is not None and fault.damage is not None:
            body = fault.damage(answer.body)
            answer = attrs.evolve(answer, body=body, content_type=fault.content_type)
        return answer

    async def _go_wrong(
        self, request: web.BaseRequest, call: _Call, fault: Fault
    ) -> web.StreamResponse:
        # The effect comes first, and in one piece: a client that leaves during what
        # follows cannot undo half of it.
        answer = self._carry_out(call, fault) if fault.committed else None
        if fault.answer is not None:
            answer = failure(call.request_id, fault.answer)
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
        if answer is None or transport.is_closing():
            return _NOTHING_SENT()
        if fault.delivery == "whole":
            await asyncio.sleep(fault.seconds)
            return self._reply(answer)
        self.recorder.answering(call.request_id, answer.status, answer.error_code)
        if fault.delivery == "cut":
            return await _cut(request, answer)
        return await _drip(request, answer, fault.seconds)

    def _reply(self, answer: Answer) -> web.StreamResponse:
        self.recorder.answering(answer.request_id, answer.status, answer.error_code)
        return _response(answer)


class Connection(web.RequestHandler):
    """aiohttp's side of one connection, with AWS-shaped answers to what is no HTTP."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer bytes that are no HTTP request; tells nothing of the reason."""
        del request, exc, message
        refusal = Refusal("SerializationException", "This is not an HTTP request.", status)
        response = _response(failure(str(uuid.uuid4()), refusal))
        response.force_close()
        return response


async def _read(request: web.BaseRequest) -> bytes | None:
    """Return the body, or None if it is longer than aiohttp's limit of 1 MiB.

    Raises:
        TimeoutError: It did not come in time.
        ConnectionError: The client broke off.
    """
    if request.headers.get("Expect", "").lower() == "100-continue":
        # curl waits a second for this before it sends a long body, others for ever.
        _transport(request).write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        # aiohttp does not tell the reader of a broken chunk: it would wait for ever.
        async with asyncio.timeout(_UPLOAD_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        return None


def _call(request: web.BaseRequest, request_id: str, raw_body: bytes | None) -> _Call:
    headers = {name.lower(): ",".join(request.headers.getall(name)) for name in request.headers}
    target = _TARGET.fullmatch(headers.get("x-amz-target", ""))
    body, problem = None, None
    if raw_body is not None:
        try:
            body = parsed_object(raw_body)
        except Refusal as refusal:
            problem = refusal
    return _Call(
        request_id=request_id,
        operation=target[1] if target else "",
        headers=headers,
        raw_body=raw_body,
        body=body,
        region=claimed_region(headers.get("authorization", "")),
        problem=problem,
    )


def _transport(request: web.BaseRequest) -> asyncio.Transport:
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has left")
    return transport


def _response(answer: Answer) -> web.Response:
    return web.Response(body=answer.body, status=answer.status, headers=answer.headers)


async def _cut(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    # Even an empty reply must promise something to be cut.
    response.content_length = max(len(answer.body), 2)
    await response.prepare(request)
    await response.write(answer.body[: response.content_length // 2])
    _transport(request).close()
    return response


async def _drip(request: web.BaseRequest, answer: Answer, seconds: float) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(answer.body)
    await response.prepare(request)
    for position in range(len(answer.body)):
        await asyncio.sleep(seconds)
        await response.write(answer.body[position : position + 1])
    return response
