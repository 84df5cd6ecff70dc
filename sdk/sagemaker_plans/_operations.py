"""The operations that this package calls, and how safe it is to send each again."""

from enum import Enum

from attrs import frozen


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


@frozen
class Operation:
    """An operation of the service.

    Args:
        name: AWS's name of it.
        method: The name of its method on a botocore client.
        safety: What sending it twice would do.
        pager: The member of its reply that is paged, if it has pages.
    """

    name: str
    method: str
    safety: Safety
    pager: str | None = None


DESCRIBE_PLAN = Operation(
    "DescribeEdgeDeploymentPlan", "describe_edge_deployment_plan", Safety.READ, "Stages"
)
CREATE_PLAN = Operation("CreateEdgeDeploymentPlan", "create_edge_deployment_plan", Safety.CREATE)
START_STAGE = Operation("StartEdgeDeploymentStage", "start_edge_deployment_stage", Safety.COMMAND)
STOP_STAGE = Operation("StopEdgeDeploymentStage", "stop_edge_deployment_stage", Safety.COMMAND)
EXTEND_TRAINING_PLAN = Operation("ExtendTrainingPlan", "extend_training_plan", Safety.PURCHASE)
SEARCH_OFFERINGS = Operation(
    "SearchTrainingPlanOfferings", "search_training_plan_offerings", Safety.READ
)
DESCRIBE_HISTORY = Operation(
    "DescribeTrainingPlanExtensionHistory",
    "describe_training_plan_extension_history",
    Safety.READ,
    "TrainingPlanExtensions",
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
