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

CERTAIN_AFTER: Final = timedelta(minutes=20)
"""How long after its last moment for signing a request cannot be accepted any more. The service
refuses signatures after some five minutes; the rest is for clocks that are wrong."""

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
    later = (each.written_at for each in others if each.number > record.number)
    start, end = record.written_at - CLOCK_SKEW, min(later, default=_NEVER)
    dated = [
        each
        for each in not_named_by(others, history)
        if each.offering_id == record.offering_id and each.extended_at is not None
    ]
    time = record.receipt and record.receipt.extended_at
    own = [each for each in dated if each.extended_at == time]
    return latest(own or [each for each in dated if start <= _time(each) < end])


def not_named_by(
    records: Iterable[PurchaseRecord], history: Iterable[TrainingPlanExtension]
) -> list[TrainingPlanExtension]:
    """Leave out of a history what some records name as theirs.

    Args:
        records: The records. Each leaves out one extension at most: the service may have sold
            an offering twice in one second.
        history: Extensions of the plan.

    Returns:
        The other extensions, in their order.
    """
    left = list(history)
    for record in records:
        receipt = record.receipt
        same = [
            each
            for each in left
            if receipt is not None
            and each.offering_id == receipt.offering_id
            and each.extended_at == receipt.extended_at
        ]
        # Of two, a record of a failed purchase names the failed one.
        theirs = next(
            (each for each in same if is_failed(each) == (record.state == "failed")), None
        )
        left = [each for each in left if each is not (theirs or next(iter(same), None))]
    return left


def latest(extensions: Sequence[TrainingPlanExtension]) -> TrainingPlanExtension | None:
    """Choose the extension that was bought last.

    Args:
        extensions: Extensions of one offering.

    Returns:
        The last one; None if there is none. Of several with one time, one that did not fail:
        to take a purchase for a failed one would let it be made again.
    """
    return max(extensions, key=lambda each: (bought_at(each), not is_failed(each)), default=None)


def _time(extension: TrainingPlanExtension) -> datetime:
    assert extension.extended_at is not None
    return extension.extended_at


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
