"""The domain models: what the service says, and what is asked of it.

All are frozen. Their attributes have AWS's member names in snake_case, without the
prefix that the class already says. Nothing here does I/O.
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
