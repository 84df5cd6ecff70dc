"""Describing plans: all pages, each stage once."""

from datetime import UTC, datetime

import pytest

from edge.books import Book, book_of, plan_page, stage_wire
from harness import MakeClient, a_spec
from sagemaker_plans import (
    InvalidRequestError,
    PaginationError,
    ResourceNotFoundError,
    UnexpectedReplyError,
)
from sagemaker_plans.emulator import Emulator, Fault

DESCRIBE = "DescribeEdgeDeploymentPlan"

pytestmark = pytest.mark.anyio


async def test_describe_returns_the_plan_that_was_created(make_client: MakeClient) -> None:
    async with make_client() as client:
        arn = await client.plans.create(a_spec())
        plan = await client.plans.describe("rollout")

    assert plan.arn == arn
    assert [stage.name for stage in plan.stages] == ["stage-0", "stage-1"]


async def test_an_empty_page_in_front_changes_nothing(
    make_client: MakeClient, emulator: Emulator
) -> None:
    async with make_client() as client:
        await client.plans.create(a_spec(stages=10))
        whole = await client.plans.describe("rollout")
        # Its token leads to the stages that were left out.
        emulator.inject(DESCRIBE, Fault.empty_page())
        assert await client.plans.describe("rollout") == whole

    assert len(emulator.requests_of(DESCRIBE)) == 1 + 2


async def test_the_service_chooses_how_many_stages_a_page_has(
    make_client: MakeClient, emulator: Emulator
) -> None:
    async with make_client() as client:
        await client.plans.create(a_spec())
        await client.plans.describe("rollout")

    (seen,) = emulator.requests_of(DESCRIBE)
    assert seen.body == {"EdgeDeploymentPlanName": "rollout"}


async def test_a_plan_that_does_not_exist_is_not_found(make_client: MakeClient) -> None:
    async with make_client() as client:
        with pytest.raises(ResourceNotFoundError):
            await client.plans.describe("nowhere")


async def test_a_plan_whose_pages_go_in_a_circle_is_an_error(
    make_client: MakeClient, emulator: Emulator
) -> None:
    async with make_client() as client:
        await client.plans.create(a_spec())
        emulator.inject(DESCRIBE, Fault.repeated_token(), times=None)
        with pytest.raises(PaginationError) as caught:
            await client.plans.describe("rollout")

    assert caught.value.operation == DESCRIBE
    assert len(emulator.requests_of(DESCRIBE)) == 2


async def test_the_header_is_that_of_the_last_page() -> None:
    book = book_of([plan_page(modified=1), plan_page(modified=2), plan_page(modified=3)])

    plan = await book.plans.describe("rollout")

    assert plan.last_modified_time == datetime.fromtimestamp(3, UTC)


async def test_a_stage_on_two_pages_is_kept_once_as_it_was_read_last() -> None:
    book = book_of(
        [
            plan_page(stage_wire("a", 1), stage_wire("b", 1)),
            plan_page(stage_wire("b", 2), stage_wire("c", 2), stage_wire("a", 3)),
        ]
    )

    plan = await book.plans.describe("rollout")

    read = [(stage.name, stage.devices.succeeded) for stage in plan.stages]
    assert read == [("a", 3), ("b", 2), ("c", 2)]


async def test_a_plan_without_stages_is_a_plan() -> None:
    plan = await book_of([plan_page()]).plans.describe("rollout")

    assert plan.stages == ()
    assert plan.name == "rollout"


async def test_a_page_that_does_not_fit_is_an_error_for_the_whole_plan() -> None:
    book = book_of([plan_page(stage_wire("a")), {"Stages": []}])

    with pytest.raises(UnexpectedReplyError) as caught:
        await book.plans.describe("rollout")

    assert caught.value.next_token == "page 1"


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "a/b", "ä", "x" * 64, None, 5, b"rollout"])
async def test_a_name_that_cannot_be_one_is_refused_before_anything_is_sent(name: object) -> None:
    book = Book(lambda _: plan_page())

    with pytest.raises(InvalidRequestError) as caught:
        await book.plans.describe(name)  # type: ignore[arg-type]  # on purpose

    assert caught.value.operation == DESCRIBE
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["name"]
    assert book.requests == []


@pytest.mark.parametrize("name", ["a", "0", "x" * 63, "spring-rollout", "a--b"])
async def test_a_name_that_can_be_one_is_sent(name: str) -> None:
    book = book_of([plan_page()])

    await book.plans.describe(name)

    assert book.requests == [(DESCRIBE, {"EdgeDeploymentPlanName": name})]
