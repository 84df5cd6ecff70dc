# The house, from the top down. Imports only go down.
#
#   _client                                                  AsyncClient
#   _plans, _training_plans                                  client.plans, client.training_plans
#   _commanding, _creating, _purchasing, _orders             what start, create and extend promise
#   _waiting, _watching                                      what a reading means to those who wait
#   _reading                                                 plans and histories, page by page
#   _retrying, _paging, _polling, _turns, _durations         engines: how often, how patiently
#   _aiobotocore, _direct                                    the network
#   _signing, _listening, _service_model                     what goes out, what is heard of it
#   _failures, _refusals                                     what its errors mean
#   _decisions, _replies                                     what is sent again; what came back
#   _wire, _shapes, _training_shapes, _gateway, _operations  wire dicts, and the seam to the network
#   models                                                   what the service says and is asked for
#   errors                                                   what can go wrong
#
# Beside the house: emulator, which knows nothing of it.
"""Typed async SDK for SageMaker edge deployment plans and training plan extensions."""

from sagemaker_plans import errors, models
from sagemaker_plans._client import AsyncClient
from sagemaker_plans._polling import PollSchedule
from sagemaker_plans._reading import ExtensionPager, StagePager
from sagemaker_plans._retrying import RetryEvent, RetryPolicy
from sagemaker_plans._watching import StageWatch
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
    _codec,
)


def _find_codec() -> _codec.Codec:
    # Slow to import, for cattrs is.
    from sagemaker_plans._wire import CODEC  # noqa: PLC0415

    return CODEC


_codec.install(_find_codec)

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
    "PaginationError",
    "PercentageOfFleet",
    "PlanMismatchError",
    "PollSchedule",
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
    "models",
]
