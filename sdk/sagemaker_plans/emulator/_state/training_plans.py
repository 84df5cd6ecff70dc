"""The records of training plans, offerings and extensions, and their wire forms."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs

from sagemaker_plans.emulator._state.plan_offerings import HOUR
from sagemaker_plans.emulator._state.timings import reached
from sagemaker_plans.emulator._state.ultra_servers import UltraServers
from sagemaker_plans.emulator._wire.members import Reply

TrainingPlanStatus: TypeAlias = Literal["Pending", "Active", "Scheduled", "Expired", "Failed"]
PaymentStatus: TypeAlias = Literal["Pending", "Completed", "Failed"]


@attrs.frozen(kw_only=True)
class Purchase:
    """One accepted ExtendTrainingPlan or CreateTrainingPlan, which costs money."""

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
    region: str
    start_time: float
    duration_hours: int
    fixed_status: TrainingPlanStatus | None = None
    """A status that does not depend on the time; None if the time decides."""

    instance_type: str = "ml.p5.48xlarge"
    instance_count: int = 2
    target_resources: tuple[str, ...] = ("training-job",)
    ultra_servers: UltraServers | None = None
    availability_zone: str
    availability_zone_id: str = "use1-az1"
    upfront_fee: str = "98765.00"
    currency_code: str = "USD"
    tags: dict[str, str] = attrs.Factory(dict[str, str])
    paid_at: float = -math.inf
    """When the payment for the plan itself is through, or has failed."""

    payment_fails: bool = False
    shows_at: float = -math.inf
    """From when on it is found by its name and its ARN."""

    offerings: dict[str, Offering] = attrs.Factory(dict[str, Offering])
    extensions: list[Extension] = attrs.Factory(list[Extension])

    @property
    def capacity_arn(self) -> str:
        """The ARN of the plan's one reserved capacity."""
        return self.arn.replace(":training-plan/", ":reserved-capacity/")

    def ends_at(self, now: float) -> float:
        """Return the plan's end with all extensions that are paid for."""
        hours = self.duration_hours + sum(
            one.offering.duration_hours
            for one in self.extensions
            if one.payment_status(now) == "Completed"
        )
        return self.start_time + hours * HOUR

    def status(self, now: float) -> TrainingPlanStatus:
        """Return the status of the plan."""
        if self.fixed_status is not None:
            return self.fixed_status
        if not reached(now, self.paid_at):
            return "Pending"
        if self.payment_fails:
            return "Failed"
        if not reached(now, self.start_time):
            return "Scheduled"
        return "Expired" if reached(now, self.ends_at(now)) else "Active"

    @property
    def available_instances(self) -> int:
        """How many instances can be used."""
        return self.instance_count if self.ultra_servers is None else self.ultra_servers.available

    def _times(self, now: float) -> Reply:
        ends_at = self.ends_at(now)
        return {
            "DurationHours": round((ends_at - self.start_time) / HOUR),
            "DurationMinutes": 0,
            "StartTime": self.start_time,
            "EndTime": ends_at,
        }

    def _capacity(self, now: float) -> Reply:
        return {
            "ReservedCapacityArn": self.capacity_arn,
            "ReservedCapacityType": "Instance" if self.ultra_servers is None else "UltraServer",
            "InstanceType": self.instance_type,
            "TotalInstanceCount": self.instance_count,
            "Status": self.status(now),
            "AvailabilityZone": self.availability_zone,
            **self._times(now),
        }

    def capacity(self, now: float) -> Reply:
        """Return the wire form of the reserved capacity, as a description has it."""
        reply: Reply = {
            **self._capacity(now),
            "AvailableInstanceCount": self.available_instances,
            "InUseInstanceCount": 0,
        }
        if self.ultra_servers is not None:
            counts = self.ultra_servers.counts()
            reply["UltraServerSummary"] = {**counts, "InstanceType": self.instance_type}
        return reply

    def summary(self, now: float) -> Reply:
        """Return the wire form, as a list has it."""
        capacity: Reply = {
            **self._capacity(now),
            "AvailabilityZoneId": self.availability_zone_id,
        }
        reply: Reply = {
            "TrainingPlanArn": self.arn,
            "TrainingPlanName": self.name,
            "Status": self.status(now),
            **self._times(now),
            "UpfrontFee": self.upfront_fee,
            "CurrencyCode": self.currency_code,
            "TotalInstanceCount": self.instance_count,
            "AvailableInstanceCount": self.available_instances,
            "InUseInstanceCount": 0,
            "TargetResources": [*self.target_resources],
        }
        if self.ultra_servers is not None:
            capacity["UltraServerType"] = self.ultra_servers.type
            capacity["UltraServerCount"] = self.ultra_servers.count
            reply["TotalUltraServerCount"] = self.ultra_servers.count
        return {**reply, "ReservedCapacitySummaries": [capacity]}

    def description(self, now: float) -> Reply:
        """Return the wire form, as a description has it: with two members more."""
        servers = self.ultra_servers
        return {
            **self.summary(now),
            "UnhealthyInstanceCount": 0 if servers is None else servers.impaired,
            "AvailableSpareInstanceCount": 0 if servers is None else servers.available_spares,
        }

    def ultra_server_summaries(self) -> list[Reply]:
        """Return the wire forms of the UltraServers."""
        servers = self.ultra_servers
        if servers is None:
            return []
        return [
            servers.summary(
                number,
                plan_name=self.name,
                zone=self.availability_zone,
                instance_type=self.instance_type,
            )
            for number in range(servers.count)
        ]
