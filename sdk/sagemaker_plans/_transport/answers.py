"""What a whole reply says: a success, a refusal, or nothing that the service would say."""

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from sagemaker_plans._transport.evidence import HeardReply
from sagemaker_plans._transport.service_errors import service_error
from sagemaker_plans._wire.operations import Operation, Safety
from sagemaker_plans._wire.replies import unexpected
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import ConnectionFailedError, ServiceError, UnexpectedReplyError

_SUCCESS: Final = 2
_REDIRECT: Final = 3
_SERVER_FAULT: Final = 5
_NEEDS_PROOF: Final = frozenset({Safety.CREATE, Safety.PURCHASE})


def answer(
    operation: Operation, heard: HeardReply, parsed: Mapping[str, object] | None = None
) -> Reply:
    """Read a whole reply.

    Args:
        operation: What was asked.
        heard: The reply.
        parsed: What the client returned for it, if it did; else the body is parsed here.

    Returns:
        The reply, if it says that the request was carried out.

    Raises:
        ServiceError: If the service said no.
        ConnectionFailedError: If it redirects; redirects are not followed.
        UnexpectedReplyError: If it is nothing that the service would say.
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
    )
    kind = heard.status // 100
    if kind == _REDIRECT:
        location = heard.headers.get("location", "nowhere")
        raise ConnectionFailedError(
            f"{operation.name}: no whole reply came: it redirects to {location}, and requests are "
            "not sent elsewhere; check endpoint_url",
            request_sent=True,
            operation=operation.name,
        )
    is_error = _in_error_form(heard, said)
    if kind > _REDIRECT:
        # A proxy that has forwarded a request may say no in words of its own. A 5xx is
        # doubt, whoever says it.
        if operation.safety in _NEEDS_PROOF and not is_error and kind < _SERVER_FAULT:
            problem = f"HTTP {heard.status} without the form in which the service says no"
            raise _foreign(reply, problem)
        raise _error(operation, heard, said)
    is_error = is_error or "__type" in said
    if kind != _SUCCESS or is_error:
        problem = "in the form of an error" if is_error else "which is no final success"
        raise _foreign(reply, f"HTTP {heard.status} {problem}")
    return reply


def _in_error_form(heard: HeardReply, said: Mapping[str, object]) -> bool:
    """Tell whether a reply has the form in which the service says no."""
    is_stub = "Error" in heard.parsed
    kind = said.get("__type")
    is_named = isinstance(kind, str) and bool(kind)
    return is_stub or is_named or "x-amzn-errortype" in heard.headers


def _foreign(reply: Reply, problem: str) -> UnexpectedReplyError:
    """Make the error for a reply that the service would not give."""
    plain = unexpected(reply, (problem,))
    return UnexpectedReplyError(
        f"the reply to {reply.operation.name} is none that the service gives: {problem}",
        problems=plain.problems,
        reply=plain.reply,
        operation=plain.operation,
        http_status=plain.http_status,
        request_id=plain.request_id,
    )


def _error(operation: Operation, heard: HeardReply, said: Mapping[str, Any]) -> ServiceError:
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
        Its members; None if it is no JSON object.
    """
    try:
        parsed: object = json.loads(raw or b"")
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, Any]", parsed) if isinstance(parsed, dict) else None


def is_unreadable(heard: HeardReply) -> bool:
    """Tell whether a body is something else than a JSON object.

    Args:
        heard: The reply.

    Returns:
        Whether it is.
    """
    return bool(heard.raw) and json_object(heard.raw) is None


def without_metadata(parsed: Mapping[str, object]) -> Mapping[str, object]:
    """Take what botocore adds out of a parsed reply.

    Args:
        parsed: What a method of a client returned.

    Returns:
        The members of the reply.
    """
    return {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
