"""The operations on device fleets and their devices, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Final

import attrs

from sagemaker_plans.emulator._state.edge_plans import EdgePlan
from sagemaker_plans.emulator._state.fleets import Device, Fleet
from sagemaker_plans.emulator._wire.members import (
    Caller,
    Reply,
    Request,
    is_between,
    optional_text,
    structures,
    tags,
    text,
    texts,
)
from sagemaker_plans.emulator._wire.pagination import page, start_position, with_token
from sagemaker_plans.emulator._wire.refusal import in_use, invalid, not_found

_SETTINGS: Final = ("OutputConfig", "RoleArn", "Description", "EnableIotRoleAlias")
_DETAILS: Final = ("Description", "IotThingName")
_SORT_KEYS: Final[Mapping[str, Callable[[Fleet], tuple[float | str, str]]]] = {
    "NAME": lambda fleet: (fleet.name, fleet.name),
    "CREATION_TIME": lambda fleet: (fleet.created_at, fleet.name),
    "LAST_MODIFIED_TIME": lambda fleet: (fleet.modified_at, fleet.name),
}


@attrs.define
class DeviceFleets:
    """The operations on all device fleets, which the edge deployments hold."""

    now: Callable[[], float]
    fleets: MutableMapping[str, Fleet]
    """By ARN."""

    plans: MutableMapping[str, EdgePlan]
    """The edge deployment plans, by ARN. A fleet that one of them names is not deleted."""

    def create(self, request: Request, caller: Caller) -> Reply:
        """Answer CreateDeviceFleet."""
        name = text(request, "DeviceFleetName")
        arn = fleet_arn(name, caller)
        if arn in self.fleets:
            raise in_use(f"Device fleet {name} already exists.")
        self.fleets[arn] = Fleet.create(
            name,
            arn,
            now=self.now(),
            devices=0,
            settings=_members(request, _SETTINGS),
            tags=tags(request),
        )
        return {}

    def update(self, request: Request, caller: Caller) -> Reply:
        """Answer UpdateDeviceFleet: what is not given stays as it is."""
        fleet = self._fleet(request, caller)
        fleet.settings |= _members(request, _SETTINGS)
        fleet.modified_at = self.now()
        return {}

    def describe(self, request: Request, caller: Caller) -> Reply:
        """Answer DescribeDeviceFleet."""
        return self._fleet(request, caller).description()

    def delete(self, request: Request, caller: Caller) -> Reply:
        """Answer DeleteDeviceFleet."""
        fleet = self._fleet(request, caller)
        if fleet.devices:
            raise in_use(f"Device fleet {fleet.name} has {len(fleet.devices)} registered devices.")
        for plan in self.plans.values():
            if plan.fleet_name == fleet.name and caller.owns(plan.arn):
                raise in_use(f"Device fleet {fleet.name} is used by {plan.arn}.")
        del self.fleets[fleet.arn]
        return {}

    def list(self, request: Request, caller: Caller) -> Reply:
        """Answer ListDeviceFleets."""
        part = optional_text(request, "NameContains") or ""
        found = sorted(
            (
                fleet
                for fleet in self._fleets_of(caller)
                if part in fleet.name
                and is_between(request, "CreationTime", fleet.created_at)
                and is_between(request, "LastModifiedTime", fleet.modified_at)
            ),
            key=_SORT_KEYS[optional_text(request, "SortBy") or "CREATION_TIME"],
            reverse=optional_text(request, "SortOrder") == "Descending",
        )
        listed, next_token = page("ListDeviceFleets", request, found, default_size=100)
        summaries = [fleet.summary() for fleet in listed]
        return with_token({"DeviceFleetSummaries": summaries}, next_token)

    def register(self, request: Request, caller: Caller) -> Reply:
        """Answer RegisterDevices. If one of them is refused, none is registered."""
        fleet, now = self._fleet(request, caller), self.now()
        given = _by_name(request)
        for name in given:
            if name in fleet.devices:
                raise in_use(f"Device {name} is already registered in fleet {fleet.name}.")
        tagged = tags(request)
        fleet.devices |= {
            name: Device(registered_at=now, details=details, tags=tagged)
            for name, details in given.items()
        }
        return {}

    def update_devices(self, request: Request, caller: Caller) -> Reply:
        """Answer UpdateDevices: what is not given stays as it is."""
        fleet, given = self._fleet(request, caller), _by_name(request)
        fleet.check_registered(given)
        for name, details in given.items():
            device = fleet.device(name)
            fleet.devices[name] = attrs.evolve(device, details={**device.details, **details})
        return {}

    def deregister(self, request: Request, caller: Caller) -> Reply:
        """Answer DeregisterDevices. Stages that were started keep them."""
        fleet, names = self._fleet(request, caller), dict.fromkeys(texts(request, "DeviceNames"))
        fleet.check_registered(names)
        for name in names:
            fleet.remove(name)
        return {}

    def describe_device(self, request: Request, caller: Caller) -> Reply:
        """Answer DescribeDevice."""
        # Its models are on one page, so no token leads to another.
        start_position("DescribeDevice", request)
        fleet, name = self._fleet(request, caller), text(request, "DeviceName")
        fleet.check_registered((name,))
        return fleet.device_summary(name)

    def list_devices(self, request: Request, caller: Caller) -> Reply:
        """Answer ListDevices, of one fleet or of all."""
        fleets = [*self._fleets_of(caller)]
        if "DeviceFleetName" in request:
            fleets = [self._fleet(request, caller)]
        if "LatestHeartbeatAfter" in request or "ModelName" in request:
            # No device has sent a heartbeat, or has a model of which the emulator knows.
            fleets = []
        found = [(fleet, name) for fleet in fleets for name in fleet.devices]
        listed, next_token = page("ListDevices", request, found, default_size=100)
        summaries = [fleet.device_summary(name) for fleet, name in listed]
        return with_token({"DeviceSummaries": summaries}, next_token)

    def _fleets_of(self, caller: Caller) -> tuple[Fleet, ...]:
        return tuple(fleet for arn, fleet in self.fleets.items() if caller.owns(arn))

    def _fleet(self, request: Request, caller: Caller) -> Fleet:
        name = text(request, "DeviceFleetName")
        try:
            return self.fleets[fleet_arn(name, caller)]
        except KeyError:
            raise not_found(f"Device fleet {name} does not exist.") from None


def fleet_arn(name: str, caller: Caller) -> str:
    """Return the ARN of a fleet of the caller's."""
    return caller.arn(f"device-fleet/{name}")


def _members(request: Request, names: tuple[str, ...]) -> dict[str, object]:
    return {name: request[name] for name in names if name in request}


def _by_name(request: Request) -> dict[str, dict[str, object]]:
    """Return the details of a request's devices, by the devices' names."""
    given = structures(request, "Devices")
    found = {text(device, "DeviceName"): _members(device, _DETAILS) for device in given}
    if len(found) < len(given):
        raise invalid("Devices have the same name more than once.")
    return found
