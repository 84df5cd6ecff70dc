"""Whether a request is sent again: what happened, and what a second send would do.

Nothing else decides it. ``DECISIONS`` is the whole table.
"""

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


class Happened(Enum):
    """What is known of an attempt that failed."""

    THROTTLED = "throttled"
    """The service turned it away; it had no effect."""
    NEVER_SENT = "never sent"
    """It provably never left."""
    AMBIGUOUS = "ambiguous"
    """5xx, reset, timeout, cut or unreadable reply: it may have had its effect."""
    REFUSED = "refused"
    """The service, or this package, said no; saying it again changes nothing."""


class Decision(Enum):
    """What to do after an attempt that failed."""

    RETRY = "retry"
    LOOK = "look, then decide"
    RAISE = "raise"


_RETRY, _LOOK, _RAISE = Decision
_ROWS: Final = {
    # READ, COMMAND, CREATE, PURCHASE
    Happened.THROTTLED: (_RETRY, _RETRY, _RETRY, _RETRY),
    Happened.NEVER_SENT: (_RETRY, _RETRY, _RETRY, _RETRY),
    Happened.AMBIGUOUS: (_RETRY, _RETRY, _LOOK, _LOOK),
    Happened.REFUSED: (_RAISE, _RAISE, _RAISE, _RAISE),
}
DECISIONS: Final = MappingProxyType(
    {
        (happened, safety): decision
        for happened, row in _ROWS.items()
        for safety, decision in zip(Safety, row, strict=True)
    }
)
"""What to do, by what happened and what a second send would do."""


def what_happened(error: BaseException) -> Happened:
    """Say what is known of an attempt, from the facts of its error.

    Args:
        error: What the attempt raised.

    Returns:
        What is known.
    """
    if isinstance(error, ThrottledError):
        return Happened.THROTTLED
    if isinstance(error, ConnectionFailedError) and error.request_sent is False:
        return Happened.NEVER_SENT
    if isinstance(error, ConnectionFailedError | InternalServiceError | UnexpectedReplyError):
        return Happened.AMBIGUOUS
    return Happened.REFUSED


def decide(operation: Operation, error: BaseException) -> Decision:
    """Say what to do after an attempt that failed.

    Args:
        operation: What was attempted.
        error: What the attempt raised.

    Returns:
        What to do.
    """
    return DECISIONS[what_happened(error), operation.safety]
