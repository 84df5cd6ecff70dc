"""How to reach AWS, as an operator hands it on to its trigger; the client that triggers share."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, final

import anyio
from anyio.lowlevel import RunVar
from attrs import asdict, frozen

from sagemaker_plans import AsyncClient
from sagemaker_plans_airflow.hook import SageMakerPlansHook

_CLOSE_TIMEOUT: Final = 10.0

CONNECTION_FIELDS: Final = ("aws_conn_id", "region_name", "verify", "botocore_config")
"""The names of the arguments by which operators, sensors and triggers say how to reach AWS."""


@final
@frozen(kw_only=True)
class AwsConnection:
    """How to reach AWS, in values that a trigger can be serialized with."""

    aws_conn_id: str | None
    """The id of the Airflow connection."""
    region_name: str | None
    """The region; None for that of the connection."""
    verify: bool | str | None
    """Whether to verify certificates, or the path of a bundle; None for the connection's."""
    botocore_config: Mapping[str, Any] | None
    """Settings for botocore's ``Config``, by their names."""

    def hook(self) -> SageMakerPlansHook:
        """Make the hook.

        Returns:
            The hook.
        """
        return SageMakerPlansHook(
            self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            config=None if self.botocore_config is None else dict(self.botocore_config),
        )

    def to_kwargs(self) -> dict[str, Any]:
        """Give the keyword arguments that make an equal one.

        Returns:
            Plain values, ready for JSON if the configuration is.
        """
        return asdict(self, recurse=False)

    def key(self) -> str:
        """Give a text that is the same for equal ones."""
        return json.dumps(self.to_kwargs(), sort_keys=True, default=repr)


class ReachesAws:
    """What says how to reach AWS: operators, sensors and triggers."""

    aws_conn_id: str | None
    region_name: str | None
    verify: bool | str | None
    botocore_config: dict[str, Any] | None

    @property
    def connection(self) -> AwsConnection:
        """How to reach AWS."""
        return AwsConnection(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            botocore_config=self.botocore_config,
        )


class _SharedClient:
    """A client and how many use it."""

    def __init__(self) -> None:
        self.users = 0
        self._lock = anyio.Lock()
        self._stack = AsyncExitStack()
        self._client: AsyncClient | None = None

    async def get(self, connection: AwsConnection) -> AsyncClient:
        """Open the client, unless it is open."""
        async with self._lock:
            if self._client is None:
                hook = connection.hook()
                self._client = await self._stack.enter_async_context(hook.get_client())
            return self._client

    async def close(self) -> None:
        # A trigger that is cancelled closes it all the same.
        with anyio.move_on_after(_CLOSE_TIMEOUT, shield=True):
            await self._stack.aclose()


_clients: Final[RunVar[dict[str, _SharedClient]]] = RunVar("clients of Airflow's triggers")


@asynccontextmanager
async def shared_client(connection: AwsConnection) -> AsyncIterator[AsyncClient]:
    """Use one client together with all in this event loop who have an equal connection.

    A triggerer runs thousands of waits in one event loop. A client for each would take
    megabytes each, block the loop while it is made, and read the same plan again. The first user
    opens the client, and the last one closes it. A connection that is changed in Airflow counts
    from then on.

    Args:
        connection: How to reach AWS.

    Yields:
        The client, without a journal: nobody who shares it may buy anything.

    Raises:
        ConfigurationError: If the connection's client cannot be used.
    """
    clients = _clients.get(None)
    if clients is None:
        clients = {}
        _clients.set(clients)
    key = connection.key()
    shared = clients.setdefault(key, _SharedClient())
    shared.users += 1
    try:
        yield await shared.get(connection)
    finally:
        shared.users -= 1
        if not shared.users:
            # Before the closing: who comes meanwhile opens a new one.
            del clients[key]
            await shared.close()
