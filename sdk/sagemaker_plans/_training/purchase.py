"""Buying an extension: at most one accepted purchase, whatever happens.

A purchase request is sent again only while it provably had no effect. As soon as it
may have gone through, the plan's history is asked, and nothing is sent any more.
"""

import logging
from typing import Final, cast

import anyio
from attrs import define

from sagemaker_plans._engine.retries import Retrier, RetryPolicy
from sagemaker_plans._engine.retry_rules import Decision, decide
from sagemaker_plans._training.purchase_request import Order
from sagemaker_plans._training.reading import extension_pager, search_offerings
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire import replies
from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN
from sagemaker_plans._wire.redaction import redacted
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import (
    OutcomeUnknownError,
    PurchaseRefusedError,
    PurchaseReplyError,
    SageMakerPlansError,
    UnexpectedReplyError,
)
from sagemaker_plans.models import (
    ExtensionReceipt,
    PurchaseOutcome,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
)

_LOG: Final = logging.getLogger("sagemaker_plans")

_FIRST_NO_SUCCESS: Final = 300
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 2.0


@define(eq=False, repr=False)
class Purchase:
    """One purchase, from the first check to the receipt."""

    gateway: Gateway
    retrier: Retrier
    order: Order
    in_flight: bool = False
    """Whether a purchase request may be on its way or have taken effect unheard."""
    doubt: SageMakerPlansError | None = None
    """What left it open whether it was bought."""

    async def make(self) -> ExtensionReceipt:
        """Make sure that it is wanted and not done yet, send it, and find out how it went.

        Returns:
            The receipt.

        Raises:
            PurchaseRefusedError: If it must not be sent; nothing was.
            OutcomeUnknownError: If it may have gone through.
            SageMakerPlansError: If it was refused, or could not be sent.
        """
        order = self.order
        if order.training_plan_arn is not None:
            receipt = self._already_made(await self._checked_history(order.training_plan_arn))
            if receipt is not None:
                return receipt
        fee = "not checked"
        if order.max_upfront_fee is not None:
            fee = await self._checked_fee(cast("str", order.training_plan_arn))
        _LOG.info(
            "ExtendTrainingPlan: buying offering %s for plan %s, upfront fee %s",
            order.offering_id,
            order.training_plan_arn or "(not named)",
            fee,
        )
        try:
            return await self._send()
        except BaseException as error:
            # A cancellation, Ctrl-C, an exit, a bug: whatever breaks it off on its way.
            if self.in_flight:
                await self._tell_broken_off(error)
            raise

    async def _send(self) -> ExtensionReceipt:
        try:
            return await self.retrier.run(EXTEND_TRAINING_PLAN, self._attempt)
        except SageMakerPlansError as error:
            if self.in_flight:
                return await self._reconciled(error)
            _LOG.info(
                "ExtendTrainingPlan: offering %s not bought: %s", self.order.offering_id, error
            )
            raise

    async def _attempt(self) -> ExtensionReceipt:
        self.in_flight = True
        try:
            reply = await self.gateway.call(
                EXTEND_TRAINING_PLAN, {"TrainingPlanExtensionOfferingId": self.order.offering_id}
            )
            receipt = self._read(reply)
        except SageMakerPlansError as error:
            self.in_flight = decide(EXTEND_TRAINING_PLAN, error) is Decision.LOOK
            raise
        self.in_flight = False
        self._log_outcome(receipt, reply.request_id)
        return receipt

    def _read(self, reply: Reply) -> ExtensionReceipt:
        receipt = self._receipt("purchased", replies.read_extended(reply))
        if receipt is None:
            problem = f"TrainingPlanExtensions: {self.order.offering_id} is not among them"
            raise replies.unexpected(reply, (problem,))
        return receipt

    def _receipt(
        self, outcome: PurchaseOutcome, extensions: tuple[TrainingPlanExtension, ...]
    ) -> ExtensionReceipt | None:
        ours = [one for one in extensions if one.offering_id == self.order.offering_id]
        if not ours:
            return None
        # Should the service sell an offering twice, ours is the latest.
        latest = max(ours, key=_bought_at)
        return ExtensionReceipt(extension=latest, extensions=extensions, outcome=outcome)

    def _log_outcome(self, receipt: ExtensionReceipt, request_id: str | None) -> None:
        _LOG.info(
            "ExtendTrainingPlan: offering %s for plan %s: %s, upfront fee %s %s, request id %s",
            self.order.offering_id,
            self.order.training_plan_arn or "(not named)",
            receipt.outcome,
            receipt.extension.upfront_fee_text,
            receipt.extension.currency_code,
            request_id,
        )

    def _refused(self, words: str) -> PurchaseRefusedError:
        order = self.order
        refused = PurchaseRefusedError(
            f"offering {order.offering_id} was not bought, and no purchase was sent: {words}",
            offering_id=order.offering_id,
            training_plan_arn=order.training_plan_arn,
        )
        _LOG.info("%s", refused)
        return refused

    async def _checked_history(self, arn: str) -> tuple[TrainingPlanExtension, ...]:
        try:
            return await extension_pager(self.gateway, self.retrier, arn).collect()
        except SageMakerPlansError as error:
            raise self._refused(
                f"the extension history of {arn} could not be read, so it may be bought "
                f"already: {error}"
            ) from error

    def _already_made(self, history: tuple[TrainingPlanExtension, ...]) -> ExtensionReceipt | None:
        receipt = self._receipt("already_purchased", history)
        if receipt is not None:
            extension = receipt.extension
            if "failed" in {_folded(extension.status), _folded(extension.payment_status)}:
                raise self._refused(
                    "it was bought before and failed (status "
                    f"{extension.status}, payment {extension.payment_status}); "
                    "search for a new offering"
                )
            self._log_outcome(receipt, None)
            return receipt
        for extension in history:
            if _folded(extension.payment_status) == "pending":
                raise self._refused(
                    f"the payment of extension {extension.offering_id} is pending; the service "
                    "takes one at a time, so try again when it is completed"
                )
        return None

    async def _checked_fee(self, arn: str) -> str:
        try:
            offerings = await search_offerings(self.gateway, self.retrier, arn)
        except SageMakerPlansError as error:
            raise self._refused(f"its fee could not be looked up: {error}") from error
        for offering in offerings:
            if offering.offering_id == self.order.offering_id:
                return self._affordable(offering)
        raise self._refused(
            f"it is not among the {len(offerings)} offerings for {arn}: it was sold, is no "
            "longer offered, or is for another plan"
        )

    def _affordable(self, offering: TrainingPlanExtensionOffering) -> str:
        fee, currency = offering.upfront_fee, offering.currency_code
        most, wanted = self.order.max_upfront_fee, self.order.currency_code
        if fee is None or most is None:
            raise self._refused(
                f"its fee {offering.upfront_fee_text!r} is not a number that could be compared "
                f"with max_upfront_fee ({most})"
            )
        if currency is None:
            raise self._refused(
                f"its fee of {fee} has no currency that could be compared with {wanted}"
            )
        if currency.upper() != wanted.upper():
            raise self._refused(
                f"its fee is {fee} {currency}, and max_upfront_fee is in {wanted}; give the "
                "limit in the offering's currency and say so with currency_code"
            )
        if fee > most:
            raise self._refused(f"its fee is {fee} {currency}, more than max_upfront_fee ({most})")
        return f"{fee} {currency}"

    async def _reconciled(self, error: SageMakerPlansError) -> ExtensionReceipt:
        """Find out what became of a purchase whose reply was lost."""
        self.doubt = error
        receipt = await self._look_for_it()
        # From here on the caller is told.
        self.in_flight = False
        if receipt is not None:
            self._log_outcome(receipt, getattr(error, "request_id", None))
            return receipt
        unknown = self._unknown(error)
        _LOG.warning("ExtendTrainingPlan: %s", unknown)
        raise unknown from error

    async def _look_for_it(self) -> ExtensionReceipt | None:
        """Look at the history until the purchase shows, for a bounded time."""
        arn = self.order.training_plan_arn
        if arn is None:
            return None
        # One attempt a look: the looks are repeated anyway.
        once = Retrier(RetryPolicy.none())
        pause = _FIRST_PAUSE
        with anyio.move_on_after(self.retrier.policy.reconcile_limit):
            while True:
                try:
                    history = await extension_pager(self.gateway, once, arn).collect()
                    receipt = self._receipt("confirmed_by_history", history)
                except SageMakerPlansError as error:
                    _LOG.info("ExtendTrainingPlan: history of %s not read: %s", arn, error)
                    receipt = None
                if receipt is not None:
                    return receipt
                await anyio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        return None

    def _unknown(self, error: SageMakerPlansError) -> OutcomeUnknownError:
        order = self.order
        if order.training_plan_arn is None:
            check = (
                "check the extension history of its training plan before buying it again, and "
                "pass training_plan_arn= next time, so that this is done for you"
            )
        else:
            check = (
                f"{order.training_plan_arn} does not show it yet, which proves nothing; read its "
                "extension_history again later before buying it again"
            )
        # No status: it came from no wire but from a stub, which gives successes only.
        if isinstance(error, UnexpectedReplyError) and (error.http_status or 0) < _FIRST_NO_SUCCESS:
            answer = "success" if error.http_status is None else f"HTTP {error.http_status}"
            return PurchaseReplyError(
                f"the purchase of offering {order.offering_id} went through (the service answered "
                f"{answer}), but its reply cannot be read (see reply): {error}; {check}",
                unread=error,
                offering_id=order.offering_id,
                training_plan_arn=order.training_plan_arn,
            )
        return OutcomeUnknownError(
            f"offering {order.offering_id} may or may not have been bought: {error}; {check}",
            operation=EXTEND_TRAINING_PLAN.name,
            offering_id=order.offering_id,
            training_plan_arn=order.training_plan_arn,
        )

    async def _tell_broken_off(self, error: BaseException) -> None:
        """Say in the log what became of a purchase that was broken off on its way."""
        receipt: ExtensionReceipt | None = None
        try:
            # A coroutine that is being closed may not wait any more.
            if not isinstance(error, GeneratorExit):
                with anyio.CancelScope(shield=True):
                    receipt = await self._look_for_it()
        finally:
            # Also when the look is broken off in turn: a scope does not shield from a
            # second Ctrl-C, nor from asyncio's own Task.cancel().
            if receipt is not None:
                self._log_outcome(receipt, None)
            found = "the history shows it: it was bought" if receipt else "its outcome is not known"
            _LOG.warning(
                "ExtendTrainingPlan: the purchase of offering %s for plan %s was broken off (%s) "
                "while it was on its way; %s",
                self.order.offering_id,
                self.order.training_plan_arn or "(not named)",
                type(error).__name__,
                found,
            )
            if receipt is None and self.doubt is not None:
                # Nobody else is told any more.
                _LOG.warning(
                    "ExtendTrainingPlan: %s; request id %s, reply %.2000s",
                    self._unknown(self.doubt),
                    getattr(self.doubt, "request_id", None),
                    # A page of some proxy's may repeat the headers of the request.
                    redacted(repr(getattr(self.doubt, "reply", None))),
                )


def _bought_at(extension: TrainingPlanExtension) -> float:
    return extension.extended_at.timestamp() if extension.extended_at else 0.0


def _folded(text: str | None) -> str:
    return (text or "").casefold()
