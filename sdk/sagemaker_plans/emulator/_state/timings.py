"""How long the emulated steps take, and whether a time has been reached."""

from __future__ import annotations

import math
from typing import Final

import attrs

from sagemaker_plans.emulator._wire.number_types import real_number

CLOCK_NOISE: Final = 1e-6
"""Two times that differ by less than this, in seconds, count as the same.

Epoch seconds as floats are exact to about 0.2 microseconds. A test that advances a held
clock ten times by 0.1 must reach the moment that is 1.0 ahead.
"""


def reached(now: float, moment: float) -> bool:
    """Tell whether a time has been reached, within the precision of epoch seconds."""
    return now >= moment - CLOCK_NOISE


def _plain(value: float) -> float:
    """Return a number as a float, and anything else as it is, for the error to show."""
    number = real_number(value)
    return value if number is None else number


def _seconds(_instance: object, attribute: attrs.Attribute[float], value: object) -> None:
    if not (isinstance(value, float) and math.isfinite(value) and value >= 0):
        raise ValueError(f"{attribute.name} must be zero or more seconds, not {value!r}")


@attrs.frozen(kw_only=True)
class Timings:
    """How long the emulated steps take, in seconds of the emulator's clock.

    All durations are invented. Real devices poll for work every few minutes.

    Raises:
        ValueError: A duration is no number, negative or not finite.
    """

    creating: float = attrs.field(default=0.0, converter=_plain, validator=_seconds)
    """From a stage's creation until it can be started; with 0 it can be started at once."""

    starting: float = attrs.field(default=0.5, converter=_plain, validator=_seconds)
    """From the start of a stage until its devices begin to report."""

    device_report: float = attrs.field(default=0.2, converter=_plain, validator=_seconds)
    """Between the reports of two devices of a stage."""

    report_spread: float = attrs.field(default=2.0, converter=_plain, validator=_seconds)
    """The longest time that all reports of a stage may take. Larger fleets report faster."""

    stopping: float = attrs.field(default=0.5, converter=_plain, validator=_seconds)
    """From the stop of a stage until it is STOPPED."""

    payment_seconds: float = attrs.field(default=0.5, converter=_plain, validator=_seconds)
    """How long the payment of a training plan or of an extension stays Pending."""

    history_lag: float = attrs.field(default=0.0, converter=_plain, validator=_seconds)
    """How long an extension is missing from the plan's history, and a new plan from the plans."""

    reading_lag: float = attrs.field(default=0.0, converter=_plain, validator=_seconds)
    """How old the stages are that descriptions and lists of plans and devices show."""
