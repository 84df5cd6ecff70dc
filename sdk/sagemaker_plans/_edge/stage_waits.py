"""The waits of ``client.plans`` for one stage."""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, overload

from sagemaker_plans._engine.durations import (
    Duration,
    as_seconds_from_zero_or_none,
    duration_problems,
)
from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.time_limit import NOT_GIVEN, NotGiven, TimeLimit
from sagemaker_plans._wire.operations import DESCRIBE_PLAN
from sagemaker_plans.errors._late_import import LateModule
from sagemaker_plans.models import EdgeDeploymentPlan, Stage
from sagemaker_plans.models import _validation as checks

if TYPE_CHECKING:
    from sagemaker_plans._edge import wait as waiting
    from sagemaker_plans._edge import waiters
    from sagemaker_plans._engine.polls import shared_polls
else:
    # Not every program waits.
    waiting = LateModule("sagemaker_plans._edge.wait")
    waiters = LateModule("sagemaker_plans._edge.waiters")
    shared_polls = LateModule("sagemaker_plans._engine.polls.shared_polls")

T = TypeVar("T")


class StageWaits:
    """The waits of ``client.plans`` for one stage.

    Args:
        make_polls: Makes the polls that all waits of the client share, by plan. It is called
            when the first wait begins.
        polling: How often waits poll, unless they get a schedule of their own.
        check: Called when a wait begins. It raises if the client belongs to another event
            loop: waits in two event loops cannot share polls.
    """

    def __init__(
        self,
        make_polls: "Callable[[], shared_polls.SharedPollsByName[EdgeDeploymentPlan]]",
        polling: PollSchedule,
        *,
        check: Callable[[], None],
    ) -> None:
        self._make_polls = make_polls
        self._polling = polling
        self._check = check

    @cached_property
    def _polls(self) -> "shared_polls.SharedPollsByName[EdgeDeploymentPlan]":
        return self._make_polls()

    def _changed(self, plan_name: str) -> None:
        """Tell the waits on a plan that readings from before now no longer count."""
        if "_polls" in vars(self):
            self._polls.changed(plan_name)

    @overload
    async def wait_until_stage_deployed(
        self,
        plan_name: str,
        stage_name: str,
        *,
        timeout: Duration | None,  # noqa: ASYNC109  # ends with an error of its own
        schedule: PollSchedule | None = None,
        on_poll: "waiting.OnPoll[Stage] | None" = None,
        on_poll_error: "waiting.OnPollError | None" = None,
        start_grace: Duration | None = None,
    ) -> Stage: ...

    @overload
    async def wait_until_stage_deployed(
        self,
        plan_name: str,
        stage_name: str,
        *,
        until: datetime,
        schedule: PollSchedule | None = None,
        on_poll: "waiting.OnPoll[Stage] | None" = None,
        on_poll_error: "waiting.OnPollError | None" = None,
        start_grace: Duration | None = None,
    ) -> Stage: ...

    async def wait_until_stage_deployed(
        self,
        plan_name: str,
        stage_name: str,
        *,
        timeout: Duration | NotGiven | None = NOT_GIVEN,  # noqa: ASYNC109  # ends with an error of its own
        until: datetime | None = None,
        schedule: PollSchedule | None = None,
        on_poll: "waiting.OnPoll[Stage] | None" = None,
        on_poll_error: "waiting.OnPollError | None" = None,
        start_grace: Duration | None = None,
    ) -> Stage:
        """Wait until a stage is deployed.

        All waits on one plan share their polls: together they cost one request per
        interval. Throttles, 5xx and lost connections do not end a wait.

        For example::

            plans = client.plans
            stage = await plans.wait_until_stage_deployed("spring-rollout", "canary", timeout=3600)

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.
            timeout: How long to wait, in seconds or as a timedelta; None for as long as
                it takes. A poll that begins at the deadline or later has the last word.
            until: A date, in place of ``timeout``: the wait may take the time that is left
                until then, as it is when the wait begins. It needs a time zone.
            schedule: How often to poll; None for the client's schedule.
            on_poll: Called with the stage after each poll. A coroutine function is
                awaited. An exception that it raises ends the wait.
            on_poll_error: Called with the error of each poll that failed. A coroutine
                function is awaited. An exception that it raises ends the wait.
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
        functions = {"on_poll": on_poll, "on_poll_error": on_poll_error}
        problems = waiting.wait_problems(names, timeout, until, schedule, functions)
        grace = as_seconds_from_zero_or_none(start_grace)
        if grace is not None:
            problems += duration_problems("start_grace", grace, zero=True)
        self._raise_for("wait_until_stage_deployed", problems)
        wait = self._wait(plan_name, TimeLimit.of(timeout, until), schedule, on_poll_error)
        on_stage = for_plan(on_poll, plan_name)
        return await waiters.stage_deployed(wait, stage_name, on_poll=on_stage, start_grace=grace)

    @overload
    async def wait_until_stage_ready(
        self,
        plan_name: str,
        stage_name: str,
        *,
        timeout: Duration | None,  # noqa: ASYNC109  # ends with an error of its own
        schedule: PollSchedule | None = None,
        on_poll_error: "waiting.OnPollError | None" = None,
    ) -> Stage: ...

    @overload
    async def wait_until_stage_ready(
        self,
        plan_name: str,
        stage_name: str,
        *,
        until: datetime,
        schedule: PollSchedule | None = None,
        on_poll_error: "waiting.OnPollError | None" = None,
    ) -> Stage: ...

    async def wait_until_stage_ready(
        self,
        plan_name: str,
        stage_name: str,
        *,
        timeout: Duration | NotGiven | None = NOT_GIVEN,  # noqa: ASYNC109  # ends with an error of its own
        until: datetime | None = None,
        schedule: PollSchedule | None = None,
        on_poll_error: "waiting.OnPollError | None" = None,
    ) -> Stage:
        """Wait until a stage is no longer CREATING, so that it can be started.

        A stage that was ready before the first poll counts as ready, even if it has been
        started or has failed since.

        For example::

            plans = client.plans
            stage = await plans.wait_until_stage_ready("spring-rollout", "canary", timeout=600)

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.
            timeout: How long to wait, in seconds or as a timedelta; None for as long as
                it takes.
            until: A date, in place of ``timeout``: the wait may take the time that is left
                until then, as it is when the wait begins. It needs a time zone.
            schedule: How often to poll; None for the client's schedule.
            on_poll_error: Called with the error of each poll that failed. A coroutine
                function is awaited. An exception that it raises ends the wait.

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
        functions = {"on_poll_error": on_poll_error}
        problems = waiting.wait_problems(names, timeout, until, schedule, functions)
        self._raise_for("wait_until_stage_ready", problems)
        wait = self._wait(plan_name, TimeLimit.of(timeout, until), schedule, on_poll_error)
        return await waiters.stage_ready(wait, stage_name)

    @overload
    async def wait_until_stage_stopped(
        self,
        plan_name: str,
        stage_name: str,
        *,
        timeout: Duration | None,  # noqa: ASYNC109  # ends with an error of its own
        schedule: PollSchedule | None = None,
        on_poll_error: "waiting.OnPollError | None" = None,
    ) -> Stage: ...

    @overload
    async def wait_until_stage_stopped(
        self,
        plan_name: str,
        stage_name: str,
        *,
        until: datetime,
        schedule: PollSchedule | None = None,
        on_poll_error: "waiting.OnPollError | None" = None,
    ) -> Stage: ...

    async def wait_until_stage_stopped(
        self,
        plan_name: str,
        stage_name: str,
        *,
        timeout: Duration | NotGiven | None = NOT_GIVEN,  # noqa: ASYNC109  # ends with an error of its own
        until: datetime | None = None,
        schedule: PollSchedule | None = None,
        on_poll_error: "waiting.OnPollError | None" = None,
    ) -> Stage:
        """Wait until a stage is stopped, after ``stop_stage``.

        For example::

            plans = client.plans
            await plans.stop_stage("spring-rollout", "canary")
            stage = await plans.wait_until_stage_stopped("spring-rollout", "canary", timeout=600)

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.
            timeout: How long to wait, in seconds or as a timedelta; None for as long as
                it takes.
            until: A date, in place of ``timeout``: the wait may take the time that is left
                until then, as it is when the wait begins. It needs a time zone.
            schedule: How often to poll; None for the client's schedule.
            on_poll_error: Called with the error of each poll that failed. A coroutine
                function is awaited. An exception that it raises ends the wait.

        Returns:
            The stage, stopped.

        Raises:
            StageFailedError: If the stage is FAILED.
            StageNotFoundError: If the plan has no such stage, or the stage vanishes, or the
                plan is deleted and created again.
            WaitTimeoutError: If the time is up. A stage that was never started is not stopped.
            WaitError: If the stage is DEPLOYED: it was done before it could be stopped.
            InvalidRequestError: If an argument is out of range.
            ResourceNotFoundError: If there is no such plan.
            ServiceError: If the service said no for another reason.
            PaginationError: If the service's pages do not come to an end.
        """
        names = {"plan_name": plan_name, "stage_name": stage_name}
        functions = {"on_poll_error": on_poll_error}
        problems = waiting.wait_problems(names, timeout, until, schedule, functions)
        self._raise_for("wait_until_stage_stopped", problems)
        wait = self._wait(plan_name, TimeLimit.of(timeout, until), schedule, on_poll_error)
        return await waiters.stage_stopped(wait, stage_name)

    def _wait(
        self,
        plan_name: str,
        limit: TimeLimit,
        schedule: PollSchedule | None,
        on_poll_error: "waiting.OnPollError | None",
    ) -> "waiting.Wait":
        self._check()
        shared = self._polls.get(plan_name)
        return waiting.Wait(plan_name, shared, schedule or self._polling, limit, on_poll_error)

    def _raise_for(self, method: str, problems: list[str]) -> None:
        checks.raise_for(method, problems, operation=DESCRIBE_PLAN.name)


def for_plan(on_poll: "waiting.OnPoll[T] | None", plan_name: str) -> "waiting.OnPoll[T] | None":
    """Tell a display which plan a stage belongs to.

    Args:
        on_poll: The function; None for none.
        plan_name: The plan.

    Returns:
        The function that is called with the plan's stages.
    """
    # A stage does not know its plan. A display of several plans asks for it by this method,
    # which is looked up on the class: a mock has every attribute.
    make: Callable[[object, str], waiting.OnPoll[T]] | None = getattr(
        type(on_poll), "for_plan", None
    )
    return on_poll if make is None else make(on_poll, plan_name)
