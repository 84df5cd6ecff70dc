"""What is known of one request, who told it, and what follows from it.

=====================================  ==============================================
who tells                              what
=====================================  ==============================================
the HTTP session, which we observe     the request was handed over; its whole reply
the connection made for it alone       no connection could be made
the credentials, which we ask          there are none to sign with
botocore, of a stub or a fake          the reply that stood in for the service's
the gateway                            the call is over: nothing may be sent any more
=====================================  ==============================================

Nothing else counts. A hook, a wrapper or the client of another service may have raised
any exception, so the type of one proves nothing; and silence proves nothing either.
"""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final, Self

import anyio
from attrs import define, field, frozen

from sagemaker_plans._wire.operations import Operation
from sagemaker_plans.errors import ConfigurationError, ConnectionFailedError, SageMakerPlansError

CLOSED: Final = "this client is closed; make a new one"


class SecondSendError(Exception):
    """Somebody was about to send one request twice; it was held back."""


def current_task() -> int:
    """Give the id of the current task.

    Returns:
        The id.
    """
    return anyio.get_current_task().id


@frozen(kw_only=True, repr=False)
class HeardReply:
    """A whole reply to one request."""

    status: int
    """The HTTP status."""
    headers: Mapping[str, str]
    """The headers, with their names in lower case."""
    raw: bytes | None
    """The body; None if the reply never was on a wire (a stub's)."""
    parsed: Mapping[str, object] = field(factory=dict[str, object])
    """What botocore made of it; empty if botocore was not asked."""

    @property
    def request_id(self) -> str | None:
        """The id by which AWS support finds the request."""
        return self.headers.get("x-amzn-requestid")


@define(eq=False, repr=False)
class Evidence:
    """What is known of one request."""

    operation: Operation
    """What it asks for."""
    subject: object = None
    """The offering that it buys, or the name of what it creates."""
    is_closed: Callable[[], bool] = bool
    """Whether the client was closed, so that nothing may be sent any more."""
    is_over: bool = False
    """Whether the call that it belongs to has ended."""
    task: int | None = None
    """The task that waits for the call; None if it does not matter."""
    learn: Callable[[Any], None] | None = None
    """Told of the request as it is handed over; None if nobody wants to know."""
    tasks: set[int] = field(factory=set[int])
    """The tasks in which the client has begun with the request."""
    was_handed_over: bool = False
    """Whether an HTTP client has had it."""
    reply: HeardReply | None = None
    """Its whole reply, once that was heard."""
    # A wrapper may carry a call to several threads.
    _lock: Lock = field(factory=Lock)
    _kept_back_by: BaseException | None = None
    _kept_back: SageMakerPlansError | None = None

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        # A hook may copy a request's context; what is known of it must not become two.
        return self

    def hand_over(self) -> None:
        """Note that the request is about to be handed to an HTTP client.

        Raises:
            SecondSendError: If it was handed over before, or its call has ended.
            ConfigurationError: If the client was closed before it could be sent.
            Exception: What kept it from being sent the first time.
        """
        with self._lock:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._kept_back is not None:
            # A cancellation of then must not be raised again: nobody waits for it any more.
            raised = self._kept_back_by
            raise raised if isinstance(raised, Exception) else self._kept_back
        if self.was_handed_over or self.is_over:
            raise SecondSendError(
                f"{self.operation.name}: the client was about to send the request a second time, "
                "which was held back"
            )
        if self.is_closed():
            closed = ConfigurationError(CLOSED, operation=self.operation.name)
            self.keep_back(closed, closed)
            raise closed
        self.was_handed_over = True

    def begin(self) -> None:
        """Note that the client has begun with the request, in the current task."""
        if self.task is not None:
            self.tasks.add(current_task())

    @property
    def may_go_on(self) -> bool:
        """Whether somebody may still send the request, though its call has ended in doubt."""
        ends_with_the_call = self.tasks == {self.task}
        return not ends_with_the_call and self.reply is None and self._kept_back is None

    def hear(self, reply: HeardReply) -> None:
        """Note the whole reply. The first one counts.

        Args:
            reply: The reply.
        """
        self.reply = self.reply or reply

    def keep_back(self, raised: BaseException, told: SageMakerPlansError) -> None:
        """Note that the request was not sent, and never will be.

        It says nothing of a request that was handed over before: then it was only a second
        send that came to nothing, of a wrapper or a hook that tries again.

        Args:
            raised: The very exception that says so; only the call that ends with it, and
                with no other, was not sent.
            told: What the caller is told of it.
        """
        if not self.was_handed_over:
            self._kept_back_by, self._kept_back = raised, told

    def give_back(self, raised: BaseException, told: SageMakerPlansError) -> None:
        """Note that the HTTP client that has had the request provably did not send it.

        Args:
            raised: The very exception that says so, as in ``keep_back``.
            told: What the caller is told of it.
        """
        self._kept_back_by, self._kept_back = raised, told

    def unsent(self, ended_by: BaseException | None) -> SageMakerPlansError | None:
        """Give the error for a request that was provably never sent.

        Args:
            ended_by: The exception with which the call ended; None if our own time limit
                ended it.

        Returns:
            The error; None if it was sent or that is not known.
        """
        # After another exception, or after a time in which the call went on, somebody may
        # have done anything. A cancellation is what our own time limit looks like inside.
        if ended_by is None:
            is_certain = not isinstance(self._kept_back_by, Exception)
        else:
            is_certain = ended_by is self._kept_back_by or ended_by is self._kept_back
        return self._kept_back if is_certain else None

    @property
    def request_sent(self) -> bool | None:
        """True if a reply came, None if that cannot be known."""
        return None if self.reply is None else True

    def lost(self, words: str) -> ConnectionFailedError:
        """Make the error for a request of which nothing is known.

        Args:
            words: What happened instead of a reply.

        Returns:
            The error.
        """
        return ConnectionFailedError(
            f"{self.operation.name}: {words}",
            request_sent=self.request_sent,
            operation=self.operation.name,
        )
