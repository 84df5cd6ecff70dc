"""Reads seeds from JSON, TOML and YAML files. Errors name the file, the line and the key."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from sagemaker_plans.emulator._data.structuring import MisfitsError, Structuring
from sagemaker_plans.emulator._seeds.allowed_values import ALLOWED
from sagemaker_plans.emulator._seeds.line_numbers import line_of, lines_of_json, lines_of_toml
from sagemaker_plans.emulator._seeds.seed import Seed, SeedEntryError, SeedError
from sagemaker_plans.emulator._seeds.yaml_text import YamlMissingError, parsed_yaml
from sagemaker_plans.emulator._wire.refusal import Refusal
from sagemaker_plans.emulator._wire.validation import validated

if TYPE_CHECKING:
    from sagemaker_plans.emulator._service.service import Service


_PLAIN: Final = Structuring(ALLOWED)

_SHOWN: Final = 60
# How many characters of a line an error shows, if the line cannot be parsed.


def read_seed(path: Path) -> Seed:
    """Read a seed file.

    Args:
        path: A JSON file; a TOML file if it ends in `.toml`; or, where PyYAML is installed, a
            YAML file if it ends in `.yaml` or `.yml`.

    Returns:
        The seed.

    Raises:
        SeedError: The file is not valid JSON, TOML or YAML, or has a key or value that is not
            allowed. The message names the file, the line if it is known, the key, and
            what is allowed.
        OSError: The file cannot be read.
    """
    return _SeedFile(path).seed()


def plant(seed: Seed | str | os.PathLike[str] | None, service: Service) -> None:
    """Replace everything in a service by a seed.

    Args:
        seed: The seed, or the path of a file that `read_seed` can read; None stands for
            `Seed.default()`.
        service: The service.

    Raises:
        SeedError: As for `read_seed`; or the service refuses an entry of the file, such as
            the second of two plans with the same name.
        OSError: The file cannot be read.
        Refusal: The service refuses an entry of a seed that is not in a file.
        ValueError: As for `Service.plant`.
    """
    if not isinstance(cast("object", seed), Seed | str | os.PathLike | None):
        raise ValueError(  # noqa: TRY004  # all wrong options are one kind of error
            f"seed must be a Seed or the path of a file, not {seed!r}"
        )
    if seed is None or isinstance(seed, Seed):
        service.plant(Seed.default() if seed is None else seed)
        return
    file = _SeedFile(Path(seed))
    read = file.seed()
    entries: list[str] = []
    try:
        service.plant(read, on_entry=entries.append)
    except SeedEntryError as error:
        raise file.error(error.where, error.problem) from error
    except (Refusal, ValueError) as error:
        raise file.error(entries[-1], f"is refused: {error}") from error


class _SeedFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: dict[str, int] = {}
        try:
            self._text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise SeedError(f"{path}: the file is not UTF-8: {error}") from error

    def seed(self) -> Seed:
        try:
            seed = _PLAIN.structured(self._parsed(), Seed)
        except MisfitsError as error:
            # Of several, tell the one that a reader of the file meets first. What is missing
            # comes last, because it may be there under a wrong name.
            first = min(
                error.misfits,
                key=lambda one: (one.where not in self._lines, line_of(one.where, self._lines)),
            )
            raise self.error(first.where, first.problem) from error
        self._check_plans(seed)
        return seed

    def error(self, where: str, problem: str) -> SeedError:
        line = line_of(where, self._lines)
        return SeedError(f"{self._path}:{line}: {where or 'the file'} {problem}")

    def _check_plans(self, seed: Seed) -> None:
        for number, plan in enumerate(seed.plans):
            try:
                validated("CreateEdgeDeploymentPlan", plan.create)
            except Refusal as refusal:
                where = f"plans[{number}].create{_first_member(refusal.message)}"
                raise self.error(where, f"is refused: {refusal}") from refusal

    def _parsed(self) -> object:
        suffix = self._path.suffix.lower()
        try:
            if suffix in {".yaml", ".yml"}:
                parsed, self._lines = parsed_yaml(self._text)
            elif suffix == ".toml":
                parsed = tomllib.loads(self._text)
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
        except YamlMissingError as error:
            raise SeedError(f"{self._path}: {error}") from error
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
