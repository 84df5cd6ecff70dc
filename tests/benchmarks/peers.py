"""The ways to the service that are compared, each behind the same few methods.

Each runs in an interpreter of its own, which may have nothing but the peer installed: so
only the standard library is imported at the top, and a peer when it is opened. That also
makes a cold start one of the peer and not of the others.
"""

from __future__ import annotations

import json
import os
import time
from abc import ABC, abstractmethod
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks.loops import AsyncioLoop, Loop, TrioLoop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from concurrent.futures import ThreadPoolExecutor

PLAN: Final = "spring-rollout"
FLEET: Final = "cameras"
MODEL: Final = ("detector", "detector-v7")
STAGE_NAMES: Final = tuple(f"stage-{number}" for number in range(10))
REGION: Final = "us-east-1"
EXPECTED: Final = {"describe": len(STAGE_NAMES), "create": 1}
"""What one call of each operation returns if all went well: see `Peer.describe`."""

WIRE_PLAN: Final[Mapping[str, Any]] = {
    "EdgeDeploymentPlanName": PLAN,
    "DeviceFleetName": FLEET,
    "ModelConfigs": [{"ModelHandle": MODEL[0], "EdgePackagingJobName": MODEL[1]}],
    "Stages": [
        {
            "StageName": name,
            "DeviceSelectionConfig": {"DeviceSubsetType": "PERCENTAGE", "Percentage": 10},
        }
        for name in STAGE_NAMES
    ],
}


class Load(NamedTuple):
    """What a number of calls cost."""

    calls: int
    wall: float
    cpu: float


class WrongReplyError(Exception):
    """A peer did not return what the server said."""


def _import(name: str) -> Any:
    # Untyped on purpose: type checkers have none of the peers.
    return import_module(name)


def _checked(operation: str, calls: int, found: int) -> None:
    if found != calls * EXPECTED[operation]:
        raise WrongReplyError(
            f"{calls} calls of {operation} returned {found} in all, not {EXPECTED[operation]} each"
        )


class Peer(ABC):
    """One way to the service."""

    distributions: tuple[str, ...]
    """Those whose versions matter, the peer's own first."""

    @abstractmethod
    def open(self, url: str, pool: int | None) -> None:
        """Make a client; `pool` is its number of connections, None the peer's default."""

    @abstractmethod
    def load(self, operation: str, calls: int, concurrency: int) -> Load:
        """Make calls, so many at a time, and check what they return."""

    @abstractmethod
    def close(self) -> None:
        """Close the client."""


class AsyncPeer(Peer):
    """A peer that runs on an event loop."""

    kind_of_loop: type[Loop] = AsyncioLoop

    def __init__(self) -> None:
        self._loop: Loop | None = None

    @property
    def loop(self) -> Loop:
        """The event loop of this peer."""
        if self._loop is None:
            self._loop = self.kind_of_loop()
        return self._loop

    def open(self, url: str, pool: int | None) -> None:
        self.loop.run(self.connect, url, pool)

    def load(self, operation: str, calls: int, concurrency: int) -> Load:
        call: Callable[[], Awaitable[int]] = getattr(self, operation)
        return self.loop.run(self._load, operation, call, calls, concurrency)

    async def _load(
        self, operation: str, call: Callable[[], Awaitable[int]], calls: int, concurrency: int
    ) -> Load:
        turns = iter(range(calls))

        async def work() -> int:
            found = 0
            for _ in turns:
                found += await call()
            return found

        wall, cpu = time.perf_counter(), time.process_time()
        found = sum(await self.loop.all(work, concurrency))
        load = Load(calls, time.perf_counter() - wall, time.process_time() - cpu)
        _checked(operation, calls, found)
        return load

    def close(self) -> None:
        self.loop.run(self.disconnect)
        self.loop.close()

    @abstractmethod
    async def connect(self, url: str, pool: int | None) -> None: ...

    @abstractmethod
    async def disconnect(self) -> None: ...

    @abstractmethod
    async def describe(self) -> int:
        """Describe the plan; returns how many stages it has."""

    @abstractmethod
    async def create(self) -> int:
        """Create the plan; returns 1 if its ARN came back."""


class ThreadedPeer(Peer):
    """A peer that blocks, and is given threads."""

    def __init__(self) -> None:
        self._threads: dict[int, ThreadPoolExecutor] = {}

    def load(self, operation: str, calls: int, concurrency: int) -> Load:
        call: Callable[[], int] = getattr(self, operation)
        turns = iter(range(calls))  # `next` of it is atomic

        def work() -> int:
            return sum(call() for _ in turns)

        if concurrency == 1:
            wall, cpu = time.perf_counter(), time.process_time()
            found = work()
        else:
            threads = self._pool(concurrency)
            wall, cpu = time.perf_counter(), time.process_time()
            working = [threads.submit(work) for _ in range(concurrency)]
            found = sum(one.result() for one in working)
        load = Load(calls, time.perf_counter() - wall, time.process_time() - cpu)
        _checked(operation, calls, found)
        return load

    def _pool(self, concurrency: int) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor  # as asyncio above

        if concurrency not in self._threads:
            self._threads[concurrency] = ThreadPoolExecutor(concurrency)
        return self._threads[concurrency]

    def close(self) -> None:
        for threads in self._threads.values():
            threads.shutdown()

    @abstractmethod
    def describe(self) -> int: ...

    @abstractmethod
    def create(self) -> int: ...


class SagemakerPlans(AsyncPeer):
    """This package: typed models, validated requests, retries by safety."""

    distributions: tuple[str, ...] = ("sagemaker-plans", "aiobotocore", "aiohttp")
    settings: Mapping[str, Any] = {}

    async def connect(self, url: str, pool: int | None) -> None:
        self._smp = _import("sagemaker_plans")
        settings: dict[str, Any] = dict(self.settings)
        if pool is not None:
            config = _import("aiobotocore.config").AioConfig(max_pool_connections=pool)
            settings["config"] = config
        self.client = self._smp.AsyncClient(region_name=REGION, endpoint_url=url, **settings)
        await self.client.__aenter__()

    async def disconnect(self) -> None:
        await self.client.aclose()

    async def describe(self) -> int:
        return len((await self.client.plans.describe(PLAN)).stages)

    async def create(self) -> int:
        smp = self._smp
        spec = smp.EdgeDeploymentPlanSpec(
            PLAN,
            device_fleet_name=FLEET,
            model_configs=[smp.ModelConfig(*MODEL)],
            stages=[smp.StageSpec(name, smp.PercentageOfFleet(10)) for name in STAGE_NAMES],
        )
        return int(PLAN in await self.client.plans.create(spec))


class Aiobotocore(AsyncPeer):
    """aiobotocore as its documentation shows it: dicts."""

    distributions: tuple[str, ...] = ("aiobotocore", "botocore", "aiohttp")

    async def connect(self, url: str, pool: int | None) -> None:
        settings = self.config()
        if pool is not None:
            settings["max_pool_connections"] = pool
        config = _import("aiobotocore.config").AioConfig(**settings) if settings else None
        self._context = self._make(region_name=REGION, endpoint_url=url, config=config)
        self.client = await self._context.__aenter__()

    def config(self) -> dict[str, Any]:
        """Give the settings of its configuration, but for the pool."""
        return {}

    @staticmethod
    def _make(**settings: Any) -> Any:
        return _import("aiobotocore.session").get_session().create_client("sagemaker", **settings)

    async def disconnect(self) -> None:
        await self._context.__aexit__(None, None, None)

    async def describe(self) -> int:
        reply = await self.client.describe_edge_deployment_plan(EdgeDeploymentPlanName=PLAN)
        return len(reply["Stages"])

    async def create(self) -> int:
        reply = await self.client.create_edge_deployment_plan(**WIRE_PLAN)
        return int(PLAN in reply["EdgeDeploymentPlanArn"])


class Aioboto3(Aiobotocore):
    """aioboto3, which hands out aiobotocore's clients, those of the version that it pins."""

    distributions: tuple[str, ...] = ("aioboto3", "aiobotocore", "aiohttp")

    @staticmethod
    def _make(**settings: Any) -> Any:
        return _import("aioboto3").Session().client("sagemaker", **settings)


class SagemakerPlansHttpx(SagemakerPlans):
    """This package with httpx."""

    distributions: tuple[str, ...] = ("sagemaker-plans", "aiobotocore", "httpx2")
    settings: Mapping[str, Any] = {"http_backend": "httpx"}


class SagemakerPlansTrio(SagemakerPlansHttpx):
    """This package on trio, with httpx."""

    distributions: tuple[str, ...] = ("sagemaker-plans", "aiobotocore", "httpx2", "trio")
    kind_of_loop = TrioLoop


class AiobotocoreHttpx(Aiobotocore):
    """aiobotocore with httpx."""

    distributions: tuple[str, ...] = ("aiobotocore", "botocore", "httpx2")

    def config(self) -> dict[str, Any]:
        httpx = _import("aiobotocore.httpxsession").HttpxSession
        # Otherwise a request fails that waits five seconds for a free connection.
        return {"http_session_cls": httpx, "connector_args": {"pool_timeout": None}}


class AiobotocoreTrio(AiobotocoreHttpx):
    """aiobotocore on trio, with httpx."""

    distributions: tuple[str, ...] = ("aiobotocore", "botocore", "httpx2", "trio")
    kind_of_loop = TrioLoop


class Boto3(ThreadedPeer):
    """boto3, one client for all threads."""

    distributions: tuple[str, ...] = ("boto3", "botocore", "urllib3")

    def open(self, url: str, pool: int | None) -> None:
        settings: dict[str, Any] = {}
        if pool is not None:
            config = _import("botocore.config").Config(max_pool_connections=pool)
            settings["config"] = config
        self._client = _import("boto3").client(
            "sagemaker", region_name=REGION, endpoint_url=url, **settings
        )

    def describe(self) -> int:
        reply = self._client.describe_edge_deployment_plan(EdgeDeploymentPlanName=PLAN)
        return len(reply["Stages"])

    def create(self) -> int:
        reply = self._client.create_edge_deployment_plan(**WIRE_PLAN)
        return int(PLAN in reply["EdgeDeploymentPlanArn"])


class SagemakerCore(ThreadedPeer):
    """sagemaker-core: boto3 and pydantic. Its create also describes: two requests."""

    distributions: tuple[str, ...] = ("sagemaker-core", "boto3", "pydantic")

    def open(self, url: str, pool: int | None) -> None:
        # It makes its clients itself: this is how it is told where and how.
        os.environ["AWS_ENDPOINT_URL"] = url
        self._resources = _import("sagemaker.core.resources")
        self._shapes = _import("sagemaker.core.shapes")
        self._session = _import("boto3").Session(region_name=REGION)
        if pool is not None:
            config = _import("botocore.config").Config(max_pool_connections=pool)
            self._session._session.set_default_client_config(config)

    def describe(self) -> int:
        plan = self._resources.EdgeDeploymentPlan.get(PLAN, session=self._session, region=REGION)
        return len(plan.stages)

    def create(self) -> int:
        shapes = self._shapes
        plan = self._resources.EdgeDeploymentPlan.create(
            edge_deployment_plan_name=PLAN,
            device_fleet_name=FLEET,
            model_configs=[
                shapes.EdgeDeploymentModelConfig(
                    model_handle=MODEL[0], edge_packaging_job_name=MODEL[1]
                )
            ],
            stages=[
                shapes.DeploymentStage(
                    stage_name=name,
                    device_selection_config=shapes.DeviceSelectionConfig(
                        device_subset_type="PERCENTAGE", percentage=10
                    ),
                )
                for name in STAGE_NAMES
            ],
            session=self._session,
            region=REGION,
        )
        return int(PLAN in plan.edge_deployment_plan_arn)


class CapoSagemaker(AsyncPeer):
    """capo-sagemaker: a stack of its own, typed dicts. Its pool has no setting of its own."""

    distributions: tuple[str, ...] = ("capo-sagemaker", "zapros")

    async def connect(self, url: str, pool: int | None) -> None:
        del pool
        self._client = _import("capo_sagemaker").AsyncSageMakerClient(endpoint=url, region=REGION)
        await self._client.__aenter__()

    async def disconnect(self) -> None:
        await self._client.__aexit__(None, None, None)

    async def describe(self) -> int:
        reply = await self._client.describe_edge_deployment_plan(edge_deployment_plan_name=PLAN)
        return len(reply["stages"])

    async def create(self) -> int:
        reply = await self._client.create_edge_deployment_plan(
            edge_deployment_plan_name=PLAN,
            device_fleet_name=FLEET,
            model_configs=[{"model_handle": MODEL[0], "edge_packaging_job_name": MODEL[1]}],
            stages=[
                {
                    "stage_name": name,
                    "device_selection_config": {
                        "device_subset_type": "PERCENTAGE",
                        "percentage": 10,
                    },
                }
                for name in STAGE_NAMES
            ],
        )
        return int(PLAN in reply["edge_deployment_plan_arn"])


class BareAiohttp(AsyncPeer):
    """The floor: a POST of aiohttp and the JSON parser; no signature, no retry, no model."""

    distributions: tuple[str, ...] = ("aiohttp",)

    async def connect(self, url: str, pool: int | None) -> None:
        aiohttp = _import("aiohttp")
        settings = {} if pool is None else {"connector": aiohttp.TCPConnector(limit=pool)}
        self._session = aiohttp.ClientSession(**settings)
        self._url = url + "/"

    async def disconnect(self) -> None:
        await self._session.close()

    async def _call(self, operation: str, request: Mapping[str, object]) -> Any:
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"SageMaker.{operation}",
        }
        data = json.dumps(request).encode()
        async with self._session.post(self._url, data=data, headers=headers) as reply:
            return json.loads(await reply.read())

    async def describe(self) -> int:
        found = await self._call("DescribeEdgeDeploymentPlan", {"EdgeDeploymentPlanName": PLAN})
        return len(found["Stages"])

    async def create(self) -> int:
        found = await self._call("CreateEdgeDeploymentPlan", WIRE_PLAN)
        return int(PLAN in found["EdgeDeploymentPlanArn"])


PEERS: Final[Mapping[str, type[Peer]]] = {
    "sagemaker-plans": SagemakerPlans,
    "aiobotocore": Aiobotocore,
    "boto3": Boto3,
    "aioboto3": Aioboto3,
    "sagemaker-core": SagemakerCore,
    "capo-sagemaker": CapoSagemaker,
    "aiohttp": BareAiohttp,
}
"""All that are compared on asyncio and in threads, with the HTTP library of each's own."""

OURS_AND_BASE: Final[Mapping[str, Mapping[str, type[Peer]]]] = {
    "asyncio with httpx": {
        "sagemaker-plans": SagemakerPlansHttpx,
        "aiobotocore": AiobotocoreHttpx,
    },
    "trio with httpx": {"sagemaker-plans": SagemakerPlansTrio, "aiobotocore": AiobotocoreTrio},
}
"""This package and what it stands on, elsewhere."""

WORKERS: Final[Mapping[str, type[Peer]]] = {
    **PEERS,
    **{
        f"{name}, {where}": kind
        for where, kinds in OURS_AND_BASE.items()
        for name, kind in kinds.items()
    },
}
"""Everything that a worker can be."""
