"""A table of stages or plans: its columns, and the lines that fit the page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Self

from attrs import frozen
from rich.cells import cell_len

from sagemaker_plans.models import DeviceCounts, StageStatus
from sagemaker_plans.models._tables.notebook import bar_parts
from sagemaker_plans.progress._page import GAP, Page, Piece

_SHORTEST_BAR: Final = 10
_LONGEST_BAR: Final = 40
_SHORTEST_NAME: Final = 12

_NAME: Final = "name"
_BAR: Final = "progress"
_COUNTS: Final = ("succeeded", "pending", "failed")
_COLUMNS: Final = (_NAME, "stages", "status", _BAR, "done", *_COUNTS, "elapsed")
_LEFT_ALIGNED: Final = frozenset({_NAME, "status", _BAR})
# A narrow terminal leaves these columns out, in this order.
_OPTIONAL: Final = ("done", "elapsed", "stages", "pending", _BAR, "succeeded")

# The parts of a bar differ in shape too, for NO_COLOR, printouts and colour-blind readers.
_COLOURS: Final = ("green", "bold red", "bright_black")
_GLYPHS: Final = "━x─"
_ASCII_GLYPHS: Final = "#x-"

Widths = Mapping[str, int]


@frozen
class TableLine:
    """A line of a table. All texts are printable."""

    name: str
    stages: str
    """How many stages are deployed; empty where that is no question."""
    status: str
    style: str
    """The style of the status."""
    devices: DeviceCounts
    elapsed: str
    texts: Mapping[str, str]
    """What stands in each column but the bar's."""

    @classmethod
    def of(
        cls,
        name: str,
        devices: DeviceCounts,
        elapsed: str,
        *,
        stages: str = "",
        status: str = "",
        style: str = "",
    ) -> Self:
        """Make a line.

        Args:
            name: The name of the stage or plan.
            devices: The devices.
            elapsed: How long it has taken.
            stages: How many stages are deployed.
            status: The status.
            style: The style of the status.

        Returns:
            The line.
        """
        finished = devices.succeeded + devices.failed
        # Rounded down, so that it is 100% only when no device is pending.
        done = f"{100 * finished // devices.total}%" if devices.total else ""
        counts = (f"{devices.succeeded:,}", f"{devices.pending:,}", f"{devices.failed:,}")
        texts = (name, stages, status, "", done, *counts, elapsed)
        return cls(
            name,
            stages,
            status,
            style,
            devices,
            elapsed,
            dict(zip(_COLUMNS, texts, strict=True)),
        )

    @property
    def key(self) -> tuple[object, ...]:
        """What decides how the line looks in given columns."""
        return self.name, self.stages, self.status, self.style, self.devices, self.elapsed


@frozen
class Table:
    """The columns that fit, for some lines."""

    heading: str
    """What stands above the names."""
    widths: Widths
    page: Page

    @classmethod
    def of(cls, lines: Sequence[TableLine], heading: str, page: Page) -> Self:
        """Choose the columns that fit. Extra space goes to the names first, then the bars.

        Args:
            lines: The lines, of which there is at least one.
            heading: What stands above the names.
            page: The page.

        Returns:
            The columns.
        """
        cells = {each: max(cell_len(line.texts[each]) for line in lines) for each in _COLUMNS}
        widths = {each: max(len(each), most) for each, most in cells.items()}
        if not cells["stages"]:
            del widths["stages"]
        widths[_NAME] = max(len(heading), min(cells[_NAME], _SHORTEST_NAME))
        # With room for any status, the bars do not move when a status changes.
        widths["status"] = max(widths["status"], len(StageStatus.READYTODEPLOY))
        widths[_BAR] = _SHORTEST_BAR
        for column in _OPTIONAL:
            if _unused(widths, page) < 0:
                widths.pop(column, None)
        for column, most in ((_NAME, min(cells[_NAME], page.width // 4)), (_BAR, _LONGEST_BAR)):
            if most > widths.get(column, most):
                widths[column] = min(most, widths[column] + max(0, _unused(widths, page)))
        return cls(heading, widths, page)

    @property
    def key(self) -> tuple[object, ...]:
        """What decides, beside the line itself, how a line looks."""
        return *self.widths.items(), self.page

    def headings(self) -> Iterator[Piece]:
        """Draw the line of headings.

        Yields:
            Its pieces.
        """
        texts = {**{each: each for each in _COLUMNS}, _NAME: self.heading}
        yield from self._joined(
            {each: ((texts[each], "bright_black"),) for each in self.widths}, texts
        )

    def pieces(self, line: TableLine) -> Iterator[Piece]:
        """Draw a line.

        Args:
            line: The line.

        Yields:
            Its pieces.
        """
        texts = {**line.texts, _NAME: self.page.cut(line.name, self.widths[_NAME])}
        cells: dict[str, Iterable[Piece]] = {each: ((texts[each], ""),) for each in self.widths}
        cells["status"] = ((line.status, line.style),)
        cells["failed"] = ((texts["failed"], "bold red" if line.devices.failed else ""),)
        if _BAR in self.widths:
            cells[_BAR] = self._bar(line.devices)
            texts[_BAR] = "-" * self.widths[_BAR]
        yield from self._joined(cells, texts)

    def _joined(
        self, cells: Mapping[str, Iterable[Piece]], texts: Mapping[str, str]
    ) -> Iterator[Piece]:
        gap = ""
        for column, width in self.widths.items():
            padding = " " * (width - cell_len(texts[column]))
            before, after = ("", padding) if column in _LEFT_ALIGNED else (padding, "")
            yield gap + before, ""
            yield from cells[column]
            yield after, ""
            gap = GAP

    def _bar(self, devices: DeviceCounts) -> Iterator[Piece]:
        glyphs = _ASCII_GLYPHS if self.page.is_ascii else _GLYPHS
        parts = bar_parts(devices, self.widths[_BAR])
        for glyph, cells, colour in zip(glyphs, parts, _COLOURS, strict=True):
            yield glyph * cells, colour


def _unused(widths: Widths, page: Page) -> int:
    return page.width - sum(widths.values()) - len(GAP) * (len(widths) - 1)
