"""The operations on training plans and their extensions, without I/O."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import attrs

from sagemaker_plans.emulator._state.timings import Timings, reached
from sagemaker_plans.emulator._state.training_plans import (
    HOUR,
    Extension,
    Offering,
    Purchase,
    TrainingPlan,
)
from sagemaker_plans.emulator._wire.members import (
    Caller,
    Reply,
    Request,
    optional_count,
    optional_moment,
    optional_text,
    structures,
    text,
)
from sagemaker_plans.emulator._wire.pagination import page, with_token
from sagemaker_plans.emulator._wire.refusal import conflict, invalid, limit_exceeded, not_found

EXTENDABLE: Final = frozenset({"Active", "Scheduled"})
"""Statuses of a training plan in which it can be extended."""

_LATEST_EXTENSION: Final = 1 * HOUR
# A plan can be extended until one hour before its end.


@attrs.define
class TrainingPlans:
    """All training plans, and the operations on them."""

    now: Callable[[], float]
    timings: Timings
    plans: dict[str, TrainingPlan] = attrs.Factory(dict[str, TrainingPlan])
    """By ARN."""

    purchases: list[Purchase] = attrs.Factory(list[Purchase])
    """Every accepted purchase, in order."""

    def clear(self) -> None:
        """Forget all plans and purchases."""
        self.plans.clear()
        self.purchases.clear()

    def extend(self, request: Request, caller: Caller) -> Reply:
        """Answer ExtendTrainingPlan: buy an offering."""
        plan, offering = self._offering(text(request, "TrainingPlanExtensionOfferingId"))
        now = self.now()
        _check_extendable(plan, now)
        if offering.sold_out:
            raise limit_exceeded(f"The offering {offering.offering_id} is sold out.")
        already = [one.offering.offering_id for one in plan.extensions]
        if offering.offering_id in already and not offering.resellable:
            raise conflict(f"The offering {offering.offering_id} was already purchased.")
        starts_at = plan.ends_at(now)
        plan.extensions.append(
            Extension(
                offering=offering,
                extended_at=now,
                starts_at=starts_at,
                ends_at=starts_at + offering.duration_hours * HOUR,
                paid_at=now + self.timings.payment_seconds,
                shows_at=now + self.timings.history_lag,
            )
        )
        self.purchases.append(
            Purchase(
                offering_id=offering.offering_id,
                training_plan_arn=plan.arn,
                at=now,
                request_id=caller.request_id,
                upfront_fee=offering.upfront_fee,
                currency_code=offering.currency_code,
            )
        )
        return {"TrainingPlanExtensions": [one.summary(plan, now) for one in plan.extensions]}

    def search_offerings(self, request: Request, _caller: Caller) -> Reply:
        """Answer SearchTrainingPlanOfferings; only extension offerings are ever on sale."""
        arn = optional_text(request, "TrainingPlanArn")
        if arn is None:
            return {"TrainingPlanOfferings": []}
        plan, now = self._plan(arn), self.now()
        hours = optional_count(request, "DurationHours")
        bought = {one.offering.offering_id for one in plan.extensions}
        return {
            "TrainingPlanOfferings": [],
            "TrainingPlanExtensionOfferings": [
                offering.summary(plan, now)
                for offering in plan.offerings.values()
                if hours in {None, offering.duration_hours}
                and (offering.resellable or offering.offering_id not in bought)
            ],
        }

    def extension_history(self, request: Request, _caller: Caller) -> Reply:
        """Answer DescribeTrainingPlanExtensionHistory, oldest purchase first."""
        plan, now = self._plan(text(request, "TrainingPlanArn")), self.now()
        shown = [one for one in plan.extensions if reached(now, one.shows_at)]
        listed, next_token = page(
            "DescribeTrainingPlanExtensionHistory", request, shown, default_size=100
        )
        return with_token(
            {"TrainingPlanExtensions": [one.summary(plan, now) for one in listed]}, next_token
        )

    def describe_plan(self, request: Request, _caller: Caller) -> Reply:
        """Answer DescribeTrainingPlan, by name or ARN."""
        name = text(request, "TrainingPlanName")
        for plan in self.plans.values():
            if name in {plan.name, plan.arn}:
                return plan.summary(self.now())
        raise not_found(f"Training plan {name} does not exist.")

    def list_plans(self, request: Request, _caller: Caller) -> Reply:
        """Answer ListTrainingPlans."""
        now = self.now()
        wanted = {text(one, "Value") for one in structures(request, "Filters")}
        after = optional_moment(request, "StartTimeAfter")
        before = optional_moment(request, "StartTimeBefore")
        sort_keys: dict[str, Callable[[TrainingPlan], tuple[float | str, str]]] = {
            "TrainingPlanName": lambda plan: (plan.name, plan.arn),
            "StartTime": lambda plan: (plan.start_time, plan.arn),
            "Status": lambda plan: (plan.status(now), plan.arn),
        }
        found = sorted(
            (
                plan
                for plan in self.plans.values()
                if (not wanted or plan.status(now) in wanted)
                and (-math.inf if after is None else after) <= plan.start_time
                and plan.start_time <= (math.inf if before is None else before)
            ),
            key=sort_keys[optional_text(request, "SortBy") or "StartTime"],
            reverse=optional_text(request, "SortOrder") == "Descending",
        )
        listed, next_token = page("ListTrainingPlans", request, found, default_size=100)
        return with_token(
            {"TrainingPlanSummaries": [plan.summary(now) for plan in listed]}, next_token
        )

    def _plan(self, arn: str) -> TrainingPlan:
        try:
            return self.plans[arn]
        except KeyError:
            raise not_found(f"Training plan {arn} does not exist.") from None

    def _offering(self, offering_id: str) -> tuple[TrainingPlan, Offering]:
        for plan in self.plans.values():
            if offering_id in plan.offerings:
                return plan, plan.offerings[offering_id]
        raise not_found(f"Training plan extension offering {offering_id} does not exist.")


def _check_extendable(plan: TrainingPlan, now: float) -> None:
    status = plan.status(now)
    if status not in EXTENDABLE:
        raise invalid(f"Training plan {plan.name} cannot be extended while it is {status}.")
    if any(one.payment_status(now) == "Pending" for one in plan.extensions):
        raise conflict(f"Another extension of training plan {plan.name} has a pending payment.")
    if reached(now, plan.ends_at(now) - _LATEST_EXTENSION):
        raise invalid(f"Training plan {plan.name} ends in less than an hour.")
