"""Clients that send once, with settings of their own."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from aiobotocore.session import AioSession

from harness import TRANSPORTS, Transport, session
from sagemaker_plans import AsyncClient, PacePolicy, RetryPolicy, SageMakerPlansError
from sagemaker_plans._transport.botocore_gateway import BotocoreGateway
from sagemaker_plans._transport.fast_path import FastPath


class BareSession(AioSession):
    """A session without credentials. All sessions share the parsed service models."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.register_component("data_loader", session().get_component("data_loader"))


def client_with(endpoint_url: str, transport: Transport, /, **settings: Any) -> AsyncClient:
    """Make a client that sends once, unless told otherwise."""
    defaults: dict[str, Any] = {
        "region_name": "us-east-1",
        "endpoint_url": endpoint_url,
        "session": session(),
        "http_backend": transport.http_backend,
        "retry": RetryPolicy.none(),
        "pace": PacePolicy.off(),
        "request_timeout": 30.0,
    }
    return AsyncClient(**{**defaults, **settings})


def kind_of_session(transport: Transport) -> Any:  # HTTP sessions share no type
    """Name aiobotocore's class of HTTP sessions for a transport."""
    return AIOHTTPSession if transport.http_backend == "aiohttp" else HttpxSession


@asynccontextmanager
async def users_client(
    endpoint_url: str, transport: Transport, **config: Any
) -> AsyncGenerator[Any]:
    """Open a SageMaker client as users do, with aiobotocore alone."""
    own: Any = session()
    own.set_default_client_config(AioConfig(http_session_cls=kind_of_session(transport)))
    async with own.create_client(
        "sagemaker",
        region_name="us-east-1",
        endpoint_url=endpoint_url,
        config=AioConfig(**config),
    ) as client:
        yield client


WAYS = [
    *((transport, "own") for transport in TRANSPORTS),
    *((transport, "wrapped") for transport in (TRANSPORTS[0], TRANSPORTS[-1])),
]
by_every_way = pytest.mark.parametrize(("transport", "way"), WAYS, indirect=["transport"], ids=str)
"""Runs a test with the package's own client, and with one that the user made."""


@asynccontextmanager
async def client_by(
    way: str, endpoint_url: str, transport: Transport
) -> AsyncGenerator[AsyncClient]:
    """Open a client that sends once: the package's own, or one around a user's."""
    if way == "own":
        async with client_with(endpoint_url, transport) as client:
            yield client
    else:
        async with users_client(endpoint_url, transport) as theirs:
            yield AsyncClient.from_client(theirs, retry=RetryPolicy.none(), pace=PacePolicy.off())


def gateway_of(client: AsyncClient) -> BotocoreGateway:
    """Give what an open client sends through."""
    opened = client._gateway._state.opened
    assert opened is not None
    assert isinstance(opened[0], BotocoreGateway)
    return opened[0]


def fast_path_of(client: AsyncClient) -> FastPath:
    """Give the fast path of an open client of our own making."""
    path = gateway_of(client)._fast_path
    assert path is not None
    return path


async def fast_reads(client: AsyncClient, reads: int) -> int:
    """Read, and count the reads that took the fast path."""
    path = fast_path_of(client)
    taken: list[object] = []

    async def noted(*given: Any) -> None:
        taken.append(given)
        await FastPath.send(path, *given)

    vars(path)["send"] = noted
    for _ in range(reads):
        with suppress(SageMakerPlansError):
            await client.plans.describe("rollout")
    del vars(path)["send"]
    return len(taken)


async def takes_fast_path(client: AsyncClient) -> bool:
    """Tell whether the reads of a client take it, after the first two, which never do."""
    await fast_reads(client, 2)
    return await fast_reads(client, 2) >= 2  # more, if a read that fails is tried again
