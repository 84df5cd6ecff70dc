"""Finds where this package and the service's own model differ.

A difference is one sentence; what is deliberate is listed in ``test_drift.py``.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeGuard, cast, get_args, get_origin

import attrs
from botocore import xform_name
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from sagemaker_plans._edge import listing, plan_reads
from sagemaker_plans._training import plan_reads as training_plan_reads
from sagemaker_plans._training import training_plans
from sagemaker_plans._transport.service_errors import error_class
from sagemaker_plans._wire.operations import CREATE_PLAN, OPERATIONS, Operation
from sagemaker_plans._wire.structures import (
    Created,
    Structure,
    Tag,
    Tags,
    structure_of,
)
from sagemaker_plans._wire.training_replies import (
    CreatedTrainingPlan,
    Extended,
    Offerings,
    PlanOfferings,
)
from sagemaker_plans.errors import (
    ConflictError,
    ResourceInUseError,
    ResourceLimitExceededError,
    ResourceNotFoundError,
    ServiceError,
)
from sagemaker_plans.models import (
    DeviceSelectionConfig,
    EdgeDeploymentPlanSpec,
    EdgeDeploymentPlanSummary,
    ExtensionPage,
    ModelConfig,
    PlanSummaryPage,
    ReservedCapacity,
    ReservedCapacityOffering,
    ReservedCapacitySummary,
    Stage,
    StageDevice,
    StageDevicePage,
    StagePage,
    StageSpec,
    TrainingPlan,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
    TrainingPlanOffering,
    TrainingPlanPage,
    UltraServer,
    UltraServerPage,
    UltraServerSummary,
    _training_checks,
    _validation,
)
from sagemaker_plans.models._enums import OpenEnum

Bounds = Mapping[str, object]

SENT: Final[Mapping[str, Mapping[str, bool]]] = {
    "DescribeEdgeDeploymentPlanRequest": {
        "EdgeDeploymentPlanName": True,
        "MaxResults": False,
        "NextToken": False,
    },
    "CreateEdgeDeploymentStageRequest": {"EdgeDeploymentPlanName": True, "Stages": True},
    "DeleteEdgeDeploymentPlanRequest": {"EdgeDeploymentPlanName": True},
    "DeleteEdgeDeploymentStageRequest": {"EdgeDeploymentPlanName": True, "StageName": True},
    "ListEdgeDeploymentPlansRequest": dict.fromkeys(
        (
            *("NameContains", "DeviceFleetNameContains", "CreationTimeAfter"),
            *("CreationTimeBefore", "LastModifiedTimeAfter", "LastModifiedTimeBefore"),
            *("SortBy", "SortOrder", "MaxResults", "NextToken"),
        ),
        False,
    ),
    "ListStageDevicesRequest": {
        "EdgeDeploymentPlanName": True,
        "StageName": True,
        "ExcludeDevicesDeployedInOtherStage": False,
        "MaxResults": False,
        "NextToken": False,
    },
    "StartEdgeDeploymentStageRequest": {"EdgeDeploymentPlanName": True, "StageName": True},
    "StopEdgeDeploymentStageRequest": {"EdgeDeploymentPlanName": True, "StageName": True},
    "ExtendTrainingPlanRequest": {"TrainingPlanExtensionOfferingId": True},
    "SearchTrainingPlanOfferingsRequest": {
        "DurationHours": False,
        "EndTimeBefore": False,
        "InstanceCount": False,
        "InstanceType": False,
        "StartTimeAfter": False,
        "TargetResources": False,
        "TrainingPlanArn": False,
        "UltraServerCount": False,
        "UltraServerType": False,
    },
    "DescribeTrainingPlanRequest": {"TrainingPlanName": True},
    "ListTrainingPlansRequest": {
        "Filters": False,
        "MaxResults": False,
        "NextToken": False,
        "SortBy": False,
        "SortOrder": False,
        "StartTimeAfter": False,
        "StartTimeBefore": False,
    },
    "CreateTrainingPlanRequest": {
        "SpareInstanceCountPerUltraServer": False,
        "Tags": False,
        "TrainingPlanName": True,
        "TrainingPlanOfferingId": True,
    },
    "DescribeReservedCapacityRequest": {"ReservedCapacityArn": True},
    "ListUltraServersByReservedCapacityRequest": {
        "MaxResults": False,
        "NextToken": False,
        "ReservedCapacityArn": True,
    },
    "DescribeTrainingPlanExtensionHistoryRequest": {
        "MaxResults": False,
        "NextToken": False,
        "TrainingPlanArn": True,
    },
}
"""The members of each request that has no model, and whether each is required."""

ERRORS: Final[Mapping[str, type[ServiceError]]] = {
    "ConflictException": ConflictError,
    "ResourceInUse": ResourceInUseError,
    "ResourceLimitExceeded": ResourceLimitExceededError,
    "ResourceNotFound": ResourceNotFoundError,
}
"""The class of this package for every error in the service's model."""

REPLIES: Final[Mapping[str, type[Any]]] = {
    "DescribeEdgeDeploymentPlan": StagePage,
    "CreateEdgeDeploymentPlan": Created,
    "ListEdgeDeploymentPlans": PlanSummaryPage,
    "ListStageDevices": StageDevicePage,
    "ExtendTrainingPlan": Extended,
    "SearchTrainingPlanOfferings": Offerings,
    "DescribeTrainingPlanExtensionHistory": ExtensionPage,
    "DescribeTrainingPlan": TrainingPlan,
    "ListTrainingPlans": TrainingPlanPage,
    "CreateTrainingPlan": CreatedTrainingPlan,
    "DescribeReservedCapacity": ReservedCapacity,
    "ListUltraServersByReservedCapacity": UltraServerPage,
}
"""The class as which the reply of each operation is read, if it has members."""

ALSO: Final[Mapping[str, type[Any]]] = {"SearchTrainingPlanOfferings": PlanOfferings}
"""Another class as which the reply of an operation is read, for another purpose."""

REQUESTS: Final[Mapping[str, type[Any]]] = {CREATE_PLAN.name: EdgeDeploymentPlanSpec}
"""The model from which the request of each operation is written, if there is one."""

NAMES: Final[Mapping[tuple[type[Any], str], str]] = {
    (Created, ""): "CreateEdgeDeploymentPlanResponse",
    (CreatedTrainingPlan, ""): "CreateTrainingPlanResponse",
    (DeviceSelectionConfig, ""): "DeviceSelectionConfig",
    (EdgeDeploymentPlanSpec, ""): "CreateEdgeDeploymentPlanRequest",
    (Extended, ""): "ExtendTrainingPlanResponse",
    (ExtensionPage, ""): "DescribeTrainingPlanExtensionHistoryResponse",
    (EdgeDeploymentPlanSummary, ""): "EdgeDeploymentPlanSummary",
    (ModelConfig, ""): "EdgeDeploymentModelConfig",
    (Offerings, ""): "SearchTrainingPlanOfferingsResponse",
    (PlanOfferings, ""): "SearchTrainingPlanOfferingsResponse",
    (ReservedCapacity, ""): "DescribeReservedCapacityResponse",
    (ReservedCapacityOffering, ""): "ReservedCapacityOffering",
    (ReservedCapacitySummary, ""): "ReservedCapacitySummary",
    (PlanSummaryPage, ""): "ListEdgeDeploymentPlansResponse",
    (Stage, ""): "DeploymentStageStatusSummary",
    (Stage, "DeploymentConfig"): "EdgeDeploymentConfig",
    (Stage, "DeploymentStatus"): "EdgeDeploymentStatus",
    (StageDevice, ""): "DeviceDeploymentSummary",
    (StageDevicePage, ""): "ListStageDevicesResponse",
    (StagePage, ""): "DescribeEdgeDeploymentPlanResponse",
    (StageSpec, ""): "DeploymentStage",
    (StageSpec, "DeploymentConfig"): "EdgeDeploymentConfig",
    (Tag, ""): "Tag",
    (TrainingPlan, ""): "DescribeTrainingPlanResponse",
    (TrainingPlanExtension, ""): "TrainingPlanExtension",
    (TrainingPlanExtensionOffering, ""): "TrainingPlanExtensionOffering",
    (TrainingPlanOffering, ""): "TrainingPlanOffering",
    (TrainingPlanPage, ""): "ListTrainingPlansResponse",
    (UltraServer, ""): "UltraServer",
    (UltraServerPage, ""): "ListUltraServersByReservedCapacityResponse",
    (UltraServerSummary, ""): "UltraServerSummary",
}
"""AWS's name of each structure that is read or sent: that of a model, or of a place in one."""

_NAME: Final[Bounds] = {"min": 1, "max": 63, "pattern": "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"}
_PART_OF_NAME: Final[Bounds] = {"min": 1, "max": 63, "pattern": r"[a-zA-Z0-9\-]+"}
_TAG_PATTERN: Final = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"
_TRAINING_PLAN_ARN: Final[Bounds] = {
    "min": _validation.MIN_TRAINING_PLAN_ARN,
    "max": _validation.MAX_TRAINING_PLAN_ARN,
    "pattern": _validation._TRAINING_PLAN_ARN.pattern,
}
_CAPACITY_ARN: Final[Bounds] = {
    **_TRAINING_PLAN_ARN,
    "pattern": _training_checks._RESERVED_CAPACITY_ARN.pattern,
}
_LISTED: Final[Bounds] = {"min": 1, "max": training_plan_reads.MAX_PAGE_SIZE}
_TOKEN: Final[Bounds] = {"min": 1, "max": _validation.MAX_TOKEN, "pattern": ".*"}

CHECKED: Final[Mapping[str, Bounds]] = {
    "CreateEdgeDeploymentPlanRequest.EdgeDeploymentPlanName": _NAME,
    "CreateEdgeDeploymentPlanRequest.DeviceFleetName": _NAME,
    "CreateEdgeDeploymentPlanRequest.Stages": {"max": _validation.MAX_STAGES},
    "CreateEdgeDeploymentPlanRequest.Tags": {"min": 0, "max": _validation.MAX_TAGS},
    "EdgeDeploymentModelConfig.ModelHandle": _NAME,
    "EdgeDeploymentModelConfig.EdgePackagingJobName": _NAME,
    "DeploymentStage.StageName": _NAME,
    "DeviceSelectionConfig.Percentage": {"min": 1, "max": 100},
    "DeviceSelectionConfig.DeviceNames": {"min": 1},
    "DeviceSelectionConfig.DeviceNames[]": _NAME,
    "DeviceSelectionConfig.DeviceNameContains": _NAME,
    "Tag.Key": {"min": 1, "max": _validation.MAX_TAG_KEY, "pattern": _TAG_PATTERN},
    "Tag.Value": {"min": 0, "max": _validation.MAX_TAG_VALUE, "pattern": _TAG_PATTERN},
    "DescribeEdgeDeploymentPlanRequest.EdgeDeploymentPlanName": _NAME,
    "DescribeEdgeDeploymentPlanRequest.MaxResults": {
        "min": 1,
        "max": plan_reads._MAX_PAGE_SIZE,
    },
    "DescribeEdgeDeploymentPlanRequest.NextToken": _TOKEN,
    "CreateEdgeDeploymentStageRequest.EdgeDeploymentPlanName": _NAME,
    "CreateEdgeDeploymentStageRequest.Stages": {"max": _validation.MAX_STAGES},
    "DeleteEdgeDeploymentPlanRequest.EdgeDeploymentPlanName": _NAME,
    "DeleteEdgeDeploymentStageRequest.EdgeDeploymentPlanName": _NAME,
    "DeleteEdgeDeploymentStageRequest.StageName": _NAME,
    "ListEdgeDeploymentPlansRequest.NameContains": _PART_OF_NAME,
    "ListEdgeDeploymentPlansRequest.DeviceFleetNameContains": _PART_OF_NAME,
    "ListEdgeDeploymentPlansRequest.MaxResults": {"min": 1, "max": listing.LIST_PAGE_SIZE},
    "ListEdgeDeploymentPlansRequest.NextToken": _TOKEN,
    "ListStageDevicesRequest.EdgeDeploymentPlanName": _NAME,
    "ListStageDevicesRequest.StageName": _NAME,
    "ListStageDevicesRequest.MaxResults": {"min": 1, "max": listing.LIST_PAGE_SIZE},
    "ListStageDevicesRequest.NextToken": _TOKEN,
    "StartEdgeDeploymentStageRequest.EdgeDeploymentPlanName": _NAME,
    "StartEdgeDeploymentStageRequest.StageName": _NAME,
    "StopEdgeDeploymentStageRequest.EdgeDeploymentPlanName": _NAME,
    "StopEdgeDeploymentStageRequest.StageName": _NAME,
    "SearchTrainingPlanOfferingsRequest.DurationHours": {
        "min": 1,
        "max": _validation.MAX_DURATION_HOURS,
    },
    "SearchTrainingPlanOfferingsRequest.InstanceCount": {
        "min": 0,
        "max": _training_checks.MAX_INSTANCES,
    },
    "SearchTrainingPlanOfferingsRequest.TargetResources": {"min": 1},
    "SearchTrainingPlanOfferingsRequest.TrainingPlanArn": _TRAINING_PLAN_ARN,
    "SearchTrainingPlanOfferingsRequest.UltraServerCount": {"min": 1},
    "SearchTrainingPlanOfferingsRequest.UltraServerType": {
        "min": 1,
        "max": _training_checks.MAX_ULTRA_SERVER_TYPE,
        "pattern": _training_checks._ULTRA_SERVER_TYPE.pattern,
    },
    "DescribeTrainingPlanRequest.TrainingPlanName": {
        "min": 1,
        "max": _validation.MAX_TRAINING_PLAN_ARN,
        "pattern": (_training_checks._TRAINING_PLAN_NAME_OR_ARN.pattern),
    },
    "CreateTrainingPlanRequest.SpareInstanceCountPerUltraServer": {"min": 0},
    "CreateTrainingPlanRequest.Tags": {"min": 0, "max": _validation.MAX_TAGS},
    "CreateTrainingPlanRequest.TrainingPlanName": {
        "min": 1,
        "max": _training_checks.MAX_TRAINING_PLAN_NAME,
        "pattern": _training_checks._TRAINING_PLAN_NAME.pattern,
    },
    "CreateTrainingPlanRequest.TrainingPlanOfferingId": {
        "min": 1,
        "max": _training_checks.MAX_TRAINING_PLAN_OFFERING_ID,
        "pattern": (_training_checks._TRAINING_PLAN_OFFERING_ID.pattern),
    },
    "ListTrainingPlansRequest.Filters": {"min": 1, "max": 5},
    "TrainingPlanFilter.Value": {"min": 0, "max": _training_checks.MAX_FILTER_VALUE},
    "ListTrainingPlansRequest.MaxResults": _LISTED,
    "ListTrainingPlansRequest.NextToken": _TOKEN,
    "DescribeReservedCapacityRequest.ReservedCapacityArn": _CAPACITY_ARN,
    "ListUltraServersByReservedCapacityRequest.MaxResults": _LISTED,
    "ListUltraServersByReservedCapacityRequest.NextToken": _TOKEN,
    "ListUltraServersByReservedCapacityRequest.ReservedCapacityArn": _CAPACITY_ARN,
    "DescribeTrainingPlanExtensionHistoryRequest.MaxResults": {
        "min": 1,
        "max": training_plans._MAX_PAGE_SIZE,
    },
    "DescribeTrainingPlanExtensionHistoryRequest.NextToken": _TOKEN,
    "DescribeTrainingPlanExtensionHistoryRequest.TrainingPlanArn": _TRAINING_PLAN_ARN,
}
"""What we check of what we send: lengths, ranges and patterns (not listed: nothing)."""

_PRIMITIVES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str, Decimal),
    "integer": (int,),
    "long": (int,),
    "timestamp": (datetime,),
}


def differences(service: ServiceModel) -> frozenset[str]:
    """Find every difference between this package and the service's model.

    Args:
        service: The service's model.

    Returns:
        One sentence a difference.
    """
    return frozenset(_differences(service))


def _differences(service: ServiceModel) -> Iterator[str]:
    known = {operation.name: operation for operation in OPERATIONS}
    for name in known.keys() - set(service.operation_names):
        yield f"{name}: only in ours"
    for name in known.keys() & set(service.operation_names):
        yield from _operation(known[name], service.operation_model(name))
    yield from _errors(service)


def _operation(ours: Operation, theirs: OperationModel) -> Iterator[str]:
    if xform_name(ours.name) != ours.method:
        yield f"{ours.name}: its method is {xform_name(ours.name)}, {ours.method} in ours"
    request, reply = theirs.input_shape, theirs.output_shape
    assert request is not None
    yield from _request(ours, request)
    if (reply is None) != (ours.name not in REPLIES):
        yield f"{ours.name}: {'no reply' if reply is None else 'a reply'} in the service's model"
    elif reply is not None:
        yield from _structure(structure_of(REPLIES[ours.name]), reply)
        if ours.name in ALSO:
            yield from _structure(structure_of(ALSO[ours.name]), reply)
        yield from _pages(ours, reply)


def _request(operation: Operation, theirs: StructureShape) -> Iterator[str]:
    if model := REQUESTS.get(operation.name):
        yield from _structure(structure_of(model), theirs)
        sent: Mapping[str, bool] = dict.fromkeys(theirs.members, True)
    else:
        sent = SENT.get(theirs.name, {})
        yield from _members(theirs, sent)
    for member in sorted(sent.keys() & theirs.members.keys()):
        yield from _bounds(f"{theirs.name}.{member}", theirs.members[member])


def _bounds(where: str, theirs: Shape) -> Iterator[str]:
    checked = CHECKED.get(where, {})
    modelled = cast("Bounds", theirs.metadata)
    for bound in ("min", "max", "pattern"):
        if checked.get(bound) != modelled.get(bound):
            yield (
                f"{where}: {bound} is {modelled.get(bound)} in the service's model, "
                f"{checked.get(bound)} in ours"
            )
    if isinstance(theirs, ListShape):
        yield from _bounds_of_items(f"{where}[]", theirs.member)
    elif isinstance(theirs, StructureShape):
        yield from _bounds_of_members(theirs)


def _bounds_of_items(where: str, theirs: Shape) -> Iterator[str]:
    if isinstance(theirs, StructureShape):
        yield from _bounds_of_members(theirs)
    else:
        yield from _bounds(where, theirs)


def _bounds_of_members(theirs: StructureShape) -> Iterator[str]:
    for member, below in theirs.members.items():
        yield from _bounds(f"{theirs.name}.{member}", below)


def _members(theirs: StructureShape, ours: Mapping[str, bool]) -> Iterator[str]:
    for member in theirs.members.keys() - ours.keys():
        yield f"{theirs.name}.{member}: only in the service's model"
    for member in ours.keys() - theirs.members.keys():
        yield f"{theirs.name}.{member}: only in ours"
    for member in ours.keys() & theirs.members.keys():
        required = member in theirs.required_members
        if required != ours[member]:
            where = "the service's model" if required else "ours"
            yield f"{theirs.name}.{member}: required in {where} only"


class Read(NamedTuple):
    """A member as this package has it."""

    name: str
    kind: Any
    """Its type; a structure where its members are attributes of the same model."""
    is_required: bool


def members_of(ours: Structure) -> Iterator[Read]:
    """Give the members of a structure, those of the models that are spread in it too.

    Args:
        ours: The structure.

    Yields:
        Each member; twice what two attributes are read from.
    """
    for name, _, kind, is_required in ours.members:
        yield Read(name, kind, is_required)
    for place in ours.places:
        yield Read(*place)
    for spread in ours.spreads:
        yield from members_of(spread.structure)


def structures() -> Mapping[str, frozenset[str]]:
    """Give all structures that are read or written member by member.

    Returns:
        By AWS's name of each, its members.
    """
    tops = (*REPLIES.values(), *ALSO.values(), *REQUESTS.values())
    found: dict[str, frozenset[str]] = {}
    for top in tops:
        for name, members in _below(structure_of(top)):
            found[name] = found.get(name, frozenset()) | members
    return found


def _below(ours: Structure, place: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    members = [*members_of(ours)]
    yield NAMES[ours.model, place], frozenset(member.name for member in members)
    for member in members:
        kind = structure_in(member.kind)
        if kind is not None:
            yield from _below(kind, member.name if isinstance(member.kind, Structure) else "")


def structure_in(kind: Any) -> Structure | None:
    """Find the structure that a member is, or is a list of."""
    kind = tuple[Tag, ...] if kind == Tags else kind
    (item, *_) = get_args(kind) or (kind,)
    if isinstance(kind, Structure):
        return kind
    is_model = isinstance(item, type) and (attrs.has(item) or item is DeviceSelectionConfig)
    return structure_of(item) if is_model else None


def _structure(ours: Structure, theirs: StructureShape, place: str = "") -> Iterator[str]:
    name = NAMES[ours.model, place]
    if name != theirs.name:
        yield f"{theirs.name}: called {name} in ours"
    members = [*members_of(ours)]
    yield from _members(theirs, {member.name: member.is_required for member in members})
    for member in members:
        if member.name in theirs.members:
            where = f"{theirs.name}.{member.name}"
            yield from _type(where, member.kind, theirs.members[member.name])


def _type(where: str, ours: Any, theirs: Shape) -> Iterator[str]:
    ours = tuple[Tag, ...] if ours == Tags else ours
    if ours is object:
        yield f"{where}: not read"
    elif isinstance(ours, Structure) and isinstance(theirs, StructureShape):
        yield from _structure(ours, theirs, place=where.rpartition(".")[2])
    elif isinstance(theirs, StructureShape) and (structure := structure_in(ours)):
        yield from _structure(structure, theirs)
    elif isinstance(theirs, ListShape) and get_origin(ours) is tuple:
        yield from _type(f"{where}[]", get_args(ours)[0], theirs.member)
    elif (values := _values(theirs)) and _is_open_enum(ours):
        for value in values - set(ours):
            yield f"{ours.__name__} {value}: only in the service's model"
        for value in set(ours) - values:
            yield f"{ours.__name__} {value}: only in ours"
    elif values or ours not in _PRIMITIVES.get(theirs.type_name, ()):
        kind = "enum" if values else theirs.type_name
        called = "a structure" if isinstance(ours, Structure) else ours.__name__
        yield f"{where}: {kind} in the service's model, {called} in ours"


def _is_open_enum(ours: Any) -> TypeGuard[type[OpenEnum]]:
    return isinstance(ours, type) and issubclass(ours, OpenEnum)


def _values(theirs: Shape) -> frozenset[str]:
    return frozenset(cast("Iterable[str]", theirs.metadata.get("enum", ())))


def _pages(ours: Operation, reply: StructureShape) -> Iterator[str]:
    paged = "NextToken" in reply.members
    if paged != (ours.pager is not None):
        yield f"{ours.name}: {'pages' if paged else 'no pages'} in the service's model"
    elif ours.pager is not None and not isinstance(reply.members.get(ours.pager), ListShape):
        yield f"{ours.name}: no list {ours.pager} in the service's model"


def _errors(service: ServiceModel) -> Iterator[str]:
    shapes = cast("list[StructureShape]", service.error_shapes)
    modelled = {shape.error_code for shape in shapes}
    for code in modelled - ERRORS.keys():
        yield f"error {code}: only in the service's model"
    for code in ERRORS.keys() - modelled:
        yield f"error {code}: only in ours"
    for code, expected in ERRORS.items():
        found = error_class(code, "", 400)
        if found is not expected:
            yield f"error {code}: raised as {found.__name__}"
