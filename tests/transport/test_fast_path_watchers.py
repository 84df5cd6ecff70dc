"""Whoever patches the inside of a client sees every read from then on, whatever it looks like."""

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from types import FunctionType
from typing import Any, Final, Literal

import pytest
from attrs import frozen
from botocore.stub import Stubber

from harness import TRANSPORTS, MakeClient, Transport, session
from sagemaker_plans import AsyncClient
from sagemaker_plans._transport.aiobotocore_client import passed_code, second_copies
from sagemaker_plans._transport.aiobotocore_client.second_copies import kind_of
from sagemaker_plans.emulator import Emulator
from transport.clients import fast_path_of, fast_reads, gateway_of, takes_fast_path

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


class Proxy:
    """As wrapt's wrappers (Datadog, OpenTelemetry, X-Ray): all but its type is the original's."""

    def __init__(self, wrapped: Any, calls: list[str], owner: Any = None) -> None:
        self.__wrapped__ = wrapped
        self._calls = calls
        self._owner = owner

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return object.__getattribute__(self, "__wrapped__").__class__
        return object.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __eq__(self, other: object) -> bool:
        return bool(self.__wrapped__ == other)

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __get__(self, owner: Any, cls: Any) -> Any:
        return self if owner is None else Proxy(self.__wrapped__, self._calls, owner)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._calls.append("seen")
        owner = () if self._owner is None else (self._owner,)
        return self.__wrapped__(*owner, *args, **kwargs)


def as_proxy(original: Any, calls: list[str]) -> Any:
    return Proxy(original, calls)


def as_function(original: Any, calls: list[str]) -> Any:
    """As Sentry and most hands do it, in a file of its own that wears the original's name."""

    @wraps(original)
    def seen(*args: Any, **kwargs: Any) -> Any:
        calls.append("seen")
        return original(*args, **kwargs)

    seen.__module__ = original.__module__
    return seen


def in_a_shell(original: Any, calls: list[str]) -> Any:
    """As somebody at a prompt, or in a string of code: there is no file."""
    names: dict[str, Any] = {"original": original, "calls": calls}
    text = "def f(*a, **k):\n    calls.append('seen')\n    return original(*a, **k)\n"
    exec(compile(text, "<stdin>", "exec"), names)  # noqa: S102
    return names["f"]


def in_its_own_module(original: Any, calls: list[str]) -> Any:
    """In the very namespace of the original."""
    seen = as_function(original, calls)
    return FunctionType(
        seen.__code__,
        {**original.__globals__, "calls": calls},
        original.__name__,
        seen.__defaults__,
        seen.__closure__,
    )


Wrap = Callable[[Any, list[str]], Any]
WRAPS: Final[list[Wrap]] = [as_proxy, as_function, in_a_shell, in_its_own_module]


@pytest.fixture
def _copies_of_now() -> Iterator[None]:
    """Compare the modules as they are in this test, and once more after it."""
    second_copies.second_copies.cache_clear()
    yield
    second_copies.second_copies.cache_clear()


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
    exec(  # noqa: S102
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


OBJECTS: Final[dict[str, Callable[[Any], Any]]] = {
    "describe_edge_deployment_plan": lambda client: client,
    "_make_api_call": lambda client: client,
    "_make_request": lambda client: client,
    "_send": lambda client: client._endpoint,
    "make_request": lambda client: client._endpoint,
    "sign": lambda client: client._request_signer,
    "emit": lambda client: client.meta.events,
    "_emit": lambda client: client.meta.events._emitter,
    "serialize_to_request": lambda client: client._serializer,
    "create_parser": lambda client: client._endpoint._response_parser_factory,
    "construct_endpoint": lambda client: client._ruleset_resolver,
    "to_string": lambda client: client._user_agent_creator,
}


@pytest.mark.parametrize("name", OBJECTS)
async def test_a_patch_of_one_object_sees_every_read_from_then_on(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    now = [100.0]
    monkeypatch.setattr(passed_code, "monotonic", lambda: now[0])
    calls: list[str] = []
    async with make_client() as client:
        assert await takes_fast_path(client)
        found = OBJECTS[name](gateway_of(client)._client)
        setattr(found, name, as_function(getattr(found, name), calls))
        now[0] += 1.0
        assert await fast_reads(client, 2) == 0

    assert len(calls) >= 2


async def test_an_exchanged_part_of_the_client_is_used(make_client: MakeClient) -> None:
    asked: list[object] = []

    class Serializer:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def serialize_to_request(self, *given: Any) -> Any:
            asked.append(given)
            return self._inner.serialize_to_request(*given)

    async with make_client() as client:
        assert await takes_fast_path(client)
        theirs: Any = gateway_of(client)._client
        theirs._serializer = Serializer(theirs._serializer)
        assert await fast_reads(client, 2) == 0

    assert len(asked) == 2


async def test_a_class_of_the_clients_that_was_exchanged_is_used(make_client: MakeClient) -> None:
    asked: list[object] = []
    async with make_client() as client:
        assert await takes_fast_path(client)
        theirs: Any = gateway_of(client)._client
        endpoint = theirs._endpoint

        base = kind_of(endpoint)

        class Endpoint(base):  # type: ignore[misc, valid-type]
            async def _send(self, request: Any) -> Any:
                asked.append(request)
                return await base._send(self, request)

        endpoint.__class__ = Endpoint
        assert await fast_reads(client, 2) == 0

    assert len(asked) == 2


@pytest.mark.parametrize("place", ["attribute", "base"])
async def test_a_hook_that_makes_the_clients_class_another_is_called(
    emulator: Emulator, transport: Transport, place: str
) -> None:
    calls: list[str] = []

    class Mixin:
        async def _make_api_call(self, operation_name: str, api_params: Any) -> Any:
            calls.append(operation_name)
            return await super()._make_api_call(operation_name, api_params)  # type: ignore[misc]

    def hook(class_attributes: dict[str, Any], base_classes: list[Any], **_: Any) -> None:
        if place == "base":
            base_classes.insert(0, Mixin)
            return
        name = "describe_edge_deployment_plan"
        class_attributes[name] = as_function(class_attributes[name], calls)

    theirs = session()
    theirs.get_component("event_emitter").register("creating-client-class.sagemaker", hook)
    async with AsyncClient(
        region_name="us-east-1",
        endpoint_url=emulator.endpoint_url,
        session=theirs,
        http_backend=transport.http_backend,
    ) as client:
        assert await fast_reads(client, 4) == 0

    assert len(calls) == 4


async def test_botocores_stubber_answers_every_read(make_client: MakeClient) -> None:
    async with make_client() as client:
        assert await takes_fast_path(client)
        with Stubber(gateway_of(client)._client) as stubber:  # type: ignore[arg-type]
            for _ in range(2):
                stubber.add_client_error("describe_edge_deployment_plan", "ResourceNotFound")
            assert await fast_reads(client, 2) == 0
            stubber.assert_no_pending_responses()


@pytest.mark.usefixtures("_copies_of_now")
async def test_a_process_without_the_code_of_the_modules_has_no_fast_path(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import botocore.auth

    monkeypatch.setattr(botocore.auth, "__loader__", object())
    async with make_client() as client:
        assert await fast_reads(client, 4) == 0
        assert fast_path_of(client)._tries_left == 0
