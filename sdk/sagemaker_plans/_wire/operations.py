"""The operations that this package calls, and how safe it is to send each again."""

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple


class Safety(Enum):
    """What happens if an operation is sent twice."""

    READ = "read"
    """Nothing happens, because the operation only reads."""
    COMMAND = "command"
    """The effect is the same as if it was sent once."""
    DELETE = "delete"
    """The service does not find what the second request is to delete. If the first request may
    have had its effect, that means that it had."""
    CREATE = "create"
    """The service rejects the second request, because the name is taken. A read shows whether
    the first request took effect."""
    PURCHASE = "purchase"
    """The second request spends money again, and cannot be undone."""


_SENT_ONCE: Final = frozenset({Safety.CREATE, Safety.PURCHASE})


class Operation(NamedTuple):
    """An operation of the service.

    Args:
        name: AWS's name of the operation.
        method: The name of its method on a botocore client.
        safety: What happens if it is sent twice.
        members: The members that this package sends in its requests.
        pager: The member of its reply that is split into pages; None if there are no pages.
    """

    name: str
    method: str
    safety: Safety
    members: tuple[str, ...]
    pager: str | None = None

    @property
    def is_sent_once(self) -> bool:
        """Whether it creates or buys: then its request is sent once, on its own connection."""
        return self.safety in _SENT_ONCE


_PLAN_NAME: Final = "EdgeDeploymentPlanName"
_TRAINING_PLAN_ARN: Final = "TrainingPlanArn"
_TRAINING_PLAN_NAME: Final = "TrainingPlanName"
_RESERVED_CAPACITY_ARN: Final = "ReservedCapacityArn"
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
CREATE_STAGES = Operation(
    "CreateEdgeDeploymentStage",
    "create_edge_deployment_stage",
    Safety.CREATE,
    (_PLAN_NAME, "Stages"),
)
DELETE_STAGE = Operation(
    "DeleteEdgeDeploymentStage",
    "delete_edge_deployment_stage",
    Safety.DELETE,
    (_PLAN_NAME, "StageName"),
)
DELETE_PLAN = Operation(
    "DeleteEdgeDeploymentPlan", "delete_edge_deployment_plan", Safety.DELETE, (_PLAN_NAME,)
)
LIST_PLANS = Operation(
    "ListEdgeDeploymentPlans",
    "list_edge_deployment_plans",
    Safety.READ,
    (
        "NameContains",
        "DeviceFleetNameContains",
        "CreationTimeAfter",
        "CreationTimeBefore",
        "LastModifiedTimeAfter",
        "LastModifiedTimeBefore",
        "SortBy",
        "SortOrder",
        *_PAGING,
    ),
    pager="EdgeDeploymentPlanSummaries",
)
LIST_STAGE_DEVICES = Operation(
    "ListStageDevices",
    "list_stage_devices",
    Safety.READ,
    (_PLAN_NAME, "StageName", "ExcludeDevicesDeployedInOtherStage", *_PAGING),
    pager="DeviceDeploymentSummaries",
)
EXTEND_TRAINING_PLAN = Operation(
    "ExtendTrainingPlan", "extend_training_plan", Safety.PURCHASE, (_OFFERING_ID,)
)
SEARCH_OFFERINGS = Operation(
    "SearchTrainingPlanOfferings",
    "search_training_plan_offerings",
    Safety.READ,
    (
        *("InstanceType", "InstanceCount", "UltraServerType", "UltraServerCount"),
        *("StartTimeAfter", "EndTimeBefore", "DurationHours", "TargetResources"),
        _TRAINING_PLAN_ARN,
    ),
)
DESCRIBE_HISTORY = Operation(
    "DescribeTrainingPlanExtensionHistory",
    "describe_training_plan_extension_history",
    Safety.READ,
    (_TRAINING_PLAN_ARN, *_PAGING),
    pager="TrainingPlanExtensions",
)
DESCRIBE_TRAINING_PLAN = Operation(
    "DescribeTrainingPlan", "describe_training_plan", Safety.READ, (_TRAINING_PLAN_NAME,)
)
LIST_TRAINING_PLANS = Operation(
    "ListTrainingPlans",
    "list_training_plans",
    Safety.READ,
    ("StartTimeAfter", "StartTimeBefore", "SortBy", "SortOrder", "Filters", *_PAGING),
    pager="TrainingPlanSummaries",
)
CREATE_TRAINING_PLAN = Operation(
    "CreateTrainingPlan",
    "create_training_plan",
    Safety.PURCHASE,
    (
        *(_TRAINING_PLAN_NAME, "TrainingPlanOfferingId"),
        *("SpareInstanceCountPerUltraServer", "Tags"),
    ),
)
DESCRIBE_RESERVED_CAPACITY = Operation(
    "DescribeReservedCapacity",
    "describe_reserved_capacity",
    Safety.READ,
    (_RESERVED_CAPACITY_ARN,),
)
LIST_ULTRA_SERVERS = Operation(
    "ListUltraServersByReservedCapacity",
    "list_ultra_servers_by_reserved_capacity",
    Safety.READ,
    (_RESERVED_CAPACITY_ARN, *_PAGING),
    pager="UltraServers",
)

OPERATIONS = (
    DESCRIBE_PLAN,
    CREATE_PLAN,
    START_STAGE,
    STOP_STAGE,
    CREATE_STAGES,
    DELETE_STAGE,
    DELETE_PLAN,
    LIST_PLANS,
    LIST_STAGE_DEVICES,
    EXTEND_TRAINING_PLAN,
    SEARCH_OFFERINGS,
    DESCRIBE_HISTORY,
    DESCRIBE_TRAINING_PLAN,
    LIST_TRAINING_PLANS,
    CREATE_TRAINING_PLAN,
    DESCRIBE_RESERVED_CAPACITY,
    LIST_ULTRA_SERVERS,
)
"""All operations of this package."""


def paged_request(
    key: str, value: str, page_size: int | None, token: str | None
) -> Mapping[str, object]:
    """Write the request for one page.

    Args:
        key: The member that identifies what to read.
        value: The value of that member: a name or an ARN.
        page_size: How many items a page has at most; None for the service's default.
        token: The token of the page; None for the first page.

    Returns:
        The members of the request.
    """
    members = {key: value, "MaxResults": page_size, "NextToken": token}
    return {member: content for member, content in members.items() if content is not None}
