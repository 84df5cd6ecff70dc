"""The domain models: the objects that the service returns, and those that requests create.

All models are frozen. Their attributes have AWS's member names in snake_case, without a prefix
that repeats the class's name. Nothing in this package does I/O.
"""

from sagemaker_plans.models._edge import (
    DeviceCounts,
    EdgeDeploymentPlan,
    EdgeDeploymentPlanSummary,
    PlanSummaryPage,
    Stage,
    StageChange,
    StageDevice,
    StageDevicePage,
    StagePage,
)
from sagemaker_plans.models._enums import (
    DeviceDeploymentStatus,
    DeviceSubsetType,
    FailureHandlingPolicy,
    StageStatus,
)
from sagemaker_plans.models._rollout import RolloutReport, StageOutcome, StageReport
from sagemaker_plans.models._selection import (
    DeviceSelectionConfig,
    NameContains,
    NamedDevices,
    PercentageOfFleet,
    UnrecognizedSelection,
)
from sagemaker_plans.models._specs import EdgeDeploymentPlanSpec, ModelConfig, StageSpec
from sagemaker_plans.models._training import (
    ExtensionPage,
    ExtensionReceipt,
    PurchaseOutcome,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
)

__all__ = [
    "DeviceCounts",
    "DeviceDeploymentStatus",
    "DeviceSelectionConfig",
    "DeviceSubsetType",
    "EdgeDeploymentPlan",
    "EdgeDeploymentPlanSpec",
    "EdgeDeploymentPlanSummary",
    "ExtensionPage",
    "ExtensionReceipt",
    "FailureHandlingPolicy",
    "ModelConfig",
    "NameContains",
    "NamedDevices",
    "PercentageOfFleet",
    "PlanSummaryPage",
    "PurchaseOutcome",
    "RolloutReport",
    "Stage",
    "StageChange",
    "StageDevice",
    "StageDevicePage",
    "StageOutcome",
    "StagePage",
    "StageReport",
    "StageSpec",
    "StageStatus",
    "TrainingPlanExtension",
    "TrainingPlanExtensionOffering",
    "UnrecognizedSelection",
]
