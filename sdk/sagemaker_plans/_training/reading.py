"""Reads the extension history of a training plan, and searches offerings for it."""

from collections.abc import Callable
from typing import final

from sagemaker_plans._engine.pagination import Fetched, Pager
from sagemaker_plans._engine.retries import PollRetrier, Retrier
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire import replies, training_replies
from sagemaker_plans._wire.operations import DESCRIBE_HISTORY, SEARCH_OFFERINGS, paged_request
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.models import (
    ExtensionPage,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
)


@final
class ExtensionPager(Pager[TrainingPlanExtension, ExtensionPage]):
    """The extensions of a training plan. ``async for`` gives one extension after the other."""


def extension_pager(
    gateway: Gateway,
    retrier: Retrier | PollRetrier,
    training_plan_arn: str,
    *,
    page_size: int | None = None,
    start_token: str | None = None,
    hear: Callable[[Reply], None] = lambda _: None,
) -> ExtensionPager:
    """Make a pager over a training plan's extensions.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        training_plan_arn: The training plan.
        page_size: How many extensions a page has at most; None for the service's default.
        start_token: The token of the page to start at; None for the first page.
        hear: Called with each reply.

    Returns:
        The pager.
    """

    async def fetch(token: str | None) -> Fetched[TrainingPlanExtension, ExtensionPage]:
        request = paged_request("TrainingPlanArn", training_plan_arn, page_size, token)

        async def attempt() -> ExtensionPage:
            reply = await gateway.call(DESCRIBE_HISTORY, request)
            hear(reply)
            return replies.read_as(ExtensionPage, reply)

        page = await retrier.run(DESCRIBE_HISTORY, attempt)
        return Fetched(page=page, items=page.extensions, next_token=page.next_token)

    return ExtensionPager(
        fetch,
        start_token=start_token,
        operation=DESCRIBE_HISTORY.name,
        subject=training_plan_arn,
    )


async def search_offerings(
    gateway: Gateway, retrier: Retrier, arn: str, *, duration_hours: int | None = None
) -> tuple[TrainingPlanExtensionOffering, ...]:
    """Search the extension offerings for a training plan.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        arn: The ARN of the training plan.
        duration_hours: Only extensions of this length, in hours; None for all lengths.

    Returns:
        The offerings, in the service's order.
    """
    request: dict[str, object] = {"TrainingPlanArn": arn}
    if duration_hours is not None:
        request["DurationHours"] = duration_hours

    async def attempt() -> tuple[TrainingPlanExtensionOffering, ...]:
        return training_replies.read_offerings(await gateway.call(SEARCH_OFFERINGS, request))

    return await retrier.run(SEARCH_OFFERINGS, attempt)
