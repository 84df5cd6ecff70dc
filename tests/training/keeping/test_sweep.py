"""The searches for a choice: which ones, and at what pace."""

import itertools

import anyio
from attrs import define

from sagemaker_plans import PacePolicy, RetryPolicy
from sagemaker_plans._training.purchases.price_check import DURATIONS
from training.keeping.kept_plan import (
    ARN,
    DAY,
    SEARCH,
    START,
    KeptPlan,
    Prices,
    clock_time,
    for_days,
    refusal,
)


@define
class OneASecond:
    """Lets one search a second through, and throttles the others."""

    service: KeptPlan
    taken: float = -1.0
    throttled: int = 0

    def __call__(self, name: str) -> None:
        if name != SEARCH:
            return
        now = anyio.current_time()
        if now - self.taken < 1.0:
            self.throttled += 1
            raise refusal("ThrottlingException", "Rate exceeded", SEARCH)
        self.taken = now


def searched(service: KeptPlan) -> list[float]:
    return [when for name, when in service.calls if name == SEARCH]


@for_days
async def test_a_sweep_keeps_to_the_pace_of_the_service() -> None:
    service = KeptPlan(days=2, prices=lambda _: {1: 1})
    limit = OneASecond(service)
    service.before = limit
    plans = service.client(pace=PacePolicy(), retry=RetryPolicy())

    choice = await plans.choose_extension(ARN, until=START + 400 * DAY)

    # All lengths, and the search without one.
    times = searched(service)
    least = len(DURATIONS) * 1.0
    assert len(times) - limit.throttled == len(DURATIONS) + 1 == 39
    assert limit.throttled <= 1
    assert least <= times[-1] - times[0] <= 1.2 * least
    assert not choice.covers


@for_days
async def test_searches_are_never_closer_than_the_pace() -> None:
    service = KeptPlan(days=2)
    plans = service.client(pace=PacePolicy())

    await plans.choose_extension(ARN, until=START + 400 * DAY)

    times = searched(service)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) > 0.999 / 0.95


@for_days
async def test_without_pace_nothing_is_waited_for() -> None:
    service = KeptPlan(days=2)

    await service.client().choose_extension(ARN, until=START + 400 * DAY)

    assert len(searched(service)) == 39
    assert anyio.current_time() == 0


@for_days
async def test_only_the_lengths_that_can_matter_are_searched() -> None:
    service = KeptPlan(prices=lambda _: {1: 1, 21: 100, 182: 99})

    choice = await service.client().choose_extension(ARN, until=service.first_end + 20 * DAY)

    # A longer one may be cheaper; a shorter one does not reach the date.
    assert choice.offering is not None
    assert choice.offering.duration_hours == 182 * 24
    assert len(searched(service)) == 1 + 24


@for_days
async def test_the_shorter_ones_are_searched_if_no_longer_one_can_be_paid() -> None:
    service = KeptPlan(prices=lambda _: {5: 40, 6: 60, 7: 70, 14: 300})

    choice = await service.client().choose_extension(
        ARN, until=service.first_end + 8 * DAY, max_upfront_fee=100
    )

    assert choice.offering is not None
    assert choice.offering.duration_hours == 5 * 24
    assert len(searched(service)) == 39


@for_days
async def test_a_price_that_moves_during_the_sweep_counts_as_it_was_listed_last() -> None:
    service = KeptPlan()

    def prices(_: KeptPlan) -> Prices:
        return {7: 50 if len(searched(service)) <= 1 else 60}

    service.prices = prices

    choice = await service.client().choose_extension(ARN, until=service.first_end + 6 * DAY)

    [candidate] = choice.candidates
    assert candidate.verdict == "chosen"
    assert candidate.offering.upfront_fee == 60
    assert clock_time() == START
