"""Waits and rollouts that ended without what was waited for."""

from sagemaker_plans.errors._foundation import SageMakerPlansError
from sagemaker_plans.errors._late_import import models


class RolloutStoppedError(SageMakerPlansError):
    """A rollout has stopped before every stage was deployed.

    Args:
        message: Why it has stopped.
        report: What each stage did, what may still run, and the devices that failed.
    """

    report: "models.RolloutReport"
    """What each stage did, what may still run, and the devices that failed."""

    def __init__(self, message: str, *, report: "models.RolloutReport") -> None:
        super().__init__(message)
        self.report = report


class WaitError(SageMakerPlansError):
    """A wait ended before the expected status was reached.

    Args:
        message: Which status was read last, and what to do.
        last_seen: The stage or plan as it was read last.
        polls: How many polls this wait took part in.
        waited: How long the wait took, in seconds.
        plan_name: The name of the plan, or its ARN if the caller passed that.
        operation: The AWS operation that the wait repeats.
        plan: The edge deployment plan as it was read last, with all its stages.
    """

    plan_name: str | None
    """The name of the plan, or its ARN if the caller passed that."""
    last_seen: "models.Stage | models.EdgeDeploymentPlan | models.TrainingPlan | None"
    """The stage or plan as it was read last; None if it was never read."""
    plan: "models.EdgeDeploymentPlan | None"
    """The edge deployment plan as it was read last, with all its stages; None if it was never
    read, and for training plans."""
    polls: int
    """How many polls this wait took part in, failed ones included."""
    waited: float
    """How long the wait took, in seconds."""

    def __init__(
        self,
        message: str,
        *,
        last_seen: "models.Stage | models.EdgeDeploymentPlan | models.TrainingPlan | None",
        polls: int,
        waited: float,
        plan_name: str | None = None,
        operation: str = "DescribeEdgeDeploymentPlan",
        plan: "models.EdgeDeploymentPlan | None" = None,
    ) -> None:
        super().__init__(message, operation=operation)
        self.plan_name = plan_name
        self.last_seen = last_seen
        self.plan = plan
        self.polls = polls
        self.waited = waited


class StageFailedError(WaitError):
    """The stage ended as FAILED."""

    # Narrower than in WaitError: here it is always a stage.
    last_seen: "models.Stage"  # pyright: ignore[reportIncompatibleVariableOverride]  # a narrower type; it is never set again
    """The stage that failed, as it was read last; the first one, if the wait was for a plan.
    ``plan`` has all of them."""


class StageStoppedError(WaitError):
    """The stage ended as STOPPED."""

    # Narrower than in WaitError: here it is always a stage.
    last_seen: "models.Stage"  # pyright: ignore[reportIncompatibleVariableOverride]  # a narrower type; it is never set again
    """The stage that was stopped, as it was read last; the first one, if the wait was for a plan.
    ``plan`` has all of them."""


class StageNotFoundError(WaitError):
    """The plan has no such stage, or no longer has it."""

    # Narrower than in WaitError: here it is never a plan.
    last_seen: "models.Stage | None"  # pyright: ignore[reportIncompatibleVariableOverride]  # a narrower type; it is never set again
    """The stage as it was read last; None if it was never read, or if the whole plan was created
    again. ``plan`` is that new plan then."""


class StageNotStartedError(WaitError):
    """The stage stayed READYTODEPLOY for ``start_grace``, so it was not started."""

    # Narrower than in WaitError: here it is always a stage.
    last_seen: "models.Stage"  # pyright: ignore[reportIncompatibleVariableOverride]  # a narrower type; it is never set again
    """The stage as it was read last."""


class TrainingPlanEndedError(WaitError):
    """The training plan is Failed or Expired."""

    # Narrower than in WaitError: here it is always a training plan.
    last_seen: "models.TrainingPlan"  # pyright: ignore[reportIncompatibleVariableOverride]  # a narrower type; it is never set again
    """The training plan as it was read last."""


class WaitTimeoutError(WaitError, TimeoutError):
    """The wait's own deadline passed."""

    reading_age: float | None = None
    """How old the last reading was, in seconds; None if nothing was read."""
