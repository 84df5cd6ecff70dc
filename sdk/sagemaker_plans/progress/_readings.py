"""What was read last of every stage, by plan."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Final, Self

from attrs import frozen

from sagemaker_plans.models import DeviceCounts, EdgeDeploymentPlan, Stage, StageStatus

Seen = EdgeDeploymentPlan | Stage

# What deserves attention first. A status that this release does not know comes after STOPPING.
_URGENCY: Final = {
    StageStatus.FAILED: 0,
    StageStatus.STOPPED: 1,
    StageStatus.STOPPING: 2,
    StageStatus.INPROGRESS: 4,
    StageStatus.STARTING: 5,
    StageStatus.CREATING: 6,
    StageStatus.READYTODEPLOY: 7,
    StageStatus.DEPLOYED: 8,
}
_URGENCY_OF_UNKNOWN: Final = 3
NOT_URGENT: Final = 9


def urgency(status: StageStatus) -> int:
    """Say how much a status deserves attention.

    Args:
        status: The status.

    Returns:
        A number; the lowest deserves most.
    """
    return _URGENCY.get(status, _URGENCY_OF_UNKNOWN)


@frozen
class Row:
    """A stage as it was read last."""

    stage: Stage
    ended: datetime | None
    """When it was first seen to have ended; None if it has not, or had at the first sight."""

    @property
    def message(self) -> str | None:
        """The service's message, if the status and the numbers do not explain themselves."""
        has_ended_badly = self.stage.status in {StageStatus.FAILED, StageStatus.STOPPED}
        if has_ended_badly or self.stage.status.is_unknown or self.stage.devices.failed:
            return self.stage.status_message
        return None


@frozen
class Times:
    """When something began and ended."""

    start: datetime | None
    end: datetime | None
    """When it was seen to have ended; None too if it had ended at the first sight."""
    has_ended: bool

    def elapsed(self, now: datetime) -> str:
        """Write how long it has taken.

        Args:
            now: The current time.

        Returns:
            Hours, minutes and seconds; empty if it is unknown.
        """
        end = self.end if self.has_ended else now
        if self.start is None or end is None:
            return ""
        # The service's clock may be ahead of this machine's.
        minutes, seconds = divmod(max(0, int((end - self.start).total_seconds())), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}"


def row_times(row: Row) -> Times:
    """Give the times of one stage.

    Args:
        row: The stage.

    Returns:
        Its times.
    """
    return Times(row.stage.start_time, row.ended, row.stage.status.is_terminal)


def times_of_all(times: Sequence[Times]) -> Times:
    """Give the times of several stages or plans together.

    Args:
        times: The times of each.

    Returns:
        From the first start to the last end.
    """
    return Times(
        min([each.start for each in times if each.start], default=None),
        max([each.end for each in times if each.end], default=None),
        all(each.has_ended for each in times),
    )


def devices_of_all(devices: Sequence[DeviceCounts]) -> DeviceCounts:
    """Add up the devices of several stages or plans.

    Args:
        devices: The devices of each.

    Returns:
        The sums.
    """
    return DeviceCounts(
        sum([each.succeeded for each in devices]),
        sum([each.pending for each in devices]),
        sum([each.failed for each in devices]),
    )


@frozen
class News:
    """A stage that is new, has another status, or was started again."""

    plan: str | None
    row: Row


@frozen(eq=False)
class Section:
    """The stages of one plan. It never changes: each reading makes a new one."""

    plan: str | None
    """The plan's name; None for stages that came without one."""
    rows: Mapping[str, Row]
    is_whole: bool
    """Whether all stages of the plan have been read, and not only some."""
    devices: DeviceCounts
    times: Times
    deployed: int
    failed: int
    height: int
    """How many lines it takes below its title: headings, stages, sum, messages."""

    @classmethod
    def of(cls, plan: str | None, rows: Mapping[str, Row], *, is_whole: bool) -> Self:
        """Make a section.

        Args:
            plan: The plan's name.
            rows: The stages by name.
            is_whole: Whether these are all stages of the plan.

        Returns:
            The section, with the sums of its stages.
        """
        each = rows.values()
        statuses = [row.stage.status for row in each]
        table = 0 if not rows else len(rows) + 1 + (len(rows) > 1)
        return cls(
            plan,
            rows,
            is_whole,
            devices_of_all([row.stage.devices for row in each]),
            times_of_all([row_times(row) for row in each]),
            statuses.count(StageStatus.DEPLOYED),
            statuses.count(StageStatus.FAILED),
            table + sum(row.message is not None for row in each),
        )


def _row(before: Row | None, stage: Stage, now: datetime) -> Row:
    if before is None or not stage.status.is_terminal:
        return Row(stage, None)
    ended_before = before.stage.status.is_terminal and before.stage.start_time == stage.start_time
    return Row(stage, before.ended if ended_before else now)


class Readings:
    """What was read last. One call costs what the plan's stages cost, however many plans.

    Several threads may call it at the same time.
    """

    def __init__(self) -> None:
        self._sections: dict[str | None, Section] = {None: Section.of(None, {}, is_whole=False)}
        self._lock = Lock()
        self.version = 0
        """How often anything has changed."""

    def sections(self) -> list[Section]:
        """Give all sections.

        Returns:
            The sections in the order in which they were first seen. The first one has the
            stages that came without a plan.
        """
        with self._lock:
            return list(self._sections.values())

    def update(self, seen: Seen, plan: str | None, now: datetime) -> list[News]:
        """Take in a reading.

        Args:
            seen: A plan, or one stage.
            plan: The plan to which a stage belongs, if that is known.
            now: The current time.

        Returns:
            The stages that are new, have another status, or were started again.
        """
        with self._lock:
            if isinstance(seen, EdgeDeploymentPlan):
                return self._update_plan(seen, now)
            if plan is None:
                # Two plans may have stages of the same name. Then it could be of either.
                plans = self._plans_with(seen.name)
                plan = plans[0] if len(plans) == 1 else None
            return self._update_stage(seen, plan, now)

    def _plans_with(self, stage_name: str) -> list[str]:
        return [plan for plan, each in self._sections.items() if plan and stage_name in each.rows]

    def _update_plan(self, plan: EdgeDeploymentPlan, now: datetime) -> list[News]:
        before = self._sections.get(plan.name)
        known = {**self._taken_from_alone(plan), **(before.rows if before else {})}
        rows = {stage.name: _row(known.get(stage.name), stage, now) for stage in plan.stages}
        if before is None or not before.is_whole or before.rows != rows:
            self._put(Section.of(plan.name, rows, is_whole=True))
        return _news(plan.name, known, rows)

    def _taken_from_alone(self, plan: EdgeDeploymentPlan) -> Mapping[str, Row]:
        alone = self._sections[None].rows
        names = [stage.name for stage in plan.stages if stage.name in alone]
        taken = {name: alone[name] for name in names if not self._plans_with(name)}
        if taken:
            rest = {name: row for name, row in alone.items() if name not in taken}
            self._put(Section.of(None, rest, is_whole=False))
        return taken

    def _update_stage(self, stage: Stage, plan: str | None, now: datetime) -> list[News]:
        before = self._sections.get(plan)
        known: Mapping[str, Row] = before.rows if before else {}
        row = _row(known.get(stage.name), stage, now)
        if known.get(stage.name) != row:
            is_whole = before is not None and before.is_whole
            self._put(Section.of(plan, {**known, stage.name: row}, is_whole=is_whole))
        return _news(plan, known, {stage.name: row})

    def _put(self, section: Section) -> None:
        self._sections[section.plan] = section
        self.version += 1


def _news(plan: str | None, before: Mapping[str, Row], after: Mapping[str, Row]) -> list[News]:
    return [
        News(plan, row)
        for name, row in after.items()
        if name not in before or _is_news(before[name].stage, row.stage)
    ]


def _is_news(before: Stage, after: Stage) -> bool:
    if before.status != after.status:
        return True
    # It ended, was started again and ended, all between two readings.
    return after.status.is_terminal and before.start_time != after.start_time
