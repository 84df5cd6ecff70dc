"""The records of training plans, offerings and extensions, and their wire forms."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import attrs

from sagemaker_plans.emulator._state.timings import reached
from sagemaker_plans.emulator._wire.members import Reply

HOUR: Final = 3600.0
"""Seconds of an hour."""

TrainingPlanStatus: TypeAlias = Literal["Pending", "Active", "Scheduled", "Expired", "Failed"]
PaymentStatus: TypeAlias = Literal["Pending", "Completed", "Failed"]


@attrs.frozen(kw_only=True)
class Purchase:
    """One accepted ExtendTrainingPlan, which costs money."""

    offering_id: str

    training_plan_arn: str

    at: float
    """The time of the purchase, in epoch seconds of the emulator's clock."""

    request_id: str
    """The `x-amzn-RequestId` of the reply, which the recorded request has too."""

    upfront_fee: str
    """A decimal string."""

    currency_code: str


@attrs.frozen(kw_only=True)
class Offering:
    """An extension on sale for one training plan."""

    offering_id: str

    duration_hours: int

    upfront_fee: str
    """A decimal string, such as `1234.50`."""

    currency_code: str = "USD"

    resellable: bool = False
    """Whether the service accepts and charges a second purchase. Otherwise it refuses it."""

    sold_out: bool = False
    """Whether the service lists the offering but refuses every purchase of it."""

    payment_fails: bool = False
    """Whether the payment ends in Failed."""

    def summary(self, plan: TrainingPlan, now: float) -> Reply:
        """Return the wire form, with the dates of an extension that is bought now."""
        starts_at = plan.ends_at(now)
        return {
            "TrainingPlanExtensionOfferingId": self.offering_id,
            "AvailabilityZone": plan.availability_zone,
            "StartDate": starts_at,
            "EndDate": starts_at + self.duration_hours * HOUR,
            "DurationHours": self.duration_hours,
            "UpfrontFee": self.upfront_fee,
            "CurrencyCode": self.currency_code,
        }


@attrs.frozen(kw_only=True)
class Extension:
    """An extension that was bought. Its status is computed from the time."""

    offering: Offering
    extended_at: float
    starts_at: float
    ends_at: float
    paid_at: float
    shows_at: float

    def payment_status(self, now: float) -> PaymentStatus:
        """Return the status of the payment."""
        if not reached(now, self.paid_at):
            return "Pending"
        return "Failed" if self.offering.payment_fails else "Completed"

    def status(self, now: float) -> TrainingPlanStatus:
        """Return the status of the extension."""
        payment = self.payment_status(now)
        if payment != "Completed":
            return payment
        if not reached(now, self.starts_at):
            return "Scheduled"
        return "Expired" if reached(now, self.ends_at) else "Active"

    def summary(self, plan: TrainingPlan, now: float) -> Reply:
        """Return the wire form."""
        return {
            "TrainingPlanExtensionOfferingId": self.offering.offering_id,
            "ExtendedAt": self.extended_at,
            "StartDate": self.starts_at,
            "EndDate": self.ends_at,
            "Status": self.status(now),
            "PaymentStatus": self.payment_status(now),
            "AvailabilityZone": plan.availability_zone,
            "AvailabilityZoneId": plan.availability_zone_id,
            "DurationHours": self.offering.duration_hours,
            "UpfrontFee": self.offering.upfront_fee,
            "CurrencyCode": self.offering.currency_code,
        }


@attrs.define(kw_only=True)
class TrainingPlan:
    """Reserved GPU capacity, and the extensions that were bought for it."""

    name: str
    arn: str
    start_time: float
    duration_hours: int
    fixed_status: TrainingPlanStatus | None = None
    """A status that does not depend on the time; None if the time decides."""

    instance_type: str = "ml.p5.48xlarge"
    instance_count: int = 2
    availability_zone: str
    availability_zone_id: str = "use1-az1"
    upfront_fee: str = "98765.00"
    currency_code: str = "USD"
    offerings: dict[str, Offering] = attrs.Factory(dict[str, Offering])
    extensions: list[Extension] = attrs.Factory(list[Extension])

    def ends_at(self, now: float) -> float:
        """Return the plan's end with all extensions, except those whose payment failed."""
        hours = self.duration_hours + sum(
            one.offering.duration_hours
            for one in self.extensions
            if one.payment_status(now) != "Failed"
        )
        return self.start_time + hours * HOUR

    def status(self, now: float) -> TrainingPlanStatus:
        """Return the status of the plan."""
        if self.fixed_status is not None:
            return self.fixed_status
        if not reached(now, self.start_time):
            return "Scheduled"
        return "Expired" if reached(now, self.ends_at(now)) else "Active"

    def summary(self, now: float) -> Reply:
        """Return the wire form, the same in a description and in a list."""
        status, ends_at = self.status(now), self.ends_at(now)
        hours = round((ends_at - self.start_time) / HOUR)
        capacity: Reply = {
            "ReservedCapacityArn": self.arn.replace(":training-plan/", ":reserved-capacity/"),
            "ReservedCapacityType": "Instance",
            "InstanceType": self.instance_type,
            "TotalInstanceCount": self.instance_count,
            "Status": status,
            "AvailabilityZone": self.availability_zone,
            "AvailabilityZoneId": self.availability_zone_id,
            "DurationHours": hours,
            "StartTime": self.start_time,
            "EndTime": ends_at,
        }
        return {
            "TrainingPlanArn": self.arn,
            "TrainingPlanName": self.name,
            "Status": status,
            "DurationHours": hours,
            "StartTime": self.start_time,
            "EndTime": ends_at,
            "UpfrontFee": self.upfront_fee,
            "CurrencyCode": self.currency_code,
            "TotalInstanceCount": self.instance_count,
            "AvailableInstanceCount": self.instance_count,
            "InUseInstanceCount": 0,
            "TargetResources": ["training-job"],
            "ReservedCapacitySummaries": [capacity],
        }
