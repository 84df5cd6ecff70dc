"""Waits for training plans and their extensions, in virtual time on both event loops."""

import logging
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest

from sagemaker_plans import (
    AccessDeniedError,
    ConnectionFailedError,
    InvalidRequestError,
    OutcomeUnknownError,
    PollSchedule,
    PurchaseFailedError,
    ResourceNotFoundError,
    SageMakerPlansError,
    ThrottledError,
    TrainingPlan,
    TrainingPlanEndedError,
    TrainingPlanExtension,
    TrainingPlanStatus,
    WaitTimeoutError,
)
from training.virtual_training import DESCRIBE, HISTORY, VirtualTraining
from waiting.virtual_plans import virtually

HOUR = 3600.0


def throttled() -> ThrottledError:
    return ThrottledError("Rate exceeded", code="ThrottlingException", operation=DESCRIBE)


def lost() -> ConnectionFailedError:
    return ConnectionFailedError("reset by peer", request_sent=None, operation=DESCRIBE)


def bought(service: VirtualTraining, name: str = "demo", **offering: Any) -> tuple[str, str]:
    """Make a plan, buy an extension of it, and give the ARN and the offering's id."""
    arn = service.state.add_training_plan(name)
    offering_id = service.state.add_extension_offering(arn, **offering)
    service.state.handle("ExtendTrainingPlan", {"TrainingPlanExtensionOfferingId": offering_id})
    return arn, offering_id


# --- until a plan is active


@virtually
async def test_a_scheduled_plan_is_waited_for_until_it_is_active() -> None:
    service = VirtualTraining()
    service.state.add_training_plan("demo", start_in_hours=1)

    plan = await service.plans().wait_until_active("demo", timeout=2 * HOUR)

    assert plan.status is TrainingPlanStatus.ACTIVE
    assert anyio.current_time() == HOUR
    assert service.times() == [15.0 * number for number in range(241)]


@virtually
async def test_a_plan_that_is_active_costs_one_look() -> None:
    service = VirtualTraining()
    arn = service.state.add_training_plan("demo")

    plan = await service.plans().wait_until_active(arn, timeout=0)

    assert plan.arn == arn
    assert service.counts == {DESCRIBE: 1}


@virtually
async def test_a_bought_plan_is_pending_then_scheduled_then_active() -> None:
    service = VirtualTraining(payment_seconds=100)
    offering = service.state.add_plan_offering(start_in_hours=1)
    request = {"TrainingPlanName": "demo", "TrainingPlanOfferingId": offering}
    service.state.handle("CreateTrainingPlan", request)
    seen: list[str] = []

    def note(plan: TrainingPlan) -> None:
        if plan.status not in seen:
            seen.append(plan.status)

    await service.plans().wait_until_active("demo", timeout=None, on_poll=note)

    assert seen == ["Pending", "Scheduled", "Active"]


@virtually
async def test_waiters_of_one_plan_share_their_polls() -> None:
    service = VirtualTraining()
    service.state.add_training_plan("demo", start_in_hours=1)
    plans = service.plans()
    active: list[TrainingPlan] = []

    async def wait(seconds: float) -> None:
        await anyio.sleep(seconds)
        active.append(await plans.wait_until_active("demo", timeout=None))

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(wait, 0.0)

    assert len(active) == 50
    assert service.counts == {DESCRIBE: 241}


@pytest.mark.parametrize("status", ["Failed", "Expired"])
@virtually
async def test_a_plan_that_is_over_ends_the_wait_at_once(status: Any) -> None:
    service = VirtualTraining()
    service.state.add_training_plan("demo", status=status)

    with pytest.raises(TrainingPlanEndedError, match=f"demo is {status}") as caught:
        await service.plans().wait_until_active("demo", timeout=60)

    error = caught.value
    assert isinstance(error.last_seen, TrainingPlan)
    assert error.last_seen.status == status
    assert (error.polls, error.plan_name, error.operation) == (1, "demo", DESCRIBE)


@virtually
async def test_a_plan_that_fails_later_ends_the_wait_then() -> None:
    service = VirtualTraining(payment_seconds=100)
    offering = service.state.add_plan_offering(payment_fails=True)
    request = {"TrainingPlanName": "demo", "TrainingPlanOfferingId": offering}
    service.state.handle("CreateTrainingPlan", request)

    with pytest.raises(TrainingPlanEndedError) as caught:
        await service.plans().wait_until_active("demo", timeout=HOUR)

    assert anyio.current_time() == 105
    assert caught.value.waited == 105


@virtually
async def test_the_time_is_up_after_a_last_look() -> None:
    service = VirtualTraining()
    service.state.add_training_plan("demo", start_in_hours=1)

    with pytest.raises(WaitTimeoutError) as caught:
        await service.plans().wait_until_active("demo", timeout=40)

    error = caught.value
    assert service.times() == [0, 15, 30, 40]
    assert str(error).startswith(
        "plan demo did not become Active within 40 s (4 polls): training plan demo is Scheduled, "
        "starts 2023-11-14 23:13:20+00:00"
    )
    assert isinstance(error.last_seen, TrainingPlan)
    assert error.reading_age == 0
    assert error.__cause__ is None


@virtually
async def test_a_date_can_stand_for_the_time() -> None:
    service = VirtualTraining()
    service.state.add_training_plan("demo", start_in_hours=1)
    until = datetime.now(UTC) + timedelta(seconds=40)

    with pytest.raises(WaitTimeoutError, match=r"did not become Active by "):
        await service.plans().wait_until_active("demo", until=until)

    assert math.isclose(anyio.current_time(), 40, abs_tol=5)


@virtually
async def test_a_status_of_tomorrow_is_waited_out_and_told() -> None:
    service = VirtualTraining()
    service.state.add_training_plan("demo", start_in_hours=1)
    service.changed[DESCRIBE] = {"Status": "Paused", "StatusMessage": "a holiday"}

    with pytest.raises(WaitTimeoutError) as caught:
        await service.plans().wait_until_active("demo", timeout=10)

    assert "demo is Paused (a holiday), starts" in str(caught.value)
    assert "this release does not know this status" in str(caught.value)


@virtually
async def test_an_outage_is_outlived_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    service = VirtualTraining()
    service.state.add_training_plan("demo", start_in_hours=1)
    service.outage, service.down_until = lost(), 600.0
    failures: list[SageMakerPlansError] = []
    caplog.set_level(logging.INFO, "sagemaker_plans")

    plan = await service.plans().wait_until_active(
        "demo", timeout=2 * HOUR, on_poll_error=failures.append
    )

    assert plan.status is TrainingPlanStatus.ACTIVE
    assert len(failures) > 5
    told = [each.getMessage() for each in caplog.records]
    assert [each.partition(":")[0] for each in told] == ["training plan demo"] * 2
    assert "polls fail" in told[0]
    assert "polls work again" in told[1]


@virtually
async def test_what_was_never_read_is_said() -> None:
    service = VirtualTraining()
    service.outage, service.down_until = lost(), 1e9

    with pytest.raises(WaitTimeoutError, match="nothing was read; the last reading failed") as got:
        await service.plans().wait_until_active("demo", timeout=10)

    assert got.value.last_seen is None
    assert got.value.reading_age is None
    assert isinstance(got.value.__cause__, ConnectionFailedError)


@virtually
async def test_an_old_reading_is_told_with_its_age() -> None:
    service = VirtualTraining()
    service.state.add_training_plan("demo", start_in_hours=1)
    service.outage = lost()

    async def fall_silent() -> None:
        await anyio.sleep(20)
        service.down_until = 1e9

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fall_silent)
        with pytest.raises(WaitTimeoutError, match="the last poll failed: reset by peer") as got:
            await service.plans().wait_until_active("demo", timeout=30)
        assert got.value.reading_age is not None
        assert got.value.reading_age >= 15
        assert "s old" in str(got.value)


@pytest.mark.parametrize(
    "error", [AccessDeniedError("no", code="AccessDeniedException", operation=DESCRIBE)]
)
@virtually
async def test_what_would_be_refused_again_ends_the_wait(error: SageMakerPlansError) -> None:
    service = VirtualTraining()
    service.outage, service.down_until = error, 1e9

    with pytest.raises(type(error)) as caught:
        await service.plans().wait_until_active("demo", timeout=None)

    assert caught.value.__notes__ == ["while waiting on plan demo (1 polls in 0.0 s)"]


@virtually
async def test_a_plan_that_is_not_there_ends_the_wait() -> None:
    with pytest.raises(ResourceNotFoundError):
        await VirtualTraining().plans().wait_until_active("nobody", timeout=None)


@virtually
async def test_a_coroutine_function_is_awaited_and_its_exception_ends_the_wait() -> None:
    service = VirtualTraining()
    service.state.add_training_plan("demo", start_in_hours=1)

    async def enough(plan: TrainingPlan) -> None:
        await anyio.sleep(1)
        raise LookupError(plan.name)

    with pytest.raises(LookupError, match="demo"):
        await service.plans().wait_until_active("demo", timeout=None, on_poll=enough)

    assert anyio.current_time() == 1


@virtually
async def test_polls_come_closer_while_a_payment_is_all_that_is_missing() -> None:
    service = VirtualTraining(payment_seconds=20)
    offering = service.state.add_plan_offering()
    request = {"TrainingPlanName": "demo", "TrainingPlanOfferingId": offering}
    service.state.handle("CreateTrainingPlan", request)
    schedule = PollSchedule(interval=60, jitter=0, final_interval=5)

    await service.plans(schedule).wait_until_active("demo", timeout=None)

    assert service.times() == [0, 5, 10, 15, 20]


# --- until an extension is there


@virtually
async def test_an_extension_is_waited_for_until_it_is_paid_and_the_end_has_moved() -> None:
    service = VirtualTraining(payment_seconds=100)
    arn, offering = bought(service)

    extension = await service.plans().wait_until_extended(arn, offering, timeout=HOUR)

    assert extension.offering_id == offering
    assert (extension.status, extension.payment_status) == ("Scheduled", "Completed")
    assert anyio.current_time() == 105
    assert service.times(HISTORY) == service.times() == [15.0 * number for number in range(8)]


@virtually
async def test_an_end_that_has_not_moved_is_waited_for() -> None:
    service = VirtualTraining(payment_seconds=0)
    arn, offering = bought(service)
    old = service.state.handle(DESCRIBE, {"TrainingPlanName": "demo"})["EndTime"]
    assert isinstance(old, float)
    service.changed[DESCRIBE] = {"EndTime": old - 24 * HOUR}

    async def move() -> None:
        await anyio.sleep(100)
        del service.changed[DESCRIBE]

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(move)
        await service.plans().wait_until_extended(arn, offering, timeout=HOUR)

    assert anyio.current_time() == 105


@virtually
async def test_an_extension_that_the_history_does_not_show_yet_is_waited_for() -> None:
    service = VirtualTraining(payment_seconds=0, history_lag=60)
    arn, offering = bought(service)
    seen: list[TrainingPlanExtension] = []

    await service.plans().wait_until_extended(arn, offering, timeout=None, on_poll=seen.append)

    assert anyio.current_time() == 60
    assert len(seen) == 1


@virtually
async def test_a_failed_payment_is_an_error_with_the_extension() -> None:
    service = VirtualTraining(payment_seconds=100)
    arn, offering = bought(service, payment_fails=True)

    with pytest.raises(PurchaseFailedError, match="payment Failed") as caught:
        await service.plans().wait_until_extended(arn, offering, timeout=HOUR)

    assert not isinstance(caught.value, OutcomeUnknownError)
    assert caught.value.extension.offering_id == offering
    assert caught.value.training_plan_arn == arn
    assert anyio.current_time() == 105


@virtually
async def test_waiters_of_several_extensions_of_a_plan_share_their_polls() -> None:
    service = VirtualTraining(payment_seconds=100)
    arn, offering = bought(service)
    plans = service.plans()

    async def wait(offering_id: str) -> None:
        with anyio.move_on_after(200):
            await plans.wait_until_extended(arn, offering_id, timeout=None)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(wait, offering if number % 2 else "tpeo-never")

    assert service.counts[DESCRIBE] == service.counts[HISTORY] <= 15


@virtually
async def test_of_an_offering_that_was_sold_twice_the_latest_counts() -> None:
    service = VirtualTraining(payment_seconds=100)
    arn, offering = bought(service, resellable=True)
    await anyio.sleep(100)
    service.state.handle("ExtendTrainingPlan", {"TrainingPlanExtensionOfferingId": offering})

    extension = await service.plans().wait_until_extended(arn, offering, timeout=HOUR)

    assert extension.payment_status == "Completed"
    assert extension.extended_at == datetime.fromtimestamp(1_700_000_100, UTC)
    assert anyio.current_time() >= 200


@pytest.mark.parametrize(
    ("status", "payment", "is_paid"),
    [
        ("Scheduled", "Completed", True),
        ("Active", "COMPLETED", True),
        ("Active", None, True),
        ("Expired", "", True),
        ("Pending", None, False),
        ("Scheduled", "Pending", False),
        (None, None, False),
        ("Scheduled", "Processing", False),
    ],
)
@virtually
async def test_only_words_that_say_so_say_that_it_is_paid(
    status: str | None, payment: str | None, *, is_paid: bool
) -> None:
    service = VirtualTraining(payment_seconds=0)
    arn, offering = bought(service)
    shown: dict[str, object] = {"TrainingPlanExtensionOfferingId": offering, "EndDate": 1.0}
    shown |= {} if status is None else {"Status": status}
    shown |= {} if payment is None else {"PaymentStatus": payment}
    service.changed[HISTORY] = {"TrainingPlanExtensions": [shown]}
    plans = service.plans()

    if is_paid:
        await plans.wait_until_extended(arn, offering, timeout=0)
    else:
        with pytest.raises(WaitTimeoutError):
            await plans.wait_until_extended(arn, offering, timeout=0)


@pytest.mark.parametrize("changed", [DESCRIBE, HISTORY])
@virtually
async def test_without_an_end_nothing_is_proven(changed: str) -> None:
    service = VirtualTraining(payment_seconds=0)
    arn, offering = bought(service)
    shown = {
        "TrainingPlanExtensionOfferingId": offering,
        "PaymentStatus": "Completed",
        "EndDate": 1.0,
    }
    if changed == HISTORY:
        del shown["EndDate"]
    service.changed[HISTORY] = {"TrainingPlanExtensions": [shown]}
    if changed == DESCRIBE:
        service.changed[DESCRIBE] = {"EndTime": None}

    with pytest.raises(WaitTimeoutError, match="was not completed within 20 s") as caught:
        await service.plans().wait_until_extended(arn, offering, timeout=20)

    assert isinstance(caught.value.last_seen, TrainingPlan)


@virtually
async def test_the_message_of_the_end_says_how_plan_and_payment_stand() -> None:
    service = VirtualTraining(payment_seconds=1000)
    arn, offering = bought(service)
    plans = service.plans()

    with pytest.raises(WaitTimeoutError) as caught:
        await plans.wait_until_extended(arn, offering, timeout=10)
    with pytest.raises(WaitTimeoutError, match="its history does not show offering tpeo-never"):
        await plans.wait_until_extended(arn, "tpeo-never", timeout=10)

    assert "the extension is Pending, payment Pending, and adds time until" in str(caught.value)


@virtually
async def test_nothing_read_of_an_extension_is_said_too() -> None:
    service = VirtualTraining()
    service.outage, service.down_until = throttled(), 1e9
    arn = service.state.add_training_plan("demo")

    with pytest.raises(WaitTimeoutError, match="nothing was read") as caught:
        await service.plans().wait_until_extended(arn, "tpeo-1", timeout=10)

    assert caught.value.last_seen is None


@pytest.mark.parametrize(
    ("status", "extension", "is_over"),
    [
        ("Failed", None, True),
        ("Failed", "Pending", True),
        ("Expired", None, True),
        ("Expired", "Completed", True),
        ("Expired", "Pending", False),
        ("Active", "Pending", False),
    ],
)
@virtually
async def test_a_plan_that_is_over_is_not_extended_any_more(
    status: str, extension: str | None, *, is_over: bool
) -> None:
    service = VirtualTraining()
    arn, offering = bought(service)
    shown = {"TrainingPlanExtensionOfferingId": offering, "PaymentStatus": extension}
    shown["EndDate"] = 5e9  # type: ignore[assignment]  # plain JSON
    service.changed[HISTORY] = {"TrainingPlanExtensions": [shown] if extension else []}
    service.changed[DESCRIBE] = {"Status": status}
    expected = TrainingPlanEndedError if is_over else WaitTimeoutError

    with pytest.raises(expected) as caught:
        await service.plans().wait_until_extended(arn, offering, timeout=20)

    assert (caught.value.polls == 1) is is_over


@virtually
async def test_polls_come_closer_once_an_extension_is_paid_for() -> None:
    service = VirtualTraining(payment_seconds=0)
    arn, offering = bought(service)
    service.changed[DESCRIBE] = {"EndTime": 1.0}
    schedule = PollSchedule(interval=60, jitter=0, final_interval=5)

    with pytest.raises(WaitTimeoutError):
        await service.plans(schedule).wait_until_extended(arn, offering, timeout=20)

    assert service.times() == [0, 5, 10, 15, 20]


@virtually
async def test_polls_of_an_extension_that_is_not_shown_keep_their_distance() -> None:
    service = VirtualTraining()
    arn = service.state.add_training_plan("demo")
    schedule = PollSchedule(interval=60, jitter=0, final_interval=5)

    with pytest.raises(WaitTimeoutError):
        await service.plans(schedule).wait_until_extended(arn, "tpeo-1", timeout=60)

    assert service.times() == [0, 60]


# --- what cannot be waited for

ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/demo"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"name_or_arn": "de mo", "timeout": 1}, "name_or_arn: got 'de mo'"),
        ({"name_or_arn": "demo"}, "neither timeout nor until"),
        ({"name_or_arn": "demo", "timeout": -1}, "timeout: got -1"),
        ({"name_or_arn": "demo", "timeout": 1, "schedule": 5}, "schedule: a PollSchedule"),
        ({"name_or_arn": "demo", "timeout": 1, "on_poll": 5}, "on_poll: a function is needed"),
        ({"name_or_arn": "demo", "timeout": 1, "on_poll_error": 5}, "on_poll_error: a function"),
    ],
)
@virtually
async def test_a_wait_for_a_plan_with_wrong_arguments_is_refused(
    arguments: dict[str, Any], problem: str
) -> None:
    service = VirtualTraining()
    with pytest.raises(InvalidRequestError, match=problem) as caught:
        await service.plans().wait_until_active(**arguments)
    assert caught.value.operation == DESCRIBE
    assert service.calls == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"training_plan_arn": "demo", "timeout": 1}, "training_plan_arn: got 'demo'"),
        ({"offering_id": "", "timeout": 1}, "offering_id: a string"),
        ({}, "neither timeout nor until"),
        ({"timeout": 1, "until": datetime(2030, 1, 1, tzinfo=UTC)}, "only one of them"),
        ({"timeout": 1, "on_poll": 5}, "on_poll: a function is needed"),
    ],
)
@virtually
async def test_a_wait_for_an_extension_with_wrong_arguments_is_refused(
    arguments: dict[str, Any], problem: str
) -> None:
    service = VirtualTraining()
    asked: dict[str, Any] = {"training_plan_arn": ARN, "offering_id": "tpeo-1", **arguments}
    with pytest.raises(InvalidRequestError, match=problem):
        await service.plans().wait_until_extended(**asked)
    assert service.calls == []
