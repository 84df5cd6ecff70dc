"""The errors with which the service refuses a request."""

from __future__ import annotations

from typing import final


@final
class Refusal(Exception):  # noqa: N818  # the service refuses; the emulator has not failed
    """An error of the emulated service. The HTTP server makes a response of it.

    Args:
        code: The AWS error code, such as `ResourceNotFound`.
        message: The `message` of the response.
        status: The HTTP status of the response.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message, status)
        self.code = code
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def not_found(message: str) -> Refusal:
    """Return the refusal for a resource that does not exist."""
    return Refusal("ResourceNotFound", message)


def in_use(message: str) -> Refusal:
    """Return the refusal for a name that is taken, or a resource that is busy."""
    return Refusal("ResourceInUse", message)


def limit_exceeded(message: str) -> Refusal:
    """Return the refusal for a request that would exceed a limit."""
    return Refusal("ResourceLimitExceeded", message)


def invalid(message: str) -> Refusal:
    """Return the refusal for a request that breaks a rule of the service."""
    return Refusal("ValidationException", message)


def conflict(message: str) -> Refusal:
    """Return the refusal for a request that conflicts with an earlier one."""
    return Refusal("ConflictException", message)
