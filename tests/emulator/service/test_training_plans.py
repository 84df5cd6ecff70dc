from __future__ import annotations

from typing import Any

import pytest

from emulator.requests_made import OFFERING, extend, history
from sagemaker_plans.emulator import Clock, Purchase, Refusal, Service, Timings

DAY = 86_400.0


def offerings(service: Service, **more: Any) -> list[str]:
    request = {"TrainingPlanArn": service.training_plan_arns[0], **more}
    reply: Any = service.handle("SearchTrainingPlanOfferings", request)
    assert reply["TrainingPlanOfferings"] == []
    return [
        one["TrainingPlanExtensionOfferingId"] for one in reply["TrainingPlanExtensionOfferings"]
    ]


def plan(service: Service, name: str = "demo-plan") -> Any:
    return service.handle("DescribeTrainingPlan", {"TrainingPlanName": name})


def names(service: Service, **request: Any) -> list[str]:
    reply: Any = service.handle("ListTrainingPlans", request)
    return [one["TrainingPlanName"] for one in reply["TrainingPlanSummaries"]]


def test_a_purchase_extends_the_plan_once_it_is_paid(service: Service) -> None:
    before = plan(service)
    (bought,) = extend(service)["TrainingPlanExtensions"]
    assert (bought["Status"], bought["PaymentStatus"]) == ("Pending", "Pending")
    assert bought["StartDate"] == before["EndTime"]
    assert bought["EndDate"] == before["EndTime"] + DAY
    assert bought["UpfrontFee"] == "1234.50"
    assert bought["ExtendedAt"] == service.clock.now()
    service.clock.advance(0.5)
    (paid,) = history(service)["TrainingPlanExtensions"]
    assert (paid["Status"], paid["PaymentStatus"]) == ("Scheduled", "Completed")
    assert plan(service)["EndTime"] == before["EndTime"] + DAY
    assert plan(service)["DurationHours"] == before["DurationHours"] + 24


def test_an_extension_becomes_active_and_expires(service: Service) -> None:
    extend(service)
    seen: list[Any] = []
    for days in (29, 1):
        service.clock.advance(days * DAY)
        (one,) = history(service)["TrainingPlanExtensions"]
        seen.append((one["Status"], plan(service)["Status"]))
    assert seen == [("Active", "Active"), ("Expired", "Expired")]


def test_the_reply_lists_all_extensions_of_the_plan(service: Service) -> None:
    extend(service)
    service.clock.advance(1)
    reply = extend(service, "tpeo-0123456789abcde0")
    assert [one["TrainingPlanExtensionOfferingId"] for one in reply["TrainingPlanExtensions"]] == [
        OFFERING,
        "tpeo-0123456789abcde0",
    ]
    first, second = reply["TrainingPlanExtensions"]
    assert second["StartDate"] == first["EndDate"]


def test_a_failed_payment_extends_nothing(service: Service) -> None:
    before = plan(service)["EndTime"]
    arn = service.training_plan_arns[0]
    offering = service.add_extension_offering(arn, payment_fails=True)
    extend(service, offering)
    service.clock.advance(1)
    (one,) = history(service)["TrainingPlanExtensions"]
    assert (one["Status"], one["PaymentStatus"]) == ("Failed", "Failed")
    assert plan(service)["EndTime"] == before


def test_a_pending_payment_forbids_another_purchase(service: Service) -> None:
    extend(service)
    with pytest.raises(Refusal, match="ConflictException: Another extension"):
        extend(service, "tpeo-0123456789abcde0")
    assert len(service.purchases) == 1


def test_an_offering_is_sold_once(service: Service) -> None:
    extend(service)
    service.clock.advance(1)
    assert OFFERING not in offerings(service)
    with pytest.raises(Refusal, match=r"ConflictException: The offering .* was already purchased"):
        extend(service)
    assert len(service.purchases) == 1


def test_a_resellable_offering_is_sold_and_charged_twice(service: Service) -> None:
    arn = service.training_plan_arns[0]
    service.add_extension_offering(arn, offering_id=OFFERING, resellable=True)
    extend(service)
    service.clock.advance(1)
    assert OFFERING in offerings(service)
    assert len(extend(service)["TrainingPlanExtensions"]) == 2
    assert [one.offering_id for one in service.purchases] == [OFFERING, OFFERING]


def test_a_sold_out_offering_is_listed_and_refused(service: Service) -> None:
    arn = service.training_plan_arns[0]
    offering = service.add_extension_offering(arn, sold_out=True)
    assert offering in offerings(service)
    with pytest.raises(Refusal, match=r"ResourceLimitExceeded.*sold out"):
        extend(service, offering)
    assert service.purchases == ()


def test_an_unknown_offering_is_not_found(service: Service) -> None:
    with pytest.raises(Refusal, match="ResourceNotFound: Training plan extension offering"):
        extend(service, "tpeo-ffffffffffffffff")


@pytest.mark.parametrize("status", ["Pending", "Expired", "Failed"])
def test_only_running_and_scheduled_plans_are_extended(service: Service, status: Any) -> None:
    arn = service.add_training_plan("other", status=status)
    offering = service.add_extension_offering(arn)
    with pytest.raises(Refusal, match=f"ValidationException: .* while it is {status}"):
        extend(service, offering)


def test_a_scheduled_plan_can_be_extended(service: Service) -> None:
    arn = service.add_training_plan("later", start_in_hours=10)
    assert plan(service, "later")["Status"] == "Scheduled"
    extend(service, service.add_extension_offering(arn))
    assert service.purchases[0].training_plan_arn == arn


def test_the_last_hour_is_too_late(service: Service) -> None:
    service.clock.advance(29 * DAY - 3601)
    assert offerings(service)
    service.clock.advance(1)
    with pytest.raises(Refusal, match=r"ValidationException: .* ends in less than an hour"):
        extend(service)


def test_purchases_tell_what_was_bought(service: Service) -> None:
    extend(service)
    assert service.purchases == (
        Purchase(
            offering_id=OFFERING,
            training_plan_arn=service.training_plan_arns[0],
            at=service.clock.now(),
            request_id="in-process",
            upfront_fee="1234.50",
            currency_code="USD",
        ),
    )


def test_offerings_are_found_by_their_length(service: Service) -> None:
    assert offerings(service, DurationHours=48) == ["tpeo-0123456789abcde0"]
    assert offerings(service, DurationHours=47) == []
    assert len(offerings(service)) == 3


def test_unknown_plans_are_not_found(service: Service) -> None:
    arn = service.training_plan_arns[0] + "x"
    for operation, request in (
        ("SearchTrainingPlanOfferings", {"TrainingPlanArn": arn}),
        ("DescribeTrainingPlanExtensionHistory", {"TrainingPlanArn": arn}),
        ("DescribeTrainingPlan", {"TrainingPlanName": "nobody"}),
    ):
        with pytest.raises(Refusal, match="ResourceNotFound: Training plan"):
            service.handle(operation, request)


def test_the_history_can_lag_behind() -> None:
    service = Service(timings=Timings(history_lag=5))
    service.clock.hold()
    extend(service)
    assert history(service)["TrainingPlanExtensions"] == []
    service.clock.advance(5)
    assert len(history(service)["TrainingPlanExtensions"]) == 1


@pytest.mark.parametrize("size", range(1, 5))
def test_the_history_comes_in_pages(service: Service, size: int) -> None:
    for offering in ("tpeo-0123456789abcde1", OFFERING, "tpeo-0123456789abcde0"):
        extend(service, offering)
        service.clock.advance(1)
    found: list[str] = []
    more: dict[str, Any] = {}
    while True:
        reply = history(service, MaxResults=size, **more)
        found += [one["TrainingPlanExtensionOfferingId"] for one in reply["TrainingPlanExtensions"]]
        if "NextToken" not in reply:
            break
        more["NextToken"] = reply["NextToken"]
    assert found == ["tpeo-0123456789abcde1", OFFERING, "tpeo-0123456789abcde0"]


def test_a_plan_is_described_by_name_and_by_arn(service: Service) -> None:
    found = plan(service)
    assert found["TrainingPlanName"] == "demo-plan"
    assert found == plan(service, found["TrainingPlanArn"])


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, ["b", "c", "a"]),
        ({"SortOrder": "Descending"}, ["a", "c", "b"]),
        ({"SortBy": "TrainingPlanName"}, ["a", "b", "c"]),
        ({"SortBy": "Status"}, ["b", "c", "a"]),
        ({"Filters": [{"Name": "Status", "Value": "Scheduled"}]}, ["a"]),
        ({"StartTimeAfter": 1e6}, ["c", "a"]),
        ({"StartTimeBefore": 1e6}, ["b", "c"]),
        ({"MaxResults": 2}, ["b", "c"]),
    ],
)
def test_plans_are_filtered_and_sorted(request_: dict[str, Any], expected: list[str]) -> None:
    from sagemaker_plans.emulator import Seed

    service = Service(clock=Clock(source=lambda: 0.0, start=1e6), seed=Seed())
    service.add_training_plan("a", start_in_hours=5)
    service.add_training_plan("b", start_in_hours=-1)
    service.add_training_plan("c", start_in_hours=0)
    service.add_training_plan("elsewhere", start_in_hours=0, region="eu-west-1")
    assert names(service, **request_) == expected


def test_a_second_plan_of_a_name_and_an_offering_without_a_plan_are_refused(
    service: Service,
) -> None:
    with pytest.raises(ValueError, match=r"the training plan .* exists already"):
        service.add_training_plan("demo-plan")
    with pytest.raises(ValueError, match="there is no training plan"):
        service.add_extension_offering("arn:aws:nothing")


def test_the_duration_of_an_offering_is_a_whole_number(service: Service) -> None:
    hours: Any = "24"
    with pytest.raises(ValueError, match=r"duration_hours must be a whole number .*, not '24'"):
        service.add_extension_offering(next(iter(service.training_plan_arns)), duration_hours=hours)
