"""One rollout of one plan, from its first reading to its report."""

from typing import Final, NoReturn

import anyio
from attrs import define, field

from sagemaker_plans._edge.creation import ensure_plan
from sagemaker_plans._edge.reading import read_plan
from sagemaker_plans._edge.rollout.arguments import RolloutArguments
from sagemaker_plans._edge.rollout.readings import StageReadings
from sagemaker_plans._edge.rollout.stage_start import StageStart
from sagemaker_plans._edge.rollout.stage_stop import stop_stage
from sagemaker_plans._edge.rollout.summary import (
    UNTOUCHED,
    failed_devices,
    may_run,
    message_of,
    report_of,
)
from sagemaker_plans._edge.wait import Wait, status_text
from sagemaker_plans._edge.waiters import EVERY_READING
from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.polls.polled_wait import ends_waits
from sagemaker_plans._engine.polls.readings import Interest
from sagemaker_plans._engine.polls.shared_polls import SharedPollsByName
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.time_limit import TimeLimit
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans.errors import RolloutStoppedError, SageMakerPlansError, WaitError
from sagemaker_plans.models import (
    EdgeDeploymentPlan,
    EdgeDeploymentPlanSpec,
    RolloutReport,
    Stage,
    StageDevice,
    StageStatus,
)
from sagemaker_plans.models._validation import shown

_ENDED: Final = frozenset({StageStatus.FAILED, StageStatus.STOPPED})
_STOP_LIMIT: Final = 30.0
"""How long to try to stop a stage, in seconds, if ``reconcile_limit`` is shorter."""
_STOPPED_WITHIN: Final = 60.0
"""How long to wait until a stage that was asked to stop is stopped, in seconds."""


class _Halt(Exception):  # noqa: N818  # it never leaves the rollout
    """The rollout must stop.

    Args:
        reason: Why.
        stage: The stage that is the reason.
        must_stop: Whether that stage is to be stopped, whoever has started it.
    """

    def __init__(self, reason: str, stage: Stage, *, must_stop: bool = False) -> None:
        super().__init__(reason)
        self.stage = stage
        self.must_stop = must_stop


@define(eq=False)
class Rollout:
    """One rollout."""

    gateway: Gateway
    retrier: Retrier
    polls: SharedPollsByName[EdgeDeploymentPlan]
    schedule: PollSchedule
    wanted: RolloutArguments
    _readings: StageReadings = field(init=False)
    _starts: dict[str, StageStart] = field(factory=dict[str, StageStart], init=False)
    """The starts of stages that this rollout has made."""

    async def run(self) -> RolloutReport:
        """Roll the plan out.

        Returns:
            What was done.

        Raises:
            InvalidRequestError: If the plan does not have a stage that was asked for.
            RolloutStoppedError: If the rollout stopped early.
            SageMakerPlansError: If the service said no, or could not be reached.
        """
        plan = await self._first_reading()
        names = self.wanted.names_in(plan)
        self._readings = StageReadings(names, plan, self.wanted.on_change)
        await self._readings.add(plan)
        current = ""
        try:
            for position, current in enumerate(names):
                await self._pass(current, later=names[position + 1 :])
        except GeneratorExit:
            # A coroutine that is thrown away may not await anything.
            raise
        except (_Halt, WaitError) as error:
            stopped = await self._stopped_error(error, current)
            raise stopped from (error if isinstance(error, WaitError) else None)
        except BaseException as error:
            for problem in await self._stop(self._own_stages()):
                error.add_note(problem)
            raise
        return self._report()

    async def _first_reading(self) -> EdgeDeploymentPlan:
        if isinstance(self.wanted.plan, EdgeDeploymentPlanSpec):
            try:
                return await ensure_plan(self.gateway, self.retrier, self.wanted.plan)
            finally:
                self.polls.changed(self.wanted.plan_name)
        return await read_plan(self.gateway, self.retrier, self.wanted.plan_name)

    async def _pass(self, name: str, *, later: tuple[str, ...]) -> None:
        """See one stage deployed, let it bake, and ask whether to go on."""
        last = self._readings.last
        was_deployed = self._readings.first[name].status is StageStatus.DEPLOYED
        if was_deployed and any(last[each].status not in UNTOUCHED for each in later):
            # Another rollout, or an earlier run, has gone past it.
            return
        stage = last[name] if was_deployed else await self._deployed(name)
        if self.wanted.is_past(stage):
            raise _Halt(f"{status_text(stage)}: more than max_failed allows", stage)
        if was_deployed and not later:
            # Everything was done before this call began.
            return
        if self.wanted.bake_time:
            await anyio.sleep(self.wanted.bake_time)
        approve = self.wanted.approve
        if approve is None:
            return
        answer: object = await approve(stage, self._report())
        if not answer:
            # Who forgets to return something says no.
            said = "approve said no" if answer is False else f"approve returned {shown(answer)}"
            raise _Halt(f"{said} after stage {name}", stage)

    async def _deployed(self, name: str) -> Stage:
        """Start a stage if that is needed, and wait until it is deployed."""
        wait = self._new_wait(self.wanted.stage_timeout)
        interest: Interest[EdgeDeploymentPlan] = EVERY_READING
        failure: SageMakerPlansError | None = None
        while True:
            plan = await wait.next_plan(interest)
            if plan is not None:
                stage = await self._readings.stage_in(wait, plan, name)
                if stage.status is StageStatus.DEPLOYED:
                    return stage
                start = self._starts.get(name)
                is_old = start is not None and start.is_settled and start.is_old(stage)
                # What is old, or could not be started, has to be looked at again although
                # nothing changes.
                interest = EVERY_READING
                if not is_old and self._needs_start(stage):
                    failure = await self._start(stage, wait.read_at)
                    if failure is None:
                        wait = self._new_wait(self.wanted.stage_timeout)
                elif not is_old:
                    self._check(stage)
                    interest = self._readings.interest
            if wait.is_over:
                self._time_out(wait, name, failure)

    def _needs_start(self, stage: Stage) -> bool:
        start = self._starts.get(stage.name)
        if start is not None and start.is_settled:
            return False
        if stage.status is StageStatus.READYTODEPLOY:
            return True
        first = self._readings.first[stage.name]
        # It is started again only if it had ended before this call began.
        is_as_at_first = (stage.status, stage.start_time) == (first.status, first.start_time)
        return self.wanted.restart and stage.status in _ENDED and is_as_at_first

    def _check(self, stage: Stage) -> None:
        if stage.status.is_under_way and self.wanted.is_past(stage):
            reason = f"{status_text(stage)}: more than max_failed allows"
            raise _Halt(reason, stage, must_stop=True)
        if stage.status in _ENDED:
            reason = status_text(stage)
            if stage == self._readings.first[stage.name]:
                reason += ", since before this call; restart=True starts it again"
            raise _Halt(reason, stage)

    async def _start(self, stage: Stage, read_at: float) -> SageMakerPlansError | None:
        """Start a stage. Return why that failed, if it may succeed later."""
        start = self._starts.get(stage.name)
        if start is None:
            start = self._starts[stage.name] = StageStart(
                self.gateway, self.retrier, self.polls, self.wanted.plan_name, stage, read_at
            )
        try:
            await start.send()
        except SageMakerPlansError as error:
            if ends_waits(error):
                raise
            return error
        return None

    def _time_out(self, wait: Wait, name: str, failure: SageMakerPlansError | None) -> NoReturn:
        stage = self._readings.last[name]
        try:
            wait.time_out(f"the deployment of {name}", (stage,), stage)
        except WaitError as error:
            if failure is not None:
                error.add_note(f"the stage could not be started: {failure}")
            raise

    def _new_wait(self, timeout: float | None) -> Wait:
        name = self.wanted.plan_name
        return Wait(name, self.polls.get(name), self.schedule, TimeLimit(timeout, None), None)

    def _report(self) -> RolloutReport:
        return report_of(self._readings, self._starts)

    # the end of a rollout that stops early

    async def _stopped_error(self, error: _Halt | WaitError, name: str) -> RolloutStoppedError:
        to_stop = self._own_stages()
        if isinstance(error, _Halt) and error.must_stop and name not in to_stop:
            to_stop.append(name)
        problems = await self._stop(to_stop)
        failed: tuple[StageDevice, ...] = ()
        try:
            for each in to_stop if not problems else ():
                await self._see_it_stopped(each)
            if self._readings.last[name].devices.failed:
                failed = await failed_devices(
                    self.gateway, self.retrier, self.wanted.plan_name, name
                )
        except SageMakerPlansError as failure:
            problems.append(f"how it ended could not be read: {failure}")
        report = report_of(self._readings, self._starts, failed)
        stopped = RolloutStoppedError(message_of(str(error), report, problems), report=report)
        for note in getattr(error, "__notes__", ()):
            stopped.add_note(note)
        return stopped

    def _own_stages(self) -> list[str]:
        """Find the stages that this rollout has started, and that may run."""
        return [
            name
            for name, start in self._starts.items()
            if self.wanted.stop_on_exit and start.is_own and may_run(self._readings, start, name)
        ]

    async def _stop(self, names: list[str]) -> list[str]:
        """Stop stages. Return what went wrong."""
        problems: list[str] = []
        for name in names:
            start = self._starts.get(name)
            failure = await stop_stage(
                self.gateway,
                self.retrier,
                self.polls,
                self.wanted.plan_name,
                self._readings.last[name] if start is None else start.before,
                limit=max(_STOP_LIMIT, self.retrier.policy.reconcile_limit),
            )
            if failure is not None:
                problems.append(f"stage {name} could not be stopped: {failure}")
        return problems

    async def _see_it_stopped(self, name: str) -> None:
        wait = self._new_wait(_STOPPED_WITHIN)
        while not wait.is_over:
            plan = await wait.next_plan(EVERY_READING)
            if plan is not None:
                stage = await self._readings.stage_in(wait, plan, name)
                start = self._starts.get(name)
                if stage.status.is_terminal and not (start is not None and start.is_old(stage)):
                    return
