"""Purchases whose outcome is in doubt, or that are cancelled: over real sockets."""

import json
import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import pytest

from faults.acts import EXTEND, HISTORY, OFFERING, PLAN_ARN
from harness import MakeClient, Transport, client_for, fast_retries
from sagemaker_plans import AsyncClient, ExtensionReceipt, RetryEvent, errors
from sagemaker_plans.emulator import Emulator, Fault, Gate, Timings

pytestmark = pytest.mark.anyio

AFTER_THE_COMMIT = [
    Fault.internal_failure(committed=True),
    Fault.service_unavailable(committed=True),
    Fault.disconnect("fin", committed=True),
    Fault.disconnect("rst", committed=True),
    Fault.cut_body(),
    Fault.truncated_json(),
    Fault.not_json(),
    Fault.empty_object(),
]
BEFORE_THE_COMMIT = [
    Fault.internal_failure(),
    Fault.service_unavailable(),
    Fault.disconnect("fin"),
    Fault.disconnect("rst"),
]
UNREADABLE = [
    Fault.truncated_json(),
    Fault.not_json(),
    Fault.empty_object(),
    Fault.missing_member("TrainingPlanExtensions"),
    Fault.missing_member("TrainingPlanExtensionOfferingId"),
    Fault.unknown_enum_value("tpeo-other", member="TrainingPlanExtensionOfferingId"),
]

SOON_GIVEN_UP = fast_retries(reconcile_limit=0.2)
# Long enough for a busy machine to begin a look.
GIVEN_UP = fast_retries(reconcile_limit=4.0)
"""A policy for purchases that never show in the history."""


def name_of(fault: Fault) -> str:
    return fault.name


def asked(emulator: Emulator) -> list[str]:
    return [request.operation for request in emulator.requests]


async def extend(client: AsyncClient) -> ExtensionReceipt:
    return await client.training_plans.extend(OFFERING, training_plan_arn=PLAN_ARN)


async def in_doubt(make_client: MakeClient, **arguments: Any) -> errors.OutcomeUnknownError:
    async with make_client(retry=SOON_GIVEN_UP) as client:
        with pytest.raises(errors.OutcomeUnknownError) as caught:
            await client.training_plans.extend(OFFERING, **arguments)
    error = caught.value
    assert error.operation == EXTEND
    assert error.offering_id == OFFERING
    assert error.training_plan_arn == arguments.get("training_plan_arn")
    assert error.plan_name is None
    return error


@pytest.mark.parametrize("fault", AFTER_THE_COMMIT, ids=name_of)
async def test_a_purchase_whose_reply_is_lost_is_found_in_the_history(
    emulator: Emulator, make_client: MakeClient, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.inject(EXTEND, fault, times=None)
    caplog.set_level(logging.INFO, "sagemaker_plans")
    async with make_client() as client:
        receipt = await extend(client)
    assert receipt.outcome == "confirmed_by_history"
    [request] = emulator.requests_of(EXTEND)
    # If no whole reply came, its request id is not known: then the reading's tells the outcome.
    is_heard = not fault.name.startswith(("disconnect", "cut"))
    teller = request if is_heard else emulator.requests_of(HISTORY)[-1]
    told = [one.getMessage() for one in caplog.records if one.name == "sagemaker_plans.purchases"]
    assert told[-1] == (
        f"ExtendTrainingPlan: offering {OFFERING} for plan {PLAN_ARN}: confirmed_by_history, "
        f"upfront fee 1234.50 USD, request id {teller.request_id}"
    )
    assert receipt.extension.offering_id == OFFERING
    assert asked(emulator) == [HISTORY, EXTEND, HISTORY]
    assert len(emulator.purchases) == 1


@pytest.mark.parametrize("fault", BEFORE_THE_COMMIT, ids=name_of)
async def test_absence_from_the_history_proves_nothing(
    emulator: Emulator, make_client: MakeClient, fault: Fault
) -> None:
    emulator.inject(EXTEND, fault)
    error = await in_doubt(make_client, training_plan_arn=PLAN_ARN)
    assert type(error) is errors.OutcomeUnknownError
    assert f"offering {OFFERING} may or may not have been bought: " in str(error)
    assert (
        f"; {PLAN_ARN} does not show it yet, which proves nothing; read its extension_history "
        "again later before buying it again"
    ) in str(error)
    assert len(emulator.requests_of(EXTEND)) == 1
    assert emulator.purchases == ()


@pytest.mark.parametrize("fault", AFTER_THE_COMMIT[:5] + BEFORE_THE_COMMIT, ids=name_of)
async def test_without_the_plan_the_outcome_is_unknown_at_once(
    emulator: Emulator, make_client: MakeClient, fault: Fault
) -> None:
    emulator.inject(EXTEND, fault, times=None)
    error = await in_doubt(make_client)
    assert type(error) is errors.OutcomeUnknownError
    assert (
        "; check the extension history of its training plan before buying it again, and pass "
        "training_plan_arn= next time, so that extend() checks it for you"
    ) in str(error)
    assert asked(emulator) == [EXTEND]


@pytest.mark.parametrize("fault", UNREADABLE, ids=name_of)
async def test_a_reply_that_cannot_be_read_is_never_lost(
    emulator: Emulator, make_client: MakeClient, fault: Fault
) -> None:
    emulator.inject(EXTEND, fault)
    error = await in_doubt(make_client)
    assert isinstance(error, errors.PurchaseReplyError)
    assert isinstance(error, errors.UnexpectedReplyError)
    # Only valid JSON is certainly a whole reply of the service.
    is_json = fault.name not in {"truncated_json", "not_json"}
    assert (f"the purchase of offering {OFFERING} went through" in str(error)) is is_json
    assert (f"offering {OFFERING} may or may not have been bought" in str(error)) is not is_json
    assert "(the service answered HTTP 200), but its reply cannot be read" in str(error)
    [request] = emulator.requests_of(EXTEND)
    assert (error.http_status, error.request_id) == (200, request.request_id)
    assert error.problems
    assert isinstance(error.__cause__, errors.UnexpectedReplyError)
    assert len(emulator.purchases) == 1


async def test_a_reply_that_cannot_be_read_names_the_plan_whose_history_cannot_be_read_either(
    emulator: Emulator, make_client: MakeClient
) -> None:
    emulator.inject(EXTEND, Fault.not_json())
    emulator.inject(HISTORY, Fault.error("AccessDeniedException", "no"), nth=2, times=None)
    error = await in_doubt(make_client, training_plan_arn=PLAN_ARN)
    assert isinstance(error, errors.PurchaseReplyError)
    assert len(emulator.purchases) == 1


async def test_the_reply_is_kept_whole(emulator: Emulator, make_client: MakeClient) -> None:
    emulator.clock.hold()
    emulator.inject(EXTEND, Fault.missing_member("TrainingPlanExtensionOfferingId"))
    error = await in_doubt(make_client)
    assert isinstance(error, errors.PurchaseReplyError)
    assert isinstance(error.reply, dict)
    assert "'UpfrontFee': '1234.50'" in repr(error.reply["TrainingPlanExtensions"])
    missing = (
        "TrainingPlanExtensions[0].TrainingPlanExtensionOfferingId: required member is missing"
    )
    assert error.problems == (missing,)
    assert str(error.__cause__).startswith(
        "the reply to ExtendTrainingPlan does not fit the service's model"
    )


async def test_a_reply_that_is_not_json_is_kept_as_text(
    emulator: Emulator, make_client: MakeClient
) -> None:
    emulator.inject(EXTEND, Fault.not_json())
    error = await in_doubt(make_client)
    assert isinstance(error, errors.PurchaseReplyError)
    assert isinstance(error.reply, str)
    assert error.reply.startswith("<!DOCTYPE html>")


async def test_half_a_reply_is_kept_unchanged(emulator: Emulator, make_client: MakeClient) -> None:
    emulator.inject(EXTEND, Fault.truncated_json())
    error = await in_doubt(make_client)
    assert isinstance(error, errors.PurchaseReplyError)
    assert isinstance(error.reply, str)
    assert error.reply.startswith('{"TrainingPlanExtensions":[{')
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(error.reply)


async def test_a_reply_without_the_bought_offering_is_an_error(
    emulator: Emulator, make_client: MakeClient
) -> None:
    fault = Fault.unknown_enum_value("tpeo-other", member="TrainingPlanExtensionOfferingId")
    emulator.inject(EXTEND, fault)
    error = await in_doubt(make_client)
    assert isinstance(error, errors.PurchaseReplyError)
    assert error.problems == (f"TrainingPlanExtensions: has no extension {OFFERING}",)


@pytest.mark.parametrize("fault", UNREADABLE, ids=name_of)
async def test_after_an_unreadable_reply_the_history_confirms_the_purchase(
    emulator: Emulator, make_client: MakeClient, fault: Fault
) -> None:
    emulator.inject(EXTEND, fault)
    async with make_client() as client:
        receipt = await extend(client)
    assert receipt.outcome == "confirmed_by_history"
    assert asked(emulator) == [HISTORY, EXTEND, HISTORY]


@pytest.fixture
def lagging(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with Emulator(timings=Timings(history_lag=request.param)) as running:
        yield running


@pytest.mark.parametrize("lagging", [3600.0], indirect=True)
async def test_a_history_that_lags_is_read_until_it_shows_the_purchase(
    lagging: Emulator, transport: Transport
) -> None:
    receipts: list[ExtensionReceipt] = []

    async def buy(client: AsyncClient) -> None:
        receipts.append(await extend(client))

    lagging.clock.hold()
    lagging.inject(EXTEND, Fault.disconnect("rst", committed=True))
    with lagging.hold_replies(HISTORY) as gate:
        gate.open()  # the gate only counts here
        async with (
            client_for(lagging.endpoint_url, transport) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(buy, client)
            await arrived(gate, 3)
            lagging.clock.advance(3600)

    assert [receipt.outcome for receipt in receipts] == ["confirmed_by_history"]
    assert len(lagging.requests_of(EXTEND)) == 1


@pytest.mark.parametrize("lagging", [3600.0], indirect=True)
async def test_a_history_that_lags_longer_leaves_the_outcome_unknown(
    lagging: Emulator, transport: Transport
) -> None:
    lagging.inject(EXTEND, Fault.disconnect("rst", committed=True))
    make = partial(client_for, lagging.endpoint_url, transport)
    await in_doubt(make, training_plan_arn=PLAN_ARN)
    assert len(lagging.requests_of(EXTEND)) == len(lagging.purchases) == 1


async def test_readings_of_the_history_that_fail_are_repeated(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sagemaker_plans")
    emulator.inject(EXTEND, Fault.disconnect(committed=True))
    emulator.inject(HISTORY, Fault.not_json(), nth=2)
    async with make_client() as client:
        receipt = await extend(client)
    assert receipt.outcome == "confirmed_by_history"
    assert asked(emulator) == [HISTORY, EXTEND, HISTORY, HISTORY]
    [told] = [one for one in caplog.messages if " not read: " in one]
    assert told.startswith(
        f"ExtendTrainingPlan: history of {PLAN_ARN} not read: the reply to {HISTORY} does not fit"
    )


async def arrived(gate: Gate, count: int = 1) -> None:
    await anyio.to_thread.run_sync(partial(gate.wait_for_arrivals, count))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


async def cancelled_at(client: AsyncClient, gate: Gate) -> None:
    """Extend, and cancel it when a reply waits at the gate."""
    async with anyio.create_task_group() as group:
        group.start_soon(extend, client)
        await arrived(gate)
        group.cancel_scope.cancel()


async def test_a_cancellation_before_the_send_sends_nothing(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_client() as client:
        with emulator.hold_replies(HISTORY) as gate:
            await cancelled_at(client, gate)
    assert asked(emulator) == [HISTORY]
    assert warnings(caplog) == []


async def test_a_cancellation_between_two_sends_ends_it_at_once(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.inject(EXTEND, Fault.throttle(retry_after=1000), times=None)
    waiting = anyio.Event()

    def hook(_: RetryEvent) -> None:
        waiting.set()

    slow = fast_retries(max_retry_after=1000, max_elapsed=None, on_retry=hook)
    async with make_client(retry=slow) as client, anyio.create_task_group() as group:
        group.start_soon(extend, client)
        await waiting.wait()
        group.cancel_scope.cancel()
    assert asked(emulator) == [HISTORY, EXTEND]
    assert warnings(caplog) == []


async def test_a_cancelled_purchase_that_was_made_is_found_and_logged(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sagemaker_plans")
    async with make_client() as client:
        with emulator.hold_replies(EXTEND) as gate:
            await cancelled_at(client, gate)
    assert asked(emulator) == [HISTORY, EXTEND, HISTORY]
    assert len(emulator.purchases) == 1
    told = [one.getMessage() for one in caplog.records if one.name == "sagemaker_plans.purchases"]
    assert told[-2] == (
        f"ExtendTrainingPlan: offering {OFFERING} for plan {PLAN_ARN}: confirmed_by_history, "
        f"upfront fee 1234.50 USD, request id {emulator.requests_of(HISTORY)[-1].request_id}"
    )
    [warning] = warnings(caplog)
    assert f"the purchase of offering {OFFERING} for plan {PLAN_ARN} was interrupted" in warning
    assert warning.endswith("while it was on its way; the history shows that it was bought")


async def test_a_cancelled_purchase_that_does_not_show_is_logged_as_unknown(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_client(retry=SOON_GIVEN_UP) as client:
        with emulator.hold_replies(EXTEND, committed=False) as gate:
            await cancelled_at(client, gate)
    assert len(emulator.requests_of(EXTEND)) == 1
    assert emulator.purchases == ()
    [warning] = warnings(caplog)
    assert warning.endswith("while it was on its way; its outcome is not known")


async def test_a_cancelled_purchase_without_the_plan_is_logged_as_unknown_at_once(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_client() as client:
        with emulator.hold_replies(EXTEND) as gate:
            async with anyio.create_task_group() as group:
                group.start_soon(client.training_plans.extend, OFFERING)
                await arrived(gate)
                group.cancel_scope.cancel()
    assert asked(emulator) == [EXTEND]
    [warning] = warnings(caplog)
    assert "for plan (not named) was interrupted" in warning
    assert warning.endswith("its outcome is not known")


async def test_a_cancellation_does_not_end_the_reading_of_the_history(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.inject(EXTEND, Fault.disconnect("rst", committed=True))
    gate = Gate()
    emulator.inject(HISTORY, Fault.wait_until(gate), nth=2)
    async with make_client() as client:
        await cancelled_at(client, gate)
    gate.open()
    assert asked(emulator) == [HISTORY, EXTEND, HISTORY, HISTORY]
    [warning] = warnings(caplog)
    assert warning.endswith("the history shows that it was bought")


async def test_the_history_is_read_for_a_bounded_time_after_a_cancellation(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    # No reply ever comes, and no request_timeout ends the wait for it.
    emulator.inject(HISTORY, Fault.hang(), nth=2, times=None)
    async with make_client(retry=SOON_GIVEN_UP, request_timeout=3600.0) as client:
        with emulator.hold_replies(EXTEND) as gate:
            await cancelled_at(client, gate)
    [warning] = warnings(caplog)
    assert warning.endswith("its outcome is not known")


async def test_an_unreadable_reply_is_logged_if_the_reading_is_cancelled(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    emulator.inject(EXTEND, Fault.not_json())
    emulator.inject(HISTORY, Fault.wait_until(gate), nth=2, times=None)
    async with make_client(retry=GIVEN_UP) as client:
        await cancelled_at(client, gate)
    [request] = emulator.requests_of(EXTEND)
    broken_off, unread = warnings(caplog)
    assert broken_off.endswith("while it was on its way; its outcome is not known")
    assert f"offering {OFFERING} may or may not have been bought (the service answered" in unread
    assert f"; request id {request.request_id}, reply '<!DOCTYPE html>" in unread


async def test_the_cause_of_the_doubt_is_logged_if_the_reading_is_cancelled(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    emulator.inject(EXTEND, Fault.disconnect("rst"))
    emulator.inject(HISTORY, Fault.wait_until(gate), nth=2, times=None)
    async with make_client(retry=GIVEN_UP) as client:
        await cancelled_at(client, gate)
    _, doubt = warnings(caplog)
    assert doubt.startswith(f"ExtendTrainingPlan: offering {OFFERING} may or may not have been ")
    assert "before buying it again; with a journal" in doubt
    assert doubt.endswith("; request id None, reply None")


async def test_a_reply_in_the_log_repeats_no_session_token(
    emulator: Emulator, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    page = "<pre>X-Amz-Security-Token: of-the-account\nHost: sagemaker</pre>"
    emulator.inject(
        EXTEND, Fault.unknown_enum_value(page, member="TrainingPlanExtensionOfferingId")
    )
    gate = Gate()
    emulator.inject(HISTORY, Fault.wait_until(gate), nth=2, times=None)
    async with make_client(retry=GIVEN_UP) as client:
        await cancelled_at(client, gate)
    _, unread = warnings(caplog)
    assert "X-Amz-Security-Token: [redacted]" in unread
    assert "of-the-account" not in unread


async def test_purchases_for_one_plan_wait_for_each_other_and_others_do_not(
    emulator: Emulator, make_client: MakeClient
) -> None:
    elsewhere = emulator.add_training_plan("another-plan")
    theirs = emulator.add_extension_offering(elsewhere)
    done: list[str] = []

    async def buy(client: AsyncClient, offering: str, arn: str) -> None:
        await client.training_plans.extend(offering, training_plan_arn=arn)
        done.append(offering)

    async with make_client() as client, anyio.create_task_group() as group:
        with emulator.hold_replies(EXTEND) as gate:
            group.start_soon(buy, client, OFFERING, PLAN_ARN)
            await arrived(gate)
            group.start_soon(buy, client, OFFERING, PLAN_ARN)
            group.start_soon(buy, client, theirs, elsewhere)
            await arrived(gate, 2)
            assert [purchase.offering_id for purchase in emulator.purchases] == [OFFERING, theirs]
    assert sorted(done) == sorted([OFFERING, OFFERING, theirs])
    assert len(emulator.requests_of(EXTEND)) == len(emulator.purchases) == 2


async def test_a_second_call_finds_what_the_first_one_bought(
    emulator: Emulator, make_client: MakeClient
) -> None:
    outcomes: list[str] = []

    async def buy(client: AsyncClient) -> None:
        outcomes.append((await extend(client)).outcome)

    async with make_client() as client, anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(buy, client)
    assert sorted(outcomes) == ["already_purchased"] * 9 + ["purchased"]
    assert len(emulator.requests_of(EXTEND)) == 1
