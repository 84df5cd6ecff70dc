"""Whoever patches or exchanges one object of a client sees every read from then on."""

from collections.abc import Callable
from types import MethodType
from typing import Any, Final, cast

import pytest
from aiobotocore.endpoint import AioEndpoint
from aiobotocore.retries.standard import AioRetryHandler as RetryHandler
from botocore.stub import Stubber

from harness import MakeClient, Transport, session
from sagemaker_plans import AsyncClient
from sagemaker_plans._transport.aiobotocore_client import passed_code
from sagemaker_plans._transport.aiobotocore_client.second_copies import kind_of
from sagemaker_plans.emulator import Emulator
from transport.clients import fast_reads, gateway_of, takes_fast_path
from transport.fast_path.patches import as_function

pytestmark = pytest.mark.anyio


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

        class Endpoint(base):  # type: ignore[misc, valid-type]  # its base is chosen at run time
            async def _send(self, request: Any) -> Any:
                asked.append(request)
                return await base._send(self, request)

        endpoint.__class__ = Endpoint
        assert await fast_reads(client, 2) == 0

    assert len(asked) == 2


@pytest.mark.parametrize("place", ["attribute", "override", "base", "only base"])
async def test_a_hook_that_makes_the_clients_class_another_is_called(
    emulator: Emulator, transport: Transport, place: str
) -> None:
    calls: list[str] = []

    class Mixin:
        async def _make_api_call(self, operation_name: str, api_params: Any) -> Any:
            calls.append(operation_name)
            return await super()._make_api_call(operation_name, api_params)  # type: ignore[misc]  # its stub lacks it

    def hook(class_attributes: dict[str, Any], base_classes: list[Any], **_: Any) -> None:
        if place == "base":
            base_classes.insert(0, Mixin)
            return
        if place == "only base":
            base_classes[:] = [type("Base", (Mixin, *base_classes), {})]
            return
        if place == "override":
            name = "_make_api_call"
            class_attributes[name] = as_function(getattr(base_classes[0], name), calls)
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


@pytest.mark.parametrize("kind", ["another method", "the same methods"])
async def test_with_a_handler_of_another_class_the_client_sends(
    make_client: MakeClient, kind: str
) -> None:
    base: Any = RetryHandler

    class Policy(base):  # type: ignore[misc]  # its base is chosen at run time
        async def needs_retry(self, **given: Any) -> Any:
            raise NotImplementedError

    class SameMethods(RetryHandler):
        pass

    async with make_client() as client:
        assert await fast_reads(client, 1) == 0
        theirs: Any = gateway_of(client)._client
        found = theirs.meta.events._emitter._handlers.prefix_search("needs-retry.sagemaker")
        (handler,) = [each for each in found if isinstance(each, MethodType)]
        other = Policy if kind == "another method" else SameMethods
        cast("Any", handler.__self__).__class__ = other
        assert await fast_reads(client, 3) == 0


async def test_a_method_that_was_taken_away_is_not_used(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_client() as client:
        assert await takes_fast_path(client)
        # The base class has another one, which waits as well.
        monkeypatch.delattr(AioEndpoint, "_sleep")
        assert await fast_reads(client, 2) == 0


async def test_botocores_stubber_answers_every_read(make_client: MakeClient) -> None:
    async with make_client() as client:
        assert await takes_fast_path(client)
        with Stubber(gateway_of(client)._client) as stubber:  # type: ignore[arg-type]  # made for the other kind of client
            for _ in range(2):
                stubber.add_client_error("describe_edge_deployment_plan", "ResourceNotFound")
            assert await fast_reads(client, 2) == 0
            stubber.assert_no_pending_responses()
