"""The emulator's clock. It follows real time at a given speed; tests hold and advance it."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final, final

import attrs

from sagemaker_plans.emulator._wire.number_types import real_number

LATEST: Final = 32_503_680_000.0
"""The year 3000. The clock stops there, so that clients can read every date they get."""


@attrs.frozen(kw_only=True)
class ClockReading:
    """Where a clock stands, and whatever else decides what it will show."""

    now: float
    """Epoch seconds of the clock."""

    machine: float
    """Epoch seconds of the machine's clock at that moment."""

    held: bool
    speed: float
    jumps: tuple[tuple[float, float], ...] = ()
    """The latest moves: when, by the machine's clock, and by how many seconds."""


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

    __slots__ = (
        *("_anchor", "_guard", "_held", "_jumps", "_lock", "_moves", "_offset", "_source"),
        "_speed",
    )

    def __init__(
        self,
        *,
        speed: float = 1.0,
        source: Callable[[], float] = time.monotonic,
        start: float | None = None,
    ) -> None:
        plain = real_number(speed)
        if plain is None or not (math.isfinite(plain) and plain > 0):
            raise ValueError(f"speed must be a positive number, not {speed!r}")
        self._lock = threading.Lock()
        self._guard: AbstractContextManager[object] = nullcontext()
        self._moves = 0
        self._source = source
        self._speed = plain
        self._offset = time.time() if start is None else start
        self._anchor = source()
        self._held = False
        self._jumps: deque[tuple[float, float]] = deque(maxlen=100)

    def now(self) -> float:
        """Return the emulated time.

        Returns:
            Epoch seconds, rounded to microseconds.
        """
        with self._lock:
            return self._read()

    def hold(self) -> None:
        """Stop the clock until `release`; only `advance` moves it meanwhile."""
        with self._guard, self._lock:
            self._settle()
            self._held = True

    def release(self) -> None:
        """Let a held clock run again from the time that it shows."""
        with self._guard, self._lock:
            self._settle()
            self._held = False

    def advance(self, seconds: float) -> None:
        """Move the clock forward at once, held or not.

        Args:
            seconds: Emulated seconds, zero or more.

        Raises:
            ValueError: `seconds` is no number or negative, or the clock would pass the year 3000.
        """
        with self._guard, self._lock:
            now = self._read()
            plain = real_number(seconds)
            if plain is None or not 0 <= plain <= max(0.0, LATEST - now):
                raise ValueError(
                    "the clock can advance by zero or more seconds, up to the year 3000, but not "
                    f"by {seconds!r}"
                )
            self._offset += plain
            self._moves += 1
            self._jumps.append((time.time(), plain))

    def advanced_since(self, moment: float) -> float:
        """Tell how far the clock was moved forward after a moment.

        Args:
            moment: Epoch seconds of the machine's clock.

        Returns:
            Emulated seconds; of the last 100 moves, those that were later.
        """
        with self._lock:
            return sum(seconds for at, seconds in self._jumps if at > moment)

    def guard_by(self, guard: AbstractContextManager[object]) -> None:
        """Enter a context around each hold, release and advance from now on.

        Args:
            guard: The context. A thread may be in it already.

        :meta private:
        """
        self._guard = guard

    @property
    def moves(self) -> int:
        """How often it was held, released, advanced or set.

        :meta private:
        """
        return self._moves

    def reading(self) -> ClockReading:
        """Return where the clock stands.

        :meta private:
        """
        with self._lock:
            return ClockReading(
                now=self._read(),
                machine=time.time(),
                held=self._held,
                speed=self._speed,
                jumps=tuple(self._jumps),
            )

    def resume(self, reading: ClockReading, *, ran_on: bool) -> None:
        """Go on from a reading of an earlier clock, at the own speed.

        Args:
            reading: The reading.
            ran_on: Whether a clock that was not held ran on since then, at its speed. Otherwise
                no time has passed.

        :meta private:
        """
        since = time.time() - reading.machine if ran_on and not reading.held else 0.0
        with self._lock:
            self._offset = min(reading.now + max(since, 0.0) * reading.speed, LATEST)
            self._anchor = self._source()
            self._held = reading.held
            self._jumps = deque(reading.jumps, maxlen=self._jumps.maxlen)
            self._moves += 1

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
        self._moves += 1
        self._offset = self._read()
        self._anchor = self._source()
