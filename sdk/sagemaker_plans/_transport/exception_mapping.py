"""What the exceptions of botocore, aiohttp and httpx mean: which error, with which facts.

The one fact that money hangs on is whether a request was sent. It is said to be
unsent only where that is proven; every doubt is "cannot be known".
"""

from collections.abc import Callable
from traceback import walk_tb
from typing import Any, Final, Literal, cast

import botocore.exceptions as boto
from aiohttp import ClientConnectorError, ConnectionTimeoutError
from attrs import define

from sagemaker_plans._transport.service_errors import service_error
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.redaction import redacted
from sagemaker_plans._wire.replies import unexpected
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import (
    ConfigurationError,
    ConnectionFailedError,
    InternalServiceError,
    InvalidRequestError,
    SageMakerPlansError,
    ThrottledError,
)


class SecondSendError(boto.HTTPClientError):
    """A client, or what is wrapped around it, was about to send one request twice."""

    fmt = "the client was about to send the request a second time, which was held back"


class RedirectError(boto.HTTPClientError):
    """The endpoint told to send the request elsewhere."""

    fmt = "it redirects to {location}, and requests are not sent elsewhere; check endpoint_url"


@define(eq=False, repr=False)
class Trace:
    """What became of one request."""

    operation: str | None = None
    """What it asks."""
    is_closed: Callable[[], bool] = bool
    """Whether requests may no longer be sent."""
    signed: bool = False
    """Whether it is ready to be sent."""
    request: object | None = None
    """What was handed to the HTTP client."""
    raw: bytes | None = None
    """The body of the reply, once it is there."""
    status: int | None = None
    """The HTTP status of the reply, once it is there."""
    request_id: str | None = None
    """The id by which AWS support finds the request, once the reply is there."""

    def send(self, request: object) -> None:
        """Note that a request is handed to the HTTP client.

        Args:
            request: The request. One that comes again is the same request, told of twice
                because two gateways listen to one client.

        Raises:
            SecondSendError: If another one was handed over before: whatever sends it
                knows nothing of what may be sent twice.
            ConfigurationError: If the client was closed before it could be sent.
        """
        if self.request is not None and self.request is not request:
            raise SecondSendError
        if self.is_closed():
            raise ConfigurationError(CLOSED, operation=self.operation)
        self.request = request

    @property
    def sending(self) -> bool:
        """Whether the request was handed to the HTTP client, or to a hook that may send."""
        return self.signed or self.request is not None

    @property
    def request_sent(self) -> bool | None:
        """False: provably not. True: a reply came. None: cannot be known."""
        if self.status is not None:
            return True
        return None if self.sending else False


CLOSED: Final = "this client is closed; make a new one"
_REDIRECT: Final = 3

CONNECTION_FAILURES: Final = (
    boto.HTTPClientError,
    boto.ConnectionError,
    boto.ChecksumError,
    boto.IncompleteReadError,
)


def _has_no_session(error: Exception) -> bool:
    """Whether aiobotocore looked for connections in a client that has none (any more)."""
    if not isinstance(error, boto.HTTPClientError):
        return False
    inner = cast("object", cast("Any", error).kwargs.get("error"))
    if not isinstance(inner, AttributeError):
        return False
    # Where it was raised is the proof that nothing was sent.
    raised_in = [frame.f_code.co_name for frame, _ in walk_tb(inner.__traceback__)]
    return raised_in[-1:] == ["_get_session"]


def translated(
    operation: Operation, error: Exception, trace: Trace, endpoint: str
) -> tuple[SageMakerPlansError, Exception]:
    """Say what an exception of a call means.

    Args:
        operation: What was asked.
        error: What the client raised.
        trace: What became of the request until then.
        endpoint: Where it was to go.

    Returns:
        The error to raise, and the cause to show with it, free of secrets.
    """
    if isinstance(error, boto.ClientError):
        return _answered(operation, error, trace, endpoint)
    name = operation.name
    failure: SageMakerPlansError
    if _has_no_session(error):
        failure = ConfigurationError(
            f"{name}: the SageMaker client that is wrapped is closed, or was never opened; it has "
            "to stay inside its `async with` for as long as it is used",
            operation=name,
        )
    elif isinstance(error, CONNECTION_FAILURES):
        known = trace.request_sent
        sent = _proven_unsent(error) if known is None else known
        failure = ConnectionFailedError(
            f"{name}: {_connection_words(error, endpoint, sent=sent)}",
            request_sent=sent,
            operation=name,
        )
    elif isinstance(error, boto.ParamValidationError):
        problems = tuple(str(error.kwargs.get("report", error)).splitlines())
        failure = InvalidRequestError(name, problems, operation=name)
    elif trace.raw is not None:
        reply = Reply(
            operation=operation,
            body={},
            raw=trace.raw,
            http_status=trace.status,
            request_id=trace.request_id,
        )
        problem = f"reply: botocore cannot parse it: {type(error).__name__}: {error}"
        failure = unexpected(reply, (problem,))
    elif trace.sending:
        failure = ConnectionFailedError(
            f"{name}: {type(error).__name__} while waiting for the reply: {error}",
            request_sent=None,
            operation=name,
        )
    else:
        failure = not_sendable(name, error)
    return failure, error


def not_sendable(name: str, error: Exception) -> ConfigurationError:
    """Make the error for a request that could not even be prepared.

    Args:
        name: What was to be sent.
        error: Why it could not be.

    Returns:
        The error.
    """
    words = f"{name} was not sent: {error}"
    if isinstance(error, boto.NoCredentialsError):
        words = (
            f"{name} was not sent: no AWS credentials were found; set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, name a profile (profile_name=), or pass a session that has "
            "credentials"
        )
    return ConfigurationError(words, operation=name)


def _answered(
    operation: Operation, error: boto.ClientError, trace: Trace, endpoint: str
) -> tuple[SageMakerPlansError, Exception]:
    response = cast("dict[str, Any]", error.response)
    answer: dict[str, Any] = response.get("Error", {})
    metadata: dict[str, Any] = response.get("ResponseMetadata", {})
    message = str(answer.get("Message", ""))
    said = service_error(
        operation.name if trace.sending else error.operation_name,
        code=str(answer.get("Code", "")),
        message=message,
        http_status=metadata.get("HTTPStatusCode"),
        headers=metadata.get("HTTPHeaders", {}),
        request_id=metadata.get("RequestId"),
    )
    cause: Exception = error
    if redacted(message) != message:
        # Only these two: a modelled error has its message a second time.
        clean: Any = {
            "Error": {**answer, "Message": redacted(message)},
            "ResponseMetadata": metadata,
        }
        cause = boto.ClientError(clean, error.operation_name)
    if error.operation_name == operation.name:
        location = metadata.get("HTTPHeaders", {}).get("location")
        if redirect := redirected(said.http_status, location):
            return translated(operation, redirect, trace, endpoint)[0], cause
        return said, cause
    # Another service said no while the credentials were being fetched.
    words = f"{operation.name} was not sent, for want of credentials: {said}"
    if isinstance(said, ThrottledError | InternalServiceError):
        return ConnectionFailedError(words, request_sent=False, operation=operation.name), cause
    return ConfigurationError(words, operation=operation.name), cause


def _proven_unsent(error: Exception) -> Literal[False] | None:
    """Say whether a failure of the connection proves that nothing was sent."""
    if isinstance(error, boto.ProxyConnectionError):
        return False
    inner = cast("object", getattr(error, "kwargs", {}).get("error"))
    if isinstance(inner, ClientConnectorError | ConnectionTimeoutError):
        return False
    # httpx and its successor by name: whichever is installed, it need not be imported.
    module, kind = type(inner).__module__.partition(".")[0], type(inner).__name__
    if module in {"httpx", "httpx2"}:
        return False if kind in {"ConnectError", "ConnectTimeout", "PoolTimeout"} else None
    # A TLS handshake that failed under httpx; under aiohttp it is a connector error.
    return False if isinstance(error, boto.SSLError) else None


def redirected(http_status: int | None, location: str | None) -> RedirectError | None:
    """Find out whether a reply tells to send the request elsewhere.

    The service never does; whatever did had the request first, so sending it elsewhere
    would be sending it twice.

    Args:
        http_status: The HTTP status of the reply.
        location: Where to.

    Returns:
        The error, or None if the reply is none of that kind.
    """
    if (http_status or 0) // 100 != _REDIRECT:
        return None
    return RedirectError(location=location or "nowhere")


def _connection_words(error: Exception, endpoint: str, *, sent: bool | None) -> str:
    inner = cast("Exception | None", getattr(error, "kwargs", {}).get("error")) or error
    # Some have no words of their own.
    reason = str(inner) or type(inner).__name__
    if sent is False and isinstance(error, boto.EndpointConnectionError | boto.ConnectTimeoutError):
        return (
            f"could not connect to {endpoint} ({reason}); "
            "check the region, the endpoint and the network"
        )
    if sent is False or isinstance(error, SecondSendError):
        return str(error)
    return f"no whole reply came from {endpoint} ({reason})"
