from __future__ import annotations

import time

import pytest

from sagemaker_plans.emulator import Clock
from sagemaker_plans.emulator._state.clock import LATEST


class Seconds:
    """A source of time that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_follows_its_source_at_its_speed() -> None:
    source = Seconds()
    clock = Clock(source=source, speed=60, start=1000.0)
    source.now += 2
    assert clock.now() == 1120.0
    assert clock.speed == 60


def test_it_starts_at_the_machines_time() -> None:
    before = time.time()
    assert before - 1e-5 <= Clock().now() <= time.time() + 1


def test_a_held_clock_moves_only_when_advanced() -> None:
    source = Seconds()
    clock = Clock(source=source, start=0.0)
    clock.hold()
    source.now += 5
    assert (clock.held, clock.now()) == (True, 0.0)
    clock.advance(3)
    assert clock.now() == 3.0


def test_a_released_clock_goes_on_from_where_it_stood() -> None:
    source = Seconds()
    clock = Clock(source=source, start=0.0)
    source.now += 1
    clock.hold()
    source.now += 5
    clock.release()
    source.now += 2
    assert (clock.held, clock.now()) == (False, 3.0)


def test_a_running_clock_can_be_advanced_too() -> None:
    source = Seconds()
    clock = Clock(source=source, start=0.0)
    clock.advance(10)
    source.now += 1
    assert clock.now() == 11.0


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_it_never_goes_back(seconds: float) -> None:
    with pytest.raises(ValueError, match="zero or more seconds"):
        Clock().advance(seconds)


def test_it_ends_where_dates_end() -> None:
    source = Seconds()
    clock = Clock(source=source, start=LATEST - 10.0, speed=1e300)
    for seconds in (11, 1e308, 10**400):
        with pytest.raises(ValueError, match="up to the year 3000"):
            clock.advance(seconds)
    clock.advance(5)
    source.now += 1e300
    assert clock.now() == LATEST
    clock.advance(0)
    clock.hold()
    clock.release()
    assert clock.now() == LATEST


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf")])
def test_its_speed_is_positive(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be a positive number"):
        Clock(speed=speed)
