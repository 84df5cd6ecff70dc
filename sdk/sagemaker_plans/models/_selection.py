"""How a stage selects its devices: one class a way, made for ``match``."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import field, frozen

from sagemaker_plans.models import _validation
from sagemaker_plans.models._enums import DeviceSubsetType
from sagemaker_plans.models._wire_form import WireModel


class DeviceSelectionConfig(WireModel, ABC):
    """The devices of a stage. Use one of its subclasses, and ``match`` on them."""

    __slots__ = ()

    @property
    @abstractmethod
    def device_subset_type(self) -> DeviceSubsetType:
        """The service's name of this way to select."""

    @abstractmethod
    def problems(self, argument: str) -> Iterator[str]:
        """Say why the service would refuse this selection in a request.

        Args:
            argument: What the selection was passed as.

        Yields:
            Each problem: the argument, its value and what is allowed.
        """


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
        """The service's name of this way to select."""
        return DeviceSubsetType.PERCENTAGE

    def problems(self, argument: str) -> Iterator[str]:
        """Say why the service would refuse this selection in a request.

        Args:
            argument: What the selection was passed as.

        Yields:
            Each problem: the argument, its value and what is allowed.
        """
        # The service model has only the upper bound; no stage is for nobody.
        yield from _validation.whole_number(f"{argument}.percentage", self.percentage, 1, 100)


def _device_names(names: Iterable[str]) -> tuple[str, ...]:
    return _validation.as_tuple(names)


@frozen
class NamedDevices(DeviceSelectionConfig):
    """Devices chosen by name.

    Args:
        device_names: The names, at least one.
    """

    device_names: tuple[str, ...] = field(converter=_device_names)
    """The names of the devices."""

    @property
    def device_subset_type(self) -> DeviceSubsetType:
        """The service's name of this way to select."""
        return DeviceSubsetType.SELECTION

    def problems(self, argument: str) -> Iterator[str]:
        """Say why the service would refuse this selection in a request.

        Args:
            argument: What the selection was passed as.

        Yields:
            Each problem: the argument, its value and what is allowed.
        """
        argument = f"{argument}.device_names"
        if self.device_names == ():
            yield f"{argument}: got no device; at least one name is needed"
        yield from _validation.items(argument, self.device_names, _validation.name)


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
        """The service's name of this way to select."""
        return DeviceSubsetType.NAMECONTAINS

    def problems(self, argument: str) -> Iterator[str]:
        """Say why the service would refuse this selection in a request.

        Args:
            argument: What the selection was passed as.

        Yields:
            Each problem: the argument, its value and what is allowed.
        """
        yield from _validation.name(f"{argument}.device_name_contains", self.device_name_contains)


@frozen
class UnrecognizedSelection(DeviceSelectionConfig):
    """A way to select that this release does not know. Met on reading only.

    Args:
        wire: The selection as it came.
    """

    wire: Mapping[str, object] = field(hash=False)
    """The selection as it came, whole."""

    @property
    def device_subset_type(self) -> DeviceSubsetType:
        """The service's name of this way to select."""
        return DeviceSubsetType(str(self.wire.get("DeviceSubsetType", "")))

    def problems(self, argument: str) -> Iterator[str]:
        """Say why this selection cannot be in a request.

        Args:
            argument: What the selection was passed as.

        Yields:
            The one problem.
        """
        yield (
            f"{argument}: got {_validation.shown(self)}, which can be read but not sent; "
            "allowed are PercentageOfFleet, NamedDevices and NameContains"
        )


UNDERSTOOD: Final = (PercentageOfFleet, NamedDevices, NameContains)
"""The ways to select that this release knows; each has one attribute."""
