"""Each fault as a stock client sees it, and as it is recorded."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from http.client import IncompleteRead
from typing import Any, Literal

import aiohttp
import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)
from types_boto3_sagemaker import SageMakerClient

from emulator.requests_made import (
    OFFERING,
    aio_client,
    boto_client,
    error_of,
    plan_request,
    send_signed,
    signed_headers,
    stage,
)
from sagemaker_plans.emulator import Emulator, Fault, Gate

DESCRIBE = "DescribeEdgeDeploymentPlan"
EXTEND = "ExtendTrainingPlan"


@pytest.fixture
def planned(sagemaker: SageMakerClient) -> SageMakerClient:
    """A client of an emulator that has the plan `p` with three stages."""
    sagemaker.create_edge_deployment_plan(**plan_request("p", stage("a"), stage("b"), stage("c")))
    return sagemaker


@pytest.fixture
def impatient(emulator: Emulator) -> Iterator[SageMakerClient]:
    """A client that gives up quickly."""
    client = boto_client(emulator, read_timeout=0.2)
    yield client
    client.close()


def describe(client: SageMakerClient, **more: Any) -> Any:
    return client.describe_edge_deployment_plan(EdgeDeploymentPlanName="p", **more)


def extend(client: SageMakerClient) -> Any:
    return client.extend_training_plan(TrainingPlanExtensionOfferingId=OFFERING)


def raw_describe(emulator: Emulator) -> Any:
    return send_signed(emulator, b'{"EdgeDeploymentPlanName":"p"}', operation=DESCRIBE)


def test_a_throttle_is_the_real_one_byte_for_byte(
    emulator: Emulator, planned: SageMakerClient
) -> None:
    emulator.inject(DESCRIBE, Fault.throttle())
    reply = raw_describe(emulator)
    assert reply.body == b'{"__type":"ThrottlingException","message":"Rate exceeded"}'
    assert (reply.status, len(reply.body)) == (400, 58)
    assert reply.headers["x-amzn-errortype"] == "ThrottlingException"
    assert "retry-after" not in reply.headers
    assert describe(planned)["EdgeDeploymentPlanName"] == "p"
    emulator.inject(DESCRIBE, Fault.throttle(retry_after=1.5))
    assert raw_describe(emulator).headers["retry-after"] == "1.5"


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        (Fault.throttle(), "ThrottlingException", 400),
        (Fault.error("AccessDeniedException", "no", status=403), "AccessDeniedException", 403),
        (Fault.error("ExpiredTokenException"), "ExpiredTokenException", 400),
        (Fault.internal_failure(), "InternalFailure", 500),
        (Fault.service_unavailable(retry_after=2), "ServiceUnavailable", 503),
        (Fault.not_found_as_validation(), "ValidationException", 400),
        (Fault.not_found_as_validation("Could not find it."), "ValidationException", 400),
    ],
)
def test_an_error_answer_arrives_as_that_error(
    emulator: Emulator, sagemaker: SageMakerClient, fault: Fault, code: str, status: int
) -> None:
    emulator.inject(EXTEND, fault)
    with pytest.raises(ClientError) as caught:
        extend(sagemaker)
    assert error_of(caught)[::2] == (code, status)
    (seen,) = emulator.requests
    assert (seen.fault, seen.status, seen.error_code) == (fault.name, status, code)
    assert not seen.committed
    assert emulator.purchases == ()


@pytest.mark.parametrize(
    "fault",
    [
        Fault.internal_failure(committed=True),
        Fault.service_unavailable(committed=True),
        Fault.error("Whatever", status=502, committed=True),
    ],
)
def test_an_error_after_the_commit_leaves_the_effect(
    emulator: Emulator, sagemaker: SageMakerClient, fault: Fault
) -> None:
    emulator.inject(EXTEND, fault)
    with pytest.raises(ClientError):
        extend(sagemaker)
    (seen,) = emulator.requests
    assert seen.committed
    assert len(emulator.purchases) == 1


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_disconnect_sends_nothing(
    emulator: Emulator, sagemaker: SageMakerClient, *, how: Literal["fin", "rst"], committed: bool
) -> None:
    emulator.inject(EXTEND, Fault.disconnect(how, committed=committed))
    with pytest.raises(ConnectionClosedError):
        extend(sagemaker)
    (seen,) = emulator.requests
    assert (seen.fault, seen.status, seen.committed) == (f"disconnect_{how}", None, committed)
    assert len(emulator.purchases) == committed
    assert sagemaker.list_edge_deployment_plans()["EdgeDeploymentPlanSummaries"] == []


@pytest.mark.parametrize(("how", "end"), [("fin", b""), ("rst", ConnectionResetError)])
def test_a_disconnect_sends_fin_or_rst(emulator: Emulator, how: Any, end: Any) -> None:
    emulator.inject("*", Fault.disconnect(how))
    headers = signed_headers(emulator, b"{}")
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    address = ("127.0.0.1", int(emulator.endpoint_url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=5) as connection:
        host = emulator.endpoint_url.removeprefix("http://")
        request = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n{head}\r\n{{}}"
        connection.sendall(request.encode())
        if isinstance(end, bytes):
            assert connection.recv(100) == end
        else:
            with pytest.raises(end):
                connection.recv(100)


@pytest.mark.parametrize("committed", [False, True])
def test_a_hang_lasts_until_the_client_gives_up(
    emulator: Emulator, impatient: SageMakerClient, *, committed: bool
) -> None:
    emulator.inject(EXTEND, Fault.hang(committed=committed))
    with pytest.raises(ReadTimeoutError):
        extend(impatient)
    (seen,) = emulator.requests
    assert (seen.status, seen.committed) == (None, committed)


def test_latency_delays_the_reply_but_not_the_effect(
    emulator: Emulator, impatient: SageMakerClient, sagemaker: SageMakerClient
) -> None:
    emulator.inject(EXTEND, Fault.latency(30))
    with pytest.raises(ReadTimeoutError):
        extend(impatient)
    assert len(emulator.purchases) == 1
    assert emulator.requests[0].status is None
    emulator.inject("*", Fault.latency(0.05))
    begin = time.monotonic()
    sagemaker.list_training_plans()
    assert time.monotonic() - begin >= 0.05


def test_a_dripping_reply_arrives_whole_and_late(
    emulator: Emulator, planned: SageMakerClient
) -> None:
    emulator.inject(DESCRIBE, Fault.drip(0.0))
    assert len(describe(planned)["Stages"]) == 3
    emulator.inject(DESCRIBE, Fault.drip(0.0001))
    begin = time.monotonic()
    reply = raw_describe(emulator)
    assert time.monotonic() - begin >= 0.0001 * len(reply.body)


def test_a_cut_body_breaks_its_promise(emulator: Emulator, planned: SageMakerClient) -> None:
    emulator.inject(DESCRIBE, Fault.cut_body())
    with pytest.raises(IncompleteRead) as caught:
        raw_describe(emulator)
    assert len(caught.value.partial) > 100
    assert emulator.requests[-1].committed
    # Stock clients take it for an empty success.
    emulator.inject(DESCRIBE, Fault.cut_body())
    assert set(describe(planned)) == {"ResponseMetadata"}


@pytest.mark.usefixtures("planned")
def test_an_empty_reply_can_be_cut_too(emulator: Emulator) -> None:
    emulator.inject("DeleteEdgeDeploymentPlan", Fault.cut_body())
    with pytest.raises(IncompleteRead):
        send_signed(
            emulator, b'{"EdgeDeploymentPlanName":"p"}', operation="DeleteEdgeDeploymentPlan"
        )
    assert emulator.requests[-1].committed


@pytest.mark.parametrize("fault", [Fault.truncated_json(), Fault.not_json(), Fault.empty_object()])
def test_an_unreadable_success_reaches_botos_callers_empty(
    emulator: Emulator, sagemaker: SageMakerClient, fault: Fault
) -> None:
    emulator.inject(EXTEND, fault)
    assert set(extend(sagemaker)) == {"ResponseMetadata"}
    (seen,) = emulator.requests
    assert (seen.status, seen.committed, seen.fault) == (200, True, fault.name)


@pytest.mark.usefixtures("planned")
def test_unreadable_replies_have_the_bytes_of_their_fault(emulator: Emulator) -> None:
    whole = raw_describe(emulator).body
    emulator.inject(DESCRIBE, Fault.truncated_json())
    assert raw_describe(emulator).body == whole[: len(whole) // 2]
    emulator.inject(DESCRIBE, Fault.not_json())
    page = raw_describe(emulator)
    assert (page.status, page.headers["content-type"]) == (200, "text/html")
    assert page.body.startswith(b"<!DOCTYPE html>")
    emulator.inject(DESCRIBE, Fault.empty_object())
    assert raw_describe(emulator).body == b"{}"


def test_a_missing_member_is_missing_everywhere(
    emulator: Emulator, planned: SageMakerClient
) -> None:
    emulator.inject(DESCRIBE, Fault.missing_member("StageName"))
    assert all("StageName" not in one for one in describe(planned)["Stages"])


def test_an_empty_page_holds_its_items_back(emulator: Emulator, planned: SageMakerClient) -> None:
    emulator.inject(DESCRIBE, Fault.empty_page())
    first = describe(planned, MaxResults=2)
    assert first["Stages"] == []
    second = describe(planned, MaxResults=2, NextToken=first["NextToken"])
    assert [one["StageName"] for one in second["Stages"]] == ["a", "b"]
    emulator.inject(DESCRIBE, Fault.empty_page())
    third = describe(planned, MaxResults=2, NextToken=second["NextToken"])
    assert (third["Stages"], third["NextToken"]) == ([], second["NextToken"])


def test_a_repeated_token_goes_in_circles(emulator: Emulator, planned: SageMakerClient) -> None:
    emulator.inject(DESCRIBE, Fault.repeated_token(), times=None)
    first = describe(planned, MaxResults=2)
    second = describe(planned, MaxResults=2, NextToken=first["NextToken"])
    assert [one["StageName"] for one in second["Stages"]] == ["a", "b"]
    assert second["NextToken"] == first["NextToken"]


def test_what_is_no_fault_is_not_injected(emulator: Emulator) -> None:
    forgotten: Any = Fault.throttle
    with pytest.raises(TypeError, match=r"a Fault such as Fault\.throttle\(\) is needed, not <"):
        emulator.inject("*", forgotten)


def test_a_code_of_an_error_is_a_text() -> None:
    status: Any = 404
    with pytest.raises(ValueError, match="code must be a string such as 'ResourceInUse', not 404"):
        Fault.error(status)


@pytest.mark.parametrize("fault", [Fault.empty_page(), Fault.repeated_token()])
def test_page_faults_need_pages(
    emulator: Emulator, sagemaker: SageMakerClient, fault: Fault
) -> None:
    with pytest.raises(ValueError, match="needs pages, but ExtendTrainingPlan has none"):
        emulator.inject(EXTEND, fault)
    emulator.inject("*", fault)
    assert extend(sagemaker)["TrainingPlanExtensions"]


def test_an_unknown_enum_value_is_new_to_the_model(
    emulator: Emulator, planned: SageMakerClient
) -> None:
    emulator.inject(DESCRIBE, Fault.unknown_enum_value())
    status = describe(planned)["Stages"][0]["DeploymentStatus"]["StageStatus"]
    assert status == "STATUS_OF_TOMORROW"
    emulator.inject(DESCRIBE, Fault.unknown_enum_value("LUNAR", member="DeviceSubsetType"))
    selection = describe(planned)["Stages"][0]["DeviceSelectionConfig"]
    assert selection["DeviceSubsetType"] == "LUNAR"


def test_unknown_members_are_in_every_structure(
    emulator: Emulator, planned: SageMakerClient
) -> None:
    emulator.inject(DESCRIBE, Fault.unknown_member())
    reply = raw_describe(emulator).json
    assert reply["MemberOfTomorrow"] == {"Value": "new"}
    assert "MemberOfTomorrow" in reply["Stages"][0]["DeploymentStatus"]
    emulator.inject(DESCRIBE, Fault.unknown_member())
    assert len(describe(planned)["Stages"]) == 3


def test_a_changing_fault_passes_a_refusal_on(
    emulator: Emulator, sagemaker: SageMakerClient
) -> None:
    emulator.inject(DESCRIBE, Fault.unknown_member())
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        describe(sagemaker)
    assert not emulator.requests[0].committed


def test_faults_with_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="between 400 and 599, not 200"):
        Fault.error("X", status=200)
    with pytest.raises(ValueError, match="seconds must be zero or more"):
        Fault.latency(-1)
    with pytest.raises(ValueError, match="'fin' or 'rst'"):
        Fault.disconnect("abort")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # wrong on purpose


def open_when_full(gate: Gate, clients: int) -> None:
    try:
        gate.wait_for_arrivals(clients, timeout=20)
    finally:
        gate.open()


@pytest.mark.usefixtures("planned")
def test_a_thousand_requests_at_once_are_answered(emulator: Emulator) -> None:
    body = b'{"EdgeDeploymentPlanName":"p"}'
    # All requests have the same bytes, so one signature fits all of them.
    headers = signed_headers(emulator, body, operation=DESCRIBE)

    async def one(session: aiohttp.ClientSession) -> int:
        async with session.post(emulator.endpoint_url, data=body, headers=headers) as reply:
            return len(json.loads(await reply.read())["Stages"])

    async def storm() -> list[int]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            return await asyncio.gather(*(one(session) for _ in range(1000)))

    # Both ends of a connection count against this process's limit of open files.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    try:
        with emulator.hold_replies(DESCRIBE) as gate:
            threading.Thread(target=open_when_full, args=(gate, 1000)).start()
            assert asyncio.run(storm()) == [3] * 1000
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(emulator.requests_of(DESCRIBE)) == 1000


def test_aiobotocore_sees_the_same_faults(emulator: Emulator) -> None:
    async def calls() -> list[str]:
        found: list[str] = []
        async with aio_client(emulator, read_timeout=0.3) as client:
            for _ in range(5):
                try:
                    await client.list_training_plans()
                except (ClientError, BotoCoreError) as error:
                    found.append(type(error).__name__)
        return found

    for nth, fault in enumerate(
        (
            Fault.throttle(),
            Fault.disconnect("fin"),
            Fault.disconnect("rst"),
            Fault.hang(),
            Fault.cut_body(),
        ),
        start=1,
    ):
        emulator.inject("ListTrainingPlans", fault, nth=nth)
    assert len(asyncio.run(calls())) == 5
    assert [one.fault for one in emulator.requests] == [
        "throttle",
        "disconnect_fin",
        "disconnect_rst",
        "hang",
        "cut_body",
    ]
