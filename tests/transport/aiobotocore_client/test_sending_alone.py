"""The own connection of a purchase, with user code and without certificates."""

import asyncio
from functools import partial
from typing import Any, cast

import anyio
import anyio.to_thread
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from aiohttp import ClientSession

from harness import TRANSPORTS, Transport
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    ConnectionFailedError,
    OutcomeUnknownError,
    ResourceNotFoundError,
    RetryPolicy,
)
from sagemaker_plans._transport.aiobotocore_client import own_connection
from sagemaker_plans._transport.aiobotocore_client.own_connection import (
    _UNDER_WAY,
    ConnectionTrace,
    session_for_one_request,
)
from sagemaker_plans._transport.aiobotocore_client.patched_sends import PooledSendError
from sagemaker_plans._transport.botocore_gateway import BotocoreGateway
from sagemaker_plans._transport.evidence import SecondSendError
from sagemaker_plans.emulator import Emulator
from transport.clients import client_with, users_client

OFFERING = "tpeo-0123456789abcdef"
EXTEND = "ExtendTrainingPlan"
ONCE = RetryPolicy(max_attempts=1, reconcile_limit=0.1)

pytestmark = pytest.mark.anyio

on_aiohttp = pytest.mark.parametrize("transport", TRANSPORTS[:1], indirect=True, ids=str)
on_httpx = pytest.mark.parametrize("transport", TRANSPORTS[1:], indirect=True, ids=str)
on_trio = pytest.mark.parametrize("transport", TRANSPORTS[2:], indirect=True, ids=str)


async def test_without_credentials_a_purchase_is_not_sent(
    emulator: Emulator, transport: Transport
) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        theirs._request_signer._credentials = None
        with pytest.raises(ConfigurationError, match="no AWS credentials were found"):
            await AsyncClient.from_client(theirs, retry=ONCE).training_plans.extend(OFFERING)

    assert emulator.requests == ()


async def test_a_wrapped_client_may_be_closed_and_opened_again(
    emulator: Emulator, transport: Transport
) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        client = AsyncClient.from_client(theirs, retry=ONCE)
        await theirs.__aexit__(None, None, None)
        await theirs.__aenter__()
        with pytest.raises(ResourceNotFoundError):
            await client.plans.describe("rollout")
        receipt = await client.training_plans.extend(OFFERING)

    assert receipt.outcome == "purchased"


@on_aiohttp
async def test_certificates_that_cannot_be_read_leave_a_purchase_unsent(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere/certificates.pem")
    async with client_with("https://127.0.0.1:1", transport) as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.training_plans.extend(OFFERING)

    assert caught.value.request_sent is False


async def test_a_wrapper_that_returns_no_reply_leaves_doubt(
    emulator: Emulator, transport: Transport
) -> None:
    async def nothing(**_: object) -> None:
        """Return no reply."""

    async with users_client(emulator.endpoint_url, transport) as theirs:
        theirs.extend_training_plan = nothing
        with pytest.raises(OutcomeUnknownError, match="the client returned None"):
            await AsyncClient.from_client(theirs, retry=ONCE).training_plans.extend(OFFERING)


@on_trio
async def test_a_cancellation_by_another_library_is_a_failed_call(
    emulator: Emulator, transport: Transport
) -> None:
    def stray(**_: object) -> None:
        raise asyncio.CancelledError

    async with users_client(emulator.endpoint_url, transport) as theirs:
        theirs.meta.events.register(f"before-call.sagemaker.{EXTEND}", stray)
        with pytest.raises(OutcomeUnknownError, match="CancelledError instead of a reply"):
            await AsyncClient.from_client(theirs, retry=ONCE).training_plans.extend(OFFERING)

    assert emulator.requests == ()


async def test_a_gateway_releases_the_client_once(emulator: Emulator, transport: Transport) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        session = theirs._endpoint.http_session
        first, second = (BotocoreGateway(theirs, request_timeout=5) for _ in range(2))
        first.release()
        first.release()
        assert theirs._endpoint.http_session is not session
        second.release()

        assert theirs._endpoint.http_session is session


@on_httpx
async def test_a_users_trace_still_works_beside_ours(
    emulator: Emulator, transport: Transport
) -> None:
    events: list[str] = []

    async def theirs_too(event: str, _: object) -> None:
        events.append(event)

    class Traced(HttpxSession):
        def _make_async_client(self) -> Any:
            client = cast("Any", super())._make_async_client()

            async def trace(request: Any) -> None:
                request.extensions["trace"] = theirs_too

            client.event_hooks = {"request": [trace], "response": []}
            return client

    config = AioConfig(http_session_cls=cast("Any", Traced))
    async with client_with(emulator.endpoint_url, transport, config=config) as client:
        await client.training_plans.extend(OFFERING)

    assert any(event.endswith("send_request_headers.started") for event in events)
    assert len(emulator.purchases) == 1


async def test_purchases_and_reads_through_a_patched_send_keep_apart(
    emulator: Emulator, transport: Transport
) -> None:
    other_plan = emulator.add_training_plan("another-plan")
    other = emulator.add_extension_offering(other_plan)
    async with users_client(emulator.endpoint_url, transport) as theirs:
        session = theirs._endpoint.http_session
        send, watched = session.send, list[str]()

        async def watch(request: Any) -> Any:
            target = request.headers["X-Amz-Target"]
            watched.append((target.decode() if isinstance(target, bytes) else target)[10:])
            return await send(request)

        session.send = watch
        client = AsyncClient.from_client(theirs, retry=ONCE)
        with emulator.hold_replies(EXTEND) as gate:
            async with anyio.create_task_group() as group:
                group.start_soon(client.training_plans.extend, OFFERING)
                await anyio.to_thread.run_sync(gate.wait_for_arrivals)
                group.start_soon(client.training_plans.extend, other)
                with pytest.raises(ResourceNotFoundError):
                    await client.plans.describe("rollout")
                gate.open()
        await client.aclose()
        assert "_get_session" not in vars(session)

    assert sorted(watched) == ["DescribeEdgeDeploymentPlan", EXTEND, EXTEND]
    assert len(emulator.purchases) == 2


# piece by piece


def test_a_connection_is_for_its_own_request() -> None:
    ours, others = ConnectionTrace(), ConnectionTrace()
    ours.names, others.names = (f"SageMaker.{EXTEND}", "one"), (f"SageMaker.{EXTEND}", "two")

    def headers(names: tuple[str, str]) -> dict[str, str]:
        return dict(zip(("X-Amz-Target", "Authorization"), names, strict=True))

    with pytest.raises(PooledSendError):
        ours.begin_request(headers(("SageMaker.DescribeTrainingPlan", "one")))
    _UNDER_WAY.add(others)
    try:
        with pytest.raises(PooledSendError):
            ours.begin_request(headers(others.names))
    finally:
        _UNDER_WAY.remove(others)
    assert not ours.is_begun
    # The user's session may sign it anew.
    ours.begin_request(headers(others.names))
    assert ours.is_begun


def test_nothing_is_sent_once_the_session_has_answered() -> None:
    trace = ConnectionTrace()
    trace.begin_connection()
    assert trace.contradicts(429)
    trace.is_over = True

    for late in (trace.begin_connection, trace.begin_sending, partial(trace.begin_request, {})):
        with pytest.raises(SecondSendError):
            late()
    assert not trace.is_used


def test_a_reply_counts_if_no_connection_could_be_made() -> None:
    trace = ConnectionTrace()
    assert not trace.contradicts(429)
    trace.fail_to_open(OSError())
    assert not trace.contradicts(429)


def test_a_request_that_was_sent_is_not_sent_again() -> None:
    trace = ConnectionTrace()
    trace.begin_connection()
    trace.begin_sending()

    for again in (trace.begin_sending, trace.begin_connection):
        with pytest.raises(SecondSendError, match="a second time"):
            again()


@on_aiohttp
async def test_a_connection_that_is_used_again_is_a_second_send(transport: Transport) -> None:
    assert transport.http_backend == "aiohttp"
    trace = ConnectionTrace()
    async with ClientSession() as opened:
        own_connection._trace_aiohttp(opened, trace)
        told: Any = opened.trace_configs[0].on_connection_reuseconn
        await told.send(opened, None, None)
        with pytest.raises(SecondSendError):
            await told.send(opened, None, None)

    assert trace.is_used


@on_aiohttp
async def test_a_session_with_other_internals_is_refused(transport: Transport) -> None:
    assert transport.http_backend == "aiohttp"
    session = AIOHTTPSession()
    vars(session).pop("_exit_stack")

    with pytest.raises(ConfigurationError, match="AIOHTTPSession lacks _exit_stack"):
        session_for_one_request(session, ConnectionTrace())
