"""Runs this package's coroutines in the process of a task, which Airflow may kill."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from airflow.configuration import conf
from airflow.providers.common.compat.sdk import AirflowException

from sagemaker_plans import AsyncClient
from sagemaker_plans.journal import PurchaseJournal
from sagemaker_plans_airflow.connection import AwsConnection

R = TypeVar("R")


def deferrable_by_default() -> bool:
    """Give Airflow's setting ``[operators] default_deferrable``."""
    return conf.getboolean("operators", "default_deferrable", fallback=False)


class WorkerMixin:
    """What operators and sensors have in common: a connection, and work in an event loop."""

    aws_conn_id: str | None
    region_name: str | None
    verify: bool | str | None
    botocore_config: dict[str, Any] | None

    _kill: Callable[[], object] | None = None

    @property
    def connection(self) -> AwsConnection:
        """How to reach AWS."""
        return AwsConnection(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            botocore_config=self.botocore_config,
        )

    def run_in_worker(
        self,
        work: Callable[[AsyncClient], Awaitable[R]],
        *,
        journal: PurchaseJournal | None = None,
    ) -> R:
        """Run a coroutine with a client, in an event loop of its own.

        Args:
            work: The coroutine function. It is cancelled if Airflow kills the task.
            journal: The journal of the client.

        Returns:
            What it returns.

        Raises:
            AirflowException: If Airflow killed the task.
        """

        async def main() -> R:
            # Airflow's signal handler calls on_kill in this thread, between any two instructions.
            loop, task = asyncio.get_running_loop(), asyncio.current_task()
            assert task is not None
            self._kill = lambda: loop.call_soon_threadsafe(task.cancel)
            try:
                async with self.connection.hook().get_client(journal=journal) as client:
                    return await work(client)
            finally:
                self._kill = None

        try:
            return asyncio.run(main())
        except asyncio.CancelledError as cancelled:
            raise AirflowException("the task was killed while it worked") from cancelled

    def on_kill(self) -> None:
        """Cancel what runs. A purchase on its way still looks for its outcome, for a short time."""
        if self._kill is not None:
            self._kill()
