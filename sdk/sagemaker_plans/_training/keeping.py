"""Keeps a training plan until a date, within a budget: buys what is missing, leg by leg."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import anyio
from attrs import define, field, frozen

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training import records as log
from sagemaker_plans._training.choice import Wanted, choose
from sagemaker_plans._training.choosing import check_date, why_not_extendable
from sagemaker_plans._training.holdings import Holdings, UnknownHoldingsError, holdings_of
from sagemaker_plans._training.ledger import Ledger, LedgerError
from sagemaker_plans._training.plan_reads import read_training_plan
from sagemaker_plans._training.reading import extension_pager
from sagemaker_plans._training.service_clock import ServiceClock
from sagemaker_plans._training.sweep import Sweep
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans.errors import (
    ConflictError,
    CoverageError,
    OutcomeUnknownError,
    PurchaseFailedError,
    PurchaseRefusedError,
    ResourceInUseError,
    ResourceNotFoundError,
    SageMakerPlansError,
    ValidationError,
)
from sagemaker_plans.journal import PurchaseRecord
from sagemaker_plans.models import (
    Coverage,
    ExtensionChoice,
    ExtensionReceipt,
    TrainingPlan,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
    TrainingPlanStatus,
)

_LOG: Final = logging.getLogger("sagemaker_plans")

OPENS: Final = timedelta(days=57)
"""AWS's guide: an extension can be bought up to about 57 days before the plan ends."""
CLOSES: Final = timedelta(hours=1, minutes=5)
"""AWS's guide: and until one hour before it; five minutes more, for clocks and the way."""

_MOST_REFUSALS: Final = 5
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_AGAIN_AFTER: Final = timedelta(minutes=15)
_GONE: Final = (ResourceNotFoundError, ResourceInUseError, ConflictError, ValidationError)
"""What the service answers if an offering cannot be bought any more."""


class NothingSentError(Exception):
    """An earlier purchase is not settled, so nothing was sent.

    Args:
        unknown: The error that says so.
    """

    def __init__(self, unknown: OutcomeUnknownError) -> None:
        super().__init__(str(unknown))
        self.unknown = unknown


@frozen(kw_only=True, eq=False)
class Leg:
    """An extension that is about to be bought."""

    offering: TrainingPlanExtensionOffering
    fee: Decimal
    currency_code: str
    key: str
    """The idempotency key."""
    latest: datetime
    """The last moment at which it may be sent, by the service's clock."""


Buy = Callable[[Leg], Awaitable[ExtensionReceipt]]


@frozen(kw_only=True, eq=False)
class Target:
    """What is wanted."""

    arn: str
    until: datetime
    budget: Decimal
    currency_code: str
    resource: str | None
    """For what the machines are used; None for the most careful of the plan's own."""
    lead: timedelta
    since: datetime | None
    timeout: float


class _NotYet(Exception):  # noqa: N818  # nothing is wrong
    """Something has to happen first."""

    def __init__(
        self,
        error: SageMakerPlansError | None = None,
        pending: TrainingPlanExtension | None = None,
    ) -> None:
        super().__init__()
        self.error = error
        self.pending = pending


@define(eq=False, repr=False)
class Keeping:
    """One call of ``ensure_until``."""

    gateway: Gateway
    retrier: Retrier
    target: Target
    buy: Buy
    own: Sequence[TrainingPlanExtension]
    """What this client bought for the plan, this call included."""
    ledger: Ledger | None
    clock: ServiceClock = field(factory=ServiceClock, init=False)
    holdings: Holdings | None = field(default=None, init=False)
    choice: ExtensionChoice | None = field(default=None, init=False)
    bought: list[ExtensionReceipt] = field(factory=list[ExtensionReceipt], init=False)
    late: bool = field(default=False, init=False)
    refusals: int = field(default=0, init=False)

    async def make(self) -> Coverage:
        """Buy what is missing, one leg after the other.

        Returns:
            How far the plan reaches.

        Raises:
            CoverageError: If the date cannot be reached.
            SageMakerPlansError: If a purchase failed or its outcome is not known, or if the
                service cannot be asked.
        """
        deadline, pause = anyio.current_time() + self.target.timeout, _FIRST_PAUSE
        while True:
            try:
                coverage = await self._step()
                pause = _FIRST_PAUSE
            except _NotYet as what:
                if anyio.current_time() + pause > deadline:
                    if what.error is not None:
                        raise what.error from what.error.__cause__
                    return self._coverage(
                        covered=False,
                        pending=what.pending,
                        next_at=self.clock.now() + _AGAIN_AFTER,
                    )
                await anyio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            if coverage is not None:
                return coverage

    async def _step(self) -> Coverage | None:
        """Buy one leg; give the coverage if there is nothing more to buy now."""
        held = await self._read()
        end, now = held.end, self.clock.now()
        if held.pending is not None:
            raise _NotYet(pending=held.pending)
        if end - self._margin(held.plan) >= self.target.until:
            return self._coverage(covered=True)
        if held.lags or held.plan.status == TrainingPlanStatus.PENDING:
            raise _NotYet
        if now > end - CLOSES:
            raise self._error(
                f"it is too late: the service sells no extension in the last hour before the end "
                f"of the plan ({end:%Y-%m-%d %H:%M} UTC)"
            )
        if now < end - OPENS:
            return self._coverage(covered=False, next_at=end - OPENS)
        leg = await self._chosen(held)
        # The searches took a while. Others may have bought meanwhile.
        again = await self._read()
        if (again.end, again.spent, again.pending) == (end, held.spent, None):
            await self._buy(leg, held)
        return None

    async def _read(self) -> Holdings:
        target, hear = self.target, self.clock.hear
        try:
            records = await self.ledger.read() if self.ledger else ()
        except LedgerError as error:
            raise self._error(f"nothing was bought: {error}") from error
        history = await extension_pager(self.gateway, self.retrier, target.arn, hear=hear).collect()
        plan = await read_training_plan(self.gateway, self.retrier, target.arn, hear=hear)
        if not self.bought:
            check_date("ensure_until", target.until, self.clock)
        if problem := why_not_extendable(plan):
            raise self._error(problem)
        self.holdings = self._held(plan, history, records)
        return self.holdings

    def _held(
        self,
        plan: TrainingPlan,
        history: Sequence[TrainingPlanExtension],
        records: Sequence[PurchaseRecord],
    ) -> Holdings:
        try:
            return holdings_of(
                plan,
                history,
                log.corrected(records, log.findings(records, history)),
                self.own,
                currency_code=self.target.currency_code,
                since=self.target.since,
            )
        except UnknownHoldingsError as error:
            told = self._error(f"nothing was bought: {error}")
            if error.may_pass:
                raise _NotYet(told) from error
            raise told from error

    def _margin(self, plan: TrainingPlan) -> timedelta:
        usable = plan.usable_until(self.target.resource)
        # Holdings without an end are refused.
        assert plan.end_time is not None
        assert usable is not None
        return plan.end_time - usable

    async def _chosen(self, held: Holdings) -> Leg:
        target = self.target
        wanted = Wanted(
            training_plan_arn=target.arn,
            end=held.end,
            until=target.until,
            margin=self._margin(held.plan),
            limit=target.budget - held.spent,
            currency_code=target.currency_code,
        )
        sweep = Sweep(self.gateway, self.retrier, target.arn)
        await sweep.search(wanted)
        self.choice = choose(wanted, sweep.offerings, by_legs=True)
        offering = self.choice.offering
        if offering is None:
            raise self._error(
                f"{self.choice.reason}; {held.spent:f} of {target.budget:f} "
                f"{target.currency_code} are spent"
            )
        fee = offering.upfront_fee
        assert fee is not None
        return Leg(
            offering=offering,
            fee=fee,
            currency_code=target.currency_code,
            key=f"from {held.end:%Y-%m-%dT%H:%M:%SZ}",
            latest=held.end - CLOSES,
        )

    async def _buy(self, leg: Leg, held: Holdings) -> None:
        if self.clock.now() > held.end - self.target.lead:
            self.late = True
            _LOG.warning(
                "ensure_until: plan %s ends at %s, in less than the lead of %s; a payment that "
                "takes long may fail",
                self.target.arn,
                f"{held.end:%Y-%m-%d %H:%M} UTC",
                self.target.lead,
            )
        try:
            receipt = await self.buy(leg)
        except NothingSentError as earlier:
            raise _NotYet(earlier.unknown) from earlier
        except (PurchaseRefusedError, *_GONE) as error:
            # It may be dearer or sold by now, or somebody else may be buying.
            self.refusals += 1
            told = self._error(f"refused {self.refusals} times, at last: {error}")
            told.__cause__ = error
            if self.refusals >= _MOST_REFUSALS:
                raise told from error
            raise _NotYet(told) from error
        except PurchaseFailedError as error:
            error.add_note(
                f"the plan ends at {held.end:%Y-%m-%d %H:%M} UTC without it; call ensure_until "
                "again to buy another offering"
            )
            raise
        self.bought.append(receipt)
        charged = receipt.extension
        is_more = charged.upfront_fee is None or charged.upfront_fee > leg.fee
        if is_more or (charged.currency_code or "").upper() != leg.currency_code.upper():
            raise self._error(
                f"offering {charged.offering_id} was listed for {leg.fee:f} {leg.currency_code}, "
                f"and the receipt says {charged.upfront_fee_text} {charged.currency_code}; "
                "nothing more is bought"
            )

    def _coverage(
        self,
        *,
        covered: bool,
        pending: TrainingPlanExtension | None = None,
        next_at: datetime | None = None,
    ) -> Coverage:
        held, target = self.holdings, self.target
        assert held is not None
        return Coverage(
            training_plan_arn=target.arn,
            until=target.until,
            covered=covered,
            usable_until=held.end - self._margin(held.plan),
            bought=tuple(self.bought),
            spent=held.spent,
            budget=target.budget,
            currency_code=target.currency_code,
            pending=pending,
            next_at=next_at,
            late=self.late,
        )

    def _error(self, words: str) -> CoverageError:
        held = self.holdings
        return CoverageError(
            f"{self.target.arn} cannot be kept until {self.target.until:%Y-%m-%d %H:%M} UTC: "
            f"{words}",
            training_plan_arn=self.target.arn,
            coverage=None if held is None else self._coverage(covered=False),
            choice=self.choice,
        )
