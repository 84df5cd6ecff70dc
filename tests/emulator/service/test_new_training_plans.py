"""New training plans: searched, bought, paid for; the capacity behind them; regions apart."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_plans.emulator import Refusal, Seed, Service, Timings
from sagemaker_plans.emulator._wire.members import Caller

HOUR = 3600.0
CREATE = "CreateTrainingPlan"
ULTRA: Any = {
    "instance_type": "ml.p6e-gb200.36xlarge",
    "instance_count": 36,
    "ultra_server_type": "ml.u-p6e-gb200x72",
    "ultra_server_count": 2,
}


@pytest.fixture
def service() -> Service:
    service = Service(seed=Seed(), timings=Timings(payment_seconds=100, history_lag=0))
    service.clock.hold()
    return service


def search(service: Service, region: str = "us-east-1", **request: Any) -> list[str]:
    caller = Caller(region=region)
    reply: Any = service.handle("SearchTrainingPlanOfferings", request, caller=caller)
    return [one["TrainingPlanOfferingId"] for one in reply["TrainingPlanOfferings"]]


def create(
    service: Service, offering: str, name: str = "p", region: str = "us-east-1", **more: Any
) -> str:
    request = {"TrainingPlanName": name, "TrainingPlanOfferingId": offering, **more}
    reply: Any = service.handle(CREATE, request, caller=Caller(region=region))
    return str(reply["TrainingPlanArn"])


def describe(service: Service, name: str = "p", region: str = "us-east-1") -> Any:
    request = {"TrainingPlanName": name}
    return service.handle("DescribeTrainingPlan", request, caller=Caller(region=region))


def test_a_plan_is_pending_until_it_is_paid_then_scheduled_active_and_expired(
    service: Service,
) -> None:
    offering = service.add_plan_offering(start_in_hours=1, duration_hours=24)
    arn = create(service, offering, Tags=[{"Key": "team", "Value": "vision"}])
    seen = [describe(service)["Status"]]
    for seconds in (100, HOUR - 100, 24 * HOUR):
        service.clock.advance(seconds)
        seen.append(describe(service, arn)["Status"])
    assert seen == ["Pending", "Scheduled", "Active", "Expired"]
    state: Any = service.snapshot()
    assert state["training_plans"][0]["Tags"] == {"team": "vision"}


def test_a_failed_payment_makes_a_failed_plan(service: Service) -> None:
    create(service, service.add_plan_offering(payment_fails=True))
    service.clock.advance(100)
    assert describe(service)["Status"] == "Failed"


def test_a_plan_is_as_its_offering_said(service: Service) -> None:
    offering = service.add_plan_offering(
        start_in_hours=2,
        duration_hours=48,
        upfront_fee="12.50",
        currency_code="EUR",
        instance_count=8,
        target_resources=["endpoint", "studio-apps"],
    )
    create(service, offering)
    plan = describe(service)
    assert plan["StartTime"] == service.clock.now() + 2 * HOUR
    assert plan["EndTime"] == plan["StartTime"] + 48 * HOUR
    assert (plan["UpfrontFee"], plan["CurrencyCode"]) == ("12.50", "EUR")
    assert plan["TotalInstanceCount"] == plan["AvailableInstanceCount"] == 8
    assert plan["TargetResources"] == ["endpoint", "studio-apps"]


def test_a_block_that_has_begun_starts_when_it_is_bought(service: Service) -> None:
    offering = service.add_plan_offering(start_in_hours=-2)
    create(service, offering)
    assert describe(service)["StartTime"] == service.clock.now()


def test_a_purchase_is_noted(service: Service) -> None:
    offering = service.add_plan_offering(upfront_fee="12.50")
    arn = create(service, offering)
    (purchase,) = service.purchases
    assert (purchase.offering_id, purchase.training_plan_arn) == (offering, arn)
    assert (purchase.upfront_fee, purchase.at) == ("12.50", service.clock.now())


def test_a_name_is_given_once_in_a_region(service: Service) -> None:
    offering = service.add_plan_offering(resellable=True)
    create(service, offering)
    with pytest.raises(Refusal, match="ResourceInUse: Training plan p already exists"):
        create(service, offering)
    # Even if the offering is gone: whoever sends again hears of the name.
    with pytest.raises(Refusal, match="ResourceInUse"):
        create(service, "tpo-unknown")
    create(service, service.add_plan_offering(region="eu-west-1"), region="eu-west-1")
    assert len(service.purchases) == 2


def test_an_offering_makes_one_plan_unless_it_is_resellable(service: Service) -> None:
    once, again = service.add_plan_offering(), service.add_plan_offering(resellable=True)
    create(service, once, "a")
    create(service, again, "b")
    assert search(service) == [again]
    with pytest.raises(Refusal, match="ResourceNotFound: Training plan offering"):
        create(service, once, "c")
    create(service, again, "d")


def test_unknown_sold_out_and_past_offerings_are_refused(service: Service) -> None:
    sold_out = service.add_plan_offering(sold_out=True)
    past = service.add_plan_offering(duration_hours=1, start_in_hours=-2)
    assert search(service) == [sold_out]
    for offering, refusal in (
        ("tpo-unknown", "ResourceNotFound"),
        (past, "ResourceNotFound"),
        (sold_out, "ResourceLimitExceeded"),
    ):
        with pytest.raises(Refusal, match=refusal):
            create(service, offering)
    assert service.purchases == ()


def test_a_new_plan_can_lag_behind_but_its_name_is_taken() -> None:
    service = Service(seed=Seed(), timings=Timings(history_lag=60))
    service.clock.hold()
    offering = service.add_plan_offering(resellable=True)
    create(service, offering)
    for request in ({"TrainingPlanName": "p"},):
        with pytest.raises(Refusal, match="ResourceNotFound"):
            service.handle("DescribeTrainingPlan", request)
    assert service.handle("ListTrainingPlans", {}) == {"TrainingPlanSummaries": []}
    with pytest.raises(Refusal, match="ResourceInUse"):
        create(service, offering)
    service.clock.advance(60)
    assert describe(service)["TrainingPlanName"] == "p"


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        ({}, "abc"),
        ({"InstanceType": "ml.p5.48xlarge"}, "ab"),
        ({"InstanceCount": 4}, "b"),
        ({"UltraServerType": "ml.u-p6e-gb200x72"}, "c"),
        ({"UltraServerCount": 2}, "c"),
        ({"UltraServerCount": 3}, ""),
        ({"DurationHours": 24}, "a"),
        ({"DurationHours": 25}, "b"),
        ({"DurationHours": 48}, "b"),
        ({"StartTimeAfter": 1e6 + HOUR}, "b"),
        ({"EndTimeBefore": 1e6 + 24 * HOUR}, "a"),
        ({"TargetResources": ["training-job"]}, "ab"),
        ({"TargetResources": ["hyperpod-cluster", "training-job"]}, "b"),
        ({"TargetResources": ["endpoint"]}, ""),
    ],
)
def test_offerings_are_found_by_what_is_asked(request_: dict[str, Any], found: str) -> None:
    from sagemaker_plans.emulator import Clock

    service = Service(seed=Seed(), clock=Clock(source=lambda: 0.0, start=1e6))
    service.add_plan_offering(offering_id="a", duration_hours=24)
    service.add_plan_offering(
        offering_id="b",
        duration_hours=48,
        start_in_hours=2,
        instance_count=4,
        target_resources=["training-job", "hyperpod-cluster"],
    )
    service.add_plan_offering(offering_id="c", target_resources=["hyperpod-cluster"], **ULTRA)
    assert "".join(search(service, **request_)) == found


def test_a_search_tells_what_was_asked_and_lists_three_at_most(service: Service) -> None:
    for _ in range(4):
        service.add_plan_offering()
    request = {"StartTimeAfter": 0.0, "EndTimeBefore": 4e9}
    reply: Any = service.handle("SearchTrainingPlanOfferings", request)
    first, *others = reply["TrainingPlanOfferings"]
    assert len(others) == 2
    assert first["RequestedStartTimeAfter"] == 0.0
    assert first["RequestedEndTimeBefore"] == 4e9


# --- capacity


def capacity_of(service: Service, name: str = "p") -> str:
    (summary,) = describe(service, name)["ReservedCapacitySummaries"]
    return str(summary["ReservedCapacityArn"])


def servers(service: Service, arn: str, **request: Any) -> Any:
    return service.handle(
        "ListUltraServersByReservedCapacity", {"ReservedCapacityArn": arn, **request}
    )


@pytest.mark.parametrize(
    ("spares", "kept"), [({}, 1), ({"SpareInstanceCountPerUltraServer": 3}, 3)]
)
def test_a_plan_of_ultra_servers_keeps_spares(
    service: Service, spares: dict[str, Any], kept: int
) -> None:
    create(service, service.add_plan_offering(**ULTRA), **spares)
    plan = describe(service)
    assert plan["TotalUltraServerCount"] == 2
    assert plan["AvailableSpareInstanceCount"] == 2 * kept
    assert plan["AvailableInstanceCount"] == 36 - 2 * kept
    first, second = servers(service, capacity_of(service))["UltraServers"]
    assert first["UltraServerId"] != second["UltraServerId"]
    assert first["ConfiguredSpareInstanceCount"] == kept
    assert first["HealthStatus"] == "OK"


@pytest.mark.parametrize(("spares", "left", "spare"), [(0, 35, 0), (1, 34, 1)])
def test_a_spare_replaces_an_unhealthy_instance(
    service: Service, spares: int, left: int, spare: int
) -> None:
    service.add_training_plan("p", spare_instances=spares, impaired_ultra_servers=1, **ULTRA)
    plan = describe(service)
    assert plan["AvailableInstanceCount"] == left
    assert plan["AvailableSpareInstanceCount"] == spare
    assert plan["UnhealthyInstanceCount"] == 1
    found = servers(service, capacity_of(service))["UltraServers"]
    assert [one["HealthStatus"] for one in found] == ["Impaired", "OK"]
    assert [one["UnhealthyInstanceCount"] for one in found] == [1, 0]
    assert sum(one["AvailableInstanceCount"] for one in found) == left
    reply: Any = service.handle(
        "DescribeReservedCapacity", {"ReservedCapacityArn": capacity_of(service)}
    )
    assert reply["UltraServerSummary"]["UnhealthyInstanceCount"] == 1
    assert reply["AvailableInstanceCount"] == left


def test_ultra_servers_come_ten_to_a_page(service: Service) -> None:
    service.add_training_plan(
        "p", instance_count=24, ultra_server_type="ml.u-x", ultra_server_count=12
    )
    first = servers(service, capacity_of(service))
    second = servers(service, capacity_of(service), NextToken=first["NextToken"])
    assert [len(page["UltraServers"]) for page in (first, second)] == [10, 2]
    assert "NextToken" not in second


def test_a_capacity_without_ultra_servers_has_none(service: Service) -> None:
    service.add_training_plan("p")
    arn = capacity_of(service)
    assert servers(service, arn) == {"UltraServers": []}
    reply: Any = service.handle("DescribeReservedCapacity", {"ReservedCapacityArn": arn})
    assert reply["ReservedCapacityType"] == "Instance"
    assert "UltraServerSummary" not in reply


def test_a_capacity_that_is_not_there_is_not_found(service: Service) -> None:
    service.add_training_plan("p")
    for arn, region in (
        (capacity_of(service) + "x", "us-east-1"),
        (capacity_of(service), "eu-west-1"),
    ):
        for operation in ("DescribeReservedCapacity", "ListUltraServersByReservedCapacity"):
            request = {"ReservedCapacityArn": arn}
            with pytest.raises(Refusal, match="ResourceNotFound: Reserved capacity"):
                service.handle(operation, request, caller=Caller(region=region))


@pytest.mark.parametrize(
    ("numbers", "problem"),
    [
        ({"ultra_server_count": 2}, "need a type"),
        ({"ultra_server_type": "ml.u-x"}, "among 0 UltraServers"),
        ({"ultra_server_type": "ml.u-x", "ultra_server_count": 3}, "2 instances cannot be shared"),
        (
            {
                "ultra_server_type": "ml.u-x",
                "ultra_server_count": 2,
                "impaired_ultra_servers": 3,
            },
            "3 of 2 UltraServers cannot be impaired",
        ),
    ],
)
def test_numbers_of_ultra_servers_that_do_not_fit_are_refused(
    service: Service, numbers: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        service.add_training_plan("p", **numbers)
    if "impaired_ultra_servers" not in numbers:
        with pytest.raises(ValueError, match=problem):
            service.add_plan_offering(**numbers)


def test_an_offering_of_a_plan_has_whole_hours_and_one_region(service: Service) -> None:
    hours: Any = 1.5
    with pytest.raises(ValueError, match=r"duration_hours must be a whole number .*, not 1\.5"):
        service.add_plan_offering(duration_hours=hours)
    service.add_plan_offering(offering_id="tpo-1")
    service.add_plan_offering(offering_id="tpo-1", upfront_fee="2.00")
    with pytest.raises(ValueError, match="tpo-1 is on sale in us-east-1 already"):
        service.add_plan_offering(offering_id="tpo-1", region="eu-west-1")


# --- regions and partitions


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_an_arn_is_of_the_callers_region_and_partition(
    service: Service, region: str, partition: str
) -> None:
    arn = create(service, service.add_plan_offering(region=region), region=region)
    assert arn == f"arn:{partition}:sagemaker:{region}:123456789012:training-plan/p"
    seeded = service.add_training_plan("seeded", region=region)
    assert seeded.startswith(f"arn:{partition}:sagemaker:{region}:")


def test_regions_see_nothing_of_each_other(service: Service) -> None:
    arn = service.add_training_plan("p", region="eu-west-1")
    offering = service.add_extension_offering(arn)
    service.add_plan_offering(region="eu-west-1")
    for operation, request in (
        ("DescribeTrainingPlan", {"TrainingPlanName": "p"}),
        ("DescribeTrainingPlan", {"TrainingPlanName": arn}),
        ("DescribeTrainingPlanExtensionHistory", {"TrainingPlanArn": arn}),
        ("SearchTrainingPlanOfferings", {"TrainingPlanArn": arn}),
        ("ExtendTrainingPlan", {"TrainingPlanExtensionOfferingId": offering}),
    ):
        with pytest.raises(Refusal, match="ResourceNotFound"):
            service.handle(operation, request)
    assert service.handle("ListTrainingPlans", {}) == {"TrainingPlanSummaries": []}
    assert search(service) == []
    assert service.purchases == ()
    assert describe(service, region="eu-west-1")["TrainingPlanArn"] == arn
    assert len(search(service, "eu-west-1")) == 1


def test_an_extension_offering_is_for_one_plan(service: Service) -> None:
    one, other = service.add_training_plan("one"), service.add_training_plan("other")
    service.add_extension_offering(one, offering_id="tpeo-1")
    service.add_extension_offering(one, offering_id="tpeo-1", upfront_fee="2.00")
    with pytest.raises(ValueError, match=f"the offering tpeo-1 is for {one} already"):
        service.add_extension_offering(other, offering_id="tpeo-1")


def test_the_end_moves_when_an_extension_is_paid(service: Service) -> None:
    arn = service.add_training_plan("p")
    before = describe(service)["EndTime"]
    offering = service.add_extension_offering(arn)
    service.handle("ExtendTrainingPlan", {"TrainingPlanExtensionOfferingId": offering})
    assert describe(service)["EndTime"] == before
    service.clock.advance(100)
    assert describe(service)["EndTime"] == before + 24 * HOUR
