"""The operations that this package calls, and how safe it is to send each again."""

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple


class Safety(Enum):
    """What sending an operation twice would do."""

    READ = "read"
    """Nothing: it only reads."""
    COMMAND = "command"
    """The same as sending it once."""
    CREATE = "create"
    """A second one is refused by its name; whether the first took effect can be seen."""
    PURCHASE = "purchase"
    """It spends money again, and cannot be undone."""


class Operation(NamedTuple):
    """An operation of the service.

    Args:
        name: AWS's name of it.
        method: The name of its method on a botocore client.
        safety: What sending it twice would do.
        members: The members that its requests may have here.
        pager: The member of its reply that is paged, if it has pages.
    """

    name: str
    method: str
    safety: Safety
    members: tuple[str, ...]
    pager: str | None = None


_PLAN_NAME: Final = "EdgeDeploymentPlanName"
_TRAINING_PLAN_ARN: Final = "TrainingPlanArn"
_OFFERING_ID: Final = "TrainingPlanExtensionOfferingId"
_PAGING: Final = ("MaxResults", "NextToken")

DESCRIBE_PLAN = Operation(
    "DescribeEdgeDeploymentPlan",
    "describe_edge_deployment_plan",
    Safety.READ,
    (_PLAN_NAME, *_PAGING),
    pager="Stages",
)
CREATE_PLAN = Operation(
    "CreateEdgeDeploymentPlan",
    "create_edge_deployment_plan",
    Safety.CREATE,
    (_PLAN_NAME, "ModelConfigs", "DeviceFleetName", "Stages", "Tags"),
)
START_STAGE = Operation(
    "StartEdgeDeploymentStage",
    "start_edge_deployment_stage",
    Safety.COMMAND,
    (_PLAN_NAME, "StageName"),
)
STOP_STAGE = Operation(
    "StopEdgeDeploymentStage",
    "stop_edge_deployment_stage",
    Safety.COMMAND,
    (_PLAN_NAME, "StageName"),
)
EXTEND_TRAINING_PLAN = Operation(
    "ExtendTrainingPlan", "extend_training_plan", Safety.PURCHASE, (_OFFERING_ID,)
)
SEARCH_OFFERINGS = Operation(
    "SearchTrainingPlanOfferings",
    "search_training_plan_offerings",
    Safety.READ,
    (_TRAINING_PLAN_ARN, "DurationHours"),
)
DESCRIBE_HISTORY = Operation(
    "DescribeTrainingPlanExtensionHistory",
    "describe_training_plan_extension_history",
    Safety.READ,
    (_TRAINING_PLAN_ARN, *_PAGING),
    pager="TrainingPlanExtensions",
)

OPERATIONS = (
    DESCRIBE_PLAN,
    CREATE_PLAN,
    START_STAGE,
    STOP_STAGE,
    EXTEND_TRAINING_PLAN,
    SEARCH_OFFERINGS,
    DESCRIBE_HISTORY,
)
"""All of them."""


def paged_request(
    key: str, value: str, page_size: int | None, token: str | None
) -> Mapping[str, object]:
    """Write the request for one page.

    Args:
        key: The member that names what is read.
        value: Its name.
        page_size: How many items a page has at most; None leaves it to the service.
        token: Where the page begins; None for the first.

    Returns:
        The members of the request.
    """
    members = {key: value, "MaxResults": page_size, "NextToken": token}
    return {member: content for member, content in members.items() if content is not None}
