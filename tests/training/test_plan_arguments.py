"""What is checked of the questions about training plans, before anything is sent."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from edge.books import Book
from sagemaker_plans import (
    InvalidRequestError,
    TargetResource,
    TrainingPlanOffering,
    TrainingPlanStatus,
)
from sagemaker_plans._training.training_plans import TrainingPlans

pytestmark = pytest.mark.anyio

NAIVE = datetime(2027, 1, 1)
LAST = datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))
MOMENT = datetime(2027, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
CAPACITY = "arn:aws:sagemaker:us-east-1:123456789012:reserved-capacity/demo"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def empty() -> Book:
    lists = ("TrainingPlanSummaries", "UltraServers", "TrainingPlanOfferings")
    return Book(lambda _: {name: [] for name in lists})


Ask = Callable[[TrainingPlans, dict[str, Any]], Awaitable[object]]
ASK: dict[str, Ask] = {
    "describe": lambda plans, asked: plans.describe(**asked),
    "list": lambda plans, asked: plans.list(**asked).collect(),
    "search_offerings": lambda plans, asked: plans.search_offerings(**asked),
    "reserved_capacity": lambda plans, asked: plans.reserved_capacity(**asked),
    "ultra_servers": lambda plans, asked: plans.ultra_servers(**asked).collect(),
}


@pytest.mark.parametrize(
    ("method", "asked", "problem"),
    [
        ("describe", {"name_or_arn": ""}, "name_or_arn: got ''"),
        ("describe", {"name_or_arn": CAPACITY}, "name_or_arn: got 'arn:aws:sagemaker"),
        ("list", {"status": ""}, "status: got ''; allowed are Pending, Active, Scheduled, Exp"),
        ("list", {"status": 7}, "status: got 7"),
        ("list", {"status": "Actve"}, "status: got 'Actve'"),
        ("list", {"status": TrainingPlanStatus("x" * 65)}, "status: got .*up to 64 characters"),
        ("list", {"start_after": NAIVE}, "start_after: got .*with a time zone"),
        ("list", {"start_after": LAST}, "start_after: got .*datetimes that exist in UTC"),
        ("list", {"start_before": "2027"}, "start_before: got '2027'"),
        ("list", {"sort_by": "name"}, "sort_by: got 'name'; allowed are TrainingPlanName, Start"),
        ("list", {"sort_order": ["up"]}, "sort_order: got .*allowed are Ascending, Descending"),
        ("list", {"page_size": 101}, "page_size: got 101"),
        ("list", {"start_token": ""}, "start_token: got ''"),
        ("search_offerings", {"instance_type": " "}, "instance_type: a string"),
        ("search_offerings", {"instance_count": -1}, "instance_count: got -1.*0 to 256"),
        ("search_offerings", {"instance_count": 257}, "instance_count: got 257"),
        ("search_offerings", {"ultra_server_type": "ML.X"}, "ultra_server_type: got 'ML.X'"),
        ("search_offerings", {"ultra_server_type": 7}, "ultra_server_type: got 7"),
        ("search_offerings", {"ultra_server_type": "ml." + "x" * 62}, "ultra_server_type: got"),
        ("search_offerings", {"ultra_server_count": 0}, "ultra_server_count: got 0"),
        ("search_offerings", {"start_time_after": NAIVE}, "start_time_after: got"),
        ("search_offerings", {"end_time_before": 5}, "end_time_before: got 5"),
        ("search_offerings", {"duration_hours": 0}, "duration_hours: got 0.*1 to 87,600"),
        ("search_offerings", {"target_resources": []}, "target_resources: got an empty list"),
        ("search_offerings", {"target_resources": "endpoint"}, "target_resources: a list"),
        ("search_offerings", {"target_resources": ["x", ""]}, r"target_resources\[1\]: a string"),
        ("reserved_capacity", {"reserved_capacity_arn": "demo"}, "reserved_capacity_arn: got"),
        ("reserved_capacity", {"reserved_capacity_arn": 7}, "reserved_capacity_arn: got 7"),
        (
            "reserved_capacity",
            {"reserved_capacity_arn": CAPACITY.replace("reserved-capacity", "training-plan")},
            "reserved_capacity_arn: got",
        ),
        ("ultra_servers", {"reserved_capacity_arn": "demo"}, "reserved_capacity_arn: got"),
        (
            "ultra_servers",
            {"reserved_capacity_arn": CAPACITY, "page_size": 0},
            "page_size: got 0",
        ),
    ],
)
async def test_what_is_out_of_range_is_refused_before_anything_is_sent(
    method: str, asked: dict[str, Any], problem: str
) -> None:
    book = empty()

    with pytest.raises(InvalidRequestError, match=problem) as caught:
        await ASK[method](book.training_plans, asked)

    assert str(caught.value).startswith(f"{method}: ")
    assert caught.value.operation is not None
    assert book.requests == []


async def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await empty().training_plans.search_offerings(instance_count=-1, duration_hours=0)
    assert len(caught.value.problems) == 2


async def test_all_that_is_asked_for_is_sent() -> None:
    book = empty()
    plans = book.training_plans

    await plans.list().collect()
    await plans.list(
        status=TrainingPlanStatus.ACTIVE,
        start_after=MOMENT,
        start_before=MOMENT + timedelta(milliseconds=500),
        sort_by="StartTime",
        sort_order="Descending",
        page_size=5,
        start_token="t",
    ).collect()
    await plans.search_offerings()
    await plans.search_offerings(
        instance_type="ml.p5.48xlarge",
        instance_count=4,
        ultra_server_type="ml.u-p6e-gb200x72",
        ultra_server_count=1,
        start_time_after=MOMENT,
        end_time_before=MOMENT,
        duration_hours=48,
        target_resources=iter([TargetResource.HYPERPOD_CLUSTER, "balloon"]),
    )
    await plans.ultra_servers(CAPACITY, page_size=7, start_token="u").collect()

    seconds = int(datetime(2027, 1, 1, 10, tzinfo=UTC).timestamp())
    assert book.requests == [
        ("ListTrainingPlans", {}),
        (
            "ListTrainingPlans",
            {
                "Filters": [{"Name": "Status", "Value": "Active"}],
                "StartTimeAfter": seconds,
                "StartTimeBefore": seconds + 0.5,
                "SortBy": "StartTime",
                "SortOrder": "Descending",
                "MaxResults": 5,
                "NextToken": "t",
            },
        ),
        ("SearchTrainingPlanOfferings", {}),
        (
            "SearchTrainingPlanOfferings",
            {
                "InstanceType": "ml.p5.48xlarge",
                "InstanceCount": 4,
                "UltraServerType": "ml.u-p6e-gb200x72",
                "UltraServerCount": 1,
                "StartTimeAfter": seconds,
                "EndTimeBefore": seconds,
                "DurationHours": 48,
                "TargetResources": ["hyperpod-cluster", "balloon"],
            },
        ),
        (
            "ListUltraServersByReservedCapacity",
            {"ReservedCapacityArn": CAPACITY, "MaxResults": 7, "NextToken": "u"},
        ),
    ]


ODD_OFFERINGS: dict[str, tuple[dict[str, Any], str]] = {
    "no-targets": ({"target_resources": None}, "offering_id: TargetResources: required member"),
    "text": ({"duration_hours": "24"}, "offering_id: DurationHours: expected a whole number"),
    "no-capacity": (
        {"reserved_capacity_offerings": 5},
        "offering_id: got an offering with a value of the wrong type: ",
    ),
    "signalling": (
        {"upfront_fee": Decimal("sNaN")},
        "offering_id.upfront_fee: got D.*sNaN",
    ),
    "float": ({"upfront_fee": 1.5}, "offering_id.upfront_fee: got 1.5; allowed are a Decimal"),
}


@pytest.mark.parametrize(("odd", "problem"), ODD_OFFERINGS.values(), ids=ODD_OFFERINGS)
async def test_an_offering_made_by_hand_is_checked_before_it_is_bought(
    odd: dict[str, Any], problem: str
) -> None:
    # What is bought is compared with it, and that must not fail after the purchase.
    sane: dict[str, Any] = {"offering_id": "tpo-1", "target_resources": ("training-job",)}
    book = empty()
    with pytest.raises(InvalidRequestError, match=problem):
        await book.training_plans.create("big", TrainingPlanOffering(**sane | odd))
    assert book.requests == []
