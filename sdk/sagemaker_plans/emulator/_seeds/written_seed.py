"""Writes seeds to files."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sagemaker_plans.emulator._data.structuring import Structuring
from sagemaker_plans.emulator._seeds.seed import Seed

_PLAIN: Final = Structuring()

_OTHER_FORMATS: Final = frozenset({".toml", ".yaml", ".yml"})
# By these names a seed would be read as something else.


def seed_text(seed: Seed) -> str:
    """Return a seed as JSON, which `read_seed` reads. What is empty is left out."""
    members: Mapping[str, object] = _PLAIN.unstructured(seed)
    given = {name: value for name, value in members.items() if value}
    return json.dumps(given, indent=1, allow_nan=False) + "\n"


def check_seed_path(path: Path) -> None:
    """Check that a seed can be written to a file of this name.

    Raises:
        ValueError: It would be read as another format than JSON.
    """
    if path.suffix.lower() in _OTHER_FORMATS:
        raise ValueError(
            f"path: {path} must not end in {path.suffix}, because a seed is written as JSON; name "
            f"{path.with_suffix('.json')}"
        )


def write_seed(path: Path, seed: Seed) -> None:
    """Write a seed to a file, whole or not at all.

    Args:
        path: The file. What it had is replaced.
        seed: The seed.

    Raises:
        OSError: It cannot be written.
    """
    # A link stays one.
    path = path.resolve()
    text = seed_text(seed)
    if path.exists() and not path.is_file():
        # A pipe or a terminal, which cannot be replaced.
        path.write_text(text, encoding="utf-8")
        return
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            beside.chmod(path.stat().st_mode)
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        raise
