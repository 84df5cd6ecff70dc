"""capo-sagemaker as a judge: an SDK without botocore, with a stack of its own."""

from __future__ import annotations

from typing import Any

import pytest

from judges.foreign_clients import INTERPRETER, capo
from sagemaker_plans.emulator import Emulator, Fault

pytestmark = pytest.mark.skipif(not INTERPRETER, reason="capo-sagemaker could not be installed")

STAGE = {"edge_deployment_plan_name": "spring", "stage_name": "canary"}
NAMED = {"edge_deployment_plan_name": "spring"}
PLAN: dict[str, Any] = {
    "edge_deployment_plan_name": "spring",
    "device_fleet_name": "cameras",
    "model_configs": [{"model_handle": "detector", "edge_packaging_job_name": "detector-v7"}],
}
SELECTION = {"device_subset_type": "PERCENTAGE", "percentage": 20}
OFFERING = "tpeo-0123456789abcdef"


def test_a_plan_is_rolled_out(sagemaker_emulator: Emulator) -> None:
    stages = [{"stage_name": "canary", "device_selection_config": SELECTION}]
    # What is not due yet when asked is all that the clock decides here.
    sagemaker_emulator.clock.hold()
    created, started, described, devices = capo(
        sagemaker_emulator,
        ("create_edge_deployment_plan", {**PLAN, "stages": stages}),
        ("start_edge_deployment_stage", STAGE),
        ("describe_edge_deployment_plan", NAMED),
        ("list_stage_devices", STAGE),
    )
    assert created["reply"] == {
        "edge_deployment_plan_arn": (
            "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/spring"
        )
    }
    assert started == {"reply": None}
    (stage,) = described["reply"]["stages"]
    assert stage["device_selection_config"] == SELECTION
    assert stage["deployment_status"]["stage_status"] == "STARTING"
    assert [one["device_name"] for one in devices["reply"]["device_deployment_summaries"]] == [
        "cam-001",
        "cam-002",
    ]


def test_a_training_plan_is_extended(sagemaker_emulator: Emulator) -> None:
    (bought,) = capo(
        sagemaker_emulator,
        ("extend_training_plan", {"training_plan_extension_offering_id": OFFERING}),
    )
    (extension,) = bought["reply"]["training_plan_extensions"]
    assert extension["training_plan_extension_offering_id"] == OFFERING
    assert extension["upfront_fee"] == "1234.50"
    assert len(sagemaker_emulator.purchases) == 1


def test_an_error_is_of_its_class(sagemaker_emulator: Emulator) -> None:
    stage = {"device_selection_config": SELECTION}
    too_many = [{"stage_name": f"stage-{number}", **stage} for number in range(11)]
    sagemaker_emulator.inject("ListTrainingPlans", Fault.throttle())
    results = capo(
        sagemaker_emulator,
        ("describe_edge_deployment_plan", NAMED),
        ("create_edge_deployment_plan", {**PLAN, "stages": too_many}),
        ("extend_training_plan", {"training_plan_extension_offering_id": "tpeo-nobody"}),
        ("describe_edge_deployment_plan", {**NAMED, "max_results": 11}),
        ("list_training_plans", {}),
    )
    assert [(result["error"], result["code"]) for result in results] == [
        ("ResourceNotFound", "ResourceNotFound"),
        ("ResourceLimitExceeded", "ResourceLimitExceeded"),
        ("ResourceNotFound", "ResourceNotFound"),
        # These are in no SDK's model.
        ("UnknownServiceError", "ValidationException"),
        ("UnknownServiceError", "ThrottlingException"),
    ]
    assert results[0]["message"] == "Edge deployment plan spring does not exist."
