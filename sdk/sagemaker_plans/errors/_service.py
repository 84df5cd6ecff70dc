"""What the service answered, or did not."""

from collections.abc import Mapping

from sagemaker_plans.errors._foundation import SageMakerPlansError


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


class PaginationError(SageMakerPlansError):
    """The service's pages do not come to an end."""
