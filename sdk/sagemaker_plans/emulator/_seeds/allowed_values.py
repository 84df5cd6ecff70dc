"""What the keys of a seed file may hold, where a type alone does not say it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from sagemaker_plans.emulator._data.saved_state import STATE_FORMAT, SavedState
from sagemaker_plans.emulator._data.structuring import Allowed
from sagemaker_plans.emulator._seeds.seed import (
    DevicesGiven,
    FleetSeed,
    OfferingSeed,
    OptionsGiven,
    PlanOfferingSeed,
    PlanSeed,
    TagsGiven,
    TrainingPlanSeed,
)
from sagemaker_plans.emulator._wire.json_values import is_object, is_tuple
from sagemaker_plans.emulator._wire.validation import fits_shape

_MOST_HOURS: Final = 1_000_000
# More than a century. Clients can still read dates that are so far away.

_MOST_DEVICES: Final = 1_000_000


_MOST_TAGS: Final = 50
# As many as the service allows for one resource.


def _is_given(value: object) -> bool:
    return value != ""


def _are_given(value: object) -> bool:
    return is_tuple(value) and all(map(_is_given, value))


def _is_shape(shape: str) -> Callable[[object], bool]:
    return lambda value: value is None or fits_shape(shape, value)


_is_entity_name = _is_shape("EntityName")


def _are_entity_names(value: object) -> bool:
    return is_tuple(value) and len({*value}) == len(value) and all(map(_is_entity_name, value))


def _are_tags(value: object) -> bool:
    return (
        is_object(value)
        and len(value) <= _MOST_TAGS
        and all(map(_is_shape("TagKey"), value))
        and all(map(_is_shape("TagValue"), value.values()))
    )


def _is_region(value: object) -> bool:
    return re.fullmatch(r"[a-z0-9-]+", str(value)) is not None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 0


def _is_between(least: float, most: float) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int | float) and least <= value <= most


def _is_account(value: object) -> bool:
    return value is None or re.fullmatch(r"[0-9]{12}", str(value)) is not None


_CHARACTERS: Final = "letters and digits, with hyphens between them"
_NAME: Final = Allowed(f"a name of up to 63 {_CHARACTERS}", _is_entity_name)
_TEXT: Final = Allowed("a text", _is_given)
_COUNT: Final = Allowed("a whole number, zero or more", _is_count)
_HOURS: Final = Allowed(
    f"a whole number of hours, up to {_MOST_HOURS}", _is_between(0, _MOST_HOURS)
)
_SHIFT: Final = Allowed(
    f"a number of hours, up to {_MOST_HOURS}", _is_between(-_MOST_HOURS, _MOST_HOURS)
)
_NAMES: Final = Allowed("a list of names", _are_given)
_DEVICES: Final = Allowed(
    f"a list of names, each once, of up to 63 {_CHARACTERS}", _are_entity_names
)
_ACCOUNT: Final = Allowed("an account's number in quotes, twelve digits", _is_account)
_TAGS: Final = Allowed(
    f"a table of texts, up to {_MOST_TAGS}, of the characters that tags may have",
    _are_tags,
)
_REGION: Final = Allowed("the name of a region, such as us-east-1", _is_region)
_PLACE: Final = {"region": _REGION, "account_id": _ACCOUNT}
_OFFERING: Final = {
    "offering_id": Allowed("an offering's id", _is_given),
    "duration_hours": _HOURS,
    "upfront_fee": Allowed("a decimal number in quotes"),
    "currency_code": _TEXT,
}
_CAPACITY: Final = {
    "start_in_hours": _SHIFT,
    "instance_type": _TEXT,
    "instance_count": _COUNT,
    "region": _REGION,
    "target_resources": _NAMES,
    "ultra_server_type": _TEXT,
    "ultra_server_count": _COUNT,
}


def _are_devices(value: object) -> bool:
    return _are_entity_names(value) or (_is_count(value) and _is_between(0, _MOST_DEVICES)(value))


ALLOWED: Final[Mapping[type, Mapping[str, Allowed]]] = {
    FleetSeed: {
        "name": _NAME,
        "devices": Allowed(
            f"a list of device names, or how many, up to {_MOST_DEVICES}; each name once, of up "
            f"to 63 {_CHARACTERS}",
            _are_devices,
        ),
        "failing": _DEVICES,
        "failure_rate": Allowed("a number between 0 and 1", _is_between(0, 1)),
        "description": Allowed(
            "a text of up to 800 letters, digits, spaces and -_.,;:!",
            lambda value: value == "" or _is_shape("DeviceFleetDescription")(value),
        ),
        "tags": _TAGS,
        **_PLACE,
    },
    PlanSeed: {
        "create": Allowed("a CreateEdgeDeploymentPlan request"),
        "start": _NAMES,
        **_PLACE,
    },
    OfferingSeed: _OFFERING,
    TrainingPlanSeed: {
        **_CAPACITY,
        "name": Allowed(f"a name of up to 64 {_CHARACTERS}", _is_shape("TrainingPlanName")),
        "duration_hours": _HOURS,
        "spare_instances": _COUNT,
        "impaired_ultra_servers": _COUNT,
        "tags": _TAGS,
        "account_id": _ACCOUNT,
    },
    PlanOfferingSeed: {
        **_CAPACITY,
        **_OFFERING,
        "offering_id": Allowed(
            "an offering's id of up to 256 small letters, digits and hyphens",
            _is_shape("TrainingPlanOfferingId"),
        ),
    },
    DevicesGiven: {
        "names": _DEVICES,
        "failing": _DEVICES,
        "tags": _TAGS,
    },
    OptionsGiven: {
        "failure_tolerance": Allowed("a number between 0 and 1", _is_between(0, 1)),
    },
    TagsGiven: {"tags": _TAGS},
    SavedState: {
        "format": Allowed(f"{STATE_FORMAT}, the only one there is", STATE_FORMAT.__eq__),
    },
}
"""By class and member."""
