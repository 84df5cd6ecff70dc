"""What training plans tell beyond their members: until when they serve, and as a table."""

from datetime import UTC, datetime, timedelta

import pytest

from sagemaker_plans.errors import InvalidRequestError
from sagemaker_plans.models import (
    ReservedCapacity,
    ReservedCapacityOffering,
    ReservedCapacityStatus,
    ReservedCapacitySummary,
    TargetResource,
    TrainingPlan,
    TrainingPlanOffering,
    TrainingPlanPage,
    TrainingPlanStatus,
    UltraServer,
    UltraServerHealth,
    UltraServerPage,
)
from sagemaker_plans.models import _training_checks as plan_checks

END = datetime(2027, 3, 1, 11, 30, tzinfo=UTC)
HALF_AN_HOUR = END - timedelta(minutes=30)
AN_HOUR = END - timedelta(hours=1)


def plan(*targets: TargetResource, end: datetime | None = END) -> TrainingPlan:
    return TrainingPlan(
        arn="arn",
        name="demo",
        status=TrainingPlanStatus.ACTIVE,
        end_time=end,
        target_resources=targets,
    )


@pytest.mark.parametrize(
    ("targets", "asked", "expected"),
    [
        ((TargetResource.TRAINING_JOB,), None, HALF_AN_HOUR),
        ((TargetResource.HYPERPOD_CLUSTER,), None, AN_HOUR),
        ((TargetResource.TRAINING_JOB, TargetResource.HYPERPOD_CLUSTER), None, AN_HOUR),
        ((TargetResource.TRAINING_JOB, TargetResource.ENDPOINT), None, AN_HOUR),
        ((), None, AN_HOUR),
        ((TargetResource("balloon"),), None, AN_HOUR),
        ((TargetResource.HYPERPOD_CLUSTER,), TargetResource.TRAINING_JOB, HALF_AN_HOUR),
        ((TargetResource.HYPERPOD_CLUSTER,), "training-job", HALF_AN_HOUR),
        ((TargetResource.TRAINING_JOB,), "hyperpod-cluster", AN_HOUR),
        ((TargetResource.TRAINING_JOB,), "studio-apps", AN_HOUR),
        ((TargetResource.TRAINING_JOB,), "balloon", AN_HOUR),
    ],
)
def test_the_machines_can_be_used_until_some_time_before_the_end(
    targets: tuple[TargetResource, ...], asked: TargetResource | str | None, expected: datetime
) -> None:
    assert plan(*targets).usable_until(asked) == expected


def test_a_plan_without_an_end_does_not_tell() -> None:
    assert plan(TargetResource.TRAINING_JOB, end=None).usable_until() is None


@pytest.mark.parametrize("target", ["", 7, b"training-job"])
def test_a_target_that_is_none_is_refused(target: object) -> None:
    with pytest.raises(InvalidRequestError, match="usable_until: target: a string"):
        plan().usable_until(target)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize(
    ("hours", "minutes", "expected"),
    [
        (None, None, None),
        (24, None, timedelta(days=1)),
        (24, 0, timedelta(days=1)),
        (None, 35, timedelta(minutes=35)),
        (74, 35, timedelta(hours=74, minutes=35)),
    ],
)
def test_a_length_is_one_of_hours_and_minutes(
    hours: int | None, minutes: int | None, expected: timedelta | None
) -> None:
    wire: dict[str, object] = {
        "TrainingPlanArn": "arn",
        "TrainingPlanName": "demo",
        "Status": "Active",
        "TrainingPlanOfferingId": "tpo-1",
        "TargetResources": [],
        "ReservedCapacityArn": "arn",
        "InstanceType": "ml.p5.48xlarge",
        "TotalInstanceCount": 2,
        "InstanceCount": 2,
        **({} if hours is None else {"DurationHours": hours}),
        **({} if minutes is None else {"DurationMinutes": minutes}),
    }
    models = (
        TrainingPlan,
        TrainingPlanOffering,
        ReservedCapacity,
        ReservedCapacitySummary,
        ReservedCapacityOffering,
    )
    assert [model.from_wire(wire).duration for model in models] == [expected] * len(models)


@pytest.mark.parametrize("status", TrainingPlanStatus)
def test_a_plan_that_is_over_stays_so(status: TrainingPlanStatus) -> None:
    assert status.is_terminal is (status in {"Expired", "Failed"})


@pytest.mark.parametrize("text", ["PENDING", "pending", "Paused", ""])
def test_a_value_that_is_spelled_like_a_members_name_is_unknown(text: str) -> None:
    assert TrainingPlanStatus(text).is_unknown
    assert TrainingPlanStatus(text) != TrainingPlanStatus.PENDING


def test_an_unknown_status_is_not_the_end() -> None:
    assert not TrainingPlanStatus("Paused").is_terminal


def test_what_the_service_says_is_not_checked_against_its_patterns() -> None:
    # The pattern of zones rejects real ones, such as those of Local Zones.
    capacity = ReservedCapacitySummary.from_wire(
        {
            "ReservedCapacityArn": "somewhere",
            "InstanceType": "ml.p99.huge",
            "TotalInstanceCount": 10**9,
            "Status": "Sleeping",
            "AvailabilityZone": "us-west-2-LAX-1A",
            "AvailabilityZoneId": "usw2-lax1-az1",
        }
    )
    assert capacity.availability_zone_id == "usw2-lax1-az1"
    assert capacity.status == ReservedCapacityStatus("Sleeping")


# --- tables of notebooks


def html_of(model: TrainingPlan | TrainingPlanPage | TrainingPlanOffering | UltraServer) -> str:
    return model._repr_html_()


def test_a_plan_is_a_table() -> None:
    drawn = html_of(
        TrainingPlan(
            arn="arn",
            name="<b>demo",
            status=TrainingPlanStatus.PENDING,
            status_message="the payment & so on",
            start_time=END - timedelta(days=7),
            end_time=END,
            upfront_fee_text="1234.50",
            currency_code="USD",
            total_instance_count=1024,
            target_resources=(TargetResource.TRAINING_JOB, TargetResource.ENDPOINT),
        )
    )
    for words in (
        *("&lt;b&gt;demo", "Pending: the payment &amp; so on", "2027-02-22 11:30:00"),
        *("2027-03-01 11:30:00", "2027-03-01 10:30:00", "1234.50 USD", "1,024"),
        "training-job, endpoint",
    ):
        assert words in drawn
    assert "<b>demo" not in drawn


def test_a_page_is_a_table_of_its_plans() -> None:
    page = TrainingPlanPage(training_plans=(plan(), plan()), next_token=None)
    assert html_of(page).count("<tr>") == 3


def test_an_offering_is_a_table_with_a_row_for_each_block() -> None:
    block = ReservedCapacityOffering(
        instance_type="ml.p5.48xlarge", instance_count=4, start_time=AN_HOUR, end_time=END
    )
    offering = TrainingPlanOffering(
        offering_id="tpo-1",
        target_resources=(TargetResource.TRAINING_JOB,),
        duration_hours=74,
        duration_minutes=30,
        upfront_fee_text="9.50",
        reserved_capacity_offerings=(block, block),
    )
    drawn = html_of(offering)
    assert drawn.count("<tr>") == 3
    assert drawn.count("4 x ml.p5.48xlarge") == 2
    assert drawn.count("tpo-1") == drawn.count("74.5") == drawn.count("training-job") == 1


def test_an_offering_without_blocks_is_a_table_too() -> None:
    drawn = html_of(TrainingPlanOffering(offering_id="tpo-1", target_resources=()))
    assert drawn.count("<tr>") == 2
    assert "unknown" in drawn


def test_ultra_servers_are_a_table() -> None:
    server = UltraServer(
        id="us-1",
        type="ml.u-p6e-gb200x72",
        availability_zone="us-east-1a",
        instance_type="ml.p6e-gb200.36xlarge",
        total_instance_count=18,
        unhealthy_instance_count=1,
        health_status=UltraServerHealth.IMPAIRED,
    )
    assert "Impaired" in html_of(server)
    page = UltraServerPage(ultra_servers=(server,), next_token="t")
    assert page._repr_html_() == html_of(server)


# --- what is checked before anything is sent; the methods' own tests are in tests/training

NAMES = ("demo", "d", "a--b", "A1", "x" * 64)
NO_NAMES = ("", "-demo", "demo-", "de mo", "x" * 65, "d\u00e9mo", None, 7)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/"


@pytest.mark.parametrize("name", NAMES)
def test_names_of_training_plans(name: str) -> None:
    assert [*plan_checks.training_plan_name("name", name)] == []
    assert [*plan_checks.training_plan_name_or_arn("name", name)] == []
    assert [*plan_checks.training_plan_name_or_arn("name", ARN + name)] == []


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_of_a_training_plan(name: object) -> None:
    assert "name: got" in "".join(plan_checks.training_plan_name("name", name))
    assert "name: got" in "".join(plan_checks.training_plan_name_or_arn("name", name))
    assert "name: got" in "".join(plan_checks.training_plan_name_or_arn("name", f"{ARN}-{name}-"))


@pytest.mark.parametrize("offering", ["tpo-1", "a" * 256, "-"])
def test_ids_of_offerings(offering: str) -> None:
    assert [*plan_checks.training_plan_offering_id("offering_id", offering)] == []


@pytest.mark.parametrize("offering", ["", "TPO-1", "a" * 257, "a b", None, 7])
def test_what_is_no_id_of_an_offering(offering: object) -> None:
    assert "offering_id: got" in "".join(
        plan_checks.training_plan_offering_id("offering_id", offering)
    )
