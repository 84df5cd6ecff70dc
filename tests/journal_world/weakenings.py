"""What the protocol and the code would be without one of their rules."""

from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

import pytest
from attrs import frozen

from journal_world.outside.journal import Shelf
from sagemaker_plans._training.purchases import (
    journal_entry,
    ledger,
    purchase,
    records,
    settlement,
)
from sagemaker_plans._training.purchases.journaled_purchase import JournaledPurchase
from sagemaker_plans._transport import signed_date
from sagemaker_plans.journal import PurchaseRecord
from sagemaker_plans.models import TrainingPlanExtension


@frozen
class Weakening:
    """One rule less."""

    name: str
    apply: Callable[[pytest.MonkeyPatch], None]
    shows: str
    """How the problem begins that it must lead to."""
    first: int = 0
    """The scene from which on to look for it, if few scenes show it."""


def find_nothing(*_: object) -> None:
    """Stand in for a rule that finds something."""


def no_check_of_the_signed_date(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(signed_date, "why_too_late", find_nothing)


def an_end_without_condition(patch: pytest.MonkeyPatch) -> None:
    def end(shelf: Shelf, record: PurchaseRecord) -> bool:
        shelf.records[record.number] = record
        return True

    patch.setattr(Shelf, "end", end)


def records_erased_at_the_end(patch: pytest.MonkeyPatch) -> None:
    whole = Shelf.end

    def end(shelf: Shelf, record: PurchaseRecord) -> bool:
        ended = whole(shelf, record)
        if ended:
            del shelf.records[record.number]
        return ended

    patch.setattr(Shelf, "end", end)


def a_begin_that_overwrites(patch: pytest.MonkeyPatch) -> None:
    def begin(shelf: Shelf, record: PurchaseRecord) -> bool:
        shelf.records[record.number] = record
        return True

    patch.setattr(Shelf, "begin", begin)


def no_ids_of_their_own(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ledger, "uuid4", lambda: UUID(int=0))


def settled_too_soon(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settlement, "CERTAIN_AFTER", -records.CERTAIN_AFTER)


def nothing_blocks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(records, "of_key", find_nothing)
    patch.setattr(records, "blocking", find_nothing)


def all_of_the_difference_between_clocks(patch: pytest.MonkeyPatch) -> None:
    whole = JournaledPurchase._record

    def record(self: JournaledPurchase, *arguments: Any) -> PurchaseRecord:
        made = whole(self, *arguments)
        self.purchase.send_by = self.purchase.clock.on_this_machine(made.send_by)
        return made

    patch.setattr(JournaledPurchase, "_record", record)


def old_records_with_a_young_history(patch: pytest.MonkeyPatch) -> None:
    async def read(self: JournaledPurchase) -> tuple[tuple[PurchaseRecord, ...], Any]:
        known = await self.ledger.read()
        history = await self.purchase.checked_history(self.ledger.plan)
        found = records.findings(known, history)
        for each in found:
            await self.ledger.close(each.record, each.state, "history", each.extension)
        for each in found:
            if each.state == "failed" and each.record.idempotency_key == self.key:
                self.purchase.paid_for(self._receipt(each.extension, history))
        return records.corrected(known, found), history

    patch.setattr(JournaledPurchase, "_read", read)


def the_failed_of_two(patch: pytest.MonkeyPatch) -> None:
    def latest(extensions: Sequence[TrainingPlanExtension]) -> TrainingPlanExtension | None:
        return max(extensions, key=records.bought_at, default=None)

    def all_of(
        _: object, extensions: Sequence[TrainingPlanExtension]
    ) -> list[TrainingPlanExtension]:
        return [*extensions]

    patch.setattr(purchase, "latest", latest)
    patch.setattr(journal_entry, "not_named_by", all_of)


TWICE: Final = "two purchases for key"
UNTRUE: Final = "record 1 says bought, and nothing was bought"

WEAKENINGS: Final = (
    Weakening("no check of the signed date", no_check_of_the_signed_date, TWICE),
    Weakening("an end without condition", an_end_without_condition, UNTRUE),
    Weakening("records erased at the end", records_erased_at_the_end, TWICE),
    Weakening("a begin that overwrites", a_begin_that_overwrites, TWICE),
    Weakening("no ids of their own", no_ids_of_their_own, TWICE),
    Weakening("settled too soon", settled_too_soon, TWICE),
    Weakening("nothing blocks", nothing_blocks, TWICE),
    Weakening("clocks far apart", all_of_the_difference_between_clocks, TWICE),
    Weakening("old records, young history", old_records_with_a_young_history, "call 2 ", first=990),
    Weakening("the failed one of two", the_failed_of_two, "record 2 says failed", first=320),
)
