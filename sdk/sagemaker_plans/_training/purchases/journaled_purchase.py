"""Buys an extension at most once for each idempotency key, across crashes and processes.

A record in the user's journal comes before the send, and what became of it afterwards. The
order is: all records, the history, the price, the record, the purchase.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field

from sagemaker_plans._training.payment_status import is_failed
from sagemaker_plans._training.purchases import records as log
from sagemaker_plans._training.purchases.journal_entry import JournalEntry
from sagemaker_plans._training.purchases.ledger import Ledger, LedgerError, tell_not_closed
from sagemaker_plans._training.purchases.purchase import Purchase
from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN
from sagemaker_plans.errors import (
    OutcomeUnknownError,
)
from sagemaker_plans.journal import PurchaseRecord, PurchaseState
from sagemaker_plans.models import (
    ExtensionReceipt,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
)

SENDING_TIME: Final = timedelta(minutes=5)
"""How long after its record a purchase may be signed."""

_MOST_STARTS: Final = 10

History = tuple[TrainingPlanExtension, ...]


@define(eq=False, repr=False)
class JournaledPurchase:
    """One purchase that is recorded in a journal."""

    purchase: Purchase
    ledger: Ledger
    key: str
    """The idempotency key."""
    unwritten: Sequence[log.Finding] = field(default=(), init=False)
    """What the history proves and the journal does not say, because it cannot be written."""

    async def make(self) -> ExtensionReceipt:
        """Buy the offering, unless something was bought for the key before.

        Returns:
            The receipt.

        Raises:
            PurchaseRefusedError: If a check failed, if another purchase for the plan is not
                settled, or if the journal cannot be read or written. No purchase was sent.
            PurchaseFailedError: If the purchase for this key failed.
            OutcomeUnknownError: If the purchase for this key may or may not have been made.
            SageMakerPlansError: If the service rejected the purchase, or it could not be sent.
        """
        try:
            for _ in range(_MOST_STARTS):
                records, history = await self._read()
                receipt = self._answer(records, history) or self.purchase.already_made(history)
                if receipt is not None:
                    return receipt
                self._check_all_closed()
                listed = await self.purchase.checked_price()
                record = self._record(records, history, listed)
                if await self.ledger.begin(record):
                    return await self._send(record, records, listed)
        except LedgerError as error:
            raise self.purchase.refused(str(error)) from error
        raise self.purchase.refused(
            f"the journal was written by others {_MOST_STARTS} times while this call prepared its "
            "purchase; call again"
        )

    async def _read(self) -> tuple[tuple[PurchaseRecord, ...], History]:
        """Read journal and history, and write into the journal what the history proves."""
        records = await self.ledger.read()
        history = await self.purchase.checked_history(self.ledger.plan)
        found = log.findings(records, history)
        for each in found:
            await self.ledger.close(each.record, each.state, "history", each.extension)
        if found:
            # The history is younger than those records. Meanwhile one may have been settled, and
            # what the history shows may be the purchase that came after it.
            records = await self.ledger.read()
        self.unwritten = log.findings(records, history)
        records = log.corrected(records, self.unwritten)
        failed = {each.id for each in records if each.state == "failed"}
        for each in found:
            record = each.record
            if (
                each.state == "failed"
                and record.idempotency_key == self.key
                and record.id in failed
            ):
                self.purchase.paid_for(self._receipt(each.extension, history))
        return records, history

    def _check_all_closed(self) -> None:
        for each in self.unwritten:
            raise LedgerError(
                f"the journal does not say yet that {_named(each.record)} is {each.state}"
            )

    def _answer(
        self, records: Sequence[PurchaseRecord], history: History
    ) -> ExtensionReceipt | None:
        """Give the receipt of an earlier purchase, or raise if one stands in the way."""
        own = log.of_key(records, self.key)
        if own is not None and own.state == "open":
            raise self._unknown(own)
        if own is not None:
            shown = log.shown_for(own, records, history)
            extension = shown or own.receipt
            if extension is None:
                raise self.purchase.refused(
                    f"a person settled {_named(own)} as bought, and the history does not show it"
                )
            receipt = self._receipt(extension, history)
            self.purchase.log_outcome(receipt, self.purchase.told_by if shown else None)
            return receipt
        other = log.blocking(records, history, self.key)
        if other is not None:
            known = (
                "may or may not have been bought"
                if other.state == "open"
                else "was bought, and the history does not show it as paid yet"
            )
            raise self.purchase.refused(
                f"an earlier purchase for this plan comes first: {_named(other)} {known}; "
                "see settle() if that lasts"
            )
        return None

    def _receipt(self, extension: TrainingPlanExtension, history: History) -> ExtensionReceipt:
        is_shown = any(each is extension for each in history)
        return ExtensionReceipt(
            extension=extension,
            extensions=history if is_shown else (*history, extension),
            outcome="already_purchased",
        )

    def _unknown(self, record: PurchaseRecord) -> OutcomeUnknownError:
        return OutcomeUnknownError(
            f"{_named(record)} may or may not have been bought: its outcome is not in the journal, "
            "and the history does not show it, which proves nothing; nothing was sent now; if it "
            "does not show, find out what happened and call training_plans.settle()",
            operation=EXTEND_TRAINING_PLAN.name,
            offering_id=record.offering_id,
            training_plan_arn=record.plan,
        )

    def _record(
        self,
        records: Sequence[PurchaseRecord],
        history: History,
        listed: TrainingPlanExtensionOffering | None,
    ) -> PurchaseRecord:
        request, clock = self.purchase.request, self.purchase.clock
        offering = listed or request.offering
        now = clock.now()
        latest = self.purchase.latest or now + SENDING_TIME
        record = self.ledger.record(
            records,
            idempotency_key=self.key,
            offering_id=request.offering_id,
            upfront_fee=offering.upfront_fee if offering else None,
            currency_code=offering.currency_code if offering else None,
            extends_from=(offering.start_date if offering else None) or _end_of(history),
            written_at=now,
            send_by=min(now + SENDING_TIME, latest),
        )
        # The two clocks were compared a moment ago, and one of them may have been set since, or
        # this process may have slept before it read the reply. So the difference counts only as
        # far as the service accepts it. Otherwise a request might count after it was settled.
        self.purchase.send_by = min(
            clock.on_this_machine(record.send_by), record.send_by + log.CLOCK_SKEW
        )
        return record

    async def _send(
        self,
        record: PurchaseRecord,
        records: Sequence[PurchaseRecord],
        listed: TrainingPlanExtensionOffering | None,
    ) -> ExtensionReceipt:
        purchase, ledger = self.purchase, self.ledger
        purchase.entry = JournalEntry(ledger, record, (*records, record))
        try:
            receipt = await purchase.buy(listed)
        except GeneratorExit:
            # A coroutine that is being closed must not await anything. The record stays open.
            if purchase.found is not None or not purchase.may_be_bought:
                known = None if purchase.found is None else purchase.found.extension
                tell_not_closed(record, _state_of(known), known, "its coroutine was closed")
            raise
        except BaseException:
            # Only what is known counts, whatever was raised.
            if purchase.found is not None:
                await self._close(record, purchase.found)
            elif not purchase.may_be_bought:
                await ledger.close(record, "not_bought", "caller")
            raise
        await self._close(record, receipt)
        return receipt

    async def _close(self, record: PurchaseRecord, receipt: ExtensionReceipt) -> None:
        await self.ledger.close(
            record,
            _state_of(receipt.extension),
            "caller" if receipt.outcome == "purchased" else "history",
            receipt.extension,
        )


def _state_of(bought: TrainingPlanExtension | None) -> PurchaseState:
    if bought is None:
        return "not_bought"
    return "failed" if is_failed(bought) else "bought"


def _end_of(history: History) -> datetime | None:
    ends = [each.end_date for each in history if each.end_date and not is_failed(each)]
    return max(ends, default=None)


def _named(record: PurchaseRecord) -> str:
    return (
        f"offering {record.offering_id} (record {record.number} of the journal, idempotency key "
        f"{record.idempotency_key!r}, written {record.written_at:%Y-%m-%d %H:%M:%S} UTC by process "
        f"{record.process} on {record.host})"
    )
