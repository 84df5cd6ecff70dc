"""Buys a training plan, at most once. Its name stands for it, at the service itself."""

import logging
from collections.abc import Iterator, Mapping
from typing import Final, cast

import anyio
from attrs import define, field, frozen

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_policy import RetryPolicy
from sagemaker_plans._training.plan_reads import read_training_plan, search_plan_offerings
from sagemaker_plans._training.purchases.plan_request import PlanRequest
from sagemaker_plans._training.purchases.price_check import PriceError, affordable
from sagemaker_plans._training.purchases.sent_once import SentOnce
from sagemaker_plans._wire import training_replies
from sagemaker_plans._wire.logs import PurchaseFacts, tell
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

_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 2.0


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
                f"before: {error}"
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
        self._check_same(plan, "nothing was bought now")
        if plan.status == TrainingPlanStatus.FAILED:
            raise self.refused(
                f"a plan with the name {self.name} was bought before and failed "
                f"({plan.status_message}); choose another name"
            )
        tell(
            logging.INFO,
            "CreateTrainingPlan: %s was bought before (%s)",
            self.name,
            plan.arn,
            purchase=self._facts(plan, "already_purchased"),
        )
        return plan

    def _check_same(self, plan: TrainingPlan, known: str) -> None:
        differences = tuple(_differences(self.request, self.listed, plan))
        if differences:
            lines = "".join(f"\n  - {difference}" for difference in differences)
            raise PlanMismatchError(
                f"a training plan named {plan.name} exists ({plan.arn}), but it is not what was "
                f"asked for; {known}:{lines}",
                plan_name=plan.name,
                differences=differences,
                operation=CREATE_TRAINING_PLAN.name,
            )

    async def _described(self, retrier: Retrier) -> TrainingPlan | None:
        try:
            return await read_training_plan(self.gateway, retrier, self.name)
        except ResourceNotFoundError:
            return None

    async def _check_fee(self) -> None:
        """Look up the price, if there is a limit for it."""
        if self.request.max_upfront_fee is None:
            return
        try:
            offerings = await search_plan_offerings(
                self.gateway, self.retrier, _search_for(self.request.offering)
            )
        except SageMakerPlansError as error:
            raise self.refused(f"its fee could not be looked up: {error}") from error
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
            raise self.refused(str(error)) from error
        self.listed_fee, self.listed_currency = self.listed.upfront_fee, self.listed.currency_code

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
        plan, level = receipt.plan, logging.INFO
        how = "found by its name" if plan else "purchased"
        outcome = "confirmed_by_history" if plan else "purchased"
        if plan is not None and any(_differences(self.request, self.listed, plan)):
            # Perhaps somebody else's: `paid_for` raises an error that says so.
            level, how, outcome = logging.WARNING, "another one is there", "unknown"
        tell(
            level,
            "CreateTrainingPlan: offering %s for plan %s: %s, %s, request id %s",
            self.offering,
            self.name,
            how,
            receipt.arn,
            request_id,
            purchase=self.facts("purchase_ended", outcome, request_id=request_id),
        )

    def _facts(self, plan: TrainingPlan, outcome: str) -> PurchaseFacts:
        fee, currency = plan.upfront_fee, plan.currency_code
        return self.facts("purchase_ended", outcome, fee=fee, currency=currency)

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
        self._check_same(
            plan,
            "the reply to the purchase was lost, so this may be the plan that was bought now, at "
            "another price, say; do not buy another one before that is clear",
        )
        return self._not_failed(receipt, plan)

    def _not_failed(self, receipt: BoughtPlan, plan: TrainingPlan) -> BoughtPlan:
        if plan.status != TrainingPlanStatus.FAILED:
            return receipt
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
        facts = self._facts(plan, "failed")
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
        once, pause = Retrier(RetryPolicy.none()), _FIRST_PAUSE
        problem = "it does not show"
        with anyio.move_on_after(self.retrier.policy.reconcile_limit):
            while True:
                try:
                    plan = await self._described(once)
                except SageMakerPlansError as error:
                    plan, problem = None, str(error)
                if plan is not None:
                    self._not_failed(bought, plan)
                    for difference in _differences(self.request, self.listed, plan):
                        # It is bought, whatever it is.
                        tell(logging.WARNING, "CreateTrainingPlan: %s: %s", self.name, difference)
                    return plan
                await anyio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        raise OutcomeUnknownError(
            f"the plan {self.name} was bought ({bought.arn}), but cannot be described yet: "
            f"{problem}; describe it later",
            operation=CREATE_TRAINING_PLAN.name,
            offering_id=self.offering,
            training_plan_arn=bought.arn,
            plan_name=self.name,
            reply={"TrainingPlanArn": bought.arn},
        )


def _search_for(offering: TrainingPlanOffering | None) -> Mapping[str, object]:
    """Give the search that finds an offering again."""
    if offering is None:
        return {}
    members: dict[str, object] = {
        "TargetResources": [str.__str__(each) for each in offering.target_resources] or None
    }
    if offering.duration_hours is not None:
        members["DurationHours"] = offering.duration_hours + bool(offering.duration_minutes)
    for capacity in offering.reserved_capacity_offerings[:1]:
        if capacity.ultra_server_type is not None:
            members["UltraServerType"] = capacity.ultra_server_type
            members["UltraServerCount"] = capacity.ultra_server_count
        else:
            members["InstanceType"] = capacity.instance_type
            members["InstanceCount"] = capacity.instance_count
    return {name: value for name, value in members.items() if value is not None}


def _differences(
    request: PlanRequest, offering: TrainingPlanOffering | None, plan: TrainingPlan
) -> Iterator[str]:
    """Compare the plan that exists with what was asked for, as far as both say something."""
    if plan.status == TrainingPlanStatus.EXPIRED:
        yield "status: the plan has expired"
    if offering is None:
        most, fee = request.max_upfront_fee, plan.upfront_fee
        if most is not None and fee is not None and fee > most:
            yield f"upfront_fee: the limit is {most:f}, the plan has {fee:f}"
        return
    wanted: dict[str, tuple[object, object]] = {
        "target_resources": (set(offering.target_resources), set(plan.target_resources)),
        "instance_type": (
            {each.instance_type for each in offering.reserved_capacity_offerings},
            {each.instance_type for each in plan.reserved_capacities},
        ),
        "instance_count": (
            {each.instance_count for each in offering.reserved_capacity_offerings},
            {each.total_instance_count for each in plan.reserved_capacities},
        ),
    }
    length, found = offering.duration, plan.duration
    # An extended plan is longer, and costs more.
    if length is not None and found is not None and found <= length:
        wanted["duration"] = (length, found)
        wanted["upfront_fee"] = (offering.upfront_fee, plan.upfront_fee)
    for what, (asked, there) in wanted.items():
        if asked and there and asked != there:
            yield f"{what}: the offering has {_plain(asked)}, the plan has {_plain(there)}"


def _plain(value: object) -> str:
    if isinstance(value, set):
        return ", ".join(sorted(map(str, cast("set[object]", value))))
    return str(value)
