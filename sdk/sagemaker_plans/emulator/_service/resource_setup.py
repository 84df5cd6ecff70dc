"""What exists in the emulated SageMaker, and the methods with which tests add to it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from decimal import Decimal

import attrs

from sagemaker_plans.emulator._seeds.checked_arguments import checked
from sagemaker_plans.emulator._seeds.seed import OfferingSeed, PlanOfferingSeed, TrainingPlanSeed
from sagemaker_plans.emulator._service.edge_operations import EdgeDeployments
from sagemaker_plans.emulator._service.tag_operations import Tagging
from sagemaker_plans.emulator._service.training_operations import (
    TrainingPlans,
    training_plan_arn,
    ultra_servers,
)
from sagemaker_plans.emulator._state.clock import Clock
from sagemaker_plans.emulator._state.plan_offerings import HOUR, PlanOffering
from sagemaker_plans.emulator._state.tables import StateLock, Tables
from sagemaker_plans.emulator._state.training_plans import (
    Offering,
    Purchase,
    TrainingPlan,
    TrainingPlanStatus,
)
from sagemaker_plans.emulator._wire.arns import REGION
from sagemaker_plans.emulator._wire.members import Caller


@attrs.frozen(kw_only=True)
class Resources:
    """All resources of the emulated service."""

    account_id: str
    """The account of what nobody says otherwise of."""

    clock: Clock
    edge: EdgeDeployments
    training: TrainingPlans
    tagging: Tagging
    tables: Tables
    lock: StateLock
    """A thread must hold this lock while it reads or changes `edge` or `training`."""


class ResourceSetup:
    """The methods of both `Emulator` and `Service` with which tests read and add training plans.

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
    def account_id(self) -> str:
        """The account of all access keys that name no other, and of what is added without one."""
        return self._resources.account_id

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        """Every accepted purchase of a training plan or an extension, in order."""
        with self._resources.lock.reading:
            return tuple(self._resources.training.purchases.values())

    def add_training_plan(
        self,
        name: str,
        *,
        status: TrainingPlanStatus | None = None,
        start_in_hours: float = -24.0,
        duration_hours: int = 720,
        instance_type: str = "ml.p5.48xlarge",
        instance_count: int = 2,
        region: str = REGION,
        target_resources: Iterable[str] = ("training-job",),
        ultra_server_type: str | None = None,
        ultra_server_count: int = 0,
        spare_instances: int = 0,
        impaired_ultra_servers: int = 0,
        tags: Mapping[str, str] | None = None,
        account_id: str | None = None,
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
            tags: The plan's tags.
            account_id: The account of the plan; None stands for `account_id` of the emulator.

        Returns:
            The plan's ARN.

        Raises:
            ValueError: A plan of that name exists in that region and account, the numbers of
                UltraServers do not fit together, or an argument is not allowed. The message
                names it, its value, and what is allowed.
        """
        given = checked(
            TrainingPlanSeed,
            name=name,
            status=status,
            start_in_hours=start_in_hours,
            duration_hours=duration_hours,
            instance_type=instance_type,
            instance_count=instance_count,
            region=region,
            target_resources=target_resources,
            ultra_server_type=ultra_server_type,
            ultra_server_count=ultra_server_count,
            spare_instances=spare_instances,
            impaired_ultra_servers=impaired_ultra_servers,
            tags={} if tags is None else tags,
            account_id=account_id,
        )
        servers = ultra_servers(
            given.ultra_server_type,
            given.ultra_server_count,
            given.instance_count,
            spares=given.spare_instances,
            impaired=given.impaired_ultra_servers,
        )
        arn = training_plan_arn(name, self._owner(region, account_id))
        with self._resources.lock:
            plans = self._resources.training.plans
            if arn in plans:
                raise ValueError(f"the training plan {arn} exists already")
            plans[arn] = TrainingPlan(
                name=name,
                arn=arn,
                region=region,
                target_resources=given.target_resources,
                ultra_servers=servers,
                start_time=round(self.clock.now() + given.start_in_hours * HOUR, 6),
                duration_hours=given.duration_hours,
                fixed_status=given.status,
                instance_type=given.instance_type,
                instance_count=given.instance_count,
                availability_zone=f"{region}a",
                tags={**given.tags},
            )
        return arn

    def add_extension_offering(
        self,
        training_plan_arn: str,
        *,
        offering_id: str | None = None,
        duration_hours: int = 24,
        upfront_fee: str | Decimal = "1234.50",
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
            upfront_fee: The price. A text is sent as it stands here, a `Decimal` as a decimal
                string, which the real service sends.
            currency_code: The price's currency, which is sent as it stands here.
            resellable: Whether it can be bought again and again, each time for money.
            sold_out: Whether it is listed but every purchase of it is refused.
            payment_fails: Whether its payment ends in Failed.

        Returns:
            The offering's id.

        Raises:
            ValueError: There is no such plan, another plan has an offering of that id, or an
                argument is not allowed. The message names it, its value, and what is allowed.
        """
        if offering_id is None:
            offering_id = f"tpeo-{secrets.token_hex(8)}"
        offering = Offering(
            **attrs.asdict(
                checked(
                    OfferingSeed,
                    offering_id=offering_id,
                    duration_hours=duration_hours,
                    upfront_fee=upfront_fee,
                    currency_code=currency_code,
                    resellable=resellable,
                    sold_out=sold_out,
                    payment_fails=payment_fails,
                )
            )
        )
        with self._resources.lock:
            plans = self._resources.training.plans
            if training_plan_arn not in tuple(plans):
                raise ValueError(f"there is no training plan {training_plan_arn}")
            owner = self._resources.training.owner_of(offering_id)
            if owner not in {None, training_plan_arn}:
                raise ValueError(f"the offering {offering_id} is for {owner} already")
            plans[training_plan_arn].offerings[offering_id] = offering
        return offering_id

    def add_plan_offering(
        self,
        *,
        offering_id: str | None = None,
        start_in_hours: float = 0.0,
        duration_hours: int = 168,
        upfront_fee: str | Decimal = "34567.00",
        currency_code: str = "USD",
        instance_type: str = "ml.p5.48xlarge",
        instance_count: int = 2,
        ultra_server_type: str | None = None,
        ultra_server_count: int = 0,
        target_resources: Iterable[str] = ("training-job",),
        region: str = REGION,
        resellable: bool = False,
        sold_out: bool = False,
        payment_fails: bool = False,
    ) -> str:
        """Put a new training plan on sale, or change one that is on sale.

        Args:
            offering_id: The offering's id; None makes up a new one.
            start_in_hours: Hours from now until the plan starts.
            duration_hours: The length of the plan.
            upfront_fee: The price. A text is sent as it stands here, a `Decimal` as a decimal
                string, which the real service sends.
            currency_code: The price's currency, which is sent as it stands here.
            instance_type: The instance type that the plan reserves.
            instance_count: How many instances the plan reserves.
            ultra_server_type: The type of its UltraServers, which share out the instances;
                None for a plan without.
            ultra_server_count: How many UltraServers it reserves.
            target_resources: What the plan is for.
            region: The region in which it is on sale, to every account.
            resellable: Whether more than one plan can be made from it.
            sold_out: Whether it is listed but every purchase of it is refused.
            payment_fails: Whether its payment fails, so that the plan becomes Failed.

        Returns:
            The offering's id.

        Raises:
            ValueError: The offering is on sale in another region, the numbers of UltraServers
                do not fit together, or an argument is not allowed. The message names it, its
                value, and what is allowed.
        """
        if offering_id is None:
            offering_id = f"tpo-{secrets.token_hex(8)}"
        given = checked(
            PlanOfferingSeed,
            offering_id=offering_id,
            start_in_hours=start_in_hours,
            duration_hours=duration_hours,
            upfront_fee=upfront_fee,
            currency_code=currency_code,
            instance_type=instance_type,
            instance_count=instance_count,
            ultra_server_type=ultra_server_type,
            ultra_server_count=ultra_server_count,
            target_resources=target_resources,
            region=region,
            resellable=resellable,
            sold_out=sold_out,
            payment_fails=payment_fails,
        )
        ultra_servers(
            given.ultra_server_type, given.ultra_server_count, given.instance_count, spares=0
        )
        members = attrs.asdict(given, filter=attrs.filters.exclude("start_in_hours"))
        offering = PlanOffering(
            **members, start_time=round(self.clock.now() + given.start_in_hours * HOUR, 6)
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

    def _owner(self, region: str, account_id: str | None) -> Caller:
        return Caller(region=region, account_id=account_id or self.account_id)
