"""Starting and stopping stages: sending it again has the same effect, or none."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import define

from sagemaker_plans._edge.reading import read_plan, stage_pager
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_rules import Happened, what_happened
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire import replies
from sagemaker_plans._wire.operations import START_STAGE, STOP_STAGE, Operation
from sagemaker_plans.errors import SageMakerPlansError
from sagemaker_plans.models import StageStatus

_EFFECTS: Final = MappingProxyType(
    {
        # A stage that is FAILED or STOPPED may be so from before the start.
        START_STAGE: frozenset(
            {StageStatus.STARTING, StageStatus.INPROGRESS, StageStatus.DEPLOYED}
        ),
        STOP_STAGE: frozenset({StageStatus.STOPPING, StageStatus.STOPPED}),
    }
)
"""The states of a stage in which a command has had its effect."""


@define(eq=False, repr=False)
class StageCommand:
    """One command to a stage, with all its attempts."""

    gateway: Gateway
    retrier: Retrier
    operation: Operation
    plan_name: str
    stage_name: str
    may_be_done: bool = False

    async def give(self) -> None:
        """Give the command.

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
                self.may_be_done = True
            # A service that takes no second start or stop refuses the attempt that
            # follows one whose reply was lost.
            elif happened is Happened.REFUSED and self.may_be_done and await self._is_done(error):
                return
            raise

    async def _is_done(self, refusal: SageMakerPlansError) -> bool:
        try:
            plan = await read_plan(stage_pager(self.gateway, self.retrier, self.plan_name))
        except SageMakerPlansError as error:
            refusal.add_note(
                "an earlier attempt may have had its effect, and the plan could not be read to "
                f"see: {error}"
            )
            return False
        effects = _EFFECTS[self.operation]
        return any(
            stage.name == self.stage_name and stage.status in effects for stage in plan.stages
        )
