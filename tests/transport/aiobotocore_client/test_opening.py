"""Opening a client: with what, when, where the work is done, and what is said when it fails."""

import json
import math
import shlex
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any, cast

import anyio
import botocore.exceptions as boto
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from aiobotocore.session import AioSession
from attrs import define, field
from botocore import UNSIGNED
from botocore.config import Config
from botocore.loaders import JSONFileLoader

import sagemaker_plans
from harness import TRANSPORTS, Transport, dead_endpoint, session
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    ConnectionFailedError,
    ResourceNotFoundError,
    RetryPolicy,
)
from sagemaker_plans._client import async_client
from sagemaker_plans._transport.aiobotocore_client import opening
from sagemaker_plans._transport.aiobotocore_client.service_model import PlainFiles
from sagemaker_plans.emulator import Emulator
from transport import clients
from transport.below.scripted_server import Answer, ScriptedServer
from transport.clients import BareSession

on_asyncio = pytest.mark.parametrize("transport", TRANSPORTS[:2], indirect=True, ids=str)
on_aiohttp = pytest.mark.parametrize("transport", TRANSPORTS[:1], indirect=True, ids=str)
on_trio = pytest.mark.parametrize("transport", TRANSPORTS[2:], indirect=True, ids=str)


def with_keys() -> BareSession:
    made = BareSession()
    made.set_credentials("test", "test")
    return made


def client_with(endpoint_url: str, transport: Transport, /, **settings: Any) -> AsyncClient:
    return clients.client_with(endpoint_url, transport, **{"session": with_keys(), **settings})


@pytest.fixture(autouse=True)
def _models_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    # The sessions that the package makes are ordinary ones, but for the parsed models.
    monkeypatch.setattr(opening, "AioSession", BareSession)


@define
class Opened:
    """What was opened during a test."""

    clients: list[Any] = field(factory=list[Any])
    closed: int = 0


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    seen = Opened()
    create: Any = getattr(BareSession, "create_client")  # noqa: B009  # the stubs list services

    def create_client(self: Any, *args: Any, **settings: Any) -> Any:
        context: Any = create(self, *args, **settings)
        enter = context.__aenter__

        class Context:
            async def __aenter__(self) -> Any:
                client = await enter()
                seen.clients.append(client)
                close = client._endpoint.close

                async def noted() -> None:
                    seen.closed += 1
                    await close()

                client._endpoint.close = noted
                return client

        return Context()

    monkeypatch.setattr(BareSession, "create_client", create_client)
    return seen


@pytest.fixture
def aws_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder in which the files `config` and `credentials` are those of AWS."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put keys that the emulator knows into the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


async def refusal_of(client: AsyncClient) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        async with client:
            raise AssertionError("the client was opened")
    return caught.value


async def ask(client: AsyncClient) -> None:
    """Make one call that reaches the emulator."""
    async with client:
        with pytest.raises(ResourceNotFoundError):
            await client.plans.describe("nowhere")


# arguments


@pytest.mark.parametrize("value", [0, 0.0, -1, math.nan, math.inf, "5", True, None, timedelta(0)])
def test_a_request_timeout_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="request_timeout: got"):
        AsyncClient(request_timeout=value)


@pytest.mark.parametrize("value", [1, 0.5, timedelta(minutes=1), timedelta(milliseconds=1)])
def test_a_request_timeout_is_seconds_or_a_timedelta(value: Any) -> None:
    AsyncClient(request_timeout=value)


@on_aiohttp
@pytest.mark.anyio
async def test_a_timedelta_bounds_a_request_as_seconds_do(
    emulator: Emulator, transport: Transport
) -> None:
    settings = {"request_timeout": timedelta(milliseconds=300)}
    async with client_with(emulator.endpoint_url, transport, **settings) as client:
        held = emulator.hold_replies("*")
        with held, pytest.raises(ConnectionFailedError, match=r"within 0\.3 s"):
            await client.plans.describe("rollout")


@pytest.mark.parametrize("argument", ["region_name", "profile_name", "endpoint_url"])
@pytest.mark.parametrize("value", ["", "  ", 5, b"x"], ids=repr)
def test_what_is_no_text_is_refused_with_its_name_and_value(argument: str, value: Any) -> None:
    settings: dict[str, Any] = {argument: value}

    with pytest.raises(ConfigurationError) as caught:
        AsyncClient(**settings)

    assert str(caught.value) == (
        f"AsyncClient: {argument}: got {value!r}; allowed are a string that is not empty, and None"
    )


def test_a_password_in_the_endpoint_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        AsyncClient(endpoint_url="http://me:hidden@localhost:8000/path")

    assert "endpoint_url: allowed are URLs without a user's name and password" in str(caught.value)
    assert "hidden" not in str(caught.value)
    AsyncClient(endpoint_url="http://localhost:8000/@path")


@pytest.mark.parametrize("value", ["", "requests", None, 3, HttpxSession])
def test_an_unknown_backend_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="allowed are auto, aiohttp, httpx"):
        AsyncClient(http_backend=value)


def test_a_session_beside_a_profile_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="a session has a profile of its own"):
        AsyncClient(session=session(), profile_name="dev")


def test_one_error_lists_everything_that_is_wrong() -> None:
    wrong: dict[str, Any] = {
        "http_backend": "curl",
        "session": session(),
        "profile_name": "dev",
        "retry": 3,
        "polling": 15,
        "request_timeout": "soon",
    }

    with pytest.raises(ConfigurationError) as caught:
        AsyncClient(**wrong)

    for argument in ("http_backend", "profile_name", "retry", "polling", "request_timeout"):
        assert f"{argument}: " in str(caught.value)


# what cannot be opened


@pytest.mark.usefixtures("keys")
@pytest.mark.anyio
@pytest.mark.parametrize("region", [None, "", " "])
async def test_no_region_is_told_with_what_to_do(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, region: str | None
) -> None:
    if region is not None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    refusal = await refusal_of(AsyncClient(http_backend=transport.http_backend))

    assert "region_name: no region is set" in str(refusal)
    assert "AWS_DEFAULT_REGION" in str(refusal)
    assert isinstance(refusal.__cause__, boto.NoRegionError)


@pytest.mark.anyio
async def test_no_credentials_are_told_before_anything_is_sent(
    emulator: Emulator, transport: Transport, opened: Opened
) -> None:
    client = client_with(emulator.endpoint_url, transport, session=BareSession())

    refusal = await refusal_of(client)

    assert "no AWS credentials were found" in str(refusal)
    assert emulator.requests == ()
    assert (len(opened.clients), opened.closed) == (1, 1)


@pytest.mark.anyio
async def test_a_profile_that_does_not_exist_is_told(transport: Transport, aws_files: Path) -> None:
    (aws_files / "config").write_text("[profile dev]\nregion = eu-west-1\n")

    refusal = await refusal_of(
        AsyncClient(profile_name="prod", http_backend=transport.http_backend)
    )

    assert "The config profile (prod) could not be found" in str(refusal)


@on_aiohttp
@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"session": "session"}, "session: an AioSession of aiobotocore is needed, got str"),
        ({"config": {"retries": 3}}, "config: an AioConfig of aiobotocore is needed, got dict"),
        ({"region_name": "no region!"}, "could not open a client"),
        (
            {"endpoint_url": "http://a host"},
            "could not open a client: Invalid endpoint: http://a host",
        ),
    ],
    ids=str,
)
@pytest.mark.anyio
async def test_what_is_of_the_wrong_kind_is_refused(
    transport: Transport, settings: dict[str, Any], problem: str
) -> None:
    defaults = {"session": BareSession(), "request_timeout": 5}

    refusal = await refusal_of(client_with("http://127.0.0.1:1", transport, **defaults | settings))

    assert problem in str(refusal)


@on_trio
@pytest.mark.anyio
async def test_aiohttp_is_refused_on_trio(transport: Transport) -> None:
    assert transport.loop == "trio"

    refusal = await refusal_of(AsyncClient(http_backend="aiohttp"))

    assert "aiohttp runs on asyncio only; on trio use 'httpx'" in str(refusal)


@pytest.mark.anyio
async def test_a_backend_that_is_not_installed_is_told(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: str) -> None:
        """Find no module."""

    monkeypatch.setattr(opening, "find_spec", nothing)
    assert transport.loop in {"asyncio", "trio"}

    refusal = await refusal_of(AsyncClient(http_backend="httpx"))

    assert "install sagemaker-plans[httpx], or sagemaker-plans[trio] for trio" in str(refusal)


@on_aiohttp
@pytest.mark.anyio
async def test_the_opener_refuses_a_backend_that_got_past_the_client(transport: Transport) -> None:
    assert transport.loop == "asyncio"
    wrong: Any = "curl"

    with pytest.raises(ConfigurationError, match="allowed are auto, aiohttp, httpx"):
        await opening.open_client(
            region_name="us-east-1",
            profile_name=None,
            endpoint_url=None,
            session=None,
            config=None,
            http_backend=wrong,
            request_timeout=5,
        )


def asked(*answers: object) -> BareSession:
    """Make a session whose credentials are what a test says, one answer for each time."""
    left = [*answers]

    async def answer() -> object:
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return asking(answer)


def asking(ask_for_keys: Callable[[], Awaitable[object]]) -> BareSession:
    """Make a session that asks a test for its credentials."""
    made: Any = BareSession()
    made.get_credentials = ask_for_keys
    return cast("BareSession", made)


REFUSED = boto.EndpointConnectionError(endpoint_url="http://sts", error=ConnectionError("refused"))


@on_aiohttp
@pytest.mark.anyio
async def test_credentials_that_cannot_be_reached_are_a_matter_of_the_connection(
    transport: Transport,
) -> None:
    client = client_with("http://127.0.0.1:1", transport, session=asked(REFUSED))

    with pytest.raises(ConnectionFailedError) as caught:
        async with client:
            raise AssertionError("the client was opened")

    assert caught.value.request_sent is False
    assert caught.value.__cause__ is REFUSED


@on_aiohttp
@pytest.mark.parametrize("answers", [[OSError("no vault")], [None, OSError("no vault")]])
@pytest.mark.anyio
async def test_whatever_a_provider_of_credentials_raises_is_translated(
    transport: Transport, opened: Opened, answers: list[object]
) -> None:
    client = client_with("http://127.0.0.1:1", transport, session=asked(*answers))

    refusal = await refusal_of(client)

    assert str(refusal) == "could not open a client: no vault"
    assert opened.closed == len(opened.clients)


@pytest.mark.anyio
async def test_a_client_whose_opening_is_cancelled_is_closed(
    transport: Transport, opened: Opened
) -> None:
    waiting = anyio.Event()

    async def slow() -> None:
        if opened.clients:
            waiting.set()
            await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(
            client_with("http://127.0.0.1:1", transport, session=asking(slow)).plans.describe,
            "rollout",
        )
        await waiting.wait()
        tasks.cancel_scope.cancel()

    assert (len(opened.clients), opened.closed) == (1, 1)


# when, and how often


@pytest.mark.anyio
async def test_nothing_is_opened_before_the_first_call(
    emulator: Emulator, transport: Transport, opened: Opened
) -> None:
    client = client_with(emulator.endpoint_url, transport)
    assert opened.clients == []

    with pytest.raises(ResourceNotFoundError):
        await client.plans.describe("nowhere")
    await client.aclose()

    assert (len(opened.clients), opened.closed) == (1, 1)


@pytest.mark.anyio
async def test_first_calls_at_the_same_time_open_one_client(
    emulator: Emulator, transport: Transport, opened: Opened
) -> None:
    client = client_with(emulator.endpoint_url, transport)

    async def call() -> None:
        with pytest.raises(ResourceNotFoundError):
            await client.plans.describe("nowhere")

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(call)
    await client.aclose()

    assert (len(opened.clients), opened.closed) == (1, 1)
    assert len(emulator.requests) == 20


@pytest.mark.anyio
async def test_a_client_may_be_closed_more_than_once(
    emulator: Emulator, transport: Transport, opened: Opened
) -> None:
    client = client_with(emulator.endpoint_url, transport)
    async with client:
        pass
    await client.aclose()
    await client.aclose()

    assert opened.closed == 1


@pytest.mark.anyio
async def test_a_closed_client_stays_closed(
    emulator: Emulator, transport: Transport, opened: Opened
) -> None:
    client = client_with(emulator.endpoint_url, transport)
    await client.aclose()

    with pytest.raises(ConfigurationError, match="this client is closed; make a new one"):
        await client.plans.describe("rollout")
    assert "this client is closed" in str(await refusal_of(client))
    assert opened.clients == []


@pytest.mark.anyio
async def test_a_client_that_is_closed_while_it_opens_is_closed(
    emulator: Emulator, transport: Transport, opened: Opened
) -> None:
    opening, go_on = anyio.Event(), anyio.Event()

    async def slow() -> object:
        opening.set()
        await go_on.wait()
        return await cast("Any", with_keys()).get_credentials()

    client = client_with(emulator.endpoint_url, transport, session=asking(slow))

    async def call() -> None:
        with pytest.raises(ConfigurationError, match="this client is closed"):
            await client.plans.describe("rollout")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        tasks.start_soon(call)
        await opening.wait()
        await client.aclose()
        go_on.set()

    assert (len(opened.clients), opened.closed) == (1, 1)


@pytest.mark.anyio
async def test_a_client_is_closed_when_its_block_is_cancelled(
    emulator: Emulator, transport: Transport, opened: Opened
) -> None:
    with anyio.CancelScope() as scope:
        async with client_with(emulator.endpoint_url, transport) as client:
            with pytest.raises(ResourceNotFoundError):
                await client.plans.describe("nowhere")
            scope.cancel()
            await anyio.sleep_forever()

    assert scope.cancelled_caught
    assert opened.closed == 1


# configuration


async def config_of(client: AsyncClient, opened: Opened) -> Any:
    async with client:
        pass
    return opened.clients[-1].meta.config


@on_asyncio
@pytest.mark.anyio
async def test_defaults_are_the_packages_own(transport: Transport, opened: Opened) -> None:
    client = client_with("http://127.0.0.1:1", transport, request_timeout=7)

    config = await config_of(client, opened)

    assert config.read_timeout == 7.0
    assert config.connect_timeout == 7.0
    assert config.max_pool_connections == 50
    assert config.retries == {"total_max_attempts": 1, "mode": "standard"}


@on_asyncio
@pytest.mark.parametrize("kind", [AioConfig, Config])
@pytest.mark.anyio
async def test_a_users_configuration_wins_over_the_defaults_but_for_retries(
    transport: Transport, opened: Opened, kind: Any
) -> None:
    theirs = kind(
        max_pool_connections=3,
        read_timeout=11,
        connect_timeout=12,
        retries={"max_attempts": 9, "mode": "adaptive"},
    )
    client = client_with("http://127.0.0.1:1", transport, config=theirs)

    config = await config_of(client, opened)

    assert (config.max_pool_connections, config.read_timeout, config.connect_timeout) == (3, 11, 12)
    assert config.retries == {"total_max_attempts": 1, "mode": "standard"}


@on_asyncio
@pytest.mark.anyio
async def test_the_configuration_of_a_users_session_wins_over_the_defaults(
    transport: Transport, opened: Opened
) -> None:
    own: Any = with_keys()
    own.set_default_client_config(AioConfig(max_pool_connections=3, read_timeout=11))
    settings = {"session": own, "config": AioConfig(read_timeout=13)}

    config = await config_of(client_with("http://127.0.0.1:1", transport, **settings), opened)

    assert (config.max_pool_connections, config.read_timeout) == (3, 13)
    assert config.retries == {"total_max_attempts": 1, "mode": "standard"}


@pytest.mark.anyio
async def test_a_user_agent_tells_of_the_package(emulator: Emulator, transport: Transport) -> None:
    await ask(client_with(emulator.endpoint_url, transport))

    agent = emulator.requests[0].headers["user-agent"]
    assert f"lib/sagemaker-plans#{sagemaker_plans.__version__}" in agent.split()


@pytest.mark.anyio
async def test_a_users_addition_to_the_user_agent_wins(
    emulator: Emulator, transport: Transport
) -> None:
    config = AioConfig(user_agent_extra="team/vision")

    await ask(client_with(emulator.endpoint_url, transport, config=config))

    agent = emulator.requests[0].headers["user-agent"]
    assert "team/vision" in agent
    assert "lib/sagemaker-plans" not in agent


@pytest.mark.anyio
async def test_a_client_that_is_told_not_to_sign_needs_no_credentials(
    transport: Transport,
) -> None:
    settings = {"session": BareSession(), "config": AioConfig(signature_version=UNSIGNED)}
    with ScriptedServer(Answer(b"{}")) as server:
        async with client_with(server.url, transport, **settings) as client:
            await client.plans.start_stage("rollout", "canary")

    assert ["authorization" in seen.headers for seen in server.received] == [False]


# The argument; what the session says; what the configuration says; what is taken.
BACKENDS: list[tuple[str, type | None, type | None, type]] = [
    ("auto", None, None, AIOHTTPSession),
    ("aiohttp", None, None, AIOHTTPSession),
    ("httpx", None, None, HttpxSession),
    # The argument wins over the session, and the configuration over the argument.
    ("auto", HttpxSession, None, HttpxSession),
    ("aiohttp", HttpxSession, None, AIOHTTPSession),
    ("httpx", AIOHTTPSession, None, HttpxSession),
    ("aiohttp", None, HttpxSession, HttpxSession),
    ("auto", AIOHTTPSession, HttpxSession, HttpxSession),
]


@on_aiohttp
@pytest.mark.parametrize("words", BACKENDS)
@pytest.mark.anyio
async def test_the_nearest_word_decides_what_carries_the_requests(
    transport: Transport, opened: Opened, words: tuple[str, Any, Any, type]
) -> None:
    backend, sessions, configs, expected = words
    own: Any = with_keys()
    if sessions is not None:
        own.set_default_client_config(AioConfig(http_session_cls=sessions))
    config = None if configs is None else AioConfig(http_session_cls=configs)
    settings = {"session": own, "http_backend": backend, "config": config}

    await config_of(client_with("http://127.0.0.1:1", transport, **settings), opened)

    assert isinstance(opened.clients[-1]._endpoint.http_session, expected)


@pytest.mark.anyio
async def test_no_backend_of_ours_follows_redirects(transport: Transport) -> None:
    with ScriptedServer(Answer(b"", 307, {"Location": dead_endpoint()})) as server:
        config = AioConfig(read_timeout=5)
        async with client_with(server.url, transport, config=config) as client:
            # The first two are the client's own, the others take the fast path.
            for _ in range(4):
                with pytest.raises(ConnectionFailedError, match="redirects to") as caught:
                    await client.plans.describe("rollout")
                assert caught.value.request_sent is True

    assert len(server.received) == 4


@on_trio
@pytest.mark.anyio
async def test_what_a_users_session_has_set_is_kept_on_trio(
    transport: Transport, opened: Opened
) -> None:
    own: Any = with_keys()
    own.set_default_client_config(AioConfig(max_pool_connections=3))

    await config_of(client_with("http://127.0.0.1:1", transport, session=own), opened)

    default = own.get_default_client_config()
    assert default.http_session_cls is HttpxSession
    assert default.max_pool_connections == 3
    assert opened.clients[-1].meta.config.max_pool_connections == 3


@on_asyncio
@pytest.mark.anyio
async def test_a_users_session_is_left_as_it_is_on_asyncio(
    transport: Transport, opened: Opened
) -> None:
    own: Any = with_keys()

    await config_of(client_with("http://127.0.0.1:1", transport, session=own), opened)

    assert own.get_default_client_config() is None


# credentials


@pytest.mark.anyio
async def test_the_environment_gives_region_endpoint_and_keys(
    emulator: Emulator, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)

    await ask(AsyncClient(http_backend=transport.http_backend, retry=RetryPolicy.none()))

    assert [seen.error_code for seen in emulator.requests] == ["ResourceNotFound"]


@pytest.mark.anyio
async def test_a_profile_gives_region_and_keys(
    emulator: Emulator, transport: Transport, aws_files: Path
) -> None:
    (aws_files / "config").write_text("[profile dev]\nregion = eu-west-3\n")
    (aws_files / "credentials").write_text(
        "[dev]\naws_access_key_id = test\naws_secret_access_key = test\n"
    )

    await ask(
        AsyncClient(
            profile_name="dev",
            endpoint_url=emulator.endpoint_url,
            http_backend=transport.http_backend,
            retry=RetryPolicy.none(),
        )
    )

    assert [seen.region for seen in emulator.requests] == ["eu-west-3"]


def process(aws_files: Path, script: str) -> str:
    """Write a program for credentials, and give the configuration that names it."""
    program = aws_files / "keys.py"
    program.write_text(script)
    command = shlex.join([sys.executable, "-S", str(program)])
    return f"[default]\nregion = us-east-1\ncredential_process = {command}\n"


KEYS = {"Version": 1, "AccessKeyId": "test", "SecretAccessKey": "test"}


@pytest.mark.anyio
async def test_a_program_gives_the_keys(
    emulator: Emulator, transport: Transport, aws_files: Path
) -> None:
    (aws_files / "config").write_text(process(aws_files, f"print({json.dumps(KEYS)!r})"))

    await ask(AsyncClient(endpoint_url=emulator.endpoint_url, http_backend=transport.http_backend))

    assert len(emulator.requests) == 1


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("print('no JSON')", "could not open a client"),
        ("raise SystemExit('the vault is sealed')", "the vault is sealed"),
        ("print('{\"Version\": 2}')", "Unsupported version"),
        (None, "could not open a client"),
    ],
    ids=["garbage", "failure", "version", "absent"],
)
@pytest.mark.anyio
async def test_a_program_that_gives_no_keys_is_told(
    transport: Transport, aws_files: Path, script: str | None, problem: str
) -> None:
    absent = "[default]\nregion = us-east-1\ncredential_process = /no/such/program\n"
    (aws_files / "config").write_text(absent if script is None else process(aws_files, script))

    refusal = await refusal_of(AsyncClient(http_backend=transport.http_backend))

    assert problem in str(refusal)


@pytest.mark.anyio
async def test_a_container_gives_the_keys(
    emulator: Emulator, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {
        "AccessKeyId": "test",
        "SecretAccessKey": "test",
        "Token": "token",
        "Expiration": "2099-01-01T00:00:00Z",
    }
    with ScriptedServer(Answer(json.dumps(answer).encode())) as metadata:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{metadata.url}/keys")
        await ask(
            AsyncClient(
                region_name="us-east-1",
                endpoint_url=emulator.endpoint_url,
                http_backend=transport.http_backend,
            )
        )

    assert [seen.method for seen in metadata.received] == ["GET"]
    assert len(emulator.requests) == 1


@pytest.fixture
def role(aws_files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """Let the default profile assume a role at a server, which answers what a test says."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    (aws_files / "config").write_text(
        "[default]\nregion = us-east-1\nrole_arn = arn:aws:iam::123456789012:role/rollout\n"
        "credential_source = Environment\n[profile source]\nregion = us-east-1\n"
    )
    # Else the keys of the environment would win over the profile's role.
    monkeypatch.setenv("AWS_PROFILE", "default")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with ScriptedServer(Answer()) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        yield server


ASSUMED = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><Credentials><AccessKeyId>test</AccessKeyId>
<SecretAccessKey>test</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>
</AssumeRoleResponse>"""


def sts_error(code: str, status: int) -> Answer:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    return Answer(body.encode(), status)


def role_client(emulator: Emulator, transport: Transport) -> AsyncClient:
    return AsyncClient(
        profile_name="default",
        endpoint_url=emulator.endpoint_url,
        http_backend=transport.http_backend,
        retry=RetryPolicy.none(),
    )


@pytest.mark.anyio
async def test_an_assumed_role_gives_the_keys(
    emulator: Emulator, transport: Transport, role: ScriptedServer
) -> None:
    role.answer = Answer(ASSUMED)

    await ask(role_client(emulator, transport))

    assert len(role.received) == 1
    assert len(emulator.requests) == 1


@pytest.mark.anyio
async def test_a_role_that_is_denied_is_a_matter_of_configuration(
    emulator: Emulator, transport: Transport, role: ScriptedServer
) -> None:
    role.answer = sts_error("AccessDenied", 403)

    async with role_client(emulator, transport) as client:
        with pytest.raises(ConfigurationError) as caught:
            await client.plans.describe("rollout")

    assert "no credentials could be obtained: AssumeRole answered AccessDenied" in str(caught.value)
    assert emulator.requests == ()


@pytest.mark.anyio
async def test_a_role_that_cannot_be_had_now_leaves_the_request_unsent(
    emulator: Emulator, transport: Transport, role: ScriptedServer
) -> None:
    role.answer = sts_error("Throttling", 400)

    async with role_client(emulator, transport) as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.plans.describe("rollout")

    assert caught.value.request_sent is False
    assert emulator.requests == ()


@pytest.mark.anyio
async def test_a_role_that_cannot_be_reached_leaves_the_request_unsent(
    emulator: Emulator, transport: Transport, role: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", dead_endpoint())

    async with role_client(emulator, transport) as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.plans.describe("rollout")

    assert caught.value.request_sent is False
    assert emulator.requests == ()
    assert role.received == []


# the event loop is left alone


def test_importing_the_package_imports_no_http_client() -> None:
    heavy = ("aiobotocore", "botocore", "aiohttp", "httpx", "httpx2", "trio")
    code = f"import sys, sagemaker_plans; print([m for m in {heavy} if m in sys.modules])"

    ran = subprocess.run(  # our own words
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert ran.stdout == "[]\n"


@pytest.mark.anyio
async def test_importing_and_loading_are_done_in_worker_threads(
    emulator: Emulator, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, int] = {}

    def noted(module: Any, name: str) -> None:
        function = getattr(module, name)

        @wraps(function)
        def note(*args: Any) -> Any:
            threads[name] = threading.get_ident()
            return function(*args)

        monkeypatch.setattr(module, name, note)

    noted(async_client, "import_transport")
    noted(opening, "_load_models")
    await ask(client_with(emulator.endpoint_url, transport))

    assert threads.keys() == {"import_transport", "_load_models"}
    assert threading.get_ident() not in threads.values()


@pytest.mark.parametrize("own_session", [True, False], ids=["users-session", "no-session"])
@pytest.mark.anyio
async def test_all_that_a_client_needs_from_disk_is_loaded_in_the_worker_thread(
    emulator: Emulator, transport: Transport, monkeypatch: pytest.MonkeyPatch, *, own_session: bool
) -> None:
    loads: list[tuple[str, bool]] = []
    own_thread = threading.get_ident()

    class Session(AioSession):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.set_credentials("test", "test")

    for loader in (JSONFileLoader, PlainFiles):
        load: Any = loader.load_file

        def load_file(self: Any, file_path: str, load: Any = load) -> object:
            found: object = load(self, file_path)
            if found is not None:
                loads.append((file_path, threading.get_ident() == own_thread))
            return found

        monkeypatch.setattr(loader, "load_file", load_file)
    monkeypatch.setattr(opening, "AioSession", Session)
    session = Session() if own_session else None
    await ask(client_with(emulator.endpoint_url, transport, session=session))

    assert [path for path, on_the_loop in loads if on_the_loop] == []
    assert any(path.endswith("endpoints") for path, _ in loads)
    assert any(path.endswith("service-2") for path, _ in loads) == own_session
