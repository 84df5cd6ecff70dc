"""However a list of stages is cut into pages, it is read as the same list."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings, strategies

from edge.books import Book, book_of, plan_page, stage_wire
from harness import examples
from sagemaker_plans import EdgeDeploymentPlan, Stage, StagePage
from virtual_clock import LOOPS, Loop, run_virtually

Reading = tuple[str, int]
"""A stage's name, and a count by which one reading is told from another."""

readings = strategies.tuples(
    # Few names, so that they come again.
    strategies.sampled_from(["a", "b", "c", "d", "e"]),
    strategies.integers(0, 1000),
)
books = strategies.lists(strategies.lists(readings, max_size=4), min_size=1, max_size=12)
"""Pages, empty ones among them."""

on_every_loop = pytest.mark.parametrize("loop", LOOPS)
# Each example begins a loop anew, so there are fewer than usual.
fewer = settings(max_examples=examples(50))


def bound(pages: Sequence[Sequence[Reading]]) -> Book:
    return book_of(
        [
            plan_page(*(stage_wire(name, count) for name, count in page), modified=number)
            for number, page in enumerate(pages)
        ]
    )


def as_read(stages: Sequence[Stage]) -> list[Reading]:
    return [(stage.name, stage.devices.succeeded) for stage in stages]


@on_every_loop
@fewer
@given(pages=books)
def test_a_walk_gives_every_reading_in_order(loop: Loop, pages: list[list[Reading]]) -> None:
    book = bound(pages)

    async def walk() -> tuple[Stage, ...]:
        return await book.plans.stages("rollout").collect()

    assert as_read(run_virtually(loop, walk)) == [reading for page in pages for reading in page]
    assert len(book.requests) == len(pages)


@on_every_loop
@fewer
@given(pages=books)
def test_a_plan_has_each_stage_once_as_it_was_read_last(
    loop: Loop, pages: list[list[Reading]]
) -> None:
    book = bound(pages)

    async def describe() -> EdgeDeploymentPlan:
        return await book.plans.describe("rollout")

    plan = run_virtually(loop, describe)

    # A dict keeps the place of the first reading and the value of the last.
    assert as_read(plan.stages) == [*dict(reading for page in pages for reading in page).items()]
    assert plan.last_modified_time is not None
    assert plan.last_modified_time.timestamp() == len(pages) - 1


@on_every_loop
@fewer
@given(pages=books)
def test_pages_are_given_as_they_are_cut(loop: Loop, pages: list[list[Reading]]) -> None:
    book = bound(pages)

    async def walk() -> list[StagePage]:
        return [page async for page in book.plans.stages("rollout").pages()]

    assert [as_read(page.stages) for page in run_virtually(loop, walk)] == pages


@on_every_loop
@fewer
@given(pages=books, data=strategies.data())
def test_a_walk_that_breaks_off_anywhere_goes_on_to_the_same_stages(
    loop: Loop, pages: list[list[Reading]], data: strategies.DataObject
) -> None:
    book = bound(pages)
    stop = data.draw(strategies.integers(1, len(pages)), label="pages before the break")

    async def walk_in_two() -> list[Stage]:
        walk = aiter(book.plans.stages("rollout").pages())
        begun = [await anext(walk) for _ in range(stop)]
        seen = [stage for page in begun for stage in page.stages]
        if begun[-1].next_token is None:
            return seen
        rest = book.plans.stages("rollout", start_token=begun[-1].next_token)
        return [*seen, *await rest.collect()]

    assert as_read(run_virtually(loop, walk_in_two)) == [one for page in pages for one in page]
    assert len(book.requests) == len(pages)
