"""Once a create or a purchase has left, nothing is imported that its end needs.

An import may fail at any time: a package is upgraded under a running process, or there are no
descriptors left. Then the reply would be lost, and with it what was bought.
"""

import os
import subprocess
import sys

import pytest

from sagemaker_plans.emulator import Emulator

PROGRAM = """
import asyncio, sys
sys.modules["httpx"] = sys.modules["httpx2"] = None  # they would import anyio early
from aiobotocore.session import AioSession
from aiohttp import ClientSession
import sagemaker_plans as smp

arn, way, name = sys.argv[1:]
send, imported = ClientSession._request, []

async def noted(self, *args, **settings):
    if name in str((settings.get("headers") or {}).get("X-Amz-Target")):
        imported.append(set(sys.modules))
    return await send(self, *args, **settings)

ClientSession._request = noted

def spec():
    stages = [smp.StageSpec("s", smp.PercentageOfFleet(10))]
    models = [smp.ModelConfig("m", "j")]
    return smp.EdgeDeploymentPlanSpec(
        "p", device_fleet_name="cameras", model_configs=models, stages=stages
    )

async def main():
    if way == "own":
        async with smp.AsyncClient() as client:
            return await use(client, None)
    async with AioSession().create_client("sagemaker") as theirs:
        client = smp.AsyncClient.from_client(theirs)
        late = await use(client, theirs if way == "direct" else None)
        await client.aclose()
        return late

async def use(client, theirs):
    if name == "CreateEdgeDeploymentPlan":
        create = theirs and theirs.create_edge_deployment_plan(**spec().to_wire())
        await (create or client.plans.create(spec()))
    elif theirs:
        search = theirs.search_training_plan_offerings
        found = await search(TrainingPlanArn=arn, TargetResources=["training-job"])
        offering, *_ = found["TrainingPlanExtensionOfferings"]
        bought = offering["TrainingPlanExtensionOfferingId"]
        await theirs.extend_training_plan(TrainingPlanExtensionOfferingId=bought)
    else:
        offering, *_ = await client.training_plans.search_extension_offerings(arn)
        await client.training_plans.extend(offering, training_plan_arn=arn)
    return set(sys.modules) - imported[0]

print(*sorted(asyncio.run(main())))
"""


@pytest.mark.parametrize("way", ["own", "wrapped", "direct"])
@pytest.mark.parametrize("name", ["CreateEdgeDeploymentPlan", "ExtendTrainingPlan"])
def test_nothing_is_imported_for_its_end(emulator: Emulator, way: str, name: str) -> None:
    emulator.add_fleet("cameras", devices=["camera-1"])
    environment = {
        **{key: value for key, value in os.environ.items() if "COVERAGE" not in key},
        **emulator.environment(),
    }
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, emulator.training_plan_arn, way, name],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert told.returncode == 0, told.stderr
    late = [each for each in told.stdout.split() if each.startswith(("anyio", "sagemaker_plans"))]

    assert len(emulator.requests_of(name)) == 1
    assert late == []
