"""Typed reading of the members of a request that validation has accepted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias, cast

import attrs

from sagemaker_plans.emulator._wire.arns import ACCOUNT_ID, REGION, arn_start
from sagemaker_plans.emulator._wire.refusal import invalid

Request: TypeAlias = Mapping[str, object]
Reply: TypeAlias = dict[str, object]


@attrs.frozen(kw_only=True)
class Caller:
    """What the operations need to know about the HTTP request."""

    region: str = REGION
    """The region of the credential scope."""

    account_id: str = ACCOUNT_ID
    """The account of the access key."""

    request_id: str = "in-process"
    """The id of the reply."""

    def arn(self, resource: str) -> str:
        """Return the ARN of a resource of this account in this region."""
        return arn_start(self.region, self.account_id) + resource

    def owns(self, arn: str) -> bool:
        """Tell whether an ARN is of this account and this region. Nothing else is seen."""
        return arn.startswith(arn_start(self.region, self.account_id))


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


def is_between(request: Request, member: str, moment: float) -> bool:
    """Tell whether a moment is within the bounds `<member>After` and `<member>Before`."""
    after = optional_moment(request, f"{member}After")
    before = optional_moment(request, f"{member}Before")
    return (
        (-math.inf if after is None else after)
        <= moment
        <= (math.inf if before is None else before)
    )


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


def tags(request: Request) -> dict[str, str]:
    """Return the values of a request's tags by key; absent means none.

    Raises:
        Refusal: A key is given more than once.
    """
    given = structures(request, "Tags")
    found = {text(tag, "Key"): text(tag, "Value") for tag in given}
    if len(found) < len(given):
        raise invalid("Tags have the same key more than once.")
    return found


def tag_list(values: Mapping[str, str]) -> list[Reply]:
    """Return the wire form of tags."""
    return [{"Key": key, "Value": value} for key, value in values.items()]
