"""How often and how patiently a request is sent again; the only importer of tenacity."""

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
# What the AWS SDKs' standard retry mode charges: a retry costs 5 of 500 tokens, a
# success gives back what its last retry cost, or 1 if it needed none.
_RETRY_COST: Final = 5
_SUCCESS_REFUND: Final = 1


@frozen(kw_only=True)
class RetryEvent:
    """A retry that is about to be waited for."""

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
    """How often and how patiently requests are sent again.

    Which failures are retried is not a matter of policy: it follows from what the
    operation does (a purchase that may have gone through is never sent again). The
    waits are random between 0 and a bound that doubles with each attempt (full
    jitter). All durations are seconds or timedeltas.

    Args:
        max_attempts: How often one request is sent at most, 1 to 100.
        base_delay: The first bound of the wait after a failure of the connection or
            the service.
        throttle_base_delay: The first bound of the wait after a throttle.
        max_delay: The bound that no wait exceeds.
        max_elapsed: No attempt begins later than this after the first one; None for no
            such limit.
        max_retry_after: The longest wait that a server's ``Retry-After`` is honoured
            with.
        budget: Tokens for retries that all calls of a client share: a retry takes 5, a
            success gives back 1 to 5. When they are used up nothing is retried, so that
            an outage is not multiplied.
        reconcile_limit: How long the history is searched for a purchase whose reply was
            lost.
        on_retry: Called before each wait; not an async function.

    Raises:
        ConfigurationError: If a value is out of range; every problem is listed.
    """

    max_attempts: int = 5
    """How often one request is sent at most."""
    base_delay: float = field(default=0.2, converter=as_seconds)
    """The first bound of the wait after a failure, in seconds."""
    throttle_base_delay: float = field(default=1.0, converter=as_seconds)
    """The first bound of the wait after a throttle, in seconds."""
    max_delay: float = field(default=20.0, converter=as_seconds)
    """The bound that no wait exceeds, in seconds."""
    max_elapsed: float | None = field(default=120.0, converter=as_seconds_or_none)
    """No attempt begins later than this after the first one, in seconds."""
    max_retry_after: float = field(default=30.0, converter=as_seconds)
    """The longest wait that a server can ask for, in seconds."""
    budget: int = 500
    """Tokens for retries that all calls of a client share."""
    reconcile_limit: float = field(default=10.0, converter=as_seconds)
    """How long a purchase whose reply was lost is searched for, in seconds."""
    on_retry: Callable[[RetryEvent], object] | None = None
    """Called before each wait."""

    @classmethod
    def none(cls) -> Self:
        """Give the policy that sends every request once.

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
        """Give the range from which the wait after a failed attempt is drawn.

        Args:
            error: What the attempt raised.
            attempt: Its number, from 1.

        Returns:
            The least and the most seconds.
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
        """Pay for a retry.

        Returns:
            Whether there was enough left.
        """
        if self.left < _RETRY_COST:
            return False
        self.left -= _RETRY_COST
        return True

    def give_back(self, *, retried: bool) -> None:
        """Note a success.

        Args:
            retried: Whether it needed a retry.
        """
        refund = _RETRY_COST if retried else _SUCCESS_REFUND
        self.left = min(self.capacity, self.left + refund)


class Retrier:
    """Makes attempts until one succeeds or the policy says that it is enough.

    Args:
        policy: How often and how patiently.
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
            operation: What is attempted; decides what may be sent again.
            attempt: Makes one attempt.
            after_look: Whether the attempt itself looks after an ambiguous failure, so
                that a failure which it still raises may be sent again.

        Returns:
            What the attempt that succeeded gave.

        Raises:
            SageMakerPlansError: What the last attempt raised, with a note on how many
                there were and how long they took.
        """
        began = anyio.current_time()
        again = {Decision.RETRY, Decision.LOOK} if after_look else {Decision.RETRY}
        try:
            result = await attempt()
        except SageMakerPlansError as error:
            if decide(operation, error) not in again:
                raise
            failed = error
        else:
            self._budget.give_back(retried=False)
            return result
        return await self._run_again(operation, attempt, again, failed, began)

    async def _run_again(
        self,
        operation: Operation,
        attempt: Callable[[], Awaitable[T]],
        again: set[Decision],
        failed: SageMakerPlansError,
        began: float,
    ) -> T:
        # Imported by the first failure: most programs never see one.
        from tenacity import AsyncRetrying, retry_if_exception  # noqa: PLC0415

        run = _Run(self.policy, self._budget, self._uniform, operation, began)
        attempts = AsyncRetrying(
            sleep=anyio.sleep,
            retry=retry_if_exception(lambda error: decide(operation, error) in again),
            wait=run.wait,
            stop=run.stop,
            before_sleep=run.tell,
            reraise=True,
        )
        number = 0
        results: list[T] = []
        try:
            async for one in attempts:
                number = one.retry_state.attempt_number
                with one:
                    # The first attempt was made before: most need no more, and this
                    # machinery costs more than all else that is done for a request.
                    if number == 1:
                        raise failed
                    results.append(await attempt())
        except SageMakerPlansError as error:
            error.add_note(run.note(number, error))
            raise
        self._budget.give_back(retried=True)
        return results[0]


@define(eq=False, repr=False)
class _Run:
    """One request with all its attempts."""

    policy: RetryPolicy
    budget: RetryBudget
    uniform: Callable[[float, float], float]
    operation: Operation
    began: float
    reason: str = ""
    in_doubt: bool = False
    """Whether an attempt may have had its effect unheard."""

    @property
    def elapsed(self) -> float:
        return anyio.current_time() - self.began

    def wait(self, state: "RetryCallState") -> float:
        return self.uniform(*self.policy.delay_bounds(_error_of(state), state.attempt_number))

    def stop(self, state: "RetryCallState") -> bool:
        limit = self.policy.max_elapsed
        if state.attempt_number >= self.policy.max_attempts:
            self.reason = "all attempts are used up"
        elif limit is not None and self.elapsed + state.upcoming_sleep > limit:
            self.reason = f"the next one would begin after {limit:g} s (max_elapsed)"
        elif not self.budget.take():
            self.reason = "the client's retry budget is used up"
        return bool(self.reason)

    def tell(self, state: "RetryCallState") -> None:
        import logging  # noqa: PLC0415  # like tenacity, with the first failure

        event = RetryEvent(
            operation=self.operation.name,
            attempt=state.attempt_number,
            delay=state.upcoming_sleep,
            elapsed=self.elapsed,
            error=_error_of(state),
        )
        if self.operation.safety is not Safety.READ:
            self.in_doubt |= what_happened(event.error) is Happened.AMBIGUOUS
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
        if self.reason:
            words += f": {self.reason}"
        elif self.in_doubt and isinstance(error, ServiceError):
            # "It is started already" may be about this very call.
            words += "; an earlier attempt, whose reply was lost, may have had its effect"
        return words


def _error_of(state: "RetryCallState") -> SageMakerPlansError:
    assert state.outcome is not None
    error = state.outcome.exception()
    # Nothing else is retried.
    assert isinstance(error, SageMakerPlansError)
    return error
