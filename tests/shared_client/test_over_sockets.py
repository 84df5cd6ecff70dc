"""Waits that know nothing of each other, on real connections."""

import contextlib
from collections.abc import Callable

import anyio
import pytest

from harness import Transport, a_spec, fast_retries, session
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    PollSchedule,
    Stage,
    shared_client,
)
from sagemaker_plans.emulator import Emulator

pytestmark = pytest.mark.anyio

Share = Callable[[], contextlib.AbstractAsyncContextManager[AsyncClient, None]]

WAITS = 40
POLLS = 3


@pytest.fixture
def share(emulator: Emulator, transport: Transport) -> Share:
    own = session()
    retry, polling = fast_retries(), PollSchedule(interval=0.05)
    return lambda: shared_client(
        region_name="us-east-1",
        endpoint_url=emulator.endpoint_url,
        session=own,
        http_backend=transport.http_backend,
        retry=retry,
        polling=polling,
    )


async def test_any_number_of_waits_on_a_plan_cost_one_request_per_interval(
    share: Share, emulator: Emulator
) -> None:
    emulator.clock.hold()
    spec = a_spec(stages=1)
    async with share() as client:
        await client.plans.create(spec)
        await client.plans.start_stage(spec.name, "stage-0")
    seen = [0] * WAITS
    before = len(emulator.requests)

    async def wait(number: int) -> None:
        def count(_stage: Stage) -> None:
            seen[number] += 1
            if min(seen) >= POLLS:
                emulator.clock.advance(60)

        async with share() as client:
            await client.plans.wait_until_stage_deployed(
                spec.name, "stage-0", timeout=30, on_poll=count
            )

    async with anyio.create_task_group() as tasks:
        for number in range(WAITS):
            tasks.start_soon(wait, number)

    # Each reading came to all who waited by then.
    assert len(emulator.requests) - before <= max(seen) + 1 < WAITS


async def test_who_uses_a_client_that_another_one_closed_is_told(share: Share) -> None:
    async with share() as client:
        async with share() as same:
            assert same is client
            await same.aclose()

        with pytest.raises(ConfigurationError, match="closed"):
            await client.plans.describe("spring-rollout")
        async with share() as another:
            assert another is not client


async def test_the_wait_of_another_user_ends_with_an_error_when_somebody_closes_the_client(
    share: Share, emulator: Emulator
) -> None:
    emulator.clock.hold()
    spec = a_spec(stages=1)
    async with share() as client:
        await client.plans.create(spec)
        await client.plans.start_stage(spec.name, "stage-0")

        async def close(_stage: Stage) -> None:
            await client.aclose()

        with pytest.raises(ConfigurationError, match="closed"):
            await client.plans.wait_until_stage_deployed(
                spec.name, "stage-0", timeout=30, on_poll=close
            )


async def test_a_client_that_cannot_be_opened_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, emulator: Emulator, transport: Transport
) -> None:
    async def use() -> None:
        async with shared_client(session=session(), http_backend=transport.http_backend):
            pass

    with pytest.raises(ConfigurationError):  # there is no region
        await use()
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    await use()
