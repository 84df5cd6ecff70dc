"""Decides whether a whole reply is a success, a service error, or not from the service."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast

from sagemaker_plans._transport.evidence import WholeReply
from sagemaker_plans._transport.service_errors import service_error
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.redaction import redacted
from sagemaker_plans._wire.replies import unexpected
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import ConnectionFailedError, ServiceError, UnexpectedReplyError

_SUCCESS: Final = 2
_REDIRECT: Final = 3
_SERVER_FAULT: Final = 5


def answer(
    operation: Operation, heard: WholeReply, parsed: Mapping[str, object] | None = None
) -> Reply:
    """Read a whole reply.

    Args:
        operation: The operation that was called.
        heard: The reply.
        parsed: What the client's method returned; None if it returned nothing. Then this
            function parses the body.

    Returns:
        The reply, if it says that the request was carried out.

    Raises:
        ServiceError: If the service answered with an error.
        ConnectionFailedError: If the reply is a redirect. Redirects are not followed.
        UnexpectedReplyError: If the service never sends such a reply.
    """
    said = json_object(heard.raw) or {}
    if parsed is None and heard.raw is None:
        parsed = heard.parsed
    body = said if parsed is None else without_metadata(parsed)
    reply = Reply(
        operation=operation,
        body=body,
        raw=heard.raw,
        http_status=heard.status,
        request_id=heard.request_id,
        date=heard.headers.get("date"),
    )
    kind = heard.status // 100
    if kind == _REDIRECT:
        location = redacted(heard.headers.get("location", "an unnamed address"))
        raise ConnectionFailedError(
            f"{operation.name}: no whole reply came: the endpoint redirects to {location}, and "
            "redirects are not followed; check endpoint_url",
            request_sent=True,
            operation=operation.name,
        )
    is_error = _in_error_form(heard, said)
    if kind > _REDIRECT:
        # A proxy may forward a request and then answer 4xx in its own format, so such an
        # answer does not prove a refusal. A 5xx leaves the outcome open in any format.
        if operation.is_sent_once and not is_error and kind < _SERVER_FAULT:
            problem = f"HTTP {heard.status} without the service's error format"
            raise _foreign(reply, problem)
        raise _error(operation, heard, said)
    is_error = is_error or "__type" in said
    if kind != _SUCCESS or is_error:
        problem = "in the service's error format" if is_error else "which is not a final status"
        raise _foreign(reply, f"HTTP {heard.status} {problem}")
    return reply


def _in_error_form(heard: WholeReply, said: Mapping[str, object]) -> bool:
    """Tell whether a reply has the service's error format."""
    is_stub = "Error" in heard.parsed
    kind = said.get("__type")
    is_named = isinstance(kind, str) and bool(kind)
    return is_stub or is_named or "x-amzn-errortype" in heard.headers


def _foreign(reply: Reply, problem: str) -> UnexpectedReplyError:
    """Make the error for a reply that the service never sends."""
    plain = unexpected(reply, (problem,))
    return UnexpectedReplyError(
        f"the reply to {reply.operation.name} is not one that the service sends: {problem}",
        problems=plain.problems,
        reply=plain.reply,
        operation=plain.operation,
        http_status=plain.http_status,
        request_id=plain.request_id,
    )


def _error(operation: Operation, heard: WholeReply, said: Mapping[str, Any]) -> ServiceError:
    stubbed = cast("Mapping[str, object]", heard.parsed.get("Error", {}))
    text = heard.raw.decode(errors="backslashreplace") if heard.raw else ""
    words = said.get("message", said.get("Message", "" if said else text))
    code = said.get("__type") or stubbed.get("Code") or heard.status
    return service_error(
        operation.name,
        code=str(code),
        message=str(stubbed.get("Message", words)),
        http_status=heard.status,
        headers=heard.headers,
        request_id=heard.request_id,
    )


def json_object(raw: bytes | None) -> Mapping[str, Any] | None:
    """Parse a body.

    Args:
        raw: The body.

    Returns:
        Its members; None if it is not a JSON object.
    """
    try:
        parsed: object = json.loads(raw or b"")
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, Any]", parsed) if isinstance(parsed, dict) else None


def is_unreadable(heard: WholeReply) -> bool:
    """Tell whether a reply has a body that is not a JSON object.

    Args:
        heard: The reply.

    Returns:
        Whether it has. False for an empty body.
    """
    return bool(heard.raw) and json_object(heard.raw) is None


def is_plain_reading(heard: WholeReply, parsed: Mapping[str, object]) -> bool:
    """Tell whether a parsed reply says nothing but what the bytes of the reply say.

    Then the bytes are read instead, so that a reply to a read means the same whether botocore
    has parsed it or not. With its whole model of the service botocore leaves nulls out, and
    makes empty collections of other empty values.

    Args:
        heard: The reply.
        parsed: What a method of a botocore client returned for it.

    Returns:
        False if there are no bytes, or if somebody changed the bytes before botocore parsed
        them, or the result: the parsed reply is what the user wants to see then.
    """
    said = json_object(heard.raw) or {}
    return heard.raw is not None and _is_within(without_metadata(parsed), said)


def _is_within(parsed: object, said: object) -> bool:
    if isinstance(parsed, Mapping) and isinstance(said, Mapping):
        members = cast("Mapping[str, object]", parsed)
        all_said = cast("Mapping[str, object]", said)
        return all(
            name in all_said and _is_within(value, all_said[name])
            for name, value in members.items()
        )
    if isinstance(parsed, list) and isinstance(said, list):
        values, others = cast("list[object]", parsed), cast("list[object]", said)
        return len(values) == len(others) and all(map(_is_within, values, others))
    if isinstance(parsed, datetime) and isinstance(said, int | float):
        return parsed.timestamp() == said
    return parsed == said or isinstance(parsed, datetime) or not (parsed or said)


def without_metadata(parsed: Mapping[str, object]) -> Mapping[str, object]:
    """Remove the metadata that botocore adds to a parsed reply.

    Args:
        parsed: What a method of a botocore client returned.

    Returns:
        The members of the reply.
    """
    return {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
