"""The newest boto3 and the AWS SDK for JavaScript as judges, which spell requests alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from judges.foreign_clients import BOTO3, NODE, boto3, javascript
from sagemaker_plans.emulator import Emulator, Fault

Judge: TypeAlias = Callable[..., list[Any]]

JUDGES = [
    pytest.param(
        judge,
        id=name,
        marks=pytest.mark.skipif(not path, reason=f"{name} could not be installed"),
    )
    for judge, name, path in (
        (boto3, "boto3", BOTO3),
        (javascript, "the AWS SDK for JavaScript", NODE),
    )
]
NAMED = {"EdgeDeploymentPlanName": "spring"}
STAGE = {**NAMED, "StageName": "canary"}
SELECTION = {"DeviceSubsetType": "PERCENTAGE", "Percentage": 20}
PLAN: dict[str, Any] = {
    **NAMED,
    "DeviceFleetName": "cameras",
    "ModelConfigs": [{"ModelHandle": "detector", "EdgePackagingJobName": "detector-v7"}],
    "Stages": [{"StageName": "canary", "DeviceSelectionConfig": SELECTION}],
}
OFFERING = {"TrainingPlanExtensionOfferingId": "tpeo-0123456789abcdef"}


@pytest.mark.parametrize("judge", JUDGES)
def test_a_plan_is_rolled_out(sagemaker_emulator: Emulator, judge: Judge) -> None:
    sagemaker_emulator.clock.hold()
    created, started, described, devices, listed = judge(
        sagemaker_emulator,
        ("CreateEdgeDeploymentPlan", PLAN),
        ("StartEdgeDeploymentStage", STAGE),
        ("DescribeEdgeDeploymentPlan", NAMED),
        ("ListStageDevices", STAGE),
        ("ListEdgeDeploymentPlans", {"MaxResults": 1}),
    )
    arn = "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/spring"
    assert created == {"reply": {"EdgeDeploymentPlanArn": arn}}
    assert started == {"reply": {}}
    (stage,) = described["reply"]["Stages"]
    assert stage["DeviceSelectionConfig"] == SELECTION
    assert stage["DeploymentStatus"]["StageStatus"] == "STARTING"
    names = [one["DeviceName"] for one in devices["reply"]["DeviceDeploymentSummaries"]]
    assert names == ["cam-001", "cam-002"]
    assert len(listed["reply"]["EdgeDeploymentPlanSummaries"]) == 1


@pytest.mark.parametrize("judge", JUDGES)
def test_a_training_plan_is_extended(sagemaker_emulator: Emulator, judge: Judge) -> None:
    bought, again, history = judge(
        sagemaker_emulator,
        ("ExtendTrainingPlan", OFFERING),
        ("ExtendTrainingPlan", OFFERING),
        (
            "DescribeTrainingPlanExtensionHistory",
            {"TrainingPlanArn": sagemaker_emulator.training_plan_arn},
        ),
    )
    (extension,) = bought["reply"]["TrainingPlanExtensions"]
    assert extension["UpfrontFee"] == "1234.50"
    assert again["Code"] == "ConflictException"
    assert len(history["reply"]["TrainingPlanExtensions"]) == 1
    assert len(sagemaker_emulator.purchases) == 1


@pytest.mark.parametrize("judge", JUDGES)
def test_an_error_has_its_code_and_its_words(sagemaker_emulator: Emulator, judge: Judge) -> None:
    sagemaker_emulator.inject("ListTrainingPlans", Fault.throttle(), times=None)
    missing, wrong, throttled = judge(
        sagemaker_emulator,
        ("DescribeEdgeDeploymentPlan", NAMED),
        ("CreateEdgeDeploymentPlan", {**PLAN, "EdgeDeploymentPlanName": "-"}),
        ("ListTrainingPlans", {}),
    )
    assert missing == {
        "error": "ResourceNotFound",
        "Code": "ResourceNotFound",
        "Message": "Edge deployment plan spring does not exist.",
    }
    assert wrong["Code"] == "ValidationException"
    assert "edgeDeploymentPlanName" in wrong["Message"]
    assert (throttled["Code"], throttled["Message"]) == ("ThrottlingException", "Rate exceeded")
