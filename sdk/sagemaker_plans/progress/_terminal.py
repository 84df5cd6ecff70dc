"""Shows pictures on a terminal, each in the place of the one before."""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import TextIO

from rich.console import Console
from rich.live import Live

from sagemaker_plans.progress._background import Background
from sagemaker_plans.progress._drawing import Drawing, Picture
from sagemaker_plans.progress._readings import News, Readings


class _Live(Live):
    """Rich's display, which draws anew each time and whose failures end nothing else."""

    def __init__(self, console: Console, draw: Callable[[bool], Picture]) -> None:
        super().__init__(
            Picture(()),
            console=console,
            refresh_per_second=1,  # elapsed times are in seconds
            # Output to a file or a pipe must not end up on the terminal.
            redirect_stdout=_is_terminal(sys.stdout),
            redirect_stderr=_is_terminal(sys.stderr),
        )
        self._draw_again = draw
        self.background = Background(self._refresh)

    def refresh(self) -> None:
        """Draw. Rich's thread calls this once a second, and ``stop`` at the end."""
        if not self.background.has_failed:
            self.background.guard(self._refresh)

    def _refresh(self) -> None:
        with self._lock:
            self._renderable = self._draw_again(not self.is_started)
            super().refresh()


class Terminal:
    """The display on a terminal.

    Args:
        console: The terminal.
        readings: What was read.
        now: Returns the current time.
    """

    def __init__(self, console: Console, readings: Readings, now: Callable[[], datetime]) -> None:
        self._console = console
        self._readings = readings
        self._now = now
        self._drawing = Drawing(console)
        self._drawn: object = None
        self._live = _Live(console, self._draw)
        self.background = self._live.background
        self._live.start(refresh=True)

    def show(self, _news: list[News], _now: datetime) -> None:
        """Draw, if that would change the picture.

        Args:
            _news: The stages with a new status.
            _now: The current time.
        """
        if self._state() != self._drawn:
            # What is not drawn now is drawn by rich's thread, within a second.
            self.background.request_if_cheap()

    def close(self) -> None:
        """Leave the last picture on the screen."""
        self.background.finish(self._live.stop)

    def _state(self) -> object:
        return self._readings.version, int(self._now().timestamp()), self._console.size

    def _draw(self, is_last: bool) -> Picture:  # noqa: FBT001  # one caller
        self._drawn = self._state()
        return self._drawing.draw(self._readings.sections(), self._now(), whole=is_last)


def _is_terminal(stream: TextIO | None) -> bool:
    # Under pythonw.exe the stream is None.
    return stream is not None and stream.isatty()
