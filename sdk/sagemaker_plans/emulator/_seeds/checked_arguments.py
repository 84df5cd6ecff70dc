"""Checks what the methods that add resources are given, before anything changes."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, TypeVar, cast

import attrs

from sagemaker_plans.emulator._data.saved_state import SavedState
from sagemaker_plans.emulator._data.structuring import MisfitsError, Structuring
from sagemaker_plans.emulator._seeds.allowed_values import ALLOWED
from sagemaker_plans.emulator._seeds.seed import (
    FleetSeed,
    OfferingSeed,
    PlanOfferingSeed,
    PlanSeed,
    Seed,
    SeedEntryError,
    TrainingPlanSeed,
    fee_text,
)
from sagemaker_plans.emulator._wire.json_values import is_iterable, is_tuple
from sagemaker_plans.emulator._wire.number_types import real_number, whole_number

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
    plain = {
        name: fee_text(value)
        if isinstance(value, Decimal) and name == "upfront_fee"
        else _plain(value)
        for name, value in given.items()
    }
    try:
        return _PLAIN.structured(plain, kind)
    except MisfitsError as error:
        first = error.misfits[0]
        value = given[first.where.partition("[")[0].partition(".")[0]]
        raise ValueError(f"{first.where} {first.problem}, not {_SHOWN.repr(value)}") from error


def _plain(value: object) -> object:
    """Return a value as JSON has it, with a list for anything that can be gone through."""
    number: float | None = whole_number(value)
    if number is None:
        number = real_number(value)
    if number is not None:
        return number
    return [*value] if is_iterable(value) else value


def check_entries(seed: Seed) -> None:
    """Check each entry of a seed by itself.

    Raises:
        SeedEntryError: One of them is not allowed.
    """
    if not isinstance(cast("object", seed.state), SavedState | None):
        problem = f"must be a SavedState or None, not {_SHOWN.repr(seed.state)}"
        raise SeedEntryError("state", problem)
    for where, entry in _entries(seed):
        members = attrs.asdict(entry, recurse=False, filter=attrs.filters.exclude("offerings"))
        try:
            checked(type(entry), **members)
        except ValueError as error:
            raise SeedEntryError(where, f"is wrong: {error}") from error


def _entries(seed: Seed) -> Iterator[tuple[str, attrs.AttrsInstance]]:
    yield from _each("fleets", seed.fleets, FleetSeed)
    for where, plan in _each("training_plans", seed.training_plans, TrainingPlanSeed):
        yield where, plan
        yield from _each(f"{where}.offerings", plan.offerings, OfferingSeed)
    yield from _each("plan_offerings", seed.plan_offerings, PlanOfferingSeed)
    yield from _each("plans", seed.plans, PlanSeed)


def _each(where: str, entries: object, kind: type[T]) -> Iterator[tuple[str, T]]:
    """Yield the entries of one list of a seed, each with its place."""
    if not is_tuple(entries):
        raise SeedEntryError(
            where, f"must be a list of {kind.__name__}, not {_SHOWN.repr(entries)}"
        )
    for number, entry in enumerate(entries):
        if not isinstance(entry, kind):
            problem = f"must be of the class {kind.__name__}, not {_SHOWN.repr(entry)}"
            raise SeedEntryError(f"{where}[{number}]", problem)
        yield f"{where}[{number}]", entry
