"""Whole replies: successes, service errors, and replies that are not the service's."""

import json
from typing import Any

import pytest

from sagemaker_plans import (
    AccessDeniedError,
    ConnectionFailedError,
    InternalServiceError,
    ResourceNotFoundError,
    ServiceError,
    ThrottledError,
    UnexpectedReplyError,
)
from sagemaker_plans._transport.aiobotocore_client.straight_session import RedirectError
from sagemaker_plans._transport.answers import answer, is_unreadable
from sagemaker_plans._transport.evidence import WholeReply
from sagemaker_plans._wire.operations import (
    CREATE_PLAN,
    DESCRIBE_PLAN,
    EXTEND_TRAINING_PLAN,
    OPERATIONS,
    START_STAGE,
    Operation,
)

ID = {"x-amzn-requestid": "id-1"}
THROTTLE = b'{"__type":"ThrottlingException","message":"Rate exceeded"}'
PROXY_PAGE = b"<html>Proxy Authentication Required</html>"
IN_DOUBT = (CREATE_PLAN, EXTEND_TRAINING_PLAN)
WITHOUT_DOUBT = (DESCRIBE_PLAN, START_STAGE)


def heard(status: int, raw: bytes | None = b"{}", **headers: str) -> WholeReply:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return WholeReply(status=status, headers={**ID, **names}, raw=raw)


def by_name(operation: Operation) -> str:
    return operation.name


@pytest.mark.parametrize("operation", OPERATIONS, ids=by_name)
def test_a_success_has_the_members_the_status_and_the_request_id(operation: Operation) -> None:
    reply = answer(operation, heard(200, b'{"A": 1}'))

    assert reply.operation is operation
    assert reply.body == {"A": 1}
    assert (reply.raw, reply.http_status, reply.request_id) == (b'{"A": 1}', 200, "id-1")


def test_what_the_client_returned_is_the_body() -> None:
    returned = {"A": 2, "ResponseMetadata": {"HTTPStatusCode": 200}}

    assert answer(DESCRIBE_PLAN, heard(200, b'{"A": 1}'), returned).body == {"A": 2}


def test_the_reply_of_a_stub_has_no_text() -> None:
    stub = WholeReply(status=200, headers={}, raw=None, parsed={"A": 1, "ResponseMetadata": {}})

    reply = answer(DESCRIBE_PLAN, stub)

    assert (reply.raw, reply.body, reply.request_id) == (None, {"A": 1}, None)


@pytest.mark.parametrize("raw", [b"[1, 2]", b"<html>", b'"text"', b"\xff{", b"{" * 5000, b""])
def test_a_body_that_is_not_a_json_object_has_no_members(raw: bytes) -> None:
    assert answer(EXTEND_TRAINING_PLAN, heard(200, raw)).body == {}


@pytest.mark.parametrize(
    ("raw", "unreadable"), [(b"<html>", True), (b'{"A": 1}', False), (b"", False)]
)
def test_a_body_that_is_not_a_json_object_is_unreadable(raw: bytes, *, unreadable: bool) -> None:
    assert is_unreadable(heard(200, raw)) is unreadable


@pytest.mark.parametrize("operation", OPERATIONS, ids=by_name)
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (heard(400, THROTTLE), ThrottledError),
        (heard(400, b'{"__type":"a.b#ResourceNotFound","Message":"gone"}'), ResourceNotFoundError),
        (heard(403, b"", x_amzn_errortype="AccessDeniedException"), AccessDeniedError),
        (heard(429, b"{}", x_amzn_errortype="ThrottlingException"), ThrottledError),
        (heard(503, THROTTLE), ThrottledError),
        (heard(500, b'{"__type":"AccessDenied"}'), InternalServiceError),
        (heard(502, PROXY_PAGE), InternalServiceError),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_an_error_reply_of_the_service_is_a_service_error(
    operation: Operation, reply: WholeReply, error: type[ServiceError]
) -> None:
    with pytest.raises(error) as caught:
        answer(operation, reply)

    assert type(caught.value) is error
    assert (caught.value.operation, caught.value.http_status) == (operation.name, reply.status)
    assert caught.value.request_id == "id-1"


def test_an_error_reply_of_a_stub_is_a_service_error() -> None:
    parsed: Any = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}

    with pytest.raises(ThrottledError, match="slow down") as caught:
        answer(EXTEND_TRAINING_PLAN, WholeReply(status=400, headers={}, raw=None, parsed=parsed))

    assert caught.value.code == "ThrottlingException"


@pytest.mark.parametrize("status", [400, 403, 407, 429])
@pytest.mark.parametrize("raw", [PROXY_PAGE, b"", b"{}", b'{"message": "no"}', b"[]"], ids=repr)
@pytest.mark.parametrize("operation", IN_DOUBT, ids=by_name)
def test_a_4xx_in_another_format_leaves_a_create_or_purchase_in_doubt(
    operation: Operation, raw: bytes, status: int
) -> None:
    with pytest.raises(UnexpectedReplyError) as caught:
        answer(operation, heard(status, raw))

    assert f"HTTP {status} without the service's error format" in str(caught.value)
    assert (caught.value.http_status, caught.value.request_id) == (status, "id-1")
    try:
        expected = json.loads(raw)
    except ValueError:
        expected = None
    assert caught.value.reply == (expected if isinstance(expected, dict) else raw.decode())


@pytest.mark.parametrize("operation", WITHOUT_DOUBT, ids=by_name)
@pytest.mark.parametrize(("status", "error"), [(403, AccessDeniedError), (429, ThrottledError)])
def test_a_4xx_in_another_format_is_a_service_error_for_reads_and_commands(
    operation: Operation, status: int, error: type[ServiceError]
) -> None:
    with pytest.raises(error, match="Proxy Authentication Required"):
        answer(operation, heard(status, PROXY_PAGE))


@pytest.mark.parametrize("operation", OPERATIONS, ids=by_name)
@pytest.mark.parametrize("status", [101, 199])
def test_a_status_that_is_not_final_is_not_a_success(operation: Operation, status: int) -> None:
    with pytest.raises(UnexpectedReplyError, match=f"HTTP {status} which is not a final status"):
        answer(operation, heard(status))


@pytest.mark.parametrize("operation", OPERATIONS, ids=by_name)
@pytest.mark.parametrize(
    "reply",
    [heard(200, THROTTLE), heard(200, b"{}", x_amzn_errortype="ThrottlingException")],
    ids=["body", "header"],
)
def test_a_200_in_the_error_format_is_an_unexpected_reply(
    operation: Operation, reply: WholeReply
) -> None:
    with pytest.raises(UnexpectedReplyError, match="HTTP 200 in the service's error format"):
        answer(operation, reply)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("operation", OPERATIONS, ids=by_name)
def test_a_redirect_is_a_failed_connection(operation: Operation, status: int) -> None:
    with pytest.raises(ConnectionFailedError) as caught:
        answer(operation, heard(status, b"", location="http://elsewhere.invalid/"))

    assert caught.value.request_sent is True
    assert "the endpoint redirects to http://elsewhere.invalid/" in str(caught.value)


def test_the_address_of_a_redirect_shows_no_secret() -> None:
    location = "https://user:password@elsewhere.invalid/?X-Amz-Signature=0abc"
    with pytest.raises(ConnectionFailedError, match=r"elsewhere\.invalid") as caught:
        answer(DESCRIBE_PLAN, heard(302, b"", location=location))

    for told in (str(caught.value), str(RedirectError(302, location))):
        assert "password" not in told
        assert "0abc" not in told


def test_a_redirect_without_a_location_is_a_failed_connection() -> None:
    with pytest.raises(ConnectionFailedError, match="the endpoint redirects to an unnamed address"):
        answer(DESCRIBE_PLAN, heard(302, b""))


@pytest.mark.parametrize("kind", ["null", "5", '""', "[]"])
def test_an_error_type_that_is_not_a_string_is_not_the_services_format(kind: str) -> None:
    raw = b'{"__type": %s, "message": "no"}' % kind.encode()

    with pytest.raises(UnexpectedReplyError, match="without the service's error format") as caught:
        answer(EXTEND_TRAINING_PLAN, heard(400, raw))
    assert caught.value.operation == "ExtendTrainingPlan"
    # It is not a success either.
    with pytest.raises(UnexpectedReplyError, match="in the service's error format"):
        answer(EXTEND_TRAINING_PLAN, heard(200, raw))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"__type":"Conflict","message":"small"}', "small"),
        (b'{"__type":"Conflict","Message":"large"}', "large"),
        (b'{"__type":"Conflict","message":"small","Message":"large"}', "small"),
        (b'{"__type":"Conflict"}', ""),
        (b"no \xff JSON", "no \\xff JSON"),
        (b"", ""),
    ],
)
def test_the_message_of_an_error_is_found_in_either_spelling(raw: bytes, message: str) -> None:
    with pytest.raises(ServiceError) as caught:
        answer(DESCRIBE_PLAN, heard(409, raw))

    assert caught.value.message == message


def test_a_redirect_says_what_to_check() -> None:
    with pytest.raises(ConnectionFailedError) as caught:
        answer(DESCRIBE_PLAN, heard(307, b"", location="http://elsewhere.invalid/"))

    assert str(caught.value).endswith("redirects are not followed; check endpoint_url")
    assert caught.value.operation == "DescribeEdgeDeploymentPlan"
