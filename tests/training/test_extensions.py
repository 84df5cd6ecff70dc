"""Reading a training plan's extension history, and searching for offerings."""

import pytest

from edge.books import TRAINING_PLAN_ARN, Book, book_of, history_page
from harness import MakeClient
from sagemaker_plans import (
    ConnectionFailedError,
    ExtensionPage,
    InvalidRequestError,
    PaginationError,
    TrainingPlanExtension,
)
from sagemaker_plans.emulator import Emulator, Fault

HISTORY = "DescribeTrainingPlanExtensionHistory"
SEARCH = "SearchTrainingPlanOfferings"

pytestmark = pytest.mark.anyio

THREE_PAGES = [history_page("tpeo-1", "tpeo-2"), history_page(), history_page("tpeo-3")]


def ids(extensions: tuple[TrainingPlanExtension, ...]) -> list[str]:
    return [extension.offering_id for extension in extensions]


# the history


async def test_the_history_shows_what_was_bought(
    make_client: MakeClient, emulator: Emulator
) -> None:
    arn = emulator.training_plan_arn
    offering = emulator.add_extension_offering(arn)
    async with make_client() as client:
        before = await client.training_plans.extension_history(arn).collect()
        await client.training_plans.extend(offering)
        emulator.inject(HISTORY, Fault.empty_page())
        after = await client.training_plans.extension_history(arn, page_size=1).collect()

    assert offering not in ids(before)
    assert offering in ids(after)
    assert emulator.requests_of(HISTORY)[-1].body == {
        "TrainingPlanArn": arn,
        "MaxResults": 1,
        "NextToken": (emulator.requests_of(HISTORY)[-1].body or {})["NextToken"],
    }


async def test_the_history_is_read_page_by_page() -> None:
    book = book_of(THREE_PAGES)
    pager = book.training_plans.extension_history(TRAINING_PLAN_ARN, page_size=2)

    assert ids(await pager.collect()) == ["tpeo-1", "tpeo-2", "tpeo-3"]
    asked = {"TrainingPlanArn": TRAINING_PLAN_ARN, "MaxResults": 2}
    assert book.requests == [
        (HISTORY, asked),
        (HISTORY, {**asked, "NextToken": "page 1"}),
        (HISTORY, {**asked, "NextToken": "page 2"}),
    ]


async def test_the_history_is_given_by_pages_as_well() -> None:
    pager = book_of(THREE_PAGES).training_plans.extension_history(TRAINING_PLAN_ARN)

    pages = [page async for page in pager.pages()]

    assert [type(page) for page in pages] == [ExtensionPage] * 3
    assert [ids(page.extensions) for page in pages] == [["tpeo-1", "tpeo-2"], [], ["tpeo-3"]]
    assert [page.next_token for page in pages] == ["page 1", "page 2", None]


async def test_the_history_begins_anew_with_each_iteration() -> None:
    pager = book_of(THREE_PAGES).training_plans.extension_history(TRAINING_PLAN_ARN)

    assert await pager.collect() == await pager.collect()


async def test_an_error_in_the_history_carries_the_token_of_its_page() -> None:
    book = book_of([*THREE_PAGES[:2], ConnectionFailedError("lost", request_sent=None)])

    with pytest.raises(ConnectionFailedError) as caught:
        await book.training_plans.extension_history(TRAINING_PLAN_ARN).collect()

    assert caught.value.next_token == "page 2"


async def test_the_history_goes_on_from_the_token_of_an_error() -> None:
    book = book_of(THREE_PAGES)

    pager = book.training_plans.extension_history(TRAINING_PLAN_ARN, start_token="page 1")

    assert ids(await pager.collect()) == ["tpeo-3"]
    assert book.tokens == ["page 1", "page 2"]


@pytest.mark.parametrize("token", ["", 5, "x" * 8193])
async def test_a_token_that_cannot_be_one_is_refused_at_once(token: object) -> None:
    book = book_of(THREE_PAGES)

    with pytest.raises(InvalidRequestError, match="start_token: got"):
        book.training_plans.extension_history(
            TRAINING_PLAN_ARN,
            start_token=token,  # type: ignore[arg-type]  # on purpose
        )

    assert book.requests == []


async def test_a_history_whose_pages_go_in_a_circle_is_an_error() -> None:
    book = Book(lambda _: {**history_page("tpeo-1"), "NextToken": "again"})

    with pytest.raises(PaginationError) as caught:
        await book.training_plans.extension_history(TRAINING_PLAN_ARN).collect()

    assert caught.value.operation == HISTORY
    assert caught.value.next_token == "again"


async def test_an_empty_token_ends_the_history() -> None:
    book = Book(lambda _: {**history_page("tpeo-1"), "NextToken": ""})

    extensions = await book.training_plans.extension_history(TRAINING_PLAN_ARN).collect()

    assert ids(extensions) == ["tpeo-1"]


@pytest.mark.parametrize("size", [0, 101, True, "5"])
async def test_a_page_size_out_of_range_is_refused_at_once(size: object) -> None:
    book = book_of(THREE_PAGES)

    with pytest.raises(InvalidRequestError, match="page_size: got") as caught:
        book.training_plans.extension_history(
            TRAINING_PLAN_ARN,
            page_size=size,  # type: ignore[arg-type]  # on purpose
        )

    assert caught.value.operation == HISTORY
    assert book.requests == []


@pytest.mark.parametrize("arn", ["", "demo", None, "arn:aws:s3:::bucket"])
async def test_an_arn_that_cannot_be_one_is_refused_at_once(arn: object) -> None:
    book = book_of(THREE_PAGES)

    with pytest.raises(InvalidRequestError, match="training_plan_arn: got"):
        book.training_plans.extension_history(arn)  # type: ignore[arg-type]  # on purpose

    assert book.requests == []


# the search


async def test_a_search_finds_what_can_be_bought(
    make_client: MakeClient, emulator: Emulator
) -> None:
    arn = emulator.training_plan_arn
    day = emulator.add_extension_offering(arn, duration_hours=24, upfront_fee="10.00")
    week = emulator.add_extension_offering(arn, duration_hours=168, upfront_fee="60.00")
    async with make_client() as client:
        found = await client.training_plans.search_extension_offerings(arn)

    by_id = {offering.offering_id: offering for offering in found}
    assert by_id[day].duration_hours == 24
    assert by_id[week].upfront_fee_text == "60.00"


async def test_a_search_for_a_duration_finds_that_alone(
    make_client: MakeClient, emulator: Emulator
) -> None:
    arn = emulator.training_plan_arn
    week = emulator.add_extension_offering(arn, duration_hours=168)
    emulator.add_extension_offering(arn, duration_hours=336)
    async with make_client() as client:
        found = await client.training_plans.search_extension_offerings(arn, duration_hours=168)

    assert week in [offering.offering_id for offering in found]
    assert {offering.duration_hours for offering in found} == {168}
    assert (emulator.requests_of(SEARCH)[0].body or {})["DurationHours"] == 168


@pytest.mark.parametrize("hours", [0, -24, True, "24", 24.0, 87_601])
async def test_a_duration_out_of_range_is_refused_before_anything_is_sent(hours: object) -> None:
    book = book_of(THREE_PAGES)

    with pytest.raises(InvalidRequestError, match="duration_hours: got") as caught:
        await book.training_plans.search_extension_offerings(
            TRAINING_PLAN_ARN,
            duration_hours=hours,  # type: ignore[arg-type]  # on purpose
        )

    assert caught.value.operation == SEARCH
    assert book.requests == []
