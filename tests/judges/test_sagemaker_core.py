"""sagemaker-core as a judge: objects over boto3, which read every member that they know."""

from __future__ import annotations

import pytest

from judges.foreign_clients import SAGEMAKER_CORE, sagemaker_core
from sagemaker_plans.emulator import Emulator

pytestmark = pytest.mark.skipif(not SAGEMAKER_CORE, reason="sagemaker-core could not be installed")


def test_a_plan_is_rolled_out(sagemaker_emulator: Emulator) -> None:
    sagemaker_emulator.clock.hold()
    found = sagemaker_core(sagemaker_emulator)
    error, message = found.pop("missing")
    assert "Edge deployment plan nobody does not exist." in message
    assert error == "ResourceNotFound"
    assert found == {
        "arn": "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/spring",
        "status": "STARTING",
        "devices": ["cam-001", "cam-002"],
        "plans": ["spring"],
        "training_plan": ["Active", "98765.00"],
    }
