"""Models to wire dicts and back; the only importer of cattrs.

Reading is strict where cattrs is lenient (nothing is coerced, a text is no list) and
lenient where a service moves on (unknown members and enum values).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from types import GenericAlias, NoneType, UnionType
from typing import Any, Final, NoReturn, TypeVar, cast, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from sagemaker_plans import models
from sagemaker_plans._wire import edge_shapes as shapes
from sagemaker_plans.errors import UnexpectedReplyError
from sagemaker_plans.models import _codec
from sagemaker_plans.models._enums import OpenEnum
from sagemaker_plans.models._validation import shown

S = TypeVar("S")
M = TypeVar("M", bound=_codec.WireModel)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def _shapes_of_models() -> Mapping[type, type[Any]]:
    from sagemaker_plans._wire import training_shapes  # noqa: PLC0415  # few need it

    return {
        models.ModelConfig: shapes.ModelConfigShape,
        models.DeviceCounts: shapes.DeviceCountsShape,
        models.Stage: shapes.StageShape,
        models.EdgeDeploymentPlan: shapes.PlanShape,
        models.StageSpec: shapes.StageSpecShape,
        models.EdgeDeploymentPlanSpec: shapes.PlanSpecShape,
        models.TrainingPlanExtension: training_shapes.ExtensionShape,
        models.TrainingPlanExtensionOffering: training_shapes.OfferingShape,
        models.DeviceSelectionConfig: shapes.SelectionShape,
        models.PercentageOfFleet: shapes.SelectionShape,
        models.NamedDevices: shapes.SelectionShape,
        models.NameContains: shapes.SelectionShape,
        models.UnrecognizedSelection: shapes.SelectionShape,
    }


class MisfitsError(ValueError):
    """A wire form that does not fit its shape.

    Args:
        problems: Each misfit with its path, such as ``Stages[5].StageName: ...``.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(*problems)
        self.problems = problems


class _MisfitError(ValueError):
    """A value that is not what the service model says; its text is for the caller."""


def _misfit(expected: str, value: object) -> NoReturn:
    got = "null" if value is None else f"{type(value).__name__} {shown(value)}"
    raise _MisfitError(f"expected {expected}, got {got}")


def _read_text(value: object, _: object) -> str:
    return value if isinstance(value, str) else _misfit("a string", value)


def _read_integer(value: object, _: object) -> int:
    return value if type(value) is int else _misfit("a whole number", value)


def _enum_reader(cls: type[OpenEnum]) -> Callable[[object, object], OpenEnum]:
    known = {str(member): member for member in cls}

    def read(value: object, _: object) -> OpenEnum:
        if not isinstance(value, str):
            _misfit("a string", value)
        return known.get(value) or cls(value)

    return read


def _read_timestamp(value: object, _: object) -> datetime:
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            _misfit("an aware datetime", value)
        try:
            return value.astimezone(UTC)
        except OverflowError:
            _misfit("a datetime that exists in UTC", value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        _misfit("epoch seconds", value)
    try:
        # Not fromtimestamp(), which cannot read times before 1970 everywhere.
        return _EPOCH + timedelta(seconds=value)
    except (OverflowError, ValueError):
        _misfit("epoch seconds", value)


def _write_timestamp(value: datetime) -> int | float:
    microseconds = (value - _EPOCH) // timedelta(microseconds=1)
    seconds, rest = divmod(microseconds, 1_000_000)
    return microseconds / 1_000_000 if rest else seconds


def _is_list(cls: type) -> bool:
    return get_origin(cls) is tuple


def _list_reader(cls: type, converter: cattrs.Converter) -> Callable[[object, Any], object]:
    items = GenericAlias(list, get_args(cls)[:1])
    read_items = converter.get_structure_hook(items)

    def read(value: object, _: object) -> tuple[object, ...]:
        if not isinstance(value, list | tuple):
            _misfit("a list", value)
        return tuple(read_items(value, items))

    return read


def _is_optional(cls: object) -> bool:
    arguments = get_args(cls)
    return get_origin(cls) is UnionType and len(arguments) == 2 and arguments[1] is NoneType  # noqa: PLR2004


def _optional_reader(cls: type, converter: cattrs.Converter) -> Callable[[object, Any], object]:
    # cattrs looks the inner reader up at each value; here it is found once.
    wanted = get_args(cls)[0]
    read_value = converter.get_structure_hook(wanted)

    def read(value: object, _: object) -> object:
        return None if value is None else read_value(value, wanted)

    return read


def _shape_reader(cls: type, converter: cattrs.Converter) -> Callable[[object, Any], object]:
    read_members = cast("Callable[[object, type], object]", make_dict_structure_fn(cls, converter))

    def read(value: object, _: object) -> object:
        if not isinstance(value, Mapping):
            _misfit("an object", value)
        return read_members(cast("object", value), cls)

    # What is no object fails anyhow, for want of the member that each shape requires;
    # asking first only makes for better words.
    return read if converter.detailed_validation else read_members


def _selection_reader(_: type, converter: cattrs.Converter) -> Callable[[object, Any], object]:
    cls = shapes.SelectionShape
    as_it_is = override(struct_hook=lambda value, _: value)
    read_members = make_dict_structure_fn(cls, converter, wire=as_it_is)

    def read(value: object, _: object) -> shapes.SelectionShape:
        if not isinstance(value, Mapping):
            _misfit("an object", value)
        wire = cast("Mapping[str, object]", value)
        # Kept whole, so that a way to select that AWS adds later is not lost.
        return read_members({**wire, "wire": wire}, cls)

    return read


def _shape_writer(cls: type, converter: cattrs.Converter) -> Callable[[Any], dict[str, object]]:
    return make_dict_unstructure_fn(cls, converter, _cattrs_omit_if_default=True)


def _selection_writer(
    cls: type, converter: cattrs.Converter
) -> Callable[[shapes.SelectionShape], dict[str, object]]:
    write_members = cast(
        "Callable[[object], dict[str, object]]",
        # That omits the wire form: it is None where this is called.
        make_dict_unstructure_fn(cls, converter, _cattrs_omit_if_default=True),
    )

    def write(shape: shapes.SelectionShape) -> dict[str, object]:
        return write_members(shape) if shape.wire is None else dict(shape.wire)

    return write


def _is_selection(cls: type) -> bool:
    return cls is shapes.SelectionShape


def configure(converter: cattrs.Converter) -> None:
    """Teach a converter the shapes: strict primitives, open enums, UTC timestamps.

    Args:
        converter: A converter of cattrs, changed in place.
    """
    converter.register_structure_hook(str, _read_text)
    converter.register_structure_hook(int, _read_integer)
    converter.register_structure_hook(datetime, _read_timestamp)
    # By identity: a hook registered for the class would serve every class below it.
    converter.register_structure_hook_func(lambda cls: cls is object, lambda value, _: value)
    for enum in (models.StageStatus, models.DeviceSubsetType, models.FailureHandlingPolicy):
        converter.register_structure_hook(enum, _enum_reader(enum))
        converter.register_unstructure_hook(enum, str)
    converter.register_structure_hook_factory(_is_list, _list_reader)
    converter.register_structure_hook_factory(_is_optional, _optional_reader)
    converter.register_structure_hook_factory(attrs.has, _shape_reader)
    converter.register_structure_hook_factory(_is_selection, _selection_reader)
    converter.register_unstructure_hook(datetime, _write_timestamp)
    converter.register_unstructure_hook_factory(attrs.has, _shape_writer)
    converter.register_unstructure_hook_factory(_is_selection, _selection_writer)


@cache
def _converter(*, detailed: bool) -> cattrs.Converter:
    """Make a converter; the one that is not detailed stops at the first misfit, unlocated."""
    converter = cattrs.Converter(
        unstruct_collection_overrides={tuple: list}, detailed_validation=detailed
    )
    configure(converter)
    return converter


def _in_words(error: BaseException, _: type | None) -> str:
    return str(error) if isinstance(error, _MisfitError) else "required member is missing"


def _problems(error: BaseException) -> tuple[str, ...]:
    problems: list[str] = []
    for line in cattrs.transform_error(error, path="$", format_exception=_in_words):
        words, _, path = line.rpartition(" @ $")
        problems.append(f"{path.lstrip('.') or 'reply'}: {words}")
    return tuple(problems)


def read_shape(cls: type[S], wire: Mapping[str, object]) -> S:
    """Read one of AWS's structures.

    Args:
        cls: Its shape.
        wire: Its wire form.

    Returns:
        The shape.

    Raises:
        MisfitsError: If the wire form does not fit; it lists every misfit.
    """
    try:
        return _converter(detailed=False).structure(wire, cls)
    except (LookupError, TypeError, ValueError):
        # Read once more, for every misfit with its path.
        try:
            return _converter(detailed=True).structure(wire, cls)
        except (cattrs.BaseValidationError, _MisfitError) as error:
            raise MisfitsError(_problems(error)) from error


class _ShapeCodec:
    """Reads and writes any model through its shape."""

    def read(self, model: type[M], wire: Mapping[str, object]) -> M:
        try:
            found = read_shape(_shapes_of_models()[model], wire).model()
        except MisfitsError as error:
            raise UnexpectedReplyError(
                f"this is no {model.__name__}", problems=error.problems, reply=wire
            ) from error
        if not isinstance(found, model):
            raise UnexpectedReplyError(
                f"this is no {model.__name__}",
                problems=(f"DeviceSubsetType: this is a {type(found).__name__}",),
                reply=wire,
            )
        return found

    def write(self, model: _codec.WireModel) -> dict[str, object]:
        shape = _shapes_of_models()[type(model)].of(model)
        return cast("dict[str, object]", _converter(detailed=False).unstructure(shape))


CODEC: Final[_codec.Codec] = _ShapeCodec()
