"""Event loops share nothing, and those that are gone leave nothing behind."""

import asyncio
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import anyio
import pytest
from anyio import lowlevel

from sagemaker_plans import _shared_client, shared_client
from shared_client.pretended_client import Service, pretended


@pytest.fixture(autouse=True)
def _fast(service: Service) -> None:
    service.opening_takes = service.closing_takes = 0


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_one_event_loop_after_the_other_gets_a_client_each(backend: str, service: Service) -> None:
    async def use() -> None:
        async with shared_client() as client:
            assert pretended(client).is_open

    anyio.run(use, backend=backend)
    anyio.run(use, backend=backend)

    assert len(service.opened) == 2


def test_event_loops_in_threads_share_nothing(service: Service) -> None:
    together = Barrier(4)

    async def use() -> int:
        async with shared_client() as client:
            together.wait(30)
            return id(client)

    def run(number: int) -> int:
        return anyio.run(use, backend=["asyncio", "trio"][number % 2])

    with ThreadPoolExecutor(4) as threads:
        clients = [*threads.map(run, range(4))]

    assert len({*clients}) == 4
    assert len(service.opened) == 4


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_nothing_is_left_of_a_client_that_was_closed(backend: str, service: Service) -> None:
    async def use() -> "weakref.ref[object]":
        async with shared_client():
            client = weakref.ref(service.opened.pop())
        gc.collect()
        assert client() is None
        assert len(_shared_client._clients.get()) == 0
        return weakref.ref(lowlevel.current_token().native_token)

    event_loop = anyio.run(use, backend=backend)
    gc.collect()

    assert event_loop() is None


# What the coroutine does when it is thrown away, with no event loop, is lost, as with any client.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nothing_is_left_of_an_event_loop_that_ended_in_the_middle(service: Service) -> None:
    loop = asyncio.new_event_loop()
    its_end: asyncio.Future[None] = loop.create_future()

    async def use(its_end: asyncio.Future[None]) -> None:
        async with shared_client():
            its_end.set_result(None)
            await asyncio.get_running_loop().create_future()

    task = loop.create_task(use(its_end))
    loop.run_until_complete(its_end)
    loop.close()
    client, event_loop = weakref.ref(service.opened.pop()), weakref.ref(loop)
    # Nobody shall be told that a task was still waiting: that is what this is about.
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # typeshed does not know it
    del task, loop, its_end
    gc.collect()

    assert client() is None
    assert event_loop() is None
