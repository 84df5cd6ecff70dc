from __future__ import annotations

from typing import Any

import pytest

from emulator.requests_made import OFFERING, described, extend, plan_request, stage
from sagemaker_plans.emulator import Refusal, Service
from sagemaker_plans.emulator._wire.validation import service_model

NAME = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"


def refused(operation: str, request: dict[str, Any]) -> str:
    with pytest.raises(Refusal) as caught:
        Service().handle(operation, request)
    assert (caught.value.code, caught.value.status) == ("ValidationException", 400)
    return caught.value.message


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (
            {},
            (
                "Value null at 'edgeDeploymentPlanName' failed to satisfy constraint: "
                "Member must not be null"
            ),
        ),
        (
            {"EdgeDeploymentPlanName": None},
            (
                "Value null at 'edgeDeploymentPlanName' failed to satisfy constraint: "
                "Member must not be null"
            ),
        ),
        (
            {"EdgeDeploymentPlanName": "-p"},
            (
                "Value '-p' at 'edgeDeploymentPlanName' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {NAME}"
            ),
        ),
        (
            {"EdgeDeploymentPlanName": "p\n"},
            (
                "Value 'p\n' at 'edgeDeploymentPlanName' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {NAME}"
            ),
        ),
        (
            {"EdgeDeploymentPlanName": 5},
            (
                "Value '5' at 'edgeDeploymentPlanName' failed to satisfy constraint: "
                "Member must be a string"
            ),
        ),
        (
            {"EdgeDeploymentPlanName": "p", "MaxResults": 11},
            (
                "Value '11' at 'maxResults' failed to satisfy constraint: "
                "Member must have value less than or equal to 10"
            ),
        ),
        (
            {"EdgeDeploymentPlanName": "p", "MaxResults": True},
            "Value 'true' at 'maxResults' failed to satisfy constraint: Member must be an integer",
        ),
        (
            {"EdgeDeploymentPlanName": "p", "MaxResults": 1.5},
            "Value '1.5' at 'maxResults' failed to satisfy constraint: Member must be an integer",
        ),
        (
            {"EdgeDeploymentPlanName": "p", "NextToken": "a\u2028b"},
            (
                "Value 'a\u2028b' at 'nextToken' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: .*"
            ),
        ),
        (
            {"EdgeDeploymentPlanName": "p", "Colour": [1]},
            (
                "Value '[1]' at 'colour' failed to satisfy constraint: "
                "Member is not known to the service"
            ),
        ),
    ],
)
def test_a_wrong_member_is_named(request_: dict[str, Any], complaint: str) -> None:
    message = refused("DescribeEdgeDeploymentPlan", request_)
    assert message == f"1 validation error detected: {complaint}"


def test_every_problem_is_listed() -> None:
    message = refused("DescribeEdgeDeploymentPlan", {"MaxResults": 11, "X": 1})
    assert message.startswith("3 validation errors detected: ")
    assert message.count("; ") == 2


def test_a_name_that_is_too_long_breaks_two_constraints() -> None:
    message = refused("DescribeEdgeDeploymentPlan", {"EdgeDeploymentPlanName": "p" * 64})
    assert "Member must have length less than or equal to 63" in message
    assert "regular expression" in message


@pytest.mark.parametrize(
    ("stages", "complaint"),
    [
        ("s", "at 'stages' failed to satisfy constraint: Member must be a list"),
        (["s"], "at 'stages.1.member' failed to satisfy constraint: Member must be a structure"),
        (
            [stage("a"), stage("b", {"DeviceSubsetType": "ALL"})],
            (
                "Value 'ALL' at 'stages.2.member.deviceSelectionConfig.deviceSubsetType' failed to "
                "satisfy constraint: Member must satisfy enum value set: "
                "[PERCENTAGE, SELECTION, NAMECONTAINS]"
            ),
        ),
        (
            [stage("a", {"DeviceSubsetType": "PERCENTAGE", "Percentage": 101})],
            (
                "Value '101' at 'stages.1.member.deviceSelectionConfig.percentage' failed to "
                "satisfy constraint: Member must have value less than or equal to 100"
            ),
        ),
    ],
)
def test_nested_members_are_named_by_their_path(stages: Any, complaint: str) -> None:
    message = refused("CreateEdgeDeploymentPlan", {**plan_request(), "Stages": stages})
    assert message.endswith(complaint)


@pytest.mark.parametrize(
    "tag",
    [
        {"Key": "team", "Value": ""},
        {"Key": "aws:x/y+z=@-_.", "Value": "Zürich \u00a0 ٣"},
        {"Key": "名前", "Value": "x"},
    ],
)
def test_tags_may_be_written_in_any_script(service: Service, tag: dict[str, str]) -> None:
    service.handle("CreateEdgeDeploymentPlan", plan_request("p", Tags=[tag]))
    assert described(service, "p")["EdgeDeploymentPlanName"] == "p"


@pytest.mark.parametrize(
    ("tag", "complaint"),
    [
        ({"Key": "", "Value": ""}, "'tags.1.member.key' failed to satisfy constraint: "),
        ({"Key": "k", "Value": "a\tb"}, "'tags.1.member.value' failed to satisfy constraint: "),
        ({"Key": "k", "Value": "a😀"}, "'tags.1.member.value' failed to satisfy constraint: "),
        ({"Key": "k"}, "'tags.1.member.value' failed to satisfy constraint: Member must not be"),
    ],
)
def test_tags_hold_letters_digits_and_little_else(tag: dict[str, str], complaint: str) -> None:
    assert complaint in refused("CreateEdgeDeploymentPlan", plan_request("p", Tags=[tag]))


def test_there_are_fifty_tags_at_most() -> None:
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(51)]
    message = refused("CreateEdgeDeploymentPlan", plan_request("p", Tags=tags))
    assert message.endswith("Member must have length less than or equal to 50")


@pytest.mark.parametrize(
    ("operation", "request_", "complaint"),
    [
        ("ListStageDevices", {"ExcludeDevicesDeployedInOtherStage": "yes"}, "must be a boolean"),
        ("ListEdgeDeploymentPlans", {"CreationTimeAfter": "now"}, "must be a timestamp"),
        ("ListEdgeDeploymentPlans", {"CreationTimeAfter": True}, "must be a timestamp"),
        ("ListTrainingPlans", {"MaxResults": 0}, "greater than or equal to 1"),
        ("ListTrainingPlans", {"Filters": []}, "length greater than or equal to 1"),
        ("SearchTrainingPlanOfferings", {"InstanceType": "ml.x"}, "enum value set"),
        ("SearchTrainingPlanOfferings", {"DurationHours": 0}, "greater than or equal to 1"),
        ("DescribeTrainingPlanExtensionHistory", {"TrainingPlanArn": "arn"}, "pattern: arn:aws"),
    ],
)
def test_types_ranges_and_enums_are_checked(
    operation: str, request_: dict[str, Any], complaint: str
) -> None:
    assert complaint in refused(operation, request_)


def test_an_unknown_operation_is_refused() -> None:
    with pytest.raises(Refusal, match=r"UnknownOperationException: .* 'CreateModel'"):
        Service().handle("CreateModel", {})


def test_categories_work_outside_of_a_class_too() -> None:
    from sagemaker_plans.emulator._wire.validation import compiled_pattern

    pattern = compiled_pattern(r"\p{L}+[.\]x]\.", ascii_only=False)
    assert pattern.fullmatch("é.].") is None
    assert pattern.fullmatch("é].")


def test_the_model_is_loaded_once() -> None:
    assert service_model() is service_model()


def test_members_that_are_null_count_as_absent(service: Service) -> None:
    reply: Any = service.handle("ListEdgeDeploymentPlans", {"NameContains": None})
    assert reply == {"EdgeDeploymentPlanSummaries": []}
    assert extend(service, OFFERING)


@pytest.mark.parametrize(
    ("wrong", "counted"), [(50, "50 "), (51, "More than 50 "), (4000, "More than 50 ")]
)
def test_a_message_lists_only_so_many_problems(service: Service, wrong: int, counted: str) -> None:
    request = {"NameContains": "x", **{f"Odd{number}": 1 for number in range(wrong)}}
    with pytest.raises(Refusal) as caught:
        service.handle("ListEdgeDeploymentPlans", request)
    assert caught.value.message.startswith(f"{counted}validation errors detected: ")
    assert caught.value.message.count(" at 'odd") == 50
