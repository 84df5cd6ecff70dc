"""Reads and writes plain values. No value is coerced; a wrong value raises an error."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, NoReturn

from sagemaker_plans.models._enums import OpenEnum
from sagemaker_plans.models._validation import shown

WHOLE: Final = "reply"
"""What the path of a problem is called if the problem is the whole wire form."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When timestamps begin."""
_NUMBERS: Final = (int, float)
# Decimal() alone would also accept "NaN", "1_0", " 1 " and digits of other scripts.
_FEE: Final = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


class MisfitError(ValueError):
    """A value that does not fit the service model. The caller sees the error's text."""


class MisfitsError(ValueError):
    """A wire form that does not fit its model.

    Args:
        problems: Each problem with its path, such as ``Stages[5].StageName: ...``.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(*problems)
        self.problems = problems


def misfit(expected: str, value: object) -> NoReturn:
    """Raise the error for a wrong value.

    Args:
        expected: What the service model requires, with its article.
        value: The wrong value.

    Raises:
        MisfitError: Always.
    """
    got = "null" if value is None else f"{type(value).__name__} {shown(value)}"
    raise MisfitError(f"expected {expected}, got {got}")


def read_text(value: object, _: object) -> str:
    """Read a string.

    Args:
        value: The value in the reply.

    Returns:
        The string.

    Raises:
        MisfitError: If the value is not a string.
    """
    return value if isinstance(value, str) else misfit("a string", value)


def read_integer(value: object, _: object) -> int:
    """Read a whole number.

    Args:
        value: The value in the reply.

    Returns:
        The number.

    Raises:
        MisfitError: If the value is not a whole number. A bool is not one either.
    """
    return value if type(value) is int else misfit("a whole number", value)


def read_truth(value: object, _: object) -> bool:
    """Read a bool.

    Args:
        value: The value in the wire form.

    Returns:
        The bool.

    Raises:
        MisfitError: If the value is neither true nor false.
    """
    return value if isinstance(value, bool) else misfit("true or false", value)


def choice_reader(words: tuple[str, ...]) -> Callable[[object, object], str]:
    """Make a reader for one of a few words of this package.

    Args:
        words: The words.

    Returns:
        The reader; it raises ``MisfitError`` for anything else.
    """

    def read(value: object, _: object) -> str:
        return (
            value
            if isinstance(value, str) and value in words
            else misfit(f"one of {', '.join(words)}", value)
        )

    return read


def parse_fee(text: str | None) -> Decimal | None:
    """Read a fee as the service writes it, such as ``"1234.50"``.

    Args:
        text: The fee's text.

    Returns:
        The fee, or None if the text is not a plain decimal number.
    """
    if text is None or not _FEE.fullmatch(text):
        return None
    return Decimal(text)


def read_fee(value: object, _: object) -> Decimal | None:
    """Read a fee, which is a string on the wire.

    Args:
        value: The value in the reply.

    Returns:
        The fee; None if the string is not a plain decimal number.

    Raises:
        MisfitError: If the value is not a string.
    """
    return parse_fee(read_text(value, str))


def write_fee(value: Decimal) -> str:
    """Write a fee as the service does, without an exponent.

    Args:
        value: The fee.

    Returns:
        Its text.
    """
    return f"{value:f}"


def enum_reader(cls: type[OpenEnum]) -> Callable[[object, object], OpenEnum]:
    """Make a reader for the values of an enum. It also reads values that AWS adds later.

    Args:
        cls: The enum.

    Returns:
        The reader; it raises ``MisfitError`` if the value is not a string.
    """
    known = {str(member): member for member in cls}

    def read(value: object, _: object) -> OpenEnum:
        if not isinstance(value, str):
            misfit("a string", value)
        return known.get(value) or cls(value)

    return read


def read_timestamp(value: object, _: object) -> datetime:
    """Read a timestamp: epoch seconds, or the datetime that botocore's parser made of them.

    Args:
        value: The value in the reply.

    Returns:
        The time, in UTC.

    Raises:
        MisfitError: If the value is neither epoch seconds nor an aware datetime.
    """
    if isinstance(value, _NUMBERS) and not isinstance(value, bool):
        try:
            # Not fromtimestamp(), which cannot read times before 1970 everywhere.
            return EPOCH + timedelta(0, value)
        except (OverflowError, ValueError):
            misfit("epoch seconds", value)
    if not isinstance(value, datetime):
        misfit("epoch seconds", value)
    if value.utcoffset() is None:
        misfit("an aware datetime", value)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        misfit("a datetime that exists in UTC", value)


READERS: Final[Mapping[type, Callable[[object, object], object]]] = {
    str: read_text,
    int: read_integer,
    bool: read_truth,
    Decimal: read_fee,
    datetime: read_timestamp,
}
"""The reader of each type of plain values; it is called with a value and its type."""


def write_timestamp(value: datetime) -> int | float:
    """Write a timestamp as epoch seconds.

    Args:
        value: The time, as an aware datetime.

    Returns:
        The seconds; an int if there is no fraction.
    """
    microseconds = (value - EPOCH) // timedelta(microseconds=1)
    seconds, rest = divmod(microseconds, 1_000_000)
    return microseconds / 1_000_000 if rest else seconds
