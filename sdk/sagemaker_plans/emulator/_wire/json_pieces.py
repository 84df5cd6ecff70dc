"""JSON piece by piece, so that a long answer does not hold the loop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeGuard

from sagemaker_plans.emulator._wire.json_values import is_list, is_object

_SHORT = 20
# A list of so many items is written in one piece.


def long_lists(value: object) -> object:
    """Return JSON with iterators in place of its long lists, which `json_pieces` takes apart."""
    if is_object(value):
        return {name: long_lists(member) for name, member in value.items()}
    return iter(value) if is_list(value) and len(value) > _SHORT else value


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
