"""Start and stop: after a lost reply, a success is not reported as a refusal."""

import pytest

from harness import MakeClient, a_spec
from sagemaker_plans import ResourceInUseError, StageStatus, ValidationError
from sagemaker_plans.emulator import Emulator, Fault

START, STOP, DESCRIBE = (
    "StartEdgeDeploymentStage",
    "StopEdgeDeploymentStage",
    "DescribeEdgeDeploymentPlan",
)


@pytest.mark.anyio
async def test_a_start_whose_reply_was_lost_succeeds_if_the_stage_runs(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        await client.plans.create(a_spec())
        emulator.inject(START, Fault.disconnect("rst", committed=True))
        await client.plans.start_stage("rollout", "stage-0")

    asked = [request.operation for request in emulator.requests[1:]]
    assert asked == [START, START, DESCRIBE]


@pytest.mark.anyio
async def test_a_stop_whose_reply_was_lost_succeeds_if_the_stage_stops(
    emulator: Emulator, make_client: MakeClient
) -> None:
    emulator.clock.hold()
    async with make_client() as client:
        await client.plans.create(a_spec())
        await client.plans.start_stage("rollout", "stage-0")
        emulator.inject(STOP, Fault.internal_failure(committed=True))
        await client.plans.stop_stage("rollout", "stage-0")
        plan = await client.plans.describe("rollout")

    assert plan.stage("stage-0").status is StageStatus.STOPPING


@pytest.mark.anyio
async def test_a_start_refused_at_its_first_attempt_is_not_followed_by_a_describe(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        await client.plans.create(a_spec())
        await client.plans.start_stage("rollout", "stage-0")
        with pytest.raises(ResourceInUseError):
            await client.plans.start_stage("rollout", "stage-0")

    assert emulator.requests_of(DESCRIBE) == ()


@pytest.mark.anyio
async def test_a_refusal_after_doubt_is_raised_if_the_stage_shows_no_effect(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        await client.plans.create(a_spec())
        # Lost before it had any effect; a stage that does not run cannot be stopped.
        emulator.inject(STOP, Fault.internal_failure(committed=False))
        with pytest.raises(ValidationError):
            await client.plans.stop_stage("rollout", "stage-0")

    assert len(emulator.requests_of(DESCRIBE)) == 1


@pytest.mark.anyio
async def test_a_refusal_after_doubt_has_a_note_if_the_plan_cannot_be_read(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        await client.plans.create(a_spec())
        emulator.inject(START, Fault.internal_failure(committed=True))
        emulator.inject(DESCRIBE, Fault.error("AccessDeniedException", "no"), times=None)
        with pytest.raises(ResourceInUseError) as refused:
            await client.plans.start_stage("rollout", "stage-0")

    notes = "\n".join(refused.value.__notes__)
    assert "an earlier attempt may have taken effect; this could not be checked, because" in notes
    assert refused.value.__notes__[0].startswith("an earlier attempt")
