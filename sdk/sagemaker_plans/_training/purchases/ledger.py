"""Reads and writes a plan's records in the user's journal, which may fail at any moment."""

import logging
import os
import socket
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import uuid4

import anyio
from attrs import evolve, frozen

from sagemaker_plans._event_loop import to_its_end
from sagemaker_plans._wire.logs import PurchaseEvent, PurchaseFacts, fee_text, tell
from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN
from sagemaker_plans._wire.redaction import fit_to_show, redacted
from sagemaker_plans.journal import ClosedBy, PurchaseJournal, PurchaseRecord, PurchaseState
from sagemaker_plans.models import TrainingPlanExtension

_PAUSES: Final = (0.0, 0.25, 0.5, 1.0)
_MOST_RACES: Final = 10
_ENDING_TIME: Final = 10.0
_TOO_LATE: Final = "it did not answer in time"
_FINAL: Final = frozenset({"bought", "failed"})


class LedgerError(Exception):
    """The journal could not be read or written; the message says what this means."""


@frozen(eq=False, repr=False)
class Ledger:
    """The records of one plan."""

    journal: PurchaseJournal
    plan: str

    async def read(self) -> tuple[PurchaseRecord, ...]:
        """Read all records.

        Returns:
            The records, by their number.

        Raises:
            LedgerError: If they cannot be read.
        """
        try:
            return tuple(await self.journal.records(self.plan))
        except Exception as error:  # noqa: BLE001  # a journal may raise anything
            failed = _failed("the journal cannot be read", error)
        raise failed

    def record(
        self,
        earlier: Sequence[PurchaseRecord],
        *,
        idempotency_key: str,
        offering_id: str,
        upfront_fee: Decimal | None,
        currency_code: str | None,
        extends_from: datetime | None,
        written_at: datetime,
        send_by: datetime,
    ) -> PurchaseRecord:
        """Make the record that follows all earlier ones.

        Args:
            earlier: All records of the plan.
            idempotency_key: What is wanted.
            offering_id: What is about to be bought.
            upfront_fee: Its fee.
            currency_code: The currency of the fee.
            extends_from: The end of the plan that was seen.
            written_at: The time now.
            send_by: Until when the purchase may be signed.

        Returns:
            The record, not written yet.
        """
        return PurchaseRecord(
            plan=self.plan,
            number=max((each.number for each in earlier), default=0) + 1,
            id=uuid4().hex,
            idempotency_key=idempotency_key,
            offering_id=offering_id,
            upfront_fee=upfront_fee,
            currency_code=currency_code,
            extends_from=extends_from,
            written_at=written_at,
            send_by=send_by,
            host=socket.gethostname(),
            process=os.getpid(),
        )

    async def begin(self, record: PurchaseRecord) -> bool:
        """Write a record, as the last step before its purchase is sent.

        Args:
            record: The record.

        Returns:
            True if it is written. False if another record has taken its number.

        Raises:
            LedgerError: If that is not known. Then it counts for nothing, and if it is
                written after all, it is closed as soon as that can be done.
        """
        try:
            return await self._begun(record)
        except GeneratorExit as error:
            # A coroutine that is being closed must not await anything.
            _tell_not_withdrawn(record, _words(error))
            raise
        except Exception as error:  # noqa: BLE001  # a journal may raise anything
            failed = _failed("the journal cannot be written", error)
        except BaseException:
            await self.withdraw(record)
            raise
        await self.withdraw(record)
        raise failed

    async def _begun(self, record: PurchaseRecord) -> bool:
        try:
            return await self.journal.begin(record)
        except Exception:
            if await self._has(record):
                return True
            raise

    async def _has(self, record: PurchaseRecord) -> bool:
        return any(each.id == record.id for each in await self.read())

    async def withdraw(self, record: PurchaseRecord) -> None:
        """See to it that a record whose purchase is not sent does not stay open.

        A write whose reply was lost may still be carried out later. So this takes its number
        with a closed record, unless it was written meanwhile: then it is closed. No cancellation
        stops this.

        Args:
            record: The record.
        """
        await to_its_end(self._withdraw(record))

    async def _withdraw(self, record: PurchaseRecord) -> None:
        closed = evolve(record, id=uuid4().hex, state="not_bought", closed_by="caller")
        problem: str | None = _TOO_LATE
        try:
            with anyio.move_on_after(_ENDING_TIME, shield=True):
                if not await self.journal.begin(closed) and await self._has(record):
                    await self.close(record, "not_bought", "caller")
                problem = None
        except Exception as error:  # noqa: BLE001  # a journal may raise anything
            problem = _words(error)
        except BaseException as error:
            problem = _words(error)
            raise
        finally:
            if problem is not None:
                _tell_not_withdrawn(record, problem)

    async def close(
        self,
        record: PurchaseRecord,
        state: PurchaseState,
        closed_by: ClosedBy,
        receipt: TrainingPlanExtension | None = None,
    ) -> bool:
        """Write what became of a purchase. A failure is logged, and changes nothing else.

        No cancellation stops this. It is raised when this has ended.

        Args:
            record: The record, as it was read or written.
            state: What became of the purchase.
            closed_by: Who knows it.
            receipt: The extension that was bought.

        Returns:
            Whether the journal says so now, or knows better.
        """
        return await to_its_end(self._close(record, state, closed_by, receipt))

    async def _close(
        self,
        record: PurchaseRecord,
        state: PurchaseState,
        closed_by: ClosedBy,
        receipt: TrainingPlanExtension | None,
    ) -> bool:
        problem = "it changes again and again"
        is_closed = False
        try:
            with anyio.move_on_after(_ENDING_TIME, shield=True) as limit:
                for pause in _PAUSES:
                    await anyio.sleep(pause)
                    try:
                        is_closed = await self._closed(record, state, closed_by, receipt)
                    except Exception as error:  # noqa: BLE001  # a journal may raise anything
                        problem = _words(error)
                    if is_closed:
                        break
            problem = _TOO_LATE if limit.cancelled_caught else problem
        except BaseException as error:
            problem = _words(error)
            raise
        finally:
            if not is_closed:
                tell_not_closed(record, state, receipt, problem)
        return is_closed

    async def settle(self, record: PurchaseRecord, state: PurchaseState) -> bool:
        """Write what a person says, if the record is still as the person saw it.

        Args:
            record: The record, as it was read.
            state: What the person says.

        Returns:
            Whether it is written. False if the record has changed.

        Raises:
            LedgerError: If that is not known.
        """
        wanted = evolve(record, revision=record.revision + 1, state=state, closed_by="person")
        try:
            return await self.journal.end(wanted)
        except Exception as error:  # noqa: BLE001  # a journal may raise anything
            failed = _failed("the journal cannot be written", error)
        raise failed

    async def _closed(
        self,
        record: PurchaseRecord,
        state: PurchaseState,
        closed_by: ClosedBy,
        receipt: TrainingPlanExtension | None,
    ) -> bool:
        current = record
        for _ in range(_MOST_RACES):
            if not _counts_more(current, state, closed_by):
                return True
            if closed_by == "history" and current.revision != record.revision:
                # Others know more than whoever read that older record and a younger history.
                return True
            wanted = evolve(
                current,
                revision=current.revision + 1,
                state=state,
                closed_by=closed_by,
                receipt=receipt or current.receipt,
            )
            if await self.journal.end(wanted):
                if current.state == "not_bought":
                    tell(
                        logging.ERROR,
                        "record %d of %s said that offering %s was not bought (by the %s), but it "
                        "was: it is corrected to %s",
                        record.number,
                        record.plan,
                        record.offering_id,
                        current.closed_by,
                        state,
                        purchase=recorded(record, "purchase_corrected", state, wanted.receipt),
                    )
                return True
            same = [each for each in await self.read() if each.id == record.id]
            if not same:
                raise LedgerError("the record is not in it any more")
            current = same[0]
        return False


def tell_not_closed(
    record: PurchaseRecord,
    state: PurchaseState,
    receipt: TrainingPlanExtension | None,
    problem: str,
) -> None:
    """Log what the journal does not say of a purchase.

    Args:
        record: The record.
        state: What became of the purchase.
        receipt: The extension that was bought.
        problem: Why it is not written.
    """
    tell(
        logging.WARNING,
        "the journal does not say yet that record %d of %s (offering %s) is %s: %s",
        record.number,
        record.plan,
        record.offering_id,
        state,
        problem,
        purchase=recorded(record, "journal_not_written", state, receipt),
    )


def _tell_not_withdrawn(record: PurchaseRecord, problem: str) -> None:
    tell(
        logging.WARNING,
        "the journal could not be written; if record %d of %s appears in it, it stays open, "
        "although its purchase was not sent: %s",
        record.number,
        record.plan,
        problem,
        purchase=recorded(record, "journal_not_written", "not_bought"),
    )


def recorded(
    record: PurchaseRecord,
    event: PurchaseEvent,
    state: PurchaseState,
    receipt: TrainingPlanExtension | None = None,
) -> PurchaseFacts:
    """Gather the facts of a recorded purchase for the log.

    Args:
        record: The record.
        event: What happened to it.
        state: What became of the purchase.
        receipt: What was bought; None for what the record says.

    Returns:
        The facts.
    """
    assert state != "open"
    charged = receipt or record.receipt
    has_fee = charged is not None and charged.upfront_fee is not None
    priced = charged if charged is not None and has_fee else record
    return PurchaseFacts(
        event=event,
        operation=EXTEND_TRAINING_PLAN.name,
        plan=record.plan,
        offering=record.offering_id,
        fee=fee_text(priced.upfront_fee),
        currency=priced.currency_code,
        outcome=state,
        idempotency_key=record.idempotency_key,
    )


def _counts_more(current: PurchaseRecord, state: PurchaseState, closed_by: ClosedBy) -> bool:
    """Tell whether what somebody has found out replaces what a record says."""
    if current.state == "open":
        return True
    if current.state == state and (current.receipt is not None or state == "not_bought"):
        return False
    if closed_by == "history":
        # It cannot tell whose purchase it shows, once somebody has said what became of this one.
        return current.state == "bought"
    # A reply that was heard replaces even a person's word.
    return state in _FINAL and current.state != "failed"


def _failed(words: str, error: Exception) -> LedgerError:
    """Make an error with a cause that shows no secret. Raise it where no exception is handled."""
    failed = LedgerError(f"{words}: {_words(error)}")
    failed.__cause__ = fit_to_show(error)
    return failed


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {redacted(str(error))}"
