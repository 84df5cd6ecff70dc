"""A stock client registers fleets and devices, keeps tags, and calls from many places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from types_boto3_sagemaker import SageMakerClient

from emulator.requests_made import boto_client, error_of, plan_request, stage
from emulator.shapes import fits
from sagemaker_plans.emulator import Emulator

OUTPUT: Any = {"S3OutputLocation": "s3://reports/"}
TAGS: Any = [{"Key": "team", "Value": "vision"}, {"Key": "empty", "Value": ""}]
ROLE = "arn:aws:iam::123456789012:role/edge"


def names(reply: Any, member: str, key: str) -> list[str]:
    return [one[key] for one in reply[member]]


def test_the_whole_life_of_a_fleet(emulator: Emulator, sagemaker: SageMakerClient) -> None:
    client: Any = sagemaker
    robots = {"DeviceFleetName": "robots"}
    two = [{"DeviceName": "r-1", "IotThingName": "thing:1"}, {"DeviceName": "r-2"}]
    calls: list[tuple[str, str, dict[str, Any]]] = [
        (
            "CreateDeviceFleet",
            "create_device_fleet",
            {
                **robots,
                "OutputConfig": OUTPUT,
                "RoleArn": ROLE,
                "EnableIotRoleAlias": True,
                "Tags": TAGS,
            },
        ),
        ("RegisterDevices", "register_devices", {**robots, "Devices": two, "Tags": TAGS}),
        ("DescribeDeviceFleet", "describe_device_fleet", robots),
        ("ListDeviceFleets", "list_device_fleets", {"NameContains": "bot"}),
        ("ListDevices", "list_devices", {**robots, "MaxResults": 1}),
        ("DescribeDevice", "describe_device", {**robots, "DeviceName": "r-1"}),
        ("UpdateDeviceFleet", "update_device_fleet", {**robots, "OutputConfig": OUTPUT}),
        ("UpdateDevices", "update_devices", {**robots, "Devices": two}),
        ("DeregisterDevices", "deregister_devices", {**robots, "DeviceNames": ["r-1", "r-2"]}),
        ("DeleteDeviceFleet", "delete_device_fleet", robots),
    ]
    for operation, method, request in calls:
        fits(operation, getattr(client, method)(**request))
        emulator.clock.advance(1)
    assert [one.operation for one in emulator.requests] == [one[0] for one in calls]
    assert names(client.list_device_fleets(), "DeviceFleetSummaries", "DeviceFleetName") == [
        "cameras"
    ]


def test_a_plan_rolls_out_to_devices_that_a_client_registered(
    emulator: Emulator, sagemaker: SageMakerClient
) -> None:
    client: Any = sagemaker
    spring = {"EdgeDeploymentPlanName": "spring"}
    request = plan_request("spring", stage("all"), DeviceFleetName="robots")
    with pytest.raises(client.exceptions.ResourceNotFound) as caught:
        client.create_edge_deployment_plan(**request)
    assert error_of(caught) == ("ResourceNotFound", "Device fleet robots does not exist.", 400)
    client.create_device_fleet(DeviceFleetName="robots", OutputConfig=OUTPUT)
    client.register_devices(
        DeviceFleetName="robots", Devices=[{"DeviceName": "r-1"}, {"DeviceName": "r-2"}]
    )
    client.create_edge_deployment_plan(**request)
    client.start_edge_deployment_stage(**spring, StageName="all")
    emulator.clock.advance(60)
    devices = client.list_stage_devices(**spring, StageName="all")["DeviceDeploymentSummaries"]
    assert [(one["DeviceName"], one["DeviceDeploymentStatus"]) for one in devices] == [
        ("r-1", "DEPLOYED"),
        ("r-2", "DEPLOYED"),
    ]
    registered = client.list_devices(DeviceFleetName="robots")
    assert names(registered, "DeviceSummaries", "DeviceArn") == [
        one["DeviceArn"] for one in devices
    ]


def test_loose_fleets_let_a_plan_name_any() -> None:
    with Emulator(loose_fleets=True) as emulator:
        client: Any = boto_client(emulator)
        client.create_edge_deployment_plan(**plan_request("p", DeviceFleetName="robots"))
        devices = client.list_devices(DeviceFleetName="robots")["DeviceSummaries"]
        client.close()
    assert len(devices) == 10


def arn_of(client: Any, emulator: Emulator, kind: str) -> str:
    """Create a resource with `TAGS` and return its ARN."""
    if kind == "edge plan":
        made = client.create_edge_deployment_plan(**plan_request("p", Tags=TAGS))
        return str(made["EdgeDeploymentPlanArn"])
    if kind == "training plan":
        offering = emulator.add_plan_offering()
        made = client.create_training_plan(
            TrainingPlanName="p", TrainingPlanOfferingId=offering, Tags=TAGS
        )
        return str(made["TrainingPlanArn"])
    client.create_device_fleet(DeviceFleetName="f", OutputConfig=OUTPUT, Tags=TAGS)
    client.register_devices(DeviceFleetName="f", Devices=[{"DeviceName": "d"}], Tags=TAGS)
    if kind == "fleet":
        return str(client.describe_device_fleet(DeviceFleetName="f")["DeviceFleetArn"])
    return str(client.describe_device(DeviceFleetName="f", DeviceName="d")["DeviceArn"])


@pytest.mark.parametrize("kind", ["edge plan", "training plan", "fleet", "device"])
def test_tags_are_kept(emulator: Emulator, sagemaker: SageMakerClient, kind: str) -> None:
    client: Any = sagemaker
    arn = arn_of(client, emulator, kind)
    assert client.list_tags(ResourceArn=arn)["Tags"] == TAGS
    added = client.add_tags(
        ResourceArn=arn, Tags=[{"Key": "new", "Value": "1"}, {"Key": "team", "Value": "sound"}]
    )
    fits("AddTags", added)
    assert emulator.tags_of(arn) == {"team": "sound", "empty": "", "new": "1"}
    fits("DeleteTags", client.delete_tags(ResourceArn=arn, TagKeys=["team", "unknown"]))
    emulator.add_tags(arn, {"new": "2"})
    left = client.list_tags(ResourceArn=arn, MaxResults=50)
    fits("ListTags", left)
    assert left["Tags"] == [{"Key": "empty", "Value": ""}, {"Key": "new", "Value": "2"}]


@pytest.mark.parametrize(
    "resource",
    ["training-plan/x", "edge-deployment/x", "device-fleet/x", "device-fleet/cameras/device/x"],
)
def test_what_is_not_there_has_no_tags(sagemaker: SageMakerClient, resource: str) -> None:
    client: Any = sagemaker
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:{resource}"
    calls: list[Callable[[], object]] = [
        lambda: client.list_tags(ResourceArn=arn),
        lambda: client.add_tags(ResourceArn=arn, Tags=TAGS),
        lambda: client.delete_tags(ResourceArn=arn, TagKeys=["team"]),
    ]
    for call in calls:
        with pytest.raises(ClientError) as caught:
            call()
        assert error_of(caught) == ("ResourceNotFound", f"Resource {arn} does not exist.", 400)


@pytest.fixture
def two_accounts() -> Iterator[Emulator]:
    with Emulator(credentials={"test": "test", "111122223333": "secret"}) as emulator:
        emulator.clock.hold()
        yield emulator


PLACES = [
    ("us-east-1", "test", "test"),
    ("us-gov-west-1", "test", "test"),
    ("cn-north-1", "test", "test"),
    ("us-east-1", "111122223333", "secret"),
]
PREFIXES = [
    "arn:aws:sagemaker:us-east-1:123456789012:",
    "arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:",
    "arn:aws-cn:sagemaker:cn-north-1:123456789012:",
    "arn:aws:sagemaker:us-east-1:111122223333:",
]


def test_one_name_may_be_in_every_region_and_account(two_accounts: Emulator) -> None:
    clients: list[Any] = [
        boto_client(two_accounts, region=region, key=key, secret=secret)
        for region, key, secret in PLACES
    ]
    spring = {"EdgeDeploymentPlanName": "spring"}
    for number, (client, prefix) in enumerate(zip(clients, PREFIXES, strict=True)):
        devices = [{"DeviceName": f"r-{n}"} for n in range(number + 1)]
        client.create_device_fleet(DeviceFleetName="robots", OutputConfig=OUTPUT)
        client.register_devices(DeviceFleetName="robots", Devices=devices)
        made = client.create_edge_deployment_plan(
            **plan_request("spring", stage("all"), DeviceFleetName="robots")
        )
        assert made["EdgeDeploymentPlanArn"] == f"{prefix}edge-deployment/spring"
    clients[1].start_edge_deployment_stage(**spring, StageName="all")
    two_accounts.clock.advance(60)
    for number, (client, prefix) in enumerate(zip(clients, PREFIXES, strict=True)):
        plan = client.describe_edge_deployment_plan(**spring)
        status = plan["Stages"][0]["DeploymentStatus"]["StageStatus"]
        assert status == ("DEPLOYED" if number == 1 else "READYTODEPLOY")
        assert names(
            client.list_edge_deployment_plans(),
            "EdgeDeploymentPlanSummaries",
            "EdgeDeploymentPlanArn",
        ) == [f"{prefix}edge-deployment/spring"]
        staged = client.list_stage_devices(**spring, StageName="all")
        listed = client.list_devices(DeviceFleetName="robots")
        arns = [f"{prefix}device-fleet/robots/device/r-{n}" for n in range(number + 1)]
        assert names(staged, "DeviceDeploymentSummaries", "DeviceArn") == arns
        assert names(listed, "DeviceSummaries", "DeviceArn") == arns
        fleets = client.list_device_fleets(NameContains="robots")
        assert names(fleets, "DeviceFleetSummaries", "DeviceFleetArn") == [
            f"{prefix}device-fleet/robots"
        ]
    clients[0].delete_edge_deployment_plan(**spring)
    for client in clients[1:]:
        client.describe_edge_deployment_plan(**spring)
    for client in clients:
        client.close()


@pytest.mark.parametrize("place", PLACES[1:], ids=lambda place: f"{place[0]}-{place[1]}")
def test_nobody_sees_or_changes_what_is_elsewhere(
    two_accounts: Emulator, place: tuple[str, str, str]
) -> None:
    emulator = two_accounts
    emulator.service.handle("CreateEdgeDeploymentPlan", plan_request("p", stage("all")))
    region, key, secret = place
    client: Any = boto_client(emulator, region=region, key=key, secret=secret)
    plan, name = emulator.training_plan_arn, {"EdgeDeploymentPlanName": "p"}
    calls: list[Callable[[], object]] = [
        lambda: client.describe_edge_deployment_plan(**name),
        lambda: client.create_edge_deployment_stage(**name, Stages=[stage("more")]),
        lambda: client.start_edge_deployment_stage(**name, StageName="all"),
        lambda: client.delete_edge_deployment_plan(**name),
        lambda: client.create_edge_deployment_plan(**plan_request("q")),
        lambda: client.describe_device_fleet(DeviceFleetName="cameras"),
        lambda: client.register_devices(
            DeviceFleetName="cameras", Devices=[{"DeviceName": "mine"}]
        ),
        lambda: client.list_tags(ResourceArn=plan),
        lambda: client.describe_training_plan(TrainingPlanName="demo-plan"),
        lambda: client.describe_training_plan(TrainingPlanName=plan),
        lambda: client.extend_training_plan(
            TrainingPlanExtensionOfferingId="tpeo-0123456789abcdef"
        ),
    ]
    for call in calls:
        with pytest.raises(ClientError) as caught:
            call()
        assert error_of(caught)[0] == "ResourceNotFound"
    assert client.list_edge_deployment_plans()["EdgeDeploymentPlanSummaries"] == []
    assert client.list_device_fleets()["DeviceFleetSummaries"] == []
    assert client.list_devices()["DeviceSummaries"] == []
    assert client.list_training_plans()["TrainingPlanSummaries"] == []
    assert emulator.purchases == ()
    client.close()


def test_what_is_added_may_be_in_another_account(two_accounts: Emulator) -> None:
    emulator = two_accounts
    arn = emulator.add_training_plan("theirs", account_id="111122223333", tags={"team": "vision"})
    offering = emulator.add_extension_offering(arn, offering_id="tpeo-theirs")
    with pytest.raises(ValueError, match=f"the offering tpeo-theirs is for {arn} already"):
        emulator.add_extension_offering(emulator.training_plan_arn, offering_id=offering)
    client: Any = boto_client(emulator, key="111122223333", secret="secret")
    client.extend_training_plan(TrainingPlanExtensionOfferingId=offering)
    client.close()
    (purchase,) = emulator.purchases
    assert purchase.training_plan_arn == arn
    assert emulator.tags_of(arn) == {"team": "vision"}


def test_the_account_of_the_first_key_is_the_emulators() -> None:
    with Emulator(credentials={"111122223333": "s", "other": "s"}) as emulator:
        assert emulator.account_id == "111122223333"
        for key in ("111122223333", "other"):
            client: Any = boto_client(emulator, key=key, secret="s")
            plan = client.describe_training_plan(TrainingPlanName="demo-plan")
            client.close()
            assert plan["TrainingPlanArn"].startswith("arn:aws:sagemaker:us-east-1:111122223333:")
    assert Emulator(credentials="any").account_id == Emulator().account_id == "123456789012"
