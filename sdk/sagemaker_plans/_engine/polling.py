"""Polling: when to look, and one look for all who wait for the same thing.

Knows no AWS. Times are seconds on the event loop's clock.
"""

import math
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, Generic, NamedTuple, TypeVar
from weakref import WeakValueDictionary

import anyio
from attrs import Factory, field, frozen

from sagemaker_plans._engine.durations import as_float, as_seconds, duration_problems
from sagemaker_plans.errors import (
    ConfigurationError,
    ConnectionFailedError,
    SageMakerPlansError,
    ServiceError,
)
from sagemaker_plans.models._validation import shown

V = TypeVar("V")

_MAX_INTERVAL: Final = 60.0


@frozen(kw_only=True)
class PollSchedule:
    """How often something is looked at.

    The first look is immediate. The pause after a look is ``interval``, doubled for
    each look in a row that failed, plus a random part of up to ``jitter`` of it, and
    never more than ``max_interval``. The last look falls on the deadline.

    Args:
        interval: The shortest pause, in seconds or as a timedelta. Devices pick
            deployments up in minutes, so 15 seconds or more is right for AWS.
        max_interval: The longest pause; by default 60 seconds, or ``interval`` if that
            is longer.
        jitter: The random part, as a fraction of the pause, 0 to 1.

    Raises:
        ConfigurationError: If a value is out of range; every problem is listed.
    """

    interval: float = field(default=15.0, converter=as_seconds)
    """The shortest pause, in seconds."""
    max_interval: float = field(
        default=Factory(lambda self: _default_max_interval(self.interval), takes_self=True),
        converter=as_seconds,
    )
    """The longest pause, in seconds."""
    jitter: float = field(default=0.1, converter=as_float)
    """The random part, as a fraction of the pause."""

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
        number = self.jitter if type(self.jitter) is float else math.nan
        if not 0 <= number <= 1:
            yield f"jitter: got {shown(self.jitter)}; allowed are fractions from 0 to 1"

    def pause_bounds(self, failures: int) -> tuple[float, float]:
        """Give the range from which the pause after a look is drawn.

        Args:
            failures: How many looks in a row have failed.

        Returns:
            The least and the most seconds.
        """
        # Beyond this the doubling is past any cap; unbounded it would overflow.
        doubled = self.interval * 2.0 ** min(failures, 64)
        least = min(self.max_interval, doubled)
        return least, min(self.max_interval, least * (1 + self.jitter))


def _default_max_interval(interval: object) -> float:
    # What is no interval is refused as such, and not for a max_interval made of it.
    if isinstance(interval, float) and math.isfinite(interval):
        return max(_MAX_INTERVAL, interval)
    return _MAX_INTERVAL


class Reading(NamedTuple, Generic[V]):
    """One look, and what it showed."""

    number: int
    began: float
    ended: float
    value: V | None
    error: SageMakerPlansError | None


class SharedReading(Generic[V]):
    """One thing that many wait for: whoever is due first looks, and all see the result.

    There is no background task. If the one who looks is cancelled, the next one who is
    due takes over.

    Args:
        read: Takes one look.
        bound: The longest that a look may take, in seconds.
    """

    def __init__(self, read: Callable[[], Awaitable[V]], *, bound: float) -> None:
        self._read = read
        self.bound = bound
        self.latest: Reading[V] | None = None
        self.begun = 0
        self.busy = False
        self.news = anyio.Event()

    async def look(self) -> None:
        """Look now, and tell everybody.

        Raises:
            BaseException: Only what is no SageMakerPlansError (a cancellation); those
                are part of the reading.
        """
        from anyio.lowlevel import checkpoint  # noqa: PLC0415  # what is not imported is not paid

        self.busy = True
        value: V | None = None
        error: SageMakerPlansError | None = None
        try:
            # All who begin to wait together come to share this look: it has not begun.
            await checkpoint()
            self.begun += 1
            began = anyio.current_time()
            with anyio.move_on_after(self.bound) as scope:
                try:
                    value = await self._read()
                except SageMakerPlansError as failed:
                    error = failed
            if scope.cancelled_caught:
                error = self.no_reading()
            self.latest = Reading(
                number=self.begun,
                began=began,
                ended=anyio.current_time(),
                value=value,
                error=error,
            )
        finally:
            self.busy = False
            news, self.news = self.news, anyio.Event()
            news.set()

    def no_reading(self) -> ConnectionFailedError:
        """Make the error for a look that took too long.

        Returns:
            The error.
        """
        return ConnectionFailedError(f"no whole reading within {self.bound:g} s", request_sent=None)


class SharedReadings(Generic[V]):
    """The shared readings of a client, by name; one lives as long as somebody waits.

    Args:
        read: Takes one look at what has this name.
        bound: The longest that a look may take, in seconds.
    """

    def __init__(self, read: Callable[[str], Awaitable[V]], *, bound: float) -> None:
        self._read = read
        self._bound = bound
        self._shared: WeakValueDictionary[str, SharedReading[V]] = WeakValueDictionary()

    def of(self, name: str) -> SharedReading[V]:
        """Give the shared reading of a name. Keep hold of it while waiting.

        Args:
            name: What to look at.

        Returns:
            The shared reading.
        """
        shared = self._shared.get(name)
        if shared is None:
            shared = SharedReading(lambda: self._read(name), bound=self._bound)
            self._shared[name] = shared
        return shared


class Poller(Generic[V]):
    """One who waits: gives each reading once, in time.

    Args:
        shared: What to look at.
        schedule: How often.
        deadline: When the last look is due; infinity for never.
        uniform: Draws a pause from a range.
    """

    def __init__(
        self,
        shared: SharedReading[V],
        schedule: PollSchedule,
        deadline: float,
        *,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._shared = shared
        self._schedule = schedule
        self._deadline = deadline
        self._uniform = uniform
        self._due = anyio.current_time()
        # A look that began before somebody waited may show what was before the waiter's
        # last act (such as starting the stage), so it does not count. Counted, for a
        # clock may show the same time before and after.
        self._seen = shared.begun
        self._failures = 0

    async def next(self, *, wake_at: float = math.inf) -> Reading[V]:
        """Wait for the next reading.

        Args:
            wake_at: Look at this time if nobody did before.

        Returns:
            A reading that was not given yet. One that ended at or after the deadline is
            the last. Others may be slow, or be cancelled while they look: if nothing has
            come a look's bound after the deadline, a failed reading says so.
        """
        shared = self._shared
        limit = max(self._deadline, anyio.current_time()) + shared.bound
        while True:
            latest = shared.latest
            if latest and latest.number > self._seen:
                self._take(latest)
                return latest
            now = anyio.current_time()
            if now >= limit:
                return Reading(
                    number=shared.begun, began=now, ended=now, value=None, error=shared.no_reading()
                )
            due = min(self._due, self._deadline, wake_at)
            if shared.busy or now < due:
                with anyio.CancelScope(deadline=limit if shared.busy else due):
                    await shared.news.wait()
            else:
                with anyio.CancelScope(deadline=limit):
                    await shared.look()

    def _take(self, reading: Reading[V]) -> None:
        self._seen = reading.number
        self._failures = 0 if reading.error is None else self._failures + 1
        pause = self._uniform(*self._schedule.pause_bounds(self._failures))
        if isinstance(reading.error, ServiceError) and reading.error.retry_after is not None:
            asked = min(reading.error.retry_after, self._schedule.max_interval)
            pause = max(pause, asked)
        self._due = reading.ended + pause
