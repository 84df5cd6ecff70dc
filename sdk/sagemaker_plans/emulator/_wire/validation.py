"""Checks requests against the service model that comes with botocore."""

from __future__ import annotations

import functools
import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final

from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from sagemaker_plans.emulator._wire.json_values import is_list, is_object
from sagemaker_plans.emulator._wire.members import Request
from sagemaker_plans.emulator._wire.refusal import invalid

MOST_PROBLEMS: Final = 50
"""How many problems a message lists. A wrong request of 1 MiB may have 400,000."""

_JAVA_SYNTAX: Final = re.compile(r"\\p\{(?P<category>[A-Z])\}|\\.|\[|\]|\.", re.DOTALL)
_JAVA_DOT: Final = r"[^\n\r\u0085\u2028\u2029]"
# In Java, the dot matches no line terminator. In Python, it only does not match \n.


@functools.cache
def service_model() -> ServiceModel:
    """Load botocore's description of SageMaker, once per process.

    Returns:
        The model that every AWS SDK is made from.
    """
    description: Mapping[str, object] = Loader().load_service_model("sagemaker", "service-2")
    return ServiceModel(description, "sagemaker")


def validated(operation: str, request: Mapping[str, object]) -> Request:
    """Check a request against the service model, as the real service does first.

    Args:
        operation: An operation of the service model.
        request: The parsed body.

    Returns:
        The request without its null members, which count as absent.

    Raises:
        Refusal: `ValidationException`, whose message lists the first `MOST_PROBLEMS` problems.
    """
    shape = _input_shape(operation)
    cleaned = _without_nulls(request)
    found = tuple(islice(_structure_problems(shape, cleaned, ""), MOST_PROBLEMS + 1))
    problems = found[:MOST_PROBLEMS]
    if problems:
        count = len(found) if found == problems else f"More than {MOST_PROBLEMS}"
        noun = "validation error" if len(found) == 1 else "validation errors"
        raise invalid(f"{count} {noun} detected: {'; '.join(problems)}")
    assert is_object(cleaned), "anything else is a problem"
    return cleaned


def fits_shape(shape: str, value: object) -> bool:
    """Tell whether a value is one of a shape of the service model, such as `EntityName`."""
    return next(_problems(service_model().shape_for(shape), value, ""), None) is None


@functools.cache
def _input_shape(operation: str) -> StructureShape:
    shape = service_model().operation_model(operation).input_shape
    assert isinstance(shape, StructureShape), "every operation of the emulator takes a request"
    return shape


def _without_nulls(value: object) -> object:
    if is_object(value):
        return {
            name: _without_nulls(member) for name, member in value.items() if member is not None
        }
    return [_without_nulls(item) for item in value] if is_list(value) else value


def _problems(shape: Shape, value: object, path: str) -> Iterator[str]:
    yield from _CHECKS[shape.type_name](shape, value, path)


def _structure_problems(shape: Shape, value: object, path: str) -> Iterator[str]:
    assert isinstance(shape, StructureShape)
    if not is_object(value):
        yield _complaint(value, path, "Member must be a structure")
        return
    for required in shape.required_members:
        if required not in value:
            yield _complaint(None, _join(path, required), "Member must not be null")
    for name, member in value.items():
        if name in shape.members:
            yield from _problems(shape.members[name], member, _join(path, name))
        else:
            yield _complaint(member, _join(path, name), "Member is not known to the service")


def _list_problems(shape: Shape, value: object, path: str) -> Iterator[str]:
    assert isinstance(shape, ListShape)
    if not is_list(value):
        yield _complaint(value, path, "Member must be a list")
        return
    yield from _length_problems(shape, value, path)
    for number, item in enumerate(value, start=1):
        yield from _problems(shape.member, item, f"{path}.{number}.member")


def _string_problems(shape: Shape, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield _complaint(value, path, "Member must be a string")
        return
    allowed: list[str] = shape.metadata.get("enum", [])
    if allowed and value not in allowed:
        yield _complaint(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    yield from _length_problems(shape, value, path)
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not compiled_pattern(pattern, value.isascii()).fullmatch(value):
        yield _complaint(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _length_problems(shape: Shape, value: str | list[object], path: str) -> Iterator[str]:
    shortest, longest = shape.metadata.get("min"), shape.metadata.get("max")
    if shortest is not None and len(value) < shortest:
        yield _complaint(
            value, path, f"Member must have length greater than or equal to {shortest}"
        )
    if longest is not None and len(value) > longest:
        yield _complaint(value, path, f"Member must have length less than or equal to {longest}")


def _integer_problems(shape: Shape, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield _complaint(value, path, "Member must be an integer")
        return
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        yield _complaint(value, path, f"Member must have value greater than or equal to {least}")
    if most is not None and value > most:
        yield _complaint(value, path, f"Member must have value less than or equal to {most}")


def _boolean_problems(_shape: Shape, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield _complaint(value, path, "Member must be a boolean")


def _timestamp_problems(_shape: Shape, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield _complaint(value, path, "Member must be a timestamp in epoch seconds")


_CHECKS: Final[Mapping[str, Callable[[Shape, object, str], Iterator[str]]]] = {
    "structure": _structure_problems,
    "list": _list_problems,
    "string": _string_problems,
    "integer": _integer_problems,
    "long": _integer_problems,
    "boolean": _boolean_problems,
    "timestamp": _timestamp_problems,
}


def _join(path: str, member: str) -> str:
    """Name a member the way the service's messages do: `stages.1.member.stageName`."""
    name = member[:1].lower() + member[1:]
    return f"{path}.{name}" if path else name


def _complaint(value: object, path: str, constraint: str) -> str:
    shown = "null" if value is None else value if isinstance(value, str) else json.dumps(value)
    quoted = "null" if value is None else f"'{shown}'"
    return f"Value {quoted} at '{path}' failed to satisfy constraint: {constraint}"


@functools.cache
def compiled_pattern(pattern: str, ascii_only: bool) -> re.Pattern[str]:  # noqa: FBT001  # a cache key
    r"""Translate a pattern of the service model, which is written for Java.

    Args:
        pattern: Java regular expression.
        ascii_only: Whether all strings are ASCII. Then a category is made from the ASCII
            characters only, which is faster.

    Returns:
        A pattern for `fullmatch`. In it, `\d` and `\w` match ASCII only, as in Java.
    """
    inside_class = False

    def python_syntax(found: re.Match[str]) -> str:
        nonlocal inside_class
        piece = found.group()
        if category := found.group("category"):
            ranges = _category_ranges(category, 128 if ascii_only else sys.maxunicode + 1)
            return ranges if inside_class else f"[{ranges}]"
        if piece in "[]":
            inside_class = piece == "["
        return _JAVA_DOT if piece == "." and not inside_class else piece

    return re.compile(_JAVA_SYNTAX.sub(python_syntax, pattern), re.ASCII)


@functools.cache
def _category_ranges(category: str, limit: int) -> str:
    """Return a Unicode general category as the inside of a character class."""
    return "".join(
        f"\\U{run.start():08x}-\\U{run.end() - 1:08x}"
        for run in re.finditer(f"{category}+", _categories(limit))
    )


@functools.cache
def _categories(limit: int) -> str:
    """Return the first letter of every character's category, in the order of code points."""
    return "".join(unicodedata.category(chr(code))[0] for code in range(limit))
