"""Stops a stage when a rollout ends early."""

from typing import Final

import anyio

from sagemaker_plans._edge.reading import read_plan
from sagemaker_plans._edge.stage_commands import StageCommand
from sagemaker_plans._edge.wait import find_stage
from sagemaker_plans._engine.polls.shared_polls import SharedPollsByName
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import STOP_STAGE
from sagemaker_plans.errors import (
    AccessDeniedError,
    ConfigurationError,
    ResourceNotFoundError,
    SageMakerPlansError,
)
from sagemaker_plans.models import EdgeDeploymentPlan, Stage, StageStatus

_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 2.0


async def stop_stage(
    gateway: Gateway,
    retrier: Retrier,
    polls: SharedPollsByName[EdgeDeploymentPlan],
    plan_name: str,
    before: Stage,
    *,
    limit: float,
) -> SageMakerPlansError | None:
    """Stop a stage, and do not let a cancellation interrupt that.

    The service refuses to stop a stage whose start has not arrived yet, or that has ended. A
    reading may be from before that. So this looks for some time, and tries again.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        polls: The polls of the client, by plan.
        plan_name: The plan.
        before: The stage as it was before it was started.
        limit: How long to try, in seconds.

    Returns:
        None if it was stopped or has ended; else the failure of the last attempt.
    """
    command = StageCommand(gateway, retrier, STOP_STAGE, plan_name, before.name)
    failure: SageMakerPlansError | None = None
    pause = _PAUSE
    with anyio.move_on_after(limit, shield=True) as scope:
        while True:
            try:
                await command.send()
            except ResourceNotFoundError:
                # What is not there does not run.
                failure = None
                break
            except SageMakerPlansError as error:
                failure = error
                if isinstance(error, AccessDeniedError | ConfigurationError):
                    break
            else:
                failure = None
                break
            finally:
                polls.changed(plan_name)
            if await _has_ended(gateway, retrier, plan_name, before):
                failure = None
                break
            await anyio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
    if scope.cancelled_caught and failure is None:
        failure = SageMakerPlansError(f"no answer within {limit:g} s", operation=STOP_STAGE.name)
    return failure


async def _has_ended(gateway: Gateway, retrier: Retrier, plan_name: str, before: Stage) -> bool:
    try:
        plan = await read_plan(gateway, retrier, plan_name)
    except SageMakerPlansError:
        # The caller tries again, and tells why the stop failed.
        return False
    stage = find_stage(plan, before.name)
    return stage is None or (
        (stage.status, stage.start_time) != (before.status, before.start_time)
        and (stage.status.is_terminal or stage.status is StageStatus.STOPPING)
    )
