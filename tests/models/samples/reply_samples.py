"""Whole replies made from the service's own model, and every place in them."""

import copy
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import cast

from attrs import field, frozen
from botocore.model import ListShape, Shape, StructureShape

Key = str | int


@frozen
class Site:
    """A place of a value in a wire form."""

    path: str
    """As a problem names it, such as ``Stages[1].StageName``."""
    keys: tuple[Key, ...]
    """The path to it: member names and positions."""
    kind: str
    """Its type in the service's model."""
    required: bool = field(kw_only=True)
    """Whether the service's model requires it."""

    @property
    def is_member(self) -> bool:
        """Whether it is the member of a structure (and not the item of a list)."""
        return isinstance(self.keys[-1], str)

    @property
    def is_leaf(self) -> bool:
        """Whether it has no members or items."""
        return self.kind not in {"structure", "list"}


# Their items are not read: the search is for extensions, not for new plans.
UNREAD = frozenset({"TrainingPlanOfferings"})

_MOMENT = datetime(2026, 3, 1, 12, 30, 0, 250_000, UTC)


def sample(shape: StructureShape) -> dict[str, object]:
    """Make a wire form that has every member, two items in each list.

    Args:
        shape: The structure.

    Returns:
        The wire form; texts are names that the service takes, no two the same.
    """
    return cast("dict[str, object]", _sample(shape, iter(range(1, 10_000))))


def _sample(shape: Shape, numbers: Iterator[int]) -> object:
    if isinstance(shape, StructureShape):
        return {name: _sample(member, numbers) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [_sample(shape.member, numbers), _sample(shape.member, numbers)]
    options = cast("list[str]", shape.metadata.get("enum", []))
    values: dict[str, object] = {
        "string": options[0] if options else f"v{next(numbers)}",
        "integer": next(numbers) % 100 + 1,
        "long": next(numbers),
        "timestamp": _MOMENT.timestamp(),
    }
    return values[shape.type_name]


def sites(shape: StructureShape) -> tuple[Site, ...]:
    """Find every place in a sample of a structure.

    Args:
        shape: The structure.

    Returns:
        The places, but for those below what is not read.
    """
    return tuple(_sites(shape, "", ()))


def _sites(shape: Shape, path: str, keys: tuple[Key, ...]) -> Iterator[Site]:
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            below = f"{path}.{name}" if path else name
            required = name in shape.required_members
            yield Site(below, (*keys, name), member.type_name, required=required)
            yield from _sites(member, below, (*keys, name))
    elif isinstance(shape, ListShape) and path not in UNREAD:
        for position in range(2):
            below = f"{path}[{position}]"
            yield Site(below, (*keys, position), shape.member.type_name, required=True)
            yield from _sites(shape.member, below, (*keys, position))


def _holder(wire: object, site: Site) -> dict[Key, object]:
    for key in site.keys[:-1]:
        wire = cast("dict[Key, object]", wire)[key]
    return cast("dict[Key, object]", wire)


def without(wire: Mapping[str, object], *places: Site) -> dict[str, object]:
    """Copy a wire form, leaving members out."""
    changed = copy.deepcopy(dict(wire))
    for site in places:
        del _holder(changed, site)[site.keys[-1]]
    return changed


def with_value(wire: Mapping[str, object], site: Site, value: object) -> dict[str, object]:
    """Copy a wire form, putting a value in a place."""
    changed = copy.deepcopy(dict(wire))
    _holder(changed, site)[site.keys[-1]] = value
    return changed
