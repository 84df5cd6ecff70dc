"""The paginators of boto3 and aiobotocore find every item of every list."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from attrs import frozen
from types_boto3_sagemaker import SageMakerClient

from emulator.requests_made import OFFERING, aio_client, plan_request, stage
from sagemaker_plans.emulator import Emulator


@frozen
class List:
    method: str
    member: str
    key: str
    names: list[str]
    request: dict[str, str]

    def __str__(self) -> str:
        return self.method


LISTS = [
    List(
        "list_edge_deployment_plans",
        "EdgeDeploymentPlanSummaries",
        "EdgeDeploymentPlanName",
        [f"plan-{number}" for number in range(7)],
        {"SortBy": "NAME"},
    ),
    List(
        "list_stage_devices",
        "DeviceDeploymentSummaries",
        "DeviceName",
        [f"cam-{number:03}" for number in range(1, 11)],
        {"EdgeDeploymentPlanName": "plan-0", "StageName": "all"},
    ),
    List(
        "list_device_fleets",
        "DeviceFleetSummaries",
        "DeviceFleetName",
        ["cameras", "drones", "robots"],
        {"SortBy": "NAME"},
    ),
    List(
        "list_devices",
        "DeviceSummaries",
        "DeviceName",
        ["r-1", "r-2", "r-3"],
        {"DeviceFleetName": "robots"},
    ),
    List(
        "list_training_plans",
        "TrainingPlanSummaries",
        "TrainingPlanName",
        ["demo-plan", "second", "third"],
        {"SortBy": "TrainingPlanName"},
    ),
    List(
        "list_ultra_servers_by_reserved_capacity",
        "UltraServers",
        "UltraServerId",
        ["us-third-001", "us-third-002", "us-third-003"],
        {"ReservedCapacityArn": "arn:aws:sagemaker:us-east-1:123456789012:reserved-capacity/third"},
    ),
    List(
        "describe_training_plan_extension_history",
        "TrainingPlanExtensions",
        "TrainingPlanExtensionOfferingId",
        [OFFERING, "tpeo-0123456789abcde0", "tpeo-0123456789abcde1"],
        {"TrainingPlanArn": "arn:aws:sagemaker:us-east-1:123456789012:training-plan/demo-plan"},
    ),
]


@pytest.fixture
def stocked(emulator: Emulator) -> Emulator:
    for number in range(7):
        emulator.service.handle(
            "CreateEdgeDeploymentPlan", plan_request(f"plan-{number}", stage("all"))
        )
    emulator.add_fleet("robots", devices=["r-1", "r-2", "r-3"])
    emulator.add_fleet("drones")
    emulator.add_training_plan("second")
    emulator.add_training_plan(
        "third", instance_count=3, ultra_server_type="ml.u-x", ultra_server_count=3
    )
    for offering in LISTS[-1].names:
        emulator.service.handle("ExtendTrainingPlan", {"TrainingPlanExtensionOfferingId": offering})
        emulator.clock.advance(60)
    return emulator


@pytest.mark.parametrize("wanted", LISTS, ids=str)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_boto3_finds_everything_once(
    stocked: Emulator, sagemaker: SageMakerClient, wanted: List, size: int
) -> None:
    client: Any = sagemaker
    pages = [
        [item[wanted.key] for item in page[wanted.member]]
        for page in client.get_paginator(wanted.method).paginate(
            **wanted.request, PaginationConfig={"PageSize": size}
        )
    ]
    assert [name for page in pages for name in page] == wanted.names
    assert len(pages) == -(-len(wanted.names) // size) == len(stocked.requests)


@pytest.mark.parametrize("wanted", LISTS, ids=str)
def test_boto3_goes_on_where_it_stopped(
    stocked: Emulator, sagemaker: SageMakerClient, wanted: List
) -> None:
    client: Any = sagemaker
    paginator = client.get_paginator(wanted.method)
    first = paginator.paginate(**wanted.request, PaginationConfig={"MaxItems": 2, "PageSize": 2})
    found = [item[wanted.key] for page in first for item in page[wanted.member]]
    rest = paginator.paginate(
        **wanted.request, PaginationConfig={"StartingToken": first.resume_token}
    )
    found += [item[wanted.key] for page in rest for item in page[wanted.member]]
    assert found == wanted.names
    assert len(stocked.requests) == 2


@pytest.mark.parametrize("wanted", LISTS, ids=str)
def test_aiobotocore_finds_everything_once(stocked: Emulator, wanted: List) -> None:
    async def names() -> list[str]:
        async with aio_client(stocked) as client:
            pages = client.get_paginator(wanted.method).paginate(
                **wanted.request, PaginationConfig={"PageSize": 2}
            )
            return [item[wanted.key] async for page in pages for item in page[wanted.member]]

    assert asyncio.run(names()) == wanted.names
