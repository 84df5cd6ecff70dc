"""How a stage selects its devices: one class for each type of selection."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias, cast, final

from attrs import field, frozen

from sagemaker_plans.models import _validation
from sagemaker_plans.models._enums import DeviceSubsetType
from sagemaker_plans.models._wire_form import WireModel


class DeviceSelectionConfig(WireModel, ABC):
    """The selection of a stage's devices. Create its subclasses, and ``match`` on them."""

    __slots__ = ()

    @property
    @abstractmethod
    def device_subset_type(self) -> DeviceSubsetType:
        """The service's name of this type of selection."""

    def to_dict(self) -> dict[str, object]:
        """Convert the selection to plain values, ready for ``json.dumps``.

        Returns:
            A new dict with the service's name of the type and the attributes.
        """
        return {"device_subset_type": str(self.device_subset_type), **super().to_dict()}

    @abstractmethod
    def problems(self, argument: str) -> Iterator[str]:
        """List the service's rules that this selection breaks.

        Args:
            argument: The name of the argument, for messages.

        Yields:
            Each problem: the argument, its value and what is allowed.
        """


@final
@frozen
class PercentageOfFleet(DeviceSelectionConfig):
    """A share of the fleet's devices.

    Args:
        percentage: 1 to 100. How the service rounds is not documented.
    """

    percentage: int
    """The share, in percent."""

    @property
    def device_subset_type(self) -> DeviceSubsetType:
        """The service's name of this type of selection."""
        return DeviceSubsetType.PERCENTAGE

    def problems(self, argument: str) -> Iterator[str]:
        """List the service's rules that this selection breaks.

        Args:
            argument: The name of the argument, for messages.

        Yields:
            Each problem: the argument, its value and what is allowed.
        """
        # The service model has only the upper bound. A stage for 0 % would have no devices.
        yield from _validation.whole_number(f"{argument}.percentage", self.percentage, 1, 100)


def _device_names(names: _validation.Several[str]) -> tuple[str, ...]:
    found: tuple[str, ...] = _validation.as_tuple(names)
    # Refused here and not in a stage, so that the line of the mistake is in the traceback.
    if not isinstance(cast("object", found), tuple):
        problems = _validation.items("device_names", found, _validation.name)
        _validation.raise_for("NamedDevices", problems)
    return found


@final
@frozen
class NamedDevices(DeviceSelectionConfig):
    """Devices chosen by name.

    Args:
        device_names: The names, at least one, as a list or another collection.

    Raises:
        InvalidRequestError: If it is one name, or anything else that is no collection.
    """

    device_names: tuple[str, ...] = field(converter=_device_names)
    """The names of the devices."""

    @property
    def device_subset_type(self) -> DeviceSubsetType:
        """The service's name of this type of selection."""
        return DeviceSubsetType.SELECTION

    def problems(self, argument: str) -> Iterator[str]:
        """List the service's rules that this selection breaks.

        Args:
            argument: The name of the argument, for messages.

        Yields:
            Each problem: the argument, its value and what is allowed.
        """
        argument = f"{argument}.device_names"
        if self.device_names == ():
            yield f"{argument}: got no device; at least one name is needed"
        yield from _validation.items(argument, self.device_names, _validation.name)


@final
@frozen
class NameContains(DeviceSelectionConfig):
    """Devices whose names contain a text.

    Args:
        device_name_contains: The text, in the form of a device's name.
    """

    device_name_contains: str
    """The text that the names contain."""

    @property
    def device_subset_type(self) -> DeviceSubsetType:
        """The service's name of this type of selection."""
        return DeviceSubsetType.NAMECONTAINS

    def problems(self, argument: str) -> Iterator[str]:
        """List the service's rules that this selection breaks.

        Args:
            argument: The name of the argument, for messages.

        Yields:
            Each problem: the argument, its value and what is allowed.
        """
        yield from _validation.name(f"{argument}.device_name_contains", self.device_name_contains)


@final
@frozen
class UnrecognizedSelection(DeviceSelectionConfig):
    """A type of selection that this release does not know. It can be read but not sent.

    Args:
        wire: The selection in wire form, as it was read.
    """

    wire: Mapping[str, object] = field(hash=False)
    """The whole selection in wire form, as it was read."""

    @property
    def device_subset_type(self) -> DeviceSubsetType:
        """The service's name of this type of selection."""
        return DeviceSubsetType(str(self.wire.get("DeviceSubsetType", "")))

    def problems(self, argument: str) -> Iterator[str]:
        """Say that this selection cannot be sent.

        Args:
            argument: The name of the argument, for messages.

        Yields:
            The one problem.
        """
        yield (
            f"{argument}: got {_validation.shown(self)}, which can be read but not sent; "
            "allowed are PercentageOfFleet, NamedDevices and NameContains"
        )


DeviceSelection: TypeAlias = PercentageOfFleet | NamedDevices | NameContains | UnrecognizedSelection
"""What selects the devices of a stage: one of these four, and no other class."""

UNDERSTOOD: Final = (PercentageOfFleet, NamedDevices, NameContains)
"""The types of selection that this release knows; each has one attribute."""
