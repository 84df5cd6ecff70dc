"""However users come, go and are cancelled, each has an open client, and none is left open."""

import anyio
import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import examples
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    ConnectionFailedError,
    _shared_client,
    shared_client,
)
from shared_client.pretended_client import PretendedClient, Service, pretended
from virtual_clock import LOOPS, Loop, run_virtually

REGIONS = ("eu-west-1", "us-east-1")


@frozen
class User:
    """What one user does; times are in seconds from the start."""

    comes: float
    stays: float
    is_cancelled: float
    region: str
    closes: bool
    """Whether it closes the client, which it must not."""


@frozen
class Outage:
    """A time in which no client can be opened."""

    begins: float
    lasts: float


times = st.integers(0, 12).map(lambda halves: halves / 2)
users = st.builds(
    User,
    comes=times,
    stays=times,
    is_cancelled=times | st.just(100.0),
    region=st.sampled_from(REGIONS),
    closes=st.integers(0, 9).map(lambda number: number == 0),
)


class Run:
    """One run of all users, and what is true all along."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.inside: dict[int, PretendedClient] = {}
        self.was_closed: set[int] = set()
        """The clients that a user has closed."""

    async def use(self, number: int, user: User) -> None:
        with anyio.CancelScope(deadline=anyio.current_time() + user.is_cancelled):
            await anyio.sleep(user.comes)
            try:
                async with shared_client(region_name=user.region) as client:
                    assert pretended(client).is_open
                    await self.stay(number, user, pretended(client))
            except ConnectionFailedError:
                return

    async def stay(self, number: int, user: User, client: PretendedClient) -> None:
        self.inside[number] = client
        try:
            await anyio.sleep(user.stays)
            if user.closes:
                self.was_closed.add(id(client))
                await client.aclose()
            assert client.is_open or id(client) in self.was_closed
        finally:
            del self.inside[number]

    async def fail_for_a_while(self, outage: Outage) -> None:
        await anyio.sleep(outage.begins)
        self.service.error = ConnectionFailedError("no route", request_sent=False)
        await anyio.sleep(outage.lasts)
        self.service.error = None

    async def look(self) -> None:
        for _ in range(60):
            await anyio.sleep(0.25)
            for region in REGIONS:
                open_now = [
                    each
                    for each in self.service.opened
                    if each.is_open and each.settings["region_name"] == region
                ]
                assert len(open_now) <= 1


@pytest.mark.parametrize("loop", LOOPS)
@settings(max_examples=examples(600))
@given(
    st.lists(users, min_size=1, max_size=8),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([0.0, 0.5, 2.0]),
    st.builds(Outage, begins=times, lasts=times),
)
def test_each_has_an_open_client_and_none_is_left_open(
    loop: Loop, everybody: list[User], opening_takes: float, closing_takes: float, outage: Outage
) -> None:
    service = Service()
    service.opening_takes, service.closing_takes = opening_takes, closing_takes
    run = Run(service)

    async def all_of_it() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run.look)
            tasks.start_soon(run.fail_for_a_while, outage)
            for number, user in enumerate(everybody):
                tasks.start_soon(run.use, number, user)
        clients = _shared_client._clients.get(None)
        assert clients is None or all(shared.is_over for shared in clients.values())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_shared_client, "AsyncClient", service.client)
        run_virtually(loop, all_of_it)

    assert run.inside == {}
    assert [each for each in service.opened if not each.is_closed] == []


def test_the_pretended_client_closes_as_the_real_one_does() -> None:
    client = AsyncClient(region_name="eu-west-1")

    async def close_and_open() -> None:
        await client.aclose()
        with pytest.raises(ConfigurationError, match="closed"):
            await client.__aenter__()

    anyio.run(close_and_open)
