"""The operations on training plans and their extensions, without I/O."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import attrs

from sagemaker_plans.emulator._state.plan_offerings import HOUR, PlanOffering
from sagemaker_plans.emulator._state.tables import Table
from sagemaker_plans.emulator._state.timings import Timings, reached
from sagemaker_plans.emulator._state.training_plans import (
    Extension,
    Offering,
    Purchase,
    TrainingPlan,
)
from sagemaker_plans.emulator._state.ultra_servers import UltraServers
from sagemaker_plans.emulator._wire.members import (
    Caller,
    Reply,
    Request,
    optional_count,
    optional_moment,
    optional_text,
    structures,
    tags,
    text,
)
from sagemaker_plans.emulator._wire.pagination import page, with_token
from sagemaker_plans.emulator._wire.refusal import (
    conflict,
    in_use,
    invalid,
    limit_exceeded,
    not_found,
)

EXTENDABLE: Final = frozenset({"Active", "Scheduled"})
"""Statuses of a training plan in which it can be extended."""

_LATEST_EXTENSION: Final = 1 * HOUR
# A plan can be extended until one hour before its end.

_MOST_OFFERINGS: Final = 3
# So many offerings of new plans a search lists at most.

_DEFAULT_SPARES: Final = 1
# Spare instances of each UltraServer, if the request does not say how many.


@attrs.define
class TrainingPlans:
    """All training plans, and the operations on them."""

    now: Callable[[], float]
    timings: Timings
    plans: Table[str, TrainingPlan]
    """By ARN."""

    plan_offerings: Table[str, PlanOffering]
    """Offerings of new plans, by id."""

    used_offerings: Table[str, str]
    """The ARN of the latest plan that was made from an offering, by the offering's id."""

    purchases: Table[int, Purchase]
    """Every accepted purchase, by its number."""

    def extend(self, request: Request, caller: Caller) -> Reply:
        """Answer ExtendTrainingPlan: buy an offering."""
        plan, offering = self._offering(text(request, "TrainingPlanExtensionOfferingId"), caller)
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
        self._note(offering, plan, caller)
        return {"TrainingPlanExtensions": [one.summary(plan, now) for one in plan.extensions]}

    def _note(self, offering: Offering | PlanOffering, plan: TrainingPlan, caller: Caller) -> None:
        self.purchases[len(self.purchases) + 1] = Purchase(
            offering_id=offering.offering_id,
            training_plan_arn=plan.arn,
            at=self.now(),
            request_id=caller.request_id,
            upfront_fee=offering.upfront_fee,
            currency_code=offering.currency_code,
        )

    def create(self, request: Request, caller: Caller) -> Reply:
        """Answer CreateTrainingPlan: buy a new plan."""
        name, region, now = text(request, "TrainingPlanName"), caller.region, self.now()
        arn = training_plan_arn(name, caller)
        if arn in self.plans:
            raise in_use(f"Training plan {name} already exists.")
        offering_id = text(request, "TrainingPlanOfferingId")
        offering = self.plan_offerings.get(offering_id)
        if offering is None or offering.region != region or not self._is_listed(offering, now):
            raise not_found(f"Training plan offering {offering_id} does not exist.")
        if offering.sold_out:
            raise limit_exceeded(f"The offering {offering_id} is sold out.")
        spares = optional_count(request, "SpareInstanceCountPerUltraServer")
        plan = TrainingPlan(
            name=name,
            arn=arn,
            region=region,
            # It starts when it is bought, if that is later.
            start_time=max(offering.start_time, now),
            duration_hours=offering.duration_hours,
            instance_type=offering.instance_type,
            instance_count=offering.instance_count,
            target_resources=offering.target_resources,
            ultra_servers=ultra_servers(
                offering.ultra_server_type,
                offering.ultra_server_count,
                offering.instance_count,
                spares=_DEFAULT_SPARES if spares is None else spares,
            ),
            availability_zone=f"{region}a",
            upfront_fee=offering.upfront_fee,
            currency_code=offering.currency_code,
            tags=tags(request),
            paid_at=now + self.timings.payment_seconds,
            payment_fails=offering.payment_fails,
            shows_at=now + self.timings.history_lag,
        )
        self.plans[arn] = plan
        self.used_offerings[offering_id] = arn
        self._note(offering, plan, caller)
        return {"TrainingPlanArn": arn}

    def _is_listed(self, offering: PlanOffering, now: float) -> bool:
        is_left = offering.resellable or offering.offering_id not in self.used_offerings
        return is_left and offering.is_on_sale(now)

    def search_offerings(self, request: Request, caller: Caller) -> Reply:
        """Answer SearchTrainingPlanOfferings: for new plans, or for extensions of one."""
        arn = optional_text(request, "TrainingPlanArn")
        if arn is None:
            now = self.now()
            found = [
                offering.summary(request)
                for offering in self.plan_offerings.values()
                if offering.region == caller.region
                and self._is_listed(offering, now)
                and offering.fits(request)
            ]
            return {"TrainingPlanOfferings": found[:_MOST_OFFERINGS]}
        plan, now = self._plan(arn, caller), self.now()
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

    def extension_history(self, request: Request, caller: Caller) -> Reply:
        """Answer DescribeTrainingPlanExtensionHistory, oldest purchase first."""
        plan, now = self._plan(text(request, "TrainingPlanArn"), caller), self.now()
        shown = [one for one in plan.extensions if reached(now, one.shows_at)]
        listed, next_token = page(
            "DescribeTrainingPlanExtensionHistory", request, shown, default_size=100
        )
        return with_token(
            {"TrainingPlanExtensions": [one.summary(plan, now) for one in listed]}, next_token
        )

    def describe_plan(self, request: Request, caller: Caller) -> Reply:
        """Answer DescribeTrainingPlan, by name or ARN."""
        given = text(request, "TrainingPlanName")
        arn = given if given.startswith("arn:") else training_plan_arn(given, caller)
        plan, now = self._plan(arn, caller), self.now()
        if not reached(now, plan.shows_at):
            raise not_found(f"Training plan {given} does not exist.")
        return plan.description(now)

    def describe_capacity(self, request: Request, caller: Caller) -> Reply:
        """Answer DescribeReservedCapacity."""
        return self._plan_of_capacity(request, caller).capacity(self.now())

    def list_ultra_servers(self, request: Request, caller: Caller) -> Reply:
        """Answer ListUltraServersByReservedCapacity."""
        servers = self._plan_of_capacity(request, caller).ultra_server_summaries()
        listed, next_token = page(
            "ListUltraServersByReservedCapacity", request, servers, default_size=10
        )
        return with_token({"UltraServers": [*listed]}, next_token)

    def _plan_of_capacity(self, request: Request, caller: Caller) -> TrainingPlan:
        arn = text(request, "ReservedCapacityArn")
        for plan in self.plans.values():
            if plan.capacity_arn == arn and caller.owns(arn):
                return plan
        raise not_found(f"Reserved capacity {arn} does not exist.")

    def list_plans(self, request: Request, caller: Caller) -> Reply:
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
                if caller.owns(plan.arn)
                and reached(now, plan.shows_at)
                and (not wanted or plan.status(now) in wanted)
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

    def owner_of(self, offering_id: str) -> str | None:
        """Return the ARN of the plan that an extension offering is for; None for none."""
        owner = self.plans.first(lambda plan: offering_id in plan.offerings)
        return None if owner is None else owner.arn

    def _plan(self, arn: str, caller: Caller) -> TrainingPlan:
        plan = self.plans.get(arn)
        if plan is None or not caller.owns(arn):
            raise not_found(f"Training plan {arn} does not exist.")
        return plan

    def _offering(self, offering_id: str, caller: Caller) -> tuple[TrainingPlan, Offering]:
        plan = self.plans.first(
            lambda plan: offering_id in plan.offerings and caller.owns(plan.arn)
        )
        if plan is None:
            raise not_found(f"Training plan extension offering {offering_id} does not exist.")
        return plan, plan.offerings[offering_id]


def training_plan_arn(name: str, caller: Caller) -> str:
    """Return the ARN of a training plan of the caller's."""
    return caller.arn(f"training-plan/{name}")


def ultra_servers(
    kind: str | None, count: int, instances: int, *, spares: int, impaired: int = 0
) -> UltraServers | None:
    """Return the UltraServers of a capacity; None if it has none.

    Args:
        kind: Their type.
        count: How many they are.
        instances: How many instances they have together.
        spares: How many instances of each are kept as spares.
        impaired: How many of them are impaired.

    Raises:
        ValueError: The instances cannot be shared out evenly, or there are not so many.
    """
    if kind is None:
        if count or impaired:
            raise ValueError("UltraServers need a type (ultra_server_type)")
        return None
    if count < 1 or instances % count:
        raise ValueError(f"{instances} instances cannot be shared out among {count} UltraServers")
    if not 0 <= impaired <= count:
        raise ValueError(f"{impaired} of {count} UltraServers cannot be impaired")
    each = instances // count
    return UltraServers(
        type=kind, count=count, instances=each, spares=min(spares, each), impaired=impaired
    )


def _check_extendable(plan: TrainingPlan, now: float) -> None:
    status = plan.status(now)
    if status not in EXTENDABLE:
        raise invalid(f"Training plan {plan.name} cannot be extended while it is {status}.")
    if any(one.payment_status(now) == "Pending" for one in plan.extensions):
        raise conflict(f"Another extension of training plan {plan.name} has a pending payment.")
    if reached(now, plan.ends_at(now) - _LATEST_EXTENSION):
        raise invalid(f"Training plan {plan.name} ends in less than an hour.")
