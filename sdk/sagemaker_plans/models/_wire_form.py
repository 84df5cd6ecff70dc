"""Declares which wire member belongs to which attribute, and converts models to wire and back.

Each attribute declares its member beside its type::

    from attrs import field, frozen
    from sagemaker_plans.models import DeviceCounts
    from sagemaker_plans.models._wire_form import WireModel, spread, wire

    @frozen(kw_only=True)
    class Stage(WireModel):
        name: str = field(metadata=wire("StageName"))
        status: str = field(metadata=wire("DeploymentStatus.StageStatus"))
        devices: DeviceCounts = field(metadata=spread("DeploymentStatus.*InStage"))
        device_fleet_name: str | None = None  # DeviceFleetName

An attribute without a declaration is the member with the same name in CamelCase. A member is
required if the attribute has no default and cannot be None.
"""

from collections.abc import Mapping
from typing import Final, Self

from sagemaker_plans.models._plain import PlainModel

Declaration = Mapping[str, Mapping[str, object]]
"""The declaration of an attribute's wire member, as metadata for attrs."""

KEY: Final = "wire"
"""The key of the declaration in an attribute's metadata."""


def wire(path: str = "", *, required: bool = False) -> Declaration:
    """Declare the wire member of an attribute.

    Args:
        path: AWS's name of the member. If the member is in a nested structure that is not a
            model, the structure's name comes first, as in ``"Outer.Name"``. Empty for the
            attribute's name in CamelCase.
        required: Whether the structure that holds the member requires it, although the
            attribute has a default.

    Returns:
        Metadata for ``attrs.field``.
    """
    return {KEY: {"path": path, "required": required}}


def spread(path: str = "*", *, without: tuple[str, ...] = (), absent: object = None) -> Declaration:
    """Declare that an attribute is a model whose members are not nested on the wire.

    Args:
        path: As for ``wire``; ``*`` stands for the name of each member. ``"*InStage"`` makes
            ``Pending`` the member ``PendingInStage``.
        without: Attributes of the model that are not read and keep their defaults.
        absent: The value of an attribute of the model if its member is missing, but other
            members are there. If this is not None, all members are optional. If none of them
            is there, the model itself is absent.

    Returns:
        Metadata for ``attrs.field``.
    """
    return {KEY: {"path": path, "without": without, "absent": absent}}


def token_or_none(token: str | None) -> str | None:
    """Convert an empty page token to None, because the service means the same by both.

    Args:
        token: The page token in the reply.

    Returns:
        The token; None if it is empty.
    """
    return token or None


class WireModel(PlainModel):
    """A model that has a wire form."""

    __slots__ = ()

    def to_wire(self) -> dict[str, object]:
        """Convert the model to its wire form: AWS's member names, and values ready for JSON.

        AWS has no structure for receipts, choices, changes and reports, which this package makes.
        Their members are named in the same way, so that ``from_wire`` reads them back.

        Returns:
            A new dict. Timestamps are epoch seconds (UTC). Optional members that are None or
            empty are left out.
        """
        # Imported here, because it imports cattrs, which few programs need.
        from sagemaker_plans._wire import converter  # noqa: PLC0415  # see the line above

        return converter.write(self)

    @classmethod
    def from_wire(cls, wire: Mapping[str, object]) -> Self:
        """Read a model from its wire form.

        Args:
            wire: A dict as botocore parses it (timestamps as aware datetimes) or as the JSON
                has it (timestamps as epoch seconds). Unknown members are ignored.

        Returns:
            The model.

        Raises:
            UnexpectedReplyError: If a required member is missing or a value has the
                wrong type; ``problems`` lists each with its path.
            InvalidRequestError: If this is a spec of which the same is true, or one that
                breaks a documented rule of the service.
        """
        from sagemaker_plans._wire import reading  # noqa: PLC0415  # it imports the models

        return reading.read_model(cls, wire)
