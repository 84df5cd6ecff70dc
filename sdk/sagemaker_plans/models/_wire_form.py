"""Where the attributes of a model stand on the wire, and the way there and back.

An attribute says it once, beside its type::

    from attrs import field, frozen
    from sagemaker_plans.models import DeviceCounts
    from sagemaker_plans.models._wire_form import WireModel, spread, wire

    @frozen(kw_only=True)
    class Stage(WireModel):
        name: str = field(metadata=wire("StageName"))
        status: str = field(metadata=wire("DeploymentStatus.StageStatus"))
        devices: DeviceCounts = field(metadata=spread("DeploymentStatus.*InStage"))
        device_fleet_name: str | None = None  # DeviceFleetName

What says nothing is the member of the same name in CamelCase. A member is required if
the attribute has no default and cannot be None.
"""

from collections.abc import Mapping
from typing import Final, Self

Declaration = Mapping[str, Mapping[str, object]]
"""What an attribute says of its place on the wire, as metadata of attrs."""

KEY: Final = "wire"
"""The key that it has among an attribute's metadata."""


def wire(path: str = "", *, required: bool = False) -> Declaration:
    """Say which member an attribute is.

    Args:
        path: AWS's name of the member. A member of a structure that is no model of its own
            has that structure's name before it, such as ``"Outer.Name"``. Empty for the
            attribute's name in CamelCase.
        required: Whether the structure that holds the member requires it, although the
            attribute has a default.

    Returns:
        Metadata for ``attrs.field``.
    """
    return {KEY: {"path": path, "required": required}}


def spread(path: str = "*", *, without: tuple[str, ...] = (), absent: object = None) -> Declaration:
    """Say that the members of an attribute's model stand in the structure around it.

    Args:
        path: As for ``wire``; ``*`` stands for the name of each member. ``"*InStage"`` makes
            ``Pending`` the member ``PendingInStage``.
        without: Attributes of the model that are not read and keep their defaults.
        absent: What an attribute is if its member is left out beside others. If it is given,
            all members are optional, and the model is absent where none of them is there.

    Returns:
        Metadata for ``attrs.field``.
    """
    return {KEY: {"path": path, "without": without, "absent": absent}}


def token_or_none(token: str | None) -> str | None:
    """Take an empty page token for none: the service means the same by both.

    Args:
        token: The token of a page, as the reply has it.

    Returns:
        The token, or None.
    """
    return token or None


class WireModel:
    """A model that has a wire form."""

    __slots__ = ()

    def to_wire(self) -> dict[str, object]:
        """Give the wire form: AWS's member names, JSON-ready values.

        Returns:
            A new dict. Timestamps are epoch seconds (UTC), absent optional members
            are left out.
        """
        # The converter takes 17 ms to import, most of it for cattrs; the whole package takes 80.
        from sagemaker_plans._wire import converter  # noqa: PLC0415

        return converter.write(self)

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
        from sagemaker_plans._wire import converter  # noqa: PLC0415  # see to_wire

        return converter.read_model(cls, wire)
