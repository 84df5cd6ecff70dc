"""Starting and stopping stages."""

import pytest

from edge.books import Book
from harness import MakeClient, a_spec
from sagemaker_plans import (
    InvalidRequestError,
    ResourceNotFoundError,
    StageStatus,
)
from sagemaker_plans.emulator import Emulator

START, STOP = "StartEdgeDeploymentStage", "StopEdgeDeploymentStage"
COMMANDS = {START: "start_stage", STOP: "stop_stage"}
every_command = pytest.mark.parametrize(("operation", "method"), COMMANDS.items())

pytestmark = pytest.mark.anyio


async def test_a_stage_is_started_and_stopped(make_client: MakeClient, emulator: Emulator) -> None:
    async with make_client() as client:
        await client.plans.create(a_spec())
        emulator.clock.hold()
        emulator.clock.advance(60)
        await client.plans.start_stage("rollout", "stage-0")
        started = (await client.plans.describe("rollout")).stage("stage-0")
        await client.plans.stop_stage("rollout", "stage-0")
        stopped = (await client.plans.describe("rollout")).stage("stage-0")

    assert started.status in {StageStatus.STARTING, StageStatus.INPROGRESS}
    assert stopped.status in {StageStatus.STOPPING, StageStatus.STOPPED}
    for operation in (START, STOP):
        (seen,) = emulator.requests_of(operation)
        assert seen.body == {"EdgeDeploymentPlanName": "rollout", "StageName": "stage-0"}


@every_command
async def test_a_stage_that_does_not_exist_is_not_found(
    make_client: MakeClient, operation: str, method: str
) -> None:
    async with make_client() as client:
        with pytest.raises(ResourceNotFoundError) as caught:
            await getattr(client.plans, method)("rollout", "stage-0")

    assert caught.value.operation == operation


@every_command
@pytest.mark.parametrize(
    ("plan_name", "stage_name", "problems"),
    [
        ("", "stage-0", ("plan_name",)),
        ("rollout", "-", ("stage_name",)),
        ("a b", "x" * 64, ("plan_name", "stage_name")),
        (None, 5, ("plan_name", "stage_name")),
    ],
)
async def test_names_are_checked_before_anything_is_sent(
    operation: str, method: str, plan_name: object, stage_name: object, problems: tuple[str, ...]
) -> None:
    book = Book(lambda _: {})

    with pytest.raises(InvalidRequestError) as caught:
        await getattr(book.plans, method)(plan_name, stage_name)

    assert tuple(problem.split(":")[0] for problem in caught.value.problems) == problems
    assert caught.value.operation == operation
    assert book.requests == []
