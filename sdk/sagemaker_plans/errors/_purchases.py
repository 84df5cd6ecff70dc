"""Purchases and creates that failed, were refused, or are not known."""

from collections.abc import Mapping

from sagemaker_plans.errors._foundation import SageMakerPlansError
from sagemaker_plans.errors._late_import import models
from sagemaker_plans.errors._service import UnexpectedReplyError


class OutcomeUnknownError(SageMakerPlansError):
    """A create or a purchase may or may not have happened. The message says what to check.

    Args:
        message: What happened and what to check before trying again.
        operation: The AWS operation.
        offering_id: The offering of a purchase.
        training_plan_arn: The training plan of a purchase, if the caller named it.
        plan_name: The edge deployment plan of a create.
        reply: The whole reply, if one came.
    """

    reply: Mapping[str, object] | str | None
    """The whole reply, if one came: the parsed object, or the text if it was not JSON."""

    offering_id: str | None
    """The offering of a purchase."""

    training_plan_arn: str | None
    """The training plan of a purchase, if the caller named it."""

    plan_name: str | None
    """The edge deployment plan of a create."""

    def __init__(
        self,
        message: str,
        *,
        operation: str | None = None,
        offering_id: str | None = None,
        training_plan_arn: str | None = None,
        plan_name: str | None = None,
        reply: Mapping[str, object] | str | None = None,
    ) -> None:
        # Not super(): in PurchaseReplyError that would be UnexpectedReplyError, whose
        # arguments differ.
        SageMakerPlansError.__init__(self, message, operation=operation)
        self.reply = reply
        self.offering_id = offering_id
        self.training_plan_arn = training_plan_arn
        self.plan_name = plan_name


class PurchaseReplyError(OutcomeUnknownError, UnexpectedReplyError):
    """A purchase was answered with a success, but the reply cannot be read.

    The money is most likely spent: do not send the purchase again. ``reply`` has the
    whole reply. The message says that the purchase went through only if the reply came
    from the service itself, as a JSON object with a request id.

    Args:
        message: What happened and what to check.
        unread: The error that was raised when the reply was read.
        offering_id: The offering that was bought.
        training_plan_arn: The training plan, if the caller named it.
    """

    def __init__(
        self,
        message: str,
        *,
        unread: UnexpectedReplyError,
        offering_id: str,
        training_plan_arn: str | None,
    ) -> None:
        OutcomeUnknownError.__init__(
            self,
            message,
            operation=unread.operation,
            offering_id=offering_id,
            training_plan_arn=training_plan_arn,
            reply=unread.reply,
        )
        self.problems: tuple[str, ...] = unread.problems
        self.http_status: int | None = unread.http_status
        self.request_id: str | None = unread.request_id


class PurchaseRefusedError(SageMakerPlansError):
    """This package refused to buy; no purchase was sent.

    Args:
        message: Why the package refused, and what to do.
        offering_id: The offering that was not bought.
        training_plan_arn: The training plan, if the caller named it.
        operation: The AWS operation.
    """

    offering_id: str
    """The offering that was not bought."""

    training_plan_arn: str | None
    """The training plan, if the caller named it."""

    def __init__(
        self,
        message: str,
        *,
        offering_id: str,
        training_plan_arn: str | None,
        operation: str = "ExtendTrainingPlan",
    ) -> None:
        super().__init__(message, operation=operation)
        self.offering_id = offering_id
        self.training_plan_arn = training_plan_arn


class PurchaseFailedError(SageMakerPlansError):
    """An extension or a plan was bought, but the service says that it failed.

    Nothing was reserved. Ask AWS whether money was taken. The same offering cannot be bought
    again; search for a new one.

    Args:
        message: What the service says, and what to do now.
        extension: The extension that failed, as the service shows it.
        training_plan: The new plan that failed, as the service shows it.
        training_plan_arn: The training plan, if it is known.
        operation: The AWS operation.
    """

    extension: "models.TrainingPlanExtension"
    """What failed, as the service shows it. For a new plan, this is its whole time."""

    training_plan: "models.TrainingPlan | None"
    """The new plan that failed; None if it was an extension."""

    training_plan_arn: str | None
    """The training plan, if the caller named it."""

    def __init__(
        self,
        message: str,
        *,
        extension: "models.TrainingPlanExtension",
        training_plan: "models.TrainingPlan | None" = None,
        training_plan_arn: str | None = None,
        operation: str = "ExtendTrainingPlan",
    ) -> None:
        super().__init__(message, operation=operation)
        self.extension = extension
        self.training_plan = training_plan
        self.training_plan_arn = training_plan_arn


class CoverageError(SageMakerPlansError):
    """A training plan cannot be kept until a date: see the message for the reason.

    Args:
        message: What stands in the way, what was bought, and what can be done.
        training_plan_arn: The training plan.
        coverage: How far the plan reaches, and what was spent.
        choice: The offerings that were seen.
    """

    training_plan_arn: str
    """The training plan."""

    coverage: "models.Coverage | None"
    """How far the plan reaches, and what was spent; None if that is not known."""

    choice: "models.ExtensionChoice | None"
    """The offerings that were seen; None if none were searched."""

    def __init__(
        self,
        message: str,
        *,
        training_plan_arn: str,
        coverage: "models.Coverage | None" = None,
        choice: "models.ExtensionChoice | None" = None,
    ) -> None:
        super().__init__(message, operation="ExtendTrainingPlan")
        self.training_plan_arn = training_plan_arn
        self.coverage = coverage
        self.choice = choice


class PlanMismatchError(SageMakerPlansError):
    """A plan of that name exists, but it does not match the spec.

    Args:
        message: What differs.
        plan_name: The name that both plans have.
        differences: Each difference between the plan that exists and the spec.
        operation: The AWS operation.
    """

    plan_name: str
    """The name that both plans have."""

    differences: tuple[str, ...]
    """Each difference between the plan that exists and the spec."""

    def __init__(
        self,
        message: str,
        *,
        plan_name: str,
        differences: tuple[str, ...],
        operation: str = "CreateEdgeDeploymentPlan",
    ) -> None:
        super().__init__(message, operation=operation)
        self.plan_name = plan_name
        self.differences = differences
