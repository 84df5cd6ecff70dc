"""The emulator's clock. It follows real time at a given speed; tests hold and advance it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Final, final

LATEST: Final = 32_503_680_000.0
"""The year 3000. The clock stops there, so that clients can read every date they get."""


@final
class Clock:
    """The time of the emulated service, in epoch seconds. Any thread may use it.

    The clock starts at the machine's time (or at `start`) and then follows
    `source` at `speed`. It never goes back.

    Args:
        speed: Emulated seconds per second of `source`; 60 makes a minute pass in
            one second.
        source: A function that returns seconds and never goes back; tests under a virtual
            clock pass that clock's time.
        start: Epoch seconds to begin with; the machine's time if None.

    Raises:
        ValueError: `speed` is not a positive finite number.
    """

    __slots__ = ("_anchor", "_held", "_lock", "_offset", "_source", "_speed")

    def __init__(
        self,
        *,
        speed: float = 1.0,
        source: Callable[[], float] = time.monotonic,
        start: float | None = None,
    ) -> None:
        if not (math.isfinite(speed) and speed > 0):
            raise ValueError(f"speed must be a positive number, not {speed!r}")
        self._lock = threading.Lock()
        self._source = source
        self._speed = speed
        self._offset = time.time() if start is None else start
        self._anchor = source()
        self._held = False

    def now(self) -> float:
        """Return the emulated time.

        Returns:
            Epoch seconds, rounded to microseconds.
        """
        with self._lock:
            return self._read()

    def hold(self) -> None:
        """Stop the clock until `release`; only `advance` moves it meanwhile."""
        with self._lock:
            self._settle()
            self._held = True

    def release(self) -> None:
        """Let a held clock run again from the time that it shows."""
        with self._lock:
            self._settle()
            self._held = False

    def advance(self, seconds: float) -> None:
        """Move the clock forward at once, held or not.

        Args:
            seconds: Emulated seconds, zero or more.

        Raises:
            ValueError: `seconds` is negative, or the clock would pass the year 3000.
        """
        with self._lock:
            now = self._read()
            if not 0 <= seconds <= max(0.0, LATEST - now):
                raise ValueError(
                    "the clock can advance by zero or more seconds, up to the year 3000, but not "
                    f"by {seconds!r}"
                )
            self._offset += seconds

    @property
    def held(self) -> bool:
        """Whether the clock stands still."""
        with self._lock:
            return self._held

    @property
    def speed(self) -> float:
        """Emulated seconds per second of the source."""
        return self._speed

    def _read(self) -> float:
        elapsed = 0.0 if self._held else (self._source() - self._anchor) * self._speed
        return round(min(self._offset + elapsed, LATEST), 6)

    def _settle(self) -> None:
        """Add the time that has passed to the offset, before the clock is held or released."""
        self._offset = self._read()
        self._anchor = self._source()
