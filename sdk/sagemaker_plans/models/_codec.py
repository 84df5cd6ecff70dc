"""The door through which models reach their wire form.

Models lie below the wire layer and must not import it, so the package tells them where
to find it, once one of them is written or read.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, Self, TypeVar

M = TypeVar("M", bound="WireModel")


class Codec(Protocol):
    """What the wire layer does for a model."""

    def read(self, model: type[M], wire: Mapping[str, object]) -> M:
        """Read a model from its wire form.

        Args:
            model: The class to read.
            wire: The wire form.

        Returns:
            The model.
        """
        ...

    def write(self, model: "WireModel") -> dict[str, object]:
        """Write a model to its wire form.

        Args:
            model: What to write.

        Returns:
            The wire form, ready for JSON.
        """
        ...


_find: list[Callable[[], Codec]] = []


def install(find: Callable[[], Codec]) -> None:
    """Set the codec that all models use from now on.

    Args:
        find: Gives the wire layer's codec; called at each use.
    """
    _find[:] = [find]


class WireModel:
    """A model that has a wire form."""

    __slots__ = ()

    def to_wire(self) -> dict[str, object]:
        """Give the wire form: AWS's member names, JSON-ready values.

        Returns:
            A new dict. Timestamps are epoch seconds (UTC), absent optional members
            are left out.
        """
        return _find[0]().write(self)

    @classmethod
    def from_wire(cls, wire: Mapping[str, object]) -> Self:
        """Read the wire form.

        Args:
            wire: A dict as botocore parses it (timestamps as aware datetimes) or as
                the JSON has it (timestamps as epoch seconds). Members that AWS adds
                later are ignored.

        Returns:
            The model.

        Raises:
            UnexpectedReplyError: If a required member is missing or a value has the
                wrong type; ``problems`` lists each with its path.
            InvalidRequestError: If a spec is read that the service would refuse.
        """
        return _find[0]().read(cls, wire)
