"""A stock client calls every operation; its replies are compared with botocore's shapes."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from types_boto3_sagemaker import SageMakerClient

from emulator.requests_made import OFFERING, error_of, plan_request, send_signed, stage
from emulator.shapes import fits
from sagemaker_plans.emulator import Emulator


def test_the_whole_life_of_an_edge_plan(emulator: Emulator, sagemaker: SageMakerClient) -> None:
    client: Any = sagemaker
    emulator.add_fleet("cameras", devices=8, failing=["cameras-0001"])
    name = {"EdgeDeploymentPlanName": "p"}
    canary = {**name, "StageName": "canary"}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        (
            "CreateEdgeDeploymentPlan",
            "create_edge_deployment_plan",
            plan_request("p", stage("canary"), Tags=[{"Key": "team", "Value": "vision"}]),
        ),
        (
            "CreateEdgeDeploymentStage",
            "create_edge_deployment_stage",
            {**name, "Stages": [stage("all")]},
        ),
        ("DescribeEdgeDeploymentPlan", "describe_edge_deployment_plan", name),
        ("StartEdgeDeploymentStage", "start_edge_deployment_stage", canary),
        ("DescribeEdgeDeploymentPlan", "describe_edge_deployment_plan", {**name, "MaxResults": 1}),
        ("ListStageDevices", "list_stage_devices", canary),
        ("StopEdgeDeploymentStage", "stop_edge_deployment_stage", canary),
        ("DescribeEdgeDeploymentPlan", "describe_edge_deployment_plan", name),
        ("ListStageDevices", "list_stage_devices", {**canary, "MaxResults": 1}),
        ("ListEdgeDeploymentPlans", "list_edge_deployment_plans", {"SortBy": "NAME"}),
        ("DeleteEdgeDeploymentStage", "delete_edge_deployment_stage", canary),
        ("DeleteEdgeDeploymentPlan", "delete_edge_deployment_plan", name),
    ]
    for operation, method, request in calls:
        fits(operation, getattr(client, method)(**request))
        emulator.clock.advance(0.5)
    assert [one.operation for one in emulator.requests] == [one[0] for one in calls]
    assert all(one.committed and one.status == 200 for one in emulator.requests)


def test_the_whole_life_of_an_extension(emulator: Emulator, sagemaker: SageMakerClient) -> None:
    arn = emulator.training_plan_arn
    fits("SearchTrainingPlanOfferings", sagemaker.search_training_plan_offerings())
    fits(
        "SearchTrainingPlanOfferings",
        sagemaker.search_training_plan_offerings(TrainingPlanArn=arn, DurationHours=24),
    )
    fits(
        "ExtendTrainingPlan",
        sagemaker.extend_training_plan(TrainingPlanExtensionOfferingId=OFFERING),
    )
    for _ in range(2):
        fits(
            "DescribeTrainingPlanExtensionHistory",
            sagemaker.describe_training_plan_extension_history(TrainingPlanArn=arn),
        )
        emulator.clock.advance(1.0)
    fits("DescribeTrainingPlan", sagemaker.describe_training_plan(TrainingPlanName="demo-plan"))
    fits("ListTrainingPlans", sagemaker.list_training_plans())
    (purchase,) = emulator.purchases
    (request,) = emulator.requests_of("ExtendTrainingPlan")
    assert purchase.request_id == request.request_id


def test_the_whole_life_of_a_training_plan(emulator: Emulator, sagemaker: SageMakerClient) -> None:
    offerings = sagemaker.search_training_plan_offerings(UltraServerType="ml.u-p6e-gb200x72")
    fits("SearchTrainingPlanOfferings", offerings)
    (offering,) = offerings["TrainingPlanOfferings"]
    created = sagemaker.create_training_plan(
        TrainingPlanName="new",
        TrainingPlanOfferingId=offering["TrainingPlanOfferingId"],
        SpareInstanceCountPerUltraServer=2,
        Tags=[{"Key": "team", "Value": "vision"}],
    )
    fits("CreateTrainingPlan", created)
    fits("DescribeTrainingPlan", sagemaker.describe_training_plan(TrainingPlanName="new"))
    emulator.clock.advance(48 * 3600)
    plan: Any = sagemaker.describe_training_plan(TrainingPlanName="new")
    fits("DescribeTrainingPlan", plan)
    assert plan["TrainingPlanArn"] == created["TrainingPlanArn"]
    fits("ListTrainingPlans", sagemaker.list_training_plans(SortBy="Status"))
    capacity: Any = {
        "ReservedCapacityArn": plan["ReservedCapacitySummaries"][0]["ReservedCapacityArn"]
    }
    fits("DescribeReservedCapacity", sagemaker.describe_reserved_capacity(**capacity))
    fits(
        "ListUltraServersByReservedCapacity",
        sagemaker.list_ultra_servers_by_reserved_capacity(**capacity, MaxResults=1),
    )
    (purchase,) = emulator.purchases
    (request,) = emulator.requests_of("CreateTrainingPlan")
    assert purchase.request_id == request.request_id


def test_modelled_errors_arrive_as_their_own_classes(sagemaker: SageMakerClient) -> None:
    with pytest.raises(sagemaker.exceptions.ResourceNotFound) as caught:
        sagemaker.describe_edge_deployment_plan(EdgeDeploymentPlanName="nobody")
    assert error_of(caught) == (
        "ResourceNotFound",
        "Edge deployment plan nobody does not exist.",
        400,
    )
    # The member that the service model gives to the error.
    modelled: Any = caught.value.response
    assert modelled["Message"] == "Edge deployment plan nobody does not exist."
    stages: Any = [stage(f"s{number}") for number in range(11)]
    with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded):
        sagemaker.create_edge_deployment_plan(**plan_request("p", *stages))
    sagemaker.create_edge_deployment_plan(**plan_request("p"))
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        sagemaker.create_edge_deployment_plan(**plan_request("p"))
    sagemaker.extend_training_plan(TrainingPlanExtensionOfferingId=OFFERING)
    with pytest.raises(sagemaker.exceptions.ConflictException):
        sagemaker.extend_training_plan(TrainingPlanExtensionOfferingId="tpeo-0123456789abcde0")


def test_unmodelled_errors_keep_their_code(sagemaker: SageMakerClient) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        sagemaker.describe_edge_deployment_plan(EdgeDeploymentPlanName="p", MaxResults=11)
    with pytest.raises(ClientError, match="UnknownOperationException"):
        sagemaker.list_models()


def test_the_region_of_a_request_is_in_the_arns(emulator: Emulator) -> None:
    body = b'{"EdgeDeploymentPlanName":"p","ModelConfigs":[],"DeviceFleetName":"f"}'
    emulator.add_fleet("f", region="ap-southeast-2")
    reply = send_signed(
        emulator, body, operation="CreateEdgeDeploymentPlan", region="ap-southeast-2"
    )
    assert reply.json == {
        "EdgeDeploymentPlanArn": ("arn:aws:sagemaker:ap-southeast-2:123456789012:edge-deployment/p")
    }


def test_operations_without_output_have_an_empty_body(emulator: Emulator) -> None:
    body = b'{"EdgeDeploymentPlanName":"p","ModelConfigs":[],"DeviceFleetName":"cameras"}'
    send_signed(emulator, body, operation="CreateEdgeDeploymentPlan")
    name = b'{"EdgeDeploymentPlanName":"p"}'
    reply = send_signed(emulator, name, operation="DeleteEdgeDeploymentPlan")
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["content-type"] == "application/x-amz-json-1.1"
    assert reply.headers["x-amzn-requestid"] == emulator.requests[-1].request_id


@pytest.mark.parametrize(
    ("operation", "body", "members"),
    [
        (
            "DescribeEdgeDeploymentPlan",
            b'{"EdgeDeploymentPlanName": "nobody"}',
            {"__type", "Message", "message"},
        ),
        ("DescribeEdgeDeploymentPlan", b"{}", {"__type", "message"}),
    ],
)
def test_modelled_errors_have_their_text_under_both_names(
    emulator: Emulator, operation: str, body: bytes, members: set[str]
) -> None:
    reply = send_signed(emulator, body, operation=operation)
    assert set(reply.json) == members
    assert len({reply.json[name] for name in members - {"__type"}}) == 1
    assert reply.headers["x-amzn-errortype"] == reply.json["__type"]
