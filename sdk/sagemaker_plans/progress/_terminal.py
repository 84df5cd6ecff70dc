"""Shows pictures on a terminal, each in the place of the one before."""

import sys
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import TextIO

from rich.console import Console
from rich.live import Live

from sagemaker_plans.progress._background import Background
from sagemaker_plans.progress._drawing import Drawing, Picture
from sagemaker_plans.progress._readings import News, Readings


class _Live(Live):
    """Rich's display, whose failures end nothing else.

    Args:
        console: The terminal.
        draw: Draws what is to be shown now.
    """

    def __init__(self, console: Console, draw: Callable[[], Picture]) -> None:
        self.background = Background(super().refresh, console.file)
        super().__init__(
            console=console,
            get_renderable=draw,
            refresh_per_second=1,  # elapsed times are in seconds
            # Output to a file or a pipe must not end up on the terminal.
            redirect_stdout=_is_terminal(sys.stdout),
            redirect_stderr=_is_terminal(sys.stderr),
        )

    def refresh(self) -> None:
        """Draw. Rich's thread calls this once a second, and ``stop`` at the end."""
        if not self.background.has_failed:
            self.background.guard(super().refresh)


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
        self._lock = Lock()
        self._drawing = Drawing(console)
        self._drawn: object = None
        self._is_last = False
        live = _Live(console, self._draw)
        live.start(refresh=True)
        self._stop = live.stop
        self.background = live.background

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
        self._is_last = True
        self.background.finish(self._stop)

    def _state(self) -> object:
        return self._readings.version, int(self._now().timestamp()), self._console.size

    def _draw(self) -> Picture:
        # Rich's thread may draw at the same time.
        with self._lock:
            self._drawn = self._state()
            sections = self._readings.sections()
            return self._drawing.draw(sections, self._now(), whole=self._is_last)


def _is_terminal(stream: TextIO | None) -> bool:
    # Under pythonw.exe the stream is None.
    return stream is not None and stream.isatty()
