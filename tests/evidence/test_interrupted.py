"""What was heard of a purchase counts, although its call is interrupted afterwards."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Any

import anyio
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from attrs import define, field

from evidence.counting_server import ARN, EXTEND, HISTORY, CountingServer
from evidence.generated.fates import Fate, Lookup
from evidence.test_broken_off import drive
from harness import TRANSPORTS, Transport, fast_retries, session
from sagemaker_plans import AsyncClient
from training.journal.memory_journal import MemoryJournal

pytestmark = pytest.mark.anyio

Caplog = pytest.LogCaptureFixture
on_asyncio_only = pytest.mark.parametrize("transport", TRANSPORTS[:2], indirect=True)


@define(eq=False)
class Stop:
    """A place at which a call stays until it is interrupted."""

    reached: anyio.Event = field(factory=anyio.Event)

    async def stay(self, **_: object) -> None:
        self.reached.set()
        await anyio.sleep_forever()


@define(eq=False)
class Shop:
    """A user's client, wrapped with a journal. The history shows no purchase."""

    theirs: Any
    journal: MemoryJournal
    client: AsyncClient

    async def cancelled_at(self, stop: Stop, **arguments: Any) -> None:
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(partial(self.client.training_plans.extend, "tpeo-1", **arguments))
                await stop.reached.wait()
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()

    async def task_cancelled_at(self, stop: Stop, **arguments: Any) -> None:
        task = asyncio.ensure_future(self.client.training_plans.extend("tpeo-1", **arguments))
        await asyncio.wait_for(stop.reached.wait(), 30)
        task.cancel()
        await asyncio.wait([task], timeout=30)
        assert task.cancelled()


@asynccontextmanager
async def shop(url: str, transport: Transport, kind: Any = None) -> AsyncGenerator[Shop]:
    plain: Any = AIOHTTPSession if transport.http_backend == "aiohttp" else HttpxSession
    config = AioConfig(http_session_cls=kind or plain)
    users: Any = session()
    journal = MemoryJournal()
    async with users.create_client(
        "sagemaker", "us-east-1", endpoint_url=url, config=config
    ) as theirs:
        retry = fast_retries(reconcile_limit=0)
        yield Shop(theirs, journal, AsyncClient.from_client(theirs, retry=retry, journal=journal))


def outcomes(caplog: Caplog) -> list[object]:
    """Give the outcomes in the log of purchases."""
    lines = [one for one in caplog.records if one.name == "sagemaker_plans.purchases"]
    return [vars(one)["outcome"] for one in lines]


@pytest.fixture(autouse=True)
def at_info(caplog: Caplog) -> None:
    caplog.set_level(logging.INFO, "sagemaker_plans")


@pytest.mark.parametrize(
    ("fate", "state", "outcome"),
    [
        (Fate.ACCEPT, (1, "bought", "caller"), "purchased"),
        (Fate.LIMIT, (1, "not_bought", "caller"), "not_bought"),
        (Fate.THROTTLE, (1, "not_bought", "caller"), "not_bought"),
        # These prove nothing.
        (Fate.PROXY_502, (1, "open", None), "unknown"),
        (Fate.PORTAL, (1, "open", None), "unknown"),
        (Fate.REDIRECT_307, (1, "open", None), "unknown"),
    ],
)
async def test_a_reply_counts_although_the_users_hook_is_cancelled_behind_it(
    transport: Transport,
    caplog: Caplog,
    fate: Fate,
    state: tuple[int, str, str | None],
    outcome: str,
) -> None:
    stop = Stop()
    with CountingServer(fate, Lookup.LAGS) as server:
        async with shop(server.url, transport) as it:
            it.theirs.meta.events.register(f"needs-retry.sagemaker.{EXTEND}", stop.stay)
            await it.cancelled_at(stop, training_plan_arn=ARN)
            assert server.count(EXTEND) == 1
            assert it.journal.states == [state]
    assert {*outcomes(caplog)} == {None, outcome}


@on_asyncio_only
async def test_a_receipt_counts_although_a_wrapper_is_cancelled_behind_it(
    transport: Transport, caplog: Caplog
) -> None:
    stop = Stop()
    with CountingServer(Fate.ACCEPT, Lookup.LAGS) as server:
        async with shop(server.url, transport) as it:
            send = it.theirs._make_api_call

            async def audited(operation: str, members: dict[str, Any]) -> Any:
                try:
                    return await send(operation, members)
                finally:
                    if operation == EXTEND:
                        await stop.stay()

            it.theirs._make_api_call = audited
            await it.task_cancelled_at(stop, training_plan_arn=ARN)
            assert it.journal.states == [(1, "bought", "caller")]
    assert outcomes(caplog) == [None, "purchased"]


@on_asyncio_only
async def test_a_receipt_counts_although_closing_its_connection_is_cancelled(
    transport: Transport, caplog: Caplog
) -> None:
    stop = Stop()
    plain: Any = AIOHTTPSession if transport.http_backend == "aiohttp" else HttpxSession

    class Users(plain):  # type: ignore[misc]  # either class
        async def __aexit__(self, *raised: object) -> None:
            above: Any = super()
            await above.__aexit__(*raised)
            if not stop.reached.is_set():
                await stop.stay()

    with CountingServer(Fate.ACCEPT, Lookup.LAGS) as server:
        async with shop(server.url, transport, Users) as it:
            await it.task_cancelled_at(stop, training_plan_arn=ARN)
            assert it.journal.states == [(1, "bought", "caller")]
            assert server.count(HISTORY) == 1
    assert outcomes(caplog) == [None, "purchased"]


async def test_a_purchase_that_is_cancelled_while_it_connects_was_not_sent(
    transport: Transport, caplog: Caplog
) -> None:
    stop = Stop()

    def signed(**_: object) -> None:
        stop.reached.set()

    with ExitStack() as open_sockets:
        # The server accepts nothing and its queue is full, so every new connection waits.
        mute = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(mute.getsockname())
        async with shop(f"http://127.0.0.1:{mute.getsockname()[1]}", transport) as it:
            it.theirs.meta.events.register(f"before-send.sagemaker.{EXTEND}", signed)
            it.client = AsyncClient.from_client(it.theirs, retry=fast_retries(max_attempts=1))
            await it.cancelled_at(stop)
    assert outcomes(caplog) == [None, "not_bought"]
    assert ": could not connect to http://127.0.0.1:" in caplog.messages[-1]


@pytest.mark.parametrize("transport", TRANSPORTS[:1], indirect=True)
async def test_a_receipt_counts_although_the_coroutine_is_closed_behind_it(
    transport: Transport, caplog: Caplog
) -> None:
    stop = Stop()
    with CountingServer(Fate.ACCEPT, Lookup.LAGS) as server:
        async with shop(server.url, transport) as it:
            it.theirs.meta.events.register(f"needs-retry.sagemaker.{EXTEND}", stop.stay)
            coroutine: Any = it.client.training_plans.extend("tpeo-1", training_plan_arn=ARN)
            await drive(coroutine, stop.reached.is_set)
            coroutine.close()
            # It may not wait for the journal.
            assert it.journal.states == [(1, "open", None)]
    assert outcomes(caplog) == [None, "purchased", "bought"]
    assert caplog.messages[-1].endswith("(offering tpeo-1) is bought: its coroutine was closed")
