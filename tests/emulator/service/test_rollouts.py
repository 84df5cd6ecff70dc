from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from types import FrameType
from typing import Any, TypeVar

import pytest
from botocore.loaders import Loader

from emulator.requests_made import create, described, stage, stage_state, start, stop
from sagemaker_plans.emulator import Clock, Refusal, Seed, Service, Timings

T = TypeVar("T")


def held(**options: Any) -> Service:
    service = Service(**options)
    service.clock.hold()
    return service


def devices_of(service: Service, plan: str, stage: str, **more: Any) -> list[tuple[str, str]]:
    reply: Any = service.handle(
        "ListStageDevices", {"EdgeDeploymentPlanName": plan, "StageName": stage, **more}
    )
    return [
        (one["DeviceName"], one["DeviceDeploymentStatus"])
        for one in reply["DeviceDeploymentSummaries"]
    ]


def test_a_stage_is_deployed_device_by_device(service: Service) -> None:
    create(service, "p", stage("s", {"DeviceSubsetType": "PERCENTAGE", "Percentage": 25}))
    assert stage_state(service, "p", "s") == ("READYTODEPLOY", 0, 3, 0)
    start(service, "p", "s")
    seen = [stage_state(service, "p", "s")]
    for _ in range(5):
        service.clock.advance(0.2)
        seen.append(stage_state(service, "p", "s"))
    service.clock.advance(0.1)
    seen.append(stage_state(service, "p", "s"))
    assert seen == [
        ("STARTING", 0, 3, 0),
        ("STARTING", 0, 3, 0),
        ("STARTING", 0, 3, 0),
        ("INPROGRESS", 0, 3, 0),
        ("INPROGRESS", 1, 2, 0),
        ("INPROGRESS", 2, 1, 0),
        ("DEPLOYED", 3, 0, 0),
    ]


def test_a_stage_is_creating_for_as_long_as_the_timings_say() -> None:
    service = held(timings=Timings(creating=10))
    create(service, "p", stage("s"))
    assert stage_state(service, "p", "s")[0] == "CREATING"
    with pytest.raises(Refusal, match=r"ResourceInUse.*CREATING"):
        start(service, "p", "s")
    service.clock.advance(10)
    assert stage_state(service, "p", "s")[0] == "READYTODEPLOY"


@pytest.mark.parametrize("seconds", [0, 0.6, 3, 60])
def test_a_stage_that_runs_or_is_done_is_not_started_again(
    service: Service, seconds: float
) -> None:
    create(service, "p", stage("s"))
    start(service, "p", "s")
    service.clock.advance(seconds)
    with pytest.raises(Refusal, match="ResourceInUse"):
        start(service, "p", "s")


def test_a_stopped_stage_keeps_its_counts_and_can_be_started_again(service: Service) -> None:
    create(service, "p", stage("s"))
    start(service, "p", "s")
    service.clock.advance(1.0)
    stop(service, "p", "s")
    assert stage_state(service, "p", "s") == ("STOPPING", 2, 8, 0)
    assert {status for _, status in devices_of(service, "p", "s")} == {"DEPLOYED", "STOPPING"}
    service.clock.advance(0.5)
    assert stage_state(service, "p", "s") == ("STOPPED", 2, 8, 0)
    assert devices_of(service, "p", "s")[2] == ("cam-003", "STOPPED")
    start(service, "p", "s")
    assert stage_state(service, "p", "s") == ("STARTING", 0, 10, 0)


@pytest.mark.parametrize(("running", "seconds"), [(False, 0), (True, 60)])
def test_a_stage_that_does_not_run_cannot_be_stopped(
    service: Service, *, running: bool, seconds: float
) -> None:
    create(service, "p", stage("s"))
    if running:
        start(service, "p", "s")
    service.clock.advance(seconds)
    with pytest.raises(Refusal, match=r"ValidationException.*cannot be stopped"):
        stop(service, "p", "s")


def test_one_failed_device_fails_the_stage_and_a_failed_stage_can_be_repeated(
    service: Service,
) -> None:
    service.add_fleet("cameras", devices=["a", "b", "c"], failing=["b"])
    create(service, "p", stage("s"))
    start(service, "p", "s")
    service.clock.advance(0.9)
    assert stage_state(service, "p", "s") == ("INPROGRESS", 1, 1, 1)
    assert devices_of(service, "p", "s") == [
        ("a", "DEPLOYED"),
        ("b", "FAILED"),
        ("c", "INPROGRESS"),
    ]
    service.clock.advance(60)
    assert stage_state(service, "p", "s") == ("FAILED", 2, 0, 1)
    service.add_fleet("cameras", devices=["a", "b", "c"])
    start(service, "p", "s")
    service.clock.advance(60)
    assert stage_state(service, "p", "s") == ("DEPLOYED", 3, 0, 0)


@pytest.mark.parametrize(("tolerance", "status"), [(0.2, "DEPLOYED"), (0.19, "FAILED")])
def test_the_share_of_failures_that_fails_a_stage_can_be_set(tolerance: float, status: str) -> None:
    service = held(failure_tolerance=tolerance)
    service.add_fleet("cameras", failure_rate=0.2)
    create(service, "p", stage("s"))
    start(service, "p", "s")
    service.clock.advance(60)
    assert stage_state(service, "p", "s") == (status, 8, 0, 2)


@pytest.mark.parametrize(
    ("policy", "words"), [("ROLLBACK_ON_FAILURE", "rolled back"), ("DO_NOTHING", "left as they")]
)
def test_the_message_says_what_happened_to_failed_devices(
    service: Service, policy: str, words: str
) -> None:
    service.add_fleet("cameras", devices=["a", "b"], failing=["a"])
    config = {"FailureHandlingPolicy": policy}
    create(service, "p", stage("s", DeploymentConfig=config))
    start(service, "p", "s")
    service.clock.advance(60)
    found = described(service, "p")["Stages"][0]
    assert found["DeploymentConfig"] == config
    assert words in found["DeploymentStatus"]["EdgeDeploymentStatusMessage"]
    assert "1 of 2" in found["DeploymentStatus"]["EdgeDeploymentStatusMessage"]


def test_a_stage_shows_its_start_time_once_it_is_started(service: Service) -> None:
    create(service, "p", stage("s"))
    assert (
        "EdgeDeploymentStageStartTime"
        not in described(service, "p")["Stages"][0]["DeploymentStatus"]
    )
    start(service, "p", "s")
    status = described(service, "p")["Stages"][0]["DeploymentStatus"]
    assert status["EdgeDeploymentStageStartTime"] == service.clock.now()
    assert status["EdgeDeploymentStatusMessage"] == "0 of 10 devices deployed."


def test_a_stage_without_devices_is_deployed_at_once(service: Service) -> None:
    selection = {"DeviceSubsetType": "NAMECONTAINS", "DeviceNameContains": "nobody"}
    create(service, "p", stage("s", selection))
    start(service, "p", "s")
    service.clock.advance(0.5)
    assert stage_state(service, "p", "s") == ("DEPLOYED", 0, 0, 0)
    message = described(service, "p")["Stages"][0]["DeploymentStatus"][
        "EdgeDeploymentStatusMessage"
    ]
    assert message == "No device of the fleet is selected by this stage."


def counting_calls(act: Callable[[], T]) -> tuple[T, int]:
    """Carry out an action and count its function calls, which no busy machine changes."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        return act(), calls
    finally:
        sys.setprofile(before)


def test_huge_fleets_cost_nothing_and_still_report_in_time(service: Service) -> None:
    service.add_fleet("cameras", devices=10_000, failure_rate=0.01)
    create(service, "p", *(stage(f"s{number}") for number in range(10)))
    for number in range(10):
        start(service, "p", f"s{number}")
    service.clock.advance(1.5)
    reply, calls = counting_calls(lambda: described(service, "p"))
    assert reply["EdgeDeploymentSuccess"] + reply["EdgeDeploymentFailed"] == 50_000
    assert calls < 10_000
    service.clock.advance(1.0)
    reply = described(service, "p")
    assert (reply["EdgeDeploymentSuccess"], reply["EdgeDeploymentFailed"]) == (99_000, 1_000)
    assert reply["EdgeDeploymentPending"] == 0
    request = {
        "EdgeDeploymentPlanName": "p",
        "StageName": "s0",
        "ExcludeDevicesDeployedInOtherStage": True,
    }
    listed, calls = counting_calls(lambda: service.handle("ListStageDevices", request))
    assert len(listed["DeviceDeploymentSummaries"]) == 100  # type: ignore[arg-type]  # plain JSON
    assert calls < 10_000


def test_the_service_runs_on_any_clock() -> None:
    moment = [0.0]
    service = Service(clock=Clock(source=lambda: moment[0], start=1.7e9))
    create(service, "p", stage("s"))
    start(service, "p", "s")
    moment[0] = 3600.0
    assert stage_state(service, "p", "s") == ("DEPLOYED", 10, 0, 0)


@pytest.mark.parametrize(
    "seconds",
    [-1, float("nan"), float("inf"), 10**400, True, "1", None, Decimal(1), timedelta(seconds=1)],
)
def test_timings_are_durations(seconds: Any) -> None:
    with pytest.raises(ValueError, match="starting must be zero or more seconds, not "):
        Timings(starting=seconds)


@pytest.mark.parametrize("tolerance", [-0.1, 1.1])
def test_a_tolerance_is_a_share(tolerance: float) -> None:
    with pytest.raises(ValueError, match="failure_tolerance"):
        Service(failure_tolerance=tolerance)


def test_a_new_state_reads_no_service_model_again(monkeypatch: pytest.MonkeyPatch) -> None:
    Service()
    monkeypatch.setattr(Loader, "load_service_model", None)

    assert Service().operations


def test_readings_can_lag_behind_a_start() -> None:
    clock = Clock()
    clock.hold()
    service = Service(clock=clock, timings=Timings(reading_lag=5, starting=1), seed=Seed())
    service.add_fleet("cameras", devices=["cam-1"], failing=["cam-1"])
    whole = {"DeviceSubsetType": "PERCENTAGE", "Percentage": 100}
    stage = {"EdgeDeploymentPlanName": "rollout", "StageName": "canary"}
    service.handle(
        "CreateEdgeDeploymentPlan",
        {
            "EdgeDeploymentPlanName": "rollout",
            "ModelConfigs": [{"ModelHandle": "detector", "EdgePackagingJobName": "job"}],
            "DeviceFleetName": "cameras",
            "Stages": [{"StageName": "canary", "DeviceSelectionConfig": whole}],
        },
    )
    clock.advance(60)

    def seen() -> list[object]:
        name = {"EdgeDeploymentPlanName": "rollout"}
        described: Any = service.handle("DescribeEdgeDeploymentPlan", name)
        listed: Any = service.handle("ListEdgeDeploymentPlans", {})
        devices: Any = service.handle("ListStageDevices", stage)
        return [
            described["Stages"][0]["DeploymentStatus"]["StageStatus"],
            listed["EdgeDeploymentPlanSummaries"][0]["EdgeDeploymentFailed"],
            devices["DeviceDeploymentSummaries"][0]["DeviceDeploymentStatus"],
        ]

    service.handle("StartEdgeDeploymentStage", stage)
    clock.advance(4)
    assert seen() == ["READYTODEPLOY", 0, "READYTODEPLOY"]
    # The service itself knows better.
    with pytest.raises(Refusal, match="while it is FAILED"):
        service.handle("StopEdgeDeploymentStage", stage)
    clock.advance(60)
    assert seen() == ["FAILED", 1, "FAILED"]

    service.handle("StartEdgeDeploymentStage", stage)
    assert seen() == ["FAILED", 1, "FAILED"]
    clock.advance(5.5)
    assert seen() == ["STARTING", 0, "INPROGRESS"]
