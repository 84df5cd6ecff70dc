"""A purchase has its own connection, also with encryption and through proxies."""

import ssl
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import trustme
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession

from evidence.counting_server import ARN, CREATE, EXTEND, HISTORY, CountingServer
from evidence.generated.fates import Fate
from harness import Transport, a_spec, dead_endpoint, fast_retries, session
from sagemaker_plans import AsyncClient, ConnectionFailedError, OutcomeUnknownError

pytestmark = pytest.mark.anyio


def sessions_of(transport: Transport) -> dict[str, type[Any]]:
    plain: Any = AIOHTTPSession if transport.http_backend == "aiohttp" else HttpxSession
    users: Any = type("Users", (plain,), {})
    return {"plain": plain, "subclass": users}


@asynccontextmanager
async def client_for(
    way: str, kind: str, url: str, transport: Transport, **config: Any
) -> AsyncGenerator[AsyncClient]:
    """Open a client: the package's own, or one around a user's."""
    settings: Any = {"retry": fast_retries(max_attempts=3, reconcile_limit=0.1)}
    chosen = AioConfig(http_session_cls=sessions_of(transport)[kind], **config)
    users: Any = session()
    if way == "own":
        async with AsyncClient(
            region_name="us-east-1", endpoint_url=url, session=users, config=chosen, **settings
        ) as client:
            yield client
        return
    async with (
        users.create_client("sagemaker", "us-east-1", endpoint_url=url, config=chosen) as theirs,
        AsyncClient.from_client(theirs, **settings) as client,
    ):
        yield client


by_every_way = pytest.mark.parametrize("way", ["own", "wrapped"])


def wait_for_the_end(server: CountingServer, number: int) -> bool:
    """Wait until a connection was closed by the client."""
    deadline = time.monotonic() + 5
    while not server.connections[number].closed_by_client and time.monotonic() < deadline:
        time.sleep(0.005)
    return server.connections[number].closed_by_client


@by_every_way
@pytest.mark.parametrize("kind", ["plain", "subclass"])
async def test_a_purchase_and_a_create_have_connections_of_their_own(
    transport: Transport, way: str, kind: str
) -> None:
    with CountingServer() as server:
        async with client_for(way, kind, server.url, transport) as client:
            await client.training_plans.extension_history(ARN).collect()
            await client.training_plans.extend("tpeo-1")
            await client.training_plans.extension_history(ARN).collect()
            await client.training_plans.extend("tpeo-2")
            await client.plans.create(a_spec())
            carried = [[one.target for one in each.requests] for each in server.connections]
            assert carried == [[HISTORY, HISTORY], [EXTEND], [EXTEND], [CREATE]]
            # The client is still open here.
            assert all(wait_for_the_end(server, number) for number in (1, 2, 3))
            assert not server.connections[0].closed_by_client


@by_every_way
async def test_a_purchase_to_a_closed_port_was_not_sent(transport: Transport, way: str) -> None:
    with CountingServer() as server:
        async with client_for(way, "plain", server.url, transport) as client:
            await client.training_plans.extension_history(ARN).collect()
            server.stop_listening()
            with pytest.raises(ConnectionFailedError) as caught:
                await client.training_plans.extend("tpeo-1", training_plan_arn=ARN)

    assert caught.value.request_sent is False
    assert server.bought == []
    assert server.count(HISTORY) == 2


# with encryption


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cast("Any", authority.issue_cert("127.0.0.1")).configure_cert(context)
    return context


@pytest.fixture
def _trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bundle.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(path))


@by_every_way
@pytest.mark.usefixtures("_trusted")
async def test_an_encrypted_purchase_gives_its_receipt(
    transport: Transport, way: str, tls: ssl.SSLContext
) -> None:
    with CountingServer(tls=tls) as server:
        async with client_for(way, "plain", server.url, transport) as client:
            receipt = await client.training_plans.extend("tpeo-1")

    assert receipt.outcome == "purchased"
    assert len(server.bought) == 1


@by_every_way
@pytest.mark.parametrize(
    ("fate", "garbage"),
    [
        (Fate.ACCEPT, b"\x16\x03\x03\x00\x04oops"),
        (Fate.ACCEPT, b"HTTP/1.1 200 OK\r\n\r\n"),
        (Fate.ACCEPT_RESET, None),
        (Fate.ACCEPT_CUT, None),
    ],
    ids=["garbage", "in-the-clear", "reset", "cut"],
)
@pytest.mark.usefixtures("_trusted")
async def test_a_failure_after_the_handshake_leaves_doubt(
    transport: Transport, way: str, tls: ssl.SSLContext, fate: Fate, garbage: bytes | None
) -> None:
    with CountingServer(fate, tls=tls, garbage=garbage) as server:
        async with client_for(way, "plain", server.url, transport) as client:
            with pytest.raises(OutcomeUnknownError):
                await client.training_plans.extend("tpeo-1")

    assert len(server.bought) == 1


@by_every_way
async def test_a_handshake_that_fails_sends_nothing(
    transport: Transport, way: str, tls: ssl.SSLContext
) -> None:
    with CountingServer(tls=tls) as server:
        async with client_for(way, "plain", server.url, transport) as client:
            # The certificate of this server is not trusted.
            with pytest.raises(ConnectionFailedError) as caught:
                await client.training_plans.extend("tpeo-1")

    assert caught.value.request_sent is False
    assert server.bought == []


# through proxies


@by_every_way
async def test_a_proxy_that_cannot_be_reached_sends_nothing(transport: Transport, way: str) -> None:
    proxies = {"http": dead_endpoint()}
    with CountingServer() as server:
        async with client_for(way, "plain", server.url, transport, proxies=proxies) as client:
            with pytest.raises(ConnectionFailedError) as caught:
                await client.training_plans.extend("tpeo-1")

    assert caught.value.request_sent is False
    assert server.bought == []


@by_every_way
async def test_a_proxy_that_refuses_the_tunnel_sends_nothing(
    transport: Transport, way: str
) -> None:
    with CountingServer() as proxy:
        proxies = {"https": proxy.url}
        url = "https://sagemaker.test"
        async with client_for(way, "plain", url, transport, proxies=proxies) as client:
            with pytest.raises(ConnectionFailedError) as caught:
                await client.training_plans.extend("tpeo-1")

    assert caught.value.request_sent is False
    assert proxy.bought == []
    assert proxy.requests == []
    # One connection for each allowed attempt.
    assert [[one.method for one in each.requests] for each in proxy.connections] == [
        ["CONNECT"]
    ] * 3


@by_every_way
@pytest.mark.parametrize(
    "fate", [Fate.ACCEPT_RESET, Fate.ACCEPT_CLOSE, Fate.ACCEPT_CUT, Fate.PROXY_407, Fate.PROXY_502]
)
async def test_a_proxy_that_forwards_and_loses_the_reply_leaves_doubt(
    transport: Transport, way: str, fate: Fate
) -> None:
    with CountingServer(fate) as proxy:
        proxies = {"http": proxy.url}
        url = "http://sagemaker.test"
        async with client_for(way, "plain", url, transport, proxies=proxies) as client:
            with pytest.raises(OutcomeUnknownError):
                await client.training_plans.extend("tpeo-1")

    assert len(proxy.bought) == 1
    assert proxy.requests[0].path.startswith("http://sagemaker.test")


@by_every_way
@pytest.mark.parametrize("fate", [Fate.ACCEPT, Fate.ACCEPT_RESET, Fate.THROTTLE_THEN_RESET])
@pytest.mark.usefixtures("_trusted")
async def test_a_purchase_that_is_lost_in_a_tunnel_is_sent_once(
    transport: Transport, way: str, tls: ssl.SSLContext, fate: Fate
) -> None:
    with CountingServer(fate, tunnel=tls) as proxy:
        proxies = {"https": proxy.url}
        url = "https://127.0.0.1"
        async with client_for(way, "plain", url, transport, proxies=proxies) as client:
            if fate is Fate.ACCEPT:
                await client.training_plans.extend("tpeo-1")
            else:
                with pytest.raises(OutcomeUnknownError):
                    await client.training_plans.extend("tpeo-1")

    assert len(proxy.bought) == 1
