from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from emulator.requests_made import OFFERING, boto_client, plan_request, send, send_signed, stage
from sagemaker_plans.emulator import Emulator, Fault
from sagemaker_plans.emulator._http.admin import NAMED_FAULTS


def post(emulator: Emulator, name: str, value: Any = None) -> tuple[int, Any]:
    body = b"" if value is None else json.dumps(value).encode()
    reply = send(emulator, body, path=f"/_emulator/{name}")
    assert reply.headers["content-type"].startswith("application/json")
    return reply.status, reply.json


def get(emulator: Emulator, name: str) -> Any:
    reply = send(emulator, b"", method="GET", path=f"/_emulator/{name}")
    assert reply.status == 200
    return reply.json


def test_the_state_can_be_queried(emulator: Emulator) -> None:
    client: Any = boto_client(emulator)
    client.create_edge_deployment_plan(**plan_request("p", stage("s")))
    client.extend_training_plan(TrainingPlanExtensionOfferingId=OFFERING)
    client.close()
    state = get(emulator, "state")
    assert state["clock"] == {"now": emulator.clock.now(), "held": True, "speed": 1.0}
    assert "ExtendTrainingPlan" in state["operations"]
    (fleet,) = state["fleets"]
    assert (fleet["DeviceFleetName"], fleet["Devices"][0]) == ("cameras", "cam-001")
    assert state["edge_deployment_plans"][0]["Stages"][0]["StageName"] == "s"
    (plan,) = state["training_plans"]
    assert len(plan["Offerings"]) == 3
    assert plan["Extensions"][0]["PaymentStatus"] == "Pending"
    assert state["purchases"][0]["offering_id"] == OFFERING


def test_the_clock_can_be_held_released_and_advanced(emulator: Emulator) -> None:
    assert post(emulator, "clock", {"release": True})[1]["held"] is False
    assert post(emulator, "clock", {"hold": True})[1]["held"] is True
    now = emulator.clock.now()
    status, reply = post(emulator, "clock", {"advance": 60})
    assert (status, reply["now"]) == (200, now + 60)
    assert emulator.clock.now() == now + 60


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"hold": False},
        {"hold": True, "advance": 1},
        {"advance": "1"},
        {"advance": True},
        {"advance": -1},
        {"advance": 1e308},
        {"advance": 10**400},
        {"stop": True},
    ],
)
def test_wrong_commands_to_the_clock_are_refused(emulator: Emulator, wrong: Any) -> None:
    status, reply = post(emulator, "clock", wrong)
    assert (status, set(reply)) == (400, {"error"})


def test_faults_can_be_injected_and_cleared(emulator: Emulator) -> None:
    wanted = {"operation": "ListTrainingPlans", "fault": "throttle", "nth": 2, "times": None}
    assert post(emulator, "faults", wanted) == (200, {})
    seen = [send_signed(emulator, operation="ListTrainingPlans").status for _ in range(3)]
    assert seen == [200, 400, 400]
    assert post(emulator, "faults", {"clear": True}) == (200, {})
    assert send_signed(emulator, operation="ListTrainingPlans").status == 200


_ARGUMENTS: dict[str, dict[str, Any]] = {
    "error": {"code": "X", "message": "m", "status": 418, "committed": True},
    "latency": {"seconds": 0.1},
    "missing_member": {"member": "Stages"},
    "disconnect": {"how": "rst", "committed": True},
    "throttle": {"retry_after": 1},
    "unknown_enum_value": {"value": "X", "member": "Status"},
}


@pytest.mark.parametrize("name", NAMED_FAULTS)
def test_every_fault_has_a_name(emulator: Emulator, name: str) -> None:
    wanted = {"operation": "*", "fault": name, "arguments": _ARGUMENTS.get(name, {})}
    assert post(emulator, "faults", wanted) == (200, {})
    assert NAMED_FAULTS[name](**_ARGUMENTS.get(name, {})).name.startswith(name)


def test_no_fault_but_the_one_with_a_gate_is_without_a_name() -> None:
    made: set[str] = {
        name
        for name, member in vars(Fault).items()
        if isinstance(member, classmethod) and not name.startswith("_")
    }
    assert made - set(NAMED_FAULTS) == {"wait_until"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "a fault is"),
        ({"operation": "*", "fault": "throttle", "colour": 1}, "a fault is"),
        ({"operation": "*", "fault": "flood"}, "there is no fault 'flood'; there are throttle"),
        ({"operation": "X", "fault": "throttle"}, "there is no operation 'X'"),
        (
            {
                "operation": "DescribeTrainingPlan",
                "fault": "missing_member",
                "arguments": {"member": "StageStats"},
            },
            "member: got 'StageStats'; the fault missing_member needs a member of a reply; ",
        ),
        ({"operation": 1, "fault": "throttle"}, "operation cannot be 1"),
        ({"operation": "*", "fault": ["x"]}, "fault cannot be"),
        ({"operation": "*", "fault": "throttle", "nth": "1"}, 'nth cannot be "1"'),
        ({"operation": "*", "fault": "throttle", "nth": True}, "nth cannot be true"),
        ({"operation": "*", "fault": "throttle", "times": 0}, "must be at least 1"),
        ({"operation": "*", "fault": "throttle", "times": "x"}, "times cannot be"),
        ({"operation": "*", "fault": "throttle", "arguments": []}, "arguments cannot be"),
        ({"operation": "*", "fault": "latency"}, "the arguments do not fit the fault latency"),
        (
            {"operation": "*", "fault": "throttle", "arguments": {"x": 1}},
            "the arguments do not fit the fault throttle",
        ),
        (
            {"operation": "*", "fault": "latency", "arguments": {"seconds": "1"}},
            "seconds cannot be",
        ),
        ({"operation": "*", "fault": "disconnect", "arguments": {"how": "x"}}, "'fin' or 'rst'"),
        (
            {"operation": "*", "fault": "latency", "arguments": {"seconds": 10**400}},
            "seconds must be zero or more, up to a billion",
        ),
        (
            {"operation": "*", "fault": "throttle", "arguments": {"retry_after": 10**400}},
            "retry_after must be a number of seconds, up to a billion",
        ),
        (
            {"operation": "*", "fault": "error", "arguments": {"code": "X\r\nSet-Cookie: x"}},
            "code must have printable characters only",
        ),
    ],
)
def test_wrong_faults_are_refused(emulator: Emulator, wrong: Any, words: str) -> None:
    status, reply = post(emulator, "faults", wrong)
    assert status == 400
    assert words in reply["error"]


def test_requests_can_be_counted_from_outside(emulator: Emulator) -> None:
    send_signed(emulator, operation="ListTrainingPlans")
    (seen,) = get(emulator, "requests")
    assert seen["operation"] == "ListTrainingPlans"
    assert (seen["status"], seen["committed"], seen["fault"]) == (200, True, None)
    assert seen["headers"]["authorization"] == "redacted"


def test_the_state_can_be_reset(emulator: Emulator) -> None:
    send_signed(emulator)
    assert post(emulator, "reset") == (200, {})
    assert emulator.requests == ()
    assert post(emulator, "reset", {"hard": True})[0] == 400


def _get(path: str) -> Callable[[Emulator], Any]:
    return lambda emulator: send(emulator, b"", method="GET", path=path)


def _post(path: str, body: bytes = b"{}") -> Callable[[Emulator], Any]:
    return lambda emulator: send(emulator, body, path=path)


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (_get("/_emulator"), 404),
        (_get("/_emulator/nothing"), 404),
        (_post("/_emulator/state"), 405),
        (_get("/_emulator/clock"), 405),
        (_post("/_emulator/clock", b"{"), 400),
        (_post("/_emulator/clock", b"[]"), 400),
    ],
)
def test_wrong_requests_get_clean_errors(
    emulator: Emulator, call: Callable[[Emulator], Any], status: int
) -> None:
    reply = call(emulator)
    assert (reply.status, set(reply.json)) == (status, {"error"})


def test_admin_requests_are_neither_recorded_nor_given_faults(emulator: Emulator) -> None:
    emulator.inject("*", Fault.throttle(), times=None)
    get(emulator, "state")
    assert emulator.requests == ()


def test_the_health_can_be_asked_for_by_its_head(emulator: Emulator) -> None:
    reply = send(emulator, b"", method="HEAD", path="/_emulator/health")
    assert (reply.status, reply.body) == (200, b"")
    refused = send(emulator, b"", method="POST", path="/_emulator/health")
    assert refused.status == 405
    assert b"GET or HEAD" in refused.body
