"""Both ways of a read, held together: what the HTTP session is given."""

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

import anyio
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import TRANSPORTS, Transport, examples
from sagemaker_plans import SageMakerPlansError
from transport.clients import fast_path_of, gateway_of
from transport.fast_path.both_ways import (
    NAME,
    READS,
    SECRET,
    TAKEN,
    Script,
    Setting,
    a_request,
    both_ways,
    learned,
    opened,
    shown,
    verdict,
)


@pytest.fixture
def keys_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


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
        yield Setting(region, endpoint, token, whole_model=whole)
    for fips, dual, region, app in product([False, True], [False, True], REGIONS, [None, "app id"]):
        yield Setting(region, fips=fips, dual_stack=dual, app=app)


TABLE: Final = list(settings_table())


def text_of(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


def signature_of(request: Any) -> str:
    """Sign a request once more, with botocore's own signer, at its own time."""
    headers = {name.lower(): text_of(value) for name, value in request.headers.items()}
    signed = headers["authorization"]
    *_, region, service, _ = signed.partition(", ")[0].rsplit("/", 3)
    keys = ReadOnlyCredentials("AKID", SECRET, None)
    again: Any = AWSRequest(request.method, request.url, data=request.body)
    for name in signed.partition("SignedHeaders=")[2].partition(",")[0].split(";"):
        if name != "host":
            again.headers[name] = headers[name]
    again.context["timestamp"] = headers["x-amz-date"]
    signer: Any = SigV4Auth(keys, service, region)
    text = signer.string_to_sign(again, signer.canonical_request(again))
    return str(signer.signature(text, again))


async def hold_together(setting: Setting, transport: Transport) -> int:
    """Give how many operations took the fast path."""
    script, taken = Script(), 0
    try:
        client = opened(setting, transport, script)
        await client.__aenter__()
    except SageMakerPlansError:
        # botocore takes no such endpoint, on either way.
        return taken
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
            for request in (general, direct):
                end = f"Signature={signature_of(request)}"
                assert text_of(request.headers["Authorization"]).endswith(end), setting
            taken += 1
    finally:
        await client.aclose()
    return taken


@pytest.mark.anyio
@pytest.mark.usefixtures("keys_of_the_environment")
@pytest.mark.parametrize("setting", TABLE[:: len(TABLE) // 24], ids=str)
async def test_the_http_session_is_given_what_the_client_gives_it(
    setting: Setting, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    if setting.token is not None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", setting.token)
    await hold_together(setting, transport)


MEASURED: Final = [
    *(
        Setting(endpoint_url=f"https://sagemaker.test{end}")
        for end in ("/a", "/?x=1", "?x=1", "//")
    ),
    Setting("us-gov-west-1-secondary"),
    Setting("us-gov-west-1-secondary", whole_model=True),
    Setting(app="an app"),
    Setting(fips=True, dual_stack=True),
    Setting("cn-north-1", whole_model=True),
]
"""Settings in which another URL, region or user agent was once sent, and others of their kind."""


@pytest.mark.anyio
@pytest.mark.usefixtures("keys_of_the_environment")
@pytest.mark.parametrize("setting", MEASURED, ids=str)
async def test_settings_that_once_gave_another_request_take_it_now(
    setting: Setting, transport: Transport
) -> None:
    assert await hold_together(setting, transport) == len(READS)


@pytest.mark.exhaustive
@pytest.mark.anyio
@pytest.mark.usefixtures("keys_of_the_environment")
@pytest.mark.parametrize("token", TOKENS)
async def test_in_every_setting(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    if token is not None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    taken = [await hold_together(each, transport) for each in TABLE if each.token == token]
    # botocore refuses the other endpoints, or there is none in such a region.
    assert sum(map(bool, taken)) > len(taken) * TAKEN


def test_the_table_is_as_big_as_it_should_be() -> None:
    assert len(TABLE) * len(TRANSPORTS) > 1_000


members = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.lists(members, min_size=1, max_size=4), st.none() | st.integers(1, 100))
@settings(max_examples=examples(30), deadline=None)
def test_a_body_is_the_clients(names: list[str], page: int | None) -> None:
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
