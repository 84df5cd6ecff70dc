"""The emulated service as one synchronous object, without sockets and without threads.

`Service().handle("DescribeEdgeDeploymentPlan", {...})` is its interface. The HTTP server only
wraps it. Tests that need thousands of cases call it directly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, final

import attrs

from sagemaker_plans.emulator._seeds.seed import Seed
from sagemaker_plans.emulator._service.edge_operations import EdgeDeployments
from sagemaker_plans.emulator._service.resource_setup import ACCOUNT_ID, Resources, ResourceSetup
from sagemaker_plans.emulator._service.training_operations import TrainingPlans
from sagemaker_plans.emulator._state.clock import Clock
from sagemaker_plans.emulator._state.timings import Timings
from sagemaker_plans.emulator._wire.members import Caller, Reply, Request
from sagemaker_plans.emulator._wire.refusal import Refusal
from sagemaker_plans.emulator._wire.validation import service_model, validated

_Operation: TypeAlias = Callable[[Request, Caller], Reply]


@final
class Service(ResourceSetup):
    """The state of the emulated SageMaker, and its operations. Any thread may use it.

    Args:
        clock: The service's time; None makes a new `Clock` that runs.
        timings: How long the emulated steps take.
        strict_fleets: Whether plans may only name registered fleets and devices. Otherwise
            fleets and devices are created when a plan names them.
        failure_tolerance: The share of a stage's devices, 0 to 1, that may fail before
            the stage is FAILED; with 0 one failed device is enough.
        seed: The resources that exist at the beginning; None stands for `Seed.default()`.

    Raises:
        ValueError: `failure_tolerance` is outside 0 to 1.
        Refusal: The service refuses one of the seed's plans.
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
        clock = Clock() if clock is None else clock
        timings = Timings() if timings is None else timings
        edge = EdgeDeployments(
            now=clock.now,
            timings=timings,
            account_id=ACCOUNT_ID,
            strict_fleets=strict_fleets,
            failure_tolerance=failure_tolerance,
        )
        training = TrainingPlans(now=clock.now, timings=timings)
        super().__init__(Resources(clock=clock, edge=edge, training=training))
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
        self.plant(Seed.default() if seed is None else seed)

    def plant(self, seed: Seed, *, on_entry: Callable[[str], None] | None = None) -> None:
        """Remove all resources and create those of another seed, now and at each `reset`.

        Args:
            seed: The new seed.
            on_entry: Called with the name of each entry of the seed, such as `plans[0]`,
                before that entry is created. If an entry is refused, the last call named it.

        Raises:
            Refusal: The service refuses one of the seed's plans.
            ValueError: A fleet's numbers are out of range, or the seed has a training plan
                twice.
        """
        self._seed = seed
        with self._resources.lock:
            self._resources.edge.clear()
            self._resources.training.clear()
            seed.plant(self, on_entry=on_entry)

    def reset(self) -> None:
        """Remove all resources and create those of the seed again. The clock is not changed."""
        self.plant(self._seed)

    def handle(
        self, operation: str, request: Mapping[str, object], *, caller: Caller | None = None
    ) -> Reply:
        """Carry out one operation.

        Args:
            operation: The operation's name, without the target prefix.
            request: The parsed body of the request.
            caller: Region and request id of the HTTP request.

        Returns:
            The reply's body, with timestamps in epoch seconds. It is `{}` if the operation has
            no output in the service model.

        Raises:
            Refusal: The service refuses the request.
        """
        with self._resources.lock:
            if operation not in self._operations:
                raise Refusal(
                    "UnknownOperationException", f"The emulator has no operation {operation!r}."
                )
            return self._operations[operation](
                validated(operation, request), Caller() if caller is None else caller
            )

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of the operations that the emulator has, sorted."""
        return tuple(self._operations)

    @property
    def training_plan_arns(self) -> tuple[str, ...]:
        """The ARNs of all training plans, oldest first."""
        with self._resources.lock:
            return tuple(self._resources.training.plans)

    def snapshot(self) -> dict[str, object]:
        """Return all of the state as JSON, for people to read."""
        now = self.clock.now()
        edge, training = self._resources.edge, self._resources.training
        with self._resources.lock:
            return {
                "fleets": {name: [*fleet.devices] for name, fleet in edge.fleets.items()},
                "edge_deployment_plans": [
                    plan.summary(now)
                    | {"Stages": [stage.summary(now) for stage in plan.stages.values()]}
                    for plan in edge.plans.values()
                ],
                "training_plans": [
                    plan.summary(now)
                    | {
                        "Offerings": [one.summary(plan, now) for one in plan.offerings.values()],
                        "Extensions": [one.summary(plan, now) for one in plan.extensions],
                    }
                    for plan in training.plans.values()
                ],
                "purchases": [attrs.asdict(one) for one in training.purchases],
            }
