"""Reads on the fast path use the client's own endpoint, credentials, proxies, certificates."""

import datetime as dt
import json
import ssl
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest
import trustme
from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioRefreshableCredentials
from aiobotocore.httpsession import AIOHTTPSession
from aiohttp import web
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import CredentialRetrievalError, SSLError

from harness import MakeClient, Transport, a_spec, client_for, dead_endpoint, session
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    ConnectionFailedError,
    RetryPolicy,
    SageMakerPlansError,
)
from sagemaker_plans._transport.aiobotocore_client.straight_session import StraightSession
from sagemaker_plans.emulator import Emulator
from transport.clients import (
    client_with,
    fast_path_of,
    fast_reads,
    gateway_of,
    takes_fast_path,
)

CREATED = {"EdgeDeploymentPlanArn": "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/p"}


@pytest.mark.anyio
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"])
async def test_the_endpoint_of_the_environment_is_used(
    emulator: Emulator, transport: Transport, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL_SAGEMAKER")
    monkeypatch.setenv(variable, emulator.endpoint_url)
    async with AsyncClient(http_backend=transport.http_backend) as client:
        await client.plans.create(a_spec())
        assert await takes_fast_path(client)

    assert len(emulator.requests) == 5


@pytest.mark.anyio
async def test_credentials_are_refreshed_in_mid_session(transport: Transport) -> None:
    keys = {"key-1": "secret-1", "key-2": "secret-2"}
    fetched: list[str] = []

    async def fetch() -> dict[str, str]:
        key = f"key-{len(fetched) + 1}"
        fetched.append(key)
        # The first ones are already due for a refresh.
        life = dt.timedelta(minutes=1 if len(fetched) == 1 else 60)
        expiry = dt.datetime.now(dt.UTC) + life
        return {
            "access_key": key,
            "secret_key": keys[key],
            "token": "",
            "expiry_time": expiry.isoformat(),
        }

    theirs = session()
    cast("Any", theirs)._credentials = cast("Any", AioRefreshableCredentials).create_from_metadata(
        await fetch(), refresh_using=fetch, method="test"
    )
    with Emulator(credentials=keys) as emulator:
        async with AsyncClient(
            region_name="us-east-1",
            endpoint_url=emulator.endpoint_url,
            session=theirs,
            http_backend=transport.http_backend,
        ) as client:
            await client.plans.create(a_spec())
            assert await takes_fast_path(client)

    assert fetched == ["key-1", "key-2"]


def aws_config(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    config = folder / "config"
    config.write_text(text, encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))


@pytest.mark.anyio
async def test_credential_process_of_a_profile_is_asked(
    emulator: Emulator, transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"Version": 1, "AccessKeyId": "test", "SecretAccessKey": "test"}
    script = tmp_path / "credentials.py"
    script.write_text(f"print({json.dumps(json.dumps(answer))})", encoding="utf-8")
    aws_config(
        tmp_path,
        monkeypatch,
        f"[profile rollout]\nregion = us-east-1\ncredential_process = {sys.executable} {script}\n",
    )
    async with AsyncClient(
        profile_name="rollout",
        endpoint_url=emulator.endpoint_url,
        http_backend=transport.http_backend,
    ) as client:
        await client.plans.create(a_spec())

    assert [request.status for request in emulator.requests] == [200]


@asynccontextmanager
async def serving(
    handler: Callable[[web.BaseRequest], Any], tls: ssl.SSLContext | None = None
) -> AsyncGenerator[int]:
    """Serve on loopback, in the loop of the test (asyncio)."""
    server = web.Server(handler)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


ASYNCIO = [Transport("asyncio", "aiohttp"), Transport("asyncio", "httpx")]
on_asyncio = pytest.mark.parametrize("transport", ASYNCIO, ids=str)
on_aiohttp = pytest.mark.parametrize("transport", ASYNCIO[:1], ids=str)

ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId>
<Arn>arn:aws:sts::123456789012:assumed-role/r/b</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>testing</AccessKeyId><SecretAccessKey>testing</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""


@on_asyncio
@pytest.mark.anyio
async def test_a_role_is_assumed(
    emulator: Emulator, transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws_config(
        tmp_path,
        monkeypatch,
        "[profile rollout]\nregion = us-east-1\nsource_profile = base\n"
        "role_arn = arn:aws:iam::123456789012:role/rollout\n"
        "[profile base]\naws_access_key_id = test\naws_secret_access_key = test\n",
    )

    async def sts(_: web.BaseRequest) -> web.Response:
        return web.Response(text=ASSUMED, content_type="text/xml")

    async with serving(sts) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{port}")
        async with AsyncClient(
            profile_name="rollout",
            endpoint_url=emulator.endpoint_url,
            http_backend=transport.http_backend,
        ) as client:
            await client.plans.create(a_spec())

    assert emulator.requests[0].status == 200
    assert emulator.requests[0].headers["x-amz-security-token"]


async def created(_: web.BaseRequest) -> web.Response:
    return web.json_response(CREATED, content_type="application/x-amz-json-1.1")


@on_asyncio
@pytest.mark.anyio
async def test_a_configured_proxy_is_used(transport: Transport) -> None:
    seen: list[str] = []

    async def proxy(request: web.BaseRequest) -> web.Response:
        seen.append(request.headers["Host"])
        return await created(request)

    async with (
        serving(proxy) as port,
        AsyncClient(
            region_name="us-east-1",
            endpoint_url="http://sagemaker.test",
            session=session(),
            config=AioConfig(proxies={"http": f"http://127.0.0.1:{port}"}),
            http_backend=transport.http_backend,
            retry=RetryPolicy.none(),
        ) as client,
    ):
        await client.plans.create(a_spec())
        assert await takes_fast_path(client)

    assert seen == ["sagemaker.test"] * 5


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cast("Any", authority.issue_cert("127.0.0.1")).configure_cert(context)
    return context


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "bundle.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@on_asyncio
@pytest.mark.anyio
async def test_the_ca_bundle_of_the_environment_is_trusted(
    transport: Transport,
    tls: ssl.SSLContext,
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    async with (
        serving(created, tls) as port,
        client_for(f"https://127.0.0.1:{port}", transport) as client,
    ):
        assert await client.plans.create(a_spec()) == CREATED["EdgeDeploymentPlanArn"]
        assert await takes_fast_path(client)


@pytest.fixture
def read_certificates(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Give the list of those who read certificates from now on."""
    readers: list[object] = []
    build: Any = cast("Any", AIOHTTPSession)._build_verify_context

    def noted(self: object) -> object:
        readers.append(self)
        return build(self)

    monkeypatch.setattr(AIOHTTPSession, "_build_verify_context", noted)
    return readers


@on_aiohttp
@pytest.mark.anyio
async def test_certificates_are_read_where_they_are_needed_only(
    emulator: Emulator,
    transport: Transport,
    tls: ssl.SSLContext,
    read_certificates: list[object],
) -> None:
    async with client_for(emulator.endpoint_url, transport) as client:
        await client.plans.create(a_spec())
    assert read_certificates == []

    async with (
        serving(created, tls) as port,
        client_for(f"https://127.0.0.1:{port}", transport, retry=RetryPolicy.none()) as client,
    ):
        # The certificate of this server is not trusted.
        with pytest.raises(ConnectionFailedError, match="certificate verify failed"):
            await client.plans.create(a_spec())
    assert len(read_certificates) == 1


@on_aiohttp
@pytest.mark.anyio
async def test_a_proxy_is_verified_also_on_the_way_to_an_endpoint_without_encryption(
    transport: Transport, read_certificates: list[object]
) -> None:
    config = AioConfig(proxies={"http": dead_endpoint()})
    async with AsyncClient(
        region_name="us-east-1",
        endpoint_url="http://sagemaker.test",
        session=session(),
        config=config,
        http_backend=transport.http_backend,
        retry=RetryPolicy.none(),
    ) as client:
        with pytest.raises(ConnectionFailedError):
            await client.plans.describe("rollout")

    assert read_certificates


@on_aiohttp
@pytest.mark.anyio
async def test_an_encrypted_request_that_comes_later_is_verified_too(
    emulator: Emulator, transport: Transport, tls: ssl.SSLContext
) -> None:
    del transport

    def request_to(url: str) -> AWSPreparedRequest:
        return AWSPreparedRequest("POST", url, cast("Any", {}), b"{}", stream_output=False)

    async with serving(created, tls) as port, StraightSession() as straight:
        await straight.send(request_to(emulator.endpoint_url))
        with pytest.raises(SSLError, match="certificate verify failed"):
            await straight.send(request_to(f"https://127.0.0.1:{port}/"))


class Expired:
    """Credentials that cannot be refreshed."""

    async def get_frozen_credentials(self) -> object:
        raise CredentialRetrievalError(provider="test", error_msg="expired")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("credentials", "words"), [(Expired(), "expired"), (None, "no AWS credentials")]
)
async def test_credentials_that_fail_later_are_told_as_the_client_tells_it(
    make_client: MakeClient, credentials: object, words: str
) -> None:
    messages: list[str] = []
    async with make_client() as client:
        assert await takes_fast_path(client)
        theirs: Any = gateway_of(client)._client
        signer = theirs._request_signer
        kept, signer._credentials = signer._credentials, credentials
        path = fast_path_of(client)
        for way in (path, None):
            gateway_of(client)._fast_path = way
            with pytest.raises(ConfigurationError) as caught:
                await client.plans.describe("rollout")
            messages.append(str(caught.value))
        gateway_of(client)._fast_path, signer._credentials = path, kept
        assert await fast_reads(client, 1) == 1

    assert words in messages[0]
    assert messages[0] == messages[1]


@on_aiohttp
@pytest.mark.anyio
async def test_the_http_client_shows_all_that_aiohttps_has(
    emulator: Emulator, transport: Transport
) -> None:
    async with client_with(emulator.endpoint_url, transport) as client:
        with suppress(SageMakerPlansError):
            await client.plans.describe("rollout")
        theirs: Any = gateway_of(client)._client
        opened = await theirs._endpoint.http_session._get_session(None)
        assert opened.closed is False
