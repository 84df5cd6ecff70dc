"""One wait: its arguments, its deadline, and the readings that it sees."""

import copy
import inspect
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

import anyio

from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.polls.poller import Poller
from sagemaker_plans._engine.polls.readings import Interest, Reading
from sagemaker_plans._engine.polls.shared_polls import SharedPolls
from sagemaker_plans._engine.retry_rules import Happened, what_happened
from sagemaker_plans._engine.time_limit import TimeLimit, time_limit_problems
from sagemaker_plans.errors import ConnectionFailedError, SageMakerPlansError
from sagemaker_plans.models._validation import shown

T = TypeVar("T")
V = TypeVar("V")

OnPoll = Callable[[T], Awaitable[object] | object]
"""Called with each thing that is read. A coroutine function is awaited."""

OnPollError = Callable[[SageMakerPlansError], Awaitable[object] | object]
"""Called with the error of each poll that failed. A coroutine function is awaited."""

_OLD: Final = 1.0
"""From this age on, in seconds, the error of a wait tells how old its reading is."""


def ends_waits(error: SageMakerPlansError) -> bool:
    """Tell whether a failed poll ends the waits.

    Args:
        error: Why the poll failed.

    Returns:
        Whether the next poll would fail too: access denied, say.
    """
    return what_happened(error) is Happened.REFUSED


class Timeout(NamedTuple):
    """How a wait stands at its deadline."""

    age: float | None
    """How old its last reading is, in seconds; None if nothing was read."""
    failure: SageMakerPlansError | None
    """Why the last poll failed; None if it did not."""
    advice: tuple[str, ...]
    """Both in words."""


class PolledWait(Generic[V]):
    """One wait on one plan: its deadline, and what it reads.

    Args:
        plan_name: The plan.
        shared: The polls that all waits on the plan share.
        schedule: How often to poll.
        limit: How long to wait. It counts from now.
        on_poll_error: Called with the error of each poll that failed.
    """

    # There may be thousands.
    __slots__ = (
        "_began",
        "_deadline",
        "_on_poll_error",
        "_poller",
        "is_over",
        "limit",
        "plan_name",
        "read_at",
    )

    def __init__(
        self,
        plan_name: str,
        shared: SharedPolls[V],
        schedule: PollSchedule,
        limit: TimeLimit,
        on_poll_error: OnPollError | None,
    ) -> None:
        self.plan_name = plan_name
        self.limit = limit
        self.is_over = False
        """Whether the last reading began at or after the deadline, or the wait gave up."""
        self.read_at = -math.inf
        """When the last poll that this wait saw began."""
        self._on_poll_error = on_poll_error
        self._began = anyio.current_time()
        seconds = limit.seconds()
        self._deadline = math.inf if seconds is None else self._began + seconds
        self._poller = Poller(shared, schedule, self._deadline)

    @property
    def waited(self) -> float:
        """Seconds since the wait began."""
        return anyio.current_time() - self._began

    @property
    def polls(self) -> int:
        """How many polls have begun during the wait."""
        return self._poller.shared.begun + 1 - self._poller.first

    @property
    def last_read(self) -> V | None:
        """What was read last during the wait, whether or not that changed anything."""
        reading = self._counted(self._poller.shared.good)
        return None if reading is None else reading.value

    def _counted(self, reading: Reading[V] | None) -> Reading[V] | None:
        return reading if reading is not None and reading.number >= self._poller.first else None

    async def next_reading(
        self, interest: Interest[V], *, wake_at: float = math.inf
    ) -> Reading[V] | None:
        """Wait for the next reading that changes something.

        Args:
            interest: The readings to wait for.
            wake_at: Poll at this time, unless another wait has polled by then.

        Returns:
            The reading, which did not fail. None if the plan could not be read, but may be
            readable later.

        Raises:
            SageMakerPlansError: If another poll would fail as well: access denied, say.
        """
        reading = await self._poller.next_reading(
            interest, sees_errors=self._on_poll_error is not None, wake_at=wake_at
        )
        if reading is None:
            self.is_over = True
            return None
        self.read_at = reading.began
        error = reading.error
        if error is None:
            self.is_over = reading.began >= self._deadline
            return reading
        await call(self._on_poll_error, error)
        if ends_waits(error):
            raise self._copy(error)
        return None

    def _copy(self, error: SageMakerPlansError) -> SageMakerPlansError:
        # The other waits on the plan raise the same error. Each adds its note to a copy.
        own = copy.copy(error)
        own.__cause__ = error.__cause__
        own.add_note(
            f"while waiting on plan {self.plan_name} ({self.polls} polls in {self.waited:.1f} s)"
        )
        return own

    def timeout(self) -> Timeout:
        """Tell how the wait stands at its deadline.

        Returns:
            The age of its reading, and why the last poll failed.
        """
        shared = self._poller.shared
        good, latest = self._counted(shared.good), self._counted(shared.latest)
        age = None if good is None else anyio.current_time() - good.began
        failure = None if latest is None else latest.error
        if latest is None:
            failure = ConnectionFailedError(
                f"no whole reading within {shared.timeout:g} s after the deadline",
                request_sent=None,
            )
        advice: list[str] = []
        if age is not None and age >= _OLD:
            advice.append(f"the last reading is {age:.0f} s old")
        if failure is not None:
            advice.append(f"the last {'reading' if age is None else 'poll'} failed: {failure}")
        return Timeout(age, failure, tuple(advice))


def polling_problems(
    timeout: object, until: object, schedule: object, functions: Mapping[str, object]
) -> list[str]:
    """Check the arguments that all waits take.

    Args:
        timeout: How long to wait.
        until: The date to wait until.
        schedule: How often to poll.
        functions: The functions to call after polls, by argument.

    Returns:
        Each problem.
    """
    problems = [*time_limit_problems(timeout, until)]
    if schedule is not None and not isinstance(schedule, PollSchedule):
        problems.append(f"schedule: a PollSchedule is needed, got {shown(schedule)}")
    problems += [
        f"{argument}: a function is needed, got {shown(function)}"
        for argument, function in functions.items()
        if function is not None and not callable(function)
    ]
    return problems


async def call(on_poll: OnPoll[T] | None, seen: T) -> None:
    """Call a user's function, and await it if it is a coroutine function.

    Args:
        on_poll: The function; None for none.
        seen: What it is called with.
    """
    if on_poll is not None:
        result = on_poll(seen)
        if inspect.isawaitable(result):
            await result
