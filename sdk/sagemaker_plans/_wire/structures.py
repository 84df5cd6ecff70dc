"""AWS's structures, made from what the attributes of the models declare.

The converter reads and writes with these structures, and tests compare them with the service
model. A structure that is not a public model has a class in this file.
"""

from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Final, NamedTuple, get_args, get_origin

import attrs

from sagemaker_plans.models import DeviceSelection, DeviceSelectionConfig, DeviceSubsetType
from sagemaker_plans.models._selection import UNDERSTOOD
from sagemaker_plans.models._wire_form import KEY, wire

Tags = Mapping[str, str]
"""The type of an attribute that holds tags."""


@attrs.frozen
class Tag:
    """A tag on the wire. In models, tags are a mapping."""

    key: str
    """The tag's key."""
    value: str
    """The tag's value."""


@attrs.frozen
class Created:
    """The reply to CreateEdgeDeploymentPlan."""

    arn: str = attrs.field(metadata=wire("EdgeDeploymentPlanArn"))
    """The ARN of the new plan."""


class Member(NamedTuple):
    """A member of a structure that is an attribute of a model."""

    name: str
    """AWS's name."""
    attribute: str
    """The attribute's name."""
    kind: Any
    """The attribute's type, without None."""
    is_required: bool
    """Whether the structure always has this member."""


class Place(NamedTuple):
    """A nested structure whose members are attributes of the outer model."""

    name: str
    """AWS's name of the member that holds the nested structure."""
    structure: "Structure"
    """The nested structure."""
    is_required: bool
    """Whether the outer structure always has this member."""


class Spread(NamedTuple):
    """An attribute that is a model, although its members are not nested on the wire."""

    attribute: str
    """The name of the attribute."""
    structure: "Structure"
    """The members of the model, which are in the outer structure."""


class Structure(NamedTuple):
    """One of AWS's structures, or the part of it that a model has."""

    model: type[Any]
    """The class of the model."""
    members: tuple[Member, ...]
    """The members that are attributes of the model."""
    places: tuple[Place, ...] = ()
    """The members that are structures with attributes of the model in them."""
    spreads: tuple[Spread, ...] = ()
    """The attributes that are models, with their members in this structure."""
    absent: Mapping[str, object] = {}
    """The values of the attributes that have no default and whose member may be missing."""


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
    """Make the structure that the attributes of a model declare.

    Args:
        model: The class of the model.

    Returns:
        The structure. AWS has one structure for all selection types, so the structure of
        ``DeviceSelectionConfig`` has the members of all its subclasses. The structure of a
        subclass has only its own members.
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
    """Remove None from a union type. A selection stands for the class of all selections."""
    if kind == DeviceSelection:
        return DeviceSelectionConfig
    if get_origin(kind) is not UnionType:
        return kind
    (present,) = (each for each in get_args(kind) if each is not NoneType)
    return present
