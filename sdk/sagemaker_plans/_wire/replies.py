"""What the replies of each operation are read as.

What reads is imported with the first reply: a program that only imports the package does
not pay for it.
"""

from collections.abc import Mapping
from typing import TypeVar, cast

from sagemaker_plans import models
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import UnexpectedReplyError
from sagemaker_plans.models._validation import shown

S = TypeVar("S")


def _read_reply(cls: type[S], reply: Reply) -> S:
    from sagemaker_plans._wire.converter import MisfitsError, read_shape

    try:
        return read_shape(cls, reply.body)
    except MisfitsError as error:
        raise unexpected(reply, error.problems) from error


def unexpected(reply: Reply, problems: tuple[str, ...]) -> UnexpectedReplyError:
    """Make the error for a reply that does not fit, with the whole reply in it.

    Args:
        reply: The reply.
        problems: What does not fit; not used where the reply is no JSON object at all.

    Returns:
        The error.
    """
    import json

    whole: object = dict(reply.body)
    if reply.text is not None:
        try:
            whole = json.loads(reply.text)
        except (ValueError, RecursionError):
            whole = None
    if not isinstance(whole, dict):
        problems = (f"reply: expected a JSON object, got {shown(reply.text)}",)
        whole = reply.text
    return UnexpectedReplyError(
        f"the reply to {reply.operation.name} does not fit the service's model",
        problems=problems,
        reply=cast("Mapping[str, object] | str", whole),
        operation=reply.operation.name,
        http_status=reply.http_status,
        request_id=reply.request_id,
    )


def read_stage_page(reply: Reply) -> models.StagePage:
    """Read a reply of DescribeEdgeDeploymentPlan.

    Args:
        reply: The reply.

    Returns:
        The plan's header and one page of stages.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    from sagemaker_plans._wire import edge_shapes as shapes

    return _read_reply(shapes.PlanShape, reply).page()


def read_created(reply: Reply) -> str:
    """Read a reply of CreateEdgeDeploymentPlan.

    Args:
        reply: The reply.

    Returns:
        The new plan's ARN.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    from sagemaker_plans._wire import edge_shapes as shapes

    return _read_reply(shapes.CreatedShape, reply).EdgeDeploymentPlanArn


def read_done(reply: Reply) -> None:
    """Read a reply that has no members, of StartEdgeDeploymentStage or its like.

    Args:
        reply: The reply.

    Raises:
        UnexpectedReplyError: If something came that is neither empty nor an object: then
            it was not the service that answered.
    """
    import json

    if reply.text is None or not reply.text.strip():
        return
    try:
        fits = isinstance(json.loads(reply.text), dict)
    except (ValueError, RecursionError):
        fits = False
    if not fits:
        raise unexpected(reply, ())


def read_extended(reply: Reply) -> tuple[models.TrainingPlanExtension, ...]:
    """Read a reply of ExtendTrainingPlan.

    Args:
        reply: The reply.

    Returns:
        All extensions of the plan.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    from sagemaker_plans._wire import training_shapes as shapes

    shape = _read_reply(shapes.ExtendedShape, reply)
    return tuple(extension.model() for extension in shape.TrainingPlanExtensions)


def read_extension_page(reply: Reply) -> models.ExtensionPage:
    """Read a reply of DescribeTrainingPlanExtensionHistory.

    Args:
        reply: The reply.

    Returns:
        One page of extensions.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    from sagemaker_plans._wire import training_shapes as shapes

    return _read_reply(shapes.HistoryShape, reply).page()


def read_offerings(reply: Reply) -> tuple[models.TrainingPlanExtensionOffering, ...]:
    """Read a reply of SearchTrainingPlanOfferings.

    Args:
        reply: The reply.

    Returns:
        The extension offerings.

    Raises:
        UnexpectedReplyError: If the reply does not fit.
    """
    from sagemaker_plans._wire import training_shapes as shapes

    shape = _read_reply(shapes.OfferingsShape, reply)
    return tuple(offering.model() for offering in shape.TrainingPlanExtensionOfferings or ())
