"""Reads training plans and the capacity behind them, and searches offerings of new plans."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, final, get_args

from sagemaker_plans._engine.pagination import Fetched, Pager, pager_problems
from sagemaker_plans._engine.retries import PollRetrier, Retrier
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire import replies, training_replies
from sagemaker_plans._wire.operations import (
    DESCRIBE_RESERVED_CAPACITY,
    DESCRIBE_TRAINING_PLAN,
    LIST_TRAINING_PLANS,
    LIST_ULTRA_SERVERS,
    SEARCH_OFFERINGS,
    paged_request,
)
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.models import (
    ReservedCapacity,
    TargetResource,
    TrainingPlan,
    TrainingPlanOffering,
    TrainingPlanPage,
    TrainingPlanSortBy,
    TrainingPlanSortOrder,
    TrainingPlanStatus,
    UltraServer,
    UltraServerPage,
)
from sagemaker_plans.models import _training_checks as plan_checks
from sagemaker_plans.models import _validation as checks

MAX_PAGE_SIZE: Final = 100


@final
class TrainingPlanPager(Pager[TrainingPlan, TrainingPlanPage]):
    """Training plans. ``async for`` gives one plan after the other."""


@final
class UltraServerPager(Pager[UltraServer, UltraServerPage]):
    """The UltraServers of a reserved capacity. ``async for`` gives one after the other."""


async def read_training_plan(
    gateway: Gateway,
    retrier: Retrier | PollRetrier,
    name_or_arn: str,
    *,
    hear: Callable[[Reply], None] = lambda _: None,
) -> TrainingPlan:
    """Read a training plan.

    Args:
        gateway: Sends the request.
        retrier: Sends it again after a failure.
        name_or_arn: The plan's name or ARN.
        hear: Called with the reply.

    Returns:
        The plan.
    """

    async def attempt() -> TrainingPlan:
        reply = await gateway.call(DESCRIBE_TRAINING_PLAN, {"TrainingPlanName": name_or_arn})
        hear(reply)
        return replies.read_as(TrainingPlan, reply)

    return await retrier.run(DESCRIBE_TRAINING_PLAN, attempt)


async def search_plan_offerings(
    gateway: Gateway, retrier: Retrier, request: Mapping[str, object]
) -> tuple[TrainingPlanOffering, ...]:
    """Search new training plans.

    Args:
        gateway: Sends the request.
        retrier: Sends it again after a failure.
        request: The members of the request.

    Returns:
        The offerings, in the service's order.
    """

    async def attempt() -> tuple[TrainingPlanOffering, ...]:
        return training_replies.read_plan_offerings(await gateway.call(SEARCH_OFFERINGS, request))

    return await retrier.run(SEARCH_OFFERINGS, attempt)


def _seconds(time: datetime | None) -> int | float | None:
    # Imported here, because it takes 7 ms and few programs filter by time.
    from sagemaker_plans._wire.values import write_timestamp  # noqa: PLC0415  # see above

    return None if time is None else write_timestamp(time)


def _given(members: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}


class TrainingPlanReads:
    """The reads of ``client.training_plans``.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
    """

    def __init__(self, gateway: Gateway, retrier: Retrier) -> None:
        self._gateway = gateway
        self._retrier = retrier

    async def describe(self, name_or_arn: str) -> TrainingPlan:
        """Read a training plan.

        For example::

            plan = await client.training_plans.describe(plan_arn)
            print(plan.status, plan.end_time)

        Args:
            name_or_arn: The plan's name or ARN.

        Returns:
            The plan.

        Raises:
            InvalidRequestError: If it is neither a name nor an ARN of a training plan.
            ResourceNotFoundError: If there is no such plan.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt got a usable reply.
            UnexpectedReplyError: If the reply to every attempt does not fit the model.
        """
        problems = plan_checks.training_plan_name_or_arn("name_or_arn", name_or_arn)
        checks.raise_for("describe", problems, operation=DESCRIBE_TRAINING_PLAN.name)
        return await read_training_plan(self._gateway, self._retrier, name_or_arn)

    def list(
        self,
        *,
        status: TrainingPlanStatus | str | None = None,
        start_after: datetime | None = None,
        start_before: datetime | None = None,
        sort_by: TrainingPlanSortBy | None = None,
        sort_order: TrainingPlanSortOrder | None = None,
        page_size: int | None = None,
        start_token: str | None = None,
    ) -> TrainingPlanPager:
        """List the training plans of the account in the region, page by page.

        For example::

            async for plan in client.training_plans.list(status="Active"):
                print(plan.name, plan.end_time)

        Args:
            status: Only plans in this state; None for all. A text must be a known state; pass
                ``TrainingPlanStatus("...")`` for one that AWS adds later.
            start_after: Only plans that start after this time. It needs a time zone.
            start_before: Only plans that start before this time. It needs a time zone.
            sort_by: By what to sort; None for the service's default.
            sort_order: ``"Ascending"`` or ``"Descending"``; None for the service's default.
            page_size: How many plans a page has at most, 1 to 100; None for the service's
                default.
            start_token: Where to start: the ``next_token`` of a page or of an error. None
                for the first page.

        Returns:
            A pager for ``async for``. Nothing is read before the loop starts. Reading a
            page raises what ``describe`` raises, with ``next_token`` set.

        Raises:
            InvalidRequestError: If an argument is out of range.
        """
        problems = [*pager_problems(page_size, start_token, max_page_size=MAX_PAGE_SIZE)]
        if status is not None:
            problems += checks.known_value("status", status, TrainingPlanStatus)
            if len(str(status)) > plan_checks.MAX_FILTER_VALUE:
                problems.append(
                    f"status: got {checks.shown(status)}; "
                    f"allowed are up to {plan_checks.MAX_FILTER_VALUE} characters"
                )
        for argument, time in (("start_after", start_after), ("start_before", start_before)):
            if time is not None:
                problems += checks.aware(argument, time)
        if sort_by is not None:
            problems += checks.choice("sort_by", sort_by, get_args(TrainingPlanSortBy))
        if sort_order is not None:
            problems += checks.choice("sort_order", sort_order, get_args(TrainingPlanSortOrder))
        checks.raise_for("list", problems, operation=LIST_TRAINING_PLANS.name)
        # Not str(status): for a member of another enum that would be its name.
        filters = None if status is None else [{"Name": "Status", "Value": str.__str__(status)}]
        asked = _given(
            {
                "StartTimeAfter": _seconds(start_after),
                "StartTimeBefore": _seconds(start_before),
                "SortBy": sort_by,
                "SortOrder": sort_order,
                "Filters": filters,
                "MaxResults": page_size,
            }
        )
        gateway, retrier = self._gateway, self._retrier

        async def fetch(token: str | None) -> Fetched[TrainingPlan, TrainingPlanPage]:
            request = asked if token is None else {**asked, "NextToken": token}

            async def attempt() -> TrainingPlanPage:
                reply = await gateway.call(LIST_TRAINING_PLANS, request)
                return replies.read_as(TrainingPlanPage, reply)

            page = await retrier.run(LIST_TRAINING_PLANS, attempt)
            return Fetched(page=page, items=page.training_plans, next_token=page.next_token)

        return TrainingPlanPager(fetch, start_token=start_token, operation=LIST_TRAINING_PLANS.name)

    async def search_offerings(
        self,
        *,
        instance_type: str | None = None,
        instance_count: int | None = None,
        ultra_server_type: str | None = None,
        ultra_server_count: int | None = None,
        start_time_after: datetime | None = None,
        end_time_before: datetime | None = None,
        duration_hours: int | None = None,
        target_resources: checks.Several[TargetResource | str] | None = None,
    ) -> tuple[TrainingPlanOffering, ...]:
        """Find new training plans that can be bought.

        For extensions of a plan that you have, use ``search_extension_offerings``.

        For example::

            offerings = await client.training_plans.search_offerings(
                instance_type="ml.p5.48xlarge", instance_count=2, duration_hours=168
            )

        Args:
            instance_type: The type of the instances, such as ``"ml.p5.48xlarge"``.
            instance_count: How many instances, 0 to 256.
            ultra_server_type: The type of UltraServers, such as ``"ml.u-p6e-gb200x72"``.
            ultra_server_count: How many UltraServers, 1 or more.
            start_time_after: Only plans that start after this time. It needs a time zone.
            end_time_before: Only plans that end before this time. It needs a time zone.
            duration_hours: The length in hours, 1 to 87,600. AWS documents that it is rounded
                up to a multiple of 24.
            target_resources: What the plan is for, such as ``[TargetResource.TRAINING_JOB]``.

        Returns:
            The offerings, in the service's order. AWS documents at most three.

        Raises:
            InvalidRequestError: If an argument is out of range.
            ResourceLimitExceededError: If a quota is used up. The service says so also where
                the quota is 0.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt got a usable reply.
            UnexpectedReplyError: If the reply to every attempt does not fit the model.
        """
        targets = None if target_resources is None else checks.as_tuple(target_resources)
        checked: tuple[tuple[object, Iterable[str]], ...] = (
            (instance_type, checks.text("instance_type", instance_type)),
            (
                instance_count,
                checks.whole_number("instance_count", instance_count, 0, plan_checks.MAX_INSTANCES),
            ),
            (
                ultra_server_type,
                plan_checks.ultra_server_type("ultra_server_type", ultra_server_type),
            ),
            (
                ultra_server_count,
                checks.whole_number(
                    "ultra_server_count", ultra_server_count, 1, plan_checks.MAX_INTEGER
                ),
            ),
            (start_time_after, checks.aware("start_time_after", start_time_after)),
            (end_time_before, checks.aware("end_time_before", end_time_before)),
            (
                duration_hours,
                checks.whole_number("duration_hours", duration_hours, 1, checks.MAX_DURATION_HOURS),
            ),
            (targets, checks.items("target_resources", targets, checks.text)),
        )
        problems = [problem for value, found in checked if value is not None for problem in found]
        if targets == ():
            problems.append("target_resources: got an empty list; one target or more is needed")
        checks.raise_for("search_offerings", problems, operation=SEARCH_OFFERINGS.name)
        request = _given(
            {
                "InstanceType": instance_type,
                "InstanceCount": instance_count,
                "UltraServerType": ultra_server_type,
                "UltraServerCount": ultra_server_count,
                "StartTimeAfter": _seconds(start_time_after),
                "EndTimeBefore": _seconds(end_time_before),
                "DurationHours": duration_hours,
                "TargetResources": targets and [str.__str__(each) for each in targets],
            }
        )

        return await search_plan_offerings(self._gateway, self._retrier, request)

    async def reserved_capacity(self, reserved_capacity_arn: str) -> ReservedCapacity:
        """Read a reserved capacity of a training plan.

        For example::

            plan = await client.training_plans.describe(plan_arn)
            for each in plan.reserved_capacities:
                capacity = await client.training_plans.reserved_capacity(each.arn)

        Args:
            reserved_capacity_arn: Its ARN, as ``TrainingPlan.reserved_capacities`` has it.

        Returns:
            The reserved capacity.

        Raises:
            InvalidRequestError: If it is not the ARN of a reserved capacity.
            ResourceNotFoundError: If there is no such capacity.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt got a usable reply.
            UnexpectedReplyError: If the reply to every attempt does not fit the model.
        """
        operation = DESCRIBE_RESERVED_CAPACITY
        problems = plan_checks.reserved_capacity_arn("reserved_capacity_arn", reserved_capacity_arn)
        checks.raise_for("reserved_capacity", problems, operation=operation.name)

        async def attempt() -> ReservedCapacity:
            request = {"ReservedCapacityArn": reserved_capacity_arn}
            return replies.read_as(ReservedCapacity, await self._gateway.call(operation, request))

        return await self._retrier.run(operation, attempt)

    def ultra_servers(
        self,
        reserved_capacity_arn: str,
        *,
        page_size: int | None = None,
        start_token: str | None = None,
    ) -> UltraServerPager:
        """List the UltraServers of a reserved capacity, with their health, page by page.

        For example::

            plan = await client.training_plans.describe(plan_arn)
            for each in plan.reserved_capacities:
                servers = await client.training_plans.ultra_servers(each.arn).collect()

        Args:
            reserved_capacity_arn: The ARN, as ``TrainingPlan.reserved_capacities`` has it.
            page_size: How many UltraServers a page has at most, 1 to 100; None for the
                service's default, which is 10.
            start_token: Where to start: the ``next_token`` of a page or of an error. None
                for the first page.

        Returns:
            A pager for ``async for``. Nothing is read before the loop starts. Reading a
            page raises what ``reserved_capacity`` raises, with ``next_token`` set.

        Raises:
            InvalidRequestError: If an argument is out of range.
        """
        operation = LIST_ULTRA_SERVERS
        arn = reserved_capacity_arn
        problems = [*plan_checks.reserved_capacity_arn("reserved_capacity_arn", arn)]
        problems += pager_problems(page_size, start_token, max_page_size=MAX_PAGE_SIZE)
        checks.raise_for("ultra_servers", problems, operation=operation.name)
        gateway, retrier = self._gateway, self._retrier

        async def fetch(token: str | None) -> Fetched[UltraServer, UltraServerPage]:
            request = paged_request("ReservedCapacityArn", arn, page_size, token)

            async def attempt() -> UltraServerPage:
                return replies.read_as(UltraServerPage, await gateway.call(operation, request))

            page = await retrier.run(operation, attempt)
            return Fetched(page=page, items=page.ultra_servers, next_token=page.next_token)

        return UltraServerPager(
            fetch, start_token=start_token, operation=operation.name, subject=arn
        )
