"""Both ways of a read, held together: what the HTTP session is given, and what a reply means."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any, Final

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import TRANSPORTS, Transport, examples, session
from sagemaker_plans import AsyncClient, PacePolicy, RetryPolicy, SageMakerPlansError
from sagemaker_plans._wire.operations import OPERATIONS, Safety
from transport.clients import fast_path_of, gateway_of

READS: Final = tuple(each for each in OPERATIONS if each.safety is Safety.READ)
CHANGING: Final = {"X-Amz-Date", "Authorization", "amz-sdk-invocation-id"}
ARN: Final = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/p-0123456789"
NAME: Final = "EdgeDeploymentPlanName"
PLAN: Final = {
    "EdgeDeploymentPlanArn": "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/p",
    "EdgeDeploymentPlanName": "p",
    "ModelConfigs": [{"ModelHandle": "m", "EdgePackagingJobName": "j"}],
    "DeviceFleetName": "f",
    "Stages": [],
}


@frozen
class Response:
    """A whole reply, as an HTTP session of aiobotocore gives it."""

    status_code: int
    headers: dict[str, str]
    raw: bytes

    @property
    def content(self) -> Any:
        return self._content()

    async def _content(self) -> bytes:
        return self.raw


def a_request(operation: Any, name: str = "p") -> dict[str, object]:
    if operation is READS[0]:
        return {NAME: name}
    return {"TrainingPlanArn": f"{ARN}{name}"}


class Script:
    """What the HTTP sessions of a test are given, and what they answer."""

    def __init__(self) -> None:
        self.given: list[Any] = []
        self.reply = Response(200, {}, json.dumps(PLAN).encode())


def answering(base: Any, script: Script) -> Any:
    class Session(base):  # type: ignore[misc]
        async def send(self, request: Any) -> Any:
            script.given.append(request)
            return script.reply

    return Session


@frozen
class Setting:
    """How a client is made."""

    region: str = "us-east-1"
    endpoint_url: str | None = None
    token: str | None = None
    secret: str = "secret"
    whole_model: bool = False
    app: str | None = None
    fips: bool = False
    dual_stack: bool = False


def opened(setting: Setting, transport: Transport, script: Script) -> AsyncClient:
    theirs = session() if setting.whole_model else None
    if theirs is not None:
        theirs.set_credentials("AKID", setting.secret, setting.token)
    base = AIOHTTPSession if transport.http_backend == "aiohttp" else HttpxSession
    config: dict[str, Any] = {"http_session_cls": answering(base, script)}
    if setting.fips or setting.dual_stack:
        config["use_fips_endpoint"] = setting.fips
        config["use_dualstack_endpoint"] = setting.dual_stack
    if setting.app is not None:
        config["user_agent_appid"] = setting.app
    return AsyncClient(
        region_name=setting.region,
        endpoint_url=setting.endpoint_url,
        session=theirs,
        config=AioConfig(**config),
        http_backend="auto",
        retry=RetryPolicy.none(),
        pace=PacePolicy.off(),
    )


def shown(request: Any) -> object:
    """Everything of a request but what changes with each."""
    headers = [
        (name, None if name in CHANGING else value) for name, value in request.headers.items()
    ]
    context = {key: value for key, value in request.context.items() if key != "sagemaker_plans"}
    kinds: dict[str, str] = {key: type(value).__name__ for key, value in context.items()}
    names = type(request).__name__, type(request.headers).__name__
    sent = request.method, request.url, headers, request.body, request.stream_output
    return names, sent, kinds


async def verdict(client: AsyncClient, members: dict[str, object], operation: Any) -> object:
    """Send a read, and give what its caller is told, whoever it is above the gateway."""
    try:
        if operation is READS[0]:
            return repr(await client.plans.describe(str(members[NAME])))
        return (await gateway_of(client).call(operation, members)).http_status
    except SageMakerPlansError as error:
        facts = {name: value for name, value in vars(error).items() if name[0] != "_"}
        facts.pop("reply", None)
        return type(error), str(error), repr(facts)


async def both_ways(
    client: AsyncClient, script: Script, operation: Any, members: dict[str, object]
) -> tuple[list[object], list[Any]]:
    """Send the same read by the client and on the fast path."""
    gateway = gateway_of(client)
    path = fast_path_of(client)
    verdicts: list[object] = []
    requests: list[Any] = []
    for way in (None, path):
        gateway._fast_path = way
        before = len(script.given)
        verdicts.append(await verdict(client, members, operation))
        requests += script.given[before:]
    gateway._fast_path = path
    return verdicts, requests


async def learned(client: AsyncClient, script: Script, operation: Any) -> None:
    members = a_request(operation)
    kept, script.reply = script.reply, Response(200, {}, json.dumps(PLAN).encode())
    for _ in range(3):
        await verdict(client, members, operation)
    script.reply = kept
    assert operation.name in fast_path_of(client)._models


@pytest.fixture
def at_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


ENDPOINTS: Final = [
    None,
    "http://127.0.0.1:9",
    "http://127.0.0.1:9/",
    "http://localhost:80/a",
    "https://sagemaker.test/a/",
    "https://sagemaker.test/a//b",
    "https://sagemaker.test//",
    "https://sagemaker.test/?x=1",
    "https://sagemaker.test?x=1&b=%20c",
    "https://sagemaker.test/a b/ä",
    "https://sagemaker.test/a/../b/./c",
    "https://SageMaker.Test:443/",
    "http://[::1]:9/a?y=2",
]
REGIONS: Final = ["us-east-1", "us-gov-west-1", "us-gov-west-1-secondary", "cn-north-1", "xy-new-1"]
TOKENS: Final = [None, "token", " two  words ", "a/b+c=="]


def settings_table() -> Iterator[Setting]:
    for endpoint, region, token, whole in product(ENDPOINTS, REGIONS, TOKENS, [False, True]):
        yield Setting(region, endpoint, token, "s/e+c ret", whole)
    for fips, dual, region, app in product([False, True], [False, True], REGIONS, [None, "app id"]):
        yield Setting(region, fips=fips, dual_stack=dual, app=app)


TABLE: Final = list(settings_table())


async def hold_together(setting: Setting, transport: Transport) -> None:
    script = Script()
    try:
        client = opened(setting, transport, script)
        await client.__aenter__()
    except SageMakerPlansError:
        # botocore takes no such endpoint, on either way.
        return
    try:
        for operation in READS:
            for count in range(3):
                await verdict(client, a_request(operation, f"p{count}"), operation)
            if fast_path_of(client)._tries_left == 0 or not script.given:
                continue
            members = a_request(operation, "p-1")
            verdicts, (general, direct) = await both_ways(client, script, operation, members)
            assert operation.name in fast_path_of(client)._models, setting
            assert shown(direct) == shown(general), setting
            assert verdicts[0] == verdicts[1]
    finally:
        await client.aclose()


@pytest.mark.anyio
@pytest.mark.usefixtures("at_one_moment")
@pytest.mark.parametrize("setting", TABLE[:: len(TABLE) // 24], ids=str)
async def test_the_http_session_is_given_what_the_client_gives_it(
    setting: Setting, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    if setting.token is not None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", setting.token)
    await hold_together(setting, transport)


@pytest.mark.exhaustive
@pytest.mark.anyio
@pytest.mark.usefixtures("at_one_moment")
@pytest.mark.parametrize("token", TOKENS)
async def test_in_every_setting(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    if token is not None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    for setting in TABLE:
        if setting.token == token:
            await hold_together(setting, transport)


ODD: Final[list[Any]] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    [],
    {},
    [1],
    {"a": 1},
    1e400,
    "2026-01-01",
]
BODIES: Final = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"1",
    b'"x"',
    b"{",
    b"\xff",
    b'{"__type": "ThrottlingException", "message": "slow"}',
    b'{"__type": "x#ResourceNotFound", "Message": "no"}',
    b'{"__type": "", "message": 1}',
    b'{"__type": null}',
    b'{"message": "m"}',
    b"<html>no</html>",
    b'{"ResponseMetadata": {"HTTPStatusCode": 500}}',
    b'{"Error": {"Code": "x"}}',
    json.dumps(PLAN).encode(),
    *(
        json.dumps({**PLAN, member: odd}).encode()
        for member in (*PLAN, "CreationTime")
        for odd in ODD
    ),
    *(json.dumps({**PLAN, "Stages": [odd]}).encode() for odd in ODD),
    *(json.dumps({k: v for k, v in PLAN.items() if k != member}).encode() for member in PLAN),
]
STATUSES: Final = [200, 201, 204, 299, 300, 302, 400, 403, 404, 408, 429, 500, 503]
HEADERS: Final[list[dict[str, str]]] = [
    {},
    {"x-amzn-requestid": "id-1"},
    {"x-amzn-errortype": "ValidationException:http://x"},
    {"x-amzn-query-error": "Throttling;Sender"},
    {"retry-after": "2", "location": "http://elsewhere/"},
]


by_model = pytest.mark.parametrize("whole_model", [False, True], ids=["slim", "whole"])
"""With the package's own model of the service, and with botocore's (``session=``)."""


async def hold_verdicts_together(
    replies: Iterator[Response], transport: Transport, *, whole_model: bool
) -> int:
    script, count = Script(), 0
    setting = Setting(endpoint_url="http://127.0.0.1:9", whole_model=whole_model)
    operation = READS[0]
    async with opened(setting, transport, script) as client:
        await learned(client, script, operation)
        for reply in replies:
            script.reply = reply
            verdicts, requests = await both_ways(client, script, operation, {NAME: "p"})
            assert verdicts[0] == verdicts[1], reply
            assert len(requests) == 2
            count += 1
    return count


@pytest.mark.anyio
@pytest.mark.usefixtures("at_one_moment")
@by_model
async def test_a_reply_has_one_verdict(transport: Transport, *, whole_model: bool) -> None:
    cells = list(product(BODIES, STATUSES, HEADERS))
    # Each body as a success, and a part of all others.
    chosen = [*product(BODIES, [200], HEADERS[:1]), *cells[::37]]
    replies = (Response(status, headers, raw) for raw, status, headers in chosen)
    assert await hold_verdicts_together(replies, transport, whole_model=whole_model) > 150


@pytest.mark.exhaustive
@pytest.mark.anyio
@pytest.mark.usefixtures("at_one_moment")
@by_model
async def test_every_reply_has_one_verdict(transport: Transport, *, whole_model: bool) -> None:
    cells = product(BODIES, STATUSES, HEADERS)
    replies = (Response(status, headers, raw) for raw, status, headers in cells)
    assert await hold_verdicts_together(replies, transport, whole_model=whole_model) > 7_000


def test_the_tables_are_as_big_as_they_should_be() -> None:
    assert len(TABLE) * len(TRANSPORTS) > 1_000
    assert len(BODIES) * len(STATUSES) * len(HEADERS) > 7_000


members = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.lists(members, min_size=1, max_size=4), st.none() | st.integers(1, 100))
@settings(max_examples=examples(30), deadline=None)
def test_a_body_is_the_clients(names: list[str], page: int | None) -> None:
    import anyio

    async def run() -> None:
        script = Script()
        setting = Setting(endpoint_url="http://127.0.0.1:9", whole_model=True)
        async with opened(setting, TRANSPORTS[0], script) as client:
            await learned(client, script, READS[0])
            for name in names:
                asked: dict[str, object] = {NAME: name}
                if page is not None:
                    asked["MaxResults"] = page
                gateway, path = gateway_of(client), fast_path_of(client)
                for way in (None, path):
                    gateway._fast_path = way
                    await gateway.call(READS[0], asked)
                general, direct = script.given[-2:]
                assert direct.body == general.body

    anyio.run(run)
