"""Purchases that are interrupted by closing, by other event loops, or by a manual driver."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, cast

import anyio
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession

from evidence.counting_server import ARN, CountingServer
from evidence.generated.fates import Fate
from evidence.generated.hooks import EVENTS
from harness import TRANSPORTS, Transport, client_for, fast_retries, session
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    ExtensionReceipt,
    OutcomeUnknownError,
    SageMakerPlansError,
)
from sagemaker_plans._wire.operations import OPERATIONS

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def users_client(url: str, transport: Transport) -> AsyncGenerator[Any]:
    plain: Any = AIOHTTPSession if transport.http_backend == "aiohttp" else HttpxSession
    users: Any = session()
    async with users.create_client(
        "sagemaker", "us-east-1", endpoint_url=url, config=AioConfig(http_session_cls=plain)
    ) as theirs:
        yield theirs


def wrapped(theirs: Any, **settings: Any) -> AsyncClient:
    return AsyncClient.from_client(theirs, retry=fast_retries(max_attempts=3), **settings)


async def until(holds: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not holds():  # noqa: ASYNC110  # a server's thread makes it true
            await anyio.sleep(0.005)


# closing


async def test_closing_in_the_middle_of_a_purchase_leaves_doubt(transport: Transport) -> None:
    with CountingServer(Fate.ACCEPT_HANG) as server:
        told: list[object] = []
        client = client_for(server.url, transport, request_timeout=1.0)

        async def buy() -> None:
            try:
                told.append(await client.training_plans.extend("tpeo-1"))
            except SageMakerPlansError as error:
                told.append(error)

        async with client, anyio.create_task_group() as tasks:
            tasks.start_soon(buy)
            await until(lambda: bool(server.bought))
            await client.aclose()
            await until(lambda: bool(told))

    assert isinstance(told[0], OutcomeUnknownError)
    assert len(server.bought) == 1


async def test_releasing_in_the_middle_of_a_purchase_leaves_doubt_and_restores_the_client(
    transport: Transport,
) -> None:
    with CountingServer(Fate.ACCEPT_HANG) as server:
        async with users_client(server.url, transport) as theirs:
            before = state_of(theirs)
            client = wrapped(theirs, request_timeout=0.3)

            async def buy() -> None:
                with pytest.raises(OutcomeUnknownError):
                    await client.training_plans.extend("tpeo-1")

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(buy)
                await until(lambda: bool(server.bought))
                await client.aclose()
            assert state_of(theirs) == before

    assert len(server.bought) == 1


def state_of(theirs: Any) -> tuple[object, ...]:
    """Return everything that wrapping changes in a client."""
    handlers = theirs.meta.events._emitter._handlers
    heard = [
        handler
        for operation in OPERATIONS
        for event in EVENTS
        for handler in handlers.prefix_search(f"{event}.sagemaker.{operation.name}")
    ]
    endpoint: Any = theirs._endpoint
    own, below = cast("tuple[dict[str, object], ...]", (theirs.__dict__, endpoint.__dict__))
    return endpoint.http_session, sorted(own), sorted(below), heard


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first-first", "last-first"])
async def test_two_wrappers_around_one_client_restore_it_in_any_order(
    transport: Transport, order: tuple[int, int]
) -> None:
    with CountingServer(Fate.PROXY_502) as server:
        async with users_client(server.url, transport) as theirs:
            before = state_of(theirs)
            both = [wrapped(theirs), wrapped(theirs)]
            for number, index in enumerate(order):
                with pytest.raises(OutcomeUnknownError):
                    await both[index].training_plans.extend(f"tpeo-{number}")
                await both[index].aclose()
                await both[index].aclose()
            assert state_of(theirs) == before

    assert len(server.bought) == 2


# several event loops


@pytest.mark.parametrize("transport", TRANSPORTS[:1], indirect=True)
@pytest.mark.parametrize("loops", [2, 8])
def test_several_event_loops_at_once_end_at_once(transport: Transport, loops: int) -> None:
    told: list[object] = []
    with CountingServer() as server:
        client = client_for(server.url, transport)
        together = threading.Barrier(loops)

        async def buy() -> None:
            try:
                told.append(await client.training_plans.extend("tpeo-1"))
            except BaseException as error:  # noqa: BLE001  # judged below
                told.append(error)
            finally:
                # Only the event loop of the client can close it.
                if isinstance(told[-1], ExtensionReceipt):
                    await client.aclose()

        def run() -> None:
            together.wait(10)
            asyncio.run(buy())

        threads = [threading.Thread(target=run, daemon=True) for _ in range(loops)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)

    receipts = [one for one in told if isinstance(one, ExtensionReceipt)]
    assert len(receipts) == len(server.bought) == 1
    others = [one for one in told if one not in receipts]
    assert all(isinstance(one, ConfigurationError) for one in others), others


# by hand


async def drive(coroutine: Coroutine[Any, Any, Any], holds: Callable[[], bool]) -> None:
    """Drive a coroutine as a task would, until a condition holds."""
    for _ in range(10_000):
        if holds():
            return
        waits_for: Any = coroutine.send(None)
        if waits_for is None:
            await asyncio.sleep(0)
            continue
        waits_for._asyncio_future_blocking = False
        for _ in range(500):
            if waits_for.done() or holds():
                break
            await asyncio.wait([waits_for], timeout=0.01)
    raise AssertionError("it never did")


async def drive_to_its_end(
    coroutine: Coroutine[Any, Any, Any], first: Callable[[], object]
) -> object:
    """Take the first step in our context, and each later step in a new one."""

    def further() -> object:
        return contextvars.Context().run(coroutine.send, None)

    step: Callable[[], Any] = first
    for _ in range(10_000):
        try:
            waits_for = step()
        except StopIteration as ended:
            return ended.value
        except BaseException as error:  # noqa: BLE001  # judged by the caller
            return error
        step = further
        if waits_for is None:
            await asyncio.sleep(0)
        else:
            waits_for._asyncio_future_blocking = False
            await asyncio.wait([waits_for], timeout=5)
    raise AssertionError("it never ended")


@asynccontextmanager
async def client_by(way: str, url: str, transport: Transport) -> AsyncGenerator[AsyncClient]:
    if way == "own":
        async with client_for(url, transport) as client:
            yield client
        return
    async with users_client(url, transport) as theirs, wrapped(theirs) as client:
        yield client


by_every_way = pytest.mark.parametrize("way", ["own", "wrapped"])
# httpx connects in new tasks, which cancel the driving task. aiohttp does not.
on_aiohttp = pytest.mark.parametrize("transport", TRANSPORTS[:1], indirect=True)


@by_every_way
@on_aiohttp
@pytest.mark.parametrize(
    ("elsewhere", "is_named"),
    # From another context the close itself is turned into an error below, after which a
    # named plan's history would be asked for.
    [(False, False), (False, True), (True, False)],
    ids=["no-arn", "arn", "another-context"],
)
def test_a_purchase_that_is_driven_by_hand_can_be_closed(
    transport: Transport,
    way: str,
    elsewhere: bool,
    is_named: bool,
) -> None:
    async def close_one(server: CountingServer) -> object:
        async with client_by(way, server.url, transport) as client:
            arn = ARN if is_named else None
            coroutine: Any = client.training_plans.extend("tpeo-1", training_plan_arn=arn)
            await drive(coroutine, lambda: bool(server.bought))
            close = coroutine.close
            with suppress(OutcomeUnknownError):
                # The libraries below may not clean up from another context.
                contextvars.Context().run(close) if elsewhere else close()
            # No lock is left that would block other purchases of the offering.
            server.fate = Fate.ACCEPT
            return await asyncio.wait_for(
                asyncio.create_task(client.training_plans.extend("tpeo-1")), 5
            )

    with CountingServer(Fate.ACCEPT_HANG) as server:
        receipt = asyncio.run(close_one(server))

    assert isinstance(receipt, ExtensionReceipt)
    assert len(server.bought) == 2


@by_every_way
@on_aiohttp
@pytest.mark.parametrize("raised", [RuntimeError, TimeoutError, asyncio.CancelledError])
def test_an_exception_thrown_from_another_context_leaves_doubt(
    transport: Transport, way: str, raised: type[BaseException]
) -> None:
    async def throw_into_one(server: CountingServer) -> object:
        async with client_by(way, server.url, transport) as client:
            coroutine: Any = client.training_plans.extend("tpeo-1")
            await drive(coroutine, lambda: bool(server.bought))
            throw = partial(contextvars.Context().run, coroutine.throw, raised("thrown in"))
            return await drive_to_its_end(coroutine, throw)

    with CountingServer(Fate.ACCEPT_HANG) as server:
        told = asyncio.run(throw_into_one(server))

    assert isinstance(told, OutcomeUnknownError), repr(told)
    assert len(server.bought) == 1
