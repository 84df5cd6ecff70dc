"""``ensure_until``, sentence by sentence, on a virtual clock."""

import logging
from datetime import datetime, timedelta
from decimal import Decimal

import anyio
import pytest

from sagemaker_plans import Coverage, CoverageError, PurchaseFailedError
from sagemaker_plans.errors import (
    AccessDeniedError,
    ConnectionFailedError,
    InvalidRequestError,
    OutcomeUnknownError,
    PurchaseRefusedError,
    ThrottledError,
)
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
    refusal,
)

MARGIN = timedelta(minutes=30)


async def ensure(
    service: KeptPlan,
    days: float,
    budget: int = 1000,
    *,
    timeout: timedelta | float = HOUR,  # noqa: ASYNC109  # that of the method under test
    **more: object,
) -> Coverage:
    """Keep the plan for some days beyond its first end, with a client of its own."""
    return await service.client().ensure_until(
        ARN,
        until_of(service, days),
        budget=Decimal(budget),
        timeout=timeout,
        **more,  # type: ignore[arg-type]
    )


def until_of(service: KeptPlan, days: float) -> datetime:
    return service.first_end + days * DAY - MARGIN


async def refused(
    service: KeptPlan, days: float, budget: int = 1000, **more: object
) -> CoverageError:
    with pytest.raises(CoverageError) as caught:
        await ensure(service, days, budget, **more)  # type: ignore[arg-type]
    return caught.value


# --- what is bought


@for_days
async def test_what_is_covered_costs_nothing() -> None:
    service = KeptPlan()

    coverage = await ensure(service, 0)

    assert coverage.covered
    assert coverage.next_at is None
    assert coverage.usable_until == service.first_end - MARGIN
    assert service.counts == {"DescribeTrainingPlan": 1, HISTORY: 1}


@for_days
async def test_the_cheapest_that_covers_is_bought_and_nothing_more() -> None:
    service = KeptPlan(prices=lambda _: {1: 10, 7: 65, 14: 60, 21: 90})

    coverage = await ensure(service, 6)
    again = await ensure(service, 6)

    assert service.lengths == [14]
    assert (coverage.covered, coverage.spent, coverage.late) == (True, Decimal(60), False)
    assert [each.outcome for each in coverage.bought] == ["purchased"]
    assert coverage.usable_until == service.first_end + 14 * DAY - MARGIN
    assert (again.covered, again.spent, again.bought) == (True, Decimal(60), ())
    assert service.wrong == []


@for_days
async def test_what_cannot_be_covered_at_once_is_bought_in_legs_each_when_its_time_comes() -> None:
    service = KeptPlan(prices=lambda _: {14: 500, 21: 700})

    coverage = await ensure(service, 24)

    # 21 days are cheaper by the hour; but then nothing within the budget reaches the date.
    assert service.lengths == [14, 14]
    assert (coverage.covered, coverage.spent, len(coverage.bought)) == (True, Decimal(1000), 2)


@for_days
async def test_an_offering_that_is_sold_again_is_bought_again_for_the_next_leg() -> None:
    service = KeptPlan(prices=lambda _: {14: 500}, same_ids=True)

    coverage = await ensure(service, 24)

    assert service.lengths == [14, 14]
    assert (coverage.covered, coverage.spent) == (True, Decimal(1000))
    assert [each.outcome for each in coverage.bought] == ["purchased"] * 2


@for_days
async def test_a_leg_is_not_bought_if_its_rest_cannot_be_paid() -> None:
    service = KeptPlan(prices=lambda _: {14: 500, 21: 700})

    error = await refused(service, 24, 999)

    assert service.sold == []
    assert "no way to the date within 999 USD; 0 of 999 USD are spent" in str(error)
    assert error.choice is not None
    assert [each.verdict for each in error.choice.candidates] == ["over_limit"] * 2
    assert error.coverage is not None
    assert (error.coverage.covered, error.coverage.spent) == (False, Decimal(0))
    assert error.operation == EXTEND


@for_days
async def test_the_most_careful_target_counts_or_the_one_that_is_named() -> None:
    both = ("training-job", "hyperpod-cluster")
    careful, named = KeptPlan(target_resources=both), KeptPlan(target_resources=both)

    await ensure(careful, 0)
    coverage = await ensure(named, 0, target="training-job")

    assert careful.lengths == [1]
    assert coverage.covered
    assert named.sold == []


# --- the budget


@for_days
async def test_what_was_spent_before_counts_since_a_time() -> None:
    service = KeptPlan(prices=lambda _: {1: 10})
    await ensure(service, 1)
    await anyio.sleep(HOUR.total_seconds())
    later = service.now

    error = await refused(service, 2, 15)
    coverage = await ensure(service, 2, 15, since=later)

    assert "10 of 15 USD are spent" in str(error)
    assert (coverage.covered, coverage.spent) == (True, Decimal(10))


@for_days
async def test_an_end_that_no_extension_explains_stops_purchases_until_the_history_shows_it() -> (
    None
):
    # The rule that reads the plan alone would spend 11 of 10.
    service = KeptPlan(prices=lambda _: {1: 6, 2: 11}, history_lag=lambda _: 2.0)
    await ensure(service, 1, 10)

    error = await refused(service, 2, 10)
    assert "what is known of its extensions explains" in str(error)
    assert "nothing is bought" in str(error)

    error = await refused(service, 2, 10, timeout=3 * HOUR)

    assert "6 of 10 USD are spent" in str(error)
    assert service.lengths == [1]


@for_days
async def test_a_gap_in_the_history_is_an_end_that_nothing_explains() -> None:
    # The second extension shows, the first one does not.
    lags = iter([9.0, 0.0])
    service = KeptPlan(prices=lambda _: {1: 6}, history_lag=lambda _: next(lags))
    await ensure(service, 2, 12)

    error = await refused(service, 3, 12)

    assert "nothing known reaches that time" in str(error)
    assert service.lengths == [1, 1]


@for_days
async def test_own_receipts_explain_the_end_while_the_history_lags() -> None:
    service = KeptPlan(prices=lambda _: {1: 6}, history_lag=lambda _: 9.0)
    plans = service.client()

    await plans.ensure_until(ARN, until_of(service, 1), budget=18)
    coverage = await plans.ensure_until(ARN, until_of(service, 2), budget=18)

    assert (coverage.covered, coverage.spent) == (True, Decimal(12))


@for_days
async def test_with_a_length_that_grows_nothing_is_unexplained() -> None:
    service = KeptPlan(prices=lambda _: {1: 6}, length_grows=True)

    await ensure(service, 1)
    coverage = await ensure(service, 3)

    assert (coverage.covered, coverage.spent) == (True, Decimal(18))


@pytest.mark.parametrize(
    ("fee", "currency", "words"),
    [("six", "USD", "'six' of extension tpeo-1-.* is not a number"), ("6", "EUR", "paid in EUR")],
)
@for_days
async def test_a_fee_that_cannot_be_counted_stops_purchases(
    fee: str, currency: str, words: str
) -> None:
    service = KeptPlan(prices=lambda _: {1: 6})
    await ensure(service, 1)
    answer = service.answer

    def changed(name: str, request: object) -> dict[str, object]:
        body = answer(name, request)  # type: ignore[arg-type]
        if name == HISTORY:
            body["TrainingPlanExtensions"] = [
                {**each, "UpfrontFee": fee, "CurrencyCode": currency}
                for each in body["TrainingPlanExtensions"]  # type: ignore[attr-defined]
            ]
        return body

    service.answer = changed  # type: ignore[method-assign]

    with pytest.raises(CoverageError, match=f"nothing is bought: .*{words}"):
        await ensure(service, 2)

    # But what is covered is covered.
    assert (await ensure(service, 1)).covered
    assert service.lengths == [1]


@for_days
async def test_another_currency_is_never_bought() -> None:
    service = KeptPlan(currency="EUR")

    error = await refused(service, 1)

    assert "no offering that can be compared" in str(error)
    assert error.choice is not None
    assert {each.verdict for each in error.choice.candidates} == {"unusable"}

    coverage = await service.client().ensure_until(
        ARN, until_of(service, 1), budget=100, currency_code="eur"
    )
    assert coverage.covered


@for_days
async def test_a_receipt_that_charges_more_stops_everything() -> None:
    service = KeptPlan(prices=lambda _: {1: 10}, charge=lambda _: "11")

    error = await refused(service, 3)

    assert "was listed for 10 USD, and the receipt says 11 USD; nothing more is bought" in str(
        error
    )
    assert error.coverage is not None
    assert len(error.coverage.bought) == 1
    assert error.coverage.spent == 11
    assert service.lengths == [1]
    assert error.__notes__ == [
        f"before that, this call of ensure_until bought {service.sold[0].offering_id}"
    ]


# --- prices that move, offerings that vanish


@for_days
async def test_what_is_dearer_by_then_is_chosen_again_five_times_at_most() -> None:
    service = KeptPlan()
    fees = [10]
    service.prices = lambda _: {1: fees[0]}

    def dearer(name: str) -> None:
        # Right after the sweep, before the price is checked.
        if name == HISTORY:
            fees[0] += 1

    service.before = dearer
    error = await refused(service, 1)

    assert service.sold == []
    assert "refused 6 times, at last: " in str(error)
    assert isinstance(error.__cause__, PurchaseRefusedError)


@for_days
async def test_the_fifth_new_choice_may_succeed_at_the_new_price() -> None:
    service = KeptPlan()
    fees = [10]
    service.prices = lambda _: {1: fees[0]}
    reads: list[str] = []

    def dearer(name: str) -> None:
        if name == HISTORY:
            reads.append(name)
            fees[0] += len(reads) <= 15

    service.before = dearer
    coverage = await ensure(service, 1)

    assert coverage.covered
    assert coverage.spent == fees[0] == 25


@for_days
async def test_a_new_price_over_the_budget_is_not_paid() -> None:
    service = KeptPlan()
    fees = [10]
    service.prices = lambda _: {1: fees[0]}
    service.before = lambda name: fees.__setitem__(0, 12) if name == HISTORY else None

    error = await refused(service, 1, 11)

    assert "no way to the date within 11 USD" in str(error)
    assert service.sold == []


@pytest.mark.parametrize("code", ["ResourceNotFound", "ResourceLimitExceeded"])
@for_days
async def test_an_offering_that_is_sold_out_gives_way_to_another(code: str) -> None:
    service = KeptPlan(prices=lambda _: {1: 10, 2: 11})
    sell = service.sell

    def sold_out(offering_id: str) -> None:
        if offering_id.startswith("tpeo-1-"):
            raise refusal(code, "sold out")
        sell(offering_id)

    service.sell = sold_out  # type: ignore[method-assign]
    coverage = await ensure(service, 1)

    assert coverage.covered
    assert service.lengths == [2]
    service.prices = lambda _: {1: 10}
    error = await refused(service, 3)
    assert "no offering that can be compared" in str(error)
    assert error.choice is not None
    assert (
        "the service does not sell it: ExtendTrainingPlan answered Resource"
        in error.choice.candidates[0].reason
    )


@for_days
async def test_an_offering_for_another_end_is_not_bought() -> None:
    service = KeptPlan(prices=lambda _: {})
    start = (START + 100 * DAY).timestamp()
    service.more.append(
        {
            "TrainingPlanExtensionOfferingId": "tpeo-old",
            "StartDate": start,
            "EndDate": start + 86400,
            "DurationHours": 24,
            "UpfrontFee": "1",
            "CurrencyCode": "USD",
        }
    )

    error = await refused(service, 1)

    assert error.choice is not None
    assert "it starts at 2027-04-11 11:30 UTC" in error.choice.candidates[0].reason


@for_days
async def test_what_a_rival_buys_during_the_searches_is_not_bought_again() -> None:
    service = KeptPlan(prices=lambda _: {1: 10})

    def rival(name: str) -> None:
        if name == SEARCH and not service.sold:
            service.sell(service.offering_id(1))

    service.before = rival
    coverage = await ensure(service, 1)

    assert coverage.covered
    assert coverage.bought == ()
    assert service.lengths == [1]


@for_days
async def test_what_a_rival_buys_at_the_last_moment_is_not_bought_again() -> None:
    service = KeptPlan(prices=lambda _: {1: 10, 2: 15}, same_ids=True)
    reads: list[str] = []

    def rival(name: str) -> None:
        if name == HISTORY:
            reads.append(name)
            if len(reads) == 3:
                # Between the last look and the one that comes right before the send.
                service.sell("tpeo-2")

    service.before = rival
    coverage = await ensure(service, 1)

    assert coverage.covered
    assert coverage.bought == ()
    assert service.lengths == [2]


@for_days
async def test_the_same_offering_bought_by_a_rival_is_no_purchase_of_this_call() -> None:
    service = KeptPlan(prices=lambda _: {1: 10})
    reads: list[str] = []

    def rival(name: str) -> None:
        if name == HISTORY:
            reads.append(name)
            if len(reads) == 3:
                service.sell(service.offering_id(1))

    service.before = rival
    coverage = await ensure(service, 1)

    assert coverage.covered
    assert coverage.bought == ()
    assert service.lengths == [1]


# --- payments


@for_days
async def test_a_pending_payment_is_waited_for_within_the_timeout() -> None:
    service = KeptPlan(payment=lambda _: 0.5)

    coverage = await ensure(service, 1)

    assert coverage.covered
    assert coverage.pending is None
    assert 1800 <= anyio.current_time() < 1800 + 61


@for_days
async def test_a_payment_that_takes_longer_is_told_with_the_time_to_come_again() -> None:
    service = KeptPlan(payment=lambda _: 5.0)

    coverage = await ensure(service, 2)

    assert not coverage.covered
    assert coverage.pending is not None
    assert coverage.pending.offering_id == service.sold[0].offering_id
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
