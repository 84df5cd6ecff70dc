"""Waits for stages: reads the plan again and again, and decides when a wait ends."""

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
    StageFailedError,
    StageNotFoundError,
    StageNotStartedError,
    StageStoppedError,
    WaitError,
    WaitTimeoutError,
)
from sagemaker_plans.models import EdgeDeploymentPlan, Stage, StageStatus
from sagemaker_plans.models import _validation as checks

T = TypeVar("T")

OnPoll = Callable[[T], Awaitable[object] | object]
"""Called with each stage or plan that is read. A coroutine function is awaited."""

_NOT_STARTED: Final = "READYTODEPLOY does not move by itself: start it with start_stage"


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
        seen = "; ".join(map(_status_text, stages)) or "nothing was read"
        advice = [
            sentence
            for sentence in (
                _NOT_STARTED if any(map(_is_ready_to_deploy, stages)) else "",
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


def _is_ready_to_deploy(stage: Stage) -> bool:
    return stage.status is StageStatus.READYTODEPLOY


def _status_text(stage: Stage) -> str:
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


async def _call(on_poll: OnPoll[T] | None, seen: T) -> None:
    if on_poll is not None:
        result = on_poll(seen)
        if inspect.isawaitable(result):
            await result


def raise_if_stage_vanished(
    wait: Wait, before: tuple[Stage, ...], plan: EdgeDeploymentPlan
) -> None:
    """End a wait if a stage has vanished.

    Args:
        wait: The wait.
        before: The stages of the reading before.
        plan: The plan as it was read now.

    Raises:
        StageNotFoundError: If a stage is gone. The error has the stage as it was read last.
    """
    names = {stage.name for stage in plan.stages}
    for stage in before:
        if stage.name not in names:
            message = f"stage {stage.name} of plan {plan.name} is gone"
            raise wait.error(StageNotFoundError, message, stage)


def _stage_of(wait: Wait, plan: EdgeDeploymentPlan, name: str, before: Stage | None) -> Stage:
    try:
        return plan.stage(name)
    except KeyError as error:
        message = f"stage {name} of plan {plan.name} is gone" if before else error.args[0]
        raise wait.error(StageNotFoundError, message, before) from error


async def stage_deployed(
    wait: Wait, stage_name: str, *, on_poll: OnPoll[Stage] | None, start_grace: float | None
) -> Stage:
    """Wait until a stage is deployed.

    Args:
        wait: The wait.
        stage_name: The stage.
        on_poll: Called with the stage at each reading.
        start_grace: How long the stage may stay READYTODEPLOY, in seconds; None for as
            long as it takes.

    Returns:
        The stage.

    Raises:
        WaitError: If the wait ends in another way.
        SageMakerPlansError: If the plan cannot be read.
    """
    stage: Stage | None = None
    grace_ends = math.inf
    while True:
        # One extra poll at the end of the grace time. If that one fails, the schedule goes on.
        wake_at = grace_ends if wait.read_at < grace_ends else math.inf
        plan = await wait.next_plan(wake_at=wake_at)
        if plan is not None:
            stage = _stage_of(wait, plan, stage_name, stage)
            await _call(on_poll, stage)
            if stage.status is StageStatus.DEPLOYED:
                return stage
            _raise_if_ended(wait, (stage,), stage)
            if not _is_ready_to_deploy(stage):
                grace_ends = math.inf
            elif start_grace is not None and grace_ends == math.inf:
                grace_ends = wait.read_at + start_grace
            if wait.read_at >= grace_ends:
                raise wait.error(
                    StageNotStartedError,
                    f"{_status_text(stage)} after {start_grace:g} s (start_grace): {_NOT_STARTED}",
                    stage,
                )
        if wait.is_over:
            wait.time_out(f"the deployment of {stage_name}", _as_tuple(stage), stage)


def _as_tuple(stage: Stage | None) -> tuple[Stage, ...]:
    return () if stage is None else (stage,)


def _raise_if_ended(
    wait: Wait, stages: tuple[Stage, ...], last_seen: Stage | EdgeDeploymentPlan
) -> None:
    for status, cls, advice in (
        (StageStatus.FAILED, StageFailedError, "see the devices' own logs for why"),
        (StageStatus.STOPPED, StageStoppedError, "somebody stopped it"),
    ):
        ended = [stage for stage in stages if stage.status is status]
        if ended:
            raise wait.error(cls, "; ".join([*map(_status_text, ended), advice]), last_seen)


async def stage_ready(wait: Wait, stage_name: str) -> Stage:
    """Wait until a stage can be started, or has been started.

    Args:
        wait: The wait.
        stage_name: The stage.

    Returns:
        The stage.

    Raises:
        WaitError: If the wait ends in another way.
        SageMakerPlansError: If the plan cannot be read.
    """
    stage: Stage | None = None
    while True:
        plan = await wait.next_plan()
        if plan is not None:
            before, stage = stage, _stage_of(wait, plan, stage_name, stage)
            if before is not None:
                # It was CREATING before, so it is the creation that failed.
                _raise_if_ended(wait, (stage,), stage)
            if stage.status is not StageStatus.CREATING and not stage.status.is_unknown:
                return stage
        if wait.is_over:
            wait.time_out(f"the creation of {stage_name}", _as_tuple(stage), stage)


async def plan_deployed(
    wait: Wait, *, on_poll: OnPoll[EdgeDeploymentPlan] | None
) -> EdgeDeploymentPlan:
    """Wait until every stage of a plan is deployed.

    Args:
        wait: The wait.
        on_poll: Called with the plan at each reading.

    Returns:
        The plan.

    Raises:
        WaitError: If the wait ends in another way.
        SageMakerPlansError: If the plan cannot be read.
    """
    stages: tuple[Stage, ...] = ()
    while True:
        plan = await wait.next_plan()
        if plan is not None:
            before, stages = stages, plan.stages
            raise_if_stage_vanished(wait, before, plan)
            await _call(on_poll, plan)
            if all(stage.status is StageStatus.DEPLOYED for stage in stages):
                return plan
            _raise_if_ended(wait, stages, plan)
        if wait.is_over:
            unfinished = tuple(s for s in stages if s.status is not StageStatus.DEPLOYED)
            wait.time_out(f"the deployment of plan {wait.plan_name}", unfinished, wait.plan)
