from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any

import pytest
from aiohttp import web

import sagemaker_plans.emulator
from emulator.requests_made import boto_client, plan_request, send_signed, signed_headers, stage
from sagemaker_plans.emulator import Emulator, Fault, Seed, Timings, TrainingPlanSeed


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "emulator" in thread.name]


def test_it_listens_on_loopback_at_a_port_of_its_own() -> None:
    with Emulator() as one, Emulator() as other:
        assert one.endpoint_url.startswith("http://127.0.0.1:")
        assert one.endpoint_url != other.endpoint_url


def test_it_has_no_url_before_it_has_a_port() -> None:
    emulator = Emulator()
    with pytest.raises(RuntimeError, match="start it"):
        _ = emulator.endpoint_url


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_is_in_its_range(port: int) -> None:
    with pytest.raises(ValueError, match="port must be between 0 and 65535"):
        Emulator(port=port)


def test_a_port_in_use_is_an_error(emulator: Emulator) -> None:
    port = int(emulator.endpoint_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Emulator(port=port).start()
    assert len(threads()) == 1


def test_a_second_start_is_an_error_and_a_second_stop_is_none() -> None:
    emulator = Emulator()
    emulator.stop()
    emulator.start()
    with pytest.raises(RuntimeError, match="already running"):
        emulator.start()
    url = emulator.endpoint_url
    emulator.stop()
    emulator.stop()
    emulator.start()
    assert emulator.endpoint_url == url
    emulator.stop()
    assert threads() == []


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_it_can_be_bound_to_ipv6() -> None:
    try:
        with Emulator(host="::1") as emulator:
            assert emulator.endpoint_url.startswith("http://[::1]:")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")


def test_an_emulator_on_every_address_is_reached_on_loopback_and_warns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Emulator(host="0.0.0.0") as emulator:
        assert emulator.endpoint_url.startswith("http://127.0.0.1:")
        assert send_signed(emulator).status == 200
    assert "0.0.0.0 is not a loopback address" in caplog.text


def test_no_warning_is_logged_on_loopback(caplog: pytest.LogCaptureFixture) -> None:
    for host in ("127.0.0.1", "localhost"):
        with Emulator(host=host) as emulator:
            assert send_signed(emulator).status == 200
    assert caplog.text == ""


def test_start_raises_the_error_of_a_server_that_cannot_listen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_args: object, **_options: object) -> socket.socket:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        monkeypatch.setattr(asyncio.SelectorEventLoop, "create_server", _refuse, raising=True)
        return listener

    async def _refuse(*_args: object, **_options: object) -> None:
        raise OSError("no more sockets")

    monkeypatch.setattr(socket, "create_server", broken)
    with pytest.raises(OSError, match="no more sockets"):
        Emulator().start()
    assert threads() == []


def test_it_starts_and_stops_again_and_again() -> None:
    emulator = Emulator()
    for count in range(1, 11):
        with emulator:
            send_signed(emulator)
        assert len(emulator.requests) == count
        assert threads() == []


def test_stop_returns_at_once_even_if_requests_hang() -> None:
    emulator = Emulator()
    emulator.start()
    emulator.inject("*", Fault.hang(), nth=1)
    emulator.inject("*", Fault.latency(60), nth=2)
    emulator.inject("*", Fault.drip(60), nth=3)
    address = ("127.0.0.1", int(emulator.endpoint_url.rpartition(":")[2]))
    with ThreadPoolExecutor(4) as pool, socket.create_connection(address) as idle:
        idle.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        calls = [pool.submit(_call_quietly, emulator) for _ in range(3)]
        _until(lambda: len(emulator.requests) == 3)
        # If stop() waited for one of them, it would take a minute or never return.
        emulator.stop()
        for call in calls:
            assert call.result(5) is None
    assert threads() == []


def _call_quietly(emulator: Emulator) -> int | None:
    try:
        return send_signed(emulator).status
    except (OSError, HTTPException):
        # The reply had not begun, or it was cut in the middle.
        return None


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_requests_are_recorded_on_arrival(emulator: Emulator) -> None:
    send_signed(emulator, b'{"NameContains":"x"}', operation="ListEdgeDeploymentPlans")
    (seen,) = emulator.requests
    assert seen.operation == "ListEdgeDeploymentPlans"
    assert seen.body == {"NameContains": "x"}
    assert seen.received_at == emulator.clock.now()
    assert (seen.region, seen.fault, seen.committed) == ("us-east-1", None, True)
    assert (seen.status, seen.error_code) == (200, None)
    assert seen.headers["content-TYPE"] == "application/x-amz-json-1.1"
    assert "X-Amz-Target" in dict(seen.headers) or "x-amz-target" in dict(seen.headers)
    assert len(seen.headers) == len(dict(seen.headers))
    assert "redacted" in repr(seen.headers)


def test_requests_of_an_unknown_operation_are_an_error(emulator: Emulator) -> None:
    assert emulator.requests_of("ListTrainingPlans") == ()
    with pytest.raises(ValueError, match="there is no operation 'List'"):
        emulator.requests_of("List")


def test_a_reset_goes_back_to_the_seed(emulator: Emulator) -> None:
    client: Any = boto_client(emulator)
    client.create_edge_deployment_plan(**plan_request("p", stage("s")))
    client.extend_training_plan(TrainingPlanExtensionOfferingId="tpeo-0123456789abcdef")
    emulator.add_training_plan("other")
    emulator.inject("*", Fault.throttle(), times=None)
    now = emulator.clock.now()
    emulator.reset()
    assert (emulator.requests, emulator.purchases) == ((), ())
    assert client.list_edge_deployment_plans()["EdgeDeploymentPlanSummaries"] == []
    assert len(client.list_training_plans()["TrainingPlanSummaries"]) == 1
    assert emulator.clock.now() == now
    client.close()


def test_a_reset_during_a_request_does_not_hurt(emulator: Emulator) -> None:
    with ThreadPoolExecutor(1) as pool, emulator.hold_replies("*") as gate:
        call = pool.submit(send_signed, emulator)
        gate.wait_for_arrivals()
        emulator.reset()
        gate.open()
        assert call.result(5).status == 200
    assert emulator.requests == ()


def test_fleets_plans_and_offerings_can_be_added(emulator: Emulator) -> None:
    arn = emulator.add_training_plan("second", instance_count=4)
    offering = emulator.add_extension_offering(arn, upfront_fee="1.00", currency_code="EUR")
    emulator.add_fleet("robots", devices=3)
    client: Any = boto_client(emulator)
    client.extend_training_plan(TrainingPlanExtensionOfferingId=offering)
    client.create_edge_deployment_plan(**plan_request("p", stage("s"), DeviceFleetName="robots"))
    client.close()
    (purchase,) = emulator.purchases
    assert (purchase.training_plan_arn, purchase.currency_code) == (arn, "EUR")
    assert offering.startswith("tpeo-")


def test_the_oldest_training_plan_has_a_property() -> None:
    assert Emulator().training_plan_arn == (
        "arn:aws:sagemaker:us-east-1:123456789012:training-plan/demo-plan"
    )
    with pytest.raises(LookupError, match="no training plan"):
        _ = Emulator(seed=Seed()).training_plan_arn


def test_the_clock_runs_at_the_given_speed() -> None:
    emulator = Emulator(speed=1e6, timings=Timings(), seed=Seed.default())
    before = emulator.clock.now()
    _until(lambda: emulator.clock.now() > before + 1000)


def test_a_seed_can_hold_plans_that_run() -> None:
    from sagemaker_plans.emulator import FleetSeed, PlanSeed

    seed = Seed(
        fleets=(FleetSeed(name="cameras"),),
        plans=(PlanSeed(create=plan_request("p", stage("s")), start=("s",)),),
        training_plans=(TrainingPlanSeed(name="t", status="Pending"),),
    )
    with Emulator(seed=seed) as emulator:
        emulator.clock.advance(60)
        client = boto_client(emulator)
        reply = client.describe_edge_deployment_plan(EdgeDeploymentPlanName="p")
        client.close()
    assert reply["Stages"][0]["DeploymentStatus"]["StageStatus"] == "DEPLOYED"


class BrokenError(Exception):
    """A bug of the emulator, made for a test."""


def broken(*_args: object, **_options: object) -> Any:
    raise BrokenError


def test_a_bug_of_the_emulator_is_never_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ExceptionGroup) as caught, Emulator() as emulator:  # noqa: PT012  # the exit raises
        monkeypatch.setattr(emulator.service, "handle", broken)
        reply = send_signed(emulator)
        assert (reply.status, reply.json["__type"]) == (500, "InternalFailure")
        assert b"Broken" not in reply.body
        (failure,) = emulator.failures
        assert isinstance(failure, BrokenError)
    assert caught.group_contains(BrokenError)


def test_a_bug_of_the_emulator_does_not_hide_the_tests_own_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(KeyError) as caught, Emulator() as emulator:  # noqa: PT012  # the exit notes
        monkeypatch.setattr(emulator.service, "handle", broken)
        send_signed(emulator)
        raise KeyError("the test's own")
    assert "BrokenError" in caught.value.__notes__[0]


def test_trio_code_can_use_it() -> None:
    trio = pytest.importorskip("trio")

    async def status(emulator: Emulator) -> int:
        reply = await trio.to_thread.run_sync(send_signed, emulator)
        return int(reply.status)

    with Emulator() as emulator:
        assert trio.run(status, emulator) == 200


def test_the_public_names_are_complete() -> None:
    assert sorted(sagemaker_plans.emulator.__all__) == sagemaker_plans.emulator.__all__
    assert [*sagemaker_plans.emulator._MODULES] == sagemaker_plans.emulator.__all__
    assert {*sagemaker_plans.emulator.__all__} <= {*dir(sagemaker_plans.emulator)}
    for name in sagemaker_plans.emulator.__all__:
        assert getattr(sagemaker_plans.emulator, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        getattr(sagemaker_plans.emulator, "Nothing")  # noqa: B009  # unknown to the checkers


def test_importing_it_loads_neither_server_nor_model() -> None:
    code = (
        "import sys, sagemaker_plans.emulator\n"
        "assert not {'aiohttp', 'botocore', 'aiobotocore'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_signed_headers_are_what_the_tests_think(emulator: Emulator) -> None:
    assert signed_headers(emulator, b"{}")["Authorization"].startswith("AWS4-HMAC-SHA256 ")


def test_stop_raises_the_error_of_a_server_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def shutdown(*_args: object) -> None:
        raise BrokenError

    emulator = Emulator()
    emulator.start()
    monkeypatch.setattr(web.Server, "shutdown", shutdown)
    with pytest.raises(BrokenError):
        emulator.stop()
    assert threads() == []
