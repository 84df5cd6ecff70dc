"""Writes to the console beside the event loop: a console that stands still must not stop it."""

import logging
from collections.abc import Callable
from io import StringIO
from threading import Lock, Thread
from time import monotonic
from typing import IO, Final

_log: Final = logging.getLogger("sagemaker_plans")

# A terminal takes milliseconds. One that was stopped (Ctrl-S, a pager that nobody scrolls) may
# take for ever, so the caller waits for so many seconds at most, once.
_PATIENCE: Final = 0.5

# What writing may cost the caller: so many seconds at once, and this share of the time.
_CREDIT: Final = 1.0
_SHARE: Final = 0.1


class Background:
    """Writes when it is asked to, in a thread that lives as long as the writing.

    The caller waits until it is written, but not for long. Who asks while something is being
    written does not wait; then it is written once more. If writing raises, that is logged, and
    nothing is written any more.

    Args:
        write: Writes to the console all there is to write.
        file: Where it is written. Memory takes everything at once, so it needs no thread.
    """

    def __init__(self, write: Callable[[], None], file: IO[str]) -> None:
        self.has_failed = False
        self._write = write
        self._needs_thread = not isinstance(file, StringIO)
        self._lock = Lock()
        self._one_at_a_time = Lock()
        self._is_writing = False
        self._is_wanted_again = False
        self._credit = _CREDIT
        self._counted_at = monotonic()

    def request(self) -> None:
        """Write."""
        with self._lock:
            self._is_wanted_again = self._is_writing
            if self._is_writing or self.has_failed:
                return
            self._is_writing = True
        self._start(self._write_while_wanted)

    def request_if_cheap(self) -> None:
        """Write, unless writing has taken much of the time lately."""
        now = monotonic()
        self._credit = min(_CREDIT, self._credit + _SHARE * (now - self._counted_at))
        self._counted_at = now
        if self._credit > 0:
            self.request()
            self._credit -= monotonic() - now

    def finish(self, write: Callable[[], None]) -> None:
        """Write for the last time, even if something failed, and after what is being written.

        Args:
            write: Writes what comes last.
        """
        self._start(lambda: self._write_alone(write))

    def guard(self, action: Callable[[], None]) -> None:
        """Do something, and log what it raises. The first failure is the last thing written.

        Args:
            action: What to do.
        """
        try:
            action()
        # Rich raises SystemExit if nobody reads what it writes.
        except (Exception, SystemExit) as error:  # noqa: BLE001  # no display ends a wait
            with self._lock:
                is_first, self.has_failed = not self.has_failed, True
            if is_first:
                _log.warning("the progress display has failed and stops: %r", error, exc_info=True)

    def _write_while_wanted(self) -> None:
        while True:
            self._write_alone(self._write)
            with self._lock:
                self._is_writing = self._is_wanted_again and not self.has_failed
                self._is_wanted_again = False
                if not self._is_writing:
                    return

    def _write_alone(self, write: Callable[[], None]) -> None:
        with self._one_at_a_time:
            self.guard(write)

    def _start(self, target: Callable[[], None]) -> None:
        if not self._needs_thread:
            target()
            return
        # Not a daemon: what is left to write is written before the process ends.
        thread = Thread(target=target, name="progress of sagemaker_plans", daemon=False)
        thread.start()
        thread.join(_PATIENCE)
