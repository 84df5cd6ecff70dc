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
        # By identity: the value of tomorrow may be spelled like the name of a member.
        return type(self).__members__.get(self._name_) is not self

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

    @property
    def is_under_way(self) -> bool:
        """Whether the stage is deploying; it was started, and has neither ended nor been stopped.

        False for an unknown status.
        """
        return self in _UNDER_WAY


_TERMINAL = frozenset({StageStatus.DEPLOYED, StageStatus.FAILED, StageStatus.STOPPED})
_UNDER_WAY = frozenset({StageStatus.STARTING, StageStatus.INPROGRESS})


class DeviceDeploymentStatus(OpenEnum):
    """The state of a stage's deployment on one device (values: SageMaker's service model)."""

    READYTODEPLOY = "READYTODEPLOY"
    """The deployment has not begun on this device."""
    INPROGRESS = "INPROGRESS"
    """The device is installing the deployment."""
    DEPLOYED = "DEPLOYED"
    """The deployment succeeded on this device."""
    FAILED = "FAILED"
    """The deployment failed on this device."""
    STOPPING = "STOPPING"
    """A stop has not reached this device yet."""
    STOPPED = "STOPPED"
    """The deployment was stopped on this device."""


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


class TrainingPlanStatus(OpenEnum):
    """The state of a training plan (values: SageMaker's service model).

    A plan of two blocks with a gap is Active, Scheduled during the gap, then Active again
    (AWS's documentation).
    """

    PENDING = "Pending"
    """The plan was bought, and the payment is not through yet."""
    ACTIVE = "Active"
    """The capacity can be used now."""
    SCHEDULED = "Scheduled"
    """The plan is paid for, and the capacity can be used later."""
    EXPIRED = "Expired"
    """The plan is over. Terminal."""
    FAILED = "Failed"
    """The plan could not be made. Terminal."""

    @property
    def is_terminal(self) -> bool:
        """Whether the plan keeps this status for ever. False for an unknown status."""
        return self in {TrainingPlanStatus.EXPIRED, TrainingPlanStatus.FAILED}


class ReservedCapacityStatus(OpenEnum):
    """The state of a reserved capacity (values: SageMaker's service model)."""

    PENDING = "Pending"
    """The payment is not through yet."""
    ACTIVE = "Active"
    """It can be used now."""
    SCHEDULED = "Scheduled"
    """It can be used later."""
    EXPIRED = "Expired"
    """It is over."""
    FAILED = "Failed"
    """It could not be reserved."""


class ReservedCapacityType(OpenEnum):
    """What a reserved capacity consists of (values: SageMaker's service model)."""

    INSTANCE = "Instance"
    """Single instances."""
    ULTRA_SERVER = "UltraServer"
    """UltraServers: several instances with one fast network among them."""


class TargetResource(OpenEnum):
    """What a training plan can be used for (values: SageMaker's service model)."""

    TRAINING_JOB = "training-job"
    """Training jobs. AWS takes the machines away 30 minutes before the end."""
    HYPERPOD_CLUSTER = "hyperpod-cluster"
    """HyperPod clusters. AWS takes the machines away one hour before the end."""
    ENDPOINT = "endpoint"
    """Inference endpoints."""
    STUDIO_APPS = "studio-apps"
    """Apps of SageMaker Studio."""


class UltraServerHealth(OpenEnum):
    """How an UltraServer does (values: SageMaker's service model)."""

    OK = "OK"
    """It works."""
    IMPAIRED = "Impaired"
    """Something is broken."""
    INSUFFICIENT_DATA = "Insufficient-Data"
    """The service does not know."""
