"""The reads of ``client.plans``."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from sagemaker_plans._edge.plan_waits import PlanWaits
from sagemaker_plans._edge.reading import StagePager, read_plan, stage_pager
from sagemaker_plans._engine.pagination import pager_problems
from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._engine.retries import PollRetrier, Retrier
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import DESCRIBE_PLAN, LIST_PLANS, LIST_STAGE_DEVICES
from sagemaker_plans.errors._late_import import LateModule
from sagemaker_plans.models import EdgeDeploymentPlan
from sagemaker_plans.models import _validation as checks

if TYPE_CHECKING:
    from sagemaker_plans._edge import listing
    from sagemaker_plans._engine.polls import paced_polls, shared_polls
else:
    # Not every program lists, or waits.
    listing = LateModule("sagemaker_plans._edge.listing")
    paced_polls = LateModule("sagemaker_plans._engine.polls.paced_polls")
    shared_polls = LateModule("sagemaker_plans._engine.polls.shared_polls")

_MAX_PAGE_SIZE: Final = 10


class PlanReads(PlanWaits):
    """The reads and waits of ``client.plans``.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        polling: How often waits poll, unless they get a schedule of their own.
        request_timeout: How long after its deadline a wait gives up, in seconds.
    """

    def __init__(
        self,
        gateway: Gateway,
        retrier: Retrier,
        *,
        polling: PollSchedule,
        request_timeout: float,
    ) -> None:
        self._gateway = gateway
        self._retrier = retrier

        async def read(requests: PollRetrier, name: str) -> EdgeDeploymentPlan:
            return await read_plan(gateway, requests, name)

        def make_polls() -> "shared_polls.SharedPollsByName[EdgeDeploymentPlan]":
            return paced_polls.paced_polls(retrier, read, kind="plan", timeout=request_timeout)

        super().__init__(make_polls, polling, check=retrier.check)

    async def describe(self, name: str) -> EdgeDeploymentPlan:
        """Read a plan with all its stages.

        This reads all pages. The header is that of the last page. The stages are in the
        service's order. If a stage comes twice, the later one is kept.

        For example::

            plan = await client.plans.describe("spring-rollout")
            print(plan.stage("canary").status)

        Args:
            name: The plan's name.

        Returns:
            The plan.

        Raises:
            InvalidRequestError: If the name breaks the rules for names.
            ResourceNotFoundError: If there is no such plan.
            PaginationError: If the service's pages do not come to an end.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt got a usable reply.
            UnexpectedReplyError: If the reply to every attempt does not fit the model.
        """
        checks.raise_for("describe", checks.name("name", name), operation=DESCRIBE_PLAN.name)
        return await read_plan(self._gateway, self._retrier, name)

    def stages(
        self, name: str, *, page_size: int | None = None, start_token: str | None = None
    ) -> StagePager:
        """Read a plan's stages page by page, each page when it is needed.

        For example::

            async for stage in client.plans.stages("spring-rollout"):
                print(stage.name, stage.status)

        Args:
            name: The plan's name.
            page_size: How many stages a page has at most, 1 to 10; None for the service's
                default.
            start_token: Where to start: the ``next_token`` of a page or of an error. None
                for the first page.

        Returns:
            A pager for ``async for``. Nothing is read before the loop starts. Reading a
            page raises what ``describe`` raises, with ``next_token`` set.

        Raises:
            InvalidRequestError: If an argument is out of range.
        """
        problems = [
            *checks.name("name", name),
            *pager_problems(page_size, start_token, max_page_size=_MAX_PAGE_SIZE),
        ]
        checks.raise_for("stages", problems, operation=DESCRIBE_PLAN.name)
        return stage_pager(
            self._gateway, self._retrier, name, page_size=page_size, start_token=start_token
        )

    def list(
        self,
        *,
        name_contains: str | None = None,
        device_fleet_name_contains: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        modified_after: datetime | None = None,
        modified_before: datetime | None = None,
        sort_by: "listing.PlanSortKey | None" = None,
        sort_order: "listing.SortOrder | None" = None,
        page_size: int | None = None,
        start_token: str | None = None,
    ) -> "listing.PlanSummaryPager":
        """List plans page by page, each page when it is needed.

        For example::

            async for plan in client.plans.list(name_contains="rollout", sort_by="NAME"):
                print(plan.name, plan.devices.failed)

        Args:
            name_contains: Only plans whose name contains this; None for any name.
            device_fleet_name_contains: Only plans whose fleet's name contains this.
            created_after: Only plans created then or later. It needs a time zone.
            created_before: Only plans created then or earlier. It needs a time zone.
            modified_after: Only plans last changed then or later. It needs a time zone.
            modified_before: Only plans last changed then or earlier. It needs a time zone.
            sort_by: ``"NAME"``, ``"DEVICE_FLEET_NAME"``, ``"CREATION_TIME"`` or
                ``"LAST_MODIFIED_TIME"``; None for the service's default.
            sort_order: ``"Ascending"`` or ``"Descending"``; None for the service's default.
            page_size: How many plans a page has at most, 1 to 100; None for the service's
                default.
            start_token: Where to start: the ``next_token`` of a page or of an error. None
                for the first page.

        Returns:
            A pager for ``async for``. Nothing is read before the loop starts. Reading a
            page raises ServiceError, ConnectionFailedError, UnexpectedReplyError or
            PaginationError, with ``next_token`` set.

        Raises:
            InvalidRequestError: If an argument is out of range.
        """
        wanted = listing.PlanFilter(
            name_contains=name_contains,
            device_fleet_name_contains=device_fleet_name_contains,
            created_after=created_after,
            created_before=created_before,
            modified_after=modified_after,
            modified_before=modified_before,
            sort_by=sort_by,
            sort_order=sort_order,
        )
        problems = [
            *wanted.problems(),
            *pager_problems(page_size, start_token, max_page_size=listing.LIST_PAGE_SIZE),
        ]
        checks.raise_for("list", problems, operation=LIST_PLANS.name)
        return listing.plan_summary_pager(
            self._gateway, self._retrier, wanted, page_size=page_size, start_token=start_token
        )

    def stage_devices(
        self,
        plan_name: str,
        stage_name: str,
        *,
        exclude_deployed_in_other_stage: bool | None = None,
        page_size: int | None = None,
        start_token: str | None = None,
    ) -> "listing.StageDevicePager":
        """Read the devices of a stage: which of them failed, and why.

        For example::

            async for device in client.plans.stage_devices("spring-rollout", "canary"):
                print(device.name, device.status, device.status_message)

        Args:
            plan_name: The plan's name.
            stage_name: The stage's name.
            exclude_deployed_in_other_stage: Whether to leave out devices to which another
                stage has deployed; None for the service's default.
            page_size: How many devices a page has at most, 1 to 100; None for the
                service's default.
            start_token: Where to start: the ``next_token`` of a page or of an error. None
                for the first page.

        Returns:
            A pager for ``async for``. Nothing is read before the loop starts. Reading a
            page raises what ``describe`` raises, with ``next_token`` set.

        Raises:
            InvalidRequestError: If an argument is out of range.
        """
        problems = [
            *checks.name("plan_name", plan_name),
            *checks.name("stage_name", stage_name),
            *checks.flag("exclude_deployed_in_other_stage", exclude_deployed_in_other_stage),
            *pager_problems(page_size, start_token, max_page_size=listing.LIST_PAGE_SIZE),
        ]
        checks.raise_for("stage_devices", problems, operation=LIST_STAGE_DEVICES.name)
        return listing.stage_device_pager(
            self._gateway,
            self._retrier,
            plan_name,
            stage_name,
            exclude_deployed_in_other_stage=exclude_deployed_in_other_stage,
            page_size=page_size,
            start_token=start_token,
        )
