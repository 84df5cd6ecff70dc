"""Deleting: after doubt "not found" means that it is done; without doubt it is an error."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from edge.books import Book
from faults.service_gateway import Kind, ServiceGateway, fates
from harness import MakeClient, a_spec, fast_retries
from sagemaker_plans import (
    ConnectionFailedError,
    InternalServiceError,
    InvalidRequestError,
    ResourceInUseError,
    ResourceNotFoundError,
    SageMakerPlansError,
)
from sagemaker_plans._edge.deletion import delete
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._wire.operations import DELETE_PLAN, DELETE_STAGE, Operation
from sagemaker_plans.emulator import Emulator, Fault
from virtual_clock import LOOPS, Loop, run_virtually

PLAN = {"EdgeDeploymentPlanName": "rollout"}
STAGE = {**PLAN, "StageName": "stage-0"}
DOUBTS: tuple[Kind, ...] = ("lost before", "lost after", "down before", "down after", "unreadable")
of_both = pytest.mark.parametrize(
    ("operation", "request_"), [(DELETE_PLAN, PLAN), (DELETE_STAGE, STAGE)], ids=["plan", "stage"]
)


def after(
    operation: Operation, request: dict[str, str], *kinds: Kind, exists: bool = True
) -> Callable[[], Awaitable[tuple[type[SageMakerPlansError] | None, int]]]:
    """Delete once, with these fates of the attempts; tell the error and the number of requests."""

    async def run() -> tuple[type[SageMakerPlansError] | None, int]:
        gateway = ServiceGateway(fates(**{operation.name: kinds}))
        if exists:
            gateway.service.handle("CreateEdgeDeploymentPlan", a_spec().to_wire())
        try:
            await delete(gateway, Retrier(fast_retries(max_attempts=4)), operation, request)
        except SageMakerPlansError as error:
            return type(error), len(gateway.sent)
        return None, len(gateway.sent)

    return run


@of_both
@pytest.mark.parametrize("doubt", DOUBTS)
@pytest.mark.parametrize("loop", LOOPS)
def test_after_doubt_it_is_gone_in_the_end(
    loop: Loop, operation: Operation, request_: dict[str, str], doubt: Kind
) -> None:
    assert run_virtually(loop, after(operation, request_, doubt)) == (None, 2)


@of_both
@pytest.mark.parametrize("doubt", DOUBTS)
def test_a_throttle_after_doubt_leaves_the_doubt(
    operation: Operation, request_: dict[str, str], doubt: Kind
) -> None:
    gone = run_virtually("asyncio", after(operation, request_, doubt, "throttled", "unsent"))

    assert gone == (None, 4)


@of_both
@pytest.mark.parametrize("kinds", [(), ("throttled",), ("unsent",)])
def test_without_doubt_not_found_is_an_error(
    operation: Operation, request_: dict[str, str], kinds: tuple[Kind, ...]
) -> None:
    gone = run_virtually("asyncio", after(operation, request_, *kinds, exists=False))

    assert gone == (ResourceNotFoundError, len(kinds) + 1)


@of_both
def test_giving_up_after_doubt_raises_the_last_failure(
    operation: Operation, request_: dict[str, str]
) -> None:
    lost: list[Kind] = ["down after"] * 4

    gone = run_virtually("asyncio", after(operation, request_, *lost))

    assert gone == (InternalServiceError, 4)


@pytest.mark.anyio
async def test_what_is_under_way_is_in_use(make_client: MakeClient, emulator: Emulator) -> None:
    emulator.clock.hold()
    async with make_client() as client:
        await client.plans.create(a_spec())
        await client.plans.start_stage("rollout", "stage-0")
        for attempt in (
            partial(client.plans.delete, "rollout"),
            partial(client.plans.delete_stage, "rollout", "stage-0"),
        ):
            with pytest.raises(ResourceInUseError, match="STARTING"):
                await attempt()
        await client.plans.delete_stage("rollout", "stage-1")
        left = await client.plans.describe("rollout")

    assert [stage.name for stage in left.stages] == ["stage-0"]


@pytest.mark.anyio
async def test_a_plan_whose_reply_is_lost_is_deleted(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.inject(DELETE_PLAN.name, Fault.disconnect("rst", committed=True))
    async with make_client() as client:
        await client.plans.create(a_spec())
        await client.plans.delete("rollout")
        with pytest.raises(ResourceNotFoundError):
            await client.plans.describe("rollout")

    assert len(emulator.requests_of(DELETE_PLAN.name)) == 2


@pytest.mark.anyio
async def test_in_use_after_doubt_is_told_with_a_note(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.clock.hold()
    emulator.inject(DELETE_PLAN.name, Fault.internal_failure())
    async with make_client() as client:
        await client.plans.create(a_spec())
        await client.plans.start_stage("rollout", "stage-0")
        with pytest.raises(ResourceInUseError) as refused:
            await client.plans.delete("rollout")

    assert "may have had its effect" in "\n".join(refused.value.__notes__)


@pytest.mark.anyio
async def test_the_names_are_checked_before_anything_is_sent() -> None:
    book = Book(lambda _: ConnectionFailedError("no", request_sent=None))

    with pytest.raises(InvalidRequestError, match="plan_name"):
        await book.plans.delete("-")
    with pytest.raises(InvalidRequestError, match="2 problems"):
        await book.plans.delete_stage("", "-")

    assert book.requests == []
