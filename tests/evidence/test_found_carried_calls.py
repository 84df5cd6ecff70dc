"""Calls that a wrapper runs in another task: they outlive the call, the client and the link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from harness import TRANSPORTS, Transport, a_spec
from sagemaker_plans import AsyncClient, OutcomeUnknownError, RetryPolicy, SageMakerPlansError
from sagemaker_plans.emulator import Emulator, Fault
from transport.clients import users_client

EXTEND = "ExtendTrainingPlan"

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("transport", TRANSPORTS[:2], ids=str, indirect=True),
]

ONCE = RetryPolicy(max_attempts=1, reconcile_limit=0.1)


@asynccontextmanager
async def retrying_client(endpoint_url: str, transport: Transport) -> AsyncGenerator[Any]:
    """Open a user's client that retries up to five times, without the waits between."""
    config: dict[str, Any] = {
        "retries": {"mode": "legacy", "max_attempts": 5},
        "read_timeout": 0.6,
    }
    async with users_client(endpoint_url, transport, **config) as theirs:

        async def no_pause(_: float) -> None:
            """Do not wait."""

        theirs._endpoint._sleep = no_pause
        yield theirs


def carried_by_tasks(theirs: Any) -> list[asyncio.Task[Any]]:
    """Let a wrapper run purchases in new tasks, which no cancellation reaches."""
    extend = theirs.extend_training_plan
    tasks: list[asyncio.Task[Any]] = []

    async def carried(**request: Any) -> Any:
        tasks.append(asyncio.create_task(extend(**request)))
        return await asyncio.shield(tasks[-1])

    theirs.extend_training_plan = carried
    return tasks


async def ended(tasks: list[asyncio.Task[Any]]) -> None:
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)


async def test_a_purchase_in_another_task_is_not_sent_after_its_call_has_ended(
    emulator: Emulator, transport: Transport
) -> None:
    emulator.inject(EXTEND, Fault.disconnect(committed=True), times=None)
    async with retrying_client(emulator.endpoint_url, transport) as theirs:
        tasks = carried_by_tasks(theirs)

        async def slow(**_: object) -> None:
            await asyncio.sleep(0.3)

        theirs.meta.events.register(f"before-sign.sagemaker.{EXTEND}", slow)
        client = AsyncClient.from_client(theirs, retry=ONCE)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.training_plans.extend("tpeo-1"), 0.1)
        await client.aclose()
        await ended(tasks)

    assert len(emulator.requests_of(EXTEND)) == 0


@pytest.mark.parametrize("ended_by", ["cancellation", "time limit", "the wrapper's own limit"])
async def test_closing_does_not_enable_retries_of_a_purchase_in_another_task(
    emulator: Emulator, transport: Transport, ended_by: str
) -> None:
    # The reply is lost only after the client was closed.
    emulator.inject(EXTEND, Fault.hang(committed=True), times=None)
    async with retrying_client(emulator.endpoint_url, transport) as theirs:
        tasks = carried_by_tasks(theirs)
        carried = theirs.extend_training_plan

        async def impatient(**request: Any) -> Any:
            return await asyncio.wait_for(carried(**request), 0.2)

        if ended_by == "the wrapper's own limit":
            theirs.extend_training_plan = impatient
        limit = 0.2 if ended_by == "time limit" else 5.0
        client = AsyncClient.from_client(theirs, retry=ONCE, request_timeout=limit)
        buying = client.training_plans.extend("tpeo-1")
        if ended_by == "cancellation":
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(buying, 0.2)
        else:
            with pytest.raises(OutcomeUnknownError):
                await buying
        await client.aclose()
        await ended(tasks)

    assert len(emulator.requests_of(EXTEND)) == 1


async def test_a_client_that_may_still_send_a_purchase_stays_observed(
    emulator: Emulator, transport: Transport
) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        before = theirs._endpoint.http_session
        with emulator.hold_replies(EXTEND) as gate:
            tasks = carried_by_tasks(theirs)
            client = AsyncClient.from_client(theirs, retry=ONCE)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.training_plans.extend("tpeo-1"), 0.3)
            await client.aclose()
            gate.open()
            await ended(tasks)

        assert theirs._endpoint.http_session is not before


async def test_a_client_is_restored_after_a_purchase_without_doubt(
    emulator: Emulator, transport: Transport
) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        before = theirs._endpoint.http_session
        async with AsyncClient.from_client(theirs, retry=ONCE) as client:
            await client.training_plans.extend("tpeo-0123456789abcdef")

        assert theirs._endpoint.http_session is before


async def test_a_hook_may_look_for_a_plan_that_is_about_to_be_created_or_started(
    emulator: Emulator, transport: Transport
) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:

        async def look(params: dict[str, Any], **_: object) -> None:
            name = params["EdgeDeploymentPlanName"]
            try:
                await theirs.describe_edge_deployment_plan(EdgeDeploymentPlanName=name)
            except theirs.exceptions.ClientError:
                seen.append(f"{name} is not there")
            else:
                seen.append(f"{name} is there")

        seen: list[str] = []
        for operation in ("CreateEdgeDeploymentPlan", "StartEdgeDeploymentStage"):
            theirs.meta.events.register(f"before-parameter-build.sagemaker.{operation}", look)
        client = AsyncClient.from_client(theirs, retry=ONCE)
        arn = await client.plans.create(a_spec("rollout"))
        await client.plans.start_stage("rollout", "stage-0")

    assert arn.endswith("/rollout")
    assert seen == ["rollout is not there", "rollout is there"]
    # The reply to the hook's request does not count as the reply to ours.
    assert len(emulator.requests_of("CreateEdgeDeploymentPlan")) == 1
    assert len(emulator.requests_of("StartEdgeDeploymentStage")) == 1


@pytest.mark.parametrize("verb", ["create", "describe"])
async def test_a_call_that_another_wrapped_client_carries_is_sent_as_often_as_its_own(
    emulator: Emulator, transport: Transport, verb: str
) -> None:
    """As programs do that have a pool of clients, or one for each region."""
    method, name = f"{verb}_edge_deployment_plan", f"{verb.title()}EdgeDeploymentPlan"
    emulator.inject(name, Fault.error("InternalFailure", status=500), times=None)
    async with (
        retrying_client(emulator.endpoint_url, transport) as theirs,
        retrying_client(emulator.endpoint_url, transport) as other,
    ):
        setattr(theirs, method, getattr(other, method))
        client = AsyncClient.from_client(theirs, retry=ONCE)
        carrier = AsyncClient.from_client(other, retry=ONCE)
        call = (
            client.plans.create(a_spec()) if verb == "create" else client.plans.describe("rollout")
        )
        with pytest.raises(SageMakerPlansError):
            await call
        sent = emulator.requests_of(name)
        await client.aclose()
        await carrier.aclose()

    assert len(sent) == 1
