"""Chooses the next extension of a plan from its offerings. Nothing here reads or sends.

Of the offerings whose usable end reaches the date, the cheapest is chosen, and the one that
ends first on a tie. If none reaches it, the one with the lowest fee per hour is chosen as the
first of several legs, and the longest on a tie.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Final

from attrs import define, field, frozen

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
    by_legs: bool = False
    """Whether the limit is a budget for all legs: an offering that does not reach the date is
    chosen only if a combination that begins with it reaches the date within the limit, at
    today's prices."""
    excluded: Mapping[str, str] = field(factory=dict[str, str])
    """By the id of an offering: why it must not be chosen."""

    @property
    def hours(self) -> int:
        """How many hours are missing."""
        return self.hours_from(self.end)

    def hours_from(self, end: datetime) -> int:
        """Tell how many hours are missing if the plan ends at another time.

        Args:
            end: That time.

        Returns:
            Whole hours, 0 or more.
        """
        # Not until + margin: that may be later than any datetime.
        return max(0, math.ceil((self.until - end + self.margin) / _HOUR))


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


@define(eq=False)
class _Unusable:
    """An offering that cannot be compared."""

    offering: TrainingPlanExtensionOffering
    problem: str


def choose(wanted: Wanted, offerings: Iterable[TrainingPlanExtensionOffering]) -> ExtensionChoice:
    """Choose one of the offerings.

    Args:
        wanted: What it is chosen for.
        offerings: All offerings that were seen.

    Returns:
        The choice. Its candidates are in the order in which the offerings were seen.
    """
    compared = [_compared(wanted, listed) for listed in _by_id(offerings)]
    seen = [each for each in compared if isinstance(each, _Seen)]
    affordable = [each for each in seen if wanted.limit is None or each.fee <= wanted.limit]
    costs = Costs(seen) if seen else None
    covering = [each for each in affordable if each.covers]
    legs = [] if covering else affordable
    if costs and wanted.by_legs and wanted.limit is not None:
        legs = [each for each in legs if costs.with_first(each, wanted) <= wanted.limit]
    best = min(covering, key=lambda each: (each.fee, each.usable_until), default=None) or min(
        legs, key=lambda each: (each.rate, -each.hours), default=None
    )
    combination, total = costs.cheapest(wanted.hours) if costs else ((), None)
    return ExtensionChoice(
        training_plan_arn=wanted.training_plan_arn,
        until=wanted.until,
        offering=None if best is None else best.offering,
        covers=best is not None and best.covers,
        usable_until=wanted.end - wanted.margin if best is None else best.usable_until,
        reason=_reason(wanted, seen, best),
        candidates=tuple(
            _candidate(wanted, each.offering, *_verdict(wanted, each, best, is_leg=each in legs))
            if isinstance(each, _Seen)
            else _candidate(wanted, each.offering, "unusable", each.problem)
            for each in compared
        ),
        combination=combination,
        combination_fee=total,
    )


def _by_id(
    offerings: Iterable[TrainingPlanExtensionOffering],
) -> Iterable[Sequence[TrainingPlanExtensionOffering]]:
    listed: dict[str, list[TrainingPlanExtensionOffering]] = {}
    for each in offerings:
        listed.setdefault(each.offering_id, []).append(each)
    return listed.values()


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
    wanted: Wanted, listed: Sequence[TrainingPlanExtensionOffering]
) -> "_Seen | _Unusable":
    """Make an offering comparable, or say why that is not possible.

    Args:
        wanted: What is chosen for.
        listed: The offering, each time that the service lists it.

    Returns:
        The offering with what is compared, or with the problem.
    """
    offering = listed[0]
    end, fee, hours, start = (
        offering.end_date,
        offering.upfront_fee,
        offering.duration_hours,
        offering.start_date,
    )
    problem = None
    if offering.offering_id in wanted.excluded:
        problem = wanted.excluded[offering.offering_id]
    elif len({(each.upfront_fee, (each.currency_code or "").upper()) for each in listed}) > 1:
        problem = "it is listed with different prices"
    elif fee is None:
        problem = f"its fee {offering.upfront_fee_text!r} is not a number"
    elif (offering.currency_code or "").upper() != wanted.currency_code.upper():
        problem = f"its fee is in {offering.currency_code}, not in {wanted.currency_code}"
    elif end is None or not hours:
        problem = "it does not say when it ends, or how long it is"
    elif wanted.by_legs and start is not None and abs(start - wanted.end) > _STALE:
        problem = (
            f"it starts at {start:%Y-%m-%d %H:%M} UTC, and the plan ends at "
            f"{wanted.end:%Y-%m-%d %H:%M}"
        )
    if problem is not None:
        return _Unusable(offering, problem)
    assert fee is not None
    assert end is not None
    assert hours
    usable = end - wanted.margin
    return _Seen(offering, fee, hours, usable, usable >= wanted.until)


def _verdict(
    wanted: Wanted, each: _Seen, best: _Seen | None, *, is_leg: bool
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
    if best is None or not (each.covers or is_leg):
        return "over_limit", "no combination that begins with it reaches the date within the limit"
    return "dearer", f"{best.offering.offering_id} {_advantage(best, each)}"


def _advantage(best: _Seen, other: _Seen) -> str:
    if best.covers:
        if best.fee < other.fee:
            return "costs less"
        same, by_end = "costs the same", "ends earlier"
        differs = best.usable_until < other.usable_until
    else:
        if best.rate < other.rate:
            return "costs less per hour"
        same, by_end = "costs the same per hour", "is longer"
        differs = best.hours > other.hours
    return f"{same} and {by_end if differs else 'is listed first'}"


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
        seen: One offering or more. Of those of one length, the cheapest counts.
    """

    def __init__(self, seen: Iterable[_Seen]) -> None:
        cheapest: dict[int, _Seen] = {}
        for each in seen:
            known = cheapest.get(each.hours)
            if known is None or each.fee < known.fee:
                cheapest[each.hours] = each
        self._unit = reduce(math.gcd, cheapest)
        self._by_units = {hours // self._unit: each for hours, each in cheapest.items()}
        self._best = min(self._by_units.items(), key=lambda each: each[1].rate)
        # For each number of units: the lowest cost of at least so many, and its first leg.
        self._table: list[tuple[Decimal, int]] = [(Decimal(0), 0)]

    def _legs(self, hours: int) -> tuple[int, int, Decimal]:
        """Split what is missing into legs at the lowest rate, and a rest.

        As many others as the best leg has units always include some that the best leg replaces
        at no more cost. So all that lies beyond so many of the longest is bought with the best.

        Returns:
            How many legs are bought at the lowest rate, the units of the rest, and what all
            that costs.
        """
        units = max(0, -(-hours // self._unit))
        length, best = self._best
        many = max(0, -(-(units - length * max(self._by_units)) // length))
        rest = units - many * length
        return many, rest, many * best.fee + self._cost(rest)

    def _cost(self, units: int) -> Decimal:
        for count in range(len(self._table), units + 1):
            self._table.append(
                min(
                    (
                        (one.fee + self._table[max(0, count - length)][0], length)
                        for length, one in self._by_units.items()
                    ),
                    # The longest on a tie, so that the legs are few.
                    key=lambda each: (each[0], -each[1]),
                )
            )
        return self._table[units][0]

    def with_first(self, first: _Seen, wanted: Wanted) -> Decimal:
        """Tell what it costs to reach the date if one begins with an offering.

        Args:
            first: The offering.
            wanted: What is wanted.

        Returns:
            The lowest cost of all legs together.
        """
        end = first.usable_until + wanted.margin
        return first.fee + self._legs(wanted.hours_from(end))[2]

    def cheapest(self, hours: int) -> tuple[tuple[TrainingPlanExtensionOffering, ...], Decimal]:
        """Find the cheapest combination.

        Args:
            hours: How many hours are missing.

        Returns:
            The offerings, the longest first, and what they cost.
        """
        many, left, total = self._legs(hours)
        legs = [self._best[1]] * many
        while left > 0:
            length = self._table[left][1]
            legs.append(self._by_units[length])
            left -= length
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
