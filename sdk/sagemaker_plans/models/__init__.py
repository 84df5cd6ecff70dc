"""The domain models: the objects that the service returns, and those that requests create.

All models are frozen. Their attributes have AWS's member names in snake_case, without a prefix
that repeats the class's name. Nothing in this package does I/O.
"""

from sagemaker_plans.models._edge import (
    DeviceCounts,
    EdgeDeploymentPlan,
    Stage,
    StageChange,
    StagePage,
)
from sagemaker_plans.models._enums import (
    DeviceSubsetType,
    FailureHandlingPolicy,
    StageStatus,
)
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
    "DeviceSelectionConfig",
    "DeviceSubsetType",
    "EdgeDeploymentPlan",
    "EdgeDeploymentPlanSpec",
    "ExtensionPage",
    "ExtensionReceipt",
    "FailureHandlingPolicy",
    "ModelConfig",
    "NameContains",
    "NamedDevices",
    "PercentageOfFleet",
    "PurchaseOutcome",
    "Stage",
    "StageChange",
    "StagePage",
    "StageSpec",
    "StageStatus",
    "TrainingPlanExtension",
    "TrainingPlanExtensionOffering",
    "UnrecognizedSelection",
]
