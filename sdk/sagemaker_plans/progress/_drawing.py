"""Draws what was read, for the page that the console has now."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from attrs import frozen
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment

from sagemaker_plans.models import DeviceCounts, StageStatus
from sagemaker_plans.progress._page import GAP, Page, Piece, segments
from sagemaker_plans.progress._readings import (
    NOT_URGENT,
    Row,
    Section,
    Times,
    devices_of_all,
    row_times,
    times_of_all,
    urgency,
)
from sagemaker_plans.progress._table import Table, TableLine

_LONGEST_STATUS: Final = 24
_STYLES: Final = {
    StageStatus.CREATING: "bright_black",
    StageStatus.READYTODEPLOY: "default",
    StageStatus.STARTING: "cyan",
    StageStatus.INPROGRESS: "cyan",
    StageStatus.DEPLOYED: "green",
    StageStatus.FAILED: "bold red",
    StageStatus.STOPPING: "yellow",
    StageStatus.STOPPED: "yellow",
}

_Line = tuple[Segment, ...]


@frozen(eq=False)
class Picture:
    """Lines that rich can print."""

    lines: Sequence[_Line]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Print the lines.

        Args:
            console: The console.
            options: What it can do.

        Yields:
            The pieces.
        """
        new_line = Segment.line()
        for line in self.lines:
            yield from line
            yield new_line


@frozen(eq=False)
class _Entry:
    """What has one line if the screen cannot hold all: a plan, or a stage that came alone."""

    name: str
    stages: str
    devices: DeviceCounts
    times: Times
    is_deployed: bool
    messages: Sequence[tuple[str, str, Row]]
    """Plan, stage and row of each message."""
    most_urgent: StageStatus | None
    """The status that deserves attention first; None of a plan without stages."""
    has_failed: bool


def _plan_entry(section: Section) -> _Entry:
    rows = section.rows
    plan = section.plan or ""
    return _Entry(
        plan,
        f"{section.deployed}/{len(rows)}",
        section.devices,
        section.times,
        section.deployed == len(rows),
        [(plan, name, row) for name, row in rows.items() if row.message],
        min((row.stage.status for row in rows.values()), key=urgency, default=None),
        section.failed > 0,
    )


def _stage_entry(name: str, row: Row) -> _Entry:
    status = row.stage.status
    return _Entry(
        name,
        "",
        row.stage.devices,
        row_times(row),
        status is StageStatus.DEPLOYED,
        [("", name, row)] if row.message else [],
        status,
        status is StageStatus.FAILED,
    )


class Drawing:
    """Draws pictures, and keeps the lines of the last one for the next.

    Args:
        console: The console that they are for.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._kept: dict[object, _Line] = {}
        self._drawn: dict[object, _Line] = {}
        self._entries: dict[Section, _Entry] = {}

    def draw(self, sections: Sequence[Section], now: datetime, *, whole: bool) -> Picture:
        """Draw what was read.

        Args:
            sections: What was read.
            now: The current time.
            whole: Whether the picture may be longer than the screen, which then scrolls.

        Returns:
            The picture. If the screen cannot hold all stages, each plan has one line.
        """
        self._kept, self._drawn = self._drawn, {}
        page = Page.of(self._console)
        shown = [each for each in sections if each.plan is not None or each.rows]
        if not shown:
            words = "waiting for the first reading"
            return Picture([self.line(words, lambda: [(words, "bright_black")])])
        titled = [each.is_whole or (each.plan is not None and len(shown) > 1) for each in shown]
        if sum(each.height for each in shown) + sum(titled) <= page.height:
            sheet = _Sheet(self, page, now)
            for section, has_title in zip(shown, titled, strict=True):
                sheet.add_section(section, has_title=has_title)
            return Picture(sheet.lines)
        return Picture(self._one_line_each(shown, page, now, whole=whole))

    def _one_line_each(
        self, shown: Sequence[Section], page: Page, now: datetime, *, whole: bool
    ) -> Sequence[_Line]:
        plans = [each for each in shown if each.plan is not None]
        alone = [each for each in shown if each.plan is None]
        if len(shown) == 1:
            plans, alone = [], [*shown]
        kept = self._entries
        self._entries = {each: kept.get(each) or _plan_entry(each) for each in plans}
        entries = [
            *(_stage_entry(name, row) for each in alone for name, row in each.rows.items()),
            *self._entries.values(),
        ]
        sheet = _Sheet(self, page, now)
        sheet.add_entries(
            entries,
            heading="stage" if not plans else "plan",
            noun="stages" if not plans else "plans and stages" if alone else "plans",
            most_lines=None if whole else page.height,
        )
        return sheet.lines

    def line(self, key: object, pieces: Callable[[], Iterable[Piece]]) -> _Line:
        """Draw a line, unless the last picture has it.

        Args:
            key: What decides how it looks.
            pieces: Draws it.

        Returns:
            The line.
        """
        line = self._kept.get(key) or segments(pieces(), self._console)
        self._drawn[key] = line
        return line


class _Sheet:
    """One picture, from the top."""

    def __init__(self, drawing: Drawing, page: Page, now: datetime) -> None:
        self.lines: list[_Line] = []
        self._drawing = drawing
        self._page = page
        self._now = now

    def add_section(self, section: Section, *, has_title: bool) -> None:
        if has_title:
            words = [f"{section.failed} failed"] if section.failed else []
            if section.is_whole:
                words = [f"{section.deployed} of {len(section.rows)} stages deployed", *words]
            self._add_title(section.plan or "", ", ".join(words))
        if section.rows:
            lines = [self._stage_line(name, row) for name, row in section.rows.items()]
            if len(section.rows) > 1:
                elapsed = section.times.elapsed(self._now)
                lines.append(TableLine.of("all", section.devices, elapsed))
            self._add_table(lines, "stage")
        for name, row in section.rows.items():
            if row.message:
                self._add_message("", name, row)

    def add_entries(
        self, entries: Sequence[_Entry], *, heading: str, noun: str, most_lines: int | None
    ) -> None:
        deployed = [each.is_deployed for each in entries].count(True)
        failed = [each.has_failed for each in entries].count(True)
        words = f"{deployed} of {len(entries)} {noun} deployed"
        self._add_title(f"{words}, {failed} failed" if failed else words, "")
        # Above are a title and headings, below are the sum and a line about the rest.
        room = len(entries) if most_lines is None else max(1, most_lines - 3)
        shown = entries if len(entries) <= room else _most_urgent(entries, max(1, room - 1))
        lines = [self._entry_line(each) for each in shown]
        elapsed = times_of_all([each.times for each in entries]).elapsed(self._now)
        total = devices_of_all([each.devices for each in entries])
        lines.append(TableLine.of("all", total, elapsed))
        left_out = len(entries) - len(shown)
        self._add_table(lines, heading, left_out=f"and {left_out} more {noun}" if left_out else "")
        messages = [each for entry in shown for each in entry.messages]
        free = len(messages) if most_lines is None else max(0, most_lines - len(self.lines))
        for each in messages[:free]:
            self._add_message(*each)

    def _add_title(self, name: str, words: str) -> None:
        name = self._page.printable(name) + (GAP if words else "")
        self._add(("title", name, words), lambda: [(name, "bold"), (words, "")])

    def _add_table(self, lines: Sequence[TableLine], heading: str, *, left_out: str = "") -> None:
        table = Table.of(lines, heading, self._page)
        self._add((heading, table.key), table.headings)
        for line in lines:
            if left_out and line is lines[-1]:
                self._add(left_out, lambda: [(left_out, "bright_black")])
            self._add((line.key, table.key), partial(table.pieces, line))

    def _add_message(self, plan: str, stage: str, row: Row) -> None:
        words = f"! {plan}/{stage}: {row.message}" if plan else f"! {stage}: {row.message}"
        style = _style(row.stage.status)
        key = ("message", words, style, self._page)
        self._add(key, lambda: [(self._page.cut(words, self._page.width), style)])

    def _add(self, key: object, pieces: Callable[[], Iterable[Piece]]) -> None:
        self.lines.append(self._drawing.line(key, pieces))

    def _stage_line(self, name: str, row: Row) -> TableLine:
        return TableLine.of(
            self._page.printable(name),
            row.stage.devices,
            row_times(row).elapsed(self._now),
            status=self._page.cut(row.stage.status, _LONGEST_STATUS),
            style=_style(row.stage.status),
        )

    def _entry_line(self, entry: _Entry) -> TableLine:
        status = entry.most_urgent
        return TableLine.of(
            self._page.printable(entry.name),
            entry.devices,
            entry.times.elapsed(self._now),
            stages=entry.stages,
            status=self._page.cut(status or "", _LONGEST_STATUS),
            style=_style(status) if status else "",
        )


def _style(status: StageStatus) -> str:
    return _STYLES.get(status, "magenta")


def _most_urgent(entries: Sequence[_Entry], room: int) -> Sequence[_Entry]:
    def rank(number: int) -> tuple[int, int]:
        status = entries[number].most_urgent
        return (NOT_URGENT if status is None else urgency(status)), number

    ranked = sorted(range(len(entries)), key=rank)
    return [entries[number] for number in sorted(ranked[:room])]
