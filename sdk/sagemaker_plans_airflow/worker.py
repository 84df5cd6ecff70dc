"""Runs this package's coroutines in the process of a task, which Airflow may kill."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Any, TypeVar

from airflow.configuration import conf
from airflow.providers.common.compat.sdk import AirflowException
from airflow.sdk import BaseOperatorLink

from sagemaker_plans import AsyncClient, ConfigurationError, PollSchedule
from sagemaker_plans.journal import PurchaseJournal
from sagemaker_plans_airflow.connection import ReachesAws
from sagemaker_plans_airflow.links import SageMakerConsoleLink

R = TypeVar("R")


def is_deferrable(deferrable: bool | None) -> bool:  # noqa: FBT001  # it is what this is about
    """Tell whether to wait in the triggerer.

    Args:
        deferrable: What an operator was given; None for Airflow's setting
            ``[operators] default_deferrable``.

    Returns:
        Whether to do that.
    """
    if deferrable is None:
        return conf.getboolean("operators", "default_deferrable", fallback=False)
    return deferrable


def check_times(operator: object, poll_interval: float, **durations: object) -> None:
    """Refuse times that would show only after something was started or bought.

    Args:
        operator: The operator.
        poll_interval: Seconds between two polls.
        **durations: Its other arguments that are times, by their names.

    Raises:
        ConfigurationError: If one of them is not usable.
    """
    for name, value in durations.items():
        if not isinstance(value, timedelta):
            raise ConfigurationError(
                f"{type(operator).__name__}: {name}: a timedelta is needed, got {value!r}"
            )
    PollSchedule(interval=poll_interval)


class WorkerMixin(ReachesAws):
    """What operators and sensors have in common: a connection, and work in an event loop.

    It stands before Airflow's class, and hands it what it does not take itself.
    """

    operator_extra_links: Collection[BaseOperatorLink] = (SageMakerConsoleLink(),)

    template_fields: Collection[str]

    _is_killed = False
    _kill: Callable[[], object] | None = None

    def __init__(
        self,
        *,
        aws_conn_id: str | None,
        region_name: str | None,
        verify: bool | str | None,
        botocore_config: dict[str, Any] | None,
        **task: Any,  # noqa: ANN401  # Airflow adds to it
    ) -> None:
        super().__init__(**task)
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config

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
            ConfigurationError: If a template rendered nothing.
        """
        self._check_rendered()

        async def main() -> R:
            # Airflow's signal handler calls on_kill in this thread, between any two instructions.
            loop, task = asyncio.get_running_loop(), asyncio.current_task()
            assert task is not None
            self._kill = lambda: loop.call_soon_threadsafe(task.cancel)
            if self._is_killed:
                task.cancel()
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
        self._is_killed = True
        if self._kill is not None:
            self._kill()

    def _check_rendered(self) -> None:
        """Refuse what a template makes of None, and of a name that is not there."""
        for name in self.template_fields:
            value = getattr(self, name)
            # An empty connection id means what None means.
            if value == "None" or (value == "" and name != "aws_conn_id"):
                raise ConfigurationError(
                    f"{type(self).__name__}: {name}: got {value!r}; did a template render None, or "
                    "a name that is not there?"
                )
