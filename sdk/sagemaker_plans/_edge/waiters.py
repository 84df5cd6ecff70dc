"""Waiting for stages: what each reading of a plan means to somebody who waits."""

import copy
import inspect
import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final, NoReturn, TypeVar

import anyio

from sagemaker_plans._engine.durations import Duration, as_seconds_or_none, duration_problems
from sagemaker_plans._engine.polling import Poller, PollSchedule, Reading, SharedReading
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
"""Called with what each reading shows; a coroutine function is awaited."""

_NOT_STARTED: Final = "READYTODEPLOY does not move by itself: start it with start_stage"


class Wait:
    """One wait on one plan: its deadline, and what it has seen.

    Args:
        plan_name: The plan.
        shared: Its shared reading.
        schedule: How often to look.
        timeout: How long to wait, in seconds; None for as long as it takes.
    """

    def __init__(
        self,
        plan_name: str,
        shared: SharedReading[EdgeDeploymentPlan],
        schedule: PollSchedule,
        timeout: float | None,
    ) -> None:
        self.plan_name = plan_name
        self.polls = 0
        self.plan: EdgeDeploymentPlan | None = None
        self.is_over = False
        self.seen_at = -math.inf
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
            wake_at: Look at this time if nobody did before.

        Returns:
            The plan, or None if this reading failed in a way that may pass.

        Raises:
            StageNotFoundError: If this is another plan than before, of the same name.
            SageMakerPlansError: If the reading failed in a way that does not pass.
        """
        reading = await self._poller.next(wake_at=wake_at)
        self.polls += 1
        self.seen_at = reading.began
        # Not by the clock: who handles one reading until the deadline gets a last one.
        self.is_over = reading.ended >= self._deadline
        self._failure = reading.error
        if reading.error is not None:
            if what_happened(reading.error) is Happened.REFUSED:
                self._pass_on(reading.error)
            return None
        return self._same_plan(reading)

    def _pass_on(self, error: SageMakerPlansError) -> NoReturn:
        # A copy: others wait for the same reading and raise it too.
        own = copy.copy(error)
        own.add_note(
            f"while waiting on plan {self.plan_name} ({self.polls} polls in {self.waited:.1f} s)"
        )
        raise own from error.__cause__

    def _same_plan(self, reading: Reading[EdgeDeploymentPlan]) -> EdgeDeploymentPlan:
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
        self, cls: type[WaitError], words: str, last_seen: Stage | EdgeDeploymentPlan | None
    ) -> WaitError:
        """Make the error with which this wait ends.

        Args:
            cls: Which error.
            words: What was seen and what to do.
            last_seen: The stage or plan as it was read last.

        Returns:
            The error.
        """
        return cls(
            words,
            last_seen=last_seen,
            polls=self.polls,
            waited=self.waited,
            plan_name=self.plan_name,
        )

    def timed_out(
        self, what: str, stages: tuple[Stage, ...], last_seen: Stage | EdgeDeploymentPlan | None
    ) -> NoReturn:
        """End this wait at its deadline.

        Args:
            what: What was waited for.
            stages: The stages concerned, as they were read last.
            last_seen: What the error carries.

        Raises:
            WaitTimeoutError: Always; the last failure of a reading is its cause.
        """
        seen = "; ".join(_state(stage) for stage in stages) or "nothing was read"
        advice = [
            words
            for words in (
                _NOT_STARTED if any(map(_is_waiting, stages)) else "",
                "a status is unknown to this release, which may be the reason"
                if any(stage.status.is_unknown for stage in stages)
                else "",
                f"the last reading failed: {self._failure}" if self._failure else "",
            )
            if words
        ]
        raise self.error(
            WaitTimeoutError,
            f"{what} did not happen within {self._timeout:g} s ({self.polls} polls): "
            + "; ".join([seen, *advice]),
            last_seen,
        ) from self._failure


def _is_waiting(stage: Stage) -> bool:
    return stage.status is StageStatus.READYTODEPLOY


def _state(stage: Stage) -> str:
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
    """Check what all waits take.

    Args:
        names: What was passed as the names of the plan and, if the wait is for one, of
            the stage, by argument.
        timeout: How long to wait.
        schedule: How often to look.
        on_poll: What to call with each reading.

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


async def _tell(on_poll: OnPoll[T] | None, seen: T) -> None:
    if on_poll is not None:
        answer = on_poll(seen)
        if inspect.isawaitable(answer):
            await answer


def raise_if_gone(wait: Wait, before: tuple[Stage, ...], plan: EdgeDeploymentPlan) -> None:
    """End a wait if a stage has vanished.

    Args:
        wait: The wait.
        before: The stages as they were read before.
        plan: The plan as it was read now.

    Raises:
        StageNotFoundError: If a stage is gone; it carries the stage as it was read last.
    """
    names = {stage.name for stage in plan.stages}
    for stage in before:
        if stage.name not in names:
            words = f"stage {stage.name} of plan {plan.name} is gone"
            raise wait.error(StageNotFoundError, words, stage)


def _find(wait: Wait, plan: EdgeDeploymentPlan, name: str, before: Stage | None) -> Stage:
    try:
        return plan.stage(name)
    except KeyError as error:
        words = f"stage {name} of plan {plan.name} is gone" if before else error.args[0]
        raise wait.error(StageNotFoundError, words, before) from error


async def stage_deployed(
    wait: Wait, stage_name: str, *, on_poll: OnPoll[Stage] | None, start_grace: float | None
) -> Stage:
    """Wait until a stage is deployed.

    Args:
        wait: The wait.
        stage_name: The stage.
        on_poll: Called with the stage at each reading.
        start_grace: How long the stage may stay READYTODEPLOY, in seconds.

    Returns:
        The stage.

    Raises:
        WaitError: If it ends in another way.
        SageMakerPlansError: If the plan cannot be read.
    """
    stage: Stage | None = None
    grace_ends = math.inf
    while True:
        # It wakes once: where it was polled at already, there was no answer.
        pending = grace_ends if wait.seen_at < grace_ends else math.inf
        plan = await wait.next_plan(wake_at=pending)
        if plan is not None:
            stage = _find(wait, plan, stage_name, stage)
            await _tell(on_poll, stage)
            if stage.status is StageStatus.DEPLOYED:
                return stage
            _raise_if_ended(wait, (stage,), stage)
            if not _is_waiting(stage):
                grace_ends = math.inf
            elif start_grace is not None and grace_ends == math.inf:
                grace_ends = wait.seen_at + start_grace
            if wait.seen_at >= grace_ends:
                raise wait.error(
                    StageNotStartedError,
                    f"{_state(stage)} after {start_grace:g} s (start_grace): {_NOT_STARTED}",
                    stage,
                )
        if wait.is_over:
            wait.timed_out(f"the deployment of {stage_name}", _those(stage), stage)


def _those(stage: Stage | None) -> tuple[Stage, ...]:
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
            raise wait.error(cls, "; ".join([*map(_state, ended), advice]), last_seen)


async def stage_ready(wait: Wait, stage_name: str) -> Stage:
    """Wait until a stage can be started, or is past that.

    Args:
        wait: The wait.
        stage_name: The stage.

    Returns:
        The stage.

    Raises:
        WaitError: If it ends in another way.
        SageMakerPlansError: If the plan cannot be read.
    """
    stage: Stage | None = None
    while True:
        plan = await wait.next_plan()
        if plan is not None:
            before, stage = stage, _find(wait, plan, stage_name, stage)
            if before is not None:
                # It was CREATING: what failed now is the creation.
                _raise_if_ended(wait, (stage,), stage)
            if stage.status is not StageStatus.CREATING and not stage.status.is_unknown:
                return stage
        if wait.is_over:
            wait.timed_out(f"the creation of {stage_name}", _those(stage), stage)


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
        WaitError: If it ends in another way.
        SageMakerPlansError: If the plan cannot be read.
    """
    stages: tuple[Stage, ...] = ()
    while True:
        plan = await wait.next_plan()
        if plan is not None:
            before, stages = stages, plan.stages
            raise_if_gone(wait, before, plan)
            await _tell(on_poll, plan)
            if all(stage.status is StageStatus.DEPLOYED for stage in stages):
                return plan
            _raise_if_ended(wait, stages, plan)
        if wait.is_over:
            unfinished = tuple(s for s in stages if s.status is not StageStatus.DEPLOYED)
            wait.timed_out(f"the deployment of plan {wait.plan_name}", unfinished, wait.plan)
