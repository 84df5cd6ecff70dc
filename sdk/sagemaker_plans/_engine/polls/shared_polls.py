"""One poll for all tasks that wait for the same thing.

Nothing here is specific to AWS. Times are seconds on the event loop's clock.
"""

import math
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from weakref import WeakValueDictionary

import anyio
from anyio.lowlevel import checkpoint

from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.polls.own_task import start_task
from sagemaker_plans._engine.polls.readings import PollTurn, Reading
from sagemaker_plans._engine.polls.seats import Seat, Seats, Wish
from sagemaker_plans.errors import SageMakerPlansError, ServiceError

if TYPE_CHECKING:
    from logging import Logger

V = TypeVar("V")

_SHARED_FOR: Final = 1.0
"""Joiners and deadlines cost one poll per so many seconds, however many they are."""
_LATE_PAUSE: Final = 0.5
"""The first pause between polls that fail after a deadline, in seconds."""
_TOLD_AFTER: Final = 120.0
"""Waiters are told of a poll that is throttled for so many seconds; it keeps its turn."""
_WOKEN_AT_ONCE: Final = 500
"""So many waiters are woken before other tasks of the event loop get a turn."""


class SharedPolls(Generic[V]):
    """The polls of one thing. All tasks that wait for it share them.

    The polls run in a task of their own, so that no waiter's cancellation costs the others
    a poll. That task exists only while somebody waits: the last one who leaves ends it,
    together with the poll that runs, and waits for its end.

    Args:
        read: Reads the thing once, when its turn comes.
        name: What is read, for the log.
        timeout: How long after its deadline a waiter gives up, in seconds.
        ends_waits: Whether an error ends the waits, because the next poll would fail too.
        keeps_turn: Whether a poll that failed with an error keeps its turn: the client's own
            pace, and no pause, decides when it is made again.
        uniform: Draws a pause from a range.
    """

    def __init__(
        self,
        read: Callable[[PollTurn], Awaitable[V]],
        *,
        name: str,
        timeout: float,
        ends_waits: Callable[[SageMakerPlansError], bool],
        keeps_turn: Callable[[SageMakerPlansError], bool],
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._read = read
        self._name = name
        self.timeout: float = timeout
        self.ends_waits = ends_waits
        self._keeps_turn = keeps_turn
        self._kept_due: float | None = None
        """When the last poll was due, if it keeps its turn."""
        self._uniform = uniform
        self.latest: Reading[V] | None = None
        self.good: Reading[V] | None = None
        """The latest reading that did not fail."""
        self.begun: int = 0
        """The number of the poll that began last."""
        self.void: int = 0
        """Polls up to this number began before what was read was changed."""
        self.is_polling: bool = False
        self._began = -math.inf
        self._failures = 0
        self._failing_since = 0.0
        self._late_failures = 0
        self._late_due = -math.inf
        self._seats = Seats[V]()
        self._dues: dict[tuple[PollSchedule, bool], float] = {}
        self._to_wake: list[Seat[V]] = []
        self._alarm = anyio.Event()
        self._scope = anyio.CancelScope()
        self._stopped: anyio.Event | None = None
        self._task: object = None

    def join(self, seat: Seat[V], wish: Wish[V], moments: Iterable[tuple[float, bool]]) -> None:
        """Let a waiter wait for its next reading.

        Args:
            seat: The waiter's place.
            wish: What it waits for.
            moments: Times at which it needs a poll, and whether each is its deadline.
        """
        self._seats.add(seat, wish, moments)
        # It may need a poll earlier than the others.
        self._alarm.set()
        if self._stopped is None:
            self._stopped = anyio.Event()
            self._scope = anyio.CancelScope()
            self._task = start_task(self._run, name=f"polls of {self._name}")

    def leave(self, seat: Seat[V]) -> "anyio.Event | None":
        """Let a waiter wait no longer.

        Args:
            seat: The waiter's place.

        Returns:
            If it was the last one: an event that is set when the polls' task has ended.
        """
        if seat.is_taken:
            self._seats.remove(seat)
            if not self._seats:
                self._scope.cancel()
                return self._stopped
        return None

    async def _run(self) -> None:
        """Poll until nobody waits any more."""
        failure: BaseException | None = None
        try:
            with self._scope:
                while self._seats:
                    await self._wait_and_poll()
        except anyio.get_cancelled_exc_class() as error:
            # Nobody here did that. The event loop may be about to end.
            failure = error
            raise
        except BaseException as error:  # noqa: BLE001  # a waiter raises it
            failure = error
        finally:
            self._stop(failure)

    async def _wait_and_poll(self) -> None:
        due = self._next_due()
        if anyio.current_time() < due:
            self._alarm = anyio.Event()
            with anyio.CancelScope(deadline=due):
                await self._alarm.wait()
            return
        kept, self._kept_due = self._kept_due, None
        await self._poll(due if kept is None else kept)
        while self._to_wake:
            self._wake(_WOKEN_AT_ONCE)
            if self._to_wake:
                await checkpoint()

    def _stop(self, failure: BaseException | None) -> None:
        stopped, self._stopped, self._task = self._stopped, None, None
        left = self._seats.remove_all()
        if failure is not None:
            # It is none of ours, so one waiter raises it as it is. The others look again, now.
            self._began = -math.inf
            if left:
                left[0].failure = failure
            elif not isinstance(failure, anyio.get_cancelled_exc_class()):
                # At the end of an event loop all tasks are cancelled, this one too.
                _log().error("%s: a poll failed when nobody waited", self._name, exc_info=failure)
        self._to_wake += left
        self._wake(len(self._to_wake))
        assert stopped is not None
        stopped.set()

    def _wake(self, most: int) -> None:
        now, self._to_wake = self._to_wake[:most], self._to_wake[most:]
        for seat in now:
            seat.event.set()

    async def _poll(self, due: float) -> None:
        value: V | None = None
        error: SageMakerPlansError | None = None
        self.is_polling = True
        try:
            # Tasks that begin to wait at the same time can now do so, before the poll begins.
            # So they share it.
            await checkpoint()
            told_at = anyio.current_time() + _TOLD_AFTER
            give_up_at = min(self._seats.first_deadline, told_at)
            try:
                value = await self._read(PollTurn(due, self._pause(), give_up_at, self._begin))
            except SageMakerPlansError as failed:
                error = failed
        finally:
            self.is_polling = False
        number, began = self.begun, self._began
        if error is not None and self._keeps_turn(error):
            self._kept_due = due
        if number <= self.void:
            # It may show what was there before the change. So it is made again, now.
            self._began = -math.inf
            return
        before = None if self.good is None else self.good.value
        self._publish(Reading(number, began, anyio.current_time(), value, error, before))

    def _begin(self) -> None:
        """Note that the request leaves. Who has joined by now shares its reading."""
        self.begun += 1
        self._began = anyio.current_time()

    def _pause(self) -> float:
        """Return how long the pause after this poll will be, at least."""
        pauses = [
            wish.schedule.pause_bounds(self._failures, near_end=self._is_near_end(wish))[0]
            for wish, _ in self._seats.wishes()
        ]
        return min(pauses, default=_SHARED_FOR)

    def _publish(self, reading: Reading[V]) -> None:
        self.latest = reading
        self._dues.clear()
        ends_waits = False
        if reading.error is None:
            self.good = reading
        else:
            ends_waits = self.ends_waits(reading.error)
        if not ends_waits:
            self._tell(reading)
        handed_out = self._seats.hand_out(reading, ends_waits=ends_waits)
        self._to_wake += handed_out.seats
        self._count_late(reading, is_late=handed_out.is_late)

    def _tell(self, reading: Reading[V]) -> None:
        """Log when polls begin to fail, and when they work again."""
        if reading.error is not None:
            if not self._failures:
                self._failing_since = reading.began
                _log().warning("%s: polls fail, waits go on: %s", self._name, reading.error)
            self._failures += 1
        elif self._failures:
            _log().info(
                "%s: polls work again after %.1f s, in which %d failed",
                self._name,
                reading.began - self._failing_since,
                self._failures,
            )
            self._failures = 0

    def _count_late(self, reading: Reading[V], *, is_late: bool) -> None:
        if not is_late:
            self._late_failures, self._late_due = 0, -math.inf
            return
        base, most = min(_LATE_PAUSE, self.timeout / 16), self.timeout / 8
        pause = min(most, base * 2.0 ** min(self._late_failures, 64))
        self._late_failures += 1
        drawn = self._uniform(pause / 2, pause)
        self._late_due = reading.ended + max(drawn, min(_asked_pause(reading), self.timeout / 4))

    def _next_due(self) -> float:
        due, waiters = math.inf, 0
        patience = min(_SHARED_FOR, self.timeout / 4)
        for wish, count in self._seats.wishes():
            due = min(due, self._due_of(wish))
            waiters += count
            patience = min(patience, wish.schedule.shortest)
        if waiters == 1:
            patience = 0.0
        failed, new = self._seats.first_moments(self._began)
        wanted = max(min(new, max(failed, self._late_due)), self._began + patience)
        # One poll is enough for a regular one and for a moment shortly after it.
        return wanted if due < wanted <= due + patience else min(due, wanted)

    def _due_of(self, wish: Wish[V]) -> float:
        if self.latest is None:
            return math.inf
        if self._kept_due is not None:
            return self.latest.ended + _LATE_PAUSE
        schedule, near_end = wish.schedule, self._is_near_end(wish)
        due = self._dues.get((schedule, near_end))
        if due is None:
            pause = self._uniform(*schedule.pause_bounds(self._failures, near_end=near_end))
            pause = max(pause, min(_asked_pause(self.latest), schedule.max_interval))
            due = self._dues[schedule, near_end] = self.latest.ended + pause
        return due

    def _is_near_end(self, wish: Wish[V]) -> bool:
        return (
            wish.schedule.final_interval is not None
            and self.good is not None
            and wish.interest.is_close(self.good.good_value)
        )


class SharedPollsByName(Generic[V]):
    """The shared polls of one client. An entry exists only while somebody waits.

    Args:
        read: Reads the thing of this name once, when its turn comes.
        kind: What it is, for the log, such as "plan".
        timeout: How long after its deadline a waiter gives up, in seconds.
        ends_waits: Whether an error ends the waits, because the next poll would fail too.
        keeps_turn: Whether a poll that failed with an error keeps its turn.
    """

    def __init__(
        self,
        read: Callable[[str, PollTurn], Awaitable[V]],
        *,
        kind: str,
        timeout: float,
        ends_waits: Callable[[SageMakerPlansError], bool],
        keeps_turn: Callable[[SageMakerPlansError], bool],
    ) -> None:
        self._read = read
        self._kind = kind
        self._timeout = timeout
        self._ends_waits = ends_waits
        self._keeps_turn = keeps_turn
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
            shared = self._shared[name] = SharedPolls(
                lambda turn: self._read(name, turn),
                name=f"{self._kind} {name}",
                timeout=self._timeout,
                ends_waits=self._ends_waits,
                keeps_turn=self._keeps_turn,
            )
        return shared

    def changed(self, name: str) -> None:
        """Tell that this client has changed something: what was read before is outdated.

        A poll that runs now is made again, because it may show what was there before.

        Args:
            name: The name of what was changed.
        """
        shared = self._shared.get(name)
        if shared is not None:
            shared.void = shared.begun


def _asked_pause(reading: Reading[V]) -> float:
    asked = reading.error.retry_after if isinstance(reading.error, ServiceError) else None
    return asked or 0.0


def _log() -> "Logger":
    import logging  # noqa: PLC0415  # slow to import, as in retries

    return logging.getLogger("sagemaker_plans")
