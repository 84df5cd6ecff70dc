"""The mapping of the service's error replies to error classes."""

import json
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, strategies

from harness import Transport
from sagemaker_plans import (
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
from sagemaker_plans._transport.retry_after import retry_after
from sagemaker_plans._transport.service_errors import error_class, service_error
from sagemaker_plans._wire.redaction import redacted
from transport.below.scripted_server import Answer, ScriptedServer, error
from transport.clients import by_every_way, client_by

SECRET = "IQoJb3JpZ2luX2VjEJr//token+of/a+session=="

CLASSES: dict[type[ServiceError], tuple[str, ...]] = {
    ResourceNotFoundError: ("ResourceNotFound", "ResourceNotFoundException"),
    ResourceInUseError: ("ResourceInUse", "ResourceInUseException"),
    ResourceLimitExceededError: (
        "ResourceLimitExceeded",
        "LimitExceededException",
        "ServiceQuotaExceededException",
    ),
    ConflictError: ("ConflictException", "Conflict"),
    ValidationError: (
        "ValidationException",
        "ValidationError",
        "InvalidParameterValue",
        "InvalidParameterCombination",
        "MissingParameter",
        "SerializationException",
    ),
    AccessDeniedError: (
        "AccessDeniedException",
        "AccessDenied",
        "ExpiredTokenException",
        "ExpiredToken",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    ),
    ThrottledError: (
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "RequestThrottledException",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "SlowDown",
    ),
    InternalServiceError: (
        "InternalFailure",
        "InternalError",
        "InternalServerException",
        "InternalServerError",
        "InternalServiceException",
        "InternalServiceError",
        "RequestTimeout",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    ),
    ServiceError: ("TeapotException", "", "Exception"),
}


@pytest.mark.parametrize(
    ("code", "expected"),
    [(code, cls) for cls, codes in CLASSES.items() for code in codes],
)
def test_a_code_decides_the_class(code: str, expected: type[ServiceError]) -> None:
    assert error_class(code, "Words.", 400) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ServiceError),
        (401, AccessDeniedError),
        (403, AccessDeniedError),
        (404, ServiceError),
        (408, InternalServiceError),
        (413, ServiceError),
        (429, ThrottledError),
        (500, InternalServiceError),
        (503, InternalServiceError),
        (599, InternalServiceError),
        (None, ServiceError),
    ],
)
def test_the_status_decides_if_the_code_is_unknown(
    status: int | None, expected: type[ServiceError]
) -> None:
    assert error_class("TeapotException", "Words.", status) is expected


def test_a_throttling_code_overrides_the_status() -> None:
    assert error_class("ThrottlingException", "Rate exceeded", 503) is ThrottledError


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_5xx_overrides_every_code_except_throttling(cls: type[ServiceError]) -> None:
    found = {error_class(code, "Words.", status) for code in CLASSES[cls] for status in (500, 503)}

    assert found == {ThrottledError if cls is ThrottledError else InternalServiceError}


@pytest.mark.parametrize(
    "message",
    [
        "Could not find edge deployment plan rollout.",
        "Requested resource not found.",
        "could not find the training plan",
    ],
)
def test_not_found_sent_as_a_validation_error_is_not_found(message: str) -> None:
    assert error_class("ValidationException", message, 400) is ResourceNotFoundError


def test_not_found_sent_as_a_validation_error_keeps_its_code() -> None:
    found = service_error(
        "DescribeEdgeDeploymentPlan",
        code="ValidationException",
        message="Could not find plan x.",
        http_status=400,
        headers={},
        request_id=None,
    )

    assert found.code == "ValidationException"


def test_a_not_found_message_in_another_error_is_ignored() -> None:
    assert error_class("AccessDeniedException", "could not find a policy", 400) is AccessDeniedError


@pytest.mark.parametrize(
    ("body_code", "header", "expected"),
    [
        ("", "ThrottlingException", "ThrottlingException"),
        ("400", "ThrottlingException", "ThrottlingException"),
        ("400", "ThrottlingException:http://internal.example/", "ThrottlingException"),
        ("400", "com.amazonaws.sagemaker#ThrottlingException", "ThrottlingException"),
        ("400", "com.amazonaws#ThrottlingException:http://x#y", "ThrottlingException"),
        ("ConflictException", "ThrottlingException", "ConflictException"),
        ("400", "", "400"),
        ("", "", "(no code)"),
    ],
)
def test_the_error_type_header_is_used_if_the_body_has_no_code(
    body_code: str, header: str, expected: str
) -> None:
    found = service_error(
        "StartEdgeDeploymentStage",
        code=body_code,
        message="Words.",
        http_status=400,
        headers={"x-amzn-errortype": header} if header else {},
        request_id=None,
    )

    assert found.code == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        ("3", 3.0),
        ("1.5", 1.5),
        (" 7 ", 7.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00", 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("\u0663", None),
        ("Mon, 32 Jan 2024 00:00:00 GMT", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("1 Jan 2020 99999999999999999999:00:00", None),
    ],
)
def test_retry_after_is_read_or_ignored(value: str, expected: float | None) -> None:
    assert retry_after({"retry-after": value}) == expected


def test_no_retry_after_is_none() -> None:
    assert retry_after({}) is None


def test_a_retry_after_date_is_the_time_until_then() -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)

    seconds = retry_after({"retry-after": format_datetime(moment, usegmt=True)})

    # The header has whole seconds, and the test itself took some time.
    assert seconds is not None
    assert 3500 < seconds <= 3600


@given(strategies.text())
def test_no_retry_after_breaks_the_reading(value: str) -> None:
    seconds = retry_after({"retry-after": value})

    assert seconds is None or seconds >= 0


@given(
    strategies.from_regex(
        r"[0-9]{1,20} (Jan|Dec) [0-9]{1,20} [0-9]{1,20}:[0-9]{1,20}:[0-9]{1,20} [+-][0-9]{1,20}",
        fullmatch=True,
    )
)
def test_no_retry_after_date_breaks_the_reading(value: str) -> None:
    seconds = retry_after({"retry-after": value})

    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    "words",
    [
        "x-amz-security-token:{}",
        "X-Amz-Security-Token: {}",
        "x-amz-security-token={}&x-amz-date=1",
        '{{"X-Amz-Security-Token": "{}"}}',
        "'x-amz-security-token' : '{}'",
        "host:a\nx-amz-security-token:{}\nx-amz-target:b",
    ],
)
def test_a_session_token_is_removed_from_a_message(words: str) -> None:
    said = redacted(words.format(SECRET))

    assert SECRET not in said
    assert said == words.format("[redacted]")


def test_a_message_without_a_token_stays_as_it_is() -> None:
    assert redacted("The security token is expired") == "The security token is expired"


MISMATCH = (
    "The request signature we calculated does not match the signature you provided. The "
    "Canonical String for this request should have been\n'POST\n/\n\nhost:sagemaker\n"
    f"x-amz-date:20260101T000000Z\nx-amz-security-token:{SECRET}\nx-amz-target:SageMaker.X\n'"
)


@pytest.mark.parametrize(
    "body",
    [
        {"__type": "InvalidSignatureException", "message": MISMATCH},
        # botocore's exception repeats the message of an error that is in the model.
        {"__type": "ResourceNotFound", "Message": MISMATCH},
    ],
    ids=["unmodelled", "modelled"],
)
@by_every_way
@pytest.mark.anyio
async def test_a_session_token_is_nowhere_in_an_error(
    body: dict[str, str], transport: Transport, way: str
) -> None:
    with ScriptedServer(Answer(json.dumps(body).encode(), 403)) as server:
        async with client_by(way, server.url, transport) as client:
            with pytest.raises(ServiceError) as caught:
                await client.plans.describe("rollout")

    raised = caught.value
    assert "x-amz-security-token:[redacted]" in raised.message
    whole = [
        raised.message,
        str(raised),
        repr(raised),
        repr(vars(raised)),
        repr(getattr(raised, "__notes__", [])),
        "".join(traceback.format_exception(raised)),
    ]
    link = raised.__cause__ or raised.__context__
    while link is not None:
        whole += [repr(link), repr(vars(link))]
        link = link.__cause__ or link.__context__
    assert [text for text in whole if SECRET in text] == []


@by_every_way
@pytest.mark.anyio
async def test_an_error_has_the_facts_of_the_reply(transport: Transport, way: str) -> None:
    answer = error(
        "ThrottlingException",
        "Rate exceeded",
        x_amzn_RequestId="8c1d1b3c-0000-4000-8000-000000000001",
        Retry_After="2.5",
    )
    with ScriptedServer(answer) as server:
        async with client_by(way, server.url, transport) as client:
            with pytest.raises(ThrottledError) as caught:
                await client.plans.describe("rollout")

    raised = caught.value
    assert raised.code == "ThrottlingException"
    assert raised.message == "Rate exceeded"
    assert raised.http_status == 400
    assert raised.request_id == "8c1d1b3c-0000-4000-8000-000000000001"
    assert raised.retry_after == 2.5
    assert raised.operation == "DescribeEdgeDeploymentPlan"


ANSWERS: list[tuple[Answer, type[ServiceError], str]] = [
    (
        Answer(b"{}", 400, {"x-amzn-errortype": "ResourceInUse:"}),
        ResourceInUseError,
        "ResourceInUse",
    ),
    (Answer(b"{}", 429), ThrottledError, "429"),
    (Answer(b"<html>gone fishing</html>", 503), InternalServiceError, "503"),
    (Answer(b"", 502), InternalServiceError, "502"),
    (Answer(b"not json", 403), AccessDeniedError, "403"),
    (Answer(b"{}", 418), ServiceError, "418"),
    (
        Answer(json.dumps({"__type": "a.b#ConflictException:x", "Message": "m"}).encode(), 400),
        ConflictError,
        "ConflictException",
    ),
]


@by_every_way
@pytest.mark.anyio
async def test_an_error_reply_that_is_not_the_services_is_an_error_too(
    transport: Transport, way: str
) -> None:
    with ScriptedServer(Answer()) as server:
        async with client_by(way, server.url, transport) as client:
            for answer, expected, code in ANSWERS:
                server.answer = answer
                with pytest.raises(ServiceError) as caught:
                    await client.plans.describe("rollout")
                assert type(caught.value) is expected
                assert caught.value.code == code
                assert caught.value.http_status == answer.status

    assert len(server.received) == len(ANSWERS)
