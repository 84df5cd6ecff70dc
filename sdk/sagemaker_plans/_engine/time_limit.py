"""The time that a wait has: ``timeout=`` or ``until=``, exactly one of the two."""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import Final, NamedTuple, Self

from sagemaker_plans._engine.durations import (
    Duration,
    as_seconds_from_zero_or_none,
    duration_problems,
)
from sagemaker_plans.models._validation import shown


class NotGiven(Enum):
    """The type of ``NOT_GIVEN``. None is a value of its own: as long as it takes."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "<not given>"


NOT_GIVEN: Final = NotGiven.NOT_GIVEN


class TimeLimit(NamedTuple):
    """How long a wait may take."""

    timeout: float | None
    """Seconds; None for as long as it takes, or until ``until``."""
    until: datetime | None

    @classmethod
    def of(cls, timeout: Duration | NotGiven | None, until: datetime | None) -> Self:
        """Make the limit of two arguments that were checked.

        Args:
            timeout: How long to wait.
            until: The date to wait until.

        Returns:
            The limit.
        """
        return cls(
            None if isinstance(timeout, NotGiven) else as_seconds_from_zero_or_none(timeout), until
        )

    def seconds(self) -> float | None:
        """Return the time that is left, counted from now.

        Returns:
            Seconds, 0 if ``until`` has passed; None for as long as it takes.
        """
        if self.until is None:
            return self.timeout
        return max(0.0, (self.until - datetime.now(UTC)).total_seconds())

    def __str__(self) -> str:
        if self.until is not None:
            return f"by {self.until}"
        return f"within {self.timeout:g} s"


def time_limit_problems(timeout: object, until: object) -> Iterator[str]:
    """Check the two arguments.

    Args:
        timeout: How long to wait, as it was passed.
        until: The date to wait until, as it was passed.

    Yields:
        Each problem.
    """
    if timeout is NOT_GIVEN and until is None:
        yield (
            "timeout: neither timeout nor until is given; one of them is needed, and timeout=None "
            "waits for as long as it takes"
        )
    elif timeout is not NOT_GIVEN and until is not None:
        yield (
            f"until: got {shown(until)} beside a timeout of {shown(timeout)}; only one of them is "
            "allowed"
        )
    if isinstance(timeout, NotGiven) or timeout is None:
        pass
    else:
        seconds = as_seconds_from_zero_or_none(timeout)  # type: ignore[arg-type]  # it is what is checked
        yield from duration_problems("timeout", seconds, zero=True)
    if until is not None and not (isinstance(until, datetime) and until.utcoffset() is not None):
        yield (
            f"until: got {shown(until)}; allowed are datetimes with a time zone, such as "
            "datetime.now(UTC) + timedelta(hours=1)"
        )
