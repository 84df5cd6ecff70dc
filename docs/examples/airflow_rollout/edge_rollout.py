"""A deferrable Airflow operator that deploys one stage of an edge deployment plan.

The operator starts the stage and frees its worker slot. A trigger then waits in the
triggerer, which runs any number of such waits in one event loop. They share one client, so
all waits on a plan cost one request per interval. Put this module where workers and
triggerers can import it (on `PYTHONPATH`, or in a package of your own).

Credentials and region come from the environment of the worker and of the triggerer.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException
from airflow.triggers.base import BaseTrigger, TriggerEvent

import sagemaker_plans as smp  # cheap: aiobotocore is imported when a client is opened

_DONE_OR_UNDER_WAY: Final = {
    smp.StageStatus.STARTING,
    smp.StageStatus.INPROGRESS,
    smp.StageStatus.DEPLOYED,
}


class StageDeployedTrigger(BaseTrigger):
    """Fires when a stage is deployed, or when the wait for it fails.

    Args:
        plan_name: The plan.
        stage_name: Its stage.
        deadline: When to give up, in ISO 8601. It is not a number of seconds, because a
            triggerer that takes over from another one would count them again.
        poll_interval: Seconds between two polls.
    """

    def __init__(
        self, *, plan_name: str, stage_name: str, deadline: str, poll_interval: float
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.plan_name = plan_name
        self.stage_name = stage_name
        self.deadline = deadline
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, object]]:
        """Return what another process needs to make this trigger again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "plan_name": self.plan_name,
                "stage_name": self.stage_name,
                "deadline": self.deadline,
                "poll_interval": self.poll_interval,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait; yield one event, made of plain JSON."""
        left = datetime.fromisoformat(self.deadline) - datetime.now(UTC)
        try:
            async with smp.shared_client() as client:
                stage = await client.plans.wait_until_stage_deployed(
                    self.plan_name,
                    self.stage_name,
                    timeout=max(left, timedelta()),
                    schedule=smp.PollSchedule(interval=self.poll_interval),
                )
        except smp.SageMakerPlansError as error:
            result = {"deployed": False, "reason": f"{type(error).__name__}: {error}"}
        else:
            result = {"deployed": True, "devices": stage.devices.succeeded}
        # The client has been given back by now, because it is unknown when a generator
        # continues after a yield.
        yield TriggerEvent(result)  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Stop the stage when somebody kills the deferred task."""
        async with smp.shared_client() as client:
            await client.plans.stop_stage(self.plan_name, self.stage_name)


class DeployStageOperator(BaseOperator):
    """Deploys one stage of an edge deployment plan. It needs no worker while it waits.

    A retry is safe: it does not start a stage that is deployed or under way.

    Args:
        plan_name: The plan (templated).
        stage_name: Its stage (templated).
        stage_timeout: How long the stage may take.
        poll_interval: Seconds between two polls.
        **task: The arguments of every operator, such as `task_id` and `retries`.
    """

    template_fields: Collection[str] = ("plan_name", "stage_name")

    def __init__(
        self,
        *,
        plan_name: str,
        stage_name: str,
        stage_timeout: timedelta = timedelta(hours=1),
        poll_interval: float = 30.0,
        **task: Any,  # noqa: ANN401  # Airflow adds to it
    ) -> None:
        super().__init__(**task)
        self.plan_name = plan_name
        self.stage_name = stage_name
        self.stage_timeout = stage_timeout
        self.poll_interval = poll_interval

    def execute(self, context: Context) -> NoReturn:  # noqa: ARG002  # Airflow's signature
        """Start the stage, then wait for it in the triggerer."""
        asyncio.run(self._start())
        self.defer(
            trigger=StageDeployedTrigger(
                plan_name=self.plan_name,
                stage_name=self.stage_name,
                deadline=(datetime.now(UTC) + self.stage_timeout).isoformat(),
                poll_interval=self.poll_interval,
            ),
            method_name="execute_complete",
        )

    async def _start(self) -> None:
        async with smp.AsyncClient() as client:
            stage = await client.plans.wait_until_stage_ready(
                self.plan_name, self.stage_name, timeout=60
            )
            if stage.status not in _DONE_OR_UNDER_WAY:
                await client.plans.start_stage(self.plan_name, self.stage_name)

    def execute_complete(self, context: Context, event: dict[str, object]) -> int:  # noqa: ARG002
        """Handle the trigger's event. Return the number of devices that succeeded."""
        if not event["deployed"]:
            raise AirflowException(f"stage {self.stage_name}: {event['reason']}")
        devices = event["devices"]
        assert isinstance(devices, int)
        return devices
