from __future__ import annotations

from typing import Any

import pytest

from emulator.requests_made import (
    create,
    described,
    plan_request,
    stage,
    stage_state,
    start,
    stop,
)
from sagemaker_plans.emulator import Refusal, Service


def listed(service: Service, **request: Any) -> list[str]:
    reply: Any = service.handle("ListEdgeDeploymentPlans", request)
    return [one["EdgeDeploymentPlanName"] for one in reply["EdgeDeploymentPlanSummaries"]]


def devices(service: Service, plan: str, stage: str, **more: Any) -> list[str]:
    reply: Any = service.handle(
        "ListStageDevices", {"EdgeDeploymentPlanName": plan, "StageName": stage, **more}
    )
    return [one["DeviceName"] for one in reply["DeviceDeploymentSummaries"]]


def chosen(service: Service, selection: dict[str, Any]) -> list[str]:
    create(service, "chosen", stage("s", selection))
    return devices(service, "chosen", "s")


def test_a_description_gives_back_what_was_created(service: Service) -> None:
    request = plan_request("p", stage("a"), stage("b"))
    reply = service.handle("CreateEdgeDeploymentPlan", request)
    found = described(service, "p")
    assert found["EdgeDeploymentPlanArn"] == reply["EdgeDeploymentPlanArn"]
    assert found["ModelConfigs"] == request["ModelConfigs"]
    assert found["DeviceFleetName"] == "cameras"
    assert [one["StageName"] for one in found["Stages"]] == ["a", "b"]
    assert found["Stages"][0]["DeviceSelectionConfig"] == stage("a")["DeviceSelectionConfig"]
    assert found["Stages"][0]["DeploymentConfig"] == {
        "FailureHandlingPolicy": "ROLLBACK_ON_FAILURE"
    }
    assert found["CreationTime"] == found["LastModifiedTime"] == service.clock.now()
    assert "NextToken" not in found


def test_totals_are_the_sums_of_the_stages(service: Service) -> None:
    service.add_fleet("cameras", devices=4, failing=["cameras-0001"])
    create(service, "p", stage("a"), stage("b"))
    start(service, "p", "a")
    service.clock.advance(60)
    found = described(service, "p")
    assert (
        found["EdgeDeploymentSuccess"],
        found["EdgeDeploymentPending"],
        found["EdgeDeploymentFailed"],
    ) == (3, 4, 1)


@pytest.mark.parametrize("size", range(1, 11))
def test_pages_of_any_size_give_every_stage_once(service: Service, size: int) -> None:
    names = [f"s{number}" for number in range(10)]
    create(service, "p", *map(stage, names))
    found: list[str] = []
    request: dict[str, Any] = {"EdgeDeploymentPlanName": "p", "MaxResults": size}
    pages = 0
    while True:
        reply: Any = service.handle("DescribeEdgeDeploymentPlan", request)
        found += [one["StageName"] for one in reply["Stages"]]
        pages += 1
        if "NextToken" not in reply:
            break
        request["NextToken"] = reply["NextToken"]
    assert (found, pages) == (names, -(-10 // size))


@pytest.mark.parametrize("token", ["x", "é", "bm9wZQ==", "TGlzdFRyYWluaW5nUGxhbnM6MQ==", "____"])
def test_a_token_that_the_operation_did_not_make_is_refused(service: Service, token: str) -> None:
    create(service, "p")
    with pytest.raises(Refusal, match="ValidationException: NextToken is not valid"):
        service.handle(
            "DescribeEdgeDeploymentPlan", {"EdgeDeploymentPlanName": "p", "NextToken": token}
        )


def test_pages_have_at_least_one_item(service: Service) -> None:
    create(service, "p")
    with pytest.raises(Refusal, match="greater than or equal to 1"):
        service.handle(
            "DescribeEdgeDeploymentPlan", {"EdgeDeploymentPlanName": "p", "MaxResults": 0}
        )


def test_names_are_unique(service: Service) -> None:
    create(service, "p", stage("a"))
    with pytest.raises(Refusal, match=r"ResourceInUse.*p already exists"):
        create(service, "p")
    with pytest.raises(Refusal, match=r"ResourceInUse.*Stage a already exists"):
        service.handle(
            "CreateEdgeDeploymentStage", {"EdgeDeploymentPlanName": "p", "Stages": [stage("a")]}
        )
    with pytest.raises(Refusal, match=r"ValidationException.*more than once"):
        create(service, "q", stage("a"), stage("a"))
    assert listed(service) == ["p"]


def test_ten_stages_are_the_limit(service: Service) -> None:
    stages = [stage(f"s{number}") for number in range(11)]
    with pytest.raises(Refusal, match="ResourceLimitExceeded"):
        create(service, "p", *stages)
    create(service, "p", *stages[:10])
    with pytest.raises(Refusal, match="ResourceLimitExceeded"):
        service.handle(
            "CreateEdgeDeploymentStage", {"EdgeDeploymentPlanName": "p", "Stages": stages[10:]}
        )


def test_stages_can_be_added_and_deleted(service: Service) -> None:
    create(service, "p", stage("a"))
    service.clock.advance(1)
    service.handle(
        "CreateEdgeDeploymentStage", {"EdgeDeploymentPlanName": "p", "Stages": [stage("b")]}
    )
    assert described(service, "p")["LastModifiedTime"] == service.clock.now()
    service.handle("DeleteEdgeDeploymentStage", {"EdgeDeploymentPlanName": "p", "StageName": "a"})
    assert [one["StageName"] for one in described(service, "p")["Stages"]] == ["b"]


def test_a_running_stage_or_its_plan_is_not_deleted(service: Service) -> None:
    create(service, "p", stage("a"), stage("b"))
    start(service, "p", "b")
    with pytest.raises(Refusal, match="ResourceInUse"):
        service.handle("DeleteEdgeDeploymentPlan", {"EdgeDeploymentPlanName": "p"})
    stop(service, "p", "b")
    with pytest.raises(Refusal, match=r"ResourceInUse.*STOPPING"):
        service.handle(
            "DeleteEdgeDeploymentStage", {"EdgeDeploymentPlanName": "p", "StageName": "b"}
        )
    service.clock.advance(60)
    service.handle("DeleteEdgeDeploymentPlan", {"EdgeDeploymentPlanName": "p"})
    assert listed(service) == []


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("DescribeEdgeDeploymentPlan", {}),
        ("DeleteEdgeDeploymentPlan", {}),
        ("StartEdgeDeploymentStage", {"StageName": "s"}),
        ("StopEdgeDeploymentStage", {"StageName": "s"}),
        ("DeleteEdgeDeploymentStage", {"StageName": "s"}),
        ("ListStageDevices", {"StageName": "s"}),
        ("CreateEdgeDeploymentStage", {"Stages": []}),
    ],
)
def test_an_unknown_plan_or_stage_is_not_found(
    service: Service, operation: str, more: dict[str, Any]
) -> None:
    with pytest.raises(Refusal, match=r"ResourceNotFound.*plan nobody does not exist"):
        service.handle(operation, {"EdgeDeploymentPlanName": "nobody", **more})
    if "StageName" in more:
        create(service, "p")
        with pytest.raises(Refusal, match=r"ResourceNotFound.*Stage s does not exist"):
            service.handle(operation, {"EdgeDeploymentPlanName": "p", **more})


@pytest.mark.parametrize(
    ("percentage", "count"), [(1, 1), (10, 1), (11, 2), (50, 5), (99, 10), (100, 10)]
)
def test_a_percentage_is_rounded_up(service: Service, percentage: int, count: int) -> None:
    found = chosen(service, {"DeviceSubsetType": "PERCENTAGE", "Percentage": percentage})
    assert found == [f"cam-{number:03}" for number in range(1, count + 1)]


def test_named_devices_are_chosen_once_each(service: Service) -> None:
    names = ["cam-002", "cam-001", "cam-002"]
    assert chosen(service, {"DeviceSubsetType": "SELECTION", "DeviceNames": names}) == [
        "cam-002",
        "cam-001",
    ]


def test_devices_are_chosen_by_part_of_their_name(service: Service) -> None:
    selection = {"DeviceSubsetType": "NAMECONTAINS", "DeviceNameContains": "00"}
    assert len(chosen(service, selection)) == 9


@pytest.mark.parametrize(
    "selection",
    [
        {"DeviceSubsetType": "PERCENTAGE"},
        {"DeviceSubsetType": "PERCENTAGE", "Percentage": 0},
        {"DeviceSubsetType": "SELECTION"},
        {"DeviceSubsetType": "SELECTION", "DeviceNames": []},
        {"DeviceSubsetType": "NAMECONTAINS"},
    ],
)
def test_a_selection_has_what_its_type_needs(service: Service, selection: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match=r"ValidationException.*DeviceSubsetType is"):
        chosen(service, selection)


@pytest.mark.parametrize("fleet", ["robots", "Cameras"])
def test_a_fleet_has_to_be_registered(service: Service, fleet: str) -> None:
    with pytest.raises(Refusal, match=f"ResourceNotFound: Device fleet {fleet} does not exist"):
        create(service, "p", DeviceFleetName=fleet)
    assert listed(service) == []


def test_devices_have_to_be_registered(service: Service) -> None:
    misspelt = {"DeviceSubsetType": "SELECTION", "DeviceNames": ["cam-001", "cam-1"]}
    with pytest.raises(
        Refusal, match="ResourceNotFound: Device cam-1 does not exist in device fle"
    ):
        create(service, "p", stage("s", misspelt))
    create(service, "p")
    with pytest.raises(
        Refusal, match="ResourceNotFound: Device cam-1 does not exist in device fle"
    ):
        service.handle(
            "CreateEdgeDeploymentStage",
            {"EdgeDeploymentPlanName": "p", "Stages": [stage("s", misspelt)]},
        )
    assert described(service, "p")["Stages"] == []


def test_a_device_that_left_its_fleet_is_refused_at_the_start(service: Service) -> None:
    create(service, "p", stage("s", {"DeviceSubsetType": "SELECTION", "DeviceNames": ["cam-002"]}))
    request = {"DeviceFleetName": "cameras", "DeviceNames": ["cam-002"]}
    service.handle("DeregisterDevices", request)
    with pytest.raises(Refusal, match="ResourceNotFound: Device cam-002 does not exist"):
        start(service, "p", "s")
    assert stage_state(service, "p", "s") == ("READYTODEPLOY", 0, 1, 0)


def test_loose_fleets_come_into_being_with_ten_devices() -> None:
    service = Service(loose_fleets=True)
    create(service, "p", stage("s"), DeviceFleetName="robots")
    assert devices(service, "p", "s")[0] == "robots-0001"
    assert stage_state(service, "p", "s") == ("READYTODEPLOY", 0, 10, 0)
    described_fleet = service.handle("DescribeDeviceFleet", {"DeviceFleetName": "robots"})
    assert described_fleet["DeviceFleetName"] == "robots"


def test_loose_devices_join_their_fleet() -> None:
    service = Service(loose_fleets=True)
    names = ["cam-002", "new", "cam-002"]
    assert chosen(service, {"DeviceSubsetType": "SELECTION", "DeviceNames": names}) == [
        "cam-002",
        "new",
    ]
    create(service, "all", stage("s"))
    assert len(devices(service, "all", "s")) == 11


def test_a_refused_plan_changes_nothing() -> None:
    service = Service(loose_fleets=True)
    joining = {"DeviceSubsetType": "SELECTION", "DeviceNames": ["new"]}
    with pytest.raises(Refusal):
        create(service, "p", stage("a", joining), stage("b", {"DeviceSubsetType": "SELECTION"}))
    create(service, "q", stage("s"))
    assert "new" not in devices(service, "q", "s")


def test_the_same_devices_fail_in_every_run() -> None:
    def failing() -> list[str]:
        service = Service()
        service.clock.hold()
        service.add_fleet("f", devices=50, failure_rate=0.3, failing=["f-0050"])
        create(service, "p", stage("s"), DeviceFleetName="f")
        start(service, "p", "s")
        service.clock.advance(60)
        reply: Any = service.handle(
            "ListStageDevices", {"EdgeDeploymentPlanName": "p", "StageName": "s"}
        )
        return [
            one["DeviceName"]
            for one in reply["DeviceDeploymentSummaries"]
            if one["DeviceDeploymentStatus"] == "FAILED"
        ]

    first = failing()
    assert first == failing()
    assert "f-0050" in first
    assert len(first) in {15, 16}


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_a_failure_rate_is_a_share(service: Service, rate: float) -> None:
    with pytest.raises(ValueError, match="failure_rate"):
        service.add_fleet("f", failure_rate=rate)


@pytest.mark.parametrize("argument", ["devices", "failing"])
def test_one_text_is_no_list_of_names(service: Service, argument: str) -> None:
    names: dict[str, Any] = {argument: "cam-001"}
    with pytest.raises(ValueError, match=rf"{argument} must be a list of .*, not 'cam-001'"):
        service.add_fleet("cameras", **names)


def test_a_fleet_has_no_negative_size(service: Service) -> None:
    with pytest.raises(ValueError, match=r"devices must be .*, not -1"):
        service.add_fleet("f", devices=-1)


def test_device_listings_tell_each_devices_state(service: Service) -> None:
    service.add_fleet("cameras", devices=["a", "b"], failing=["b"])
    create(service, "p", stage("s"))
    request = {"EdgeDeploymentPlanName": "p", "StageName": "s"}
    before: Any = service.handle("ListStageDevices", request)
    assert [one["DeviceDeploymentStatus"] for one in before["DeviceDeploymentSummaries"]] == [
        "READYTODEPLOY",
        "READYTODEPLOY",
    ]
    start(service, "p", "s")
    service.clock.advance(60)
    after: Any = service.handle("ListStageDevices", request)
    good, bad = after["DeviceDeploymentSummaries"]
    assert good["DeployedStageName"] == "s"
    assert good["DeviceArn"].endswith(":device-fleet/cameras/device/a")
    assert "DeployedStageName" not in bad
    assert bad["DeviceDeploymentStatusMessage"] == "The device agent reported a failure."


def test_devices_deployed_in_other_stages_can_be_left_out(service: Service) -> None:
    canary = {"DeviceSubsetType": "PERCENTAGE", "Percentage": 30}
    create(service, "p", stage("canary", canary), stage("all"), stage("later"))
    start(service, "p", "canary")
    service.clock.advance(60)
    assert devices(service, "p", "all", ExcludeDevicesDeployedInOtherStage=True) == [
        f"cam-{number:03}" for number in range(4, 11)
    ]
    assert len(devices(service, "p", "all", ExcludeDevicesDeployedInOtherStage=False)) == 10
    assert len(devices(service, "p", "all", MaxResults=3)) == 3


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ({}, ["b-one", "a-two", "c-two"]),
        ({"SortBy": "NAME"}, ["a-two", "b-one", "c-two"]),
        ({"SortBy": "NAME", "SortOrder": "Descending"}, ["c-two", "b-one", "a-two"]),
        ({"SortBy": "DEVICE_FLEET_NAME"}, ["c-two", "b-one", "a-two"]),
        ({"SortBy": "CREATION_TIME", "SortOrder": "Ascending"}, ["b-one", "a-two", "c-two"]),
        ({"SortBy": "LAST_MODIFIED_TIME"}, ["a-two", "c-two", "b-one"]),
        ({"NameContains": "two"}, ["a-two", "c-two"]),
        ({"DeviceFleetNameContains": "y"}, ["b-one"]),
        ({"CreationTimeAfter": 1001.0}, ["a-two", "c-two"]),
        ({"CreationTimeBefore": 1001.0}, ["b-one", "a-two"]),
        ({"LastModifiedTimeAfter": 1003}, ["b-one"]),
        ({"LastModifiedTimeBefore": 1001}, ["a-two"]),
        ({"MaxResults": 2}, ["b-one", "a-two"]),
    ],
)
def test_plans_are_filtered_and_sorted(request_: dict[str, Any], names: list[str]) -> None:
    from sagemaker_plans.emulator import Clock

    service = Service(clock=Clock(source=lambda: 0.0, start=1000.0))
    for name in "xyz":
        service.add_fleet(name)
    for name, fleet in (("b-one", "y"), ("a-two", "z"), ("c-two", "x")):
        create(service, name, stage("s"), DeviceFleetName=fleet)
        service.clock.advance(1)
    start(service, "b-one", "s")
    assert listed(service, **request_) == names
