"""Paging through a plan's stages, and going on after an error."""

import anyio
import pytest

from edge.books import Book, book_of, plan_page, stage_wire
from harness import MakeClient, a_spec
from sagemaker_plans import (
    ConnectionFailedError,
    InternalServiceError,
    InvalidRequestError,
    PaginationError,
    RetryPolicy,
    Stage,
    StagePage,
)
from sagemaker_plans.emulator import Emulator, Fault

DESCRIBE = "DescribeEdgeDeploymentPlan"

pytestmark = pytest.mark.anyio


def names(stages: tuple[Stage, ...] | list[Stage]) -> list[str]:
    return [stage.name for stage in stages]


THREE_PAGES = [
    plan_page(stage_wire("a"), stage_wire("b")),
    plan_page(),
    plan_page(stage_wire("c")),
]

# over the wire


async def test_every_page_size_gives_the_same_stages(
    make_client: MakeClient, emulator: Emulator
) -> None:
    async with make_client() as client:
        await client.plans.create(a_spec(stages=10))
        plan = await client.plans.describe("rollout")
        for size in range(1, 11):
            emulator.inject(DESCRIBE, Fault.empty_page())
            assert await client.plans.stages("rollout", page_size=size).collect() == plan.stages


async def test_a_page_has_as_many_stages_as_were_asked_for(
    make_client: MakeClient, emulator: Emulator
) -> None:
    async with make_client() as client:
        await client.plans.create(a_spec(stages=5))
        pages = [page async for page in client.plans.stages("rollout", page_size=2).pages()]

    assert [names(page.stages) for page in pages] == [
        ["stage-0", "stage-1"],
        ["stage-2", "stage-3"],
        ["stage-4"],
    ]
    asked = [(seen.body or {})["MaxResults"] for seen in emulator.requests_of(DESCRIBE)]
    assert asked == [2, 2, 2]


async def test_a_new_pager_continues_after_an_error(
    make_client: MakeClient, emulator: Emulator
) -> None:
    seen: list[Stage] = []
    async with make_client(retry=RetryPolicy.none()) as client:
        await client.plans.create(a_spec(stages=7))
        emulator.inject(DESCRIBE, Fault.internal_failure(), nth=3)
        stages = aiter(client.plans.stages("rollout", page_size=2))
        for _ in range(4):
            seen.append(await anext(stages))  # noqa: PERF401  # what came before the error counts
        with pytest.raises(InternalServiceError) as caught:
            await anext(stages)
        assert names(seen) == ["stage-0", "stage-1", "stage-2", "stage-3"]
        assert caught.value.next_token is not None
        rest = client.plans.stages("rollout", page_size=2, start_token=caught.value.next_token)
        seen += await rest.collect()

    assert names(seen) == [f"stage-{number}" for number in range(7)]


async def test_a_page_is_tried_again_without_the_pages_before_it(
    make_client: MakeClient, emulator: Emulator
) -> None:
    async with make_client() as client:
        await client.plans.create(a_spec(stages=6))
        emulator.inject(DESCRIBE, Fault.throttle(), nth=2)
        stages = await client.plans.stages("rollout", page_size=2).collect()

    assert len(stages) == 6
    assert len(emulator.requests_of(DESCRIBE)) == 4


async def test_a_token_that_comes_twice_is_an_error(
    make_client: MakeClient, emulator: Emulator
) -> None:
    async with make_client() as client:
        await client.plans.create(a_spec(stages=4))
        emulator.inject(DESCRIBE, Fault.repeated_token(), nth=2, times=None)
        with pytest.raises(PaginationError) as caught:
            await client.plans.stages("rollout", page_size=1).collect()

    seen = emulator.requests_of(DESCRIBE)
    assert len(seen) == 2
    assert caught.value.next_token == (seen[1].body or {})["NextToken"]
    assert "for the second time" in str(caught.value)


# the pager


async def test_nothing_is_read_before_the_first_step() -> None:
    book = book_of(THREE_PAGES)

    pager = book.plans.stages("rollout")
    iterator = aiter(pager)

    assert book.requests == []
    assert (await anext(iterator)).name == "a"
    assert len(book.requests) == 1


async def test_no_page_is_read_before_it_is_needed() -> None:
    book = book_of(THREE_PAGES)
    iterator = aiter(book.plans.stages("rollout"))

    assert [(await anext(iterator)).name for _ in "ab"] == ["a", "b"]

    assert book.tokens == [None]


async def test_a_pager_begins_anew_with_each_iteration() -> None:
    book = book_of(THREE_PAGES)
    pager = book.plans.stages("rollout")

    first = [stage async for stage in pager]
    second = [stage async for stage in pager]

    assert names(first) == names(second) == ["a", "b", "c"]
    assert book.tokens == [None, "page 1", "page 2"] * 2


async def test_two_iterations_of_one_pager_are_independent() -> None:
    pager = book_of(THREE_PAGES).plans.stages("rollout")

    pairs: list[tuple[str, str]] = []
    other = aiter(pager)
    async for stage in pager:
        pairs.append((stage.name, (await anext(other)).name))  # noqa: PERF401  # two walks

    assert pairs == [("a", "a"), ("b", "b"), ("c", "c")]


async def test_collect_gives_all_stages() -> None:
    stages = await book_of(THREE_PAGES).plans.stages("rollout").collect()

    assert type(stages) is tuple
    assert names(stages) == ["a", "b", "c"]


async def test_pages_are_given_with_their_header_and_token_empty_ones_too() -> None:
    pages = [page async for page in book_of(THREE_PAGES).plans.stages("rollout").pages()]

    assert [type(page) for page in pages] == [StagePage] * 3
    assert [names(page.stages) for page in pages] == [["a", "b"], [], ["c"]]
    assert [page.next_token for page in pages] == ["page 1", "page 2", None]
    assert {page.plan.name for page in pages} == {"rollout"}
    assert {page.plan.stages for page in pages} == {()}


async def test_pages_begin_anew_with_each_iteration() -> None:
    pages = book_of(THREE_PAGES).plans.stages("rollout").pages()

    first = [page async for page in pages]
    second = [page async for page in pages]

    assert first == second
    assert len(first) == 3


async def test_an_iterator_is_its_own_iterator() -> None:
    pager = book_of(THREE_PAGES).plans.stages("rollout")
    stages, pages = aiter(pager), aiter(pager.pages())

    assert aiter(stages) is stages
    assert aiter(pages) is pages


async def test_an_iterator_that_has_ended_stays_at_its_end() -> None:
    book = book_of([plan_page(stage_wire("a"))])
    iterator = aiter(book.plans.stages("rollout"))

    assert (await anext(iterator)).name == "a"
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await anext(iterator)

    assert len(book.requests) == 1


async def test_a_pager_begins_at_its_start_token() -> None:
    book = book_of(THREE_PAGES)

    stages = await book.plans.stages("rollout", start_token="page 2").collect()

    assert names(stages) == ["c"]
    assert book.tokens == ["page 2"]


async def test_a_duplicate_stage_is_given_as_often_as_it_comes() -> None:
    book = book_of([plan_page(stage_wire("a", 1)), plan_page(stage_wire("a", 2))])

    stages = await book.plans.stages("rollout").collect()

    assert [(stage.name, stage.devices.succeeded) for stage in stages] == [("a", 1), ("a", 2)]


async def test_an_empty_token_is_the_end() -> None:
    book = Book(lambda _: {**plan_page(stage_wire("a")), "NextToken": ""})

    pages = [page async for page in book.plans.stages("rollout").pages()]

    assert [page.next_token for page in pages] == [None]
    assert len(book.requests) == 1


# errors on the way


@pytest.mark.parametrize("position", [0, 1, 2])
async def test_an_error_carries_the_token_of_its_page(position: int) -> None:
    pages = [*THREE_PAGES]
    pages[position] = ConnectionFailedError("lost", request_sent=None)  # type: ignore[call-overload]  # a failure in place of a page
    book = book_of(pages)

    with pytest.raises(ConnectionFailedError) as caught:
        await book.plans.stages("rollout").collect()

    assert caught.value.next_token == (f"page {position}" if position else None)


async def test_an_iteration_can_continue_after_an_error() -> None:
    lost = {"page 1": ConnectionFailedError("lost", request_sent=None)}
    book = book_of(THREE_PAGES, errors=dict[str, Exception](lost))
    iterator = aiter(book.plans.stages("rollout"))

    seen = [(await anext(iterator)).name for _ in "ab"]
    with pytest.raises(ConnectionFailedError):
        await anext(iterator)
    seen += [stage.name async for stage in iterator]

    assert seen == ["a", "b", "c"]


async def test_a_cancelled_step_loses_no_stage() -> None:
    book = book_of(THREE_PAGES)
    iterator = aiter(book.plans.stages("rollout"))

    with anyio.CancelScope() as scope:
        scope.cancel()
        await anext(iterator)

    assert scope.cancelled_caught
    assert [stage.name async for stage in iterator] == ["a", "b", "c"]


async def test_a_token_that_leads_back_to_the_start_is_an_error() -> None:
    book = Book(lambda _: {**plan_page(stage_wire("a")), "NextToken": "page 1"})

    with pytest.raises(PaginationError) as caught:
        await book.plans.stages("rollout", start_token="page 1").collect()

    assert caught.value.next_token == "page 1"
    assert len(book.requests) == 1
    assert str(caught.value).startswith(
        "DescribeEdgeDeploymentPlan: the service gave a page token for the second time; its pages "
        "do not come to an end"
    )


async def test_a_token_that_leads_back_to_an_earlier_page_is_an_error() -> None:
    following = {None: "page 1", "page 1": "page 2", "page 2": "page 3", "page 3": "page 1"}
    book = Book(lambda token: {**plan_page(stage_wire("a")), "NextToken": following[token]})

    with pytest.raises(PaginationError) as caught:
        await book.plans.stages("rollout").collect()

    assert caught.value.next_token == "page 1"
    assert book.tokens == [None, "page 1", "page 2", "page 3"]


def endless(token: str | None) -> dict[str, object]:
    number = 0 if token is None else int(token)
    return {**plan_page(), "NextToken": str(number + 1)}


async def test_a_thousand_empty_pages_in_a_row_are_an_error() -> None:
    book = Book(endless)

    with pytest.raises(PaginationError) as caught:
        await book.plans.stages("rollout").collect()

    assert str(caught.value).startswith(
        "DescribeEdgeDeploymentPlan: the service gave 1,000 empty pages in a row; its pages do not "
        "come to an end"
    )
    assert caught.value.next_token == "1000"
    assert len(book.requests) == 1000


async def test_empty_pages_are_counted_from_zero_after_each_stage() -> None:
    def answer(token: str | None) -> dict[str, object]:
        number = 0 if token is None else int(token)
        stages = [stage_wire(f"s{number}")] if number % 1000 == 999 else []
        following = {} if number == 2999 else {"NextToken": str(number + 1)}
        return {**plan_page(*stages), **following}

    stages = await Book(answer).plans.stages("rollout").collect()

    assert names(stages) == ["s999", "s1999", "s2999"]


async def test_a_thousandth_empty_page_that_is_the_last_is_not_an_error() -> None:
    def answer(token: str | None) -> dict[str, object]:
        number = 0 if token is None else int(token)
        return plan_page() if number == 999 else endless(token)

    assert await Book(answer).plans.stages("rollout").collect() == ()


# arguments


@pytest.mark.parametrize("size", [0, 11, -1, True, "5", 1.5, 2**70])
async def test_a_page_size_out_of_range_is_refused_at_once(size: object) -> None:
    book = book_of(THREE_PAGES)

    with pytest.raises(InvalidRequestError, match="page_size: got"):
        book.plans.stages("rollout", page_size=size)  # type: ignore[arg-type]  # on purpose

    assert book.requests == []


@pytest.mark.parametrize("token", ["", 5, b"page 1", "x" * 8193])
async def test_a_token_that_cannot_be_one_is_refused_at_once(token: object) -> None:
    book = book_of(THREE_PAGES)

    with pytest.raises(InvalidRequestError, match="start_token: got"):
        book.plans.stages("rollout", start_token=token)  # type: ignore[arg-type]  # on purpose

    assert book.requests == []


async def test_one_error_lists_everything_that_is_wrong() -> None:
    book = book_of(THREE_PAGES)

    with pytest.raises(InvalidRequestError) as caught:
        book.plans.stages("-", page_size=0, start_token="")

    assert len(caught.value.problems) == 3
    assert caught.value.operation == DESCRIBE


async def test_only_given_arguments_are_sent() -> None:
    book = book_of(THREE_PAGES)

    await book.plans.stages("rollout", page_size=10).collect()

    asked = {"EdgeDeploymentPlanName": "rollout", "MaxResults": 10}
    assert [request for _, request in book.requests] == [
        asked,
        {**asked, "NextToken": "page 1"},
        {**asked, "NextToken": "page 2"},
    ]
