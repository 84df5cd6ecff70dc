"""Read-only triggers: waits in the triggerer. Only workers start, stop or buy anything."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

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
from sagemaker_plans_airflow.connection import AwsConnection, shared_client


class _TooManyFailedError(Exception):
    """More devices of a stage failed than may fail."""


class _WaitTrigger(BaseTrigger):
    """Waits for something, and fires one event.

    The event is a dict. Its ``status`` is ``"success"``, ``"timeout"`` or ``"error"``. With
    ``"success"`` it has the ``result``, as ``to_dict`` gives it; else the ``error`` (the name of
    its class) and the ``message``.
    """

    def __init__(
        self,
        *,
        until: str | None,
        poll_interval: float,
        aws_conn_id: str | None,
        region_name: str | None,
        verify: bool | str | None,
        botocore_config: dict[str, Any] | None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's
        self.until = until
        self.poll_interval = poll_interval
        self.connection = AwsConnection(
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            verify=verify,
            botocore_config=botocore_config,
        )

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what another process needs to make this trigger again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                **self._own_kwargs(),
                "until": self.until,
                "poll_interval": self.poll_interval,
                **self.connection.to_kwargs(),
            },
        )

    @abstractmethod
    def _own_kwargs(self) -> dict[str, Any]: ...

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


class StageDeployedTrigger(_WaitTrigger):
    """Fires when a stage is deployed, or when the wait for it ends otherwise.

    Args:
        plan_name: The plan.
        stage_name: Its stage.
        max_failed: How many devices may fail, as for ``roll_out``; None for any number.
        until: The date at which to give up, in ISO 8601; None for never. It is no number of
            seconds, because another triggerer that takes over would count them again.
        poll_interval: Seconds between two polls. All waits on a plan share their polls.
        aws_conn_id, region_name, verify, botocore_config: How to reach AWS, as for the hook.
    """

    def __init__(
        self,
        *,
        plan_name: str,
        stage_name: str,
        until: str | None,
        max_failed: float | None = None,
        poll_interval: float = 30.0,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            until=until,
            poll_interval=poll_interval,
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            verify=verify,
            botocore_config=botocore_config,
        )
        self.plan_name = plan_name
        self.stage_name = stage_name
        self.max_failed = max_failed

    def _own_kwargs(self) -> dict[str, Any]:
        return {
            "plan_name": self.plan_name,
            "stage_name": self.stage_name,
            "max_failed": self.max_failed,
        }

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


class PlanDeployedTrigger(_WaitTrigger):
    """Fires when every stage of a plan is deployed, or when the wait for it ends otherwise.

    Args:
        plan_name: The plan.
        until: The date at which to give up, in ISO 8601; None for never.
        poll_interval: Seconds between two polls. All waits on a plan share their polls.
        aws_conn_id, region_name, verify, botocore_config: How to reach AWS, as for the hook.
    """

    def __init__(
        self,
        *,
        plan_name: str,
        until: str | None,
        poll_interval: float = 30.0,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            until=until,
            poll_interval=poll_interval,
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            verify=verify,
            botocore_config=botocore_config,
        )
        self.plan_name = plan_name

    def _own_kwargs(self) -> dict[str, Any]:
        return {"plan_name": self.plan_name}

    async def _wait(
        self, client: AsyncClient, left: timedelta | None, schedule: PollSchedule
    ) -> EdgeDeploymentPlan:
        return await client.plans.wait_until_deployed(
            self.plan_name, timeout=left, schedule=schedule
        )


class TrainingPlanExtendedTrigger(_WaitTrigger):
    """Fires when an extension that was bought is paid for, or when the wait ends otherwise.

    Args:
        training_plan_arn: The plan.
        offering_id: The offering that was bought.
        until: The date at which to give up, in ISO 8601; None for never.
        poll_interval: Seconds between two polls. All waits on a plan share their polls.
        aws_conn_id, region_name, verify, botocore_config: How to reach AWS, as for the hook.
    """

    def __init__(
        self,
        *,
        training_plan_arn: str,
        offering_id: str,
        until: str | None,
        poll_interval: float = 30.0,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            until=until,
            poll_interval=poll_interval,
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            verify=verify,
            botocore_config=botocore_config,
        )
        self.training_plan_arn = training_plan_arn
        self.offering_id = offering_id

    def _own_kwargs(self) -> dict[str, Any]:
        return {"training_plan_arn": self.training_plan_arn, "offering_id": self.offering_id}

    async def _wait(
        self, client: AsyncClient, left: timedelta | None, schedule: PollSchedule
    ) -> TrainingPlanExtension:
        return await client.training_plans.wait_until_extended(
            self.training_plan_arn, self.offering_id, timeout=left, schedule=schedule
        )
