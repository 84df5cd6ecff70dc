"""Closes a record of the journal in a person's name."""

import logging
from typing import Final

from attrs import define

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.payment_status import is_failed
from sagemaker_plans._training.purchases.ledger import Ledger, LedgerError, recorded
from sagemaker_plans._training.purchases.records import CERTAIN_AFTER, shown_for
from sagemaker_plans._training.purchases.service_clock import ServiceClock
from sagemaker_plans._training.reading import extension_pager
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.logs import tell
from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN
from sagemaker_plans.errors import InvalidRequestError, PurchaseRefusedError, SageMakerPlansError
from sagemaker_plans.journal import PurchaseRecord, PurchaseState
from sagemaker_plans.models import TrainingPlanExtension

_MOST_RACES: Final = 10


@define(eq=False, repr=False)
class Settlement:
    """What a person says of a purchase whose outcome is not known."""

    gateway: Gateway
    retrier: Retrier
    ledger: Ledger
    bought: bool
    number: int | None
    """The number of the record; None for the one that is open."""

    async def make(self) -> None:
        """Check what the person says against the history, and write it into the journal.

        Raises:
            InvalidRequestError: If there is no such record.
            PurchaseRefusedError: If it is known otherwise, or too early to be known.
        """
        for _ in range(_MOST_RACES):
            if await self._is_made():
                return
        raise self._refused(None, "the journal is written by others all the time")

    async def _is_made(self) -> bool:
        record, records = await self._record()
        clock = ServiceClock()
        arn = self.ledger.plan
        try:
            history = await extension_pager(
                self.gateway, self.retrier, arn, hear=clock.hear
            ).collect()
        except SageMakerPlansError as error:
            raise self._refused(
                record,
                f"the extension history of {arn} could not be read: {error}",
            ) from error
        shown = shown_for(record, records, history)
        if record.closed_by in {"caller", "history"}:
            if (record.state != "not_bought") == self.bought:
                return True
            raise self._refused(
                record,
                f"it is closed already: {record.state}, by the {record.closed_by}",
            )
        # After a person's "not bought" it may be somebody else's that is shown.
        if shown is not None and record.state != "not_bought":
            state: PurchaseState = "failed" if is_failed(shown) else "bought"
            is_closed = await self.ledger.close(record, state, "history", shown)
            if self.bought and is_closed:
                return True
            but = "" if is_closed else ", but the journal cannot be written"
            raise self._refused(record, f"the history shows it ({_dates(shown)}){but}")
        if not self.bought:
            self._check_not_bought(record, history, clock)
        return await self._settled(record)

    async def _record(self) -> tuple[PurchaseRecord, tuple[PurchaseRecord, ...]]:
        try:
            records = await self.ledger.read()
        except LedgerError as error:
            raise self._refused(None, str(error)) from error
        wanted = [
            each
            for each in records
            if (each.state == "open" if self.number is None else each.number == self.number)
        ]
        if not wanted:
            which = "open record" if self.number is None else f"record {self.number}"
            problem = (
                f"record: the journal has no {which} for {self.ledger.plan}; it has "
                f"{_listed(records)}"
            )
            raise InvalidRequestError(
                "settle", problems=(problem,), operation=EXTEND_TRAINING_PLAN.name
            )
        # What the person knows is about this record, also if it changes meanwhile.
        self.number = wanted[-1].number
        return wanted[-1], records

    def _check_not_bought(
        self,
        record: PurchaseRecord,
        history: tuple[TrainingPlanExtension, ...],
        clock: ServiceClock,
    ) -> None:
        same = [each for each in history if each.offering_id == record.offering_id]
        if any(each.extended_at is None for each in same):
            raise self._refused(
                record,
                "the history shows this offering without the time at which it was bought",
            )
        # Not the time now: this process may have slept since it got the history.
        read_at = clock.first_shown
        if read_at is None:
            raise self._refused(
                record,
                "the service's reply has no date, so it is not known whether the request may "
                "still be accepted",
            )
        certain = record.send_by + CERTAIN_AFTER
        if read_at < certain:
            raise self._refused(
                record,
                f"before {certain:%Y-%m-%d %H:%M:%S} UTC, by the service's clock, its request may "
                "still be accepted; wait until then",
            )

    async def _settled(self, record: PurchaseRecord) -> bool:
        state: PurchaseState = "bought" if self.bought else "not_bought"
        if record.closed_by == "person" and record.state == state:
            return True
        try:
            is_written = await self.ledger.settle(record, state)
        except LedgerError as error:
            raise self._refused(record, str(error)) from error
        if is_written:
            tell(
                logging.WARNING,
                "settled by a person: offering %s for plan %s was %s (record %d of the journal)",
                record.offering_id,
                record.plan,
                "bought" if self.bought else "not bought",
                record.number,
                purchase=recorded(record, "purchase_settled", state),
            )
        return is_written

    def _refused(self, record: PurchaseRecord | None, words: str) -> PurchaseRefusedError:
        which = "" if record is None else f"record {record.number} of the journal: "
        return PurchaseRefusedError(
            f"settle: {which}nothing was settled, because {words}",
            offering_id=record.offering_id if record else "",
            training_plan_arn=self.ledger.plan,
        )


def _dates(extension: TrainingPlanExtension) -> str:
    return (
        f"bought at {extension.extended_at}, status {extension.status}, payment "
        f"{extension.payment_status}"
    )


def _listed(records: tuple[PurchaseRecord, ...]) -> str:
    return ", ".join(f"{each.number} ({each.state})" for each in records) or "none"
