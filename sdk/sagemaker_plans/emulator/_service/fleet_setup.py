"""The methods with which tests add device fleets and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sagemaker_plans.emulator._service.fleet_operations import fleet_arn
from sagemaker_plans.emulator._service.resource_setup import ResourceSetup
from sagemaker_plans.emulator._state.fleets import DEFAULT_FLEET_SIZE, Device, Fleet
from sagemaker_plans.emulator._wire.arns import REGION
from sagemaker_plans.emulator._wire.refusal import Refusal


class FleetSetup(ResourceSetup):
    """All methods of both `Emulator` and `Service` with which tests read and add resources."""

    def add_fleet(
        self,
        name: str,
        *,
        devices: Iterable[str] | int = DEFAULT_FLEET_SIZE,
        failing: Iterable[str] = (),
        failure_rate: float = 0.0,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        region: str = REGION,
        account_id: str | None = None,
    ) -> str:
        """Register a device fleet, or replace it for the stages that start from now on.

        Args:
            name: The fleet's name.
            devices: The names of the devices in the order in which they report, or the number
                of devices.
            failing: The names of devices whose deployments fail.
            failure_rate: The share of the devices, 0 to 1, that fail in addition. They are
                drawn from the fleet's name, so they are the same in every run.
            description: The fleet's description.
            tags: The fleet's tags.
            region: The region of the fleet: only plans of that region can name it.
            account_id: The account of the fleet; None stands for `account_id` of the emulator.

        Returns:
            The fleet's ARN.

        Raises:
            ValueError: The rate is outside 0 to 1, the number of devices is negative, or a
                string was passed where a list of names is needed.
        """
        fleet = Fleet.create(
            name,
            fleet_arn(name, self._owner(region, account_id)),
            now=self.clock.now(),
            devices=devices,
            failing=failing,
            failure_rate=failure_rate,
            settings=None if description is None else {"Description": description},
            tags=tags,
        )
        with self._resources.lock:
            self._resources.edge.fleets[fleet.arn] = fleet
        return fleet.arn

    def add_devices(
        self,
        fleet_arn: str,
        names: Iterable[str],
        *,
        failing: Iterable[str] = (),
        tags: Mapping[str, str] | None = None,
    ) -> tuple[str, ...]:
        """Register devices in a fleet. Those that it has already stay as they are.

        Args:
            fleet_arn: The fleet's ARN.
            names: The devices' names.
            failing: The names of devices whose deployments fail, from the next start of a stage
                on. They need not be among `names`.
            tags: The tags of the new devices.

        Returns:
            The devices' ARNs.

        Raises:
            ValueError: There is no such fleet, or a string was passed where a list of names is
                needed.
        """
        with self._resources.lock:
            fleet = self._resources.edge.fleets.get(fleet_arn)
            if fleet is None:
                raise ValueError(f"there is no device fleet {fleet_arn}")
            device = Device(registered_at=self.clock.now(), tags={**(tags or {})})
            added = fleet.add(names, device, failing=failing)
            return tuple(map(fleet.device_arn, added))

    def tags_of(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource.

        Args:
            arn: The ARN of an edge deployment plan, a training plan, a fleet or a device.

        Returns:
            The values by key.

        Raises:
            ValueError: There is no such resource.
        """
        with self._resources.lock:
            try:
                return {**self._resources.tagging.read(arn)}
            except Refusal as refusal:
                raise ValueError(refusal.message) from refusal

    def add_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add tags to a resource, or change the values of those that it has.

        Args:
            arn: The ARN of an edge deployment plan, a training plan, a fleet or a device.
            tags: The values by key.

        Raises:
            ValueError: There is no such resource, or it would have more than 50 tags.
        """
        with self._resources.lock:
            tagging = self._resources.tagging
            try:
                tagging.write(arn, {**tagging.read(arn), **tags})
            except Refusal as refusal:
                raise ValueError(refusal.message) from refusal
