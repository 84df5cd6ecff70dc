"""The one interface between this package and the network."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply


class Gateway(Protocol):
    """Sends one request and returns its reply. It neither retries nor interprets."""

    async def call(
        self,
        operation: Operation,
        request: Mapping[str, object],
        /,
        *,
        send_by: datetime | None = None,
    ) -> Reply:
        """Send a request, once.

        Args:
            operation: The operation to call.
            request: Its members in wire form.
            send_by: For a purchase: keep it back if it is signed later than this, by this
                machine's clock; None for no such limit.

        Returns:
            The service's reply.

        Raises:
            ConfigurationError: If there are no credentials or no region.
            ServiceError: If the service answered with an error.
            ConnectionFailedError: If no whole reply came.
            PurchaseRefusedError: If it was signed after ``send_by``. It was not sent.
            UnexpectedReplyError: If a reply came that the service never sends.
        """
        ...
