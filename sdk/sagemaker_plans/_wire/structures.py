"""AWS's structures, as the attributes of the models declare them.

The converter reads and writes by them, and tests hold them against the service's own model.
The few that no model is have a class here.
"""

from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Final, NamedTuple, get_args, get_origin

import attrs

from sagemaker_plans.models import (
    DeviceSelectionConfig,
    DeviceSubsetType,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
)
from sagemaker_plans.models._selection import UNDERSTOOD
from sagemaker_plans.models._wire_form import KEY, wire

Tags = Mapping[str, str]
"""The type of an attribute that has tags."""


@attrs.frozen
class Tag:
    """A tag on the wire. Models have tags as a mapping."""

    key: str
    """The tag's key."""
    value: str
    """The tag's value."""


@attrs.frozen
class Created:
    """What a create answers."""

    arn: str = attrs.field(metadata=wire("EdgeDeploymentPlanArn"))
    """The ARN of the new plan."""


@attrs.frozen
class Extended:
    """What a purchase answers."""

    extensions: tuple[TrainingPlanExtension, ...] = attrs.field(
        metadata=wire("TrainingPlanExtensions")
    )
    """All extensions of the plan."""


@attrs.frozen
class Offerings:
    """What a search answers."""

    training_plan_offerings: tuple[object, ...]
    """Offerings of new plans: they have to be there, and are not read."""
    training_plan_extension_offerings: tuple[TrainingPlanExtensionOffering, ...] = ()
    """Offerings of extensions."""


class Member(NamedTuple):
    """A member of a structure that is an attribute of a model."""

    name: str
    """AWS's name."""
    attribute: str
    """The attribute's name."""
    kind: Any
    """The attribute's type, without None."""
    is_required: bool
    """Whether the structure always has it."""


class Place(NamedTuple):
    """A member whose own members are attributes of the same model."""

    name: str
    """AWS's name."""
    structure: "Structure"
    """What stands in it."""
    is_required: bool
    """Whether it is always there."""


class Spread(NamedTuple):
    """A model whose members stand in the structure around it."""

    attribute: str
    """The attribute that has the model."""
    structure: "Structure"
    """The members."""


class Structure(NamedTuple):
    """One of AWS's structures, or what a model has of it."""

    model: type[Any]
    """The model."""
    members: tuple[Member, ...]
    """Members that are attributes of it."""
    places: tuple[Place, ...] = ()
    """Members that hold attributes of it."""
    spreads: tuple[Spread, ...] = ()
    """Attributes whose members stand here."""
    absent: Mapping[str, object] = {}
    """The value of each attribute without a default whose member may be left out."""


class _Declared(NamedTuple):
    """An attribute, and what it declares with ``wire`` or ``spread``."""

    attribute: "attrs.Attribute[Any]"
    path: str = ""
    required: bool = False
    without: tuple[str, ...] = ()
    absent: object = None

    @property
    def must_be(self) -> bool:
        is_optional = NoneType in get_args(self.attribute.type)
        return self.attribute.default is attrs.NOTHING and not is_optional


def _camel_case(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


_SUBSET_TYPE: Final = Member(
    _camel_case("device_subset_type"), "device_subset_type", DeviceSubsetType, is_required=True
)


def structure_of(model: type[Any]) -> Structure:
    """Put together what the attributes of a model declare.

    Args:
        model: The class of the model.

    Returns:
        Its structure. AWS has one for all ways to select devices: that of
        ``DeviceSelectionConfig`` has the members of all, that of one way its own.
    """
    if model is DeviceSelectionConfig:
        ways = (member for way in UNDERSTOOD for member in _structure(way, _declared(way)).members)
        optional = (member._replace(is_required=False) for member in ways)
        return Structure(model, (_SUBSET_TYPE, *optional))
    structure = _structure(model, _declared(model))
    if issubclass(model, DeviceSelectionConfig):
        return structure._replace(members=(_SUBSET_TYPE, *structure.members))
    return structure


def _declared(model: type[Any]) -> list[_Declared]:
    found = [_Declared(each, **each.metadata.get(KEY, {})) for each in attrs.fields(model)]
    return [each._replace(path=each.path or _camel_case(each.attribute.name)) for each in found]


def _structure(model: type[Any], declared: Sequence[_Declared]) -> Structure:
    members: list[Member] = []
    inside: dict[str, list[_Declared]] = {}
    spreads: list[Spread] = []
    for each in declared:
        name, _, rest = each.path.partition(".")
        if rest:
            inside.setdefault(name, []).append(each._replace(path=rest))
        elif "*" in name:
            spreads.append(_spread(each))
        else:
            kind, is_required = _present(each.attribute.type), each.required or each.must_be
            members.append(Member(name, each.attribute.name, kind, is_required))
    places = (
        Place(name, _structure(model, below), any(each.must_be for each in below))
        for name, below in inside.items()
    )
    attributes = (each.attribute for each in declared if not each.must_be)
    absent = {each.name: None for each in attributes if each.default is attrs.NOTHING}
    return Structure(model, tuple(members), tuple(places), tuple(spreads), absent)


def _spread(whole: _Declared) -> Spread:
    model = _present(whole.attribute.type)
    declared = [
        each._replace(path=whole.path.replace("*", each.path))
        for each in _declared(model)
        if each.attribute.name not in whole.without
    ]
    structure = _structure(model, declared)
    if whole.absent is not None:
        structure = structure._replace(
            members=tuple(each._replace(is_required=False) for each in structure.members),
            absent={each.attribute: whole.absent for each in structure.members},
        )
    return Spread(whole.attribute.name, structure)


def _present(kind: Any) -> Any:  # noqa: ANN401  # an attribute may be of any type
    """Leave None out of a type."""
    if get_origin(kind) is not UnionType:
        return kind
    (present,) = (each for each in get_args(kind) if each is not NoneType)
    return present
