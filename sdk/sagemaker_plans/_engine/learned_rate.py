"""Learns from throttles how many requests a second the service permits."""

import math
from typing import Final

# Found by measurement, in virtual time: tests/benchmarks/pace/tables.py prints the tables.
_LEAST_DELIVERED: Final = 5.0
"""What was delivered counts as so many requests a second at least. A client that sends few
is mostly throttled because of others: with 1 a second, one throttle made 50 describes one
after the other take 35 s, with 5 it is 12 s. Cuts find a lower limit within seconds."""
_GROWTH: Final = 0.03
"""The growth in each second, in requests a second. It is the same for all clients of an
account, so that one with a small share catches up with the others."""
_RELATIVE_GROWTH: Final = 0.005
"""What is added to that, as a share of the rate after the last cut."""
_QUIET: Final = 30.0
"""After so many seconds without a throttle, the rate grows fast."""
_FAST_GROWTH: Final = 1.1
"""The factor by which the rate then grows in each second."""
_NO_LIMIT: Final = 1_000.0
"""A rate that has grown to this many requests a second is no limit any more."""
_BETWEEN_CUTS: Final = 1.0
"""Seconds between two cuts, at least: the throttles of one burst are one piece of news."""


class _SlidingCount:
    """Counts what happened in the last seconds, in constant time and memory.

    Args:
        length: The length of the window, in seconds.
    """

    __slots__ = ("_before", "_current", "_length", "_number")

    def __init__(self, length: float) -> None:
        self._length = length
        self._number = -1
        self._current = 0
        self._before = 0

    def add(self, now: float) -> None:
        number = int(now // self._length)
        if number != self._number:
            self._before = self._current if number == self._number + 1 else 0
            self._current = 0
            self._number = number
        self._current += 1

    def rate(self, now: float) -> float:
        """Give the number for each second; what is older than the window fades out."""
        number, into = divmod(now, self._length)
        windows = int(number) - self._number
        current, before = [(self._current, self._before), (0, self._current), (0, 0)][
            min(windows, 2)
        ]
        return (current + before * (1 - into / self._length)) / self._length


class LearnedRate:
    """How many requests of one kind the service permits, as far as is known.

    There is no limit until the first throttle. Then it is what was being delivered, times
    ``cut``. It is cut again at most once a second, and only by a throttle of a request that
    was sent after the last cut. It grows slowly, and fast after 30 seconds without a
    throttle, until it is no limit any more.

    Args:
        cut: What a throttle leaves of the rate, as a fraction.
        min_rate: The lowest rate, in requests a second.
        max_rate: The highest rate, from the start; infinity for none.
    """

    __slots__ = (
        "_cut",
        "_cut_at",
        "_max_rate",
        "_min_rate",
        "_rate",
        "_seconds",
        "_tens",
        "cuts",
    )

    def __init__(self, *, cut: float, min_rate: float, max_rate: float = math.inf) -> None:
        self._cut = cut
        self._min_rate = min_rate
        self._max_rate = max_rate
        self._rate = max_rate
        self.cuts = 0
        """How often the rate has been cut."""
        self._cut_at = -math.inf
        self._seconds = _SlidingCount(1.0)
        self._tens = _SlidingCount(10.0)

    @property
    def is_limited(self) -> bool:
        """Whether a limit is known. It may have grown out of being one by now."""
        return self._rate != math.inf

    def at(self, now: float) -> float:
        """Give the limit.

        Args:
            now: The time, in seconds.

        Returns:
            Requests a second; infinity for no limit.
        """
        if self._rate == math.inf:
            return math.inf
        quiet = now - self._cut_at
        rate = self._rate + (_GROWTH + _RELATIVE_GROWTH * self._rate) * min(quiet, _QUIET)
        if quiet > _QUIET:
            # 1,000 seconds are more than any limit lasts; with many more the float overflows.
            rate *= _FAST_GROWTH ** min(quiet - _QUIET, 1_000.0)
        if rate >= min(self._max_rate, _NO_LIMIT):
            self._rate = rate = self._max_rate
        return rate

    def delivered(self, now: float) -> None:
        """Count a request that the service has answered.

        Args:
            now: The time, in seconds.
        """
        self._seconds.add(now)
        self._tens.add(now)

    def throttled(self, now: float, *, known_cuts: int) -> bool:
        """Learn from a throttle.

        Args:
            now: The time, in seconds.
            known_cuts: What ``cuts`` was when the throttled request was sent.

        Returns:
            Whether the rate was cut.
        """
        # A request that was sent before the last cut says nothing of the rate after it.
        if known_cuts != self.cuts or now < self._cut_at + _BETWEEN_CUTS:
            return False
        was = self.at(now)
        delivered = max(self._seconds.rate(now), self._tens.rate(now), _LEAST_DELIVERED)
        self._rate = max(self._cut * min(was, delivered), self._min_rate)
        self._cut_at = now
        self.cuts += 1
        return True
