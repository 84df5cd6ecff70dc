"""A read without a string in its request is linked to its evidence by the context it runs in."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final, cast

import anyio
import pytest
from aiobotocore.client import AioBaseClient

from harness import MakeClient
from sagemaker_plans._transport.aiobotocore_client.event_hooks import (
    _link,
    calling,
    evidence_in,
    linked,
)
from sagemaker_plans._transport.evidence import Evidence, current_task
from sagemaker_plans._wire.operations import (
    EXTEND_TRAINING_PLAN,
    LIST_TRAINING_PLANS,
    Operation,
)
from sagemaker_plans.emulator import Emulator

pytestmark = pytest.mark.anyio

NO_STRING: Final[Mapping[str, object]] = {"MaxResults": 5}


def evidence(operation: Operation = LIST_TRAINING_PLANS) -> Evidence:
    return Evidence(operation, task=current_task())


def heard_by_hook(
    params: Mapping[str, object], operation: Operation = LIST_TRAINING_PLANS
) -> Evidence | None:
    context: dict[str, object] = {}
    _link(params, SimpleNamespace(name=operation.name), context)
    return evidence_in(context)


async def test_a_request_without_a_string_stays_as_it_is() -> None:
    assert linked(NO_STRING, evidence()) is NO_STRING


async def test_it_is_linked_while_its_call_is_made() -> None:
    own = evidence()
    with calling(own):
        assert heard_by_hook(NO_STRING) is own
    assert heard_by_hook(NO_STRING) is None


async def test_it_is_linked_in_another_task_too() -> None:
    own = evidence()
    found: list[Evidence | None] = []

    async def elsewhere() -> None:
        found.append(heard_by_hook({}))

    with calling(own):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(elsewhere)

    assert found == [own]


async def test_a_call_within_a_call_has_its_own() -> None:
    outer, inner = evidence(), evidence()
    with calling(outer):
        with calling(inner):
            assert heard_by_hook({}) is inner
        assert heard_by_hook({}) is outer


@pytest.mark.parametrize(
    ("params", "operation", "own"),
    [
        ({"SortBy": "Status"}, LIST_TRAINING_PLANS, LIST_TRAINING_PLANS),
        ({}, EXTEND_TRAINING_PLAN, LIST_TRAINING_PLANS),
        ({}, EXTEND_TRAINING_PLAN, EXTEND_TRAINING_PLAN),
    ],
    ids=["has a string", "another operation", "no read"],
)
async def test_what_is_not_our_read_is_not_linked(
    params: Mapping[str, object], operation: Operation, own: Operation
) -> None:
    with calling(evidence(own)):
        assert heard_by_hook(params, operation) is None


async def test_a_call_that_is_over_is_not_linked_any_more() -> None:
    own = evidence()
    own.is_over = True
    with calling(own):
        assert heard_by_hook({}) is None


async def test_a_list_of_everything_works_through_a_traced_client(
    make_client: MakeClient, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = cast("Any", AioBaseClient)._make_api_call
    calls: list[str] = []

    async def traced(self: object, operation: str, params: object) -> object:
        calls.append(operation)
        return await real(self, operation, params)

    monkeypatch.setattr(AioBaseClient, "_make_api_call", traced)
    emulator.add_plan_offering()
    async with make_client() as client:
        plans = await client.training_plans.list().collect()
        offerings = await client.training_plans.search_offerings()
        few = await client.training_plans.list(page_size=1).collect()

    assert [plan.name for plan in plans] == ["demo-plan"] == [plan.name for plan in few]
    assert len(offerings) == 3
    assert calls == ["ListTrainingPlans", "SearchTrainingPlanOfferings", "ListTrainingPlans"]
