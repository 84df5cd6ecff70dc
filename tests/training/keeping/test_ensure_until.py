"""``ensure_until``: what it buys, and within which budget. On a virtual clock."""

import re
from decimal import Decimal
from typing import Any

import anyio
import pytest

from sagemaker_plans import CoverageError, InvalidRequestError, TargetResource
from sagemaker_plans.errors import (
    PurchaseRefusedError,
)
from training.keeping.calls import MARGIN, ensure, refused, until_of
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
    refusal,
)

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
        body = answer(name, request)  # type: ignore[arg-type]  # plain JSON
        if name == HISTORY:
            body["TrainingPlanExtensions"] = [
                {**each, "UpfrontFee": fee, "CurrencyCode": currency}
                for each in body["TrainingPlanExtensions"]  # type: ignore[attr-defined]  # plain JSON
            ]
        return body

    service.answer = changed  # type: ignore[method-assign]  # replaced for this test

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
async def test_each_leg_has_its_own_five_new_choices() -> None:
    service = KeptPlan(prices=lambda _: {1: 10})
    sell, asked = service.sell, [0]

    def contested(offering_id: str) -> None:
        asked[0] += 1
        if asked[0] % 5:
            raise refusal("ConflictException", "somebody else is buying")
        sell(offering_id)

    service.sell = contested  # type: ignore[method-assign]  # replaced for this test

    assert (await ensure(service, 3)).covered
    assert (service.lengths, asked) == ([1, 1, 1], [15])


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

    service.sell = sold_out  # type: ignore[method-assign]  # replaced for this test
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


@for_days
@pytest.mark.parametrize("target", ["trainingjob", "TRAINING_JOB", "", 7])
async def test_a_misspelt_target_buys_nothing(target: Any) -> None:
    service = KeptPlan()
    wrong = re.escape(f"target: got {target!r}; allowed are training-job, hyperpod-cluster, endpo")
    with pytest.raises(InvalidRequestError, match=wrong):
        await ensure(service, 30, target=target)

    assert service.counts == {}


@for_days
async def test_a_target_of_tomorrow_is_passed_as_a_target() -> None:
    coverage = await ensure(KeptPlan(), 0, target=TargetResource("balloon"))

    assert coverage.covered
