"""Cancelled calls end at once, and every connection can still be used."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from harness import TRANSPORTS, Transport, a_spec
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    ConnectionFailedError,
    EdgeDeploymentPlan,
    RetryPolicy,
    SageMakerPlansError,
)
from sagemaker_plans.emulator import Emulator, Gate
from transport.clients import client_with, users_client

DESCRIBE = "DescribeEdgeDeploymentPlan"
POOL = 50
"""How many connections a client has by default."""
MANY = 200
SOME = 80
"""More than there are connections."""

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(emulator: Emulator, transport: Transport) -> AsyncGenerator[AsyncClient]:
    # With a long timeout, because the calls must not end before they are cancelled.
    patient = client_with(emulator.endpoint_url, transport, request_timeout=60)
    async with patient as opened:
        await opened.plans.create(a_spec())
        yield opened


async def arrivals(gate: Gate, count: int) -> None:
    def wait() -> None:
        gate.wait_for_arrivals(count, timeout=30)

    await anyio.to_thread.run_sync(wait)


@asynccontextmanager
async def in_flight(
    emulator: Emulator, call: Callable[[], Coroutine[Any, Any, object]], count: int
) -> AsyncGenerator[anyio.CancelScope]:
    """Start calls: one for each connection, and some that wait for a connection."""
    with emulator.hold_replies(DESCRIBE) as gate:
        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(call)
            await arrivals(gate, min(count, POOL))
            yield tasks.cancel_scope


async def assert_every_connection_works(client: AsyncClient, emulator: Emulator) -> None:
    """Use all connections at the same time. This would time out if one had leaked."""
    plans: list[EdgeDeploymentPlan] = []

    async def call() -> None:
        plans.append(await client.plans.describe("rollout"))

    with emulator.hold_replies(DESCRIBE) as gate:
        async with anyio.create_task_group() as tasks:
            for _ in range(POOL):
                tasks.start_soon(call)
            await arrivals(gate, POOL)
            gate.open()

    assert [plan.name for plan in plans] == ["rollout"] * POOL


async def test_calls_that_are_cancelled_together_leave_every_connection_usable(
    client: AsyncClient, emulator: Emulator
) -> None:
    async with in_flight(emulator, lambda: client.plans.describe("rollout"), MANY) as scope:
        scope.cancel()

    await assert_every_connection_works(client, emulator)


async def test_calls_that_are_cancelled_one_by_one_leave_every_connection_usable(
    client: AsyncClient, emulator: Emulator
) -> None:
    scopes: list[anyio.CancelScope] = []

    async def call() -> None:
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            await client.plans.describe("rollout")

    async with in_flight(emulator, call, SOME):
        for scope in scopes:
            scope.cancel()
            await anyio.lowlevel.checkpoint()

    assert sum(scope.cancelled_caught for scope in scopes) == SOME
    await assert_every_connection_works(client, emulator)


@pytest.mark.parametrize("transport", TRANSPORTS[:2], indirect=True, ids=str)
async def test_tasks_that_asyncio_cancels_end_as_cancelled(
    client: AsyncClient, emulator: Emulator
) -> None:
    with emulator.hold_replies(DESCRIBE) as gate:
        tasks = [asyncio.ensure_future(client.plans.describe("rollout")) for _ in range(SOME)]
        await arrivals(gate, POOL)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(end) for end in ends} == {asyncio.CancelledError}
    await assert_every_connection_works(client, emulator)


async def test_a_cancelled_call_is_over_before_its_reply_comes(
    client: AsyncClient, emulator: Emulator
) -> None:
    ended: list[bool] = []

    async def call() -> None:
        try:
            await client.plans.describe("rollout")
        finally:
            ended.append(gate.is_open)

    with emulator.hold_replies(DESCRIBE) as gate:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await arrivals(gate, 1)
            tasks.cancel_scope.cancel()

    assert ended == [False]


async def test_calls_that_time_out_leave_every_connection_usable(
    emulator: Emulator, transport: Transport
) -> None:
    timed_out: list[SageMakerPlansError] = []
    config = {"max_pool_connections": POOL, "connector_args": connector_args(transport)}

    async with users_client(emulator.endpoint_url, transport, **config) as theirs:
        # Two of them share the connections.
        hasty = AsyncClient.from_client(theirs, retry=RetryPolicy.none(), request_timeout=0.3)
        patient = AsyncClient.from_client(theirs, request_timeout=60)
        await patient.plans.create(a_spec())

        async def call() -> None:
            try:
                await hasty.plans.describe("rollout")
            except ConnectionFailedError as error:
                timed_out.append(error)

        with emulator.hold_replies(DESCRIBE):
            async with anyio.create_task_group() as tasks:
                for _ in range(SOME):
                    tasks.start_soon(call)
        await assert_every_connection_works(patient, emulator)

    assert len(timed_out) == SOME


def connector_args(transport: Transport) -> dict[str, Any]:
    """Let calls wait for a connection, as the package's own clients do."""
    return {"pool_timeout": None} if transport.http_backend == "httpx" else {}


async def test_calls_under_way_when_the_client_is_closed_end_with_an_error(
    emulator: Emulator, transport: Transport
) -> None:
    ends: list[SageMakerPlansError] = []
    client = client_with(emulator.endpoint_url, transport, request_timeout=60)

    async def call() -> None:
        try:
            await client.plans.describe("rollout")
        except SageMakerPlansError as error:
            ends.append(error)

    with emulator.hold_replies(DESCRIBE) as gate:
        async with anyio.create_task_group() as tasks:
            for _ in range(SOME):
                tasks.start_soon(call)
            await arrivals(gate, POOL)
            # The others wait in the client's own queue.
            await anyio.wait_all_tasks_blocked()
            await client.aclose()

    # None was cancelled, and none is lost. What had not left is not sent.
    kinds = Counter(type(end) for end in ends)
    assert kinds == {ConnectionFailedError: POOL, ConfigurationError: SOME - POOL}
