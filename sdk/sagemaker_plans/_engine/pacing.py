"""Paces the requests of a client: how many a second, in which order, and how many at once."""

import math
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Self, TypeVar, cast

from attrs import define, field, frozen

from sagemaker_plans._engine.durations import as_float
from sagemaker_plans._engine.learned_rate import LearnedRate
from sagemaker_plans._engine.request_queue import RequestQueue, Turn, Waiter
from sagemaker_plans._event_loop import current_time
from sagemaker_plans._wire.operations import Operation, Safety
from sagemaker_plans.errors import ConfigurationError, ThrottledError
from sagemaker_plans.errors._late_import import LateModule
from sagemaker_plans.models._validation import shown

if TYPE_CHECKING:
    import anyio
    from anyio import lowlevel
else:
    # Only requests that wait for their turn need it.
    anyio = LateModule("anyio")
    lowlevel = LateModule("anyio.lowlevel")

T = TypeVar("T")

_LOWEST_RATE: Final = 0.001
_HIGHEST_RATE: Final = 100_000.0
_RATES: Final = "requests a second, 0.001 to 100,000"
# Each of these opens a connection of its own, and closes it.


@define(eq=False)
class _Sending:
    """A request that is under way."""

    pacer: "Pacer"
    has_connection: bool
    is_over: bool = False
    """Set at its end: tasks that were started meanwhile keep this context."""


_SENDING: ContextVar[_Sending | None] = ContextVar("sagemaker_plans_sending", default=None)
"""The request as part of which this context runs: in its own look, or in a hook of the user."""


def _as_rate(value: float | None) -> float | None:
    return None if value is None else _as_lowest_rate(value)


def _as_lowest_rate(value: float) -> float:
    # What is out of range stays as it was written, for the message.
    return number if _is_rate(number := as_float(value)) else value


def _as_cut(value: float) -> float:
    return number if _is_cut(number := as_float(value)) else value


@frozen(kw_only=True)
class PacePolicy:
    """How a client keeps to the number of requests a second that the service permits.

    AWS does not say how many that is, and it differs between operations. So the client
    learns it for each operation. There is no limit until the service throttles a request.
    Then the limit is what the service was delivering, times ``cut``. Requests leave evenly
    spaced, in the order in which they were due. The limit is cut again at most once a second.
    It grows by 0.03 requests a second and half a percent in each second, and by 10 % after 30
    seconds without a throttle. A limit that has grown to 1,000 requests a second is none.

    Purchases are never delayed.

    Args:
        max_rate: The most requests a second of each operation, from the start; None for no
            limit until the first throttle. Set it if others need a share of what the
            service permits to your account.
        min_rate: The limit does not fall below this, in requests a second.
        cut: What a throttle leaves of the limit, as a fraction.
        enabled: Whether there is any pace. See ``off``.

    Raises:
        ConfigurationError: If a value is out of range; every problem is listed.
    """

    max_rate: float | None = field(default=None, converter=_as_rate)
    """The most requests a second of each operation; None for no limit until a throttle."""
    min_rate: float = field(default=0.1, converter=_as_lowest_rate)
    """The limit does not fall below this, in requests a second."""
    cut: float = field(default=0.8, converter=_as_cut)
    """What a throttle leaves of the limit, as a fraction."""
    enabled: bool = True
    """Whether there is any pace."""

    @classmethod
    def off(cls) -> Self:
        """Make a policy without any pace: each request leaves when it is due.

        Returns:
            The policy.
        """
        return cls(enabled=False)

    def __attrs_post_init__(self) -> None:
        if problems := tuple(self._problems()):
            raise ConfigurationError("PacePolicy: " + "; ".join(problems))

    def _problems(self) -> Iterator[str]:
        if self.max_rate is not None and not _is_rate(self.max_rate):
            yield f"max_rate: got {shown(self.max_rate)}; allowed are {_RATES} and None"
        if not _is_rate(self.min_rate):
            yield f"min_rate: got {shown(self.min_rate)}; allowed are {_RATES}"
        elif (
            self.max_rate is not None and _is_rate(self.max_rate) and self.max_rate < self.min_rate
        ):
            yield (
                f"max_rate: got {self.max_rate:g}; allowed are {_RATES}, not below min_rate "
                f"({self.min_rate:g}), and None"
            )
        if not _is_cut(self.cut):
            yield f"cut: got {shown(self.cut)}; allowed are fractions between 0 and 1"
        if type(cast("object", self.enabled)) is not bool:
            yield f"enabled: got {shown(self.enabled)}; allowed are True and False"


def _is_rate(value: float) -> bool:
    return type(value) is float and _LOWEST_RATE <= value <= _HIGHEST_RATE


def _is_cut(value: float) -> bool:
    return type(value) is float and 0 < value < 1


class Pacer:
    """Sends the requests of one client, each when it may leave.

    Each operation has a queue and a rate of its own, because AWS counts each operation by
    itself. A request waits in its queue while the rate or the number of connections does not
    let it leave. There is no background task: the first of those that wait in a queue wakes
    when it may leave, and a request that ends lets the next one have its connection.

    Args:
        policy: How to keep to what the service permits.
        connections: How many requests are under way at the same time, at most.
        check: Called before a request is sent or waits. It raises if the client belongs to
            another event loop, whose clock is another one.
    """

    def __init__(
        self,
        policy: PacePolicy = PacePolicy(),
        *,
        connections: float = math.inf,
        check: Callable[[], None] | None = None,
    ) -> None:
        self.policy = policy
        self._check = check
        self._is_stopped = False
        self._connections = connections
        self._in_use = 0
        self._queues: dict[str, RequestQueue] = {}
        self._waiters = 0
        self._waiting = 0

    def set_connections(self, connections: float) -> None:
        """Change how many requests are under way at the same time, at most.

        Args:
            connections: The number; infinity for no limit.
        """
        self._connections = connections
        self._dispatch_if_needed()

    def check(self) -> None:
        """Raise if requests cannot be sent in this event loop."""
        if self._check is not None:
            self._check()

    def stop(self) -> None:
        """Let all leave at once, now and later: the client is closed, and tells them so."""
        self._is_stopped = True
        for queue in self._queues.values():
            for waiter in queue.take_all():
                self._waiting -= 1
                self._in_use += waiter.needs_connection

    async def send(
        self, operation: Operation, attempt: Callable[[], Awaitable[T]], turn: Turn
    ) -> T:
        """Make one attempt at a request, when it may leave.

        Args:
            operation: What is attempted.
            attempt: Makes the attempt.
            turn: When the request was due. The time that it waits here is added to it.

        Returns:
            The result of the attempt.

        Raises:
            BaseException: Whatever the attempt or ``check`` raises, or ``turn.throttle`` if
                the request waits until ``turn.give_up_at``.
        """
        self.check()
        if operation.safety is Safety.PURCHASE or self._is_stopped:
            return await attempt()
        queue = self._queues.get(operation.name) or self._add_queue(operation)
        sending = _SENDING.get()
        is_nested = sending is not None and sending.pacer is self and not sending.is_over
        # What is sent as part of a request does not wait for a connection if that one has its
        # own: if all connections were in use like that, all would wait.
        has_connection = is_nested and sending is not None and sending.has_connection
        needs_connection = queue.needs_connection and not has_connection
        if (
            (turn.every is None or not self.policy.enabled)
            and not queue.rate.is_limited
            and (self._in_use < self._connections or not needs_connection)
        ):
            if queue.is_command:
                self._make_way(current_time())
            self._in_use += needs_connection
        else:
            if not self.policy.enabled:
                # Then polls wait for a connection, but are not spread.
                turn.every = None
            waiter = Waiter(turn, needs_connection=needs_connection, is_nested=is_nested)
            await self._wait(queue, waiter, turn)
        cuts = queue.rate.cuts
        own = _Sending(self, needs_connection or has_connection)
        _SENDING.set(own)
        try:
            result = await attempt()
        except ThrottledError as error:
            if self.policy.enabled and error.operation in {None, operation.name}:
                queue.throttled(current_time(), known_cuts=cuts)
            raise
        else:
            if self.policy.enabled:
                queue.rate.delivered(current_time())
            return result
        finally:
            own.is_over = True
            _SENDING.set(sending)
            if needs_connection:
                self._in_use -= 1
                self._dispatch_if_needed()

    def _add_queue(self, operation: Operation) -> RequestQueue:
        policy = self.policy
        most = policy.max_rate if policy.enabled else None
        queue = self._queues[operation.name] = RequestQueue(
            LearnedRate(
                cut=policy.cut,
                min_rate=policy.min_rate,
                max_rate=math.inf if most is None else most,
            ),
            is_command=operation.safety is not Safety.READ,
            needs_connection=not operation.is_sent_once,
        )
        return queue

    async def _wait(self, queue: RequestQueue, waiter: Waiter, turn: Turn) -> None:
        began = current_time()
        self._waiters += 1
        waiter.number = self._waiters
        self._waiting += 1
        queue.push(waiter)
        try:
            self._dispatch(began)
            while not waiter.is_granted:
                wake_at = queue.wake_at if queue.timer is waiter else math.inf
                with anyio.CancelScope(deadline=min(wake_at, turn.waits_until)):
                    await waiter.woken.wait()
                if not waiter.is_granted:
                    waiter.woken = anyio.Event()
                    now = current_time()
                    turn.raise_if_given_up(now)
                    self._dispatch(now)
            # It may have been cancelled at the same time.
            await lowlevel.checkpoint_if_cancelled()
        except BaseException:
            self._withdraw(queue, waiter)
            raise
        turn.queued += current_time() - began

    def _withdraw(self, queue: RequestQueue, waiter: Waiter) -> None:
        if waiter.is_granted:
            self._in_use -= waiter.needs_connection
        else:
            self._waiting -= 1
            queue.discard(waiter)
        self._dispatch_if_needed()

    def _dispatch_if_needed(self) -> None:
        if self._waiting:
            self._dispatch(current_time())

    def _dispatch(self, now: float) -> None:
        """Let all leave that may, and have one of each queue wake when the next one may."""
        while (found := self._first(now)) is not None:
            queue, waiter = found
            queue.grant(waiter, now)
            self._waiting -= 1
            self._in_use += waiter.needs_connection
            if queue.is_command:
                self._make_way(now)
        for queue in self._queues.values():
            queue.set_timer(now)

    def _first(self, now: float) -> tuple[RequestQueue, Waiter] | None:
        """Find the request that leaves next: a command, or else the one that is due first."""
        is_free = self._in_use < self._connections
        best: tuple[bool, Waiter, RequestQueue] | None = None
        for queue in self._queues.values():
            found = queue.first(now)
            if found is None or found[1] > now or (found[0].needs_connection and not is_free):
                continue
            rank = (not queue.is_command, found[0], queue)
            if best is None or rank[:2] < best[:2]:
                best = rank
        return None if best is None else (best[2], best[1])

    def _make_way(self, now: float) -> None:
        for queue in self._queues.values():
            if not queue.is_command:
                queue.make_way(now)
