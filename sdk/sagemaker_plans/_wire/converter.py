"""Models to wire dicts and back; the only importer of cattrs.

Reading is strict where cattrs is lenient (nothing is coerced, a text is no list) and
lenient where a service moves on (unknown members and enum values). Where an attribute
stands on the wire, its model declares.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from types import GenericAlias
from typing import Any, TypeVar, get_args

import attrs
import cattrs

from sagemaker_plans._wire import values, writing
from sagemaker_plans._wire.structures import Spread, Structure, Tag, Tags, structure_of
from sagemaker_plans.errors import InvalidRequestError, UnexpectedReplyError
from sagemaker_plans.models import DeviceSelectionConfig, UnrecognizedSelection
from sagemaker_plans.models._enums import OpenEnum
from sagemaker_plans.models._selection import UNDERSTOOD
from sagemaker_plans.models._wire_form import WireModel

T = TypeVar("T")
M = TypeVar("M", bound=WireModel)

Reader = Callable[[Any, Any], Any]
"""What cattrs calls with a value and its type."""

# Nearly all are dicts, and this finds them faster than a look for a Mapping.
_OBJECTS: tuple[type[Any], ...] = (dict, Mapping)


class MisfitsError(ValueError):
    """A wire form that does not fit its model.

    Args:
        problems: Each misfit with its path, such as ``Stages[5].StageName: ...``.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(*problems)
        self.problems = problems


def _attributes_reader(structure: Structure, converter: cattrs.Converter) -> Reader:
    """Make what reads a structure into its second argument, a dict of attributes."""
    readers: list[tuple[str, bool, Reader, str, Any]] = [
        (name, is_required, converter.get_structure_hook(kind), attribute, kind)
        for name, attribute, kind, is_required in structure.members
    ]
    # A place has no attribute of its own: its members are read into the same dict.
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
            # pyright takes the signature of ExceptionGroup for that of this one.
            raise cattrs.ClassValidationError("misfits", problems, structure.model)  # pyright: ignore[reportCallIssue]

    return read


def _located(problem: Exception, name: str, *, is_there: bool) -> Exception:
    # What is not there was read as None, which no required member may be.
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
        # Kept whole, so that a way to select that AWS adds later is not lost.
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


def _is_tags(cls: object) -> bool:
    return cls == Tags


def configure(converter: cattrs.Converter) -> None:
    """Teach a converter the models: strict primitives, open enums, UTC timestamps.

    Args:
        converter: A converter of cattrs, changed in place.
    """
    converter.register_structure_hook(str, values.read_text)
    converter.register_structure_hook(int, values.read_integer)
    converter.register_structure_hook(Decimal, values.read_fee)
    converter.register_structure_hook(datetime, values.read_timestamp)
    converter.register_unstructure_hook(Decimal, values.write_fee)
    converter.register_unstructure_hook(datetime, values.write_timestamp)
    for enum in OpenEnum.__subclasses__():
        converter.register_structure_hook(enum, values.enum_reader(enum))
        converter.register_unstructure_hook(enum, str)
    # By identity: a hook registered for the class would serve every class below it.
    converter.register_structure_hook_func(lambda cls: cls is object, lambda value, _: value)
    # What is registered last is asked first: most selections are classes of attrs, too.
    hooks: tuple[tuple[Callable[[Any], bool], Any, Any], ...] = (
        (attrs.has, _model_reader, writing.model_writer),
        (_is_selection, _selection_reader, writing.selection_writer),
        (_is_list, _list_reader, writing.list_writer),
        (_is_tags, _tags_reader, writing.tags_writer),
    )
    for is_one, reader, writer in hooks:
        converter.register_structure_hook_factory(is_one, reader)
        converter.register_unstructure_hook_factory(is_one, writer)


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    configure(converter)
    return converter


def _in_words(error: BaseException, _: object) -> str:
    return "" if isinstance(error, InvalidRequestError) else str(error)


def _problems(error: BaseException) -> tuple[str, ...]:
    problems: list[str] = []
    for line in cattrs.transform_error(error, "$", _in_words):
        words, _, path = line.rpartition(" @ $")
        if words:
            problems.append(f"{path.lstrip('.') or 'reply'}: {words}")
    # Two attributes that are one member have the same problem.
    return tuple(dict.fromkeys(problems))


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, cattrs.BaseValidationError) else error


def read(cls: type[T], wire: Mapping[str, object]) -> T:
    """Read a model, or anything that declares its members as models do.

    Args:
        cls: Its class.
        wire: Its wire form.

    Returns:
        What was read.

    Raises:
        MisfitsError: If the wire form does not fit; it lists every misfit.
        InvalidRequestError: If it fits, and is a spec that the service would refuse.
    """
    try:
        return _converter().structure(wire, cls)
    except (values.MisfitError, cattrs.BaseValidationError) as error:
        if problems := _problems(error):
            raise MisfitsError(problems) from error
        # All fits, and specs in a list refused themselves.
        raise _first(error) from None


def read_model(cls: type[M], wire: Mapping[str, object]) -> M:
    """Read a model.

    Args:
        cls: Its class.
        wire: Its wire form.

    Returns:
        The model.

    Raises:
        UnexpectedReplyError: If the wire form does not fit; it lists every misfit.
        InvalidRequestError: If it fits, and is a spec that the service would refuse.
    """
    try:
        found = read(cls, wire)
    except MisfitsError as error:
        raise _no_model(cls, wire, error.problems) from error
    # All ways to select devices are read alike.
    if not isinstance(found, cls):
        raise _no_model(cls, wire, (f"DeviceSubsetType: this is a {type(found).__name__}",))
    return found


def _no_model(
    cls: type, wire: Mapping[str, object], problems: tuple[str, ...]
) -> UnexpectedReplyError:
    return UnexpectedReplyError(f"this is no {cls.__name__}", problems=problems, reply=wire)


def write(model: WireModel) -> dict[str, object]:
    """Write a model.

    Args:
        model: The model.

    Returns:
        Its wire form, ready for JSON.
    """
    wire: dict[str, object] = _converter().unstructure(model)
    return wire
