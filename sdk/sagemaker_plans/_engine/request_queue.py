"""The requests of one kind that wait to be sent, in the order in which they are due."""

import math
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final

from attrs import define, field

from sagemaker_plans._engine.learned_rate import LearnedRate
from sagemaker_plans.errors import ThrottledError
from sagemaker_plans.errors._late_import import LateModule

if TYPE_CHECKING:
    import anyio
else:
    # Only some calls need it.
    anyio = LateModule("anyio")

_LEAST_POLL_RATE: Final = 20.0
"""Polls leave at this many a second at least, however few there are."""
_POLL_RATE_TO_DEMAND: Final = 2.0
"""Polls that became due together leave at this many times the rate that they need."""


@define(eq=False)
class Turn:
    """What is known of one request while it waits to be sent, maybe more than once."""

    due: float
    """When it was due. It keeps this however often it has to wait."""
    every: float | None = None
    """Seconds until the same poll is due again; None if it is no poll."""
    give_up_at: float = math.inf
    """Once it was throttled, it waits no longer than this."""
    throttle: ThrottledError | None = None
    """What it was throttled with last."""
    queued: float = 0.0
    """Seconds that it has spent in the client's own queue."""

    @property
    def waits_until(self) -> float:
        """When it gives up waiting; infinity for never."""
        return math.inf if self.throttle is None else self.give_up_at

    def raise_if_given_up(self, now: float) -> None:
        """End the wait of a throttled request whose time is over.

        Args:
            now: The time, in seconds.

        Raises:
            ThrottledError: What it was throttled with last.
        """
        if self.throttle is not None and now >= self.give_up_at:
            raise self.throttle


class Waiter:
    """A request in a queue.

    Args:
        turn: What is known of it.
        needs_connection: Whether it takes one of the client's connections.
        is_nested: Whether a request that is under way cannot end before this one has. It
            comes before all others.
    """

    __slots__ = ("due", "every", "is_gone", "is_granted", "needs_connection", "number", "woken")

    def __init__(self, turn: Turn, *, needs_connection: bool, is_nested: bool) -> None:
        self.due = -math.inf if is_nested else turn.due
        self.every = None if is_nested else turn.every
        self.needs_connection = needs_connection
        self.number = 0
        """It comes after those that are due at the same time and have lower numbers."""
        self.is_granted = False
        self.is_gone = False
        self.woken = anyio.Event()

    def __lt__(self, other: "Waiter") -> bool:
        return (self.due, self.number) < (other.due, other.number)


class _WaiterHeap:
    """Waiters, the one that is due first at the front. Any of them may leave."""

    __slots__ = ("_gone", "_waiters")

    def __init__(self) -> None:
        self._waiters: list[Waiter] = []
        self._gone = 0

    def push(self, waiter: Waiter) -> None:
        heappush(self._waiters, waiter)

    def first(self) -> Waiter | None:
        waiters = self._waiters
        while waiters and waiters[0].is_gone:
            heappop(waiters)
            self._gone -= 1
        return waiters[0] if waiters else None

    def pop(self) -> None:
        heappop(self._waiters)

    def take_all(self) -> list[Waiter]:
        taken, self._waiters, self._gone = self._waiters, [], 0
        return [waiter for waiter in taken if not waiter.is_gone]

    def discard(self, waiter: Waiter) -> None:
        waiter.is_gone = True
        self._gone += 1
        # Those behind the front stay until half of all are gone: so each costs O(log n).
        if self._gone * 2 > len(self._waiters):
            self._waiters = [each for each in self._waiters if not each.is_gone]
            heapify(self._waiters)
            self._gone = 0


class _PollDemand:
    """How many polls a second are needed, by those that were sent or wait to be sent."""

    __slots__ = ("_sent", "_total")

    def __init__(self) -> None:
        self._total = 0.0
        self._sent: list[tuple[float, float]] = []

    def add(self, every: float) -> None:
        self._total += 1 / every

    def remove(self, every: float) -> None:
        self._total -= 1 / every

    def sent(self, every: float, now: float) -> None:
        # It counts until the next poll of the same thing comes, which counts then.
        heappush(self._sent, (now + every, every))

    def rate(self, now: float) -> float:
        while self._sent and self._sent[0][0] <= now:
            self.remove(heappop(self._sent)[1])
        return max(_LEAST_POLL_RATE, _POLL_RATE_TO_DEMAND * self._total)


@define(eq=False)
class RequestQueue:
    """The requests of one kind: those that wait, and how fast they may leave."""

    rate: LearnedRate
    is_command: bool
    needs_connection: bool
    timer: Waiter | None = None
    """The request that wakes by itself, because it leaves next."""
    wake_at: float = math.inf
    """When it wakes."""
    _demand: _PollDemand = field(factory=_PollDemand)
    _requests: _WaiterHeap = field(factory=_WaiterHeap)
    _polls: _WaiterHeap = field(factory=_WaiterHeap)
    _next_at: float = -math.inf
    _next_poll_at: float = -math.inf
    _has_made_way: bool = False

    def push(self, waiter: Waiter) -> None:
        """Let a request wait.

        Args:
            waiter: The request.
        """
        if waiter.every is None:
            self._requests.push(waiter)
        else:
            self._demand.add(waiter.every)
            self._polls.push(waiter)

    def discard(self, waiter: Waiter) -> None:
        """Take out a request that was not granted.

        Args:
            waiter: The request.
        """
        if waiter.every is None:
            self._requests.discard(waiter)
        else:
            self._demand.remove(waiter.every)
            self._polls.discard(waiter)

    def first(self, now: float) -> tuple[Waiter, float] | None:
        """Find the request that leaves next, if a connection is free for it.

        Args:
            now: The time, in seconds.

        Returns:
            The request, and the time from which it may leave; None if nothing waits.
        """
        request, poll = self._requests.first(), self._polls.first()
        if self.rate.at(now) == math.inf:
            # Only polls are spread then.
            if poll is not None and (
                request is None or (now >= self._next_poll_at and poll < request)
            ):
                return poll, self._next_poll_at
            return None if request is None else (request, -math.inf)
        if request is None or (poll is not None and poll < request):
            return None if poll is None else (poll, self._next_at)
        return request, self._next_at

    def grant(self, waiter: Waiter, now: float) -> None:
        """Let the first request leave.

        Args:
            waiter: What ``first`` gave.
            now: The time, in seconds.
        """
        waiter.is_granted = True
        waiter.woken.set()
        self._has_made_way = False
        # Time that was lost is not made up for: two at once are what is throttled.
        self._next_at = now + 1 / self.rate.at(now)
        if waiter.every is None:
            self._requests.pop()
        else:
            self._polls.pop()
            self._demand.sent(waiter.every, now)
            self._next_poll_at = now + 1 / self._demand.rate(now)

    def take_all(self) -> list[Waiter]:
        """Let all requests leave, whatever the rate.

        Returns:
            The requests.
        """
        taken = [*self._requests.take_all(), *self._polls.take_all()]
        for waiter in taken:
            waiter.is_granted = True
            waiter.woken.set()
        return taken

    def set_timer(self, now: float) -> None:
        """Have the request that leaves next wake then, unless it waits for a connection.

        Args:
            now: The time, in seconds.
        """
        found = self.first(now)
        waiter, at = (None, math.inf) if found is None or found[1] <= now else found
        if waiter is not None and (waiter is not self.timer or at < self.wake_at):
            waiter.woken.set()
        self.timer, self.wake_at = waiter, at

    def make_way(self, now: float) -> None:
        """Leave the next place to a command, once for each request that leaves.

        The service may count both together. More than half of the places are not taken
        away, so that polls do not starve.

        Args:
            now: The time, in seconds.
        """
        limit = self.rate.at(now)
        if limit != math.inf and not self._has_made_way:
            self._has_made_way = True
            self._next_at = max(self._next_at, now) + 1 / limit

    def throttled(self, now: float, *, known_cuts: int) -> None:
        """Learn from a throttle.

        Args:
            now: The time, in seconds.
            known_cuts: How often the rate had been cut when the request was sent.
        """
        if self.rate.throttled(now, known_cuts=known_cuts):
            self._next_at = max(self._next_at, now + 1 / self.rate.at(now))
