"""A stage's life as a function of time: nothing runs, everything is computed when asked."""

from __future__ import annotations

import bisect
import math
from typing import Final, Literal, TypeAlias

import attrs

StageStatus: TypeAlias = Literal[
    "CREATING",
    "READYTODEPLOY",
    "STARTING",
    "INPROGRESS",
    "DEPLOYED",
    "FAILED",
    "STOPPING",
    "STOPPED",
]

RUNNING: Final[frozenset[StageStatus]] = frozenset({"STARTING", "INPROGRESS"})
"""Statuses in which a stage can be stopped."""

BUSY: Final[frozenset[StageStatus]] = frozenset({"STARTING", "INPROGRESS", "STOPPING"})
"""Statuses in which a stage can be neither started nor deleted."""

STARTABLE: Final[frozenset[StageStatus]] = frozenset({"READYTODEPLOY", "STOPPED", "FAILED"})
"""Statuses from which a stage can be started (again)."""

_CLOCK_NOISE: Final = 1e-6
# Epoch seconds as floats are exact to about 0.2 microseconds: a test that advances a
# held clock by ten times 0.1 must reach what is due after 1.0.


def reached(now: float, moment: float) -> bool:
    """Whether a moment has come, within the precision of epoch seconds."""
    return now >= moment - _CLOCK_NOISE


def _seconds(_instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{attribute.name} must be zero or more seconds, not {value!r}")


@attrs.frozen(kw_only=True)
class Timings:
    """How long things take, in seconds of the emulator's clock.

    All of it is invented: real devices poll for work every few minutes.

    Raises:
        ValueError: A duration is negative or not finite.
    """

    creating: float = attrs.field(default=0.0, validator=_seconds)
    """From a stage's creation until it can be started; 0 lets a start follow at once."""

    starting: float = attrs.field(default=0.5, validator=_seconds)
    """From the start of a stage until its devices begin to report."""

    device_report: float = attrs.field(default=0.2, validator=_seconds)
    """Between the reports of two devices of a stage."""

    report_spread: float = attrs.field(default=2.0, validator=_seconds)
    """The most that all reports of a stage may take: larger fleets report faster."""

    stopping: float = attrs.field(default=0.5, validator=_seconds)
    """From the stop of a stage until it is STOPPED."""

    payment_seconds: float = attrs.field(default=0.5, validator=_seconds)
    """How long the payment of a training plan extension stays Pending."""

    history_lag: float = attrs.field(default=0.0, validator=_seconds)
    """How long a purchase is missing from the plan's extension history."""


@attrs.frozen(kw_only=True)
class Rollout:
    """One run of a stage, from its start on."""

    devices: tuple[str, ...]
    """The devices, in the order in which they report."""

    failing: tuple[int, ...]
    """Positions in `devices` of those that fail, ascending."""

    started_at: float
    first_report_after: float
    report_interval: float
    stopping: float
    failure_tolerance: float
    """The share of failed devices, 0 to 1, above which the stage is FAILED."""

    stopped_at: float | None = None

    def reported(self, now: float) -> int:
        """Return how many devices have reported; a stop freezes the number."""
        if self.stopped_at is not None:
            now = min(now, self.stopped_at)
        begin = self.started_at + self.first_report_after
        return bisect.bisect_right(
            range(len(self.devices)),
            now + _CLOCK_NOISE,
            key=lambda position: begin + (position + 1) * self.report_interval,
        )

    def failed(self, now: float) -> int:
        """Return how many of the devices that have reported did fail."""
        return bisect.bisect_left(self.failing, self.reported(now))

    def status(self, now: float) -> StageStatus:
        """Return where the stage stands."""
        if self.stopped_at is not None and reached(now, self.stopped_at):
            return "STOPPED" if reached(now, self.stopped_at + self.stopping) else "STOPPING"
        if not reached(now, self.started_at + self.first_report_after):
            return "STARTING"
        if self.reported(now) < len(self.devices):
            return "INPROGRESS"
        too_many = len(self.failing) > self.failure_tolerance * len(self.devices)
        return "FAILED" if too_many else "DEPLOYED"

    def deployed(self, now: float) -> set[str]:
        """Return the devices that have reported a success."""
        reported = self.reported(now)
        failed = {
            self.devices[at] for at in self.failing[: bisect.bisect_left(self.failing, reported)]
        }
        return set(self.devices[:reported]) - failed

    def device_status(self, position: int, now: float) -> StageStatus:
        """Return where the device at `position` stands."""
        if position < self.reported(now):
            found = bisect.bisect_left(self.failing, position)
            fails = found < len(self.failing) and self.failing[found] == position
            return "FAILED" if fails else "DEPLOYED"
        status = self.status(now)
        return status if status in {"STOPPING", "STOPPED"} else "INPROGRESS"
