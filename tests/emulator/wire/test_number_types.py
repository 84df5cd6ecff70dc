"""Numbers of other types than int and float, such as those of numpy."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any

import pytest

from sagemaker_plans.emulator import (
    Clock,
    Emulator,
    Fault,
    FleetSeed,
    OfferingSeed,
    Seed,
    Service,
    Timings,
)
from sagemaker_plans.emulator._wire.number_types import real_number, whole_number


class Whole:
    """Stands for a whole number of numpy."""

    def __init__(self, value: int) -> None:
        self._value = value

    def __index__(self) -> int:
        return self._value


class Array:
    """Stands for an array, which has the method but is no number."""

    def __index__(self) -> int:
        raise TypeError("only arrays of one number can be converted")


class Level(IntEnum):
    LOW = 1


@pytest.mark.parametrize(
    ("value", "whole", "real"),
    [
        (3, "3", "3.0"),
        (Whole(3), "3", "3.0"),
        (Level.LOW, "1", "1.0"),
        (1.5, "None", "1.5"),
        (Fraction(1, 2), "None", "0.5"),
        (True, "None", "None"),
        (Array(), "None", "None"),
        ("1", "None", "None"),
        (Decimal(1), "None", "None"),
        (Fraction(10**400), "None", "None"),
        (10**400, repr(10**400), "None"),
    ],
)
def test_a_number_becomes_a_plain_one(value: object, whole: str, real: str) -> None:
    assert repr(whole_number(value)) == whole
    assert repr(real_number(value)) == real


def test_nothing_of_another_type_enters_the_state() -> None:
    two: Any = Whole(2)
    half: Any = Fraction(1, 2)
    fee = Decimal("1E+3")

    def filled(two: Any, half: Any, fee: Any) -> Service:
        clock = Clock(speed=half, source=lambda: 0.0, start=1e9)
        clock.advance(half)
        seed = Seed(fleets=[FleetSeed(name="f", devices=two, failure_rate=half, description="")])
        service = Service(
            clock=clock, timings=Timings(creating=half), failure_tolerance=half, seed=seed
        )
        arn = service.add_training_plan(
            "p",
            start_in_hours=half,
            duration_hours=two,
            instance_count=two,
            ultra_server_type="u",
            ultra_server_count=two,
            spare_instances=0,
            impaired_ultra_servers=two,
        )
        service.add_extension_offering(
            arn, offering_id="tpeo-1", duration_hours=two, upfront_fee=fee
        )
        service.add_plan_offering(
            offering_id="tpo-1", start_in_hours=two, duration_hours=two, upfront_fee=fee
        )
        return service

    given, plain = filled(two, half, fee), filled(2, 0.5, "1000")
    assert repr(given.snapshot()) == repr(plain.snapshot())
    assert given.exported_seed().state is not None
    assert repr(Clock(speed=half).speed) == "0.5"
    assert OfferingSeed(offering_id="o", upfront_fee=fee).upfront_fee == "1000"


def test_ports_and_calls_are_counted_by_any_whole_number() -> None:
    two: Any = Whole(2)
    none: Any = Whole(0)
    emulator = Emulator(port=none)
    emulator.inject("*", Fault.hang(), nth=two, times=two)
    with pytest.raises(ValueError, match="nth and times must be at least 1"):
        emulator.inject("*", Fault.hang(), nth=none)
    with pytest.raises(ValueError, match="nth and times must be at least 1"):
        emulator.inject("*", Fault.hang(), times=none)
