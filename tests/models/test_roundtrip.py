"""What is written to the wire reads back to the same, whatever form it comes in."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import cast

import pytest
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from models import service_model
from models.samples.model_strategies import (
    ANY_MODEL,
    EPOCH,
    LAST_EXACT,
    PATIENT,
    TIMESTAMP_MEMBERS,
    UNDERSTOOD,
    device_counts,
    moments,
    offerings,
    plan_specs,
    rewritten,
    understood_plans,
    unrecognized_selections,
)
from sagemaker_plans._wire.operations import DESCRIBE_PLAN, SEARCH_OFFERINGS
from sagemaker_plans.models import (
    DeviceCounts,
    DeviceSelectionConfig,
    DeviceSubsetType,
    EdgeDeploymentPlan,
    EdgeDeploymentPlanSpec,
    FailureHandlingPolicy,
    PercentageOfFleet,
    Stage,
    StageSpec,
    StageStatus,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
    UnrecognizedSelection,
)

every_model = pytest.mark.parametrize("model", ANY_MODEL)
every_understood_model = pytest.mark.parametrize("model", UNDERSTOOD)


def as_json(wire: Mapping[str, object]) -> dict[str, object]:
    return cast("dict[str, object]", json.loads(json.dumps(wire)))


def epoch(wire: object) -> datetime:
    assert isinstance(wire, int | float)
    return EPOCH + timedelta(microseconds=round(wire * 1_000_000))


def parsed_by_botocore(operation: str, body: Mapping[str, object]) -> dict[str, object]:
    response: dict[str, object] = {
        "body": json.dumps(body).encode(),
        "headers": {},
        "status_code": 200,
    }
    shape = service_model.operation(operation).output_shape
    assert shape is not None
    return cast("dict[str, object]", create_parser("json").parse(response, shape))


@every_model
@PATIENT
@given(data=st.data())
def test_what_is_written_reads_back_the_same(model: str, data: st.DataObject) -> None:
    given_model = data.draw(ANY_MODEL[model])
    assert type(given_model).from_wire(given_model.to_wire()) == given_model


@every_model
@PATIENT
@given(data=st.data())
def test_the_wire_form_survives_json(model: str, data: st.DataObject) -> None:
    given_model = data.draw(ANY_MODEL[model])
    assert type(given_model).from_wire(as_json(given_model.to_wire())) == given_model


@every_understood_model
@PATIENT
@given(data=st.data(), zone=st.timezones())
def test_datetimes_of_any_zone_read_like_epoch_seconds(
    model: str, data: st.DataObject, zone: tzinfo
) -> None:
    def in_zone(key: str, value: object) -> object:
        return epoch(value).astimezone(zone) if key in TIMESTAMP_MEMBERS else value

    given_model = data.draw(UNDERSTOOD[model])
    wire = cast("dict[str, object]", rewritten(given_model.to_wire(), in_zone))
    assert type(given_model).from_wire(wire) == given_model


@every_understood_model
@PATIENT
@given(data=st.data())
def test_unknown_members_are_ignored_at_every_level(model: str, data: st.DataObject) -> None:
    def with_a_stranger(_: str, value: object) -> object:
        if not isinstance(value, dict):
            return value
        # ``wire`` is the name of an attribute; as a member it is a stranger too.
        return {**cast("dict[str, object]", value), "AddedTomorrow": [{"x": 1}], "wire": {"y": 2}}

    given_model = data.draw(UNDERSTOOD[model])
    wire = cast("dict[str, object]", rewritten(given_model.to_wire(), with_a_stranger))
    assert type(given_model).from_wire(wire) == given_model


@every_understood_model
@PATIENT
@given(data=st.data())
def test_absent_optional_members_are_left_out_and_not_null(model: str, data: st.DataObject) -> None:
    given_model = data.draw(UNDERSTOOD[model])
    assert "null" not in json.dumps(
        rewritten(given_model.to_wire(), lambda _, value: 0 if isinstance(value, str) else value)
    )


@PATIENT
@given(understood_plans())
def test_a_plan_reads_the_same_from_botocores_parser_as_from_the_raw_json(
    plan: EdgeDeploymentPlan,
) -> None:
    parsed = parsed_by_botocore(DESCRIBE_PLAN.name, plan.to_wire())
    assert EdgeDeploymentPlan.from_wire(parsed) == plan


@PATIENT
@given(offerings())
def test_an_offering_reads_the_same_from_botocores_parser_as_from_the_raw_json(
    offering: TrainingPlanExtensionOffering,
) -> None:
    body = {"TrainingPlanOfferings": [], "TrainingPlanExtensionOfferings": [offering.to_wire()]}
    parsed = parsed_by_botocore(SEARCH_OFFERINGS.name, body)
    (wire,) = cast("list[dict[str, object]]", parsed["TrainingPlanExtensionOfferings"])
    assert TrainingPlanExtensionOffering.from_wire(wire) == offering


@PATIENT
@given(moments())
def test_timestamps_are_exact_to_the_microsecond(moment: datetime) -> None:
    bought = TrainingPlanExtension(offering_id="tpeo-1", extended_at=moment)
    assert TrainingPlanExtension.from_wire(as_json(bought.to_wire())).extended_at == moment


@pytest.mark.parametrize(
    "moment",
    [
        EPOCH,
        EPOCH + timedelta(microseconds=1),
        EPOCH - timedelta(microseconds=1),
        datetime(2024, 2, 29, 23, 59, 59, 999_999, UTC),
        LAST_EXACT - timedelta(microseconds=1),
        LAST_EXACT,
    ],
)
def test_timestamps_are_exact_at_the_edges(moment: datetime) -> None:
    bought = TrainingPlanExtension(offering_id="tpeo-1", extended_at=moment)
    assert TrainingPlanExtension.from_wire(as_json(bought.to_wire())).extended_at == moment


@PATIENT
@given(st.datetimes(LAST_EXACT.replace(tzinfo=None), datetime(9000, 1, 1), timezones=st.just(UTC)))
def test_later_timestamps_are_as_exact_as_a_json_number_can_be(moment: datetime) -> None:
    bought = TrainingPlanExtension(offering_id="tpeo-1", extended_at=moment)
    found = TrainingPlanExtension.from_wire(as_json(bought.to_wire())).extended_at
    assert found is not None
    assert abs(found - moment) <= timedelta(microseconds=32)


def test_a_timestamp_of_whole_seconds_is_written_as_a_whole_number() -> None:
    bought = TrainingPlanExtension(
        offering_id="tpeo-1", extended_at=datetime(2026, 3, 1, tzinfo=UTC)
    )
    assert json.dumps(bought.to_wire()["ExtendedAt"]) == "1772323200"


def test_a_timestamp_of_milliseconds_is_written_as_a_fraction() -> None:
    bought = TrainingPlanExtension(
        offering_id="tpeo-1", extended_at=datetime(2026, 3, 1, 0, 0, 0, 250_000, UTC)
    )
    assert json.dumps(bought.to_wire()["ExtendedAt"]) == "1772323200.25"


def test_a_timestamp_read_from_another_zone_is_in_utc() -> None:
    wire = {
        "TrainingPlanExtensionOfferingId": "tpeo-1",
        "ExtendedAt": datetime.fromisoformat("2026-03-01T02:00:00+05:30"),
    }
    found = TrainingPlanExtension.from_wire(wire).extended_at
    assert found is not None
    assert found.isoformat() == "2026-02-28T20:30:00+00:00"


@pytest.mark.parametrize("text", ["1772323200", "1772323200.0", "1.7723232E9", "1772323200.000"])
def test_epoch_seconds_read_the_same_however_the_number_is_written(text: str) -> None:
    wire = {"TrainingPlanExtensionOfferingId": "tpeo-1", "ExtendedAt": json.loads(text)}
    expected = datetime(2026, 3, 1, tzinfo=UTC)
    assert TrainingPlanExtension.from_wire(wire).extended_at == expected


@PATIENT
@given(unrecognized_selections())
def test_an_unrecognized_selection_keeps_the_wire_whole(selection: UnrecognizedSelection) -> None:
    wire = dict(selection.wire)
    assert DeviceSelectionConfig.from_wire(wire) == UnrecognizedSelection(wire)


@PATIENT
@given(unrecognized_selections())
def test_an_unrecognized_selection_is_written_as_it_came(selection: UnrecognizedSelection) -> None:
    assert selection.to_wire() == selection.wire


@pytest.mark.parametrize(
    "wire",
    [
        {"DeviceSubsetType": "PERCENTAGE"},
        {"DeviceSubsetType": "PERCENTAGE", "Percentage": None},
        {"DeviceSubsetType": "PERCENTAGE", "DeviceNames": ["cam-1"]},
        {"DeviceSubsetType": "SELECTION"},
        {"DeviceSubsetType": "NAMECONTAINS", "Percentage": 5},
        {"DeviceSubsetType": "BYAGE", "Percentage": 5, "Age": {"Days": 7}},
    ],
)
def test_a_selection_without_the_member_of_its_kind_is_unrecognized(
    wire: dict[str, object],
) -> None:
    assert DeviceSelectionConfig.from_wire(wire) == UnrecognizedSelection(wire)


def test_an_unknown_stage_status_survives_the_way_through_the_wire() -> None:
    stage = Stage(
        name="canary",
        device_selection=PercentageOfFleet(5),
        failure_handling_policy=FailureHandlingPolicy("ROLLBACK_HALF"),
        status=StageStatus("PAUSED"),
        devices=DeviceCounts(0, 0, 0),
    )
    found = Stage.from_wire(as_json(stage.to_wire()))
    assert (str(found.status), found.status.is_unknown) == ("PAUSED", True)


def test_an_unknown_policy_is_written_as_its_text() -> None:
    spec = StageSpec("canary", PercentageOfFleet(5), FailureHandlingPolicy("TOMORROW"))
    assert spec.to_wire()["DeploymentConfig"] == {"FailureHandlingPolicy": "TOMORROW"}


def test_a_policy_given_as_an_empty_text_is_not_taken_for_none() -> None:
    spec = StageSpec("canary", PercentageOfFleet(5), FailureHandlingPolicy(""))
    assert spec.to_wire()["DeploymentConfig"] == {"FailureHandlingPolicy": ""}


def test_enums_are_written_as_plain_strings() -> None:
    wire = PercentageOfFleet(5).to_wire()
    assert type(wire["DeviceSubsetType"]) is str


def test_sequences_are_written_as_lists() -> None:
    assert _names_of({"DeviceSubsetType": "SELECTION", "DeviceNames": ("a", "b")}) == ["a", "b"]


def _names_of(wire: dict[str, object]) -> object:
    return DeviceSelectionConfig.from_wire(wire).to_wire()["DeviceNames"]


@PATIENT
@given(plan_specs())
def test_a_spec_without_stages_and_tags_is_written_without_them(
    spec: EdgeDeploymentPlanSpec,
) -> None:
    absent = {name for name in ("Stages", "Tags") if name not in spec.to_wire()}
    empty = {name for name, value in (("Stages", spec.stages), ("Tags", spec.tags)) if not value}
    assert absent == empty


@PATIENT
@given(device_counts())
def test_device_counts_are_written_with_the_members_of_a_plan(counts: DeviceCounts) -> None:
    assert counts.to_wire() == {
        "EdgeDeploymentSuccess": counts.succeeded,
        "EdgeDeploymentPending": counts.pending,
        "EdgeDeploymentFailed": counts.failed,
    }


def test_a_selection_of_ones_own_has_no_wire_form() -> None:
    class EveryOther(DeviceSelectionConfig):
        @property
        def device_subset_type(self) -> DeviceSubsetType:
            return DeviceSubsetType("EVERYOTHER")

        def problems(self, argument: str) -> Iterator[str]:
            yield f"{argument}: not yet"

    with pytest.raises(TypeError) as caught:
        EveryOther().to_wire()
    assert str(caught.value) == "no wire form is known for EveryOther"
