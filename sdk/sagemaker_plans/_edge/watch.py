"""``watch``: every change of a plan's stages, as it is seen."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Self, final

from sagemaker_plans._edge.waiters import Wait, raise_if_gone
from sagemaker_plans.models import EdgeDeploymentPlan, Stage, StageChange


class _Changes:
    """One walk along the changes of a plan."""

    def __init__(self, begin: Callable[[], Wait]) -> None:
        self._begin = begin
        self._wait: Wait | None = None
        self._known: dict[str, Stage] = {}
        self._untold: deque[StageChange] = deque()
        self._finished = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StageChange:
        if self._wait is None:
            # The time runs from the first step, not from the call of watch().
            self._wait = self._begin()
        while not self._untold:
            if self._finished:
                raise StopAsyncIteration
            if self._wait.is_over:
                self._time_out(self._wait)
            plan = await self._wait.next_plan()
            if plan is not None:
                self._untold.extend(self._changes(self._wait, plan))
                self._finished = plan.is_finished
        return self._untold.popleft()

    def _changes(self, wait: Wait, plan: EdgeDeploymentPlan) -> Iterator[StageChange]:
        found = {stage.name: stage for stage in plan.stages}
        raise_if_gone(wait, tuple(self._known.values()), plan)
        for name, stage in found.items():
            before = self._known.get(name)
            if before is None or (before.status, before.devices) != (stage.status, stage.devices):
                yield StageChange(stage=stage, previous=before)
        self._known = found

    def _time_out(self, wait: Wait) -> None:
        unfinished = tuple(s for s in self._known.values() if not s.status.is_terminal)
        wait.timed_out(f"the end of plan {wait.plan_name}", unfinished, wait.plan)


@final
class StageWatch:
    """The changes of a plan's stages. Each ``async for`` over it begins anew.

    Args:
        begin: Begins a wait on the plan.
    """

    def __init__(self, begin: Callable[[], Wait]) -> None:
        self._begin = begin

    def __aiter__(self) -> AsyncIterator[StageChange]:
        return _Changes(self._begin)
