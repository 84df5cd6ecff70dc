"""Edge deployment plans as the service describes them."""

from datetime import datetime

from attrs import field, frozen

from sagemaker_plans.models._enums import (
    DeviceDeploymentStatus,
    FailureHandlingPolicy,
    StageStatus,
)
from sagemaker_plans.models._selection import DeviceSelection
from sagemaker_plans.models._specs import ModelConfig, StageSpec
from sagemaker_plans.models._wire_form import WireModel, spread, token_or_none, wire


@frozen
class DeviceCounts(WireModel):
    """How many devices succeeded, how many are pending, and how many failed.

    Args:
        succeeded: The number of devices on which the deployment succeeded.
        pending: The number of devices that have not started the deployment, or are still
            busy with it.
        failed: The number of devices on which the deployment failed.
    """

    succeeded: int = field(metadata=wire("EdgeDeploymentSuccess"))
    """The number of devices on which the deployment succeeded."""
    pending: int = field(metadata=wire("EdgeDeploymentPending"))
    """The number of devices that have not started the deployment, or are still busy with it."""
    failed: int = field(metadata=wire("EdgeDeploymentFailed"))
    """The number of devices on which the deployment failed."""

    @property
    def total(self) -> int:
        """The number of all devices."""
        return self.succeeded + self.pending + self.failed

    @property
    def fraction_done(self) -> float:
        """The share of devices that are no longer pending, 0.0 to 1.0; 0.0 without devices."""
        return (self.succeeded + self.failed) / self.total if self.total else 0.0


@frozen(kw_only=True)
class Stage(WireModel):
    """A stage of a plan, with the state of its deployment."""

    name: str = field(metadata=wire("StageName"))
    """The stage's name, unique within its plan."""
    device_selection: DeviceSelection = field(metadata=wire("DeviceSelectionConfig"))
    """The devices to which the stage deploys."""
    failure_handling_policy: FailureHandlingPolicy = field(
        metadata=wire("DeploymentConfig.FailureHandlingPolicy")
    )
    """What the device does if the deployment fails on it."""
    status: StageStatus = field(metadata=wire("DeploymentStatus.StageStatus"))
    """The state of the deployment."""
    status_message: str | None = field(
        default=None, metadata=wire("DeploymentStatus.EdgeDeploymentStatusMessage")
    )
    """The service's message about the state; None if there is none."""
    devices: DeviceCounts = field(metadata=spread("DeploymentStatus.*InStage"))
    """How many of the stage's devices succeeded, are pending and failed."""
    start_time: datetime | None = field(
        default=None, metadata=wire("DeploymentStatus.EdgeDeploymentStageStartTime")
    )
    """When the stage was started (UTC); None if it was not started yet."""

    def to_spec(self) -> StageSpec:
        """Make the spec that would create a stage like this one.

        Returns:
            The spec.

        Raises:
            InvalidRequestError: If this release cannot send the stage's type of device
                selection.
        """
        return StageSpec(self.name, self.device_selection, self.failure_handling_policy)

    def _repr_html_(self) -> str:
        from sagemaker_plans.models._tables import notebook  # noqa: PLC0415  # for notebooks only, 3 ms

        return notebook.stage_html(self)


@frozen(kw_only=True)
class EdgeDeploymentPlan(WireModel):
    """An edge deployment plan, with its stages in the service's order."""

    arn: str = field(metadata=wire("EdgeDeploymentPlanArn"))
    """The plan's ARN."""
    name: str = field(metadata=wire("EdgeDeploymentPlanName"))
    """The plan's name."""
    device_fleet_name: str
    """The fleet that the plan deploys to."""
    model_configs: tuple[ModelConfig, ...]
    """The models that the plan deploys."""
    stages: tuple[Stage, ...] = field(default=(), metadata=wire(required=True))
    """The stages, in the service's order."""
    devices: DeviceCounts | None = field(default=None, metadata=spread(absent=0))
    """The counts for the devices of all stages; None if the reply has no counts."""
    creation_time: datetime | None = None
    """When the plan was created (UTC)."""
    last_modified_time: datetime | None = None
    """When the plan was last changed (UTC)."""

    def stage(self, name: str) -> Stage:
        """Find a stage by its name.

        Args:
            name: The stage's name.

        Returns:
            The stage.

        Raises:
            KeyError: If the plan has no stage of that name.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        names = ", ".join(stage.name for stage in self.stages) or "none"
        raise KeyError(f"plan {self.name} has no stage {name!r}; its stages: {names}")

    @property
    def is_finished(self) -> bool:
        """Whether every stage is in a terminal state. True for a plan without stages."""
        return all(stage.status.is_terminal for stage in self.stages)

    def _repr_html_(self) -> str:
        from sagemaker_plans.models._tables import notebook  # noqa: PLC0415  # for notebooks only, 3 ms

        return notebook.plan_html(self)


@frozen(kw_only=True)
class StageChange(WireModel):
    """A change of a stage's status or device counts, as ``watch`` yields it."""

    stage: Stage
    """The stage as it is now."""
    previous: Stage | None
    """The stage as it was before the change; None when it is seen for the first time."""


@frozen(kw_only=True)
class StagePage(WireModel):
    """One page of a plan's stages: the content of one reply."""

    plan: EdgeDeploymentPlan = field(metadata=spread(without=("stages",)))
    """The plan's header in this reply; its ``stages`` are empty."""
    stages: tuple[Stage, ...]
    """The stages of this page."""
    next_token: str | None = field(converter=token_or_none)
    """The token with which the next page is read; None on the last page."""

    def _repr_html_(self) -> str:
        from sagemaker_plans.models._tables import notebook  # noqa: PLC0415  # for notebooks only, 3 ms

        return notebook.page_html(self.plan, self.stages, is_last=self.next_token is None)


@frozen(kw_only=True)
class EdgeDeploymentPlanSummary(WireModel):
    """A plan in a list, without its models and stages. ``describe`` reads all of it."""

    arn: str = field(metadata=wire("EdgeDeploymentPlanArn"))
    """The plan's ARN."""
    name: str = field(metadata=wire("EdgeDeploymentPlanName"))
    """The plan's name."""
    device_fleet_name: str
    """The fleet that the plan deploys to."""
    devices: DeviceCounts = field(metadata=spread())
    """The counts for the devices of all stages."""
    creation_time: datetime | None = None
    """When the plan was created (UTC)."""
    last_modified_time: datetime | None = None
    """When the plan was last changed (UTC)."""


@frozen(kw_only=True)
class PlanSummaryPage(WireModel):
    """One page of a list of plans."""

    plans: tuple[EdgeDeploymentPlanSummary, ...] = field(
        metadata=wire("EdgeDeploymentPlanSummaries")
    )
    """The plans of this page."""
    next_token: str | None = field(converter=token_or_none)
    """The token with which the next page is read; None on the last page."""


@frozen(kw_only=True)
class StageDevice(WireModel):
    """A device of a stage, with the state of the deployment on it."""

    name: str = field(metadata=wire("DeviceName"))
    """The device's name."""
    arn: str = field(metadata=wire("DeviceArn"))
    """The device's ARN."""
    status: DeviceDeploymentStatus | None = field(
        default=None, metadata=wire("DeviceDeploymentStatus")
    )
    """The state of the deployment on this device."""
    status_message: str | None = field(default=None, metadata=wire("DeviceDeploymentStatusMessage"))
    """The service's message about the state, such as the reason of a failure."""
    deployed_stage_name: str | None = None
    """The stage that has deployed to this device; None if none has."""
    device_fleet_name: str | None = None
    """The fleet to which the device belongs."""
    description: str | None = None
    """The description of the device."""
    start_time: datetime | None = field(default=None, metadata=wire("DeploymentStartTime"))
    """When the deployment to this device was started (UTC)."""
    plan_arn: str = field(metadata=wire("EdgeDeploymentPlanArn"))
    """The ARN of the stage's plan."""
    plan_name: str = field(metadata=wire("EdgeDeploymentPlanName"))
    """The name of the stage's plan."""
    stage_name: str
    """The name of the stage."""


@frozen(kw_only=True)
class StageDevicePage(WireModel):
    """One page of a stage's devices."""

    devices: tuple[StageDevice, ...] = field(metadata=wire("DeviceDeploymentSummaries"))
    """The devices of this page."""
    next_token: str | None = field(converter=token_or_none)
    """The token with which the next page is read; None on the last page."""
