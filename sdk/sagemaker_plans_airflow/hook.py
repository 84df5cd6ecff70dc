"""``SageMakerPlansHook``: this package's client over a connection of the Amazon provider."""

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Any, final

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from anyio import to_thread

from sagemaker_plans import AsyncClient
from sagemaker_plans._client.async_client import import_transport
from sagemaker_plans.journal import PurchaseJournal


class SageMakerPlansHook(AwsBaseHook):
    """Opens this package's client with a connection of Airflow's Amazon provider.

    Credentials, assumed roles, region, endpoint, certificates and configuration are those of the
    connection. The arguments go before it.

    Args:
        aws_conn_id: The id of the connection; None for what botocore finds by itself.
        region_name: The AWS region; None for that of the connection.
        verify: Whether to verify certificates, or the path of a bundle; None for what the
            connection says.
        config: Settings for botocore's ``Config``, by their names.
    """

    def __init__(
        self,
        aws_conn_id: str | None = "aws_default",
        *,
        region_name: str | None = None,
        verify: bool | str | None = None,
        config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            aws_conn_id,
            client_type="sagemaker",
            region_name=region_name,
            verify=verify,
            config=config,
        )

    def get_client(
        self, *, journal: PurchaseJournal | None = None
    ) -> AbstractAsyncContextManager[AsyncClient, None]:
        """Open a client in ``async with``, and close it after the block.

        The client belongs to the event loop that runs then. Opening it may raise
        ConfigurationError, if the connection's client cannot be used.

        Args:
            journal: Where purchases are recorded, as for ``AsyncClient``. If it can be entered
                and left, that is done too.

        Returns:
            A context manager, to be entered once.
        """
        return _OpenClient(self, journal)


@final
class _OpenClient(AbstractAsyncContextManager[AsyncClient, None]):
    def __init__(self, hook: SageMakerPlansHook, journal: PurchaseJournal | None) -> None:
        self._hook = hook
        self._journal = journal
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> AsyncClient:
        # A triggerer has one event loop for all its triggers.
        await to_thread.run_sync(import_transport)
        async with AsyncExitStack() as stack:
            if isinstance(self._journal, AbstractAsyncContextManager):
                await stack.enter_async_context(self._journal)
            # In a thread too: this asks Airflow for the connection.
            opening = await self._hook.get_async_conn()  # type: ignore[no-untyped-call]  # the provider's
            sagemaker = await stack.enter_async_context(opening)
            client = AsyncClient.from_client(sagemaker, journal=self._journal)
            await stack.enter_async_context(client)
            self._stack = stack.pop_all()
        return client

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(exc_type, exc_value, traceback)
