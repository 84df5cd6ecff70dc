"""Pages and the opaque tokens between them."""

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
    "ListEdgeDeploymentPlans": "EdgeDeploymentPlanSummaries",
    "ListStageDevices": "DeviceDeploymentSummaries",
    "DescribeTrainingPlanExtensionHistory": "TrainingPlanExtensions",
    "ListTrainingPlans": "TrainingPlanSummaries",
}
"""The member that holds a page's items, by operation."""


def token(operation: str, position: int) -> str:
    """Return the token that leads to the item at `position` of an operation's answer."""
    return base64.urlsafe_b64encode(f"{operation}:{position}".encode()).decode()


def start_position(operation: str, request: Request) -> int:
    """Return the position at which the page asked for begins.

    Raises:
        Refusal: The request's `NextToken` was not given out by this operation.
    """
    given = optional_text(request, "NextToken")
    if given is None:
        return 0
    try:
        made_for, _, position = base64.urlsafe_b64decode(given.encode()).decode().partition(":")
    except (binascii.Error, UnicodeError) as error:
        raise invalid("NextToken is not valid.") from error
    if made_for != operation or not (position.isascii() and position.isdigit()):
        raise invalid("NextToken is not valid.")
    return int(position[:18])


def page(
    operation: str, request: Request, items: Sequence[_Item], *, default_size: int
) -> tuple[Sequence[_Item], str | None]:
    """Cut the page that a request asks for out of all items.

    Args:
        operation: The operation that pages.
        request: Its request, read for `NextToken` and `MaxResults`.
        items: Everything there is, in the order of the pages.
        default_size: Items per page where the request has no `MaxResults`.

    Returns:
        The page's items, and the token of the next page or None on the last one.

    Raises:
        Refusal: The token is not one of this operation's, or `MaxResults` is below 1
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
