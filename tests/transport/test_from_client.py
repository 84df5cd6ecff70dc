"""A client of the user: it is wrapped, never closed, and restored afterwards."""

import functools
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import anyio
import boto3
import pytest
from aiobotocore.stub import AioStubber
from botocore.exceptions import ReadTimeoutError

from harness import TRANSPORTS, Transport, a_spec, fast_retries, session
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    ConnectionFailedError,
    InternalServiceError,
    OutcomeUnknownError,
    PollSchedule,
    ResourceNotFoundError,
    RetryPolicy,
    ThrottledError,
    UnexpectedReplyError,
)
from sagemaker_plans._transport.botocore_gateway import BotocoreGateway
from sagemaker_plans._wire.operations import DESCRIBE_PLAN, OPERATIONS
from sagemaker_plans.emulator import Emulator, Fault
from transport.clients import users_client

DESCRIBE = "DescribeEdgeDeploymentPlan"
EXTEND = "ExtendTrainingPlan"
HISTORY = "DescribeTrainingPlanExtensionHistory"
MODES = ("legacy", "standard", "adaptive")
EVENTS = tuple(
    f"{event}.sagemaker.{operation.name}"
    for event in (
        "provide-client-params",
        "before-sign",
        "response-received",
        "after-call",
        "needs-retry",
    )
    for operation in OPERATIONS
)

pytestmark = pytest.mark.anyio


def wrapped(theirs: Any, **settings: Any) -> AsyncClient:
    once: dict[str, Any] = {"retry": RetryPolicy.none()}
    return AsyncClient.from_client(theirs, **{**once, **settings})


@asynccontextmanager
async def retrying_client(
    emulator: Emulator, transport: Transport, mode: str
) -> AsyncGenerator[Any]:
    """Open a user's client that retries up to five times, without the waits between."""
    config = {"retries": {"mode": mode, "max_attempts": 5}}
    async with users_client(emulator.endpoint_url, transport, **config) as theirs:

        async def no_pause(_: float) -> None:
            """Do not wait."""

        theirs._endpoint._sleep = no_pause
        yield theirs


def handlers_of(theirs: Any) -> dict[str, list[object]]:
    """List the handlers of the events that this package uses."""
    emitter = theirs.meta.events._emitter._handlers
    found: dict[str, list[object]] = {}
    for event in EVENTS:
        found[event] = [*emitter.prefix_search(event)]
    return found


# sent once


@pytest.mark.parametrize("mode", MODES)
async def test_our_calls_are_sent_once_whatever_the_clients_own_retries(
    emulator: Emulator, transport: Transport, mode: str
) -> None:
    faults: list[tuple[Fault, type[Exception]]] = [
        (Fault.service_unavailable(), InternalServiceError),
        (Fault.throttle(), ThrottledError),
        (Fault.disconnect("rst"), ConnectionFailedError),
    ]
    async with retrying_client(emulator, transport, mode) as theirs:
        client = wrapped(theirs)
        for count, (fault, error) in enumerate(faults, 1):
            emulator.clear_faults()
            emulator.inject("*", fault, times=None)
            with pytest.raises(error):
                await client.plans.describe("rollout")
            assert len(emulator.requests) == count


@pytest.mark.parametrize("mode", MODES)
async def test_a_purchase_is_sent_once_whatever_the_clients_own_retries(
    emulator: Emulator, transport: Transport, mode: str
) -> None:
    offering = emulator.add_extension_offering(emulator.training_plan_arn, resellable=True)
    emulator.inject(EXTEND, Fault.disconnect(committed=True), times=None)

    async with retrying_client(emulator, transport, mode) as theirs:
        with pytest.raises(OutcomeUnknownError):
            await wrapped(theirs, retry=RetryPolicy()).training_plans.extend(offering)

    assert len(emulator.requests_of(EXTEND)) == 1
    assert len(emulator.purchases) == 1


@pytest.mark.parametrize("mode", MODES)
async def test_the_users_own_calls_keep_their_retries(
    emulator: Emulator, transport: Transport, mode: str
) -> None:
    emulator.inject("*", Fault.service_unavailable(), times=None)

    async with retrying_client(emulator, transport, mode) as theirs:
        client = wrapped(theirs)
        with pytest.raises(InternalServiceError):
            await client.plans.describe("rollout")
        with pytest.raises(theirs.exceptions.ClientError):
            await theirs.describe_edge_deployment_plan(EdgeDeploymentPlanName="rollout")

    # Our call sends once. The user's call sends once, and five retries.
    assert len(emulator.requests) == 1 + 6


async def test_our_calls_and_the_users_are_distinguished_at_the_same_time(
    emulator: Emulator, transport: Transport
) -> None:
    emulator.inject("*", Fault.service_unavailable(), times=None)

    async with retrying_client(emulator, transport, "legacy") as theirs:
        client = wrapped(theirs)

        async def ours() -> None:
            with pytest.raises(InternalServiceError):
                await client.plans.describe("ours")

        async def their_own() -> None:
            with pytest.raises(theirs.exceptions.ClientError):
                await theirs.describe_edge_deployment_plan(EdgeDeploymentPlanName="theirs")

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(ours)
                tasks.start_soon(their_own)

    asked = [(request.body or {})["EdgeDeploymentPlanName"] for request in emulator.requests]
    assert asked.count("ours") == 5
    assert asked.count("theirs") == 5 * 6


async def test_a_wrapper_that_retries_sends_nothing_a_second_time(
    emulator: Emulator, transport: Transport
) -> None:
    offering = emulator.add_extension_offering(emulator.training_plan_arn, resellable=True)
    emulator.inject(EXTEND, Fault.internal_failure(committed=True), times=None)

    async with users_client(
        emulator.endpoint_url, transport, retries={"total_max_attempts": 1}
    ) as theirs:
        extend = theirs.extend_training_plan

        @functools.wraps(extend)
        async def stubborn(**request: Any) -> Any:
            try:
                return await extend(**request)
            except theirs.exceptions.ClientError:
                return await extend(**request)

        theirs.extend_training_plan = stubborn
        with pytest.raises(OutcomeUnknownError) as caught:
            await wrapped(theirs).training_plans.extend(offering)

    assert len(emulator.requests_of(EXTEND)) == 1
    assert len(emulator.purchases) == 1
    # The first whole reply decides.
    assert isinstance(caught.value.__cause__, InternalServiceError)


async def test_a_handler_that_asks_for_a_retry_sends_nothing_a_second_time(
    emulator: Emulator, transport: Transport
) -> None:
    emulator.inject("*", Fault.service_unavailable(), times=None)

    def again(attempts: int, **_: object) -> float | None:
        return 0.0 if attempts < 3 else None

    async with users_client(emulator.endpoint_url, transport) as theirs:
        # It was registered first, so it is called before our handler.
        theirs.meta.events.register_first(f"needs-retry.sagemaker.{DESCRIBE}", again)
        client = wrapped(theirs)
        with pytest.raises(InternalServiceError) as caught:
            await client.plans.describe("rollout")

    assert len(emulator.requests) == 1
    assert "a second time" in str(caught.value.__cause__)


# The order of the requests is the same on each transport.
@pytest.mark.parametrize("transport", TRANSPORTS[:1], indirect=True)
@pytest.mark.parametrize("way", ["register_first", "register", "register_last"])
@pytest.mark.parametrize("scope", ["", ".sagemaker", f".sagemaker.{EXTEND}"])
@pytest.mark.parametrize("early", [True, False], ids=["before-us", "after-us"])
async def test_a_purchase_that_a_hook_carries_is_sent_once(
    emulator: Emulator,
    transport: Transport,
    scope: str,
    way: str,
    early: bool,
) -> None:
    offering = emulator.add_extension_offering(emulator.training_plan_arn, resellable=True)
    event = f"before-send{scope}"

    def carry(request: Any, **_: object) -> None:
        headers = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        sent = urllib.request.Request(request.url, request.body, headers)
        with urllib.request.urlopen(sent) as reply:
            assert reply.status == 200
        raise ReadTimeoutError(endpoint_url=request.url)

    async with users_client(emulator.endpoint_url, transport) as theirs:
        if early:
            getattr(theirs.meta.events, way)(event, carry)
        client = wrapped(theirs, retry=fast_retries())
        if not early:
            getattr(theirs.meta.events, way)(event, carry)
        with pytest.raises(OutcomeUnknownError, match="Read timeout"):
            await client.training_plans.extend(offering)

    assert len(emulator.requests_of(EXTEND)) == len(emulator.purchases) == 1


async def test_a_hook_may_make_calls_of_its_own_meanwhile(
    emulator: Emulator, transport: Transport
) -> None:
    arn = emulator.training_plan_arn
    emulator.inject("SearchTrainingPlanOfferings", Fault.service_unavailable())
    heard: list[object] = []

    async with retrying_client(emulator, transport, "legacy") as theirs:

        async def audit(**_: object) -> None:
            heard.append(await theirs.search_training_plan_offerings(TrainingPlanArn=arn))

        theirs.meta.events.register(f"before-call.sagemaker.{HISTORY}", audit)
        pager = wrapped(theirs).training_plans.extension_history(arn)
        assert await pager.collect() == ()

    assert len(heard) == 1
    # The hook's own calls keep the client's retries.
    assert len(emulator.requests_of("SearchTrainingPlanOfferings")) == 2


# restored


async def test_the_handlers_are_removed_by_aclose(emulator: Emulator, transport: Transport) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        before = handlers_of(theirs)
        client = wrapped(theirs)
        during = handlers_of(theirs)
        await client.aclose()
        after = handlers_of(theirs)

    assert all(len(during[event]) == len(before[event]) + 1 for event in EVENTS)
    assert after == before


async def test_two_of_ours_share_a_client_and_leave_it_one_by_one(
    emulator: Emulator, transport: Transport
) -> None:
    emulator.inject("*", Fault.service_unavailable(), times=None)

    async with retrying_client(emulator, transport, "legacy") as theirs:
        before = handlers_of(theirs)
        first, second = wrapped(theirs), wrapped(theirs)
        with pytest.raises(InternalServiceError):
            await first.plans.describe("rollout")
        await first.aclose()
        with pytest.raises(InternalServiceError):
            await second.plans.describe("rollout")
        assert len(emulator.requests) == 2
        await second.aclose()
        assert handlers_of(theirs) == before


async def test_the_client_is_never_closed(emulator: Emulator, transport: Transport) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        async with wrapped(theirs) as client:
            await client.plans.create(a_spec())
        reply = await theirs.describe_edge_deployment_plan(EdgeDeploymentPlanName="rollout")

    assert reply["EdgeDeploymentPlanName"] == "rollout"


async def test_a_wrapper_that_was_closed_refuses_further_calls(
    emulator: Emulator, transport: Transport
) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        client = wrapped(theirs)
        await client.aclose()
        await client.aclose()
        with pytest.raises(ConfigurationError, match="this client is closed"):
            await client.plans.describe("rollout")

    assert emulator.requests == ()


# Over httpx, aiobotocore opens a closed client anew.
@pytest.mark.parametrize("transport", TRANSPORTS[:1], indirect=True)
async def test_a_call_on_a_client_that_its_owner_closed_is_an_error(
    emulator: Emulator, transport: Transport
) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        client = wrapped(theirs)

    for call in (client.plans.describe("rollout"), client.training_plans.extend("tpeo-1")):
        with pytest.raises(ConfigurationError, match="is closed, or was never opened"):
            await call
    assert emulator.requests == ()


# instrumented and stubbed


async def test_a_wrapped_method_is_the_one_that_is_called(
    emulator: Emulator, transport: Transport
) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        describe = theirs.describe_edge_deployment_plan
        watched: list[dict[str, Any]] = []

        async def traced(**request: Any) -> Any:
            watched.append(request)
            return await describe(**request)

        theirs.describe_edge_deployment_plan = traced
        with pytest.raises(ResourceNotFoundError):
            await wrapped(theirs).plans.describe("rollout")

    assert watched == [{"EdgeDeploymentPlanName": "rollout"}]


async def test_a_proxy_of_a_client_is_as_good_as_the_client(
    emulator: Emulator, transport: Transport
) -> None:
    class Proxy:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    async with users_client(emulator.endpoint_url, transport) as theirs:
        arn = await wrapped(Proxy(theirs)).plans.create(a_spec())

    assert arn.endswith("/rollout")


@pytest.fixture
def plan_wire() -> dict[str, Any]:
    return {
        "EdgeDeploymentPlanArn": "arn:aws:sagemaker:us-east-1:1:edge-deployment/rollout",
        "EdgeDeploymentPlanName": "rollout",
        "DeviceFleetName": "cameras",
        "ModelConfigs": [{"ModelHandle": "m", "EdgePackagingJobName": "job"}],
        "Stages": [],
    }


async def test_a_stubbed_client_is_read_as_any_other(
    transport: Transport, plan_wire: dict[str, Any]
) -> None:
    async with users_client("http://sagemaker.invalid", transport) as theirs:
        with AioStubber(theirs) as stub:
            stub.add_response(
                "describe_edge_deployment_plan", plan_wire, {"EdgeDeploymentPlanName": "rollout"}
            )
            plan = await wrapped(theirs).plans.describe("rollout")

    assert plan.to_wire() == plan_wire


async def test_a_stubbed_reply_has_no_bytes(
    transport: Transport, plan_wire: dict[str, Any]
) -> None:
    async with users_client("http://sagemaker.invalid", transport) as theirs:
        with AioStubber(theirs) as stub:
            stub.add_response("describe_edge_deployment_plan", plan_wire)
            gateway = BotocoreGateway(theirs, request_timeout=5)
            reply = await gateway.call(DESCRIBE_PLAN, {"EdgeDeploymentPlanName": "rollout"})

    assert reply.raw is None
    assert reply.text is None
    assert reply.body == plan_wire


async def test_a_stubbed_error_is_an_error_of_the_service(transport: Transport) -> None:
    async with users_client("http://sagemaker.invalid", transport) as theirs:
        with AioStubber(theirs) as stub:
            stub.add_client_error(
                "describe_edge_deployment_plan", "ResourceNotFound", "gone", http_status_code=404
            )
            with pytest.raises(ResourceNotFoundError) as caught:
                await wrapped(theirs).plans.describe("rollout")

    assert caught.value.http_status == 404
    assert caught.value.request_id is None
    assert caught.value.operation == DESCRIBE


async def test_a_call_that_was_not_stubbed_is_an_error(transport: Transport) -> None:
    async with users_client("http://sagemaker.invalid", transport) as theirs:
        with AioStubber(theirs), pytest.raises(ConfigurationError, match="Error getting response"):
            await wrapped(theirs).plans.describe("rollout")


async def test_a_reply_of_a_fake_that_does_not_fit_is_kept_whole(transport: Transport) -> None:
    async with users_client("http://sagemaker.invalid", transport) as theirs:

        async def short(**_: object) -> object:
            return {"EdgeDeploymentPlanName": "rollout", "ResponseMetadata": {}}

        theirs.describe_edge_deployment_plan = short
        with pytest.raises(UnexpectedReplyError) as caught:
            await wrapped(theirs).plans.describe("rollout")

    assert caught.value.reply == {"EdgeDeploymentPlanName": "rollout"}


async def test_an_old_botocore_gives_an_error_that_names_the_unknown_operation(
    emulator: Emulator, transport: Transport
) -> None:
    class Old:
        def __init__(self, inner: Any) -> None:
            self.meta, self.close = inner.meta, inner.close
            self._endpoint = inner._endpoint

    async with users_client(emulator.endpoint_url, transport) as theirs:
        with pytest.raises(ConfigurationError) as caught:
            await wrapped(Old(theirs)).plans.describe("rollout")

    assert "does not know DescribeEdgeDeploymentPlan; upgrade aiobotocore" in str(caught.value)
    assert caught.value.operation == DESCRIBE


# refused


@pytest.mark.parametrize("transport", TRANSPORTS[:1], indirect=True)
async def test_a_client_that_was_not_opened_is_refused() -> None:
    own: Any = session()
    unopened = own.create_client("sagemaker", region_name="us-east-1")

    with pytest.raises(
        ConfigurationError, match=r"^sagemaker_client: an open SageMaker client"
    ) as caught:
        wrapped(unopened)
    assert (
        "got ClientCreatorContext for service None, which gives a client in `async with`;"
        in str(caught.value)
    )

    # Close it, or Python would warn of a coroutine that was never awaited.
    async with unopened:
        pass


@pytest.mark.parametrize("service", ["s3", "sts"])
@pytest.mark.parametrize("transport", TRANSPORTS[:1], indirect=True)
async def test_a_client_of_another_service_is_refused(service: str) -> None:
    own: Any = session()
    async with own.create_client(service, region_name="us-east-1") as theirs:
        with pytest.raises(ConfigurationError, match=f"for service '{service}'"):
            wrapped(theirs)


def test_a_client_of_boto3_is_refused() -> None:
    theirs = boto3.client(  # pyright: ignore[reportUnknownMemberType]  # of the other services
        "sagemaker", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )

    with pytest.raises(ConfigurationError, match="they could send a purchase twice"):
        wrapped(theirs)
    theirs.close()


@pytest.mark.parametrize(
    "theirs",
    [
        None,
        "client",
        MagicMock(),
        SimpleNamespace(meta=None),
        SimpleNamespace(
            meta=SimpleNamespace(service_model=SimpleNamespace(service_name="sagemaker"))
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_object_that_is_not_a_client_is_refused(theirs: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        wrapped(theirs)

    assert "an open SageMaker client of aiobotocore is needed" in str(caught.value)
    assert type(theirs).__name__ in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"retry": 3}, "retry: a RetryPolicy is needed, got 3"),
        ({"polling": 15}, "polling: a PollSchedule is needed, got 15"),
        ({"request_timeout": 0}, "request_timeout: got 0"),
    ],
)
async def test_bad_settings_are_refused_and_leave_no_handlers(
    transport: Transport, settings: dict[str, Any], problem: str
) -> None:
    async with users_client("http://sagemaker.invalid", transport) as theirs:
        before = handlers_of(theirs)
        with pytest.raises(ConfigurationError) as caught:
            wrapped(theirs, **settings)
        assert handlers_of(theirs) == before

    assert problem in str(caught.value)


async def test_one_error_lists_all_bad_settings(transport: Transport) -> None:
    async with users_client("http://sagemaker.invalid", transport) as theirs:
        with pytest.raises(ConfigurationError) as caught:
            wrapped(theirs, retry=None, polling=None, request_timeout=None)

    for argument in ("retry", "polling", "request_timeout"):
        assert f"{argument}: " in str(caught.value)


async def test_settings_are_taken(emulator: Emulator, transport: Transport) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        client = wrapped(theirs, polling=PollSchedule(interval=0.01), request_timeout=0.2)
        held = emulator.hold_replies(DESCRIBE)
        with held, pytest.raises(ConnectionFailedError, match=r"within 0\.2 s"):
            await client.plans.describe("rollout")
