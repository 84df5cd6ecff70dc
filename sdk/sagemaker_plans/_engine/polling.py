"""Polling: when to poll, and one poll for all tasks that wait for the same thing.

Nothing here is specific to AWS. Times are seconds on the event loop's clock.
"""

import math
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, Generic, NamedTuple, TypeVar
from weakref import WeakValueDictionary

import anyio
from anyio.lowlevel import checkpoint
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
    """How often to poll.

    The first poll is immediate. After a poll comes a pause of ``interval``. The pause
    doubles with each poll in a row that failed. A random part is added to it, at most
    ``jitter`` times the pause. No pause is longer than ``max_interval``. The last poll is
    at the deadline.

    Args:
        interval: The shortest pause, in seconds or as a timedelta. Devices take minutes
            to pick up a deployment, so use 15 seconds or more on AWS.
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
        """Return the range from which the pause after a poll is drawn.

        Args:
            failures: How many polls in a row have failed.

        Returns:
            The shortest and the longest pause, in seconds.
        """
        # 64 doublings are more than any cap allows; with many more the float overflows.
        doubled = self.interval * 2.0 ** min(failures, 64)
        least = min(self.max_interval, doubled)
        return least, min(self.max_interval, least * (1 + self.jitter))


def _default_max_interval(interval: object) -> float:
    # A bad interval is one problem: it must not lead to a bad max_interval as well.
    if isinstance(interval, float) and math.isfinite(interval):
        return max(_MAX_INTERVAL, interval)
    return _MAX_INTERVAL


class Reading(NamedTuple, Generic[V]):
    """The result of one poll."""

    number: int
    """The number of the poll, from 1."""
    began: float
    ended: float
    value: V | None
    """What was read; None if the poll failed."""
    error: SageMakerPlansError | None
    """Why the poll failed; None if it did not."""


class SharedPolls(Generic[V]):
    """The polls of one thing. All tasks that wait for it share them.

    There is no background task. The waiter whose poll is due first polls, and all waiters
    get the reading. If that waiter is cancelled, the next one whose poll is due takes over.

    Args:
        read: Reads the thing once.
        timeout: How long one poll may take, in seconds.
    """

    def __init__(self, read: Callable[[], Awaitable[V]], *, timeout: float) -> None:
        self._read = read
        self.timeout = timeout
        self.latest: Reading[V] | None = None
        self.begun = 0
        self.is_polling = False
        self.ended = anyio.Event()
        """Set when the poll that runs now, or the next one, ends; then replaced."""

    async def poll(self) -> None:
        """Poll now, and wake all waiters.

        A SageMakerPlansError is not raised: the reading has it.

        Raises:
            BaseException: Any other exception, such as a cancellation.
        """
        self.is_polling = True
        value: V | None = None
        error: SageMakerPlansError | None = None
        try:
            # Tasks that begin to wait at the same time can now do so, before the poll begins.
            # So they share it.
            await checkpoint()
            self.begun += 1
            began = anyio.current_time()
            with anyio.move_on_after(self.timeout) as scope:
                try:
                    value = await self._read()
                except SageMakerPlansError as failed:
                    error = failed
            if scope.cancelled_caught:
                error = self.timeout_error()
            self.latest = Reading(
                number=self.begun,
                began=began,
                ended=anyio.current_time(),
                value=value,
                error=error,
            )
        finally:
            self.is_polling = False
            ended, self.ended = self.ended, anyio.Event()
            ended.set()

    def timeout_error(self) -> ConnectionFailedError:
        """Make the error for a poll that took too long.

        Returns:
            The error.
        """
        return ConnectionFailedError(
            f"no whole reading within {self.timeout:g} s", request_sent=None
        )


class SharedPollsByName(Generic[V]):
    """The shared polls of one client. An entry exists only while somebody waits.

    Args:
        read: Reads the thing of this name once.
        timeout: How long one poll may take, in seconds.
    """

    def __init__(self, read: Callable[[str], Awaitable[V]], *, timeout: float) -> None:
        self._read = read
        self._timeout = timeout
        self._shared: WeakValueDictionary[str, SharedPolls[V]] = WeakValueDictionary()

    def get(self, name: str) -> SharedPolls[V]:
        """Return the shared polls of a name. Keep a reference to them while you wait.

        Args:
            name: The name of what is polled.

        Returns:
            The shared polls.
        """
        shared = self._shared.get(name)
        if shared is None:
            shared = SharedPolls(lambda: self._read(name), timeout=self._timeout)
            self._shared[name] = shared
        return shared


class Poller(Generic[V]):
    """The polling of one waiter. It returns each reading once, and on time.

    Args:
        shared: The polls that it shares with other waiters.
        schedule: How often to poll.
        deadline: When the last poll is due; infinity for never.
        uniform: Draws a pause from a range.
    """

    def __init__(
        self,
        shared: SharedPolls[V],
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
        # A poll that began before this waiter did does not count: its reading may be older
        # than what the caller did last, such as starting the stage. Compared by number,
        # because the clock may show the same time before and after.
        self._last_number = shared.begun
        self._failures = 0

    async def next_reading(self, *, wake_at: float = math.inf) -> Reading[V]:
        """Wait for the next reading.

        Args:
            wake_at: Poll at this time, unless another waiter has polled by then.

        Returns:
            A reading that this method has not returned before. If it ended at or after the
            deadline, it is the last one. The waiter that polls may be slow or be cancelled:
            if no reading has come one poll timeout after the deadline, the result is a
            failed reading that says so.
        """
        shared = self._shared
        give_up_at = max(self._deadline, anyio.current_time()) + shared.timeout
        while True:
            latest = shared.latest
            if latest and latest.number > self._last_number:
                self._schedule_next(latest)
                return latest
            now = anyio.current_time()
            if now >= give_up_at:
                return Reading(
                    number=shared.begun,
                    began=now,
                    ended=now,
                    value=None,
                    error=shared.timeout_error(),
                )
            due = min(self._due, self._deadline, wake_at)
            if shared.is_polling or now < due:
                with anyio.CancelScope(deadline=give_up_at if shared.is_polling else due):
                    await shared.ended.wait()
            else:
                with anyio.CancelScope(deadline=give_up_at):
                    await shared.poll()

    def _schedule_next(self, reading: Reading[V]) -> None:
        self._last_number = reading.number
        self._failures = 0 if reading.error is None else self._failures + 1
        pause = self._uniform(*self._schedule.pause_bounds(self._failures))
        if isinstance(reading.error, ServiceError) and reading.error.retry_after is not None:
            asked = min(reading.error.retry_after, self._schedule.max_interval)
            pause = max(pause, asked)
        self._due = reading.ended + pause
