"""The handler of requests, without a socket: what clients do that no socket can time."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest import mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from emulator.requests_made import signed_headers
from sagemaker_plans.emulator import Emulator, Fault, Service
from sagemaker_plans.emulator._faults.schedule import FaultSchedule
from sagemaker_plans.emulator._http.recorder import Recorder
from sagemaker_plans.emulator._http.request_handler import RequestHandler
from sagemaker_plans.emulator._http.signature import DEFAULT_CREDENTIALS


def request_handler() -> RequestHandler:
    service = Service()
    return RequestHandler(
        service=service,
        faults=FaultSchedule(service.operations),
        recorder=Recorder(),
        credentials=DEFAULT_CREDENTIALS,
        admin=mock.Mock(),
        failures=[],
    )


def abandoned(headers: dict[str, str], payload: Any) -> web.Request:
    """Make a request whose client has disconnected already."""
    return make_mocked_request(
        "POST", "/", headers, protocol=mock.Mock(), transport=None, payload=payload
    )


def test_a_client_that_disconnects_before_its_reply_is_no_failure(emulator: Emulator) -> None:
    handler = request_handler()
    handler.faults.inject("*", Fault.drip())
    headers = signed_headers(emulator, b"{}") | {
        "Host": emulator.endpoint_url.removeprefix("http://")
    }

    async def call() -> None:
        payload = mock.Mock(readany=mock.AsyncMock(side_effect=[b"{}", b""]))
        await handler.handle(abandoned(headers, payload))

    asyncio.run(call())
    (seen,) = handler.recorder.snapshot()
    assert (seen.committed, seen.status, seen.fault) == (True, None, "drip")
    assert handler.failures == []


@pytest.mark.parametrize(
    "error", [ConnectionResetError(), web.RequestPayloadError(), TimeoutError()]
)
def test_a_request_that_never_came_whole_is_not_recorded(error: Exception) -> None:
    handler = request_handler()

    async def call() -> None:
        payload = mock.Mock(readany=mock.AsyncMock(side_effect=error))
        await handler.handle(abandoned({}, payload))

    asyncio.run(call())
    assert handler.recorder.snapshot() == ()
    assert handler.failures == []
