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
    ├── RolloutStoppedError
    ├── PaginationError
    └── WaitError
        ├── StageFailedError
        ├── StageStoppedError
        ├── StageNotFoundError
        ├── StageNotStartedError
        └── WaitTimeoutError (also TimeoutError)

Errors have attributes for facts: whether the request was sent, what the service answered, and
the state that was read last. So code need not parse messages. Errors of other libraries do not
reach the caller. If such an error was the reason, it is the ``__cause__``. All errors can be
pickled and copied, with their notes.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sagemaker_plans.models import EdgeDeploymentPlan, Stage, TrainingPlanExtension
    from sagemaker_plans.models._rollout import RolloutReport

__all__ = [
    "AccessDeniedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
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
    "UnexpectedReplyError",
    "ValidationError",
    "WaitError",
    "WaitTimeoutError",
]


def _revive(
    cls: type["SageMakerPlansError"], args: tuple[object, ...], state: dict[str, object]
) -> "SageMakerPlansError":
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class SageMakerPlansError(Exception):
    """The base class of all errors of this package.

    Args:
        message: What happened and what can be done about it.
        operation: The AWS operation, such as ``"ExtendTrainingPlan"``.
    """

    operation: str | None
    """The AWS operation; None if the error does not belong to an operation."""

    next_token: str | None
    """If a pager raised the error: the token of the page that could not be read. A new pager
    can start there. None stands for the first page."""

    def __init__(self, message: str, *, operation: str | None = None) -> None:
        super().__init__(message)
        self.operation = operation
        self.next_token = None

    def __reduce__(self) -> tuple[object, ...]:
        state = self.__dict__.copy()
        if notes := state.get("__notes__"):
            # A copy gets a list of its own.
            state["__notes__"] = [*notes]
        return _revive, (type(self), self.args, state)


class ConfigurationError(SageMakerPlansError, ValueError):
    """The client cannot work with its settings: no region, no credentials, a bad policy.

    Nothing was sent.
    """


class InvalidRequestError(SageMakerPlansError, ValueError):
    """The request breaks a documented rule of the service and was not sent.

    Args:
        subject: What was checked, such as ``"StageSpec"``.
        problems: Each problem, with the argument, its value and what is allowed.
        operation: The AWS operation.
    """

    problems: tuple[str, ...]
    """Each problem, with the argument, its value and what is allowed."""

    def __init__(
        self, subject: str, problems: tuple[str, ...], *, operation: str | None = None
    ) -> None:
        if len(problems) == 1:
            message = f"{subject}: {problems[0]}"
        else:
            lines = "".join(f"\n  - {problem}" for problem in problems)
            message = f"{subject}: {len(problems)} problems:{lines}"
        super().__init__(message, operation=operation)
        self.problems = problems


class ServiceError(SageMakerPlansError):
    """The service answered, and the answer was no.

    Args:
        message: The service's message, unchanged except that secrets are removed.
        code: The service's error code, unchanged (``"ThrottlingException"``).
        operation: The AWS operation.
        http_status: The HTTP status of the answer.
        request_id: The id by which AWS support finds the request.
        retry_after: How many seconds the server asked to wait, if it did.
    """

    code: str
    """The service's error code, unchanged."""
    message: str
    """The service's message, unchanged except that secrets are removed."""
    http_status: int | None
    """The HTTP status of the answer."""
    request_id: str | None
    """The id by which AWS support finds the request."""
    retry_after: float | None
    """How many seconds the server asked to wait before the next attempt, if it did."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        operation: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        facts = ", ".join(
            fact
            for fact in (
                f"HTTP {http_status}" if http_status is not None else "",
                f"request id {request_id}" if request_id else "",
            )
            if fact
        )
        super().__init__(
            f"{operation or 'the service'} answered {code}: {message or '(no message)'}"
            + (f" ({facts})" if facts else ""),
            operation=operation,
        )
        self.code = code
        self.message = message
        self.http_status = http_status
        self.request_id = request_id
        self.retry_after = retry_after


class ResourceNotFoundError(ServiceError):
    """The plan, stage, training plan or offering does not exist.

    SageMaker uses two codes for this, ``ResourceNotFound`` and ``ValidationException``.
    ``code`` tells which one came.
    """


class ResourceInUseError(ServiceError):
    """The resource already exists, or is busy."""


class ResourceLimitExceededError(ServiceError):
    """An account quota is used up."""


class ConflictError(ServiceError):
    """The request conflicts with another change that is under way."""


class ValidationError(ServiceError):
    """The service found the request invalid."""


class AccessDeniedError(ServiceError):
    """The credentials are unknown, expired or not allowed to do this."""


class ThrottledError(ServiceError):
    """Too many requests; this one was not carried out."""


class InternalServiceError(ServiceError):
    """The service failed (5xx); whether the request was carried out is not known."""


class ConnectionFailedError(SageMakerPlansError):
    """No usable reply came back.

    Args:
        message: What happened.
        request_sent: False if it is proven that the request was not sent. True if it is
            proven that it arrived. None if neither can be known.
        operation: The AWS operation.
    """

    request_sent: bool | None
    """False: proven not sent. True: proven to have arrived. None: cannot be known."""

    def __init__(
        self, message: str, *, request_sent: bool | None, operation: str | None = None
    ) -> None:
        super().__init__(message, operation=operation)
        self.request_sent = request_sent


class UnexpectedReplyError(SageMakerPlansError):
    """A reply does not fit the service's model.

    Args:
        message: Which reply does not fit.
        problems: Each problem with its path, such as ``Stages[5].StageName: ...``.
        reply: The whole reply: the parsed object, or the text if it was not JSON.
        operation: The AWS operation.
        http_status: The HTTP status of the answer.
        request_id: The id by which AWS support finds the request.
    """

    problems: tuple[str, ...]
    """Each problem with its path in the reply."""
    reply: Mapping[str, object] | str | None
    """The whole reply: the parsed object, or the text if it was not JSON."""
    http_status: int | None
    """The HTTP status of the answer."""
    request_id: str | None
    """The id by which AWS support finds the request."""

    def __init__(
        self,
        message: str,
        *,
        problems: tuple[str, ...],
        reply: Mapping[str, object] | str | None,
        operation: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        facts = f" (request id {request_id})" if request_id else ""
        lines = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"{message}{facts}{':' if lines else ''}{lines}", operation=operation)
        self.problems = problems
        self.reply = reply
        self.http_status = http_status
        self.request_id = request_id


class OutcomeUnknownError(SageMakerPlansError):
    """A create or a purchase may or may not have happened. The message says what to check.

    Args:
        message: What happened and what to check before trying again.
        operation: The AWS operation.
        offering_id: The offering of a purchase.
        training_plan_arn: The training plan of a purchase, if the caller named it.
        plan_name: The edge deployment plan of a create.
        reply: The whole reply, if one came.
    """

    reply: Mapping[str, object] | str | None
    """The whole reply, if one came: the parsed object, or the text if it was not JSON."""
    offering_id: str | None
    """The offering of a purchase."""
    training_plan_arn: str | None
    """The training plan of a purchase, if the caller named it."""
    plan_name: str | None
    """The edge deployment plan of a create."""

    def __init__(
        self,
        message: str,
        *,
        operation: str | None = None,
        offering_id: str | None = None,
        training_plan_arn: str | None = None,
        plan_name: str | None = None,
        reply: Mapping[str, object] | str | None = None,
    ) -> None:
        # Not super(): in PurchaseReplyError that would be UnexpectedReplyError, whose
        # arguments differ.
        SageMakerPlansError.__init__(self, message, operation=operation)
        self.reply = reply
        self.offering_id = offering_id
        self.training_plan_arn = training_plan_arn
        self.plan_name = plan_name


class PurchaseReplyError(OutcomeUnknownError, UnexpectedReplyError):
    """A purchase was answered with a success, but the reply cannot be read.

    The money is most likely spent: do not send the purchase again. ``reply`` has the
    whole reply. The message says that the purchase went through only if the reply came
    from the service itself, as a JSON object with a request id.

    Args:
        message: What happened and what to check.
        unread: The error that was raised when the reply was read.
        offering_id: The offering that was bought.
        training_plan_arn: The training plan, if the caller named it.
    """

    def __init__(
        self,
        message: str,
        *,
        unread: UnexpectedReplyError,
        offering_id: str,
        training_plan_arn: str | None,
    ) -> None:
        OutcomeUnknownError.__init__(
            self,
            message,
            operation=unread.operation,
            offering_id=offering_id,
            training_plan_arn=training_plan_arn,
            reply=unread.reply,
        )
        self.problems: tuple[str, ...] = unread.problems
        self.http_status: int | None = unread.http_status
        self.request_id: str | None = unread.request_id


class PurchaseRefusedError(SageMakerPlansError):
    """This package refused to buy; no purchase was sent.

    Args:
        message: Why the package refused, and what to do.
        offering_id: The offering that was not bought.
        training_plan_arn: The training plan, if the caller named it.
    """

    offering_id: str
    """The offering that was not bought."""

    training_plan_arn: str | None
    """The training plan, if the caller named it."""

    def __init__(self, message: str, *, offering_id: str, training_plan_arn: str | None) -> None:
        super().__init__(message, operation="ExtendTrainingPlan")
        self.offering_id = offering_id
        self.training_plan_arn = training_plan_arn


class PurchaseFailedError(SageMakerPlansError):
    """An extension was bought, but the service says that it failed.

    The training plan was not extended. Ask AWS whether money was taken. The same offering
    cannot be bought again; search for a new one.

    Args:
        message: What the service says, and what to do now.
        extension: The extension that failed, as the service shows it.
        training_plan_arn: The training plan, if the caller named it.
    """

    extension: "TrainingPlanExtension"
    """The extension that failed, as the service shows it."""

    training_plan_arn: str | None
    """The training plan, if the caller named it."""

    def __init__(
        self,
        message: str,
        *,
        extension: "TrainingPlanExtension",
        training_plan_arn: str | None = None,
    ) -> None:
        super().__init__(message, operation="ExtendTrainingPlan")
        self.extension = extension
        self.training_plan_arn = training_plan_arn


class PlanMismatchError(SageMakerPlansError):
    """A plan of that name exists, but it does not match the spec.

    Args:
        message: What differs.
        plan_name: The name that both plans have.
        differences: Each difference between the plan that exists and the spec.
    """

    plan_name: str
    """The name that both plans have."""
    differences: tuple[str, ...]
    """Each difference between the plan that exists and the spec."""

    def __init__(self, message: str, *, plan_name: str, differences: tuple[str, ...]) -> None:
        super().__init__(message, operation="CreateEdgeDeploymentPlan")
        self.plan_name = plan_name
        self.differences = differences


class RolloutStoppedError(SageMakerPlansError):
    """A rollout has stopped before every stage was deployed.

    Args:
        message: Why it has stopped.
        report: What each stage did, what may still run, and the devices that failed.
    """

    report: "RolloutReport"
    """What each stage did, what may still run, and the devices that failed."""

    def __init__(self, message: str, *, report: "RolloutReport") -> None:
        super().__init__(message)
        self.report = report


class PaginationError(SageMakerPlansError):
    """The service's pages do not come to an end."""


class WaitError(SageMakerPlansError):
    """A wait ended before the expected status was reached.

    Args:
        message: Which status was read last, and what to do.
        last_seen: The stage or plan as it was read last.
        polls: How many polls this wait took part in.
        waited: How long the wait took, in seconds.
        plan_name: The name of the plan.
    """

    plan_name: str | None
    """The name of the plan."""
    last_seen: "Stage | EdgeDeploymentPlan | None"
    """The stage or plan as it was read last; None if it was never read."""
    polls: int
    """How many polls this wait took part in, failed ones included."""
    waited: float
    """How long the wait took, in seconds."""

    def __init__(
        self,
        message: str,
        *,
        last_seen: "Stage | EdgeDeploymentPlan | None",
        polls: int,
        waited: float,
        plan_name: str | None = None,
    ) -> None:
        super().__init__(message, operation="DescribeEdgeDeploymentPlan")
        self.plan_name = plan_name
        self.last_seen = last_seen
        self.polls = polls
        self.waited = waited


class StageFailedError(WaitError):
    """The stage ended as FAILED."""

    # Narrower than in WaitError: here it is never None.
    last_seen: "Stage | EdgeDeploymentPlan"  # pyright: ignore[reportIncompatibleVariableOverride]
    """The stage as it was read last; the plan, if the wait was for all its stages."""


class StageStoppedError(WaitError):
    """The stage ended as STOPPED."""

    # Narrower than in WaitError: here it is never None.
    last_seen: "Stage | EdgeDeploymentPlan"  # pyright: ignore[reportIncompatibleVariableOverride]
    """The stage as it was read last; the plan, if the wait was for all its stages."""


class StageNotFoundError(WaitError):
    """The plan has no such stage, or no longer has it."""


class StageNotStartedError(WaitError):
    """The stage stayed READYTODEPLOY for ``start_grace``, so it was not started."""

    # Narrower than in WaitError: here it is always a stage.
    last_seen: "Stage"  # pyright: ignore[reportIncompatibleVariableOverride]
    """The stage as it was read last."""


class WaitTimeoutError(WaitError, TimeoutError):
    """The wait's own deadline passed."""

    reading_age: float | None = None
    """How old the last reading was, in seconds; None if nothing was read."""
