"""Reads seeds from JSON and TOML files. Errors name the file, the line and the key."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from sagemaker_plans.emulator._seeds.line_numbers import line_of, lines_of_json, lines_of_toml
from sagemaker_plans.emulator._seeds.seed import (
    FleetSeed,
    OfferingSeed,
    PlanOfferingSeed,
    PlanSeed,
    Seed,
    SeedError,
    TrainingPlanSeed,
)
from sagemaker_plans.emulator._wire.json_values import is_list, is_object
from sagemaker_plans.emulator._wire.refusal import Refusal
from sagemaker_plans.emulator._wire.validation import validated

if TYPE_CHECKING:
    from sagemaker_plans.emulator._service.service import Service


_MOST_HOURS: Final = 1_000_000
# More than a century. Clients can still read dates that are so far away.

_MOST_DEVICES: Final = 1_000_000

_SHOWN: Final = 60
# How many characters of a line an error shows, if the line cannot be parsed.


@attrs.frozen
class _Rule:
    """What one key of a seed file may hold."""

    allowed: str
    fits: Callable[[object], bool]
    required: bool = False


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_count(value: object, most: float = math.inf) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _is_number(value: object, least: float, most: float) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return least <= value <= most


def _is_list_of(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: is_list(value) and all(map(fits, value))


_NAME: Final = _Rule("a name", _is_text, required=True)
_TEXT: Final = _Rule("a text", _is_text)
_FLAG: Final = _Rule("true or false", lambda value: isinstance(value, bool))
_COUNT: Final = _Rule("a whole number, zero or more", _is_count)
_HOURS: Final = _Rule(
    f"a whole number of hours, up to {_MOST_HOURS}", lambda value: _is_count(value, _MOST_HOURS)
)
_NAMES: Final = _Rule("a list of names", _is_list_of(_is_text))
_TABLES: Final = _Rule("a list of tables", _is_list_of(is_object))
_STATUSES: Final = ("Pending", "Active", "Scheduled", "Expired", "Failed")

_ACCOUNT: Final = _Rule(
    "an account's number in quotes, twelve digits",
    lambda value: isinstance(value, str) and re.fullmatch(r"[0-9]{12}", value) is not None,
)
_TAGS: Final = _Rule(
    "a table of texts",
    lambda value: is_object(value) and all(isinstance(text, str) for text in value.values()),
)

_SEED: Final = {
    "fleets": _TABLES,
    "plans": _TABLES,
    "training_plans": _TABLES,
    "plan_offerings": _TABLES,
}
_FLEET: Final = {
    "name": _NAME,
    "devices": _Rule(
        f"a list of device names, or how many, up to {_MOST_DEVICES}",
        lambda value: _is_count(value, _MOST_DEVICES) or _NAMES.fits(value),
    ),
    "failing": _NAMES,
    "failure_rate": _Rule(
        "a number between 0 and 1",
        lambda value: _is_number(value, 0, 1),
    ),
    "description": _TEXT,
    "tags": _TAGS,
    "region": _TEXT,
    "account_id": _ACCOUNT,
}
_PLAN: Final = {
    "create": _Rule("a CreateEdgeDeploymentPlan request", is_object, required=True),
    "start": _NAMES,
    "region": _TEXT,
    "account_id": _ACCOUNT,
}
_TRAINING_PLAN: Final = {
    "name": _NAME,
    "status": _Rule(f"one of {', '.join(_STATUSES)}", lambda value: value in _STATUSES),
    "start_in_hours": _Rule(
        f"a number of hours, up to {_MOST_HOURS}",
        lambda value: _is_number(value, -_MOST_HOURS, _MOST_HOURS),
    ),
    "duration_hours": _HOURS,
    "instance_type": _TEXT,
    "instance_count": _COUNT,
    "region": _TEXT,
    "target_resources": _NAMES,
    "ultra_server_type": _TEXT,
    "ultra_server_count": _COUNT,
    "spare_instances": _COUNT,
    "impaired_ultra_servers": _COUNT,
    "offerings": _TABLES,
    "tags": _TAGS,
    "account_id": _ACCOUNT,
}
_OFFERING: Final = {
    "offering_id": _Rule("an offering's id", _is_text, required=True),
    "duration_hours": _HOURS,
    "upfront_fee": _Rule("a decimal number in quotes", lambda value: isinstance(value, str)),
    "currency_code": _TEXT,
    "resellable": _FLAG,
    "sold_out": _FLAG,
    "payment_fails": _FLAG,
}
_PLAN_OFFERING: Final = {
    **_OFFERING,
    **{
        key: _TRAINING_PLAN[key]
        for key in (
            *("start_in_hours", "instance_type", "instance_count", "region"),
            *("target_resources", "ultra_server_type", "ultra_server_count"),
        )
    },
}


def read_seed(path: Path) -> Seed:
    """Read a seed file.

    Args:
        path: A JSON file, or a TOML file if it ends in `.toml`.

    Returns:
        The seed.

    Raises:
        SeedError: The file is not valid JSON or TOML, or has a key or value that is not
            allowed. The message names the file, the line if it is known, the key, and
            what is allowed.
        OSError: The file cannot be read.
    """
    return _SeedFile(path).seed()


def plant_file(path: Path, service: Service) -> None:
    """Replace everything in a service by the content of a seed file.

    Args:
        path: As for `read_seed`.
        service: The service.

    Raises:
        SeedError: As for `read_seed`; or the service refuses an entry of the file, such as
            the second of two plans with the same name.
        OSError: The file cannot be read.
    """
    file = _SeedFile(path)
    seed = file.seed()
    entries: list[str] = []
    try:
        service.plant(seed, on_entry=entries.append)
    except (Refusal, ValueError) as error:
        raise file.error(entries[-1], f"is refused: {error}") from error


class _SeedFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: dict[str, int] = {}
        self._named: dict[tuple[str, str], str] = {}
        try:
            self._text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise SeedError(f"{path}: the file is not UTF-8: {error}") from error

    def seed(self) -> Seed:
        top = self._checked("", self._parsed(), _SEED)
        return Seed(
            fleets=tuple(self._fleet(where, entry) for where, entry in _entries("", top, "fleets")),
            plans=tuple(self._plan(where, entry) for where, entry in _entries("", top, "plans")),
            training_plans=tuple(
                self._training_plan(where, entry)
                for where, entry in _entries("", top, "training_plans")
            ),
            plan_offerings=tuple(
                self._plan_offering(where, entry)
                for where, entry in _entries("", top, "plan_offerings")
            ),
        )

    def error(self, where: str, problem: str) -> SeedError:
        line = line_of(where, self._lines)
        return SeedError(f"{self._path}:{line}: {where or 'the file'} {problem}")

    def _fleet(self, where: str, entry: object) -> FleetSeed:
        fleet = FleetSeed(**_tuples(self._checked(where, entry, _FLEET)))
        # A test may replace a fleet by one with the same name. In a file that is a mistake.
        kind = f"fleet in {fleet.region} of {fleet.account_id}"
        self._check_unique(f"{where}.name", kind, fleet.name)
        return fleet

    def _check_unique(self, where: str, kind: str, name: str) -> None:
        first = self._named.setdefault((kind, name), where)
        if first != where:
            raise self.error(where, f"must be unique, but {name!r} is {first} too")

    def _plan(self, where: str, entry: object) -> PlanSeed:
        plan = PlanSeed(**_tuples(self._checked(where, entry, _PLAN)))
        try:
            validated("CreateEdgeDeploymentPlan", plan.create)
        except Refusal as refusal:
            member = _first_member(refusal.message)
            raise self.error(f"{where}.create{member}", f"is refused: {refusal}") from refusal
        return plan

    def _training_plan(self, where: str, entry: object) -> TrainingPlanSeed:
        checked = self._checked(where, entry, _TRAINING_PLAN)
        offerings: tuple[OfferingSeed, ...] = tuple(
            self._offering(inner, offering)
            for inner, offering in _entries(f"{where}.", checked, "offerings")
        )
        arguments: dict[str, Any] = {**_tuples(checked), "offerings": offerings}
        return TrainingPlanSeed(**arguments)

    def _offering(self, where: str, entry: object) -> OfferingSeed:
        offering = OfferingSeed(**self._checked(where, entry, _OFFERING))
        self._check_unique(f"{where}.offering_id", "offering", offering.offering_id)
        return offering

    def _plan_offering(self, where: str, entry: object) -> PlanOfferingSeed:
        offering = PlanOfferingSeed(**_tuples(self._checked(where, entry, _PLAN_OFFERING)))
        self._check_unique(f"{where}.offering_id", "offering", offering.offering_id)
        return offering

    def _parsed(self) -> object:
        if self._path.suffix.lower() in {".yaml", ".yml"}:
            raise SeedError(f"{self._path}: a seed is a JSON or TOML file; YAML is not read")
        try:
            if self._path.suffix.lower() == ".toml":
                parsed: object = tomllib.loads(self._text)
                self._lines = lines_of_toml(self._text)
            else:
                parsed = json.loads(self._text)
                self._lines = lines_of_json(self._text)
        except tomllib.TOMLDecodeError as error:
            raise self._not_parsed(str(error)) from error
        except json.JSONDecodeError as error:
            raise self._not_parsed(
                f"{error.msg} (at line {error.lineno}, column {error.colno})"
            ) from error
        except RecursionError as error:
            raise SeedError(f"{self._path}: the file is nested too deeply") from error
        except ValueError as error:
            # A table has a key twice, or an integer has thousands of digits.
            raise SeedError(f"{self._path}:{error}") from error
        return parsed

    def _not_parsed(self, problem: str) -> SeedError:
        """Return an error that shows the line, because the parsers do not name the key."""
        lines = self._text.split("\n")
        found = re.search(r"\(at line (\d+), ", problem)
        # The TOML parser names no line if the error is at the end of the document.
        number = int(found[1]) if found else len(lines)
        shown = lines[number - 1].strip()[:_SHOWN]
        return SeedError(f"{self._path}:{number}: {problem}: {shown!r}")

    def _checked(self, where: str, value: object, rules: Mapping[str, _Rule]) -> Mapping[str, Any]:
        """Return a table if all of its keys and values are allowed."""
        if not is_object(value):
            raise self.error(where, f"must be a table with the keys {', '.join(rules)}")
        prefix = f"{where}." if where else ""
        for key, content in value.items():
            if key not in rules:
                raise self.error(f"{prefix}{key}", f"is not known; known are {', '.join(rules)}")
            if not rules[key].fits(content):
                raise self.error(f"{prefix}{key}", f"must be {rules[key].allowed}")
        for key, rule in rules.items():
            if rule.required and key not in value:
                raise self.error(f"{prefix}{key}", f"is required: {rule.allowed}")
        return value


def _first_member(message: str) -> str:
    """Return the first member that a validation error names, as the seed file spells it."""
    found = re.search(r" at '([^']*)' failed", message)
    path = ""
    for part in found[1].split(".") if found else ():
        if part.isdecimal():
            path += f"[{int(part) - 1}]"
        elif part != "member":
            path += f".{part[:1].upper()}{part[1:]}"
    return path


def _entries(prefix: str, table: Mapping[str, Any], key: str) -> list[tuple[str, object]]:
    return [(f"{prefix}{key}[{number}]", entry) for number, entry in enumerate(table.get(key, []))]


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if is_list(value) else value for key, value in table.items()}
