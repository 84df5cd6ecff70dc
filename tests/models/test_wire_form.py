"""What an attribute says of its place on the wire is all that reading and writing need."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, cast

import pytest
from attrs import field, frozen

from models.drift import members_of
from sagemaker_plans._wire.structures import structure_of
from sagemaker_plans.errors import InvalidRequestError, UnexpectedReplyError
from sagemaker_plans.models import (
    DeviceCounts,
    EdgeDeploymentPlan,
    EdgeDeploymentPlanSpec,
    FailureHandlingPolicy,
    PercentageOfFleet,
    Stage,
    StagePage,
    StageReport,
    StageStatus,
    TrainingPlanExtension,
)
from sagemaker_plans.models._wire_form import WireModel, spread, wire

STAGE: Final = Stage(
    name="canary",
    device_selection=PercentageOfFleet(5),
    failure_handling_policy=FailureHandlingPolicy.DO_NOTHING,
    status=StageStatus.INPROGRESS,
    devices=DeviceCounts(1, 2, 0),
).to_wire()


@frozen(kw_only=True)
class TomorrowsStage(Stage):
    colour: str | None = field(default=None, metadata=wire("DeploymentStatus.Colour"))


def with_status(**members: object) -> dict[str, object]:
    status = cast("dict[str, object]", STAGE["DeploymentStatus"])
    return {**STAGE, "DeploymentStatus": {**status, **members}}


def test_a_member_more_takes_one_line() -> None:
    wire = with_status(Colour="green")

    stage = TomorrowsStage.from_wire(wire)

    assert stage.colour == "green"
    assert stage.to_wire() == wire


def test_a_member_more_is_left_out_where_it_is_none() -> None:
    assert TomorrowsStage.from_wire(STAGE).to_wire() == STAGE


def test_a_member_more_has_its_path_in_errors() -> None:
    with pytest.raises(UnexpectedReplyError) as caught:
        TomorrowsStage.from_wire(with_status(Colour=7))
    assert caught.value.problems == ("DeploymentStatus.Colour: expected a string, got int 7",)


@frozen(kw_only=True)
class Part(WireModel):
    serial_number: str
    health_status: StageStatus | None = None


@frozen(kw_only=True)
class Whole(WireModel):
    """Every kind of declaration at once."""

    arn: str = field(metadata=wire("WholeArn"))
    duration_hours: int
    created_at: datetime | None = None
    upfront_fee: Decimal | None = None
    parts: tuple[Part, ...] = ()
    main_part: Part | None = None
    depth: int = field(default=0, metadata=wire("Outer.Inner.Depth"))
    main: Part | None = field(default=None, metadata=wire("Outer.Main", required=True))
    counts: DeviceCounts | None = field(default=None, metadata=spread("Outer.*Now", absent=0))


FULL: Final[Mapping[str, object]] = {
    "WholeArn": "arn",
    "DurationHours": 24,
    "CreatedAt": 1772323200,
    "UpfrontFee": "12.50",
    "Parts": [{"SerialNumber": "1", "HealthStatus": "FAILED"}, {"SerialNumber": "2"}],
    "MainPart": {"SerialNumber": "3"},
    "Outer": {
        "Inner": {"Depth": 5},
        "Main": {"SerialNumber": "4"},
        "EdgeDeploymentSuccessNow": 1,
        "EdgeDeploymentPendingNow": 0,
        "EdgeDeploymentFailedNow": 0,
    },
}


def test_every_kind_of_declaration_is_read() -> None:
    assert Whole.from_wire(FULL) == Whole(
        arn="arn",
        duration_hours=24,
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        upfront_fee=Decimal("12.50"),
        parts=(
            Part(serial_number="1", health_status=StageStatus.FAILED),
            Part(serial_number="2"),
        ),
        main_part=Part(serial_number="3"),
        depth=5,
        main=Part(serial_number="4"),
        counts=DeviceCounts(1, 0, 0),
    )


def test_every_kind_of_declaration_is_written() -> None:
    assert Whole.from_wire(FULL).to_wire() == FULL


def test_what_is_optional_has_its_default_where_it_is_absent() -> None:
    wire = {"WholeArn": "arn", "DurationHours": 24}

    assert Whole.from_wire(wire) == Whole(arn="arn", duration_hours=24)


def test_a_structure_that_may_be_absent_is_whole_where_it_is_there() -> None:
    with pytest.raises(UnexpectedReplyError) as caught:
        Whole.from_wire({"WholeArn": "arn", "DurationHours": 24, "Outer": {}})
    assert caught.value.problems == ("Outer.Main: required member is missing",)


def test_each_misfit_has_its_path_however_deep_it_is() -> None:
    outer: dict[str, object] = {
        "Inner": [],
        "Main": {"HealthStatus": 1},
        "EdgeDeploymentSuccessNow": "1",
        "EdgeDeploymentPendingNow": True,
    }
    parts: list[object] = [{}, 7]
    with pytest.raises(UnexpectedReplyError) as caught:
        Whole.from_wire({"DurationHours": None, "Parts": parts, "Outer": outer})
    assert set(caught.value.problems) == {
        "WholeArn: required member is missing",
        "DurationHours: expected a whole number, got null",
        "Parts[0].SerialNumber: required member is missing",
        "Parts[1]: expected an object, got int 7",
        "Outer.Inner: expected an object, got list []",
        "Outer.Main.SerialNumber: required member is missing",
        "Outer.Main.HealthStatus: expected a string, got int 1",
        "Outer.EdgeDeploymentSuccessNow: expected a whole number, got str '1'",
        "Outer.EdgeDeploymentPendingNow: expected a whole number, got bool True",
    }


def test_a_plan_alone_has_the_members_of_a_page_of_it_but_the_token() -> None:
    alone = {*members_of(structure_of(EdgeDeploymentPlan))}
    page = {*members_of(structure_of(StagePage))}

    assert {member.name for member in page - alone} == {"NextToken"}
    assert alone < page


def a_spec(**changes: object) -> dict[str, object]:
    selection = {"DeviceSubsetType": "PERCENTAGE", "Percentage": 101}
    stages = [{"StageName": "canary", "DeviceSelectionConfig": selection}]
    wire = {"EdgeDeploymentPlanName": "spring", "ModelConfigs": [], "Stages": stages}
    return {**wire, **changes}


def test_what_the_service_would_refuse_is_refused_in_a_list_too() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        EdgeDeploymentPlanSpec.from_wire(a_spec(DeviceFleetName="cameras"))
    assert str(caught.value) == (
        "StageSpec: device_selection.percentage: got 101; allowed are whole numbers from 1 to 100"
    )


def test_what_does_not_fit_is_told_before_what_would_be_refused() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        EdgeDeploymentPlanSpec.from_wire(a_spec())
    assert caught.value.problems == ("DeviceFleetName: required member is missing",)


def test_what_does_not_fit_a_report_is_told_too() -> None:
    with pytest.raises(UnexpectedReplyError) as caught:
        StageReport.from_wire({"Stage": STAGE, "Outcome": "lost", "WasStarted": 1})
    assert caught.value.problems == (
        (
            "Outcome: expected one of already_deployed, deployed, failed, stopped, under_way, "
            "not_started, got str 'lost'"
        ),
        "WasStarted: expected true or false, got int 1",
    )


def test_a_fee_that_is_no_text_is_one_problem_of_two_attributes() -> None:
    with pytest.raises(UnexpectedReplyError) as caught:
        TrainingPlanExtension.from_wire(
            {"TrainingPlanExtensionOfferingId": "tpeo-1", "UpfrontFee": 5}
        )
    assert caught.value.problems == ("UpfrontFee: expected a string, got int 5",)
