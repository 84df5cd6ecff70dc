"""Places in which user code can run: wrappers, below the endpoint, HTTP sessions."""

import asyncio
import copy
import json
import pickle
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import wraps
from typing import Any, Final, Literal

import anyio

from evidence.generated.cells import Place, Scene

Call = Callable[..., Awaitable[Any]]
Wrapper = Callable[[Call, Scene], Call]
Level = Literal["method", "api-call"]


# what wrappers do


def raises_before(call: Call, scene: Scene) -> Call:
    async def wrapper(*args: Any, **params: Any) -> Any:
        await scene.act()
        return await call(*args, **params)

    return wrapper


def raises_after(call: Call, scene: Scene) -> Call:
    async def wrapper(*args: Any, **params: Any) -> Any:
        try:
            return await call(*args, **params)
        finally:
            await scene.act()

    return wrapper


def retries(call: Call, scene: Scene) -> Call:
    async def wrapper(*args: Any, **params: Any) -> Any:
        for _ in range(3):
            with suppress(Exception):
                return await call(*args, **params)
        await scene.act()
        return await call(*args, **params)

    return wrapper


def calls_twice(call: Call, scene: Scene) -> Call:
    async def wrapper(*args: Any, **params: Any) -> Any:
        results: list[Any] = []
        errors: list[Exception] = []

        async def one() -> None:
            try:
                results.append(await call(*args, **params))
            except Exception as error:  # noqa: BLE001  # told below
                errors.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one)
            tasks.start_soon(one)
        await scene.act()
        if results:
            return results[0]
        raise errors[-1]

    return wrapper


def is_impatient(call: Call, scene: Scene) -> Call:
    async def wrapper(*args: Any, **params: Any) -> Any:
        for _ in range(2):
            with anyio.move_on_after(0.02):
                return await call(*args, **params)
        await scene.act()
        raise TimeoutError

    return wrapper


# how wrappers run a call


def direct(call: Call, _: Scene) -> Call:
    return call


def in_a_task(call: Call, scene: Scene) -> Call:
    """Run each call in a new task that outlives its caller."""

    async def carried(*args: Any, **params: Any) -> Any:
        done = anyio.Event()
        outcome: list[Any] = []

        async def run() -> None:
            outcome.append(await _caught(call, args, params))
            done.set()

        scene.tasks.start_soon(run)
        await done.wait()
        return _given(outcome[0])

    return carried


def by_a_dispatcher(call: Call, scene: Scene) -> Call:
    """Run all calls in one task that was started before, one after the other."""
    give, take = anyio.create_memory_object_stream[Any](16)

    async def serve() -> None:
        async with give, take:
            async for args, params, done, outcome in take:
                outcome.append(await _caught(call, args, params))
                done.set()

    scene.tasks.start_soon(serve)

    async def carried(*args: Any, **params: Any) -> Any:
        done = anyio.Event()
        outcome: list[Any] = []
        await give.send((args, params, done, outcome))
        await done.wait()
        return _given(outcome[0])

    return carried


async def _caught(call: Call, args: Any, params: Any) -> Any:
    try:
        return await call(*args, **params)
    except BaseException as error:
        if isinstance(error, anyio.get_cancelled_exc_class()):
            raise
        return error


def _given(outcome: Any) -> Any:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def in_a_thread(call: Call, _: Scene) -> Call:
    """Run each call in a thread with its own event loop."""

    async def carried(*args: Any, **params: Any) -> Any:
        pool = ThreadPoolExecutor(1)
        try:
            future: Future[Any] = pool.submit(lambda: asyncio.run(_run(call, args, params)))
            while not future.done():  # noqa: ASYNC110  # a future of a thread has no event
                await anyio.sleep(0.002)
            return _given(future.result())
        finally:
            pool.shutdown(wait=False)

    return carried


async def _run(call: Call, args: Any, params: Any) -> Any:
    try:
        return await call(*args, **params)
    except BaseException as error:  # noqa: BLE001  # given to the caller
        return error


def copying(how: Callable[[Any], Any]) -> Wrapper:
    """Copy the parameters, which are the last positional argument or a keyword."""

    def wrapper(call: Call, _: Scene) -> Call:
        async def carried(*args: Any, **params: Any) -> Any:
            if args:
                return await call(*args[:-1], how(args[-1]))
            return await call(**how(params))

        return carried

    return wrapper


CARRIERS: Final[dict[str, Wrapper]] = {
    "direct": direct,
    "task": in_a_task,
    "dispatcher": by_a_dispatcher,
    "thread": in_a_thread,
    "deepcopy": copying(copy.deepcopy),
    "json": copying(lambda params: json.loads(json.dumps(params))),
    "pickle": copying(lambda params: pickle.loads(pickle.dumps(params))),
}
BEHAVIOURS: Final[dict[str, Wrapper]] = {
    "raises-before": raises_before,
    "raises-after": raises_after,
    "retries": retries,
    "calls-twice": calls_twice,
    "is-impatient": is_impatient,
}
_HEARD_BEHAVIOURS: Final = frozenset({"raises-after", "retries", "calls-twice"})


def wrapper_place(level: Level, carrier: str, behaviour: str) -> Place:
    """Give the place around a method of the client, or around ``_make_api_call``."""

    def install(theirs: Any, scene: Scene) -> None:
        name = scene.method if level == "method" else "_make_api_call"
        original: Call = getattr(theirs, name)
        carried = CARRIERS[carrier](original, scene)
        misbehaving = BEHAVIOURS[behaviour](carried, scene)

        @wraps(original)
        async def wrapped(*args: Any, **params: Any) -> Any:
            if level == "api-call" and args[0] != scene.operation:
                return await original(*args, **params)
            return await misbehaving(*args, **params)

        setattr(theirs, name, wrapped)

    return Place(
        f"{level}-{carrier}-{behaviour}",
        install,
        is_heard=behaviour in _HEARD_BEHAVIOURS,
        when="after-wrapping" if behaviour == "retries" else "before-wrapping",
        ways=("wrapped",) if level == "method" else ("wrapped", "own"),
    )


def endpoint_place(behaviour: str) -> Place:
    """Give the place around the endpoint's ``_send``."""

    def install(theirs: Any, scene: Scene) -> None:
        endpoint = theirs._endpoint
        original: Call = endpoint._send
        misbehaving = BEHAVIOURS[behaviour](original, scene)

        async def patched(request: Any) -> Any:
            target = request.headers["X-Amz-Target"]
            text = target.decode() if isinstance(target, bytes) else target
            is_it = text.endswith(scene.operation)
            return await (misbehaving(request) if is_it else original(request))

        endpoint._send = patched

    return Place(
        f"endpoint-{behaviour}",
        install,
        is_heard=behaviour in _HEARD_BEHAVIOURS,
        ways=("wrapped", "own"),
    )


# HTTP sessions


def _nothing(_theirs: Any, _scene: Scene) -> None:
    """Install nothing, because the session's class is the user code."""


def session_place(behaviour: str) -> Place:
    """Give the place in a subclass of aiobotocore's HTTP session."""

    def make(plain: type[Any], scene: Scene) -> type[Any]:
        class Users(plain):  # type: ignore[misc]  # either class
            async def send(self, request: Any) -> Any:
                above: Any = super()
                send: Call = above.send
                target = request.headers["X-Amz-Target"]
                text = target.decode() if isinstance(target, bytes) else target
                if not text.endswith(scene.operation):
                    return await send(request)
                return await BEHAVIOURS[behaviour](send, scene)(request)

        return Users

    return Place(
        f"session-{behaviour}",
        _nothing,
        session_cls=make,
        ways=("wrapped", "session", "own"),
    )


def foreign_session_place(behaviour: str) -> Place:
    """Give the place in an HTTP session that is not a subclass of aiobotocore's."""

    def make(plain: type[Any], scene: Scene) -> type[Any]:
        class Foreign:
            def __init__(self, **settings: Any) -> None:
                self._inner = plain(**settings)

            async def __aenter__(self) -> Any:
                await self._inner.__aenter__()
                return self

            async def __aexit__(self, *raised: object) -> None:
                await self._inner.__aexit__(*raised)

            async def close(self) -> None:
                await self._inner.close()

            async def send(self, request: Any) -> Any:
                target = request.headers["X-Amz-Target"]
                text = target.decode() if isinstance(target, bytes) else target
                if not text.endswith(scene.operation):
                    return await self._inner.send(request)
                return await BEHAVIOURS[behaviour](self._inner.send, scene)(request)

        return Foreign

    return Place(
        f"foreign-session-{behaviour}", _nothing, session_cls=make, ways=("wrapped", "session")
    )
