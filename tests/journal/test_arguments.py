"""What the methods of each journal of this package refuse, before they look anywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from journal.records import PLAN, a_record, ended
from sagemaker_plans import InvalidRequestError
from sagemaker_plans.journal import DynamoDBJournal, FileJournal, PurchaseJournal

pytestmark = pytest.mark.anyio

# Neither the table nor the folder is there, so a call that went on would fail otherwise.
JOURNALS: dict[str, Callable[[], PurchaseJournal]] = {
    "dynamodb": lambda: DynamoDBJournal("purchases", region_name="us-east-1"),
    "file": lambda: FileJournal(Path("not-there")),
}


@pytest.fixture(params=JOURNALS)
def journal(request: pytest.FixtureRequest) -> PurchaseJournal:
    return JOURNALS[request.param]()


@pytest.mark.parametrize("plan", [None, 5, b"x", "", " "])
async def test_records_are_those_of_a_text(journal: PurchaseJournal, plan: Any) -> None:
    with pytest.raises(InvalidRequestError) as told:
        await journal.records(plan)

    assert str(told.value) == f"records: plan: a string that is not empty is needed, got {plan!r}"


@pytest.mark.parametrize("method", ["begin", "end"])
@pytest.mark.parametrize("record", [None, "x", {"plan": PLAN}])
async def test_what_is_no_record_is_refused(
    journal: PurchaseJournal, method: str, record: Any
) -> None:
    with pytest.raises(InvalidRequestError) as told:
        await getattr(journal, method)(record)

    assert str(told.value) == f"{method}: record: a PurchaseRecord is needed, got {record!r}"


@pytest.mark.parametrize("method", ["begin", "end"])
async def test_a_record_of_no_plan_is_refused(journal: PurchaseJournal, method: str) -> None:
    with pytest.raises(InvalidRequestError) as told:
        await getattr(journal, method)(a_record(plan=""))

    words = "record.plan: a string that is not empty is needed, got ''"
    assert str(told.value) == f"{method}: {words}"


@pytest.mark.parametrize(("number", "revision"), [(1, 1), (0, 0), (-1, 0)])
async def test_a_number_begins_with_revision_0(
    journal: PurchaseJournal, number: int, revision: int
) -> None:
    with pytest.raises(InvalidRequestError) as told:
        await journal.begin(a_record(number, revision=revision))

    assert str(told.value) == (
        f"begin: got number {number}, revision {revision}; allowed are numbers from 1, and "
        "revision 0"
    )


@pytest.mark.parametrize("record", [a_record(), evolve(ended(a_record()), number=0)])
async def test_a_later_revision_has_a_number(journal: PurchaseJournal, record: Any) -> None:
    with pytest.raises(InvalidRequestError) as told:
        await journal.end(record)

    assert str(told.value) == (
        f"end: got revision {record.revision} of number {record.number}; allowed are revisions "
        "from 1, and numbers from 1"
    )
