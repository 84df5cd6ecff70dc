"""The one interface between a journal and DynamoDB's network.

aiobotocore is slow to import, so what is behind the interface is imported when it is opened.
"""

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol

from anyio import to_thread

from sagemaker_plans._wire.operations import Operation

if TYPE_CHECKING:
    from sagemaker_plans._transport.aiobotocore_client.parts import AioSession


class DynamoDBGateway(Protocol):
    """Sends one request to DynamoDB and returns its reply. It does not retry."""

    async def call(
        self, operation: Operation, request: Mapping[str, object], /
    ) -> Mapping[str, object]:
        """Send a request, once.

        Args:
            operation: The operation to call.
            request: Its members.

        Returns:
            The members of DynamoDB's own reply.

        Raises:
            ConfigurationError: If the request could not be made: no credentials, a wrong member.
            ServiceError: If DynamoDB answered with an error.
            ConnectionFailedError: If no whole reply came.
            UnexpectedReplyError: If the reply is not DynamoDB's.
        """
        ...


class OpenedGateway(NamedTuple):
    """A gateway, and how to close it."""

    gateway: DynamoDBGateway
    close: Callable[[], Awaitable[None]]


async def open_gateway(
    *,
    session: "AioSession | None",
    region_name: str | None,
    endpoint_url: str | None,
    request_timeout: float,
) -> OpenedGateway:
    """Open a client for DynamoDB in the running event loop, asyncio or trio.

    Args:
        session: The user's session; None for a new one.
        region_name: The region; None leaves it to the environment and the profile.
        endpoint_url: Another endpoint than the region's.
        request_timeout: The longest that one request may take, in seconds.

    Returns:
        The gateway.

    Raises:
        ConfigurationError: If the client cannot be made: no region, a wrong endpoint.
        ConnectionFailedError: If credentials are needed, and where they come from cannot be
            reached.
    """
    await to_thread.run_sync(import_module, "sagemaker_plans._transport.dynamodb.client")
    from sagemaker_plans._transport.dynamodb import client  # noqa: PLC0415  # see above

    opened = await client.open_client(
        session=session,
        region_name=region_name,
        endpoint_url=endpoint_url,
        request_timeout=request_timeout,
    )
    return OpenedGateway(client.BotocoreDynamoDB(opened, request_timeout), opened.close)
