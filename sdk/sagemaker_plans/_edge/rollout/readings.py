"""What a rollout has read of its stages."""

from attrs import define, field, frozen

from sagemaker_plans._edge.rollout.arguments import OnChange
from sagemaker_plans._edge.stage_waits import for_plan
from sagemaker_plans._edge.wait import Wait, call, find_stage
from sagemaker_plans._edge.waiters import EVERY_READING
from sagemaker_plans.errors import StageNotFoundError
from sagemaker_plans.models import EdgeDeploymentPlan, Stage, StageChange

_State = tuple[object, ...] | None


def _state(stage: Stage | None) -> _State:
    if stage is None:
        return None
    counts = stage.devices
    return (
        *(stage.name, str(stage.status), stage.start_time),
        *(counts.succeeded, counts.pending, counts.failed),
    )


@frozen
class ChangeInterest:
    """The readings that a rollout has to see: those in which one of its stages has changed."""

    names: tuple[str, ...]
    seen: tuple[_State, ...]
    """The stages as they were read last."""

    def needs(self, plan: EdgeDeploymentPlan, /) -> bool:
        """Tell whether a stage has changed.

        Args:
            plan: The plan as it was read now.

        Returns:
            Whether the rollout has to see it.
        """
        return self.seen != tuple(_state(find_stage(plan, name)) for name in self.names)

    def is_close(self, plan: EdgeDeploymentPlan, /) -> bool:
        """Tell whether a stage is nearly done.

        Args:
            plan: The plan as it was read last.

        Returns:
            Whether one is.
        """
        return EVERY_READING.is_close(plan)


@define(eq=False)
class StageReadings:
    """The stages of a rollout as they were read first and last."""

    names: tuple[str, ...]
    """The stages of the rollout, in the plan's order."""
    plan: EdgeDeploymentPlan
    """The plan as it was read first."""
    on_change: OnChange | None
    """Called with each change."""
    first: dict[str, Stage] = field(init=False)
    """The stages as they were when the rollout began."""
    last: dict[str, Stage] = field(factory=dict[str, Stage], init=False)
    """The stages as they were read last."""

    def __attrs_post_init__(self) -> None:
        self.first = {name: self.plan.stage(name) for name in self.names}
        self.on_change = for_plan(self.on_change, self.plan.name)

    @property
    def interest(self) -> ChangeInterest:
        """The readings in which something has changed since the last one."""
        return ChangeInterest(self.names, tuple(_state(self.last[name]) for name in self.names))

    async def add(self, plan: EdgeDeploymentPlan) -> None:
        """Remember a reading, and tell the user what has changed.

        Args:
            plan: The plan as it was read now.
        """
        changes: list[StageChange] = []
        for name in self.names:
            stage, previous = find_stage(plan, name), self.last.get(name)
            if stage is None:
                continue
            self.last[name] = stage
            if previous is None or (previous.status, previous.devices) != (
                *(stage.status, stage.devices),
            ):
                changes.append(StageChange(stage=stage, previous=previous))
        for change in changes:
            await call(self.on_change, change)

    async def stage_in(self, wait: Wait, plan: EdgeDeploymentPlan, name: str) -> Stage:
        """Remember a reading, and find a stage in it.

        Args:
            wait: The wait that made the reading.
            plan: The plan as it was read now.
            name: The stage.

        Returns:
            The stage.

        Raises:
            StageNotFoundError: If the stage is gone, or the plan was deleted and created again.
        """
        if plan.creation_time != self.plan.creation_time:
            message = f"plan {plan.name} was deleted and created again at {plan.creation_time}"
            raise wait.error(StageNotFoundError, message, plan)
        await self.add(plan)
        stage = find_stage(plan, name)
        if stage is None:
            message = f"stage {name} of plan {plan.name} is gone"
            raise wait.error(StageNotFoundError, message, self.last[name])
        return stage
