"""Typed reading of the members of a request that validation has accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

import attrs

Request: TypeAlias = Mapping[str, object]
Reply: TypeAlias = dict[str, object]


@attrs.frozen(kw_only=True)
class Caller:
    """What the operations need to know about the HTTP request."""

    region: str = "us-east-1"
    """The region of the credential scope, which becomes part of new ARNs."""

    request_id: str = "in-process"
    """The id of the reply."""


def text(request: Request, member: str) -> str:
    """Return a required string member."""
    value = request[member]
    assert isinstance(value, str)
    return value


def optional_text(request: Request, member: str) -> str | None:
    """Return a string member, or None where it is absent."""
    return text(request, member) if member in request else None


def optional_count(request: Request, member: str) -> int | None:
    """Return an integer member, or None where it is absent."""
    value = request.get(member)
    assert value is None or isinstance(value, int)
    return value


def optional_moment(request: Request, member: str) -> float | None:
    """Return a timestamp member in epoch seconds, or None where it is absent."""
    value = request.get(member)
    assert value is None or isinstance(value, int | float)
    return value


def flag(request: Request, member: str) -> bool:
    """Return a boolean member; absent means false."""
    return request.get(member) is True


def texts(request: Request, member: str) -> tuple[str, ...]:
    """Return a list of strings; absent means empty."""
    return tuple(cast("list[str]", request.get(member, [])))


def structure(request: Request, member: str) -> Request:
    """Return a required structure member."""
    return cast("Request", request[member])


def structures(request: Request, member: str) -> tuple[Request, ...]:
    """Return a list of structures; absent means empty."""
    return tuple(cast("list[Request]", request.get(member, [])))
