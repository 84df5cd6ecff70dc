"""What others do while a purchase is under way, and what clocks and sleep do to it."""

import logging
from datetime import timedelta

import anyio
import pytest
from attrs import evolve

from faults.acts import EXTEND, HISTORY, OFFERING, PLAN_ARN
from faults.service_gateway import fates
from sagemaker_plans import errors
from training.journal.worlds import PAID, START, a_record, a_world, an_extension
from waiting.virtual_plans import virtually

KEY = "big-until-march"
Patch = pytest.MonkeyPatch


@virtually
async def test_two_processes_with_one_key_buy_once(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch, lag=60)
    world.sells_again()
    outcomes: list[str] = []

    async def buy() -> None:
        try:
            outcomes.append((await world.extend(idempotency_key=KEY)).outcome)
        except errors.OutcomeUnknownError as error:
            outcomes.append(type(error).__name__)

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(buy)
    assert outcomes.count("purchased") == 1
    assert {*outcomes} <= {"purchased", "already_purchased", "OutcomeUnknownError"}
    assert world.bought == [OFFERING]


@virtually
async def test_what_was_heard_corrects_a_record_that_was_settled_meanwhile(
    monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    world = a_world(monkeypatch)

    async def settled() -> None:
        world.journal.change(
            1, lambda each: evolve(each, state="not_bought", closed_by="person", revision=1)
        )

    world.meanwhile = settled
    receipt = await world.extend()
    assert receipt.outcome == "purchased"
    assert world.journal.states == [(1, "bought", "caller")]
    [error] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert error.getMessage() == (
        f"record 1 of {PLAN_ARN} said that offering {OFFERING} was not bought (by the person), but "
        "it was: it is corrected to bought"
    )


@virtually
async def test_what_the_history_shows_does_not_correct_what_a_person_said_meanwhile(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, fates=fates(ExtendTrainingPlan=["lost before"]))
    world.sells_again()

    async def settled_and_bought_by_a_rival() -> None:
        world.meanwhile = None
        world.journal.change(
            1, lambda each: evolve(each, state="not_bought", closed_by="person", revision=1)
        )
        world.buys_past_the_journal()

    world.meanwhile = settled_and_bought_by_a_rival
    with pytest.raises(errors.OutcomeUnknownError):
        await world.extend()
    assert world.journal.states == [(1, "not_bought", "person")]


@virtually
async def test_an_older_purchase_of_a_resold_offering_is_no_proof_for_a_new_one(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, fates=fates(ExtendTrainingPlan=["lost before"]))
    world.sells_again()
    world.buys_past_the_journal()
    await anyio.sleep(PAID)
    world.journal.put(a_record(written_at=world.time(), send_by=world.time()))
    with pytest.raises(errors.OutcomeUnknownError):
        await world.extend()
    assert world.journal.states == [(1, "open", None)]


@virtually
async def test_a_request_that_a_sleeping_process_signs_late_is_not_sent(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.sleeps = 301
    with pytest.raises(errors.PurchaseRefusedError, match="signed late"):
        await world.extend()
    assert world.sent == [HISTORY]
    assert world.journal.states == [(1, "not_bought", "caller")]


@virtually
async def test_a_purchase_that_is_throttled_until_its_time_is_over_frees_its_key(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, fates=fates(ExtendTrainingPlan=["throttled"]))
    slow = world.plans(throttle_base_delay=1000.0, max_delay=1000.0, max_elapsed=None)
    with pytest.raises(errors.PurchaseRefusedError, match="signed late"):
        await slow.extend(OFFERING, training_plan_arn=PLAN_ARN)
    assert world.sent == [HISTORY, EXTEND]
    assert world.journal.states == [(1, "not_bought", "caller")]
    assert (await world.extend()).outcome == "purchased"


@pytest.mark.parametrize("ahead", [-240, 240])
@virtually
async def test_times_in_the_journal_are_the_services(monkeypatch: Patch, ahead: int) -> None:
    world = a_world(monkeypatch)
    world.ahead = timedelta(seconds=ahead)
    world.sleeps = 299
    await world.extend()
    assert world.journal.last.written_at == START
    assert world.journal.last.send_by == START + timedelta(minutes=5)
    assert world.bought == [OFFERING]


@virtually
async def test_a_service_without_a_date_has_this_machines_clock_stand_in(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.is_dated, world.ahead = False, timedelta(seconds=30)
    await world.extend()
    assert world.journal.last.written_at == START + timedelta(seconds=30)


@virtually
async def test_a_recorded_extension_counts_though_the_history_forgets_it(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    kept = an_extension()
    world.journal.put(a_record(state="bought", closed_by="caller", receipt=kept))
    receipt = await world.extend()
    assert (receipt.outcome, receipt.extension) == ("already_purchased", kept)
