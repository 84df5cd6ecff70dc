# The layers, from the top down. Imports only go down; each folder is a layer.
#
#   _shared_client    shared_client: one client for all who ask for the same one
#   _client           AsyncClient: where everything is put together
#   _edge, _training  client.plans and client.training_plans
#   journal           where purchases are recorded, so that each is made once
#   _engine           retries and their rules, pacing, pagination, polling, durations, locks
#   _transport        the network: one request out, one reply in, and what is known of it
#   _wire             operations, the converter between models and wire dicts, replies
#   models            what the service says and is asked for
#   errors            what can go wrong
#
# Beside them: progress, a display; and emulator, which imports nothing of the SDK.
"""Typed async SDK for SageMaker edge deployment plans and training plan extensions."""

from sagemaker_plans import errors, journal, models
from sagemaker_plans._client import AsyncClient
from sagemaker_plans._edge.reading import StagePager
from sagemaker_plans._edge.watch import StageWatch
from sagemaker_plans._engine.pacing import PacePolicy
from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.retry_policy import RetryEvent, RetryPolicy
from sagemaker_plans._shared_client import shared_client
from sagemaker_plans._training.reading import ExtensionPager
from sagemaker_plans.errors import (
    AccessDeniedError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
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
    SageMakerPlansError,
    ServiceError,
    StageFailedError,
    StageNotFoundError,
    StageNotStartedError,
    StageStoppedError,
    ThrottledError,
    UnexpectedReplyError,
    ValidationError,
    WaitError,
    WaitTimeoutError,
)
from sagemaker_plans.models import (
    DeviceCounts,
    DeviceSelectionConfig,
    DeviceSubsetType,
    EdgeDeploymentPlan,
    EdgeDeploymentPlanSpec,
    ExtensionPage,
    ExtensionReceipt,
    FailureHandlingPolicy,
    ModelConfig,
    NameContains,
    NamedDevices,
    PercentageOfFleet,
    PurchaseOutcome,
    Stage,
    StageChange,
    StagePage,
    StageSpec,
    StageStatus,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
    UnrecognizedSelection,
)

__all__ = [
    "AccessDeniedError",
    "AsyncClient",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "DeviceCounts",
    "DeviceSelectionConfig",
    "DeviceSubsetType",
    "EdgeDeploymentPlan",
    "EdgeDeploymentPlanSpec",
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
    "PollSchedule",
    "PurchaseFailedError",
    "PurchaseOutcome",
    "PurchaseRefusedError",
    "PurchaseReplyError",
    "ResourceInUseError",
    "ResourceLimitExceededError",
    "ResourceNotFoundError",
    "RetryEvent",
    "RetryPolicy",
    "SageMakerPlansError",
    "ServiceError",
    "Stage",
    "StageChange",
    "StageFailedError",
    "StageNotFoundError",
    "StageNotStartedError",
    "StagePage",
    "StagePager",
    "StageSpec",
    "StageStatus",
    "StageStoppedError",
    "StageWatch",
    "ThrottledError",
    "TrainingPlanExtension",
    "TrainingPlanExtensionOffering",
    "UnexpectedReplyError",
    "UnrecognizedSelection",
    "ValidationError",
    "WaitError",
    "WaitTimeoutError",
    "errors",
    "journal",
    "models",
    "shared_client",
]
