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
from typing import Final, Generic, TypeVar

import anyio
from attrs import define, field

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_policy import RetryPolicy
from sagemaker_plans._engine.retry_rules import Decision, decide
from sagemaker_plans._training.purchases.service_clock import ServiceClock
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.logs import PurchaseEvent, PurchaseFacts, fee_text, tell
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.redaction import redacted
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import (
    OutcomeUnknownError,
    PurchaseFailedError,
    PurchaseRefusedError,
    PurchaseReplyError,
    SageMakerPlansError,
    UnexpectedReplyError,
)

R = TypeVar("R")

_SUCCESS: Final = 2
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 2.0


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
    listed_fee: Decimal | None = field(default=None, init=False)
    """The upfront fee that was looked up; None if it was not."""
    listed_currency: str | None = field(default=None, init=False)
    """The currency of that fee."""
    in_flight: bool = field(default=False, init=False)
    """Whether a purchase request may be on its way, or may have taken effect without a reply."""
    may_be_bought: bool = field(default=False, init=False)
    """False as long as it is certain that nothing was bought."""
    doubt: SageMakerPlansError | None = field(default=None, init=False)
    """The error that left open whether it was bought."""
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
        outcome: str | None = None,
        *,
        fee: Decimal | None = None,
        currency: str | None = None,
        request_id: str | None = None,
    ) -> PurchaseFacts:
        """Gather the facts of this purchase for the log.

        Args:
            event: What happened.
            outcome: How it ended.
            fee: The upfront fee that was charged; None for the one that was looked up.
            currency: The currency of ``fee``.
            request_id: The id of the request that told the outcome.

        Returns:
            The facts.
        """
        if fee is None:
            fee, currency = self.listed_fee, self.listed_currency
        return PurchaseFacts(
            event=event,
            operation=self.operation.name,
            plan=self.name or self.arn,
            offering=self.offering,
            fee=fee_text(fee),
            currency=currency,
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
        fee = fee_text(self.listed_fee)
        tell(
            logging.INFO,
            "%s: buying offering %s for plan %s, upfront fee %s",
            self.operation.name,
            self.offering,
            self.plan,
            "not checked" if fee is None else f"{fee} {self.listed_currency}",
            purchase=self.facts("purchase_started"),
        )
        try:
            return await self._send()
        except BaseException as error:
            # BaseException, because a cancellation, Ctrl-C or a bug may come here too.
            if self.in_flight:
                await self._log_interrupted(error)
            elif not self.may_be_bought and not isinstance(error, SageMakerPlansError):
                # Between two attempts: the last one had no effect.
                tell(
                    logging.INFO,
                    "%s: offering %s not bought: interrupted (%s)",
                    self.operation.name,
                    self.offering,
                    type(error).__name__,
                    purchase=self.facts("purchase_ended", "not_bought"),
                )
            raise

    async def _send(self) -> R:
        try:
            return await self.retrier.run(self.operation, self._attempt)
        except SageMakerPlansError as error:
            if self.in_flight:
                return await self._reconciled(error)
            if not isinstance(error, PurchaseFailedError):
                tell(
                    logging.INFO,
                    "%s: offering %s not bought: %s",
                    self.operation.name,
                    self.offering,
                    error,
                    purchase=self.facts(
                        "purchase_ended",
                        "not_bought",
                        request_id=getattr(error, "request_id", None),
                    ),
                )
            raise

    async def _attempt(self) -> R:
        self.in_flight = self.may_be_bought = True
        try:
            if self.send_by is None and self.latest is not None:
                self.send_by = self.clock.on_this_machine(self.latest)
            reply = await self.gateway.call(self.operation, self.body(), send_by=self.send_by)
            receipt = self.read(reply)
        except PurchaseRefusedError as error:
            self.in_flight = self.may_be_bought = False
            raise self.refused(str(error)) from error
        except SageMakerPlansError as error:
            self.in_flight = self.may_be_bought = decide(self.operation, error) is Decision.LOOK
            raise
        # Whatever is raised from here on, this is known.
        self.found = receipt
        self.in_flight = False
        self.log_outcome(receipt, reply.request_id)
        return self.paid_for(receipt)

    def refused(self, words: str) -> PurchaseRefusedError:
        """Make, and log, the error for a purchase that is not sent.

        Args:
            words: Why it is not sent.

        Returns:
            The error.
        """
        refused = PurchaseRefusedError(
            f"offering {self.offering} was not bought, and no purchase was sent: {words}",
            offering_id=self.offering,
            training_plan_arn=self.arn,
            operation=self.operation.name,
        )
        tell(logging.INFO, "%s", refused, purchase=self.facts("purchase_ended", "refused"))
        return refused

    async def _reconciled(self, error: SageMakerPlansError) -> R:
        """Find out the outcome of a purchase whose reply was lost."""
        self.doubt = error
        self.found = receipt = await self.looked_for()
        # From here on, this method returns or raises the outcome.
        self.in_flight = False
        if receipt is not None:
            self.log_outcome(receipt, getattr(error, "request_id", None))
            return self.paid_for(receipt)
        unknown = self._unknown(error)
        facts = self.facts(
            "purchase_ended", "unknown", request_id=getattr(error, "request_id", None)
        )
        tell(logging.WARNING, "%s: %s", self.operation.name, unknown, purchase=facts)
        raise unknown from error

    async def looked_for(self) -> R | None:
        """Ask the service until it shows the purchase, or until the time is up.

        Returns:
            What it shows; None if it shows nothing.
        """
        if not self.can_look:
            return None
        # One attempt for each reading, because the loop reads again anyway.
        once = Retrier(RetryPolicy.none())
        pause = _FIRST_PAUSE
        with anyio.move_on_after(self.retrier.policy.reconcile_limit):
            while True:
                try:
                    receipt = await self.look(once)
                except SageMakerPlansError as error:
                    tell(
                        logging.INFO, "%s: %s not read: %s", self.operation.name, self.where, error
                    )
                    receipt = None
                if receipt is not None:
                    return receipt
                await anyio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        return None

    def _unknown(self, error: SageMakerPlansError) -> OutcomeUnknownError:
        if isinstance(error, UnexpectedReplyError) and _is_the_services(error):
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
            if receipt is not None:
                self.log_outcome(receipt, None)
            request_id = getattr(self.doubt, "request_id", None)
            facts = self.facts(
                "purchase_interrupted",
                "unknown" if receipt is None else "confirmed_by_history",
                request_id=request_id,
            )
            found = (
                "its outcome is not known"
                if receipt is None
                else f"the {'plan' if self.name else 'history'} shows that it was bought"
            )
            tell(
                logging.WARNING,
                "%s: the purchase of offering %s for plan %s was interrupted (%s) while it was on "
                "its way; %s",
                self.operation.name,
                self.offering,
                self.plan,
                type(error).__name__,
                found,
                purchase=facts,
            )
            if receipt is None and self.doubt is not None:
                # The caller gets the cancellation, so only the log can show the error.
                tell(
                    logging.WARNING,
                    "%s: %s; request id %s, reply %.2000s",
                    self.operation.name,
                    self._unknown(self.doubt),
                    request_id,
                    # A proxy's error page may repeat the headers of the request.
                    redacted(repr(getattr(self.doubt, "reply", None))),
                    purchase=facts,
                )


def _is_the_services(error: UnexpectedReplyError) -> bool:
    """Tell whether the service itself sent this reply, as a success."""
    is_an_error = isinstance(error.reply, Mapping) and "__type" in error.reply
    is_success = error.http_status is not None and error.http_status // 100 == _SUCCESS
    return is_success and error.request_id is not None and not is_an_error
