"""Clients that are closed while calls are under way, or used in another event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import pytest
from aiobotocore.credentials import AioCredentials

from harness import TRANSPORTS, Transport, session
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    OutcomeUnknownError,
    RetryPolicy,
)
from sagemaker_plans.emulator import Emulator, Gate
from transport.clients import client_with, users_client

pytestmark = pytest.mark.anyio

OFFERING = "tpeo-0123456789abcdef"
EXTEND = "ExtendTrainingPlan"
DESCRIBE = "DescribeEdgeDeploymentPlan"


async def arrived(gate: Gate) -> None:
    await anyio.to_thread.run_sync(gate.wait_for_arrivals)


async def ends_of(
    call: Callable[[], Awaitable[object]], *, meanwhile: Callable[[], Awaitable[None]]
) -> list[BaseException]:
    """Do something during a call, and return the errors that result."""
    errors: list[BaseException] = []

    async def one() -> None:
        try:
            await call()
        except Exception as error:  # noqa: BLE001  # returned to the test
            errors.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(one)
        await meanwhile()
    return errors


async def test_a_purchase_on_its_way_is_sent_once_though_its_wrapper_is_closed(
    emulator: Emulator, transport: Transport
) -> None:
    retries = {"mode": "legacy", "max_attempts": 5}
    async with users_client(emulator.endpoint_url, transport, retries=retries) as theirs:
        client = AsyncClient.from_client(theirs)
        # When the gate opens, the reply is a 503.
        with emulator.hold_replies(EXTEND, committed=False) as gate:

            async def close() -> None:
                await arrived(gate)
                await client.aclose()
                gate.open()

            [error] = await ends_of(
                partial(client.training_plans.extend, OFFERING), meanwhile=close
            )

    assert isinstance(error, OutcomeUnknownError)
    assert len(emulator.requests_of(EXTEND)) == 1


async def test_a_closed_wrapper_restores_the_client_when_its_last_call_ends(
    emulator: Emulator, transport: Transport
) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        handlers: Any = theirs.meta.events._emitter._handlers
        event = f"needs-retry.sagemaker.{DESCRIBE}"
        before = [*handlers.prefix_search(event)]
        client = AsyncClient.from_client(theirs)
        during = [*handlers.prefix_search(event)]
        with emulator.hold_replies(DESCRIBE) as gate:

            async def close() -> None:
                await arrived(gate)
                await client.aclose()
                assert [*handlers.prefix_search(event)] == during
                gate.open()

            await ends_of(partial(client.plans.describe, "rollout"), meanwhile=close)
        after = [*handlers.prefix_search(event)]

    assert len(during) == len(before) + 1
    assert after == before


class SlowCredentials(AioCredentials):
    """Credentials that wait until the test releases them."""

    def __init__(self) -> None:
        super().__init__("test", "test")
        self.asked = anyio.Event()
        self.given = anyio.Event()
        self.given.set()

    async def get_frozen_credentials(self) -> Any:  # type: ignore[override]  # it always raises
        self.asked.set()
        await self.given.wait()
        return await super().get_frozen_credentials()


@pytest.mark.parametrize("way", ["own", "wrapped"])
async def test_nothing_is_sent_by_a_client_that_was_closed_meanwhile(
    emulator: Emulator, transport: Transport, way: str
) -> None:
    slow = SlowCredentials()
    own: Any = session()
    own._credentials = slow
    async with users_client(emulator.endpoint_url, transport) as theirs:
        if way == "own":
            client = client_with(emulator.endpoint_url, transport, session=own)
        else:
            theirs._request_signer._credentials = slow
            client = AsyncClient.from_client(theirs, retry=RetryPolicy.none())
        async with client:
            slow.asked, slow.given = anyio.Event(), anyio.Event()

            async def close() -> None:
                await slow.asked.wait()
                await client.aclose()
                slow.given.set()

            [error] = await ends_of(
                partial(client.training_plans.extend, OFFERING), meanwhile=close
            )

    assert isinstance(error, ConfigurationError)
    assert str(error) == "this client is closed; make a new one"
    assert error.operation == EXTEND
    assert emulator.requests == ()


@pytest.mark.parametrize("other", ["asyncio", "trio"])
def test_a_client_belongs_to_the_event_loop_in_which_it_was_first_used(
    emulator: Emulator, other: str
) -> None:
    client = client_with(emulator.endpoint_url, TRANSPORTS[1])

    async def look() -> tuple[object, ...]:
        return await client.training_plans.extension_history(emulator.training_plan_arn).collect()

    async def buy() -> None:
        await client.training_plans.extend(OFFERING)

    async def wait() -> None:
        await client.plans.wait_until_deployed("rollout", timeout=None)

    async def both() -> None:
        await look()
        await client.aclose()

    with asyncio.Runner() as runner:
        assert runner.run(look()) == ()
        for use in (buy, wait):
            with pytest.raises(ConfigurationError, match="the event loop in which it was first"):
                anyio.run(use, backend=other)
        runner.run(both())

    assert emulator.purchases == ()
    assert len(emulator.requests) == 2
