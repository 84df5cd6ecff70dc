"""Compares replies that a client has parsed with botocore's shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from sagemaker_plans.emulator._wire.validation import service_model

TYPES: Mapping[str, type] = {
    "string": str,
    "integer": int,
    "long": int,
    "timestamp": datetime,
}


def departures(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Name the members that a parsed reply has too many or too few for its shape."""
    if isinstance(shape, StructureShape):
        for member in set(shape.required_members) - set(value):
            yield f"{path}.{member} is missing"
        for member in set(value) - set(shape.members):
            yield f"{path}.{member} is unknown"
        for member, inner in shape.members.items():
            if member in value:
                yield from departures(inner, value[member], f"{path}.{member}")
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value):
            yield from departures(shape.member, item, f"{path}[{number}]")
    else:
        if not isinstance(value, TYPES[shape.type_name]):
            yield f"{path} is {value!r}"
        allowed = shape.metadata.get("enum")
        if allowed and value not in allowed:
            yield f"{path} is {value!r}, not one of {allowed}"


def fits(operation: str, reply: Any) -> None:
    """Assert that a reply has the members of the operation's output, and no other."""
    parsed = {name: value for name, value in reply.items() if name != "ResponseMetadata"}
    assert reply["ResponseMetadata"]["RequestId"]
    shape = service_model().operation_model(operation).output_shape
    if shape is None:
        assert parsed == {}
    else:
        assert list(departures(shape, parsed, operation)) == []
        assert bool(parsed) == bool(shape.members)
