"""What is learned from throttles."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_plans._engine.learned_rate import LearnedRate


def rate_of(delivered: float, *, seconds: float = 20.0) -> LearnedRate:
    """Give a rate after so many deliveries a second, up to ``seconds``, and then a throttle."""
    rate = LearnedRate(cut=0.8, min_rate=0.1)
    for number in range(int(delivered * seconds)):
        rate.delivered(number / delivered)
    assert rate.throttled(seconds, known_cuts=0)
    return rate


def test_there_is_no_limit_until_a_throttle() -> None:
    rate = LearnedRate(cut=0.8, min_rate=0.1)
    for number in range(1_000):
        rate.delivered(number / 100)
    assert (rate.is_limited, rate.at(10.0)) == (False, math.inf)


@pytest.mark.parametrize("delivered", [5, 20, 300])
def test_the_first_limit_is_a_cut_of_what_was_delivered(delivered: float) -> None:
    rate = rate_of(delivered)
    assert rate.is_limited
    assert rate.at(20.0) == pytest.approx(0.8 * delivered, rel=0.1)


def test_a_burst_counts_as_the_deliveries_of_a_second() -> None:
    rate = LearnedRate(cut=0.8, min_rate=0.1)
    for _ in range(20):
        rate.delivered(100.0)
    rate.throttled(100.0, known_cuts=0)
    assert rate.at(100.0) == pytest.approx(16.0)


def test_deliveries_fade_out() -> None:
    rate = LearnedRate(cut=0.8, min_rate=0.1)
    for _ in range(20):
        rate.delivered(100.0)
    rate.throttled(101.5, known_cuts=0)
    assert rate.at(101.5) == pytest.approx(0.8 * 10)


@pytest.mark.parametrize("later", [125.0, 10_000.0])
def test_old_deliveries_do_not_count(later: float) -> None:
    rate = LearnedRate(cut=0.8, min_rate=0.1)
    for _ in range(1_000):
        rate.delivered(100.0)
    rate.delivered(later)
    rate.throttled(later, known_cuts=0)
    assert rate.at(later) == pytest.approx(4.0)


def test_where_little_was_delivered_the_first_limit_is_that_of_five_a_second() -> None:
    rate = LearnedRate(cut=0.8, min_rate=0.1)
    rate.throttled(7.0, known_cuts=0)
    assert rate.at(7.0) == pytest.approx(4.0)


def test_a_throttle_within_a_second_of_a_cut_is_no_news() -> None:
    rate = rate_of(20)
    assert not rate.throttled(20.99, known_cuts=1)
    assert rate.throttled(21.0, known_cuts=1)
    assert rate.cuts == 2


def test_a_throttle_of_a_request_from_before_the_cut_is_no_news() -> None:
    rate = rate_of(20)
    assert not rate.throttled(50.0, known_cuts=0)
    assert rate.cuts == 1


def test_the_rate_does_not_fall_below_the_lowest() -> None:
    rate = LearnedRate(cut=0.5, min_rate=0.3)
    for second in range(20):
        rate.throttled(second, known_cuts=rate.cuts)
    assert rate.at(19.0) == 0.3


def test_the_rate_grows_slowly_at_first() -> None:
    rate = rate_of(20)
    before = rate.at(20.0)
    assert rate.at(30.0) == pytest.approx(before + 10 * (0.03 + 0.005 * before))


def test_the_rate_grows_fast_after_30_seconds_without_a_throttle() -> None:
    rate = rate_of(20)
    assert rate.at(51.0) == pytest.approx(1.1 * rate.at(50.0))


def test_from_1_to_60_a_second_in_less_than_73_seconds() -> None:
    rate = rate_of(1)
    assert rate.at(20.0 + 73.0) > 60


def test_a_limit_is_forgotten_in_the_end() -> None:
    rate = rate_of(20)
    assert rate.at(10_000_000.0) == math.inf
    assert not rate.is_limited


def test_a_highest_rate_holds_from_the_start_and_is_not_forgotten() -> None:
    rate = LearnedRate(cut=0.8, min_rate=0.1, max_rate=5.0)
    assert rate.at(0.0) == 5.0
    for number in range(100):
        rate.delivered(number / 10)
    rate.throttled(10.0, known_cuts=0)
    assert rate.at(10.0) == pytest.approx(4.0)
    assert rate.at(10_000.0) == 5.0
    assert rate.is_limited


def test_a_highest_rate_above_a_thousand_is_reached_again() -> None:
    rate = LearnedRate(cut=0.8, min_rate=0.1, max_rate=5_000.0)
    rate.throttled(10.0, known_cuts=0)
    assert rate.at(1_000.0) == 5_000.0


@given(
    st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=60),
    st.floats(0.1, 0.9),
    st.floats(0.01, 2),
)
def test_a_rate_is_within_its_bounds_whatever_happens(
    events: list[tuple[float, bool]], cut: float, min_rate: float
) -> None:
    rate = LearnedRate(cut=cut, min_rate=min_rate, max_rate=10.0)
    now, last_cut = 0.0, -math.inf
    for pause, is_throttle in events:
        now += pause
        before = rate.at(now)
        if not is_throttle:
            rate.delivered(now)
        elif rate.throttled(now, known_cuts=rate.cuts):
            assert now - last_cut >= 1
            assert rate.at(now) <= max(before, min_rate)
            last_cut = now
        assert min_rate <= rate.at(now) <= 10.0
