"""Lists plans, and the devices of a stage, page by page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, final, get_args

from attrs import frozen

from sagemaker_plans._engine.pagination import Fetched, Pager
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire import replies
from sagemaker_plans._wire.operations import LIST_PLANS, LIST_STAGE_DEVICES
from sagemaker_plans._wire.values import write_timestamp
from sagemaker_plans.models import (
    EdgeDeploymentPlanSummary,
    PlanSummaryPage,
    StageDevice,
    StageDevicePage,
)
from sagemaker_plans.models import _validation as checks

PlanSortKey = Literal["NAME", "DEVICE_FLEET_NAME", "CREATION_TIME", "LAST_MODIFIED_TIME"]
"""What lists of plans can be sorted by."""
SortOrder = Literal["Ascending", "Descending"]
"""The order of a list."""

LIST_PAGE_SIZE: Final = 100
"""The most items that a page of a list has."""


@final
class PlanSummaryPager(Pager[EdgeDeploymentPlanSummary, PlanSummaryPage]):
    """The plans of a list. ``async for`` gives one plan after the other.

    A page is read when its first plan is needed.
    """


@final
class StageDevicePager(Pager[StageDevice, StageDevicePage]):
    """The devices of a stage. ``async for`` gives one device after the other.

    A page is read when its first device is needed.
    """


@frozen(kw_only=True)
class PlanFilter:
    """Which plans to list, and in which order. None stands for all, or for the service's order."""

    name_contains: str | None
    device_fleet_name_contains: str | None
    created_after: datetime | None
    created_before: datetime | None
    modified_after: datetime | None
    modified_before: datetime | None
    sort_by: PlanSortKey | None
    sort_order: SortOrder | None

    def problems(self) -> list[str]:
        """Check the arguments that were passed.

        Returns:
            Each problem.
        """
        found: list[str] = []
        for name in ("name_contains", "device_fleet_name_contains"):
            if (text := getattr(self, name)) is not None:
                found += checks.part_of_name(name, text)
        for name in ("created_after", "created_before", "modified_after", "modified_before"):
            if (moment := getattr(self, name)) is not None:
                found += checks.aware(name, moment)
        if self.sort_by is not None:
            found += checks.choice("sort_by", self.sort_by, get_args(PlanSortKey))
        if self.sort_order is not None:
            found += checks.choice("sort_order", self.sort_order, get_args(SortOrder))
        return found

    def members(self) -> Mapping[str, object]:
        """Write the members of a request.

        Returns:
            The members; None for what is not asked for.
        """
        return {
            "NameContains": self.name_contains,
            "DeviceFleetNameContains": self.device_fleet_name_contains,
            "CreationTimeAfter": _epoch(self.created_after),
            "CreationTimeBefore": _epoch(self.created_before),
            "LastModifiedTimeAfter": _epoch(self.modified_after),
            "LastModifiedTimeBefore": _epoch(self.modified_before),
            "SortBy": self.sort_by,
            "SortOrder": self.sort_order,
        }


def _epoch(moment: datetime | None) -> int | float | None:
    return None if moment is None else write_timestamp(moment)


def _given(members: Mapping[str, object]) -> Mapping[str, object]:
    return {name: value for name, value in members.items() if value is not None}


def plan_summary_pager(
    gateway: Gateway,
    retrier: Retrier,
    wanted: PlanFilter,
    *,
    page_size: int | None,
    start_token: str | None,
) -> PlanSummaryPager:
    """Make a pager over plans.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        wanted: Which plans to list.
        page_size: How many plans a page has at most; None for the service's default.
        start_token: The token of the page to start at; None for the first page.

    Returns:
        The pager.
    """
    members = wanted.members()

    async def fetch(token: str | None) -> Fetched[EdgeDeploymentPlanSummary, PlanSummaryPage]:
        request = _given({**members, "MaxResults": page_size, "NextToken": token})

        async def attempt() -> PlanSummaryPage:
            return replies.read_as(PlanSummaryPage, await gateway.call(LIST_PLANS, request))

        page = await retrier.run(LIST_PLANS, attempt)
        return Fetched(page=page, items=page.plans, next_token=page.next_token)

    return PlanSummaryPager(fetch, start_token=start_token, operation=LIST_PLANS.name)


def stage_device_pager(
    gateway: Gateway,
    retrier: Retrier,
    plan_name: str,
    stage_name: str,
    *,
    exclude_deployed_in_other_stage: bool | None = None,
    page_size: int | None = None,
    start_token: str | None = None,
) -> StageDevicePager:
    """Make a pager over a stage's devices.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        plan_name: The plan's name.
        stage_name: The stage's name.
        exclude_deployed_in_other_stage: Whether to leave out devices to which another stage
            has deployed; None for the service's default.
        page_size: How many devices a page has at most; None for the service's default.
        start_token: The token of the page to start at; None for the first page.

    Returns:
        The pager.
    """

    async def fetch(token: str | None) -> Fetched[StageDevice, StageDevicePage]:
        request = _given(
            {
                "EdgeDeploymentPlanName": plan_name,
                "StageName": stage_name,
                "ExcludeDevicesDeployedInOtherStage": exclude_deployed_in_other_stage,
                "MaxResults": page_size,
                "NextToken": token,
            }
        )

        async def attempt() -> StageDevicePage:
            return replies.read_as(StageDevicePage, await gateway.call(LIST_STAGE_DEVICES, request))

        page = await retrier.run(LIST_STAGE_DEVICES, attempt)
        return Fetched(page=page, items=page.devices, next_token=page.next_token)

    return StageDevicePager(
        fetch,
        start_token=start_token,
        operation=LIST_STAGE_DEVICES.name,
        subject=f"stage {stage_name!r} of plan {plan_name!r}",
    )
