"""Starts and stops stages. A second request has the same effect as the first, or none."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import define

from sagemaker_plans._edge.reading import read_plan
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_rules import Happened, what_happened
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire import replies
from sagemaker_plans._wire.operations import START_STAGE, STOP_STAGE, Operation
from sagemaker_plans.errors import SageMakerPlansError
from sagemaker_plans.models import StageStatus

_STATUSES_AFTER: Final = MappingProxyType(
    {
        # FAILED and STOPPED are left out, because the stage may have had that status before.
        START_STAGE: frozenset(
            {StageStatus.STARTING, StageStatus.INPROGRESS, StageStatus.DEPLOYED}
        ),
        STOP_STAGE: frozenset({StageStatus.STOPPING, StageStatus.STOPPED}),
    }
)
"""The statuses that show that a command took effect."""


@define(eq=False, repr=False)
class StageCommand:
    """One start or stop of a stage, with all attempts at it."""

    gateway: Gateway
    retrier: Retrier
    operation: Operation
    plan_name: str
    stage_name: str
    may_have_taken_effect: bool = False
    """Whether a refusal may come because the stage is as it was to be."""

    async def send(self) -> None:
        """Send the command.

        Raises:
            SageMakerPlansError: What the last attempt raised.
        """
        await self.retrier.run(self.operation, self._attempt)

    async def _attempt(self) -> None:
        request: Mapping[str, object] = {
            "EdgeDeploymentPlanName": self.plan_name,
            "StageName": self.stage_name,
        }
        try:
            replies.read_done(await self.gateway.call(self.operation, request))
        except SageMakerPlansError as error:
            happened = what_happened(error)
            if happened is Happened.AMBIGUOUS:
                self.may_have_taken_effect = True
            # The first request may have worked although its reply was lost. Then the service
            # may refuse the second one.
            refused_after_doubt = happened is Happened.REFUSED and self.may_have_taken_effect
            if refused_after_doubt and await self._has_taken_effect(error):
                return
            raise

    async def _has_taken_effect(self, refusal: SageMakerPlansError) -> bool:
        try:
            return await self.is_done()
        except SageMakerPlansError as error:
            refusal.add_note(
                "the stage may already be as it was to be; this could not be checked, because "
                f"the plan could not be read: {error}"
            )
            return False

    async def is_done(self) -> bool:
        """Read the plan, and tell whether the command is not needed any more.

        Returns:
            Whether the stage is as the command was to make it.

        Raises:
            SageMakerPlansError: If the plan cannot be read.
        """
        plan = await read_plan(self.gateway, self.retrier, self.plan_name)
        statuses = _STATUSES_AFTER[self.operation]
        return any(
            stage.name == self.stage_name and stage.status in statuses for stage in plan.stages
        )
