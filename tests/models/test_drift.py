"""This package agrees with the service's model, except for the differences listed here."""

import copy
from collections.abc import Callable
from typing import Any, Final

import pytest
from botocore.model import ServiceModel

from models import service_model
from models.drift import NAMES, differences, structures
from sagemaker_plans.models import (
    Coverage,
    DeviceCounts,
    DeviceSelectionConfig,
    EdgeDeploymentPlan,
    ExtensionCandidate,
    ExtensionChoice,
    ExtensionReceipt,
    RolloutReport,
    StageChange,
    StageReport,
    UnrecognizedSelection,
)
from sagemaker_plans.models._selection import UNDERSTOOD
from sagemaker_plans.models._wire_form import WireModel

PACKAGE: Final = WireModel.__module__.partition(".")[0]

ONE_OF_TWO: Final = "a search is for new plans or for extensions; only that part is read"
A_LIST: Final = "a list has the same members as a description, but for two"
NO_EMPTY_TOKEN: Final = "an empty token is no page's; it would silently start again"
ANY_INSTANCE: Final = "instance types come and go; a plain string takes them all"
ONE_AT_LEAST: Final = "what would ask for nothing is refused"
PROSE: Final = "documented in prose only"
ANY_ARN: Final = "a plain text in this request; everywhere else the model describes the ARN"

DELIBERATE: Final = {
    "CreateEdgeDeploymentPlanRequest.Stages: max is None in the service's model, 10 in ours": PROSE,
    "DeviceSelectionConfig.DeviceNames: min is None in the service's model, 1 in ours": (
        ONE_AT_LEAST
    ),
    "DeviceSelectionConfig.Percentage: min is None in the service's model, 1 in ours": (
        ONE_AT_LEAST
    ),
    "DescribeEdgeDeploymentPlanRequest.MaxResults: min is None in the service's model, 1 in ours": (
        ONE_AT_LEAST
    ),
    "CreateEdgeDeploymentStageRequest.Stages: max is None in the service's model, 10 in ours": (
        PROSE
    ),
    "ListEdgeDeploymentPlansRequest.MaxResults: min is None in the service's model, 1 in ours": (
        ONE_AT_LEAST
    ),
    "ListEdgeDeploymentPlansRequest.NameContains: min is 0 in the service's model, 1 in ours": (
        ONE_AT_LEAST
    ),
    "ListEdgeDeploymentPlansRequest.DeviceFleetNameContains: "
    "min is 0 in the service's model, 1 in ours": ONE_AT_LEAST,
    "ListEdgeDeploymentPlansRequest.NextToken: min is 0 in the service's model, 1 in ours": (
        "an empty token is no page's; it would silently start again"
    ),
    "ListStageDevicesRequest.MaxResults: min is None in the service's model, 1 in ours": (
        ONE_AT_LEAST
    ),
    "ListStageDevicesRequest.NextToken: min is 0 in the service's model, 1 in ours": (
        "an empty token is no page's; it would silently start again"
    ),
    "DescribeEdgeDeploymentPlanRequest.NextToken: min is 0 in the service's model, 1 in ours": (
        NO_EMPTY_TOKEN
    ),
    "DescribeTrainingPlanExtensionHistoryRequest.NextToken: "
    "min is 0 in the service's model, 1 in ours": NO_EMPTY_TOKEN,
    "SearchTrainingPlanOfferingsRequest.TrainingPlanArn: "
    "min is None in the service's model, 50 in ours": ANY_ARN,
    "SearchTrainingPlanOfferingsRequest.TrainingPlanArn: "
    "max is None in the service's model, 2048 in ours": ANY_ARN,
    "SearchTrainingPlanOfferingsRequest.TrainingPlanArn: pattern is None in the service's model, "
    r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:training-plan/.* in ours": ANY_ARN,
    "SearchTrainingPlanOfferingsResponse.TrainingPlanOfferings[]: not read": ONE_OF_TWO,
    "SearchTrainingPlanOfferingsResponse.TrainingPlanExtensionOfferings: "
    "only in the service's model": ONE_OF_TWO,
    "ListTrainingPlansRequest.NextToken: min is 0 in the service's model, 1 in ours": (
        NO_EMPTY_TOKEN
    ),
    "ListUltraServersByReservedCapacityRequest.NextToken: "
    "min is 0 in the service's model, 1 in ours": NO_EMPTY_TOKEN,
    "TrainingPlanSummary.AvailableSpareInstanceCount: only in ours": A_LIST,
    "TrainingPlanSummary.UnhealthyInstanceCount: only in ours": A_LIST,
    "TrainingPlanSummary: called DescribeTrainingPlanResponse in ours": A_LIST,
    **{
        f"{structure}.InstanceType: enum in the service's model, str in ours": ANY_INSTANCE
        for structure in (
            "DescribeReservedCapacityResponse",
            "ReservedCapacityOffering",
            "ReservedCapacitySummary",
            "UltraServer",
            "UltraServerSummary",
        )
    },
}
"""Each deliberate difference, with its reason."""

WHAT_TO_DO: Final = """\
The service's model of botocore {version} and this package differ:

{differences}

For each, do one of these:
  - a member, value or type of the service: follow it in the model that has it, in
    sdk/sagemaker_plans/models, and say so in CHANGELOG.md;
  - a length, range or pattern: follow it in sdk/sagemaker_plans/models/_validation.py, and in
    CHECKED of tests/models/drift.py;
  - a member of a request: offer it, and add it to SENT of tests/models/drift.py;
  - an error: give it a class in sdk/sagemaker_plans/errors/ and _transport/service_errors.py;
  - none of it: add the difference to DELIBERATE of tests/models/test_drift.py, with the reason.
"""


def advice(found: frozenset[str]) -> str:
    lines = "\n".join(f"  {difference}" for difference in sorted(found))
    return WHAT_TO_DO.format(version=service_model.VERSION, differences=lines)


def test_this_package_differs_from_the_service_model_only_deliberately() -> None:
    found = differences(service_model.service()) - DELIBERATE.keys()
    assert not found, advice(found)


@pytest.mark.parametrize("difference", DELIBERATE)
def test_a_deliberate_difference_still_exists(difference: str) -> None:
    gone = f"no longer a difference, take it out of DELIBERATE: {difference}"
    assert difference in differences(service_model.service()), gone


def test_the_advice_names_the_difference_and_what_to_do() -> None:
    words = advice(frozenset({"Tag.Colour: only in the service's model"}))
    assert all(
        part in words
        for part in (
            "Tag.Colour: only in the service's model",
            "the model that has it",
            "DELIBERATE",
        )
    )


def test_every_model_with_a_wire_form_is_compared() -> None:
    models = {cls for cls in _below(WireModel) if cls.__module__.startswith(PACKAGE)}
    # They are spread in other structures, where the drift of their members shows.
    spread = {DeviceCounts, EdgeDeploymentPlan}
    # Their members are compared as those of one structure.
    ways = _below(DeviceSelectionConfig)
    # This package makes them, and AWS has no structure for them.
    own = {Coverage, ExtensionCandidate, ExtensionChoice, ExtensionReceipt}
    own |= {RolloutReport, StageChange, StageReport}

    assert {model for model, _ in NAMES} >= models - spread - ways - own
    assert {*UNDERSTOOD, UnrecognizedSelection} == ways & models
    assert structures().keys() == {*NAMES.values()}


def _below(cls: type[object]) -> set[type[object]]:
    return {each for below in cls.__subclasses__() for each in (below, *_below(below))}


# --- the comparison itself: a changed model must show ---

Definition = dict[str, Any]
Change = Callable[[Definition, Definition], object]
"""Changes the operations and the shapes of a definition."""


def add_member(shape: str, member: str) -> Change:
    return lambda _, shapes: shapes[shape]["members"].update({member: {"shape": "String"}})


def drop_member(shape: str, member: str) -> Change:
    return lambda _, shapes: shapes[shape]["members"].pop(member)


def require(shape: str, *members: str) -> Change:
    return lambda _, shapes: shapes[shape].update(required=list(members))


def retype(shape: str, member: str, kind: str) -> Change:
    return lambda _, shapes: shapes[shape]["members"].update({member: {"shape": kind}})


def redefine(shape: str, **definition: object) -> Change:
    return lambda _, shapes: shapes[shape].update(definition)


def rename_reply(operations: Definition, shapes: Definition) -> None:
    shapes["Created"] = shapes["CreateEdgeDeploymentPlanResponse"]
    operations["CreateEdgeDeploymentPlan"]["output"] = {"shape": "Created"}


CHANGES: Final[dict[str, Change]] = {
    "Tag.Colour: only in the service's model": add_member("Tag", "Colour"),
    "DeploymentStageStatusSummary.Colour: only in the service's model": add_member(
        "DeploymentStageStatusSummary", "Colour"
    ),
    "StartEdgeDeploymentStageRequest.Force: only in the service's model": add_member(
        "StartEdgeDeploymentStageRequest", "Force"
    ),
    "TrainingPlanExtension.UpfrontFee: only in ours": drop_member(
        "TrainingPlanExtension", "UpfrontFee"
    ),
    "ExtendTrainingPlanRequest.TrainingPlanExtensionOfferingId: required in ours only": require(
        "ExtendTrainingPlanRequest"
    ),
    "DeviceSelectionConfig.DeviceSubsetType: required in ours only": require(
        "DeviceSelectionConfig"
    ),
    "CreateEdgeDeploymentPlanResponse.Colour: only in the service's model": add_member(
        "CreateEdgeDeploymentPlanResponse", "Colour"
    ),
    "TrainingPlanExtension.Status: required in the service's model only": require(
        "TrainingPlanExtension", "TrainingPlanExtensionOfferingId", "Status"
    ),
    "DeploymentStageStatusSummary.StageName: integer in the service's model, str in ours": retype(
        "DeploymentStageStatusSummary", "StageName", "Integer"
    ),
    "EdgeDeploymentStatus.EdgeDeploymentStageStartTime: string in the service's model, "
    "datetime in ours": retype("EdgeDeploymentStatus", "EdgeDeploymentStageStartTime", "String"),
    "EdgeDeploymentStatus.StageStatus: string in the service's model, StageStatus in ours": retype(
        "EdgeDeploymentStatus", "StageStatus", "String"
    ),
    "TrainingPlanExtension.Status: enum in the service's model, str in ours": retype(
        "TrainingPlanExtension", "Status", "StageStatus"
    ),
    "DeviceSelectionConfig.DeviceNames: string in the service's model, tuple in ours": retype(
        "DeviceSelectionConfig", "DeviceNames", "String"
    ),
    "DeviceSelectionConfig.DeviceNames: enum in the service's model, tuple in ours": retype(
        "DeviceSelectionConfig", "DeviceNames", "StageStatus"
    ),
    "DeviceSelectionConfig.DeviceNames[]: integer in the service's model, str in ours": redefine(
        "DeviceNames", member={"shape": "Integer"}
    ),
    "DeploymentStageStatusSummary.DeploymentConfig: string in the service's model, "
    "a structure in ours": retype("DeploymentStageStatusSummary", "DeploymentConfig", "String"),
    "StageStatus PAUSED: only in the service's model": lambda _, shapes: shapes["StageStatus"][
        "enum"
    ].append("PAUSED"),
    "StageStatus STOPPING: only in ours": lambda _, shapes: shapes["StageStatus"]["enum"].remove(
        "STOPPING"
    ),
    "Tag.Key: max is 64 in the service's model, 128 in ours": redefine("TagKey", max=64),
    "DeviceSelectionConfig.Percentage: max is 50 in the service's model, 100 in ours": redefine(
        "Percentage", max=50
    ),
    "DeviceSelectionConfig.DeviceNames[]: min is 2 in the service's model, 1 in ours": redefine(
        "DeviceName", min=2
    ),
    "EdgeDeploymentModelConfig.ModelHandle: pattern is [a-z]+ in the service's model, "
    "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62} in ours": redefine("EntityName", pattern="[a-z]+"),
    "CreateEdgeDeploymentPlanRequest.Tags: max is 60 in the service's model, 50 in ours": redefine(
        "TagList", max=60
    ),
    "DescribeEdgeDeploymentPlanRequest.MaxResults: max is 20 in the service's model, "
    "10 in ours": redefine("DeploymentStageMaxResults", max=20),
    "ExtendTrainingPlanRequest.TrainingPlanExtensionOfferingId: pattern is tpeo-.* in the "
    "service's model, None in ours": redefine("TrainingPlanExtensionOfferingId", pattern="tpeo-.*"),
    "Created: called CreateEdgeDeploymentPlanResponse in ours": rename_reply,
    "ExtendTrainingPlan: only in ours": lambda operations, _: operations.pop("ExtendTrainingPlan"),
    "StartEdgeDeploymentStage: a reply in the service's model": lambda operations, _: operations[
        "StartEdgeDeploymentStage"
    ].update(output={"shape": "Tag"}),
    "ExtendTrainingPlan: no reply in the service's model": lambda operations, _: operations[
        "ExtendTrainingPlan"
    ].pop("output"),
    "ExtendTrainingPlan: pages in the service's model": add_member(
        "ExtendTrainingPlanResponse", "NextToken"
    ),
    "DescribeEdgeDeploymentPlan: no pages in the service's model": drop_member(
        "DescribeEdgeDeploymentPlanResponse", "NextToken"
    ),
    "DescribeEdgeDeploymentPlan: no list Stages in the service's model": drop_member(
        "DescribeEdgeDeploymentPlanResponse", "Stages"
    ),
    "TrainingPlanStatus Paused: only in the service's model": lambda _, shapes: shapes[
        "TrainingPlanStatus"
    ]["enum"].append("Paused"),
    "UltraServer.Colour: only in the service's model": add_member("UltraServer", "Colour"),
    "TrainingPlanOffering.TargetResources: required in ours only": require(
        "TrainingPlanOffering", "TrainingPlanOfferingId"
    ),
    "error Gone: only in the service's model": lambda _, shapes: shapes.update(
        Gone={"type": "structure", "members": {}, "exception": True}
    ),
    "error ResourceInUse: only in ours": lambda _, shapes: shapes.pop("ResourceInUse"),
}


@pytest.mark.parametrize(("difference", "change"), CHANGES.items(), ids=CHANGES)
def test_a_change_of_the_service_model_shows(difference: str, change: Change) -> None:
    definition: Definition = dict(service_model.definition())
    touched = ("operations", "shapes")
    definition.update({part: _own_copy(definition[part]) for part in touched})
    change(definition["operations"], definition["shapes"])
    found = differences(ServiceModel(definition, "sagemaker"))
    assert difference in found - DELIBERATE.keys()


def _own_copy(part: Definition) -> Definition:
    # Deep only for the few that a change may touch; the whole model is large.
    names = {
        "CreateEdgeDeploymentPlan",
        "DescribeEdgeDeploymentPlan",
        "ExtendTrainingPlan",
        "StartEdgeDeploymentStage",
    } | set(SHAPES)
    return {name: copy.deepcopy(found) if name in names else found for name, found in part.items()}


SHAPES: Final = (
    "CreateEdgeDeploymentPlanResponse",
    "DeploymentStageMaxResults",
    "DeploymentStageStatusSummary",
    "DescribeEdgeDeploymentPlanResponse",
    "DeviceName",
    "DeviceNames",
    "DeviceSelectionConfig",
    "EdgeDeploymentStatus",
    "EntityName",
    "ExtendTrainingPlanRequest",
    "ExtendTrainingPlanResponse",
    "Percentage",
    "StageStatus",
    "StartEdgeDeploymentStageRequest",
    "Tag",
    "TagKey",
    "TagList",
    "TrainingPlanExtension",
    "TrainingPlanExtensionOfferingId",
    "TrainingPlanOffering",
    "TrainingPlanStatus",
    "UltraServer",
)
