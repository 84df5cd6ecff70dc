"""A read's reply is read from its bytes, unless the user changed what the client returns."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from botocore.stub import Stubber

from harness import TRANSPORTS, Transport
from sagemaker_plans import AsyncClient, RetryPolicy
from transport.clients import users_client
from transport.scripted_server import ScriptedServer

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("transport", TRANSPORTS, indirect=True, ids=str),
]

PLAN: Final[dict[str, Any]] = {
    "EdgeDeploymentPlanArn": "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/p",
    "EdgeDeploymentPlanName": "p",
    "ModelConfigs": [{"ModelHandle": "m", "EdgePackagingJobName": "j"}],
    "DeviceFleetName": "in the bytes",
    "Stages": [],
}
