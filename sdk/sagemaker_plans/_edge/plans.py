"""``client.plans``: edge deployment plans."""

from typing import Final, final

from sagemaker_plans._edge.creation import create_plan
from sagemaker_plans._edge.reading import StagePager, read_plan, stage_pager
from sagemaker_plans._edge.stage_commands import StageCommand
from sagemaker_plans._edge.waiters import (
    OnPoll,
    Wait,
    plan_deployed,
    stage_deployed,
    stage_ready,
    wait_problems,
)
from sagemaker_plans._edge.watch import StageWatch
from sagemaker_plans._engine.durations import Duration, as_seconds_or_none, duration_problems
from sagemaker_plans._engine.pagination import pager_problems
from sagemaker_plans._engine.polling import PollSchedule, SharedPollsByName
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_policy import RetryPolicy
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import DESCRIBE_PLAN, START_STAGE, STOP_STAGE, Operation
from sagemaker_plans.models import EdgeDeploymentPlan, EdgeDeploymentPlanSpec, Stage
from sagemaker_plans.models import _validation as checks

_MAX_PAGE_SIZE: Final = 10


@final
class EdgeDeploymentPlans:
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
        self._polling = polling
        # A poll makes one attempt at each page, because the next poll follows anyway.
        once = Retrier(RetryPolicy.none())
        self._polls = SharedPollsByName[EdgeDeploymentPlan](
            lambda name: read_plan(stage_pager(gateway, once, name)), timeout=request_timeout
        )

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
        return await create_plan(self._gateway, self._retrier, spec)

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
        await command.send()

    async def wait_until_stage_deployed(
        self,
        plan_name: str,
        stage_name: str,
        *,
        timeout: Duration | None,  # noqa: ASYNC109  # ends with an error of its own
        schedule: PollSchedule | None = None,
        on_poll: OnPoll[Stage] | None = None,
        start_grace: Duration | None = None,
    ) -> Stage:
        """Wait until a stage is deployed.

        All waits on one plan share their polls: together they cost one request per
        interval. Throttles, 5xx and lost connections do not end a wait.

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.
            timeout: How long to wait, in seconds or as a timedelta; None for as long as
                it takes. The last poll is at the deadline.
            schedule: How often to poll; None for the client's schedule.
            on_poll: Called with the stage after each poll. A coroutine function is
                awaited. An exception that it raises ends the wait.
            start_grace: How long the stage may stay READYTODEPLOY until somebody starts
                it, in seconds or as a timedelta; None for as long as it takes.

        Returns:
            The stage, deployed.

        Raises:
            StageFailedError: If the stage is FAILED, even at the first poll. If it failed
                earlier, start it again before you wait for it.
            StageStoppedError: If the stage is STOPPED, even at the first poll.
            StageNotFoundError: If the plan has no such stage, or the stage vanishes, or the
                plan is deleted and created again.
            StageNotStartedError: If the stage stays READYTODEPLOY for ``start_grace``.
            WaitTimeoutError: If the time is up. A status that this release does not know
                does not end the wait earlier.
            InvalidRequestError: If an argument is out of range.
            ResourceNotFoundError: If there is no such plan.
            AccessDeniedError: If the credentials do not allow reading the plan.
            ServiceError: If the service said no for another reason.
            PaginationError: If the service's pages do not come to an end.
        """
        names = {"plan_name": plan_name, "stage_name": stage_name}
        problems = wait_problems(names, timeout, schedule, on_poll)
        grace = as_seconds_or_none(start_grace)
        if grace is not None:
            problems += duration_problems("start_grace", grace, zero=True)
        self._raise_for("wait_until_stage_deployed", problems)
        wait = self._wait(plan_name, timeout, schedule)
        return await stage_deployed(wait, stage_name, on_poll=on_poll, start_grace=grace)

    async def wait_until_stage_ready(
        self,
        plan_name: str,
        stage_name: str,
        *,
        timeout: Duration | None,  # noqa: ASYNC109  # ends with an error of its own
        schedule: PollSchedule | None = None,
    ) -> Stage:
        """Wait until a stage is no longer CREATING, so that it can be started.

        A stage that was ready before the first poll counts as ready, even if it has been
        started or has failed since.

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.
            timeout: How long to wait, in seconds or as a timedelta; None for as long as
                it takes.
            schedule: How often to poll; None for the client's schedule.

        Returns:
            The stage.

        Raises:
            StageFailedError: If the stage was CREATING and is now FAILED.
            StageStoppedError: If the stage was CREATING and is now STOPPED.
            StageNotFoundError: If the plan has no such stage, or the stage vanishes, or the
                plan is deleted and created again.
            WaitTimeoutError: If the time is up.
            InvalidRequestError: If an argument is out of range.
            ResourceNotFoundError: If there is no such plan.
            ServiceError: If the service said no for another reason.
            PaginationError: If the service's pages do not come to an end.
        """
        names = {"plan_name": plan_name, "stage_name": stage_name}
        self._raise_for("wait_until_stage_ready", wait_problems(names, timeout, schedule))
        return await stage_ready(self._wait(plan_name, timeout, schedule), stage_name)

    async def wait_until_deployed(
        self,
        plan_name: str,
        *,
        timeout: Duration | None,  # noqa: ASYNC109  # ends with an error of its own
        schedule: PollSchedule | None = None,
        on_poll: OnPoll[EdgeDeploymentPlan] | None = None,
    ) -> EdgeDeploymentPlan:
        """Wait until every stage of a plan is deployed.

        Args:
            plan_name: The plan's name.
            timeout: How long to wait, in seconds or as a timedelta; None for as long as
                it takes.
            schedule: How often to poll; None for the client's schedule.
            on_poll: Called with the plan after each poll. A coroutine function is awaited.
                An exception that it raises ends the wait.

        Returns:
            The plan. A plan without stages counts as deployed.

        Raises:
            StageFailedError: As soon as a stage is FAILED.
            StageStoppedError: As soon as a stage is STOPPED.
            StageNotFoundError: If a stage vanishes, or the plan is deleted and created
                again.
            WaitTimeoutError: If the time is up.
            InvalidRequestError: If an argument is out of range.
            ResourceNotFoundError: If there is no such plan.
            ServiceError: If the service said no for another reason.
            PaginationError: If the service's pages do not come to an end.
        """
        problems = wait_problems({"plan_name": plan_name}, timeout, schedule, on_poll)
        self._raise_for("wait_until_deployed", problems)
        return await plan_deployed(self._wait(plan_name, timeout, schedule), on_poll=on_poll)

    def watch(
        self,
        plan_name: str,
        *,
        timeout: Duration | None,
        schedule: PollSchedule | None = None,
    ) -> StageWatch:
        """Follow a plan: first every stage as it is now, then every change.

        A change is a new status or new device counts. The iteration ends when every stage
        is DEPLOYED, FAILED or STOPPED.

        Args:
            plan_name: The plan's name.
            timeout: How long to follow the plan, in seconds or as a timedelta; None for as
                long as it takes. The time counts from the first step of the iteration.
            schedule: How often to poll; None for the client's schedule.

        Returns:
            An iterable of ``StageChange`` for ``async for``. It raises what
            ``wait_until_deployed`` raises, except StageFailedError and StageStoppedError.

        Raises:
            InvalidRequestError: If an argument is out of range.
        """
        self._raise_for("watch", wait_problems({"plan_name": plan_name}, timeout, schedule))
        return StageWatch(lambda: self._wait(plan_name, timeout, schedule))

    def _wait(
        self, plan_name: str, timeout: Duration | None, schedule: PollSchedule | None
    ) -> Wait:
        return Wait(
            plan_name,
            self._polls.get(plan_name),
            schedule or self._polling,
            as_seconds_or_none(timeout),
        )

    def _raise_for(self, method: str, problems: list[str]) -> None:
        checks.raise_for(method, problems, operation=DESCRIBE_PLAN.name)
