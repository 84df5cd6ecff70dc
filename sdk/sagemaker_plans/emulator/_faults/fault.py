"""What can go wrong with a request or its reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import attrs

from sagemaker_plans.emulator._faults import reply_changes
from sagemaker_plans.emulator._faults.gate import Gate
from sagemaker_plans.emulator._wire.number_types import real_number, whole_number

Delivery: TypeAlias = Literal["whole", "hang", "fin", "rst", "cut", "drip"]
"""How the reply's bytes are sent, or why they are not."""

_HTML = b"<!DOCTYPE html><html><body><h1>Sorry, we are down for maintenance.</h1></body></html>"

_LONGEST: Final = 1e9  # seconds, about thirty years


def _header_text(code: object) -> str:
    if not isinstance(code, str):
        # All wrong arguments of a fault raise ValueError, which the admin surface answers.
        raise ValueError(  # noqa: TRY004  # see the line above
            f"code must be a string such as 'ResourceInUse', not {code!r}"
        )
    if not code.isprintable():
        raise ValueError(
            f"code must have printable characters only, because it is sent in a header: {code!r}"
        )
    return code


def _header_seconds(seconds: float | None) -> float | None:
    if seconds is None:
        return None
    number = real_number(seconds)
    if number is None or not -_LONGEST <= number <= _LONGEST:
        raise ValueError(
            f"retry_after must be a number of seconds, up to a billion, not {seconds!r}"
        )
    return number


def _text(message: object) -> str:
    if not isinstance(message, str):
        raise ValueError(f"message must be a string, not {message!r}")  # noqa: TRY004  # see above
    return message


def _member_name(member: object) -> str:
    if not isinstance(member, str):
        raise ValueError(  # noqa: TRY004  # see above
            f"member must be a member's name such as 'StageStatus', not {member!r}"
        )
    return member


def _error_status(status: object) -> int:
    number = whole_number(status)
    if number is None or not 400 <= number <= 599:  # noqa: PLR2004  # the range of HTTP errors
        raise ValueError(
            f"the status of an error is a whole number between 400 and 599, not {status!r}"
        )
    return number


def _duration(seconds: float) -> float:
    number = real_number(seconds)
    if number is None or not 0 <= number <= _LONGEST:
        raise ValueError(f"seconds must be zero or more, up to a billion, not {seconds!r}")
    return number


@attrs.frozen(kw_only=True)
class InjectedError:
    """An error that a fault sends instead of the reply."""

    code: str = attrs.field(converter=_header_text)
    message: str = attrs.field(converter=_text)
    status: int = attrs.field(default=400, converter=_error_status)
    retry_after: float | None = attrs.field(default=None, converter=_header_seconds)
    """Seconds of a `Retry-After` header. A negative number is allowed, to test clients."""


@attrs.frozen(kw_only=True)
class Fault:
    """One way in which a request fails; the class methods make them.

    `committed` says whether the operation is carried out before the fault shows.
    Durations are real seconds, not seconds of the emulator's clock, because they stand
    for delays of the network.
    """

    name: str
    """The name that `RecordedRequest.fault` shows."""

    committed: bool = True
    delivery: Delivery = "whole"
    seconds: float = attrs.field(default=0.0, converter=_duration)
    """The delay of the whole reply, or of each byte if the delivery is "drip"."""

    gate: Gate | None = None
    """The gate at which the reply waits."""

    answer: InjectedError | None = None
    """The error that is sent instead of the correct reply."""

    change: reply_changes.Change | None = None
    """The change that is made to the correct reply."""

    damage: Callable[[bytes], bytes] | None = None
    """The change that is made to the reply's body."""

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
            committed: Whether the operation is carried out before the error is sent.

        Raises:
            ValueError: `status` is not the status of an error, `code` is not a printable
                string, or `message` is no string.
        """
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
            committed: Whether the operation is carried out before the error is sent.
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
        """Carry the operation out at once, and reply after a delay.

        Args:
            seconds: The delay.

        Raises:
            ValueError: `seconds` is negative or not finite.
        """
        return cls(name="latency", seconds=seconds)

    @classmethod
    def wait_until(cls, gate: Gate, *, committed: bool = True) -> Fault:
        """Hold the reply back until the test opens the gate.

        Args:
            gate: The gate that the test opens; one gate can hold any number of replies.
            committed: Whether the operation is carried out before the wait. Otherwise it is
                not carried out, and the client gets a 503 when the gate opens.
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
        """Close the connection without sending a reply.

        Args:
            how: "fin" closes the connection in order, "rst" resets it.
            committed: Whether the operation is carried out before.

        Raises:
            ValueError: `how` is neither "fin" nor "rst".
        """
        if how not in {"fin", "rst"}:
            raise ValueError(f"how must be 'fin' or 'rst', not {how!r}")
        return cls(name=f"disconnect_{how}", committed=committed, delivery=how)

    @classmethod
    def drip(cls, seconds: float = 0.01) -> Fault:
        """Send the correct reply byte by byte, with a delay before each byte.

        Args:
            seconds: The delay.

        Raises:
            ValueError: `seconds` is negative or not finite.
        """
        return cls(name="drip", delivery="drip", seconds=seconds)

    @classmethod
    def cut_body(cls) -> Fault:
        """Send half of the reply, with the Content-Length of the whole, and close."""
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
        """Leave a member out of the reply wherever it occurs.

        Args:
            member: The member's name. A reply of an operation must be able to have it.

        Raises:
            ValueError: `member` is no string.
        """
        return cls(name="missing_member", change=reply_changes.Without(_member_name(member)))

    @classmethod
    def empty_page(cls) -> Fault:
        """Send a page without items. Its token leads to the items that were left out."""
        return cls(name="empty_page", change=reply_changes.without_items)

    @classmethod
    def repeated_token(cls) -> Fault:
        """Send a page whose token leads to the same page again.

        A client asks for the first page without a token, so the first page gets a token that
        leads to the first page. With `times=None`, the second page is the first one that
        repeats a token.
        """
        return cls(name="repeated_token", change=reply_changes.repeating_token)

    @classmethod
    def unknown_enum_value(
        cls, value: str = "STATUS_OF_TOMORROW", *, member: str = "StageStatus"
    ) -> Fault:
        """Give a member a value that today's model does not list.

        Args:
            value: The new value.
            member: The member that gets it, wherever it occurs. It must hold text, and a reply
                of an operation must be able to have it.

        Raises:
            ValueError: `member` is no string.
        """
        return cls(
            name="unknown_enum_value", change=reply_changes.Replacing(_member_name(member), value)
        )

    @classmethod
    def unknown_member(cls) -> Fault:
        """Put a member that today's model does not have into every structure."""
        return cls(name="unknown_member", change=reply_changes.with_new_members)

    @property
    def only_paged(self) -> bool:
        """Whether the fault needs an operation that has pages."""
        return self.change in {reply_changes.without_items, reply_changes.repeating_token}
