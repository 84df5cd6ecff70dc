"""Reads the JSON of a request, and refuses what is nested too deeply before it is parsed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from sagemaker_plans.emulator._wire.json_values import is_object
from sagemaker_plans.emulator._wire.refusal import Refusal

MOST_BYTES: Final = 1024 * 1024
"""The longest body that is read."""

MOST_LEVELS: Final = 100
"""How deeply a body may be nested. The deepest request of the service model has 10 levels."""

_OPENING: Final = frozenset(b"{[")
# A string is one token. The quantifiers are possessive, so that a long one costs no memory.
_TOKENS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def parsed_object(body: bytes) -> Mapping[str, object]:
    """Read a JSON object.

    Raises:
        Refusal: `SerializationException`, because the body is not a JSON object, or is nested
            more deeply than `MOST_LEVELS`.
    """
    _check_depth(body)
    try:
        value: object = json.loads(body.decode(), parse_constant=_refuse_constant)
    except ValueError as error:
        raise Refusal("SerializationException", "The body is not valid JSON.") from error
    if not is_object(value):
        raise Refusal("SerializationException", "The body is not a JSON object.")
    return value


def _check_depth(body: bytes) -> None:
    if body.count(b"{") + body.count(b"[") <= MOST_LEVELS:
        return
    level = 0
    for token in _TOKENS.finditer(body):
        first = body[token.start()]
        if first in _OPENING:
            level += 1
            if level > MOST_LEVELS:
                raise Refusal(
                    "SerializationException",
                    f"The body is nested more deeply than {MOST_LEVELS} levels.",
                )
        elif first != ord('"'):
            level -= 1


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not valid JSON")
