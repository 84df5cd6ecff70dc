"""How often and how patiently requests are sent again."""

from collections.abc import Callable, Iterator
from inspect import iscoroutinefunction
from typing import Final, Self, cast

from attrs import define, field, frozen

from sagemaker_plans._engine.durations import (
    as_seconds,
    as_seconds_from_zero,
    as_seconds_or_none,
    duration_problems,
)
from sagemaker_plans.errors import (
    ConfigurationError,
    SageMakerPlansError,
    ServiceError,
    ThrottledError,
)
from sagemaker_plans.models._validation import shown, whole_number

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
    """Seconds since the first attempt began, without those in the client's own queue."""
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
            such limit. Time in the client's own queue (see ``PacePolicy``) does not count.
        max_retry_after: A server can ask for a wait with ``Retry-After``. It gets at most
            this one, even if ``max_delay`` is shorter.
        budget: The number of tokens that all calls of a client share. A retry takes 5, a
            success, also that of a poll, returns 1 to 5. With too few tokens left nothing
            is retried: in an outage, retries would only add to the load.
        reconcile_limit: How long the history is searched for a purchase whose reply was
            lost, and how long a rollout looks whether a start in doubt had its effect.
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
    """No attempt begins later than this after the first one, in seconds in no queue."""
    max_retry_after: float = field(default=30.0, converter=as_seconds_from_zero)
    """The longest wait that a server gets with ``Retry-After``, in seconds."""
    budget: int = 500
    """The number of tokens for retries that all calls of a client share."""
    reconcile_limit: float = field(default=10.0, converter=as_seconds_from_zero)
    """How long to look whether a purchase or a rollout's start had its effect, in seconds."""
    on_retry: Callable[[RetryEvent], None] | None = None
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
