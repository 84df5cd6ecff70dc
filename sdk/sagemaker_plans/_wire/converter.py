"""Converts models to wire dicts and back. It is the only importer of cattrs.

``reading`` leaves to this module what is unusual, and what does not fit. Reading is stricter than
cattrs: no value is coerced, and a string does not pass as a list. It accepts what a service may
add later: unknown members and enum values. Each model declares which wire member belongs to which
attribute.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from types import GenericAlias
from typing import Any, Literal, TypeVar, get_args, get_origin

import attrs
import cattrs

from sagemaker_plans._wire import values, writing
from sagemaker_plans._wire.compiled_readers import Reader
from sagemaker_plans._wire.structures import Spread, Structure, Tag, Tags, structure_of
from sagemaker_plans.errors import InvalidRequestError
from sagemaker_plans.models import DeviceSelectionConfig, UnrecognizedSelection
from sagemaker_plans.models._enums import OpenEnum
from sagemaker_plans.models._selection import UNDERSTOOD
from sagemaker_plans.models._wire_form import WireModel

T = TypeVar("T")

# isinstance tries dict first, because nearly all objects are dicts and Mapping is slower.
_OBJECTS: tuple[type[Any], ...] = (dict, Mapping)


def _attributes_reader(structure: Structure, converter: cattrs.Converter) -> Reader:
    """Make a reader that puts the attributes into its second argument, a dict."""
    readers: list[tuple[str, bool, Reader, str, Any]] = [
        (name, is_required, converter.get_structure_hook(kind), attribute, kind)
        for name, attribute, kind, is_required in structure.members
    ]
    # A place is not an attribute itself. Its members are read into the same dict.
    readers += [
        (name, is_required, _attributes_reader(inside, converter), "", None)
        for name, inside, is_required in structure.places
    ]
    spreads = [_spread_reader(each, converter) for each in structure.spreads]

    def read(wire: Any, found: dict[str, object]) -> None:  # noqa: ANN401  # whatever came
        if not isinstance(wire, _OBJECTS):
            values.misfit("an object", wire)
        problems: list[Exception] = []
        for name, is_required, read_value, attribute, kind in readers:
            value = wire.get(name)
            if value is None and not is_required:
                continue
            try:
                if attribute:
                    found[attribute] = read_value(value, kind)
                else:
                    read_value(value, found)
            except (values.MisfitError, cattrs.BaseValidationError) as problem:
                problems.append(_located(problem, name, is_there=name in wire))
        for read_members in spreads:
            try:
                read_members(wire, found)
            except cattrs.ClassValidationError as error:
                problems += error.exceptions
        if problems:
            # pyright checks this call against ExceptionGroup, which has fewer parameters.
            raise cattrs.ClassValidationError("misfits", problems, structure.model)  # pyright: ignore[reportCallIssue]  # its stub lacks an argument

    return read


def _located(problem: Exception, name: str, *, is_there: bool) -> Exception:
    # A missing member was read as None, and no required member may be None.
    located = problem if is_there else values.MisfitError("required member is missing")
    located.add_note(cattrs.AttributeValidationNote(f"in {name}", name, None))
    return located


def _spread_reader(spread: Spread, converter: cattrs.Converter) -> Reader:
    attribute, structure = spread
    model, absent = structure.model, structure.absent
    read_attributes = _attributes_reader(structure, converter)

    def read(wire: object, found: dict[str, object]) -> None:
        own: dict[str, object] = {}
        read_attributes(wire, own)
        if own:
            found[attribute] = model(**{**absent, **own})

    return read


def _model_reader(cls: type, converter: cattrs.Converter) -> Reader:
    structure = structure_of(cls)
    absent, read_attributes = structure.absent, _attributes_reader(structure, converter)

    def read(wire: object, _: object) -> object:
        found = {**absent}
        read_attributes(wire, found)
        return cls(**found)

    return read


def _selection_reader(_: type, converter: cattrs.Converter) -> Reader:
    read_attributes = _attributes_reader(structure_of(DeviceSelectionConfig), converter)
    ways = [(way, attrs.fields(way)[0].name) for way in UNDERSTOOD]

    def read(wire: Mapping[str, object], _: object) -> DeviceSelectionConfig:
        found: dict[str, Any] = {}
        read_attributes(wire, found)
        for way, attribute in ways:
            if attribute in found:
                selection = way(found[attribute])
                if selection.device_subset_type == found["device_subset_type"]:
                    return selection
        # Keep the whole wire form of a selection type that AWS may add later.
        return UnrecognizedSelection(dict(wire))

    return read


def _list_reader(cls: type, converter: cattrs.Converter) -> Reader:
    items = GenericAlias(list, get_args(cls)[:1])
    read_items = converter.get_structure_hook(items)

    def read(value: object, _: object) -> tuple[object, ...]:
        if not isinstance(value, list | tuple):
            values.misfit("a list", value)
        return tuple(read_items(value, items))

    return read


def _tags_reader(_: type, converter: cattrs.Converter) -> Reader:
    kind = tuple[Tag, ...]
    read = converter.get_structure_hook(kind)
    return lambda wire, _: {tag.key: tag.value for tag in read(wire, kind)}


def _is_selection(cls: object) -> bool:
    return isinstance(cls, type) and issubclass(cls, DeviceSelectionConfig)


def _is_list(cls: object) -> bool:
    return getattr(cls, "__origin__", None) is tuple


def _is_literal(cls: object) -> bool:
    return get_origin(cls) is Literal


def _choice_reader(cls: object) -> Reader:
    return values.choice_reader(get_args(cls))


def _choice_writer(_: object) -> Callable[[str], str]:
    return str


def _is_tags(cls: object) -> bool:
    return cls == Tags


def configure(converter: cattrs.Converter) -> None:
    """Register the hooks for models: strict primitives, open enums, UTC timestamps.

    Args:
        converter: A converter of cattrs, changed in place.
    """
    for kind, reader in values.READERS.items():
        converter.register_structure_hook(kind, reader)
    converter.register_unstructure_hook(Decimal, values.write_fee)
    converter.register_unstructure_hook(datetime, values.write_timestamp)
    for enum in OpenEnum.__subclasses__():
        converter.register_structure_hook(enum, values.enum_reader(enum))
        converter.register_unstructure_hook(enum, str)
    # Compare by identity: a hook registered for object would also serve all subclasses.
    converter.register_structure_hook_func(lambda cls: cls is object, lambda value, _: value)
    # cattrs asks the last hook first. So selections come after attrs classes, because most of
    # them are attrs classes too.
    hooks: tuple[tuple[Callable[[Any], bool], Any, Any], ...] = (
        (attrs.has, _model_reader, writing.model_writer),
        (_is_selection, _selection_reader, writing.selection_writer),
        (_is_list, _list_reader, writing.list_writer),
        (_is_tags, _tags_reader, writing.tags_writer),
        (_is_literal, _choice_reader, _choice_writer),
    )
    for is_one, reader, writer in hooks:
        converter.register_structure_hook_factory(is_one, reader)
        converter.register_unstructure_hook_factory(is_one, writer)


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    configure(converter)
    return converter


def reader_of(kind: Any) -> Reader:  # noqa: ANN401  # the type of an attribute
    """Give what reads the values of a type.

    Args:
        kind: The type of an attribute.

    Returns:
        The reader.
    """
    found: Reader = _converter().get_structure_hook(kind)
    return found


def _in_words(error: BaseException, _: object) -> str:
    return "" if isinstance(error, InvalidRequestError) else str(error)


def _problems(error: BaseException) -> tuple[str, ...]:
    problems: list[str] = []
    for line in cattrs.transform_error(error, "$", _in_words):
        words, _, path = line.rpartition(" @ $")
        if words:
            problems.append(f"{path.lstrip('.') or values.WHOLE}: {words}")
    # Two attributes that come from one member have the same problem; list it once.
    return tuple(dict.fromkeys(problems))


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, cattrs.BaseValidationError) else error


def read_carefully(cls: type[T], wire: Mapping[str, object]) -> T:
    """Read as ``reading.read`` does, but go through each structure in any case."""
    try:
        return _converter().structure(wire, cls)
    except (values.MisfitError, cattrs.BaseValidationError) as error:
        if problems := _problems(error):
            raise values.MisfitsError(problems) from error
        # The wire form fits. Specs in a list raised InvalidRequestError when they were made.
        raise _first(error) from None


def write(model: WireModel) -> dict[str, object]:
    """Write a model.

    Args:
        model: The model.

    Returns:
        Its wire form, ready for JSON.
    """
    wire: dict[str, object] = _converter().unstructure(model)
    return wire
