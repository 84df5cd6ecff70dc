"""``client.plans``: edge deployment plans."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast, final

from sagemaker_plans._edge.plan_reads import PlanReads
from sagemaker_plans._engine.durations import Duration
from sagemaker_plans._engine.not_copied import NotCopied
from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._wire.operations import (
    CREATE_STAGES,
    DELETE_PLAN,
    DELETE_STAGE,
    START_STAGE,
    STOP_STAGE,
    Operation,
)
from sagemaker_plans.errors._late_import import LateModule, models
from sagemaker_plans.models import EdgeDeploymentPlan
from sagemaker_plans.models import _validation as checks
from sagemaker_plans.models._validation import Several

if TYPE_CHECKING:
    from sagemaker_plans._edge import creation, deletion, stage_commands
    from sagemaker_plans._edge.rollout import arguments, rollout
    from sagemaker_plans.models import _specs as specs
else:
    # Most programs that use a client only read, or do few of these things.
    creation = LateModule("sagemaker_plans._edge.creation")
    deletion = LateModule("sagemaker_plans._edge.deletion")
    stage_commands = LateModule("sagemaker_plans._edge.stage_commands")
    specs = LateModule("sagemaker_plans.models._specs")
    arguments = LateModule("sagemaker_plans._edge.rollout.arguments")
    rollout = LateModule("sagemaker_plans._edge.rollout.rollout")


@final
class EdgeDeploymentPlans(PlanReads, NotCopied):
    """Edge deployment plans: read, create, change, start, stop and delete them.

    Use ``client.plans``. The class has a public name for annotations. It takes what
    ``PlanReads`` takes.
    """

    def __repr__(self) -> str:
        return f"<client.plans of {self._gateway!r}>"

    async def create(self, spec: "models.EdgeDeploymentPlanSpec") -> str:
        """Create a plan.

        If a reply is lost, this looks for the plan before it sends the request again. If it
        finds a plan that matches the spec, that plan counts as created by this call. Tags
        cannot be compared, because the service does not return them.

        For example::

            arn = await client.plans.create(
                smp.EdgeDeploymentPlanSpec(
                    "winter-rollout",
                    device_fleet_name="cameras",
                    model_configs=[smp.ModelConfig("detector", "detector-v7")],
                    stages=[smp.StageSpec("canary", smp.NamedDevices(["cam-001"]))],
                )
            )

        Args:
            spec: The plan to create.

        Returns:
            The plan's ARN.

        Raises:
            InvalidRequestError: If ``spec`` is not an EdgeDeploymentPlanSpec.
            PlanMismatchError: If a reply was lost, and the plan that has the name does
                not match the spec.
            OutcomeUnknownError: If a reply was lost, and this could not find out whether
                the plan was created.
            ResourceInUseError: If a plan of that name exists. (AWS does not document the
                error code for that.)
            ResourceLimitExceededError: If a quota is used up.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt could send the request.
        """
        try:
            return await creation.create_plan(self._gateway, self._retrier, spec)
        finally:
            if isinstance(cast("object", spec), models.EdgeDeploymentPlanSpec):
                self._changed(spec.name)

    async def ensure_created(self, spec: "models.EdgeDeploymentPlanSpec") -> EdgeDeploymentPlan:
        """Create a plan, unless it is there already and as the spec says.

        What the service fills in where the spec says nothing is no difference. Tags cannot be
        compared, because the service does not return them.

        For example::

            models = [smp.ModelConfig("detector", "detector-v7")]
            spec = smp.EdgeDeploymentPlanSpec(
                "summer-rollout", device_fleet_name="cameras", model_configs=models
            )
            plan = await client.plans.ensure_created(spec)

        Args:
            spec: The plan that is to be there.

        Returns:
            The plan.

        Raises:
            InvalidRequestError: If ``spec`` is not an EdgeDeploymentPlanSpec.
            PlanMismatchError: If a plan of that name exists and differs; ``differences``
                names each difference.
            OutcomeUnknownError: If a reply was lost, and this could not find out whether
                the plan was created.
            ResourceLimitExceededError: If a quota is used up.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt could send a request.
        """
        try:
            return await creation.ensure_plan(self._gateway, self._retrier, spec)
        finally:
            if isinstance(cast("object", spec), models.EdgeDeploymentPlanSpec):
                self._changed(spec.name)

    async def add_stages(self, plan_name: str, stages: "Iterable[models.StageSpec]") -> None:
        """Add stages to the end of a plan.

        If a reply is lost, this looks for the stages before it sends the request again. If it
        finds them as they were to be added, they count as added by this call.

        For example::

            everyone = smp.StageSpec("everyone", smp.PercentageOfFleet(100))
            await client.plans.add_stages("summer-rollout", [everyone])

        Args:
            plan_name: The plan's name.
            stages: 1 to 10 stages with unique names.

        Raises:
            InvalidRequestError: If an argument breaks the service's rules.
            PlanMismatchError: If a reply was lost, and the plan has only some of the stages,
                or different ones with their names.
            OutcomeUnknownError: If a reply was lost, and this could not find out whether
                the stages were added.
            ResourceNotFoundError: If there is no such plan.
            ResourceInUseError: If the plan has a stage of that name. (AWS does not document
                the error code for that.)
            ResourceLimitExceededError: If the plan would have too many stages.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt could send the request.
        """
        added = checks.as_tuple(stages)
        problems = [
            *checks.name("plan_name", plan_name),
            *specs.stage_list_problems("stages", added),
        ]
        if added == ():
            problems.append("stages: got no stage; at least one is needed")
        checks.raise_for("add_stages", problems, operation=CREATE_STAGES.name)
        try:
            await creation.add_stages(self._gateway, self._retrier, plan_name, added)
        finally:
            self._changed(plan_name)

    async def delete_stage(self, plan_name: str, stage_name: str) -> None:
        """Delete a stage of a plan.

        If a reply is lost, the request is sent again. If the service then finds no such stage,
        it has been deleted.

        For example::

            await client.plans.delete_stage("summer-rollout", "everyone")

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.

        Raises:
            InvalidRequestError: If a name breaks the rules for names.
            ResourceNotFoundError: If there was no such plan or stage.
            ResourceInUseError: If the stage is under way. Stop it first.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt got a usable reply. A note says whether an
                earlier attempt may have had its effect.
            UnexpectedReplyError: If the reply to every attempt does not fit the model.
        """
        await self._delete(DELETE_STAGE, plan_name, stage_name)

    async def delete(self, plan_name: str) -> None:
        """Delete a plan with all its stages. A lost reply is treated as in ``delete_stage``.

        For example::

            await client.plans.delete("summer-rollout")

        Args:
            plan_name: The plan's name.

        Raises:
            ResourceInUseError: If a stage of the plan is under way. Stop it first.
            SageMakerPlansError: The same errors as ``delete_stage``, for the same reasons.
        """
        await self._delete(DELETE_PLAN, plan_name)

    async def start_stage(
        self, plan_name: str, stage_name: str, *, if_needed: bool = False
    ) -> None:
        """Start the deployment of a stage.

        If a reply is lost, the request is sent again. The service may refuse the second
        request because the first one started the stage. That counts as success.

        For example::

            await client.plans.start_stage("spring-rollout", "canary", if_needed=True)

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.
            if_needed: Whether to read the plan first, and to leave a stage alone that is
                under way or deployed. If somebody else starts the stage at the same moment,
                that counts as success.

        Raises:
            InvalidRequestError: If a name breaks the rules for names.
            ResourceNotFoundError: If there is no such plan or stage.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt got a usable reply.
            UnexpectedReplyError: If the reply to every attempt does not fit the model.
        """
        await self._command(START_STAGE, plan_name, stage_name, if_needed=if_needed)

    async def stop_stage(self, plan_name: str, stage_name: str) -> None:
        """Stop the deployment of a stage. A lost reply is treated as in ``start_stage``.

        For example::

            await client.plans.stop_stage("spring-rollout", "canary")

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.

        Raises:
            SageMakerPlansError: The same errors as ``start_stage``, for the same reasons.
        """
        await self._command(STOP_STAGE, plan_name, stage_name)

    async def roll_out(
        self,
        plan: "str | models.EdgeDeploymentPlanSpec",
        *,
        stage_timeout: Duration | None,
        max_failed: float = 0,
        bake_time: Duration = 0,
        approve: "arguments.Approve | None" = None,
        on_change: "arguments.OnChange | None" = None,
        stages: Several[str] | None = None,
        schedule: PollSchedule | None = None,
        restart: bool = False,
        stop_on_exit: bool = True,
    ) -> "models.RolloutReport":
        """Deploy the stages of a plan, one after the other.

        For each stage, in the plan's order: wait until it can be started, start it unless it is
        under way, wait until it is deployed, let it bake, and ask ``approve``.

        The memory of a rollout is the service. Call this again after a crash, in any process:
        it goes on where things stand, and returns at once if every stage is deployed. Baking
        then begins anew, and ``approve`` may be asked again. Several rollouts of one plan may
        run at the same time: each stage runs once.

        For example::

            report = await client.plans.roll_out("spring-rollout", stage_timeout=3600, max_failed=2)
            print(report.is_done)

        Args:
            plan: The plan's name, or a spec: the plan is created unless it is there.
            stage_timeout: How long each stage may take until it can be started, and from its
                start until it is deployed, in seconds or as a timedelta; None for as long as
                it takes.
            max_failed: How many devices of a stage may fail: a whole number of devices, or a
                float from 0.0 to 1.0, a share of the stage's devices. If more have failed,
                the stage is stopped, whoever has started it, and the rollout stops.
            bake_time: How long to wait after a stage is deployed, in seconds or as a timedelta.
            approve: A coroutine function. After each stage it is called with the stage and
                with the report so far. If it returns False, the rollout stops.
            on_change: Called with each change of a stage's status or device counts, first with
                every stage as it is. A coroutine function is awaited. An exception that it
                raises ends the rollout.
            stages: The names of the stages to roll out; None for all. Their order is the
                plan's.
            schedule: How often to poll; None for the client's schedule.
            restart: Whether to start a stage again that was FAILED or STOPPED before this
                call, once.
            stop_on_exit: Whether to stop the stage that this call has started if the call ends
                early: by an error, or by a cancellation. A stage that somebody else has
                started goes on.

        Returns:
            What was done with each stage.

        Raises:
            RolloutStoppedError: If a stage is FAILED, STOPPED or gone, too many of its devices
                have failed, ``stage_timeout`` is over, or ``approve`` said no. Its ``report``
                says what may still run, and which devices failed.
            PlanMismatchError: If the plan exists and differs from the spec.
            InvalidRequestError: If an argument is wrong, or the plan does not have one of
                ``stages``. Nothing was started.
            ResourceNotFoundError: If there is no plan of that name.
            ServiceError: If the service said no.
            SageMakerPlansError: What ``ensure_created`` raises.
        """
        wanted = arguments.RolloutArguments(
            plan=plan,
            stage_timeout=stage_timeout,
            max_failed=max_failed,
            bake_time=bake_time,
            approve=approve,
            on_change=on_change,
            stages=stages,
            schedule=schedule,
            restart=restart,
            stop_on_exit=stop_on_exit,
        )
        wanted.check()
        self._check()
        steps = rollout.Rollout(
            self._gateway, self._retrier, self._polls, schedule or self._polling, wanted
        )
        return await steps.run()

    async def _command(
        self, operation: Operation, plan_name: str, stage_name: str, *, if_needed: bool = False
    ) -> None:
        names = {"plan_name": plan_name, "stage_name": stage_name}
        problems = [problem for each in names.items() for problem in checks.name(*each)]
        problems += checks.flag("if_needed", if_needed)
        checks.raise_for(operation.name, problems, operation=operation.name)
        command = stage_commands.StageCommand(
            self._gateway, self._retrier, operation, plan_name, stage_name
        )
        if if_needed and await command.is_done():
            return
        command.may_have_taken_effect = if_needed
        try:
            await command.send()
        finally:
            # Even if it failed: it may have had its effect.
            self._changed(plan_name)

    async def _delete(
        self, operation: Operation, plan_name: str, stage_name: str | None = None
    ) -> None:
        problems = [*checks.name("plan_name", plan_name)]
        request: dict[str, object] = {"EdgeDeploymentPlanName": plan_name}
        if operation is DELETE_STAGE:
            problems += checks.name("stage_name", stage_name)
            request["StageName"] = stage_name
        checks.raise_for(operation.name, problems, operation=operation.name)
        try:
            await deletion.delete(self._gateway, self._retrier, operation, request)
        finally:
            self._changed(plan_name)
