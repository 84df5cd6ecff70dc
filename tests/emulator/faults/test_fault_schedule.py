"""Which calls get a fault, and replies that wait at a gate."""

from __future__ import annotations

import asyncio
import concurrent.futures
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from types_boto3_sagemaker import SageMakerClient

from emulator.requests_made import OFFERING, boto_client, error_of, send, send_signed
from sagemaker_plans.emulator import Emulator, Fault, Gate

EXTEND = "ExtendTrainingPlan"


@pytest.fixture
def impatient(emulator: Emulator) -> Iterator[SageMakerClient]:
    """A client that gives up quickly."""
    client = boto_client(emulator, read_timeout=0.2)
    yield client
    client.close()


def extend(client: SageMakerClient) -> Any:
    return client.extend_training_plan(TrainingPlanExtensionOfferingId=OFFERING)


def test_replies_are_held_until_the_test_opens_the_gate(
    emulator: Emulator, sagemaker: SageMakerClient
) -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        with emulator.hold_replies(EXTEND) as gate:
            call = pool.submit(extend, sagemaker)
            gate.wait_for_arrivals()
            assert (gate.arrivals, gate.is_open, call.done()) == (1, False, False)
            assert len(emulator.purchases) == 1
            assert emulator.requests[0].status is None
            gate.open()
            assert call.result(5)["TrainingPlanExtensions"]
            emulator.reset()
            assert extend(sagemaker)["TrainingPlanExtensions"]
        assert gate.is_open
        with pytest.raises(sagemaker.exceptions.ResourceNotFound):
            sagemaker.describe_edge_deployment_plan(EdgeDeploymentPlanName="p")


def test_what_is_held_before_the_commit_never_happens(
    emulator: Emulator, sagemaker: SageMakerClient
) -> None:
    with (
        concurrent.futures.ThreadPoolExecutor(1) as pool,
        emulator.hold_replies(EXTEND, committed=False) as gate,
    ):
        call = pool.submit(extend, sagemaker)
        gate.wait_for_arrivals()
        assert emulator.purchases == ()
        gate.open()
        with pytest.raises(ClientError, match="ServiceUnavailable"):
            call.result(5)
    assert emulator.requests[0].fault == "wait_until"


def test_the_end_of_the_context_releases_held_replies(
    emulator: Emulator, sagemaker: SageMakerClient
) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with emulator.hold_replies(EXTEND) as gate:
            call = pool.submit(extend, sagemaker)
            gate.wait_for_arrivals()
        assert call.result(5)["TrainingPlanExtensions"]


def test_an_open_gate_holds_nothing(emulator: Emulator, sagemaker: SageMakerClient) -> None:
    gate = Gate()
    gate.open()
    emulator.inject(EXTEND, Fault.wait_until(gate))
    assert extend(sagemaker)["TrainingPlanExtensions"]
    assert gate.arrivals == 1


def test_the_gate_forgets_a_client_that_disconnects(
    emulator: Emulator, impatient: SageMakerClient
) -> None:
    with emulator.hold_replies(EXTEND) as gate:
        with pytest.raises(ReadTimeoutError):
            extend(impatient)
        impatient.close()
        gate.open()
    assert emulator.failures == ()


def test_waiting_for_arrivals_ends() -> None:
    with pytest.raises(TimeoutError, match=r"0 of 2 replies reached the gate in 0\.01 s"):
        Gate().wait_for_arrivals(2, timeout=0.01)


def test_faults_hit_the_nth_call_and_as_many_calls_as_told(
    emulator: Emulator, sagemaker: SageMakerClient
) -> None:
    emulator.inject("ListTrainingPlans", Fault.throttle(), nth=2, times=2)
    failed: list[bool] = []
    for _ in range(5):
        try:
            sagemaker.list_training_plans()
        except ClientError:
            failed.append(True)
        else:
            failed.append(False)
        sagemaker.list_edge_deployment_plans()
    assert failed == [False, True, True, False, False]


def test_the_first_fault_injected_goes_first_and_all_of_them_count(
    emulator: Emulator, sagemaker: SageMakerClient
) -> None:
    emulator.inject("*", Fault.throttle())
    emulator.inject("ListTrainingPlans", Fault.internal_failure(), times=2)
    for code in ("ThrottlingException", "InternalFailure"):
        with pytest.raises(ClientError) as caught:
            sagemaker.list_training_plans()
        assert error_of(caught)[0] == code
    assert sagemaker.list_training_plans()["TrainingPlanSummaries"]


def test_cleared_faults_are_gone(emulator: Emulator, sagemaker: SageMakerClient) -> None:
    emulator.inject("*", Fault.throttle(), times=None)
    emulator.clear_faults()
    assert sagemaker.list_training_plans()["TrainingPlanSummaries"]
    assert emulator.requests[0].fault is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"operation": "Describe"},
            "there is no operation 'Describe'; there are \\*, AddTags, Create",
        ),
        ({"nth": 0}, "nth and times must be at least 1"),
        ({"times": 0}, "nth and times must be at least 1"),
    ],
)
def test_wrong_injections_are_refused(
    emulator: Emulator, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        emulator.inject(arguments.pop("operation", "*"), Fault.throttle(), **arguments)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            Fault.missing_member("StageStats"),
            (
                "member: got 'StageStats'; the fault missing_member needs a member of a reply; "
                "there are "
            ),
        ),
        (
            Fault.unknown_enum_value("X", member="StagStatus"),
            (
                "member: got 'StagStatus'; the fault unknown_enum_value needs a member that holds "
                "text of a reply; there are "
            ),
        ),
        # A list, a number, and a member of requests only.
        (Fault.unknown_enum_value("X", member="Stages"), "member: got 'Stages'"),
        (
            Fault.unknown_enum_value("X", member="EdgeDeploymentPendingInStage"),
            "member: got 'EdgeDeploymentPendingInStage'",
        ),
        (Fault.missing_member("ModelHandles"), "member: got 'ModelHandles'"),
    ],
)
@pytest.mark.parametrize("operation", ["DescribeTrainingPlan", "*"])
def test_a_fault_needs_a_member_that_a_reply_may_have(
    emulator: Emulator, operation: str, fault: Fault, words: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        emulator.inject(operation, fault)


@pytest.mark.parametrize("operation", ["DescribeTrainingPlan", "StartEdgeDeploymentStage", "*"])
def test_a_fault_may_go_into_operations_without_its_member(
    emulator: Emulator, operation: str
) -> None:
    emulator.inject(operation, Fault.missing_member("StageStatus"))
    emulator.inject(operation, Fault.unknown_enum_value())


def test_a_held_client_is_woken_by_threads_of_any_kind(emulator: Emulator) -> None:
    with emulator.hold_replies("*") as gate:
        thread = threading.Thread(target=send_signed, args=(emulator,))
        thread.start()
        gate.wait_for_arrivals()
    thread.join(5)
    assert not thread.is_alive()
    assert send(emulator).status == 404


def test_a_client_that_disconnects_as_the_gate_opens_is_no_failure() -> None:
    async def leave() -> None:
        gate = Gate()
        reply = asyncio.create_task(gate.passage())
        await asyncio.sleep(0)
        gate.open()
        reply.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reply

    asyncio.run(leave())
