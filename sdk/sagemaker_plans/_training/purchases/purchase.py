"""Buys an extension, at most once."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.payment_status import is_failed, is_payment_pending
from sagemaker_plans._training.purchases.journal_entry import JournalEntry
from sagemaker_plans._training.purchases.price_check import (
    PricedOffering,
    PriceError,
    checked_price,
)
from sagemaker_plans._training.purchases.purchase_request import PurchaseRequest
from sagemaker_plans._training.purchases.records import latest
from sagemaker_plans._training.purchases.sent_once import SentOnce
from sagemaker_plans._training.reading import extension_pager
from sagemaker_plans._wire import converter, reading, replies, training_replies
from sagemaker_plans._wire.logs import id_of, tell
from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN, Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import PurchaseFailedError, SageMakerPlansError
from sagemaker_plans.models import (
    ExtensionReceipt,
    PurchaseOutcome,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
)

READERS_OF_REPLIES: Final = (reading, converter)
"""Imported before anything is bought, for the reply."""
_SAME_END: Final = timedelta(hours=12)


@define(eq=False, repr=False)
class Purchase(SentOnce[ExtensionReceipt]):
    """One purchase of an extension, from the first check to the receipt."""

    request: PurchaseRequest = field(kw_only=True)
    starts: datetime | None = field(default=None, kw_only=True)
    """The end of the plan from which the extension is to start; None if that does not matter."""
    entry: JournalEntry | None = field(default=None, init=False)
    """Its record in the user's journal; None without a journal."""
    listed: TrainingPlanExtensionOffering | None = field(default=None, init=False)
    """The offering with the price that was looked up; None if it was not."""

    @property
    def priced(self) -> PricedOffering | None:
        """The offering with its price."""
        return self.refused_price or self.listed or self.request.offering

    @property
    def operation(self) -> Operation:
        """The operation that buys."""
        return EXTEND_TRAINING_PLAN

    @property
    def offering(self) -> str:
        """The id of the offering that is bought."""
        return self.request.offering_id

    @property
    def arn(self) -> str | None:
        """The ARN of the plan; None if the caller named none."""
        return self.request.training_plan_arn

    def body(self) -> Mapping[str, object]:
        """Give the members of the request.

        Returns:
            The members.
        """
        return {"TrainingPlanExtensionOfferingId": self.request.offering_id}

    async def make(self) -> ExtensionReceipt:
        """Check the history and the price, send the purchase, and find out its outcome.

        Returns:
            The receipt.

        Raises:
            PurchaseRefusedError: If a check failed, so no purchase was sent.
            PurchaseFailedError: If the offering was bought, and the service says that the
                extension failed.
            OutcomeUnknownError: If the offering may or may not have been bought.
            SageMakerPlansError: If the service rejected the purchase, or it could not be
                sent.
        """
        if self.arn is not None:
            receipt = self.already_made(await self.checked_history(self.arn))
            if receipt is not None:
                return receipt
        return await self.buy(await self.checked_price())

    async def buy(self, listed: TrainingPlanExtensionOffering | None) -> ExtensionReceipt:
        """Send the purchase, and find out its outcome.

        Args:
            listed: The offering with the price that was looked up; None if it was not.

        Returns:
            The receipt.

        Raises:
            SageMakerPlansError: As for ``make``.
        """
        self.listed, self.is_fee_checked = listed, listed is not None
        return await self.send()

    def read(self, reply: Reply, /) -> ExtensionReceipt:
        """Read what was bought from the reply.

        Args:
            reply: The reply.

        Returns:
            The receipt.

        Raises:
            UnexpectedReplyError: If it does not show the extension.
        """
        extensions = training_replies.read_extended(reply)
        ours = extensions if self.entry is None else self.entry.unknown_among(extensions)
        receipt = self._receipt("purchased", extensions, ours)
        if receipt is None:
            problem = f"TrainingPlanExtensions: has no extension {self.offering}"
            raise replies.unexpected(reply, (problem,))
        return receipt

    def _receipt(
        self,
        outcome: PurchaseOutcome,
        extensions: tuple[TrainingPlanExtension, ...],
        among: Sequence[TrainingPlanExtension] | None = None,
    ) -> ExtensionReceipt | None:
        listed = extensions if among is None else among
        # If the service sold the offering more than once, the latest one is ours.
        ours = latest(
            [
                one
                for one in listed
                if one.offering_id == self.request.offering_id and not self._is_earlier(one)
            ]
        )
        if ours is None:
            return None
        return ExtensionReceipt(extension=ours, extensions=extensions, outcome=outcome)

    def _is_earlier(self, extension: TrainingPlanExtension) -> bool:
        """Tell whether an extension is an earlier leg, for which the same offering was sold."""
        start = extension.start_date
        return self.starts is not None and start is not None and self.starts - start > _SAME_END

    def paid_for(self, receipt: ExtensionReceipt, /) -> ExtensionReceipt:
        """Give the receipt, unless the service says that the purchase failed.

        Args:
            receipt: What is known of the purchase.

        Returns:
            The receipt.

        Raises:
            PurchaseFailedError: If it failed.
        """
        extension = receipt.extension
        if not is_failed(extension):
            return receipt
        failed = PurchaseFailedError(
            f"offering {extension.offering_id} was bought, but the service says that it failed "
            f"(status {extension.status}, payment {extension.payment_status}); the plan was not "
            "extended; search for a new offering, and ask AWS whether money was taken",
            extension=extension,
            training_plan_arn=self.request.training_plan_arn,
        )
        facts = self.facts(
            "purchase_ended",
            "failed",
            fee=extension.upfront_fee,
            currency=extension.currency_code,
            request_id=self.told_by,
            offering=extension.offering_id,
        )
        tell(logging.WARNING, "ExtendTrainingPlan: %s", failed, purchase=facts)
        raise failed

    def log_outcome(self, receipt: ExtensionReceipt, request_id: str | None) -> None:
        """Log what was bought.

        Args:
            receipt: What is known of the purchase.
            request_id: The id of the request that told it; None if there was none.
        """
        tell(
            logging.INFO,
            "ExtendTrainingPlan: offering %s for plan %s: %s, upfront fee %s %s, request id %s",
            self.request.offering_id,
            self.request.training_plan_arn or "(not named)",
            receipt.outcome,
            receipt.extension.upfront_fee_text,
            receipt.extension.currency_code,
            request_id,
            purchase=self.facts(
                "purchase_ended",
                receipt.outcome,
                fee=receipt.extension.upfront_fee,
                currency=receipt.extension.currency_code,
                request_id=request_id,
                offering=receipt.extension.offering_id,
            ),
        )

    async def checked_history(self, arn: str) -> tuple[TrainingPlanExtension, ...]:
        """Read the plan's history before anything is bought.

        Args:
            arn: The plan.

        Returns:
            Its extensions.

        Raises:
            PurchaseRefusedError: If the history cannot be read.
        """
        try:
            return await extension_pager(self.gateway, self.retrier, arn, hear=self._hear).collect()
        except SageMakerPlansError as error:
            raise self.refused(
                f"the extension history of {arn} could not be read, so the offering may have "
                f"been bought before: {error}",
                id_of(error),
            ) from error

    def _hear(self, reply: Reply) -> None:
        self.clock.hear(reply)
        self.note(reply)

    def already_made(self, history: tuple[TrainingPlanExtension, ...]) -> ExtensionReceipt | None:
        """Tell whether the history has the offering already.

        Args:
            history: The plan's extensions.

        Returns:
            The receipt; None if the offering can be bought.

        Raises:
            PurchaseRefusedError: If it was bought and failed, or if another payment is pending.
        """
        receipt = self._receipt("already_purchased", history)
        if receipt is not None:
            extension = receipt.extension
            if is_failed(extension):
                raise self.refused(
                    "it was bought before and failed (status "
                    f"{extension.status}, payment {extension.payment_status}); "
                    "search for a new offering",
                    self.told_by,
                )
            self.log_outcome(receipt, self.told_by)
            return receipt
        for extension in history:
            if is_payment_pending(extension):
                raise self.refused(
                    f"the payment of extension {extension.offering_id} is pending; the service "
                    "accepts one payment at a time, so try again when it is completed",
                    self.told_by,
                )
            end = extension.end_date
            if self.starts and end and end - self.starts > _SAME_END and not is_failed(extension):
                raise self.refused(
                    f"extension {extension.offering_id} was bought meanwhile, and the plan ends at "
                    f"{end:%Y-%m-%d %H:%M} UTC with it",
                    self.told_by,
                )
        return None

    async def checked_price(self) -> TrainingPlanExtensionOffering | None:
        """Look up the price, if there is a limit for it.

        Returns:
            The offering as it is listed; None if there is no limit.

        Raises:
            PurchaseRefusedError: If the price is not within the limit, or cannot be read.
        """
        if self.request.max_upfront_fee is None:
            return None
        try:
            return await checked_price(self.gateway, self.retrier, self.request)
        except PriceError as error:
            self.refused_price = error.listed
            raise self.refused(str(error)) from error
        except SageMakerPlansError as error:
            raise self.refused(f"its fee could not be looked up: {error}", id_of(error)) from error

    @property
    def where(self) -> str:
        """Where ``look`` looks, for messages."""
        return f"history of {self.arn}"

    @property
    def can_look(self) -> bool:
        """Whether the history can be read."""
        return self.arn is not None

    async def look(self, once: Retrier) -> ExtensionReceipt | None:
        """Read the history.

        Args:
            once: Makes one attempt at each page.

        Returns:
            The receipt; None if the history does not show the purchase.

        Raises:
            SageMakerPlansError: If the history cannot be read.
        """
        assert self.arn is not None
        history = await extension_pager(self.gateway, once, self.arn, hear=self.note).collect()
        if self.entry is None:
            return self._receipt("confirmed_by_history", history)
        found = await self.entry.in_history(history)
        if found is None:
            return None
        return ExtensionReceipt(extension=found, extensions=history, outcome="confirmed_by_history")

    def advice(self) -> str:
        """Say what to check if the outcome is not known.

        Returns:
            What to check.
        """
        if self.arn is None:
            return (
                "check the extension history of its training plan before buying it again, and "
                "pass training_plan_arn= next time, so that extend() checks it for you"
            )
        unproven = (
            f"{self.arn} does not show it yet, which proves nothing; read its extension_history "
            "again later before buying it again"
        )
        if self.entry is None:
            return f"{unproven}; with a journal (AsyncClient(journal=...)), later calls would know"
        return (
            f"{unproven}; record {self.entry.record.number} of the journal keeps it open, and "
            "nothing is sent for this plan until the history shows it or somebody calls settle()"
        )
