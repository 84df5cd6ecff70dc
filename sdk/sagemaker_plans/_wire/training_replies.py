"""Reads the reply of each operation of training plans into a model."""

from sagemaker_plans._wire.replies import read_as
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans._wire.training_structures import (
    CreatedTrainingPlan,
    Extended,
    Offerings,
    PlanOfferings,
)
from sagemaker_plans.models import (
    ExtensionPage,
    ReservedCapacity,
    TrainingPlan,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
    TrainingPlanOffering,
    TrainingPlanPage,
    UltraServerPage,
)


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


def read_extension_page(reply: Reply) -> ExtensionPage:
    """Read a reply of DescribeTrainingPlanExtensionHistory.

    Args:
        reply: The reply.

    Returns:
        One page of extensions.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    return read_as(ExtensionPage, reply)


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


def read_training_plan(reply: Reply) -> TrainingPlan:
    """Read a reply of DescribeTrainingPlan.

    Args:
        reply: The reply.

    Returns:
        The training plan.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    return read_as(TrainingPlan, reply)


def read_training_plan_page(reply: Reply) -> TrainingPlanPage:
    """Read a reply of ListTrainingPlans.

    Args:
        reply: The reply.

    Returns:
        One page of training plans.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    return read_as(TrainingPlanPage, reply)


def read_reserved_capacity(reply: Reply) -> ReservedCapacity:
    """Read a reply of DescribeReservedCapacity.

    Args:
        reply: The reply.

    Returns:
        The reserved capacity.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    return read_as(ReservedCapacity, reply)


def read_ultra_server_page(reply: Reply) -> UltraServerPage:
    """Read a reply of ListUltraServersByReservedCapacity.

    Args:
        reply: The reply.

    Returns:
        One page of UltraServers.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    return read_as(UltraServerPage, reply)
