# The layers, from the top down. Imports only go down; each folder is a layer.
#
#   _shared_client    shared_client: one client for all who ask for the same one
#   _client           AsyncClient: where everything is put together
#   _edge, _training  client.plans and client.training_plans
#   journal           where purchases are recorded, so that each is made once
#   _setting_checks   checks of settings that clients and journals share
#   _engine           retries and their rules, pacing, pagination, polling, durations, locks
#   _transport        the network: one request out, one reply in, and what is known of it
#   _wire             operations, the converter between models and wire dicts, replies
#   models            what the service says and is asked for
#   errors            what can go wrong
#   _version          the version, which the build reads here too
#   _event_loop       what every call needs of asyncio or trio
#   _lazy_names       imports what is behind a public name when the name is first used
#
# Beside them: progress, a display; airflow, for those who have it; and emulator, which imports
# nothing of the SDK.
"""Typed async SDK for SageMaker edge deployment plans and training plan extensions."""

from typing import TYPE_CHECKING

from sagemaker_plans._lazy_names import lazy_names as _lazily

if TYPE_CHECKING:
    from sagemaker_plans import emulator as emulator
    from sagemaker_plans import errors, journal, models
    from sagemaker_plans import progress as progress
    from sagemaker_plans._client.async_client import AioSageMakerClient, AsyncClient
    from sagemaker_plans._edge.listing import PlanSummaryPager, StageDevicePager
    from sagemaker_plans._edge.plans import EdgeDeploymentPlans
    from sagemaker_plans._edge.reading import StagePager
    from sagemaker_plans._edge.watch import StageWatch
    from sagemaker_plans._engine.pacing import PacePolicy
    from sagemaker_plans._engine.polling import PollSchedule
    from sagemaker_plans._engine.retry_policy import RetryEvent, RetryPolicy
    from sagemaker_plans._shared_client import shared_client
    from sagemaker_plans._training.plan_reads import TrainingPlanPager, UltraServerPager
    from sagemaker_plans._training.reading import ExtensionPager
    from sagemaker_plans._training.training_plans import TrainingPlans
    from sagemaker_plans._version import __version__
    from sagemaker_plans.errors import (
        AccessDeniedError,
        ConfigurationError,
        ConflictError,
        ConnectionFailedError,
        CoverageError,
        InternalServiceError,
        InvalidRequestError,
        OutcomeUnknownError,
        PaginationError,
        PlanMismatchError,
        PurchaseFailedError,
        PurchaseRefusedError,
        PurchaseReplyError,
        ResourceInUseError,
        ResourceLimitExceededError,
        ResourceNotFoundError,
        RolloutStoppedError,
        SageMakerPlansError,
        ServiceError,
        StageFailedError,
        StageNotFoundError,
        StageNotStartedError,
        StageStoppedError,
        ThrottledError,
        TrainingPlanEndedError,
        UnexpectedReplyError,
        ValidationError,
        WaitError,
        WaitTimeoutError,
    )
    from sagemaker_plans.models import (
        CandidateVerdict,
        Coverage,
        DeviceCounts,
        DeviceDeploymentStatus,
        DeviceSelection,
        DeviceSelectionConfig,
        DeviceSubsetType,
        EdgeDeploymentPlan,
        EdgeDeploymentPlanSpec,
        EdgeDeploymentPlanSummary,
        ExtensionCandidate,
        ExtensionChoice,
        ExtensionPage,
        ExtensionReceipt,
        FailureHandlingPolicy,
        ModelConfig,
        NameContains,
        NamedDevices,
        PercentageOfFleet,
        PlanSummaryPage,
        PurchaseOutcome,
        ReservedCapacity,
        ReservedCapacityOffering,
        ReservedCapacityStatus,
        ReservedCapacitySummary,
        ReservedCapacityType,
        RolloutReport,
        Stage,
        StageChange,
        StageDevice,
        StageDevicePage,
        StageOutcome,
        StagePage,
        StageReport,
        StageSpec,
        StageStatus,
        TargetResource,
        TrainingPlan,
        TrainingPlanExtension,
        TrainingPlanExtensionOffering,
        TrainingPlanOffering,
        TrainingPlanPage,
        TrainingPlanSortBy,
        TrainingPlanSortOrder,
        TrainingPlanStatus,
        UltraServer,
        UltraServerHealth,
        UltraServerPage,
        UltraServerSummary,
        UnrecognizedSelection,
    )

__all__ = [
    "AccessDeniedError",
    "AioSageMakerClient",
    "AsyncClient",
    "CandidateVerdict",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "Coverage",
    "CoverageError",
    "DeviceCounts",
    "DeviceDeploymentStatus",
    "DeviceSelection",
    "DeviceSelectionConfig",
    "DeviceSubsetType",
    "EdgeDeploymentPlan",
    "EdgeDeploymentPlanSpec",
    "EdgeDeploymentPlanSummary",
    "EdgeDeploymentPlans",
    "ExtensionCandidate",
    "ExtensionChoice",
    "ExtensionPage",
    "ExtensionPager",
    "ExtensionReceipt",
    "FailureHandlingPolicy",
    "InternalServiceError",
    "InvalidRequestError",
    "ModelConfig",
    "NameContains",
    "NamedDevices",
    "OutcomeUnknownError",
    "PacePolicy",
    "PaginationError",
    "PercentageOfFleet",
    "PlanMismatchError",
    "PlanSummaryPage",
    "PlanSummaryPager",
    "PollSchedule",
    "PurchaseFailedError",
    "PurchaseOutcome",
    "PurchaseRefusedError",
    "PurchaseReplyError",
    "ReservedCapacity",
    "ReservedCapacityOffering",
    "ReservedCapacityStatus",
    "ReservedCapacitySummary",
    "ReservedCapacityType",
    "ResourceInUseError",
    "ResourceLimitExceededError",
    "ResourceNotFoundError",
    "RetryEvent",
    "RetryPolicy",
    "RolloutReport",
    "RolloutStoppedError",
    "SageMakerPlansError",
    "ServiceError",
    "Stage",
    "StageChange",
    "StageDevice",
    "StageDevicePage",
    "StageDevicePager",
    "StageFailedError",
    "StageNotFoundError",
    "StageNotStartedError",
    "StageOutcome",
    "StagePage",
    "StagePager",
    "StageReport",
    "StageSpec",
    "StageStatus",
    "StageStoppedError",
    "StageWatch",
    "TargetResource",
    "ThrottledError",
    "TrainingPlan",
    "TrainingPlanEndedError",
    "TrainingPlanExtension",
    "TrainingPlanExtensionOffering",
    "TrainingPlanOffering",
    "TrainingPlanPage",
    "TrainingPlanPager",
    "TrainingPlanSortBy",
    "TrainingPlanSortOrder",
    "TrainingPlanStatus",
    "TrainingPlans",
    "UltraServer",
    "UltraServerHealth",
    "UltraServerPage",
    "UltraServerPager",
    "UltraServerSummary",
    "UnexpectedReplyError",
    "UnrecognizedSelection",
    "ValidationError",
    "WaitError",
    "WaitTimeoutError",
    "__version__",
    "errors",
    "journal",
    "models",
    "shared_client",
]

# A program that imports this package, or only its emulator, may use little of it. So what is
# behind a name is imported when the name is first used.
if not TYPE_CHECKING:
    __getattr__, __dir__ = _lazily(
        __name__,
        dict.fromkeys(__all__, "models")
        | {name: "errors" for name in __all__ if name.endswith("Error")}
        | {name: name for name in ("errors", "journal", "models")}
        | {
            "AioSageMakerClient": "_client.async_client",
            "AsyncClient": "_client.async_client",
            "EdgeDeploymentPlans": "_edge.plans",
            "ExtensionPager": "_training.reading",
            "PacePolicy": "_engine.pacing",
            "PlanSummaryPager": "_edge.listing",
            "PollSchedule": "_engine.polling",
            "RetryEvent": "_engine.retry_policy",
            "RetryPolicy": "_engine.retry_policy",
            "StageDevicePager": "_edge.listing",
            "StagePager": "_edge.reading",
            "StageWatch": "_edge.watch",
            "TrainingPlanPager": "_training.plan_reads",
            "TrainingPlans": "_training.training_plans",
            "UltraServerPager": "_training.plan_reads",
            "__version__": "_version",
            "shared_client": "_shared_client",
        },
        unlisted=("emulator", "progress"),
    )
