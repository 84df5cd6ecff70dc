"""HTTP sessions with a bound ``send`` or a worker: a purchase keeps off their pool."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from tenacity import retry, stop_after_attempt

from evidence.counting_server import ARN, EXTEND, CountingServer
from evidence.generated.fates import Fate, Lookup
from harness import TRANSPORTS, Transport, a_spec, fast_retries, session
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    OutcomeUnknownError,
    PercentageOfFleet,
    StageSpec,
)
from sagemaker_plans.emulator import Emulator
from transport.clients import users_client

OFFERING = "tpeo-1"
QUICK = fast_retries(reconcile_limit=0.2)
ADD = "CreateEdgeDeploymentStage"

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("transport", TRANSPORTS[:2], ids=str, indirect=True),
]


def kind_of_session(transport: Transport) -> Any:  # HTTP sessions share no type
    return AIOHTTPSession if transport.http_backend == "aiohttp" else HttpxSession


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
            with pytest.raises(ConfigurationError, match="in another task, with a connection of"):
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
