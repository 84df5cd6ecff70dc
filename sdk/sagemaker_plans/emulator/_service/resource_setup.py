"""What exists in the emulated SageMaker, and the methods with which tests add to it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Final

import attrs

from sagemaker_plans.emulator._service.edge_operations import EdgeDeployments
from sagemaker_plans.emulator._service.training_operations import TrainingPlans, ultra_servers
from sagemaker_plans.emulator._state.clock import Clock
from sagemaker_plans.emulator._state.fleets import DEFAULT_FLEET_SIZE, Fleet
from sagemaker_plans.emulator._state.plan_offerings import HOUR, PlanOffering
from sagemaker_plans.emulator._state.tables import StateLock, Tables
from sagemaker_plans.emulator._state.training_plans import (
    Offering,
    Purchase,
    TrainingPlan,
    TrainingPlanStatus,
)

ACCOUNT_ID: Final = "123456789012"
"""The account in every ARN."""


@attrs.frozen(kw_only=True)
class Resources:
    """All resources of the emulated service."""

    clock: Clock
    edge: EdgeDeployments
    training: TrainingPlans
    tables: Tables
    lock: StateLock
    """A thread must hold this lock while it reads or changes `edge` or `training`."""


class ResourceSetup:
    """The methods of both `Emulator` and `Service` with which tests read and add resources.

    Args:
        resources: The resources of the emulated service.
    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    @property
    def clock(self) -> Clock:
        """The clock of the emulated service."""
        return self._resources.clock

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        """Every accepted purchase of a training plan or an extension, in order."""
        with self._resources.lock.reading:
            return tuple(self._resources.training.purchases.values())

    def add_fleet(
        self,
        name: str,
        *,
        devices: Iterable[str] | int = DEFAULT_FLEET_SIZE,
        failing: Iterable[str] = (),
        failure_rate: float = 0.0,
    ) -> None:
        """Register a device fleet, or replace it for the stages that start from now on.

        Args:
            name: The fleet's name.
            devices: The names of the devices in the order in which they report, or the number
                of devices.
            failing: The names of devices whose deployments fail.
            failure_rate: The share of the devices, 0 to 1, that fail in addition. They are
                drawn from the fleet's name, so they are the same in every run.

        Raises:
            ValueError: The rate is outside 0 to 1, the number of devices is negative, or a
                string was passed where a list of names is needed.
        """
        fleet = Fleet.create(name, devices, failing=failing, failure_rate=failure_rate)
        with self._resources.lock:
            self._resources.edge.fleets[name] = fleet

    def add_training_plan(
        self,
        name: str,
        *,
        status: TrainingPlanStatus | None = None,
        start_in_hours: float = -24.0,
        duration_hours: int = 720,
        instance_type: str = "ml.p5.48xlarge",
        instance_count: int = 2,
        region: str = "us-east-1",
        target_resources: Iterable[str] = ("training-job",),
        ultra_server_type: str | None = None,
        ultra_server_count: int = 0,
        spare_instances: int = 0,
        impaired_ultra_servers: int = 0,
    ) -> str:
        """Register a training plan.

        Args:
            name: The plan's name.
            status: A status that does not depend on the clock. If it is None, the plan is
                Scheduled, then Active, then Expired, as the clock advances.
            start_in_hours: Hours from now until the plan starts; a negative number for a
                plan that has started already.
            duration_hours: The plan's length without extensions.
            instance_type: The instance type that the plan reserves.
            instance_count: How many instances the plan reserves.
            region: The region of the plan: only requests of that region find it.
            target_resources: What the plan is for.
            ultra_server_type: The type of its UltraServers, which share out the instances;
                None for a plan without.
            ultra_server_count: How many UltraServers it has.
            spare_instances: How many instances of each UltraServer are spares.
            impaired_ultra_servers: How many UltraServers are Impaired, each by one instance.

        Returns:
            The plan's ARN.

        Raises:
            ValueError: A plan of that name exists in that region, or the numbers of
                UltraServers do not fit together.
        """
        servers = ultra_servers(
            ultra_server_type,
            ultra_server_count,
            instance_count,
            spares=spare_instances,
            impaired=impaired_ultra_servers,
        )
        arn = self._resources.training.arn_of(name, region)
        with self._resources.lock:
            plans = self._resources.training.plans
            if arn in plans:
                raise ValueError(f"the training plan {arn} exists already")
            plans[arn] = TrainingPlan(
                name=name,
                arn=arn,
                region=region,
                target_resources=tuple(target_resources),
                ultra_servers=servers,
                start_time=round(self.clock.now() + start_in_hours * HOUR, 6),
                duration_hours=duration_hours,
                fixed_status=status,
                instance_type=instance_type,
                instance_count=instance_count,
                availability_zone=f"{region}a",
            )
        return arn

    def add_extension_offering(
        self,
        training_plan_arn: str,
        *,
        offering_id: str | None = None,
        duration_hours: int = 24,
        upfront_fee: str = "1234.50",
        currency_code: str = "USD",
        resellable: bool = False,
        sold_out: bool = False,
        payment_fails: bool = False,
    ) -> str:
        """Put an extension of a training plan on sale, or change one that is on sale.

        Args:
            training_plan_arn: The plan's ARN.
            offering_id: The offering's id; None makes up a new one.
            duration_hours: By how many hours it extends the plan.
            upfront_fee: The price, which is sent as it stands here. The real service sends
                a decimal string.
            currency_code: The price's currency, which is sent as it stands here.
            resellable: Whether it can be bought again and again, each time for money.
            sold_out: Whether it is listed but every purchase of it is refused.
            payment_fails: Whether its payment ends in Failed.

        Returns:
            The offering's id.

        Raises:
            ValueError: There is no such plan, another plan has an offering of that id, or
                `duration_hours` is no whole number.
        """
        if type(duration_hours) is not int:
            raise ValueError(f"duration_hours is a whole number, not {duration_hours!r}")
        if offering_id is None:
            offering_id = f"tpeo-{secrets.token_hex(8)}"
        with self._resources.lock:
            plans = self._resources.training.plans
            if training_plan_arn not in plans:
                raise ValueError(f"there is no training plan {training_plan_arn}")
            owner = self._resources.training.owner_of(offering_id)
            if owner not in {None, training_plan_arn}:
                raise ValueError(f"the offering {offering_id} is for {owner} already")
            plans[training_plan_arn].offerings[offering_id] = Offering(
                offering_id=offering_id,
                duration_hours=duration_hours,
                upfront_fee=upfront_fee,
                currency_code=currency_code,
                resellable=resellable,
                sold_out=sold_out,
                payment_fails=payment_fails,
            )
        return offering_id

    def add_plan_offering(
        self,
        *,
        offering_id: str | None = None,
        start_in_hours: float = 0.0,
        duration_hours: int = 168,
        upfront_fee: str = "34567.00",
        currency_code: str = "USD",
        instance_type: str = "ml.p5.48xlarge",
        instance_count: int = 2,
        ultra_server_type: str | None = None,
        ultra_server_count: int = 0,
        target_resources: Iterable[str] = ("training-job",),
        region: str = "us-east-1",
        resellable: bool = False,
        sold_out: bool = False,
        payment_fails: bool = False,
    ) -> str:
        """Put a new training plan on sale, or change one that is on sale.

        Args:
            offering_id: The offering's id; None makes up a new one.
            start_in_hours: Hours from now until the plan starts.
            duration_hours: The length of the plan.
            upfront_fee: The price, which is sent as it stands here. The real service sends
                a decimal string.
            currency_code: The price's currency, which is sent as it stands here.
            instance_type: The instance type that the plan reserves.
            instance_count: How many instances the plan reserves.
            ultra_server_type: The type of its UltraServers, which share out the instances;
                None for a plan without.
            ultra_server_count: How many UltraServers it reserves.
            target_resources: What the plan is for.
            region: The region in which it is on sale.
            resellable: Whether more than one plan can be made from it.
            sold_out: Whether it is listed but every purchase of it is refused.
            payment_fails: Whether its payment fails, so that the plan becomes Failed.

        Returns:
            The offering's id.

        Raises:
            ValueError: `duration_hours` is no whole number, the offering is on sale in another
                region, or the numbers of UltraServers do not fit together.
        """
        if type(duration_hours) is not int:
            raise ValueError(f"duration_hours is a whole number, not {duration_hours!r}")
        ultra_servers(ultra_server_type, ultra_server_count, instance_count, spares=0)
        if offering_id is None:
            offering_id = f"tpo-{secrets.token_hex(8)}"
        offering = PlanOffering(
            offering_id=offering_id,
            region=region,
            start_time=round(self.clock.now() + start_in_hours * HOUR, 6),
            duration_hours=duration_hours,
            upfront_fee=upfront_fee,
            currency_code=currency_code,
            instance_type=instance_type,
            instance_count=instance_count,
            ultra_server_type=ultra_server_type,
            ultra_server_count=ultra_server_count,
            target_resources=tuple(target_resources),
            resellable=resellable,
            sold_out=sold_out,
            payment_fails=payment_fails,
        )
        with self._resources.lock:
            offerings = self._resources.training.plan_offerings
            if offering_id in offerings and offerings[offering_id].region != region:
                raise ValueError(
                    f"the offering {offering_id} is on sale in "
                    f"{offerings[offering_id].region} already"
                )
            offerings[offering_id] = offering
        return offering_id
