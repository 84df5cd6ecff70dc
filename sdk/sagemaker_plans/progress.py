"""Shows a rollout on the terminal during a wait or a watch. Needs the extra ``rich``.

Pass it to a wait:

    with StageProgress() as progress:
        await client.plans.wait_until_deployed("spring-rollout", timeout=3600, on_poll=progress)

or wrap a watch in it:

    with StageProgress() as progress:
        async for change in progress.follow(client.plans.watch("spring-rollout", timeout=3600)):
            ...

On a terminal each stage has a bar that is redrawn in place. Elsewhere (a pipe, a CI job,
``TERM=dumb``) each change is one plain line without control codes.
"""

import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Self, TextIO, final

from attrs import astuple, frozen

from sagemaker_plans.models import DeviceCounts, EdgeDeploymentPlan, Stage, StageChange, StageStatus
from sagemaker_plans.models._notebook import bar_parts

try:
    from rich import get_console
    from rich.cells import cell_len, set_cell_size
    from rich.console import Console, ConsoleOptions
    from rich.live import Live
    from rich.text import Text
except ImportError as _missing:
    raise ImportError(
        "sagemaker_plans.progress needs rich, which comes with an extra: "
        "pip install 'sagemaker-plans[rich]'",
        name=_missing.name,
    ) from _missing

__all__ = ["StageProgress"]

_GAP: Final = "  "
_SHORTEST_BAR: Final = 10
_LONGEST_BAR: Final = 40
_LONGEST_STATUS: Final = 24
_SHORTEST_NAME: Final = 12

_COUNTS: Final = ("succeeded", "pending", "failed")
_HEADINGS: Final = ("stage", "status", "progress", "done", *_COUNTS, "elapsed")
_LEFT_ALIGNED: Final = frozenset({"stage", "status", "progress"})
# A narrow terminal leaves these columns out, in this order.
_OPTIONAL: Final = ("done", "elapsed", "pending", "progress", "succeeded")

# The parts of a bar differ in shape too, for NO_COLOR, printouts and colour-blind readers.
_COLOURS: Final = ("green", "bold red", "bright_black")
_GLYPHS: Final = "━x─"
_ASCII_GLYPHS: Final = "#x-"

_STYLES: Final[Mapping[StageStatus, str]] = {
    StageStatus.CREATING: "bright_black",
    StageStatus.READYTODEPLOY: "default",
    StageStatus.STARTING: "cyan",
    StageStatus.INPROGRESS: "cyan",
    StageStatus.DEPLOYED: "green",
    StageStatus.FAILED: "bold red",
    StageStatus.STOPPING: "yellow",
    StageStatus.STOPPED: "yellow",
}


@frozen
class _Row:
    """A stage as it was read last."""

    stage: Stage
    ended: datetime | None
    """When it was first seen to have ended; None if it has not, or had at the first sight."""

    @property
    def style(self) -> str:
        return _STYLES.get(self.stage.status, "magenta")

    @property
    def message(self) -> str | None:
        """The service's message, if the status and the numbers do not explain themselves."""
        has_ended_badly = self.stage.status in {StageStatus.FAILED, StageStatus.STOPPED}
        if has_ended_badly or self.stage.status.is_unknown or self.stage.devices.failed:
            return self.stage.status_message
        return None


_Rows = Mapping[str, _Row]
# By plan. Stages that came without their plan are under None.
_Sections = Mapping[str | None, _Rows]


def _row(before: _Row | None, stage: Stage, now: datetime) -> _Row:
    if before is None or not stage.status.is_terminal:
        return _Row(stage, None)
    ended_before = before.stage.status.is_terminal and before.stage.start_time == stage.start_time
    return _Row(stage, before.ended if ended_before else now)


def _updated(
    sections: _Sections, seen: EdgeDeploymentPlan | Stage | StageChange, now: datetime
) -> _Sections:
    # A new mapping each time: rich's thread may be drawing the old one.
    if isinstance(seen, EdgeDeploymentPlan):
        without_plan = sections[None]
        known = {**without_plan, **sections.get(seen.name, {})}
        rows = {stage.name: _row(known.get(stage.name), stage, now) for stage in seen.stages}
        rest = {name: row for name, row in without_plan.items() if name not in rows}
        return {**sections, None: rest, seen.name: rows}
    stage = seen.stage if isinstance(seen, StageChange) else seen
    section = next((plan for plan, rows in sections.items() if stage.name in rows), None)
    row = _row(sections[section].get(stage.name), stage, now)
    return {**sections, section: {**sections[section], stage.name: row}}


def _time_between(start: datetime | None, end: datetime | None) -> str:
    if start is None or end is None:
        return ""
    # The service's clock may be ahead of this machine's.
    minutes, seconds = divmod(max(0, int((end - start).total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def _elapsed(rows: Iterable[_Row], now: datetime) -> str:
    rows = tuple(rows)
    start = min((row.stage.start_time for row in rows if row.stage.start_time), default=None)
    if all(row.stage.status.is_terminal for row in rows):
        return _time_between(start, max((row.ended for row in rows if row.ended), default=None))
    return _time_between(start, now)


def _printable(text: str, encoding: str) -> str:
    # Replies are not checked: a name may have control codes, or not fit the encoding.
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown.encode(encoding, "replace").decode(encoding)


def _plain_line(plan: str | None, row: _Row, now: datetime) -> str:
    stage, devices = row.stage, row.stage.devices
    words = f"{plan}/{stage.name}: {stage.status}" if plan else f"{stage.name}: {stage.status}"
    words += f", {devices.succeeded} succeeded, {devices.pending} pending, {devices.failed} failed"
    if elapsed := _elapsed((row,), now):
        words += f", {elapsed} elapsed"
    return f"{words}: {row.message}" if row.message else words


@final
class _Drawing:
    """All stages, drawn for the width that the console has now."""

    def __init__(self, sections: _Sections, now: datetime, options: ConsoleOptions) -> None:
        self._sections = sections
        self._now = now
        # A terminal shows Ctrl-C as ^C. In a full line that would shift the drawing.
        self._width = max(1, options.max_width - 2)
        self._encoding = options.encoding
        self._is_ascii = options.ascii_only

    def lines(self) -> Iterator[Text]:
        """Draw the lines, from the top."""
        if not any(plan or rows for plan, rows in self._sections.items()):
            yield Text("waiting for the first reading", style="bright_black")
        for plan, rows in self._sections.items():
            if plan is not None:
                yield self._title(plan, rows)
            if rows:
                yield from self._table(rows)
            for name, row in rows.items():
                if row.message:
                    words = f"! {name}: {row.message}"
                    yield Text(self._cut(words, self._width), style=row.style)

    def _title(self, plan: str, rows: _Rows) -> Text:
        statuses = [row.stage.status for row in rows.values()]
        failed = statuses.count(StageStatus.FAILED)
        words = f"{statuses.count(StageStatus.DEPLOYED)} of {len(rows)} stages deployed"
        title = Text(_printable(plan, self._encoding), style="bold").append(_GAP)
        title.append(f"{words}, {failed} failed" if failed else words, style="not bold")
        return title

    def _table(self, rows: _Rows) -> Iterator[Text]:
        lines = [
            _Line.of(
                _printable(name, self._encoding),
                Text(self._cut(row.stage.status, _LONGEST_STATUS), style=row.style),
                row.stage.devices,
                _elapsed((row,), self._now),
            )
            for name, row in rows.items()
        ]
        if len(rows) > 1:
            counts = [astuple(row.stage.devices) for row in rows.values()]
            total = DeviceCounts(*map(sum, zip(*counts, strict=True)))
            lines.append(_Line.of("all", Text(), total, _elapsed(rows.values(), self._now)))
        widths = self._widths(lines)
        yield _joined({each: Text(each, style="bright_black") for each in _HEADINGS}, widths)
        for line in lines:
            name = Text(self._cut(line.name, widths["stage"]))
            bar = self._bar(line.devices, widths.get("progress", _SHORTEST_BAR))
            yield _joined({**line.cells, "stage": name, "progress": bar}, widths)

    def _widths(self, lines: "list[_Line]") -> dict[str, int]:
        """Choose the columns that fit. Extra space goes to the names first, then the bars."""
        widths = {
            heading: max(len(heading), *(line.cells[heading].cell_len for line in lines))
            for heading in _HEADINGS
        }
        name = max(cell_len(line.name) for line in lines)
        widths["stage"] = max(widths["stage"], min(name, _SHORTEST_NAME))
        # With room for any status, the bars do not move when a status changes.
        widths["status"] = max(widths["status"], len(StageStatus.READYTODEPLOY))
        widths["progress"] = _SHORTEST_BAR
        for heading in _OPTIONAL:
            if self._unused(widths) < 0:
                del widths[heading]
        for heading, most in (("stage", min(name, self._width // 4)), ("progress", _LONGEST_BAR)):
            if most > widths.get(heading, most):
                widths[heading] = min(most, widths[heading] + max(0, self._unused(widths)))
        return widths

    def _unused(self, widths: Mapping[str, int]) -> int:
        return self._width - sum(widths.values()) - len(_GAP) * (len(widths) - 1)

    def _bar(self, devices: DeviceCounts, length: int) -> Text:
        glyphs = _ASCII_GLYPHS if self._is_ascii else _GLYPHS
        parts = zip(glyphs, bar_parts(devices, length), _COLOURS, strict=True)
        return Text.assemble(*((glyph * cells, colour) for glyph, cells, colour in parts))

    def _cut(self, text: str, width: int) -> str:
        text = _printable(text, self._encoding)
        if cell_len(text) <= width:
            return text
        return set_cell_size(text, width - 2) + ".."


@frozen
class _Line:
    """A line of a table. The name and the bar get their widths later, the cells do not."""

    name: str
    devices: DeviceCounts
    cells: dict[str, Text]

    @classmethod
    def of(cls, name: str, status: Text, devices: DeviceCounts, elapsed: str) -> Self:
        finished = devices.succeeded + devices.failed
        # Rounded down, so that it is 100% only when no device is pending.
        done = f"{100 * finished // devices.total}%" if devices.total else ""
        failed = Text(f"{devices.failed:,}", style="bold red" if devices.failed else "")
        numbers = Text(f"{devices.succeeded:,}"), Text(f"{devices.pending:,}"), failed
        cells = Text(), status, Text(), Text(done), *numbers, Text(elapsed)
        return cls(name, devices, dict(zip(_HEADINGS, cells, strict=True)))


def _joined(cells: Mapping[str, Text], widths: Mapping[str, int]) -> Text:
    line = Text()
    for heading, width in widths.items():
        padding = " " * (width - cells[heading].cell_len)
        before, after = ("", padding) if heading in _LEFT_ALIGNED else (padding, "")
        line.append(_GAP if line else "").append(before).append_text(cells[heading]).append(after)
    return line


@final
class _ShownChanges:
    """An iterator that shows each change before it returns it."""

    def __init__(
        self, changes: AsyncIterable[StageChange], show: Callable[[StageChange], None]
    ) -> None:
        self._changes = aiter(changes)
        self._show = show

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StageChange:
        change = await anext(self._changes)
        self._show(change)
        return change


def _is_terminal(stream: TextIO | None) -> bool:
    # Under pythonw.exe the stream is None.
    return stream is not None and stream.isatty()


@final
class StageProgress:
    """A display of stages, and a context manager.

    Pass it to a wait as ``on_poll``. Each call with a plan, a stage or a change updates the
    display. Any number of waits can share one display, even if they are on several plans.
    ``wait_until_stage_deployed`` and ``watch`` pass stages without their plan; two such
    stages with the same name count as one.

    On a terminal a thread of rich redraws the elapsed times once a second. Text that is
    printed meanwhile appears above the display. When the context ends, even by an
    exception, the redrawing stops and the last state stays on the screen.

    Args:
        console: The console to show it on; None for rich's own console, on standard
            output. A console made with ``force_terminal`` counts as a terminal.
        now: Returns the current time (aware), from which elapsed times are computed; None
            for this machine's clock.
    """

    def __init__(
        self, *, console: Console | None = None, now: Callable[[], datetime] | None = None
    ) -> None:
        self._console = console or get_console()
        self._is_live = self._console.is_interactive and self._console.is_terminal
        if console is None:
            # With FORCE_COLOR, which is common in CI, rich takes any file for a terminal.
            self._is_live = self._is_live and self._console.file.isatty()
        self._now = now or (lambda: datetime.now(UTC))
        self._sections: _Sections = {None: {}}
        self._live: Live | None = None
        self._is_open = False

    def __enter__(self) -> Self:
        if self._is_open:
            raise RuntimeError("this display is open already")
        self._sections = {None: {}}
        if self._is_live:
            self._live = self._start_live()
        self._is_open = True
        return self

    def __exit__(self, *_exception: object) -> None:
        self._is_open = False
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def __call__(self, seen: EdgeDeploymentPlan | Stage | StageChange) -> None:
        """Update the display.

        Args:
            seen: A plan with its stages, one stage, or one change of a stage.

        Raises:
            RuntimeError: If the display is not open.
        """
        if not self._is_open:
            raise RuntimeError("open the display first: with StageProgress() as progress")
        now = self._now()
        before, self._sections = self._sections, _updated(self._sections, seen, now)
        if self._live is not None:
            self._live.refresh()
        else:
            self._write_changes(before, now)

    def follow(self, changes: AsyncIterable[StageChange]) -> AsyncIterator[StageChange]:
        """Show each change of a watch, then pass it on.

        Args:
            changes: The result of ``client.plans.watch``.

        Returns:
            An iterator over the same changes. It raises what ``changes`` raises, and
            RuntimeError if the display is not open.
        """
        return _ShownChanges(changes, self)

    def _start_live(self) -> Live:
        live = Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=1,  # elapsed times are in seconds
            # Output to a file or a pipe must not end up on the terminal.
            redirect_stdout=_is_terminal(sys.stdout),
            redirect_stderr=_is_terminal(sys.stderr),
        )
        live.start(refresh=True)
        return live

    def _draw(self) -> Text:
        lines = _Drawing(self._sections, self._now(), self._console.options).lines()
        return Text("\n", no_wrap=True, overflow="crop").join(lines)

    def _write_changes(self, before: _Sections, now: datetime) -> None:
        for plan, rows in self._sections.items():
            for name, row in rows.items():
                written = before.get(plan, {}).get(name) or before[None].get(name)
                if written is None or written.stage != row.stage:
                    self._write_line(_plain_line(plan, row, now))

    def _write_line(self, words: str) -> None:
        if not self._console.quiet:
            # Not through the console, which would add colours.
            self._console.file.write(_printable(words, self._console.encoding) + "\n")
            self._console.file.flush()
