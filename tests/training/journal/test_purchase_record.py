"""A record of the journal, to plain values and back."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from sagemaker_plans.journal import PurchaseRecord
from training.journal.worlds import START, a_record, an_extension

FULL = a_record(
    3,
    revision=2,
    upfront_fee=Decimal("1E+3"),
    currency_code="USD",
    extends_from=START,
    state="bought",
    closed_by="history",
    receipt=an_extension(),
)


@pytest.mark.parametrize("record", [a_record(), FULL], ids=["open", "full"])
def test_a_record_goes_through_json_unchanged(record: PurchaseRecord) -> None:
    assert PurchaseRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_fees_and_times_are_written_in_one_way() -> None:
    there = datetime(2026, 11, 22, 2, tzinfo=timezone(timedelta(hours=2)))
    values = a_record(upfront_fee=Decimal("1E+3"), written_at=there).to_dict()
    assert values["upfront_fee"] == "1000"
    assert values["written_at"] == datetime(2026, 11, 22, tzinfo=UTC).isoformat()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("plan", 7),
        ("number", "1"),
        ("number", True),
        ("number", -1),
        ("revision", None),
        ("id", None),
        ("currency_code", 840),
        ("upfront_fee", 1234.5),
        ("upfront_fee", "NaN"),
        ("upfront_fee", "much"),
        ("extends_from", "soon"),
        ("written_at", None),
        ("send_by", "2026-11-22T00:00:00"),
        ("state", "lost"),
        ("closed_by", "nobody"),
        ("receipt", {"UpfrontFee": "1"}),
        ("receipt", "paid"),
    ],
)
def test_values_that_are_no_record_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match="not a purchase record: "):
        PurchaseRecord.from_dict({**FULL.to_dict(), name: value})


@pytest.mark.parametrize("name", sorted(FULL.to_dict()))
def test_a_record_with_a_missing_value_is_refused(name: str) -> None:
    values = FULL.to_dict()
    del values[name]
    with pytest.raises(ValueError, match=name):
        PurchaseRecord.from_dict(values)
