"""``ensure_until``: payments, times and faults. On a virtual clock."""

import logging
from datetime import timedelta

import anyio
import pytest

from sagemaker_plans import PurchaseFailedError
from sagemaker_plans.errors import (
    AccessDeniedError,
    ConnectionFailedError,
    InvalidRequestError,
    OutcomeUnknownError,
    ThrottledError,
)
from training.keeping.calls import ensure, refused
from training.keeping.kept_plan import (
    ARN,
    DAY,
    EXTEND,
    HISTORY,
    HOUR,
    SEARCH,
    START,
    KeptPlan,
    for_days,
    lost,
)

# --- payments


@for_days
async def test_a_pending_payment_is_waited_for_within_the_timeout() -> None:
    service = KeptPlan(payment=lambda _: 0.5)

    coverage = await ensure(service, 1)

    assert coverage.covered
    assert (coverage.pending, coverage.reason) == (None, None)
    assert 1800 <= anyio.current_time() < 1800 + 61


@for_days
async def test_a_payment_that_takes_longer_is_told_with_the_time_to_come_again() -> None:
    service = KeptPlan(payment=lambda _: 5.0)

    coverage = await ensure(service, 2)

    assert not coverage.covered
    assert coverage.pending is not None
    bought = service.sold[0].offering_id
    assert coverage.pending.offering_id == bought
    assert coverage.reason == f"the payment of offering {bought}"
    assert coverage.next_at == service.now + timedelta(minutes=15)
    # The last look came at the deadline.
    assert service.calls[-1][1] == anyio.current_time() == 3600
    assert len(service.sold) == 1

    await anyio.sleep(5 * 3600)
    coverage = await ensure(service, 2, timeout=DAY)
    assert coverage.covered
    assert service.wrong == []


@for_days
async def test_without_time_one_leg_is_bought_and_none_waited_for() -> None:
    service = KeptPlan(prices=lambda _: {1: 10}, payment=lambda _: 0.1)

    first = await ensure(service, 2, timeout=0)
    second = await ensure(service, 2, timeout=0)

    assert [each.extension.offering_id for each in first.bought] == [service.sold[0].offering_id]
    assert first.pending is not None
    assert second.bought == ()
    assert service.lengths == [1]
    assert anyio.current_time() == 0


@for_days
async def test_when_the_time_is_over_no_further_leg_is_begun() -> None:
    service = KeptPlan(prices=lambda _: {1: 10})

    coverage = await ensure(service, 2, timeout=0)

    assert not coverage.covered
    assert coverage.next_at == service.now
    assert coverage.reason == "the next call: this one's timeout is over"
    assert service.lengths == [1]
    assert (await ensure(service, 2, timeout=0)).covered


@for_days
async def test_an_end_that_lags_behind_the_payment_is_waited_for() -> None:
    service = KeptPlan(prices=lambda _: {1: 10}, end_lag=lambda _: 0.5)

    coverage = await ensure(service, 2)

    assert coverage.covered
    assert service.lengths == [1, 1]
    assert anyio.current_time() >= 1800


@for_days
async def test_an_end_that_lags_for_longer_is_told() -> None:
    service = KeptPlan(prices=lambda _: {1: 10}, end_lag=lambda _: 5.0)

    coverage = await ensure(service, 2)

    assert not coverage.covered
    assert coverage.pending is None
    assert coverage.reason is not None
    assert coverage.reason.startswith("the plan to show that it ends at ")
    assert coverage.next_at == service.now + timedelta(minutes=15)


@for_days
async def test_a_payment_that_fails_is_an_error_that_says_what_can_still_be_done() -> None:
    service = KeptPlan(payment=lambda _: 0.5, fails=lambda _: True)

    with pytest.raises(PurchaseFailedError) as caught:
        await ensure(service, 1)

    error = caught.value
    assert error.extension.offering_id == service.sold[0].offering_id
    assert error.training_plan_arn == ARN
    assert (
        "without it the plan ends at 2027-01-10 11:30 UTC; another offering can be bought until "
        "2027-01-10 10:25 UTC: call ensure_until again"
    ) in str(error)
    assert len(service.sold) == 1

    # What failed is not bought again, although it is cheaper.
    service.fails = lambda _: False
    service.same_ids = False
    service.prices = lambda _: {1: 10, 2: 30}
    coverage = await ensure(service, 1)
    assert coverage.covered
    assert service.lengths == [1, 2]
    assert coverage.spent == 30


@for_days
async def test_a_purchase_that_the_reply_already_calls_failed_says_it_too() -> None:
    service = KeptPlan(fails=lambda _: True)

    with pytest.raises(PurchaseFailedError) as caught:
        await ensure(service, 1)

    assert "call ensure_until again" in caught.value.__notes__[0]


@for_days
async def test_a_failure_of_long_ago_stops_nothing() -> None:
    service = KeptPlan(prices=lambda _: {2: 20}, fails=lambda _: True)
    with pytest.raises(PurchaseFailedError):
        await ensure(service, 1)
    service.fails = lambda _: False
    service.prices = lambda _: {1: 10}

    assert (await ensure(service, 1)).spent == 10


# --- time


@for_days
async def test_before_the_window_opens_the_time_to_come_again_is_told() -> None:
    service = KeptPlan(days=100)

    coverage = await ensure(service, 1)

    assert not coverage.covered
    assert coverage.next_at == service.first_end - 57 * DAY
    assert coverage.reason is not None
    assert coverage.reason.startswith(f"{coverage.next_at:%Y-%m-%d %H:%M} UTC: ")
    assert service.counts[SEARCH] == 0

    assert coverage.next_at is not None
    await anyio.sleep((coverage.next_at - service.now).total_seconds())
    assert (await ensure(service, 1)).covered
    assert service.wrong == []


@for_days
async def test_inside_the_lead_it_buys_late_and_warns(caplog: pytest.LogCaptureFixture) -> None:
    service = KeptPlan(days=2, prices=lambda _: {1: 10})

    early = await ensure(service, 0.5, lead=HOUR)
    assert early.late is False
    caplog.set_level(logging.WARNING, "sagemaker_plans")
    late = await ensure(service, 1.5, lead=10 * DAY)

    assert late.late
    [warned] = caplog.records
    assert warned.getMessage() == (
        f"ensure_until: plan {ARN} ends at 2027-01-03 11:30 UTC, in less than the lead of "
        "10 days, 0:00:00; a payment that takes long may fail"
    )


@pytest.mark.parametrize("minutes", [64, 30])
@for_days
async def test_nothing_is_bought_in_the_last_hour_and_five_minutes(minutes: int) -> None:
    service = KeptPlan()
    left = service.first_end - service.now - timedelta(minutes=minutes)
    await anyio.sleep(left.total_seconds())

    error = await refused(service, 1)

    assert "it is too late" in str(error)
    assert service.counts[EXTEND] == service.counts[SEARCH] == 0


@pytest.mark.parametrize("ahead", [-3, 0, 3])
@for_days
async def test_a_request_that_is_held_up_until_then_is_not_sent(ahead: int) -> None:
    service = KeptPlan(ahead=timedelta(minutes=ahead))
    left = service.first_end - service.now - timedelta(minutes=66)
    await anyio.sleep(left.total_seconds())

    async def sleepy(name: str) -> None:
        if name == EXTEND:
            await anyio.sleep(120)

    service.before = sleepy
    error = await refused(service, 1)

    assert "it is too late" in str(error)
    assert service.sold == []
    assert service.wrong == []


@for_days
async def test_a_plan_that_is_not_paid_for_yet_is_waited_for() -> None:
    service = KeptPlan(status="Pending")

    async def pay() -> None:
        await anyio.sleep(100)
        service.status = None

    early = await ensure(service, 1, timeout=0)
    assert early.reason == "the plan to be paid for: its status is Pending"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pay)
        assert (await ensure(service, 1)).covered

    assert service.sold[0].at >= START + timedelta(seconds=100)


@pytest.mark.parametrize("status", ["Expired", "Failed"])
@for_days
async def test_a_plan_that_is_over_is_an_error(status: str) -> None:
    service = KeptPlan(status=status)

    error = await refused(service, 1)

    assert f"the plan is {status}, so it cannot be extended" in str(error)
    assert error.coverage is None
    assert service.sold == []


@for_days
async def test_a_plan_without_an_end_is_an_error() -> None:
    service = KeptPlan()
    service.changed["EndTime"] = None

    error = await refused(service, 1)

    assert "the service does not say when the plan ends" in str(error)


@for_days
async def test_a_date_that_has_passed_by_the_services_clock_is_refused() -> None:
    service = KeptPlan(ahead=DAY)

    with pytest.raises(InvalidRequestError, match="times in the future"):
        await service.client().ensure_until(ARN, START + HOUR, budget=100)

    assert service.sold == []


# --- faults


@for_days
async def test_an_outage_at_the_first_look_is_told_at_once() -> None:
    service = KeptPlan()

    def down(_: str) -> None:
        raise AccessDeniedError("no", code="AccessDeniedException", operation=HISTORY)

    service.before = down

    with pytest.raises(AccessDeniedError):
        await ensure(service, 1)

    assert anyio.current_time() == 0


@for_days
async def test_an_outage_while_a_payment_is_waited_for_is_outlived() -> None:
    service = KeptPlan(payment=lambda _: 0.5)

    def down(name: str) -> None:
        if name != EXTEND and service.sold and anyio.current_time() < 2400:
            raise lost(name)

    service.before = down

    assert (await ensure(service, 1)).covered
    assert anyio.current_time() >= 2400


@for_days
async def test_an_outage_that_lasts_is_raised_with_what_was_bought() -> None:
    service = KeptPlan(payment=lambda _: 0.5)

    def down(name: str) -> None:
        if name != EXTEND and service.sold:
            raise lost(name)

    service.before = down

    with pytest.raises(ConnectionFailedError) as caught:
        await ensure(service, 1)

    assert "ensure_until bought tpeo-1-" in caught.value.__notes__[-1]


@for_days
async def test_access_that_is_withdrawn_meanwhile_ends_the_wait() -> None:
    service = KeptPlan(payment=lambda _: 0.5)

    def denied(name: str) -> None:
        if service.sold and name == HISTORY:
            raise AccessDeniedError("no", code="AccessDeniedException", operation=HISTORY)

    service.before = denied

    with pytest.raises(AccessDeniedError):
        await ensure(service, 1)

    assert anyio.current_time() == 0


@for_days
async def test_a_purchase_that_is_throttled_is_made_later() -> None:
    service = KeptPlan()

    def throttled(name: str) -> None:
        if name == EXTEND and anyio.current_time() < 600:
            raise ThrottledError("Rate exceeded", code="ThrottlingException", operation=EXTEND)

    service.before = throttled

    assert (await ensure(service, 1)).covered
    assert len(service.sold) == 1


@for_days
async def test_a_purchase_that_is_denied_is_an_error_at_once() -> None:
    service = KeptPlan()

    def denied(name: str) -> None:
        if name == EXTEND:
            raise AccessDeniedError("no", code="AccessDeniedException", operation=EXTEND)

    service.before = denied

    with pytest.raises(AccessDeniedError):
        await ensure(service, 1)

    assert service.sold == []


@pytest.mark.parametrize("same_ids", [False, True])
@for_days
async def test_a_lost_reply_is_found_in_the_history(*, same_ids: bool) -> None:
    service = KeptPlan(prices=lambda _: {1: 10}, same_ids=same_ids)

    def drop(name: str) -> None:
        if name == EXTEND:
            raise lost()

    service.after = drop
    coverage = await ensure(service, 2)

    assert coverage.covered
    assert [each.outcome for each in coverage.bought] == ["confirmed_by_history"] * 2
    assert service.lengths == [1, 1]


@for_days
async def test_a_lost_reply_that_no_history_shows_is_an_unknown_outcome() -> None:
    service = KeptPlan(prices=lambda _: {1: 10}, same_ids=True)
    await ensure(service, 1)
    service.history_lag = lambda _: 5.0

    def drop(name: str) -> None:
        if name == EXTEND:
            raise lost()

    service.after = drop

    # The same offering in the history is that of the leg before: it proves nothing.
    with pytest.raises(OutcomeUnknownError):
        await ensure(service, 2)

    assert service.lengths == [1, 1]
