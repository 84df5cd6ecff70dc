"""Turns numbers of any type from Python, such as those of numpy, into plain ones."""

from __future__ import annotations

import operator
from numbers import Real
from typing import SupportsIndex


def whole_number(value: object) -> int | None:
    """Return a whole number as an int; None if it is none, or true or false."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        return None
    try:
        return int(operator.index(value))
    except TypeError:
        # Arrays have the method, but most of them are no number.
        return None


def real_number(value: object) -> float | None:
    """Return a number as a float; None if it is none, is too large, or is true or false."""
    if isinstance(value, bool):
        return None
    number: Real | int | None = whole_number(value)
    if number is None and isinstance(value, Real):
        number = value
    try:
        return None if number is None else float(number)
    except OverflowError:
        return None
