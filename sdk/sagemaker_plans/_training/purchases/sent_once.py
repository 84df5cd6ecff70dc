"""Sends a purchase at most once, even if requests or replies are lost.

A purchase request is sent again only if the earlier one provably had no effect. If the
earlier one may have had an effect, this module asks the service what was bought, and sends no
further purchase.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Generic, TypeVar

import anyio
from attrs import define, field

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_rules import Decision, decide, is_the_services
from sagemaker_plans._training.purchases.price_check import PricedOffering
from sagemaker_plans._training.purchases.service_clock import ServiceClock
from sagemaker_plans._training.until_shown import until_shown
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.logs import (
    PurchaseEnd,
    PurchaseEvent,
    PurchaseFacts,
    fee_text,
    id_of,
    tell,
)
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.redaction import redacted
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import (
    OutcomeUnknownError,
    PlanMismatchError,
    PurchaseFailedError,
    PurchaseRefusedError,
    PurchaseReplyError,
    SageMakerPlansError,
    UnexpectedReplyError,
)

R = TypeVar("R")


@define(eq=False, repr=False)
class SentOnce(ABC, Generic[R]):
    """A purchase that is sent once. Its subclasses say what is bought."""

    gateway: Gateway
    retrier: Retrier
    clock: ServiceClock = field(factory=ServiceClock, kw_only=True)
    """The service's clock, as its replies showed it."""
    send_by: datetime | None = field(default=None, kw_only=True)
    """No request that is signed later than this is sent, by this machine's clock."""
    latest: datetime | None = field(default=None, kw_only=True)
    """The same by the service's clock."""
    key: str | None = field(default=None, kw_only=True)
    """What stands for the purchase in the journal; None without a journal."""
    is_fee_checked: bool = field(default=False, init=False)
    """Whether the fee was looked up now, and is within the limit."""
    refused_price: PricedOffering | None = field(default=None, init=False)
    """The offering with the price for which it is refused."""
    told_by: str | None = field(default=None, init=False)
    """The id of the latest request that told what is known of the purchase."""
    in_flight: bool = field(default=False, init=False)
    """Whether a purchase request may be on its way, or may have taken effect without a reply."""
    may_be_bought: bool = field(default=False, init=False)
    """False as long as it is certain that nothing was bought."""
    known: SageMakerPlansError | None = field(default=None, init=False)
    """The error of the request whose reply was lost, or whose call was interrupted."""
    found: R | None = field(default=None, init=False)
    """What is known of the purchase, also if the caller gets no receipt."""

    @property
    @abstractmethod
    def operation(self) -> Operation:
        """The operation that buys."""

    @property
    @abstractmethod
    def offering(self) -> str:
        """The id of the offering that is bought."""

    @property
    @abstractmethod
    def priced(self) -> PricedOffering | None:
        """The offering with its price, as the service or the caller gave it; None if unknown."""

    @property
    @abstractmethod
    def arn(self) -> str | None:
        """The ARN of the plan; None if it is not known."""

    @property
    def name(self) -> str | None:
        """The name of a new plan; None for the extension of one."""
        return None

    @property
    def plan(self) -> str:
        """The plan for which it is bought, for messages."""
        return self.name or self.arn or "(not named)"

    @abstractmethod
    def body(self) -> Mapping[str, object]:
        """Give the members of the request."""

    @abstractmethod
    def read(self, reply: Reply, /) -> R:
        """Read what was bought from the reply."""

    @abstractmethod
    def paid_for(self, receipt: R, /) -> R:
        """Give the receipt, unless the service says that the purchase failed."""

    @abstractmethod
    def log_outcome(self, receipt: R, request_id: str | None) -> None:
        """Log what was bought."""

    @abstractmethod
    async def look(self, once: Retrier) -> R | None:
        """Ask the service whether it was bought; None if it does not show it."""

    @property
    @abstractmethod
    def where(self) -> str:
        """Where ``look`` looks, for messages."""

    @property
    @abstractmethod
    def can_look(self) -> bool:
        """Whether the service can be asked."""

    @abstractmethod
    def advice(self) -> str:
        """Say what to check if the outcome is not known."""

    def facts(
        self,
        event: PurchaseEvent,
        outcome: PurchaseEnd | None = None,
        *,
        fee: Decimal | None = None,
        currency: str | None = None,
        request_id: str | None = None,
        offering: str | None = None,
    ) -> PurchaseFacts:
        """Gather the facts of this purchase for the log.

        Args:
            event: What happened.
            outcome: How it ended.
            fee: The upfront fee that was charged; None for the one of the offering.
            currency: The currency of ``fee``.
            request_id: The id of the request that told the outcome.
            offering: The offering that was bought; None for the one of this purchase.

        Returns:
            The facts.
        """
        if fee is None and self.priced is not None and offering in {None, self.offering}:
            fee, currency = self.priced.upfront_fee, self.priced.currency_code
        return PurchaseFacts(
            event=event,
            operation=self.operation.name,
            plan=self.name or self.arn,
            offering=offering or self.offering,
            fee=fee_text(fee),
            currency=None if fee is None else currency,
            outcome=outcome,
            request_id=request_id,
            idempotency_key=self.key,
        )

    async def send(self) -> R:
        """Send the purchase, and find out its outcome.

        Returns:
            The receipt.

        Raises:
            PurchaseFailedError: If the offering was bought, and the service says that it
                failed.
            PurchaseRefusedError: If it was signed too late. It was not sent.
            OutcomeUnknownError: If the offering may or may not have been bought.
            SageMakerPlansError: If the service rejected the purchase, or it could not be
                sent.
        """
        facts = self.facts("purchase_started")
        told = [] if facts.fee is None else [f"{facts.fee} {facts.currency}"]
        tell(
            logging.INFO,
            "%s: buying offering %s for plan %s, upfront fee %s",
            self.operation.name,
            self.offering,
            self.plan,
            ", ".join(told if self.is_fee_checked else [*told, "not checked"]),
            purchase=facts,
        )
        try:
            return await self._send()
        except BaseException as error:
            # BaseException, because a cancellation, Ctrl-C or a bug may come here too.
            if self.in_flight:
                await self._log_interrupted(error)
            elif not self.may_be_bought and not isinstance(error, SageMakerPlansError):
                # Between two attempts, or after a refusal: the last one had no effect.
                why = f": {self.known}" if self.known else ""
                self._log_not_bought(
                    f"interrupted ({type(error).__name__}){why}", id_of(self.known)
                )
            raise

    async def _send(self) -> R:
        try:
            return await self.retrier.run(self.operation, self._attempt)
        except SageMakerPlansError as error:
            if self.in_flight:
                return await self._reconciled(error)
            if not isinstance(error, PurchaseFailedError | PurchaseRefusedError):
                self._log_not_bought(error, id_of(error))
            raise

    def _log_not_bought(self, why: object, request_id: str | None = None) -> None:
        tell(
            logging.INFO,
            "%s: offering %s not bought: %s",
            self.operation.name,
            self.offering,
            why,
            purchase=self.facts("purchase_ended", "not_bought", request_id=request_id),
        )

    async def _attempt(self) -> R:
        self.in_flight = self.may_be_bought = True
        try:
            if self.send_by is None and self.latest is not None:
                self.send_by = self.clock.on_this_machine(self.latest)
            reply = await self.gateway.call(
                self.operation, self.body(), send_by=self.send_by, interrupted=self._interrupted
            )
            receipt = self._learn(reply)
        except SageMakerPlansError as error:
            self.in_flight = self.may_be_bought = decide(self.operation, error) is Decision.LOOK
            if isinstance(error, PurchaseRefusedError):
                raise self.refused(str(error)) from error
            raise
        return self._told(receipt)

    def _learn(self, heard: Reply | SageMakerPlansError) -> R:
        """Learn what became of a request, or raise its error."""
        if isinstance(heard, SageMakerPlansError):
            raise heard
        receipt = self.read(heard)
        # Whatever is raised from here on, this is known.
        self.found, self.in_flight = receipt, False
        self.note(heard)
        return receipt

    def _interrupted(self, heard: Reply | SageMakerPlansError) -> None:
        """Learn what is known of a request, right before its call raises an interruption."""
        try:
            self._outcome_of(self._learn(heard))
        except SageMakerPlansError as error:
            self.known = error
            self.in_flight = self.may_be_bought = decide(self.operation, error) is Decision.LOOK

    def note(self, reply: Reply) -> None:
        """Note which request told what is known.

        Args:
            reply: Its reply.
        """
        self.told_by = reply.request_id

    def _told(self, receipt: R) -> R:
        """Log what became of the purchase, and raise if it failed."""
        self.paid_for(receipt)
        self.log_outcome(receipt, self.told_by)
        return receipt

    def refused(self, words: str, request_id: str | None = None) -> PurchaseRefusedError:
        """Make, and log, the error for a purchase that is not sent.

        Args:
            words: Why it is not sent.
            request_id: The id of the request that told why; None if none did.

        Returns:
            The error.
        """
        refused = PurchaseRefusedError(
            f"offering {self.offering} was not bought, and no purchase was sent: {words}",
            offering_id=self.offering,
            training_plan_arn=self.arn,
            operation=self.operation.name,
        )
        facts = self.facts("purchase_ended", "refused", request_id=request_id)
        tell(logging.INFO, "%s", refused, purchase=facts)
        return refused

    async def _reconciled(self, error: SageMakerPlansError) -> R:
        """Find out the outcome of a purchase whose reply was lost."""
        self.known = error
        self.found = receipt = await self.looked_for()
        # From here on, this method returns or raises the outcome.
        self.in_flight = False
        if receipt is not None:
            self.told_by = id_of(error) or self.told_by
            return self._told(receipt)
        unknown = self._unknown(error)
        facts = self.facts("purchase_ended", "unknown", request_id=id_of(error))
        tell(logging.WARNING, "%s: %s", self.operation.name, unknown, purchase=facts)
        raise unknown from error

    async def looked_for(self) -> R | None:
        """Ask the service until it shows the purchase, or until the time is up.

        Returns:
            What it shows; None if it shows nothing.
        """
        if not self.can_look:
            return None
        failed = partial(tell, logging.INFO, "%s: %s not read: %s", self.operation.name, self.where)
        return await until_shown(self.look, failed, within=self.retrier.policy.reconcile_limit)

    def _unknown(self, error: SageMakerPlansError) -> OutcomeUnknownError:
        if isinstance(error, UnexpectedReplyError) and is_the_services(error):
            # A reply that cannot be parsed may be cut off, or come from a proxy.
            happened = (
                f"the purchase of offering {self.offering} went through"
                if isinstance(error.reply, Mapping)
                else f"offering {self.offering} may or may not have been bought"
            )
            return PurchaseReplyError(
                f"{happened} (the service answered HTTP {error.http_status}), but its reply cannot "
                f"be read (see reply): {error}; {self.advice()}",
                unread=error,
                offering_id=self.offering,
                training_plan_arn=self.arn,
            )
        return OutcomeUnknownError(
            f"offering {self.offering} may or may not have been bought: {error}; {self.advice()}",
            operation=self.operation.name,
            offering_id=self.offering,
            training_plan_arn=self.arn,
            plan_name=self.name,
            reply=getattr(error, "reply", None),
        )

    async def _log_interrupted(self, error: BaseException) -> None:
        """Log the outcome of a purchase that was interrupted on its way."""
        receipt: R | None = None
        try:
            # A coroutine that is being closed must not await anything.
            if not isinstance(error, GeneratorExit):
                with anyio.CancelScope(shield=True):
                    receipt = await self.looked_for()
        finally:
            # This also runs if the reading is interrupted: the scope shields neither from a
            # second Ctrl-C nor from asyncio's own Task.cancel().
            self.found = receipt
            self.told_by = id_of(self.known) or (None if receipt is None else self.told_by)
            outcome = self._outcome_of(receipt)
            facts = self.facts("purchase_interrupted", outcome, request_id=self.told_by)
            found = f"the {'plan' if self.name else 'history'} shows that it was bought"
            words = (
                f"{self.operation.name}: the purchase of offering {self.offering} for plan "
                f"{self.plan} was interrupted ({type(error).__name__}) while it was on its way; "
                f"{'its outcome is not known' if outcome == 'unknown' else found}"
            )
            tell(logging.WARNING, "%s", words, purchase=facts)
            if receipt is None and self.known is not None:
                # The caller gets the cancellation, so only the log can show the error.
                tell(
                    logging.WARNING,
                    "%s: %s; request id %s, reply %.2000s",
                    self.operation.name,
                    self._unknown(self.known),
                    self.told_by,
                    # A proxy's error page may repeat the headers of the request.
                    redacted(repr(getattr(self.known, "reply", None))),
                    purchase=facts,
                )

    def _outcome_of(self, receipt: R | None) -> PurchaseEnd:
        """Log what became of a purchase whose caller gets neither receipt nor error."""
        try:
            if receipt is not None:
                self._told(receipt)
                return "confirmed_by_history"
        except PurchaseFailedError:
            return "failed"
        except PlanMismatchError:
            pass  # This may be another plan.
        return "unknown"
