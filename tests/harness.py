"""What tests share: the three ways to the wire, and clients for the emulator."""

import os
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from typing import Final, Literal

import botocore.loaders
from aiobotocore.session import AioSession
from attrs import frozen

from sagemaker_plans import (
    AsyncClient,
    EdgeDeploymentPlanSpec,
    ModelConfig,
    PacePolicy,
    PercentageOfFleet,
    PollSchedule,
    RetryPolicy,
    StageSpec,
)
from sagemaker_plans.journal import PurchaseJournal

HYPOTHESIS_PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE", "full")
"""How thoroughly properties are tested: `full`, or `quick` for a tenth of the examples."""


def examples(full: int) -> int:
    """Give the number of examples for a property that the profile `full` tests with so many."""
    return full if HYPOTHESIS_PROFILE == "full" else -(-full // 10)


@frozen
class Transport:
    """An event loop and what carries the requests on it."""

    loop: Literal["asyncio", "trio"]
    http_backend: Literal["aiohttp", "httpx"]

    def __str__(self) -> str:
        return f"{self.loop}-{self.http_backend}"


TRANSPORTS = (
    Transport("asyncio", "aiohttp"),
    Transport("asyncio", "httpx"),
    Transport("trio", "httpx"),
)

MakeClient = Callable[..., AsyncClient]
"""Makes a client for the emulator of the test; see the fixture of that name."""


@cache
def _loader() -> botocore.loaders.Loader:
    return botocore.loaders.create_loader()


def session() -> AioSession:
    """Give a session of credentials that the emulator knows.

    All sessions share one loader, so that the service model is parsed once a process.
    """
    made = AioSession()
    made.register_component("data_loader", _loader())
    made.set_credentials("test", "test")
    return made


def fast_retries(**settings: object) -> RetryPolicy:
    """Give a policy that waits milliseconds where the default waits seconds."""
    fast = {
        "base_delay": 0.001,
        "throttle_base_delay": 0.001,
        "max_delay": 0.01,
        "reconcile_limit": 20.0,
    }
    return RetryPolicy(**{**fast, **settings})  # type: ignore[arg-type]  # checked by itself


def client_for(
    endpoint_url: str,
    transport: Transport,
    *,
    retry: RetryPolicy | None = None,
    polling: PollSchedule | None = None,
    pace: PacePolicy | None = None,
    journal: PurchaseJournal | None = None,
    request_timeout: float = 30.0,
) -> AsyncClient:
    """Make a client for an endpoint; it retries and polls fast, and takes no throttle to heart."""
    return AsyncClient(
        region_name="us-east-1",
        endpoint_url=endpoint_url,
        session=session(),
        http_backend=transport.http_backend,
        retry=retry or fast_retries(),
        polling=polling or PollSchedule(interval=0.02),
        pace=pace or PacePolicy.off(),
        journal=journal,
        request_timeout=request_timeout,
    )


@cache
def dead_endpoint() -> str:
    """Give an endpoint of this machine at which nobody listens while this process lives."""
    # A port that is only free goes to the next server of another worker's.
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    holder.detach()
    return f"http://127.0.0.1:{port}"


@contextmanager
def own_port(port: int = 0) -> Generator[int]:
    """Keep a port of this machine for those who name it; until they listen it refuses."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        yield holder.getsockname()[1]


def a_spec(name: str = "rollout", *, stages: int = 2) -> EdgeDeploymentPlanSpec:
    """Give the spec of a plan with stages called stage-0, stage-1 and so on."""
    return EdgeDeploymentPlanSpec(
        name,
        device_fleet_name="cameras",
        model_configs=[ModelConfig("detector", "detector-v7")],
        stages=[StageSpec(f"stage-{number}", PercentageOfFleet(10)) for number in range(stages)],
    )
