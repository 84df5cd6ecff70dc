"""Durations as users give them: a number of seconds, or a timedelta."""

import math
from collections.abc import Iterator
from datetime import timedelta
from numbers import Real
from typing import cast

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
    """Convert a duration of more than 0 to seconds.

    Args:
        value: What a user passed.

    Returns:
        Seconds. Anything else is returned unchanged, so that ``duration_problems`` shows it as
        the user wrote it.
    """
    seconds = _seconds(value)
    return seconds if _is_duration(seconds) and seconds else cast("float", value)


def as_seconds_from_zero(value: Duration) -> float:
    """Convert a duration of 0 or more to seconds.

    Args:
        value: What a user passed.

    Returns:
        Seconds, or anything else unchanged, as ``as_seconds`` does.
    """
    seconds = _seconds(value)
    return seconds if _is_duration(seconds) else cast("float", value)


def as_seconds_or_none(value: Duration | None) -> float | None:
    """Convert a duration of more than 0 to seconds, and leave None as it is.

    Args:
        value: What a user passed.

    Returns:
        Seconds, or None, or anything else unchanged, as ``as_seconds`` does.
    """
    return None if value is None else as_seconds(value)


def as_seconds_from_zero_or_none(value: Duration | None) -> float | None:
    """Convert a duration of 0 or more to seconds, and leave None as it is.

    Args:
        value: What a user passed.

    Returns:
        Seconds, or None, or anything else unchanged, as ``as_seconds`` does.
    """
    return None if value is None else as_seconds_from_zero(value)


def _seconds(value: Duration) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else as_float(value)


def _is_duration(seconds: object) -> bool:
    return type(seconds) is float and math.isfinite(seconds) and seconds >= 0


def duration_problems(argument: str, value: object, *, zero: bool = False) -> Iterator[str]:
    """Check a duration.

    Args:
        argument: The name of the argument.
        value: The result of ``as_seconds``, or of ``as_seconds_from_zero`` if 0 is allowed.
        zero: Whether 0 is allowed.

    Yields:
        Each problem.
    """
    if not _is_duration(value) or (value == 0 and not zero):
        least = "0 or more" if zero else "more than 0"
        yield (
            f"{argument}: got {shown(value)}; allowed are seconds ({least}, finite) or a timedelta"
        )
