"""Reads the reply of each operation of edge deployment plans into a model.

What reads a reply, and json, are imported when the first reply is read. A program that only
imports the package does not need them.
"""

from collections.abc import Mapping
from typing import TypeVar

from sagemaker_plans._wire.redaction import redacted
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import UnexpectedReplyError
from sagemaker_plans.models._validation import shown

T = TypeVar("T")


def read_as(cls: type[T], reply: Reply) -> T:
    """Read a reply.

    Args:
        cls: The class of the model that the reply is read into.
        reply: The reply.

    Returns:
        The model.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    # These two names cost a third of the time that names in the modules would cost.
    from sagemaker_plans._wire import reading, values

    try:
        return reading.read(cls, reply.body)
    except values.MisfitsError as error:
        misfits = error
    # If a secret was removed from the message, the cause would still show it.
    text = "".join(misfits.problems)
    failure = unexpected(reply, misfits.problems)
    raise failure from (misfits if redacted(text) == text else None)


def unexpected(reply: Reply, problems: tuple[str, ...]) -> UnexpectedReplyError:
    """Make the error for a reply that does not fit, with the whole reply in it.

    Args:
        reply: The reply.
        problems: What does not fit; ignored if the reply is not a JSON object.

    Returns:
        The error.
    """
    members = reply.body if reply.text is None else _json_object(reply.text)
    if members is None:
        text = redacted(reply.text or "")
        problems = (f"reply: expected a JSON object, got {shown(text)}",)
    return UnexpectedReplyError(
        f"the reply to {reply.operation.name} does not fit the service's model",
        problems=tuple(map(redacted, problems)),
        reply=reply.text if members is None else dict(members),
        operation=reply.operation.name,
        http_status=reply.http_status,
        request_id=reply.request_id,
    )


def _json_object(text: str) -> Mapping[str, object] | None:
    import json

    try:
        found: Mapping[str, object] | list[object] | str | float | None = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def read_created(reply: Reply) -> str:
    """Read a reply of CreateEdgeDeploymentPlan.

    Args:
        reply: The reply.

    Returns:
        The new plan's ARN.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    from sagemaker_plans._wire.structures import Created

    return read_as(Created, reply).arn


def read_done(reply: Reply) -> None:
    """Read a reply without members, of an operation that starts, stops, adds or deletes.

    Args:
        reply: The reply.

    Raises:
        UnexpectedReplyError: If the reply is neither empty nor a JSON object, so it did not
            come from the service.
    """
    if reply.text is None or not reply.text.strip():
        return
    if _json_object(reply.text) is None:
        raise unexpected(reply, ())
