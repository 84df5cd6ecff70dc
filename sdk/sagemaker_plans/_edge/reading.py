"""Reads plans page by page."""

from typing import final

from attrs import evolve

from sagemaker_plans._engine.pagination import Fetched, Pager
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


def stage_pager(
    gateway: Gateway,
    retrier: Retrier | PollRetrier,
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

    async def fetch(token: str | None) -> Fetched[Stage, StagePage]:
        request = paged_request("EdgeDeploymentPlanName", name, page_size, token)

        async def attempt() -> StagePage:
            return replies.read_as(StagePage, await gateway.call(DESCRIBE_PLAN, request))

        page = await retrier.run(DESCRIBE_PLAN, attempt)
        return Fetched(page=page, items=page.stages, next_token=page.next_token)

    return StagePager(
        fetch,
        start_token=start_token,
        operation=DESCRIBE_PLAN.name,
        subject=f"plan {name!r}",
    )


async def read_plan(pager: StagePager) -> EdgeDeploymentPlan:
    """Read all pages, and make one plan of them.

    Args:
        pager: A pager over the plan's stages that starts at the first page.

    Returns:
        The plan, with the header of the last page. If a stage came twice, it is there
        once, as it came last.
    """
    stages: dict[str, Stage] = {}
    headers: list[EdgeDeploymentPlan] = []
    async for page in pager.pages():
        headers[:] = [page.plan]
        stages.update((stage.name, stage) for stage in page.stages)
    return evolve(headers[0], stages=tuple(stages.values()))
