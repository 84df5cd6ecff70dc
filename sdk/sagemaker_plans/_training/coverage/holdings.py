"""What is known of a plan's end, of what was spent for it, and of what is still pending."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from attrs import frozen

from sagemaker_plans._training.payment_status import is_failed, is_payment_pending
from sagemaker_plans.journal import PurchaseRecord
from sagemaker_plans.models import TrainingPlan, TrainingPlanExtension

_ROUNDING: Final = timedelta(seconds=1)
SAME_END: Final = timedelta(hours=12)
"""Ends that differ by less are the same: AWS's plans end at a fixed hour of a day."""


@frozen
class Doubt:
    """What is known does not fit together, so nothing must be bought."""

    words: str
    """The reason."""
    may_pass: bool = False
    """Whether it may be known later, because something lags behind."""


@frozen(eq=False)
class Holdings:
    """What is known of a plan and its extensions, from all sources together."""

    plan: TrainingPlan
    end: datetime
    """The end of the plan with all extensions that are paid, pending or known to be bought."""
    spent: Decimal
    """What they cost, as far as that can be read."""
    pending: TrainingPlanExtension | None
    """The extension whose payment is pending."""
    failed: tuple[TrainingPlanExtension, ...]
    """The extensions whose payment failed."""
    doubt: Doubt | None
    """Why nothing must be bought; None if all fits together."""

    @property
    def lags(self) -> bool:
        """Whether the plan does not show its end yet."""
        shown = self.plan.end_time
        return shown is not None and self.end - shown > SAME_END

    def is_as(self, other: "Holdings") -> bool:
        """Tell whether nothing has changed for a purchase.

        Args:
            other: Holdings that were read earlier.

        Returns:
            Whether both say the same of the end, the money and the payments.
        """
        mine, others = (
            (each.end, each.spent, each.pending is None, len(each.failed), each.doubt)
            for each in (self, other)
        )
        return mine == others


def holdings_of(
    plan: TrainingPlan,
    history: Sequence[TrainingPlanExtension],
    records: Sequence[PurchaseRecord],
    own: Iterable[TrainingPlanExtension],
    *,
    currency_code: str,
    since: datetime | None,
) -> Holdings:
    """Put together what all sources say.

    Args:
        plan: The plan, which has an end.
        history: Its extension history.
        records: The records of the journal, as the history corrects them.
        own: The extensions that this client bought, which the history may not show yet.
        currency_code: The currency of all fees.
        since: Only what was bought at this time or later counts as spent; None for all of it.

    Returns:
        The holdings.
    """
    assert plan.end_time is not None
    known = [*history]
    for each in (*own, *(record.receipt for record in records if record.state == "bought")):
        if each is not None and not any(is_same(each, one) for one in known):
            known.append(each)
    legs = [each for each in known if not is_failed(each)]
    counted = [each for each in legs if _counts(each, since)]
    doubts = (
        *_unproven(records),
        *_unexplained(plan, legs),
        *_unreadable(counted, currency_code),
    )
    return Holdings(
        plan=plan,
        end=max([plan.end_time, *(each.end_date for each in legs if each.end_date is not None)]),
        spent=sum(
            (each.upfront_fee or Decimal(0) for each in counted if _is_in(each, currency_code)),
            Decimal(0),
        ),
        pending=next((each for each in legs if is_payment_pending(each)), None),
        failed=tuple(each for each in known if is_failed(each)),
        # What does not pass comes first: there is no use in waiting.
        doubt=min(doubts, key=lambda each: each.may_pass, default=None),
    )


def _unproven(records: Iterable[PurchaseRecord]) -> Iterator[Doubt]:
    for record in records:
        if record.state == "bought" and record.receipt is None:
            yield Doubt(
                f"a person settled record {record.number} of the journal as bought, and the "
                "history does not show it yet",
                may_pass=True,
            )


def _unexplained(plan: TrainingPlan, legs: Sequence[TrainingPlanExtension]) -> Iterator[Doubt]:
    """Find an end that nothing known explains.

    Each leg starts where another one ends, or where the plan ended without extensions.
    """
    ends = [each.end_date for each in legs if each.end_date is not None]
    first = _first_end(plan)
    without_leg = [
        each.start_date
        for each in legs
        if each.start_date is not None
        and not any(abs(each.start_date - end) <= SAME_END for end in ends)
    ]
    assert plan.end_time is not None
    latest = max(ends, default=first)
    if latest is not None and plan.end_time - latest > SAME_END:
        yield Doubt(
            f"the plan ends at {plan.end_time:%Y-%m-%d %H:%M} UTC, and what is known of its "
            f"extensions explains {latest:%Y-%m-%d %H:%M} only; the history may lag behind",
            may_pass=True,
        )
    # The length of a plan may count its extensions too: then its end proves nothing here.
    elif len(without_leg) > 1 or (without_leg and first and without_leg[0] - first > SAME_END):
        yield Doubt(
            f"an extension starts at {max(without_leg):%Y-%m-%d %H:%M} UTC, and nothing known "
            "reaches that time; the history may lag behind",
            may_pass=True,
        )


def _first_end(plan: TrainingPlan) -> datetime | None:
    """Tell when a plan without extensions ends, as far as its length says it."""
    if plan.start_time is None or plan.duration is None or len(plan.reserved_capacities) > 1:
        return None
    return plan.start_time + plan.duration


def is_same(one: TrainingPlanExtension, other: TrainingPlanExtension) -> bool:
    """Tell whether two sources show one and the same extension.

    Args:
        one: What one source shows.
        other: What the other one shows.

    Returns:
        Whether both have the offering, and were bought at the same time as far as that is known.
    """
    if one.offering_id != other.offering_id:
        return False
    times = one.extended_at, other.extended_at
    # The service may sell one offering several times, and may round the time differently.
    return times[0] is None or times[1] is None or abs(times[0] - times[1]) < _ROUNDING


def _counts(extension: TrainingPlanExtension, since: datetime | None) -> bool:
    bought = extension.extended_at
    return since is None or bought is None or bought >= since


def _is_in(extension: TrainingPlanExtension, currency_code: str) -> bool:
    return (extension.currency_code or "").upper() == currency_code.upper()


def _unreadable(legs: Iterable[TrainingPlanExtension], currency_code: str) -> Iterator[Doubt]:
    for each in legs:
        if each.upfront_fee is None:
            yield Doubt(
                f"the fee {each.upfront_fee_text!r} of extension {each.offering_id} is not a "
                "number, so it is not known what was spent"
            )
        if not _is_in(each, currency_code):
            yield Doubt(
                f"extension {each.offering_id} was paid in {each.currency_code}, and the budget "
                f"is in {currency_code}"
            )
