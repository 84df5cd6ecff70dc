"""Buys a training plan, at most once. Its name stands for it, at the service itself."""

import logging
from collections.abc import Mapping
from typing import Final

from attrs import define, field, frozen

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.plan_reads import read_training_plan, search_plan_offerings
from sagemaker_plans._training.purchases.plan_request import PlanRequest, differences, search_for
from sagemaker_plans._training.purchases.price_check import PricedOffering, PriceError, affordable
from sagemaker_plans._training.purchases.sent_once import SentOnce
from sagemaker_plans._training.until_shown import until_shown
from sagemaker_plans._wire import converter, reading, training_replies
from sagemaker_plans._wire.logs import PurchaseEnd, PurchaseEvent, PurchaseFacts, id_of, tell
from sagemaker_plans._wire.operations import CREATE_TRAINING_PLAN, Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import (
    OutcomeUnknownError,
    PlanMismatchError,
    PurchaseFailedError,
    ResourceInUseError,
    ResourceNotFoundError,
    SageMakerPlansError,
)
from sagemaker_plans.models import (
    TrainingPlan,
    TrainingPlanExtension,
    TrainingPlanOffering,
    TrainingPlanStatus,
)

READERS_OF_REPLIES: Final = (reading, converter)
"""Imported before anything is bought, for the reply."""


@frozen(eq=False, repr=False)
class BoughtPlan:
    """What is known of a plan that was bought."""

    arn: str
    plan: TrainingPlan | None = None
    """The plan; None if the service has not described it yet."""


@define(eq=False, repr=False)
class PlanPurchase(SentOnce[BoughtPlan]):
    """One purchase of a training plan, from the first look to the plan."""

    request: PlanRequest = field(kw_only=True)
    listed: TrainingPlanOffering | None = field(default=None, init=False)
    """The offering, as far as it is known."""

    @property
    def priced(self) -> PricedOffering | None:
        """The offering with its price."""
        return self.refused_price or self.listed

    @property
    def operation(self) -> Operation:
        """The operation that buys."""
        return CREATE_TRAINING_PLAN

    @property
    def offering(self) -> str:
        """The id of the offering that is bought."""
        return self.request.offering_id

    @property
    def arn(self) -> str | None:
        """The ARN of the plan, which the service makes."""
        return None

    @property
    def name(self) -> str:
        """The name of the plan."""
        return self.request.name

    def body(self) -> Mapping[str, object]:
        """Give the members of the request.

        Returns:
            The members.
        """
        request = self.request
        members = {
            "TrainingPlanName": request.name,
            "TrainingPlanOfferingId": request.offering_id,
            "SpareInstanceCountPerUltraServer": request.spare_instance_count,
            "Tags": [{"Key": key, "Value": value} for key, value in request.tags.items()] or None,
        }
        return {name: value for name, value in members.items() if value is not None}

    async def make(self) -> TrainingPlan:
        """Look for the plan and the price, send the purchase, and find out its outcome.

        Returns:
            The plan.

        Raises:
            PlanMismatchError: If there is another plan with this name.
            PurchaseRefusedError: If a check failed, so no purchase was sent.
            PurchaseFailedError: If the plan was bought, and the service says that it failed.
            OutcomeUnknownError: If the plan may or may not have been bought.
            SageMakerPlansError: If the service rejected the purchase, or it could not be
                sent.
        """
        self.listed, self.key = self.request.offering, self.name
        try:
            found = await self._described(self.retrier)
        except SageMakerPlansError as error:
            raise self.refused(
                f"the plan {self.name} could not be looked for, so it may have been bought "
                f"before: {error}",
                id_of(error),
            ) from error
        if found is not None:
            return self._already_made(found)
        await self._check_fee()
        try:
            bought = await self.send()
        except ResourceInUseError as error:
            # The name is taken, perhaps by an earlier call whose plan does not show yet.
            there = await self.looked_for()
            if there is None or there.plan is None:
                error.add_note(
                    f"no plan named {self.name} shows yet; it may be the one that an earlier call "
                    "bought, so look again later before you buy another one under another name"
                )
                raise
            return self._already_made(there.plan)
        return bought.plan or await self._shown(bought)

    def _already_made(self, plan: TrainingPlan) -> TrainingPlan:
        mismatch = self._mismatch(plan, "nothing was bought now")
        if mismatch is not None:
            facts = self.facts("purchase_ended", "refused", request_id=self.told_by)
            tell(logging.INFO, "CreateTrainingPlan: %s", mismatch, purchase=facts)
            raise mismatch
        if plan.status == TrainingPlanStatus.FAILED:
            raise self.refused(
                f"a plan with the name {self.name} was bought before and failed "
                f"({plan.status_message}); choose another name",
                self.told_by,
            )
        tell(
            logging.INFO,
            "CreateTrainingPlan: %s was bought before (%s)",
            self.name,
            plan.arn,
            purchase=self._facts("purchase_ended", "already_purchased", plan),
        )
        return plan

    def _mismatch(self, plan: TrainingPlan, known: str) -> PlanMismatchError | None:
        found = tuple(differences(self.request, self.listed, plan))
        if not found:
            return None
        lines = "".join(f"\n  - {difference}" for difference in found)
        return PlanMismatchError(
            f"a training plan named {plan.name} exists ({plan.arn}), but it is not what was asked "
            f"for; {known}:{lines}",
            plan_name=plan.name,
            differences=found,
            operation=CREATE_TRAINING_PLAN.name,
        )

    async def _described(self, retrier: Retrier) -> TrainingPlan | None:
        try:
            return await read_training_plan(self.gateway, retrier, self.name, hear=self.note)
        except ResourceNotFoundError:
            return None

    async def _check_fee(self) -> None:
        """Look up the price, if there is a limit for it."""
        if self.request.max_upfront_fee is None:
            return
        try:
            offerings = await search_plan_offerings(
                self.gateway, self.retrier, search_for(self.request.offering)
            )
        except SageMakerPlansError as error:
            raise self.refused(f"its fee could not be looked up: {error}", id_of(error)) from error
        listed = [one for one in offerings if one.offering_id == self.offering]
        if not listed:
            hint = (
                "it may have been sold, or may no longer be offered"
                if self.request.offering
                else "pass the offering itself, of search_offerings, so that it can be searched "
                "for in the same way"
            )
            raise self.refused(f"it is not among the {len(offerings)} offerings found: {hint}")
        try:
            self.listed = affordable(self.request, listed)
        except PriceError as error:
            self.refused_price = error.listed
            raise self.refused(str(error)) from error
        self.is_fee_checked = True

    def read(self, reply: Reply, /) -> BoughtPlan:
        """Read the ARN of the plan from the reply.

        Args:
            reply: The reply.

        Returns:
            What is known of the plan.

        Raises:
            UnexpectedReplyError: If it has no ARN.
        """
        return BoughtPlan(training_replies.read_created_training_plan(reply))

    def log_outcome(self, receipt: BoughtPlan, request_id: str | None) -> None:
        """Log what was bought.

        Args:
            receipt: What is known of the plan.
            request_id: The id of the request that told it; None if there was none.
        """
        plan = receipt.plan
        tell(
            logging.INFO,
            "CreateTrainingPlan: offering %s for plan %s: %s, %s, request id %s",
            self.offering,
            self.name,
            "found by its name" if plan else "purchased",
            receipt.arn,
            request_id,
            purchase=self.facts("purchase_ended", "purchased", request_id=request_id)
            if plan is None
            else self._facts("purchase_ended", "confirmed_by_history", plan),
        )

    def _facts(
        self, event: PurchaseEvent, outcome: PurchaseEnd | None, plan: TrainingPlan
    ) -> PurchaseFacts:
        fee, currency = plan.upfront_fee, plan.currency_code
        return self.facts(event, outcome, fee=fee, currency=currency, request_id=self.told_by)

    def paid_for(self, receipt: BoughtPlan, /) -> BoughtPlan:
        """Give the receipt, unless the service says that the purchase failed.

        Args:
            receipt: What is known of the plan.

        Returns:
            The receipt.

        Raises:
            PlanMismatchError: If it is another plan with this name.
            PurchaseFailedError: If it failed.
        """
        plan = receipt.plan
        if plan is None:
            return receipt
        mismatch = self._mismatch(
            plan,
            "the reply to the purchase was lost, so this may be the plan that was bought now, at "
            "another price, say; do not buy another one before that is clear",
        )
        if mismatch is not None:
            facts = self._facts("purchase_ended", "unknown", plan)
            tell(logging.WARNING, "CreateTrainingPlan: %s", mismatch, purchase=facts)
            raise mismatch
        self._check_paid("purchase_ended", plan)
        return receipt

    def _check_paid(self, event: PurchaseEvent, plan: TrainingPlan) -> None:
        if plan.status != TrainingPlanStatus.FAILED:
            return
        failed = PurchaseFailedError(
            f"the plan {self.name} was bought, but the service says that it failed "
            f"({plan.status_message}); ask AWS whether money was taken, and choose another name "
            "for the next one",
            extension=TrainingPlanExtension(
                offering_id=self.offering,
                start_date=plan.start_time,
                end_date=plan.end_time,
                status=str(plan.status),
                upfront_fee=plan.upfront_fee,
                upfront_fee_text=plan.upfront_fee_text,
                currency_code=plan.currency_code,
            ),
            training_plan=plan,
            training_plan_arn=plan.arn,
            operation=CREATE_TRAINING_PLAN.name,
        )
        facts = self._facts(event, "failed", plan)
        tell(logging.WARNING, "CreateTrainingPlan: %s", failed, purchase=facts)
        raise failed

    @property
    def where(self) -> str:
        """Where ``look`` looks, for messages."""
        return f"plan {self.name}"

    @property
    def can_look(self) -> bool:
        """Whether the service can be asked: always, because the plan has a name."""
        return True

    async def look(self, once: Retrier) -> BoughtPlan | None:
        """Look for the plan by its name.

        Args:
            once: Makes one attempt.

        Returns:
            What is known of the plan; None if there is none.

        Raises:
            SageMakerPlansError: If the service cannot be asked.
        """
        plan = await self._described(once)
        return None if plan is None else BoughtPlan(plan.arn, plan)

    def advice(self) -> str:
        """Say what to check if the outcome is not known.

        Returns:
            What to check.
        """
        return (
            f"there is no plan named {self.name} yet, which proves nothing; call create() again "
            "with the same name, which is safe, and never with another one"
        )

    async def _shown(self, bought: BoughtPlan) -> TrainingPlan:
        """Describe a plan that was just bought. It may take a while until it shows."""
        problem = "it does not show"

        def failed(error: SageMakerPlansError) -> None:
            nonlocal problem
            problem = str(error)

        limit = self.retrier.policy.reconcile_limit
        plan = await until_shown(self._described, failed, within=limit)
        if plan is not None:
            self._check_paid("purchase_shown", plan)
            self._log_shown(plan)
            return plan
        unknown = OutcomeUnknownError(
            f"the plan {self.name} was bought ({bought.arn}), but cannot be described yet: "
            f"{problem}; describe it later",
            operation=CREATE_TRAINING_PLAN.name,
            offering_id=self.offering,
            training_plan_arn=bought.arn,
            plan_name=self.name,
            reply={"TrainingPlanArn": bought.arn},
        )
        facts = self.facts("purchase_not_shown")
        tell(logging.WARNING, "CreateTrainingPlan: %s", unknown, purchase=facts)
        raise unknown

    def _log_shown(self, plan: TrainingPlan) -> None:
        """Log what the plan costs, which the reply to the purchase does not say."""
        found = tuple(differences(self.request, self.listed, plan))
        tell(
            # It is bought, whatever it is.
            logging.WARNING if found else logging.INFO,
            "CreateTrainingPlan: plan %s is shown, upfront fee %s %s%s",
            self.name,
            plan.upfront_fee_text,
            plan.currency_code,
            "".join(f"; {difference}" for difference in found),
            purchase=self._facts("purchase_shown", None, plan),
        )
