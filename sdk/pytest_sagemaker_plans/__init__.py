"""Pytest fixtures for the emulator; the package's entry point loads them.

Pytest imports this module each time it starts, so it stands beside the SDK and imports nothing
of it before a test asks for a fixture. Nothing is set globally. A test that wants boto3 or a
subprocess to find the emulator passes `sagemaker_emulator.endpoint_url` or exports
`sagemaker_emulator.environment()` itself. Ports are ephemeral, so any number of workers can run
side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sagemaker_plans import AsyncClient
    from sagemaker_plans.emulator import Emulator, Seed

__all__ = [
    "sagemaker_emulator",
    "sagemaker_emulator_client",
    "sagemaker_emulator_seed",
    "sagemaker_emulator_session",
]


@pytest.fixture(scope="session")
def sagemaker_emulator_seed() -> Seed | str | PathLike[str] | None:
    """The resources that exist at the beginning: a seed, a seed file's path, or None.

    None stands for the default seed. Define a fixture of this name to have others. Its scope has
    to be `session` if `sagemaker_emulator_session` is used.
    """
    return None


@pytest.fixture
def sagemaker_emulator(
    sagemaker_emulator_seed: Seed | str | PathLike[str] | None,
) -> Iterator[Emulator]:
    """A running emulator with the seed. Each test gets its own."""
    from sagemaker_plans.emulator import Emulator  # noqa: PLC0415  # see the module's docstring

    with Emulator(seed=sagemaker_emulator_seed) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def sagemaker_emulator_session(
    sagemaker_emulator_seed: Seed | str | PathLike[str] | None,
) -> Iterator[Emulator]:
    """A running emulator with the seed, one for all tests of a process.

    What one test creates, the next one finds. `reset()` goes back to the seed.
    """
    from sagemaker_plans.emulator import Emulator  # noqa: PLC0415  # see the module's docstring

    with Emulator(seed=sagemaker_emulator_seed) as emulator:
        yield emulator


@pytest.fixture
def sagemaker_emulator_client(sagemaker_emulator: Emulator) -> AsyncClient:
    """A client of `sagemaker_emulator`; the test opens it with `async with`.

    Its waits poll every 0.05 seconds.
    """
    from sagemaker_plans import AsyncClient, PollSchedule  # noqa: PLC0415  # see the module's docstring
    from sagemaker_plans._transport.aiobotocore_client.parts import (  # noqa: PLC0415  # likewise
        AioConfig,
        AioSession,
    )

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
