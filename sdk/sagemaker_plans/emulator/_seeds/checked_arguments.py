"""Checks what the methods that add resources are given, before anything changes."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar, cast

import attrs

from sagemaker_plans.emulator._data.structuring import MisfitsError, Structuring
from sagemaker_plans.emulator._seeds.allowed_values import ALLOWED
from sagemaker_plans.emulator._seeds.seed import Seed, SeedEntryError
from sagemaker_plans.emulator._wire.json_values import is_object

T = TypeVar("T")

_PLAIN: Final = Structuring(ALLOWED)

_SHOWN: Final = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = 60  # characters of a wrong value that an error shows


def checked(kind: type[T], **given: object) -> T:
    """Return arguments as an object, if each of them is what a seed file may have there.

    Args:
        kind: A class of attrs, which `ALLOWED` may say more of.
        given: Its members. Any iterable of names will do for a list.

    Raises:
        ValueError: One of them is not allowed. The message names it, its value, and what is
            allowed.
    """
    plain = {name: _plain(value) for name, value in given.items()}
    try:
        return _PLAIN.structured(plain, kind)
    except MisfitsError as error:
        first = error.misfits[0]
        value = given[first.where.partition("[")[0].partition(".")[0]]
        raise ValueError(f"{first.where} {first.problem}, not {_SHOWN.repr(value)}") from error


def _plain(value: object) -> object:
    """Return a value as JSON has it: a list for anything that can be gone through."""
    if isinstance(value, str | bytes) or is_object(value) or not isinstance(value, Iterable):
        return value
    return [*cast("Iterable[object]", value)]


def check_entries(seed: Seed) -> None:
    """Check each entry of a seed by itself.

    Raises:
        SeedEntryError: One of them is not allowed.
    """
    for where, entry in _entries(seed):
        members = attrs.asdict(entry, recurse=False, filter=attrs.filters.exclude("offerings"))
        try:
            checked(type(entry), **members)
        except ValueError as error:
            raise SeedEntryError(where, f"is wrong: {error}") from error


def _entries(seed: Seed) -> Iterator[tuple[str, attrs.AttrsInstance]]:
    for number, fleet in enumerate(seed.fleets):
        yield f"fleets[{number}]", fleet
    for number, training_plan in enumerate(seed.training_plans):
        yield f"training_plans[{number}]", training_plan
        for inner, offering in enumerate(training_plan.offerings):
            yield f"training_plans[{number}].offerings[{inner}]", offering
    for number, plan_offering in enumerate(seed.plan_offerings):
        yield f"plan_offerings[{number}]", plan_offering
    for number, plan in enumerate(seed.plans):
        yield f"plans[{number}]", plan
