"""What a purchase with a journal answers, by what is in the journal and in the history."""

from datetime import timedelta
from decimal import Decimal

import anyio
import pytest

from faults.acts import EXTEND, HISTORY, OFFERING, PLAN_ARN, SEARCH
from faults.service_gateway import fates
from sagemaker_plans import errors
from sagemaker_plans.journal import PurchaseRecord
from training.journal.memory_journal import MemoryJournal
from training.journal.worlds import OTHER, PAID, START, a_record, a_world
from waiting.virtual_plans import virtually

KEY = "big-until-march"
Patch = pytest.MonkeyPatch


@virtually
async def test_the_record_comes_after_history_and_price_and_before_the_purchase(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    seen: list[tuple[list[str], list[str]]] = []
    begin = world.journal.put

    def noted(_: MemoryJournal, record: PurchaseRecord) -> bool:
        seen.append(([*world.journal.calls], [*world.sent]))
        return begin(record)

    monkeypatch.setattr(MemoryJournal, "put", noted)
    receipt = await world.extend(max_upfront_fee=5000)
    assert seen == [(["records", "begin"], [HISTORY, SEARCH])]
    assert receipt.outcome == "purchased"
    assert world.sent == [HISTORY, SEARCH, EXTEND]
    assert world.journal.calls == ["records", "begin", "end"]


@virtually
async def test_a_record_says_what_is_bought_and_by_whom(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    await anyio.sleep(7)
    receipt = await world.extend(idempotency_key=KEY, max_upfront_fee=5000)
    [record] = world.journal.kept
    assert (record.plan, record.number, record.revision) == (PLAN_ARN, 1, 1)
    assert (record.idempotency_key, record.offering_id) == (KEY, OFFERING)
    assert (record.upfront_fee, record.currency_code) == (Decimal("1234.50"), "USD")
    assert record.extends_from == receipt.extension.start_date
    assert record.written_at == START + timedelta(seconds=7)
    assert record.send_by == record.written_at + timedelta(minutes=5)
    assert (record.state, record.closed_by) == ("bought", "caller")
    assert record.receipt == receipt.extension


@virtually
async def test_without_a_price_check_a_record_takes_its_fee_from_the_offering_passed(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    [offering] = await world.plans().search_extension_offerings(PLAN_ARN, duration_hours=48)
    await world.plans().extend(offering, training_plan_arn=PLAN_ARN)
    record = world.journal.last
    assert (record.upfront_fee, record.extends_from) == (Decimal(2469), offering.start_date)


@virtually
async def test_without_the_offering_a_record_takes_the_plans_end_from_the_history(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    first = await world.extend()
    assert (world.journal.last.upfront_fee, world.journal.last.extends_from) == (None, None)
    await anyio.sleep(PAID)
    await world.extend(OTHER)
    assert world.journal.last.extends_from == first.extension.end_date


@virtually
async def test_an_extension_that_failed_moves_no_end(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.sells_again(payment_fails=True)
    await world.extend()
    await anyio.sleep(PAID)
    await world.extend(OTHER)
    assert world.journal.last.extends_from is None


@virtually
async def test_the_offerings_id_is_the_key_if_none_is_passed(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    await world.extend()
    assert world.journal.last.idempotency_key == OFFERING


@virtually
async def test_the_same_key_buys_nothing_though_a_new_search_found_another_offering(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    bought = await world.extend(idempotency_key=KEY)
    await anyio.sleep(PAID)
    again = await world.extend(OTHER, idempotency_key=KEY)
    assert again.outcome == "already_purchased"
    assert again.extension.offering_id == OFFERING
    assert again.extension.extended_at == bought.extension.extended_at
    assert again.extension.payment_status == "Completed"
    assert again.extensions == (again.extension,)
    assert world.bought == [OFFERING]


@virtually
async def test_the_same_key_gets_the_recorded_extension_while_the_history_lags(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, lag=60)
    world.sells_again()
    bought = await world.extend(idempotency_key=KEY)
    again = await world.extend(idempotency_key=KEY)
    assert again.outcome == "already_purchased"
    assert again.extension == bought.extension
    assert again.extensions == (bought.extension,)
    assert world.bought == [OFFERING]


@virtually
async def test_another_key_is_refused_while_an_earlier_purchase_is_open(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record(idempotency_key="a rival's"))
    with pytest.raises(errors.PurchaseRefusedError) as caught:
        await world.extend(OTHER, idempotency_key=KEY)
    assert str(caught.value) == (
        f"offering {OTHER} was not bought, and no purchase was sent: an earlier purchase for this "
        f"plan comes first: offering {OFFERING} (record 1 of the journal, idempotency key "
        '"a rival\'s", written 2023-11-14 22:13:20 UTC by process 4711 on machine-of-another) may '
        "or may not have been bought; see settle() if that lasts"
    )
    assert (caught.value.offering_id, caught.value.training_plan_arn) == (OTHER, PLAN_ARN)
    assert world.sent == [HISTORY]
    assert world.journal.calls == ["records"]


@pytest.mark.parametrize("lag", [60.0, 0.0], ids=["not-shown", "payment-pending"])
@virtually
async def test_another_key_is_refused_while_a_purchase_is_not_shown_as_paid(
    monkeypatch: Patch, lag: float
) -> None:
    world = a_world(monkeypatch, lag=lag, pays=120)
    await world.extend()
    for _ in range(3):
        with pytest.raises(errors.PurchaseRefusedError, match="does not show it as paid yet"):
            await world.extend(OTHER)
    await anyio.sleep(120)
    receipt = await world.extend(OTHER)
    assert receipt.outcome == "purchased"
    assert world.bought == [OFFERING, OTHER]


@virtually
async def test_an_open_record_that_does_not_show_sends_nothing_however_often_one_calls(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, fates=fates(ExtendTrainingPlan=["lost before"]))
    with pytest.raises(errors.OutcomeUnknownError) as first:
        await world.extend()
    assert "; record 1 of the journal keeps it open, and nothing is sent" in str(first.value)
    assert world.journal.states == [(1, "open", None)]
    for _ in range(5):
        await anyio.sleep(PAID)
        with pytest.raises(errors.OutcomeUnknownError) as caught:
            await world.extend()
        assert "record 1 of the journal" in str(caught.value)
        assert "nothing was sent now" in str(caught.value)
        assert (caught.value.offering_id, caught.value.training_plan_arn) == (OFFERING, PLAN_ARN)
        assert caught.value.operation == EXTEND
    assert world.sent.count(EXTEND) == 1
    assert world.journal.states == [(1, "open", None)]


@virtually
async def test_the_history_closes_an_open_record_that_it_proves(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch, lag=60, fates=fates(ExtendTrainingPlan=["lost after"]))
    world.sells_again()
    with pytest.raises(errors.OutcomeUnknownError):
        await world.extend(idempotency_key=KEY)
    await anyio.sleep(60)
    receipt = await world.extend(idempotency_key=KEY)
    assert receipt.outcome == "already_purchased"
    assert world.journal.states == [(1, "bought", "history")]
    assert world.journal.last.receipt == receipt.extension
    assert world.bought == [OFFERING]


@virtually
async def test_a_lost_reply_that_the_history_makes_up_for_closes_the_record(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, lag=2, fates=fates(ExtendTrainingPlan=["lost after"]))
    receipt = await world.extend()
    assert receipt.outcome == "confirmed_by_history"
    assert world.journal.states == [(1, "bought", "history")]


@virtually
async def test_a_payment_that_fails_later_is_told_once_and_frees_the_key(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, pays=60)
    world.sells_again(payment_fails=True)
    await world.extend(idempotency_key=KEY)
    await anyio.sleep(60)
    with pytest.raises(errors.PurchaseFailedError) as caught:
        await world.extend(OTHER, idempotency_key=KEY)
    assert caught.value.extension.offering_id == OFFERING
    assert world.journal.states == [(1, "failed", "history")]
    receipt = await world.extend(OTHER, idempotency_key=KEY)
    assert receipt.outcome == "purchased"
    assert world.bought == [OFFERING, OTHER]
    assert world.journal.states == [(1, "failed", "history"), (2, "bought", "caller")]


@virtually
async def test_a_rivals_failed_purchase_frees_the_plan_and_is_not_told_as_ours(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, pays=60)
    world.sells_again(payment_fails=True)
    await world.extend(idempotency_key="a rival's")
    await anyio.sleep(60)
    receipt = await world.extend(OTHER, idempotency_key=KEY)
    assert receipt.outcome == "purchased"
    assert world.journal.states == [(1, "failed", "history"), (2, "bought", "caller")]


@virtually
async def test_a_purchase_that_fails_at_once_is_recorded_as_failed(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch, pays=0)
    world.sells_again(payment_fails=True)
    with pytest.raises(errors.PurchaseFailedError):
        await world.extend()
    assert world.journal.states == [(1, "failed", "caller")]
    record = world.journal.last.receipt
    assert record is not None
    assert record.payment_status == "Failed"


@pytest.mark.parametrize("fate", ["refused", "unsent"])
@virtually
async def test_a_purchase_that_was_not_made_leaves_the_key_free(
    monkeypatch: Patch, fate: str
) -> None:
    world = a_world(monkeypatch)
    world.service.fates = fates(ExtendTrainingPlan=[fate])  # type: ignore[list-item]  # one of them
    with pytest.raises(errors.SageMakerPlansError) as caught:
        await world.plans(max_attempts=1).extend(OFFERING, training_plan_arn=PLAN_ARN)
    assert not isinstance(caught.value, errors.OutcomeUnknownError)
    assert world.journal.states == [(1, "not_bought", "caller")]
    assert (await world.extend()).outcome == "purchased"
    assert world.journal.states[1] == (2, "bought", "caller")


@virtually
async def test_a_throttled_purchase_is_sent_again_under_the_same_record(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, fates=fates(ExtendTrainingPlan=["throttled", "throttled"]))
    receipt = await world.extend()
    assert receipt.outcome == "purchased"
    assert world.journal.states == [(1, "bought", "caller")]
    assert world.sent.count(EXTEND) == 3


@virtually
async def test_a_record_settled_as_bought_refuses_its_key_in_the_persons_name(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record(state="bought", closed_by="person"))
    with pytest.raises(errors.PurchaseRefusedError, match="a person settled offering") as caught:
        await world.extend()
    assert "(record 1 of the journal" in str(caught.value)
    assert str(caught.value).endswith("as bought, and the history does not show it")
    with pytest.raises(errors.PurchaseRefusedError, match="an earlier purchase"):
        await world.extend(OTHER)
    assert world.sent == [HISTORY, HISTORY]


@virtually
async def test_a_record_settled_as_bought_is_a_receipt_once_the_history_shows_it(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record(state="bought", closed_by="person"))
    world.buys_past_the_journal()
    receipt = await world.extend()
    assert receipt.outcome == "already_purchased"
    assert world.journal.states == [(1, "bought", "history")]
    assert world.journal.last.receipt == receipt.extension


@virtually
async def test_a_record_settled_as_not_bought_frees_its_key(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record(state="not_bought", closed_by="person"))
    assert (await world.extend()).outcome == "purchased"
    assert world.journal.states == [(1, "not_bought", "person"), (2, "bought", "caller")]


@virtually
async def test_a_purchase_past_the_journal_is_found_in_the_history(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.buys_past_the_journal()
    receipt = await world.extend(idempotency_key=KEY)
    assert receipt.outcome == "already_purchased"
    assert world.journal.kept == []


@virtually
async def test_a_history_that_cannot_be_read_refuses_and_writes_nothing(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.service.fates = fates(DescribeTrainingPlanExtensionHistory=["refused"])
    with pytest.raises(errors.PurchaseRefusedError, match="could not be read"):
        await world.extend()
    assert world.journal.calls == ["records"]


@virtually
async def test_a_price_over_the_limit_writes_nothing(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    with pytest.raises(errors.PurchaseRefusedError, match="more than max_upfront_fee"):
        await world.extend(max_upfront_fee=1000)
    assert world.journal.calls == ["records"]
