"""Whoever patches the inside of a client sees every read from then on, whatever it looks like."""

import importlib
import sys
from collections.abc import Mapping
from typing import Any, Final, Literal

import pytest
from attrs import frozen

from harness import TRANSPORTS, MakeClient
from sagemaker_plans._transport.aiobotocore_client import passed_code
from transport.clients import fast_path_of, fast_reads, takes_fast_path
from transport.fast_path.patches import WRAPS, Wrap, as_function

pytestmark = pytest.mark.anyio

LEVELS: Final = {
    "aiobotocore.client:AioBaseClient": (
        "_make_api_call",
        "_emit_api_params",
        "_resolve_endpoint_ruleset",
        "_convert_to_request_dict",
        "_make_request",
    ),
    "aiobotocore.endpoint:AioEndpoint": (
        "make_request",
        "create_request",
        "prepare_request",
        "_send_request",
        "_get_response",
        "_do_get_response",
        "_needs_retry",
        "_send",
        "_update_retries_context",
    ),
    "botocore.endpoint:Endpoint": ("make_request", "prepare_request", "_encode_headers"),
    "aiobotocore.signers:AioRequestSigner": ("sign", "get_auth_instance", "_choose_signer"),
    "botocore.auth:SigV4Auth": (
        "add_auth",
        "canonical_request",
        "string_to_sign",
        "signature",
        "headers_to_sign",
        "_inject_signature_to_request",
        "_modify_request_before_signing",
        "_sign",
    ),
    "aiobotocore.hooks:AioHierarchicalEmitter": ("_emit", "emit"),
    "botocore.hooks:EventAliaser": ("emit", "emit_until_response"),
    "botocore.serialize:JSONSerializer": ("serialize_to_request",),
    "botocore.validate:ParamValidationDecorator": ("serialize_to_request",),
    "aiobotocore.parsers:AioResponseParser": ("parse",),
    "aiobotocore.parsers:AioResponseParserFactory": ("create_parser",),
    "botocore.awsrequest:AWSRequest": ("prepare",),
    "botocore.history:HistoryRecorder": ("record",),
    "aiobotocore.client": ("prepare_request_dict", "maybe_compress_request"),
    "aiobotocore.endpoint": ("create_request_object", "convert_to_response_dict"),
    "botocore.auth": ("get_current_datetime", "_host_from_url"),
}
"""What each read of a client calls, and is called where it was bound when the client was made."""
WHEN_MADE: Final = {
    "aiobotocore.signers:AioRequestSigner": ("handler",),
    "botocore.useragent:UserAgentString": ("rebuild_and_replace_user_agent_handler",),
}
"""What is bound then."""
DETAILS: Final = {
    "botocore.useragent:UserAgentString": ("to_string",),
    "aiobotocore.regions:AioEndpointRulesetResolver": ("construct_endpoint",),
    "botocore.awsrequest:HeadersDict": ("__setitem__",),
    "botocore.serialize:JSONSerializer": ("_serialize",),
    "botocore.awsrequest": ("_urljoin",),
    "aiobotocore.retries.standard:AioRetryPolicy": ("should_retry",),
    "botocore.retries.standard:MaxAttemptsChecker": ("is_retryable",),
}
"""What is looked at once a second."""


@frozen
class Level:
    """One function of botocore's or aiobotocore's."""

    owner: str
    name: str

    @property
    def holder(self) -> Any:
        module, _, cls = self.owner.partition(":")
        found = importlib.import_module(module)
        return getattr(found, cls) if cls else found

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}"


def of(table: Mapping[str, tuple[str, ...]]) -> list[Level]:
    return [Level(owner, name) for owner, names in table.items() for name in names]


def patch(monkeypatch: pytest.MonkeyPatch, level: Level, wrap: Wrap) -> list[str]:
    calls: list[str] = []
    original = getattr(level.holder, level.name)
    monkeypatch.setattr(level.holder, level.name, wrap(original, calls))
    return calls


EACH: Final = [
    pytest.param(
        level,
        wrap,
        transport,
        # Each level once in every run, with one kind of patch on one transport.
        marks=()
        if (row + column * len(TRANSPORTS) + other) % (len(WRAPS) * len(TRANSPORTS)) == 0
        else pytest.mark.exhaustive,
    )
    for row, level in enumerate(of(LEVELS))
    for column, wrap in enumerate(WRAPS)
    for other, transport in enumerate(TRANSPORTS)
]
by_each = pytest.mark.parametrize(
    ("level", "wrap", "transport"),
    EACH,
    indirect=["transport"],
    ids=lambda value: getattr(value, "__name__", str(value)),
)


@by_each
async def test_a_patch_that_comes_later_sees_every_read_from_then_on(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, level: Level, wrap: Wrap
) -> None:
    async with make_client() as client:
        assert await takes_fast_path(client)
        calls = patch(monkeypatch, level, wrap)
        for number in range(2):
            assert await fast_reads(client, 1) == 0
            assert len(calls) > number


@by_each
@pytest.mark.usefixtures("_copies_of_now")
async def test_a_patch_that_was_there_before_sees_every_read(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, level: Level, wrap: Wrap
) -> None:
    calls = patch(monkeypatch, level, wrap)
    async with make_client() as client:
        assert await fast_reads(client, 4) == 0

    assert len(calls) >= 4


@pytest.mark.parametrize("level", of(WHEN_MADE), ids=str)
@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.usefixtures("_copies_of_now")
async def test_a_patch_of_what_is_bound_when_a_client_is_made_sees_every_read(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, level: Level, wrap: Wrap
) -> None:
    calls = patch(monkeypatch, level, wrap)
    async with make_client() as client:
        assert await fast_reads(client, 4) == 0

    assert len(calls) >= 4


@pytest.mark.parametrize("level", of(DETAILS), ids=str)
async def test_a_patch_of_a_detail_sees_every_read_from_the_next_second_on(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, level: Level
) -> None:
    now = [100.0]
    monkeypatch.setattr(passed_code, "monotonic", lambda: now[0])
    async with make_client() as client:
        assert await takes_fast_path(client)
        calls = patch(monkeypatch, level, as_function)
        now[0] += 1.0
        assert await fast_reads(client, 2) == 0

    assert len(calls) >= 2


@pytest.mark.parametrize("level", of(DETAILS), ids=str)
@pytest.mark.usefixtures("_copies_of_now")
async def test_a_patch_of_a_detail_that_was_there_before_sees_every_read(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, level: Level
) -> None:
    calls = patch(monkeypatch, level, as_function)
    async with make_client() as client:
        assert await fast_reads(client, 4) == 0

    assert len(calls) >= 4


@pytest.mark.parametrize("when", ["before", "later"])
@pytest.mark.usefixtures("_copies_of_now")
async def test_code_that_is_exchanged_inside_a_function_runs_for_every_read(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, when: Literal["before", "later"]
) -> None:
    """As debuggers and reloaders do it; Datadog's among them."""
    from aiobotocore.endpoint import AioEndpoint

    seen: list[object] = []
    monkeypatch.setattr(sys, "seen_by_the_test", seen, raising=False)
    names: dict[str, Any] = {}
    exec(  # noqa: S102  # code of a tracer, without a file
        "async def _send(self, request):\n"
        "    import sys\n"
        "    sys.seen_by_the_test.append(request)\n"
        "    return await self.http_session.send(request)\n",
        names,
    )
    function: Any = vars(AioEndpoint)["_send"]
    now = [100.0]
    monkeypatch.setattr(passed_code, "monotonic", lambda: now[0])
    async with make_client() as client:
        if when == "later":
            assert await takes_fast_path(client)
            now[0] += 1.0
        monkeypatch.setattr(function, "__code__", names["_send"].__code__)
        assert await fast_reads(client, 4) == 0

    assert len(seen) == 4


@pytest.mark.usefixtures("_copies_of_now")
async def test_a_process_without_the_code_of_the_modules_has_no_fast_path(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import botocore.auth

    monkeypatch.setattr(botocore.auth, "__loader__", object())
    async with make_client() as client:
        assert await fast_reads(client, 4) == 0
        assert fast_path_of(client)._tries_left == 0
