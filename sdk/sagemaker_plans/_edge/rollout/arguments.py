"""What a rollout is asked to do, and the checks of it."""

import inspect
import operator
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final, SupportsIndex, cast

from attrs import field, frozen

from sagemaker_plans._edge.wait import OnPoll
from sagemaker_plans._engine.durations import (
    as_float,
    as_seconds_from_zero,
    as_seconds_from_zero_or_none,
    duration_problems,
)
from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._wire.operations import DESCRIBE_PLAN
from sagemaker_plans.models import (
    EdgeDeploymentPlan,
    EdgeDeploymentPlanSpec,
    RolloutReport,
    Stage,
    StageChange,
)
from sagemaker_plans.models import _validation as checks

_ROUNDING: Final = 1e-6

Approve = Callable[[Stage, RolloutReport], Awaitable[bool]]
"""Asked after each stage whether the rollout may go on. It is a coroutine function."""

OnChange = OnPoll[StageChange]
"""Called with each change of a stage. A coroutine function is awaited."""


def _names(value: checks.Several[str] | None) -> tuple[str, ...] | None:
    return None if value is None else checks.as_tuple(value)


def _most(value: float) -> float:
    number: object = value
    if isinstance(number, SupportsIndex) and not isinstance(number, bool):
        return operator.index(number)
    # What is out of range stays as it was written, for the message.
    return number if _is_share(number := as_float(value)) else value


def _is_share(value: object) -> bool:
    return type(value) is float and 0 <= value <= 1


def is_past(max_failed: float, stage: Stage) -> bool:
    """Tell whether more devices of a stage failed than may fail.

    Args:
        max_failed: A number of devices if it is an int, a share of a stage if it is a float.
        stage: The stage.

    Returns:
        Whether it is so.
    """
    most = max_failed
    if isinstance(most, float):
        # 0.29 * 100 is a little less than 29.
        most = most * stage.devices.total + _ROUNDING
    return stage.devices.failed > most


@frozen(kw_only=True)
class RolloutArguments:
    """What a rollout is asked to do."""

    plan: str | EdgeDeploymentPlanSpec
    stage_timeout: float | None = field(converter=as_seconds_from_zero_or_none)
    max_failed: float = field(converter=_most)
    """A number of devices if it is an int, a share of a stage if it is a float."""
    bake_time: float = field(converter=as_seconds_from_zero)
    approve: Approve | None
    on_change: OnChange | None
    stages: tuple[str, ...] | None = field(converter=_names)
    schedule: PollSchedule | None
    restart: bool
    stop_on_exit: bool

    @property
    def plan_name(self) -> str:
        """The plan's name."""
        return self.plan.name if isinstance(self.plan, EdgeDeploymentPlanSpec) else self.plan

    def is_past(self, stage: Stage) -> bool:
        """Tell whether more devices of a stage failed than may fail.

        Args:
            stage: The stage.

        Returns:
            Whether it is so.
        """
        return is_past(self.max_failed, stage)

    def check(self) -> None:
        """Check the arguments.

        Raises:
            InvalidRequestError: If an argument is wrong; it lists every problem.
        """
        checks.raise_for("roll_out", self._problems(), operation=DESCRIBE_PLAN.name)

    def _problems(self) -> Iterator[str]:
        spec = self.plan if isinstance(self.plan, EdgeDeploymentPlanSpec) else None
        if isinstance(self.plan, str):
            yield from checks.name("plan", self.plan)
        elif spec is None:
            got = checks.shown(self.plan)
            yield f"plan: the name of a plan or an EdgeDeploymentPlanSpec is needed, got {got}"
        if self.stage_timeout is not None:
            yield from duration_problems("stage_timeout", self.stage_timeout, zero=True)
        yield from _max_failed_problems(self.max_failed)
        yield from duration_problems("bake_time", self.bake_time, zero=True)
        if self.approve is not None and not _is_coroutine_function(self.approve):
            got = checks.shown(self.approve)
            yield f"approve: got {got}; allowed are coroutine functions (async def)"
        on_change: object = self.on_change
        if on_change is not None and not callable(on_change):
            yield f"on_change: a function is needed, got {checks.shown(on_change)}"
        yield from self._stages_problems(spec)
        schedule = cast("object", self.schedule)
        if not isinstance(schedule, PollSchedule | None):
            yield f"schedule: a PollSchedule is needed, got {checks.shown(schedule)}"
        yield from checks.flag("restart", self.restart)
        yield from checks.flag("stop_on_exit", self.stop_on_exit)

    def _stages_problems(self, spec: EdgeDeploymentPlanSpec | None) -> Iterator[str]:
        if self.stages is None:
            return
        found = [*checks.items("stages", self.stages, checks.name)]
        yield from found
        if not found and not self.stages:
            yield "stages: got no stage; at least one is needed"
        elif not found and spec is not None:
            yield from _unknown_stages(self.stages, [stage.name for stage in spec.stages])

    def names_in(self, plan: EdgeDeploymentPlan) -> tuple[str, ...]:
        """Find the stages to roll out.

        Args:
            plan: The plan.

        Returns:
            Their names, in the plan's order.

        Raises:
            InvalidRequestError: If the plan does not have one of them.
        """
        names = tuple(stage.name for stage in plan.stages)
        if self.stages is None:
            return names
        unknown = _unknown_stages(self.stages, names)
        checks.raise_for("roll_out", unknown, operation=DESCRIBE_PLAN.name)
        return tuple(name for name in names if name in self.stages)


def _unknown_stages(wanted: tuple[str, ...], names: Iterable[str]) -> Iterator[str]:
    known = [*names]
    for position, name in enumerate(wanted):
        if name not in known:
            yield (
                f"stages[{position}]: got {checks.shown(name)}, which the plan does not have; its "
                f"stages: {', '.join(known) or 'none'}"
            )


def _max_failed_problems(value: object) -> Iterator[str]:
    is_number = type(value) is int and value >= 0
    if not is_number and not _is_share(value):
        yield (
            f"max_failed: got {checks.shown(value)}; allowed are whole numbers of devices from 0, "
            "and shares of a stage from 0.0 to 1.0"
        )


def _is_coroutine_function(function: object) -> bool:
    call: object = getattr(type(function), "__call__", None)  # noqa: B004  # its type counts
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
