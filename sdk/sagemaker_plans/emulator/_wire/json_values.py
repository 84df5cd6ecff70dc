"""Type guards for JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeGuard


def is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    """Tell whether a JSON value is an object; the names in it are always strings."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Tell whether a JSON value is a list."""
    return isinstance(value, list)


def is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    """Tell whether a value is a tuple, which stands for a list."""
    return isinstance(value, tuple)


def is_iterable(value: object) -> TypeGuard[Iterable[object]]:
    """Tell whether a value from Python can stand for a list; a text and an object cannot."""
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
