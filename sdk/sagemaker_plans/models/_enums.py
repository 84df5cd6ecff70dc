"""Enums that stay open: a value that AWS adds tomorrow is read, not refused."""

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
        # Not kept anywhere: a server that sends ever new values costs no memory.
        # The plain text, also of a member of another enum.
        text = str.__str__(value)
        stranger = str.__new__(cls, text)
        stranger._name_ = text
        stranger._value_ = text
        return stranger

    @property
    def is_unknown(self) -> bool:
        """Whether this value was not known when this package was released."""
        return self._name_ not in type(self).__members__

    def __repr__(self) -> str:
        if self.is_unknown:
            return f"<{type(self).__name__} unknown value: {self._value_!r}>"
        return super().__repr__()


class StageStatus(OpenEnum):
    """The state of a stage (values: SageMaker's service model).

    The way through them is inferred, not documented: CREATING, READYTODEPLOY, then
    after a start STARTING, INPROGRESS and DEPLOYED or FAILED; after a stop STOPPING
    and STOPPED.
    """

    CREATING = "CREATING"
    """The stage is being made and cannot be started yet."""
    READYTODEPLOY = "READYTODEPLOY"
    """The stage waits to be started; it never moves on by itself."""
    STARTING = "STARTING"
    """A start was accepted."""
    INPROGRESS = "INPROGRESS"
    """Devices are picking the deployment up."""
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
        """Whether the stage stays as it is unless somebody starts it again.

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
    """What happens on a device where a deployment fails (values: service model)."""

    ROLLBACK_ON_FAILURE = "ROLLBACK_ON_FAILURE"
    """The device goes back to what it ran before. AWS's default."""
    DO_NOTHING = "DO_NOTHING"
    """The device stays as it is, for inspection."""
