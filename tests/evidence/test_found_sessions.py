"""HTTP sessions that the user wrote: they send a purchase once or not at all."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import anyio.to_thread
import httpx2
import pytest
import wrapt
from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from botocore.compat import HTTPHeaders
from botocore.exceptions import HTTPClientError

from harness import TRANSPORTS, Transport, session
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    OutcomeUnknownError,
    ResourceInUseError,
    RetryPolicy,
)
from sagemaker_plans.emulator import Emulator, Fault
from transport.below.scripted_server import Answer, ScriptedServer
from transport.clients import client_with, users_client

EXTEND = "ExtendTrainingPlan"
LOST = Fault.disconnect(committed=True)
FAILED = Fault.internal_failure(committed=True)

pytestmark = pytest.mark.anyio

on_asyncio = pytest.mark.parametrize("transport", TRANSPORTS[:2], ids=str, indirect=True)
on_aiohttp = pytest.mark.parametrize("transport", TRANSPORTS[:1], ids=str, indirect=True)

FAST = RetryPolicy(base_delay=0.001, throttle_base_delay=0.001, max_delay=0.01, reconcile_limit=0.1)


@asynccontextmanager
async def client_over(http_session_cls: Any, endpoint_url: str) -> AsyncGenerator[AsyncClient]:
    """Wrap a user's client with a session class of the user's."""
    own: Any = session()
    own.set_default_client_config(AioConfig(http_session_cls=http_session_cls))
    async with own.create_client(
        "sagemaker", region_name="us-east-1", endpoint_url=endpoint_url
    ) as theirs:
        yield AsyncClient.from_client(theirs, retry=FAST)


# layers below the session that send again


class RepeatingTransport(httpx2.AsyncBaseTransport):
    """Sends up to three times, as the packages of that kind do."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self.inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        failure: Exception | None = None
        for _ in range(3):
            try:
                response = await self.inner.handle_async_request(request)
            except Exception as error:  # noqa: BLE001  # as they do
                failure = error
            else:
                if response.status_code < 500:
                    return response
                await response.aclose()
        raise failure or httpx2.ReadError("three times")

    async def aclose(self) -> None:
        await self.inner.aclose()


class RepeatingHttpx(HttpxSession):
    def _make_async_client(self) -> Any:
        made = cast("Any", super())._make_async_client()
        made._transport = RepeatingTransport(made._transport)
        return made


async def repeat(request: Any, handler: Callable[..., Any]) -> Any:
    failure: Exception | None = None
    for _ in range(3):
        try:
            response = await handler(request)
        except Exception as error:  # noqa: BLE001  # as they do
            failure = error
        else:
            if response.status < 500:
                return response
            response.close()
    raise failure or aiohttp.ClientError("three times")


class RepeatingAiohttp(AIOHTTPSession):
    async def _get_session(self, proxy_url: Any) -> Any:
        made = await cast("Any", super())._get_session(proxy_url)
        made._middlewares = (repeat,)
        return made


@on_aiohttp
@pytest.mark.usefixtures("transport")
@pytest.mark.parametrize(
    ("kind", "fault"),
    [(RepeatingAiohttp, LOST), (RepeatingHttpx, LOST), (RepeatingHttpx, FAILED)],
    ids=["aiohttp-lost", "httpx-lost", "httpx-failed"],
)
async def test_a_layer_below_the_session_that_repeats_requests_sends_a_purchase_once(
    emulator: Emulator, kind: Any, fault: Fault
) -> None:
    emulator.inject(EXTEND, fault, times=None)
    async with client_over(kind, emulator.endpoint_url) as client:
        with pytest.raises(OutcomeUnknownError):
            await client.training_plans.extend("tpeo-1")

    assert len(emulator.requests_of(EXTEND)) == 1


# sessions that cannot be copied


class OneForAll(AIOHTTPSession):
    """Lets all HTTP clients share the same connections."""

    pool: aiohttp.ClientSession | None = None

    async def _get_session(self, _: Any) -> Any:
        kind = type(self)
        kind.pool = kind.pool or aiohttp.ClientSession(auto_decompress=False)
        return kind.pool


@on_aiohttp
@pytest.mark.usefixtures("transport")
async def test_a_session_that_shares_its_connections_is_refused_and_still_works(
    emulator: Emulator,
) -> None:
    offering = emulator.add_extension_offering(emulator.training_plan_arn)
    async with client_over(OneForAll, emulator.endpoint_url) as client:
        with pytest.raises(ConfigurationError, match="a connection of its own, and OneForAll"):
            await client.training_plans.extend(
                offering, training_plan_arn=emulator.training_plan_arn
            )
        found = await client.training_plans.search_extension_offerings(emulator.training_plan_arn)
    assert OneForAll.pool is not None
    await OneForAll.pool.close()

    assert offering in [one.offering_id for one in found]
    assert len(emulator.requests_of(EXTEND)) == 0


class InTheWay:
    """A user's object around a session."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def send(self, request: Any) -> Any:
        return await self.inner.send(request)

    async def close(self) -> None:
        await self.inner.close()


@on_asyncio
@pytest.mark.parametrize("around", [InTheWay, wrapt.ObjectProxy])
async def test_a_purchase_through_an_unknown_session_is_refused_and_not_in_doubt(
    emulator: Emulator, transport: Transport, around: Any
) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        inner = theirs._endpoint.http_session
        theirs._endpoint.http_session = around(inner)
        client = AsyncClient.from_client(theirs, retry=FAST)
        with pytest.raises(ConfigurationError, match="ExtendTrainingPlan was not sent"):
            await client.training_plans.extend("tpeo-1")
        theirs._endpoint.http_session = inner

    assert len(emulator.requests_of(EXTEND)) == 0


@on_aiohttp
async def test_a_purchase_is_refused_after_the_session_was_replaced(
    emulator: Emulator, transport: Transport
) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        client = AsyncClient.from_client(theirs, retry=FAST)
        ours = theirs._endpoint.http_session
        async with AIOHTTPSession(timeout=5) as other:
            theirs._endpoint.http_session = other
            with pytest.raises(ConfigurationError, match="replaced after the client was wrapped"):
                await client.training_plans.extend("tpeo-1")
        # A tracer may put a proxy object around our session. That is fine.
        theirs._endpoint.http_session = wrapt.ObjectProxy(ours)
        with pytest.raises(Exception, match="tpeo-1"):
            await client.training_plans.extend("tpeo-1")
        theirs._endpoint.http_session = ours

    assert len(emulator.requests_of(EXTEND)) == 1


# a `send` that was patched on the instance


def patch_send(theirs: Any) -> list[str]:
    held = theirs._endpoint.http_session
    send, seen = held.send, list[str]()

    async def traced(request: Any) -> Any:
        seen.append(request.headers["X-Amz-Target"].decode())
        return await send(request)

    held.send = traced
    return seen


@on_asyncio
async def test_a_purchase_through_a_patched_send_follows_no_redirect(transport: Transport) -> None:
    with ScriptedServer(Answer()) as server:
        server.answer = Answer(b"", 307, {"Location": f"{server.url}/again"})
        async with users_client(server.url, transport) as theirs:
            seen = patch_send(theirs)
            client = AsyncClient.from_client(theirs, retry=FAST)
            with pytest.raises(OutcomeUnknownError, match="the endpoint redirects to"):
                await client.training_plans.extend("tpeo-1")
            await client.aclose()
            assert "_get_session" not in vars(theirs._endpoint.http_session)

    assert seen == [f"SageMaker.{EXTEND}"]
    assert len(server.received) == 1


@on_asyncio
async def test_a_fake_in_the_place_of_send_answers_a_purchase(
    emulator: Emulator, transport: Transport
) -> None:
    class Raw:
        async def read(self) -> bytes:
            return json.dumps({"__type": "ResourceInUse", "message": "taken"}).encode()

    async def fake(_: object) -> Any:
        return AioAWSResponse("", 400, HTTPHeaders(), Raw())

    async with users_client(emulator.endpoint_url, transport) as theirs:
        theirs._endpoint.http_session.send = fake
        client = AsyncClient.from_client(theirs, retry=FAST)
        with pytest.raises(ResourceInUseError, match="taken"):
            await client.training_plans.extend("tpeo-1")

    assert len(emulator.requests) == 0


# a wrapper that copies the request


@on_asyncio
@pytest.mark.parametrize("fault", [LOST, FAILED, None], ids=["lost", "failed", "bought"])
async def test_a_wrapper_that_copies_and_repeats_a_purchase_sends_it_once(
    emulator: Emulator, transport: Transport, fault: Fault | None
) -> None:
    offering = emulator.add_extension_offering(emulator.training_plan_arn, resellable=True)
    if fault is not None:
        emulator.inject(EXTEND, fault, times=None)
    async with users_client(emulator.endpoint_url, transport) as theirs:
        extend = theirs.extend_training_plan

        async def anew(**request: Any) -> Any:
            copied = json.loads(json.dumps(request))
            for _ in range(2):
                try:
                    return await extend(**copied)
                except Exception:  # noqa: BLE001, S110  # the wrapper tries again
                    pass
            return await extend(**copied)

        theirs.extend_training_plan = anew
        client = AsyncClient.from_client(theirs, retry=FAST)
        if fault is None:
            assert (await client.training_plans.extend(offering)).outcome == "purchased"
        else:
            with pytest.raises(OutcomeUnknownError):
                await client.training_plans.extend(offering)

    assert len(emulator.requests_of(EXTEND)) == 1
    assert len(emulator.purchases) == 1


# closing


class ClosesBadly(AIOHTTPSession):
    async def __aexit__(self, *raised: object) -> None:
        await super().__aexit__(None, None, None)
        raise RuntimeError("the pool is gone")


@on_aiohttp
@pytest.mark.usefixtures("transport")
async def test_a_receipt_is_returned_although_its_connection_cannot_be_closed(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    offering = emulator.add_extension_offering(emulator.training_plan_arn)
    outcomes: list[str] = []
    with pytest.raises(RuntimeError, match="the pool is gone"):
        async with client_over(ClosesBadly, emulator.endpoint_url) as client:
            outcomes.append((await client.training_plans.extend(offering)).outcome)

    assert outcomes == ["purchased"]
    assert "could not be closed" in caplog.text


@on_asyncio
async def test_the_error_of_a_closed_client_is_not_its_own_cause(
    emulator: Emulator, transport: Transport
) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        client = AsyncClient.from_client(theirs, retry=FAST)
    with pytest.raises(ConfigurationError) as caught:
        await client.training_plans.extend("tpeo-1")

    assert caught.value.__cause__ is None


@on_aiohttp
@pytest.mark.parametrize("way", ["own", "wrapped"])
async def test_a_patched_http_client_that_buys_in_another_way_leaves_doubt(
    emulator: Emulator, transport: Transport, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    offering = emulator.add_extension_offering(emulator.training_plan_arn, resellable=True)

    def buy(url: str, data: bytes, headers: dict[str, str]) -> None:
        sent = urllib.request.Request(url, data, headers)
        urllib.request.urlopen(sent).close()

    async def elsewhere(
        _: object, __: str, url: Any, *, headers: Any, data: Any, **___: object
    ) -> None:
        # The HTTP client emits none of its signals.
        await anyio.to_thread.run_sync(buy, str(url), data, dict(headers))
        raise ConnectionRefusedError

    monkeypatch.setattr(aiohttp.ClientSession, "_request", elsewhere)
    async with users_client(emulator.endpoint_url, transport) as theirs:
        own = client_with(emulator.endpoint_url, transport, retry=FAST)
        client = own if way == "own" else AsyncClient.from_client(theirs, retry=FAST)
        async with client:
            with pytest.raises(OutcomeUnknownError):
                await client.training_plans.extend(offering)

    assert len(emulator.requests_of(EXTEND)) == len(emulator.purchases) == 1


@on_aiohttp
async def test_a_refused_session_that_buys_in_another_way_leaves_doubt(
    emulator: Emulator, transport: Transport
) -> None:
    offering = emulator.add_extension_offering(emulator.training_plan_arn, resellable=True)
    assert transport.http_backend == "aiohttp"

    class Elsewhere(AIOHTTPSession):
        async def _get_session(self, _: str | None) -> Any:
            return shared

        async def send(self, request: Any) -> Any:
            try:
                return await super().send(request)
            except HTTPClientError:
                headers = {name: _text(value) for name, value in request.headers.items()}
                async with shared.post(request.url, data=request.body, headers=headers):
                    raise ConnectionResetError from None

    async with (
        aiohttp.ClientSession() as shared,
        client_over(Elsewhere, emulator.endpoint_url) as client,
    ):
        with pytest.raises(OutcomeUnknownError):
            await client.training_plans.extend(offering)

    assert len(emulator.requests_of(EXTEND)) == len(emulator.purchases) == 1


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
