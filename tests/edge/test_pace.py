"""A client's pace through the public API, at the emulator."""

import time
from typing import Any, cast

import anyio
import pytest
from aiobotocore.config import AioConfig

from harness import TRANSPORTS, MakeClient, Transport, client_for, fast_retries, session
from sagemaker_plans import AsyncClient, PacePolicy, RetryPolicy, ThrottledError
from sagemaker_plans.emulator import Emulator, Fault

pytestmark = pytest.mark.anyio

SEARCH = "SearchTrainingPlanOfferings"


async def test_the_wait_for_a_free_connection_is_no_time_of_the_request(
    emulator: Emulator, transport: Transport
) -> None:
    # Ten of a second, two at a time: the last is through after five. A busy machine may make
    # each of them take three seconds more.
    emulator.inject(SEARCH, Fault.latency(1), times=10)
    client = AsyncClient(
        region_name="us-east-1",
        endpoint_url=emulator.endpoint_url,
        session=session(),
        http_backend=transport.http_backend,
        config=AioConfig(max_pool_connections=2),
        retry=RetryPolicy.none(),
        request_timeout=4,
    )

    async def search() -> None:
        await client.training_plans.search_extension_offerings(emulator.training_plan_arn)

    async with client, anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(search)
    # None has timed out.
    assert len(emulator.requests_of(SEARCH)) == 10


@pytest.mark.parametrize("transport", TRANSPORTS[:1], indirect=True, ids=str)
async def test_a_wrapped_client_is_asked_for_its_connections(emulator: Emulator) -> None:
    emulator.inject(SEARCH, Fault.latency(1), times=5)
    config = AioConfig(max_pool_connections=1)
    # Any: the stubs list each service.
    making: Any = cast("Any", session()).create_client(
        "sagemaker",
        region_name="us-east-1",
        endpoint_url=emulator.endpoint_url,
        config=config,
    )
    async with making as wrapped:
        client = AsyncClient.from_client(wrapped, retry=RetryPolicy.none(), request_timeout=4)

        async def search() -> None:
            await client.training_plans.search_extension_offerings(emulator.training_plan_arn)

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(search)
        await client.aclose()
    assert len(emulator.requests_of(SEARCH)) == 5


async def test_a_client_keeps_to_its_highest_rate(emulator: Emulator, transport: Transport) -> None:
    client = AsyncClient(
        region_name="us-east-1",
        endpoint_url=emulator.endpoint_url,
        session=session(),
        http_backend=transport.http_backend,
        pace=PacePolicy(max_rate=20),
    )

    async def search() -> None:
        await client.training_plans.search_extension_offerings(emulator.training_plan_arn)

    async with client:
        began = time.monotonic()
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(search)
        assert time.monotonic() - began >= 4 / 20


async def test_requests_before_the_client_is_open_wait_for_it(
    emulator: Emulator, make_client: MakeClient
) -> None:
    client = make_client()

    async def search() -> None:
        await client.training_plans.search_extension_offerings(emulator.training_plan_arn)

    async with anyio.create_task_group() as tasks:
        for _ in range(60):
            tasks.start_soon(search)
    await client.aclose()
    assert len(emulator.requests_of(SEARCH)) == 60


async def test_a_throttle_is_still_raised_where_nothing_is_retried(
    emulator: Emulator, transport: Transport
) -> None:
    emulator.inject(SEARCH, Fault.throttle(), times=1)
    client = client_for(emulator.endpoint_url, transport, retry=RetryPolicy.none())
    async with client:
        with pytest.raises(ThrottledError):
            await client.training_plans.search_extension_offerings(emulator.training_plan_arn)


async def test_a_throttled_read_is_retried_at_its_turn(
    emulator: Emulator, transport: Transport
) -> None:
    emulator.inject(SEARCH, Fault.throttle(), times=2)
    client = client_for(emulator.endpoint_url, transport, retry=fast_retries(), pace=PacePolicy())
    began = time.monotonic()
    async with client:
        await client.training_plans.search_extension_offerings(emulator.training_plan_arn)
    # The first throttle leaves four requests a second.
    assert time.monotonic() - began >= 1 / 4
