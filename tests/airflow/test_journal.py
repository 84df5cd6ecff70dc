"""The journal in a store, by the checks that every journal has to pass, and what is its own."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from airflow_world import Store
from attrs import evolve

from sagemaker_plans import InvalidRequestError
from sagemaker_plans.airflow import TaskStateJournal
from sagemaker_plans.journal import PurchaseJournal, PurchaseRecord, _check

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RECORD = PurchaseRecord(
    plan="arn:aws:sagemaker:us-east-1:123456789012:training-plan/big",
    number=1,
    id="a",
    idempotency_key="wanted",
    offering_id="tpeo-1",
    written_at=NOW,
    send_by=NOW,
    host="worker",
    process=1,
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_it_keeps_what_the_protocol_asks_of_one_writer() -> None:
    journal: PurchaseJournal = TaskStateJournal(Store())
    bought = evolve(RECORD, revision=1, state="bought", closed_by="caller")

    assert await journal.records(RECORD.plan) == ()
    assert await journal.begin(RECORD)
    assert await journal.begin(RECORD)
    assert not await journal.begin(evolve(RECORD, id="b"))
    assert await journal.end(bought)
    assert await journal.end(bought)
    assert not await journal.end(evolve(bought, id="b"))
    assert not await journal.end(evolve(bought, state="not_bought"))
    assert not await journal.end(evolve(bought, number=2))
    second = evolve(RECORD, number=2, id="b")
    assert await journal.begin(second)
    assert await journal.records(RECORD.plan) == (bought, second)
    assert await journal.records(RECORD.plan.replace("big", "another")) == ()


@pytest.mark.parametrize(
    "check",
    [
        _check._check_durable,
        _check._check_begin,
        _check._check_end,
        _check._check_fields,
        _check._check_order,
        _check._check_plans,
    ],
)
async def test_it_passes_the_checks_of_journals_that_have_one_writer(
    check: Callable[[PurchaseJournal, PurchaseJournal], Awaitable[None]],
) -> None:
    # Not those with several writers at once: the store's writes are not conditional.
    store = Store()

    await check(TaskStateJournal(store), TaskStateJournal(store))


@pytest.mark.parametrize(
    "record", [evolve(RECORD, revision=1), evolve(RECORD, number=0), evolve(RECORD, number=2)]
)
async def test_a_record_that_cannot_begin_is_refused(record: PurchaseRecord) -> None:
    with pytest.raises(ValueError, match="begin"):
        await TaskStateJournal(Store()).begin(record)


@pytest.mark.parametrize("record", [RECORD, evolve(RECORD, number=0, revision=1)])
async def test_a_record_that_cannot_end_is_refused(record: PurchaseRecord) -> None:
    with pytest.raises(ValueError, match="end"):
        await TaskStateJournal(Store()).end(record)


async def test_a_plan_is_a_text() -> None:
    with pytest.raises(InvalidRequestError, match="records: plan: a string that is not empty"):
        await TaskStateJournal(Store()).records(None)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("value", ['"text"', "{}", "[1]"])
async def test_a_value_that_is_no_record_is_an_error_and_no_missing_record(value: str) -> None:
    store = Store()
    await TaskStateJournal(store).begin(RECORD)
    store.values[next(iter(store.values))] = value

    with pytest.raises(ValueError, match="record"):
        await TaskStateJournal(store).records(RECORD.plan)


async def test_a_record_in_the_place_of_another_one_is_an_error() -> None:
    store = Store()
    await TaskStateJournal(store).begin(RECORD)
    key = next(iter(store.values))
    store.values[key.replace("big", "small")] = store.values[key]

    with pytest.raises(ValueError, match="another purchase"):
        await TaskStateJournal(store).records(RECORD.plan.replace("big", "small"))


async def test_a_try_that_does_not_count_any_more_can_write_nothing() -> None:
    store = Store()
    journal = TaskStateJournal(store)
    await journal.begin(RECORD)
    store.is_fenced = True

    assert await journal.records(RECORD.plan) == ()
    with pytest.raises(RuntimeError):
        await journal.begin(evolve(RECORD, id="b"))
