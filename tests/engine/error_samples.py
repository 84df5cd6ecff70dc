"""One error of each class of the tree, in each state that matters to a retry."""

from collections.abc import Iterator
from typing import Final

from sagemaker_plans import RolloutReport, TrainingPlanExtension, errors
from sagemaker_plans.errors import SageMakerPlansError

UNREAD = errors.UnexpectedReplyError("misfit", problems=("reply: no",), reply="<html>")

WAITS: tuple[type[errors.WaitError], ...] = (
    errors.WaitError,
    errors.StageFailedError,
    errors.StageStoppedError,
    errors.StageNotFoundError,
    errors.StageNotStartedError,
    errors.TrainingPlanEndedError,
    errors.WaitTimeoutError,
)

SERVICE_ANSWERS: tuple[type[errors.ServiceError], ...] = (
    errors.ServiceError,
    errors.ResourceNotFoundError,
    errors.ResourceInUseError,
    errors.ResourceLimitExceededError,
    errors.ConflictError,
    errors.ValidationError,
    errors.AccessDeniedError,
    errors.ThrottledError,
    errors.InternalServiceError,
)


def an_answer(
    cls: type[errors.ServiceError] = errors.ThrottledError, *, retry_after: float | None = None
) -> errors.ServiceError:
    """Give an error answer of the service."""
    return cls("no", code="Code", http_status=400, request_id="id-1", retry_after=retry_after)


def a_failure(*, request_sent: bool | None) -> errors.ConnectionFailedError:
    """Give a failure of the connection."""
    return errors.ConnectionFailedError("gone", request_sent=request_sent)


def _samples() -> Iterator[SageMakerPlansError]:
    yield SageMakerPlansError("root")
    yield errors.ConfigurationError("no region")
    yield errors.InvalidRequestError("extend", ("offering_id: empty",))
    for cls in SERVICE_ANSWERS:
        yield an_answer(cls)
    for request_sent in (False, True, None):
        yield a_failure(request_sent=request_sent)
    yield UNREAD
    yield errors.OutcomeUnknownError("who knows")
    yield errors.PurchaseReplyError(
        "unread", unread=UNREAD, offering_id="tpeo-1", training_plan_arn=None
    )
    yield errors.PurchaseRefusedError("too dear", offering_id="tpeo-1", training_plan_arn=None)
    bought = TrainingPlanExtension(offering_id="tpeo-1")
    yield errors.PurchaseFailedError("failed", extension=bought)
    yield errors.PlanMismatchError("another", plan_name="rollout", differences=("fleet",))
    yield errors.CoverageError("too dear", training_plan_arn="arn")
    report = RolloutReport(plan_name="rollout", stages=())
    yield errors.RolloutStoppedError("too many failed", report=report)
    yield errors.PaginationError("a circle")
    for wait in WAITS:
        yield wait("too long", last_seen=None, polls=1, waited=1.0)


SAMPLES: Final = tuple(_samples())
"""At least one error of every class."""


def tree(root: type[SageMakerPlansError] = SageMakerPlansError) -> set[type[SageMakerPlansError]]:
    """Give every class of the tree, by reflection; not those that tests make."""
    ours = [cls for cls in root.__subclasses__() if cls.__module__ == root.__module__]
    return {root}.union(*map(tree, ours))
