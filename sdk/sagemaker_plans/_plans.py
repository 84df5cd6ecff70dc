"""``client.plans``: edge deployment plans."""

from collections.abc import Mapping
from typing import Final, final

from sagemaker_plans import _wire
from sagemaker_plans._creating import create_plan
from sagemaker_plans._gateway import Gateway
from sagemaker_plans._operations import DESCRIBE_PLAN, START_STAGE, STOP_STAGE, Operation
from sagemaker_plans._reading import StagePager, read_plan, stage_pager
from sagemaker_plans._retrying import Retrier
from sagemaker_plans.models import EdgeDeploymentPlan, EdgeDeploymentPlanSpec
from sagemaker_plans.models import _checks as checks

_MAX_PAGE_SIZE: Final = 10


@final
class EdgeDeploymentPlans:
    """Edge deployment plans: read, create, start and stop them. Use ``client.plans``."""

    def __init__(self, gateway: Gateway, retrier: Retrier) -> None:
        self._gateway = gateway
        self._retrier = retrier

    async def describe(self, name: str) -> EdgeDeploymentPlan:
        """Read a plan with all its stages.

        All pages are read. The header is that of the last page, the stages come in the
        service's order; of a stage that comes twice the later reading is kept.

        Args:
            name: The plan's name.

        Returns:
            The plan.

        Raises:
            InvalidRequestError: If the name cannot be one.
            ResourceNotFoundError: If there is no such plan.
            PaginationError: If the service's pages do not come to an end.
            ServiceError: If the service said no.
            ConnectionFailedError: If nothing usable came back, at every attempt.
            UnexpectedReplyError: If the reply does not fit, at every attempt.
        """
        checks.raise_for("describe", checks.name("name", name), operation=DESCRIBE_PLAN.name)
        return await read_plan(stage_pager(self._gateway, self._retrier, name))

    def stages(
        self, name: str, *, page_size: int | None = None, start_token: str | None = None
    ) -> StagePager:
        """Read a plan's stages lazily, page by page.

        Args:
            name: The plan's name.
            page_size: How many stages a page has at most, 1 to 10; None leaves it to
                the service.
            start_token: Where to go on: a ``next_token`` of a page or of an error.

        Returns:
            A pager for ``async for``; nothing is read before that.

        Raises:
            InvalidRequestError: If an argument is out of range. What reading a page
                raises is that of ``describe``, with ``next_token`` set.
        """
        problems = [*checks.name("name", name)]
        if page_size is not None:
            problems += checks.whole_number("page_size", page_size, 1, _MAX_PAGE_SIZE)
        if start_token is not None:
            problems += checks.page_token("start_token", start_token)
        checks.raise_for("stages", problems, operation=DESCRIBE_PLAN.name)
        return stage_pager(
            self._gateway, self._retrier, name, page_size=page_size, start_token=start_token
        )

    async def create(self, spec: EdgeDeploymentPlanSpec) -> str:
        """Create a plan.

        If a reply is lost, the plan is looked for before the request is sent again: a
        plan that is as the spec says counts as created by this call (tags cannot be
        compared: the service does not describe them).

        Args:
            spec: What the plan shall be.

        Returns:
            The plan's ARN.

        Raises:
            PlanMismatchError: If a reply was lost, and a plan of that name exists that
                is not as the spec says.
            OutcomeUnknownError: If a reply was lost, and whether the plan was created
                could not be found out.
            ResourceInUseError: If a plan of that name exists (which code the service
                has for that is not documented).
            ResourceLimitExceededError: If a quota is used up.
            ServiceError: If the service said no.
            ConnectionFailedError: If the request could not be sent, at every attempt.
        """
        return await create_plan(self._gateway, self._retrier, spec)

    async def start_stage(self, plan_name: str, stage_name: str) -> None:
        """Start the deployment of a stage.

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.

        Raises:
            InvalidRequestError: If a name cannot be one.
            ResourceNotFoundError: If there is no such plan or stage.
            ServiceError: If the service said no.
            ConnectionFailedError: If nothing usable came back, at every attempt.
            UnexpectedReplyError: If the reply does not fit, at every attempt.
        """
        await self._command(START_STAGE, plan_name, stage_name)

    async def stop_stage(self, plan_name: str, stage_name: str) -> None:
        """Stop the deployment of a stage.

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.

        Raises:
            InvalidRequestError: If a name cannot be one.
            ResourceNotFoundError: If there is no such plan or stage.
            ServiceError: If the service said no.
            ConnectionFailedError: If nothing usable came back, at every attempt.
            UnexpectedReplyError: If the reply does not fit, at every attempt.
        """
        await self._command(STOP_STAGE, plan_name, stage_name)

    async def _command(self, operation: Operation, plan_name: str, stage_name: str) -> None:
        checks.raise_for(
            operation.name,
            [*checks.name("plan_name", plan_name), *checks.name("stage_name", stage_name)],
            operation=operation.name,
        )
        request: Mapping[str, object] = {
            "EdgeDeploymentPlanName": plan_name,
            "StageName": stage_name,
        }

        async def attempt() -> None:
            _wire.read_done(await self._gateway.call(operation, request))

        await self._retrier.run(operation, attempt)
