"""The emulated service as one synchronous object: no sockets, no threads of its own.

`Service().handle("DescribeEdgeDeploymentPlan", {...})` is the whole interface; the
HTTP server is a shell around it, and tests that need thousands of cases call it
directly.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, final

import attrs

from sagemaker_plans.emulator._seeds.seed import Seed
from sagemaker_plans.emulator._service.edge_operations import EdgeDeployments
from sagemaker_plans.emulator._service.training_operations import TrainingPlans
from sagemaker_plans.emulator._state.clock import Clock
from sagemaker_plans.emulator._state.fleets import DEFAULT_FLEET_SIZE, Fleet
from sagemaker_plans.emulator._state.timings import Timings
from sagemaker_plans.emulator._state.training_plans import (
    HOUR,
    Offering,
    Purchase,
    TrainingPlan,
    TrainingPlanStatus,
)
from sagemaker_plans.emulator._wire.members import Caller, Reply, Request
from sagemaker_plans.emulator._wire.refusal import Refusal
from sagemaker_plans.emulator._wire.validation import service_model, validated

ACCOUNT_ID: Final = "123456789012"
"""The account in every ARN."""

_Operation: TypeAlias = Callable[[Request, Caller], Reply]


@final
class Service:
    """The state of the emulated SageMaker and its operations; safe from any thread.

    Args:
        clock: What time it is; a new running `Clock` if None.
        timings: How long things take.
        strict_fleets: Refuse fleets and devices that nobody registered, instead of
            letting them come into being.
        failure_tolerance: The share of a stage's devices, 0 to 1, that may fail before
            the stage is FAILED; with 0 one failed device is enough.
        seed: What exists at the beginning; `Seed.default()` if None.

    Raises:
        ValueError: `failure_tolerance` is outside 0 to 1.
        Refusal: A plan of the seed is not one that the service would accept.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        timings: Timings | None = None,
        strict_fleets: bool = False,
        failure_tolerance: float = 0.0,
        seed: Seed | None = None,
    ) -> None:
        if not 0 <= failure_tolerance <= 1:
            raise ValueError(f"failure_tolerance must be between 0 and 1, not {failure_tolerance}")
        service_model()
        self.clock: Clock = Clock() if clock is None else clock
        self._timings = Timings() if timings is None else timings
        self._strict_fleets = strict_fleets
        self._failure_tolerance = failure_tolerance
        self._seed = Seed.default() if seed is None else seed
        self._lock = threading.RLock()
        self.reset()

    def plant(self, seed: Seed, *, on_entry: Callable[[str], None] | None = None) -> None:
        """Forget everything and begin with another seed, now and after each `reset`.

        Args:
            seed: What exists from now on.
            on_entry: Is told of each entry of the seed, such as `plans[0]`, before it comes
                into being: the last one told is the one that is refused.

        Raises:
            Refusal: A plan of the seed is not one that the service would accept.
            ValueError: A fleet makes no sense, or a training plan is there twice.
        """
        self._seed = seed
        self._begin(on_entry)

    def reset(self) -> None:
        """Forget everything and plant the seed again; the clock goes on as it is."""
        self._begin(None)

    def _begin(self, on_entry: Callable[[str], None] | None) -> None:
        with self._lock:
            self._edge = EdgeDeployments(
                now=self.clock.now,
                timings=self._timings,
                account_id=ACCOUNT_ID,
                strict_fleets=self._strict_fleets,
                failure_tolerance=self._failure_tolerance,
            )
            self._training = TrainingPlans(now=self.clock.now, timings=self._timings)
            edge, training = self._edge, self._training
            self._operations: dict[str, _Operation] = {
                "CreateEdgeDeploymentPlan": edge.create_plan,
                "CreateEdgeDeploymentStage": edge.create_stages,
                "DeleteEdgeDeploymentPlan": edge.delete_plan,
                "DeleteEdgeDeploymentStage": edge.delete_stage,
                "DescribeEdgeDeploymentPlan": edge.describe_plan,
                "DescribeTrainingPlan": training.describe_plan,
                "DescribeTrainingPlanExtensionHistory": training.extension_history,
                "ExtendTrainingPlan": training.extend,
                "ListEdgeDeploymentPlans": edge.list_plans,
                "ListStageDevices": edge.list_stage_devices,
                "ListTrainingPlans": training.list_plans,
                "SearchTrainingPlanOfferings": training.search_offerings,
                "StartEdgeDeploymentStage": edge.start_stage,
                "StopEdgeDeploymentStage": edge.stop_stage,
            }
            self._seed.plant(self, on_entry=on_entry)

    def handle(
        self, operation: str, request: Mapping[str, object], *, caller: Caller | None = None
    ) -> Reply:
        """Carry out one operation.

        Args:
            operation: Its name, without the target prefix.
            request: The parsed body of the request.
            caller: Region and request id of the HTTP request.

        Returns:
            The reply's body, with timestamps in epoch seconds. It has no output where
            the service model gives the operation none: `{}`.

        Raises:
            Refusal: The service says no.
        """
        with self._lock:
            if operation not in self._operations:
                raise Refusal(
                    "UnknownOperationException", f"The emulator has no operation {operation!r}."
                )
            return self._operations[operation](
                validated(operation, request), Caller() if caller is None else caller
            )

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of the operations served, sorted."""
        return tuple(self._operations)

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        """Every accepted purchase, in order."""
        with self._lock:
            return tuple(self._training.purchases)

    @property
    def training_plan_arns(self) -> tuple[str, ...]:
        """The ARNs of all training plans, oldest first."""
        with self._lock:
            return tuple(self._training.plans)

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
            devices: Device names, or how many.
            failing: Devices whose deployments fail.
            failure_rate: Share of the devices, 0 to 1, that fail besides, drawn from the
                fleet's name: the same in every run.

        Raises:
            ValueError: The rate is outside 0 to 1, or the number of devices negative.
        """
        fleet = Fleet.of(name, devices, failing=failing, failure_rate=failure_rate)
        with self._lock:
            self._edge.fleets[name] = fleet

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
    ) -> str:
        """Register a training plan.

        Args:
            name: Its name.
            status: A status that stays whatever the clock says; None computes it:
                Scheduled, then Active, then Expired.
            start_in_hours: Hours from now until it starts; negative for one that runs.
            duration_hours: Its length without extensions.
            instance_type: What it reserves.
            instance_count: How many of them.
            region: The region of its ARN.

        Returns:
            Its ARN.

        Raises:
            ValueError: There is a plan of that name in that region.
        """
        arn = f"arn:aws:sagemaker:{region}:{ACCOUNT_ID}:training-plan/{name}"
        with self._lock:
            if arn in self._training.plans:
                raise ValueError(f"there is a training plan {arn} already")
            self._training.plans[arn] = TrainingPlan(
                name=name,
                arn=arn,
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
        """Put an extension of a training plan on sale, or change one that is.

        Args:
            training_plan_arn: The plan.
            offering_id: The offering's id; a new one is made up if None.
            duration_hours: By how much it extends the plan.
            upfront_fee: The price, sent as it is: a decimal string in real life.
            currency_code: The price's currency, sent as it is.
            resellable: Let it be bought again and again, each time for money.
            sold_out: List it, but refuse every purchase.
            payment_fails: Let the payment end in Failed.

        Returns:
            The offering's id.

        Raises:
            ValueError: There is no such plan, or `duration_hours` is no whole number.
        """
        if type(duration_hours) is not int:
            raise ValueError(f"duration_hours is a whole number, not {duration_hours!r}")
        if offering_id is None:
            offering_id = f"tpeo-{secrets.token_hex(8)}"
        with self._lock:
            if training_plan_arn not in self._training.plans:
                raise ValueError(f"there is no training plan {training_plan_arn}")
            self._training.plans[training_plan_arn].offerings[offering_id] = Offering(
                offering_id=offering_id,
                duration_hours=duration_hours,
                upfront_fee=upfront_fee,
                currency_code=currency_code,
                resellable=resellable,
                sold_out=sold_out,
                payment_fails=payment_fails,
            )
        return offering_id

    def snapshot(self) -> dict[str, object]:
        """Return all of the state as JSON, for people to look at."""
        now = self.clock.now()
        with self._lock:
            return {
                "fleets": {name: [*fleet.devices] for name, fleet in self._edge.fleets.items()},
                "edge_deployment_plans": [
                    plan.header(now)
                    | {"Stages": [stage.summary(now) for stage in plan.stages.values()]}
                    for plan in self._edge.plans.values()
                ],
                "training_plans": [
                    plan.summary(now)
                    | {
                        "Offerings": [one.summary(plan, now) for one in plan.offerings.values()],
                        "Extensions": [one.summary(plan, now) for one in plan.extensions],
                    }
                    for plan in self._training.plans.values()
                ],
                "purchases": [attrs.asdict(one) for one in self._training.purchases],
            }
