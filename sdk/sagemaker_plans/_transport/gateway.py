"""The one interface between this package and the network."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import SageMakerPlansError

Interrupted = Callable[[Reply | SageMakerPlansError], None]
"""Is told what is known of a request whose call is interrupted: its reply, or its error."""


class Gateway(Protocol):
    """Sends one request and returns its reply. It neither retries nor interprets."""

    async def call(
        self,
        operation: Operation,
        request: Mapping[str, object],
        /,
        *,
        send_by: datetime | None = None,
        interrupted: Interrupted | None = None,
    ) -> Reply:
        """Send a request, once.

        Args:
            operation: The operation to call.
            request: Its members in wire form.
            send_by: For a purchase: keep it back if it is signed later than this, by this
                machine's clock; None for no such limit.
            interrupted: Called before a cancellation, or another interruption, is raised, if the
                reply was heard or the request was provably not sent. It must not await.

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
