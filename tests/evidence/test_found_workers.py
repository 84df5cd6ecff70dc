"""HTTP sessions with a bound ``send`` or a worker: a purchase keeps off their pool."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest
from aiobotocore.config import AioConfig
from tenacity import retry, stop_after_attempt

from evidence.counting_server import ARN, EXTEND, CountingServer
from evidence.generated.fates import Fate, Lookup
from harness import TRANSPORTS, Transport, a_spec, fast_retries, session
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    ConnectionFailedError,
    OutcomeUnknownError,
    PercentageOfFleet,
    StageSpec,
)
from sagemaker_plans.emulator import Emulator
from transport.clients import kind_of_session, users_client

OFFERING = "tpeo-1"
QUICK = fast_retries(reconcile_limit=0.2)
ADD = "CreateEdgeDeploymentStage"

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("transport", TRANSPORTS[:2], ids=str, indirect=True),
]


def bound(base: Any, tries: int) -> Any:
    """Make a class that keeps a bound ``send``."""

    class Bound(base):  # type: ignore[misc]  # one of aiobotocore's two classes
        def __init__(self, *args: Any, **settings: Any) -> None:
            inherited: Any = super()
            inherited.__init__(*args, **settings)
            again = retry(stop=stop_after_attempt(tries), reraise=True)
            self._send_again = again(inherited.send)

        async def send(self, request: Any) -> Any:
            return await self._send_again(request)

    return Bound


class OneAtATime:
    """Hands requests to a task that sends one after the other."""

    def __init__(self, send: Any, tries: int) -> None:
        self.send, self.tries = send, tries
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.worker = asyncio.create_task(self.work())

    async def work(self) -> None:
        while True:
            request, future = await self.queue.get()
            error: BaseException | None = None
            for _ in range(self.tries):
                try:
                    future.set_result(await self.send(request))
                except Exception as raised:  # noqa: BLE001  # for who waits
                    error = raised
                else:
                    break
            if not future.done():
                future.set_exception(error)

    async def hand_over(self, request: Any) -> Any:
        future = asyncio.get_running_loop().create_future()
        await self.queue.put((request, future))
        return await future


class Dispatcher:
    """Begins with the first request, and sends each one in a task of its own."""

    def __init__(self, send: Any) -> None:
        self.send = send
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.tasks: list[asyncio.Task[None]] = []

    async def work(self) -> None:
        while True:
            self.tasks.append(asyncio.create_task(self.carry(*await self.queue.get())))

    async def carry(self, request: Any, future: asyncio.Future[Any]) -> None:
        try:
            future.set_result(await self.send(request))
        except Exception as error:  # noqa: BLE001  # for who waits
            future.set_exception(error)

    async def hand_over(self, request: Any) -> Any:
        if not self.tasks:
            self.tasks.append(asyncio.create_task(self.work()))
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        await self.queue.put((request, future))
        return await future


def working(base: Any, tries: int) -> Any:
    """Make a class that has a worker from its first request on."""

    class Working(base):  # type: ignore[misc]  # likewise
        worker: OneAtATime | None = None

        async def send(self, request: Any) -> Any:
            if self.worker is None:
                inherited: Any = super()
                self.worker = OneAtATime(inherited.send, tries)
            return await self.worker.hand_over(request)

    return Working


def client_over(server: CountingServer, http_session_cls: Any) -> AsyncClient:
    config = AioConfig(http_session_cls=http_session_cls)
    own = session()
    return AsyncClient(
        region_name="us-east-1",
        endpoint_url=server.url,
        session=own,
        config=config,
        retry=QUICK,
    )


@pytest.mark.parametrize("fate", [Fate.ACCEPT_RESET, Fate.REDIRECT_307])
async def test_a_bound_send_sends_a_purchase_once_on_its_own_connection(
    transport: Transport, fate: Fate
) -> None:
    with CountingServer(fate, Lookup.LAGS) as server:
        async with client_over(server, bound(kind_of_session(transport), 3)) as client:
            with pytest.raises(OutcomeUnknownError):
                await client.training_plans.extend(OFFERING, training_plan_arn=ARN)

    (bought,) = [one for one in server.requests if one.target == EXTEND]
    others = {one.connection for one in server.requests if one.target != EXTEND}
    assert others
    assert bought.connection not in others


@pytest.mark.parametrize("tries", [1, 3])
async def test_a_worker_that_began_before_a_purchase_is_refused_it(
    transport: Transport, tries: int
) -> None:
    with CountingServer(Fate.REDIRECT_307) as server:
        async with client_over(server, working(kind_of_session(transport), tries)) as client:
            await client.training_plans.extension_history(ARN).collect()
            with pytest.raises(ConfigurationError, match="in another task, with another"):
                await client.training_plans.extend(OFFERING, training_plan_arn=ARN)

    assert server.count(EXTEND) == 0


async def test_a_worker_that_began_with_a_purchase_sends_the_next_reads(
    transport: Transport,
) -> None:
    with CountingServer() as server:
        async with client_over(server, working(kind_of_session(transport), 1)) as client:
            for offering in (OFFERING, "tpeo-2"):
                # Without the plan, nothing is read before: the copy makes a worker of its own.
                await client.training_plans.extend(offering)
            bought = await client.training_plans.extension_history(ARN).collect()

    assert [each.offering_id for each in bought] == [OFFERING, "tpeo-2"]
    assert server.count(EXTEND) == 2


async def test_a_worker_on_a_patched_send_is_refused_a_purchase_until_the_client_is_released(
    transport: Transport,
) -> None:
    with CountingServer() as server:
        async with users_client(server.url, transport) as theirs:
            users: Any = theirs._endpoint.http_session
            await theirs.describe_training_plan_extension_history(TrainingPlanArn=ARN)
            users.send = OneAtATime(users.send, 1).hand_over
            client = AsyncClient.from_client(theirs, retry=QUICK)
            for _ in range(2):
                with pytest.raises(ConfigurationError, match="in another task"):
                    await client.training_plans.extend(OFFERING)
            await client.aclose()
            assert "_get_session" not in vars(users)
            assert server.count(EXTEND) == 0
            # Now it is the user's own affair again.
            await theirs.extend_training_plan(TrainingPlanExtensionOfferingId=OFFERING)

    assert server.count(EXTEND) == 1


async def test_a_patched_way_to_open_connections_is_put_back(transport: Transport) -> None:
    with CountingServer() as server:
        async with users_client(server.url, transport) as theirs:
            users: Any = theirs._endpoint.http_session
            opens, kind = users._get_session, kind_of_session(transport)

            async def watched(target: object) -> object:
                return await opens(target)

            async def sends(request: Any) -> Any:
                return await kind.send(users, request)

            users._get_session, users.send = watched, sends
            client = AsyncClient.from_client(theirs, retry=QUICK)
            with pytest.raises(ConfigurationError, match="did not open itself"):
                await client.training_plans.extend(OFFERING)
            await client.aclose()
            assert users._get_session is watched

    assert server.count(EXTEND) == 0


async def test_another_call_of_the_users_for_the_same_plan_is_not_taken_for_ours(
    emulator: Emulator, transport: Transport
) -> None:
    async with users_client(emulator.endpoint_url, transport) as theirs:
        client = AsyncClient.from_client(theirs, retry=QUICK)
        ours, other = (StageSpec(name, PercentageOfFleet(5)) for name in ("ours", "other"))
        await client.plans.create(a_spec("rollout", stages=1))
        with emulator.hold_replies(ADD) as gate:
            async with anyio.create_task_group() as group:
                group.start_soon(client.plans.add_stages, "rollout", [ours])
                await anyio.to_thread.run_sync(gate.wait_for_arrivals)
                gate.open()
                await theirs.create_edge_deployment_stage(
                    EdgeDeploymentPlanName="rollout", Stages=[other.to_wire()]
                )
        names = [each.name async for each in client.plans.stages("rollout")]

    assert {"ours", "other"} < {*names}


async def test_a_worker_that_began_with_a_purchase_does_not_lend_its_connection(
    emulator: Emulator, transport: Transport
) -> None:
    """Another purchase that overtakes in it is refused; the first one is not disturbed."""
    async with users_client(emulator.endpoint_url, transport) as theirs:
        users: Any = theirs._endpoint.http_session
        users.send = Dispatcher(users.send).hand_over
        client = AsyncClient.from_client(theirs, retry=QUICK)
        plans = [emulator.add_training_plan(name) for name in ("one", "two")]
        offerings = [emulator.add_extension_offering(plan) for plan in plans]
        with emulator.hold_replies(EXTEND) as gate:
            async with anyio.create_task_group() as group:
                group.start_soon(client.training_plans.extend, offerings[0])
                await anyio.to_thread.run_sync(gate.wait_for_arrivals)
                with pytest.raises(ConfigurationError, match="in another task"):
                    await client.training_plans.extend(offerings[1])
                gate.open()

    assert [each.offering_id for each in emulator.purchases] == offerings[:1]


async def test_a_client_is_restored_after_a_loss_if_its_session_sends_where_it_is_called(
    transport: Transport,
) -> None:
    base: Any = kind_of_session(transport)

    class Named(base):  # type: ignore[misc]  # one of aiobotocore's two classes
        """Has no ``send`` of its own."""

    with CountingServer(Fate.ACCEPT_RESET, Lookup.LAGS) as server:
        for kind in (Named, bound(base, 1)):
            async with users_client(server.url, transport, http_session_cls=kind) as theirs:
                users = theirs._endpoint.http_session
                async with AsyncClient.from_client(theirs, retry=QUICK) as client:
                    with pytest.raises(OutcomeUnknownError):
                        await client.training_plans.extend(OFFERING)
                assert theirs._endpoint.http_session is users
                assert "_get_session" not in vars(users)


async def test_purchases_keep_off_a_shared_pool_until_the_last_client_is_released(
    transport: Transport,
) -> None:
    kind = bound(kind_of_session(transport), 1)
    with CountingServer() as server:
        async with (
            users_client(server.url, transport, http_session_cls=kind) as theirs,
            users_client(server.url, transport, http_session_cls=kind) as other,
        ):
            users: Any = theirs._endpoint.http_session
            own, other._endpoint.http_session = other._endpoint.http_session, users
            clients = [AsyncClient.from_client(each, retry=QUICK) for each in (theirs, other)]
            for number, client in enumerate(clients):
                await client.training_plans.extend(f"tpeo-{number}")
            await clients[0].aclose()
            assert "_get_session" in vars(users)
            await clients[1].aclose()
            assert "_get_session" not in vars(users)
            other._endpoint.http_session = own

    assert server.count(EXTEND) == 2


async def test_a_session_may_open_its_clients_by_names(transport: Transport) -> None:
    base: Any = kind_of_session(transport)

    class Named(base):  # type: ignore[misc]  # one of aiobotocore's two classes
        async def send(self, request: Any) -> Any:
            inherited: Any = super()
            opens: Any = self._get_session
            await opens(proxy_url=None) if transport.http_backend == "aiohttp" else None
            return await inherited.send(request)

    with CountingServer() as server:
        async with (
            users_client(server.url, transport, http_session_cls=Named) as theirs,
            AsyncClient.from_client(theirs, retry=QUICK) as client,
        ):
            await client.training_plans.extend(OFFERING)
            await client.training_plans.extension_history(ARN).collect()

    assert server.count(EXTEND) == 1


async def test_a_session_that_cannot_be_restored_hides_no_receipt(
    transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd:
        @property
        def event_hooks(self) -> object:
            raise RuntimeError("odd")

    kind = bound(kind_of_session(transport), 1)
    with CountingServer() as server:
        async with users_client(server.url, transport, http_session_cls=kind) as theirs:
            users: Any = theirs._endpoint.http_session
            client = AsyncClient.from_client(theirs, retry=QUICK)
            await client.training_plans.extend(OFFERING)
            before: Any = getattr(users, "_session", None)
            users._session = Odd()
            await client.aclose()
            users._session = before

    assert "an HTTP session could not be restored" in caplog.text


async def test_a_session_of_its_own_that_cannot_be_opened_leaves_no_doubt(
    transport: Transport,
) -> None:
    base: Any = kind_of_session(transport)
    opened: list[object] = []

    class Once(base):  # type: ignore[misc]  # one of aiobotocore's two classes
        async def __aenter__(self) -> Any:
            opened.append(self)
            if len(opened) > 1:
                raise OSError("no more files")
            inherited: Any = super()
            return await inherited.__aenter__()

    once = fast_retries(max_attempts=1)
    with CountingServer() as server:
        async with (
            users_client(server.url, transport, http_session_cls=Once) as theirs,
            AsyncClient.from_client(theirs, retry=once) as client,
        ):
            with pytest.raises(ConnectionFailedError, match="no more files") as failed:
                await client.training_plans.extend(OFFERING)

    assert failed.value.request_sent is False
    assert server.count(EXTEND) == 0
