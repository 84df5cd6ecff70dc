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
from sagemaker_plans._engine.polling import PollSchedule, SharedReadings
from sagemaker_plans._engine.retries import Retrier, RetryPolicy
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
        # A wait looks again anyway, so a look makes one attempt at each page.
        once = Retrier(RetryPolicy.none())
        self._readings = SharedReadings[EdgeDeploymentPlan](
            lambda name: read_plan(stage_pager(gateway, once, name)), bound=request_timeout
        )

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

        If a reply is lost it is sent again; should that be refused because the stage
        has started meanwhile, that is success.

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

        If a reply is lost it is sent again; should that be refused because the stage
        is stopping meanwhile, that is success.

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
        command = StageCommand(self._gateway, self._retrier, operation, plan_name, stage_name)
        await command.give()

    async def wait_until_stage_deployed(
        self,
        plan_name: str,
        stage_name: str,
        *,
        timeout: Duration | None,  # noqa: ASYNC109  # the service's waiting, not Python's
        schedule: PollSchedule | None = None,
        on_poll: OnPoll[Stage] | None = None,
        start_grace: Duration | None = None,
    ) -> Stage:
        """Wait until a stage is deployed.

        Any number of waits on one plan share its readings: they cost one request per
        interval together. Throttles, 5xx and lost connections do not end a wait.

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.
            timeout: How long to wait, in seconds or as a timedelta; None for as long as
                it takes. The last poll falls on the deadline.
            schedule: How often to poll; None for the client's schedule.
            on_poll: Called with the stage at each poll; a coroutine function is awaited. What
                it raises ends the wait.
            start_grace: How long the stage may stay READYTODEPLOY before somebody
                starts it, in seconds or as a timedelta; None for as long as it takes.

        Returns:
            The stage, deployed.

        Raises:
            StageFailedError: If the stage is FAILED. It is, from the first poll on: to
                wait for a stage that failed before, start it again first.
            StageStoppedError: If the stage is STOPPED; likewise.
            StageNotFoundError: If the plan has no such stage, or it vanishes, or the
                plan is deleted and created again.
            StageNotStartedError: If the stage stays READYTODEPLOY for ``start_grace``.
            WaitTimeoutError: If the time is up; an unknown status counts as unfinished.
            InvalidRequestError: If an argument is out of range.
            ResourceNotFoundError: If there is no such plan.
            AccessDeniedError: If the credentials do not allow to read it.
            ServiceError: If the service said no otherwise.
            PaginationError: If the service's pages do not come to an end.
        """
        names = {"plan_name": plan_name, "stage_name": stage_name}
        problems = wait_problems(names, timeout, schedule, on_poll)
        grace = as_seconds_or_none(start_grace)
        if grace is not None:
            problems += duration_problems("start_grace", grace, zero=True)
        self._refuse("wait_until_stage_deployed", problems)
        wait = self._wait(plan_name, timeout, schedule)
        return await stage_deployed(wait, stage_name, on_poll=on_poll, start_grace=grace)

    async def wait_until_stage_ready(
        self,
        plan_name: str,
        stage_name: str,
        *,
        timeout: Duration | None,  # noqa: ASYNC109  # the service's waiting, not Python's
        schedule: PollSchedule | None = None,
    ) -> Stage:
        """Wait until a stage is no longer CREATING and can be started.

        A stage that is already past that is ready too, whatever became of it.

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
            StageNotFoundError: If the plan has no such stage, or it vanishes.
            WaitTimeoutError: If the time is up.
            InvalidRequestError: If an argument is out of range.
            ResourceNotFoundError: If there is no such plan.
            ServiceError: If the service said no otherwise.
            PaginationError: If the service's pages do not come to an end.
        """
        names = {"plan_name": plan_name, "stage_name": stage_name}
        self._refuse("wait_until_stage_ready", wait_problems(names, timeout, schedule))
        return await stage_ready(self._wait(plan_name, timeout, schedule), stage_name)

    async def wait_until_deployed(
        self,
        plan_name: str,
        *,
        timeout: Duration | None,  # noqa: ASYNC109  # the service's waiting, not Python's
        schedule: PollSchedule | None = None,
        on_poll: OnPoll[EdgeDeploymentPlan] | None = None,
    ) -> EdgeDeploymentPlan:
        """Wait until every stage of a plan is deployed.

        Args:
            plan_name: The plan's name.
            timeout: How long to wait, in seconds or as a timedelta; None for as long as
                it takes.
            schedule: How often to poll; None for the client's schedule.
            on_poll: Called with the plan at each poll; a coroutine function is awaited. What
                it raises ends the wait.

        Returns:
            The plan. One without stages is deployed.

        Raises:
            StageFailedError: As soon as a stage is FAILED.
            StageStoppedError: As soon as a stage is STOPPED.
            StageNotFoundError: If a stage vanishes, or the plan is deleted and created
                again.
            WaitTimeoutError: If the time is up.
            InvalidRequestError: If an argument is out of range.
            ResourceNotFoundError: If there is no such plan.
            ServiceError: If the service said no otherwise.
            PaginationError: If the service's pages do not come to an end.
        """
        problems = wait_problems({"plan_name": plan_name}, timeout, schedule, on_poll)
        self._refuse("wait_until_deployed", problems)
        return await plan_deployed(self._wait(plan_name, timeout, schedule), on_poll=on_poll)

    def watch(
        self,
        plan_name: str,
        *,
        timeout: Duration | None,
        schedule: PollSchedule | None = None,
    ) -> StageWatch:
        """Follow a plan: first each stage as it is found, then every change.

        A change is one of status or of device counts. The iteration ends when every
        stage is DEPLOYED, FAILED or STOPPED.

        Args:
            plan_name: The plan's name.
            timeout: How long to follow it, in seconds or as a timedelta, from the first
                step of the iteration; None for as long as it takes.
            schedule: How often to poll; None for the client's schedule.

        Returns:
            An iterable of ``StageChange`` for ``async for``. It raises what
            ``wait_until_deployed`` raises, but does not mind how a stage ends; a stage
            that vanishes is a StageNotFoundError.

        Raises:
            InvalidRequestError: If an argument is out of range.
        """
        self._refuse("watch", wait_problems({"plan_name": plan_name}, timeout, schedule))
        return StageWatch(lambda: self._wait(plan_name, timeout, schedule))

    def _wait(
        self, plan_name: str, timeout: Duration | None, schedule: PollSchedule | None
    ) -> Wait:
        return Wait(
            plan_name,
            self._readings.of(plan_name),
            schedule or self._polling,
            as_seconds_or_none(timeout),
        )

    def _refuse(self, subject: str, problems: list[str]) -> None:
        checks.raise_for(subject, problems, operation=DESCRIBE_PLAN.name)
