"""Waiting until a stage is stopped."""

import pytest

from sagemaker_plans import (
    InvalidRequestError,
    StageFailedError,
    StageNotFoundError,
    StageStatus,
    WaitError,
    WaitTimeoutError,
)
from waiting.virtual_plans import VirtualPlans, a_plan, a_stage, plans_of, throttled, virtually


@virtually
async def test_it_returns_the_stage_once_it_is_stopped() -> None:
    gateway = VirtualPlans.of((0, a_plan("STOPPING")), (20, a_plan("STOPPED")))

    stage = await plans_of(gateway).wait_until_stage_stopped("rollout", "canary", timeout=60)

    assert stage.status is StageStatus.STOPPED
    assert gateway.times == [0, 15, 30]


@virtually
async def test_a_stage_that_failed_first_is_told() -> None:
    gateway = VirtualPlans.of((0, a_plan("STOPPING")), (20, a_plan("FAILED")))

    with pytest.raises(StageFailedError, match=r"stage_devices\('rollout', 'canary'\) tells"):
        await plans_of(gateway).wait_until_stage_stopped("rollout", "canary", timeout=60)


@virtually
async def test_a_stage_that_was_done_first_is_told() -> None:
    gateway = VirtualPlans.of((0, a_plan(a_stage("DEPLOYED", succeeded=3))))

    with pytest.raises(WaitError, match="it was done before it could be stopped") as caught:
        await plans_of(gateway).wait_until_stage_stopped("rollout", "canary", timeout=60)

    assert type(caught.value) is WaitError
    assert caught.value.last_seen is not None


@virtually
async def test_it_ends_with_its_time_and_with_its_stage() -> None:
    gateway = VirtualPlans.of((0, a_plan("READYTODEPLOY")), (40, a_plan()))
    plans = plans_of(gateway)

    with pytest.raises(WaitTimeoutError, match="the stop of canary did not happen within 30 s"):
        await plans.wait_until_stage_stopped("rollout", "canary", timeout=30)
    with pytest.raises(StageNotFoundError):
        await plans.wait_until_stage_stopped("rollout", "canary", timeout=30)
    with pytest.raises(InvalidRequestError, match="timeout"):
        await plans.wait_until_stage_stopped("rollout", "canary", timeout=-1)


@virtually
async def test_it_ends_with_its_time_also_if_nothing_was_read() -> None:
    gateway = VirtualPlans.of((0, throttled()))

    with pytest.raises(WaitTimeoutError, match="nothing was read"):
        await plans_of(gateway).wait_until_stage_stopped("rollout", "canary", timeout=30)
