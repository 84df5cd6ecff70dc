"""``ensure_created``, ``add_stages`` and ``start_stage(if_needed=True)``: what is there stays."""

from collections.abc import Mapping
from typing import Any, cast

import anyio
import pytest

from edge.books import Book
from faults.service_gateway import Kind, ServiceGateway, fates
from harness import MakeClient, a_spec, fast_retries
from sagemaker_plans import (
    AccessDeniedError,
    EdgeDeploymentPlan,
    EdgeDeploymentPlanSpec,
    InvalidRequestError,
    NameContains,
    OutcomeUnknownError,
    PercentageOfFleet,
    PlanMismatchError,
    ResourceInUseError,
    ResourceLimitExceededError,
    ResourceNotFoundError,
    StageSpec,
    StageStatus,
)
from sagemaker_plans._edge.creation import add_stages, ensure_plan
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.emulator import Emulator, Fault
from virtual_clock import run_virtually

CREATE, DESCRIBE = "CreateEdgeDeploymentPlan", "DescribeEdgeDeploymentPlan"
ADD, START = "CreateEdgeDeploymentStage", "StartEdgeDeploymentStage"
EXTRA = StageSpec("extra", PercentageOfFleet(5))


def asked(emulator: Emulator) -> list[str]:
    return [request.operation for request in emulator.requests]


# ensure_created


@pytest.mark.anyio
async def test_a_plan_is_created_once(make_client: MakeClient, emulator: Emulator) -> None:
    async with make_client() as client:
        created = await client.plans.ensure_created(a_spec())
        again = await client.plans.ensure_created(a_spec())

    assert created.name == again.name == "rollout"
    assert created.arn == again.arn
    assert asked(emulator) == [DESCRIBE, CREATE, DESCRIBE, DESCRIBE]


@pytest.mark.anyio
async def test_each_difference_is_named_and_nothing_is_sent(
    make_client: MakeClient, emulator: Emulator
) -> None:
    other = EdgeDeploymentPlanSpec(
        "rollout",
        device_fleet_name="lorries",
        model_configs=a_spec().model_configs,
        stages=[StageSpec("stage-0", PercentageOfFleet(20))],
    )
    async with make_client() as client:
        await client.plans.create(a_spec(stages=1))
        with pytest.raises(PlanMismatchError) as caught:
            await client.plans.ensure_created(other)

    assert [each.split(":")[0] for each in caught.value.differences] == [
        *("device_fleet_name", "stage stage-0")
    ]
    assert caught.value.__cause__ is None
    assert len(emulator.requests_of(CREATE)) == 1


@pytest.mark.anyio
async def test_something_else_than_a_spec_is_refused() -> None:
    book = Book(lambda _: {})
    name: Any = "rollout"

    with pytest.raises(InvalidRequestError, match="ensure_created: spec: an EdgeDeploymentPlan"):
        await book.plans.ensure_created(name)

    assert book.requests == []


class LateReadings(ServiceGateway):
    """A service that does not show a new plan for some time."""

    hidden_until = 0.0

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        reply: Reply | None = None
        try:
            reply = await super().call(operation, request)
        finally:
            if operation.name == CREATE:
                self.hidden_until = max(self.hidden_until, anyio.current_time() + 3)
        if operation.name == DESCRIBE and anyio.current_time() < self.hidden_until:
            raise ResourceNotFoundError("not yet", code="ResourceNotFound", operation=DESCRIBE)
        return reply


def ensured(*, limit: float, exists: bool) -> EdgeDeploymentPlan:
    async def run() -> EdgeDeploymentPlan:
        gateway = LateReadings()
        if exists:
            gateway.service.handle(CREATE, a_spec().to_wire())
            gateway.hidden_until = 1
        retrier = Retrier(fast_retries(reconcile_limit=limit))
        return await ensure_plan(gateway, retrier, a_spec())

    return run_virtually("asyncio", run)


@pytest.mark.parametrize("exists", [False, True], ids=["created here", "created elsewhere"])
def test_a_reading_from_before_the_creation_is_no_verdict(*, exists: bool) -> None:
    assert ensured(limit=10, exists=exists).name == "rollout"


def test_a_plan_that_does_not_show_is_not_waited_for_for_ever() -> None:
    with pytest.raises(ResourceNotFoundError):
        ensured(limit=1, exists=False)
    with pytest.raises(ResourceInUseError):
        ensured(limit=1, exists=True)


@pytest.mark.anyio
async def test_a_refused_create_of_a_plan_that_is_not_there_is_told(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.inject(CREATE, Fault.error("AccessDeniedException", "no"))
    async with make_client() as client:
        with pytest.raises(AccessDeniedError):
            await client.plans.ensure_created(a_spec())


@pytest.mark.anyio
async def test_many_at_once_create_one_plan(make_client: MakeClient, emulator: Emulator) -> None:
    arns: set[str] = set()
    async with make_client() as client, anyio.create_task_group() as tasks:

        async def ensure() -> None:
            arns.add((await client.plans.ensure_created(a_spec())).arn)

        for _ in range(8):
            tasks.start_soon(ensure)

    assert len(arns) == 1
    assert len(emulator.requests_of(CREATE)) >= 1


# add_stages


def added(*kinds: Kind, spec: EdgeDeploymentPlanSpec | None = None, extra: int = 1) -> list[str]:
    """Add stages to a plan with these fates of the requests; give the stages in the end."""
    names: list[str] = []

    async def run() -> None:
        gateway = ServiceGateway(fates(CreateEdgeDeploymentStage=kinds))
        gateway.service.handle(CREATE, (spec or a_spec(stages=1)).to_wire())
        more = tuple(StageSpec(f"extra-{n}", PercentageOfFleet(5)) for n in range(extra))
        try:
            await add_stages(gateway, Retrier(fast_retries()), "rollout", more)
        finally:
            reply = gateway.service.handle(DESCRIBE, {"EdgeDeploymentPlanName": "rollout"})
            stages = cast("list[dict[str, str]]", reply["Stages"])
            names.extend(stage["StageName"] for stage in stages)

    run_virtually("trio", run)
    return names


@pytest.mark.parametrize(
    "kinds",
    [
        (),
        ("throttled", "unsent"),
        ("lost before",),
        ("lost after",),
        ("lost and late",),
        ("down before", "lost after"),
        ("unreadable",),
    ],
)
def test_stages_are_added_once(kinds: tuple[Kind, ...]) -> None:
    assert added(*kinds, extra=2) == ["stage-0", "extra-0", "extra-1"]


def test_a_refusal_is_raised() -> None:
    with pytest.raises(ResourceLimitExceededError):
        added(spec=a_spec(stages=10))


def test_what_nobody_can_know_is_told() -> None:
    with pytest.raises(OutcomeUnknownError) as caught:
        added("lost before", "lost before", "lost before", "lost before", "lost before")

    assert str(caught.value).startswith("the stages extra-0 may or may not have been added: lost")
    assert "check with describe('rollout') before adding them again" in str(caught.value)
    assert (caught.value.operation, caught.value.plan_name) == (ADD, "rollout")


def test_other_stages_of_these_names_are_told_after_doubt() -> None:
    theirs = EdgeDeploymentPlanSpec(
        "rollout",
        device_fleet_name="cameras",
        model_configs=a_spec().model_configs,
        stages=[StageSpec("extra-0", NameContains("cam"))],
    )
    with pytest.raises(PlanMismatchError) as caught:
        added("lost before", spec=theirs, extra=2)

    assert [difference.split(":")[0] for difference in caught.value.differences] == [
        *("stage extra-0", "stage extra-1")
    ]
    assert caught.value.operation == ADD


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ([], "stages: got no stage"),
        ([EXTRA, EXTRA], "must be unique"),
        (["extra"], "a StageSpec is needed"),
        ("extra", "a list is needed"),
        ([StageSpec(f"s{n}", PercentageOfFleet(1)) for n in range(11)], "allowed are up to 10"),
    ],
)
async def test_stages_are_checked_before_anything_is_sent(stages: Any, words: str) -> None:
    book = Book(lambda _: {})

    with pytest.raises(InvalidRequestError) as caught:
        await book.plans.add_stages("rollout", stages)

    assert words in str(caught.value)
    assert (caught.value.operation, book.requests) == (ADD, [])


@pytest.mark.anyio
async def test_stages_of_a_plan_that_does_not_exist_are_not_added(make_client: MakeClient) -> None:
    async with make_client() as client:
        with pytest.raises(ResourceNotFoundError):
            await client.plans.add_stages("rollout", iter([EXTRA]))


# start_stage(if_needed=True)


@pytest.mark.anyio
async def test_a_stage_that_needs_no_start_gets_none(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.clock.hold()
    async with make_client() as client:
        await client.plans.create(a_spec())
        emulator.clock.advance(60)
        for seconds in (0, 1, 600):
            emulator.clock.advance(seconds)
            await client.plans.start_stage("rollout", "stage-0", if_needed=True)
        stage = (await client.plans.describe("rollout")).stage("stage-0")

    assert stage.status is StageStatus.DEPLOYED
    assert len(emulator.requests_of(START)) == 1


@pytest.mark.anyio
async def test_a_start_that_comes_second_is_a_success(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.clock.hold()
    async with make_client() as client, anyio.create_task_group() as tasks:
        await client.plans.create(a_spec())
        for _ in range(5):
            tasks.start_soon(lambda: client.plans.start_stage("rollout", "stage-0", if_needed=True))

    assert len(emulator.requests_of(START)) >= 1


@pytest.mark.anyio
async def test_a_stage_that_stops_or_is_missing_is_told(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.clock.hold()
    async with make_client() as client:
        await client.plans.create(a_spec())
        await client.plans.start_stage("rollout", "stage-0")
        await client.plans.stop_stage("rollout", "stage-0")
        with pytest.raises(ResourceInUseError, match="STOPPING"):
            await client.plans.start_stage("rollout", "stage-0", if_needed=True)
        with pytest.raises(ResourceNotFoundError, match="gone"):
            await client.plans.start_stage("rollout", "gone", if_needed=True)


@pytest.mark.anyio
async def test_if_needed_is_yes_or_no() -> None:
    book = Book(lambda _: {})
    word: Any = "yes"

    with pytest.raises(InvalidRequestError, match="if_needed: got 'yes'"):
        await book.plans.start_stage("rollout", "stage-0", if_needed=word)

    assert book.requests == []


@pytest.mark.parametrize("status", [*StageStatus, StageStatus("PAUSED")])
def test_a_stage_is_under_way_between_its_start_and_its_end(status: StageStatus) -> None:
    assert status.is_under_way == (status in {"STARTING", "INPROGRESS"})
