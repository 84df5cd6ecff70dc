"""Who gets which client, and when it is opened and closed; on a virtual clock."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
import pytest

from sagemaker_plans import AsyncClient, ConfigurationError, ConnectionFailedError, shared_client
from shared_client.pretended_client import Service, pretended
from virtual_clock import LOOPS, Loop, run_virtually

T = TypeVar("T")

each_loop = pytest.mark.parametrize("loop", LOOPS)


class Users:
    """Some who use a shared client, each in a task of its own."""

    def __init__(self) -> None:
        self.clients: dict[str, AsyncClient] = {}
        self.errors: dict[str, BaseException] = {}
        self.left: list[str] = []

    async def use(self, name: str, seconds: float, **settings: Any) -> None:
        try:
            async with shared_client(**settings) as client:
                self.clients[name] = client
                await anyio.sleep(seconds)
                assert pretended(client).is_open, "it was closed under its user"
        except Exception as error:  # noqa: BLE001  # tests look at them
            self.errors[name] = error
        self.left.append(name)


def run(loop: Loop, test: Callable[[Users, anyio.abc.TaskGroup], Awaitable[None]]) -> Users:
    async def with_users() -> Users:
        users = Users()
        async with anyio.create_task_group() as tasks:
            await test(users, tasks)
        return users

    return run_virtually(loop, with_users)


@each_loop
def test_all_get_one_client_which_is_closed_after_the_last(loop: Loop, service: Service) -> None:
    async def test(users: Users, tasks: anyio.abc.TaskGroup) -> None:
        for number in range(5):
            tasks.start_soon(users.use, f"user {number}", 10 + number)
        await anyio.sleep(14)
        (client,) = service.opened
        assert client.is_open
        await anyio.sleep(1.5)
        assert client.is_closed

    users = run(loop, test)

    assert users.errors == {}
    assert len({*map(id, users.clients.values())}) == 1
    assert service.attempts == 1


@each_loop
def test_who_comes_after_the_last_gets_a_new_client(loop: Loop, service: Service) -> None:
    async def test(users: Users, _tasks: anyio.abc.TaskGroup) -> None:
        await users.use("first", 1)
        await users.use("second", 1)

    users = run(loop, test)

    assert users.errors == {}
    assert [each.is_closed for each in service.opened] == [True, True]


@each_loop
def test_who_comes_while_it_is_being_closed_gets_a_new_client(loop: Loop, service: Service) -> None:
    async def test(users: Users, tasks: anyio.abc.TaskGroup) -> None:
        tasks.start_soon(users.use, "first", 1)
        await anyio.sleep(2.5)
        assert service.opened[0].is_closed
        assert users.left == []
        await users.use("second", 5)

    users = run(loop, test)

    assert users.errors == {}
    assert len(service.opened) == 2


@each_loop
def test_an_error_in_one_block_closes_nothing_for_the_others(loop: Loop, service: Service) -> None:
    async def fail() -> None:
        async with shared_client():
            await anyio.sleep(2)
            raise LookupError

    async def test(users: Users, tasks: anyio.abc.TaskGroup) -> None:
        tasks.start_soon(users.use, "other", 10)
        with pytest.raises(LookupError):
            await fail()
        assert service.opened[0].is_open

    assert run(loop, test).errors == {}


@each_loop
def test_who_is_cancelled_while_opening_leaves_the_opening_to_the_next(
    loop: Loop, service: Service
) -> None:
    async def test(users: Users, tasks: anyio.abc.TaskGroup) -> None:
        async with anyio.create_task_group() as impatient:
            impatient.start_soon(users.use, "impatient", 10)
            await anyio.sleep(0.1)
            for name in ("second", "third"):
                tasks.start_soon(users.use, name, 10)
            await anyio.sleep(0.1)
            impatient.cancel_scope.cancel()

    users = run(loop, test)

    assert users.errors == {}
    assert {*users.clients} == {"second", "third"}
    assert service.attempts == 2
    assert len(service.opened) == 1


@each_loop
def test_who_is_cancelled_alone_while_opening_leaves_nothing_behind(
    loop: Loop, service: Service
) -> None:
    async def test(users: Users, _tasks: anyio.abc.TaskGroup) -> None:
        with anyio.move_on_after(0.5):
            await users.use("impatient", 10)
        assert service.opened == []
        await users.use("next", 1)

    users = run(loop, test)

    assert users.errors == {}
    assert [each.is_closed for each in service.opened] == [True]


@each_loop
def test_the_last_one_closes_it_even_if_cancelled(loop: Loop, service: Service) -> None:
    async def test(users: Users, _tasks: anyio.abc.TaskGroup) -> None:
        with anyio.move_on_after(5):
            await users.use("cancelled", 100)
        assert anyio.current_time() == pytest.approx(6)  # closing took its second
        assert service.opened[0].is_closed

    run(loop, test)


@each_loop
def test_an_opening_that_fails_fails_for_all_who_waited_and_the_next_tries_again(
    loop: Loop, service: Service
) -> None:
    cause = OSError("no route")
    service.error = ConnectionFailedError("could not open a client", request_sent=False)
    service.error.__cause__ = cause

    async def test(users: Users, tasks: anyio.abc.TaskGroup) -> None:
        for name in ("first", "second", "third"):
            tasks.start_soon(users.use, name, 1)
        await anyio.sleep(1.2)  # it has failed, and is being closed
        service.error = None
        await users.use("next", 1)

    users = run(loop, test)

    assert {*users.errors} == {"first", "second", "third"}
    assert [type(each) for each in users.errors.values()] == [ConnectionFailedError] * 3
    assert [each.__cause__ for each in users.errors.values()] == [cause] * 3
    assert len({*map(id, users.errors.values())}) == 3
    assert service.attempts == 2
    assert {*users.clients} == {"next"}


@each_loop
def test_a_failure_that_is_none_of_ours_is_not_passed_around(loop: Loop, service: Service) -> None:
    service.error = ZeroDivisionError()

    async def test(users: Users, tasks: anyio.abc.TaskGroup) -> None:
        for name in ("first", "second"):
            tasks.start_soon(users.use, name, 1)
        await anyio.sleep(1.5)
        service.error = None

    users = run(loop, test)

    assert [type(each) for each in users.errors.values()] == [ZeroDivisionError]
    assert service.attempts == 2
    assert len(users.clients) == 1


@each_loop
def test_a_client_that_somebody_closed_is_not_given_to_newcomers(
    loop: Loop, service: Service
) -> None:
    async def close_it() -> None:
        async with shared_client() as client:
            await anyio.sleep(1)
            async with client:
                pass

    async def test(users: Users, tasks: anyio.abc.TaskGroup) -> None:
        async def other() -> None:
            async with shared_client() as client:
                await anyio.sleep(10)
                with pytest.raises(ConfigurationError, match="closed"):
                    await client.__aenter__()

        tasks.start_soon(other)
        await close_it()
        await users.use("newcomer", 20)

    users = run(loop, test)

    assert users.errors == {}
    assert len(service.opened) == 2
    assert all(each.is_closed for each in service.opened)


@each_loop
def test_it_is_entered_once(loop: Loop, service: Service) -> None:
    async def test(_users: Users, _tasks: anyio.abc.TaskGroup) -> None:
        shared = shared_client()
        async with shared:
            with pytest.raises(RuntimeError, match="call shared_client again"):
                await shared.__aenter__()
        with pytest.raises(RuntimeError, match="call shared_client again"):
            await shared.__aenter__()

    run(loop, test)

    assert [each.is_closed for each in service.opened] == [True]


@each_loop
def test_who_leaves_twice_has_left_once(loop: Loop, service: Service) -> None:
    async def test(users: Users, tasks: anyio.abc.TaskGroup) -> None:
        tasks.start_soon(users.use, "other", 10)
        shared = shared_client()
        async with shared:
            pass
        await shared.__aexit__(None, None, None)
        assert service.opened[0].is_open

    assert run(loop, test).errors == {}
