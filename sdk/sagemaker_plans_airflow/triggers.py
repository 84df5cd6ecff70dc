"""Read-only triggers: waits in the triggerer. Only workers start, stop or buy anything."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, final

from airflow.triggers.base import BaseTrigger, TriggerEvent
from attrs import define, fields

from sagemaker_plans import (
    AsyncClient,
    EdgeDeploymentPlan,
    PollSchedule,
    SageMakerPlansError,
    Stage,
    TrainingPlanExtension,
    WaitTimeoutError,
)
from sagemaker_plans._edge.rollout.arguments import is_past
from sagemaker_plans_airflow.connection import ReachesAws, shared_client


class _TooManyFailedError(Exception):
    """More devices of a stage failed than may fail."""


# With __dict__, equality and repr of Airflow's class.
@define(kw_only=True, slots=False, eq=False, repr=False)
class _WaitTrigger(ReachesAws, BaseTrigger):
    """Waits for something, and fires one event.

    The event is a dict. Its ``status`` is ``"success"``, ``"timeout"`` or ``"error"``. With
    ``"success"`` it has the ``result``, as ``to_dict`` gives it; else the ``error`` (the name of
    its class) and the ``message``.
    """

    until: str | None
    """The date at which to give up, in ISO 8601; None for never. It is no number of seconds,
    because another triggerer that takes over would count them again."""
    poll_interval: float = 30.0
    """Seconds between two polls. All waits on a plan share their polls."""
    aws_conn_id: str | None = "aws_default"
    """The Airflow connection."""
    region_name: str | None = None
    """The region; None for that of the connection."""
    verify: bool | str | None = None
    """Whether to verify certificates, or the path of a bundle; None for the connection's."""
    botocore_config: dict[str, Any] | None = None
    """Settings for botocore's ``Config``, by their names."""

    def __attrs_pre_init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what another process needs to make this trigger again."""
        cls = type(self)
        kwargs = {each.name: getattr(self, each.name) for each in fields(cls)}
        return f"{cls.__module__}.{cls.__qualname__}", kwargs

    @abstractmethod
    async def _wait(
        self, client: AsyncClient, left: timedelta | None, schedule: PollSchedule
    ) -> EdgeDeploymentPlan | Stage | TrainingPlanExtension: ...

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait; yield one event."""
        # Told apart by plain values, because the event goes through Airflow's database.
        event: dict[str, object]
        try:
            # A date that has passed is no error: the triggerer may have been down.
            left = None
            if self.until is not None:
                left = max(datetime.fromisoformat(self.until) - datetime.now(UTC), timedelta())
            schedule = PollSchedule(interval=self.poll_interval)
            async with shared_client(self.connection) as client:
                result = await self._wait(client, left, schedule)
        except (SageMakerPlansError, _TooManyFailedError) as error:
            event = {
                "status": "timeout" if isinstance(error, WaitTimeoutError) else "error",
                "error": type(error).__name__,
                "message": str(error),
            }
        else:
            event = {"status": "success", "result": result.to_dict()}
        # By now the client was given back: nobody knows when a generator goes on after a yield.
        self.log.info("the wait ended: %s", event["status"])
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]  # Airflow's


@final
@define(kw_only=True, slots=False, eq=False, repr=False)
class StageDeployedTrigger(_WaitTrigger):
    """Fires when a stage is deployed, or when the wait for it ends otherwise."""

    plan_name: str
    """The plan."""
    stage_name: str
    """Its stage."""
    max_failed: float | None = None
    """How many devices may fail, as for ``roll_out``; None for any number."""

    def _check(self, stage: Stage) -> None:
        if self.max_failed is not None and is_past(self.max_failed, stage):
            raise _TooManyFailedError(
                f"stage {stage.name}: {stage.devices.failed} devices failed, more than max_failed "
                "allows"
            )

    async def _wait(
        self, client: AsyncClient, left: timedelta | None, schedule: PollSchedule
    ) -> Stage:
        return await client.plans.wait_until_stage_deployed(
            self.plan_name,
            self.stage_name,
            timeout=left,
            schedule=schedule,
            on_poll=self._check,
        )


@final
@define(kw_only=True, slots=False, eq=False, repr=False)
class PlanDeployedTrigger(_WaitTrigger):
    """Fires when every stage of a plan is deployed, or when the wait for it ends otherwise."""

    plan_name: str
    """The plan."""

    async def _wait(
        self, client: AsyncClient, left: timedelta | None, schedule: PollSchedule
    ) -> EdgeDeploymentPlan:
        return await client.plans.wait_until_deployed(
            self.plan_name, timeout=left, schedule=schedule
        )


@final
@define(kw_only=True, slots=False, eq=False, repr=False)
class TrainingPlanExtendedTrigger(_WaitTrigger):
    """Fires when an extension that was bought is paid for, or when the wait ends otherwise."""

    training_plan_arn: str
    """The plan."""
    offering_id: str
    """The offering that was bought."""

    async def _wait(
        self, client: AsyncClient, left: timedelta | None, schedule: PollSchedule
    ) -> TrainingPlanExtension:
        return await client.training_plans.wait_until_extended(
            self.training_plan_arn, self.offering_id, timeout=left, schedule=schedule
        )
