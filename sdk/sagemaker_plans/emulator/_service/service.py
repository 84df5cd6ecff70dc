"""The emulated service as one synchronous object, without sockets and without threads.

`Service().handle("DescribeEdgeDeploymentPlan", {...})` is its interface. The HTTP server only
wraps it. Tests that need thousands of cases call it directly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, final

import attrs

from sagemaker_plans.emulator._data.saved_state import STATE_FORMAT, SavedState
from sagemaker_plans.emulator._data.structuring import Row, Structuring
from sagemaker_plans.emulator._seeds.checked_arguments import check_entries, checked
from sagemaker_plans.emulator._seeds.seed import OptionsGiven, Seed
from sagemaker_plans.emulator._seeds.unique_names import check_unique
from sagemaker_plans.emulator._service.edge_operations import EdgeDeployments
from sagemaker_plans.emulator._service.fleet_operations import DeviceFleets
from sagemaker_plans.emulator._service.fleet_setup import FleetSetup
from sagemaker_plans.emulator._service.resource_setup import Resources
from sagemaker_plans.emulator._service.tag_operations import Tagging
from sagemaker_plans.emulator._service.training_operations import TrainingPlans
from sagemaker_plans.emulator._state.clock import Clock
from sagemaker_plans.emulator._state.edge_plans import EdgePlan
from sagemaker_plans.emulator._state.fleets import Fleet
from sagemaker_plans.emulator._state.tables import StateLock, Tables
from sagemaker_plans.emulator._state.timings import Timings
from sagemaker_plans.emulator._state.training_plans import TrainingPlan
from sagemaker_plans.emulator._wire.arns import ACCOUNT_ID
from sagemaker_plans.emulator._wire.json_pieces import long_lists_read
from sagemaker_plans.emulator._wire.members import Caller, Reply, Request
from sagemaker_plans.emulator._wire.refusal import Refusal
from sagemaker_plans.emulator._wire.validation import service_model, validated

_PLAIN: Final = Structuring()

_READING: Final = ("Describe", "List", "Search")
# Operations whose names begin so change nothing.

_Operation: TypeAlias = Callable[[Request, Caller], Reply]


@final
class Service(FleetSetup):
    """The state of the emulated SageMaker, and its operations. Any thread may use it.

    Args:
        clock: The service's time; None makes a new `Clock` that runs.
        timings: How long the emulated steps take.
        loose_fleets: Whether plans may name fleets and devices that nobody has registered. They
            are registered then. Otherwise such plans are refused.
        failure_tolerance: The share of a stage's devices, 0 to 1, that may fail before
            the stage is FAILED; with 0 one failed device is enough.
        seed: The resources that exist at the beginning; None stands for `Seed.default()`.
        account_id: The account of callers and resources that name no other.

    Raises:
        ValueError: `failure_tolerance` is outside 0 to 1, or `loose_fleets` is no bool.
        Refusal: The service refuses one of the seed's plans.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        timings: Timings | None = None,
        loose_fleets: bool = False,
        failure_tolerance: float = 0.0,
        seed: Seed | None = None,
        account_id: str = ACCOUNT_ID,
    ) -> None:
        options = checked(
            OptionsGiven, loose_fleets=loose_fleets, failure_tolerance=failure_tolerance
        )
        service_model()
        clock = Clock() if clock is None else clock
        timings = Timings() if timings is None else timings
        tables = Tables()
        edge = EdgeDeployments(
            now=clock.now,
            timings=timings,
            loose_fleets=options.loose_fleets,
            failure_tolerance=options.failure_tolerance,
            fleets=tables.fleets,
            plans=tables.edge_plans,
        )
        training = TrainingPlans(
            now=clock.now,
            timings=timings,
            plans=tables.training_plans,
            plan_offerings=tables.plan_offerings,
            used_offerings=tables.used_offerings,
            purchases=tables.purchases,
        )
        fleets = DeviceFleets(now=clock.now, fleets=tables.fleets, plans=tables.edge_plans)
        tagging = Tagging(
            fleets=tables.fleets,
            edge_plans=tables.edge_plans,
            training_plans=tables.training_plans,
        )
        super().__init__(
            Resources(
                account_id=account_id,
                clock=clock,
                edge=edge,
                training=training,
                tagging=tagging,
                tables=tables,
                lock=StateLock(tables),
            )
        )
        self._in_process = Caller(account_id=account_id)
        self._operations: dict[str, _Operation] = {
            "AddTags": tagging.add,
            "CreateDeviceFleet": fleets.create,
            "CreateEdgeDeploymentPlan": edge.create_plan,
            "CreateEdgeDeploymentStage": edge.create_stages,
            "CreateTrainingPlan": training.create,
            "DeleteDeviceFleet": fleets.delete,
            "DeleteEdgeDeploymentPlan": edge.delete_plan,
            "DeleteEdgeDeploymentStage": edge.delete_stage,
            "DeleteTags": tagging.delete,
            "DeregisterDevices": fleets.deregister,
            "DescribeDevice": fleets.describe_device,
            "DescribeDeviceFleet": fleets.describe,
            "DescribeEdgeDeploymentPlan": edge.describe_plan,
            "DescribeReservedCapacity": training.describe_capacity,
            "DescribeTrainingPlan": training.describe_plan,
            "DescribeTrainingPlanExtensionHistory": training.extension_history,
            "ExtendTrainingPlan": training.extend,
            "ListDeviceFleets": fleets.list,
            "ListDevices": fleets.list_devices,
            "ListEdgeDeploymentPlans": edge.list_plans,
            "ListStageDevices": edge.list_stage_devices,
            "ListTags": tagging.list,
            "ListTrainingPlans": training.list_plans,
            "ListUltraServersByReservedCapacity": training.list_ultra_servers,
            "RegisterDevices": fleets.register,
            "SearchTrainingPlanOfferings": training.search_offerings,
            "StartEdgeDeploymentStage": edge.start_stage,
            "StopEdgeDeploymentStage": edge.stop_stage,
            "UpdateDeviceFleet": fleets.update,
            "UpdateDevices": fleets.update_devices,
        }
        self.plant(Seed.default() if seed is None else seed)

    def plant(self, seed: Seed, *, on_entry: Callable[[str], None] | None = None) -> None:
        """Remove all resources and create those of another seed, now and at each `reset`.

        If the seed is one of `Emulator.export_seed()`, the clock goes to where it stood.

        Args:
            seed: The new seed.
            on_entry: Called with the name of each entry of the seed, such as `plans[0]`,
                before that entry is created. If an entry is refused, the last call named it.

        Raises:
            SeedEntryError: An entry is not allowed, or has the name of another one.
            Refusal: The service refuses one of the seed's plans.
            ValueError: The numbers of UltraServers do not fit together, or a device that fails
                is not one of its fleet. Whatever is raised, all is as it was before.
        """
        check_entries(seed)
        check_unique(seed, self.account_id)
        with self._resources.lock:
            reading = self.clock.reading()
            before = {name: {**table} for name, table in self._resources.tables.by_name().items()}
            try:
                if seed.state is not None:
                    self.clock.resume(seed.state.clock, ran_on=False)
                self._plant(seed, on_entry)
            except BaseException:
                if seed.state is not None:
                    self.clock.resume(reading, ran_on=True)
                self._resources.tables.clear()
                for name, table in self._resources.tables.by_name().items():
                    table.update(before[name])
                raise
            self._seed = seed

    def _plant(self, seed: Seed, on_entry: Callable[[str], None] | None) -> None:
        self._resources.tables.clear()
        seed.plant(self, on_entry=on_entry)

    def reset(self) -> None:
        """Remove all resources and create those of the seed again. The clock is not changed."""
        with self._resources.lock:
            self._plant(self._seed, None)

    def restore(self, state: SavedState) -> None:
        """Add what existed in another emulator."""
        # Each table has rows of its own, because rows change.
        added: Tables = _PLAIN.structured(_PLAIN.unstructured(state.tables), Tables)
        tables = self._resources.tables.by_name()
        with self._resources.lock:
            for name, table in added.by_name().items():
                tables[name].update(table)

    def exported_seed(self) -> Seed:
        """Return a seed of all that exists at this moment."""
        with self._resources.lock.reading:
            return _PLAIN.structured({"state": long_lists_read(self.seed_parts())}, Seed)

    def seed_parts(self) -> Mapping[str, object]:
        """Return the state in a seed of all that exists, with iterators in place of lists.

        Each entry is computed when it is taken. They are of one moment only if `changes` is the
        same before and after.
        """
        self._resources.lock.check()
        lock = self._resources.lock.reading

        def plain(row: tuple[object, object]) -> object:
            with lock:
                return _PLAIN.unstructured(Row(*row))

        with lock:
            tables = self._resources.tables.by_name()
            return {
                "format": STATE_FORMAT,
                "clock": _PLAIN.unstructured(self.clock.reading()),
                "tables": {name: map(plain, tuple(rows.items())) for name, rows in tables.items()},
            }

    @property
    def problem(self) -> str | None:
        """Why nothing is answered any more: a change could not be kept. None if all is well."""
        return self._resources.lock.problem

    @property
    def changes(self) -> int:
        """A number that is another one after each change."""
        return self._resources.lock.changes

    def handle(
        self, operation: str, request: Mapping[str, object], *, caller: Caller | None = None
    ) -> Reply:
        """Carry out one operation.

        Args:
            operation: The operation's name, without the target prefix.
            request: The parsed body of the request.
            caller: Region, account and request id of the HTTP request; None stands for a
                caller in us-east-1.

        Returns:
            The reply's body, with timestamps in epoch seconds. It is `{}` if the operation has
            no output in the service model.

        Raises:
            Refusal: The service refuses the request.
        """
        if operation not in self._operations:
            raise Refusal(
                "UnknownOperationException", f"The emulator has no operation {operation!r}."
            )
        lock = self._resources.lock
        lock.check()
        with lock.reading if operation.startswith(_READING) else lock:
            return self._operations[operation](
                validated(operation, request), self._in_process if caller is None else caller
            )

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of the operations that the emulator has, sorted."""
        return tuple(self._operations)

    @property
    def training_plan_arns(self) -> tuple[str, ...]:
        """The ARNs of all training plans, oldest first."""
        with self._resources.lock.reading:
            return tuple(self._resources.training.plans)

    def snapshot(self) -> dict[str, object]:
        """Return all of the state as JSON, for people to read."""
        with self._resources.lock.reading:
            return {name: long_lists_read(part) for name, part in self.snapshot_parts().items()}

    def snapshot_parts(self) -> dict[str, object]:
        """Return the state as `snapshot` does, but with iterators in place of long lists.

        Each entry is computed when it is taken, so that a server can answer others in between.
        What changes meanwhile shows in the later entries only. The lists themselves, and the
        time, are those of the call.
        """
        now = self.clock.now()
        self._resources.lock.check()
        lock = self._resources.lock.reading
        edge, training = self._resources.edge, self._resources.training

        def fleet_of_devices(fleet: Fleet) -> object:
            with lock:
                return fleet.description() | {"Tags": {**fleet.tags}, "Devices": [*fleet.devices]}

        def edge_plan(plan: EdgePlan) -> object:
            with lock:
                stages = [stage.summary(now) for stage in plan.stages.values()]
                return plan.summary(now) | {"Tags": {**plan.tags}, "Stages": stages}

        def training_plan(plan: TrainingPlan) -> object:
            with lock:
                return plan.summary(now) | {
                    "Tags": {**plan.tags},
                    "Offerings": [one.summary(plan, now) for one in plan.offerings.values()],
                    "Extensions": [one.summary(plan, now) for one in plan.extensions],
                }

        with lock:
            return {
                "fleets": map(fleet_of_devices, tuple(edge.fleets.values())),
                "edge_deployment_plans": map(edge_plan, tuple(edge.plans.values())),
                "training_plans": map(training_plan, tuple(training.plans.values())),
                "plan_offerings": [one.summary({}) for one in training.plan_offerings.values()],
                "purchases": map(attrs.asdict, tuple(training.purchases.values())),
            }
