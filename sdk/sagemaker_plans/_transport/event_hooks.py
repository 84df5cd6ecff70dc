"""Listening to a botocore client: what becomes of our own calls, and of no others."""

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final, Protocol, final

from sagemaker_plans._transport.exception_mapping import Trace
from sagemaker_plans._transport.service_model import SERVICE
from sagemaker_plans._wire.operations import OPERATIONS

TRACE: Final[ContextVar[Trace | None]] = ContextVar("sagemaker_plans_trace", default=None)
"""The trace of the call that is under way; None in calls that are not ours."""

_SIGNED: Final = "request-created"


class Events(Protocol):
    """The events of a botocore client."""

    def register_first(
        self, event_name: str, handler: Callable[..., object], unique_id: str
    ) -> None:
        """Let a handler be the first to hear of an event."""
        ...

    def register_last(
        self, event_name: str, handler: Callable[..., object], unique_id: str
    ) -> None:
        """Let a handler be the last to hear of an event."""
        ...

    def unregister(
        self, event_name: str, *, handler: Callable[..., object], unique_id: str
    ) -> None:
        """Let a handler hear no more of an event."""
        ...


def _trace(event_name: str) -> Trace | None:
    # A hook of the user's may make calls of its own meanwhile.
    trace = TRACE.get()
    is_ours = trace is not None and trace.operation == event_name.rpartition(".")[2]
    return trace if is_ours else None


def _note_signed(event_name: str, **_: object) -> None:
    if trace := _trace(event_name):
        trace.signed = True


def _note_sending(request: object, event_name: str, **_: object) -> None:
    if trace := _trace(event_name):
        trace.send(request)


def _note_reply(response_dict: Mapping[str, Any], event_name: str, **_: object) -> None:
    if trace := _trace(event_name):
        trace.raw = response_dict["body"]
        trace.status = response_dict["status_code"]
        trace.request_id = response_dict["headers"].get("x-amzn-requestid")


def _hold_back_retry(event_name: str, **_: object) -> bool | None:
    # False ends botocore's own retries; None leaves calls that are not ours alone.
    return None if _trace(event_name) is None else False


def _handlers() -> Iterator[tuple[str, Callable[..., object]]]:
    # By operation: handlers of a whole service are called after those of an operation, and
    # one of these may carry the request itself.
    for operation in OPERATIONS:
        yield f"before-send.{SERVICE}.{operation.name}", _note_sending
        yield f"before-parse.{SERVICE}.{operation.name}", _note_reply
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
        # Behind all that prepare and sign, and before all that may send.
        events.register_last(_SIGNED, _note_signed, unique_id=self._id_for(_SIGNED))

    def _id_for(self, event: str) -> str:
        # One client may have several listeners, each to be released by itself.
        return f"sagemaker-plans-{id(self)}-{event}"

    def release(self) -> None:
        """Leave the client as it was found."""
        for event, handler in (*_handlers(), (_SIGNED, _note_signed)):
            self._events.unregister(event, handler=handler, unique_id=self._id_for(event))
