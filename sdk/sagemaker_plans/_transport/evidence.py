"""What is known about one request, where we know it from, and what follows from it.

=====================================  ==============================================
source                                 fact
=====================================  ==============================================
the HTTP session, which we observe     the request was handed over; its whole reply
the request's own connection           no connection could be made
the credentials, which we ask for      there are none to sign with
botocore, for a stub or a fake         a reply to a request that was not handed over
the gateway                            the call is over: nothing may be sent any more
=====================================  ==============================================

Nothing else counts. A hook, a wrapper or the client of another service may raise any
exception, so the type of an exception proves nothing. That no source reported anything
proves nothing either.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Lock
from types import MappingProxyType
from typing import Any, Final, Self

from attrs import define, field, frozen

from sagemaker_plans._wire.operations import Operation
from sagemaker_plans.errors import ConfigurationError, ConnectionFailedError, SageMakerPlansError

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_ANOTHER_TASK: Final = 0
CLOSED: Final = "this client is closed; make a new one"


class SecondSendError(Exception):
    """The client was about to send one request twice. The second one was not sent."""


def current_task() -> int:
    """Give the id of the current task.

    Returns:
        The id.
    """
    import anyio  # noqa: PLC0415  # reads do not need it

    return anyio.get_current_task().id


@frozen(kw_only=True, repr=False)
class WholeReply:
    """A whole reply to one request."""

    status: int
    """The HTTP status."""
    headers: Mapping[str, str]
    """The headers, with their names in lower case."""
    raw: bytes | None
    """The body; None for the reply of a stub, which has no bytes."""
    parsed: Mapping[str, object] = _NOTHING
    """The reply as botocore parsed it; empty if botocore did not parse it."""

    @property
    def request_id(self) -> str | None:
        """The id by which AWS support finds the request."""
        return self.headers.get("x-amzn-requestid")


@define(eq=False, repr=False)
class Evidence:
    """What is known about one request."""

    operation: Operation
    """The operation that the request calls."""
    members: Mapping[str, object] = field(default=_NOTHING)
    """The members of a request that creates or buys."""
    is_closed: Callable[[], bool] = bool
    """Whether the client was closed, so that nothing may be sent any more."""
    send_by: datetime | None = None
    """The request must not be sent if it is signed later than this; None for no limit."""
    is_over: bool = False
    """Whether the call that made the request has ended."""
    task: int | None = None
    """The id of the task that waits for the call; None if it does not matter."""
    learn: Callable[[Any], list[Any]] | None = None
    """Called with the request as it is handed over. It gives a list for what the HTTP session
    makes of it. None if nobody wants to know."""
    tasks: set[int] = field(factory=set)  # pyright: ignore[reportUnknownVariableType]  # set[int] takes three times as long to call
    """The ids of the tasks in which the client has started to process the request."""
    was_handed_over: bool = False
    """Whether the request was given to an HTTP client."""
    heard: WholeReply | None = None
    """The whole reply that the HTTP session heard."""
    told: WholeReply | None = None
    """The latest reply that botocore told, whoever gave it: a hook of the user may do so."""
    parsed_by_client: Mapping[str, object] | None = None
    """What the client parsed, before the user's hooks saw it; None if it parsed nothing."""
    # A wrapper may run a call in several threads.
    _lock: Lock = field(factory=Lock)
    _unsent_because: BaseException | None = None
    _unsent_error: SageMakerPlansError | None = None

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        # A hook may copy a request's context. There must still be one evidence for it.
        return self

    def hand_over(self) -> None:
        """Note that the request is about to be given to an HTTP client.

        Raises:
            SecondSendError: If the request was handed over before, or its call has ended.
            ConfigurationError: If the client was closed before the request could be sent.
            Exception: The exception that prevented the first send, if there was one.
        """
        with self._lock:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._unsent_error is not None:
            # An old cancellation must not be raised again: its cancel scope is gone.
            raised = self._unsent_because
            raise raised if isinstance(raised, Exception) else self._unsent_error
        if self.was_handed_over or self.is_over:
            raise SecondSendError(
                f"{self.operation.name}: the client was about to send the request a second time; "
                "the second one was not sent"
            )
        if self.is_closed():
            closed = ConfigurationError(CLOSED, operation=self.operation.name)
            self.note_never_handed_over(closed, closed)
            raise closed
        self.was_handed_over = True

    @property
    def subject(self) -> object:
        """The offering that the request buys, or the name of the plan that it creates."""
        return self.members.get(self.operation.members[0])

    def begin(self) -> None:
        """Note that the client has started to process the request in the current task."""
        if self.task is not None:
            self.tasks.add(current_task())

    def begin_elsewhere(self) -> None:
        """Note that code of the user may send the request in another task."""
        self.tasks.add(_ANOTHER_TASK)

    @property
    def may_go_on(self) -> bool:
        """Whether another task may still send the request, although its call has ended."""
        ends_with_the_call = self.tasks == {self.task}
        return not ends_with_the_call and self.reply is None and self._unsent_error is None

    @property
    def reply(self) -> WholeReply | None:
        """The whole reply that counts; None if there is none.

        What the HTTP session heard wins. A hook may answer before or after the request was sent.
        So once what creates or buys was sent, nobody else's reply tells what became of it.
        """
        was_sent = self.was_handed_over and self._unsent_error is None
        may_have_arrived = was_sent and self.operation.is_sent_once
        return self.heard if may_have_arrived else self.heard or self.told

    def note_reply(self, reply: WholeReply) -> None:
        """Note the whole reply that the HTTP session heard. Only the first one counts.

        Args:
            reply: The reply.
        """
        self.heard = self.heard or reply

    def note_told(self, reply: WholeReply) -> None:
        """Note a reply that botocore told.

        Args:
            reply: The reply. If it has no bytes, it is one whose bytes were told before.
        """
        if reply.raw is not None or self.told is None or self.told.raw is None:
            self.told = reply

    def note_never_handed_over(self, raised: BaseException, error: SageMakerPlansError) -> None:
        """Note that the request was not sent, and that it will not be sent.

        This has no effect if the request was handed over before. Then a wrapper or a hook
        tried to send it again, and only that second send failed.

        Args:
            raised: The exception that prevented the send. The request counts as not sent
                only if the call ends with this very exception.
            error: The error for the caller.
        """
        if not self.was_handed_over:
            self._unsent_because, self._unsent_error = raised, error

    def note_handed_over_unsent(self, raised: BaseException, error: SageMakerPlansError) -> None:
        """Note that the HTTP client got the request, but provably did not send it.

        Args:
            raised: The exception that proves it, as in ``note_never_handed_over``.
            error: The error for the caller.
        """
        self._unsent_because, self._unsent_error = raised, error

    def unsent(self, ended_by: BaseException | None) -> SageMakerPlansError | None:
        """Give the error for a request that was provably never sent.

        Args:
            ended_by: The exception with which the call ended; None if our own time limit
                ended it.

        Returns:
            The error; None if the request was sent, or if that is not known.
        """
        # If the call went on, or raised another exception, a wrapper may have sent the
        # request by other means. Our own time limit appears inside the call as a
        # cancellation, so a cancellation that prevented the send is proof then.
        if ended_by is None:
            is_certain = not isinstance(self._unsent_because, Exception)
        else:
            is_certain = ended_by is self._unsent_because or ended_by is self._unsent_error
        return self._unsent_error if is_certain else None

    @property
    def request_sent(self) -> bool | None:
        """True if a reply came; None if it is not known whether the request was sent."""
        return None if self.reply is None else True

    def lost(self, words: str) -> ConnectionFailedError:
        """Make the error for a request that may or may not have arrived.

        Args:
            words: What happened instead of a reply, for the message.

        Returns:
            The error.
        """
        return ConnectionFailedError(
            f"{self.operation.name}: {words}",
            request_sent=self.request_sent,
            operation=self.operation.name,
        )
