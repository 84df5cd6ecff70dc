"""One wait on one plan: its arguments, its deadline, its readings, and the error that ends it."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NoReturn, TypeVar

from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.polls.polled_wait import (
    OnPoll,
    OnPollError,
    PolledWait,
    call,
    polling_problems,
)
from sagemaker_plans._engine.polls.readings import Interest, Reading
from sagemaker_plans._engine.polls.shared_polls import SharedPolls
from sagemaker_plans._engine.time_limit import TimeLimit
from sagemaker_plans.errors import StageNotFoundError, WaitError, WaitTimeoutError
from sagemaker_plans.models import EdgeDeploymentPlan, Stage, StageStatus
from sagemaker_plans.models import _validation as checks

__all__ = ["NOT_STARTED", "OnPoll", "OnPollError", "Wait", "call"]

ErrorT = TypeVar("ErrorT", bound=WaitError)

NOT_STARTED: Final = "READYTODEPLOY does not move by itself: start it with start_stage"


class Wait(PolledWait[EdgeDeploymentPlan]):
    """One wait on one plan: its deadline, and what it has read so far.

    Args:
        plan_name: The plan.
        shared: The polls that all waits on the plan share.
        schedule: How often to poll.
        limit: How long to wait. It counts from now.
        on_poll_error: Called with the error of each poll that failed.
    """

    # There may be thousands.
    __slots__ = ("_read_before", "_seen", "before", "created")

    def __init__(
        self,
        plan_name: str,
        shared: SharedPolls[EdgeDeploymentPlan],
        schedule: PollSchedule,
        limit: TimeLimit,
        on_poll_error: OnPollError | None,
    ) -> None:
        super().__init__(plan_name, shared, schedule, limit, on_poll_error)
        self.created: datetime | None = None
        """When the plan was created, as it was read first."""
        self.before: EdgeDeploymentPlan | None = None
        """The plan as this wait saw it before it saw it last; None at the first time."""
        self._seen: EdgeDeploymentPlan | None = None
        self._read_before: EdgeDeploymentPlan | None = None

    @property
    def plan(self) -> EdgeDeploymentPlan | None:
        """The plan as it was read last during the wait, whether or not that changed anything."""
        return self.last_read

    async def next_plan(
        self, interest: Interest[EdgeDeploymentPlan], *, wake_at: float = math.inf
    ) -> EdgeDeploymentPlan | None:
        """Wait for the next reading that changes something.

        Args:
            interest: The readings to wait for.
            wake_at: Poll at this time, unless another wait has polled by then.

        Returns:
            The plan. None if it could not be read, but may be readable later.

        Raises:
            StageNotFoundError: If the plan was deleted, and another one now has its name.
            SageMakerPlansError: If another poll would fail as well: access denied, say.
        """
        reading = await self.next_reading(interest, wake_at=wake_at)
        return None if reading is None else self._checked_plan(reading)

    def _checked_plan(self, reading: Reading[EdgeDeploymentPlan]) -> EdgeDeploymentPlan:
        plan = reading.good_value
        self.before, self._seen = self._seen, plan
        self._read_before = reading.before
        before, self.created = self.created, self.created or plan.creation_time
        if before is not None and plan.creation_time not in {None, before}:
            raise self.error(
                StageNotFoundError,
                f"plan {self.plan_name} was deleted and created again at {plan.creation_time}; "
                "what was waited for is gone",
                None,
            )
        return plan

    def last_seen(self, stage: Stage) -> Stage:
        """Find a stage that is gone as it was read last.

        Args:
            stage: The stage as this wait saw it.

        Returns:
            The stage. Others may have read it since: a wait does not see every reading.
        """
        return (self._read_before and find_stage(self._read_before, stage.name)) or stage

    def error(
        self, cls: type[ErrorT], message: str, last_seen: Stage | EdgeDeploymentPlan | None
    ) -> ErrorT:
        """Make the error that ends this wait.

        Args:
            cls: The class of the error.
            message: What was seen and what to do.
            last_seen: The stage or plan as it was read last.

        Returns:
            The error.
        """
        return cls(
            message,
            last_seen=last_seen,
            polls=self.polls,
            waited=self.waited,
            plan_name=self.plan_name,
            plan=self.plan,
        )

    def time_out(
        self, what: str, stages: tuple[Stage, ...], last_seen: Stage | EdgeDeploymentPlan | None
    ) -> NoReturn:
        """End this wait at its deadline.

        Args:
            what: What was waited for.
            stages: The stages concerned, as they were read last.
            last_seen: The stage or plan that goes into the error.

        Raises:
            WaitTimeoutError: Always. If the last poll failed, that failure is its cause.
        """
        # Made elsewhere: a frame that holds the error it raises is freed late, and so is all
        # that the wait has kept.
        raise self._timeout_error(what, stages, last_seen)

    def _timeout_error(
        self, what: str, stages: tuple[Stage, ...], last_seen: Stage | EdgeDeploymentPlan | None
    ) -> WaitTimeoutError:
        timeout = self.timeout()
        seen = "; ".join(map(status_text, stages)) or "nothing was read"
        advice = [
            sentence
            for sentence in (
                NOT_STARTED if any(map(is_ready_to_deploy, stages)) else "",
                "a status is unknown to this release, which may be the reason"
                if any(stage.status.is_unknown for stage in stages)
                else "",
            )
            if sentence
        ]
        error = self.error(
            WaitTimeoutError,
            f"{what} did not happen {self.limit} ({self.polls} poll{'s' * (self.polls != 1)}): "
            + "; ".join([seen, *advice, *timeout.advice]),
            last_seen,
        )
        error.reading_age = timeout.age
        error.__cause__ = timeout.failure
        return error


def find_stage(plan: EdgeDeploymentPlan, name: str) -> Stage | None:
    """Find a stage.

    Args:
        plan: The plan.
        name: The name of the stage.

    Returns:
        The stage; None if the plan has none of that name.
    """
    return next((stage for stage in plan.stages if stage.name == name), None)


def is_ready_to_deploy(stage: Stage) -> bool:
    """Tell whether a stage can be started.

    Args:
        stage: The stage.

    Returns:
        Whether it is READYTODEPLOY.
    """
    return stage.status is StageStatus.READYTODEPLOY


def status_text(stage: Stage) -> str:
    """Tell how a stage stands.

    Args:
        stage: The stage.

    Returns:
        The status, the service's words and the counts of devices.
    """
    counts = stage.devices
    message = f" ({stage.status_message})" if stage.status_message else ""
    return (
        f"stage {stage.name} is {stage.status}{message}, devices: {counts.succeeded} succeeded, "
        f"{counts.pending} pending, {counts.failed} failed"
    )


def wait_problems(
    names: Mapping[str, object],
    timeout: object,
    until: object,
    schedule: object,
    functions: Mapping[str, object],
) -> list[str]:
    """Check the arguments that waits take.

    Args:
        names: The names that were passed, of a plan and perhaps of a stage, by argument.
        timeout: How long to wait.
        until: The date to wait until.
        schedule: How often to poll.
        functions: The functions to call after polls, by argument.

    Returns:
        Each problem.
    """
    problems = [problem for each in names.items() for problem in checks.name(*each)]
    return problems + polling_problems(timeout, until, schedule, functions)
