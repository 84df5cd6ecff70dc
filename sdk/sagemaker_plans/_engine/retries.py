"""Sends requests again, as often as a policy allows. The only importer of tenacity."""

import math
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeGuard, TypeVar

from attrs import define, field

from sagemaker_plans._engine.pacing import PacePolicy, Pacer
from sagemaker_plans._engine.request_queue import Turn
from sagemaker_plans._engine.retry_policy import RetryBudget, RetryEvent, RetryPolicy
from sagemaker_plans._engine.retry_rules import Decision, Happened, decide, what_happened
from sagemaker_plans._event_loop import current_time
from sagemaker_plans._wire.operations import Operation, Safety
from sagemaker_plans.errors import (
    ConnectionFailedError,
    SageMakerPlansError,
    ServiceError,
    ThrottledError,
)
from sagemaker_plans.errors._late_import import LateModule

if TYPE_CHECKING:
    import anyio
    from tenacity import RetryCallState
else:
    # Only what waits for another attempt needs it.
    anyio = LateModule("anyio")

T = TypeVar("T")

_RETRIED: Final = frozenset({Decision.RETRY})
_RETRIED_AFTER_LOOK: Final = frozenset({Decision.RETRY, Decision.LOOK})


class Retrier:
    """Makes attempts until one succeeds or the policy allows no more.

    Args:
        policy: How many attempts, and how long to wait between them.
        pacer: Sends each attempt when it may leave; None for at once.
        uniform: Draws a wait from a range.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        *,
        pacer: Pacer | None = None,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.policy = policy
        self._pacer = pacer or Pacer(PacePolicy.off())
        self._uniform = uniform
        self._budget = RetryBudget(policy.budget)

    @property
    def is_paced(self) -> bool:
        """Whether requests wait for their turn after a throttle."""
        return self._pacer.policy.enabled

    def check(self) -> None:
        """Raise if requests cannot be sent in this event loop."""
        self._pacer.check()

    async def run(
        self,
        operation: Operation,
        attempt: Callable[[], Awaitable[T]],
        *,
        after_look: bool = False,
    ) -> T:
        """Make attempts until one succeeds.

        Args:
            operation: What is attempted. It decides which failures are retried.
            attempt: Makes one attempt.
            after_look: Whether ``attempt`` itself looks, after an ambiguous failure,
                whether the request took effect. If it still raises that failure, the
                request may be sent again.

        Returns:
            The result of the attempt that succeeded.

        Raises:
            SageMakerPlansError: What the last attempt raised. After retries it has a note
                with the number of attempts and the time they took.
        """
        turn = Turn(due=current_time())
        try:
            result = await self._pacer.send(operation, attempt, turn)
        except SageMakerPlansError as error:
            retried = _RETRIED_AFTER_LOOK if after_look else _RETRIED
            if decide(operation, error) not in retried:
                raise
            failed = error
        else:
            self._budget.refund(retried=False)
            return result
        return await self._retry(operation, attempt, retried, failed, turn)

    async def poll(
        self,
        operation: Operation,
        attempt: Callable[[], Awaitable[T]],
        *,
        due: float,
        every: float,
        give_up_at: float = math.inf,
        begin: Callable[[], None] | None = None,
    ) -> T:
        """Make one attempt at a read that is repeated anyway, when its turn comes.

        It comes behind what was due earlier. Without a known limit, polls are spread: they
        leave at twice the rate that they need, at 20 a second at least. If the service
        throttles it, it waits for its turn again, and is still due when it was: so it comes
        before what became due since. Other failures are raised at once. A success fills the
        budget for retries. To give up waiting in the queue, cancel this call.

        Without pace (``PacePolicy.off()``) a throttle is raised at once, too.

        Args:
            operation: What is attempted.
            attempt: Makes one attempt at one request, such as one page.
            due: When the poll was due, on the event loop's clock. All pages of a poll have
                the same due time.
            every: Seconds until the next poll of the same thing, as planned now.
            give_up_at: A throttle is raised once this time has come.
            begin: Called when an attempt begins, after the time in the queue.

        Returns:
            The result of the attempt that succeeded.

        Raises:
            SageMakerPlansError: What the attempt raised.
        """

        async def begun() -> T:
            if begin is not None:
                begin()
            return await attempt()

        turn = Turn(due=due, every=every, give_up_at=give_up_at)
        while True:
            try:
                result = await self._pacer.send(operation, begun, turn)
            except ThrottledError as error:
                asked = min(error.retry_after or 0.0, self.policy.max_retry_after)
                if not self.is_paced or current_time() + asked >= give_up_at:
                    raise
                turn.throttle = error
                await anyio.sleep(asked)
            else:
                self._budget.refund(retried=False)
                return result

    def for_poll(
        self,
        *,
        due: float,
        every: float,
        give_up_at: float = math.inf,
        begin: Callable[[], None] | None = None,
    ) -> "PollRetrier":
        """Make what sends the pages of one poll, in the place of this retrier.

        Args:
            due: When the poll was due, on the event loop's clock.
            every: Seconds until the next poll of the same thing, as planned now.
            give_up_at: A throttle is raised once this time has come.
            begin: Called when an attempt at the first page begins.

        Returns:
            An object with a ``run`` like this one's, which calls ``poll``.
        """
        return PollRetrier(self, due=due, every=every, give_up_at=give_up_at, begin=begin)

    async def _retry(
        self,
        operation: Operation,
        attempt: Callable[[], Awaitable[T]],
        retried: frozenset[Decision],
        failed: SageMakerPlansError,
        turn: Turn,
    ) -> T:
        # Imported with the first failure, because most programs that make one call see none.
        from tenacity import AsyncRetrying, retry_if_exception  # noqa: PLC0415  # see above

        request = _RetriedRequest(self.policy, self._budget, self._uniform, operation, turn)
        attempts = AsyncRetrying(
            sleep=anyio.sleep,
            retry=retry_if_exception(lambda error: decide(operation, error) in retried),
            wait=request.wait,
            stop=request.stop,
            before_sleep=request.report,
            reraise=True,
        )
        number = 0
        results: list[T] = []
        try:
            async for one in attempts:
                number = one.retry_state.attempt_number
                with one:
                    # run() has made the first attempt without tenacity: most requests need
                    # no other, and tenacity costs more than all else that is done for one.
                    if number == 1:
                        raise failed
                    results.append(await self._pacer.send(operation, attempt, turn))
        except SageMakerPlansError as error:
            error.add_note(request.note(number, error))
            if request.may_have_taken_effect and _is_unsent(error):
                # That the last attempt was not sent says nothing of the earlier ones.
                error.request_sent = None
            raise
        self._budget.refund(retried=True)
        return results[0]


@define(eq=False, repr=False)
class PollRetrier:
    """Sends the pages of one poll. See ``Retrier.poll``."""

    retrier: Retrier
    due: float = field(kw_only=True)
    every: float = field(kw_only=True)
    give_up_at: float = field(kw_only=True)
    begin: Callable[[], None] | None = field(kw_only=True)

    async def run(self, operation: Operation, attempt: Callable[[], Awaitable[T]]) -> T:
        """Make one attempt at one page, when its turn comes.

        Args:
            operation: What is attempted.
            attempt: Makes one attempt.

        Returns:
            The result of the attempt that succeeded.

        Raises:
            SageMakerPlansError: What the attempt raised.
        """
        page = await self.retrier.poll(
            operation,
            attempt,
            due=self.due,
            every=self.every,
            give_up_at=self.give_up_at,
            begin=self.begin,
        )
        # The reading begins with the first page.
        self.begin = None
        return page


@define(eq=False, repr=False)
class _RetriedRequest:
    """A request whose first attempt failed. Its methods are the callbacks of tenacity."""

    policy: RetryPolicy
    budget: RetryBudget
    uniform: Callable[[float, float], float]
    operation: Operation
    turn: Turn
    stop_reason: str = ""
    may_have_taken_effect: bool = False
    """Whether a failed attempt may have changed something."""

    @property
    def elapsed(self) -> float:
        return current_time() - self.turn.due - self.turn.queued

    def wait(self, state: "RetryCallState") -> float:
        return self.uniform(*self.policy.delay_bounds(_error_of(state), state.attempt_number))

    def stop(self, state: "RetryCallState") -> bool:
        limit = self.policy.max_elapsed
        if state.attempt_number >= self.policy.max_attempts:
            self.stop_reason = "all attempts are used up"
        elif limit is not None and self.elapsed + state.upcoming_sleep > limit:
            self.stop_reason = f"the next one would begin after {limit:g} s (max_elapsed)"
        elif not self.budget.take():
            self.stop_reason = "the client's retry budget is used up"
        return bool(self.stop_reason)

    def report(self, state: "RetryCallState") -> None:
        import logging  # noqa: PLC0415  # only after a failure, like tenacity, which imports it too

        from sagemaker_plans._wire.logs import tell  # noqa: PLC0415  # it imports logging

        event = RetryEvent(
            operation=self.operation.name,
            attempt=state.attempt_number,
            delay=state.upcoming_sleep,
            elapsed=self.elapsed,
            error=_error_of(state),
        )
        if self.operation.safety is not Safety.READ:
            self.may_have_taken_effect |= what_happened(event.error) is Happened.AMBIGUOUS
        tell(
            logging.INFO,
            "%s: attempt %d failed, the next one follows in %.2f s: %s",
            event.operation,
            event.attempt,
            event.delay,
            event.error,
        )
        if self.policy.on_retry is not None:
            self.policy.on_retry(event)

    def note(self, attempts: int, error: SageMakerPlansError) -> str:
        words = f"gave up after {attempts} attempt{'s' * (attempts > 1)} in {self.elapsed:.1f} s"
        if self.stop_reason:
            words += f": {self.stop_reason}"
        # The service may say no because of the effect of this very call.
        is_refused = isinstance(error, ServiceError) and not self.stop_reason
        if self.may_have_taken_effect and (is_refused or _is_unsent(error)):
            words += "; an earlier attempt, whose reply was lost, may have had its effect"
        return words


def _is_unsent(error: SageMakerPlansError) -> TypeGuard[ConnectionFailedError]:
    return isinstance(error, ConnectionFailedError) and error.request_sent is False


def _error_of(state: "RetryCallState") -> SageMakerPlansError:
    assert state.outcome is not None
    error = state.outcome.exception()
    # Other exceptions are not retried.
    assert isinstance(error, SageMakerPlansError)
    return error
