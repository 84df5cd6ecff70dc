"""Maps the code and the status of an error reply to an error class."""

import re
from collections.abc import Mapping
from typing import Final

from sagemaker_plans._transport.retry_after import retry_after
from sagemaker_plans._wire.redaction import redacted
from sagemaker_plans.errors import (
    AccessDeniedError,
    ConflictError,
    InternalServiceError,
    ResourceInUseError,
    ResourceLimitExceededError,
    ResourceNotFoundError,
    ServiceError,
    ThrottledError,
    ValidationError,
)

# SageMaker's service model has only ResourceNotFound, ResourceInUse, ResourceLimitExceeded
# and ConflictException. All AWS services share the other codes. Each code may come with or
# without "Exception" at its end.
_CODES: Final[dict[str, type[ServiceError]]] = {
    "ResourceNotFound": ResourceNotFoundError,
    "ResourceInUse": ResourceInUseError,
    "ResourceLimitExceeded": ResourceLimitExceededError,
    "LimitExceeded": ResourceLimitExceededError,
    "ServiceQuotaExceeded": ResourceLimitExceededError,
    "Conflict": ConflictError,
    "Validation": ValidationError,
    "ValidationError": ValidationError,
    "InvalidParameterValue": ValidationError,
    "InvalidParameterCombination": ValidationError,
    "MissingParameter": ValidationError,
    "Serialization": ValidationError,
    "AccessDenied": AccessDeniedError,
    "ExpiredToken": AccessDeniedError,
    "IncompleteSignature": AccessDeniedError,
    "InvalidClientTokenId": AccessDeniedError,
    "InvalidSignature": AccessDeniedError,
    "InvalidToken": AccessDeniedError,
    "MissingAuthenticationToken": AccessDeniedError,
    "NotAuthorized": AccessDeniedError,
    "OptInRequired": AccessDeniedError,
    "RequestExpired": AccessDeniedError,
    "SignatureDoesNotMatch": AccessDeniedError,
    "UnauthorizedOperation": AccessDeniedError,
    "UnrecognizedClient": AccessDeniedError,
    "BandwidthLimitExceeded": ThrottledError,
    "PriorRequestNotComplete": ThrottledError,
    "RequestLimitExceeded": ThrottledError,
    "RequestThrottled": ThrottledError,
    "SlowDown": ThrottledError,
    "Throttled": ThrottledError,
    "Throttling": ThrottledError,
    "TooManyRequests": ThrottledError,
    "InternalError": InternalServiceError,
    "InternalFailure": InternalServiceError,
    "InternalServer": InternalServiceError,
    "InternalServerError": InternalServiceError,
    "InternalService": InternalServiceError,
    "InternalServiceError": InternalServiceError,
    "RequestTimeout": InternalServiceError,
    "ServiceUnavailable": InternalServiceError,
}

# SageMaker often answers ValidationException for a missing resource, with these messages.
_NOT_FOUND: Final = re.compile(r"could not find|requested resource not found", re.IGNORECASE)

_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_TIMED_OUT: Final = 408
_TOO_MANY: Final = 429
_SERVER_FAULT: Final = 500


def error_class(code: str, message: str, http_status: int | None) -> type[ServiceError]:
    """Find the error class for an error reply.

    Args:
        code: The service's error code.
        message: The service's message.
        http_status: The HTTP status of the reply.

    Returns:
        The class of the error to raise.
    """
    known = _CODES.get(code) or _CODES.get(code.removesuffix("Exception"))
    status = http_status or 0
    if status >= _SERVER_FAULT and known is not ThrottledError:
        # After a 5xx the request may have had its effect, whatever the code says.
        return InternalServiceError
    if known is not None:
        is_missing = known is ValidationError and _NOT_FOUND.search(message)
        return ResourceNotFoundError if is_missing else known
    if status == _TOO_MANY:
        return ThrottledError
    # A 408 leaves open whether the request had its effect, like a 5xx.
    if status == _TIMED_OUT:
        return InternalServiceError
    if status in {_UNAUTHORIZED, _FORBIDDEN}:
        return AccessDeniedError
    return ServiceError


def _bare(code: str) -> str:
    return code.split(":", 1)[0].rsplit("#", 1)[-1]


def service_error(
    operation: str,
    *,
    code: str,
    message: str,
    http_status: int | None,
    headers: Mapping[str, str],
    request_id: str | None,
) -> ServiceError:
    """Make the error for an error reply.

    Args:
        operation: The AWS operation.
        code: The error code in the body, with or without its namespace; the HTTP status if
            the body has no code.
        message: The service's message.
        http_status: The HTTP status.
        headers: The reply's headers, with their names in lower case.
        request_id: The id by which AWS support finds the request.

    Returns:
        The error.
    """
    code = _bare(code)
    named = _bare(headers.get("x-amzn-errortype", ""))
    if named and (not code or code == str(http_status)):
        code = named
    message = redacted(message)
    return error_class(code, message, http_status)(
        message,
        code=code or "(no code)",
        operation=operation,
        http_status=http_status,
        request_id=request_id,
        retry_after=retry_after(headers),
    )
