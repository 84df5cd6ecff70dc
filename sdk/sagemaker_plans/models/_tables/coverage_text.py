"""Shows choices and coverages as tables, in text and in a notebook."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Final

from sagemaker_plans.models._tables import notebook as html

if TYPE_CHECKING:
    from sagemaker_plans.models._coverage import Coverage, ExtensionCandidate, ExtensionChoice

_HEADINGS: Final = ("offering", "hours", "fee", "usable until (UTC)", "verdict", "reason")


def choice_text(choice: "ExtensionChoice") -> str:
    """Write a choice as text.

    Args:
        choice: The choice.

    Returns:
        The text.
    """
    return "\n".join(
        [*_choice_lines(choice), *_columns([_HEADINGS, *map(_cells, choice.candidates)])]
    )


def choice_html(choice: "ExtensionChoice") -> str:
    """Write a choice for a notebook.

    Args:
        choice: The choice.

    Returns:
        HTML.
    """
    lines = "<br>".join(map(escape, _choice_lines(choice)))
    rows = (html.row(_HEADINGS, *map(escape, _cells(each))) for each in choice.candidates)
    return f"<p>{lines}</p>{html.table(_HEADINGS, rows)}"


def coverage_text(coverage: "Coverage") -> str:
    """Write a coverage as text.

    Args:
        coverage: The coverage.

    Returns:
        The text.
    """
    return "\n".join(_columns(list(_facts(coverage))))


def coverage_html(coverage: "Coverage") -> str:
    """Write a coverage for a notebook.

    Args:
        coverage: The coverage.

    Returns:
        HTML.
    """
    headings = ("training plan", coverage.training_plan_arn)
    rows = (html.row(headings, *map(escape, fact)) for fact in list(_facts(coverage))[1:])
    return html.table(headings, rows)


def _choice_lines(choice: "ExtensionChoice") -> Iterator[str]:
    yield f"{choice.training_plan_arn} until {_time(choice.until)}: {choice.reason}"
    if choice.combination:
        hours = " + ".join(f"{each.duration_hours} h" for each in choice.combination)
        fee = "unknown" if choice.combination_fee is None else _fee(choice.combination_fee)
        currency = choice.combination[0].currency_code
        yield f"cheapest combination at today's prices: {hours}, {fee} {currency}"


def _cells(candidate: "ExtensionCandidate") -> tuple[str, ...]:
    offering = candidate.offering
    return (
        offering.offering_id,
        str(offering.duration_hours),
        f"{offering.upfront_fee_text or offering.upfront_fee} {offering.currency_code}",
        _time(candidate.usable_until),
        candidate.verdict.replace("_", " "),
        candidate.reason,
    )


def _facts(coverage: "Coverage") -> Iterator[tuple[str, str]]:
    yield "training plan", coverage.training_plan_arn
    yield "wanted until (UTC)", _time(coverage.until)
    yield "usable until (UTC)", _time(coverage.usable_until)
    yield "covered", "yes" if coverage.covered else "not yet"
    yield "spent", f"{_fee(coverage.spent)} of {_fee(coverage.budget)} {coverage.currency_code}"
    for receipt in coverage.bought:
        bought = receipt.extension
        yield (
            "bought now" + " (late)" * coverage.late,
            f"{bought.offering_id}, {bought.upfront_fee_text} {bought.currency_code}",
        )
    if coverage.reason is not None:
        yield "waiting for", coverage.reason
    if coverage.next_at is not None:
        yield "call again at (UTC)", _time(coverage.next_at)


def _columns(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _time(time: datetime | None) -> str:
    return "unknown" if time is None else f"{time:%Y-%m-%d %H:%M}"


def _fee(fee: Decimal) -> str:
    return f"{fee:f}"
