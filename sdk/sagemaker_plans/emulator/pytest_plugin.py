"""Pytest fixtures that serve the emulator; loaded through the package's entry point.

Nothing is set globally: a test that wants boto3 or a subprocess to find the
emulator passes `sagemaker_emulator.endpoint_url` or exports
`sagemaker_emulator.environment()` itself. Ports are ephemeral, so any number of
workers run side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sagemaker_plans import AsyncClient
    from sagemaker_plans.emulator import Emulator


@pytest.fixture
def sagemaker_emulator() -> Iterator[Emulator]:
    """A running emulator with the default seed, for one test alone."""
    # This module is imported by every pytest run of an environment that has the
    # package: the server and botocore are loaded by the tests that ask for them.
    from sagemaker_plans.emulator import Emulator  # noqa: PLC0415

    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def sagemaker_emulator_client(sagemaker_emulator: Emulator) -> AsyncClient:
    """A client of `sagemaker_emulator`, not yet opened: `async with` it in the test.

    Its waits poll every 0.05 seconds.
    """
    # Same reason as above; the emulator itself never needs the SDK.
    from aiobotocore.config import AioConfig  # noqa: PLC0415
    from aiobotocore.session import AioSession  # noqa: PLC0415

    from sagemaker_plans import AsyncClient, PollSchedule  # noqa: PLC0415

    session = AioSession()
    session.set_credentials(sagemaker_emulator.access_key_id, sagemaker_emulator.secret_access_key)
    return AsyncClient(
        region_name=sagemaker_emulator.region,
        endpoint_url=sagemaker_emulator.endpoint_url,
        session=session,
        config=AioConfig(proxies={}),  # none, whatever the machine has
        # The emulator's stages move in fractions of a second, and nobody throttles.
        polling=PollSchedule(interval=0.05),
    )
