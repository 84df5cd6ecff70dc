"""Decides whether a request is sent again. ``DECISIONS`` is the whole table.

Two things decide: what is known of the failed attempt, and what a second send would do.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from sagemaker_plans._wire.operations import Operation, Safety
from sagemaker_plans.errors import (
    ConnectionFailedError,
    InternalServiceError,
    ThrottledError,
    UnexpectedReplyError,
)

_SUCCESS: Final = 2


class Happened(Enum):
    """What is known of an attempt that failed."""

    THROTTLED = "throttled"
    """The service had too many requests. This one had no effect."""
    NEVER_SENT = "never sent"
    """It is proven that the request was not sent."""
    AMBIGUOUS = "ambiguous"
    """5xx, reset, timeout, cut or unreadable reply: the request may have taken effect."""
    REFUSED = "refused"
    """The service, or this package, said no. The same request would be refused again."""


class Decision(Enum):
    """What to do after a failed attempt."""

    RETRY = "retry"
    LOOK = "look, then decide"
    """Look whether the attempt took effect; only then decide."""
    RAISE = "raise"


_RETRY, _LOOK, _RAISE = Decision
_ROWS: Final = {
    # READ, COMMAND, DELETE, CREATE, PURCHASE
    Happened.THROTTLED: (_RETRY, _RETRY, _RETRY, _RETRY, _RETRY),
    Happened.NEVER_SENT: (_RETRY, _RETRY, _RETRY, _RETRY, _RETRY),
    Happened.AMBIGUOUS: (_RETRY, _RETRY, _RETRY, _LOOK, _LOOK),
    Happened.REFUSED: (_RAISE, _RAISE, _RAISE, _RAISE, _RAISE),
}
DECISIONS: Final = MappingProxyType(
    {
        (happened, safety): decision
        for happened, row in _ROWS.items()
        for safety, decision in zip(Safety, row, strict=True)
    }
)
"""What to do, by what happened and by what a second send would do."""


def what_happened(error: BaseException) -> Happened:
    """Tell from an error what is known of the attempt that raised it.

    Args:
        error: What the attempt raised.

    Returns:
        What is known of the attempt.
    """
    if isinstance(error, ThrottledError):
        return Happened.THROTTLED
    if isinstance(error, ConnectionFailedError) and error.request_sent is False:
        return Happened.NEVER_SENT
    if isinstance(error, ConnectionFailedError | InternalServiceError | UnexpectedReplyError):
        return Happened.AMBIGUOUS
    return Happened.REFUSED


def decide(operation: Operation, error: BaseException) -> Decision:
    """Decide what to do after a failed attempt.

    Args:
        operation: What was attempted.
        error: What the attempt raised.

    Returns:
        What to do.
    """
    return DECISIONS[what_happened(error), operation.safety]


def is_the_services(error: UnexpectedReplyError) -> bool:
    """Tell whether the service itself sent a reply that cannot be read, as a success.

    Args:
        error: The error with the reply.

    Returns:
        Whether it did. Otherwise the reply may be cut off, or come from a proxy.
    """
    is_an_error = isinstance(error.reply, Mapping) and "__type" in error.reply
    is_success = error.http_status is not None and error.http_status // 100 == _SUCCESS
    return is_success and error.request_id is not None and not is_an_error
