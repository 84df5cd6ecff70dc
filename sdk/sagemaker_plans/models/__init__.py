"""The domain models: the objects that the service returns, and those that requests create.

All models are frozen. Their attributes have AWS's member names in snake_case, without a prefix
that repeats the class's name. Nothing in this package does I/O.
"""

from sagemaker_plans.models._coverage import (
    CandidateVerdict,
    Coverage,
    ExtensionCandidate,
    ExtensionChoice,
)
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
    ReservedCapacityStatus,
    ReservedCapacityType,
    StageStatus,
    TargetResource,
    TrainingPlanStatus,
    UltraServerHealth,
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
from sagemaker_plans.models._training_plans import (
    ReservedCapacity,
    ReservedCapacityOffering,
    ReservedCapacitySummary,
    TrainingPlan,
    TrainingPlanOffering,
    TrainingPlanPage,
    TrainingPlanSortBy,
    TrainingPlanSortOrder,
    UltraServer,
    UltraServerPage,
    UltraServerSummary,
)

__all__ = [
    "CandidateVerdict",
    "Coverage",
    "DeviceCounts",
    "DeviceSelectionConfig",
    "DeviceSubsetType",
    "EdgeDeploymentPlan",
    "EdgeDeploymentPlanSpec",
    "ExtensionCandidate",
    "ExtensionChoice",
    "ExtensionPage",
    "ExtensionReceipt",
    "FailureHandlingPolicy",
    "ModelConfig",
    "NameContains",
    "NamedDevices",
    "PercentageOfFleet",
    "PurchaseOutcome",
    "ReservedCapacity",
    "ReservedCapacityOffering",
    "ReservedCapacityStatus",
    "ReservedCapacitySummary",
    "ReservedCapacityType",
    "Stage",
    "StageChange",
    "StagePage",
    "StageSpec",
    "StageStatus",
    "TargetResource",
    "TrainingPlan",
    "TrainingPlanExtension",
    "TrainingPlanExtensionOffering",
    "TrainingPlanOffering",
    "TrainingPlanPage",
    "TrainingPlanSortBy",
    "TrainingPlanSortOrder",
    "TrainingPlanStatus",
    "UltraServer",
    "UltraServerHealth",
    "UltraServerPage",
    "UltraServerSummary",
    "UnrecognizedSelection",
]
