"""What is known of a plan's end, of what was spent for it, and of what is still pending."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from attrs import frozen

from sagemaker_plans._training.payment_status import is_failed, is_payment_pending
from sagemaker_plans.journal import PurchaseRecord
from sagemaker_plans.models import TrainingPlan, TrainingPlanExtension

_SAME_END: Final = timedelta(hours=12)
"""Ends that differ by less are the same: AWS's plans end at a fixed hour of a day."""


class UnknownHoldingsError(Exception):
    """What is known does not fit together, so nothing must be bought.

    Args:
        message: The reason.
        may_pass: Whether it may be known later, because something lags behind.
    """

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        super().__init__(message)
        self.may_pass = may_pass


@frozen(eq=False)
class Holdings:
    """What is known of a plan and its extensions, from all sources together."""

    plan: TrainingPlan
    end: datetime
    """The end of the plan with all extensions that are paid, pending or known to be bought."""
    spent: Decimal
    """What they cost."""
    pending: TrainingPlanExtension | None
    """The extension whose payment is pending."""

    @property
    def lags(self) -> bool:
        """Whether the plan does not show its end yet."""
        shown = self.plan.end_time
        return shown is not None and self.end - shown > _SAME_END


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
        records: The records of the journal.
        own: The extensions that this client bought, which the history may not show yet.
        currency_code: The currency of all fees.
        since: Only what was bought at this time or later counts as spent; None for all of it.

    Returns:
        The holdings.

    Raises:
        UnknownHoldingsError: If the plan's end is later than everything that
            is known explains, or if a fee cannot be read or is in another currency.
    """
    assert plan.end_time is not None
    for record in records:
        if record.state == "bought" and record.receipt is None:
            raise UnknownHoldingsError(
                f"a person settled record {record.number} of the journal as bought, and the "
                "history does not show it yet",
                may_pass=True,
            )
    legs = [*history]
    for each in (*own, *(record.receipt for record in records if record.state == "bought")):
        if each is not None and not any(_is_same(each, known) for known in legs):
            legs.append(each)
    legs = [each for each in legs if not is_failed(each)]
    ends = [each.end_date for each in legs if each.end_date is not None]
    latest = max(ends, default=_first_end(plan))
    if latest is not None and plan.end_time - latest > _SAME_END:
        raise UnknownHoldingsError(
            f"the plan ends at {plan.end_time:%Y-%m-%d %H:%M} UTC, and what is known of its "
            f"extensions explains {latest:%Y-%m-%d %H:%M} only; the history may lag behind",
            may_pass=True,
        )
    return Holdings(
        plan=plan,
        end=max([plan.end_time, *ends]),
        spent=sum((_fee(each, currency_code) for each in legs if _counts(each, since)), Decimal(0)),
        pending=next((each for each in legs if is_payment_pending(each)), None),
    )


def _first_end(plan: TrainingPlan) -> datetime | None:
    """Tell when a plan without extensions ends, as far as its length says it."""
    if plan.start_time is None or plan.duration is None or len(plan.reserved_capacities) > 1:
        return None
    return plan.start_time + plan.duration


def _is_same(one: TrainingPlanExtension, other: TrainingPlanExtension) -> bool:
    if one.offering_id != other.offering_id:
        return False
    # The service may sell one offering several times.
    return None in {one.extended_at, other.extended_at} or one.extended_at == other.extended_at


def _counts(extension: TrainingPlanExtension, since: datetime | None) -> bool:
    bought = extension.extended_at
    return since is None or bought is None or bought >= since


def _fee(extension: TrainingPlanExtension, currency_code: str) -> Decimal:
    if extension.upfront_fee is None:
        raise UnknownHoldingsError(
            f"the fee {extension.upfront_fee_text!r} of extension {extension.offering_id} is not a "
            "number, so it is not known what was spent"
        )
    if (extension.currency_code or "").upper() != currency_code.upper():
        raise UnknownHoldingsError(
            f"extension {extension.offering_id} was paid in {extension.currency_code}, and the "
            f"budget is in {currency_code}"
        )
    return extension.upfront_fee
