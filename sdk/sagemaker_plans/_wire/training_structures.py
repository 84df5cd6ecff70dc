"""What the operations of training plans reply with, where that is no public model."""

import attrs

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
