"""Operators that buy: one extension of a training plan, or all that it needs until a date."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import Context

from sagemaker_plans import (
    AsyncClient,
    Coverage,
    ExtensionReceipt,
    PollSchedule,
    TrainingPlanExtension,
)
from sagemaker_plans.journal import PurchaseJournal
from sagemaker_plans_airflow.buying_operator import BuyingOperator, amount, date
from sagemaker_plans_airflow.connection import CONNECTION_FIELDS

_SHORT: Final = timedelta(minutes=1)
"""How long a worker waits itself, where the triggerer can take over."""


class ExtendTrainingPlanOperator(BuyingOperator):
    """Buys an extension of a training plan, once for each key, and waits until it is paid.

    A retry buys nothing twice, whatever was killed: the journal and the plan's history decide. If
    the outcome of a purchase is not known, the task looks again for ``outcome_timeout``, and then
    fails; call ``settle`` then. A failed payment fails the task without a retry. The task's
    result is the receipt as a dict.

    Args:
        offering_id: The offering to buy (templated).
        training_plan_arn: The plan to extend (templated).
        max_upfront_fee: The highest price allowed (templated): a Decimal, a whole number or a
            text, never a float.
        currency_code: Its currency (templated); None means USD.
        idempotency_key: What is wanted (templated), as for ``extend``; None takes the offering.
        journal: Where purchases are recorded; None takes the task state store of Airflow 3.3,
            which every try of this task in this DAG run shares, and no other task. Then the DAG
            needs ``max_active_runs=1``, and the task cannot be mapped.
        wait_for_payment: Whether to wait until it is paid for.
        payment_timeout: How long to wait for that.
        outcome_timeout: How long to look for the outcome of a purchase that is not known.
        poll_interval: Seconds between two polls.
        deferrable: Whether to wait for the payment in the triggerer; None for Airflow's setting
            ``[operators] default_deferrable``.
        aws_conn_id, region_name, verify, botocore_config: How to reach AWS (templated), as for
            ``SageMakerPlansHook``.
        **task: The arguments of every operator, such as ``task_id``.

    Raises:
        ConfigurationError: If there is no journal, and this Airflow has no task state store.
    """

    template_fields: Sequence[str] = (
        "offering_id",
        "training_plan_arn",
        "max_upfront_fee",
        "currency_code",
        "idempotency_key",
        *CONNECTION_FIELDS,
    )

    def __init__(
        self,
        *,
        offering_id: str,
        training_plan_arn: str,
        max_upfront_fee: Decimal | int | str | None = None,
        currency_code: str | None = None,
        idempotency_key: str | None = None,
        journal: PurchaseJournal | None = None,
        wait_for_payment: bool = True,
        payment_timeout: timedelta = timedelta(hours=1),
        outcome_timeout: timedelta = timedelta(minutes=15),
        poll_interval: float = 30.0,
        deferrable: bool | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        **task: Any,  # noqa: ANN401  # Airflow adds to it
    ) -> None:
        super().__init__(
            training_plan_arn=training_plan_arn,
            journal=journal,
            payment_timeout=payment_timeout,
            outcome_timeout=outcome_timeout,
            poll_interval=poll_interval,
            deferrable=deferrable,
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            verify=verify,
            botocore_config=botocore_config,
            **task,
        )
        self.offering_id = offering_id
        self.max_upfront_fee = max_upfront_fee
        self.currency_code = currency_code
        self.idempotency_key = idempotency_key
        self.wait_for_payment = wait_for_payment

    def execute(self, context: Context) -> dict[str, object]:
        """Buy the extension. Return the receipt."""
        fee = (
            None
            if self.max_upfront_fee is None
            else amount("max_upfront_fee", self.max_upfront_fee)
        )
        is_waiting_here = self.wait_for_payment and not self.deferrable

        async def extend(client: AsyncClient) -> tuple[ExtensionReceipt, TrainingPlanExtension]:
            receipt = await client.training_plans.extend(
                self.offering_id,
                training_plan_arn=self.training_plan_arn,
                max_upfront_fee=fee,
                currency_code=self.currency_code,
                idempotency_key=self.idempotency_key,
            )
            self.log.info("offering %s: %s", receipt.extension.offering_id, receipt.outcome)
            if not is_waiting_here:
                return receipt, receipt.extension
            return receipt, await client.training_plans.wait_until_extended(
                self.training_plan_arn,
                receipt.extension.offering_id,
                timeout=self.payment_timeout,
                schedule=PollSchedule(interval=self.poll_interval),
            )

        receipt, extension = self._buy(context, extend)
        result = {**receipt.to_dict(), "extension": extension.to_dict()}
        if self.wait_for_payment and self.deferrable:
            self._wait_for_payment(extension.offering_id, "execute_complete", {"receipt": result})
        return result

    def execute_complete(
        self,
        context: Context,  # noqa: ARG002  # Airflow's signature
        event: Mapping[str, object],
        receipt: dict[str, object],
    ) -> dict[str, object]:
        """Handle the trigger's event.

        Args:
            context: Airflow's context.
            event: The trigger's event.
            receipt: What was bought.

        Returns:
            The receipt, with the extension as it is now.

        Raises:
            AirflowException: If it was not seen paid.
        """
        self._check_event(event)
        return {**receipt, "extension": event["result"]}


class EnsureTrainingPlanOperator(BuyingOperator):
    """Keeps a training plan until a date, within a budget, as ``ensure_until`` does.

    Deferrable, the task ends when the date is covered: until then it waits in the triggerer, for
    payments and for the day on which the next extension is sold, and buys in a worker. Otherwise
    it does what can be done now, and its result says when to call again (``next_at``): give the
    DAG a schedule. The task's result is the coverage as a dict.

    Args:
        training_plan_arn: The plan (templated).
        until: Until when the machines are needed (templated): a datetime with a time zone, or its
            text in ISO 8601.
        budget: What all extensions together may cost (templated): a Decimal, a whole number or a
            text, never a float.
        currency_code: The currency (templated); None means USD.
        target: For what the machines are used (templated).
        lead: How long before the end of the plan a purchase counts as late.
        since: From when on purchases count against the budget (templated), as ``until``.
        journal: Where purchases are recorded; None takes the task state store of Airflow 3.3,
            which every try of this task in this DAG run shares, and no other task or run. Then
            the DAG needs ``max_active_runs=1``, and the task cannot be mapped.
        payment_timeout: How long to wait for payments.
        outcome_timeout: How long to look for the outcome of a purchase that is not known.
        poll_interval: Seconds between two polls.
        deferrable: Whether to wait in the triggerer; None for Airflow's setting
            ``[operators] default_deferrable``.
        aws_conn_id, region_name, verify, botocore_config: How to reach AWS (templated), as for
            ``SageMakerPlansHook``.
        **task: The arguments of every operator, such as ``task_id``.

    Raises:
        ConfigurationError: If there is no journal, and this Airflow has no task state store.
    """

    template_fields: Sequence[str] = (
        "training_plan_arn",
        "until",
        "budget",
        "currency_code",
        "target",
        "since",
        *CONNECTION_FIELDS,
    )

    def __init__(
        self,
        *,
        training_plan_arn: str,
        until: datetime | str,
        budget: Decimal | int | str,
        currency_code: str | None = None,
        target: str | None = None,
        lead: timedelta = timedelta(hours=24),
        since: datetime | str | None = None,
        journal: PurchaseJournal | None = None,
        payment_timeout: timedelta = timedelta(hours=1),
        outcome_timeout: timedelta = timedelta(minutes=15),
        poll_interval: float = 30.0,
        deferrable: bool | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        **task: Any,  # noqa: ANN401  # Airflow adds to it
    ) -> None:
        super().__init__(
            training_plan_arn=training_plan_arn,
            journal=journal,
            payment_timeout=payment_timeout,
            outcome_timeout=outcome_timeout,
            poll_interval=poll_interval,
            deferrable=deferrable,
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            verify=verify,
            botocore_config=botocore_config,
            **task,
        )
        self.until = until
        self.budget = budget
        self.currency_code = currency_code
        self.target = target
        self.lead = lead
        self.since = since

    def execute(self, context: Context) -> dict[str, object]:  # noqa: RET503  # defer never returns
        """Buy what is missing. Return how far the plan reaches."""
        until, budget = date("until", self.until), amount("budget", self.budget)
        since = None if self.since is None else date("since", self.since)
        # Payments are waited for in the triggerer. What lags behind needs a moment all the same.
        timeout = min(self.payment_timeout, _SHORT) if self.deferrable else self.payment_timeout

        async def ensure(client: AsyncClient) -> Coverage:
            return await client.training_plans.ensure_until(
                self.training_plan_arn,
                until,
                budget=budget,
                currency_code=self.currency_code,
                target=self.target,
                lead=self.lead,
                since=since,
                timeout=timeout,
            )

        coverage = self._buy(context, ensure)
        self.log.info("%s", coverage.explain())
        if coverage.covered:
            return coverage.to_dict()
        if not self.deferrable:
            self.log.warning("not covered yet; run this again at %s", coverage.next_at)
            return coverage.to_dict()
        if coverage.pending is not None:
            self._wait_for_payment(coverage.pending.offering_id, "go_on", {})
        soon = datetime.now(UTC) + _SHORT
        moment = max(coverage.next_at or soon, soon)
        self.log.info("the triggerer waits until %s, when more can be bought", moment)
        self.defer(trigger=DateTimeTrigger(moment=moment), method_name="go_on")

    def go_on(
        self, context: Context, event: Mapping[str, object] | datetime | None
    ) -> dict[str, object]:
        """Look again after a payment, or when the next extension can be bought.

        Args:
            context: Airflow's context.
            event: The trigger's event.

        Returns:
            How far the plan reaches.

        Raises:
            AirflowException: If a payment did not go through.
        """
        if isinstance(event, Mapping):
            self._check_event(event)
        return self.execute(context)
