"""Starts one stage, and knows whether the start was this rollout's own.

A stage must not run twice. So each attempt but the first looks first whether the stage has moved.
A reading may be from before the start, so a look for a stage that has moved takes some time.
"""

from typing import Final

import anyio
from attrs import define, field

from sagemaker_plans._edge.reading import read_plan
from sagemaker_plans._edge.wait import Wait, find_stage
from sagemaker_plans._edge.waiters import EVERY_READING
from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.polls.shared_polls import SharedPollsByName
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_rules import Happened, what_happened
from sagemaker_plans._engine.time_limit import TimeLimit
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire import replies
from sagemaker_plans._wire.operations import START_STAGE
from sagemaker_plans.errors import (
    AccessDeniedError,
    ResourceNotFoundError,
    SageMakerPlansError,
    ServiceError,
)
from sagemaker_plans.models import EdgeDeploymentPlan, Stage, StageStatus

LOOKS: Final = PollSchedule(interval=1.0, max_interval=5.0)
"""How often to look whether a stage has moved, while that is in doubt."""
_FRESH: Final = 2.0
"""So many seconds after a reading a start may still rest on it."""
_LAG: Final = 60.0
"""So many seconds after a start a reading that shows an earlier run of the stage is an old one."""


@define(eq=False)
class StageStart:
    """The start of one stage, with all attempts at it."""

    gateway: Gateway
    retrier: Retrier
    polls: SharedPollsByName[EdgeDeploymentPlan]
    plan_name: str
    before: Stage
    """The stage as it was read before the start."""
    read_at: float
    """When that was read."""
    accepted: bool = field(default=False, init=False)
    """Whether the service has accepted an attempt."""
    in_doubt: bool = field(default=False, init=False)
    """Whether an attempt may have had its effect although nobody knows."""
    is_settled: bool = field(default=False, init=False)
    """Whether no further attempt is to be made: it was accepted, or somebody else was first."""
    _attempts: int = field(default=0, init=False)
    _ended_at: float = field(default=0.0, init=False)

    @property
    def is_own(self) -> bool:
        """Whether this rollout has started the stage, or may have."""
        return self.accepted or self.in_doubt

    async def send(self) -> None:
        """Start the stage, unless it has moved meanwhile.

        Raises:
            SageMakerPlansError: If the service refused, and the stage has not moved; or what
                the last attempt raised. Then the same start may be sent again later.
        """
        try:
            await self.retrier.run(START_STAGE, self._attempt)
        except SageMakerPlansError as error:
            if not self._may_have_moved(error) or not await self._has_moved():
                raise
        finally:
            self._ended_at = anyio.current_time()
            self.polls.changed(self.plan_name)
        self.is_settled = True

    def is_old(self, stage: Stage) -> bool:
        """Tell whether a reading may be from before the start.

        Args:
            stage: The stage as it was read.

        Returns:
            Whether it is no verdict: it shows what was there before the start.
        """
        if stage.status is StageStatus.READYTODEPLOY:
            return True
        recent = anyio.current_time() < self._ended_at + _LAG
        return recent and not self._is_moved(stage)

    def _is_moved(self, stage: Stage | None) -> bool:
        before = self.before
        return stage is None or (stage.status, stage.start_time) != (
            *(before.status, before.start_time),
        )

    async def _attempt(self) -> None:
        if self._attempts or anyio.current_time() > self.read_at + _FRESH:
            plan = await read_plan(self.gateway, self.retrier, self.plan_name)
            if self._is_moved(find_stage(plan, self.before.name)):
                return
        self._attempts += 1
        request = {"EdgeDeploymentPlanName": self.plan_name, "StageName": self.before.name}
        # A cancellation leaves it in doubt.
        doubt, self.in_doubt = self.in_doubt, True
        try:
            replies.read_done(await self.gateway.call(START_STAGE, request))
        except SageMakerPlansError as error:
            if what_happened(error) is not Happened.AMBIGUOUS:
                self.in_doubt = doubt
            raise
        self.accepted, self.in_doubt = True, False

    def _may_have_moved(self, error: SageMakerPlansError) -> bool:
        # AWS does not document the error code for a stage that is under way already.
        is_refusal = isinstance(error, ServiceError) and what_happened(error) is Happened.REFUSED
        cannot = isinstance(error, AccessDeniedError | ResourceNotFoundError)
        return self.in_doubt or (is_refusal and not cannot)

    async def _has_moved(self) -> bool:
        """Look for some time whether the stage has moved."""
        self.polls.changed(self.plan_name)
        limit = TimeLimit(self.retrier.policy.reconcile_limit, None)
        wait = Wait(self.plan_name, self.polls.get(self.plan_name), LOOKS, limit, None)
        while not wait.is_over:
            plan = await wait.next_plan(EVERY_READING)
            if plan is not None and self._is_moved(find_stage(plan, self.before.name)):
                return True
        return False
