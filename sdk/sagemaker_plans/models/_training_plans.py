"""Training plans, the capacity behind them, and the offerings from which they are made."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from attrs import field, frozen

from sagemaker_plans.models import _validation as checks
from sagemaker_plans.models._enums import (
    ReservedCapacityStatus,
    ReservedCapacityType,
    TargetResource,
    TrainingPlanStatus,
    UltraServerHealth,
)
from sagemaker_plans.models._wire_form import WireModel, token_or_none, wire

TrainingPlanSortBy = Literal["TrainingPlanName", "StartTime", "Status"]
"""By what a list of training plans can be sorted."""

TrainingPlanSortOrder = Literal["Ascending", "Descending"]
"""How a list of training plans can be sorted."""

# AWS's guide says when the machines are taken away, for these two uses only.
_TAKEN_AWAY: Final = {
    TargetResource.TRAINING_JOB: timedelta(minutes=30),
    TargetResource.HYPERPOD_CLUSTER: timedelta(hours=1),
}
_MOST_CAREFUL: Final = max(_TAKEN_AWAY.values())


def _duration(hours: int | None, minutes: int | None) -> timedelta | None:
    if hours is None and minutes is None:
        return None
    return timedelta(hours=hours or 0, minutes=minutes or 0)


@frozen(kw_only=True)
class ReservedCapacitySummary(WireModel):
    """A reserved capacity, as a training plan lists it."""

    arn: str = field(metadata=wire("ReservedCapacityArn"))
    """The ARN, for ``reserved_capacity`` and ``ultra_servers``."""
    type: ReservedCapacityType | None = field(default=None, metadata=wire("ReservedCapacityType"))
    """Whether it consists of instances or of UltraServers."""
    ultra_server_type: str | None = None
    """The type of its UltraServers."""
    ultra_server_count: int | None = None
    """The number of its UltraServers."""
    instance_type: str
    """The type of its instances."""
    total_instance_count: int
    """The number of its instances."""
    status: ReservedCapacityStatus
    """The state."""
    availability_zone: str | None = None
    """The Availability Zone."""
    availability_zone_id: str | None = None
    """The id of the Availability Zone, which is the same in every account."""
    duration_hours: int | None = None
    """The whole hours of its length."""
    duration_minutes: int | None = None
    """The minutes of its length beyond the whole hours."""
    start_time: datetime | None = None
    """When it starts (UTC)."""
    end_time: datetime | None = None
    """When it ends (UTC)."""

    @property
    def duration(self) -> timedelta | None:
        """The length; None if the reply has neither hours nor minutes."""
        return _duration(self.duration_hours, self.duration_minutes)


@frozen(kw_only=True)
class UltraServerSummary(WireModel):
    """The UltraServers of a reserved capacity, counted."""

    type: str = field(metadata=wire("UltraServerType"))
    """The type of the UltraServers."""
    instance_type: str
    """The type of their instances."""
    count: int | None = field(default=None, metadata=wire("UltraServerCount"))
    """The number of UltraServers."""
    available_spare_instance_count: int | None = None
    """The number of spare instances that are available."""
    unhealthy_instance_count: int | None = None
    """The number of instances that are unhealthy, in all UltraServers."""


@frozen(kw_only=True)
class ReservedCapacity(WireModel):
    """A reserved capacity, as the service describes it."""

    arn: str = field(metadata=wire("ReservedCapacityArn"))
    """The ARN."""
    type: ReservedCapacityType | None = field(default=None, metadata=wire("ReservedCapacityType"))
    """Whether it consists of instances or of UltraServers."""
    status: ReservedCapacityStatus | None = None
    """The state."""
    availability_zone: str | None = None
    """The Availability Zone."""
    duration_hours: int | None = None
    """The whole hours of its length."""
    duration_minutes: int | None = None
    """The minutes of its length beyond the whole hours."""
    start_time: datetime | None = None
    """When it starts (UTC)."""
    end_time: datetime | None = None
    """When it ends (UTC)."""
    instance_type: str
    """The type of its instances."""
    total_instance_count: int
    """The number of its instances."""
    available_instance_count: int | None = None
    """The number of instances that are available."""
    in_use_instance_count: int | None = None
    """The number of instances that are in use."""
    ultra_server_summary: UltraServerSummary | None = None
    """Its UltraServers, counted; None if it has none."""

    @property
    def duration(self) -> timedelta | None:
        """The length; None if the reply has neither hours nor minutes."""
        return _duration(self.duration_hours, self.duration_minutes)


@frozen(kw_only=True)
class UltraServer(WireModel):
    """An UltraServer of a reserved capacity."""

    id: str = field(metadata=wire("UltraServerId"))
    """The UltraServer's id."""
    type: str = field(metadata=wire("UltraServerType"))
    """The type of the UltraServer."""
    availability_zone: str
    """The Availability Zone."""
    instance_type: str
    """The type of its instances."""
    total_instance_count: int
    """The number of its instances."""
    configured_spare_instance_count: int | None = None
    """The number of instances that are kept as spares."""
    available_instance_count: int | None = None
    """The number of instances that are available."""
    in_use_instance_count: int | None = None
    """The number of instances that are in use."""
    available_spare_instance_count: int | None = None
    """The number of spare instances that are available."""
    unhealthy_instance_count: int | None = None
    """The number of instances that are unhealthy."""
    health_status: UltraServerHealth | None = None
    """How the UltraServer does."""

    def _repr_html_(self) -> str:
        from sagemaker_plans.models._tables import (  # noqa: PLC0415  # for notebooks only, 3 ms
            notebook_training as notebook,
        )

        return notebook.ultra_servers_html((self,))


@frozen(kw_only=True)
class TrainingPlan(WireModel):
    """A training plan: capacity that was bought for a time. A list gives the same members."""

    arn: str = field(metadata=wire("TrainingPlanArn"))
    """The plan's ARN."""
    name: str = field(metadata=wire("TrainingPlanName"))
    """The plan's name."""
    status: TrainingPlanStatus
    """The state of the plan."""
    status_message: str | None = None
    """The service's message about the state; None if there is none."""
    duration_hours: int | None = None
    """The whole hours of the plan's length."""
    duration_minutes: int | None = None
    """The minutes of the plan's length beyond the whole hours."""
    start_time: datetime | None = None
    """When the plan starts (UTC)."""
    end_time: datetime | None = None
    """When the plan ends (UTC). The machines are taken away earlier: see ``usable_until``."""
    upfront_fee: Decimal | None = None
    """The fee, in units of ``currency_code``; None if the service's text is no number."""
    currency_code: str | None = None
    """The currency of the fee, such as ``"USD"``."""
    upfront_fee_text: str | None = field(default=None, metadata=wire("UpfrontFee"))
    """The fee as the service wrote it."""
    total_instance_count: int | None = None
    """The number of instances that are reserved."""
    available_instance_count: int | None = None
    """The number of instances that are available."""
    in_use_instance_count: int | None = None
    """The number of instances that are in use."""
    unhealthy_instance_count: int | None = None
    """The number of unhealthy instances; None in a list, which does not give it."""
    available_spare_instance_count: int | None = None
    """The number of available spare instances; None in a list, which does not give it."""
    total_ultra_server_count: int | None = None
    """The number of UltraServers that are reserved."""
    target_resources: tuple[TargetResource, ...] = ()
    """What the plan can be used for."""
    reserved_capacities: tuple[ReservedCapacitySummary, ...] = field(
        default=(), metadata=wire("ReservedCapacitySummaries")
    )
    """The capacities behind the plan: one for each block of time."""

    @property
    def duration(self) -> timedelta | None:
        """The plan's length; None if the reply has neither hours nor minutes."""
        return _duration(self.duration_hours, self.duration_minutes)

    def usable_until(self, target: TargetResource | str | None = None) -> datetime | None:
        """Tell until when the machines can be used: not until the end.

        AWS's guide says that the machines are taken away 30 minutes before the end for
        training jobs, and one hour before it for HyperPod clusters. It says nothing about
        other uses; for them this takes the hour.

        Args:
            target: What the plan is used for. None stands for the most careful of the
                plan's own targets.

        Returns:
            The time (UTC); None if the reply has no end.

        Raises:
            InvalidRequestError: If ``target`` is not a string.
        """
        if target is not None:
            checks.raise_for("usable_until", checks.text("target", target))
        if self.end_time is None:
            return None
        targets = self.target_resources if target is None else (TargetResource(target),)
        early = max((_TAKEN_AWAY.get(each, _MOST_CAREFUL) for each in targets), default=None)
        return self.end_time - (_MOST_CAREFUL if early is None else early)

    def _repr_html_(self) -> str:
        from sagemaker_plans.models._tables import (  # noqa: PLC0415  # for notebooks only, 3 ms
            notebook_training as notebook,
        )

        return notebook.training_plans_html((self,))


@frozen(kw_only=True)
class TrainingPlanPage(WireModel):
    """One page of a list of training plans."""

    training_plans: tuple[TrainingPlan, ...] = field(metadata=wire("TrainingPlanSummaries"))
    """The plans of this page."""
    next_token: str | None = field(converter=token_or_none)
    """The token with which the next page is read; None on the last page."""

    def _repr_html_(self) -> str:
        from sagemaker_plans.models._tables import (  # noqa: PLC0415  # for notebooks only, 3 ms
            notebook_training as notebook,
        )

        return notebook.training_plans_html(self.training_plans)


@frozen(kw_only=True)
class UltraServerPage(WireModel):
    """One page of the UltraServers of a reserved capacity."""

    ultra_servers: tuple[UltraServer, ...]
    """The UltraServers of this page."""
    next_token: str | None = field(converter=token_or_none)
    """The token with which the next page is read; None on the last page."""

    def _repr_html_(self) -> str:
        from sagemaker_plans.models._tables import (  # noqa: PLC0415  # for notebooks only, 3 ms
            notebook_training as notebook,
        )

        return notebook.ultra_servers_html(self.ultra_servers)


@frozen(kw_only=True)
class ReservedCapacityOffering(WireModel):
    """A capacity that a training plan offering would reserve."""

    type: ReservedCapacityType | None = field(default=None, metadata=wire("ReservedCapacityType"))
    """Whether it consists of instances or of UltraServers."""
    ultra_server_type: str | None = None
    """The type of its UltraServers."""
    ultra_server_count: int | None = None
    """The number of its UltraServers."""
    instance_type: str
    """The type of its instances."""
    instance_count: int
    """The number of its instances."""
    availability_zone: str | None = None
    """The Availability Zone."""
    duration_hours: int | None = None
    """The whole hours of its length."""
    duration_minutes: int | None = None
    """The minutes of its length beyond the whole hours."""
    start_time: datetime | None = None
    """When it would start (UTC)."""
    end_time: datetime | None = None
    """When it would end (UTC)."""
    extension_start_time: datetime | None = None
    """When an extension of it would start (UTC)."""
    extension_end_time: datetime | None = None
    """When an extension of it would end (UTC)."""

    @property
    def duration(self) -> timedelta | None:
        """The length; None if the reply has neither hours nor minutes."""
        return _duration(self.duration_hours, self.duration_minutes)


@frozen(kw_only=True)
class TrainingPlanOffering(WireModel):
    """A training plan that can be bought."""

    offering_id: str = field(metadata=wire("TrainingPlanOfferingId"))
    """The id of the offering."""
    target_resources: tuple[TargetResource, ...]
    """What the plan could be used for."""
    requested_start_time_after: datetime | None = None
    """The ``start_time_after`` of the search (UTC)."""
    requested_end_time_before: datetime | None = None
    """The ``end_time_before`` of the search (UTC)."""
    duration_hours: int | None = None
    """The whole hours of the plan's length."""
    duration_minutes: int | None = None
    """The minutes of the plan's length beyond the whole hours."""
    upfront_fee: Decimal | None = None
    """The fee, in units of ``currency_code``; None if the service's text is no number."""
    currency_code: str | None = None
    """The currency of the fee, such as ``"USD"``."""
    upfront_fee_text: str | None = field(default=None, metadata=wire("UpfrontFee"))
    """The fee as the service wrote it."""
    reserved_capacity_offerings: tuple[ReservedCapacityOffering, ...] = ()
    """The capacities that the plan would reserve: one for each block of time."""

    @property
    def duration(self) -> timedelta | None:
        """The plan's length; None if the reply has neither hours nor minutes."""
        return _duration(self.duration_hours, self.duration_minutes)

    def _repr_html_(self) -> str:
        from sagemaker_plans.models._tables import (  # noqa: PLC0415  # for notebooks only, 3 ms
            notebook_training as notebook,
        )

        return notebook.offerings_html((self,))
