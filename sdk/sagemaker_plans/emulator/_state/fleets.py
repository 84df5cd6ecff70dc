"""Device fleets: their devices, which of them a stage selects, and which of them fail."""

from __future__ import annotations

import math
import random
import reprlib
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import attrs

from sagemaker_plans.emulator._wire.members import (
    Reply,
    Request,
    optional_count,
    optional_text,
    text,
    texts,
)
from sagemaker_plans.emulator._wire.refusal import invalid, not_found

DEFAULT_FLEET_SIZE: Final = 10
"""The number of devices of a fleet of which nobody says how many it has."""

_SHOWN: Final = reprlib.Repr()
_SHOWN.maxlist = 10  # devices that an error names


@attrs.frozen(kw_only=True)
class Device:
    """What is known of a device besides its name. Devices that are alike may share a record."""

    registered_at: float
    details: Request = attrs.Factory(dict[str, object])
    """`Description` and `IotThingName`, as far as they were given."""

    tags: Mapping[str, str] = attrs.Factory(dict[str, str])


@attrs.define(kw_only=True)
class Fleet:
    """A named group of devices."""

    name: str
    arn: str
    created_at: float
    modified_at: float
    settings: dict[str, object]
    """`OutputConfig`, and `RoleArn`, `Description` and `EnableIotRoleAlias` as far as given."""

    tags: dict[str, str]

    devices: dict[str, Device | None]
    """By name, in the order in which they report. None for those that came with the fleet."""

    failing: frozenset[str] = frozenset()
    """Devices whose deployments always fail."""

    @classmethod
    def create(
        cls,
        name: str,
        arn: str,
        *,
        now: float,
        devices: Iterable[str] | int = DEFAULT_FLEET_SIZE,
        failing: Collection[str] = (),
        failure_rate: float = 0.0,
        settings: Request | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Fleet:
        """Create a fleet.

        Args:
            name: The fleet's name.
            arn: Its ARN.
            now: The time, in epoch seconds.
            devices: The device names, or the number of devices. Devices that are given as a
                number are named `<fleet>-0001` and so on.
            failing: Those of its devices that fail.
            failure_rate: The share of the devices, 0 to 1, that fail in addition. They are
                drawn from the fleet's name, so they are the same in every run.
            settings: The members of a CreateDeviceFleet request that describe it.
            tags: Its tags.

        Returns:
            The fleet.

        Raises:
            ValueError: A device that fails is not one of the fleet's.
        """
        if isinstance(devices, int):
            # Long fleet names are cut so that device names stay within 63 characters.
            stem = name[:55].rstrip("-")
            devices = (f"{stem}-{number:04}" for number in range(1, devices + 1))
        fleet = cls(
            name=name,
            arn=arn,
            created_at=now,
            modified_at=now,
            settings={"OutputConfig": {"S3OutputLocation": f"s3://{name}/"}, **(settings or {})},
            tags={**(tags or {})},
            devices={},
        )
        fleet.add(devices, None, failing=failing)
        # The same fleet must fail in the same way in every run, so the seed is the name.
        drawn = random.Random(name).sample(  # noqa: S311  # not used for a secret
            sorted(fleet.devices), round(failure_rate * len(fleet.devices))
        )
        fleet.failing |= {*drawn}
        return fleet

    def add(
        self, names: Iterable[str], device: Device | None, *, failing: Collection[str] = ()
    ) -> None:
        """Add devices that are alike. Devices that the fleet already has stay as they are.

        Args:
            names: Their names.
            device: What is known of them; None if they come with the fleet.
            failing: Which devices fail, of these and of those that it already has.

        Raises:
            ValueError: A device that fails is not one of the fleet's. Then nothing is added.
        """
        added = dict.fromkeys(names)
        for name in failing:
            if name not in added and name not in self.devices:
                raise ValueError(
                    f"failing: there is no device {name!r} in the fleet {self.name}, which has "
                    f"{_SHOWN.repr([*self.devices, *added])}"
                )
        for name in added:
            self.devices.setdefault(name, device)
        self.failing |= {*failing}

    def remove(self, name: str) -> None:
        """Remove a device. If it is registered again, it is a new one, which does not fail."""
        del self.devices[name]
        self.failing -= {name}

    def select(self, selection: Request, *, loose: bool) -> tuple[str, ...]:
        """Return the devices that a stage's `DeviceSelectionConfig` selects.

        Args:
            selection: The wire form.
            loose: Whether it may name devices that the fleet does not have.

        Returns:
            Device names in the order in which they will report.

        Raises:
            Refusal: The selection does not have the member that its type needs, or names unknown
                devices.
        """
        kind = text(selection, "DeviceSubsetType")
        if kind == "PERCENTAGE":
            return self._by_percentage(optional_count(selection, "Percentage"))
        if kind == "SELECTION":
            names = texts(selection, "DeviceNames")
            if not names:
                raise invalid("DeviceNames is required when DeviceSubsetType is SELECTION.")
            if not loose:
                self.check_registered(names)
            return tuple(dict.fromkeys(names))
        part = optional_text(selection, "DeviceNameContains")
        if part is None:
            raise invalid("DeviceNameContains is required when DeviceSubsetType is NAMECONTAINS.")
        return tuple(device for device in self.devices if part in device)

    def check_registered(self, names: Iterable[str]) -> None:
        """Check that the fleet has all of these devices.

        Raises:
            Refusal: It does not. The first that it does not have is named.
        """
        for name in names:
            if name not in self.devices:
                raise not_found(f"Device {name} does not exist in device fleet {self.name}.")

    def device(self, name: str) -> Device:
        """Return what is known of one of its devices."""
        return self.devices[name] or Device(registered_at=self.created_at)

    def device_arn(self, name: str) -> str:
        """Return the ARN of one of its devices."""
        return f"{self.arn}/device/{name}"

    def summary(self) -> Reply:
        """Return the wire form that a description and a list entry have in common."""
        return {
            "DeviceFleetArn": self.arn,
            "DeviceFleetName": self.name,
            "CreationTime": self.created_at,
            "LastModifiedTime": self.modified_at,
        }

    def description(self) -> Reply:
        """Return the wire form, as a description has it."""
        shown = {**self.settings, **self.summary()}
        if shown.pop("EnableIotRoleAlias", False):
            _, partition, _, _, account_id, _ = self.arn.split(":")
            alias = f"rolealias/SageMakerEdge-{self.name}"
            shown["IotRoleAlias"] = f"arn:{partition}:iam::{account_id}:{alias}"
        return shown

    def device_summary(self, name: str) -> Reply:
        """Return the wire form of a device, which its description and its list entry share."""
        device = self.device(name)
        return {
            "DeviceName": name,
            "DeviceArn": self.device_arn(name),
            "DeviceFleetName": self.name,
            "RegistrationTime": device.registered_at,
            "Models": [],
            **device.details,
        }

    def _by_percentage(self, percentage: int | None) -> tuple[str, ...]:
        if percentage is None or percentage < 1:
            raise invalid(
                "Percentage must be between 1 and 100 when DeviceSubsetType is PERCENTAGE."
            )
        return tuple(self.devices)[: math.ceil(len(self.devices) * percentage / 100)]
