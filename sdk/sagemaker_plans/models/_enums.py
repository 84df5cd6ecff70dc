"""Enums that accept unknown values, so that a value that AWS adds later can be read."""

from enum import StrEnum
from typing import Self


class OpenEnum(StrEnum):
    """A string enum that turns an unlisted string into a member-like value.

    Such a value compares and hashes like its string, has ``is_unknown`` true, and is
    not among the members when iterating.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        # The new value is not stored, so a server that sends many values costs no memory.
        # Not str(value): for a member of another enum that would be its name, not its value.
        text = str.__str__(value)
        stranger = str.__new__(cls, text)
        stranger._name_ = text
        stranger._value_ = text
        return stranger

    @property
    def is_unknown(self) -> bool:
        """Whether this release does not know the value."""
        return self._name_ not in type(self).__members__

    def __repr__(self) -> str:
        if self.is_unknown:
            return f"<{type(self).__name__} unknown value: {self._value_!r}>"
        return super().__repr__()


class StageStatus(OpenEnum):
    """The state of a stage (values: SageMaker's service model).

    The order of the states is inferred, not documented. A new stage is CREATING, then
    READYTODEPLOY. After a start it is STARTING, then INPROGRESS, then DEPLOYED or FAILED.
    After a stop it is STOPPING, then STOPPED.
    """

    CREATING = "CREATING"
    """The stage is being created and cannot be started yet."""
    READYTODEPLOY = "READYTODEPLOY"
    """The stage can be started. It stays in this state until then."""
    STARTING = "STARTING"
    """A start was accepted."""
    INPROGRESS = "INPROGRESS"
    """Devices are installing the deployment."""
    DEPLOYED = "DEPLOYED"
    """The deployment is done. Terminal."""
    FAILED = "FAILED"
    """The deployment failed. Terminal."""
    STOPPING = "STOPPING"
    """A stop was accepted."""
    STOPPED = "STOPPED"
    """The deployment was stopped. Terminal."""

    @property
    def is_terminal(self) -> bool:
        """Whether the stage keeps this status until it is started again.

        False for an unknown status.
        """
        return self in _TERMINAL


_TERMINAL = frozenset({StageStatus.DEPLOYED, StageStatus.FAILED, StageStatus.STOPPED})


class DeviceSubsetType(OpenEnum):
    """How a stage selects its devices (values: SageMaker's service model)."""

    PERCENTAGE = "PERCENTAGE"
    """A share of the fleet: ``PercentageOfFleet``."""
    SELECTION = "SELECTION"
    """Devices by name: ``NamedDevices``."""
    NAMECONTAINS = "NAMECONTAINS"
    """Devices whose names contain a text: ``NameContains``."""


class FailureHandlingPolicy(OpenEnum):
    """What a device does if a deployment fails on it (values: SageMaker's service model)."""

    ROLLBACK_ON_FAILURE = "ROLLBACK_ON_FAILURE"
    """The device returns to the models that it ran before. AWS's default."""
    DO_NOTHING = "DO_NOTHING"
    """The device stays as it is, for inspection."""
