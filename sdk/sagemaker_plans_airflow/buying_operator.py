"""What the operators have in common that buy: a journal, patience, and templates of money."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from airflow.sdk import BaseOperator, Context
from anyio import current_time, sleep

from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    OutcomeUnknownError,
    PurchaseFailedError,
)
from sagemaker_plans.journal import PurchaseJournal
from sagemaker_plans_airflow.journal import check_journal_given, journal_of
from sagemaker_plans_airflow.triggers import TrainingPlanExtendedTrigger
from sagemaker_plans_airflow.worker import WorkerMixin, check_times, is_deferrable

R = TypeVar("R")


class BuyingOperator(WorkerMixin, BaseOperator):
    """What operators that buy have in common."""

    # A journal may hold a session, which cannot be copied.
    shallow_copy_attrs: Sequence[str] = ("journal",)

    def __init__(
        self,
        *,
        training_plan_arn: str,
        journal: PurchaseJournal | None,
        payment_timeout: timedelta,
        outcome_timeout: timedelta,
        poll_interval: float,
        deferrable: bool | None,
        aws_conn_id: str | None,
        region_name: str | None,
        verify: bool | str | None,
        botocore_config: dict[str, Any] | None,
        **task: Any,  # noqa: ANN401  # Airflow adds to it
    ) -> None:
        super().__init__(
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            verify=verify,
            botocore_config=botocore_config,
            **task,
        )
        check_journal_given(type(self).__name__, journal)
        check_times(
            self, poll_interval, payment_timeout=payment_timeout, outcome_timeout=outcome_timeout
        )
        self.training_plan_arn = training_plan_arn
        self.journal = journal
        self.payment_timeout = payment_timeout
        self.outcome_timeout = outcome_timeout
        self.poll_interval = poll_interval
        self.deferrable = is_deferrable(deferrable)

    def _buy(self, context: Context, buy: Callable[[AsyncClient], Awaitable[R]]) -> R:
        """Buy in this worker, and wait until it is known what became of it.

        With the journal, calling again sends nothing as long as an outcome is not known.
        """

        async def work(client: AsyncClient) -> R:
            deadline = current_time() + self.outcome_timeout.total_seconds()
            while True:
                try:
                    return await buy(client)
                except PurchaseFailedError as error:
                    # A retry would buy again, because nothing was paid. That is for a person to
                    # decide.
                    raise AirflowFailException(str(error)) from error
                except OutcomeUnknownError as error:
                    left = deadline - current_time()
                    if left <= 0:
                        raise
                    unknown = str(error)
                self.log.warning("looking again, nothing is sent meanwhile: %s", unknown)
                await sleep(min(self.poll_interval, left))

        journal = journal_of(type(self).__name__, self.journal, context)
        return self.run_in_worker(work, journal=journal)

    def _wait_for_payment(
        self, offering_id: str, method_name: str, kwargs: dict[str, Any]
    ) -> NoReturn:
        """Leave the worker until an extension is paid for."""
        self.log.info("the payment of %s is pending; the triggerer waits for it", offering_id)
        self.defer(
            trigger=TrainingPlanExtendedTrigger(
                training_plan_arn=self.training_plan_arn,
                offering_id=offering_id,
                until=(datetime.now(UTC) + self.payment_timeout).isoformat(),
                poll_interval=self.poll_interval,
                **self.connection.to_kwargs(),
            ),
            method_name=method_name,
            kwargs=kwargs,
        )

    def _check_event(self, event: Mapping[str, object]) -> None:
        if event["status"] == "success":
            return
        message = f"{event['error']}: {event['message']}"
        if event["error"] == PurchaseFailedError.__name__:
            raise AirflowFailException(message)
        raise AirflowException(message)


def amount(argument: str, value: Decimal | int | str) -> Decimal | int:
    """Read an amount of money, which a template renders as a text.

    Args:
        argument: The name of the argument, for the message.
        value: The amount.

    Returns:
        The amount.

    Raises:
        ConfigurationError: If the text is no number.
    """
    if not isinstance(value, str):
        return value
    try:
        return Decimal(value)
    except InvalidOperation as error:
        raise ConfigurationError(f"{argument}: got {value!r}; a number is needed") from error


def date(argument: str, value: datetime | str) -> datetime:
    """Read a date, which a template renders as a text.

    Args:
        argument: The name of the argument, for the message.
        value: The date.

    Returns:
        The date.

    Raises:
        ConfigurationError: If the text is no date in ISO 8601.
    """
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise ConfigurationError(
            f"{argument}: got {value!r}; a date in ISO 8601 is needed, with a time zone"
        ) from error
