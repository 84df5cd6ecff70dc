from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from emulator.requests_made import OFFERING, send_signed
from sagemaker_plans import AsyncClient, ResourceNotFoundError
from sagemaker_plans.emulator import Emulator


def test_the_fixture_is_a_running_emulator(sagemaker_emulator: Emulator) -> None:
    assert send_signed(sagemaker_emulator).status == 200
    assert len(sagemaker_emulator.requests) == 1


def test_each_test_has_an_emulator_of_its_own(sagemaker_emulator: Emulator) -> None:
    assert sagemaker_emulator.requests == ()


def test_nothing_is_set_globally(sagemaker_emulator: Emulator) -> None:
    assert sagemaker_emulator.endpoint_url not in os.environ.values()


def test_the_client_talks_to_the_emulator(
    sagemaker_emulator: Emulator, sagemaker_emulator_client: AsyncClient
) -> None:
    async def buy() -> str:
        async with sagemaker_emulator_client as client:
            receipt = await client.training_plans.extend(
                OFFERING, training_plan_arn=sagemaker_emulator.training_plan_arn
            )
            return receipt.extension.offering_id

    assert asyncio.run(buy()) == OFFERING
    assert len(sagemaker_emulator.purchases) == 1


def test_the_client_asks_no_proxy_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, sagemaker_emulator_client: AsyncClient
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    async def look() -> None:
        async with sagemaker_emulator_client as client:
            await client.plans.describe("no-such-plan")

    with pytest.raises(ResourceNotFoundError):
        asyncio.run(look())


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )


SEEDED = """
import pytest
from sagemaker_plans.emulator import FleetSeed, Seed

@pytest.fixture(scope="session")
def sagemaker_emulator_seed():
    return Seed(fleets=(FleetSeed(name="mine"),))

def fleets(emulator):
    return [one["DeviceFleetName"] for one in emulator.service.snapshot()["fleets"]]

def test_first(sagemaker_emulator, sagemaker_emulator_session):
    sagemaker_emulator.add_fleet("a")
    sagemaker_emulator_session.add_fleet("b")
    assert fleets(sagemaker_emulator) == ["mine", "a"]

def test_second(sagemaker_emulator, sagemaker_emulator_session):
    assert fleets(sagemaker_emulator) == ["mine"]
    assert fleets(sagemaker_emulator_session) == ["mine", "b"]
    sagemaker_emulator_session.reset()
    assert fleets(sagemaker_emulator_session) == ["mine"]
"""


@pytest.mark.parametrize(
    "plugin", ["pytest_sagemaker_plans", "sagemaker_plans.emulator.pytest_plugin"]
)
def test_a_project_gives_its_own_seed(tmp_path: Path, plugin: str) -> None:
    (tmp_path / "test_mine.py").write_text(SEEDED)
    finished = run("-m", "pytest", "-q", "-c", os.devnull, "-p", plugin, folder=tmp_path)
    assert finished.returncode == 0, finished.stdout
    assert "2 passed" in finished.stdout


def test_a_start_of_pytest_imports_nothing_of_the_sdk(tmp_path: Path) -> None:
    code = (
        "import sys, pytest_sagemaker_plans\n"
        "first = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(first & {'sagemaker_plans', 'attrs', 'anyio', 'botocore', 'aiohttp'}))"
    )
    assert run("-c", code, folder=tmp_path).stdout == "[]\n"


def test_the_entry_point_names_the_plugin() -> None:
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    assert pyproject["project"]["entry-points"]["pytest11"] == {
        "sagemaker_plans_emulator": "pytest_sagemaker_plans"
    }
    assert {
        Path(one).name
        for one in pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    } == {
        "pytest_sagemaker_plans",
        "sagemaker_plans_airflow",
        "sagemaker_plans",
    }
