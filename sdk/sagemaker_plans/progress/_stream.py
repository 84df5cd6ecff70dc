"""Writes plain lines to what is no terminal: a pipe, a file, the log of a CI job."""

from collections import deque
from datetime import datetime

from rich.console import Console

from sagemaker_plans.progress._background import Background
from sagemaker_plans.progress._page import printable
from sagemaker_plans.progress._readings import News, row_times


class Stream:
    """The display on what is no terminal.

    Args:
        console: Where the lines go.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines: deque[str] = deque()
        self.background = Background(self._write_lines, console.file)

    def show(self, news: list[News], now: datetime) -> None:
        """Write a line for each stage with a new status.

        Args:
            news: The stages.
            now: The current time.
        """
        if news and not self._console.quiet:
            self._lines.extend(_line(each, now) for each in news)
            self.background.request()

    def close(self) -> None:
        """Write what is left."""
        if self._lines:
            self.background.finish(self._write_lines)

    def _write_lines(self) -> None:
        file = self._console.file
        while self._lines:
            # Not through the console, which would add colours.
            file.write(printable(self._lines.popleft(), self._console.encoding) + "\n")
        file.flush()


def _line(news: News, now: datetime) -> str:
    stage, devices = news.row.stage, news.row.stage.devices
    name = f"{news.plan}/{stage.name}" if news.plan else stage.name
    words = f"{name}: {stage.status}"
    words += f", {devices.succeeded} succeeded, {devices.pending} pending, {devices.failed} failed"
    if elapsed := row_times(news.row).elapsed(now):
        words += f", {elapsed} elapsed"
    return f"{words}: {news.row.message}" if news.row.message else words
