"""Changes that faults make to a correct reply before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import attrs

from sagemaker_plans.emulator._wire.json_values import is_list, is_object
from sagemaker_plans.emulator._wire.members import Reply, Request
from sagemaker_plans.emulator._wire.pagination import PAGED_MEMBERS, token

Change: TypeAlias = Callable[[str, Request, Reply], Reply]
"""Takes the operation's name, the request and the correct reply."""

_NEW_MEMBER: Final = {"MemberOfTomorrow": {"Value": "new"}}


def emptied(_operation: str, _request: Request, _reply: Reply) -> Reply:
    """Remove all members of the reply."""
    return {}


def repeating_token(operation: str, request: Request, reply: Reply) -> Reply:
    """Let the reply's token lead to the page that was just read."""
    if operation not in PAGED_MEMBERS:
        return reply
    return {**reply, "NextToken": request.get("NextToken", token(operation, 0))}


def without_items(operation: str, request: Request, reply: Reply) -> Reply:
    """Remove the page's items, with a token that leads to them."""
    if operation not in PAGED_MEMBERS:
        return reply
    return {**repeating_token(operation, request, reply), PAGED_MEMBERS[operation]: []}


def with_new_members(_operation: str, _request: Request, reply: Reply) -> Reply:
    """Put a member that no model knows into every structure."""
    return _changed(reply, lambda members: members | _NEW_MEMBER)


@attrs.frozen(eq=False)
class Without:
    """The change that removes a member wherever it occurs."""

    member: str

    def __call__(self, _operation: str, _request: Request, reply: Reply) -> Reply:
        """Make the change."""
        return _changed(
            reply, lambda members: {name: members[name] for name in members if name != self.member}
        )


@attrs.frozen(eq=False)
class Replacing:
    """The change that gives a member another value wherever it occurs."""

    member: str
    value: object

    def __call__(self, _operation: str, _request: Request, reply: Reply) -> Reply:
        """Make the change."""
        return _changed(
            reply,
            lambda members: members | ({self.member: self.value} if self.member in members else {}),
        )


def _changed(structure: Mapping[str, object], change: Callable[[Reply], Reply]) -> Reply:
    """Apply a change to a structure and all structures in it, from the inside out."""

    def changed(value: object) -> object:
        if is_object(value):
            return _changed(value, change)
        return [changed(item) for item in value] if is_list(value) else value

    return change({name: changed(member) for name, member in structure.items()})
