"""The direct lane sends what the client would send, and gives way to whoever listens."""

import datetime as dt
import json
import ssl
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
import trustme
from aiobotocore.client import AioBaseClient
from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioRefreshableCredentials
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from aiohttp import web
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import SSLError

from harness import MakeClient, Transport, a_spec, client_for, dead_endpoint, session
from sagemaker_plans import (
    AsyncClient,
    ConnectionFailedError,
    PercentageOfFleet,
    RetryPolicy,
    StageSpec,
)
from sagemaker_plans._transport.aiobotocore_client.redirects import StraightSession
from sagemaker_plans._transport.botocore_gateway import BotocoreGateway
from sagemaker_plans._transport.fast_path import FastPath, fast_path
from sagemaker_plans._wire.operations import OPERATIONS
from sagemaker_plans.emulator import Emulator

CREATED = {"EdgeDeploymentPlanArn": "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/p"}


def gateway_of(client: AsyncClient) -> BotocoreGateway:
    opened = client._gateway._opened
    assert opened is not None
    assert isinstance(opened[0], BotocoreGateway)
    return opened[0]


def fast_path_of(client: AsyncClient) -> FastPath | None:
    return gateway_of(client)._fast_path


def counting(calls: list[str]) -> Callable[..., Any]:
    original = cast("Any", AioBaseClient)._make_api_call

    async def counted(self: AioBaseClient, operation_name: str, api_params: object) -> Any:
        calls.append(operation_name)
        return await original(self, operation_name, api_params)

    return counted


@pytest.mark.anyio
async def test_a_client_of_our_own_making_has_a_fast_path(make_client: MakeClient) -> None:
    async with make_client() as client:
        assert fast_path_of(client) is not None


@pytest.mark.anyio
async def test_the_server_sees_no_difference_that_matters(
    emulator: Emulator, make_client: MakeClient, transport: Transport
) -> None:
    del transport
    async with make_client() as client:
        await client.plans.create(a_spec())
        lane = fast_path_of(client)
        assert lane is not None
        gateway_of(client)._fast_path = None
        await client.plans.describe("rollout")
        gateway_of(client)._fast_path = lane
        await client.plans.describe("rollout")

    general, direct = emulator.requests_of("DescribeEdgeDeploymentPlan")
    assert direct.body == general.body
    for name in ("content-type", "x-amz-target", "host"):
        assert direct.headers[name] == general.headers[name]
    assert direct.headers["user-agent"].startswith("aiobotocore/")
    assert "lib/sagemaker-plans" in direct.headers["user-agent"]


@pytest.mark.anyio
async def test_a_hook_of_the_users_session_sees_every_request(
    emulator: Emulator, transport: Transport
) -> None:
    theirs = session()
    seen: list[str] = []

    def hook(request: Any, **_: object) -> None:
        seen.append(request.headers["X-Amz-Target"].decode())

    theirs.get_component("event_emitter").register("before-send.sagemaker", hook)
    async with AsyncClient(
        region_name="us-east-1",
        endpoint_url=emulator.endpoint_url,
        session=theirs,
        http_backend=transport.http_backend,
    ) as client:
        assert fast_path_of(client) is None
        await client.plans.create(a_spec())
        await client.plans.describe("rollout")

    assert seen == [
        "SageMaker.CreateEdgeDeploymentPlan",
        "SageMaker.DescribeEdgeDeploymentPlan",
    ]


@pytest.mark.anyio
async def test_a_tracer_that_patches_the_client_later_sees_every_call_from_then_on(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    async with make_client() as client:
        await client.plans.create(a_spec())
        monkeypatch.setattr(AioBaseClient, "_make_api_call", counting(calls))
        await client.plans.describe("rollout")

    assert calls == ["DescribeEdgeDeploymentPlan"]


@pytest.mark.anyio
async def test_a_tracer_that_patched_before_leaves_no_fast_path(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(AioBaseClient, "_make_api_call", counting(calls))
    async with make_client() as client:
        assert fast_path_of(client) is None
        await client.plans.create(a_spec())

    assert calls == ["CreateEdgeDeploymentPlan"]


@pytest.mark.anyio
async def test_a_traced_client_without_a_users_session_makes_every_call(
    emulator: Emulator, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    calls: list[str] = []
    monkeypatch.setattr(AioBaseClient, "_make_api_call", counting(calls))
    seeded = emulator.add_training_plan("traced")
    emulator.add_extension_offering(seeded)
    on_sale = emulator.add_plan_offering()
    spec = a_spec(stages=3)
    async with AsyncClient(http_backend=transport.http_backend) as client:
        arn = await client.plans.create(spec)
        await client.plans.start_stage("rollout", "stage-0")
        await client.plans.stop_stage("rollout", "stage-0")
        await client.plans.add_stages("rollout", [StageSpec("extra", PercentageOfFleet(5))])
        await client.plans.delete_stage("rollout", "extra")
        listed = await client.plans.list(name_contains="roll").collect()
        devices = await client.plans.stage_devices("rollout", "stage-1").collect()
        plan = await client.plans.describe("rollout")
        paged = [each async for each in client.plans.stages("rollout", page_size=2)]
        offerings = await client.training_plans.search_extension_offerings(seeded)
        receipt = await client.training_plans.extend(
            offerings[0].offering_id, training_plan_arn=seeded
        )
        bought = [each async for each in client.training_plans.extension_history(seeded)]
        await client.plans.create(a_spec("another"))
        await client.plans.delete("another")
        described = await client.training_plans.describe("traced")
        reserved = await client.training_plans.list().collect()
        (block,) = described.reserved_capacities
        capacity = await client.training_plans.reserved_capacity(block.arn)
        servers = await client.training_plans.ultra_servers(block.arn).collect()

        new = await client.training_plans.create("new", on_sale)

    assert described.arn in {each.arn for each in reserved}
    assert new.name == "new"
    assert (capacity.arn, servers) == (block.arn, ())
    assert plan.arn == arn
    assert [each.arn for each in listed] == [arn]
    assert [each.stage_name for each in devices] == ["stage-1"]
    assert plan.creation_time is not None
    assert [*plan.stages] == paged
    assert len(paged) == 3
    assert receipt.extension in bought
    assert set(calls) == {operation.name for operation in OPERATIONS}


@pytest.mark.anyio
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_fips_endpoint": True},
        {"use_dualstack_endpoint": True},
        {"use_fips_endpoint": True, "use_dualstack_endpoint": True},
    ],
    ids=["plain", "fips", "dual-stack", "both"],
)
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1"])
async def test_the_lane_goes_where_the_client_would_go(
    settings: dict[str, bool], region: str, transport: Transport
) -> None:
    del transport
    asked: list[str] = []

    async def answer(request: Any, **_: object) -> object:
        asked.append(request.url)
        raise ConnectionAbortedError

    theirs = session()
    context = cast("Any", theirs).create_client(
        "sagemaker", region_name=region, config=AioConfig(**cast("Any", settings))
    )
    async with context as client:
        lane = await fast_path(client, await theirs.get_credentials())
        client.meta.events.register("before-send.sagemaker", answer)
        with pytest.raises(ConnectionAbortedError):
            await client.describe_edge_deployment_plan(EdgeDeploymentPlanName="p")

    assert lane is not None
    assert {lane.url.rstrip("/")} == {url.rstrip("/") for url in asked}


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
        assert fast_path_of(client) is not None
        await client.plans.create(a_spec())

    assert len(emulator.requests) == 1


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
            assert fast_path_of(client) is not None
            await client.plans.create(a_spec())

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
        assert fast_path_of(client) is not None
        await client.plans.create(a_spec())

    assert seen == ["sagemaker.test"]


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
        assert fast_path_of(client) is not None
        assert await client.plans.create(a_spec()) == CREATED["EdgeDeploymentPlanArn"]


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


@pytest.mark.anyio
async def test_where_the_inside_of_the_client_is_another_there_is_no_lane(
    transport: Transport,
) -> None:
    del transport

    class Stranger:
        meta = None

        async def _make_api_call(self) -> None:
            await anyio.lowlevel.checkpoint()

    assert await fast_path(Stranger(), object()) is None
    assert await fast_path(object(), object()) is None


@pytest.mark.anyio
async def test_an_endpoint_with_signing_rules_of_its_own_has_no_lane(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    del transport

    async def ruled(*_: object) -> tuple[str, dict[str, str], dict[str, object]]:
        await anyio.lowlevel.checkpoint()
        return "https://x", {}, {"authSchemes": [{"name": "sigv4a"}]}

    monkeypatch.setattr(AioBaseClient, "_resolve_endpoint_ruleset", ruled)
    theirs: AioSession = session()
    async with cast("Any", theirs).create_client("sagemaker", region_name="us-east-1") as client:
        assert await fast_path(client, await theirs.get_credentials()) is None
