"""A read's reply is read from its bytes, unless the user changed what the client returns."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from botocore.stub import Stubber

from harness import TRANSPORTS, Transport
from sagemaker_plans import AsyncClient, PacePolicy, RetryPolicy, UnexpectedReplyError
from transport.below.scripted_server import Answer, ScriptedServer
from transport.clients import users_client

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("transport", TRANSPORTS, indirect=True, ids=str),
]

PLAN: Final[dict[str, Any]] = {
    "EdgeDeploymentPlanArn": "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/p",
    "EdgeDeploymentPlanName": "p",
    "ModelConfigs": [{"ModelHandle": "m", "EdgePackagingJobName": "j"}],
    "DeviceFleetName": "fleet-1",
    "Stages": [],
}
REPLY: Final = Answer(json.dumps(PLAN).encode(), headers={"x-amzn-RequestId": "id-1"})


@asynccontextmanager
async def wrapped(
    transport: Transport, answer: Answer = REPLY
) -> AsyncGenerator[tuple[Any, AsyncClient]]:
    """Wrap a client of a user's, with botocore's whole model of the service."""
    with ScriptedServer(answer) as server:
        async with users_client(server.url, transport) as theirs:
            yield (
                theirs,
                AsyncClient.from_client(theirs, retry=RetryPolicy.none(), pace=PacePolicy.off()),
            )


async def fleet(client: AsyncClient) -> str:
    return (await client.plans.describe("p")).device_fleet_name


async def test_what_botocore_passes_over_is_read(transport: Transport) -> None:
    raw = json.dumps({**PLAN, "Stages": None, "ModelConfigs": ""}).encode()
    async with wrapped(transport, Answer(raw)) as (theirs, client):
        parsed = await theirs.describe_edge_deployment_plan(EdgeDeploymentPlanName="p")
        assert "Stages" not in parsed
        with pytest.raises(UnexpectedReplyError):
            await client.plans.describe("p")


async def test_what_a_hook_changes_in_the_parsed_reply_counts(transport: Transport) -> None:
    def change(parsed: dict[str, Any], **_: object) -> None:
        parsed["DeviceFleetName"] = "changed"

    async with wrapped(transport) as (theirs, client):
        theirs.meta.events.register("after-call.sagemaker.DescribeEdgeDeploymentPlan", change)
        assert await fleet(client) == "changed"


async def test_what_a_hook_changes_inside_the_parsed_reply_counts(transport: Transport) -> None:
    def change(parsed: dict[str, Any], **_: object) -> None:
        parsed["ModelConfigs"][0]["ModelHandle"] = "changed"

    async with wrapped(transport) as (theirs, client):
        theirs.meta.events.register("after-call.sagemaker.DescribeEdgeDeploymentPlan", change)
        plan = await client.plans.describe("p")
        assert plan.model_configs[0].model_handle == "changed"


async def test_what_a_hook_changes_before_the_parser_counts(transport: Transport) -> None:
    def change(response_dict: dict[str, Any], **_: object) -> None:
        response_dict["body"] = response_dict["body"].replace(b"fleet-1", b"changed")

    async with wrapped(transport) as (theirs, client):
        theirs.meta.events.register("before-parse.sagemaker.DescribeEdgeDeploymentPlan", change)
        assert await fleet(client) == "changed"


async def test_what_a_hook_adds_to_the_parsers_result_counts(transport: Transport) -> None:
    def change(customized_response_dict: dict[str, Any], **_: object) -> None:
        customized_response_dict["DeviceFleetName"] = "changed"

    async with wrapped(transport) as (theirs, client):
        theirs.meta.events.register("before-parse.sagemaker.DescribeEdgeDeploymentPlan", change)
        assert await fleet(client) == "changed"


CHANGES: Final[dict[str, Any]] = {
    "a time": {"CreationTime": 1_700_000_001},
    "one more": {"ModelConfigs": [{"ModelHandle": "m", "EdgePackagingJobName": "j"}] * 2},
    "a text": {"ModelConfigs": [{"ModelHandle": "n", "EdgePackagingJobName": "j"}]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_whatever_a_hook_changes_before_the_parser_counts(
    transport: Transport, change: dict[str, Any]
) -> None:
    def exchange(response_dict: dict[str, Any], **_: object) -> None:
        response_dict["body"] = json.dumps({**told, **change}).encode()

    told = {**PLAN, "CreationTime": 1_700_000_000}
    raw = json.dumps(told).encode()
    async with wrapped(transport, Answer(raw)) as (theirs, client):
        before = await client.plans.describe("p")
        theirs.meta.events.register("before-parse.sagemaker.DescribeEdgeDeploymentPlan", exchange)
        after = await client.plans.describe("p")
        assert after != before


async def test_what_a_wrapper_returns_counts(transport: Transport) -> None:
    async with wrapped(transport) as (theirs, client):
        original: Callable[..., Any] = theirs.describe_edge_deployment_plan

        async def change(**request: Any) -> dict[str, Any]:
            return {**await original(**request), "DeviceFleetName": "changed"}

        theirs.describe_edge_deployment_plan = change
        assert await fleet(client) == "changed"


async def test_what_a_stub_returns_counts(transport: Transport) -> None:
    async with wrapped(transport) as (theirs, client):
        with Stubber(theirs) as stubber:
            stubber.add_response(
                "describe_edge_deployment_plan", {**PLAN, "DeviceFleetName": "stubbed"}
            )
            assert await fleet(client) == "stubbed"
        assert await fleet(client) == "fleet-1"
