"""Durations as users give them: seconds as a number, or a timedelta."""

import math
from collections.abc import Iterator
from datetime import timedelta

from sagemaker_plans.models._checks import shown

Duration = float | timedelta
"""Seconds, or a timedelta."""


def as_seconds(value: Duration) -> float:
    """Give a duration in seconds.

    Args:
        value: What a user passed.

    Returns:
        Seconds. What is no duration is given back as it is, to be refused by
        ``duration_problems`` with its value.
    """
    if isinstance(value, timedelta):
        return value.total_seconds()
    try:
        return float(value) if type(value) is int else value
    except OverflowError:
        # Too large for a float, and for a duration.
        return value


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
