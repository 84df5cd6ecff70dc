"""Changes that faults make to a right reply before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, cast

from sagemaker_plans.emulator._wire.members import Reply, Request
from sagemaker_plans.emulator._wire.pagination import PAGED_MEMBERS, token

Change: TypeAlias = Callable[[str, Request, Reply], Reply]
"""Takes the operation's name, the request and the right reply."""

_NEW_MEMBER: Final = {"MemberOfTomorrow": {"Value": "new"}}


def emptied(_operation: str, _request: Request, _reply: Reply) -> Reply:
    """Leave nothing of the reply."""
    return {}


def repeating_token(operation: str, request: Request, reply: Reply) -> Reply:
    """Let the reply's token lead to the page that was just read."""
    if operation not in PAGED_MEMBERS:
        return reply
    return {**reply, "NextToken": request.get("NextToken", token(operation, 0))}


def without_items(operation: str, request: Request, reply: Reply) -> Reply:
    """Hold the page's items back, with a token that leads to them."""
    if operation not in PAGED_MEMBERS:
        return reply
    return {**repeating_token(operation, request, reply), PAGED_MEMBERS[operation]: []}


def with_new_members(_operation: str, _request: Request, reply: Reply) -> Reply:
    """Put a member that no model knows into every structure."""
    return cast("Reply", _mapped(reply, lambda members: members | _NEW_MEMBER))


def without(member: str) -> Change:
    """Make a change that takes a member out wherever it occurs."""

    def change(_operation: str, _request: Request, reply: Reply) -> Reply:
        return cast(
            "Reply",
            _mapped(
                reply,
                lambda members: {name: members[name] for name in members if name != member},
            ),
        )

    return change


def replacing(member: str, value: object) -> Change:
    """Make a change that gives a member another value wherever it occurs."""

    def change(_operation: str, _request: Request, reply: Reply) -> Reply:
        return cast(
            "Reply",
            _mapped(
                reply, lambda members: members | ({member: value} if member in members else {})
            ),
        )

    return change


def _mapped(value: object, change: Callable[[dict[str, object]], dict[str, object]]) -> object:
    """Apply a change to every structure of a value, from the inside out."""
    if isinstance(value, Mapping):
        members = cast("Mapping[str, object]", value)
        return change({name: _mapped(member, change) for name, member in members.items()})
    if isinstance(value, list):
        return [_mapped(item, change) for item in cast("list[object]", value)]
    return value
