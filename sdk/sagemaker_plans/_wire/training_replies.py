"""Reads the reply of each operation of training plans into a model."""

import attrs

from sagemaker_plans._wire.replies import read_as
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.models import (
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
    TrainingPlanOffering,
)
from sagemaker_plans.models._wire_form import wire


@attrs.frozen
class CreatedTrainingPlan:
    """The reply to CreateTrainingPlan."""

    arn: str = attrs.field(metadata=wire("TrainingPlanArn"))
    """The ARN of the new training plan."""


@attrs.frozen
class Extended:
    """The reply to ExtendTrainingPlan."""

    extensions: tuple[TrainingPlanExtension, ...] = attrs.field(
        metadata=wire("TrainingPlanExtensions")
    )
    """All extensions of the plan."""


@attrs.frozen
class Offerings:
    """The reply to SearchTrainingPlanOfferings, for extensions of a plan."""

    training_plan_offerings: tuple[object, ...]
    """Offerings of new plans. The member is required, but its items are not read."""
    training_plan_extension_offerings: tuple[TrainingPlanExtensionOffering, ...] = ()
    """Offerings of extensions."""


@attrs.frozen
class PlanOfferings:
    """The reply to SearchTrainingPlanOfferings, for new plans. Nothing else of it is read."""

    training_plan_offerings: tuple[TrainingPlanOffering, ...]
    """Offerings of new plans."""


def read_extended(reply: Reply) -> tuple[TrainingPlanExtension, ...]:
    """Read a reply of ExtendTrainingPlan.

    Args:
        reply: The reply.

    Returns:
        All extensions of the plan.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    return read_as(Extended, reply).extensions


def read_offerings(reply: Reply) -> tuple[TrainingPlanExtensionOffering, ...]:
    """Read a reply of SearchTrainingPlanOfferings.

    Args:
        reply: The reply.

    Returns:
        The extension offerings.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    return read_as(Offerings, reply).training_plan_extension_offerings


def read_plan_offerings(reply: Reply) -> tuple[TrainingPlanOffering, ...]:
    """Read a reply of SearchTrainingPlanOfferings.

    Args:
        reply: The reply.

    Returns:
        The offerings of new training plans.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    return read_as(PlanOfferings, reply).training_plan_offerings


def read_created_training_plan(reply: Reply) -> str:
    """Read a reply of CreateTrainingPlan.

    Args:
        reply: The reply.

    Returns:
        The new training plan's ARN.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    return read_as(CreatedTrainingPlan, reply).arn
