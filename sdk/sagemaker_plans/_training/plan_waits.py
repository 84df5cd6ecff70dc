"""The waits of ``client.training_plans``."""

from datetime import datetime
from typing import overload

from sagemaker_plans._engine.durations import Duration
from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.polls.paced_polls import paced_polls
from sagemaker_plans._engine.polls.polled_wait import (
    OnPoll,
    OnPollError,
    PolledWait,
    polling_problems,
)
from sagemaker_plans._engine.retries import PollRetrier, Retrier
from sagemaker_plans._engine.time_limit import NOT_GIVEN, NotGiven, TimeLimit
from sagemaker_plans._training.plan_reads import read_training_plan
from sagemaker_plans._training.reading import extension_pager
from sagemaker_plans._training.waiters import PlanAndExtensions, plan_active, plan_extended
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import DESCRIBE_TRAINING_PLAN
from sagemaker_plans.models import TrainingPlan, TrainingPlanExtension
from sagemaker_plans.models import _training_checks as plan_checks
from sagemaker_plans.models import _validation as checks


class TrainingPlanWaits:
    """The waits of ``client.training_plans``.

    Args:
        gateway: Sends the requests.
        retrier: Sends each poll when its turn comes.
        polling: How often waits poll, unless they get a schedule of their own.
        request_timeout: How long one attempt at one request may take, in seconds.
    """

    def __init__(
        self,
        gateway: Gateway,
        retrier: Retrier,
        *,
        polling: PollSchedule,
        request_timeout: float,
    ) -> None:
        self._polling = polling
        self._check_loop = retrier.check

        async def read_plan(requests: PollRetrier, name_or_arn: str) -> TrainingPlan:
            return await read_training_plan(gateway, requests, name_or_arn)

        async def read_both(requests: PollRetrier, arn: str) -> PlanAndExtensions:
            # The history first: a plan that is read after a payment went through shows it.
            extensions = await extension_pager(gateway, requests, arn).collect()
            return PlanAndExtensions(await read_training_plan(gateway, requests, arn), extensions)

        self._plan_polls = paced_polls(
            retrier, read_plan, kind="training plan", timeout=request_timeout
        )
        self._extension_polls = paced_polls(
            retrier, read_both, kind="extensions of training plan", timeout=request_timeout
        )

    @overload
    async def wait_until_active(
        self,
        name_or_arn: str,
        *,
        timeout: Duration | None,  # noqa: ASYNC109  # ends with an error of its own
        schedule: PollSchedule | None = None,
        on_poll: OnPoll[TrainingPlan] | None = None,
        on_poll_error: OnPollError | None = None,
    ) -> TrainingPlan: ...

    @overload
    async def wait_until_active(
        self,
        name_or_arn: str,
        *,
        until: datetime,
        schedule: PollSchedule | None = None,
        on_poll: OnPoll[TrainingPlan] | None = None,
        on_poll_error: OnPollError | None = None,
    ) -> TrainingPlan: ...

    async def wait_until_active(
        self,
        name_or_arn: str,
        *,
        timeout: Duration | NotGiven | None = NOT_GIVEN,  # noqa: ASYNC109  # ends with an error of its own
        until: datetime | None = None,
        schedule: PollSchedule | None = None,
        on_poll: OnPoll[TrainingPlan] | None = None,
        on_poll_error: OnPollError | None = None,
    ) -> TrainingPlan:
        """Wait until a training plan is Active, so that its capacity can be used.

        All waits that name a plan in the same way share their polls: together they cost one
        request per interval. Throttles, 5xx and lost connections do not end a wait.

        Args:
            name_or_arn: The plan's name or ARN.
            timeout: How long to wait, in seconds or as a timedelta; None for as long as
                it takes. A poll that begins at the deadline or later has the last word.
            until: A date, in place of ``timeout``: the wait may take the time that is left
                until then, as it is when the wait begins. It needs a time zone.
            schedule: How often to poll; None for the client's schedule.
            on_poll: Called with the plan after each poll. A coroutine function is awaited.
                An exception that it raises ends the wait.
            on_poll_error: Called with the error of each poll that failed. A coroutine
                function is awaited. An exception that it raises ends the wait.

        Returns:
            The plan, active.

        Raises:
            TrainingPlanEndedError: If the plan is Failed or Expired, even at the first poll.
            WaitTimeoutError: If the time is up. A status that this release does not know
                does not end the wait earlier.
            InvalidRequestError: If an argument is out of range.
            ResourceNotFoundError: If there is no such plan.
            AccessDeniedError: If the credentials do not allow reading the plan.
            ServiceError: If the service said no for another reason.
        """
        functions = {"on_poll": on_poll, "on_poll_error": on_poll_error}
        problems = [
            *plan_checks.training_plan_name_or_arn("name_or_arn", name_or_arn),
            *polling_problems(timeout, until, schedule, functions),
        ]
        checks.raise_for("wait_until_active", problems, operation=DESCRIBE_TRAINING_PLAN.name)
        self._check_loop()
        limit, polling = TimeLimit.of(timeout, until), schedule or self._polling
        shared = self._plan_polls.get(name_or_arn)
        wait = PolledWait[TrainingPlan](name_or_arn, shared, polling, limit, on_poll_error)
        return await plan_active(wait, on_poll=on_poll)

    @overload
    async def wait_until_extended(
        self,
        training_plan_arn: str,
        offering_id: str,
        *,
        timeout: Duration | None,  # noqa: ASYNC109  # ends with an error of its own
        schedule: PollSchedule | None = None,
        on_poll: OnPoll[TrainingPlanExtension] | None = None,
        on_poll_error: OnPollError | None = None,
    ) -> TrainingPlanExtension: ...

    @overload
    async def wait_until_extended(
        self,
        training_plan_arn: str,
        offering_id: str,
        *,
        until: datetime,
        schedule: PollSchedule | None = None,
        on_poll: OnPoll[TrainingPlanExtension] | None = None,
        on_poll_error: OnPollError | None = None,
    ) -> TrainingPlanExtension: ...

    async def wait_until_extended(
        self,
        training_plan_arn: str,
        offering_id: str,
        *,
        timeout: Duration | NotGiven | None = NOT_GIVEN,  # noqa: ASYNC109  # ends with an error of its own
        until: datetime | None = None,
        schedule: PollSchedule | None = None,
        on_poll: OnPoll[TrainingPlanExtension] | None = None,
        on_poll_error: OnPollError | None = None,
    ) -> TrainingPlanExtension:
        """Wait until an extension is paid for, and the plan ends no earlier than it says.

        Each poll reads the history and then the plan. All waits on the extensions of one plan
        share their polls. An extension that the history does not show yet is waited for.

        Args:
            training_plan_arn: The plan that was extended.
            offering_id: The offering that was bought (``tpeo-...``).
            timeout: How long to wait, in seconds or as a timedelta; None for as long as
                it takes. A poll that begins at the deadline or later has the last word.
            until: A date, in place of ``timeout``: the wait may take the time that is left
                until then, as it is when the wait begins. It needs a time zone.
            schedule: How often to poll; None for the client's schedule.
            on_poll: Called with the extension after each poll that shows it. A coroutine
                function is awaited. An exception that it raises ends the wait.
            on_poll_error: Called with the error of each poll that failed. A coroutine
                function is awaited. An exception that it raises ends the wait.

        Returns:
            The extension, paid for.

        Raises:
            PurchaseFailedError: If the service says that the extension or its payment failed.
            TrainingPlanEndedError: If the plan is Failed, or Expired without this extension.
            WaitTimeoutError: If the time is up. The message says how plan and payment stand.
            InvalidRequestError: If an argument is out of range.
            ResourceNotFoundError: If there is no such plan.
            AccessDeniedError: If the credentials do not allow reading the plan.
            ServiceError: If the service said no for another reason.
            PaginationError: If the pages of the history do not come to an end.
        """
        functions = {"on_poll": on_poll, "on_poll_error": on_poll_error}
        problems = [
            *checks.training_plan_arn("training_plan_arn", training_plan_arn),
            *checks.text("offering_id", offering_id),
            *polling_problems(timeout, until, schedule, functions),
        ]
        checks.raise_for("wait_until_extended", problems, operation=DESCRIBE_TRAINING_PLAN.name)
        self._check_loop()
        limit, polling = TimeLimit.of(timeout, until), schedule or self._polling
        arn = training_plan_arn
        shared = self._extension_polls.get(arn)
        wait = PolledWait[PlanAndExtensions](arn, shared, polling, limit, on_poll_error)
        return await plan_extended(wait, offering_id, on_poll=on_poll)
