"""Lists of plans, and of a stage's devices."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edge.books import Book
from harness import MakeClient, a_spec
from sagemaker_plans import (
    DeviceCounts,
    DeviceDeploymentStatus,
    InvalidRequestError,
    NamedDevices,
    ResourceNotFoundError,
    StageSpec,
)
from sagemaker_plans.emulator import Emulator

LIST, DEVICES = "ListEdgeDeploymentPlans", "ListStageDevices"
MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.anyio


async def test_plans_are_listed_as_was_asked(make_client: MakeClient, emulator: Emulator) -> None:
    async with make_client() as client:
        for name in ("spring-a", "spring-b", "autumn", "spring-c"):
            await client.plans.create(a_spec(name))
            emulator.clock.advance(60)
        second = (await client.plans.describe("spring-b")).creation_time
        assert second is not None

        async def names(**wanted: Any) -> list[str]:
            return [plan.name async for plan in client.plans.list(page_size=2, **wanted)]

        assert await names() == ["spring-a", "spring-b", "autumn", "spring-c"]
        assert await names(name_contains="spring", sort_by="NAME", sort_order="Descending") == [
            *("spring-c", "spring-b", "spring-a")
        ]
        assert await names(created_after=second + timedelta(seconds=1)) == ["autumn", "spring-c"]
        assert await names(created_before=second - timedelta(seconds=1)) == ["spring-a"]
        changed = (await client.plans.describe("spring-b")).last_modified_time
        assert await names(modified_after=changed, modified_before=changed) == ["spring-b"]
        assert await names(device_fleet_name_contains="lorries") == []
        summary = (await client.plans.list(name_contains="autumn").collect())[0]
        plan = await client.plans.describe("autumn")

    assert (summary.arn, summary.name, summary.device_fleet_name) == (
        *(plan.arn, plan.name, plan.device_fleet_name),
    )
    assert summary.devices == plan.devices == DeviceCounts(0, 2, 0)
    assert (summary.creation_time, summary.last_modified_time) == (
        *(plan.creation_time, plan.last_modified_time),
    )


async def test_a_list_can_go_on_at_a_page(make_client: MakeClient) -> None:
    async with make_client() as client:
        for number in range(5):
            await client.plans.create(a_spec(f"plan-{number}"))
        pages = [page async for page in client.plans.list(page_size=2).pages()]
        rest = await client.plans.list(page_size=2, start_token=pages[0].next_token).collect()

    assert [len(page.plans) for page in pages] == [2, 2, 1]
    assert [plan.name for plan in rest] == ["plan-2", "plan-3", "plan-4"]


async def test_the_devices_of_a_stage_say_which_failed_and_why(
    make_client: MakeClient, emulator: Emulator
) -> None:
    emulator.add_fleet("cameras", devices=["cam-1", "cam-2", "cam-3"], failing=["cam-2"])
    stage = StageSpec("canary", NamedDevices(["cam-1", "cam-2", "cam-3"]))
    async with make_client() as client:
        await client.plans.create(a_spec(stages=0))
        await client.plans.add_stages("rollout", [stage])
        before = await client.plans.stage_devices("rollout", "canary").collect()
        await client.plans.start_stage("rollout", "canary")
        emulator.clock.advance(600)
        pager = client.plans.stage_devices("rollout", "canary", page_size=1)
        after = {device.name: device async for device in pager}

    assert {device.status for device in before} == {DeviceDeploymentStatus.READYTODEPLOY}
    assert {name: device.status for name, device in after.items()} == {
        "cam-1": DeviceDeploymentStatus.DEPLOYED,
        "cam-2": DeviceDeploymentStatus.FAILED,
        "cam-3": DeviceDeploymentStatus.DEPLOYED,
    }
    failed, good = after["cam-2"], after["cam-1"]
    assert failed.status_message == "The device agent reported a failure."
    assert (good.status_message, good.deployed_stage_name) == (None, "canary")
    assert failed.device_fleet_name == "cameras"
    assert failed.arn.endswith("device-fleet/cameras/device/cam-2")
    assert failed.start_time is not None
    assert (failed.plan_name, failed.stage_name) == ("rollout", "canary")
    assert failed.plan_arn.endswith("edge-deployment/rollout")


async def test_devices_of_other_stages_can_be_left_out(
    make_client: MakeClient, emulator: Emulator
) -> None:
    async with make_client() as client:
        await client.plans.create(a_spec())
        await client.plans.start_stage("rollout", "stage-0")
        emulator.clock.advance(600)
        every = await client.plans.stage_devices("rollout", "stage-1").collect()
        rest = await client.plans.stage_devices(
            "rollout", "stage-1", exclude_deployed_in_other_stage=True
        ).collect()

    assert (len(every), rest) == (1, ())


async def test_the_devices_of_a_stage_that_does_not_exist_are_not_found(
    make_client: MakeClient,
) -> None:
    async with make_client() as client:
        with pytest.raises(ResourceNotFoundError) as caught:
            await client.plans.stage_devices("rollout", "stage-0").collect()

    assert (caught.value.operation, caught.value.next_token) == (DEVICES, None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name_contains": ""}, "allowed are 1 to 63 letters, digits and hyphens"),
        ({"name_contains": "a b"}, "name_contains: got 'a b'"),
        ({"device_fleet_name_contains": 7}, "device_fleet_name_contains: got 7"),
        ({"created_after": MOMENT.replace(tzinfo=None)}, "allowed are datetimes with a time zone"),
        ({"created_before": "yesterday"}, "created_before: got 'yesterday'"),
        ({"modified_after": 5}, "modified_after: got 5"),
        ({"modified_before": MOMENT.date()}, "modified_before"),
        ({"sort_by": "STATUS"}, "allowed are NAME, DEVICE_FLEET_NAME, CREATION_TIME, LAST_"),
        ({"sort_order": "ascending"}, "allowed are Ascending, Descending"),
        ({"page_size": 101}, "allowed are whole numbers from 1 to 100"),
        ({"start_token": ""}, "start_token: got ''"),
    ],
)
async def test_a_list_is_checked_before_anything_is_sent(
    arguments: dict[str, Any], words: str
) -> None:
    book = Book(lambda _: {})

    with pytest.raises(InvalidRequestError) as caught:
        book.plans.list(**arguments)

    assert words in str(caught.value)
    assert caught.value.operation == LIST
    assert book.requests == []


async def test_all_that_is_wrong_with_the_devices_that_are_asked_for_is_told() -> None:
    book = Book(lambda _: {})
    wrong: dict[str, Any] = {"exclude_deployed_in_other_stage": "yes", "page_size": 0}

    with pytest.raises(InvalidRequestError) as caught:
        book.plans.stage_devices("-", "", **wrong)

    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        *("plan_name", "stage_name", "exclude_deployed_in_other_stage", "page_size")
    ]
    assert caught.value.operation == DEVICES
