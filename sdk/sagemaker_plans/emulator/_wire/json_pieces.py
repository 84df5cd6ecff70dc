"""JSON piece by piece, so that a long answer does not hold the loop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeGuard

from sagemaker_plans.emulator._wire.json_values import is_object


def long_lists_read(value: object) -> object:
    """Return JSON with lists in place of the iterators in it."""
    if is_object(value):
        return {name: long_lists_read(member) for name, member in value.items()}
    return [*value] if _is_long_list(value) else value


def _is_long_list(value: object) -> TypeGuard[Iterator[object]]:
    return isinstance(value, Iterator)


def json_pieces(value: object) -> Iterator[str]:
    """Return JSON in pieces. An iterator becomes a list, whose items are taken one by one."""
    if is_object(value):
        yield "{"
        for number, (name, member) in enumerate(value.items()):
            yield f"{', ' if number else ''}{json.dumps(name)}: "
            yield from json_pieces(member)
        yield "}"
    elif _is_long_list(value):
        yield "["
        for number, item in enumerate(value):
            yield f"{', ' if number else ''}{json.dumps(item)}"
        yield "]"
    else:
        yield json.dumps(value)
