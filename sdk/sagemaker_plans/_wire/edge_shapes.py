"""AWS's structures of edge deployment plans as classes: one attribute a member.

Attribute names are AWS's member names; what the service model requires has no
default. Each shape says what model it is (``model``) and how a model is written
(``of``). A test holds the shapes against botocore's service model.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Self

from attrs import define

from sagemaker_plans.models import (
    DeviceCounts,
    DeviceSelectionConfig,
    DeviceSubsetType,
    EdgeDeploymentPlan,
    EdgeDeploymentPlanSpec,
    FailureHandlingPolicy,
    ModelConfig,
    NameContains,
    NamedDevices,
    PercentageOfFleet,
    Stage,
    StagePage,
    StageSpec,
    StageStatus,
    UnrecognizedSelection,
)


@define(kw_only=True, eq=False, repr=False)
class ModelConfigShape:
    """A model of a plan."""

    aws: ClassVar = "EdgeDeploymentModelConfig"
    ModelHandle: str
    EdgePackagingJobName: str

    def model(self) -> ModelConfig:
        return ModelConfig(self.ModelHandle, self.EdgePackagingJobName)

    @classmethod
    def of(cls, model: ModelConfig) -> Self:
        return cls(
            ModelHandle=model.model_handle, EdgePackagingJobName=model.edge_packaging_job_name
        )


@define(kw_only=True, eq=False, repr=False)
class SelectionShape:
    """The devices of a stage, and the structure as it came."""

    aws: ClassVar = "DeviceSelectionConfig"
    DeviceSubsetType: DeviceSubsetType
    Percentage: int | None = None
    DeviceNames: tuple[str, ...] | None = None
    DeviceNameContains: str | None = None
    wire: Mapping[str, object] | None = None

    def model(self) -> DeviceSelectionConfig:
        kind = self.DeviceSubsetType
        if kind == "PERCENTAGE" and self.Percentage is not None:
            return PercentageOfFleet(self.Percentage)
        if kind == "SELECTION" and self.DeviceNames is not None:
            return NamedDevices(self.DeviceNames)
        if kind == "NAMECONTAINS" and self.DeviceNameContains is not None:
            return NameContains(self.DeviceNameContains)
        return UnrecognizedSelection(dict(self.wire or {}))

    @classmethod
    def of(cls, model: DeviceSelectionConfig) -> Self:
        kind = model.device_subset_type
        match model:
            case PercentageOfFleet(percentage):
                return cls(DeviceSubsetType=kind, Percentage=percentage)
            case NamedDevices(device_names):
                return cls(DeviceSubsetType=kind, DeviceNames=device_names)
            case NameContains(device_name_contains):
                return cls(DeviceSubsetType=kind, DeviceNameContains=device_name_contains)
            case UnrecognizedSelection(wire):
                return cls(DeviceSubsetType=kind, wire=wire)
            case _:
                raise TypeError(f"no wire form is known for {type(model).__name__}")


@define(kw_only=True, eq=False, repr=False)
class DeploymentConfigShape:
    """What happens where a deployment fails."""

    aws: ClassVar = "EdgeDeploymentConfig"
    FailureHandlingPolicy: FailureHandlingPolicy


@define(kw_only=True, eq=False, repr=False)
class DeploymentStatusShape:
    """How a stage's deployment goes."""

    aws: ClassVar = "EdgeDeploymentStatus"
    StageStatus: StageStatus
    EdgeDeploymentSuccessInStage: int
    EdgeDeploymentPendingInStage: int
    EdgeDeploymentFailedInStage: int
    EdgeDeploymentStatusMessage: str | None = None
    EdgeDeploymentStageStartTime: datetime | None = None


@define(kw_only=True, eq=False, repr=False)
class StageShape:
    """A stage as it is described."""

    aws: ClassVar = "DeploymentStageStatusSummary"
    StageName: str
    DeviceSelectionConfig: SelectionShape
    DeploymentConfig: DeploymentConfigShape
    DeploymentStatus: DeploymentStatusShape

    def model(self) -> Stage:
        status = self.DeploymentStatus
        return Stage(
            name=self.StageName,
            device_selection=self.DeviceSelectionConfig.model(),
            failure_handling_policy=self.DeploymentConfig.FailureHandlingPolicy,
            status=status.StageStatus,
            status_message=status.EdgeDeploymentStatusMessage,
            devices=DeviceCounts(
                status.EdgeDeploymentSuccessInStage,
                status.EdgeDeploymentPendingInStage,
                status.EdgeDeploymentFailedInStage,
            ),
            start_time=status.EdgeDeploymentStageStartTime,
        )

    @classmethod
    def of(cls, model: Stage) -> Self:
        return cls(
            StageName=model.name,
            DeviceSelectionConfig=SelectionShape.of(model.device_selection),
            DeploymentConfig=DeploymentConfigShape(
                FailureHandlingPolicy=model.failure_handling_policy
            ),
            DeploymentStatus=DeploymentStatusShape(
                StageStatus=model.status,
                EdgeDeploymentSuccessInStage=model.devices.succeeded,
                EdgeDeploymentPendingInStage=model.devices.pending,
                EdgeDeploymentFailedInStage=model.devices.failed,
                EdgeDeploymentStatusMessage=model.status_message,
                EdgeDeploymentStageStartTime=model.start_time,
            ),
        )


@define(kw_only=True, eq=False, repr=False)
class DeviceCountsShape:
    """The device counts of a plan; not a structure of AWS's, but members of one."""

    EdgeDeploymentSuccess: int
    EdgeDeploymentPending: int
    EdgeDeploymentFailed: int

    def model(self) -> DeviceCounts:
        return DeviceCounts(
            self.EdgeDeploymentSuccess, self.EdgeDeploymentPending, self.EdgeDeploymentFailed
        )

    @classmethod
    def of(cls, model: DeviceCounts) -> Self:
        return cls(
            EdgeDeploymentSuccess=model.succeeded,
            EdgeDeploymentPending=model.pending,
            EdgeDeploymentFailed=model.failed,
        )


@define(kw_only=True, eq=False, repr=False)
class PlanShape:
    """A plan as it is described: its header and one page of its stages."""

    aws: ClassVar = "DescribeEdgeDeploymentPlanResponse"
    EdgeDeploymentPlanArn: str
    EdgeDeploymentPlanName: str
    ModelConfigs: tuple[ModelConfigShape, ...]
    DeviceFleetName: str
    EdgeDeploymentSuccess: int | None = None
    EdgeDeploymentPending: int | None = None
    EdgeDeploymentFailed: int | None = None
    Stages: tuple[StageShape, ...]
    NextToken: str | None = None
    CreationTime: datetime | None = None
    LastModifiedTime: datetime | None = None

    def model(self) -> EdgeDeploymentPlan:
        return self._plan(tuple(stage.model() for stage in self.Stages))

    def page(self) -> StagePage:
        return StagePage(
            plan=self._plan(()),
            stages=tuple(stage.model() for stage in self.Stages),
            # An empty token says the same as none.
            next_token=self.NextToken or None,
        )

    def _plan(self, stages: tuple[Stage, ...]) -> EdgeDeploymentPlan:
        return EdgeDeploymentPlan(
            arn=self.EdgeDeploymentPlanArn,
            name=self.EdgeDeploymentPlanName,
            device_fleet_name=self.DeviceFleetName,
            model_configs=tuple(config.model() for config in self.ModelConfigs),
            stages=stages,
            devices=self._devices(),
            creation_time=self.CreationTime,
            last_modified_time=self.LastModifiedTime,
        )

    def _devices(self) -> DeviceCounts | None:
        counts = (
            self.EdgeDeploymentSuccess,
            self.EdgeDeploymentPending,
            self.EdgeDeploymentFailed,
        )
        # Each is optional in the service model; what is left out beside others is zero.
        return None if counts == (None, None, None) else DeviceCounts(*(n or 0 for n in counts))

    @classmethod
    def of(cls, model: EdgeDeploymentPlan) -> Self:
        devices = model.devices
        return cls(
            EdgeDeploymentPlanArn=model.arn,
            EdgeDeploymentPlanName=model.name,
            ModelConfigs=tuple(ModelConfigShape.of(config) for config in model.model_configs),
            DeviceFleetName=model.device_fleet_name,
            EdgeDeploymentSuccess=devices.succeeded if devices else None,
            EdgeDeploymentPending=devices.pending if devices else None,
            EdgeDeploymentFailed=devices.failed if devices else None,
            Stages=tuple(StageShape.of(stage) for stage in model.stages),
            CreationTime=model.creation_time,
            LastModifiedTime=model.last_modified_time,
        )


@define(kw_only=True, eq=False, repr=False)
class StageSpecShape:
    """A stage as it is created."""

    aws: ClassVar = "DeploymentStage"
    StageName: str
    DeviceSelectionConfig: SelectionShape
    DeploymentConfig: DeploymentConfigShape | None = None

    def model(self) -> StageSpec:
        config = self.DeploymentConfig
        return StageSpec(
            self.StageName,
            self.DeviceSelectionConfig.model(),
            config.FailureHandlingPolicy if config else None,
        )

    @classmethod
    def of(cls, model: StageSpec) -> Self:
        policy = model.failure_handling_policy
        return cls(
            StageName=model.name,
            DeviceSelectionConfig=SelectionShape.of(model.device_selection),
            # An empty text would be a policy too, if the caller named it.
            DeploymentConfig=None
            if policy is None
            else DeploymentConfigShape(FailureHandlingPolicy=policy),
        )


@define(kw_only=True, eq=False, repr=False)
class TagShape:
    """A tag."""

    aws: ClassVar = "Tag"
    Key: str
    Value: str


@define(kw_only=True, eq=False, repr=False)
class PlanSpecShape:
    """A plan as it is created."""

    aws: ClassVar = "CreateEdgeDeploymentPlanRequest"
    EdgeDeploymentPlanName: str
    ModelConfigs: tuple[ModelConfigShape, ...]
    DeviceFleetName: str
    Stages: tuple[StageSpecShape, ...] | None = None
    Tags: tuple[TagShape, ...] | None = None

    def model(self) -> EdgeDeploymentPlanSpec:
        return EdgeDeploymentPlanSpec(
            self.EdgeDeploymentPlanName,
            device_fleet_name=self.DeviceFleetName,
            model_configs=tuple(config.model() for config in self.ModelConfigs),
            stages=tuple(stage.model() for stage in self.Stages or ()),
            tags={tag.Key: tag.Value for tag in self.Tags or ()},
        )

    @classmethod
    def of(cls, model: EdgeDeploymentPlanSpec) -> Self:
        tags = tuple(TagShape(Key=key, Value=value) for key, value in model.tags.items())
        return cls(
            EdgeDeploymentPlanName=model.name,
            ModelConfigs=tuple(ModelConfigShape.of(config) for config in model.model_configs),
            DeviceFleetName=model.device_fleet_name,
            Stages=tuple(StageSpecShape.of(stage) for stage in model.stages) or None,
            Tags=tags or None,
        )


@define(kw_only=True, eq=False, repr=False)
class CreatedShape:
    """What a create answers."""

    aws: ClassVar = "CreateEdgeDeploymentPlanResponse"
    EdgeDeploymentPlanArn: str
