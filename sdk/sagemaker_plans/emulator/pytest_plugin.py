"""Pytest fixtures for the emulator; the package's entry point loads them.

Nothing is set globally. A test that wants boto3 or a subprocess to find the
emulator passes `sagemaker_emulator.endpoint_url` or exports
`sagemaker_emulator.environment()` itself. Ports are ephemeral, so any number of
workers can run side by side.
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
    """A running emulator with the default seed. Each test gets its own."""
    # Every pytest run imports this module if the package is installed. The server and botocore
    # take 0.2 seconds to import, so only tests that use the emulator import them.
    from sagemaker_plans.emulator import Emulator  # noqa: PLC0415  # see above

    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def sagemaker_emulator_client(sagemaker_emulator: Emulator) -> AsyncClient:
    """A client of `sagemaker_emulator`; the test opens it with `async with`.

    Its waits poll every 0.05 seconds.
    """
    # Imported here for the same reason. The emulator itself does not need the SDK.
    from aiobotocore.config import AioConfig  # noqa: PLC0415  # see above
    from aiobotocore.session import AioSession  # noqa: PLC0415  # see above

    from sagemaker_plans import AsyncClient, PollSchedule  # noqa: PLC0415  # see above

    session = AioSession()
    session.set_credentials(sagemaker_emulator.access_key_id, sagemaker_emulator.secret_access_key)
    return AsyncClient(
        region_name=sagemaker_emulator.region,
        endpoint_url=sagemaker_emulator.endpoint_url,
        session=session,
        config=AioConfig(proxies={}),  # no proxy, even if the machine has one
        # The emulator's stages change within fractions of a second, and it does not throttle.
        polling=PollSchedule(interval=0.05),
    )
