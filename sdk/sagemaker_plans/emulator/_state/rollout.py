"""One run of a stage. Its status is computed from the time, so nothing runs in the background."""

from __future__ import annotations

import bisect
from typing import Final, Literal, TypeAlias

import attrs

from sagemaker_plans.emulator._state.timings import CLOCK_NOISE, reached

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


@attrs.frozen(kw_only=True)
class Rollout:
    """One run of a stage, which begins with its start."""

    devices: tuple[str, ...]
    """The devices, in the order in which they report."""

    failing: tuple[int, ...]
    """The positions in `devices` of the devices that fail, in ascending order."""

    started_at: float
    first_report_after: float
    report_interval: float
    stopping: float
    failure_tolerance: float
    """The share of failed devices, 0 to 1, above which the stage is FAILED."""

    stopped_at: float | None = None

    def reported(self, now: float) -> int:
        """Return how many devices have reported. After a stop the number does not change."""
        if self.stopped_at is not None:
            now = min(now, self.stopped_at)
        begin = self.started_at + self.first_report_after
        return bisect.bisect_right(
            range(len(self.devices)),
            now + CLOCK_NOISE,
            key=lambda position: begin + (position + 1) * self.report_interval,
        )

    def failed(self, now: float) -> int:
        """Return how many of the devices that have reported have failed."""
        return bisect.bisect_left(self.failing, self.reported(now))

    def status(self, now: float) -> StageStatus:
        """Return the status of the stage."""
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
        failed = {self.devices[index] for index in self.failing[: self.failed(now)]}
        return set(self.devices[: self.reported(now)]) - failed

    def device_status(self, position: int, now: float) -> StageStatus:
        """Return the status of the device at `position`."""
        if position < self.reported(now):
            found = bisect.bisect_left(self.failing, position)
            fails = found < len(self.failing) and self.failing[found] == position
            return "FAILED" if fails else "DEPLOYED"
        status = self.status(now)
        return status if status in {"STOPPING", "STOPPED"} else "INPROGRESS"
