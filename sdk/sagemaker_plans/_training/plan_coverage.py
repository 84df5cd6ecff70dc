"""Chooses extensions for ``client.training_plans``, and keeps plans until a date."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sagemaker_plans._engine.durations import Duration, as_seconds_from_zero, duration_problems
from sagemaker_plans._training.plan_purchases import TrainingPlanPurchases
from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN, SEARCH_OFFERINGS
from sagemaker_plans.errors import OutcomeUnknownError
from sagemaker_plans.models import Coverage, ExtensionChoice, ExtensionReceipt, TargetResource
from sagemaker_plans.models import _validation as checks

if TYPE_CHECKING:
    from sagemaker_plans._training.coverage.leg import Leg

_LEAD = timedelta(hours=24)
_TIMEOUT = timedelta(hours=1)


class TrainingPlanCoverage(TrainingPlanPurchases):
    """The calls of ``client.training_plans`` that look further than one purchase."""

    async def choose_extension(
        self,
        training_plan_arn: str,
        *,
        until: datetime,
        max_upfront_fee: Decimal | int | None = None,
        currency_code: str | None = None,
        target: TargetResource | str | None = None,
    ) -> ExtensionChoice:
        """Choose the extension to buy, so that a plan can be used until a date. It buys nothing.

        Of the offerings that reach the date and cost no more than the limit, it chooses the
        cheapest, and the one that ends first on a tie. If there is none, it chooses the one
        with the lowest fee per hour, and the longest on a tie, as the first of several. The
        choice is the cheapest single offering, not the cheapest combination: ``explain()``
        shows that one too.

        It searches without a duration first, and then each duration that can matter: up to 39
        searches, 0.95 a second (AWS's own sample searches 0.2 to 1 times a second).

        For example::

            choice = await client.training_plans.choose_extension(
                plan_arn, until=datetime.now(UTC) + timedelta(days=14)
            )
            print(choice.explain())

        Args:
            training_plan_arn: The plan.
            until: Until when the machines are needed. It needs a time zone. They are taken away
                30 minutes (training jobs) or one hour (HyperPod) before the plan ends.
            max_upfront_fee: The highest price allowed, in units of ``currency_code``; None for
                no limit.
            currency_code: The currency of all fees; None means USD. An offering in another one
                is not chosen.
            target: For what the machines are used, such as ``TargetResource.TRAINING_JOB``;
                None for the most careful of the plan's own. A text must be a known target; pass
                ``TargetResource("...")`` for one that AWS adds later.

        Returns:
            The choice, with every offering that was seen and the reason for each.

        Raises:
            InvalidRequestError: If an argument has a wrong type or value, or if the date has
                passed.
            CoverageError: If the plan is Expired or Failed, or has no end.
            ResourceNotFoundError: If there is no such plan.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt got a usable reply.
            UnexpectedReplyError: If the reply to every attempt does not fit the model.
        """
        from sagemaker_plans._training.coverage import choosing  # noqa: PLC0415  # see extend

        problems = [
            *checks.training_plan_arn("training_plan_arn", training_plan_arn),
            *checks.aware("until", until),
            *_money_problems("max_upfront_fee", max_upfront_fee, currency_code),
            *_target_problems(target),
        ]
        checks.raise_for("choose_extension", problems, operation=SEARCH_OFFERINGS.name)
        return await choosing.choose_extension(
            self._gateway,
            self._retrier,
            training_plan_arn,
            until=until.astimezone(UTC),
            limit=None if max_upfront_fee is None else Decimal(max_upfront_fee),
            currency_code=currency_code or "USD",
            resource=target,
        )

    async def ensure_until(
        self,
        training_plan_arn: str,
        until: datetime,
        *,
        budget: Decimal | int,
        currency_code: str | None = None,
        target: TargetResource | str | None = None,
        lead: Duration = _LEAD,
        since: datetime | None = None,
        timeout: Duration = _TIMEOUT,  # noqa: ASYNC109  # it ends with a result of its own
    ) -> Coverage:
        """Make a plan usable until a date: buy what is missing, within a budget.

        Call it again at any time, by cron or by an orchestrator: what is covered costs nothing.
        With a journal (``AsyncClient(journal=...)``) any number of processes may call it at
        once, and one buys. Without one, run one process at a time.

        It buys one extension after the other, each as ``choose_extension`` chooses it, and
        waits for its payment. An extension that does not reach the date is bought only if a
        combination that begins with it does, within the budget, at today's prices. Nothing is
        bought in the last hour (and five minutes) before the plan ends, nor earlier than 57
        days before it: AWS sells no extension then.

        For example::

            coverage = await client.training_plans.ensure_until(
                plan_arn, datetime.now(UTC) + timedelta(days=14), budget=Decimal(20000)
            )
            print(coverage.covered, coverage.spent)

        Args:
            training_plan_arn: The plan.
            until: Until when the machines are needed. It needs a time zone.
            budget: What all extensions together may cost, those that were bought before
                included: a Decimal or a whole number, in units of ``currency_code``.
            currency_code: The currency of all fees; None means USD.
            target: For what the machines are used, as for ``choose_extension``; None for the most
                careful of the plan's own.
            lead: How long before the end of the plan a purchase counts as late, in seconds or
                as a timedelta, because a payment may take long. It postpones nothing.
            since: Only what was bought at this time or later counts against the budget; None
                for all of it. It needs a time zone.
            timeout: How long to wait for payments, and for replies that lag behind, in seconds
                or as a timedelta.

        Returns:
            How far the plan reaches. If ``covered`` is False, call again at ``next_at``: a
            payment is pending, or the time to buy the next extension has not come.

        Raises:
            InvalidRequestError: If an argument has a wrong type or value, or if the date has
                passed. Nothing was bought.
            ConfigurationError: If the plan is in another region than the client.
            CoverageError: If the date cannot be reached within the budget, if the plan is
                Expired or Failed, if it is too late, if what is known of the plan does not fit
                together, or if the service charged more than it listed. It says what was
                bought, and has the offerings that were seen.
            PurchaseFailedError: If the payment of an extension failed.
            OutcomeUnknownError: If an extension may or may not have been bought. Without a
                journal, do not simply call again.
            ServiceError: If the service said no.
            ConnectionFailedError: If no attempt got a usable reply.
            UnexpectedReplyError: If the reply to every attempt does not fit the model.
        """
        from sagemaker_plans._training.coverage.keeping import Keeping  # noqa: PLC0415  # see extend
        from sagemaker_plans._training.coverage.leg import Target  # noqa: PLC0415  # likewise
        from sagemaker_plans._training.purchases.ledger import Ledger  # noqa: PLC0415  # likewise

        problems = [
            *checks.training_plan_arn("training_plan_arn", training_plan_arn),
            *checks.aware("until", until),
            *_money_problems("budget", budget, currency_code, needed=True),
            *_target_problems(target),
            *duration_problems("lead", as_seconds_from_zero(lead), zero=True),
            *duration_problems("timeout", as_seconds_from_zero(timeout), zero=True),
        ]
        if since is not None:
            problems += checks.aware("since", since)
        checks.raise_for("ensure_until", problems, operation=EXTEND_TRAINING_PLAN.name)
        await self._check_region("ensure_until", training_plan_arn)
        bought = self._bought.setdefault(training_plan_arn, [])
        keeping = Keeping(
            self._gateway,
            self._retrier,
            Target(
                arn=training_plan_arn,
                until=until.astimezone(UTC),
                budget=Decimal(budget),
                currency_code=currency_code or "USD",
                resource=target,
                lead=timedelta(seconds=as_seconds_from_zero(lead)),
                since=since,
                timeout=as_seconds_from_zero(timeout),
            ),
            buy=lambda leg: self._buy_leg(training_plan_arn, leg),
            own=bought,
            ledger=None if self._journal is None else Ledger(self._journal, training_plan_arn),
        )
        # Two calls for one plan in one client take turns.
        async with self._locks.hold("coverage", training_plan_arn):
            return await keeping.make()

    async def _buy_leg(self, arn: str, leg: "Leg") -> ExtensionReceipt:
        from sagemaker_plans._training.coverage.leg import NothingSentError  # noqa: PLC0415  # see extend
        from sagemaker_plans._training.purchases.purchase_request import (  # noqa: PLC0415  # likewise
            PurchaseRequest,
        )

        request = PurchaseRequest.checked(
            leg.offering,
            training_plan_arn=arn,
            max_upfront_fee=leg.fee,
            currency_code=leg.currency_code,
        )
        key = None if self._journal is None else leg.key
        async with (
            self._locks.hold("offering", request.offering_id),
            self._locks.hold("plan", arn),
        ):
            sent, make = self._purchase(request, key, latest=leg.latest, starts=leg.starts)
            try:
                return await make()
            except OutcomeUnknownError as error:
                if key is not None and not sent():
                    raise NothingSentError(error) from error
                raise


def _money_problems(
    argument: str, value: object, currency_code: object, *, needed: bool = False
) -> Iterator[str]:
    from sagemaker_plans._training.purchases.purchase_request import fee_problems  # noqa: PLC0415  # see extend

    if value is not None or needed:
        yield from fee_problems(value, argument)
    if currency_code is not None:
        yield from checks.text("currency_code", currency_code)


def _target_problems(target: object) -> Iterator[str]:
    if target is not None:
        yield from checks.known_value("target", target, TargetResource)
