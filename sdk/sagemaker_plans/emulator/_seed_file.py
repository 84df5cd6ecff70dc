"""Seeds from JSON and TOML files, with errors that name file, line and key."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from sagemaker_plans.emulator._refusal import Refusal
from sagemaker_plans.emulator._seed import FleetSeed, OfferingSeed, PlanSeed, Seed, TrainingPlanSeed
from sagemaker_plans.emulator._validation import validated

if TYPE_CHECKING:
    from sagemaker_plans.emulator._service import Service


class SeedError(ValueError):
    """A seed file does not say what a seed file should."""


@attrs.frozen
class _Rule:
    """What one key of a seed file may hold."""

    allowed: str
    fits: Callable[[object], bool]
    required: bool = False


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list_of(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, cast("list[object]", value)))


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


_NAME: Final = _Rule("a name", _is_text, required=True)
_TEXT: Final = _Rule("a text", _is_text)
_FLAG: Final = _Rule("true or false", lambda value: isinstance(value, bool))
_COUNT: Final = _Rule("a whole number, zero or more", _is_count)
_NAMES: Final = _Rule("a list of names", _is_list_of(_is_text))
_TABLES: Final = _Rule("a list of tables", _is_list_of(_is_table))
_STATUSES: Final = ("Pending", "Active", "Scheduled", "Expired", "Failed")

_SEED: Final = {"fleets": _TABLES, "plans": _TABLES, "training_plans": _TABLES}
_FLEET: Final = {
    "name": _NAME,
    "devices": _Rule(
        "a list of device names, or how many",
        lambda value: _is_count(value) or _NAMES.fits(value),
    ),
    "failing": _NAMES,
    "failure_rate": _Rule(
        "a number between 0 and 1",
        lambda value: _is_number(value) and 0 <= cast("float", value) <= 1,
    ),
}
_PLAN: Final = {
    "create": _Rule("a CreateEdgeDeploymentPlan request", _is_table, required=True),
    "start": _NAMES,
}
_TRAINING_PLAN: Final = {
    "name": _NAME,
    "status": _Rule(f"one of {', '.join(_STATUSES)}", lambda value: value in _STATUSES),
    "start_in_hours": _Rule("a number", _is_number),
    "duration_hours": _COUNT,
    "instance_type": _TEXT,
    "instance_count": _COUNT,
    "region": _TEXT,
    "offerings": _TABLES,
}
_OFFERING: Final = {
    "offering_id": _Rule("an offering's id", _is_text, required=True),
    "duration_hours": _COUNT,
    "upfront_fee": _Rule("a decimal number in quotes", lambda value: isinstance(value, str)),
    "currency_code": _TEXT,
    "resellable": _FLAG,
    "sold_out": _FLAG,
    "payment_fails": _FLAG,
}


def read_seed(path: Path) -> Seed:
    """Read a seed file.

    Args:
        path: A JSON file, or a TOML file if it ends in `.toml`.

    Returns:
        The seed.

    Raises:
        SeedError: It is no valid JSON or TOML, or holds a key or value that is not
            allowed; the message tells the file, the line where it can be told, the key
            and what is allowed.
        OSError: The file cannot be read.
    """
    return _SeedFile(path).seed()


def plant_file(path: Path, service: Service) -> None:
    """Let a service begin with what a seed file tells.

    Args:
        path: As for `read_seed`.
        service: The service, which forgets what it had.

    Raises:
        SeedError: As for `read_seed`; or the service refuses what the file tells, such
            as two plans of one name.
        OSError: The file cannot be read.
    """
    seed = read_seed(path)
    try:
        service.plant(seed)
    except (Refusal, ValueError) as error:
        raise SeedError(f"{path}: {error}") from error


class _SeedFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._text = path.read_bytes().decode()
        except UnicodeDecodeError as error:
            raise SeedError(f"{path}: the file is not UTF-8: {error}") from error

    def seed(self) -> Seed:
        top = self._checked("", self._parsed(), _SEED)
        return Seed(
            fleets=tuple(
                FleetSeed(**_tuples(self._checked(where, entry, _FLEET)))
                for where, entry in _entries("", top, "fleets")
            ),
            plans=tuple(self._plan(where, entry) for where, entry in _entries("", top, "plans")),
            training_plans=tuple(
                self._training_plan(where, entry)
                for where, entry in _entries("", top, "training_plans")
            ),
        )

    def _plan(self, where: str, entry: object) -> PlanSeed:
        plan = PlanSeed(**_tuples(self._checked(where, entry, _PLAN)))
        try:
            validated("CreateEdgeDeploymentPlan", plan.create)
        except Refusal as refusal:
            raise self._error(f"{where}.create", refusal.message) from refusal
        return plan

    def _training_plan(self, where: str, entry: object) -> TrainingPlanSeed:
        checked = self._checked(where, entry, _TRAINING_PLAN)
        offerings: tuple[OfferingSeed, ...] = tuple(
            OfferingSeed(**self._checked(inner, offering, _OFFERING))
            for inner, offering in _entries(f"{where}.", checked, "offerings")
        )
        arguments: dict[str, Any] = {**checked, "offerings": offerings}
        return TrainingPlanSeed(**arguments)

    def _parsed(self) -> object:
        try:
            if self._path.suffix == ".toml":
                return tomllib.loads(self._text)
            return cast("object", json.loads(self._text))
        except tomllib.TOMLDecodeError as error:
            raise SeedError(f"{self._path}: {error}") from error
        except json.JSONDecodeError as error:
            raise SeedError(f"{self._path}:{error.lineno}: {error.msg}") from error

    def _checked(self, where: str, value: object, rules: Mapping[str, _Rule]) -> dict[str, Any]:
        """Return a table whose keys and values are all allowed."""
        if not isinstance(value, dict):
            raise self._error(where, f"must be a table with the keys {', '.join(rules)}")
        table = cast("dict[str, Any]", value)
        prefix = f"{where}." if where else ""
        for key, content in table.items():
            if key not in rules:
                raise self._error(f"{prefix}{key}", f"is not known; known are {', '.join(rules)}")
            if not rules[key].fits(content):
                raise self._error(f"{prefix}{key}", f"must be {rules[key].allowed}")
        for key, rule in rules.items():
            if rule.required and key not in table:
                raise self._error(f"{prefix}{key}", f"is required: {rule.allowed}")
        return table

    def _error(self, where: str, problem: str) -> SeedError:
        key = re.escape(where.rpartition(".")[2])
        # Neither parser keeps positions: the line is told where only one can be meant.
        found = list(re.finditer(rf"(?<![\w-]){key}(?![\w-])", self._text)) if key else []
        line = f":{self._text.count(chr(10), 0, found[0].start()) + 1}" if len(found) == 1 else ""
        return SeedError(f"{self._path}{line}: {where or 'the file'} {problem}")


def _entries(prefix: str, table: Mapping[str, Any], key: str) -> list[tuple[str, object]]:
    return [(f"{prefix}{key}[{number}]", entry) for number, entry in enumerate(table.get(key, []))]


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(cast("list[object]", value)) if isinstance(value, list) else value
        for key, value in table.items()
    }
