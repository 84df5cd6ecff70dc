"""What the records of a journal and a plan's extension history say together.

Nothing here reads or writes anything.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from sagemaker_plans._training.payment_status import is_failed, is_payment_pending
from sagemaker_plans.journal import PurchaseRecord, PurchaseState
from sagemaker_plans.models import TrainingPlanExtension

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far clocks may be apart: the service accepts no signature whose date is further off."""

_NEVER: Final = datetime.max.replace(tzinfo=UTC)

History = Sequence[TrainingPlanExtension]


@frozen
class Finding:
    """A record that the history proves to be another than the journal says."""

    record: PurchaseRecord
    """The record, as the journal has it."""
    state: PurchaseState
    """Its state by the history."""
    extension: TrainingPlanExtension
    """The extension that proves it."""

    def corrected(self) -> PurchaseRecord:
        """Give the record as the history has it.

        Returns:
            The corrected record, of the same revision.
        """
        return evolve(self.record, state=self.state, closed_by="history", receipt=self.extension)


def bought_at(extension: TrainingPlanExtension) -> float:
    """Give the time by which purchases are ordered.

    Args:
        extension: The extension.

    Returns:
        When it was bought, in epoch seconds; 0 if the service does not say it.
    """
    return extension.extended_at.timestamp() if extension.extended_at else 0.0


def shown_for(
    record: PurchaseRecord, records: Iterable[PurchaseRecord], history: History
) -> TrainingPlanExtension | None:
    """Find the extension that a recorded purchase bought.

    The service may sell one offering several times. So the offering alone proves nothing: the
    extension must not be older than the record, not younger than the next record of the same
    offering, and not the one that another record names.

    Args:
        record: The record.
        records: All records of the plan.
        history: The extension history of the plan.

    Returns:
        The extension; None if the history does not show it.
    """
    others = [
        each
        for each in records
        if each.number != record.number and each.offering_id == record.offering_id
    ]
    named = {each.receipt.extended_at for each in others if each.receipt}
    later = (each.written_at for each in others if each.number > record.number)
    start, end = record.written_at - CLOCK_SKEW, min(later, default=_NEVER)
    dated = {
        each.extended_at: each
        for each in history
        if each.offering_id == record.offering_id and each.extended_at is not None
    }
    own = None if record.receipt is None else record.receipt.extended_at
    if own is not None and own in dated:
        return dated[own]
    fitting = [time for time in dated if start <= time < end and time not in named]
    return dated[max(fitting)] if fitting else None


def findings(records: Sequence[PurchaseRecord], history: History) -> list[Finding]:
    """Find the records that the history proves to be other than the journal says.

    Args:
        records: All records of the plan.
        history: The extension history of the plan.

    Returns:
        The findings, by the number of the record.
    """
    found: list[Finding] = []
    for record in records:
        extension = shown_for(record, records, history)
        if extension is None:
            continue
        # A person's "not bought" stays: what is shown may be a rival's, past the journal.
        if record.state in {"open", "bought"} and is_failed(extension):
            found.append(Finding(record, "failed", extension))
        elif record.state == "open" or (record.state == "bought" and record.receipt is None):
            found.append(Finding(record, "bought", extension))
    return found


def corrected(
    records: Sequence[PurchaseRecord], found: Iterable[Finding]
) -> tuple[PurchaseRecord, ...]:
    """Put what was found into the records.

    Args:
        records: All records of the plan.
        found: The findings.

    Returns:
        All records, some of them corrected.
    """
    by_number = {each.record.number: each.corrected() for each in found}
    return tuple(by_number.get(each.number, each) for each in records)


def blocking(
    records: Sequence[PurchaseRecord], history: History, key: str
) -> PurchaseRecord | None:
    """Find a purchase under another key that has to be settled before the next one.

    Args:
        records: All records of the plan, as the history corrects them.
        history: The extension history of the plan.
        key: The idempotency key of the next purchase.

    Returns:
        A record that is open, or that was bought and is not shown as paid yet; None if there
        is no such record.
    """
    for record in records:
        if record.idempotency_key == key:
            continue
        if record.state == "open":
            return record
        if record.state == "bought":
            extension = shown_for(record, records, history)
            if extension is None or is_payment_pending(extension):
                return record
    return None


def of_key(records: Iterable[PurchaseRecord], key: str) -> PurchaseRecord | None:
    """Find the purchase that was made, or may have been made, for an idempotency key.

    Args:
        records: All records of the plan.
        key: The idempotency key.

    Returns:
        The record that is open or bought; None if there is none, because each attempt ended
        without a purchase, or with one that failed.
    """
    return next(
        (
            each
            for each in records
            if each.idempotency_key == key and each.state in {"open", "bought"}
        ),
        None,
    )
