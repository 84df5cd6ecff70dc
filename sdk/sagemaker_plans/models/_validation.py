"""Checks of the service's documented rules, made before anything is sent.

Each check yields one sentence for each problem, with the argument, its value and what is
allowed. The rules come from SageMaker's service model, unless a comment names another source.
Rules that AWS does not document are not checked.
"""

import re
import reprlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Protocol, TypeGuard, TypeVar, cast

from sagemaker_plans.errors import InvalidRequestError

T = TypeVar("T")
ItemT_co = TypeVar("ItemT_co", covariant=True)


class Collected(Protocol[ItemT_co]):
    """A list, tuple, set or the like. A text is not one, although its characters are texts.

    Type checkers tell them apart by ``in``: a text takes only a text there.
    """

    def __iter__(self) -> Iterator[ItemT_co]:
        """Iterate over the items."""
        ...

    def __contains__(self, item: object, /) -> bool:
        """Tell whether this is one of the items."""
        ...


Several = Collected[T] | Iterator[T]
"""Where a list of texts is wanted: anything that holds or yields them, except one text."""

# Several hyphens in a row are allowed inside a name, but not at its ends.
_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?", re.ASCII)
_PART_OF_NAME = re.compile(r"[a-zA-Z0-9\-]{1,63}", re.ASCII)
_TRAINING_PLAN_ARN = re.compile(
    r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:training-plan/.*", re.ASCII
)
_TAG_PUNCTUATION = frozenset("_.:/=+-@")

MAX_STAGES = 10
"""The stages of one plan. The limit is in AWS's documentation, not in the service model."""
MAX_TAGS = 50
MAX_TAG_KEY = 128
MAX_TAG_VALUE = 256
MAX_TOKEN = 8192
MIN_TRAINING_PLAN_ARN = 50
MAX_TRAINING_PLAN_ARN = 2048
MAX_DURATION_HOURS = 87_600

_LISTS = (list, tuple)

_NAME_RULE = (
    "allowed are 1 to 63 letters (a-z, A-Z), digits and hyphens, "
    "with a letter or digit at both ends"
)

_shortener = reprlib.Repr()
_shortener.maxstring = _shortener.maxother = 80


def shown(value: object) -> str:
    """Format a value for an error message.

    Args:
        value: Any value that a caller passed.

    Returns:
        Its repr, shortened.
    """
    try:
        return _shortener.repr(value)
    except ValueError as error:
        # Python does not convert an integer with thousands of digits to text.
        return f"<{type(value).__name__}: {error}>"


def raise_for(subject: str, problems: Iterable[str], *, operation: str | None = None) -> None:
    """Raise if there are problems.

    Args:
        subject: What was checked, such as ``"StageSpec"``.
        problems: Each problem, as a sentence.
        operation: The AWS operation of the request.

    Raises:
        InvalidRequestError: If there is any problem; it lists them all.
    """
    if found := tuple(problems):
        raise InvalidRequestError(subject, found, operation=operation)


def name(argument: str, value: object) -> Iterator[str]:
    """Check the name of a plan, stage, fleet, device, model or packaging job.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.

    Yields:
        Each problem.
    """
    if not isinstance(value, str):
        yield f"{argument}: a string is needed, got {shown(value)}"
    elif not _NAME.fullmatch(value):
        hint = "; this is an ARN, its name is needed" if value.startswith("arn:") else ""
        yield f"{argument}: got {shown(value)}; {_NAME_RULE}{hint}"


def text(argument: str, value: object) -> Iterator[str]:
    """Check an identifier about which AWS says only that it is a string.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.

    Yields:
        Each problem.
    """
    if not isinstance(value, str) or not value.strip():
        yield f"{argument}: a string that is not empty is needed, got {shown(value)}"


def offering_id(argument: str, value: object) -> Iterator[str]:
    """Check the id of an offering of an extension, about which AWS says only that it is a string.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.

    Yields:
        Each problem.
    """
    yield from text(argument, value)
    if isinstance(value, str) and value.strip() and value != value.strip():
        yield f"{argument}: got {shown(value)}; allowed are texts without spaces at their ends"
    elif isinstance(value, str) and value.lower().startswith("arn:"):
        is_plan = _TRAINING_PLAN_ARN.fullmatch(value)
        what = "plan's ARN, which belongs in training_plan_arn" if is_plan else "an ARN"
        yield (
            f"{argument}: got {shown(value)}; this is {'a training ' if is_plan else ''}{what}; "
            "the id of an offering is needed (tpeo-...), as search_extension_offerings gives it"
        )


def part_of_name(argument: str, value: object) -> Iterator[str]:
    """Check a part of a name, to search for.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.

    Yields:
        Each problem.
    """
    if not isinstance(value, str) or not _PART_OF_NAME.fullmatch(value):
        yield f"{argument}: got {shown(value)}; allowed are 1 to 63 letters, digits and hyphens"


def aware(argument: str, value: object) -> Iterator[str]:
    """Check a time.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.

    Yields:
        Each problem.
    """
    if not isinstance(value, datetime) or value.utcoffset() is None:
        yield f"{argument}: got {shown(value)}; allowed are datetimes with a time zone"
        return
    try:
        value.astimezone(UTC)
    except OverflowError:
        yield f"{argument}: got {shown(value)}; allowed are datetimes that exist in UTC"


def choice(argument: str, value: object, allowed: Iterable[str]) -> Iterator[str]:
    """Check a value against all that are allowed.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.
        allowed: The values that are allowed.

    Yields:
        Each problem.
    """
    if value not in (options := tuple(allowed)):
        yield f"{argument}: got {shown(value)}; allowed are {', '.join(options)}"


def known_value(argument: str, value: object, values: Iterable[str]) -> Iterator[str]:
    """Check a text against the values of an enum to which AWS may add more.

    A misspelt text is a problem. A value that AWS adds later is passed as the enum itself,
    such as ``TargetResource("...")``.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.
        values: The enum.

    Yields:
        Each problem.
    """
    if not isinstance(values, type) or not isinstance(value, values):
        yield from choice(argument, value, values)


def flag(argument: str, value: object) -> Iterator[str]:
    """Check a switch.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed; None if it was not given.

    Yields:
        Each problem.
    """
    if not isinstance(value, bool | None):
        yield f"{argument}: got {shown(value)}; allowed are True and False"


def whole_number(argument: str, value: object, lowest: int, highest: int) -> Iterator[str]:
    """Check a number against its range.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.
        lowest: The smallest number allowed.
        highest: The largest number allowed.

    Yields:
        Each problem.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        yield (
            f"{argument}: got {shown(value)}; "
            f"allowed are whole numbers from {lowest} to {highest:,}"
        )


def page_token(argument: str, value: object) -> Iterator[str]:
    """Check a page token.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.

    Yields:
        Each problem.
    """
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TOKEN:
        yield (
            f"{argument}: got {shown(value)}; allowed is a token of an earlier page, "
            f"1 to {MAX_TOKEN:,} characters"
        )


def training_plan_arn(argument: str, value: object) -> Iterator[str]:
    """Check the ARN of a training plan.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.

    Yields:
        Each problem.
    """
    allowed = (
        "is a training plan's ARN (arn:aws:sagemaker:REGION:ACCOUNT:training-plan/NAME), "
        "not its name"
    )
    sizes = range(MIN_TRAINING_PLAN_ARN, MAX_TRAINING_PLAN_ARN + 1)
    yield from matching(argument, value, _TRAINING_PLAN_ARN, sizes, allowed)


def matching(
    argument: str, value: object, pattern: re.Pattern[str], sizes: range, allowed: str
) -> Iterator[str]:
    """Check a text against the pattern and the lengths of the service model.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.
        pattern: What the whole text has to match.
        sizes: How many characters it may have.
        allowed: Both in words, after "allowed".

    Yields:
        Each problem.
    """
    if not isinstance(value, str) or len(value) not in sizes or not pattern.fullmatch(value):
        yield f"{argument}: got {shown(value)}; allowed {allowed}"


def is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    """Tell whether a value is a tuple, of anything.

    Args:
        value: Any value that a caller passed.

    Returns:
        Whether it is a tuple.
    """
    return isinstance(value, tuple)


def is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    """Tell whether a value is a mapping, of anything to anything.

    Args:
        value: Any value that a caller passed.

    Returns:
        Whether it is a mapping.
    """
    return isinstance(value, Mapping)


def as_tuple(value: Iterable[T]) -> tuple[T, ...]:
    """Make a tuple of a sequence of items.

    Args:
        value: The value that a caller passed.

    Returns:
        The items. A value that is not a sequence of items (a string, a mapping) is returned
        unchanged, so that a later check can reject it and show it.
    """
    return tuple(value) if _is_items(value) else cast("tuple[T, ...]", value)


def _is_items(value: object) -> bool:
    if isinstance(value, _LISTS):  # first, because isinstance with Iterable takes longer
        return True
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def items(
    argument: str, value: object, each: Callable[[str, object], Iterator[str]]
) -> Iterator[str]:
    """Check a sequence, item by item.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.
        each: The check of one item.

    Yields:
        Each problem.
    """
    if not is_tuple(value):
        yield f"{argument}: a list is needed, got {shown(value)}"
        return
    for position, item in enumerate(value):
        yield from each(f"{argument}[{position}]", item)


def tags(argument: str, value: object) -> Iterator[str]:
    """Check the tags of a plan.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed.

    Yields:
        Each problem.
    """
    if not is_mapping(value):
        yield f"{argument}: a mapping of keys to values is needed, got {shown(value)}"
        return
    if len(value) > MAX_TAGS:
        yield f"{argument}: got {len(value)} tags; allowed are up to {MAX_TAGS}"
    for key, content in value.items():
        yield from _tag_text(f"{argument}: key", key, 1, MAX_TAG_KEY)
        yield from _tag_text(f"{argument}[{shown(key)}]", content, 0, MAX_TAG_VALUE)


def _tag_text(argument: str, value: object, shortest: int, longest: int) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{argument}: a string is needed, got {shown(value)}"
    elif not shortest <= len(value) <= longest or not all(map(_is_tag_character, value)):
        yield (
            f"{argument}: got {shown(value)}; allowed are {shortest} to {longest} letters, "
            "digits, spaces and any of _ . : / = + - @"
        )


def _is_tag_character(character: str) -> bool:
    # The service model's \p{L}, \p{Z} and \p{N}: any letter, separator or number.
    return character in _TAG_PUNCTUATION or unicodedata.category(character)[0] in "LZN"
