"""The domain models: the objects that the service returns, and those that requests create.

All models are frozen. Their attributes have AWS's member names in snake_case, without a prefix
that repeats the class's name. Nothing in this package does I/O.
"""

from typing import TYPE_CHECKING

from sagemaker_plans._lazy_names import lazy_names as _lazily

if TYPE_CHECKING:
    from sagemaker_plans.models._coverage import (
        CandidateVerdict,
        Coverage,
        ExtensionCandidate,
        ExtensionChoice,
    )
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
        ReservedCapacityStatus,
        ReservedCapacityType,
        StageStatus,
        TargetResource,
        TrainingPlanStatus,
        UltraServerHealth,
    )
    from sagemaker_plans.models._rollout import RolloutReport, StageOutcome, StageReport
    from sagemaker_plans.models._selection import (
        DeviceSelection,
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
    "DeviceDeploymentStatus",
    "DeviceSelection",
    "DeviceSelectionConfig",
    "DeviceSubsetType",
    "EdgeDeploymentPlan",
    "EdgeDeploymentPlanSpec",
    "EdgeDeploymentPlanSummary",
    "ExtensionCandidate",
    "ExtensionChoice",
    "ExtensionPage",
    "ExtensionReceipt",
    "FailureHandlingPolicy",
    "ModelConfig",
    "NameContains",
    "NamedDevices",
    "PercentageOfFleet",
    "PlanSummaryPage",
    "PurchaseOutcome",
    "ReservedCapacity",
    "ReservedCapacityOffering",
    "ReservedCapacityStatus",
    "ReservedCapacitySummary",
    "ReservedCapacityType",
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

# Making its models takes a third of the time in which this package is imported, and a program
# that uses one of the two families needs half of them.
if not TYPE_CHECKING:
    _ORIGINS = {
        "_coverage": ("CandidateVerdict", "Coverage", "ExtensionCandidate", "ExtensionChoice"),
        "_edge": (
            "DeviceCounts",
            "EdgeDeploymentPlan",
            "EdgeDeploymentPlanSummary",
            "PlanSummaryPage",
            "Stage",
            "StageChange",
            "StageDevice",
            "StageDevicePage",
            "StagePage",
        ),
        "_enums": (
            "DeviceDeploymentStatus",
            "DeviceSubsetType",
            "FailureHandlingPolicy",
            "ReservedCapacityStatus",
            "ReservedCapacityType",
            "StageStatus",
            "TargetResource",
            "TrainingPlanStatus",
            "UltraServerHealth",
        ),
        "_rollout": ("RolloutReport", "StageOutcome", "StageReport"),
        "_selection": (
            "DeviceSelection",
            "DeviceSelectionConfig",
            "NameContains",
            "NamedDevices",
            "PercentageOfFleet",
            "UnrecognizedSelection",
        ),
        "_specs": ("EdgeDeploymentPlanSpec", "ModelConfig", "StageSpec"),
        "_training": (
            "ExtensionPage",
            "ExtensionReceipt",
            "PurchaseOutcome",
            "TrainingPlanExtension",
            "TrainingPlanExtensionOffering",
        ),
        "_training_plans": (
            "ReservedCapacity",
            "ReservedCapacityOffering",
            "ReservedCapacitySummary",
            "TrainingPlan",
            "TrainingPlanOffering",
            "TrainingPlanPage",
            "TrainingPlanSortBy",
            "TrainingPlanSortOrder",
            "UltraServer",
            "UltraServerPage",
            "UltraServerSummary",
        ),
    }
    __getattr__, __dir__ = _lazily(
        __name__, {name: module for module, names in _ORIGINS.items() for name in names}
    )
