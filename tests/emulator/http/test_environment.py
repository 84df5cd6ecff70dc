"""The environment variables with which clients find the emulator."""

from __future__ import annotations

from typing import Any

import pytest

import sagemaker_plans as smp
from harness import Transport
from sagemaker_plans.emulator import Emulator


def test_clients_reach_the_emulator_through_the_environment(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    session: Any = boto3.session.Session()
    client = session.client("sagemaker")
    assert client.list_training_plans()["TrainingPlanSummaries"]
    client.close()


@pytest.mark.parametrize(
    "setting",
    [
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("http_proxy", "http://127.0.0.1:9"),
        ("AWS_SESSION_TOKEN", "of-the-real-account"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        ("AWS_USE_FIPS_ENDPOINT", "true"),
    ],
    ids=lambda setting: setting[0],
)
@pytest.mark.anyio
async def test_the_environment_overrides_the_settings_of_the_machine(
    setting: tuple[str, str],
    transport: Transport,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(*setting)
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)

    async with smp.AsyncClient(http_backend=transport.http_backend) as client:
        with pytest.raises(smp.ResourceNotFoundError):
            await client.plans.describe("no-such-plan")

    [request] = emulator.requests
    assert "x-amz-security-token" not in request.headers


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_the_environment_keeps_hosts_that_need_no_proxy(
    name: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "intranet.example")

    environment = emulator.environment()

    assert environment["NO_PROXY"] == environment["no_proxy"] == "intranet.example,127.0.0.1"
