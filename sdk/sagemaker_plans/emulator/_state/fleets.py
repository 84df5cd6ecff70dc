"""Device fleets: their devices, which of them a stage selects, and which of them fail."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Final

import attrs

from sagemaker_plans.emulator._wire.members import (
    Request,
    optional_count,
    optional_text,
    text,
    texts,
)
from sagemaker_plans.emulator._wire.refusal import invalid, not_found

DEFAULT_FLEET_SIZE: Final = 10
"""The number of devices of a fleet that is created because a plan names it."""


@attrs.define
class Fleet:
    """A named group of devices."""

    name: str

    devices: dict[str, None]
    """Device names in the order in which they report; a dict serves as an ordered set."""

    failing: frozenset[str] = frozenset()
    """Devices whose deployments always fail."""

    @classmethod
    def create(
        cls,
        name: str,
        devices: Iterable[str] | int = DEFAULT_FLEET_SIZE,
        *,
        failing: Iterable[str] = (),
        failure_rate: float = 0.0,
    ) -> Fleet:
        """Create a fleet.

        Args:
            name: The fleet's name.
            devices: The device names, or the number of devices. Devices that are given as a
                number are named `<fleet>-0001` and so on.
            failing: Devices that fail. If the fleet does not have them, they are added.
            failure_rate: The share of the devices, 0 to 1, that fail in addition. They are
                drawn from the fleet's name, so they are the same in every run.

        Returns:
            The fleet.

        Raises:
            ValueError: The rate is outside 0 to 1, the number of devices is negative, or a
                string was passed where a list of names is needed.
        """
        for argument, names in (("devices", devices), ("failing", failing)):
            if isinstance(names, str):
                # All wrong arguments raise ValueError, which seed files report with the line.
                raise ValueError(  # noqa: TRY004 - see the line above
                    f"{argument} must be a list of names, not {names!r}"
                )
        if not 0 <= failure_rate <= 1:
            raise ValueError(f"failure_rate must be between 0 and 1, not {failure_rate!r}")
        if isinstance(devices, int):
            if devices < 0:
                raise ValueError(f"a fleet must have zero or more devices, not {devices!r}")
            # Long fleet names are cut so that device names stay within 63 characters.
            stem = name[:56].rstrip("-")
            devices = (f"{stem}-{number:04}" for number in range(1, devices + 1))
        members = dict.fromkeys(devices)
        named = frozenset(failing)
        members |= dict.fromkeys(sorted(named))
        # The same fleet must fail in the same way in every run, so the seed is the name.
        drawn = random.Random(name).sample(  # noqa: S311 - not used for a secret
            sorted(members), round(failure_rate * len(members))
        )
        return cls(name, members, named | frozenset(drawn))

    def select(self, selection: Request, *, strict: bool) -> tuple[str, ...]:
        """Return the devices that a stage's `DeviceSelectionConfig` selects.

        Args:
            selection: The wire form.
            strict: Whether to refuse named devices that the fleet does not have.

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
            return self._by_name(texts(selection, "DeviceNames"), strict=strict)
        part = optional_text(selection, "DeviceNameContains")
        if part is None:
            raise invalid("DeviceNameContains is required when DeviceSubsetType is NAMECONTAINS.")
        return tuple(device for device in self.devices if part in device)

    def add(self, devices: Iterable[str]) -> None:
        """Add devices to the fleet. Devices that it already has keep their position."""
        self.devices |= dict.fromkeys(devices)

    def _by_percentage(self, percentage: int | None) -> tuple[str, ...]:
        if percentage is None or percentage < 1:
            raise invalid(
                "Percentage must be between 1 and 100 when DeviceSubsetType is PERCENTAGE."
            )
        return tuple(self.devices)[: math.ceil(len(self.devices) * percentage / 100)]

    def _by_name(self, names: tuple[str, ...], *, strict: bool) -> tuple[str, ...]:
        if not names:
            raise invalid("DeviceNames is required when DeviceSubsetType is SELECTION.")
        unknown = [device for device in names if device not in self.devices]
        if strict and unknown:
            raise not_found(f"Device {unknown[0]} does not exist in device fleet {self.name}.")
        return tuple(dict.fromkeys(names))
