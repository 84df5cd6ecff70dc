"""What polls bring, and what waiters want of it."""

from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

from sagemaker_plans.errors import SageMakerPlansError

V = TypeVar("V")
V_contra = TypeVar("V_contra", contravariant=True)


class Interest(Protocol[V_contra]):
    """What a waiter wants to see. Equal ones are asked once for all; so they are hashable."""

    def needs(self, value: V_contra, /) -> bool:
        """Tell whether a waiter must see this reading."""
        ...

    def is_close(self, value: V_contra, /) -> bool:
        """Tell whether what is waited for is close, so that polls come closer too."""
        ...


class PollTurn(NamedTuple):
    """When a poll is due, for what sends its requests."""

    due: float
    """The time on the event loop's clock. A poll that was throttled keeps it."""
    every: float
    """Seconds until the next poll, as planned now."""
    give_up_at: float
    """From this time on a throttle ends the poll."""
    begin: Callable[[], None]
    """Whoever reads calls this when it requests the first page, again at each attempt."""


class Reading(NamedTuple, Generic[V]):
    """The result of one poll."""

    number: int
    """The number of the poll, from 1."""
    began: float
    ended: float
    value: V | None
    """What was read; None if the poll failed."""
    error: SageMakerPlansError | None
    """Why the poll failed; None if it did not."""
    before: V | None
    """What the last poll that did not fail had read; None if there was none."""

    @property
    def good_value(self) -> V:
        """What was read, if the poll did not fail."""
        assert self.value is not None
        return self.value
