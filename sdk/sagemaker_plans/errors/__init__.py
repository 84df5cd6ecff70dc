"""Every error that this package raises, as one tree.

    SageMakerPlansError
    ├── ConfigurationError (also ValueError)
    ├── InvalidRequestError (also ValueError)
    ├── ServiceError
    │   ├── ResourceNotFoundError
    │   ├── ResourceInUseError
    │   ├── ResourceLimitExceededError
    │   ├── ConflictError
    │   ├── ValidationError
    │   ├── AccessDeniedError
    │   ├── ThrottledError
    │   └── InternalServiceError
    ├── ConnectionFailedError
    ├── UnexpectedReplyError
    │   └── PurchaseReplyError (also OutcomeUnknownError)
    ├── OutcomeUnknownError
    │   └── PurchaseReplyError (also UnexpectedReplyError)
    ├── PurchaseRefusedError
    ├── PurchaseFailedError
    ├── PlanMismatchError
    ├── CoverageError
    ├── RolloutStoppedError
    ├── PaginationError
    └── WaitError
        ├── StageFailedError
        ├── StageStoppedError
        ├── StageNotFoundError
        ├── StageNotStartedError
        ├── TrainingPlanEndedError
        └── WaitTimeoutError (also TimeoutError)

Errors have attributes for facts: whether the request was sent, what the service answered, and
the state that was read last. So code need not parse messages. Errors of other libraries do not
reach the caller. If such an error was the reason, it is the ``__cause__``. All errors can be
pickled and copied, with their notes.
"""

from sagemaker_plans.errors._foundation import (
    ConfigurationError,
    InvalidRequestError,
    SageMakerPlansError,
)
from sagemaker_plans.errors._late_import import models as _models
from sagemaker_plans.errors._purchases import (
    CoverageError,
    OutcomeUnknownError,
    PlanMismatchError,
    PurchaseFailedError,
    PurchaseRefusedError,
    PurchaseReplyError,
)
from sagemaker_plans.errors._service import (
    AccessDeniedError,
    ConflictError,
    ConnectionFailedError,
    InternalServiceError,
    PaginationError,
    ResourceInUseError,
    ResourceLimitExceededError,
    ResourceNotFoundError,
    ServiceError,
    ThrottledError,
    UnexpectedReplyError,
    ValidationError,
)
from sagemaker_plans.errors._waits import (
    RolloutStoppedError,
    StageFailedError,
    StageNotFoundError,
    StageNotStartedError,
    StageStoppedError,
    TrainingPlanEndedError,
    WaitError,
    WaitTimeoutError,
)

__all__ = [
    "AccessDeniedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "CoverageError",
    "InternalServiceError",
    "InvalidRequestError",
    "OutcomeUnknownError",
    "PaginationError",
    "PlanMismatchError",
    "PurchaseFailedError",
    "PurchaseRefusedError",
    "PurchaseReplyError",
    "ResourceInUseError",
    "ResourceLimitExceededError",
    "ResourceNotFoundError",
    "RolloutStoppedError",
    "SageMakerPlansError",
    "ServiceError",
    "StageFailedError",
    "StageNotFoundError",
    "StageNotStartedError",
    "StageStoppedError",
    "ThrottledError",
    "TrainingPlanEndedError",
    "UnexpectedReplyError",
    "ValidationError",
    "WaitError",
    "WaitTimeoutError",
]


def __dir__() -> list[str]:
    """List the public names, without `models`, which is only here for the annotations."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def _call_this_their_place() -> None:
    # Pickles and tracebacks name the place from which users import them. There their
    # annotations are looked up, too.
    globals()["models"] = _models
    for name in __all__:
        globals()[name].__module__ = __name__


_call_this_their_place()
