"""The texts of the troubleshooting page that no block of the page raises are the code's own.

The blocks of the page itself run in ``test_pages.py``.
"""

import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import pytest

from client.test_unclosed import ENDPOINT, TOLD
from docs.pages import ROOT
from sagemaker_plans import AsyncClient, ConfigurationError
from sagemaker_plans._edge.wait import NOT_STARTED

PAGE: Final = (ROOT / "docs" / "how-to" / "troubleshooting.md").read_text(encoding="utf-8")


def test_the_warning_of_an_unclosed_client_is_shown() -> None:
    assert f"\n{TOLD.replace(f', endpoint_url={ENDPOINT!r}', '')}\n" in PAGE


async def without_region() -> None:
    async with AsyncClient():
        pass


async def without_credentials() -> None:
    async with AsyncClient(region_name="us-east-1") as client:
        await client.plans.describe("spring-rollout")


@pytest.mark.parametrize("mistake", [without_region, without_credentials])
def test_a_missing_setting_is_shown(
    mistake: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(ConfigurationError) as caught:
        anyio.run(mistake)
    assert f"\nsagemaker_plans.errors.ConfigurationError: {caught.value}\n" in PAGE


def test_the_error_of_a_second_event_loop_is_shown() -> None:
    client = AsyncClient(region_name="us-east-1")

    async def used() -> None:
        client._gateway._first_loop.check()

    anyio.run(used)
    with pytest.raises(ConfigurationError) as caught:
        anyio.run(used)
    assert f"\nsagemaker_plans.errors.ConfigurationError: {caught.value}\n" in PAGE


def test_the_advice_for_a_stage_that_nobody_started_is_shown() -> None:
    assert f'"{NOT_STARTED.partition(":")[0]}"' in PAGE


def test_the_error_of_a_missing_extra_is_shown() -> None:
    code = "import sys; sys.modules['rich'] = None; import sagemaker_plans.progress"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert f"\n{ran.stderr.splitlines()[-1]}\n" in PAGE
