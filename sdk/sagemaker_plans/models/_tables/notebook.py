"""Shows models in a notebook, as small HTML tables with bars.

Every value is escaped. There are no scripts and no style sheets. Text has the notebook's own
colour. The colours of the bars can be seen on a light and on a dark background.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Final

from sagemaker_plans.models._enums import StageStatus

if TYPE_CHECKING:
    from sagemaker_plans.models._edge import DeviceCounts, EdgeDeploymentPlan, Stage
    from sagemaker_plans.models._training import ExtensionReceipt, TrainingPlanExtension
    from sagemaker_plans.models._training_plans import TrainingPlan, TrainingPlanOffering

_GREEN: Final = "#2e9e5b"
_RED: Final = "#d9484a"
_AMBER: Final = "#c98a1b"
_BLUE: Final = "#3d8fd1"
_GREY: Final = "#8a8f98"

_STATUS_COLOURS: Final = {
    StageStatus.STARTING: _BLUE,
    StageStatus.INPROGRESS: _BLUE,
    StageStatus.DEPLOYED: _GREEN,
    StageStatus.FAILED: _RED,
    StageStatus.STOPPING: _AMBER,
    StageStatus.STOPPED: _AMBER,
}
_OUTCOMES: Final = {
    "purchased": "bought",
    "already_purchased": "was bought before; nothing was sent",
    "confirmed_by_history": "bought; the reply was lost, but the history shows it",
}

_STAGE_HEADINGS: Final = (
    *("stage", "status", "progress"),
    *("succeeded", "pending", "failed", "started (UTC)"),
)
_EXTENSION_HEADINGS: Final = (
    *("offering", "starts (UTC)", "ends (UTC)"),
    *("hours", "fee", "status", "payment"),
)
_NUMBERS: Final = frozenset(
    {"succeeded", "pending", "failed", "hours", "fee", "in use", "available", "spare", "unhealthy"}
)

# Notebooks align cells to the right, so each cell sets its own alignment. In a viewer without a
# doctype, a table does not inherit colour and font size, so the table asks for both.
_TABLE: Final = "border-collapse:collapse;margin:4px 0;color:inherit;font-size:inherit"
_CELL: Final = "padding:2px 10px 2px 0;text-align:"
_WRAP: Final = "white-space:normal;overflow-wrap:anywhere;max-width:24em"
_WRAPPED: Final = frozenset({"stage", "offering", "training plan", "UltraServer"})
_BAR: Final = "display:inline-block;width:12em;height:0.7em;white-space:nowrap;overflow:hidden"
_PART: Final = "display:inline-block;height:100%;vertical-align:top"
# A bar's length, in thousandths of its width; the smallest part is two hundredths.
_LENGTH: Final = 1000
_LEAST: Final = 20


def bar_parts(devices: "DeviceCounts", length: int, *, least: int = 1) -> tuple[int, int, int]:
    """Divide a bar among devices that succeeded, failed and are pending.

    Args:
        devices: The device counts.
        length: The bar's length, in any unit, at least three times ``least``.
        least: The length of the smallest part. It makes one failed device of thousands
            visible, and keeps a bar with one pending device from looking full.

    Returns:
        The lengths for succeeded, failed and pending. Their sum is ``length``. Without
        devices the whole bar is pending.
    """
    # The converter accepts counts below zero.
    counts = [max(0, each) for each in (devices.succeeded, devices.failed, devices.pending)]
    total = sum(counts)
    if not total:
        return 0, 0, length
    parts = [max(least, length * count // total) if count else 0 for count in counts]
    # The longest part absorbs the rounding, because there it is least visible.
    parts[parts.index(max(parts))] += length - sum(parts)
    return parts[0], parts[1], parts[2]


def plan_html(plan: "EdgeDeploymentPlan") -> str:
    """Show a plan with its stages.

    Args:
        plan: The plan.

    Returns:
        HTML.
    """
    return _stages_html(plan, plan.stages)


def page_html(plan: "EdgeDeploymentPlan", stages: "tuple[Stage, ...]", *, is_last: bool) -> str:
    """Show one page of a plan's stages.

    Args:
        plan: The plan's header.
        stages: The stages of this page.
        is_last: Whether no page follows.

    Returns:
        HTML.
    """
    return _stages_html(plan, stages, page="the last page" if is_last else "more pages follow")


def stage_html(stage: "Stage") -> str:
    """Show one stage.

    Args:
        stage: The stage.

    Returns:
        HTML.
    """
    return table(_STAGE_HEADINGS, _stage_rows((stage,)))


def receipt_html(receipt: "ExtensionReceipt") -> str:
    """Show a receipt: all extensions of the plan, with the one that was bought.

    Args:
        receipt: The receipt.

    Returns:
        HTML; the extension of the receipt is bold.
    """
    bought = receipt.extension
    words = _OUTCOMES.get(receipt.outcome, receipt.outcome)
    others = (each for each in receipt.extensions if each != bought)
    rows = [_extension_row(bought, is_bold=True), *map(_extension_row, others)]
    title = f"<b>{escape(bought.offering_id)}</b> {escape(words)}"
    return f"<div>{title}{table(_EXTENSION_HEADINGS, rows)}</div>"


def _stages_html(
    plan: "EdgeDeploymentPlan", stages: "tuple[Stage, ...]", *, page: str | None = None
) -> str:
    deployed = sum(stage.status is StageStatus.DEPLOYED for stage in stages)
    of_these = "stages" if page is None else "stages on this page"
    facts = [
        f"fleet {plan.device_fleet_name}",
        f"{deployed} of {len(stages)} {of_these} deployed" if stages else f"no {of_these}",
        *([page] if page else []),
    ]
    title = f"<b>{escape(plan.name)}</b> ({escape(', '.join(facts))})"
    drawn = table(_STAGE_HEADINGS, _stage_rows(stages)) if stages else ""
    return f"<div>{title}{drawn}</div>"


def _stage_rows(stages: "Iterable[Stage]") -> Iterator[str]:
    for stage in stages:
        devices = stage.devices
        yield row(
            _STAGE_HEADINGS,
            escape(stage.name),
            _status(stage.status),
            _bar(devices),
            f"{devices.succeeded:,}",
            f"{devices.pending:,}",
            f"{devices.failed:,}",
            time(stage.start_time),
        )
        if stage.status_message:
            yield (
                f'<tr><td colspan="{len(_STAGE_HEADINGS)}" style="{_CELL}left;{_WRAP};opacity:0.75'
                f'">{escape(stage.status_message)}</td></tr>'
            )


def _status(status: StageStatus) -> str:
    colour = _STATUS_COLOURS.get(status, _GREY)
    # Only the dot is coloured, because the word must be readable on any background.
    return f'<span style="color:{colour}">&#9679;</span> {escape(status)}'


def _bar(devices: "DeviceCounts") -> str:
    parts = zip(
        bar_parts(devices, _LENGTH, least=_LEAST), (_GREEN, _RED, f"{_GREY}59"), strict=True
    )
    # Join the parts without spaces, because a space would add to the bar's width.
    drawn = "".join(
        f'<span style="{_PART};width:{part / _LENGTH:.1%};background:{colour}"></span>'
        for part, colour in parts
        if part
    )
    words = (
        f"{devices.succeeded} succeeded, {devices.pending} pending, {devices.failed} failed, "
        f"{devices.total} in total"
    )
    return f'<span role="img" aria-label="{words}" title="{words}" style="{_BAR}">{drawn}</span>'


def _extension_row(extension: "TrainingPlanExtension", *, is_bold: bool = False) -> str:
    return row(
        _EXTENSION_HEADINGS,
        escape(extension.offering_id),
        time(extension.start_date),
        time(extension.end_date),
        "" if extension.duration_hours is None else f"{extension.duration_hours:,}",
        escape(fee(extension)),
        escape(extension.status or ""),
        escape(extension.payment_status or ""),
        is_bold=is_bold,
    )


def fee(priced: "TrainingPlan | TrainingPlanExtension | TrainingPlanOffering") -> str:
    """Show the fee of what costs money.

    Args:
        priced: What costs money.

    Returns:
        The fee with its currency, not escaped.
    """
    # The service's text comes first, because it is there even if it is not a number.
    text = priced.upfront_fee_text
    if text is None:
        text = "unknown" if priced.upfront_fee is None else f"{priced.upfront_fee:f}"
    return f"{text} {priced.currency_code}" if priced.currency_code else text


def time(moment: datetime | None) -> str:
    """Show a time.

    Args:
        moment: The time; None for none.

    Returns:
        The time in UTC.
    """
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def row(headings: tuple[str, ...], *cells: str, is_bold: bool = False) -> str:
    """Draw a row of a table.

    Args:
        headings: The headings of the columns.
        cells: The HTML of each cell.
        is_bold: Whether its text is bold.

    Returns:
        HTML.
    """
    weight = ";font-weight:bold" if is_bold else ""
    drawn = "".join(
        f'<td style="{_style(heading)}{weight}">{cell}</td>'
        for heading, cell in zip(headings, cells, strict=True)
    )
    return f"<tr>{drawn}</tr>"


def table(headings: tuple[str, ...], rows: Iterable[str]) -> str:
    """Draw a table.

    Args:
        headings: The headings of the columns.
        rows: The rows, drawn.

    Returns:
        HTML.
    """
    head = "".join(f'<th style="{_style(each)}">{each}</th>' for each in headings)
    return (
        f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _style(heading: str) -> str:
    side = "right" if heading in _NUMBERS else "left"
    return f"{_CELL}{side};{_WRAP if heading in _WRAPPED else 'white-space:nowrap'}"
