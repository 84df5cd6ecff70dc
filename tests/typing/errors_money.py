"""What the type checkers must refuse where money is spent. See `errors_clients.py`."""

# What is unknown because of an error is no error of its own.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from datetime import UTC, datetime
from decimal import Decimal

import sagemaker_plans as smp
from sagemaker_plans.journal import PurchaseRecord


# Which rule pyright names for a call of an overloaded method differs between a checkout and a
# wheel.
async def spend(client: smp.AsyncClient, arn: str) -> None:
    await client.training_plans.extend()  # type: ignore[call-overload]  # pyright: ignore  # checkers have to refuse it
    await client.training_plans.extend(None)  # type: ignore[call-overload]  # pyright: ignore  # checkers have to refuse it
    await client.training_plans.extend("tpeo-1", arn)  # type: ignore[call-overload]  # pyright: ignore  # checkers have to refuse it
    # A price, a currency and a key need the plan.
    await client.training_plans.extend("tpeo-1", max_upfront_fee=Decimal(5000))  # type: ignore[call-overload]  # pyright: ignore  # checkers have to refuse it
    await client.training_plans.extend("tpeo-1", training_plan_arn=None, max_upfront_fee=5000)  # type: ignore[call-overload]  # pyright: ignore  # checkers have to refuse it
    await client.training_plans.extend("tpeo-1", idempotency_key="march")  # type: ignore[call-overload]  # pyright: ignore  # checkers have to refuse it
    # A float is not a price.
    await client.training_plans.extend("tpeo-1", training_plan_arn=arn, max_upfront_fee=5000.0)  # type: ignore[call-overload]  # pyright: ignore  # checkers have to refuse it
    await client.training_plans.extend("tpeo-1", training_plan_arn=arn, max_upfront_fee="5000")  # type: ignore[call-overload]  # pyright: ignore  # checkers have to refuse it
    await client.training_plans.extend("tpeo-1", training_plan_arn=arn, currency_code=840)  # type: ignore[call-overload]  # pyright: ignore  # checkers have to refuse it
    # Forgotten: nothing is bought, and nobody is told at run time.
    client.training_plans.extend("tpeo-1", training_plan_arn=arn, max_upfront_fee=Decimal(5000))  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]  # checkers have to refuse it
    await client.training_plans.search_extension_offerings(arn, duration_hours="24")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    await client.training_plans.search_extension_offerings(arn, 24)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    await client.training_plans.ensure_until(arn, datetime.now(UTC))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    await client.training_plans.ensure_until(arn, datetime.now(UTC), budget=1e4)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    await client.training_plans.choose_extension(arn, until="2027-03-01")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    for extension in client.training_plans.extension_history(arn):  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]  # checkers have to refuse it
        print(extension)


class HalfAJournal:
    """It cannot end a record."""

    async def records(self, plan: str, /) -> tuple[PurchaseRecord, ...]:
        raise LookupError(plan)

    async def begin(self, record: PurchaseRecord, /) -> bool:
        return record.number > 0


class Blocking(HalfAJournal):
    """Its methods are no coroutines."""

    def end(self, record: PurchaseRecord, /) -> bool:
        return record.revision > 0


smp.AsyncClient(journal="folder")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.AsyncClient(journal=HalfAJournal())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.AsyncClient(journal=Blocking())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.AsyncClient.from_client(None, journal=object())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it


async def settle(client: smp.AsyncClient, arn: str, record: PurchaseRecord) -> None:
    await client.training_plans.extend("tpeo-1", training_plan_arn=arn, idempotency_key=7)  # type: ignore[call-overload]  # pyright: ignore  # checkers have to refuse it
    # What was bought is never taken for granted.
    await client.training_plans.settle(arn)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    await client.training_plans.settle(arn, True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    await client.training_plans.settle(arn, bought="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    await client.training_plans.settle(arn, bought=True, record=record.id)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    receipt = await client.training_plans.settle(arn, bought=True)  # type: ignore[func-returns-value]  # it returns None
    print(receipt)
    # Forgotten: nothing is settled.
    client.training_plans.settle(arn, bought=True)  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]  # checkers have to refuse it
    record.state = "bought"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # checkers have to refuse it


def read(receipt: smp.ExtensionReceipt) -> None:
    print(receipt.outcome == "bought")  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]  # checkers have to refuse it
    print(receipt.extension.arn)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # checkers have to refuse it
    receipt.outcome = "purchased"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # checkers have to refuse it
