"""One wait on one plan: its arguments, its deadline, its readings, and the error that ends it."""

import copy
import inspect
import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final, NoReturn, TypeVar

import anyio

from sagemaker_plans._engine.durations import Duration, as_seconds_or_none, duration_problems
from sagemaker_plans._engine.polling import Poller, PollSchedule, Reading, SharedPolls
from sagemaker_plans._engine.retry_rules import Happened, what_happened
from sagemaker_plans.errors import (
    SageMakerPlansError,
    StageNotFoundError,
    WaitError,
    WaitTimeoutError,
)
from sagemaker_plans.models import EdgeDeploymentPlan, Stage, StageStatus
from sagemaker_plans.models import _validation as checks

T = TypeVar("T")

OnPoll = Callable[[T], Awaitable[object] | object]
"""Called with each stage or plan that is read. A coroutine function is awaited."""

NOT_STARTED: Final = "READYTODEPLOY does not move by itself: start it with start_stage"


class Wait:
    """One wait on one plan: its deadline, and what it has read so far.

    Args:
        plan_name: The plan.
        shared: The polls that all waits on the plan share.
        schedule: How often to poll.
        timeout: How long to wait, in seconds; None for as long as it takes.
    """

    def __init__(
        self,
        plan_name: str,
        shared: SharedPolls[EdgeDeploymentPlan],
        schedule: PollSchedule,
        timeout: float | None,
    ) -> None:
        self.plan_name = plan_name
        self.polls = 0
        self.plan: EdgeDeploymentPlan | None = None
        self.is_over = False
        """Whether the last reading ended at or after the deadline."""
        self.read_at = -math.inf
        """When the last poll began."""
        self._created: datetime | None = None
        self._failure: SageMakerPlansError | None = None
        self._timeout = timeout
        self._began = anyio.current_time()
        self._deadline = math.inf if timeout is None else self._began + timeout
        self._poller = Poller(shared, schedule, self._deadline)

    @property
    def waited(self) -> float:
        """Seconds since the wait began."""
        return anyio.current_time() - self._began

    async def next_plan(self, *, wake_at: float = math.inf) -> EdgeDeploymentPlan | None:
        """Wait for the next reading.

        Args:
            wake_at: Poll at this time, unless another wait has polled by then.

        Returns:
            The plan. None if it could not be read now, but may be readable later.

        Raises:
            StageNotFoundError: If the plan was deleted, and another one now has its name.
            SageMakerPlansError: If another poll would fail as well: access denied, say.
        """
        reading = await self._poller.next_reading(wake_at=wake_at)
        self.polls += 1
        self.read_at = reading.began
        # The reading decides, not the clock: on_poll may run until after the deadline, and
        # then one more reading is due.
        self.is_over = reading.ended >= self._deadline
        self._failure = reading.error
        if reading.error is not None:
            if what_happened(reading.error) is Happened.REFUSED:
                self._raise_copy(reading.error)
            return None
        return self._checked_plan(reading)

    def _raise_copy(self, error: SageMakerPlansError) -> NoReturn:
        # The other waits on the plan raise the same error. Each adds its note to a copy.
        own = copy.copy(error)
        own.add_note(
            f"while waiting on plan {self.plan_name} ({self.polls} polls in {self.waited:.1f} s)"
        )
        raise own from error.__cause__

    def _checked_plan(self, reading: Reading[EdgeDeploymentPlan]) -> EdgeDeploymentPlan:
        plan = reading.value
        assert plan is not None
        self.plan = plan
        before, self._created = self._created, plan.creation_time or self._created
        if before != self._created and before is not None:
            raise self.error(
                StageNotFoundError,
                f"plan {self.plan_name} was deleted and created again at {plan.creation_time}; "
                "what was waited for is gone",
                plan,
            )
        return plan

    def error(
        self, cls: type[WaitError], message: str, last_seen: Stage | EdgeDeploymentPlan | None
    ) -> WaitError:
        """Make the error that ends this wait.

        Args:
            cls: The class of the error.
            message: What was seen and what to do.
            last_seen: The stage or plan as it was read last.

        Returns:
            The error.
        """
        return cls(
            message,
            last_seen=last_seen,
            polls=self.polls,
            waited=self.waited,
            plan_name=self.plan_name,
        )

    def time_out(
        self, what: str, stages: tuple[Stage, ...], last_seen: Stage | EdgeDeploymentPlan | None
    ) -> NoReturn:
        """End this wait at its deadline.

        Args:
            what: What was waited for.
            stages: The stages concerned, as they were read last.
            last_seen: The stage or plan that goes into the error.

        Raises:
            WaitTimeoutError: Always. If the last reading failed, that failure is its cause.
        """
        seen = "; ".join(map(status_text, stages)) or "nothing was read"
        advice = [
            sentence
            for sentence in (
                NOT_STARTED if any(map(is_ready_to_deploy, stages)) else "",
                "a status is unknown to this release, which may be the reason"
                if any(stage.status.is_unknown for stage in stages)
                else "",
                f"the last reading failed: {self._failure}" if self._failure else "",
            )
            if sentence
        ]
        raise self.error(
            WaitTimeoutError,
            f"{what} did not happen within {self._timeout:g} s ({self.polls} polls): "
            + "; ".join([seen, *advice]),
            last_seen,
        ) from self._failure


def is_ready_to_deploy(stage: Stage) -> bool:
    """Tell whether a stage can be started.

    Args:
        stage: The stage.

    Returns:
        Whether it is READYTODEPLOY.
    """
    return stage.status is StageStatus.READYTODEPLOY


def status_text(stage: Stage) -> str:
    """Tell how a stage stands.

    Args:
        stage: The stage.

    Returns:
        The status, the service's words and the counts of devices.
    """
    counts = stage.devices
    message = f" ({stage.status_message})" if stage.status_message else ""
    return (
        f"stage {stage.name} is {stage.status}{message}, devices: {counts.succeeded} succeeded, "
        f"{counts.pending} pending, {counts.failed} failed"
    )


def wait_problems(
    names: Mapping[str, object],
    timeout: Duration | None,
    schedule: object,
    on_poll: object = None,
) -> list[str]:
    """Check the arguments that all waits take.

    Args:
        names: The names that were passed, of a plan and perhaps of a stage, by argument.
        timeout: How long to wait.
        schedule: How often to poll.
        on_poll: The function to call with each reading.

    Returns:
        Each problem.
    """
    problems = [problem for each in names.items() for problem in checks.name(*each)]
    if timeout is not None:
        problems += duration_problems("timeout", as_seconds_or_none(timeout), zero=True)
    if schedule is not None and not isinstance(schedule, PollSchedule):
        problems.append(f"schedule: a PollSchedule is needed, got {checks.shown(schedule)}")
    if on_poll is not None and not callable(on_poll):
        problems.append(f"on_poll: a function is needed, got {checks.shown(on_poll)}")
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
