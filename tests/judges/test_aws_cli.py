"""The AWS CLI as a judge: it brings a botocore and a configuration of its own."""

from __future__ import annotations

import pytest

from judges.foreign_clients import INTERPRETER, aws
from sagemaker_plans.emulator import Emulator, Fault

pytestmark = pytest.mark.skipif(not INTERPRETER, reason="the AWS CLI could not be installed")

MODELS = [{"ModelHandle": "detector", "EdgePackagingJobName": "detector-v7"}]
CANARY = {
    "StageName": "canary",
    "DeviceSelectionConfig": {"DeviceSubsetType": "PERCENTAGE", "Percentage": 20},
}
PLAN = {"EdgeDeploymentPlanName": "spring", "DeviceFleetName": "cameras", "ModelConfigs": MODELS}
NAMED = {"EdgeDeploymentPlanName": "spring"}
STAGE = {**NAMED, "StageName": "canary"}
OFFERING = "tpeo-0123456789abcdef"


def test_a_plan_is_rolled_out(sagemaker_emulator: Emulator) -> None:
    emulator = sagemaker_emulator
    emulator.clock.hold()
    created = aws(emulator, "create-edge-deployment-plan", **PLAN, Stages=[CANARY])
    assert created == {
        "EdgeDeploymentPlanArn": "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/spring"
    }
    assert aws(emulator, "start-edge-deployment-stage", **STAGE) is None
    emulator.clock.advance(60)
    plan = aws(emulator, "describe-edge-deployment-plan", **NAMED)
    (stage,) = plan["Stages"]
    assert plan["EdgeDeploymentSuccess"] == 2
    assert stage["DeploymentStatus"]["StageStatus"] == "DEPLOYED"
    assert stage["DeviceSelectionConfig"] == CANARY["DeviceSelectionConfig"]
    devices = aws(emulator, "list-stage-devices", **STAGE)["DeviceDeploymentSummaries"]
    assert [device["DeviceName"] for device in devices] == ["cam-001", "cam-002"]


def test_a_training_plan_is_extended(sagemaker_emulator: Emulator) -> None:
    bought = aws(
        sagemaker_emulator, "extend-training-plan", TrainingPlanExtensionOfferingId=OFFERING
    )
    (extension,) = bought["TrainingPlanExtensions"]
    assert extension["TrainingPlanExtensionOfferingId"] == OFFERING
    assert extension["UpfrontFee"] == "1234.50"
    assert len(sagemaker_emulator.purchases) == 1


@pytest.mark.parametrize(
    ("code", "operation", "command", "request_"),
    [
        (
            "ResourceNotFound",
            "DescribeEdgeDeploymentPlan",
            "describe-edge-deployment-plan",
            {"EdgeDeploymentPlanName": "nobody"},
        ),
        (
            "ValidationException",
            "CreateEdgeDeploymentPlan",
            "create-edge-deployment-plan",
            {**PLAN, "EdgeDeploymentPlanName": "-"},
        ),
        (
            "ResourceNotFound",
            "ExtendTrainingPlan",
            "extend-training-plan",
            {"TrainingPlanExtensionOfferingId": "tpeo-nobody"},
        ),
    ],
)
def test_an_error_has_its_code(
    sagemaker_emulator: Emulator,
    code: str,
    operation: str,
    command: str,
    request_: dict[str, object],
) -> None:
    error = aws(sagemaker_emulator, command, **request_)
    assert error.startswith(f"An error occurred ({code}) when calling the {operation} operation: ")


def test_a_throttle_is_one(sagemaker_emulator: Emulator) -> None:
    sagemaker_emulator.inject("*", Fault.throttle(), times=None)
    error = aws(sagemaker_emulator, "list-training-plans")
    assert error.startswith("An error occurred (ThrottlingException) when calling")
    assert error.endswith("Rate exceeded")
