"""Sensors for a stage and for a whole edge deployment plan."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import AirflowException
from airflow.sdk import BaseSensorOperator, Context

from sagemaker_plans import EdgeDeploymentPlan, Stage, StageStatus
from sagemaker_plans_airflow.connection import CONNECTION_FIELDS
from sagemaker_plans_airflow.triggers import PlanDeployedTrigger, StageDeployedTrigger
from sagemaker_plans_airflow.worker import WorkerMixin, is_deferrable

_BAD_ENDS = frozenset({StageStatus.FAILED, StageStatus.STOPPED})


class _DeploymentSensor(WorkerMixin, BaseSensorOperator):
    """Waits until stages of a plan are deployed."""

    def __init__(
        self,
        *,
        plan_name: str,
        deferrable: bool | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        **task: Any,  # noqa: ANN401  # Airflow adds to it
    ) -> None:
        super().__init__(
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            verify=verify,
            botocore_config=botocore_config,
            **task,
        )
        self.plan_name = plan_name
        self.deferrable = is_deferrable(deferrable)

    def _stages(self, plan: EdgeDeploymentPlan) -> tuple[Stage, ...]:
        return plan.stages

    def _trigger(self, until: str) -> PlanDeployedTrigger | StageDeployedTrigger:
        return PlanDeployedTrigger(
            plan_name=self.plan_name,
            until=until,
            poll_interval=self._poke_seconds(),
            **self.connection.to_kwargs(),
        )

    def _poke_seconds(self) -> float:
        interval = self.poke_interval
        return interval.total_seconds() if isinstance(interval, timedelta) else float(interval)

    def execute(self, context: Context) -> Any:  # noqa: ANN401, RET503  # Airflow's signature; defer never returns
        """Look once, and wait if that is needed."""
        if not self.deferrable:
            return super().execute(context)
        if self.poke(context):
            return None
        limit = self.timeout
        left = limit if isinstance(limit, timedelta) else timedelta(seconds=limit)
        self.defer(
            trigger=self._trigger((datetime.now(UTC) + left).isoformat()),
            method_name="execute_complete",
            # The trigger has the last look at its deadline.
            timeout=left + timedelta(minutes=5),
        )

    def poke(self, context: Context) -> bool:  # noqa: ARG002  # Airflow's signature
        """Look once.

        Returns:
            Whether all is deployed.

        Raises:
            AirflowException: If a stage is FAILED or STOPPED.
            SageMakerPlansError: If the plan cannot be read, or has no such stage.
        """
        plan = self.run_in_worker(lambda client: client.plans.describe(self.plan_name))
        stages = self._stages(plan)
        for stage in stages:
            self.log.info("stage %s is %s", stage.name, stage.status)
        if bad := [each.name for each in stages if each.status in _BAD_ENDS]:
            raise AirflowException(f"plan {self.plan_name}: FAILED or STOPPED: {', '.join(bad)}")
        return all(each.status is StageStatus.DEPLOYED for each in stages)

    def execute_complete(
        self,
        context: Context,  # noqa: ARG002  # Airflow's signature
        event: Mapping[str, object],
    ) -> None:
        """Handle the trigger's event.

        Args:
            context: Airflow's context.
            event: The trigger's event.

        Raises:
            AirflowException: If not all is deployed.
        """
        if event["status"] != "success":
            raise AirflowException(f"{event['error']}: {event['message']}")


class EdgeDeploymentPlanSensor(_DeploymentSensor):
    """Waits until every stage of an edge deployment plan is deployed. It starts nothing.

    Args:
        plan_name: The plan (templated).
        deferrable: Whether to wait in the triggerer; None for Airflow's setting
            ``[operators] default_deferrable``.
        aws_conn_id, region_name, verify, botocore_config: How to reach AWS (templated), as for
            ``SageMakerPlansHook``.
        **task: The arguments of every sensor, such as ``poke_interval`` and ``timeout``.
    """

    template_fields: Sequence[str] = ("plan_name", *CONNECTION_FIELDS)


class EdgeDeploymentStageSensor(_DeploymentSensor):
    """Waits until a stage of an edge deployment plan is deployed. It starts nothing.

    Args:
        plan_name: The plan (templated).
        stage_name: Its stage (templated).
        deferrable: Whether to wait in the triggerer; None for Airflow's setting
            ``[operators] default_deferrable``.
        aws_conn_id, region_name, verify, botocore_config: How to reach AWS (templated), as for
            ``SageMakerPlansHook``.
        **task: The arguments of every sensor, such as ``poke_interval`` and ``timeout``.
    """

    template_fields: Sequence[str] = ("plan_name", "stage_name", *CONNECTION_FIELDS)

    def __init__(
        self,
        *,
        plan_name: str,
        stage_name: str,
        deferrable: bool | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        **task: Any,  # noqa: ANN401  # Airflow adds to it
    ) -> None:
        super().__init__(
            plan_name=plan_name,
            deferrable=deferrable,
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            verify=verify,
            botocore_config=botocore_config,
            **task,
        )
        self.stage_name = stage_name

    def _stages(self, plan: EdgeDeploymentPlan) -> tuple[Stage, ...]:
        found = tuple(each for each in plan.stages if each.name == self.stage_name)
        if not found:
            raise AirflowException(f"plan {self.plan_name} has no stage {self.stage_name}")
        return found

    def _trigger(self, until: str) -> StageDeployedTrigger:
        return StageDeployedTrigger(
            plan_name=self.plan_name,
            stage_name=self.stage_name,
            until=until,
            poll_interval=self._poke_seconds(),
            **self.connection.to_kwargs(),
        )
