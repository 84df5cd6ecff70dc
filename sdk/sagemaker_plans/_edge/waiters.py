"""What ends each kind of wait, and which readings it has to see for that."""

import math
from datetime import datetime
from typing import Final, NoReturn

from attrs import frozen

from sagemaker_plans._edge.wait import (
    NOT_STARTED,
    OnPoll,
    Wait,
    call,
    find_stage,
    is_ready_to_deploy,
    status_text,
)
from sagemaker_plans.errors import (
    StageFailedError,
    StageNotFoundError,
    StageNotStartedError,
    StageStoppedError,
    WaitError,
)
from sagemaker_plans.models import EdgeDeploymentPlan, Stage, StageStatus

_NEARLY: Final = 0.9
"""The share of a stage's devices that have succeeded or failed when it is nearly done."""


def _is_nearly_done(stage: Stage) -> bool:
    return stage.status is StageStatus.INPROGRESS and stage.devices.fraction_done >= _NEARLY


def _is_another(plan: EdgeDeploymentPlan, created: datetime | None) -> bool:
    return created != plan.creation_time


@frozen
class StageInterest:
    """The readings that a wait on one stage has to see: those in which it has moved."""

    name: str
    seen: StageStatus | None
    """The stage's status as the wait knows it; None if it has to see every reading."""
    created: datetime | None
    """When the plan was created, as the wait knows it."""

    def needs(self, plan: EdgeDeploymentPlan, /) -> bool:
        """Tell whether the stage has moved, or is gone.

        Args:
            plan: The plan as it was read now.

        Returns:
            Whether the wait has to see it.
        """
        if self.seen is None or _is_another(plan, self.created):
            return True
        stage = find_stage(plan, self.name)
        return stage is None or stage.status != self.seen

    def is_close(self, plan: EdgeDeploymentPlan, /) -> bool:
        """Tell whether the stage is nearly done.

        Args:
            plan: The plan as it was read last.

        Returns:
            Whether it is.
        """
        stage = find_stage(plan, self.name)
        return stage is not None and _is_nearly_done(stage)


@frozen
class PlanInterest:
    """The readings that a wait on all stages has to see: those in which one has moved."""

    seen: tuple[tuple[str, str], ...] | None
    """Each stage and its status as the wait knows them; None if it has to see every reading."""
    created: datetime | None
    """When the plan was created, as the wait knows it."""

    def needs(self, plan: EdgeDeploymentPlan, /) -> bool:
        """Tell whether a stage has moved, is gone or is new.

        Args:
            plan: The plan as it was read now.

        Returns:
            Whether the wait has to see it.
        """
        return self.seen is None or _is_another(plan, self.created) or _statuses(plan) != self.seen

    def is_close(self, plan: EdgeDeploymentPlan, /) -> bool:
        """Tell whether a stage is nearly done.

        Args:
            plan: The plan as it was read last.

        Returns:
            Whether one is.
        """
        return any(map(_is_nearly_done, plan.stages))


EVERY_READING: Final = PlanInterest(None, None)
"""For those who have to see each reading of a plan."""


def _statuses(plan: EdgeDeploymentPlan) -> tuple[tuple[str, str], ...]:
    return tuple((stage.name, str(stage.status)) for stage in plan.stages)


def raise_if_stage_vanished(wait: Wait, plan: EdgeDeploymentPlan) -> None:
    """End a wait if a stage has vanished since the reading before.

    Args:
        wait: The wait.
        plan: The plan as it was read now.

    Raises:
        StageNotFoundError: If a stage is gone. The error has the stage as it was read last.
    """
    names = {stage.name for stage in plan.stages}
    for stage in () if wait.before is None else wait.before.stages:
        if stage.name not in names:
            message = f"stage {stage.name} of plan {plan.name} is gone"
            raise wait.error(StageNotFoundError, message, wait.last_seen(stage))


def _stage_of(wait: Wait, plan: EdgeDeploymentPlan, name: str) -> Stage:
    before = None if wait.before is None else find_stage(wait.before, name)
    try:
        return plan.stage(name)
    except KeyError as error:
        if before is None:
            raise wait.error(StageNotFoundError, error.args[0], None) from error
        message = f"stage {name} of plan {plan.name} is gone"
        raise wait.error(StageNotFoundError, message, wait.last_seen(before)) from error


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
    seen: StageStatus | None = None
    grace_ends = math.inf
    while True:
        interest = StageInterest(stage_name, seen, wait.created)
        # One extra poll at the end of the grace time. If that one fails, the schedule goes on.
        wake_at = grace_ends if wait.read_at < grace_ends else math.inf
        plan = await wait.next_plan(interest, wake_at=wake_at)
        if plan is not None:
            stage = _stage_of(wait, plan, stage_name)
            await call(on_poll, stage)
            if stage.status is StageStatus.DEPLOYED:
                return stage
            _raise_if_ended(wait, stage)
            if not is_ready_to_deploy(stage):
                grace_ends = math.inf
            elif start_grace is not None and grace_ends == math.inf:
                grace_ends = wait.read_at + start_grace
            if wait.read_at >= grace_ends:
                raise wait.error(
                    StageNotStartedError,
                    f"{status_text(stage)} after {start_grace:g} s (start_grace): {NOT_STARTED}",
                    stage,
                )
            if on_poll is None:
                seen = stage.status
        if wait.read_at >= grace_ends:
            # The poll at the end of the grace time failed. Any other one may show the same.
            seen = None
        if wait.is_over:
            _time_out(wait, f"the deployment of {stage_name}", stage_name)


def _time_out(wait: Wait, what: str, stage_name: str) -> NoReturn:
    stage = None if wait.plan is None else find_stage(wait.plan, stage_name)
    wait.time_out(what, () if stage is None else (stage,), stage)


def _raise_if_ended(wait: Wait, *stages: Stage) -> None:
    failed = [stage for stage in stages if stage.status is StageStatus.FAILED]
    if failed:
        calls = (f"stage_devices({wait.plan_name!r}, {stage.name!r})" for stage in failed)
        advice = f"{' and '.join(calls)} tells which devices failed, and why"
        texts = [*map(status_text, failed), advice]
        raise wait.error(StageFailedError, "; ".join(texts), failed[0])
    stopped = [stage for stage in stages if stage.status is StageStatus.STOPPED]
    if stopped:
        texts = [*map(status_text, stopped), "somebody stopped it"]
        raise wait.error(StageStoppedError, "; ".join(texts), stopped[0])


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
    seen: StageStatus | None = None
    while True:
        plan = await wait.next_plan(StageInterest(stage_name, seen, wait.created))
        if plan is not None:
            stage = _stage_of(wait, plan, stage_name)
            if seen is not None:
                # It was CREATING before, so it is the creation that failed.
                _raise_if_ended(wait, stage)
            if stage.status is not StageStatus.CREATING and not stage.status.is_unknown:
                return stage
            seen = stage.status
        if wait.is_over:
            _time_out(wait, f"the creation of {stage_name}", stage_name)


async def stage_stopped(wait: Wait, stage_name: str) -> Stage:
    """Wait until a stage is stopped.

    Args:
        wait: The wait.
        stage_name: The stage.

    Returns:
        The stage.

    Raises:
        WaitError: If the wait ends in another way.
        SageMakerPlansError: If the plan cannot be read.
    """
    seen: StageStatus | None = None
    while True:
        plan = await wait.next_plan(StageInterest(stage_name, seen, wait.created))
        if plan is not None:
            stage = _stage_of(wait, plan, stage_name)
            if stage.status is StageStatus.STOPPED:
                return stage
            _raise_if_ended(wait, stage)
            if stage.status is StageStatus.DEPLOYED:
                message = f"{status_text(stage)}; it was done before it could be stopped"
                raise wait.error(WaitError, message, stage)
            seen = stage.status
        if wait.is_over:
            _time_out(wait, f"the stop of {stage_name}", stage_name)


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
    interest = EVERY_READING
    while True:
        plan = await wait.next_plan(interest)
        if plan is not None:
            raise_if_stage_vanished(wait, plan)
            await call(on_poll, plan)
            if all(stage.status is StageStatus.DEPLOYED for stage in plan.stages):
                return plan
            _raise_if_ended(wait, *plan.stages)
            if on_poll is None:
                interest = PlanInterest(_statuses(plan), wait.created)
        if wait.is_over:
            stages = () if wait.plan is None else wait.plan.stages
            unfinished = tuple(s for s in stages if s.status is not StageStatus.DEPLOYED)
            wait.time_out(f"the deployment of plan {wait.plan_name}", unfinished, wait.plan)
