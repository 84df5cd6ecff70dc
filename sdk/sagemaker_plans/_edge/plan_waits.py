"""The waits of ``client.plans`` for a whole plan."""

from datetime import datetime
from typing import TYPE_CHECKING, overload

from sagemaker_plans._edge.stage_waits import StageWaits
from sagemaker_plans._engine.durations import Duration
from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.time_limit import NOT_GIVEN, NotGiven, TimeLimit
from sagemaker_plans.errors._late_import import LateModule
from sagemaker_plans.models import EdgeDeploymentPlan

if TYPE_CHECKING:
    from sagemaker_plans._edge import wait as waiting
    from sagemaker_plans._edge import waiters, watch
else:
    # Not every program waits.
    waiting = LateModule("sagemaker_plans._edge.wait")
    waiters = LateModule("sagemaker_plans._edge.waiters")
    watch = LateModule("sagemaker_plans._edge.watch")


class PlanWaits(StageWaits):
    """The waits of ``client.plans``. It takes what ``StageWaits`` takes."""

    @overload
    async def wait_until_deployed(
        self,
        plan_name: str,
        *,
        timeout: Duration | None,  # noqa: ASYNC109  # ends with an error of its own
        schedule: PollSchedule | None = None,
        on_poll: "waiting.OnPoll[EdgeDeploymentPlan] | None" = None,
        on_poll_error: "waiting.OnPollError | None" = None,
    ) -> EdgeDeploymentPlan: ...

    @overload
    async def wait_until_deployed(
        self,
        plan_name: str,
        *,
        until: datetime,
        schedule: PollSchedule | None = None,
        on_poll: "waiting.OnPoll[EdgeDeploymentPlan] | None" = None,
        on_poll_error: "waiting.OnPollError | None" = None,
    ) -> EdgeDeploymentPlan: ...

    async def wait_until_deployed(
        self,
        plan_name: str,
        *,
        timeout: Duration | NotGiven | None = NOT_GIVEN,  # noqa: ASYNC109  # ends with an error of its own
        until: datetime | None = None,
        schedule: PollSchedule | None = None,
        on_poll: "waiting.OnPoll[EdgeDeploymentPlan] | None" = None,
        on_poll_error: "waiting.OnPollError | None" = None,
    ) -> EdgeDeploymentPlan:
        """Wait until every stage of a plan is deployed.

        For example::

            plan = await client.plans.wait_until_deployed("spring-rollout", timeout=3600)

        Args:
            plan_name: The plan's name.
            timeout: How long to wait, in seconds or as a timedelta; None for as long as
                it takes.
            until: A date, in place of ``timeout``: the wait may take the time that is left
                until then, as it is when the wait begins. It needs a time zone.
            schedule: How often to poll; None for the client's schedule.
            on_poll: Called with the plan after each poll. A coroutine function is awaited.
                An exception that it raises ends the wait.
            on_poll_error: Called with the error of each poll that failed. A coroutine
                function is awaited. An exception that it raises ends the wait.

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
        functions = {"on_poll": on_poll, "on_poll_error": on_poll_error}
        problems = waiting.wait_problems(
            {"plan_name": plan_name}, timeout, until, schedule, functions
        )
        self._raise_for("wait_until_deployed", problems)
        wait = self._wait(plan_name, TimeLimit.of(timeout, until), schedule, on_poll_error)
        return await waiters.plan_deployed(wait, on_poll=on_poll)

    @overload
    def watch(
        self,
        plan_name: str,
        *,
        timeout: Duration | None,
        schedule: PollSchedule | None = None,
        on_poll_error: "waiting.OnPollError | None" = None,
    ) -> "watch.StageWatch": ...

    @overload
    def watch(
        self,
        plan_name: str,
        *,
        until: datetime,
        schedule: PollSchedule | None = None,
        on_poll_error: "waiting.OnPollError | None" = None,
    ) -> "watch.StageWatch": ...

    def watch(
        self,
        plan_name: str,
        *,
        timeout: Duration | NotGiven | None = NOT_GIVEN,
        until: datetime | None = None,
        schedule: PollSchedule | None = None,
        on_poll_error: "waiting.OnPollError | None" = None,
    ) -> "watch.StageWatch":
        """Follow a plan: first every stage as it is now, then every change.

        A change is a new status or new device counts. The iteration ends when every stage
        is DEPLOYED, FAILED or STOPPED.

        For example::

            async for change in client.plans.watch("spring-rollout", timeout=3600):
                print(change.stage.name, change.stage.status)

        Args:
            plan_name: The plan's name.
            timeout: How long to follow the plan, in seconds or as a timedelta; None for as
                long as it takes. The time counts from the first step of the iteration.
            until: A date, in place of ``timeout``: the wait may take the time that is left
                until then, as it is when the wait begins. It needs a time zone.
            schedule: How often to poll; None for the client's schedule.
            on_poll_error: Called with the error of each poll that failed. A coroutine
                function is awaited. An exception that it raises ends the wait.

        Returns:
            An iterable of ``StageChange`` for ``async for``. It raises what
            ``wait_until_deployed`` raises, except StageFailedError and StageStoppedError.

        Raises:
            InvalidRequestError: If an argument is out of range.
        """
        functions = {"on_poll_error": on_poll_error}
        problems = waiting.wait_problems(
            {"plan_name": plan_name}, timeout, until, schedule, functions
        )
        self._raise_for("watch", problems)
        limit = TimeLimit.of(timeout, until)
        return watch.StageWatch(
            lambda: self._wait(plan_name, limit, schedule, on_poll_error), plan_name
        )
