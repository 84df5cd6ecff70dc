"""Waits for stages: reads the plan again and again, and decides when a wait ends."""

import math

from sagemaker_plans._edge.wait import (
    NOT_STARTED,
    OnPoll,
    Wait,
    call,
    is_ready_to_deploy,
    status_text,
)
from sagemaker_plans.errors import (
    StageFailedError,
    StageNotFoundError,
    StageNotStartedError,
    StageStoppedError,
)
from sagemaker_plans.models import EdgeDeploymentPlan, Stage, StageStatus


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
            await call(on_poll, stage)
            if stage.status is StageStatus.DEPLOYED:
                return stage
            _raise_if_ended(wait, (stage,), stage)
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
            raise wait.error(cls, "; ".join([*map(status_text, ended), advice]), last_seen)


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
            await call(on_poll, plan)
            if all(stage.status is StageStatus.DEPLOYED for stage in stages):
                return plan
            _raise_if_ended(wait, stages, plan)
        if wait.is_over:
            unfinished = tuple(s for s in stages if s.status is not StageStatus.DEPLOYED)
            wait.time_out(f"the deployment of plan {wait.plan_name}", unfinished, wait.plan)
