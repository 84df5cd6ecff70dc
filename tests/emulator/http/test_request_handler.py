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
from sagemaker_plans.emulator._http.admin import Admin
from sagemaker_plans.emulator._http.application import Application
from sagemaker_plans.emulator._http.origins import AccessRules
from sagemaker_plans.emulator._http.recorder import Recorder
from sagemaker_plans.emulator._http.request_handler import RequestHandler
from sagemaker_plans.emulator._http.signature import DEFAULT_CREDENTIALS


def made_application() -> tuple[Application, RequestHandler]:
    service = Service()
    faults, recorder = FaultSchedule(service.operations), Recorder()
    handler = RequestHandler(
        service=service,
        faults=faults,
        recorder=recorder,
        credentials=DEFAULT_CREDENTIALS,
        signature_times=lambda signed_at, _: (signed_at,),
    )
    admin = Admin(
        service=service, faults=faults, recorder=recorder, reset=service.reset, version=""
    )
    rules = AccessRules(hosts=frozenset(), origins=frozenset())
    application = Application(
        handler=handler, admin=admin, rules=rules, dates_replies=bool, failures=[]
    )
    return application, handler


def respond(application: Application, request: web.Request) -> web.StreamResponse:
    async def call() -> web.StreamResponse:
        app = application.made()
        app.freeze()
        return await app._handle(request)

    return asyncio.run(call())


def abandoned(emulator: Emulator, payload: Any) -> web.Request:
    """Make a signed request whose client has disconnected already."""
    headers = signed_headers(emulator, b"{}") | {
        "Host": emulator.endpoint_url.removeprefix("http://")
    }
    return make_mocked_request(
        "POST", "/", headers, protocol=mock.Mock(), transport=None, payload=payload
    )


def test_a_client_that_disconnects_before_its_reply_is_no_failure(emulator: Emulator) -> None:
    application, handler = made_application()
    handler.faults.inject("*", Fault.drip())
    payload = mock.Mock(readany=mock.AsyncMock(side_effect=[b"{}", b""]))
    respond(application, abandoned(emulator, payload))
    (seen,) = handler.recorder.snapshot()
    assert (seen.committed, seen.status, seen.fault) == (True, None, "drip")
    assert application.failures == []


@pytest.mark.parametrize(
    "error", [ConnectionResetError(), web.RequestPayloadError(), TimeoutError()]
)
def test_a_request_that_never_came_whole_is_not_recorded(
    emulator: Emulator, error: Exception
) -> None:
    application, handler = made_application()
    payload = mock.Mock(readany=mock.AsyncMock(side_effect=error))
    respond(application, abandoned(emulator, payload))
    assert handler.recorder.snapshot() == ()
    assert application.failures == []
