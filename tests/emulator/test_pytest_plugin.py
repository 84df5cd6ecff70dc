from __future__ import annotations

import asyncio
import os

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
