"""What every call needs of the event loop: alike on asyncio and trio, and without anyio."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import partial

import anyio
import pytest

from harness import a_spec
from loaded_modules import modules_after
from sagemaker_plans import _event_loop
from sagemaker_plans._event_loop import (
    AsyncioLimit,
    current_loop,
    current_time,
    in_thread,
    new_lock,
    on_asyncio,
    time_limit,
    to_its_end,
)
from sagemaker_plans.emulator import Emulator
from virtual_clock import LOOPS, Loop, freeze, run_virtually

MARK: ContextVar[str] = ContextVar("mark")
both_loops = pytest.mark.parametrize("loop", LOOPS)
LIMITS = (time_limit, partial(time_limit, shield=True))
each_limit = pytest.mark.parametrize(
    ("loop", "make"),
    [
        ("asyncio", AsyncioLimit),
        *(
            (loop, make)
            for loop in LOOPS
            for make in (time_limit, partial(time_limit, shield=True))
        ),
    ],
    ids=["own", "asyncio", "asyncio-shielded", "trio", "trio-shielded"],
)


@both_loops
def test_it_is_told_whose_event_loop_runs(loop: Loop) -> None:
    async def ask() -> bool:
        return on_asyncio()

    assert run_virtually(loop, ask) == (loop == "asyncio")


def test_without_trio_it_is_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_event_loop, "modules", dict[str, object]())
    assert on_asyncio()


@both_loops
def test_the_time_is_that_of_the_loop(loop: Loop) -> None:
    async def look() -> tuple[float, float]:
        await anyio.sleep(7)
        return current_time(), anyio.current_time()

    own, theirs = run_virtually(loop, look)
    assert own == theirs


@both_loops
def test_a_loop_is_equal_to_itself_only(loop: Loop) -> None:
    async def look() -> tuple[object, object]:
        return current_loop(), current_loop()

    first, second = run_virtually(loop, look), run_virtually(loop, look)
    assert first[0] == first[1]
    assert first[0] != second[0]


@both_loops
def test_a_lock_is_held_by_one_task(loop: Loop) -> None:
    async def run() -> list[str]:
        lock, done = new_lock(), list[str]()

        async def hold(name: str) -> None:
            async with lock:
                done.append(f"{name} in")
                await anyio.sleep(1)
                done.append(f"{name} out")

        async with anyio.create_task_group() as tasks:
            for name in "ab":
                tasks.start_soon(hold, name)
        return [each.partition(" ")[2] for each in done]

    assert run_virtually(loop, run) == ["in", "out", "in", "out"]


@both_loops
def test_what_runs_to_its_end_gives_its_result_or_raises(loop: Loop) -> None:
    async def work(error: Exception | None) -> float:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(3)
        if error is not None:
            raise error
        return current_time()

    async def run() -> float:
        with pytest.raises(ValueError, match="own"):
            await to_its_end(work(ValueError("own")))
        with anyio.move_on_after(1):
            return await to_its_end(work(None))
        raise AssertionError

    assert run_virtually(loop, run) == 6


@pytest.mark.parametrize("cancels", [1, 2, 5])
def test_a_task_that_is_cancelled_natively_ends_when_its_work_has_ended(cancels: int) -> None:
    done: list[float] = []

    async def work() -> None:
        await asyncio.sleep(10)
        done.append(current_time())

    async def run() -> float:
        task = asyncio.ensure_future(to_its_end(work()))
        for _ in range(cancels):
            await asyncio.sleep(1)
            task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        return current_time()

    assert run_virtually("asyncio", run) == 10
    assert done == [10]


@each_limit
def test_what_takes_too_long_is_cancelled(
    loop: Loop, make: Callable[[float], _event_loop.Limit]
) -> None:
    async def run() -> tuple[bool, float]:
        began = current_time()
        limit = make(5)
        with limit:
            await anyio.sleep(60)
        took = current_time() - began
        await anyio.sleep(60)  # nothing is cancelled afterwards
        return limit.cancelled_caught, took

    was_cancelled, took = run_virtually(loop, run)
    assert was_cancelled
    assert took == pytest.approx(5)


@each_limit
@pytest.mark.parametrize("at_the_end", [False, True])
def test_an_error_of_its_own_is_raised(
    loop: Loop, make: Callable[[float], _event_loop.Limit], *, at_the_end: bool
) -> None:
    async def run() -> bool:
        async def fail() -> None:
            try:
                await anyio.sleep(60 if at_the_end else 1)
            finally:
                raise ValueError("own")

        limit = make(5)
        with pytest.raises(ValueError, match="own"), limit:
            await fail()
        await anyio.sleep(60)  # nothing is cancelled afterwards
        return limit.cancelled_caught

    assert not run_virtually(loop, run)


def test_what_has_come_when_a_frozen_process_goes_on_counts() -> None:
    async def run() -> bool:
        event_loop = asyncio.get_running_loop()
        reply = event_loop.create_future()
        event_loop.call_later(1, reply.set_result, "reply")
        event_loop.call_soon(freeze, 3600)
        limit = AsyncioLimit(5)
        with limit:
            assert await reply == "reply"
        return limit.cancelled_caught

    assert not run_virtually("asyncio", run)


def test_who_swallows_the_cancellation_is_cancelled_again() -> None:
    async def run() -> tuple[list[float], bool, int]:
        swallowed: list[float] = []
        limit = AsyncioLimit(5)
        with limit:
            for _ in range(3):
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    swallowed.append(current_time())
            await asyncio.sleep(60)
        task = asyncio.current_task()
        assert task is not None
        return swallowed, limit.cancelled_caught, task.cancelling()

    swallowed, was_cancelled, still = run_virtually("asyncio", run)
    assert swallowed == pytest.approx([5, 6, 7])
    assert was_cancelled
    assert still == 0


def test_the_cancellation_of_somebody_else_stays_theirs() -> None:
    async def run() -> tuple[bool, int]:
        limit = AsyncioLimit(5)

        async def work() -> None:
            with limit:
                await asyncio.sleep(60)

        task = asyncio.create_task(work())
        # At the same moment, and after it.
        asyncio.get_running_loop().call_later(5, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        return limit.cancelled_caught, task.cancelling()

    assert run_virtually("asyncio", run) == (False, 1)


@both_loops
def test_a_scope_around_a_limit_cancels_what_is_in_it(loop: Loop) -> None:
    async def run() -> tuple[bool, bool]:
        limit = time_limit(60)
        with anyio.move_on_after(5) as scope, limit:
            await anyio.sleep(100)
        return scope.cancelled_caught, limit.cancelled_caught

    assert run_virtually(loop, run) == (True, False)


@both_loops
def test_a_shield_keeps_the_scope_around_it_out(loop: Loop) -> None:
    async def run() -> float:
        began = current_time()
        with anyio.move_on_after(5), time_limit(60, shield=True):
            await anyio.sleep(20)
        return current_time() - began

    assert run_virtually(loop, run) == pytest.approx(20)


@both_loops
def test_scopes_at_the_same_time_are_not_taken_for_each_other(loop: Loop) -> None:
    """A task group inside keeps what cancelled it, and shows it to the scope outside."""

    async def run() -> tuple[bool, bool]:
        limit = time_limit(5)
        with anyio.move_on_after(5) as scope:
            with limit:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(anyio.sleep, 60)
                    await anyio.sleep(60)
            await anyio.sleep(60)
        return scope.cancelled_caught, current_time() == 5

    assert run_virtually(loop, run) == (True, True)


@pytest.mark.parametrize("shield", [False, True])
def test_only_a_program_without_anyio_has_a_limit_of_its_own(
    monkeypatch: pytest.MonkeyPatch, *, shield: bool
) -> None:
    monkeypatch.setattr(_event_loop, "modules", dict[str, object]())
    assert isinstance(time_limit(5, shield=shield), AsyncioLimit)


def run_for_real(loop: Loop, function: Callable[[], Awaitable[object]]) -> None:
    anyio.run(function, backend=loop)


@both_loops
def test_a_function_runs_in_another_thread(loop: Loop) -> None:
    def fail() -> None:
        raise ValueError("own")

    async def run() -> None:
        assert await in_thread(threading.get_ident) != threading.get_ident()
        MARK.set("here")
        assert await in_thread(MARK.get) == "here"
        with pytest.raises(ValueError, match="own"):
            await in_thread(fail)

    run_for_real(loop, run)


def test_a_thread_waits_for_no_other_thread() -> None:
    async def run() -> None:
        free, event_loop = threading.Event(), asyncio.get_running_loop()
        taken = [event_loop.run_in_executor(None, free.wait, 60) for _ in range(64)]
        try:
            await asyncio.wait_for(in_thread(list[int]), 60)
            assert not any(each.done() for each in taken)
        finally:
            free.set()
            await asyncio.gather(*taken)

    asyncio.run(run())


def test_one_describe_needs_neither_anyio_nor_cattrs(emulator: Emulator) -> None:
    emulator.service.handle("CreateEdgeDeploymentPlan", a_spec("rollout").to_wire())
    # httpx, which is not installed everywhere, imports anyio.
    code = f"""
import asyncio, os, sys
sys.modules |= {{"httpx": None, "httpx2": None}}
os.environ |= {{"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}}
from sagemaker_plans import AsyncClient
async def main():
    url = {emulator.endpoint_url!r}
    async with AsyncClient(region_name="us-east-1", endpoint_url=url) as client:
        assert len((await client.plans.describe("rollout")).stages) == 2
asyncio.run(main())
"""
    loaded = modules_after(code)
    assert "sagemaker_plans._transport.botocore_gateway" in loaded
    late = {"anyio", "cattrs", "tenacity", "sagemaker_plans._edge.wait"}
    assert late & loaded == set()
