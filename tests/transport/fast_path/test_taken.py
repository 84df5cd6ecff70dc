"""Who is not to be passed by sees every read, and nobody is sent another request than else."""

import logging
from collections.abc import Callable
from typing import Any, cast

import anyio
import anyio.to_thread
import pytest
from aiobotocore.client import AioBaseClient
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from botocore.context import start_as_current_context
from botocore.history import get_global_history_recorder

from harness import MakeClient, Transport, a_spec, session
from sagemaker_plans import AsyncClient, PercentageOfFleet, StageSpec
from sagemaker_plans._transport.fast_path import FastPath
from sagemaker_plans._wire.operations import OPERATIONS, Safety
from sagemaker_plans.emulator import Emulator
from transport.clients import fast_path_of, fast_reads, gateway_of, takes_fast_path

pytestmark = pytest.mark.anyio


def counting(calls: list[str]) -> Callable[..., Any]:
    original = cast("Any", AioBaseClient)._make_api_call

    async def counted(self: AioBaseClient, operation_name: str, api_params: object) -> Any:
        calls.append(operation_name)
        return await original(self, operation_name, api_params)

    return counted


async def test_reads_take_it_after_the_client_has_shown_how(make_client: MakeClient) -> None:
    async with make_client() as client:
        assert await fast_reads(client, 2) == 0
        assert await fast_reads(client, 3) == 3


async def test_a_session_that_somebody_stands_before_gets_the_read_as_ever(
    make_client: MakeClient,
) -> None:
    class InFront:
        def __init__(self, inner: Any) -> None:
            self.__wrapped__ = inner
            self.sent: list[str] = []

        async def send(self, request: Any) -> Any:
            self.sent.append(request.url)
            return await self.__wrapped__.send(request)

    async with make_client() as client:
        assert await takes_fast_path(client)
        endpoint = cast("Any", gateway_of(client)._client)._endpoint
        ours = endpoint.http_session
        endpoint.http_session = in_front = InFront(ours)
        await fast_reads(client, 2)
        endpoint.http_session = ours
    assert len(in_front.sent) == 2


async def test_each_read_operation_is_shown_by_the_client_itself(
    emulator: Emulator, make_client: MakeClient
) -> None:
    seeded = emulator.add_training_plan("traced")
    async with make_client() as client:
        assert await takes_fast_path(client)
        await client.plans.create(a_spec())
        plans = client.training_plans
        [block] = (await plans.describe(seeded)).reserved_capacities
        for _ in range(2):
            await plans.search_extension_offerings(seeded)
            await plans.extension_history(seeded).collect()
            await plans.describe(seeded)
            # Also without any parameter.
            await plans.list().collect()
            await plans.reserved_capacity(block.arn)
            await plans.ultra_servers(block.arn).collect()
            await client.plans.list().collect()
            await client.plans.stage_devices("rollout", "stage-0").collect()
        shown = set(fast_path_of(client)._models)

    assert shown == {each.name for each in OPERATIONS if each.safety is Safety.READ}


async def test_what_changes_something_never_takes_it(
    emulator: Emulator, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    send = FastPath.send

    async def noted(self: FastPath, request: Any, operation: Any, evidence: Any) -> None:
        taken.append(operation.name)
        await send(self, request, operation, evidence)

    monkeypatch.setattr(FastPath, "send", noted)
    seeded = emulator.add_training_plan("traced")
    emulator.add_extension_offering(seeded)
    async with make_client() as client:
        assert await takes_fast_path(client)
        for number in range(3):
            await client.plans.create(a_spec(f"rollout-{number}", stages=1))
            await client.plans.start_stage(f"rollout-{number}", "stage-0")
            await client.plans.stop_stage(f"rollout-{number}", "stage-0")
        offerings = await client.training_plans.search_extension_offerings(seeded)
        await client.training_plans.extend(offerings[0].offering_id, training_plan_arn=seeded)

    reads = {each.name for each in OPERATIONS if each.safety is Safety.READ}
    assert set(taken) <= reads


async def test_the_server_sees_no_difference(
    emulator: Emulator, make_client: MakeClient, transport: Transport
) -> None:
    del transport
    async with make_client() as client:
        await fast_reads(client, 2)
        assert await fast_reads(client, 1) == 1

    general, direct = emulator.requests_of("DescribeEdgeDeploymentPlan")[-2:]
    changing = {"amz-sdk-invocation-id", "authorization", "x-amz-date"}
    assert direct.body == general.body
    assert direct.headers.keys() == general.headers.keys()
    for name in direct.headers.keys() - changing:
        assert direct.headers[name] == general.headers[name], name
    assert direct.headers["amz-sdk-invocation-id"] != general.headers["amz-sdk-invocation-id"]


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
        assert await fast_reads(client, 4) == 0

    assert seen == ["SageMaker.DescribeEdgeDeploymentPlan"] * 4


async def test_a_hook_that_comes_later_sees_every_request_from_then_on(
    make_client: MakeClient,
) -> None:
    seen: list[object] = []

    def hook(request: object, **_: object) -> None:
        seen.append(request)

    async with make_client() as client:
        assert await takes_fast_path(client)
        theirs: Any = gateway_of(client)._client
        theirs.meta.events.register_last("request-created.sagemaker", hook)
        assert await fast_reads(client, 3) == 0

    assert len(seen) == 3


async def test_a_handler_of_a_session_without_credentials_is_seen(make_client: MakeClient) -> None:
    from botocore.handlers import disable_signing

    async with make_client() as client:
        theirs: Any = gateway_of(client)._client
        theirs.meta.events.register("choose-signer.sagemaker", disable_signing)
        assert await fast_reads(client, 4) == 0


async def test_history_that_is_recorded_has_every_call(make_client: MakeClient) -> None:
    recorded: list[str] = []

    class Handler:
        def emit(self, event_type: str, payload: object, source: str) -> None:
            del payload, source
            recorded.append(event_type)

    recorder: Any = get_global_history_recorder()
    async with make_client() as client:
        assert await takes_fast_path(client)
        recorder.add_handler(Handler())
        recorder.enable()
        try:
            assert await fast_reads(client, 2) == 0
        finally:
            recorder.disable()
            recorder._handlers.clear()
        # Nothing else was changed.
        assert await fast_reads(client, 2) == 2

    assert recorded.count("API_CALL") == 2


async def test_who_reads_the_log_at_debug_sees_what_botocore_does(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_client() as client:
        assert await takes_fast_path(client)
        with caplog.at_level(logging.DEBUG, logger="botocore.endpoint"):
            assert await fast_reads(client, 1) == 0
        botocores = [each for each in caplog.records if each.name == "botocore.endpoint"]
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="sagemaker_plans"):
            assert await fast_reads(client, 1) == 1

    assert botocores
    assert "DescribeEdgeDeploymentPlan: POST http://" in caplog.text


async def test_a_context_of_botocores_around_a_call_is_kept(make_client: MakeClient) -> None:
    async with make_client() as client:
        assert await takes_fast_path(client)
        with start_as_current_context():
            assert await fast_reads(client, 1) == 0


async def test_a_traced_client_makes_every_call(
    emulator: Emulator, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    # No stage goes on between two calls.
    emulator.clock.hold()
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
    assert (capacity.arn, servers, new.name) == (block.arn, (), "new")
    assert [each.arn for each in listed] == [arn]
    assert [each.stage_name for each in devices] == ["stage-1"]
    assert plan.arn == arn
    assert plan.creation_time is not None
    assert [*plan.stages] == paged
    assert len(paged) == 3
    assert receipt.extension in bought
    assert set(calls) == {operation.name for operation in OPERATIONS}
    assert len(calls) == len(emulator.requests)


async def test_a_session_class_of_the_users_gets_what_the_client_would_have_given(
    emulator: Emulator, transport: Transport
) -> None:
    given: list[Any] = []
    base: Any = AIOHTTPSession if transport.http_backend == "aiohttp" else HttpxSession

    class Noting(base):  # type: ignore[misc]  # its base is chosen at run time
        async def send(self, request: Any) -> Any:
            # The client writes into the context later.
            given.append((request, {**request.context, **request.context["retries"]}))
            return await base.send(self, request)

    async with AsyncClient(
        region_name="us-east-1",
        endpoint_url=emulator.endpoint_url,
        session=session(),
        config=AioConfig(http_session_cls=Noting),
    ) as client:
        assert await takes_fast_path(client)

    (by_client, context), (by_fast_path, other_context) = given[1], given[2]
    assert type(by_fast_path) is type(by_client)
    assert type(by_fast_path.headers) is type(by_client.headers)
    assert by_fast_path.headers["CONTENT-length"] == by_client.headers["CONTENT-length"]
    assert other_context.keys() == context.keys()
    assert other_context["client_config"] is context["client_config"]


async def test_each_invocation_of_a_lambda_function_has_its_trace(
    emulator: Emulator, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "rollout")
    async with make_client() as client:
        for number in range(4):
            monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root=1-{number};Parent=a b")
            await fast_reads(client, 1)
        monkeypatch.delenv("_X_AMZN_TRACE_ID")
        assert await fast_reads(client, 1) == 1

    traces = [each.headers.get("x-amzn-trace-id") for each in emulator.requests]
    assert traces == [*(f"Root=1-{number};Parent=a%20b" for number in range(4)), None]


async def test_where_the_inside_of_the_client_is_another_there_is_no_fast_path(
    transport: Transport,
) -> None:
    del transport
    from sagemaker_plans._transport.evidence import Evidence

    path = FastPath(object())
    operation = OPERATIONS[0]
    for _ in range(3):
        assert await path.prepare(operation, {"a": "b"}, Evidence(operation)) is None
    assert path._tries_left == 0


async def test_credentials_that_changed_meanwhile_are_a_reason_to_look_once_more(
    emulator: Emulator, transport: Transport
) -> None:
    theirs: Any = session()
    theirs.set_credentials("test", "test")
    async with AsyncClient(
        region_name="us-east-1",
        endpoint_url=emulator.endpoint_url,
        session=theirs,
        http_backend=transport.http_backend,
    ) as client:
        await fast_reads(client, 2)
        credentials = gateway_of(client)._client._request_signer._credentials  # type: ignore[attr-defined]  # its stub lacks it
        credentials.token = "another"
        assert await fast_reads(client, 1) == 0
        assert fast_path_of(client)._tries_left == 2
        assert await fast_reads(client, 3) == 2


async def test_a_request_of_another_kind_is_no_model(make_client: MakeClient) -> None:
    async with make_client() as client:
        await fast_reads(client, 1)
        path = fast_path_of(client)
        path._learn("DescribeEdgeDeploymentPlan", {}, object())
        assert await fast_reads(client, 3) == 0


async def test_a_model_that_cannot_be_written_again_is_given_up(make_client: MakeClient) -> None:
    async with make_client() as client:
        await fast_reads(client, 2)
        fast_path_of(client)._sent["DescribeEdgeDeploymentPlan"].headers.clear()
        assert await fast_reads(client, 3) == 0


async def test_members_of_another_kind_are_written_by_the_client(make_client: MakeClient) -> None:
    from sagemaker_plans._transport.evidence import Evidence

    async with make_client() as client:
        assert await takes_fast_path(client)
        operation = OPERATIONS[0]
        evidence = Evidence(operation)
        members = {"EdgeDeploymentPlanName": "p", "When": object()}
        assert await fast_path_of(client).prepare(operation, members, evidence) is None


async def test_reads_that_come_while_the_modules_are_compared_go_through_the_client(
    make_client: MakeClient,
) -> None:
    async with make_client() as client:
        await fast_reads(client, 1)
        fast_path_of(client)._is_looking = True
        assert await fast_reads(client, 2) == 0
        fast_path_of(client)._is_looking = False
        assert await fast_reads(client, 2) == 1


async def test_a_read_waits_for_no_other_thread(make_client: MakeClient) -> None:
    """Somebody may use all threads that anyio has for a loop, for as long as he likes."""
    threads = anyio.to_thread.current_default_thread_limiter()
    async with make_client() as client:
        await fast_reads(client, 1)
        taken = [object() for _ in range(int(threads.available_tokens))]
        for each in taken:
            threads.acquire_on_behalf_of_nowait(each)
        try:
            with anyio.fail_after(30):
                assert await fast_reads(client, 3) == 2
        finally:
            for each in taken:
                threads.release_on_behalf_of(each)
