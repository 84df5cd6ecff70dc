"""Offerings of new training plans, and the names of what is made from them."""

from __future__ import annotations

import math
from typing import Final

import attrs

from sagemaker_plans.emulator._state.timings import reached
from sagemaker_plans.emulator._wire.members import (
    Reply,
    Request,
    optional_count,
    optional_moment,
    optional_text,
    texts,
)

HOUR: Final = 3600.0
"""Seconds of an hour."""


@attrs.frozen(kw_only=True)
class PlanOffering:
    """A new training plan on sale, in one region."""

    offering_id: str
    region: str
    start_time: float
    duration_hours: int
    upfront_fee: str
    currency_code: str = "USD"
    instance_type: str
    instance_count: int
    ultra_server_type: str | None = None
    ultra_server_count: int = 0
    target_resources: tuple[str, ...]
    resellable: bool = False
    """Whether more than one plan can be made from it."""

    sold_out: bool = False
    """Whether the service lists the offering but refuses every purchase of it."""

    payment_fails: bool = False
    """Whether the payment fails, so that the plan becomes Failed."""

    @property
    def ends_at(self) -> float:
        """The end of the plan that is made from it."""
        return self.start_time + self.duration_hours * HOUR

    def is_on_sale(self, now: float) -> bool:
        """Tell whether it can still be bought: before its end."""
        return not reached(now, self.ends_at)

    def fits(self, request: Request) -> bool:
        """Tell whether a search finds it."""
        hours = optional_count(request, "DurationHours")
        after = optional_moment(request, "StartTimeAfter")
        before = optional_moment(request, "EndTimeBefore")
        return (
            optional_text(request, "InstanceType") in {None, self.instance_type}
            and optional_count(request, "InstanceCount") in {None, self.instance_count}
            and optional_text(request, "UltraServerType") in {None, self.ultra_server_type}
            and optional_count(request, "UltraServerCount") in {None, self.ultra_server_count}
            and (-math.inf if after is None else after) <= self.start_time
            and self.ends_at <= (math.inf if before is None else before)
            # The guide says that a search rounds up to whole days.
            and (hours is None or -(-hours // 24) * 24 == self.duration_hours)
            and {*texts(request, "TargetResources")} <= {*self.target_resources}
        )

    def summary(self, request: Request) -> Reply:
        """Return the wire form, for a search."""
        capacity: Reply = {
            "ReservedCapacityType": "Instance",
            "InstanceType": self.instance_type,
            "InstanceCount": self.instance_count,
            "AvailabilityZone": f"{self.region}a",
            "DurationHours": self.duration_hours,
            "DurationMinutes": 0,
            "StartTime": self.start_time,
            "EndTime": self.ends_at,
        }
        if self.ultra_server_type is not None:
            capacity |= {
                "ReservedCapacityType": "UltraServer",
                "UltraServerType": self.ultra_server_type,
                "UltraServerCount": self.ultra_server_count,
            }
        asked = {
            member: request[source]
            for member, source in (
                ("RequestedStartTimeAfter", "StartTimeAfter"),
                ("RequestedEndTimeBefore", "EndTimeBefore"),
            )
            if source in request
        }
        return {
            "TrainingPlanOfferingId": self.offering_id,
            "TargetResources": [*self.target_resources],
            "DurationHours": self.duration_hours,
            "DurationMinutes": 0,
            "UpfrontFee": self.upfront_fee,
            "CurrencyCode": self.currency_code,
            "ReservedCapacityOfferings": [capacity],
            **asked,
        }
