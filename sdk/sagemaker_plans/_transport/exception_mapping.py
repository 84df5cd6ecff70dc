"""What the exceptions of botocore, aiohttp and httpx mean, and the words for them.

Only exceptions whose origin is known come here to be understood: those that our own code
got from the HTTP client or from the credentials. What a call ends with may be anybody's,
so it is only put into words.
"""

from typing import Any, Final, cast

import botocore.exceptions as boto
from aiohttp import ClientConnectorError, ConnectionTimeoutError

from sagemaker_plans._transport.aiobotocore_client.redirects import RedirectError
from sagemaker_plans._transport.service_errors import service_error
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.redaction import redacted
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
    """Find the exception of the HTTP client that one of botocore's was made of.

    Args:
        error: The exception.

    Returns:
        The one inside; None if there is none.
    """
    return cast("object", getattr(error, "kwargs", {}).get("error"))


def redirect_in(error: BaseException) -> RedirectError | None:
    """Find out whether an exception says that the endpoint redirects.

    Args:
        error: What an HTTP session raised.

    Returns:
        Our own exception that says so, or None.
    """
    inner = inner_of(error)
    return inner if isinstance(inner, RedirectError) else None


def proves_unsent(error: BaseException) -> bool:
    """Tell whether a failure of a pooled connection proves that nothing was sent.

    Args:
        error: What an HTTP session of aiobotocore raised.

    Returns:
        True if the connection could not be made. False if that is not certain.
    """
    inner = inner_of(error)
    if isinstance(inner, ClientConnectorError | ConnectionTimeoutError):
        return True
    # httpx and its successor by name: whichever is installed, it need not be imported.
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
        operation: What was to be asked.
        error: What the HTTP client raised.
        endpoint_url: Where it was to go.

    Returns:
        The error.
    """
    if isinstance(error, boto.ProxyConnectionError | boto.SSLError):
        words = redacted(str(error))  # names the proxy, or the certificate
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
        operation: What was to be asked.

    Returns:
        The error.
    """
    return ConfigurationError(
        f"{operation.name}: the SageMaker client that is wrapped is closed, or was never opened; "
        "it has to stay inside its `async with` for as long as it is used",
        operation=operation.name,
    )


def unobserved_session(operation: Operation, session: object) -> ConfigurationError:
    """Make the error for a purchase through an HTTP session that tells nothing.

    Args:
        operation: What was to be asked.
        session: The session.

    Returns:
        The error.
    """
    return ConfigurationError(
        f"{operation.name} was not sent: {type(session).__name__} (http_session_cls) is none of "
        "aiobotocore's HTTP sessions and no subclass of one, so it cannot be seen whether it "
        "sends the purchase once; make it a subclass",
        operation=operation.name,
    )


def no_credentials(operation: Operation, error: BaseException) -> SageMakerPlansError:
    """Make the error for a request that could not be signed.

    Args:
        operation: What was to be asked.
        error: What asking for the credentials raised.

    Returns:
        The error: a ConnectionFailedError if it may pass, else a ConfigurationError.
    """
    name = operation.name
    if isinstance(error, boto.NoCredentialsError):
        return ConfigurationError(f"{name} was not sent: {NO_CREDENTIALS}", operation=name)
    said = service_error_of(error) if isinstance(error, boto.ClientError) else error
    words = f"{name} was not sent, for want of credentials: {str(said) or type(said).__name__}"
    if may_pass(error):
        return ConnectionFailedError(words, request_sent=False, operation=name)
    return ConfigurationError(words, operation=name)


def may_pass(error: BaseException) -> bool:
    """Tell whether what keeps a request from being prepared may be gone a moment later.

    Args:
        error: What the preparation raised.

    Returns:
        Whether it may: a connection that failed, a service that throttles or is down, a
        wait that was ended.
    """
    if isinstance(error, boto.ClientError):
        return isinstance(service_error_of(error), ThrottledError | InternalServiceError)
    return isinstance(error, CONNECTION_FAILURES) or not isinstance(error, Exception)


def service_error_of(error: boto.ClientError) -> SageMakerPlansError:
    """Read an error answer that botocore has parsed.

    Args:
        error: The exception that botocore made of it.

    Returns:
        The error that it stands for here.
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
    """Make an exception fit to be shown as a cause.

    Args:
        error: The exception.

    Returns:
        The same one, or one in its place that repeats no session token.
    """
    if not isinstance(error, boto.ClientError):
        return error if error is None or _is_fit(error) else _stand_in(error)
    response = cast("dict[str, Any]", error.response)
    answer: dict[str, Any] = response.get("Error", {})
    message = str(answer.get("Message", ""))
    if redacted(message) == message:
        return error if _is_fit(error) else _stand_in(error)
    # Only these two: a modelled error has its message a second time.
    clean: Any = {
        "Error": {**answer, "Message": redacted(message)},
        "ResponseMetadata": response.get("ResponseMetadata", {}),
    }
    return boto.ClientError(clean, error.operation_name).with_traceback(error.__traceback__)


class HiddenError(Exception):
    """Stands in for an exception whose text, or that of one behind it, has a secret."""


def _stand_in(error: BaseException) -> HiddenError:
    words = f"{type(error).__name__}: {redacted(str(error))}"
    return HiddenError(words).with_traceback(error.__traceback__)


def _is_fit(error: BaseException) -> bool:
    """Tell whether neither an exception nor one behind it repeats a secret."""
    chain: list[BaseException] = [error]
    for one in chain:
        text = f"{one!s} {one!r}"
        if redacted(text) != text:
            return False
        behind = (one.__cause__, one.__context__)
        chain += [each for each in behind if each and all(each is not seen for seen in chain)]
    return True


def loss_in_words(error: BaseException, endpoint_url: str) -> str:
    """Say in words that a call ended without a reply.

    Args:
        error: What it ended with, whoever raised it.
        endpoint_url: Where the request was to go.

    Returns:
        The words.
    """
    if isinstance(error, CONNECTION_FAILURES):
        return f"no whole reply came from {endpoint_url} ({_reason(error)})"
    return f"{type(error).__name__} instead of a reply: {redacted(str(error))}"


def _reason(error: BaseException) -> str:
    inner = inner_of(error)
    reason = inner if isinstance(inner, BaseException) else error
    # Some have no words of their own.
    return redacted(str(reason)) or type(reason).__name__
