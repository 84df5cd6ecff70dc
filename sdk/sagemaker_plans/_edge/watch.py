"""``watch``: reports every change of a plan's stages."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Self, final

from sagemaker_plans._edge.wait import Wait
from sagemaker_plans._edge.waiters import EVERY_READING, raise_if_stage_vanished
from sagemaker_plans._engine.not_copied import NotCopied
from sagemaker_plans.models import EdgeDeploymentPlan, Stage, StageChange


class _WatchState:
    """What all iterations over one watch share."""

    def __init__(self) -> None:
        self.is_closed = False


class _ChangeIterator:
    """One iteration over the changes of a plan."""

    def __init__(self, state: _WatchState, start_wait: Callable[[], Wait]) -> None:
        self._state = state
        self._start_wait = start_wait
        self._wait: Wait | None = None
        self._stages: dict[str, Stage] = {}
        self._queue: deque[StageChange] = deque()
        self._finished = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StageChange:
        if self._wait is None:
            # The time counts from the first step of the iteration, not from watch().
            self._wait = self._start_wait()
        while not self._queue or self._state.is_closed:
            if self._finished or self._state.is_closed:
                raise StopAsyncIteration
            if self._wait.is_over:
                self._time_out(self._wait)
            plan = await self._wait.next_plan(EVERY_READING)
            if plan is not None:
                self._queue.extend(self._changes(self._wait, plan))
                self._finished = plan.is_finished
        return self._queue.popleft()

    def _changes(self, wait: Wait, plan: EdgeDeploymentPlan) -> Iterator[StageChange]:
        found = {stage.name: stage for stage in plan.stages}
        raise_if_stage_vanished(wait, plan)
        for name, stage in found.items():
            before = self._stages.get(name)
            if before is None or (before.status, before.devices) != (stage.status, stage.devices):
                yield StageChange(stage=stage, previous=before)
        self._stages = found

    def _time_out(self, wait: Wait) -> None:
        unfinished = tuple(s for s in self._stages.values() if not s.status.is_terminal)
        wait.time_out(f"the end of plan {wait.plan_name}", unfinished, wait.plan)


@final
class StageWatch(NotCopied):
    """The changes of a plan's stages.

    Each ``async for`` over it starts again. ``anext`` takes the next step of an iteration
    that the watch itself has; the first step starts it. Between two steps nothing runs, so
    an iteration can be left early. ``contextlib.aclosing`` works too.

    Args:
        begin: Starts a wait on the plan.
        plan_name: The plan's name.
    """

    plan_name: str
    """The plan's name."""

    def __init__(self, begin: Callable[[], Wait], plan_name: str) -> None:
        self.plan_name = plan_name
        self._begin = begin
        self._state = _WatchState()
        self._own = _ChangeIterator(self._state, begin)

    def __repr__(self) -> str:
        closed = ", closed" if self._state.is_closed else "; read its changes with async for"
        return f"<StageWatch of plan {self.plan_name!r}{closed}>"

    def __aiter__(self) -> AsyncIterator[StageChange]:
        return _ChangeIterator(self._state, self._begin)

    async def __anext__(self) -> StageChange:
        return await anext(self._own)

    async def aclose(self) -> None:
        """End all iterations over this watch: their next step raises StopAsyncIteration.

        A step that is under way in another task ends with the next poll. You can call this
        more than once.

        For example::

            async with aclosing(client.plans.watch("spring-rollout", timeout=3600)) as watch:
                first = await anext(watch)
        """
        self._state.is_closed = True
