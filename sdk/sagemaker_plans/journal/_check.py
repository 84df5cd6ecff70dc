"""Checks whether a journal of somebody else's gives what a journal has to give."""

import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final, cast

import anyio
from attrs import evolve

from sagemaker_plans.journal._record import PurchaseJournal, PurchaseRecord
from sagemaker_plans.models import TrainingPlanExtension

_WRITERS: Final = 8
_ROUNDS: Final = 3
_NOW: Final = datetime(2027, 3, 1, 11, 30, 0, 123457, tzinfo=UTC)


async def check_journal(make_journal: Callable[[], PurchaseJournal]) -> None:
    """Check that a journal keeps the promises of ``PurchaseJournal``.

    Call it in a test of your own journal, on asyncio or trio. It takes seconds. What no test of
    one process can see is not checked: whether a record survives a crash of the machine, and
    what happens while the store itself fails.

    Args:
        make_journal: Makes a journal, each time another object, and all of them for the same
            store. The store may have records of other plans already; the check leaves some
            of its own there. A journal that has a method ``aclose`` is closed by it.

    Raises:
        AssertionError: If the journal breaks a promise. The message says which, and how.
        Exception: What the journal itself raises.
    """
    journals = [make_journal() for _ in range(_WRITERS)]
    try:
        one, other = journals[:2]
        await _check_durable(one, other)
        await _check_begin(one, other)
        await _check_end(one, other)
        for _ in range(_ROUNDS):
            await _check_concurrent_begins(journals)
            await _check_one_begin_many_times(journals)
            await _check_concurrent_ends(journals)
        await _check_fields(one, other)
        await _check_order(one, other)
        await _check_plans(one, other)
    finally:
        for journal in journals:
            close = cast("Callable[[], Awaitable[object]] | None", getattr(journal, "aclose", None))
            if close is not None:
                await close()


def _new_id() -> str:
    return os.urandom(16).hex()


def _plan() -> str:
    return f"arn:aws:sagemaker:us-east-1:123456789012:training-plan/check-{_new_id()}"


def _record(plan: str, number: int = 1) -> PurchaseRecord:
    return PurchaseRecord(
        plan=plan,
        number=number,
        id=_new_id(),
        idempotency_key="tpeo-0123456789abcdef",
        offering_id="tpeo-0123456789abcdef",
        written_at=_NOW,
        send_by=_NOW + timedelta(minutes=2),
        host="check-journal",
        process=number,
    )


def _ended(record: PurchaseRecord, *, offering_id: str | None = None) -> PurchaseRecord:
    return evolve(
        record,
        revision=record.revision + 1,
        state="not_bought",
        closed_by="history",
        offering_id=offering_id or record.offering_id,
    )


def _expect(answer: object, expected: bool, promise: str, what: str) -> None:  # noqa: FBT001  # called below, by position
    if answer is not expected:
        raise AssertionError(f"{promise}: {what} returned {answer!r}; it must return {expected}")


async def _expect_records(
    journal: PurchaseJournal, plan: str, expected: Sequence[PurchaseRecord], promise: str
) -> None:
    found = await journal.records(plan)
    # As text: 1.5 and 1.50 are equal, but not the same.
    if [each.to_dict() for each in found] != [each.to_dict() for each in expected]:
        raise AssertionError(
            f"{promise}: records() must give {[*map(_shown, expected)]}, and gave "
            f"{[*map(_shown, found)]}"
        )


def _shown(record: PurchaseRecord) -> str:
    return f"number {record.number}, revision {record.revision}: {record.to_dict()}"


async def _check_durable(one: PurchaseJournal, other: PurchaseJournal) -> None:
    record = _record(plan := _plan())
    await _expect_records(one, plan, [], "a plan without records")
    await _expect_records(other, plan, [], "a plan without records")
    _expect(await one.begin(record), True, "durable", "begin of a first record")
    await _expect_records(
        other, plan, [record], "durable and consistent: what begin wrote is seen by another journal"
    )
    closed = _ended(record)
    _expect(await other.end(closed), True, "durable", "end by another journal")
    await _expect_records(
        one, plan, [closed], "durable and consistent: what end wrote is seen by another journal"
    )


async def _check_begin(one: PurchaseJournal, other: PurchaseJournal) -> None:
    record = _record(plan := _plan())
    await one.begin(record)
    _expect(await other.begin(record), True, "begin again", "begin of a record that is there")
    rival = _record(plan)
    _expect(await other.begin(rival), False, "a number is given once", "begin of a taken number")
    await _expect_records(one, plan, [record], "a number is given once: the first one stays")
    closed = _ended(record)
    await one.end(closed)
    _expect(await other.begin(rival), False, "a number is given once", "begin of a closed number")
    await other.begin(record)
    await _expect_records(one, plan, [closed], "begin again: it does not undo an end")


async def _check_end(one: PurchaseJournal, other: PurchaseJournal) -> None:
    record = _record(plan := _plan())
    _expect(await one.end(_ended(record)), False, "end", "end of a record that is not there")
    await _expect_records(other, plan, [], "end: it creates no record")
    await one.begin(record)
    foreign = evolve(_ended(record), id=_new_id())
    _expect(await other.end(foreign), False, "end asks for the id", "end with another id")
    early = evolve(_ended(record), revision=2)
    _expect(await other.end(early), False, "end asks for the revision", "end with revision 2 of 0")
    await _expect_records(one, plan, [record], "end: what it refuses changes nothing")
    closed = _ended(record)
    _expect(await one.end(closed), True, "end", "end of an open record")
    _expect(await other.end(closed), True, "end again", "end with a revision that is there")
    late = _ended(record, offering_id="tpeo-another")
    _expect(await other.end(late), False, "end asks for the revision", "end with revision 1 of 1")
    corrected = _ended(closed)
    _expect(await other.end(corrected), True, "end", "end of a closed record")
    _expect(await one.end(closed), False, "end asks for the revision", "end with revision 1 of 2")
    await _expect_records(one, plan, [corrected], "end: what it refuses changes nothing")


async def _together(calls: Sequence[Callable[[], Awaitable[bool]]]) -> list[bool]:
    answers = [False] * len(calls)
    go = anyio.Event()

    async def call(place: int) -> None:
        await go.wait()
        answers[place] = await calls[place]()

    async with anyio.create_task_group() as group:
        for place in range(len(calls)):
            group.start_soon(call, place)
        go.set()
    return answers


async def _check_concurrent_begins(journals: Sequence[PurchaseJournal]) -> None:
    plan = _plan()
    rivals = [_record(plan) for _ in journals]
    answers = await _together(
        [partial(journal.begin, each) for journal, each in zip(journals, rivals, strict=True)]
    )
    await _expect_one(journals[0], plan, rivals, answers, "begin")


async def _check_one_begin_many_times(journals: Sequence[PurchaseJournal]) -> None:
    record = _record(plan := _plan())
    answers = await _together([partial(journal.begin, record) for journal in journals])
    for answer in answers:
        _expect(answer, True, "begin again", "begin of one record, several times at once")
    await _expect_records(journals[0], plan, [record], "begin again: there is one record")


async def _check_concurrent_ends(journals: Sequence[PurchaseJournal]) -> None:
    record = _record(plan := _plan())
    await journals[0].begin(record)
    rivals = [_ended(record, offering_id=f"tpeo-{place}") for place in range(len(journals))]
    answers = await _together(
        [partial(journal.end, each) for journal, each in zip(journals, rivals, strict=True)]
    )
    await _expect_one(journals[0], plan, rivals, answers, "end")


async def _expect_one(
    journal: PurchaseJournal,
    plan: str,
    rivals: Sequence[PurchaseRecord],
    answers: Sequence[bool],
    method: str,
) -> None:
    winners = [each for each, answer in zip(rivals, answers, strict=True) if answer is True]
    if len(winners) != 1:
        raise AssertionError(
            f"atomic: of {len(rivals)} calls of {method} at once, for one number and revision, "
            f"{len(winners)} returned True; exactly one must"
        )
    await _expect_records(journal, plan, winners, f"atomic: the {method} that returned True stays")


async def _check_fields(one: PurchaseJournal, other: PurchaseJournal) -> None:
    plan = _plan()
    full = evolve(
        _record(plan),
        idempotency_key="Bis März / \N{SNOWMAN} \N{GRINNING FACE} \\ \" ' \t\n" + "k" * 2000,
        upfront_fee=Decimal("12345678901234567890.1200"),
        currency_code="USD",
        extends_from=_NOW - timedelta(days=1, microseconds=1),
        written_at=_NOW.astimezone(),
        host="хост",
        process=2**31,
    )
    _expect(await one.begin(full), True, "fields", "begin of a record with all fields")
    await _expect_records(other, plan, [full], "fields come back exactly as they were written")
    receipt = TrainingPlanExtension(
        offering_id="tpeo-0123456789abcdef",
        extended_at=_NOW,
        payment_status="Pending",
        duration_hours=24,
        upfront_fee=Decimal("1234.50"),
        currency_code="USD",
        upfront_fee_text="1234.50",
    )
    bought = evolve(full, revision=1, state="bought", closed_by="caller", receipt=receipt)
    _expect(await one.end(bought), True, "fields", "end with a receipt")
    await _expect_records(other, plan, [bought], "fields come back exactly as they were written")
    emptied = evolve(_ended(bought), upfront_fee=None, currency_code=None, receipt=None)
    _expect(await one.end(emptied), True, "fields", "end with None in place of values")
    await _expect_records(other, plan, [emptied], "fields: None comes back as None")


async def _check_order(one: PurchaseJournal, other: PurchaseJournal) -> None:
    plan = _plan()
    # More than nine, because as texts 10 stands before 2.
    records = [_record(plan, number) for number in range(1, 13)]
    for record in records:
        _expect(await one.begin(record), True, "order", f"begin of number {record.number}")
    await _expect_records(other, plan, records, "order: records come by their number")
    records[1] = _ended(records[1])
    await one.end(records[1])
    await _expect_records(other, plan, records, "order: an end leaves a record in its place")


async def _check_plans(one: PurchaseJournal, other: PurchaseJournal) -> None:
    key = _plan()
    long = f"{key}/{'long-' * 380}"
    plans = [
        key,
        key.replace("check-", "CHECK-"),
        f"{key}/",
        f"{key}/../{key}",
        f"{key} ",
        f"{key}*?:|<>\0\r\\\"'%2F",
        f"{key}-\N{LATIN SMALL LETTER U WITH DIAERESIS}",
        f"{key}-u\N{COMBINING DIAERESIS}",
        f"{key}-\N{GRINNING FACE}",
        f"{long}1",
        f"{long}2",
    ]
    records = [_record(plan) for plan in plans]
    for record in records:
        _expect(
            await one.begin(record), True, "plans are apart", f"begin for plan {record.plan[:90]!r}"
        )
    for record in records:
        await _expect_records(other, record.plan, [record], "plans are apart")
