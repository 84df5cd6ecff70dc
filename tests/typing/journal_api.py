"""Every public name of the journal with its type. See `api.py`."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal, assert_type

from aiobotocore.session import AioSession

import sagemaker_plans as smp
from sagemaker_plans.journal import (
    ClosedBy,
    DynamoDBJournal,
    FileJournal,
    PurchaseJournal,
    PurchaseRecord,
    PurchaseState,
    check_journal,
)


class OwnJournal:
    """It needs no base class."""

    async def records(self, plan: str, /) -> tuple[PurchaseRecord, ...]:
        raise LookupError(plan)

    async def begin(self, record: PurchaseRecord, /) -> bool:
        return record.number > 0

    async def end(self, record: PurchaseRecord, /) -> bool:
        return record.revision > 0


async def journals(record: PurchaseRecord) -> None:
    every: list[PurchaseJournal] = [FileJournal("folder"), FileJournal(Path()), OwnJournal()]
    for journal in every:
        assert_type(await journal.records("plan"), tuple[PurchaseRecord, ...])
        assert_type(await journal.begin(record), bool)
        assert_type(await journal.end(record), bool)
    assert_type(await check_journal(lambda: FileJournal("folder")), None)
    assert_type(await check_journal(OwnJournal), None)


async def tables() -> None:
    async with DynamoDBJournal(
        "table",
        session=AioSession(),
        region_name="eu-west-1",
        endpoint_url="http://127.0.0.1:8000",
        retry=smp.RetryPolicy(),
        request_timeout=timedelta(seconds=5),
    ) as opened:
        assert_type(opened, DynamoDBJournal)
        every: list[PurchaseJournal] = [opened]
        assert_type(every[0], PurchaseJournal)
        assert_type(await opened.create_table(timeout=60), None)
        assert_type(await opened.aclose(), None)


def records(state: PurchaseState, closed_by: ClosedBy) -> None:
    now = datetime.now(UTC)
    record = PurchaseRecord(
        plan="plan",
        number=1,
        id="id",
        revision=0,
        idempotency_key="key",
        offering_id="tpeo-1",
        upfront_fee=Decimal(1),
        currency_code="USD",
        extends_from=None,
        written_at=now,
        send_by=now,
        host="host",
        process=1,
        state=state,
        closed_by=closed_by,
        receipt=None,
    )
    assert_type(record.plan, str)
    assert_type(record.number, int)
    assert_type(record.upfront_fee, Decimal | None)
    assert_type(record.extends_from, datetime | None)
    assert_type(record.state, Literal["open", "bought", "failed", "not_bought"])
    assert_type(record.closed_by, Literal["caller", "history", "person"] | None)
    assert_type(record.receipt, smp.TrainingPlanExtension | None)
    assert_type(record.to_dict(), dict[str, object])
    assert_type(PurchaseRecord.from_dict({}), PurchaseRecord)
