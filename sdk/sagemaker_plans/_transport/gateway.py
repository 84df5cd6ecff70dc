"""The one seam between this package and the network."""

from collections.abc import Mapping
from typing import Protocol

from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply


class Gateway(Protocol):
    """Sends one request and brings one reply: no retry, no interpretation."""

    async def call(self, operation: Operation, request: Mapping[str, object], /) -> Reply:
        """Send a request, once.

        Args:
            operation: What to ask.
            request: Its members in wire form.

        Returns:
            The service's reply.

        Raises:
            ConfigurationError: If there are no credentials or no region to send with.
            ServiceError: If the service said no.
            ConnectionFailedError: If nothing usable came back.
            UnexpectedReplyError: If a reply came that botocore cannot parse.
        """
        ...
