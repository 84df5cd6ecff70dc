"""A rollout on the terminal, while a wait or a watch goes on. Needs the extra ``rich``.

Hand it to a wait:

    with StageProgress() as progress:
        await client.plans.wait_until_deployed("spring-rollout", timeout=3600, on_poll=progress)

or put it around a watch:

    with StageProgress() as progress:
        async for change in progress.follow(client.plans.watch("spring-rollout", timeout=3600)):
            ...

On a terminal each stage has a bar, redrawn in place. Anywhere else (a pipe, a CI job,
``TERM=dumb``) each change is one plain line, without control codes.
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
_LEFT: Final = frozenset({"stage", "status", "progress"})
# What a narrow terminal does without, in this order.
_DISPENSABLE: Final = ("done", "elapsed", "pending", "progress", "succeeded")

# The parts also differ without colour: NO_COLOR, a printout, a colour-blind reader.
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
    """A stage as it was seen last."""

    stage: Stage
    ended: datetime | None
    """When it was first seen at its end; None if it is not there, or was found there."""

    @property
    def style(self) -> str:
        return _STYLES.get(self.stage.status, "magenta")

    @property
    def message(self) -> str | None:
        """The service's own words, where the numbers and the status leave a question."""
        has_ended_badly = self.stage.status in {StageStatus.FAILED, StageStatus.STOPPED}
        if has_ended_badly or self.stage.status.is_unknown or self.stage.devices.failed:
            return self.stage.status_message
        return None


_Rows = Mapping[str, _Row]
# By plan; under None are stages that came without their plan.
_Sections = Mapping[str | None, _Rows]


def _row(before: _Row | None, stage: Stage, now: datetime) -> _Row:
    if before is None or not stage.status.is_terminal:
        return _Row(stage, None)
    is_same_end = before.stage.status.is_terminal and before.stage.start_time == stage.start_time
    return _Row(stage, before.ended if is_same_end else now)


def _updated(
    sections: _Sections, seen: EdgeDeploymentPlan | Stage | StageChange, now: datetime
) -> _Sections:
    # Never changed in place: rich's thread may be drawing the sections of before.
    if isinstance(seen, EdgeDeploymentPlan):
        loose = sections[None]
        known = {**loose, **sections.get(seen.name, {})}
        rows = {stage.name: _row(known.get(stage.name), stage, now) for stage in seen.stages}
        rest = {name: row for name, row in loose.items() if name not in rows}
        return {**sections, None: rest, seen.name: rows}
    stage = seen.stage if isinstance(seen, StageChange) else seen
    home = next((plan for plan, rows in sections.items() if stage.name in rows), None)
    row = _row(sections[home].get(stage.name), stage, now)
    return {**sections, home: {**sections[home], stage.name: row}}


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
    # Replies are not checked: a name could move the cursor, or not fit the encoding.
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
class _Picture:
    """All stages, drawn as wide as the console is then."""

    def __init__(self, sections: _Sections, now: datetime, options: ConsoleOptions) -> None:
        self._sections = sections
        self._now = now
        # A terminal shows Ctrl-C as ^C: in a full line that would shift the picture.
        self._width = max(1, options.max_width - 2)
        self._encoding = options.encoding
        self._is_ascii = options.ascii_only

    def lines(self) -> Iterator[Text]:
        """Draw everything."""
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
        """Choose the columns that fit, and give what is left to the names, then the bars."""
        widths = {
            heading: max(len(heading), *(line.cells[heading].cell_len for line in lines))
            for heading in _HEADINGS
        }
        name = max(cell_len(line.name) for line in lines)
        widths["stage"] = max(widths["stage"], min(name, _SHORTEST_NAME))
        # With room for any status, bars do not jump when one changes.
        widths["status"] = max(widths["status"], len(StageStatus.READYTODEPLOY))
        widths["progress"] = _SHORTEST_BAR
        for heading in _DISPENSABLE:
            if self._left(widths) < 0:
                del widths[heading]
        for heading, most in (("stage", min(name, self._width // 4)), ("progress", _LONGEST_BAR)):
            if most > widths.get(heading, most):
                widths[heading] = min(most, widths[heading] + max(0, self._left(widths)))
        return widths

    def _left(self, widths: Mapping[str, int]) -> int:
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
    """A line of a table: what is as long as it is, and what is drawn as long as fits."""

    name: str
    devices: DeviceCounts
    cells: dict[str, Text]

    @classmethod
    def of(cls, name: str, status: Text, devices: DeviceCounts, elapsed: str) -> Self:
        finished = devices.succeeded + devices.failed
        # Rounded down: 100% is said when nothing is pending, not before.
        done = f"{100 * finished // devices.total}%" if devices.total else ""
        failed = Text(f"{devices.failed:,}", style="bold red" if devices.failed else "")
        numbers = Text(f"{devices.succeeded:,}"), Text(f"{devices.pending:,}"), failed
        cells = Text(), status, Text(), Text(done), *numbers, Text(elapsed)
        return cls(name, devices, dict(zip(_HEADINGS, cells, strict=True)))


def _joined(cells: Mapping[str, Text], widths: Mapping[str, int]) -> Text:
    line = Text()
    for heading, width in widths.items():
        padding = " " * (width - cells[heading].cell_len)
        before, after = ("", padding) if heading in _LEFT else (padding, "")
        line.append(_GAP if line else "").append(before).append_text(cells[heading]).append(after)
    return line


@final
class _Followed:
    """Shows each change, then hands it on."""

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
    # There is no stream under pythonw.exe.
    return stream is not None and stream.isatty()


@final
class StageProgress:
    """Shows the stages that it is called with. A context manager.

    It is what the waits take as ``on_poll``; every call with a plan, a stage or a
    change updates what is shown. Any number of waits may share one display, also of
    several plans. Stages that come without their plan, as ``wait_until_stage_deployed``
    and ``watch`` give them, are told apart by their names only.

    On a terminal a thread of rich's redraws the elapsed times once a second, and what is
    printed meanwhile appears above. Leaving the context ends that, whatever it is left
    by, and the last state stays on the screen.

    Args:
        console: Where to show it; None for rich's own console, on standard output. A
            console that was made with ``force_terminal`` is believed.
        now: Gives the time (aware) against which elapsed times are measured; None for
            this machine's clock.
    """

    def __init__(
        self, *, console: Console | None = None, now: Callable[[], datetime] | None = None
    ) -> None:
        self._console = console or get_console()
        self._is_live = self._console.is_interactive and self._console.is_terminal
        if console is None:
            # FORCE_COLOR, common in CI, has rich take any file for a terminal.
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
        """Show what was seen.

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
            self._tell_changes(before, now)

    def follow(self, changes: AsyncIterable[StageChange]) -> AsyncIterator[StageChange]:
        """Show each change of a watch, then hand it on.

        Args:
            changes: What ``client.plans.watch`` gives.

        Returns:
            An iterator over the same changes. It raises what ``changes`` raises, and
            RuntimeError if the display is not open.
        """
        return _Followed(changes, self)

    def _start_live(self) -> Live:
        live = Live(
            console=self._console,
            get_renderable=self._picture,
            refresh_per_second=1,  # elapsed times are in seconds
            # What goes to a file or a pipe must not end up in the terminal.
            redirect_stdout=_is_terminal(sys.stdout),
            redirect_stderr=_is_terminal(sys.stderr),
        )
        live.start(refresh=True)
        return live

    def _picture(self) -> Text:
        lines = _Picture(self._sections, self._now(), self._console.options).lines()
        return Text("\n", no_wrap=True, overflow="crop").join(lines)

    def _tell_changes(self, before: _Sections, now: datetime) -> None:
        for plan, rows in self._sections.items():
            for name, row in rows.items():
                told = before.get(plan, {}).get(name) or before[None].get(name)
                if told is None or told.stage != row.stage:
                    self._write_line(_plain_line(plan, row, now))

    def _write_line(self, words: str) -> None:
        if not self._console.quiet:
            # Past the console, which would put its colours around the words.
            self._console.file.write(_printable(words, self._console.encoding) + "\n")
            self._console.file.flush()
