"""Whole rollouts against the emulator's state, in virtual time."""

from collections import Counter

import anyio
import pytest

from harness import a_spec
from sagemaker_plans import (
    PollSchedule,
    ResourceNotFoundError,
    StageFailedError,
    StageStoppedError,
    WaitTimeoutError,
)
from sagemaker_plans.emulator import Timings
from waiting.virtual_plans import plans_kept, plans_of, virtually
from waiting.virtual_service import VirtualService

PLANS = 1_000
STAGES = 10

# A device every three minutes: a stage takes half an hour.
LIKE_REAL_ONES = Timings(
    creating=40, starting=60, device_report=180, report_spread=1740, stopping=60
)


@virtually
async def test_stage_after_stage_is_rolled_out_over_hours() -> None:
    service = VirtualService(LIKE_REAL_ONES)
    service.state.add_fleet("cameras", devices=100)
    plans = plans_of(service)
    await plans.create(a_spec(stages=3))
    await plans.wait_until_stage_ready("rollout", "stage-0", timeout=60)

    for stage in ("stage-0", "stage-1", "stage-2"):
        await plans.start_stage("rollout", stage)
        deployed = await plans.wait_until_stage_deployed("rollout", stage, timeout=3600)
        assert deployed.devices.succeeded == 10

    assert (await plans.wait_until_deployed("rollout", timeout=0)).is_finished
    assert 5_400 <= anyio.current_time() < 3 * (1_800 + 15) + 60


@virtually
async def test_a_watch_sees_every_stage_of_a_rollout_through() -> None:
    service = VirtualService(LIKE_REAL_ONES)
    service.state.add_fleet("cameras", devices=100)
    plans = plans_of(service)
    await plans.create(a_spec(stages=2))
    ways: dict[str, list[str]] = {"stage-0": [], "stage-1": []}

    async def start(stage: str) -> None:
        await plans.wait_until_stage_ready("rollout", stage, timeout=60)
        await plans.start_stage("rollout", stage)

    async with anyio.create_task_group() as tasks:
        for stage in ways:
            tasks.start_soon(start, stage)
        async for change in plans.watch("rollout", timeout=7200):
            way = ways[change.stage.name]
            if change.stage.status not in way:
                way.append(change.stage.status)

    assert ways["stage-0"] == ways["stage-1"]
    assert ways["stage-0"][0] == "CREATING"
    assert ways["stage-0"][-3:] == ["STARTING", "INPROGRESS", "DEPLOYED"]


@virtually
async def test_a_stage_that_is_stopped_can_be_started_and_waited_for_again() -> None:
    service = VirtualService(LIKE_REAL_ONES)
    plans = plans_of(service)
    await plans.create(a_spec(stages=1))
    await plans.wait_until_stage_ready("rollout", "stage-0", timeout=60)
    await plans.start_stage("rollout", "stage-0")
    await anyio.sleep(20)
    await plans.stop_stage("rollout", "stage-0")
    with pytest.raises(StageStoppedError):
        await plans.wait_until_stage_deployed("rollout", "stage-0", timeout=3600)

    await plans.start_stage("rollout", "stage-0")

    await plans.wait_until_stage_deployed("rollout", "stage-0", timeout=3600)


@virtually
async def test_a_stage_that_failed_can_be_started_and_waited_for_again() -> None:
    service = VirtualService(LIKE_REAL_ONES)
    service.state.add_fleet("cameras", devices=["a"], failing=["a"])
    plans = plans_of(service)
    await plans.create(a_spec(stages=1))
    await plans.wait_until_stage_ready("rollout", "stage-0", timeout=60)
    await plans.start_stage("rollout", "stage-0")
    with pytest.raises(StageFailedError, match="1 of 1 devices failed"):
        await plans.wait_until_stage_deployed("rollout", "stage-0", timeout=3600)

    service.state.add_fleet("cameras", devices=["a"])
    await plans.start_stage("rollout", "stage-0")

    await plans.wait_until_stage_deployed("rollout", "stage-0", timeout=3600)


@virtually
async def test_a_plan_that_is_deleted_ends_all_who_wait_for_it() -> None:
    service = VirtualService(LIKE_REAL_ONES)
    plans = plans_of(service)
    await plans.create(a_spec(stages=10))

    async def wait(stage: str) -> None:
        with pytest.raises(ResourceNotFoundError, match="does not exist"):
            await plans.wait_until_stage_deployed("rollout", stage, timeout=None)

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(wait, f"stage-{number}")
        await anyio.sleep(20)
        service.state.handle("DeleteEdgeDeploymentPlan", {"EdgeDeploymentPlanName": "rollout"})

    assert anyio.current_time() == 30


@pytest.mark.exhaustive
@virtually
async def test_ten_thousand_waits_on_a_thousand_plans_cost_one_request_a_plan_and_interval() -> (
    None
):
    service = VirtualService(Timings(starting=60, device_report=60, report_spread=600))
    plans = plans_of(service, polling=PollSchedule(interval=900, max_interval=900))
    names = [f"rollout-{number}" for number in range(PLANS)]
    ends: Counter[str] = Counter()
    for name in names:
        service.state.handle("CreateEdgeDeploymentPlan", a_spec(name, stages=STAGES).to_wire())
    for name in names:
        # The last stage is never started.
        for number in range(STAGES - 1):
            service.state.handle(
                "StartEdgeDeploymentStage",
                {"EdgeDeploymentPlanName": name, "StageName": f"stage-{number}"},
            )

    async def wait(name: str, number: int) -> None:
        try:
            stage = await plans.wait_until_stage_deployed(name, f"stage-{number}", timeout=1000)
            ends[stage.status] += 1
        except WaitTimeoutError as error:
            ends[type(error).__name__] += 1

    async with anyio.create_task_group() as tasks:
        for name in names:
            for number in range(STAGES):
                tasks.start_soon(wait, name, number)

    assert ends == {"DEPLOYED": PLANS * (STAGES - 1), "WaitTimeoutError": PLANS}
    # At 0, at 900 and on the deadline.
    assert service.calls == dict.fromkeys(names, 3)
    assert plans_kept(plans) == 0
