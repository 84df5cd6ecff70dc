"""Those who wait for their turn learn at once that the client is closed or of another loop."""

import asyncio
import threading

import anyio
import pytest

from harness import TRANSPORTS, a_spec, client_for, fast_retries, session
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    EdgeDeploymentPlan,
    PacePolicy,
    PollSchedule,
    RetryPolicy,
    ThrottledError,
    WaitTimeoutError,
)
from sagemaker_plans.emulator import Emulator, Fault
from waiting.virtual_plans import DESCRIBE, VirtualPlans, a_plan, plans_of

ONE_IN_100_SECONDS = PacePolicy(max_rate=0.01, min_rate=0.01)


@pytest.mark.anyio
async def test_closing_the_client_ends_at_once_all_who_wait_for_their_turn(
    emulator: Emulator,
) -> None:
    client = AsyncClient(
        region_name="us-east-1",
        endpoint_url=emulator.endpoint_url,
        session=session(),
        http_backend="httpx",
        retry=fast_retries(),
        pace=ONE_IN_100_SECONDS,
    )
    refused: list[str] = []

    async def describe() -> None:
        with pytest.raises(ConfigurationError, match="this client is closed"):
            await client.plans.describe("rollout")
        refused.append("describe")

    async def wait() -> None:
        with pytest.raises(ConfigurationError, match="this client is closed"):
            await client.plans.wait_until_deployed("rollout", timeout=None)
        refused.append("wait")

    async with client:
        await client.plans.create(a_spec())
        await client.plans.describe("rollout")
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(describe)
                tasks.start_soon(wait)
                await anyio.wait_all_tasks_blocked()
                await client.aclose()

        with anyio.fail_after(30):
            await describe()

    assert sorted(refused) == ["describe"] * 4 + ["wait"]
    assert len(emulator.requests_of(DESCRIBE)) == 1


@pytest.mark.parametrize("first", ["asyncio", "trio"])
@pytest.mark.parametrize("second", ["asyncio", "trio"])
def test_the_next_event_loop_is_refused_although_the_pace_is_limited(
    first: str, second: str, emulator: Emulator
) -> None:
    """The clocks of two event loops may be days apart, and so may a turn."""
    client = client_for(emulator.endpoint_url, TRANSPORTS[1], retry=RetryPolicy.none())

    async def use() -> None:
        await client.plans.create(a_spec())
        with pytest.raises(WaitTimeoutError):
            await client.plans.wait_until_deployed("rollout", timeout=0)
        emulator.inject(DESCRIBE, Fault.throttle())
        with pytest.raises(ThrottledError):
            await client.plans.describe("rollout")
        await client.aclose()

    async def use_again() -> None:
        with anyio.fail_after(30):
            with pytest.raises(ConfigurationError, match="belongs to the event loop"):
                await client.plans.describe("rollout")
            with pytest.raises(ConfigurationError, match="belongs to the event loop"):
                await client.plans.wait_until_deployed("rollout", timeout=None)

    anyio.run(use, backend=first)
    anyio.run(use_again, backend=second)


def test_a_wait_in_another_threads_event_loop_is_refused_although_one_runs(
    emulator: Emulator,
) -> None:
    schedule = PollSchedule(interval=0.02)
    client = client_for(emulator.endpoint_url, TRANSPORTS[1])
    is_waiting, may_end = threading.Event(), threading.Event()

    async def wait() -> None:
        await client.plans.create(a_spec())
        async with anyio.create_task_group() as tasks:

            def end_when_told(_: object) -> None:
                is_waiting.set()
                if may_end.is_set():
                    tasks.cancel_scope.cancel()

            await client.plans.wait_until_deployed(
                "rollout", timeout=None, schedule=schedule, on_poll=end_when_told
            )
        await client.aclose()

    async def join() -> None:
        with (
            anyio.fail_after(30),
            pytest.raises(ConfigurationError, match="belongs to the event loop"),
        ):
            await client.plans.wait_until_deployed("rollout", timeout=1, schedule=schedule)

    thread = threading.Thread(target=anyio.run, args=(wait,))
    thread.start()
    try:
        assert is_waiting.wait(30)
        anyio.run(join)
    finally:
        may_end.set()
        thread.join()


def test_an_event_loop_that_ends_amid_polls_logs_no_error(caplog: pytest.LogCaptureFixture) -> None:
    gateway = VirtualPlans()
    plans = plans_of(gateway, pace=ONE_IN_100_SECONDS)
    for number in range(10):
        gateway.becomes(a_plan("INPROGRESS"), name=f"rollout-{number}")

    async def leave_waits_behind() -> list[asyncio.Task[EdgeDeploymentPlan]]:
        # All but one wait for their turn to poll.
        waits = [
            asyncio.create_task(plans.wait_until_deployed(f"rollout-{number}", timeout=60))
            for number in range(10)
        ]
        await asyncio.sleep(0.1)
        return waits

    waits = asyncio.run(leave_waits_behind())

    assert all(each.cancelled() for each in waits)
    assert [each.getMessage() for each in caplog.records] == []
