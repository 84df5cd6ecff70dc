"""The service's way of saying no, as an exception inside the emulator."""

from __future__ import annotations

from typing import final


@final
class Refusal(Exception):  # noqa: N818 - an answer of the service, not a failure of the emulator
    """An AWS error answer: the HTTP layer turns it into a reply.

    Args:
        code: The AWS error code, such as `ResourceNotFound`.
        message: What the reply's `message` says.
        status: HTTP status of the reply.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message, status)
        self.code = code
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def not_found(message: str) -> Refusal:
    """Return the refusal for a thing that does not exist."""
    return Refusal("ResourceNotFound", message)


def in_use(message: str) -> Refusal:
    """Return the refusal for a thing that is taken or busy."""
    return Refusal("ResourceInUse", message)


def limit_exceeded(message: str) -> Refusal:
    """Return the refusal for one thing too many."""
    return Refusal("ResourceLimitExceeded", message)


def invalid(message: str) -> Refusal:
    """Return the refusal for a request that makes no sense as it stands."""
    return Refusal("ValidationException", message)


def conflict(message: str) -> Refusal:
    """Return the refusal for a request that another one forbids."""
    return Refusal("ConflictException", message)
