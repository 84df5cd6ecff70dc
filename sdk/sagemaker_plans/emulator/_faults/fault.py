"""What can go wrong with a request or its reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import attrs

from sagemaker_plans.emulator._faults import reply_changes
from sagemaker_plans.emulator._faults.gate import Gate

Delivery: TypeAlias = Literal["whole", "hang", "fin", "rst", "cut", "drip"]
"""What becomes of the reply's bytes."""

_HTML = b"<!DOCTYPE html><html><body><h1>Sorry, we are down for maintenance.</h1></body></html>"


_LONGEST: Final = 1e9
# Seconds: thirty years.


def _header_text(code: object) -> str:
    if not isinstance(code, str):
        raise ValueError(f"code is a text such as 'ResourceInUse', not {code!r}")  # noqa: TRY004
    if not code.isprintable():
        raise ValueError(f"the code of an error is printable, for a header, unlike {code!r}")
    return code


def _header_seconds(seconds: float | None) -> float | None:
    if seconds is not None and not -_LONGEST <= seconds <= _LONGEST:
        raise ValueError(f"retry_after must be a number of seconds, up to a billion: {seconds!r}")
    return seconds


def _duration(seconds: float) -> float:
    if not 0 <= seconds <= _LONGEST:
        raise ValueError(f"seconds must be zero or more, up to a billion, not {seconds!r}")
    return seconds


@attrs.frozen(kw_only=True)
class InjectedError:
    """An error reply that a fault sends."""

    code: str = attrs.field(converter=_header_text)
    message: str
    status: int = 400
    retry_after: float | None = attrs.field(default=None, converter=_header_seconds)
    """Seconds of a `Retry-After` header; negative ones are a fault too."""


@attrs.frozen(kw_only=True)
class Fault:
    """One way in which a request fails; made by the class methods.

    `committed` tells whether the operation is carried out before things go wrong.
    Durations are real seconds, not those of the emulator's clock: they are the
    network's.
    """

    name: str
    """As in `RecordedRequest.fault`."""

    committed: bool = True
    delivery: Delivery = "whole"
    seconds: float = attrs.field(default=0.0, converter=_duration)
    """The delay of the whole reply, or of each byte where it drips."""

    gate: Gate | None = None
    """What the reply waits for."""

    answer: InjectedError | None = None
    """What is sent instead of the right reply."""

    change: reply_changes.Change | None = None
    """What is done to the right reply."""

    damage: Callable[[bytes], bytes] | None = None
    """What is done to the reply's body."""

    content_type: str = "application/x-amz-json-1.1"

    @classmethod
    def throttle(cls, *, retry_after: float | None = None) -> Fault:
        """Answer "Rate exceeded", byte for byte as SageMaker does.

        Args:
            retry_after: Seconds of a `Retry-After` header, which is left out if None.
        """
        answer = InjectedError(
            code="ThrottlingException", message="Rate exceeded", retry_after=retry_after
        )
        return cls(name="throttle", committed=False, answer=answer)

    @classmethod
    def error(
        cls, code: str, message: str = "", *, status: int = 400, committed: bool = False
    ) -> Fault:
        """Answer with any error.

        Args:
            code: The AWS error code.
            message: The message that goes with it.
            status: The HTTP status, 400 to 599.
            committed: Whether the operation is carried out all the same.

        Raises:
            ValueError: `status` is not that of an error, or `code` not printable text.
        """
        if not 400 <= status <= 599:  # noqa: PLR2004 - the range of HTTP errors
            raise ValueError(f"the status of an error is between 400 and 599, not {status!r}")
        answer = InjectedError(code=code, message=message, status=status)
        return cls(name="error", committed=committed, answer=answer)

    @classmethod
    def internal_failure(cls, *, committed: bool = False) -> Fault:
        """Answer 500 InternalFailure."""
        answer = InjectedError(
            code="InternalFailure",
            message="The request processing has failed because of an unknown error.",
            status=500,
        )
        return cls(name="internal_failure", committed=committed, answer=answer)

    @classmethod
    def service_unavailable(
        cls, *, retry_after: float | None = None, committed: bool = False
    ) -> Fault:
        """Answer 503 ServiceUnavailable.

        Args:
            retry_after: Seconds of a `Retry-After` header, which is left out if None.
            committed: Whether the operation is carried out all the same.
        """
        answer = InjectedError(
            code="ServiceUnavailable",
            message="The request has failed due to a temporary failure of the server.",
            status=503,
            retry_after=retry_after,
        )
        return cls(name="service_unavailable", committed=committed, answer=answer)

    @classmethod
    def not_found_as_validation(cls, message: str = "Requested resource not found.") -> Fault:
        """Answer "not found" the way SageMaker often does, as a ValidationException."""
        answer = InjectedError(code="ValidationException", message=message)
        return cls(name="not_found_as_validation", committed=False, answer=answer)

    @classmethod
    def latency(cls, seconds: float) -> Fault:
        """Carry the operation out at once, and reply so much later.

        Raises:
            ValueError: `seconds` is negative or not finite.
        """
        return cls(name="latency", seconds=seconds)

    @classmethod
    def wait_until(cls, gate: Gate, *, committed: bool = True) -> Fault:
        """Hold the reply back until the test opens the gate.

        Args:
            gate: What the test opens; one gate can hold any number of replies.
            committed: Carry the operation out before the wait, instead of not at all (the
                client then gets a 503 when the gate opens).
        """
        if committed:
            return cls(name="wait_until", gate=gate)
        return attrs.evolve(cls.service_unavailable(), name="wait_until", gate=gate)

    @classmethod
    def hang(cls, *, committed: bool = False) -> Fault:
        """Never reply; the connection stays open until the client gives up."""
        return cls(name="hang", committed=committed, delivery="hang")

    @classmethod
    def disconnect(cls, how: Literal["fin", "rst"] = "fin", *, committed: bool = False) -> Fault:
        """End the connection without a byte of a reply.

        Args:
            how: "fin" closes it in order, "rst" resets it.
            committed: Whether the operation is carried out before.

        Raises:
            ValueError: `how` is neither.
        """
        if how not in {"fin", "rst"}:
            raise ValueError(f"how is 'fin' or 'rst', not {how!r}")
        return cls(name=f"disconnect_{how}", committed=committed, delivery=how)

    @classmethod
    def drip(cls, seconds: float = 0.01) -> Fault:
        """Send the right reply byte by byte, with so many seconds before each.

        Raises:
            ValueError: `seconds` is negative or not finite.
        """
        return cls(name="drip", delivery="drip", seconds=seconds)

    @classmethod
    def cut_body(cls) -> Fault:
        """Promise the whole reply in Content-Length, send half of it and close."""
        return cls(name="cut_body", delivery="cut")

    @classmethod
    def truncated_json(cls) -> Fault:
        """Send half of the reply's JSON, with a Content-Length that fits the half."""
        return cls(name="truncated_json", damage=lambda body: body[: max(1, len(body) // 2)])

    @classmethod
    def not_json(cls) -> Fault:
        """Send a page of HTML with status 200."""
        return cls(name="not_json", damage=lambda _body: _HTML, content_type="text/html")

    @classmethod
    def empty_object(cls) -> Fault:
        """Send `{}` with status 200."""
        return cls(name="empty_object", change=reply_changes.emptied)

    @classmethod
    def missing_member(cls, member: str) -> Fault:
        """Leave a member out of the reply, wherever it occurs."""
        return cls(name="missing_member", change=reply_changes.without(member))

    @classmethod
    def empty_page(cls) -> Fault:
        """Send a page without items whose token leads to the items held back."""
        return cls(name="empty_page", change=reply_changes.without_items)

    @classmethod
    def repeated_token(cls) -> Fault:
        """Send the page with the very token that asked for it.

        The first page has none: its token leads to the first page, so that with
        `times=None` the token is seen twice after two pages.
        """
        return cls(name="repeated_token", change=reply_changes.repeating_token)

    @classmethod
    def unknown_enum_value(
        cls, value: str = "STATUS_OF_TOMORROW", *, member: str = "StageStatus"
    ) -> Fault:
        """Give a member a value that today's model does not list.

        Args:
            value: The new value.
            member: The member, wherever it occurs.
        """
        return cls(name="unknown_enum_value", change=reply_changes.replacing(member, value))

    @classmethod
    def unknown_member(cls) -> Fault:
        """Put a member that today's model does not have into every structure."""
        return cls(name="unknown_member", change=reply_changes.with_new_members)

    @property
    def only_paged(self) -> bool:
        """Whether it makes sense for paged operations alone."""
        return self.change in {reply_changes.without_items, reply_changes.repeating_token}
