"""Pages of replies, and the tokens that lead to them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final, TypeVar

from sagemaker_plans.emulator._wire.members import Reply, Request, optional_count, optional_text
from sagemaker_plans.emulator._wire.refusal import invalid

_Item = TypeVar("_Item")

PAGED_MEMBERS: Final = {
    "DescribeEdgeDeploymentPlan": "Stages",
    "ListDeviceFleets": "DeviceFleetSummaries",
    "ListDevices": "DeviceSummaries",
    "ListEdgeDeploymentPlans": "EdgeDeploymentPlanSummaries",
    "ListStageDevices": "DeviceDeploymentSummaries",
    "DescribeTrainingPlanExtensionHistory": "TrainingPlanExtensions",
    "ListTags": "Tags",
    "ListTrainingPlans": "TrainingPlanSummaries",
    "ListUltraServersByReservedCapacity": "UltraServers",
}
"""The member that holds a page's items, by operation."""


def token(operation: str, position: int) -> str:
    """Return the token of the page that begins at `position` of an operation's items."""
    return base64.urlsafe_b64encode(f"{operation}:{position}".encode()).decode()


def start_position(operation: str, request: Request) -> int:
    """Return the position at which the requested page begins.

    Raises:
        Refusal: This operation did not make the request's `NextToken`.
    """
    given = optional_text(request, "NextToken")
    if given is None:
        return 0
    try:
        origin, _, position = base64.urlsafe_b64decode(given.encode()).decode().partition(":")
    except (binascii.Error, UnicodeError) as error:
        raise invalid("NextToken is not valid.") from error
    if origin != operation or not (position.isascii() and position.isdigit()):
        raise invalid("NextToken is not valid.")
    return int(position[:18])


def page(
    operation: str, request: Request, items: Sequence[_Item], *, default_size: int
) -> tuple[Sequence[_Item], str | None]:
    """Return the page that a request asks for.

    Args:
        operation: The operation.
        request: Its request, of which `NextToken` and `MaxResults` are read.
        items: All items, in the order of the pages.
        default_size: The number of items on a page if the request has no `MaxResults`.

    Returns:
        The page's items, and the token of the next page or None on the last one.

    Raises:
        Refusal: This operation did not make the token, or `MaxResults` is below 1
            (the service model has no minimum for some operations).
    """
    size = optional_count(request, "MaxResults")
    if size is None:
        size = default_size
    if size < 1:
        raise invalid(
            f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy "
            "constraint: Member must have value greater than or equal to 1"
        )
    start = start_position(operation, request)
    end = start + size
    return items[start:end], token(operation, end) if end < len(items) else None


def with_token(reply: Reply, next_token: str | None) -> Reply:
    """Return a page's reply with the token of the next page, if there is one."""
    return reply if next_token is None else {**reply, "NextToken": next_token}
