"""Operators that create edge deployment plans and roll them out."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseOperator, Context

from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    EdgeDeploymentPlanSpec,
    PollSchedule,
    RolloutReport,
    RolloutStoppedError,
    Stage,
    StageChange,
    StageStatus,
)
from sagemaker_plans_airflow.connection import CONNECTION_FIELDS
from sagemaker_plans_airflow.triggers import StageDeployedTrigger
from sagemaker_plans_airflow.worker import WorkerMixin, check_times, is_deferrable

_FINAL_LOOK = timedelta(minutes=1)
"""How long a worker waits until it reads what the trigger has read."""


class CreateEdgeDeploymentPlanOperator(WorkerMixin, BaseOperator):
    """Creates an edge deployment plan, unless it is there already and as the spec says.

    So a retry is safe. A plan of that name that differs is an error, which names each difference.
    The task's result is the plan's ARN.

    Args:
        spec: The plan: an ``EdgeDeploymentPlanSpec``, or a dict in the form of AWS's requests,
            whose texts are templates.
        aws_conn_id, region_name, verify, botocore_config: How to reach AWS (templated), as for
            ``SageMakerPlansHook``.
        **task: The arguments of every operator, such as ``task_id``.
    """

    template_fields: Sequence[str] = ("spec", *CONNECTION_FIELDS)

    def __init__(
        self,
        *,
        spec: EdgeDeploymentPlanSpec | Mapping[str, Any],
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
        self.spec = spec

    def execute(self, context: Context) -> str:  # noqa: ARG002  # Airflow's signature
        """Create the plan. Return its ARN."""
        spec = self.spec
        if not isinstance(spec, EdgeDeploymentPlanSpec):
            spec = EdgeDeploymentPlanSpec.from_wire(spec)
        wanted = spec
        plan = self.run_in_worker(lambda client: client.plans.ensure_created(wanted))
        self.log.info("plan %s is there, with %d stages", plan.name, len(plan.stages))
        return plan.arn


class _UnderWay(Exception):  # noqa: N818  # it leaves a rollout that goes on in the triggerer
    """A stage runs, and a trigger can wait for it."""

    def __init__(self, stage_name: str, *, was_started: bool) -> None:
        super().__init__(stage_name)
        self.stage_name = stage_name
        self.was_started = was_started


class _LeaveWhenUnderWay:
    """Leaves a rollout as soon as the stage that it has come to runs, or has just ended well."""

    def __init__(self, operator: "RollOutOperator") -> None:
        self._operator = operator
        self._first: dict[str, Stage] = {}
        self._last: dict[str, Stage] = {}

    def __call__(self, change: StageChange) -> None:
        stage = change.stage
        self._operator.tell(change)
        self._first.setdefault(stage.name, stage)
        self._last[stage.name] = stage
        # They are in the order of the rollout.
        for name, last in self._last.items():
            first = self._first[name].status
            if last.status is StageStatus.DEPLOYED and first is StageStatus.DEPLOYED:
                continue
            if last.status.is_under_way or last.status is StageStatus.DEPLOYED:
                raise _UnderWay(name, was_started=not first.is_under_way)
            return


class RollOutOperator(WorkerMixin, BaseOperator):
    """Deploys the stages of an edge deployment plan, one after the other, as ``roll_out`` does.

    Its memory is the service: a retry goes on where things stand, and runs no stage twice.
    Deferrable, a worker starts a stage, and the triggerer waits for it. To ask a person between
    two stages, take an operator for each group of stages. The task's result is the report as a
    dict.

    Args:
        plan_name: The plan (templated).
        stages: The stages to roll out (templated); None for all.
        stage_timeout: How long each stage may take; None for as long as it takes.
        max_failed: How many devices of a stage may fail: a whole number, or a float from 0.0
            to 1.0, a share. If more have failed, the stage is stopped.
        bake_time: How long to wait after each stage.
        restart: Whether to start a stage again that was FAILED or STOPPED before.
        stop_on_exit: Whether to stop the stage that this task has started if the task ends
            early. A process that is killed with SIGKILL stops nothing.
        poll_interval: Seconds between two polls.
        deferrable: Whether to wait in the triggerer; None for Airflow's setting
            ``[operators] default_deferrable``.
        aws_conn_id, region_name, verify, botocore_config: How to reach AWS (templated), as for
            ``SageMakerPlansHook``.
        **task: The arguments of every operator, such as ``task_id``.
    """

    template_fields: Sequence[str] = ("plan_name", "stages", *CONNECTION_FIELDS)

    def __init__(
        self,
        *,
        plan_name: str,
        stages: Sequence[str] | None = None,
        stage_timeout: timedelta | None = timedelta(hours=1),
        max_failed: float = 0,
        bake_time: timedelta = timedelta(),
        restart: bool = False,
        stop_on_exit: bool = True,
        poll_interval: float = 30.0,
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
        check_times(
            self,
            poll_interval,
            stage_timeout=timedelta() if stage_timeout is None else stage_timeout,
            bake_time=bake_time,
        )
        self.plan_name = plan_name
        self.stages = stages
        self.stage_timeout = stage_timeout
        self.max_failed = max_failed
        self.bake_time = bake_time
        self.restart = restart
        self.stop_on_exit = stop_on_exit
        self.poll_interval = poll_interval
        self.deferrable = is_deferrable(deferrable)

    def execute(self, context: Context) -> dict[str, object]:  # noqa: ARG002  # Airflow's signature
        """Roll the plan out. Return the report."""
        if isinstance(self.stages, str):
            raise ConfigurationError(
                f"RollOutOperator: stages: got {self.stages!r}; a list is needed, which a template "
                "renders only in a DAG with render_template_as_native_obj=True"
            )
        if self.deferrable:
            return self._go_on(None if self.stages is None else list(self.stages))
        return self.run_in_worker(self._roll_out).to_dict()

    def tell(self, change: StageChange) -> None:
        """Log how a stage stands."""
        devices = change.stage.devices
        # Airflow's log is a connection to the supervisor. If that was killed, this process goes on
        # until Airflow notices, and an error here would stop a stage that the next try waits for.
        with suppress(OSError):
            self.log.info(
                "stage %s is %s: %d of %d devices have it, %d failed",
                change.stage.name,
                change.stage.status,
                devices.succeeded,
                devices.total,
                devices.failed,
            )

    @property
    def _schedule(self) -> PollSchedule:
        return PollSchedule(interval=self.poll_interval)

    async def _roll_out(self, client: AsyncClient) -> RolloutReport:
        return await client.plans.roll_out(
            self.plan_name,
            stages=self.stages,
            stage_timeout=self.stage_timeout,
            max_failed=self.max_failed,
            bake_time=self.bake_time,
            restart=self.restart,
            stop_on_exit=self.stop_on_exit,
            schedule=self._schedule,
            on_change=self.tell,
        )

    # the same in steps, with the triggerer between them

    def _go_on(self, names: list[str] | None) -> dict[str, object]:  # noqa: RET503  # defer never returns
        """Start the next stage and leave, or give the report if nothing is left."""

        async def start(client: AsyncClient) -> RolloutReport | tuple[_UnderWay, list[str]]:
            plan = await client.plans.describe(self.plan_name)
            left = [each.name for each in plan.stages if names is None or each.name in names]
            try:
                return await client.plans.roll_out(
                    self.plan_name,
                    stages=names,
                    stage_timeout=self.stage_timeout,
                    max_failed=self.max_failed,
                    restart=self.restart,
                    # The stage is to go on when this worker leaves.
                    stop_on_exit=False,
                    schedule=self._schedule,
                    on_change=_LeaveWhenUnderWay(self),
                )
            except _UnderWay as found:
                return found, left[left.index(found.stage_name) :]

        outcome = self.run_in_worker(start)
        if isinstance(outcome, RolloutReport):
            return self._report(outcome)
        found, left = outcome
        until = None
        if self.stage_timeout is not None:
            until = (datetime.now(UTC) + self.stage_timeout).isoformat()
        self.log.info("stage %s runs; the triggerer waits for it", found.stage_name)
        self.defer(
            trigger=StageDeployedTrigger(
                plan_name=self.plan_name,
                stage_name=found.stage_name,
                max_failed=self.max_failed,
                until=until,
                poll_interval=self.poll_interval,
                **self.connection.to_kwargs(),
            ),
            method_name="stage_has_ended",
            kwargs={"names": left, "was_started": found.was_started},
        )

    def stage_has_ended(
        self,
        context: Context,  # Airflow's signature
        event: Mapping[str, object],
        names: list[str],
        was_started: bool,  # noqa: FBT001  # Airflow passes it by name
    ) -> dict[str, object]:
        """Look at the stage that the trigger has waited for, and go on.

        Args:
            context: Airflow's context.
            event: The trigger's event.
            names: The stages that are not done, this one first.
            was_started: Whether this task started it.

        Returns:
            The report, if no stage is left.

        Raises:
            RolloutStoppedError: If the stage did not end well.
        """
        name, *left = names
        self.log.info("stage %s: the wait ended: %s", name, event.get("message", event["status"]))

        async def finish(client: AsyncClient) -> None:
            # It raises what a rollout raises, and stops the stage if too many devices failed. If
            # only the triggerer cannot read the plan, this worker waits.
            limits = {"success": _FINAL_LOOK, "timeout": timedelta(seconds=1)}
            try:
                await client.plans.roll_out(
                    self.plan_name,
                    stages=[name],
                    stage_timeout=limits.get(str(event["status"]), self.stage_timeout),
                    max_failed=self.max_failed,
                    stop_on_exit=False,
                    schedule=self._schedule,
                    on_change=self.tell,
                )
            except RolloutStoppedError as error:
                if self.stop_on_exit and was_started and name in error.report.may_still_run:
                    self.log.warning("stage %s is stopped", name)
                    await client.plans.stop_stage(self.plan_name, name)
                raise

        self.run_in_worker(finish)
        if self.bake_time:
            moment = datetime.now(UTC) + self.bake_time
            self.log.info("stage %s bakes until %s", name, moment)
            self.defer(
                trigger=DateTimeTrigger(moment=moment),
                method_name="stage_has_baked",
                kwargs={"names": left},
            )
        return self.stage_has_baked(context, None, left)

    def stage_has_baked(
        self,
        context: Context,  # noqa: ARG002  # Airflow's signature
        event: object,  # noqa: ARG002  # likewise
        names: list[str],
    ) -> dict[str, object]:
        """Go on with the stages that are left.

        Args:
            context: Airflow's context.
            event: The trigger's event.
            names: The stages that are left.

        Returns:
            The report, if no stage is left.
        """
        if names:
            return self._go_on(names)
        return self._report(self.run_in_worker(self._roll_out))

    def _report(self, report: RolloutReport) -> dict[str, object]:
        done = ", ".join(f"{each.stage.name} {each.outcome}" for each in report.stages)
        self.log.info("plan %s is rolled out: %s", self.plan_name, done)
        return report.to_dict()
