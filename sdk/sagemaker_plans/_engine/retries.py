"""Sends requests again, as often as a policy allows. The only importer of tenacity."""

import random
from collections.abc import Awaitable, Callable, Iterator
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Final, Self, TypeVar, cast

import anyio
from attrs import define, field, frozen

from sagemaker_plans._engine.durations import as_seconds, as_seconds_or_none, duration_problems
from sagemaker_plans._engine.retry_rules import Decision, Happened, decide, what_happened
from sagemaker_plans._wire.operations import Operation, Safety
from sagemaker_plans.errors import (
    ConfigurationError,
    SageMakerPlansError,
    ServiceError,
    ThrottledError,
)
from sagemaker_plans.models._validation import shown, whole_number

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

_MAX_ATTEMPTS: Final = 100
# As in the standard retry mode of the AWS SDKs: a retry costs 5 of 500 tokens. A success
# returns what its last retry cost, or 1 token if it needed no retry.
_RETRY_COST: Final = 5
_SUCCESS_REFUND: Final = 1


@frozen(kw_only=True)
class RetryEvent:
    """A retry that will happen after a wait."""

    operation: str
    """The AWS operation."""
    attempt: int
    """The number of the attempt that failed, from 1."""
    delay: float
    """Seconds until the next attempt."""
    elapsed: float
    """Seconds since the first attempt began."""
    error: SageMakerPlansError
    """What the attempt raised."""


@frozen(kw_only=True)
class RetryPolicy:
    """How often requests are sent again, and how long the waits between attempts are.

    The policy does not say which failures are retried. That depends on what the operation
    does: a purchase that may have gone through is never sent again. Each wait is random,
    between 0 and a limit that doubles with each attempt (full jitter). All durations are
    seconds or timedeltas.

    Args:
        max_attempts: How often one request is sent at most, 1 to 100.
        base_delay: The limit of the first wait after a failure of the connection or the
            service.
        throttle_base_delay: The limit of the first wait after a throttle.
        max_delay: The limit does not grow beyond this.
        max_elapsed: No attempt begins later than this after the first one; None for no
            such limit.
        max_retry_after: A server can ask for a wait with ``Retry-After``. It gets at most
            this one, even if ``max_delay`` is shorter.
        budget: The number of tokens that all calls of a client share. A retry takes 5, a
            success returns 1 to 5. With too few tokens left nothing is retried: in an
            outage, retries would only add to the load.
        reconcile_limit: How long the history is searched for a purchase whose reply was
            lost.
        on_retry: Called before each wait. It must not be an async function.

    Raises:
        ConfigurationError: If a value is out of range; every problem is listed.
    """

    max_attempts: int = 5
    """How often one request is sent at most."""
    base_delay: float = field(default=0.2, converter=as_seconds)
    """The limit of the first wait after a failure, in seconds."""
    throttle_base_delay: float = field(default=1.0, converter=as_seconds)
    """The limit of the first wait after a throttle, in seconds."""
    max_delay: float = field(default=20.0, converter=as_seconds)
    """The limit of a wait does not grow beyond this, in seconds."""
    max_elapsed: float | None = field(default=120.0, converter=as_seconds_or_none)
    """No attempt begins later than this after the first one, in seconds."""
    max_retry_after: float = field(default=30.0, converter=as_seconds)
    """The longest wait that a server gets with ``Retry-After``, in seconds."""
    budget: int = 500
    """The number of tokens for retries that all calls of a client share."""
    reconcile_limit: float = field(default=10.0, converter=as_seconds)
    """How long the history is searched for a purchase whose reply was lost, in seconds."""
    on_retry: Callable[[RetryEvent], object] | None = None
    """Called before each wait."""

    @classmethod
    def none(cls) -> Self:
        """Make a policy that sends every request once.

        Returns:
            The policy.
        """
        return cls(max_attempts=1)

    def __attrs_post_init__(self) -> None:
        if problems := tuple(self._problems()):
            raise ConfigurationError("RetryPolicy: " + "; ".join(problems))

    def _problems(self) -> Iterator[str]:
        yield from whole_number("max_attempts", self.max_attempts, 1, _MAX_ATTEMPTS)
        yield from whole_number("budget", self.budget, 0, 1_000_000)
        bad = [
            *duration_problems("base_delay", self.base_delay),
            *duration_problems("throttle_base_delay", self.throttle_base_delay),
            *duration_problems("max_delay", self.max_delay),
        ]
        yield from bad
        if not bad and self.max_delay < max(self.base_delay, self.throttle_base_delay):
            yield (
                f"max_delay: got {self.max_delay:g}; allowed are seconds not below base_delay "
                f"({self.base_delay:g}) and throttle_base_delay ({self.throttle_base_delay:g})"
            )
        if self.max_elapsed is not None:
            yield from duration_problems("max_elapsed", self.max_elapsed)
        yield from duration_problems("max_retry_after", self.max_retry_after, zero=True)
        yield from duration_problems("reconcile_limit", self.reconcile_limit, zero=True)
        hook = cast("object", self.on_retry)
        if hook is not None and (not callable(hook) or iscoroutinefunction(hook)):
            yield f"on_retry: got {shown(hook)}; allowed are a function, not async, and None"

    def delay_bounds(self, error: BaseException, attempt: int) -> tuple[float, float]:
        """Return the range from which the wait after a failed attempt is drawn.

        Args:
            error: What the attempt raised.
            attempt: The number of the attempt, from 1.

        Returns:
            The shortest and the longest wait, in seconds.
        """
        throttled = isinstance(error, ThrottledError)
        base = self.throttle_base_delay if throttled else self.base_delay
        most = min(self.max_delay, base * 2.0 ** (attempt - 1))
        asked = error.retry_after if isinstance(error, ServiceError) else None
        least = min(asked or 0.0, self.max_retry_after)
        return least, max(least, most)


@define(eq=False, repr=False)
class RetryBudget:
    """The tokens for retries that all calls of a client share."""

    capacity: int
    left: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.left = self.capacity

    def take(self) -> bool:
        """Take the tokens for one retry.

        Returns:
            Whether enough tokens were left.
        """
        if self.left < _RETRY_COST:
            return False
        self.left -= _RETRY_COST
        return True

    def refund(self, *, retried: bool) -> None:
        """Put tokens back after a success.

        Args:
            retried: Whether the success needed a retry.
        """
        tokens = _RETRY_COST if retried else _SUCCESS_REFUND
        self.left = min(self.capacity, self.left + tokens)


class Retrier:
    """Makes attempts until one succeeds or the policy allows no more.

    Args:
        policy: How many attempts, and how long to wait between them.
        uniform: Draws a wait from a range.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        *,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.policy = policy
        self._uniform = uniform
        self._budget = RetryBudget(policy.budget)

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
        began = anyio.current_time()
        retried = {Decision.RETRY, Decision.LOOK} if after_look else {Decision.RETRY}
        try:
            result = await attempt()
        except SageMakerPlansError as error:
            if decide(operation, error) not in retried:
                raise
            failed = error
        else:
            self._budget.refund(retried=False)
            return result
        return await self._retry(operation, attempt, retried, failed, began)

    async def _retry(
        self,
        operation: Operation,
        attempt: Callable[[], Awaitable[T]],
        retried: set[Decision],
        failed: SageMakerPlansError,
        began: float,
    ) -> T:
        # Imported with the first failure: it costs 10 ms of CPU time, and importing this
        # package costs 76 (medians of 60 interleaved processes, bytecode compiled before).
        from tenacity import AsyncRetrying, retry_if_exception  # noqa: PLC0415

        request = _RetriedRequest(self.policy, self._budget, self._uniform, operation, began)
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
                    results.append(await attempt())
        except SageMakerPlansError as error:
            error.add_note(request.note(number, error))
            raise
        self._budget.refund(retried=True)
        return results[0]


@define(eq=False, repr=False)
class _RetriedRequest:
    """A request whose first attempt failed. Its methods are the callbacks of tenacity."""

    policy: RetryPolicy
    budget: RetryBudget
    uniform: Callable[[float, float], float]
    operation: Operation
    began: float
    stop_reason: str = ""
    may_have_taken_effect: bool = False
    """Whether a failed attempt may have changed something."""

    @property
    def elapsed(self) -> float:
        return anyio.current_time() - self.began

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
        import logging  # noqa: PLC0415  # 3 ms, measured like tenacity, which imports it too

        event = RetryEvent(
            operation=self.operation.name,
            attempt=state.attempt_number,
            delay=state.upcoming_sleep,
            elapsed=self.elapsed,
            error=_error_of(state),
        )
        if self.operation.safety is not Safety.READ:
            self.may_have_taken_effect |= what_happened(event.error) is Happened.AMBIGUOUS
        logging.getLogger("sagemaker_plans").info(
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
        elif self.may_have_taken_effect and isinstance(error, ServiceError):
            # The service may say no because of the effect of this very call.
            words += "; an earlier attempt, whose reply was lost, may have had its effect"
        return words


def _error_of(state: "RetryCallState") -> SageMakerPlansError:
    assert state.outcome is not None
    error = state.outcome.exception()
    # Other exceptions are not retried.
    assert isinstance(error, SageMakerPlansError)
    return error
