"""Maps the exceptions of botocore, aiohttp and httpx to errors and messages.

This module draws conclusions only from exceptions whose source is known: those that our
own code caught from the HTTP client or from the credentials. The exception with which a
whole call ends may come from any hook or wrapper, so it only becomes part of a message.
"""

from typing import Any, Final, cast

import botocore.exceptions as boto
from aiohttp import ClientConnectorError, ConnectionTimeoutError

from sagemaker_plans._transport.aiobotocore_client.straight_session import RedirectError
from sagemaker_plans._transport.service_errors import service_error
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.redaction import fit_to_show, redacted
from sagemaker_plans.errors import (
    ConfigurationError,
    ConnectionFailedError,
    InternalServiceError,
    SageMakerPlansError,
    ThrottledError,
)

CONNECTION_FAILURES: Final = (
    boto.HTTPClientError,
    boto.ConnectionError,
    boto.ChecksumError,
    boto.IncompleteReadError,
)

NO_CREDENTIALS: Final = (
    "no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a "
    "profile (profile_name=), or pass a session that has credentials"
)


def inner_of(error: BaseException) -> object:
    """Find the HTTP client's exception inside an exception of botocore.

    Args:
        error: The exception of botocore.

    Returns:
        The HTTP client's exception; None if there is none.
    """
    return cast("object", getattr(error, "kwargs", {}).get("error"))


def redirect_in(error: BaseException) -> RedirectError | None:
    """Find a redirect in an exception.

    Args:
        error: The exception that an HTTP session raised.

    Returns:
        Our own exception for a redirect; None if the endpoint did not redirect.
    """
    inner = inner_of(error)
    return inner if isinstance(inner, RedirectError) else None


def proves_unsent(error: BaseException) -> bool:
    """Tell whether a failure of a pooled connection proves that nothing was sent.

    Args:
        error: The exception that an HTTP session of aiobotocore raised.

    Returns:
        True if the connection could not be made. False if that is not certain.
    """
    inner = inner_of(error)
    if isinstance(inner, ClientConnectorError | ConnectionTimeoutError):
        return True
    # httpx and its successor httpx2 are recognised by name, so neither has to be imported.
    module, kind = type(inner).__module__.partition(".")[0], type(inner).__name__
    return module in {"httpx", "httpx2"} and kind in {
        "ConnectError",
        "ConnectTimeout",
        "PoolTimeout",
    }


def could_not_connect(
    operation: Operation, error: BaseException, endpoint_url: str
) -> ConnectionFailedError:
    """Make the error for a request for which no connection could be made.

    Args:
        operation: The operation of the request.
        error: The exception that the HTTP client raised.
        endpoint_url: The endpoint to which it should connect.

    Returns:
        The error.
    """
    if isinstance(error, boto.ProxyConnectionError | boto.SSLError):
        words = redacted(str(error))  # it names the proxy or the certificate
    else:
        words = (
            f"could not connect to {endpoint_url} ({_reason(error)}); "
            "check the region, the endpoint and the network"
        )
    return ConnectionFailedError(
        f"{operation.name}: {words}", request_sent=False, operation=operation.name
    )


def closed_session(operation: Operation) -> ConfigurationError:
    """Make the error for a wrapped client that cannot send.

    Args:
        operation: The operation of the request.

    Returns:
        The error.
    """
    return ConfigurationError(
        f"{operation.name}: the wrapped SageMaker client is closed, or was never opened; "
        "use it only inside its own `async with`",
        operation=operation.name,
    )


def unobserved_session(operation: Operation, session: object) -> ConfigurationError:
    """Make the error for a purchase through an HTTP session that cannot be observed.

    Args:
        operation: The operation of the request.
        session: The session.

    Returns:
        The error.
    """
    return ConfigurationError(
        f"{operation.name} was not sent: {type(session).__name__} (http_session_cls) is not a "
        "subclass of an HTTP session of aiobotocore, so this package cannot see whether it "
        "sends the purchase only once; make it a subclass",
        operation=operation.name,
    )


def no_credentials(operation: Operation, error: BaseException) -> SageMakerPlansError:
    """Make the error for a request that could not be signed.

    Args:
        operation: The operation of the request.
        error: The exception that the credentials raised.

    Returns:
        The error: a ConnectionFailedError if a retry may help, else a ConfigurationError.
    """
    name = operation.name
    if isinstance(error, boto.NoCredentialsError):
        return ConfigurationError(f"{name} was not sent: {NO_CREDENTIALS}", operation=name)
    said = service_error_of(error) if isinstance(error, boto.ClientError) else error
    words = (
        f"{name} was not sent, because no credentials could be obtained: "
        f"{str(said) or type(said).__name__}"
    )
    if may_pass(error):
        return ConnectionFailedError(words, request_sent=False, operation=name)
    return ConfigurationError(words, operation=name)


def may_pass(error: BaseException) -> bool:
    """Tell whether a failure to prepare a request may be temporary.

    Args:
        error: The exception that the preparation raised.

    Returns:
        True for a failed connection, a service that throttles or is down, and a
        cancellation. False for anything else.
    """
    if isinstance(error, boto.ClientError):
        return isinstance(service_error_of(error), ThrottledError | InternalServiceError)
    return isinstance(error, CONNECTION_FAILURES) or not isinstance(error, Exception)


def service_error_of(error: boto.ClientError) -> SageMakerPlansError:
    """Convert an exception that botocore made of an error reply.

    Args:
        error: The exception of botocore.

    Returns:
        The error of this package.
    """
    response = cast("dict[str, Any]", error.response)
    answer: dict[str, Any] = response.get("Error", {})
    metadata: dict[str, Any] = response.get("ResponseMetadata", {})
    return service_error(
        error.operation_name,
        code=str(answer.get("Code", "")),
        message=str(answer.get("Message", "")),
        http_status=metadata.get("HTTPStatusCode"),
        headers=metadata.get("HTTPHeaders", {}),
        request_id=metadata.get("RequestId"),
    )


def shown_cause(error: BaseException | None) -> BaseException | None:
    """Make an exception without secrets, to be shown as a cause.

    Args:
        error: The exception.

    Returns:
        The same exception if it shows no secret, else a replacement without the secret.
    """
    if not isinstance(error, boto.ClientError):
        return None if error is None else fit_to_show(error)
    response = cast("dict[str, Any]", error.response)
    answer: dict[str, Any] = response.get("Error", {})
    message = str(answer.get("Message", ""))
    if redacted(message) == message:
        return fit_to_show(error)
    # Keep only these two members: a modelled error repeats its message in a third one.
    clean: Any = {
        "Error": {**answer, "Message": redacted(message)},
        "ResponseMetadata": response.get("ResponseMetadata", {}),
    }
    return boto.ClientError(clean, error.operation_name).with_traceback(error.__traceback__)


def loss_in_words(error: BaseException, endpoint_url: str) -> str:
    """Describe a call that ended without a reply, for a message.

    Args:
        error: The exception with which the call ended.
        endpoint_url: The endpoint of the request.

    Returns:
        The description.
    """
    if isinstance(error, CONNECTION_FAILURES):
        return f"no whole reply came from {endpoint_url} ({_reason(error)})"
    return f"{type(error).__name__} instead of a reply: {redacted(str(error))}"


def _reason(error: BaseException) -> str:
    inner = inner_of(error)
    reason = inner if isinstance(inner, BaseException) else error
    # Some exceptions have no text.
    return redacted(str(reason)) or type(reason).__name__
