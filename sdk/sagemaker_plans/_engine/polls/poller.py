"""The polling of one waiter."""

import math
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

import anyio

from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.polls.readings import Interest, Reading
from sagemaker_plans._engine.polls.seats import Seat, Wish
from sagemaker_plans._engine.polls.shared_polls import SharedPolls

V = TypeVar("V")

_FROZEN: Final = 1.0
"""A waiter that is woken so many seconds too late was frozen, and looks once more."""


class Poller(Generic[V]):
    """The polling of one waiter. It returns each reading that the waiter needs, once.

    Args:
        shared: The polls that it shares with other waiters.
        schedule: How often to poll.
        deadline: When the last poll is due; infinity for never.
    """

    __slots__ = (
        "_deadline",
        "_give_up_at",
        "_has_read",
        "_joined",
        "_left",
        "_schedule",
        "_seat",
        "first",
        "shared",
    )

    def __init__(self, shared: SharedPolls[V], schedule: PollSchedule, deadline: float) -> None:
        self.shared = shared
        self._schedule = schedule
        self._deadline = deadline
        self._give_up_at = deadline + shared.timeout
        self._joined = self._left = anyio.current_time()
        # A poll that began before this waiter did does not count: its reading may be older
        # than what the caller did last, such as starting the stage. Compared by number,
        # because the clock may show the same time before and after.
        self.first = shared.begun + 1
        """The number of the first poll that counts."""
        self._has_read = False
        self._seat = Seat[V](shared.begun)

    async def next_reading(
        self, interest: Interest[V], *, sees_errors: bool = False, wake_at: float = math.inf
    ) -> Reading[V] | None:
        """Wait for the next reading that this waiter needs.

        The first reading is always needed, and so is one that began at or after the
        deadline, unless it failed and the next one may not.

        Args:
            interest: The readings that it needs.
            sees_errors: Whether it needs readings that failed.
            wake_at: Poll at this time too. That reading is needed, even if it failed.

        Returns:
            A reading that this method has not returned before. None if ``shared.timeout``
            after the deadline there was none. Time in which the caller or the whole process
            was busy elsewhere does not count.
        """
        now = anyio.current_time()
        busy_since = max(self._deadline, self._left)
        self._give_up_at += max(0.0, now - busy_since)
        wish = Wish(interest, self._schedule, sees_errors)
        reading = self._missed(wish, wake_at)
        while reading is None:
            self.shared.join(self._seat, wish, self._moments(wake_at))
            gives_up = await self._rest()
            failure, self._seat.failure = self._seat.failure, None
            if failure is not None:
                raise failure
            reading = self._seat.reading
            if gives_up:
                break
        self._left = anyio.current_time()
        if reading is not None:
            self._has_read = True
            self._seat.after = reading.number
        self._seat.reading = None
        return reading

    def _moments(self, wake_at: float) -> Iterator[tuple[float, bool]]:
        if not self._has_read:
            yield self._joined, False
        if wake_at < math.inf:
            yield wake_at, False
        if self._deadline < math.inf:
            yield self._deadline, True

    def _missed(self, wish: Wish[V], wake_at: float) -> Reading[V] | None:
        """Find a reading that came while the caller was busy."""
        shared = self.shared
        seen = max(self._seat.after, shared.void)
        for reading in (shared.latest, shared.good):
            if reading is None or reading.number <= seen:
                continue
            if not self._has_read or reading.began >= wake_at:
                return reading
            if reading.error is None:
                good = reading.good_value
                if reading.began >= self._deadline or wish.interest.needs(good):
                    return reading
            elif wish.sees_errors or shared.ends_waits(reading.error):
                return reading
        return None

    async def _rest(self) -> bool:
        """Wait until there is something to look at. Tell whether to give up instead."""
        event, gives_up = self._seat.event, False
        try:
            while not event.is_set() and not gives_up:
                with anyio.CancelScope(deadline=self._give_up_at):
                    await event.wait()
                gives_up = not event.is_set() and self._has_to_give_up()
        except GeneratorExit:
            # The coroutine is thrown away, and cannot wait for anything.
            self.shared.leave(self._seat)
            raise
        except BaseException:
            await self._leave()
            raise
        if gives_up:
            await self._leave()
        return gives_up

    async def _leave(self) -> None:
        stopped = self.shared.leave(self._seat)
        if stopped is not None:
            # The poll is being cancelled. What it leaves behind is gone when the wait ends.
            with anyio.CancelScope(shield=True):
                await stopped.wait()

    def _has_to_give_up(self) -> bool:
        now, shared = anyio.current_time(), self.shared
        has_looked = shared.latest is not None and shared.latest.ended >= self._deadline
        if now - self._give_up_at < _FROZEN and (has_looked or shared.is_polling):
            return True
        # The process was frozen, or the look at the deadline has not even begun.
        self._give_up_at = now + shared.timeout
        return False
