from __future__ import annotations

from collections.abc import Iterator

import pytest
from types_boto3_sagemaker import SageMakerClient

from emulator.requests_made import boto_client
from sagemaker_plans.emulator import Emulator, Service


@pytest.fixture
def service() -> Service:
    """The state without a server, on a clock that stands still."""
    service = Service()
    service.clock.hold()
    return service


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A running emulator whose clock stands still."""
    with Emulator() as emulator:
        emulator.clock.hold()
        yield emulator


@pytest.fixture
def sagemaker(emulator: Emulator) -> Iterator[SageMakerClient]:
    """A stock boto3 client of `emulator` that never retries."""
    client = boto_client(emulator)
    yield client
    client.close()
