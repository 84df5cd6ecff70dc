"""Training plans over real sockets: read, listed, searched, and what is behind them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from harness import MakeClient
from sagemaker_plans import (
    ReservedCapacity,
    ReservedCapacityStatus,
    ReservedCapacityType,
    ResourceNotFoundError,
    TargetResource,
    TrainingPlanPage,
    TrainingPlanStatus,
    UltraServerHealth,
    UltraServerPage,
    ValidationError,
)
from sagemaker_plans.emulator import Emulator

pytestmark = pytest.mark.anyio

ULTRA: Any = {
    "instance_type": "ml.p6e-gb200.36xlarge",
    "instance_count": 36,
    "ultra_server_type": "ml.u-p6e-gb200x72",
    "ultra_server_count": 2,
}


async def test_a_plan_is_read_by_its_name_and_by_its_arn(
    make_client: MakeClient, emulator: Emulator
) -> None:
    async with make_client() as client:
        by_arn = await client.training_plans.describe(emulator.training_plan_arn)
        by_name = await client.training_plans.describe("demo-plan")

    assert by_arn == by_name
    assert by_arn.arn == emulator.training_plan_arn
    assert by_arn.name == "demo-plan"
    assert by_arn.status is TrainingPlanStatus.ACTIVE
    assert by_arn.duration == timedelta(hours=720)
    assert by_arn.start_time is not None
    assert by_arn.end_time == by_arn.start_time + timedelta(hours=720)
    assert by_arn.upfront_fee == Decimal("98765.00")
    assert by_arn.upfront_fee_text == "98765.00"
    assert by_arn.target_resources == (TargetResource.TRAINING_JOB,)
    assert by_arn.usable_until() == by_arn.start_time + timedelta(hours=719, minutes=30)
    assert by_arn.unhealthy_instance_count == 0
    (capacity,) = by_arn.reserved_capacities
    assert capacity.type is ReservedCapacityType.INSTANCE
    assert capacity.status is ReservedCapacityStatus.ACTIVE


async def test_a_plan_that_is_not_there_is_not_found(make_client: MakeClient) -> None:
    async with make_client() as client:
        with pytest.raises(ResourceNotFoundError, match="nobody"):
            await client.training_plans.describe("nobody")


async def test_plans_are_listed_page_by_page(make_client: MakeClient, emulator: Emulator) -> None:
    for number in range(3):
        emulator.add_training_plan(f"plan-{number}", start_in_hours=24.0 * (number + 1))
    async with make_client() as client:
        pager = client.training_plans.list(page_size=3, sort_by="TrainingPlanName")
        listed = [plan.name async for plan in pager]
        pages = [page async for page in pager.pages()]
        token = pages[0].next_token
        rest = await client.training_plans.list(
            page_size=3, sort_by="TrainingPlanName", start_token=token
        ).collect()

    assert listed == ["demo-plan", "plan-0", "plan-1", "plan-2"]
    assert [type(page) for page in pages] == [TrainingPlanPage] * 2
    assert [len(page.training_plans) for page in pages] == [3, 1]
    assert [plan.name for plan in rest] == ["plan-2"]


async def test_a_list_has_the_same_members_as_a_description_but_two(
    make_client: MakeClient, emulator: Emulator
) -> None:
    del emulator
    async with make_client() as client:
        (listed,) = await client.training_plans.list().collect()
        described = await client.training_plans.describe("demo-plan")

    assert listed.unhealthy_instance_count is None
    assert listed.available_spare_instance_count is None
    wire = described.to_wire()
    del wire["UnhealthyInstanceCount"], wire["AvailableSpareInstanceCount"]
    assert listed.to_wire() == wire


async def test_a_list_is_filtered_and_sorted(make_client: MakeClient, emulator: Emulator) -> None:
    for name, hours in (("soon", 24.0), ("later", 48.0), ("long-ago", -4800.0)):
        emulator.add_training_plan(name, start_in_hours=hours)
    emulator.add_training_plan("elsewhere", region="eu-west-1")
    now = datetime.fromtimestamp(emulator.clock.now(), UTC)
    async with make_client() as client:
        plans = client.training_plans

        async def names(**asked: Any) -> list[str]:
            return [plan.name async for plan in plans.list(**asked)]

        assert await names(status=TrainingPlanStatus.SCHEDULED) == ["soon", "later"]
        assert await names(status="Expired") == ["long-ago"]
        assert await names(start_after=now) == ["soon", "later"]
        assert await names(start_before=now) == ["long-ago", "demo-plan"]
        assert await names(start_after=now, start_before=now + timedelta(hours=25)) == ["soon"]
        assert await names(sort_by="StartTime", sort_order="Descending") == [
            *("later", "soon", "demo-plan", "long-ago")
        ]


async def test_new_plans_are_searched(make_client: MakeClient, emulator: Emulator) -> None:
    single = emulator.add_plan_offering(duration_hours=72, upfront_fee="10.50")
    ultra = emulator.add_plan_offering(
        start_in_hours=48, target_resources=["hyperpod-cluster"], **ULTRA
    )
    now = datetime.fromtimestamp(emulator.clock.now(), UTC)
    async with make_client() as client:
        search = client.training_plans.search_offerings
        (found,) = await search(
            instance_type="ml.p5.48xlarge",
            instance_count=2,
            start_time_after=now - timedelta(hours=1),
            end_time_before=now + timedelta(days=4),
            duration_hours=70,
            target_resources=[TargetResource.TRAINING_JOB],
        )
        by_ultra_servers = await search(
            ultra_server_type="ml.u-p6e-gb200x72",
            ultra_server_count=2,
            duration_hours=168,
            target_resources=("hyperpod-cluster",),
        )
        everything = await search()

    assert found.offering_id == single
    assert found.duration == timedelta(hours=72)
    assert (found.upfront_fee, found.currency_code) == (Decimal("10.50"), "USD")
    assert found.target_resources == (TargetResource.TRAINING_JOB,)
    assert found.requested_end_time_before is not None
    (block,) = found.reserved_capacity_offerings
    assert (block.instance_type, block.instance_count) == ("ml.p5.48xlarge", 2)
    assert [each.offering_id for each in by_ultra_servers] == [ultra]
    (servers,) = by_ultra_servers[0].reserved_capacity_offerings
    assert servers.type is ReservedCapacityType.ULTRA_SERVER
    assert (servers.ultra_server_count, servers.instance_count) == (2, 36)
    assert len(everything) == 3  # as many as a search gives


async def test_the_capacity_behind_a_plan_is_read(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.add_training_plan("big", spare_instances=1, impaired_ultra_servers=1, **ULTRA)
    async with make_client() as client:
        plan = await client.training_plans.describe("big")
        (block,) = plan.reserved_capacities
        capacity = await client.training_plans.reserved_capacity(block.arn)
        pager = client.training_plans.ultra_servers(block.arn, page_size=1)
        servers = [server async for server in pager]
        pages = [page async for page in pager.pages()]
        rest = await client.training_plans.ultra_servers(
            block.arn, start_token=pages[0].next_token
        ).collect()

    assert plan.total_ultra_server_count == 2
    assert (plan.unhealthy_instance_count, plan.available_spare_instance_count) == (1, 1)
    assert isinstance(capacity, ReservedCapacity)
    assert (capacity.arn, capacity.total_instance_count) == (block.arn, 36)
    assert capacity.ultra_server_summary is not None
    assert capacity.ultra_server_summary.count == 2
    assert capacity.ultra_server_summary.unhealthy_instance_count == 1
    assert [server.health_status for server in servers] == [
        UltraServerHealth.IMPAIRED,
        UltraServerHealth.OK,
    ]
    assert [server.available_spare_instance_count for server in servers] == [0, 1]
    assert [type(page) for page in pages] == [UltraServerPage] * 2
    assert rest == (servers[1],)


async def test_capacity_that_is_not_there_is_not_found(
    make_client: MakeClient, emulator: Emulator
) -> None:
    arn = emulator.training_plan_arn.replace("training-plan/demo", "reserved-capacity/nobody")
    async with make_client() as client:
        with pytest.raises(ResourceNotFoundError):
            await client.training_plans.reserved_capacity(arn)
        with pytest.raises(ResourceNotFoundError) as caught:
            await client.training_plans.ultra_servers(arn, start_token="t").collect()

    assert caught.value.next_token == "t"


async def test_a_token_of_another_list_is_refused_by_the_service(
    make_client: MakeClient,
) -> None:
    async with make_client() as client:
        with pytest.raises(ValidationError) as caught:
            await client.training_plans.list(start_token="dA==").collect()

    assert caught.value.next_token == "dA=="


async def test_an_extension_that_was_bought_is_waited_for(
    make_client: MakeClient, emulator: Emulator
) -> None:
    arn = emulator.training_plan_arn
    async with make_client() as client:
        before = await client.training_plans.describe(arn)
        receipt = await client.training_plans.extend("tpeo-0123456789abcdef", training_plan_arn=arn)
        extension = await client.training_plans.wait_until_extended(
            arn, receipt.extension.offering_id, timeout=60
        )
        after = await client.training_plans.wait_until_active("demo-plan", timeout=60)

    assert extension.payment_status == "Completed"
    assert before.end_time is not None
    assert after.end_time == extension.end_date == before.end_time + timedelta(hours=24)
