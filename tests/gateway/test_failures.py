"""What the exceptions of botocore, aiohttp and httpx become, one by one.

Every class of the libraries below stands in a table here. A release of theirs that has a
new one fails these tests, so that somebody decides what it means.
"""

import copy
import json
import pickle
import socket
import ssl
from functools import partial
from typing import Any

import anyio
import botocore.exceptions as boto
import pytest
from attrs import frozen

from gateway.lower_errors import (
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
from sagemaker_plans import (
    AccessDeniedError,
    ConfigurationError,
    ConnectionFailedError,
    InvalidRequestError,
    SageMakerPlansError,
    UnexpectedReplyError,
)
from sagemaker_plans._transport.exception_mapping import SecondSendError, Trace, translated
from sagemaker_plans._wire.operations import DESCRIBE_PLAN

NEW_CLASS = (
    "{library} has exceptions that this table does not list: {names}. Find out whether a "
    "request can have left when each is raised (in doubt: it can), see that _failures.py says "
    "so, and add it to the table."
)


def sent() -> Trace:
    return Trace(request=object())


def failure_of(error: Exception, trace: Trace) -> SageMakerPlansError:
    failure, cause = translated(DESCRIBE_PLAN, error, trace, ENDPOINT)
    assert cause is error
    assert failure.operation == "DescribeEdgeDeploymentPlan"
    return failure


def request_sent(failure: SageMakerPlansError) -> bool | None:
    assert type(failure) is ConnectionFailedError
    return failure.request_sent


@frozen
class _Unlisted:
    """The names of one library's classes that a table does not have."""

    library: str
    classes: tuple[type[Exception], ...]

    def refuse(self, *tables: frozenset[str] | dict[str, bool | None]) -> None:
        names = {cls.__name__ for cls in self.classes} - {name for each in tables for name in each}
        assert not names, NEW_CLASS.format(library=self.library, names=", ".join(sorted(names)))


# botocore

CONNECTION: dict[str, bool | None] = {
    "ChecksumError": None,
    "ConnectTimeoutError": None,
    "ConnectionClosedError": None,
    "ConnectionError": None,
    "EndpointConnectionError": None,
    "HTTPClientError": None,
    "IncompleteReadError": None,
    # The proxy was not reached, or made no tunnel.
    "ProxyConnectionError": False,
    "ReadTimeoutError": None,
    "ResponseStreamingError": None,
    # Raised for handshakes only.
    "SSLError": False,
}
"""What the connection raises, and what it proves by itself about a request on its way."""

REQUEST = frozenset({"ParamValidationError"})
"""What a request raises that botocore will not send."""

OTHER = frozenset(
    {
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
"""What has nothing to do with the connection: raised while a request is made ready."""

ANSWERS = frozenset({"ClientError", "EventStreamError"})
"""What the service answers."""


def by_name(cls: type[Exception]) -> str:
    return cls.__name__


def test_every_exception_of_botocore_is_listed() -> None:
    _Unlisted("botocore", botocore_classes()).refuse(CONNECTION, REQUEST, OTHER)
    _Unlisted("botocore", client_error_classes()).refuse(ANSWERS)


@pytest.mark.parametrize("cls", botocore_classes(), ids=by_name)
def test_before_a_request_is_handed_over_nothing_was_sent(cls: type[Exception]) -> None:
    failure = failure_of(made_by_botocore(cls), Trace())

    if cls.__name__ in CONNECTION:
        assert request_sent(failure) is False
    elif cls.__name__ in REQUEST:
        assert type(failure) is InvalidRequestError
    else:
        assert type(failure) is ConfigurationError


@pytest.mark.parametrize("cls", botocore_classes(), ids=by_name)
def test_of_a_request_on_its_way_only_proof_says_unsent(cls: type[Exception]) -> None:
    failure = failure_of(made_by_botocore(cls), sent())

    if cls.__name__ in REQUEST:
        assert type(failure) is InvalidRequestError
    else:
        assert request_sent(failure) is CONNECTION.get(cls.__name__)


@pytest.mark.parametrize("name", CONNECTION)
def test_a_connection_that_breaks_after_a_reply_proves_that_the_request_came(name: str) -> None:
    error = made_by_botocore(getattr(boto, name))

    failure = failure_of(error, Trace(request=object(), raw=b"{", status=200))

    assert request_sent(failure) is True


@pytest.mark.parametrize("cls", client_error_classes(), ids=by_name)
def test_an_answer_is_a_service_error(cls: Any) -> None:
    error = cls({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeEdgeDeploymentPlan")

    assert type(failure_of(error, sent())) is AccessDeniedError


def test_a_bug_below_proves_nothing_unless_it_was_met_in_the_search_for_connections() -> None:
    error = boto.HTTPClientError(error=AttributeError("'NoneType' object has no attribute 'get'"))

    failure = failure_of(error, sent())

    assert isinstance(failure, ConnectionFailedError)
    assert failure.request_sent is None


def test_the_report_of_an_invalid_request_becomes_its_problems() -> None:
    failure = failure_of(boto.ParamValidationError(report="one\ntwo"), Trace())

    assert isinstance(failure, InvalidRequestError)
    assert failure.problems == ("one", "two")


def test_want_of_credentials_says_what_to_do() -> None:
    failure = failure_of(boto.NoCredentialsError(), Trace())

    assert "AWS_ACCESS_KEY_ID" in str(failure)
    assert "profile_name=" in str(failure)


# aiohttp

AIOHTTP: dict[str, bool | None] = {
    "BadHttpMessage": None,
    "BadHttpMethod": None,
    "BadStatusLine": None,
    "ClientConnectionError": None,
    "ClientConnectionResetError": None,
    "ClientConnectorCertificateError": False,
    "ClientConnectorDNSError": False,
    "ClientConnectorError": False,
    "ClientConnectorSSLError": False,
    "ClientError": None,
    "ClientHttpProxyError": False,
    "ClientOSError": None,
    "ClientPayloadError": None,
    "ClientProxyConnectionError": False,
    "ClientResponseError": None,
    "ClientSSLError": False,
    "ConnectionTimeoutError": False,
    "ContentEncodingError": None,
    "ContentLengthError": None,
    "ContentTypeError": None,
    "DecompressSizeError": None,
    "HttpBadRequest": None,
    "HttpProcessingError": None,
    "InvalidHeader": None,
    "InvalidURL": None,
    "InvalidURLError": None,
    "InvalidUrlClientError": None,
    "InvalidUrlRedirectClientError": None,
    "LineTooLong": None,
    "NonHttpUrlClientError": None,
    "NonHttpUrlRedirectClientError": None,
    "PayloadEncodingError": None,
    "RedirectClientError": None,
    "ServerConnectionError": None,
    "ServerDisconnectedError": None,
    "ServerFingerprintMismatch": None,
    "ServerTimeoutError": None,
    "SocketTimeoutError": None,
    "TooManyRedirects": None,
    "TransferEncodingError": None,
    "UnixClientConnectorError": False,
    # "Never fully sent": the part that was may be enough.
    "UploadAbortedError": None,
    "WSServerHandshakeError": None,
}


def test_every_exception_of_aiohttp_is_listed() -> None:
    _Unlisted("aiohttp", aiohttp_classes()).refuse(AIOHTTP)


@pytest.mark.parametrize("cls", aiohttp_classes(), ids=by_name)
def test_under_aiohttp_only_a_failure_to_connect_is_unsent(cls: type[Exception]) -> None:
    raised = anyio.run(through_aiohttp, made_by_aiohttp(cls))

    assert request_sent(failure_of(raised, sent())) is AIOHTTP[cls.__name__]


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
def test_under_aiohttp_what_is_not_its_own_proves_nothing(error: Exception) -> None:
    raised = anyio.run(through_aiohttp, error)

    assert request_sent(failure_of(raised, sent())) is None


# httpx

HTTPX: dict[str, bool | None] = {
    "CloseError": None,
    "ConnectError": False,
    "ConnectTimeout": False,
    "CookieConflict": None,
    "DecodingError": None,
    "HTTPError": None,
    "HTTPStatusError": None,
    "InvalidURL": None,
    "LocalProtocolError": None,
    "NetworkError": None,
    "PoolTimeout": False,
    "ProtocolError": None,
    # No tunnel was made.
    "ProxyError": False,
    "ReadError": None,
    "ReadTimeout": None,
    "RemoteProtocolError": None,
    "RequestError": None,
    "RequestNotRead": None,
    "ResponseNotRead": None,
    "SSEError": None,
    "StreamClosed": None,
    "StreamConsumed": None,
    "StreamError": None,
    "TimeoutException": None,
    "TooManyRedirects": None,
    "TransportError": None,
    "UnsupportedProtocol": None,
    "WriteError": None,
    # Raised as botocore's ConnectTimeoutError; part of the request has left.
    "WriteTimeout": None,
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

    assert request_sent(failure_of(raised, sent())) is HTTPX[cls.__name__]


@pytest.mark.parametrize("module", HTTPX_MODULES)
def test_a_write_timeout_of_httpx_is_no_failure_to_connect(module: str) -> None:
    error = next(cls for cls in httpx_classes(module) if cls.__name__ == "WriteTimeout")

    raised = anyio.run(through_httpx, module, error("words"))

    # The trap: aiobotocore has no other exception for it.
    assert type(raised) is boto.ConnectTimeoutError
    assert "could not connect" not in str(failure_of(raised, sent()))


@pytest.mark.parametrize("module", HTTPX_MODULES)
def test_a_failed_handshake_under_httpx_is_unsent(module: str) -> None:
    error = next(cls for cls in httpx_classes(module) if cls.__name__ == "ConnectError")("words")
    error.__cause__ = ssl.SSLCertVerificationError(1, "self-signed certificate")

    raised = anyio.run(through_httpx, module, error)

    assert type(raised) is boto.SSLError
    assert request_sent(failure_of(raised, sent())) is False


@pytest.mark.parametrize("module", HTTPX_MODULES)
def test_a_proxy_that_cannot_be_reached_under_httpx_is_unsent(module: str) -> None:
    error = next(cls for cls in httpx_classes(module) if cls.__name__ == "ConnectError")("words")
    through_proxy = partial(through_httpx, proxies={"http": "http://user:secret@proxy.invalid"})

    raised = anyio.run(through_proxy, module, error)

    failure = failure_of(raised, sent())
    assert request_sent(failure) is False
    assert "secret" not in str(failure)


@pytest.mark.parametrize("module", HTTPX_MODULES)
@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        socket.gaierror(-2, "Name or service not known"),
        ConnectionResetError(104, "Connection reset by peer"),
        # aiobotocore breaks on this one, and raises a KeyError.
        ssl.SSLError(1, "bad record"),
        RuntimeError("Cannot send a request, as the client has been closed."),
        NotImplementedError(),
    ],
    ids=repr,
)
def test_under_httpx_what_is_not_its_own_proves_nothing(module: str, error: Exception) -> None:
    raised = anyio.run(through_httpx, module, error)

    assert request_sent(failure_of(raised, sent())) is None


# words


def test_a_failure_to_connect_says_where_to_and_what_to_check() -> None:
    error = boto.EndpointConnectionError(
        endpoint_url=ENDPOINT, error=made_by_aiohttp(aiohttp_classes()[0])
    )

    words = str(failure_of(error, Trace()))

    assert f"could not connect to {ENDPOINT}" in words
    assert "check the region, the endpoint and the network" in words


@pytest.mark.parametrize("kind", [boto.EndpointConnectionError, boto.HTTPClientError])
def test_a_broken_connection_is_not_told_as_a_failure_to_connect(kind: Any) -> None:
    words = str(
        failure_of(kind(endpoint_url=ENDPOINT, error=ConnectionResetError("reset")), sent())
    )

    assert words == f"DescribeEdgeDeploymentPlan: no whole reply came from {ENDPOINT} (reset)"


def test_an_exception_without_words_is_told_by_its_name() -> None:
    error = boto.ReadTimeoutError(endpoint_url=ENDPOINT, error=TimeoutError())

    assert "(TimeoutError)" in str(failure_of(error, sent()))


# replies


def test_a_reply_that_botocore_breaks_on_is_kept_whole() -> None:
    trace = Trace(request=object(), raw=b'{"Stages": 5}', status=200, request_id="id-1")

    failure = failure_of(TypeError("'int' object is not iterable"), trace)

    assert isinstance(failure, UnexpectedReplyError)
    assert failure.reply == {"Stages": 5}
    assert failure.http_status == 200
    assert failure.request_id == "id-1"
    assert "'int' object is not iterable" in failure.problems[0]


@pytest.mark.parametrize("raw", [b"[1, 2]", b"<html>", b'"text"', b"\xff{"])
def test_a_reply_that_is_no_object_is_kept_as_text(raw: bytes) -> None:
    trace = Trace(request=object(), raw=raw, status=200)

    failure = failure_of(AttributeError("no attribute 'get'"), trace)

    assert isinstance(failure, UnexpectedReplyError)
    assert failure.reply == raw.decode(errors="backslashreplace")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_no_answer_of_the_service(status: int) -> None:
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": {"location": "http://elsewhere.invalid/"}}
    error = boto.ClientError(
        {"Error": {"Code": str(status)}, "ResponseMetadata": metadata},  # type: ignore[typeddict-item]
        "DescribeEdgeDeploymentPlan",
    )

    failure = failure_of(error, Trace(request=object(), raw=b"", status=status))

    assert request_sent(failure) is True
    assert "http://elsewhere.invalid/" in str(failure)


def test_a_redirect_that_leads_nowhere_is_told_as_well() -> None:
    error = boto.ClientError(
        {"Error": {}, "ResponseMetadata": {"HTTPStatusCode": 302}},  # type: ignore[typeddict-item]
        "DescribeEdgeDeploymentPlan",
    )

    assert "it redirects to nowhere" in str(failure_of(error, sent()))


# credentials: requests of other operations, made while a request is made ready


def sts_said(code: str, status: int = 400) -> Exception:
    answer: Any = {
        "Error": {"Code": code, "Message": "words"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}},
    }
    return boto.ClientError(answer, "AssumeRole")


@pytest.mark.parametrize("code", ["Throttling", "InternalFailure"])
def test_credentials_that_may_come_later_leave_the_request_unsent(code: str) -> None:
    failure = failure_of(sts_said(code), Trace())

    assert request_sent(failure) is False
    assert "want of credentials: AssumeRole answered" in str(failure)


def test_credentials_that_are_denied_are_a_matter_of_configuration() -> None:
    failure = failure_of(sts_said("AccessDenied", 403), Trace())

    assert type(failure) is ConfigurationError
    assert "AssumeRole answered AccessDenied" in str(failure)


# the request itself


def test_the_same_request_may_be_told_of_twice() -> None:
    trace, request = Trace(), object()

    trace.send(request)
    trace.send(request)

    assert trace.sending


def test_another_request_is_held_back() -> None:
    trace = sent()

    with pytest.raises(SecondSendError) as caught:
        trace.send(object())

    failure = failure_of(caught.value, trace)
    assert request_sent(failure) is None
    assert "a second time" in str(failure)


@pytest.mark.parametrize(
    "failure",
    [
        failure_of(made_by_botocore(boto.EndpointConnectionError), sent()),
        failure_of(TypeError("x"), Trace(request=object(), raw=b"{", status=200)),
        failure_of(sts_said("Throttling"), Trace()),
        failure_of(boto.NoCredentialsError(), Trace()),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_every_failure_can_be_pickled_and_copied(failure: SageMakerPlansError) -> None:
    for other in (copy.copy(failure), pickle.loads(pickle.dumps(failure))):  # noqa: S301  # own
        assert type(other) is type(failure)
        assert vars(other) == vars(failure)
        assert json.dumps(str(other)) == json.dumps(str(failure))
