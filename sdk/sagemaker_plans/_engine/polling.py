"""When to poll. Nothing here is specific to AWS."""

import math
from collections.abc import Iterator
from typing import Final

from attrs import Factory, field, frozen

from sagemaker_plans._engine.durations import (
    as_float,
    as_seconds,
    as_seconds_or_none,
    duration_problems,
)
from sagemaker_plans.errors import ConfigurationError
from sagemaker_plans.models._validation import shown

_MAX_INTERVAL: Final = 60.0


def _is_fraction(value: object) -> bool:
    return type(value) is float and 0 <= value <= 1


def _as_fraction(value: float) -> float:
    # What is out of range stays as it was written, for the message.
    return number if _is_fraction(number := as_float(value)) else value


@frozen(kw_only=True)
class PollSchedule:
    """How often to poll.

    The first poll is due at once, the last one at the deadline. Polls of many things that
    are due together are spread over seconds. After a poll comes a pause
    of ``interval`` and a random part, so that waits that began together do not poll in
    step. Polls that fail back off: the pause doubles with each failure in a row, and a
    random half of it is left out. No pause is longer than ``max_interval``. If that leaves
    no room for the random part, it is taken off the pause instead of being added.

    Args:
        interval: The pause after a poll, in seconds or as a timedelta. Devices take minutes
            to pick up a deployment, so use 15 seconds or more on AWS.
        max_interval: The longest pause; by default 60 seconds, or ``interval`` if that
            is longer.
        jitter: The random part, as a fraction of the pause, 0 to 1. With 0 nothing is
            random, not even after failures.
        final_interval: The pause while a stage is nearly done: it is INPROGRESS, and 90 %
            of its devices have succeeded or failed. Not longer than ``interval``. None
            for no such difference.

    Raises:
        ConfigurationError: If a value is out of range; every problem is listed.
    """

    interval: float = field(default=15.0, converter=as_seconds)
    """The pause after a poll, in seconds."""
    max_interval: float = field(
        default=Factory(lambda self: _default_max_interval(self.interval), takes_self=True),
        converter=as_seconds,
    )
    """The longest pause, in seconds."""
    jitter: float = field(default=0.1, converter=_as_fraction)
    """The random part, as a fraction of the pause."""
    final_interval: float | None = field(default=None, converter=as_seconds_or_none)
    """The pause while a stage is nearly done, in seconds; None for ``interval``."""

    def __attrs_post_init__(self) -> None:
        if problems := tuple(self._problems()):
            raise ConfigurationError("PollSchedule: " + "; ".join(problems))

    def _problems(self) -> Iterator[str]:
        bad = [
            *duration_problems("interval", self.interval),
            *duration_problems("max_interval", self.max_interval),
        ]
        yield from bad
        if not bad and self.max_interval < self.interval:
            yield (
                f"max_interval: got {self.max_interval:g}; allowed are seconds not below "
                f"interval ({self.interval:g})"
            )
        if not _is_fraction(self.jitter):
            yield f"jitter: got {shown(self.jitter)}; allowed are fractions from 0 to 1"
        if self.final_interval is not None:
            wrong = [*duration_problems("final_interval", self.final_interval)]
            yield from wrong
            if not bad and not wrong and self.final_interval > self.interval:
                yield (
                    f"final_interval: got {self.final_interval:g}; allowed are seconds not above "
                    f"interval ({self.interval:g}), and None"
                )

    @property
    def shortest(self) -> float:
        """The shortest of the pauses between polls that work, without the random part."""
        return self.interval if self.final_interval is None else self.final_interval

    def pause_bounds(self, failures: int, *, near_end: bool = False) -> tuple[float, float]:
        """Return the range from which the pause after a poll is drawn.

        The range is one point only if ``jitter`` is 0.

        Args:
            failures: How many polls in a row have failed.
            near_end: Whether what is polled is nearly done.

        Returns:
            The shortest and the longest pause, in seconds.
        """
        if not failures:
            pause = self.shortest if near_end else self.interval
            most = min(self.max_interval, pause * (1 + self.jitter))
            return min(pause, most / (1 + self.jitter)), most
        # 64 doublings are more than any cap allows; with many more the float overflows.
        most = min(self.max_interval, self.interval * 2.0 ** min(failures, 64))
        if not self.jitter:
            return most, most
        # Half of it is random, but a failure does not make the pause shorter than a success.
        return max(most / 2, self.pause_bounds(0)[0]), most


def _default_max_interval(interval: object) -> float:
    # A bad interval is one problem: it must not lead to a bad max_interval as well.
    if isinstance(interval, float) and math.isfinite(interval):
        return max(_MAX_INTERVAL, interval)
    return _MAX_INTERVAL
