"""The resources that exist when an emulator starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar, cast

import attrs

from sagemaker_plans.emulator._data.saved_state import SavedState
from sagemaker_plans.emulator._state.fleets import DEFAULT_FLEET_SIZE
from sagemaker_plans.emulator._state.training_plans import TrainingPlanStatus
from sagemaker_plans.emulator._wire.arns import REGION
from sagemaker_plans.emulator._wire.json_values import is_iterable
from sagemaker_plans.emulator._wire.members import Caller

if TYPE_CHECKING:
    from sagemaker_plans.emulator import _service
else:
    # The folder imports its modules late, because they import this one.
    _service = import_module("sagemaker_plans.emulator._service")

T = TypeVar("T")


class SeedError(ValueError):
    """A seed file is wrong. The message names the place, and what is allowed there."""


class SeedEntryError(ValueError):
    """An entry of a seed is wrong.

    Args:
        where: The entry, such as `fleets[1].name`.
        problem: What is wrong with it.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where} {problem}")
        self.where = where
        self.problem = problem


def _tuple(values: Iterable[T]) -> tuple[T, ...]:
    """Go through the values once, and keep them. What is no list is refused when it is planted."""
    return cast("tuple[T, ...]", tuple(values) if is_iterable(values) else values)


def fee_text(fee: str | Decimal) -> str:
    """Return a price as the text that is sent.

    Raises:
        ValueError: It is a number that is no price.
    """
    if not isinstance(fee, Decimal):
        return fee
    if not (fee.is_finite() and fee >= 0):
        raise ValueError(f"upfront_fee must be a price of zero or more, not {fee!r}")
    return f"{fee:f}"


# Type checkers do not follow generic converters, so each type has its own.


def _names(values: Iterable[str]) -> tuple[str, ...]:
    return _tuple(values)


def _devices(given: Iterable[str] | int) -> tuple[str, ...] | int:
    return given if isinstance(given, int) else _tuple(given)


def _fleets(values: Iterable[FleetSeed]) -> tuple[FleetSeed, ...]:
    return _tuple(values)


def _plans(values: Iterable[PlanSeed]) -> tuple[PlanSeed, ...]:
    return _tuple(values)


def _training_plans(values: Iterable[TrainingPlanSeed]) -> tuple[TrainingPlanSeed, ...]:
    return _tuple(values)


def _offerings(values: Iterable[OfferingSeed]) -> tuple[OfferingSeed, ...]:
    return _tuple(values)


def _plan_offerings(values: Iterable[PlanOfferingSeed]) -> tuple[PlanOfferingSeed, ...]:
    return _tuple(values)


@attrs.frozen(kw_only=True)
class FleetSeed:
    """A device fleet that exists at the beginning."""

    name: str

    devices: tuple[str, ...] | int = attrs.field(default=DEFAULT_FLEET_SIZE, converter=_devices)
    """The device names, or the number of devices."""

    failing: tuple[str, ...] = attrs.field(default=(), converter=_names)
    """Devices whose deployments fail."""

    failure_rate: float = 0.0
    """The share of the devices, 0 to 1, that fail in addition."""

    description: str | None = None
    tags: Mapping[str, str] = attrs.Factory(dict[str, str])
    region: str = REGION
    account_id: str | None = None
    """None stands for the emulator's own account, here and in other entries."""


@attrs.frozen(kw_only=True)
class PlanSeed:
    """An edge deployment plan that exists at the beginning."""

    create: Mapping[str, object]
    """The body of a CreateEdgeDeploymentPlan request, as AWS spells it."""

    start: tuple[str, ...] = attrs.field(default=(), converter=_names)
    """The names of the stages that are started when the plan is created."""

    region: str = REGION
    account_id: str | None = None


@attrs.frozen(kw_only=True)
class OfferingSeed:
    """An extension offering that exists at the beginning."""

    offering_id: str
    duration_hours: int = 24
    upfront_fee: str = attrs.field(default="1234.50", converter=fee_text)
    currency_code: str = "USD"
    resellable: bool = False
    sold_out: bool = False
    payment_fails: bool = False


@attrs.frozen(kw_only=True)
class TrainingPlanSeed:
    """A training plan that exists at the beginning."""

    name: str
    status: TrainingPlanStatus | None = None
    start_in_hours: float = -24.0
    duration_hours: int = 720
    instance_type: str = "ml.p5.48xlarge"
    instance_count: int = 2
    region: str = REGION
    target_resources: tuple[str, ...] = attrs.field(default=("training-job",), converter=_names)
    ultra_server_type: str | None = None
    ultra_server_count: int = 0
    spare_instances: int = 0
    """Of each UltraServer."""
    impaired_ultra_servers: int = 0
    offerings: tuple[OfferingSeed, ...] = attrs.field(default=(), converter=_offerings)
    tags: Mapping[str, str] = attrs.Factory(dict[str, str])
    account_id: str | None = None


@attrs.frozen(kw_only=True)
class PlanOfferingSeed:
    """A new training plan that is on sale at the beginning."""

    offering_id: str
    start_in_hours: float = 0.0
    duration_hours: int = 168
    upfront_fee: str = attrs.field(default="34567.00", converter=fee_text)
    currency_code: str = "USD"
    instance_type: str = "ml.p5.48xlarge"
    instance_count: int = 2
    ultra_server_type: str | None = None
    ultra_server_count: int = 0
    target_resources: tuple[str, ...] = attrs.field(default=("training-job",), converter=_names)
    region: str = REGION
    resellable: bool = False
    sold_out: bool = False
    payment_fails: bool = False


@attrs.frozen(kw_only=True)
class DevicesGiven:
    """Devices that are added to a fleet."""

    fleet_arn: str
    names: tuple[str, ...]
    failing: tuple[str, ...]
    tags: Mapping[str, str]


@attrs.frozen(kw_only=True)
class OptionsGiven:
    """How a service behaves."""

    loose_fleets: bool
    failure_tolerance: float


@attrs.frozen(kw_only=True)
class TagsGiven:
    """Tags that are added to a resource."""

    arn: str
    tags: Mapping[str, str]


@attrs.frozen(kw_only=True)
class Seed:
    """Everything that exists at the beginning; `Seed()` is an empty account."""

    fleets: tuple[FleetSeed, ...] = attrs.field(default=(), converter=_fleets)
    plans: tuple[PlanSeed, ...] = attrs.field(default=(), converter=_plans)
    training_plans: tuple[TrainingPlanSeed, ...] = attrs.field(
        default=(), converter=_training_plans
    )
    plan_offerings: tuple[PlanOfferingSeed, ...] = attrs.field(
        default=(), converter=_plan_offerings
    )

    state: SavedState | None = None
    """All that existed in another emulator, from `Emulator.export_seed()`. It comes first."""

    @classmethod
    def default(cls) -> Seed:
        """Return the seed of an emulator that is created without one.

        Returns:
            The fleet `cameras` with cam-001 to cam-010, the running training plan `demo-plan`
            with three extension offerings, and two offerings of new plans.
        """
        return cls(
            fleets=(
                FleetSeed(
                    name="cameras", devices=tuple(f"cam-{number:03}" for number in range(1, 11))
                ),
            ),
            training_plans=(
                TrainingPlanSeed(
                    name="demo-plan",
                    offerings=(
                        OfferingSeed(
                            offering_id="tpeo-0123456789abcdef",
                            duration_hours=24,
                            upfront_fee="1234.50",
                        ),
                        OfferingSeed(
                            offering_id="tpeo-0123456789abcde0",
                            duration_hours=48,
                            upfront_fee="2469.00",
                        ),
                        OfferingSeed(
                            offering_id="tpeo-0123456789abcde1",
                            duration_hours=168,
                            upfront_fee="8641.50",
                        ),
                    ),
                ),
            ),
            plan_offerings=(
                PlanOfferingSeed(offering_id="tpo-0123456789abcdef"),
                PlanOfferingSeed(
                    offering_id="tpo-0123456789abcde0",
                    start_in_hours=48.0,
                    duration_hours=336,
                    upfront_fee="812345.50",
                    instance_type="ml.p6e-gb200.36xlarge",
                    instance_count=36,
                    ultra_server_type="ml.u-p6e-gb200x72",
                    ultra_server_count=2,
                    target_resources=("hyperpod-cluster",),
                ),
            ),
        )

    def plant(
        self, service: _service.Service, *, on_entry: Callable[[str], None] | None = None
    ) -> None:
        """Create everything in a service.

        Args:
            service: The service.
            on_entry: Called with the name of each entry, such as `plans[0]`, before that
                entry is created.

        Raises:
            Refusal: The service refuses a plan, or a stage to start does not exist.
            ValueError: A fleet's numbers are out of range, a training plan exists already, or
                the numbers of its UltraServers do not fit together.
        """
        for entry in self._created(service):
            if on_entry is not None:
                on_entry(entry)

    def _created(self, service: _service.Service) -> Iterator[str]:
        """Yield the name of each entry, and create the entry after that."""
        if self.state is not None:
            yield "state"
            service.restore(self.state)
        for number, fleet in enumerate(self.fleets):
            yield f"fleets[{number}]"
            service.add_fleet(**attrs.asdict(fleet, recurse=False))
        for number, training_plan in enumerate(self.training_plans):
            yield f"training_plans[{number}]"
            arn = service.add_training_plan(
                **attrs.asdict(
                    training_plan,
                    recurse=False,
                    filter=attrs.filters.exclude("offerings"),
                )
            )
            for offering in training_plan.offerings:
                service.add_extension_offering(arn, **attrs.asdict(offering, recurse=False))
        for number, plan_offering in enumerate(self.plan_offerings):
            yield f"plan_offerings[{number}]"
            service.add_plan_offering(**attrs.asdict(plan_offering, recurse=False))
        for number, plan in enumerate(self.plans):
            caller = Caller(region=plan.region, account_id=plan.account_id or service.account_id)
            yield f"plans[{number}].create"
            service.handle("CreateEdgeDeploymentPlan", plan.create, caller=caller)
            for started, stage in enumerate(plan.start):
                yield f"plans[{number}].start[{started}]"
                service.handle(
                    "StartEdgeDeploymentStage",
                    {
                        "EdgeDeploymentPlanName": plan.create["EdgeDeploymentPlanName"],
                        "StageName": stage,
                    },
                    caller=caller,
                )
