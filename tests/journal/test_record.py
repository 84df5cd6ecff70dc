"""Records to plain values and back."""

import json
from typing import Any

import pytest
from hypothesis import given

from journal.record_strategies import records
from journal.records import FULL, a_record
from models.samples.model_strategies import PATIENT
from sagemaker_plans.journal import PurchaseRecord


@PATIENT
@given(record=records())
def test_a_record_comes_back_as_it_was(record: PurchaseRecord) -> None:
    text = json.dumps(record.to_dict())

    again = PurchaseRecord.from_dict(json.loads(text))

    assert again == record
    assert again.to_dict() == record.to_dict()


@pytest.mark.parametrize("name", [*FULL.to_dict()])
def test_a_value_that_is_missing_is_an_error(name: str) -> None:
    values = FULL.to_dict()
    del values[name]

    with pytest.raises(ValueError, match=name):
        PurchaseRecord.from_dict(values)


WRONG: list[tuple[str, Any]] = [
    ("plan", None),
    ("number", "1"),
    ("number", True),
    ("number", -1),
    ("revision", 1.5),
    ("upfront_fee", 12),
    ("upfront_fee", "twelve"),
    ("upfront_fee", "NaN"),
    ("receipt", {}),
    ("receipt", "yes"),
    ("currency_code", 5),
    ("written_at", "yesterday"),
    ("written_at", "2027-03-01T11:30:00"),
    ("send_by", None),
    ("extends_from", 0),
    ("state", "sold"),
    ("state", ["open"]),
    ("closed_by", "nobody"),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=str)
def test_a_wrong_value_is_an_error(name: str, value: object) -> None:
    with pytest.raises(ValueError, match="not a purchase record"):
        PurchaseRecord.from_dict({**FULL.to_dict(), name: value})


def test_a_plain_record_has_plain_values() -> None:
    values = a_record().to_dict()

    assert values["upfront_fee"] is None
    assert values["receipt"] is None
    assert values["extends_from"] is None
    assert values["written_at"] == "2027-03-01T11:30:00+00:00"
