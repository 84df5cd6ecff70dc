"""Clients that send once, with settings of their own."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from aiobotocore.session import AioSession

from harness import TRANSPORTS, Transport, session
from sagemaker_plans import AsyncClient, PacePolicy, RetryPolicy


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
        "request_timeout": 5.0,
    }
    return AsyncClient(**{**defaults, **settings})


@asynccontextmanager
async def users_client(
    endpoint_url: str, transport: Transport, **config: Any
) -> AsyncGenerator[Any]:
    """Open a SageMaker client as users do, with aiobotocore alone."""
    http_session: Any = AIOHTTPSession if transport.http_backend == "aiohttp" else HttpxSession
    own: Any = session()
    own.set_default_client_config(AioConfig(http_session_cls=http_session))
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
