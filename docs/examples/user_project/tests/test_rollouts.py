"""Tests of a user's package, with the emulator that the pytest plugin provides.

If sagemaker-plans is installed, pytest has the fixtures `sagemaker_emulator` and
`sagemaker_emulator_client`. Each test gets an emulator of its own.

    pip install . pytest
    pytest docs/examples/user_project
"""

from datetime import timedelta
from decimal import Decimal

import anyio
import pytest
from rollouts import deploy, extend_by_a_day

import sagemaker_plans as smp
from sagemaker_plans.emulator import Emulator, Fault

# The fixture's client has the default schedule, which is too slow for tests.
OFTEN = smp.PollSchedule(interval=0.05)

pytestmark = pytest.mark.anyio

SPEC = smp.EdgeDeploymentPlanSpec(
    name="spring",
    device_fleet_name="cameras",
    model_configs=[smp.ModelConfig("detector", "detector-v7")],
    stages=[smp.StageSpec("canary", smp.NamedDevices(["cam-001", "cam-002"]))],
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_stage_is_deployed_though_the_service_throttles(
    sagemaker_emulator: Emulator, sagemaker_emulator_client: smp.AsyncClient
) -> None:
    sagemaker_emulator.inject("StartEdgeDeploymentStage", Fault.throttle())

    async with sagemaker_emulator_client as client:
        await client.plans.create(SPEC)
        deployed = await deploy(
            client, "spring", "canary", patience=timedelta(minutes=1), schedule=OFTEN
        )

    assert deployed
    assert len(sagemaker_emulator.requests_of("StartEdgeDeploymentStage")) == 2


async def test_a_stage_that_takes_too_long_is_stopped(
    sagemaker_emulator: Emulator, sagemaker_emulator_client: smp.AsyncClient
) -> None:
    async with sagemaker_emulator_client as client:
        await client.plans.create(SPEC)
        # While the clock is held, the devices do not report.
        sagemaker_emulator.clock.hold()
        deployed = await deploy(
            client, "spring", "canary", patience=timedelta(seconds=0.2), schedule=OFTEN
        )
        # Now 60 seconds pass, and the stage stops.
        sagemaker_emulator.clock.advance(60)
        plan = await client.plans.describe("spring")

    assert not deployed
    assert plan.stage("canary").status is smp.StageStatus.STOPPED


async def test_a_day_is_paid_once_though_the_reply_is_lost(
    sagemaker_emulator: Emulator, sagemaker_emulator_client: smp.AsyncClient
) -> None:
    # The service carries out the purchase, then resets the connection.
    sagemaker_emulator.inject("ExtendTrainingPlan", Fault.disconnect("rst", committed=True))

    async with sagemaker_emulator_client as client:
        receipt = await extend_by_a_day(
            client, sagemaker_emulator.training_plan_arn, budget=Decimal(1500)
        )

    assert receipt.outcome == "confirmed_by_history"
    assert len(sagemaker_emulator.purchases) == 1
    assert len(sagemaker_emulator.requests_of("ExtendTrainingPlan")) == 1


async def test_a_day_that_is_too_dear_is_not_bought(
    sagemaker_emulator: Emulator, sagemaker_emulator_client: smp.AsyncClient
) -> None:
    async with sagemaker_emulator_client as client:
        with pytest.raises(smp.PurchaseRefusedError, match=r"1234\.50"):
            await extend_by_a_day(
                client, sagemaker_emulator.training_plan_arn, budget=Decimal(1000)
            )

    assert sagemaker_emulator.requests_of("ExtendTrainingPlan") == ()


async def test_two_at_a_time_pay_once(
    sagemaker_emulator: Emulator, sagemaker_emulator_client: smp.AsyncClient
) -> None:
    outcomes: list[str] = []

    async def extend(client: smp.AsyncClient) -> None:
        receipt = await extend_by_a_day(
            client, sagemaker_emulator.training_plan_arn, budget=Decimal(1500)
        )
        outcomes.append(receipt.outcome)

    async with sagemaker_emulator_client as client, anyio.create_task_group() as tasks:
        tasks.start_soon(extend, client)
        tasks.start_soon(extend, client)

    assert sorted(outcomes) == ["already_purchased", "purchased"]
    assert len(sagemaker_emulator.purchases) == 1
