"""Durations as users give them: seconds as a number, or a timedelta."""

import math
from collections.abc import Iterator
from datetime import timedelta
from numbers import Real

from sagemaker_plans.models._validation import shown

Duration = float | timedelta
"""Seconds, or a timedelta."""


def as_float(value: float) -> float:
    """Give a number of any kind as a float; numpy's are not all floats.

    Args:
        value: What a user passed.

    Returns:
        The number. What is none, or too large, is given back as it is, to be refused
        with its value.
    """
    number: object = value
    # numpy's timedelta64 counts as a real number, in whatever unit it has.
    if isinstance(number, bool) or not isinstance(number, Real) or _has_unit(number):
        return value
    try:
        return float(number)
    except OverflowError:
        return value


def _has_unit(number: object) -> bool:
    return getattr(getattr(number, "dtype", None), "kind", None) == "m"


def as_seconds(value: Duration) -> float:
    """Give a duration in seconds.

    Args:
        value: What a user passed.

    Returns:
        Seconds. What is no duration is given back as it is, to be refused by
        ``duration_problems`` with its value.
    """
    return value.total_seconds() if isinstance(value, timedelta) else as_float(value)


def as_seconds_or_none(value: Duration | None) -> float | None:
    """Give a duration in seconds, or None for none.

    Args:
        value: What a user passed.

    Returns:
        Seconds, or None.
    """
    return None if value is None else as_seconds(value)


def duration_problems(argument: str, value: object, *, zero: bool = False) -> Iterator[str]:
    """Check a duration.

    Args:
        argument: What the value was passed as.
        value: What ``as_seconds`` made of it.
        zero: Whether no time at all is allowed.

    Yields:
        Each problem.
    """
    number = value if type(value) is float else math.nan
    if not math.isfinite(number) or number < 0 or (number == 0 and not zero):
        least = "0 or more" if zero else "more than 0"
        yield (
            f"{argument}: got {shown(value)}; allowed are seconds ({least}, finite) or a timedelta"
        )
