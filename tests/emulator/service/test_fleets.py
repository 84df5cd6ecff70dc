"""Device fleets, devices and tags, without HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.requests_made import create, plan_request, stage, stage_state, start
from sagemaker_plans.emulator import Clock, Refusal, Service
from sagemaker_plans.emulator._wire.members import Caller
from sagemaker_plans.emulator._wire.validation import service_model

CAMERAS = {"DeviceFleetName": "cameras"}


def fleet(service: Service, name: str, **more: Any) -> None:
    output = {"S3OutputLocation": "s3://reports/"}
    service.handle("CreateDeviceFleet", {"DeviceFleetName": name, "OutputConfig": output, **more})


def register(service: Service, fleet: str, *names: str, **more: Any) -> None:
    devices = [{"DeviceName": name} for name in names]
    service.handle("RegisterDevices", {"DeviceFleetName": fleet, "Devices": devices, **more})


def devices(service: Service, **request: Any) -> list[str]:
    reply: Any = service.handle("ListDevices", request)
    return [one["DeviceName"] for one in reply["DeviceSummaries"]]


def described(service: Service, name: str) -> Any:
    return service.handle("DescribeDeviceFleet", {"DeviceFleetName": name})


def test_every_operation_is_one_of_the_service_model(service: Service) -> None:
    assert set(service.operations) <= set(service_model().operation_names)


def test_a_fleet_is_described_as_it_was_created(service: Service) -> None:
    settings = {
        "Description": "On the roof",
        "RoleArn": "arn:aws:iam::123456789012:role/edge",
        "OutputConfig": {"S3OutputLocation": "s3://x/", "KmsKeyId": "key"},
    }
    fleet(service, "robots", **settings, EnableIotRoleAlias=True)
    assert described(service, "robots") == {
        "DeviceFleetName": "robots",
        "DeviceFleetArn": "arn:aws:sagemaker:us-east-1:123456789012:device-fleet/robots",
        "CreationTime": service.clock.now(),
        "LastModifiedTime": service.clock.now(),
        "IotRoleAlias": "arn:aws:iam::123456789012:rolealias/SageMakerEdge-robots",
        **settings,
    }
    assert devices(service, DeviceFleetName="robots") == []


def test_an_update_changes_what_it_names(service: Service) -> None:
    service.add_fleet("robots", description="Old")
    created = described(service, "robots")
    service.clock.advance(5)
    output = {"S3OutputLocation": "s3://new/"}
    request: dict[str, object] = {"DeviceFleetName": "robots", "OutputConfig": output}
    service.handle("UpdateDeviceFleet", request)
    assert described(service, "robots") == {
        **created,
        "OutputConfig": output,
        "LastModifiedTime": service.clock.now(),
    }
    assert created["Description"] == "Old"


def test_the_name_of_a_fleet_is_unique(service: Service) -> None:
    with pytest.raises(Refusal, match="ResourceInUse: Device fleet cameras already exists"):
        fleet(service, "cameras")


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("DescribeDeviceFleet", {}),
        ("UpdateDeviceFleet", {"OutputConfig": {"S3OutputLocation": "s3://x/"}}),
        ("DeleteDeviceFleet", {}),
        ("RegisterDevices", {"Devices": [{"DeviceName": "d"}]}),
        ("DeregisterDevices", {"DeviceNames": ["d"]}),
        ("UpdateDevices", {"Devices": [{"DeviceName": "d"}]}),
        ("DescribeDevice", {"DeviceName": "d"}),
        ("ListDevices", {}),
    ],
)
def test_an_unknown_fleet_or_device_is_not_found(
    service: Service, operation: str, more: dict[str, Any]
) -> None:
    with pytest.raises(Refusal, match="ResourceNotFound: Device fleet robots does not exist"):
        service.handle(operation, {"DeviceFleetName": "robots", **more})
    if "Device" in "".join(more) and operation != "RegisterDevices":
        with pytest.raises(Refusal, match="ResourceNotFound: Device d does not exist in device fl"):
            service.handle(operation, {**CAMERAS, **more})


def test_a_fleet_in_use_is_not_deleted(service: Service) -> None:
    with pytest.raises(Refusal, match="ResourceInUse: Device fleet cameras has 10 registered dev"):
        service.handle("DeleteDeviceFleet", CAMERAS)
    fleet(service, "robots")
    create(service, "p", DeviceFleetName="robots")
    with pytest.raises(Refusal, match=r"ResourceInUse.*is used by arn:.*:edge-deployment/p"):
        service.handle("DeleteDeviceFleet", {"DeviceFleetName": "robots"})
    service.handle("DeleteEdgeDeploymentPlan", {"EdgeDeploymentPlanName": "p"})
    service.handle("DeleteDeviceFleet", {"DeviceFleetName": "robots"})
    with pytest.raises(Refusal, match="ResourceNotFound"):
        described(service, "robots")


def test_a_plan_of_another_region_does_not_use_a_fleet(service: Service) -> None:
    fleet(service, "robots")
    arn = service.add_fleet("robots", region="eu-west-1")
    assert arn == "arn:aws:sagemaker:eu-west-1:123456789012:device-fleet/robots"
    elsewhere = Caller(region="eu-west-1")
    request = plan_request("p", DeviceFleetName="robots")
    service.handle("CreateEdgeDeploymentPlan", request, caller=elsewhere)
    service.handle("DeleteDeviceFleet", {"DeviceFleetName": "robots"})


def test_devices_are_registered_all_or_none(service: Service) -> None:
    fleet(service, "robots")
    register(service, "robots", "r-2", "r-1")
    with pytest.raises(Refusal, match="ResourceInUse: Device r-1 is already registered in fleet"):
        register(service, "robots", "r-3", "r-1")
    with pytest.raises(Refusal, match="ValidationException: Devices have the same name more than"):
        register(service, "robots", "r-4", "r-4")
    assert devices(service, DeviceFleetName="robots") == ["r-2", "r-1"]


def test_a_device_is_described_as_it_was_registered(service: Service) -> None:
    fleet(service, "robots")
    details = {"Description": "In the hall", "IotThingName": "thing:1"}
    service.handle(
        "RegisterDevices",
        {"DeviceFleetName": "robots", "Devices": [{"DeviceName": "r-1", **details}]},
    )
    registered_at = service.clock.now()
    service.clock.advance(5)
    request: dict[str, object] = {
        "DeviceFleetName": "robots",
        "Devices": [{"DeviceName": "r-1", "Description": "On the roof"}],
    }
    service.handle("UpdateDevices", request)
    one = {"DeviceFleetName": "robots", "DeviceName": "r-1"}
    assert service.handle("DescribeDevice", one) == {
        **one,
        "DeviceArn": "arn:aws:sagemaker:us-east-1:123456789012:device-fleet/robots/device/r-1",
        "RegistrationTime": registered_at,
        "Models": [],
        "Description": "On the roof",
        "IotThingName": "thing:1",
    }
    with pytest.raises(Refusal, match="ValidationException: NextToken is not valid"):
        service.handle("DescribeDevice", {**one, "NextToken": "x"})


def test_deregistered_devices_stay_in_stages_that_run(service: Service) -> None:
    create(service, "p", stage("s"), stage("later"))
    start(service, "p", "s")
    names = [f"cam-{number:03}" for number in range(1, 11)]
    service.handle("DeregisterDevices", {**CAMERAS, "DeviceNames": [*names[:9], names[0]]})
    service.clock.advance(60)
    assert devices(service) == ["cam-010"]
    assert stage_state(service, "p", "s") == ("DEPLOYED", 10, 0, 0)
    start(service, "p", "later")
    assert stage_state(service, "p", "later") == ("STARTING", 0, 1, 0)


def test_devices_of_all_fleets_are_listed(service: Service) -> None:
    service.add_fleet("robots", devices=["r-1"])
    service.add_fleet("elsewhere", region="eu-west-1")
    assert devices(service) == [*(f"cam-{number:03}" for number in range(1, 11)), "r-1"]
    assert devices(service, LatestHeartbeatAfter=0) == devices(service, ModelName="m") == []


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ({}, ["b-one", "a-two", "c-two"]),
        ({"SortBy": "NAME"}, ["a-two", "b-one", "c-two"]),
        ({"SortBy": "NAME", "SortOrder": "Descending"}, ["c-two", "b-one", "a-two"]),
        ({"SortBy": "CREATION_TIME", "SortOrder": "Ascending"}, ["b-one", "a-two", "c-two"]),
        ({"SortBy": "LAST_MODIFIED_TIME"}, ["a-two", "c-two", "b-one"]),
        ({"NameContains": "two"}, ["a-two", "c-two"]),
        ({"CreationTimeAfter": 1001.0}, ["a-two", "c-two"]),
        ({"CreationTimeBefore": 1001.0}, ["b-one", "a-two"]),
        ({"LastModifiedTimeAfter": 1003}, ["b-one"]),
        ({"LastModifiedTimeBefore": 1001}, ["a-two"]),
        ({"MaxResults": 2}, ["b-one", "a-two"]),
    ],
)
def test_fleets_are_filtered_and_sorted(request_: dict[str, Any], names: list[str]) -> None:
    service = Service(clock=Clock(source=lambda: 0.0, start=1000.0))
    service.clock.hold()
    service.add_fleet("elsewhere", region="eu-west-1")
    output = {"S3OutputLocation": "s3://x/"}
    # The default seed has a fleet as well.
    service.handle("DeregisterDevices", {**CAMERAS, "DeviceNames": devices(service)})
    service.handle("DeleteDeviceFleet", CAMERAS)
    for name in ("b-one", "a-two", "c-two"):
        fleet(service, name)
        service.clock.advance(1)
    service.handle("UpdateDeviceFleet", {"DeviceFleetName": "b-one", "OutputConfig": output})
    reply: Any = service.handle("ListDeviceFleets", request_)
    assert [one["DeviceFleetName"] for one in reply["DeviceFleetSummaries"]] == names


def test_devices_can_be_added_in_python(service: Service) -> None:
    arn = service.add_fleet("robots", devices=["r-1"], tags={"team": "vision"})
    added = service.add_devices(arn, ["r-1", "r-2", "r-3"], failing=["r-3"], tags={"hall": "2"})
    assert added == tuple(f"{arn}/device/r-{number}" for number in (1, 2, 3))
    assert [service.tags_of(one) for one in (arn, *added)] == [
        {"team": "vision"},
        {},
        {"hall": "2"},
        {"hall": "2"},
    ]
    create(service, "p", stage("s"), DeviceFleetName="robots")
    start(service, "p", "s")
    service.clock.advance(60)
    assert stage_state(service, "p", "s") == ("FAILED", 2, 0, 1)
    with pytest.raises(ValueError, match=r"names must be a list of names, .*, not 'r-4'"):
        service.add_devices(arn, "r-4")
    with pytest.raises(ValueError, match="there is no device fleet robots"):
        service.add_devices("robots", ["r-4"])


def test_tags_of_alike_devices_are_their_own(service: Service) -> None:
    one, other = service.add_devices(service.add_fleet("robots", devices=0), ["r-1", "r-2"])
    service.add_tags(one, {"hall": "2"})
    assert (service.tags_of(one), service.tags_of(other)) == ({"hall": "2"}, {})


def test_a_fleet_may_be_named_device(service: Service) -> None:
    [arn] = service.add_devices(service.add_fleet("device", devices=0), ["d-1"])
    service.add_tags(arn, {"hall": "2"})
    assert service.tags_of(arn) == {"hall": "2"}


def test_tags_go_with_their_resource(service: Service) -> None:
    create(service, "p", Tags=[{"Key": "team", "Value": "vision"}])
    arn = "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/p"
    assert service.tags_of(arn) == {"team": "vision"}
    service.handle("DeleteEdgeDeploymentPlan", {"EdgeDeploymentPlanName": "p"})
    with pytest.raises(ValueError, match=f"Resource {arn} does not exist"):
        service.tags_of(arn)
    with pytest.raises(ValueError, match=f"Resource {arn} does not exist"):
        service.add_tags(arn, {"team": "vision"})
    create(service, "p")
    assert service.tags_of(arn) == {}


def test_a_resource_has_fifty_tags_at_most(service: Service) -> None:
    (arn,) = service.training_plan_arns
    fifty = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    service.handle("AddTags", {"ResourceArn": arn, "Tags": fifty})
    with pytest.raises(Refusal, match="ResourceLimitExceeded: A resource has at most 50 tags"):
        service.handle("AddTags", {"ResourceArn": arn, "Tags": [{"Key": "more", "Value": ""}]})
    with pytest.raises(Refusal, match="ValidationException: Tags have the same key more than on"):
        service.handle("AddTags", {"ResourceArn": arn, "Tags": [fifty[0], fifty[0]]})
    reply: Any = service.handle("ListTags", {"ResourceArn": arn})
    assert reply == {"Tags": fifty}
