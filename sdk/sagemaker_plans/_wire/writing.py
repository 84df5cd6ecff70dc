"""Makes the functions that write models, from what the models declare.

Each writer is made once for a type, like the hooks of cattrs. When it is made, it looks up the
writers for the types of its members.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, get_args

from sagemaker_plans._wire.structures import Structure, Tag, Tags, structure_of
from sagemaker_plans.models import UnrecognizedSelection
from sagemaker_plans.models._selection import UNDERSTOOD

Writer = Callable[[Any], dict[str, object]]
"""A function that writes a model as a wire dict."""

_EMPTY: Final[tuple[object, ...]] = ((), {})


class Hooks(Protocol):
    """The method of a cattrs converter that finds the writer for a type."""

    # Any, because attributes may have any type.
    def get_unstructure_hook(self, kind: Any, /) -> Callable[[Any], Any]:  # noqa: ANN401  # any type
        """Find a writer.

        Args:
            kind: The type of the values to write.

        Returns:
            The writer.
        """
        ...


def model_writer(cls: type, hooks: Hooks) -> Writer:
    """Make the writer for a model.

    Args:
        cls: The class of the model.
        hooks: Finds the writers for other types.

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
    """Make the writer for all selections of devices.

    Args:
        hooks: Finds the writers for other types.

    Returns:
        The writer; it raises ``TypeError`` for a selection class that the user defined.
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
    """Make the writer for a tuple, which is a list on the wire.

    Args:
        cls: The type of the tuple.
        hooks: Finds the writers for other types.

    Returns:
        The writer.
    """
    write = hooks.get_unstructure_hook(get_args(cls)[0])
    return lambda items: [write(item) for item in items]


def tags_writer(_: type, hooks: Hooks) -> Callable[[Tags], list[object]]:
    """Make the writer for tags, which are a list on the wire.

    Args:
        hooks: Finds the writers for other types.

    Returns:
        The writer.
    """
    write = hooks.get_unstructure_hook(Tag)
    return lambda tags: [write(Tag(*each)) for each in tags.items()]
