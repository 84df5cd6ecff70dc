"""A purchase is sent once, although another layer tries to send it again."""

import socket
import urllib.request
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Any, cast

import anyio
import anyio.to_thread
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
)

from evidence.counting_server import CountingServer
from evidence.generated.fates import Fate
from harness import TRANSPORTS, Transport, dead_endpoint, fast_retries, session
from sagemaker_plans import AsyncClient, ConnectionFailedError, OutcomeUnknownError, RetryPolicy

pytestmark = pytest.mark.anyio

Call = Callable[..., Awaitable[Any]]


@pytest.fixture
def server() -> Iterator[CountingServer]:
    with CountingServer(Fate.ACCEPT_RESET) as running:
        yield running


@asynccontextmanager
async def users_client(
    url: str, transport: Transport, session_cls: type[Any] | None = None, **settings: Any
) -> AsyncGenerator[Any]:
    plain: Any = AIOHTTPSession if transport.http_backend == "aiohttp" else HttpxSession
    config = AioConfig(http_session_cls=session_cls or plain, **settings)
    users: Any = session()
    async with users.create_client(
        "sagemaker", "us-east-1", endpoint_url=url, config=config
    ) as theirs:
        yield theirs


def wrapped(theirs: Any, **settings: Any) -> AsyncClient:
    return AsyncClient.from_client(theirs, retry=fast_retries(max_attempts=3), **settings)


def tries_again(theirs: Any, between: Callable[[], Awaitable[None]]) -> None:
    """Make a client try each purchase twice, and do something in between."""
    extend: Call = theirs.extend_training_plan

    async def stubborn(**request: Any) -> Any:
        try:
            return await extend(**request)
        except Exception:  # noqa: BLE001  # as users do
            await between()
            return await extend(**request)

    theirs.extend_training_plan = stubborn


class Sometimes:
    """Credentials that fail as soon as the test sets ``fail``."""

    def __init__(self, inner: Any, error: Callable[[], Exception]) -> None:
        self._inner = inner
        self._error = error
        self.fail = False
        self.method = "custom"

    async def get_frozen_credentials(self) -> Any:
        if self.fail:
            raise self._error()
        return await self._inner.get_frozen_credentials()


@pytest.mark.parametrize(
    "error",
    [
        lambda: ConnectTimeoutError(endpoint_url="http://elsewhere.invalid"),
        lambda: CredentialRetrievalError(provider="custom", error_msg="no"),
    ],
    ids=["in-passing", "for-good"],
)
async def test_a_second_send_without_credentials_proves_nothing_about_the_first(
    server: CountingServer, transport: Transport, error: Callable[[], Exception]
) -> None:
    async with users_client(server.url, transport) as theirs:
        signer = theirs._request_signer
        signer._credentials = credentials = Sometimes(signer._credentials, error)

        async def lose_them() -> None:
            credentials.fail = True

        tries_again(theirs, lose_them)
        client = wrapped(theirs)
        with pytest.raises(OutcomeUnknownError):
            await client.training_plans.extend("tpeo-1")

    assert len(server.bought) == 1


async def test_a_second_send_by_a_closed_client_proves_nothing_about_the_first(
    server: CountingServer, transport: Transport
) -> None:
    async with users_client(server.url, transport) as theirs:
        tries_again(theirs, theirs.close)
        with pytest.raises(OutcomeUnknownError):
            await wrapped(theirs).training_plans.extend("tpeo-1")

    assert len(server.bought) == 1


async def test_a_second_send_after_release_proves_nothing_about_the_first(
    server: CountingServer, transport: Transport
) -> None:
    async with users_client(server.url, transport) as theirs:
        client = wrapped(theirs)
        tries_again(theirs, client.aclose)
        with pytest.raises(OutcomeUnknownError):
            await client.training_plans.extend("tpeo-1")

    assert len(server.bought) == 1


# below the HTTP session


def middleware_session() -> type[Any]:
    async def persistent(request: Any, handler: Call) -> Any:
        try:
            return await handler(request)
        except Exception:  # noqa: BLE001  # as users do
            return await handler(request)

    class Users(AIOHTTPSession):
        async def _get_session(self, proxy_url: Any) -> Any:
            opened: Any = await cast("Any", super())._get_session(proxy_url)
            opened._middlewares = (persistent,)
            return opened

    return Users


def transport_session() -> type[Any]:
    class Persistent:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        async def __aenter__(self) -> Any:
            await self._inner.__aenter__()
            return self

        async def __aexit__(self, *raised: object) -> None:
            await self._inner.__aexit__(*raised)

        async def handle_async_request(self, request: Any) -> Any:
            try:
                return await self._inner.handle_async_request(request)
            except Exception:  # noqa: BLE001  # as users do
                return await self._inner.handle_async_request(request)

    class Users(HttpxSession):
        def _make_async_client(self) -> Any:
            made: Any = cast("Any", super())._make_async_client()
            made._transport = Persistent(made._transport)
            return made

    return Users


async def test_a_retrying_layer_inside_the_http_client_sends_once(
    server: CountingServer, transport: Transport
) -> None:
    retrying = middleware_session() if transport.http_backend == "aiohttp" else transport_session()
    async with users_client(server.url, transport, retrying) as theirs:
        with pytest.raises(OutcomeUnknownError):
            await wrapped(theirs).training_plans.extend("tpeo-1")

    assert len(server.bought) == 1


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
async def test_the_users_own_purchase_is_not_retried_by_a_wrapped_client(
    server: CountingServer, transport: Transport, mode: str
) -> None:
    server.fate = Fate.PROXY_502
    retries = {"mode": mode, "max_attempts": 4}
    async with users_client(server.url, transport, retries=retries) as theirs:
        async with wrapped(theirs):
            with pytest.raises(ClientError):
                await theirs.extend_training_plan(TrainingPlanExtensionOfferingId="tpeo-1")
        assert len(server.bought) == 1

        # After the release, the client retries as before.
        async def no_pause(_: float) -> None:
            await anyio.lowlevel.checkpoint()

        theirs._endpoint._sleep = no_pause
        with pytest.raises(ClientError):
            await theirs.extend_training_plan(TrainingPlanExtensionOfferingId="tpeo-1")

    assert len(server.bought) > 2


# requests that have lost their link


@pytest.mark.parametrize("transport", TRANSPORTS[:1], indirect=True)
async def test_the_users_other_purchases_do_not_count_as_our_calls(
    server: CountingServer, transport: Transport
) -> None:
    server.fate = Fate.ACCEPT
    async with users_client(server.url, transport) as theirs:

        async def beside(**_: object) -> None:
            for name in ("tpeo-2", "tpeo-2"):
                await theirs.extend_training_plan(TrainingPlanExtensionOfferingId=name)

        client = wrapped(theirs)
        theirs.meta.events.register("after-call.sagemaker.CreateEdgeDeploymentPlan", beside)
        extend: Call = theirs.extend_training_plan

        async def traced(**request: Any) -> Any:
            theirs.extend_training_plan = extend
            await beside()
            return await extend(**request)

        theirs.extend_training_plan = traced
        receipt = await client.training_plans.extend("tpeo-1")

    assert receipt.extension.offering_id == "tpeo-1"
    assert [one["TrainingPlanExtensionOfferingId"] for one in server.bought] == [
        *("tpeo-2", "tpeo-2", "tpeo-1")
    ]


async def test_a_send_that_was_cancelled_while_connecting_cancels_no_later_call(
    transport: Transport,
) -> None:
    with ExitStack() as open_sockets:
        # The server accepts nothing and its queue is full, so every new connection waits.
        mute = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(mute.getsockname())
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        async with users_client(url, transport) as theirs:
            endpoint: Any = theirs._endpoint
            send: Call = endpoint._send

            async def impatient(request: Any) -> Any:
                with anyio.move_on_after(0.3):
                    return await send(request)
                return await send(request)

            endpoint._send = impatient
            client = AsyncClient.from_client(theirs, retry=RetryPolicy.none())
            with anyio.fail_after(10), pytest.raises(ConnectionFailedError) as caught:
                await client.training_plans.extend("tpeo-1")

    assert caught.value.request_sent is False


async def test_a_session_that_sends_in_another_way_after_a_failure_leaves_doubt(
    server: CountingServer, transport: Transport
) -> None:
    plain: Any = AIOHTTPSession if transport.http_backend == "aiohttp" else HttpxSession

    class Users(plain):  # type: ignore[misc]  # either class
        async def send(self, request: Any) -> Any:
            above: Any = super()
            try:
                return await above.send(request)
            except EndpointConnectionError as error:
                # It sends in another way, which this package cannot observe.
                with suppress(OSError):
                    await anyio.to_thread.run_sync(carry, server.url, request)
                raise ConnectionClosedError(endpoint_url=server.url) from error

    async with users_client(dead_endpoint(), transport, Users) as theirs:
        with pytest.raises(OutcomeUnknownError):
            await wrapped(theirs).training_plans.extend("tpeo-1")

    assert len(server.bought) == 1


def carry(url: str, request: Any) -> None:
    headers = {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in request.headers.items()
    }
    with urllib.request.urlopen(urllib.request.Request(url, request.body, headers)):
        pass
