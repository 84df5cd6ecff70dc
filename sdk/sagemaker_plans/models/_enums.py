"""Enums that accept unknown values, so that a value that AWS adds later can be read."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Self, TypeVar, final

EnumT = TypeVar("EnumT")


class _OpenStrEnum(StrEnum):
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


# A type checker takes the members of an enum for all the values that there are: it would accept
# a `match` over them that does nothing with the value of tomorrow, and call the `case _:` that
# does unreachable. So checkers see a class of strings with some known values.
if TYPE_CHECKING:

    class _Known:
        def __get__(self, instance: object, owner: type[EnumT]) -> EnumT: ...

    class _OpenEnumType(type):
        def __iter__(cls: type[EnumT]) -> Iterator[EnumT]: ...
        def __reversed__(cls: type[EnumT]) -> Iterator[EnumT]: ...
        def __len__(cls) -> int: ...
        def __getitem__(cls: type[EnumT], name: str) -> EnumT: ...
        @property
        def __members__(cls: type[EnumT]) -> Mapping[str, EnumT]: ...

    class OpenEnum(str, metaclass=_OpenEnumType):
        """A string enum, to which AWS may add values."""

        __slots__ = ()

        def __new__(cls, value: str) -> Self: ...
        @property
        def name(self) -> str: ...
        @property
        def value(self) -> str: ...
        @property
        def is_unknown(self) -> bool: ...

    def known(value: str) -> _Known: ...

else:
    OpenEnum = _OpenStrEnum
    known = str


@final
class StageStatus(OpenEnum):
    """The state of a stage (values: SageMaker's service model).

    The order of the states is inferred, not documented. A new stage is CREATING, then
    READYTODEPLOY. After a start it is STARTING, then INPROGRESS, then DEPLOYED or FAILED.
    After a stop it is STOPPING, then STOPPED.
    """

    CREATING = known("CREATING")
    """The stage is being created and cannot be started yet."""
    READYTODEPLOY = known("READYTODEPLOY")
    """The stage can be started. It stays in this state until then."""
    STARTING = known("STARTING")
    """A start was accepted."""
    INPROGRESS = known("INPROGRESS")
    """Devices are installing the deployment."""
    DEPLOYED = known("DEPLOYED")
    """The deployment is done. Terminal."""
    FAILED = known("FAILED")
    """The deployment failed. Terminal."""
    STOPPING = known("STOPPING")
    """A stop was accepted."""
    STOPPED = known("STOPPED")
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


@final
class DeviceDeploymentStatus(OpenEnum):
    """The state of a stage's deployment on one device (values: SageMaker's service model)."""

    READYTODEPLOY = known("READYTODEPLOY")
    """The deployment has not begun on this device."""
    INPROGRESS = known("INPROGRESS")
    """The device is installing the deployment."""
    DEPLOYED = known("DEPLOYED")
    """The deployment succeeded on this device."""
    FAILED = known("FAILED")
    """The deployment failed on this device."""
    STOPPING = known("STOPPING")
    """A stop has not reached this device yet."""
    STOPPED = known("STOPPED")
    """The deployment was stopped on this device."""


@final
class DeviceSubsetType(OpenEnum):
    """How a stage selects its devices (values: SageMaker's service model)."""

    PERCENTAGE = known("PERCENTAGE")
    """A share of the fleet: ``PercentageOfFleet``."""
    SELECTION = known("SELECTION")
    """Devices by name: ``NamedDevices``."""
    NAMECONTAINS = known("NAMECONTAINS")
    """Devices whose names contain a text: ``NameContains``."""


@final
class FailureHandlingPolicy(OpenEnum):
    """What a device does if a deployment fails on it (values: SageMaker's service model)."""

    ROLLBACK_ON_FAILURE = known("ROLLBACK_ON_FAILURE")
    """The device returns to the models that it ran before. AWS's default."""
    DO_NOTHING = known("DO_NOTHING")
    """The device stays as it is, for inspection."""


@final
class TrainingPlanStatus(OpenEnum):
    """The state of a training plan (values: SageMaker's service model).

    A plan of two blocks with a gap is Active, Scheduled during the gap, then Active again
    (AWS's documentation).
    """

    PENDING = known("Pending")
    """The plan was bought, and the payment is not through yet."""
    ACTIVE = known("Active")
    """The capacity can be used now."""
    SCHEDULED = known("Scheduled")
    """The plan is paid for, and the capacity can be used later."""
    EXPIRED = known("Expired")
    """The plan is over. Terminal."""
    FAILED = known("Failed")
    """The plan could not be made. Terminal."""

    @property
    def is_terminal(self) -> bool:
        """Whether the plan keeps this status for ever. False for an unknown status."""
        return self in {TrainingPlanStatus.EXPIRED, TrainingPlanStatus.FAILED}


@final
class ReservedCapacityStatus(OpenEnum):
    """The state of a reserved capacity (values: SageMaker's service model)."""

    PENDING = known("Pending")
    """The payment is not through yet."""
    ACTIVE = known("Active")
    """It can be used now."""
    SCHEDULED = known("Scheduled")
    """It can be used later."""
    EXPIRED = known("Expired")
    """It is over."""
    FAILED = known("Failed")
    """It could not be reserved."""


@final
class ReservedCapacityType(OpenEnum):
    """What a reserved capacity consists of (values: SageMaker's service model)."""

    INSTANCE = known("Instance")
    """Single instances."""
    ULTRA_SERVER = known("UltraServer")
    """UltraServers: several instances with one fast network among them."""


@final
class TargetResource(OpenEnum):
    """What a training plan can be used for (values: SageMaker's service model)."""

    TRAINING_JOB = known("training-job")
    """Training jobs. AWS takes the machines away 30 minutes before the end."""
    HYPERPOD_CLUSTER = known("hyperpod-cluster")
    """HyperPod clusters. AWS takes the machines away one hour before the end."""
    ENDPOINT = known("endpoint")
    """Inference endpoints."""
    STUDIO_APPS = known("studio-apps")
    """Apps of SageMaker Studio."""


@final
class UltraServerHealth(OpenEnum):
    """How an UltraServer does (values: SageMaker's service model)."""

    OK = known("OK")
    """It works."""
    IMPAIRED = known("Impaired")
    """Something is broken."""
    INSUFFICIENT_DATA = known("Insufficient-Data")
    """The service does not know."""
