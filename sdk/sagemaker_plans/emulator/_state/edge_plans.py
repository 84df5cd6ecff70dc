"""The records of edge deployment plans and stages, and their wire forms."""

from __future__ import annotations

from typing import Final

import attrs

from sagemaker_plans.emulator._state.rollout import Rollout, StageStatus
from sagemaker_plans.emulator._state.timings import reached
from sagemaker_plans.emulator._wire.members import Reply, Request
from sagemaker_plans.emulator._wire.refusal import not_found

DEFAULT_POLICY: Final = "ROLLBACK_ON_FAILURE"
"""The failure handling policy of a stage that is created without one."""


@attrs.define
class Stage:
    """One stage. Its status is computed from the time."""

    name: str
    selection: Request
    policy: str
    ready_at: float
    devices: tuple[str, ...]
    rollout: Rollout | None = None

    def status(self, now: float) -> StageStatus:
        """Return the status of the stage."""
        if self.rollout is not None:
            return self.rollout.status(now)
        return "READYTODEPLOY" if reached(now, self.ready_at) else "CREATING"

    def as_of(self, moment: float) -> Stage:
        """Return the stage as it was at a time, back to before its last start."""
        if self.rollout is None or reached(moment, self.rollout.started_at):
            return self
        return attrs.evolve(self, rollout=self.rollout.before)

    def counts(self, now: float) -> tuple[int, int, int]:
        """Return how many devices succeeded, how many are pending, and how many failed."""
        if self.rollout is None:
            return 0, len(self.devices), 0
        reported, failed = self.rollout.reported(now), self.rollout.failed(now)
        return reported - failed, len(self.devices) - reported, failed

    def message(self, now: float) -> str:
        """Return the message of the status."""
        succeeded, pending, failed = self.counts(now)
        total = succeeded + pending + failed
        if failed and self.policy == DEFAULT_POLICY:
            return f"{failed} of {total} devices failed and rolled back to what they ran before."
        if failed:
            return f"{failed} of {total} devices failed and were left as they are."
        if not total:
            return "No device of the fleet is selected by this stage."
        return f"{succeeded} of {total} devices deployed."

    def summary(self, now: float) -> Reply:
        """Return the wire form."""
        succeeded, pending, failed = self.counts(now)
        status: Reply = {
            "StageStatus": self.status(now),
            "EdgeDeploymentSuccessInStage": succeeded,
            "EdgeDeploymentPendingInStage": pending,
            "EdgeDeploymentFailedInStage": failed,
        }
        if self.rollout is not None:
            status["EdgeDeploymentStatusMessage"] = self.message(now)
            status["EdgeDeploymentStageStartTime"] = self.rollout.started_at
        return {
            "StageName": self.name,
            "DeviceSelectionConfig": dict(self.selection),
            "DeploymentConfig": {"FailureHandlingPolicy": self.policy},
            "DeploymentStatus": status,
        }


@attrs.define
class EdgePlan:
    """One edge deployment plan."""

    name: str
    arn: str
    fleet_name: str
    model_configs: tuple[Request, ...]
    created_at: float
    modified_at: float
    tags: dict[str, str]
    stages: dict[str, Stage] = attrs.Factory(dict[str, Stage])

    def summary(self, now: float) -> Reply:
        """Return the wire form that a description and a list entry have in common."""
        counts = [stage.counts(now) for stage in self.stages.values()]
        return {
            "EdgeDeploymentPlanArn": self.arn,
            "EdgeDeploymentPlanName": self.name,
            "DeviceFleetName": self.fleet_name,
            "EdgeDeploymentSuccess": sum(succeeded for succeeded, _, _ in counts),
            "EdgeDeploymentPending": sum(pending for _, pending, _ in counts),
            "EdgeDeploymentFailed": sum(failed for _, _, failed in counts),
            "CreationTime": self.created_at,
            "LastModifiedTime": self.modified_at,
        }

    def as_of(self, moment: float) -> EdgePlan:
        """Return the plan with its stages as they were at a time."""
        stages = {name: stage.as_of(moment) for name, stage in self.stages.items()}
        return attrs.evolve(self, stages=stages)

    def stage(self, name: str) -> Stage:
        """Return a stage by name.

        Raises:
            Refusal: The plan has no stage of that name.
        """
        try:
            return self.stages[name]
        except KeyError:
            raise not_found(
                f"Stage {name} does not exist in edge deployment plan {self.name}."
            ) from None
