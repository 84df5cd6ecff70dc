"""Keeps a training plan until a date, within a budget: buys what is missing, leg by leg."""

import logging
from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from typing import Final, NoReturn, TypeVar

import anyio
from attrs import define, field, frozen

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_rules import Happened, what_happened
from sagemaker_plans._training.coverage.choice import Wanted, choose
from sagemaker_plans._training.coverage.choosing import check_date, why_not_extendable
from sagemaker_plans._training.coverage.holdings import SAME_END, Holdings, holdings_of, is_same
from sagemaker_plans._training.coverage.leg import (
    REFUSED,
    SOLD,
    Buy,
    Leg,
    NothingSentError,
    NotYetError,
    Target,
    buying,
    unsettled,
)
from sagemaker_plans._training.coverage.sweep import Sweep
from sagemaker_plans._training.plan_reads import read_training_plan
from sagemaker_plans._training.purchases import records as log
from sagemaker_plans._training.purchases.ledger import Ledger, LedgerError
from sagemaker_plans._training.purchases.service_clock import ServiceClock
from sagemaker_plans._training.reading import extension_pager
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.logs import tell
from sagemaker_plans.errors import (
    CoverageError,
    PurchaseFailedError,
    SageMakerPlansError,
)
from sagemaker_plans.journal import PurchaseRecord
from sagemaker_plans.models import (
    Coverage,
    ExtensionChoice,
    ExtensionReceipt,
    TrainingPlan,
    TrainingPlanExtension,
    TrainingPlanStatus,
)

T = TypeVar("T")

OPENS: Final = timedelta(days=57)
"""AWS's guide: an extension can be bought up to about 57 days before the plan ends."""
CLOSES: Final = timedelta(hours=1, minutes=5)
"""AWS's guide: and until one hour before it; five minutes more, for clocks and the way."""

_MOST_NEW_CHOICES: Final = 5
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_AGAIN_AFTER: Final = timedelta(minutes=15)


@frozen(eq=False)
class _Reading:
    """What all sources said at one time."""

    plan: TrainingPlan
    history: Sequence[TrainingPlanExtension]
    records: Sequence[PurchaseRecord]


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
    reading: _Reading | None = field(default=None, init=False)
    choice: ExtensionChoice | None = field(default=None, init=False)
    bought: list[ExtensionReceipt] = field(factory=list[ExtensionReceipt], init=False)
    watched: list[TrainingPlanExtension] = field(factory=list[TrainingPlanExtension], init=False)
    """The extensions whose payment this call has waited for."""
    unsold: dict[str, str] = field(factory=dict[str, str], init=False)
    """The offerings that the service refused to sell, and the reason."""
    late: bool = field(default=False, init=False)
    refusals: int = field(default=0, init=False)
    """How often the leg that comes next was refused."""
    deadline: float = field(default=0.0, init=False)

    async def make(self) -> Coverage:
        """Buy what is missing, one leg after the other.

        Returns:
            How far the plan reaches.

        Raises:
            CoverageError: If the date cannot be reached.
            SageMakerPlansError: If a purchase failed or its outcome is not known, or if the
                service cannot be asked.
        """
        self.deadline = anyio.current_time() + self.target.timeout
        try:
            return await self._made()
        except SageMakerPlansError as error:
            if self.bought:
                ids = ", ".join(each.extension.offering_id for each in self.bought)
                error.add_note(f"before that, this call of ensure_until bought {ids}")
            raise

    async def _made(self) -> Coverage:
        pause = _FIRST_PAUSE
        while True:
            try:
                coverage = await self._step()
            except NotYetError as what:
                left = self.deadline - anyio.current_time()
                if left <= 0:
                    if what.error is not None:
                        raise what.error from what.error.__cause__
                    return self._coverage(
                        pending=what.pending,
                        next_at=self.clock.now() + _AGAIN_AFTER,
                        reason=str(what),
                    )
                # The last look comes at the deadline.
                await anyio.sleep(min(pause, left))
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                if coverage is not None:
                    return coverage
                pause = _FIRST_PAUSE

    async def _step(self) -> Coverage | None:
        """Buy one leg; give the coverage if there is nothing more to buy now."""
        held = await self._read()
        end, now = held.end, self.clock.now()
        self._check_payments(held)
        if end - self._margin(held.plan) >= self.target.until:
            return self._coverage(covered=True)
        if held.doubt is not None:
            told = self._error(f"nothing{self._more} is bought: {held.doubt.words}")
            raise NotYetError(told) if held.doubt.may_pass else told
        self._check_journal(held)
        if held.lags:
            raise NotYetError(f"the plan to show that it ends at {end:%Y-%m-%d %H:%M} UTC")
        if held.plan.status == TrainingPlanStatus.PENDING:
            raise NotYetError("the plan to be paid for: its status is Pending")
        if now > end - CLOSES:
            raise self._error(
                f"it is too late: the service sells no extension in the last hour before the end "
                f"of the plan ({end:%Y-%m-%d %H:%M} UTC)"
            )
        if now < end - OPENS:
            why = f"{end - OPENS:%Y-%m-%d %H:%M} UTC: the service sells no extension earlier"
            return self._coverage(next_at=end - OPENS, reason=why)
        if self.bought and anyio.current_time() >= self.deadline:
            return self._coverage(next_at=now, reason="the next call: this one's timeout is over")
        choice = await self._choose(held)
        # The searches took a while. Others may have bought meanwhile.
        if not held.is_as(await self._read()):
            raise NotYetError("the plan and its extensions to stay as they are during a search")
        await self._buy(self._leg(choice, held), held)
        return None

    async def _read(self) -> Holdings:
        target, hear = self.target, self.clock.hear
        try:
            records = await self.ledger.read() if self.ledger else ()
        except LedgerError as error:
            raise self._error(f"nothing{self._more} is bought: {error}") from error
        pager = extension_pager(self.gateway, self.retrier, target.arn, hear=hear)
        history = await self._asked(pager.collect())
        plan = await self._asked(
            read_training_plan(self.gateway, self.retrier, target.arn, hear=hear)
        )
        if not self.bought:
            check_date("ensure_until", target.until, self.clock)
        if problem := why_not_extendable(plan):
            raise self._error(problem)
        found = log.findings(records, history)
        for each in found:
            # A failure is written by the next purchase, which tells it.
            if self.ledger and each.state == "bought":
                await self.ledger.close(each.record, each.state, "history", each.extension)
        self.reading = _Reading(plan, history, log.corrected(records, found))
        return self._holdings(self.reading)

    async def _asked(self, asking: Awaitable[T]) -> T:
        """Ask the service. Once it has answered this call, an outage is waited out."""
        try:
            return await asking
        except SageMakerPlansError as error:
            if self.reading is not None and what_happened(error) is not Happened.REFUSED:
                raise NotYetError(error) from error
            raise

    def _holdings(self, reading: _Reading) -> Holdings:
        return holdings_of(
            reading.plan,
            reading.history,
            reading.records,
            self.own,
            currency_code=self.target.currency_code,
            since=self.target.since,
        )

    def _check_payments(self, held: Holdings) -> None:
        """Raise if a payment is pending, or if one has failed that was waited for."""
        for failed in held.failed:
            if any(is_same(failed, each) for each in self.watched):
                raise self._failed(failed, held)
        if held.pending is not None:
            self.watched.append(held.pending)
            raise NotYetError(
                f"the payment of offering {held.pending.offering_id}", pending=held.pending
            )

    def _failed(self, extension: TrainingPlanExtension, held: Holdings) -> PurchaseFailedError:
        return PurchaseFailedError(
            f"offering {extension.offering_id} was bought, but the service says that it failed "
            f"(status {extension.status}, payment {extension.payment_status}); "
            f"{self._what_remains(held)}",
            extension=extension,
            training_plan_arn=self.target.arn,
        )

    def _what_remains(self, held: Holdings) -> str:
        last = held.end - CLOSES
        return (
            f"without it the plan ends at {held.end:%Y-%m-%d %H:%M} UTC; another offering can be "
            f"bought until {last:%Y-%m-%d %H:%M} UTC: call ensure_until again"
        )

    def _check_journal(self, held: Holdings) -> None:
        """Raise if an earlier purchase in the journal has to be settled first."""
        assert self.reading is not None
        records = self.reading.records
        for record in records:
            if record.state == "open":
                if self.clock.now() <= record.send_by + log.CLOCK_SKEW:
                    raise NotYetError(buying(record))
                raise NotYetError(unsettled(record))
        if bought := log.blocking(records, self.reading.history, _key(held)):
            raise NotYetError(f"the history to show that offering {bought.offering_id} is paid")

    def _margin(self, plan: TrainingPlan) -> timedelta:
        usable = plan.usable_until(self.target.resource)
        # Holdings without an end are refused.
        assert plan.end_time is not None
        assert usable is not None
        return plan.end_time - usable

    async def _choose(self, held: Holdings) -> ExtensionChoice:
        target = self.target
        wanted = Wanted(
            training_plan_arn=target.arn,
            end=held.end,
            until=target.until,
            margin=self._margin(held.plan),
            limit=target.budget - held.spent,
            currency_code=target.currency_code,
            by_legs=True,
            excluded={
                **{
                    each.offering_id: "it was bought before, and its payment failed"
                    for each in held.failed
                    if each.start_date is None or abs(each.start_date - held.end) <= SAME_END
                },
                **self.unsold,
            },
        )
        sweep = Sweep(self.gateway, self.retrier, target.arn)
        await self._asked(sweep.search(wanted))
        self.choice = choose(wanted, sweep.offerings)
        return self.choice

    def _leg(self, choice: ExtensionChoice, held: Holdings) -> Leg:
        target, offering = self.target, choice.offering
        if offering is None:
            raise self._error(
                f"{choice.reason}; {held.spent:f} of {target.budget:f} {target.currency_code} "
                "are spent"
            )
        fee = offering.upfront_fee
        # An offering without a fee cannot be compared, so it is not chosen.
        assert fee is not None
        return Leg(
            offering=offering,
            fee=fee,
            currency_code=target.currency_code,
            key=_key(held),
            latest=held.end - CLOSES,
            starts=held.end,
        )

    async def _buy(self, leg: Leg, held: Holdings) -> None:
        is_late = self.clock.now() > held.end - self.target.lead
        if is_late:
            tell(
                logging.WARNING,
                "ensure_until: plan %s ends at %s, in less than the lead of %s; a payment that "
                "takes long may fail",
                self.target.arn,
                f"{held.end:%Y-%m-%d %H:%M} UTC",
                self.target.lead,
            )
        try:
            receipt = await self.buy(leg)
        except NothingSentError as earlier:
            raise NotYetError(earlier.unknown) from earlier
        except REFUSED as error:
            self._refused(leg, error)
        except PurchaseFailedError as error:
            error.add_note(self._what_remains(held))
            raise
        except SageMakerPlansError as error:
            if what_happened(error) in {Happened.THROTTLED, Happened.NEVER_SENT}:
                # It was not sent, or it had no effect.
                raise NotYetError(error) from error
            raise
        else:
            self._note(leg, receipt)
            self.late |= is_late

    def _refused(self, leg: Leg, error: SageMakerPlansError) -> NoReturn:
        if isinstance(error, SOLD):
            self.unsold[leg.offering.offering_id] = f"the service does not sell it: {error}"
        self.refusals += 1
        told = self._error(f"refused {self.refusals} times, at last: {error}")
        told.__cause__ = error
        if self.refusals > _MOST_NEW_CHOICES:
            raise told from error
        raise NotYetError(told) from error

    def _note(self, leg: Leg, receipt: ExtensionReceipt) -> None:
        """Note what was bought, and stop if it cost more than it should."""
        if receipt.outcome == "already_purchased":
            # What they have bought shows in the next reading.
            raise NotYetError("the purchase of somebody else to show in the history")
        self.refusals = 0
        self.bought.append(receipt)
        self.watched.append(receipt.extension)
        charged = receipt.extension
        is_more = charged.upfront_fee is None or charged.upfront_fee > leg.fee
        if is_more or (charged.currency_code or "").upper() != leg.currency_code.upper():
            raise self._error(
                f"offering {charged.offering_id} was listed for {leg.fee:f} {leg.currency_code}, "
                f"and the receipt says {charged.upfront_fee_text} {charged.currency_code}; "
                "nothing more is bought"
            )

    @property
    def _more(self) -> str:
        return " more" if self.bought else ""

    def _coverage(
        self,
        *,
        covered: bool = False,
        pending: TrainingPlanExtension | None = None,
        next_at: datetime | None = None,
        reason: str | None = None,
    ) -> Coverage:
        target, reading = self.target, self.reading
        assert reading is not None
        held = self._holdings(reading)
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
            reason=reason,
            late=self.late,
        )

    def _error(self, words: str) -> CoverageError:
        return CoverageError(
            f"{self.target.arn} cannot be kept until {self.target.until:%Y-%m-%d %H:%M} UTC: "
            f"{words}",
            training_plan_arn=self.target.arn,
            coverage=None if self.reading is None else self._coverage(),
            choice=self.choice,
        )


def _key(held: Holdings) -> str:
    """Give the idempotency key of the leg that starts where the plan ends."""
    return f"from {held.end:%Y-%m-%dT%H:%M:%SZ}"
