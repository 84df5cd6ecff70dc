"""Writers of models, made from what the models declare.

Like the hooks of cattrs, each is made once for a type, and looks the writers of the types
inside up while it is made.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, get_args

from sagemaker_plans._wire.structures import Structure, Tag, Tags, structure_of
from sagemaker_plans.models import UnrecognizedSelection
from sagemaker_plans.models._selection import UNDERSTOOD

Writer = Callable[[Any], dict[str, object]]
"""Writes a model."""

_EMPTY: Final[tuple[object, ...]] = ((), {})


class Hooks(Protocol):
    """Where the writers of other types are found: a converter of cattrs."""

    def get_unstructure_hook(self, kind: Any, /) -> Callable[[Any], Any]:  # noqa: ANN401
        """Find a writer.

        Args:
            kind: The type of what is written.

        Returns:
            The writer.
        """
        ...


def model_writer(cls: type, hooks: Hooks) -> Writer:
    """Make what writes a model.

    Args:
        cls: The class of the model.
        hooks: Where other writers are found.

    Returns:
        The writer.
    """
    return _writer(structure_of(cls), hooks)


def _writer(structure: Structure, hooks: Hooks) -> Writer:
    members = [
        (name, attribute, is_required, hooks.get_unstructure_hook(kind))
        for name, attribute, kind, is_required in structure.members
    ]
    places = [(name, _writer(inside, hooks)) for name, inside, _ in structure.places]
    spreads = [(attribute, _writer(part, hooks)) for attribute, part in structure.spreads]

    def write(model: object) -> dict[str, object]:
        wire: dict[str, object] = {}
        for name, attribute, is_required, write_value in members:
            value = getattr(model, attribute)
            if value is not None and (is_required or value not in _EMPTY):
                wire[name] = write_value(value)
        for name, write_inside in places:
            if inside := write_inside(model):
                wire[name] = inside
        for attribute, write_members in spreads:
            if (part := getattr(model, attribute)) is not None:
                wire |= write_members(part)
        return wire

    return write


def selection_writer(_: type, hooks: Hooks) -> Writer:
    """Make what writes any way to select devices.

    Args:
        hooks: Where other writers are found.

    Returns:
        The writer; it raises ``TypeError`` for a class of a caller's own.
    """
    writers = {way: model_writer(way, hooks) for way in UNDERSTOOD}

    def write(selection: object) -> dict[str, object]:
        if isinstance(selection, UnrecognizedSelection):
            return dict(selection.wire)
        if not isinstance(selection, UNDERSTOOD):
            raise TypeError(f"no wire form is known for {type(selection).__name__}")
        return writers[type(selection)](selection)

    return write


def list_writer(cls: type, hooks: Hooks) -> Callable[[Iterable[object]], list[object]]:
    """Make what writes a tuple as a list.

    Args:
        cls: The type of the tuple.
        hooks: Where other writers are found.

    Returns:
        The writer.
    """
    write = hooks.get_unstructure_hook(get_args(cls)[0])
    return lambda items: [write(item) for item in items]


def tags_writer(_: type, hooks: Hooks) -> Callable[[Tags], list[object]]:
    """Make what writes tags, which are a list on the wire.

    Args:
        hooks: Where other writers are found.

    Returns:
        The writer.
    """
    write = hooks.get_unstructure_hook(Tag)
    return lambda tags: [write(Tag(*each)) for each in tags.items()]
