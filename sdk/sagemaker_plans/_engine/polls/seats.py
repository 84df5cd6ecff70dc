"""Who waits for a poll, for what, and since when."""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Generic, NamedTuple, TypeVar

import anyio

from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.polls.readings import Interest, Reading

V = TypeVar("V")


class _Moment(NamedTuple, Generic[V]):
    """A time at which a waiter needs a poll, whatever its schedule says."""

    time: float
    number: int
    """Tells apart moments of the same time."""
    seat: "Seat[V]"
    is_deadline: bool
    """At its deadline a waiter needs a poll that does not fail."""


class Wish(NamedTuple, Generic[V]):
    """What a waiter waits for. Those who wish the same are treated as one."""

    interest: Interest[V]
    """The readings that it has to see."""
    schedule: PollSchedule
    """How often to poll."""
    sees_errors: bool
    """Whether it has to see polls that fail."""


class Seat(Generic[V]):
    """The place of one waiter.

    Args:
        after: The number of the poll before the first one whose reading counts.
    """

    __slots__ = ("after", "event", "failure", "group", "moments", "reading")

    def __init__(self, after: int) -> None:
        self.after: int = after
        self.group: _Group[V] | None = None
        """Those who wish the same, while this one waits."""
        self.moments: tuple[_Moment[V], ...] = ()
        self.event: anyio.Event
        """Set when the waiter has to look at its seat."""
        self.reading: Reading[V] | None = None
        """The reading that it has to see."""
        self.failure: BaseException | None = None
        """An exception of another kind that a poll has raised."""

    @property
    def is_taken(self) -> bool:
        """Whether its waiter waits."""
        return self.group is not None

    def clear(self) -> None:
        """Get up."""
        self.group = None
        self.moments = ()


class _Group(Generic[V]):
    """The waiters who wish the same."""

    __slots__ = ("seats", "wish")

    def __init__(self, wish: Wish[V]) -> None:
        self.wish: Wish[V] = wish
        self.seats: dict[Seat[V], None] = {}


class HandedOut(NamedTuple, Generic[V]):
    """What became of a reading."""

    seats: list[Seat[V]]
    """The waiters that have to see it. They have left."""
    is_late: bool
    """Whether it failed, and somebody's deadline had passed."""


class Seats(Generic[V]):
    """All who wait."""

    def __init__(self) -> None:
        self._groups: dict[Wish[V], _Group[V]] = {}
        self._moments: list[_Moment[V]] = []
        self._numbers = count()

    def __bool__(self) -> bool:
        return bool(self._groups)

    def wishes(self) -> Iterator[tuple[Wish[V], int]]:
        """Yield each wish, and how many waiters have it."""
        for wish, group in self._groups.items():
            yield wish, len(group.seats)

    def first_moments(self, began: float) -> tuple[float, float]:
        """Find the first times at which somebody needs a poll, whatever the schedules say.

        Args:
            began: When the last poll began.

        Returns:
            The first time for which that poll was made, but failed, and the first one for
            which none was made; infinity for none.
        """
        first = self._moments[0].time if self._moments else math.inf
        later = bisect_right(self._moments, began, key=_time_of)
        new = self._moments[later].time if later < len(self._moments) else math.inf
        return (first if later else math.inf), new

    @property
    def first_deadline(self) -> float:
        """The first deadline of those who wait; infinity if there is none."""
        return next((each.time for each in self._moments if each.is_deadline), math.inf)

    def add(self, seat: Seat[V], wish: Wish[V], moments: Iterable[tuple[float, bool]]) -> None:
        """Add a waiter.

        Args:
            seat: Its place.
            wish: What it waits for.
            moments: Times at which it needs a poll, and whether each is its deadline.
        """
        seat.event = anyio.Event()
        seat.reading = seat.failure = None
        group = self._groups.get(wish)
        if group is None:
            group = self._groups[wish] = _Group(wish)
        group.seats[seat] = None
        seat.group = group
        seat.moments = tuple(
            _Moment(time, next(self._numbers), seat, is_deadline) for time, is_deadline in moments
        )
        for moment in seat.moments:
            insort(self._moments, moment)

    def remove(self, seat: Seat[V]) -> None:
        """Remove a waiter.

        Args:
            seat: Its place.
        """
        for moment in seat.moments:
            del self._moments[bisect_left(self._moments, moment)]
        group = seat.group
        assert group is not None
        del group.seats[seat]
        if not group.seats:
            del self._groups[group.wish]
        seat.clear()

    def remove_all(self) -> list[Seat[V]]:
        """Remove all waiters.

        Returns:
            Their places.
        """
        left = [seat for group in self._groups.values() for seat in group.seats]
        self._groups.clear()
        self._moments.clear()
        for seat in left:
            seat.clear()
        return left

    def hand_out(self, reading: Reading[V], *, ends_waits: bool) -> HandedOut[V]:
        """Give a reading to those who have to see it, and remove them.

        Args:
            reading: The reading.
            ends_waits: Whether everybody has to see it.

        Returns:
            Who has it now.
        """
        wanting = [
            seat
            for wish, group in self._groups.items()
            if ends_waits or _needs(wish, reading)
            for seat in group.seats
        ]
        is_late = False
        passed = bisect_right(self._moments, reading.began, key=_time_of)
        for moment in self._moments[:passed]:
            if moment.is_deadline and reading.error is not None:
                is_late = is_late or moment.seat.after < reading.number
            else:
                wanting.append(moment.seat)
        served: list[Seat[V]] = []
        for seat in wanting:
            # Those who joined while the poll ran need the next one.
            if seat.group is not None and seat.after < reading.number:
                del seat.group.seats[seat]
                seat.clear()
                seat.reading = reading
                served.append(seat)
        if served:
            self._moments = [moment for moment in self._moments if moment.seat.is_taken]
            self._groups = {wish: group for wish, group in self._groups.items() if group.seats}
        return HandedOut(served, is_late and not ends_waits)


def _needs(wish: Wish[V], reading: Reading[V]) -> bool:
    if reading.error is not None:
        return wish.sees_errors
    return wish.interest.needs(reading.good_value)


def _time_of(moment: _Moment[V]) -> float:
    return moment.time
