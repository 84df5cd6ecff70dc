"""A read that our own session hands to aiohttp at once is what it would have been otherwise."""

import asyncio
import copy
import inspect
import textwrap
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, cast

import aiobotocore.httpsession
import anyio
import pytest
from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.httpsession import AIOHTTPSession
from aiohttp import ClientTimeout
from botocore.httpsession import ProxyConfiguration

from harness import Transport, a_spec, session
from sagemaker_plans import AsyncClient, SageMakerPlansError
from sagemaker_plans._transport.aiobotocore_client import client_inside, passed_code
from sagemaker_plans._transport.aiobotocore_client.observed_session import ObservedSession
from sagemaker_plans._transport.aiobotocore_client.straight_session import StraightSession
from sagemaker_plans.emulator import Emulator
from transport.clients import client_with, fast_path_of, fast_reads, gateway_of, takes_fast_path
from transport.fast_path.both_ways import PLAN
from transport.fast_path.patches import WRAPS, Wrap, as_function

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.usefixtures("_copies_of_now"),
    pytest.mark.parametrize("transport", [Transport("asyncio", "aiohttp")], indirect=True, ids=str),
]

CHANGING: Final = (b"X-Amz-Date", b"Authorization", b"amz-sdk-invocation-id")


def a_reply(
    body: bytes = b"", *, status: bytes = b"200 OK", headers: bytes = b"", length: int | None = None
) -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, headers, size, body)


FINE: Final = a_reply(str(PLAN).replace("'", '"').encode(), headers=b"x-amzn-RequestId: id-1\r\n")
ANSWERS: Final = {
    "fine": FINE,
    "nothing": b"",
    "empty": a_reply(),
    "no JSON": a_reply(b"<html>"),
    "not found": a_reply(b'{"__type":"ResourceNotFound"}', status=b"400 Bad Request"),
    "throttled": a_reply(
        b'{"__type":"ThrottlingException","message":"slow"}',
        status=b"400 Bad Request",
        headers=b"Retry-After: 3\r\n",
    ),
    "a server's error": a_reply(b"oh", status=b"500 Internal"),
    "no error of the service": a_reply(b"no", status=b"403 Forbidden"),
    "redirect": a_reply(
        status=b"307 Temporary Redirect", headers=b"Location: http://a.invalid\r\n"
    ),
    "redirect to nowhere": a_reply(status=b"302 Found"),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "cut in the body": a_reply(b"{", length=20),
    "cut in the head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no HTTP": b"what?\r\n\r\n",
    "no status": b"HTTP/1.1 abc\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "cut in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a header of other letters": a_reply(b"{}", headers=b"x-other: \xff\xfe\r\n"),
    "a header twice": a_reply(b"{}", headers=b"x-amzn-RequestId: 1\r\nX-Amzn-Requestid: 2\r\n"),
    "compressed": a_reply(b"\x1f\x8b", headers=b"Content-Encoding: gzip\r\n"),
}


BROKEN: Final = {name for name in ANSWERS if name.split()[0] in {"nothing", "cut"}}
"""After these the server closes the connection. After others that make no sense aiohttp does."""


class Script:
    """What a server on loopback answers, and what it received."""

    def __init__(self) -> None:
        self.reply = FINE
        self.closes = False
        self.received: list[bytes] = []
        self.server: asyncio.Server | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # the client has closed it
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.received.append(head + await reader.readexactly(length))
                writer.write(self.reply)
                if self.closes:
                    break
        writer.close()


@asynccontextmanager
async def answering() -> AsyncGenerator[tuple[str, Script]]:
    """Serve what the script has now."""
    script = Script()
    async with await asyncio.start_server(script.serve, "127.0.0.1", 0) as server:
        script.server = server
        yield "http://{}:{}".format(*server.sockets[0].getsockname()), script


@asynccontextmanager
async def ready(url: str, transport: Transport, **settings: Any) -> AsyncGenerator[AsyncClient]:
    """Open a client that has read before, so that its reads are handed over at once."""
    async with client_with(url, transport, **settings) as client:
        await fast_reads(client, 3)
        yield client


def http_session_of(client: AsyncClient) -> Any:
    """Give the observed session of an open client."""
    return cast("Any", gateway_of(client)._client)._endpoint.http_session


@pytest.fixture
def exchanged(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Note each request that goes this way."""
    seen: list[object] = []
    exchange = ObservedSession.exchange

    async def noted(self: ObservedSession, evidence: Any, request: Any) -> None:
        seen.append(request)
        await exchange(self, evidence, request)

    monkeypatch.setattr(ObservedSession, "exchange", noted)
    return seen


async def verdict(client: AsyncClient) -> object:
    try:
        return repr(await client.plans.describe("rollout"))
    except SageMakerPlansError as error:
        facts = {name: value for name, value in vars(error).items() if name[0] != "_"}
        return type(error), str(error), repr(facts)


async def both_verdicts(client: AsyncClient, exchanged: list[object]) -> list[object]:
    """Read once past the client's session, and once by the client itself."""
    path, before = fast_path_of(client), len(exchanged)
    verdicts = [await verdict(client)]
    assert len(exchanged) == before + 1
    gateway_of(client)._fast_path = None
    verdicts.append(await verdict(client))
    gateway_of(client)._fast_path = path
    return verdicts


def lines(request: bytes) -> list[bytes]:
    """Give the lines of a request, without the values that are new in each."""
    return [
        name if name in CHANGING else line
        for line in request.split(b"\r\n")
        for name in [line.partition(b":")[0]]
    ]


@pytest.mark.parametrize("setting", ["plain", "a token", "a Lambda function"])
async def test_it_is_the_same_request(
    transport: Transport,
    exchanged: list[object],
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
) -> None:
    theirs = session()
    if setting == "a token":
        cast("Any", theirs).set_credentials("AKID", "secret", "a token")
    if setting == "a Lambda function":
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
        monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-a;Parent=b")
    async with (
        answering() as (url, script),
        ready(url, transport, session=theirs) as client,
    ):
        verdicts = await both_verdicts(client, exchanged)

    direct, general = script.received[-2:]
    assert verdicts[0] == verdicts[1]
    assert direct != general
    assert lines(direct) == lines(general)


async def test_each_reply_has_one_verdict(transport: Transport, exchanged: list[object]) -> None:
    async with answering() as (url, script), ready(url, transport) as client:
        for name, reply in ANSWERS.items():
            script.reply, script.closes = reply, name in BROKEN
            verdicts = await both_verdicts(client, exchanged)
            assert verdicts[0] == verdicts[1], name


async def test_a_reply_that_stops_has_one_verdict(
    transport: Transport, exchanged: list[object]
) -> None:
    async with answering() as (url, script), ready(url, transport) as client:
        opened = await http_session_of(client)._get_session(None)
        opened.__wrapped__._timeout = ClientTimeout(sock_read=0.05)
        script.reply = ANSWERS["cut in the body"]
        verdicts = await both_verdicts(client, exchanged)

    assert verdicts[0] == verdicts[1]
    assert "Timeout on reading" in str(verdicts)


async def test_a_server_that_is_gone_has_one_verdict(
    transport: Transport, exchanged: list[object]
) -> None:
    async with answering() as (url, script), ready(url, transport) as client:
        script.closes = True
        await client.plans.describe("rollout")
        assert script.server is not None
        script.server.close()
        await verdict(client)
        verdicts = await both_verdicts(client, exchanged)

    assert verdicts[0] == verdicts[1]
    assert "could not connect" in str(verdicts)


async def test_a_cancelled_read_is_cancelled(transport: Transport, exchanged: list[object]) -> None:
    async with answering() as (url, script), ready(url, transport) as client:
        script.reply = b""
        with anyio.move_on_after(0.05) as scope:
            await client.plans.describe("rollout")
        assert scope.cancelled_caught
        script.reply = FINE
        await client.plans.describe("rollout")

    assert len(exchanged) == 3


async def test_a_session_that_somebody_closed_sends_nothing(
    transport: Transport, exchanged: list[object]
) -> None:
    async with answering() as (url, _), ready(url, transport) as client:
        before = len(exchanged)
        await http_session_of(client).session.close()
        told = await verdict(client)

    assert "the wrapped SageMaker client is closed" in str(told)
    assert len(exchanged) == before


def proxies_of(client: AsyncClient) -> Any:
    return http_session_of(client).session._proxy_config


async def test_creates_change_nothing(
    emulator: Emulator, transport: Transport, exchanged: list[object]
) -> None:
    """Each copies the session, of which the module copy makes a note in the class."""
    async with ready(emulator.endpoint_url, transport) as client:
        await client.plans.create(a_spec())
        copy.copy(AIOHTTPSession())
        before = len(exchanged)
        for _ in range(3):
            await client.plans.describe("rollout")

    assert len(exchanged) >= before + 2


PATCHES: Final[dict[str, Callable[[AsyncClient], tuple[Any, str]]]] = {
    "send of the observed session": lambda client: (http_session_of(client), "send"),
    "send of its class": lambda _: (ObservedSession, "send"),
    "send of our session": lambda client: (http_session_of(client).session, "send"),
    "send of our class": lambda _: (StraightSession, "send"),
    "send of aiobotocore's class": lambda _: (AIOHTTPSession, "send"),
    "what opens connections": lambda client: (http_session_of(client).session, "_get_session"),
    "what opens them in our class": lambda _: (StraightSession, "_get_session"),
    "how chunks are chosen": lambda client: (http_session_of(client).session, "_chunked"),
    "how chunks are chosen in our class": lambda _: (StraightSession, "_chunked"),
    "time limits in our class": lambda _: (StraightSession, "_get_request_timeout"),
    "proxies": lambda client: (proxies_of(client), "proxy_url_for"),
    "headers for proxies": lambda client: (proxies_of(client), "proxy_headers_for"),
    "proxies of all": lambda _: (ProxyConfiguration, "proxy_url_for"),
    "headers for proxies of all": lambda _: (ProxyConfiguration, "proxy_headers_for"),
    "URLs": lambda _: (aiobotocore.httpsession, "URL"),
    "truth": lambda _: (aiobotocore.httpsession, "ensure_boolean"),
    "the response": lambda _: (AioAWSResponse, "__init__"),
    "its content": lambda _: (AioAWSResponse, "_content_prop"),
    "time limits": lambda _: (AIOHTTPSession, "_get_request_timeout"),
    "chunks": lambda _: (AIOHTTPSession, "_chunked"),
    "texts": lambda _: (aiobotocore.httpsession, "_text"),
}
DETAILS: Final = {"URLs", "its content", "time limits", "chunks", "texts"}
"""What is looked at once a second."""


@pytest.mark.parametrize("name", PATCHES)
async def test_a_patch_of_a_session_sees_every_read_from_then_on(
    transport: Transport, exchanged: list[object], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    calls: list[str] = []
    now = [100.0]
    monkeypatch.setattr(passed_code, "monotonic", lambda: now[0])
    async with answering() as (url, _), ready(url, transport) as client:
        await client.plans.describe("rollout")
        before = len(exchanged)
        owner, method = PATCHES[name](client)
        monkeypatch.setattr(owner, method, as_function(getattr(owner, method), calls))
        now[0] += name in DETAILS
        for number in range(2):
            await client.plans.describe("rollout")
            assert len(calls) > number

    assert before == 2
    assert len(exchanged) == before


async def test_code_that_is_exchanged_inside_a_function_runs_for_every_read(
    transport: Transport, exchanged: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(passed_code, "monotonic", lambda: now[0])
    text = cast("Any", aiobotocore.httpsession)._text

    def other(s: Any, encoding: str = "utf-8", errors: str = "strict") -> Any:
        return s.decode(encoding, errors) if isinstance(s, bytes) else s

    async with answering() as (url, _), ready(url, transport) as client:
        await client.plans.describe("rollout")
        monkeypatch.setattr(text, "__code__", cast("Any", other).__code__)
        now[0] += 1.0
        await client.plans.describe("rollout")

    assert len(exchanged) == 2


@pytest.mark.parametrize("name", ["send of aiobotocore's class", "proxies of all"])
async def test_a_patch_that_was_there_before_another_was_taken_away_sees_every_read(
    transport: Transport, exchanged: list[object], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """While the other one is there, what is behind it is of no use, and perhaps not looked at."""
    calls: list[str] = []
    async with answering() as (url, _), client_with(url, transport) as client:
        owner, method = PATCHES[name](client)
        monkeypatch.setattr(owner, method, as_function(getattr(owner, method), calls))
        await client.plans.describe("rollout")
        session = http_session_of(client).session
        session.send = session.send
        for _ in range(3):
            await client.plans.describe("rollout")
        del session.send
        for _ in range(3):
            await client.plans.describe("rollout")
    assert len(calls) >= 7
    assert exchanged == []


async def test_reads_that_come_before_there_is_a_connection_are_sent(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The HTTP client of aiohttp opens with the first of them, which takes a while."""
    opening = cast("Any", AIOHTTPSession)._create_connector
    may_open = anyio.Event()

    async def slow(self: Any, *args: Any) -> Any:
        await may_open.wait()
        return await opening(self, *args)

    async with answering() as (url, _), ready(url, transport) as client:
        """Now the modules are compared."""
    monkeypatch.setattr(StraightSession, "_create_connector", slow, raising=False)
    ended: list[object] = []

    async def read() -> None:
        ended.append(await client.plans.describe("rollout"))

    async with answering() as (url, _), client_with(url, transport) as client:
        async with anyio.create_task_group() as tasks:
            for _ in range(12):
                tasks.start_soon(read)
                await anyio.wait_all_tasks_blocked()
            may_open.set()
        with anyio.move_on_after(0):
            await client.plans.describe("rollout")
        await client.plans.describe("rollout")

    assert len(ended) == 12


SENDS: Final = {
    "another header": (
        "headers_['Accept-Encoding'] = 'identity'",
        "headers_['Accept-Encoding'] = headers_['X-New'] = 'identity'",
    ),
    "another setting": ("proxy=proxy_url,", "proxy=proxy_url, compress=None,"),
}


@pytest.mark.parametrize("name", SENDS)
async def test_where_aiobotocore_sends_in_another_way_it_does_so_itself(
    transport: Transport, exchanged: list[object], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As a later version may: its loader has the same code."""
    before, after = SENDS[name]
    source = textwrap.dedent(inspect.getsource(AIOHTTPSession.send))
    assert before in source
    names: dict[str, Any] = {**vars(aiobotocore.httpsession)}
    exec(source.replace(before, after), names)  # noqa: S102  # aiobotocore's own, with one change
    monkeypatch.setattr(AIOHTTPSession, "send", names["send"])

    def pristine(_session: object, _copies: object) -> Unwatchful:
        return Unwatchful()

    monkeypatch.setattr(client_inside, "_code_of_session", pristine)
    async with answering() as (url, _), client_with(url, transport) as client:
        assert await takes_fast_path(client)

    assert exchanged == []


class Unwatchful:
    """What is there counts as what its authors wrote."""

    def holds(self) -> bool:
        return True


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize(
    "name", ["send of aiobotocore's class", "proxies of all", "truth", "the response"]
)
async def test_a_patch_that_was_there_before_sees_every_read(
    transport: Transport,
    exchanged: list[object],
    monkeypatch: pytest.MonkeyPatch,
    wrap: Wrap,
    name: str,
) -> None:
    calls: list[str] = []
    async with answering() as (url, _), client_with(url, transport) as client:
        owner, method = PATCHES[name](client)
        monkeypatch.setattr(owner, method, wrap(getattr(owner, method), calls))
        for _ in range(4):
            await client.plans.describe("rollout")
    assert len(calls) == 4
    assert exchanged == []


async def test_a_proxy_that_is_set_later_is_used(
    transport: Transport, exchanged: list[object]
) -> None:
    async with (
        answering() as (url, _),
        answering() as (proxy_url, proxy),
        ready(url, transport) as client,
    ):
        http_session_of(client).session._proxy_config._proxies["http"] = proxy_url
        await client.plans.describe("rollout")

    assert len(proxy.received) == 1
    assert len(exchanged) == 1
