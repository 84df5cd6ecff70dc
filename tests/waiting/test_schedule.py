"""``PollSchedule``: what it refuses, and when it makes waits look."""

import math
import re
from datetime import timedelta
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_plans import ConfigurationError, PollSchedule
from waiting.virtual_plans import PATIENT

TINY = 1e-9

ENDLESS = "allowed are seconds (more than 0, finite) or a timedelta"


def test_the_defaults_suit_the_service() -> None:
    assert PollSchedule() == PollSchedule(
        interval=15, max_interval=60, jitter=0.1, final_interval=None
    )


def test_durations_may_be_timedeltas() -> None:
    schedule = PollSchedule(interval=timedelta(minutes=1), max_interval=timedelta(hours=1))

    assert (schedule.interval, schedule.max_interval) == (60.0, 3600.0)


class Float64(float):
    """A float of another library."""


@pytest.mark.parametrize("number", [Float64(0.5), Fraction(1, 2)], ids=repr)
def test_numbers_may_be_those_of_other_libraries(number: Any) -> None:
    schedule = PollSchedule(interval=number, max_interval=number, jitter=number)

    found = (schedule.interval, schedule.max_interval, schedule.jitter)
    assert [(each, type(each)) for each in found] == [(0.5, float)] * 3


def test_a_number_of_a_unit_of_its_own_is_refused() -> None:
    # As numpy's timedelta64, which is of integers, too.
    class Timedelta64(int):
        dtype = SimpleNamespace(kind="m")

    minutes = Timedelta64(5)
    with pytest.raises(ConfigurationError, match="interval: got 5; allowed are seconds"):
        PollSchedule(interval=minutes)


@pytest.mark.parametrize(("interval", "longest"), [(1, 60), (60, 60), (61, 61), (3600, 3600)])
def test_the_longest_pause_is_a_minute_or_the_interval_if_that_is_longer(
    interval: float, longest: float
) -> None:
    assert PollSchedule(interval=interval).max_interval == longest


def test_the_longest_pause_may_be_the_shortest() -> None:
    assert PollSchedule(interval=20, max_interval=20, jitter=0).pause_bounds(0) == (20, 20)


def test_pauses_that_cannot_grow_are_random_all_the_same() -> None:
    schedule = PollSchedule(interval=22, max_interval=22)

    assert schedule.pause_bounds(0) == pytest.approx((20, 22))
    assert schedule.pause_bounds(5) == pytest.approx((20, 22))


def test_pauses_after_failures_are_random_by_half() -> None:
    schedule = PollSchedule(interval=10, max_interval=60)

    assert [schedule.pause_bounds(failures) for failures in range(5)] == [
        (10, 11),
        (10, 20),
        (20, 40),
        (30, 60),
        (30, 60),
    ]


def test_near_the_end_polls_come_closer_unless_they_fail() -> None:
    schedule = PollSchedule(interval=60, final_interval=timedelta(seconds=5), jitter=0.5)

    assert schedule.final_interval == schedule.shortest == 5
    assert schedule.pause_bounds(0, near_end=True) == (5, 7.5)
    assert schedule.pause_bounds(0) == (40, 60)
    assert schedule.pause_bounds(1, near_end=True) == schedule.pause_bounds(1) == (40, 60)
    assert PollSchedule().pause_bounds(0, near_end=True) == PollSchedule().pause_bounds(0)


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, True, "5"])
def test_what_is_no_final_interval_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"final_interval: got .*; {re.escape(ENDLESS)}$"):
        PollSchedule(final_interval=value)


def test_a_final_interval_above_the_usual_one_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        PollSchedule(interval=5, final_interval=6)

    assert str(caught.value) == (
        "PollSchedule: final_interval: got 6; allowed are seconds not above interval (5), and None"
    )


def test_a_final_interval_is_not_compared_with_what_is_no_interval() -> None:
    with pytest.raises(ConfigurationError) as caught:
        PollSchedule(interval=0, final_interval=6)

    assert "final" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.0, "0.0"),
        (-1, "-1"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (True, "True"),
        ("15", "'15'"),
        (None, "None"),
        ([15], "[15]"),
        (timedelta(0), "datetime.timedelta(0)"),
    ],
)
def test_what_is_no_interval_is_refused_alone(value: Any, shown: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PollSchedule(interval=value)

    assert str(caught.value) == f"PollSchedule: interval: got {shown}; {ENDLESS}"


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, True, "60"])
def test_what_is_no_longest_interval_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"max_interval: got .*; {re.escape(ENDLESS)}$"):
        PollSchedule(max_interval=value)


def test_a_longest_pause_below_the_shortest_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        PollSchedule(interval=30, max_interval=timedelta(seconds=20))

    assert str(caught.value) == (
        "PollSchedule: max_interval: got 20; allowed are seconds not below interval (30)"
    )


@pytest.mark.parametrize("value", [-0.1, 1.1, 2, -1, math.nan, math.inf, True, "0.1", None])
def test_what_is_no_jitter_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PollSchedule(jitter=value)

    assert str(caught.value) == (
        f"PollSchedule: jitter: got {value!r}; allowed are fractions from 0 to 1"
    )


@pytest.mark.parametrize("value", [0, 1, 0.5])
def test_jitter_is_any_fraction(value: float) -> None:
    assert PollSchedule(jitter=value).jitter == value


def test_all_problems_are_told_at_once() -> None:
    wrong: Any = "slow"
    with pytest.raises(ConfigurationError) as caught:
        PollSchedule(interval=0, max_interval=wrong, jitter=2)

    assert [problem.split(":")[0] for problem in str(caught.value).split("; ")][::2] == [
        "PollSchedule",
        "max_interval",
        "jitter",
    ]


def test_a_schedule_is_a_value() -> None:
    schedule = PollSchedule(interval=1)

    assert hash(schedule) == hash(PollSchedule(interval=1.0))
    with pytest.raises(FrozenInstanceError):
        schedule.interval = 2  # type: ignore[misc]  # that it cannot be set is the point


def test_arguments_are_named() -> None:
    with pytest.raises(TypeError):
        PollSchedule(15)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # wrong on purpose


@given(
    interval=st.floats(1e-3, 1e6),
    factor=st.floats(1, 1e6),
    jitter=st.floats(0, 1),
    failures=st.integers(0, 10_000),
)
@PATIENT
def test_a_pause_grows_with_each_failure_and_is_never_longer_than_allowed(
    interval: float, factor: float, jitter: float, failures: int
) -> None:
    schedule = PollSchedule(interval=interval, max_interval=interval * factor, jitter=jitter)

    least, most = schedule.pause_bounds(failures)

    assert interval / (1 + jitter) * 0.999999 <= least <= most <= schedule.max_interval
    assert (least < most) == (jitter > 0) or jitter < TINY
    if failures:
        assert most == min(schedule.max_interval, interval * 2.0 ** min(failures, 64))
        assert least == most or least >= most / 2
    before = schedule.pause_bounds(max(failures - 1, 0))
    assert (least, most) >= (before[0], min(before[1], most))
