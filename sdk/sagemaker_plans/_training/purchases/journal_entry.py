"""The record of a purchase that is under way, by which the history shows whether it was made."""

import logging

from attrs import define

from sagemaker_plans._training.purchases.ledger import Ledger, LedgerError
from sagemaker_plans._training.purchases.records import CERTAIN_AFTER, not_named_by, shown_for
from sagemaker_plans._wire.logs import tell
from sagemaker_plans.journal import PurchaseRecord
from sagemaker_plans.models import TrainingPlanExtension


@define(eq=False, repr=False)
class JournalEntry:
    """The record of a purchase that is under way, to recognise it in the history."""

    ledger: Ledger
    record: PurchaseRecord
    known: tuple[PurchaseRecord, ...]
    """The records of the plan when this one was written."""

    async def in_history(
        self, history: tuple[TrainingPlanExtension, ...]
    ) -> TrainingPlanExtension | None:
        """Find what this purchase bought.

        Args:
            history: The plan's extensions.

        Returns:
            The extension; None if the history does not show it.
        """
        records = self.known
        try:
            # Somebody may have settled this purchase meanwhile, and bought again.
            records = await self.ledger.read()
        except LedgerError as error:
            # Nobody may do that before the request is dead. What came later may be theirs.
            tell(logging.INFO, "ExtendTrainingPlan: %s", error)
            dead = self.record.send_by + CERTAIN_AFTER
            history = tuple(
                each for each in history if each.extended_at and each.extended_at < dead
            )
        if any(each.id == self.record.id and each.state == "not_bought" for each in records):
            # A person has said so. What the history shows is somebody else's.
            return None
        return shown_for(self.record, records, history)

    def unknown_among(
        self, extensions: tuple[TrainingPlanExtension, ...]
    ) -> list[TrainingPlanExtension]:
        """Leave out what earlier purchases bought.

        Args:
            extensions: The plan's extensions, as the reply to this purchase lists them.

        Returns:
            The others.
        """
        return not_named_by(self.known, extensions)
