"""Reads plans page by page."""

from typing import final

from attrs import evolve

from sagemaker_plans._engine.pagination import Fetch, Fetched, Pager, read_pages
from sagemaker_plans._engine.retries import PollRetrier, Retrier
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire import replies
from sagemaker_plans._wire.operations import DESCRIBE_PLAN, paged_request
from sagemaker_plans.models import EdgeDeploymentPlan, Stage, StagePage


@final
class StagePager(Pager[Stage, StagePage]):
    """The stages of a plan. ``async for`` gives one stage after the other.

    A page is read when its first stage is needed.
    """


def _fetcher(
    gateway: Gateway, retrier: Retrier | PollRetrier, name: str, page_size: int | None = None
) -> Fetch[Stage, StagePage]:
    async def fetch(token: str | None) -> Fetched[Stage, StagePage]:
        request = paged_request("EdgeDeploymentPlanName", name, page_size, token)

        async def attempt() -> StagePage:
            return replies.read_as(StagePage, await gateway.call(DESCRIBE_PLAN, request))

        page = await retrier.run(DESCRIBE_PLAN, attempt)
        return Fetched(page=page, items=page.stages, next_token=page.next_token)

    return fetch


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
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        name: The plan's name.
        page_size: How many stages a page has at most; None for the service's default.
        start_token: The token of the page to start at; None for the first page.

    Returns:
        The pager.
    """
    return StagePager(
        _fetcher(gateway, retrier, name, page_size),
        start_token=start_token,
        operation=DESCRIBE_PLAN.name,
        subject=f"plan {name!r}",
    )


async def read_plan(
    gateway: Gateway, retrier: Retrier | PollRetrier, name: str
) -> EdgeDeploymentPlan:
    """Read all pages, and make one plan of them.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        name: The plan's name.

    Returns:
        The plan, with the header of the last page. If a stage came twice, it is there
        once, as it came last.
    """
    pages = await read_pages(_fetcher(gateway, retrier, name), DESCRIBE_PLAN.name)
    stages = {stage.name: stage for page in pages for stage in page.stages}
    return evolve(pages[-1].plan, stages=tuple(stages.values()))
