"""What a rollout did."""

from typing import Literal

from attrs import frozen

from sagemaker_plans.models._edge import Stage, StageDevice
from sagemaker_plans.models._wire_form import WireModel

StageOutcome = Literal[
    "already_deployed", "deployed", "failed", "stopped", "under_way", "not_started"
]
"""How a stage of a rollout stands.

``already_deployed``: it was deployed before the rollout began.
``deployed``: it was deployed during the rollout.
``failed``, ``stopped``: so says the service.
``under_way``: it was started, or is being stopped, and has not ended yet.
``not_started``: it was not started.
"""


@frozen(kw_only=True)
class StageReport(WireModel):
    """What a rollout did with one stage."""

    stage: Stage
    """The stage as it was read last."""
    outcome: StageOutcome
    """How the stage stands."""
    was_started: bool
    """Whether the service accepted a start of this rollout, not of an earlier or another one."""


@frozen(kw_only=True)
class RolloutReport(WireModel):
    """What a rollout did."""

    plan_name: str
    """The plan's name."""
    stages: tuple[StageReport, ...]
    """The stages of the rollout, in the plan's order."""
    may_still_run: tuple[str, ...] = ()
    """The names of the stages that may still run."""
    failed_devices: tuple[StageDevice, ...] = ()
    """Devices on which the stage failed that has stopped the rollout: the first 1,000."""

    @property
    def is_done(self) -> bool:
        """Whether every stage of the rollout is deployed."""
        return all(each.outcome in {"already_deployed", "deployed"} for each in self.stages)

    def stage(self, name: str) -> StageReport:
        """Find what was done with a stage.

        Args:
            name: The stage's name.

        Returns:
            The report of the stage.

        Raises:
            KeyError: If the rollout has no stage of that name.
        """
        for each in self.stages:
            if each.stage.name == name:
                return each
        raise KeyError(f"the rollout of plan {self.plan_name} has no stage {name!r}")
