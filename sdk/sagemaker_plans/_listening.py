"""Listening to a botocore client: what becomes of our own calls, and of no others."""

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final, Protocol, final

from sagemaker_plans._failures import Trace
from sagemaker_plans._operations import OPERATIONS
from sagemaker_plans._service_model import SERVICE

TRACE: Final[ContextVar[Trace | None]] = ContextVar("sagemaker_plans_trace", default=None)
"""The trace of the call that is under way; None in calls that are not ours."""


class Events(Protocol):
    """The events of a botocore client."""

    def register_first(
        self, event_name: str, handler: Callable[..., object], unique_id: str
    ) -> None:
        """Let a handler be the first to hear of an event."""
        ...

    def unregister(
        self, event_name: str, *, handler: Callable[..., object], unique_id: str
    ) -> None:
        """Let a handler hear no more of an event."""
        ...


def _note_sending(request: object, **_: object) -> None:
    if trace := TRACE.get():
        trace.send(request)


def _note_reply(response_dict: Mapping[str, Any], **_: object) -> None:
    if trace := TRACE.get():
        trace.raw = response_dict["body"]
        trace.status = response_dict["status_code"]
        trace.request_id = response_dict["headers"].get("x-amzn-requestid")


def _hold_back_retry(**_: object) -> bool | None:
    # False ends botocore's own retries; None leaves calls that are not ours alone.
    return None if TRACE.get() is None else False


def _handlers() -> Iterator[tuple[str, Callable[..., object]]]:
    yield f"before-send.{SERVICE}", _note_sending
    yield f"before-parse.{SERVICE}", _note_reply
    for operation in OPERATIONS:
        yield f"needs-retry.{SERVICE}.{operation.name}", _hold_back_retry


@final
class Listener:
    """Traces our calls through a client, and holds back its own retries of them.

    Args:
        events: The client's events.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        for event, handler in _handlers():
            events.register_first(event, handler, unique_id=self._id_for(event))

    def _id_for(self, event: str) -> str:
        # One client may have several listeners, each to be released by itself.
        return f"sagemaker-plans-{id(self)}-{event}"

    def release(self) -> None:
        """Leave the client as it was found."""
        for event, handler in _handlers():
            self._events.unregister(event, handler=handler, unique_id=self._id_for(event))
