"""Reading plans and extension histories, page by page, and what is on offer."""

from collections.abc import Mapping
from typing import final

from attrs import evolve

from sagemaker_plans import _replies as replies
from sagemaker_plans._gateway import Gateway
from sagemaker_plans._operations import DESCRIBE_HISTORY, DESCRIBE_PLAN, SEARCH_OFFERINGS
from sagemaker_plans._paging import Fetched, Pager
from sagemaker_plans._retrying import Retrier
from sagemaker_plans.models import (
    EdgeDeploymentPlan,
    ExtensionPage,
    Stage,
    StagePage,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
)


@final
class StagePager(Pager[Stage, StagePage]):
    """The stages of a plan. ``async for`` gives them one by one, page by page."""


@final
class ExtensionPager(Pager[TrainingPlanExtension, ExtensionPage]):
    """The extensions of a training plan. ``async for`` gives them one by one."""


def _request(
    key: str, value: str, page_size: int | None, token: str | None
) -> Mapping[str, object]:
    members = {key: value, "MaxResults": page_size, "NextToken": token}
    return {member: content for member, content in members.items() if content is not None}


def stage_pager(
    gateway: Gateway,
    retrier: Retrier,
    name: str,
    *,
    page_size: int | None = None,
    start_token: str | None = None,
) -> StagePager:
    """Make a pager over a plan's stages.

    Args:
        gateway: Where to ask.
        retrier: How patiently.
        name: The plan's name.
        page_size: How many stages a page has at most.
        start_token: Where to begin.

    Returns:
        The pager.
    """

    async def fetch(token: str | None) -> Fetched[Stage, StagePage]:
        request = _request("EdgeDeploymentPlanName", name, page_size, token)

        async def attempt() -> StagePage:
            return replies.read_stage_page(await gateway.call(DESCRIBE_PLAN, request))

        page = await retrier.run(DESCRIBE_PLAN, attempt)
        return Fetched(page=page, items=page.stages, next_token=page.next_token)

    return StagePager(fetch, start_token=start_token, operation=DESCRIBE_PLAN.name)


async def read_plan(pager: StagePager) -> EdgeDeploymentPlan:
    """Put a plan together from its pages.

    Args:
        pager: Over the plan's stages, from the first.

    Returns:
        The plan: the header of the last page, each stage once in its latest reading.
    """
    stages: dict[str, Stage] = {}
    headers: list[EdgeDeploymentPlan] = []
    async for page in pager.pages():
        headers[:] = [page.plan]
        stages.update((stage.name, stage) for stage in page.stages)
    return evolve(headers[0], stages=tuple(stages.values()))


def extension_pager(
    gateway: Gateway,
    retrier: Retrier,
    training_plan_arn: str,
    *,
    page_size: int | None = None,
    start_token: str | None = None,
) -> ExtensionPager:
    """Make a pager over a training plan's extensions.

    Args:
        gateway: Where to ask.
        retrier: How patiently.
        training_plan_arn: The training plan.
        page_size: How many extensions a page has at most.
        start_token: Where to go on.

    Returns:
        The pager.
    """

    async def fetch(token: str | None) -> Fetched[TrainingPlanExtension, ExtensionPage]:
        request = _request("TrainingPlanArn", training_plan_arn, page_size, token)

        async def attempt() -> ExtensionPage:
            return replies.read_extension_page(await gateway.call(DESCRIBE_HISTORY, request))

        page = await retrier.run(DESCRIBE_HISTORY, attempt)
        return Fetched(page=page, items=page.extensions, next_token=page.next_token)

    return ExtensionPager(fetch, start_token=start_token, operation=DESCRIBE_HISTORY.name)


async def search_offerings(
    gateway: Gateway, retrier: Retrier, arn: str, *, duration_hours: int | None = None
) -> tuple[TrainingPlanExtensionOffering, ...]:
    """Ask what extensions a training plan can have.

    Args:
        gateway: Where to ask.
        retrier: How patiently.
        arn: The training plan.
        duration_hours: Only extensions of this length.

    Returns:
        The offerings, in the service's order.
    """
    request: dict[str, object] = {"TrainingPlanArn": arn}
    if duration_hours is not None:
        request["DurationHours"] = duration_hours

    async def attempt() -> tuple[TrainingPlanExtensionOffering, ...]:
        return replies.read_offerings(await gateway.call(SEARCH_OFFERINGS, request))

    return await retrier.run(SEARCH_OFFERINGS, attempt)
