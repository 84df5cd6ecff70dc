"""Chooses the next extension of a plan from its offerings. Nothing here reads or sends.

Of the offerings whose usable end reaches the date, the cheapest is chosen, and the one that
ends first on a tie. If none reaches it, the one with the lowest fee per hour is chosen as the
first of several legs, and the longest on a tie.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Final

from attrs import define, frozen

from sagemaker_plans.models import (
    CandidateVerdict,
    ExtensionCandidate,
    ExtensionChoice,
    TrainingPlanExtensionOffering,
)

_HOUR: Final = timedelta(hours=1)
_STALE: Final = timedelta(hours=12)
"""An offering whose start is further from the plan's end was made for another end."""


@frozen(kw_only=True, eq=False)
class Wanted:
    """What an extension is chosen for."""

    training_plan_arn: str
    end: datetime
    """The end of the plan, from which an extension starts."""
    until: datetime
    """Until when the plan should be usable."""
    margin: timedelta
    """How long before the end of the plan the machines are taken away."""
    limit: Decimal | None
    """The highest fee, or what is left of a budget; None for no limit."""
    currency_code: str
    """The currency of all fees."""

    @property
    def hours(self) -> int:
        """How many hours are missing."""
        return max(0, math.ceil((self.until + self.margin - self.end) / _HOUR))


@define(eq=False)
class _Seen:
    """An offering that can be compared."""

    offering: TrainingPlanExtensionOffering
    fee: Decimal
    hours: int
    usable_until: datetime
    covers: bool

    @property
    def rate(self) -> Fraction:
        return Fraction(self.fee) / self.hours


def choose(
    wanted: Wanted, offerings: Sequence[TrainingPlanExtensionOffering], *, by_legs: bool = False
) -> ExtensionChoice:
    """Choose one of the offerings.

    Args:
        wanted: What it is chosen for.
        offerings: All offerings that were seen.
        by_legs: Whether the limit is a budget for all legs: an offering that does not reach
            the date is chosen only if a combination that begins with it reaches the date
            within the limit, at today's prices.

    Returns:
        The choice.
    """
    seen: list[_Seen] = []
    candidates: list[ExtensionCandidate] = []
    for offering in _each_once(offerings):
        listed = [each for each in offerings if each.offering_id == offering.offering_id]
        problem, comparable = _compared(wanted, listed, by_legs=by_legs)
        if comparable is None:
            candidates.append(_candidate(wanted, offering, "unusable", problem))
        else:
            seen.append(comparable)
    affordable = [each for each in seen if wanted.limit is None or each.fee <= wanted.limit]
    costs = Costs(seen)
    covering = [each for each in affordable if each.covers]
    legs = [] if covering else affordable
    if by_legs:
        legs = [each for each in legs if costs.with_first(each, wanted) <= _most(wanted)]
    best = min(covering, key=lambda each: (each.fee, each.usable_until), default=None) or min(
        legs, key=lambda each: (each.rate, -each.hours), default=None
    )
    for each in seen:
        verdict, reason = _verdict(wanted, each, best, is_feasible=each in legs or not by_legs)
        candidates.append(_candidate(wanted, each.offering, verdict, reason))
    combination, total = costs.cheapest(wanted.hours)
    return ExtensionChoice(
        training_plan_arn=wanted.training_plan_arn,
        until=wanted.until,
        offering=None if best is None else best.offering,
        covers=best is not None and best.covers,
        usable_until=wanted.end - wanted.margin if best is None else best.usable_until,
        reason=_reason(wanted, seen, best),
        candidates=tuple(candidates),
        combination=combination,
        combination_fee=total,
    )


def _most(wanted: Wanted) -> Decimal:
    return Decimal("Infinity") if wanted.limit is None else wanted.limit


def _each_once(
    offerings: Iterable[TrainingPlanExtensionOffering],
) -> Iterable[TrainingPlanExtensionOffering]:
    return {each.offering_id: each for each in reversed([*offerings])}.values()


def usable_end(offering: TrainingPlanExtensionOffering, margin: timedelta) -> datetime | None:
    """Tell until when the machines could be used.

    Args:
        offering: The offering.
        margin: How long before the end the machines are taken away.

    Returns:
        The time; None if the offering does not say when it ends.
    """
    return None if offering.end_date is None else offering.end_date - margin


def _compared(
    wanted: Wanted, listed: Sequence[TrainingPlanExtensionOffering], *, by_legs: bool
) -> tuple[str, _Seen | None]:
    """Make an offering comparable, or say why that is not possible."""
    offering = listed[0]
    end, fee, hours = offering.end_date, offering.upfront_fee, offering.duration_hours
    currency = (offering.currency_code or "").upper()
    if len({(each.upfront_fee_text, each.upfront_fee, each.currency_code) for each in listed}) > 1:
        return "it is listed with different prices", None
    if fee is None:
        return f"its fee {offering.upfront_fee_text!r} is not a number", None
    if currency != wanted.currency_code.upper():
        return f"its fee is in {offering.currency_code}, not in {wanted.currency_code}", None
    if end is None or not hours:
        return "it does not say when it ends, or how long it is", None
    start = offering.start_date
    if by_legs and start is not None and abs(start - wanted.end) > _STALE:
        return f"it starts at {start:%Y-%m-%d %H:%M} UTC, and the plan ends elsewhere", None
    usable = end - wanted.margin
    return "", _Seen(offering, fee, hours, usable, usable >= wanted.until)


def _verdict(
    wanted: Wanted, each: _Seen, best: _Seen | None, *, is_feasible: bool
) -> tuple[CandidateVerdict, str]:
    if each is best:
        return "chosen", (
            "the cheapest that reaches the date"
            if each.covers
            else "the lowest fee per hour, as the first of several legs"
        )
    if wanted.limit is not None and each.fee > wanted.limit:
        return "over_limit", f"its fee is above the limit of {wanted.limit:f}"
    if best is not None and best.covers and not each.covers:
        return "too_short", "it does not reach the date"
    if not each.covers and not is_feasible:
        return "over_limit", "no combination that begins with it reaches the date within the limit"
    assert best is not None
    return "dearer", f"{best.offering.offering_id} is better"


def _candidate(
    wanted: Wanted,
    offering: TrainingPlanExtensionOffering,
    verdict: CandidateVerdict,
    reason: str,
) -> ExtensionCandidate:
    usable = usable_end(offering, wanted.margin)
    return ExtensionCandidate(
        offering=offering,
        usable_until=usable,
        covers=usable is not None and usable >= wanted.until,
        verdict=verdict,
        reason=reason,
    )


def _reason(wanted: Wanted, seen: Sequence[_Seen], best: _Seen | None) -> str:
    if best is None:
        limit = "" if wanted.limit is None else f" within {wanted.limit:f} {wanted.currency_code}"
        what = "no offering that can be compared" if not seen else f"no way to the date{limit}"
        return f"nothing can be bought: {what}"
    price = f"{best.offering.offering_id} for {best.fee:f} {wanted.currency_code}"
    if best.covers:
        return f"{price} is the cheapest that reaches the date"
    return f"no offering reaches the date; {price} has the lowest fee per hour, as a first leg"


class Costs:
    """What it costs at least to add a number of hours, at today's prices.

    Args:
        seen: The offerings. Of those of one length, the cheapest counts.
    """

    def __init__(self, seen: Iterable[_Seen]) -> None:
        cheapest: dict[int, _Seen] = {}
        for each in seen:
            known = cheapest.get(each.hours)
            if known is None or each.fee < known.fee:
                cheapest[each.hours] = each
        self._by_hours = cheapest
        self._unit = reduce(math.gcd, cheapest, 0) or 1
        # For each number of units: the lowest cost of at least so many, and its first leg.
        self._table: list[tuple[Decimal, int]] = [(Decimal(0), 0)]

    def _cost(self, hours: int) -> Decimal:
        units = max(0, -(-hours // self._unit))
        for count in range(len(self._table), units + 1):
            best = (Decimal("Infinity"), 0)
            for length, one in self._by_hours.items():
                rest = self._table[max(0, count - length // self._unit)][0]
                best = min(best, (one.fee + rest, length))
            self._table.append(best)
        return self._table[units][0]

    def with_first(self, first: _Seen, wanted: Wanted) -> Decimal:
        """Tell what it costs to reach the date if one begins with an offering.

        Args:
            first: The offering.
            wanted: What is wanted.

        Returns:
            The lowest cost of all legs together.
        """
        return first.fee + self._cost(wanted.hours - first.hours)

    def cheapest(
        self, hours: int
    ) -> tuple[tuple[TrainingPlanExtensionOffering, ...], Decimal | None]:
        """Find the cheapest combination.

        Args:
            hours: How many hours are missing.

        Returns:
            The offerings, the longest first, and what they cost; none and None if there is
            no offering, or nothing is missing.
        """
        if hours <= 0 or not self._by_hours:
            return (), None
        total = self._cost(hours)
        legs: list[_Seen] = []
        left = -(-hours // self._unit)
        while left > 0:
            length = self._table[left][1]
            legs.append(self._by_hours[length])
            left -= length // self._unit
        legs.sort(key=lambda each: -each.hours)
        return tuple(each.offering for each in legs), total


def covered_already(wanted: Wanted) -> ExtensionChoice:
    """Give the choice for a plan that needs no extension.

    Args:
        wanted: What is wanted.

    Returns:
        The choice: no offering.
    """
    return ExtensionChoice(
        training_plan_arn=wanted.training_plan_arn,
        until=wanted.until,
        offering=None,
        covers=True,
        usable_until=wanted.end - wanted.margin,
        reason="the plan reaches the date without an extension",
    )
