"""Models as plain values, for logs and task results."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.samples.model_strategies import ANY_MODEL
from sagemaker_plans import (
    Coverage,
    DeviceCounts,
    ExtensionReceipt,
    FailureHandlingPolicy,
    NamedDevices,
    Stage,
    StageChange,
    StageStatus,
    TrainingPlanExtension,
    UnrecognizedSelection,
)

STAGE = Stage(
    name="canary",
    device_selection=NamedDevices(["cam-001"]),
    failure_handling_policy=FailureHandlingPolicy.DO_NOTHING,
    status=StageStatus("TOMORROW"),
    devices=DeviceCounts(1, 2, 3),
    start_time=datetime(2027, 3, 1, 2, tzinfo=timezone(timedelta(hours=2))),
)
EXTENSION = TrainingPlanExtension(
    offering_id="tpeo-1", upfront_fee=Decimal("1E+3"), extended_at=datetime(2027, 3, 1, tzinfo=UTC)
)


@pytest.mark.parametrize("name", ANY_MODEL)
@given(data=st.data())
def test_every_model_is_plain_and_ready_for_json(name: str, data: st.DataObject) -> None:
    model: Any = data.draw(ANY_MODEL[name])
    plain = model.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert _names(type(model)) <= set(plain)


def test_a_stage_is_told_in_the_services_words() -> None:
    plain = STAGE.to_dict()
    assert plain["status"] == "TOMORROW"
    assert type(plain["status"]) is str
    assert plain["device_selection"] == {
        "device_subset_type": "SELECTION",
        "device_names": ["cam-001"],
    }
    assert plain["devices"] == {"succeeded": 1, "pending": 2, "failed": 3}
    assert plain["start_time"] == "2027-03-01T00:00:00+00:00"


def test_fees_are_exact_and_models_inside_are_plain() -> None:
    receipt = ExtensionReceipt(extension=EXTENSION, extensions=(EXTENSION,), outcome="purchased")
    plain: Any = receipt.to_dict()
    assert plain["extensions"] == [plain["extension"]]
    assert plain["extension"]["upfront_fee"] == "1000"
    assert plain["extension"]["extended_at"] == "2027-03-01T00:00:00+00:00"


def test_a_selection_of_tomorrow_keeps_its_wire_form() -> None:
    selection = UnrecognizedSelection({"DeviceSubsetType": "MOON", "Phase": ["new"]})
    assert selection.to_dict() == {
        "device_subset_type": "MOON",
        "wire": {"DeviceSubsetType": "MOON", "Phase": ["new"]},
    }


def test_what_is_no_model_of_the_services_is_plain_too() -> None:
    coverage = Coverage(
        training_plan_arn="arn",
        until=datetime(2027, 3, 1, tzinfo=UTC),
        covered=False,
        usable_until=None,
        spent=Decimal(1),
        budget=Decimal(2),
        currency_code="USD",
        pending=EXTENSION,
    )
    plain: Any = coverage.to_dict()
    assert (plain["spent"], plain["covered"], plain["usable_until"]) == ("1", False, None)
    assert plain["pending"]["offering_id"] == "tpeo-1"
    change: Any = StageChange(stage=STAGE, previous=None).to_dict()
    assert (change["stage"]["name"], change["previous"]) == ("canary", None)


def _names(model: Any) -> set[str]:
    return {each.name for each in attrs.fields(model)}
