"""What the history proves of a record, and what it does not."""

from datetime import timedelta

import pytest
from attrs import evolve

from sagemaker_plans import TrainingPlanExtension
from sagemaker_plans._training.purchases.ledger import Ledger
from sagemaker_plans._training.purchases.records import (
    blocking,
    bought_at,
    corrected,
    findings,
    of_key,
    shown_for,
)
from sagemaker_plans.journal import PurchaseRecord, PurchaseState
from training.journal.memory_journal import MemoryJournal
from training.journal.worlds import OTHER, START, a_record, an_extension
from waiting.virtual_plans import virtually

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def shown(
    record: PurchaseRecord, *history: TrainingPlanExtension, others: tuple[PurchaseRecord, ...] = ()
) -> TrainingPlanExtension | None:
    return shown_for(record, (*others, record), history)


@pytest.mark.parametrize("after", [-5, 0, 1, 600])
def test_an_extension_bought_after_the_record_or_within_the_clocks_skew_proves_it(
    after: int,
) -> None:
    extension = an_extension(START + after * MINUTE)
    assert shown(a_record(), extension) == extension


def test_an_older_extension_of_a_resold_offering_is_no_proof() -> None:
    assert shown(a_record(), an_extension(START - 5 * MINUTE - timedelta(seconds=1))) is None


def test_an_extension_without_a_date_is_no_proof() -> None:
    assert shown(a_record(), an_extension(None)) is None


def test_another_offering_is_no_proof() -> None:
    assert shown(a_record(), an_extension(offering=OTHER)) is None


def test_the_latest_fitting_extension_is_the_one() -> None:
    first, second = an_extension(START), an_extension(START + MINUTE)
    assert shown(a_record(), second, first) == second


def test_an_extension_after_the_next_record_of_the_offering_is_that_ones() -> None:
    first, second = a_record(1), a_record(2, written_at=START + HOUR)
    extension = an_extension(START + HOUR)
    assert shown_for(first, [first, second], [extension]) is None
    assert shown_for(second, [first, second], [extension]) == extension


def test_a_later_record_of_another_offering_ends_no_window() -> None:
    first = a_record(1)
    second = a_record(2, offering_id=OTHER, written_at=START + MINUTE)
    extension = an_extension(START + HOUR)
    assert shown_for(first, [first, second], [extension]) == extension


def test_an_extension_that_an_earlier_record_names_is_no_proof_for_the_next() -> None:
    extension = an_extension(START)
    first = a_record(1, state="failed", closed_by="history", receipt=extension)
    second = a_record(2, written_at=START + MINUTE)
    assert shown_for(second, [first, second], [extension]) is None


def test_a_record_with_a_receipt_keeps_its_own_extension_in_its_latest_state() -> None:
    mine = an_extension(START, payment_status="Pending", status="Pending")
    now, later = an_extension(START), an_extension(START + MINUTE)
    record = a_record(state="bought", closed_by="caller", receipt=mine)
    assert shown(record, now, later) == now


def test_a_receipt_that_the_history_does_not_show_claims_no_undated_extension() -> None:
    record = a_record(state="bought", closed_by="caller", receipt=an_extension(None))
    assert shown(record, an_extension(None)) is None


FAILED = an_extension(status="Failed", payment_status="Failed")
PAID = an_extension()


@pytest.mark.parametrize(
    ("state", "closed_by", "receipt", "extension", "found"),
    [
        ("open", None, None, PAID, "bought"),
        ("open", None, None, FAILED, "failed"),
        ("bought", "person", None, PAID, "bought"),
        ("bought", "person", None, FAILED, "failed"),
        ("bought", "caller", PAID, PAID, None),
        ("bought", "caller", PAID, FAILED, "failed"),
        ("failed", "history", FAILED, FAILED, None),
        ("not_bought", "person", None, PAID, None),
        ("not_bought", "person", None, FAILED, None),
        ("not_bought", "caller", None, PAID, None),
    ],
)
def test_what_the_history_proves_of_a_record(
    state: PurchaseState,
    closed_by: str | None,
    receipt: TrainingPlanExtension | None,
    extension: TrainingPlanExtension,
    found: str | None,
) -> None:
    record = a_record(state=state, closed_by=closed_by, receipt=receipt)
    told = findings([record], [extension])
    assert [each.state for each in told] == ([] if found is None else [found])
    [after] = corrected([record], told)
    assert after.state == (found or state)
    if found is not None:
        assert (after.closed_by, after.receipt) == ("history", extension)
        assert after.revision == record.revision


def test_a_record_that_the_history_does_not_show_stays_as_it_is() -> None:
    assert findings([a_record()], []) == []


def test_records_of_the_same_key_never_block_it() -> None:
    assert blocking([a_record(idempotency_key="k")], [], "k") is None


@pytest.mark.parametrize(
    ("state", "history", "blocks"),
    [
        ("open", [], True),
        ("bought", [], True),
        ("bought", [an_extension(payment_status="Pending")], True),
        ("bought", [PAID], False),
        ("failed", [], False),
        ("not_bought", [], False),
    ],
)
def test_which_records_block_another_key(
    state: PurchaseState, history: list[TrainingPlanExtension], *, blocks: bool
) -> None:
    record = a_record(state=state)
    assert blocking([record], history, "another") == (record if blocks else None)


def test_only_an_open_or_bought_record_stands_for_its_key() -> None:
    failed, not_bought = a_record(1, state="failed"), a_record(2, state="not_bought")
    open_, others = a_record(3), a_record(4, idempotency_key="another")
    key = open_.idempotency_key
    assert of_key([failed, not_bought, others], key) is None
    assert of_key([failed, not_bought, open_], key) == open_
    assert of_key([a_record(5, state="bought")], key) is not None


def test_extensions_without_a_date_count_as_the_oldest() -> None:
    assert bought_at(an_extension(None)) == 0.0
    assert bought_at(PAID) == START.timestamp()


@virtually
async def test_the_history_closes_no_record_that_has_changed_since_it_was_read() -> None:
    journal = MemoryJournal()
    read = a_record()
    assert await journal.begin(read)
    settled = evolve(read, revision=1, state="bought", closed_by="person")
    assert await journal.end(settled)

    closed = await Ledger(journal, read.plan).close(read, "failed", "history", PAID)

    assert closed
    assert journal.last == settled
