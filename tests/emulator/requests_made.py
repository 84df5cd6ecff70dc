"""Requests and clients that the emulator's tests share."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from unittest.mock import patch

import attrs
import boto3
import pytest
from aiobotocore.config import AioConfig
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from types_boto3_sagemaker import SageMakerClient

from harness import session
from sagemaker_plans.emulator import Emulator, Service

PERCENT_100 = {"DeviceSubsetType": "PERCENTAGE", "Percentage": 100}
OFFERING = "tpeo-0123456789abcdef"


@functools.cache
def _session() -> Any:
    return boto3.session.Session()


def boto_client(
    emulator: Emulator,
    *,
    read_timeout: float = 5.0,
    region: str = "us-east-1",
    key: str | None = None,
    secret: str | None = None,
) -> SageMakerClient:
    # All clients share a session, because each session loads the service model anew.
    client: SageMakerClient = _session().client(
        "sagemaker",
        endpoint_url=emulator.endpoint_url,
        region_name=region,
        aws_access_key_id=key or emulator.access_key_id,
        aws_secret_access_key=secret or emulator.secret_access_key,
        config=Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            read_timeout=read_timeout,
            max_pool_connections=20,
        ),
    )
    return client


def aio_client(emulator: Emulator, *, read_timeout: float = 10.0) -> Any:
    """Make the context manager of a stock aiobotocore client that never retries."""
    made: Any = session()
    return made.create_client(
        "sagemaker",
        endpoint_url=emulator.endpoint_url,
        region_name=emulator.region,
        aws_access_key_id=emulator.access_key_id,
        aws_secret_access_key=emulator.secret_access_key,
        config=AioConfig(
            retries={"total_max_attempts": 1, "mode": "standard"},
            read_timeout=read_timeout,
            max_pool_connections=1000,
        ),
    )


def error_of(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str, int]:
    """Code, message and HTTP status of a client's error."""
    response: Any = caught.value.response
    error = response["Error"]
    return error["Code"], error["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


def stage(name: str, selection: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"StageName": name, "DeviceSelectionConfig": selection or PERCENT_100, **more}


def plan_request(name: str = "rollout", *stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "EdgeDeploymentPlanName": name,
        "ModelConfigs": [{"ModelHandle": "detector", "EdgePackagingJobName": "detector-v7"}],
        "DeviceFleetName": "cameras",
        "Stages": list(stages),
        **more,
    }


def create(service: Service, name: str, *stages: dict[str, Any], **more: Any) -> None:
    service.handle("CreateEdgeDeploymentPlan", plan_request(name, *stages, **more))


def start(service: Service, plan: str, stage: str) -> None:
    service.handle("StartEdgeDeploymentStage", {"EdgeDeploymentPlanName": plan, "StageName": stage})


def stop(service: Service, plan: str, stage: str) -> None:
    service.handle("StopEdgeDeploymentStage", {"EdgeDeploymentPlanName": plan, "StageName": stage})


def described(service: Service, plan: str) -> Any:
    return service.handle("DescribeEdgeDeploymentPlan", {"EdgeDeploymentPlanName": plan})


def stage_state(service: Service, plan: str, stage: str) -> tuple[str, int, int, int]:
    """Status, succeeded, pending and failed devices of a stage."""
    (found,) = [one for one in described(service, plan)["Stages"] if one["StageName"] == stage]
    status = found["DeploymentStatus"]
    return (
        status["StageStatus"],
        status["EdgeDeploymentSuccessInStage"],
        status["EdgeDeploymentPendingInStage"],
        status["EdgeDeploymentFailedInStage"],
    )


def extend(service: Service, offering_id: str = OFFERING) -> Any:
    return service.handle("ExtendTrainingPlan", {"TrainingPlanExtensionOfferingId": offering_id})


def history(service: Service, **more: Any) -> Any:
    return service.handle(
        "DescribeTrainingPlanExtensionHistory",
        {"TrainingPlanArn": service.training_plan_arns[0], **more},
    )


@attrs.frozen
class RawReply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def signed_headers(
    emulator: Emulator,
    body: bytes,
    *,
    operation: str = "ListEdgeDeploymentPlans",
    key: str | None = None,
    secret: str | None = None,
    token: str | None = None,
    region: str = "us-east-1",
    service: str = "sagemaker",
    at: datetime | None = None,
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    request = AWSRequest(
        method="POST",
        url=f"{emulator.endpoint_url}/",
        data=body,
        headers={
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"SageMaker.{operation}",
            **(extra or {}),
        },
    )
    credentials = Credentials(
        key or emulator.access_key_id, secret or emulator.secret_access_key, token
    )
    now = (at or datetime.now(UTC)).replace(tzinfo=None)
    with patch("botocore.auth.get_current_datetime", return_value=now):
        SigV4Auth(credentials, service, region).add_auth(request)
    return dict(request.headers.items())


def send(
    emulator: Emulator,
    body: bytes = b"{}",
    headers: dict[str, str] | None = None,
    *,
    method: str = "POST",
    path: str = "/",
) -> RawReply:
    """Send one request over a connection of its own."""
    connection = HTTPConnection(emulator.endpoint_url.removeprefix("http://"), timeout=5)
    try:
        connection.request(method, path, body, headers or {})
        reply: HTTPResponse = connection.getresponse()
        return RawReply(
            reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.read()
        )
    finally:
        connection.close()


def send_signed(emulator: Emulator, body: bytes = b"{}", **options: Any) -> RawReply:
    return send(emulator, body, signed_headers(emulator, body, **options))
