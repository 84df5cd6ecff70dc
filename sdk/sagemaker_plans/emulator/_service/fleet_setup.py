"""The methods with which tests add device fleets and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sagemaker_plans.emulator._seeds.checked_arguments import checked
from sagemaker_plans.emulator._seeds.seed import DevicesGiven, FleetSeed, TagsGiven
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
            failing: The names of those of its devices whose deployments fail.
            failure_rate: The share of the devices, 0 to 1, that fail in addition. They are
                drawn from the fleet's name, so they are the same in every run.
            description: The fleet's description.
            tags: The fleet's tags.
            region: The region of the fleet: only plans of that region can name it.
            account_id: The account of the fleet; None stands for `account_id` of the emulator.

        Returns:
            The fleet's ARN.

        Raises:
            ValueError: A device that fails is not one of the fleet's, or an argument is not
                allowed. The message names it, its value, and what is allowed.
        """
        given = checked(
            FleetSeed,
            name=name,
            devices=devices,
            failing=failing,
            failure_rate=failure_rate,
            description=description,
            tags={} if tags is None else tags,
            region=region,
            account_id=account_id,
        )
        fleet = Fleet.create(
            name,
            fleet_arn(name, self._owner(region, account_id)),
            now=self.clock.now(),
            devices=given.devices,
            failing=given.failing,
            failure_rate=given.failure_rate,
            settings=None if description is None else {"Description": description},
            tags=given.tags,
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
                on. Each is among `names`, or is one that the fleet has already.
            tags: The tags of the new devices.

        Returns:
            The ARNs of the devices in `names`.

        Raises:
            ValueError: There is no such fleet, a device that fails is not one of the fleet's, or
                an argument is not allowed. The message names it, its value, and what is allowed.
        """
        given = checked(
            DevicesGiven,
            fleet_arn=fleet_arn,
            names=names,
            failing=failing,
            tags={} if tags is None else tags,
        )
        with self._resources.lock:
            fleet = self._resources.edge.fleets.get(fleet_arn)
            if fleet is None:
                raise ValueError(f"there is no device fleet {fleet_arn}")
            device = Device(registered_at=self.clock.now(), tags=given.tags)
            fleet.add(given.names, device, failing=given.failing)
            return tuple(map(fleet.device_arn, given.names))

    def tags_of(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource.

        Args:
            arn: The ARN of an edge deployment plan, a training plan, a fleet or a device.

        Returns:
            The values by key.

        Raises:
            ValueError: There is no such resource.
        """
        given = checked(TagsGiven, arn=arn, tags={})
        with self._resources.lock.reading:
            try:
                return {**self._resources.tagging.read(given.arn)}
            except Refusal as refusal:
                raise ValueError(refusal.message) from refusal

    def add_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add tags to a resource, or change the values of those that it has.

        Args:
            arn: The ARN of an edge deployment plan, a training plan, a fleet or a device.
            tags: The values by key.

        Raises:
            ValueError: There is no such resource, it would have more than 50 tags, or an
                argument is not allowed. The message names it, its value, and what is allowed.
        """
        given = checked(TagsGiven, arn=arn, tags=tags)
        with self._resources.lock:
            tagging = self._resources.tagging
            try:
                tagging.write(arn, {**tagging.read(arn), **given.tags})
            except Refusal as refusal:
                raise ValueError(refusal.message) from refusal
