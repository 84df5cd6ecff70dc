"""Gives models as plain values, ready for JSON: for logs, tickets and task results."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, cast

import attrs


class PlainModel:
    """A model that can be given as plain values."""

    __slots__ = ()

    def to_dict(self) -> dict[str, object]:
        """Convert the model to plain values, ready for ``json.dumps``.

        Returns:
            A new dict by the names of the attributes. Times are ISO 8601 in UTC, fees
            are strings, and enums are the service's own words.
        """
        return {
            field.name: _plain(getattr(self, field.name))
            for field in attrs.fields(cast("Any", type(self)))
        }


def _characters(text: str) -> str:
    # Not str(text): a member of an enum may have another text than its value.
    return str.__str__(text)


_WRITERS: Final[tuple[tuple[type[Any], Callable[[Any], object]], ...]] = (
    (PlainModel, lambda model: model.to_dict()),
    (str, _characters),
    (datetime, lambda time: time.astimezone(UTC).isoformat()),
    (Decimal, lambda fee: f"{fee:f}"),
    (tuple, lambda items: [_plain(each) for each in items]),
    (list, lambda items: [_plain(each) for each in items]),
    (Mapping, lambda items: {name: _plain(each) for name, each in items.items()}),
)


def _plain(value: Any) -> object:  # noqa: ANN401  # whatever an attribute is
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(cast("Any", value))
    return value
