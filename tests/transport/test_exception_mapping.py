"""The mapping of the exceptions of botocore, aiohttp and httpx, one by one.

Every class of the libraries below stands in a table here. A release of theirs that has a
new one fails these tests, so that somebody decides what it means.
"""

import socket
import ssl
from functools import partial
from typing import Any

import anyio
import botocore.exceptions as boto
import pytest
from attrs import frozen

from sagemaker_plans import ConfigurationError, ConnectionFailedError, ThrottledError
from sagemaker_plans._transport.exception_mapping import (
    could_not_connect,
    loss_in_words,
    no_credentials,
    proves_unsent,
    shown_cause,
)
from sagemaker_plans._wire.operations import DESCRIBE_PLAN, EXTEND_TRAINING_PLAN
from transport.below.lower_errors import (
    ENDPOINT,
    HTTPX_MODULES,
    aiohttp_classes,
    botocore_classes,
    client_error_classes,
    httpx_classes,
    made_by_aiohttp,
    made_by_botocore,
    made_by_httpx,
    through_aiohttp,
    through_httpx,
)

NEW_CLASS = (
    "{library} has exceptions that this table does not list: {names}. Find out whether a "
    "request can have left when each is raised (in doubt: it can), see that exception_mapping.py "
    "says so, and add it to the table."
)


@frozen
class _Unlisted:
    """Finds the classes of a library that a table does not list."""

    library: str
    classes: tuple[type[Exception], ...]

    def refuse(self, *tables: frozenset[str] | dict[str, bool]) -> None:
        names = {cls.__name__ for cls in self.classes} - {name for each in tables for name in each}
        assert not names, NEW_CLASS.format(library=self.library, names=", ".join(sorted(names)))


# botocore

CONNECTION = frozenset(
    {
        "ChecksumError",
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "ConnectionError",
        "EndpointConnectionError",
        "HTTPClientError",
        "IncompleteReadError",
        "ProxyConnectionError",
        "ReadTimeoutError",
        "ResponseStreamingError",
        "SSLError",
    }
)
"""Exceptions of the connection. Their type alone proves nothing."""

OTHER = frozenset(
    {
        "ParamValidationError",
        "AliasConflictParameterError",
        "ApiVersionNotFoundError",
        "AwsChunkedWrapperError",
        "BaseEndpointResolverError",
        "BotoCoreError",
        "CapacityNotAvailableError",
        "ConfigNotFound",
        "ConfigParseError",
        "CredentialRetrievalError",
        "DataNotFoundError",
        "EndpointDiscoveryException",
        "EndpointDiscoveryRefreshFailed",
        "EndpointDiscoveryRequired",
        "EndpointProviderError",
        "EndpointResolutionError",
        "EndpointVariantError",
        "FlexibleChecksumError",
        "InfiniteLoopConfigError",
        "InvalidChecksumConfigError",
        "InvalidConfigError",
        "InvalidDNSNameError",
        "InvalidDefaultsMode",
        "InvalidEndpointConfigurationError",
        "InvalidEndpointDiscoveryConfigurationError",
        "InvalidExpressionError",
        "InvalidHostLabelError",
        "InvalidIMDSEndpointError",
        "InvalidIMDSEndpointModeError",
        "InvalidMaxRetryAttemptsError",
        "InvalidProxiesConfigError",
        "InvalidRegionError",
        "InvalidRetryConfigurationError",
        "InvalidRetryModeError",
        "InvalidS3AddressingStyleError",
        "InvalidS3UsEast1RegionalEndpointConfigError",
        "InvalidSTSRegionalEndpointsConfigError",
        "LoginAuthorizationCodeError",
        "LoginError",
        "LoginInsufficientPermissions",
        "LoginRefreshRequired",
        "LoginTokenLoadError",
        "MD5UnavailableError",
        "MetadataRetrievalError",
        "MissingDependencyException",
        "MissingParametersError",
        "MissingServiceIdError",
        "NoAuthTokenError",
        "NoCredentialsError",
        "NoRegionError",
        "OperationNotPageableError",
        "PaginationError",
        "PartialCredentialsError",
        "ProfileNotFound",
        "RangeError",
        "RefreshWithMFAUnsupportedError",
        "SSOError",
        "SSOTokenLoadError",
        "ServiceNotInRegionError",
        "StubAssertionError",
        "StubResponseError",
        "TokenRetrievalError",
        "UnStubbedResponseError",
        "UnauthorizedSSOTokenError",
        "UndefinedModelAttributeError",
        "UnknownClientMethodError",
        "UnknownCredentialError",
        "UnknownEndpointError",
        "UnknownEndpointResolutionBuiltInName",
        "UnknownFIPSEndpointError",
        "UnknownKeyError",
        "UnknownParameterError",
        "UnknownRegionError",
        "UnknownServiceError",
        "UnknownServiceStyle",
        "UnknownSignatureVersionError",
        "UnknownTokenProviderError",
        "UnseekableStreamError",
        "UnsupportedOutpostResourceError",
        "UnsupportedS3AccesspointConfigurationError",
        "UnsupportedS3ArnError",
        "UnsupportedS3ConfigurationError",
        "UnsupportedS3ControlArnError",
        "UnsupportedS3ControlConfigurationError",
        "UnsupportedServiceProtocolsError",
        "UnsupportedSignatureVersionError",
        "ValidationError",
        "WaiterConfigError",
        "WaiterError",
    }
)
"""Exceptions that are raised while a request is prepared, before any connection."""

ANSWERS = frozenset({"ClientError", "EventStreamError"})
"""Exceptions for error replies of the service."""


def by_name(cls: type[Exception]) -> str:
    return cls.__name__


def test_every_exception_of_botocore_is_listed() -> None:
    _Unlisted("botocore", botocore_classes()).refuse(CONNECTION, OTHER)
    _Unlisted("botocore", client_error_classes()).refuse(ANSWERS)


@pytest.mark.parametrize("cls", [*botocore_classes(), ThrottledError, RuntimeError], ids=by_name)
def test_the_type_of_an_exception_alone_proves_nothing(cls: Any) -> None:
    if cls is ThrottledError:
        error: Exception = ThrottledError("slow down", code="ThrottlingException")
    else:
        error = made_by_botocore(cls)

    assert proves_unsent(error) is False


@pytest.mark.parametrize("cls", botocore_classes(), ids=by_name)
def test_a_failed_connection_to_the_credentials_may_be_temporary(cls: type[Exception]) -> None:
    failure = no_credentials(EXTEND_TRAINING_PLAN, made_by_botocore(cls))

    assert failure.operation == "ExtendTrainingPlan"
    assert "ExtendTrainingPlan was not sent: " in str(failure).replace(
        ", because no credentials could be obtained", ""
    )
    if cls.__name__ in CONNECTION:
        assert isinstance(failure, ConnectionFailedError)
        assert failure.request_sent is False
    else:
        assert type(failure) is ConfigurationError


def test_missing_credentials_say_what_to_do() -> None:
    failure = no_credentials(DESCRIBE_PLAN, boto.NoCredentialsError())

    assert "AWS_ACCESS_KEY_ID" in str(failure)
    assert "profile_name=" in str(failure)


# aiohttp

AIOHTTP: dict[str, bool] = {
    "BadHttpMessage": False,
    "BadHttpMethod": False,
    "BadStatusLine": False,
    "ClientConnectionError": False,
    "ClientConnectionResetError": False,
    "ClientConnectorCertificateError": True,
    "ClientConnectorDNSError": True,
    "ClientConnectorError": True,
    "ClientConnectorSSLError": True,
    "ClientError": False,
    "ClientHttpProxyError": False,
    "ClientOSError": False,
    "ClientPayloadError": False,
    "ClientProxyConnectionError": True,
    "ClientResponseError": False,
    "ClientSSLError": True,
    "ConnectionTimeoutError": True,
    "ContentEncodingError": False,
    "ContentLengthError": False,
    "ContentTypeError": False,
    "DecompressSizeError": False,
    "HttpBadRequest": False,
    "HttpProcessingError": False,
    "InvalidHeader": False,
    "InvalidURL": False,
    "InvalidURLError": False,
    "InvalidUrlClientError": False,
    "InvalidUrlRedirectClientError": False,
    "LineTooLong": False,
    "NonHttpUrlClientError": False,
    "NonHttpUrlRedirectClientError": False,
    "PayloadEncodingError": False,
    "RedirectClientError": False,
    "ServerConnectionError": False,
    "ServerDisconnectedError": False,
    "ServerFingerprintMismatch": False,
    "ServerTimeoutError": False,
    "SocketTimeoutError": False,
    "TooManyRedirects": False,
    "TransferEncodingError": False,
    "UnixClientConnectorError": True,
    # "Never fully sent": the part that was sent may be enough.
    "UploadAbortedError": False,
    "WSServerHandshakeError": False,
}


def test_every_exception_of_aiohttp_is_listed() -> None:
    _Unlisted("aiohttp", aiohttp_classes()).refuse(AIOHTTP)


@pytest.mark.parametrize("cls", aiohttp_classes(), ids=by_name)
def test_under_aiohttp_only_a_failure_to_connect_is_unsent(cls: type[Exception]) -> None:
    raised = anyio.run(through_aiohttp, made_by_aiohttp(cls))

    assert proves_unsent(raised) is AIOHTTP[cls.__name__]


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        TimeoutError("words"),
        socket.gaierror(-2, "Name or service not known"),
        ConnectionResetError(104, "Connection reset by peer"),
        ssl.SSLError(1, "bad record"),
        RuntimeError("Session is closed"),
        NotImplementedError(),
    ],
    ids=repr,
)
def test_under_aiohttp_an_exception_of_another_library_proves_nothing(error: Exception) -> None:
    raised = anyio.run(through_aiohttp, error)

    assert proves_unsent(raised) is False


# httpx

HTTPX: dict[str, bool] = {
    "CloseError": False,
    "ConnectError": True,
    "ConnectTimeout": True,
    "CookieConflict": False,
    "DecodingError": False,
    "HTTPError": False,
    "HTTPStatusError": False,
    "InvalidURL": False,
    "LocalProtocolError": False,
    "NetworkError": False,
    "PoolTimeout": True,
    "ProtocolError": False,
    "ProxyError": False,
    "ReadError": False,
    "ReadTimeout": False,
    "RemoteProtocolError": False,
    "RequestError": False,
    "RequestNotRead": False,
    "ResponseNotRead": False,
    "SSEError": False,
    "StreamClosed": False,
    "StreamConsumed": False,
    "StreamError": False,
    "TimeoutException": False,
    "TooManyRedirects": False,
    "TransportError": False,
    "UnsupportedProtocol": False,
    "WriteError": False,
    # Raised as botocore's ConnectTimeoutError, although part of the request was sent.
    "WriteTimeout": False,
}

HTTPX_CASES = [(module, cls) for module in HTTPX_MODULES for cls in httpx_classes(module)]
HTTPX_IDS = [f"{module}-{cls.__name__}" for module, cls in HTTPX_CASES]


def test_the_httpx_that_trio_needs_is_here() -> None:
    assert "httpx2" in HTTPX_MODULES


@pytest.mark.parametrize("module", HTTPX_MODULES)
def test_every_exception_of_httpx_is_listed(module: str) -> None:
    _Unlisted(module, httpx_classes(module)).refuse(HTTPX)


@pytest.mark.parametrize(("module", "cls"), HTTPX_CASES, ids=HTTPX_IDS)
def test_under_httpx_only_a_failure_to_connect_is_unsent(module: str, cls: type[Exception]) -> None:
    raised = anyio.run(through_httpx, module, made_by_httpx(cls))

    assert proves_unsent(raised) is HTTPX[cls.__name__]


@pytest.mark.parametrize("module", HTTPX_MODULES)
def test_a_write_timeout_of_httpx_is_not_a_failure_to_connect(module: str) -> None:
    error = next(cls for cls in httpx_classes(module) if cls.__name__ == "WriteTimeout")

    raised = anyio.run(through_httpx, module, error("words"))

    # aiobotocore raises its ConnectTimeoutError for this too, because it has no other.
    assert type(raised) is boto.ConnectTimeoutError
    assert proves_unsent(raised) is False


@pytest.mark.parametrize("module", HTTPX_MODULES)
def test_a_failed_handshake_under_httpx_proves_nothing(module: str) -> None:
    error = next(cls for cls in httpx_classes(module) if cls.__name__ == "ConnectError")("words")
    error.__cause__ = ssl.SSLCertVerificationError(1, "self-signed certificate")

    raised = anyio.run(through_httpx, module, error)

    assert type(raised) is boto.SSLError
    # Invalid bytes long after the handshake raise the same exception.
    assert proves_unsent(raised) is False


@pytest.mark.parametrize("module", HTTPX_MODULES)
def test_a_proxy_that_cannot_be_reached_under_httpx_is_unsent(module: str) -> None:
    error = next(cls for cls in httpx_classes(module) if cls.__name__ == "ConnectError")("words")
    through_proxy = partial(through_httpx, proxies={"http": "http://user:secret@proxy.invalid"})

    raised = anyio.run(through_proxy, module, error)

    assert proves_unsent(raised) is True
    assert "secret" not in str(could_not_connect(DESCRIBE_PLAN, raised, ENDPOINT))


@pytest.mark.parametrize("module", HTTPX_MODULES)
@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        socket.gaierror(-2, "Name or service not known"),
        ConnectionResetError(104, "Connection reset by peer"),
        # aiobotocore has a bug here and raises a KeyError.
        ssl.SSLError(1, "bad record"),
        RuntimeError("Cannot send a request, as the client has been closed."),
        NotImplementedError(),
    ],
    ids=repr,
)
def test_under_httpx_an_exception_of_another_library_proves_nothing(
    module: str, error: Exception
) -> None:
    raised = anyio.run(through_httpx, module, error)

    assert proves_unsent(raised) is False


# words


def test_a_failure_to_connect_says_where_to_and_what_to_check() -> None:
    error = boto.EndpointConnectionError(
        endpoint_url=ENDPOINT, error=made_by_aiohttp(aiohttp_classes()[0])
    )

    failure = could_not_connect(DESCRIBE_PLAN, error, ENDPOINT)

    assert failure.request_sent is False
    assert f"DescribeEdgeDeploymentPlan: could not connect to {ENDPOINT}" in str(failure)
    assert "check the region, the endpoint and the network" in str(failure)


@pytest.mark.parametrize("kind", [boto.EndpointConnectionError, boto.HTTPClientError])
def test_a_broken_connection_is_not_described_as_a_failure_to_connect(kind: Any) -> None:
    error = kind(endpoint_url=ENDPOINT, error=ConnectionResetError("reset"))

    assert loss_in_words(error, ENDPOINT) == f"no whole reply came from {ENDPOINT} (reset)"


def test_an_exception_without_text_is_described_by_its_name() -> None:
    error = boto.ReadTimeoutError(endpoint_url=ENDPOINT, error=TimeoutError())

    assert "(TimeoutError)" in loss_in_words(error, ENDPOINT)


def test_an_exception_that_is_not_a_connection_failure_is_named() -> None:
    assert loss_in_words(TypeError("no"), ENDPOINT) == "TypeError instead of a reply: no"


def test_a_cause_shows_no_session_token() -> None:
    answer: Any = {
        "Error": {"Code": "SignatureDoesNotMatch", "Message": "x-amz-security-token:SECRET"},
        "SecondCopy": "x-amz-security-token:SECRET",
    }
    shown = shown_cause(boto.ClientError(answer, "DescribeEdgeDeploymentPlan"))

    assert isinstance(shown, boto.ClientError)
    assert "SECRET" not in f"{shown}{shown.response}"


@pytest.mark.parametrize("error", [None, TypeError("x"), made_by_botocore(boto.SSLError)])
def test_other_causes_are_shown_as_they_are(error: Exception | None) -> None:
    assert shown_cause(error) is error


# credentials: requests of other operations while a request is prepared


def sts_said(code: str, status: int = 400) -> Exception:
    answer: Any = {
        "Error": {"Code": code, "Message": "words"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}},
    }
    return boto.ClientError(answer, "AssumeRole")


@pytest.mark.parametrize("code", ["Throttling", "InternalFailure"])
def test_credentials_that_may_come_later_leave_the_request_unsent(code: str) -> None:
    failure = no_credentials(DESCRIBE_PLAN, sts_said(code))

    assert isinstance(failure, ConnectionFailedError)
    assert failure.request_sent is False
    assert "could be obtained: AssumeRole answered" in str(failure)


def test_credentials_that_are_denied_are_a_matter_of_configuration() -> None:
    failure = no_credentials(DESCRIBE_PLAN, sts_said("AccessDenied", 403))

    assert type(failure) is ConfigurationError
    assert "AssumeRole answered AccessDenied" in str(failure)
