"""Buys an extension, at most once, even if requests or replies are lost.

A purchase request is sent again only if the earlier one provably had no effect. If the
earlier one may have had an effect, this module reads the plan's history and sends no further
purchase.
"""

import logging
from collections.abc import Mapping
from typing import Final

import anyio
from attrs import define

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_policy import RetryPolicy
from sagemaker_plans._engine.retry_rules import Decision, decide
from sagemaker_plans._training.payment_status import is_failed, is_payment_pending
from sagemaker_plans._training.price_check import PriceError, checked_price
from sagemaker_plans._training.purchase_request import PurchaseRequest
from sagemaker_plans._training.reading import extension_pager
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire import replies
from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN
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
from sagemaker_plans.models import (
    ExtensionReceipt,
    PurchaseOutcome,
    TrainingPlanExtension,
)

_LOG: Final = logging.getLogger("sagemaker_plans")

_SUCCESS: Final = 2
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 2.0


@define(eq=False, repr=False)
class Purchase:
    """One purchase, from the first check to the receipt."""

    gateway: Gateway
    retrier: Retrier
    request: PurchaseRequest
    in_flight: bool = False
    """Whether a purchase request may be on its way, or may have taken effect without a reply."""
    doubt: SageMakerPlansError | None = None
    """The error that left open whether the offering was bought."""

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
        request = self.request
        if request.training_plan_arn is not None:
            receipt = self._already_made(await self._checked_history(request.training_plan_arn))
            if receipt is not None:
                return receipt
        fee = "not checked"
        if request.max_upfront_fee is not None:
            fee = await self._checked_price()
        _LOG.info(
            "ExtendTrainingPlan: buying offering %s for plan %s, upfront fee %s",
            request.offering_id,
            request.training_plan_arn or "(not named)",
            fee,
        )
        try:
            return await self._send()
        except BaseException as error:
            # BaseException, because a cancellation, Ctrl-C or a bug may come here too.
            if self.in_flight:
                await self._log_interrupted(error)
            raise

    async def _send(self) -> ExtensionReceipt:
        try:
            return await self.retrier.run(EXTEND_TRAINING_PLAN, self._attempt)
        except SageMakerPlansError as error:
            if self.in_flight:
                return await self._reconciled(error)
            if not isinstance(error, PurchaseFailedError):
                _LOG.info(
                    "ExtendTrainingPlan: offering %s not bought: %s",
                    self.request.offering_id,
                    error,
                )
            raise

    async def _attempt(self) -> ExtensionReceipt:
        self.in_flight = True
        try:
            reply = await self.gateway.call(
                EXTEND_TRAINING_PLAN, {"TrainingPlanExtensionOfferingId": self.request.offering_id}
            )
            receipt = self._read(reply)
        except SageMakerPlansError as error:
            self.in_flight = decide(EXTEND_TRAINING_PLAN, error) is Decision.LOOK
            raise
        self.in_flight = False
        self._log_outcome(receipt, reply.request_id)
        return self._paid_for(receipt)

    def _read(self, reply: Reply) -> ExtensionReceipt:
        receipt = self._receipt("purchased", replies.read_extended(reply))
        if receipt is None:
            problem = f"TrainingPlanExtensions: has no extension {self.request.offering_id}"
            raise replies.unexpected(reply, (problem,))
        return receipt

    def _receipt(
        self, outcome: PurchaseOutcome, extensions: tuple[TrainingPlanExtension, ...]
    ) -> ExtensionReceipt | None:
        ours = [one for one in extensions if one.offering_id == self.request.offering_id]
        if not ours:
            return None
        # If the service sold the offering more than once, the latest one is ours.
        latest = max(ours, key=_bought_at)
        return ExtensionReceipt(extension=latest, extensions=extensions, outcome=outcome)

    def _paid_for(self, receipt: ExtensionReceipt) -> ExtensionReceipt:
        """Give the receipt, unless the service says that the purchase failed."""
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
        _LOG.warning("ExtendTrainingPlan: %s", failed)
        raise failed

    def _log_outcome(self, receipt: ExtensionReceipt, request_id: str | None) -> None:
        _LOG.info(
            "ExtendTrainingPlan: offering %s for plan %s: %s, upfront fee %s %s, request id %s",
            self.request.offering_id,
            self.request.training_plan_arn or "(not named)",
            receipt.outcome,
            receipt.extension.upfront_fee_text,
            receipt.extension.currency_code,
            request_id,
        )

    def _refused(self, words: str) -> PurchaseRefusedError:
        request = self.request
        refused = PurchaseRefusedError(
            f"offering {request.offering_id} was not bought, and no purchase was sent: {words}",
            offering_id=request.offering_id,
            training_plan_arn=request.training_plan_arn,
        )
        _LOG.info("%s", refused)
        return refused

    async def _checked_history(self, arn: str) -> tuple[TrainingPlanExtension, ...]:
        try:
            return await extension_pager(self.gateway, self.retrier, arn).collect()
        except SageMakerPlansError as error:
            raise self._refused(
                f"the extension history of {arn} could not be read, so the offering may have "
                f"been bought before: {error}"
            ) from error

    def _already_made(self, history: tuple[TrainingPlanExtension, ...]) -> ExtensionReceipt | None:
        receipt = self._receipt("already_purchased", history)
        if receipt is not None:
            extension = receipt.extension
            if is_failed(extension):
                raise self._refused(
                    "it was bought before and failed (status "
                    f"{extension.status}, payment {extension.payment_status}); "
                    "search for a new offering"
                )
            self._log_outcome(receipt, None)
            return receipt
        for extension in history:
            if is_payment_pending(extension):
                raise self._refused(
                    f"the payment of extension {extension.offering_id} is pending; the service "
                    "accepts one payment at a time, so try again when it is completed"
                )
        return None

    async def _checked_price(self) -> str:
        try:
            return await checked_price(self.gateway, self.retrier, self.request)
        except PriceError as error:
            raise self._refused(str(error)) from error
        except SageMakerPlansError as error:
            raise self._refused(f"its fee could not be looked up: {error}") from error

    async def _reconciled(self, error: SageMakerPlansError) -> ExtensionReceipt:
        """Find out the outcome of a purchase whose reply was lost."""
        self.doubt = error
        receipt = await self._look_for_it()
        # From here on, this method returns or raises the outcome.
        self.in_flight = False
        if receipt is not None:
            self._log_outcome(receipt, getattr(error, "request_id", None))
            return self._paid_for(receipt)
        unknown = self._unknown(error)
        _LOG.warning("ExtendTrainingPlan: %s", unknown)
        raise unknown from error

    async def _look_for_it(self) -> ExtensionReceipt | None:
        """Read the history until it shows the purchase, or until the time is up."""
        arn = self.request.training_plan_arn
        if arn is None:
            return None
        # One attempt for each reading, because the loop reads again anyway.
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
        request = self.request
        if request.training_plan_arn is None:
            check = (
                "check the extension history of its training plan before buying it again, and "
                "pass training_plan_arn= next time, so that extend() checks it for you"
            )
        else:
            check = (
                f"{request.training_plan_arn} does not show it yet, which proves nothing; read its "
                "extension_history again later before buying it again"
            )
        if isinstance(error, UnexpectedReplyError) and _is_the_services(error):
            # A reply that cannot be parsed may be cut off, or come from a proxy.
            happened = (
                f"the purchase of offering {request.offering_id} went through"
                if isinstance(error.reply, Mapping)
                else f"offering {request.offering_id} may or may not have been bought"
            )
            return PurchaseReplyError(
                f"{happened} (the service answered HTTP {error.http_status}), but its reply cannot "
                f"be read (see reply): {error}; {check}",
                unread=error,
                offering_id=request.offering_id,
                training_plan_arn=request.training_plan_arn,
            )
        return OutcomeUnknownError(
            f"offering {request.offering_id} may or may not have been bought: {error}; {check}",
            operation=EXTEND_TRAINING_PLAN.name,
            offering_id=request.offering_id,
            training_plan_arn=request.training_plan_arn,
            reply=getattr(error, "reply", None),
        )

    async def _log_interrupted(self, error: BaseException) -> None:
        """Log the outcome of a purchase that was interrupted on its way."""
        receipt: ExtensionReceipt | None = None
        try:
            # A coroutine that is being closed must not await anything.
            if not isinstance(error, GeneratorExit):
                with anyio.CancelScope(shield=True):
                    receipt = await self._look_for_it()
        finally:
            # This also runs if the reading is interrupted: the scope shields neither from a
            # second Ctrl-C nor from asyncio's own Task.cancel().
            if receipt is not None:
                self._log_outcome(receipt, None)
            found = (
                "the history shows that it was bought" if receipt else "its outcome is not known"
            )
            _LOG.warning(
                "ExtendTrainingPlan: the purchase of offering %s for plan %s was interrupted (%s) "
                "while it was on its way; %s",
                self.request.offering_id,
                self.request.training_plan_arn or "(not named)",
                type(error).__name__,
                found,
            )
            if receipt is None and self.doubt is not None:
                # The caller gets the cancellation, so only the log can show the error.
                _LOG.warning(
                    "ExtendTrainingPlan: %s; request id %s, reply %.2000s",
                    self._unknown(self.doubt),
                    getattr(self.doubt, "request_id", None),
                    # A proxy's error page may repeat the headers of the request.
                    redacted(repr(getattr(self.doubt, "reply", None))),
                )


def _is_the_services(error: UnexpectedReplyError) -> bool:
    """Tell whether the service itself sent this reply, as a success."""
    is_an_error = isinstance(error.reply, Mapping) and "__type" in error.reply
    is_success = error.http_status is not None and error.http_status // 100 == _SUCCESS
    return is_success and error.request_id is not None and not is_an_error


def _bought_at(extension: TrainingPlanExtension) -> float:
    return extension.extended_at.timestamp() if extension.extended_at else 0.0
