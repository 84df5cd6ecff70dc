"""``client.plans``: edge deployment plans."""

from typing import Final, cast, final

from sagemaker_plans._edge.creation import create_plan
from sagemaker_plans._edge.plan_waits import PlanWaits
from sagemaker_plans._edge.reading import StagePager, read_plan, stage_pager
from sagemaker_plans._edge.stage_commands import StageCommand
from sagemaker_plans._edge.wait import ends_waits
from sagemaker_plans._engine.pagination import pager_problems
from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.polls.readings import PollTurn
from sagemaker_plans._engine.polls.shared_polls import SharedPollsByName
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import DESCRIBE_PLAN, START_STAGE, STOP_STAGE, Operation
from sagemaker_plans.errors import ThrottledError
from sagemaker_plans.models import EdgeDeploymentPlan, EdgeDeploymentPlanSpec
from sagemaker_plans.models import _validation as checks

_MAX_PAGE_SIZE: Final = 10


@final
class EdgeDeploymentPlans(PlanWaits):
    """Edge deployment plans: read, create, start and stop them. Use ``client.plans``."""

    def __init__(
        self,
        gateway: Gateway,
        retrier: Retrier,
        *,
        polling: PollSchedule,
        request_timeout: float,
    ) -> None:
        self._gateway = gateway
        self._retrier = retrier

        async def read(name: str, turn: PollTurn) -> EdgeDeploymentPlan:
            # One attempt at each page, because the next poll follows anyway.
            pages = retrier.for_poll(
                due=turn.due, every=turn.every, give_up_at=turn.give_up_at, begin=turn.begin
            )
            return await read_plan(stage_pager(gateway, pages, name))

        polls = SharedPollsByName[EdgeDeploymentPlan](
            read,
            kind="plan",
            timeout=request_timeout,
            ends_waits=ends_waits,
            keeps_turn=lambda error: retrier.is_paced and isinstance(error, ThrottledError),
        )
        super().__init__(polls, polling, check=retrier.check)

    async def describe(self, name: str) -> EdgeDeploymentPlan:
        """Read a plan with all its stages.

        This reads all pages. The header is that of the last page. The stages are in the
        service's order. If a stage comes twice, the later one is kept.

        Args:
            name: The plan's name.

        Returns:
            The plan.

        Raises:
            InvalidRequestError: If the name breaks the rules for names.
            ResourceNotFoundError: If there is no such plan.
            PaginationError: If the service's pages do not come to an end.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt got a usable reply.
            UnexpectedReplyError: If the reply to every attempt does not fit the model.
        """
        checks.raise_for("describe", checks.name("name", name), operation=DESCRIBE_PLAN.name)
        return await read_plan(stage_pager(self._gateway, self._retrier, name))

    def stages(
        self, name: str, *, page_size: int | None = None, start_token: str | None = None
    ) -> StagePager:
        """Read a plan's stages page by page, each page when it is needed.

        Args:
            name: The plan's name.
            page_size: How many stages a page has at most, 1 to 10; None for the service's
                default.
            start_token: Where to start: the ``next_token`` of a page or of an error. None
                for the first page.

        Returns:
            A pager for ``async for``. Nothing is read before the loop starts. Reading a
            page raises what ``describe`` raises, with ``next_token`` set.

        Raises:
            InvalidRequestError: If an argument is out of range.
        """
        problems = [
            *checks.name("name", name),
            *pager_problems(page_size, start_token, max_page_size=_MAX_PAGE_SIZE),
        ]
        checks.raise_for("stages", problems, operation=DESCRIBE_PLAN.name)
        return stage_pager(
            self._gateway, self._retrier, name, page_size=page_size, start_token=start_token
        )

    async def create(self, spec: EdgeDeploymentPlanSpec) -> str:
        """Create a plan.

        If a reply is lost, this looks for the plan before it sends the request again. If it
        finds a plan that matches the spec, that plan counts as created by this call. Tags
        cannot be compared, because the service does not return them.

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
            return await create_plan(self._gateway, self._retrier, spec)
        finally:
            if isinstance(cast("object", spec), EdgeDeploymentPlanSpec):
                self._polls.changed(spec.name)

    async def start_stage(self, plan_name: str, stage_name: str) -> None:
        """Start the deployment of a stage.

        If a reply is lost, the request is sent again. The service may refuse the second
        request because the first one started the stage. That counts as success.

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.

        Raises:
            InvalidRequestError: If a name breaks the rules for names.
            ResourceNotFoundError: If there is no such plan or stage.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt got a usable reply.
            UnexpectedReplyError: If the reply to every attempt does not fit the model.
        """
        await self._command(START_STAGE, plan_name, stage_name)

    async def stop_stage(self, plan_name: str, stage_name: str) -> None:
        """Stop the deployment of a stage. A lost reply is treated as in ``start_stage``.

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.

        Raises:
            SageMakerPlansError: The same errors as ``start_stage``, for the same reasons.
        """
        await self._command(STOP_STAGE, plan_name, stage_name)

    async def _command(self, operation: Operation, plan_name: str, stage_name: str) -> None:
        checks.raise_for(
            operation.name,
            [*checks.name("plan_name", plan_name), *checks.name("stage_name", stage_name)],
            operation=operation.name,
        )
        command = StageCommand(self._gateway, self._retrier, operation, plan_name, stage_name)
        try:
            await command.send()
        finally:
            # Even if it failed: it may have had its effect.
            self._polls.changed(plan_name)
