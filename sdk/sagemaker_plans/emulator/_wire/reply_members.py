"""Which members the replies of an operation may have, by the service model."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from botocore.model import ListShape, Shape, StructureShape

from sagemaker_plans.emulator._wire.validation import service_model


@functools.cache
def reply_members(operation: str) -> Mapping[str, frozenset[str]]:
    """Find the members of an operation's replies, those of the structures in them too.

    Args:
        operation: An operation of the service model.

    Returns:
        By name, in the order of the model, the types that a member of this name has: "string",
        "list" and so on.
    """
    found: dict[str, frozenset[str]] = {}
    shapes: list[Shape | None] = [service_model().operation_model(operation).output_shape]
    # A structure may hold itself, so each is looked at once. The list grows meanwhile.
    for shape in shapes:
        inside: list[Shape] = []
        if isinstance(shape, ListShape):
            inside = [shape.member]
        elif isinstance(shape, StructureShape):
            inside = [*shape.members.values()]
            for name, member in shape.members.items():
                found[name] = found.get(name, frozenset()) | {member.type_name}
        known = {each.name for each in shapes if each is not None}
        shapes += [each for each in inside if each.name not in known]
    return found
