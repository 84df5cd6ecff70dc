"""Durations as users give them: a number of seconds, or a timedelta."""

import math
from collections.abc import Iterator
from datetime import timedelta
from numbers import Real

from sagemaker_plans.models._validation import shown

Duration = float | timedelta
"""Seconds, or a timedelta."""


def as_float(value: float) -> float:
    """Convert a number of any type to a float. Not every numpy number is one already.

    Args:
        value: What a user passed.

    Returns:
        The float. A value that is not a number, or is too large for a float, is returned
        unchanged, so that the check that follows can show it.
    """
    number: object = value
    # numpy's timedelta64 counts as a real number, but its unit may be anything.
    if isinstance(number, bool) or not isinstance(number, Real) or _is_timedelta64(number):
        return value
    try:
        return float(number)
    except OverflowError:
        return value


def _is_timedelta64(number: object) -> bool:
    return getattr(getattr(number, "dtype", None), "kind", None) == "m"


def as_seconds(value: Duration) -> float:
    """Convert a duration to seconds.

    Args:
        value: What a user passed.

    Returns:
        Seconds. A value that is not a duration is returned unchanged, so that
        ``duration_problems`` can show it.
    """
    return value.total_seconds() if isinstance(value, timedelta) else as_float(value)


def as_seconds_or_none(value: Duration | None) -> float | None:
    """Convert a duration to seconds, and leave None as it is.

    Args:
        value: What a user passed.

    Returns:
        Seconds, or None.
    """
    return None if value is None else as_seconds(value)


def duration_problems(argument: str, value: object, *, zero: bool = False) -> Iterator[str]:
    """Check a duration.

    Args:
        argument: The name of the argument.
        value: The result of ``as_seconds``.
        zero: Whether 0 is allowed.

    Yields:
        Each problem.
    """
    number = value if type(value) is float else math.nan
    if not math.isfinite(number) or number < 0 or (number == 0 and not zero):
        least = "0 or more" if zero else "more than 0"
        yield (
            f"{argument}: got {shown(value)}; allowed are seconds ({least}, finite) or a timedelta"
        )
