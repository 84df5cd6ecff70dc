"""The choice of an extension: the rule against brute force, and how it is shown."""

import io
import itertools
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve
from rich.console import Console

from harness import examples
from sagemaker_plans import (
    CoverageError,
    ExtensionCandidate,
    ExtensionChoice,
    InvalidRequestError,
    TrainingPlanExtensionOffering,
)
from sagemaker_plans._training.coverage.choice import Wanted, choose
from training.keeping.kept_plan import ARN, DAY, EXTEND, HOUR, START, KeptPlan, for_days

MARGIN = timedelta(minutes=30)


def an_offering(
    number: int,
    days: int,
    fee: Decimal | int | str,
    *,
    currency: str | None = "USD",
    end: datetime | None = None,
) -> TrainingPlanExtensionOffering:
    text = str(fee)
    return TrainingPlanExtensionOffering(
        offering_id=f"tpeo-{number}",
        start_date=START,
        end_date=end or START + days * DAY,
        duration_hours=24 * days,
        upfront_fee=None if isinstance(fee, str) else Decimal(fee),
        upfront_fee_text=text,
        currency_code=currency,
    )


def wanted(days: float, limit: int | None = None, *, by_legs: bool = False) -> Wanted:
    return Wanted(
        training_plan_arn=ARN,
        end=START,
        until=START + days * DAY - MARGIN,
        margin=MARGIN,
        limit=None if limit is None else Decimal(limit),
        currency_code="USD",
        by_legs=by_legs,
    )


def by_brute_force(
    want: Wanted, offerings: Sequence[TrainingPlanExtensionOffering]
) -> TrainingPlanExtensionOffering | None:
    """Apply the rule as it is written, by comparing each offering with each other one."""

    def better(one: TrainingPlanExtensionOffering, two: TrainingPlanExtensionOffering) -> bool:
        fees = one.upfront_fee, two.upfront_fee
        assert fees[0] is not None
        assert fees[1] is not None
        assert one.end_date is not None
        assert two.end_date is not None
        assert one.duration_hours
        assert two.duration_hours
        latest = want.until + want.margin
        covers = one.end_date >= latest, two.end_date >= latest
        if covers[0] != covers[1]:
            return covers[0]
        if covers[0]:
            return fees[0] < fees[1] or (fees[0] == fees[1] and one.end_date < two.end_date)
        left, right = fees[0] * two.duration_hours, fees[1] * one.duration_hours
        return left < right or (left == right and one.duration_hours > two.duration_hours)

    allowed = [
        each
        for each in offerings
        if each.upfront_fee is not None
        and each.currency_code == "USD"
        and (want.limit is None or each.upfront_fee <= want.limit)
    ]
    for each in allowed:
        if not any(better(other, each) for other in allowed):
            return each
    return None


def a_book(draw: random.Random) -> list[TrainingPlanExtensionOffering]:
    """Make a random price book with many ties."""
    book: list[TrainingPlanExtensionOffering] = []
    for number in range(draw.randint(0, 12)):
        days = draw.choice([1, 2, 3, 7, 14, 21])
        fee: Decimal | str = Decimal(draw.randint(0, 6) * days)
        if draw.random() < 0.2:
            fee = Decimal(draw.randint(0, 4000)) / 100
        if draw.random() < 0.05:
            fee = "on request"
        currency = draw.choice(["USD"] * 15 + ["EUR", None])
        book.append(an_offering(number, days, fee, currency=currency))
    return book


def test_the_rule_is_that_of_brute_force_on_random_price_books() -> None:
    draw = random.Random(16)  # the same books each time
    chosen = covering = 0
    for _ in range(examples(10_000)):
        book = a_book(draw)
        want = wanted(draw.choice([0.5, 1, 2, 3, 10, 30]), draw.choice([None, 0, 5, 12, 30]))

        choice = choose(want, book)
        expected = by_brute_force(want, book)

        assert choice.offering == expected
        assert [each.offering for each in choice.candidates] == book
        assert all(each.reason for each in choice.candidates)
        for each in choice.candidates:
            assert each.offering.end_date is not None
            assert each.usable_until is not None
            assert each.usable_until == each.offering.end_date - MARGIN
            assert each.covers == (each.usable_until >= want.until)
            assert (each.verdict == "chosen") == (each.offering == expected)
        chosen += expected is not None
        covering += choice.covers
        if expected is not None:
            assert expected.end_date is not None
            assert choice.usable_until == expected.end_date - MARGIN
    # The books are of all kinds.
    assert 0.2 < covering / chosen < 0.8


def least(book: Sequence[TrainingPlanExtensionOffering], days: int) -> Decimal | None:
    """Find the cheapest combination by trying all of them."""
    usable = [each for each in book if each.upfront_fee is not None and each.currency_code == "USD"]
    costs = [
        sum((each.upfront_fee or Decimal(0) for each in legs), Decimal(0))
        for count in range(1, days + 1)
        for legs in itertools.combinations_with_replacement(usable, count)
        if sum(each.duration_hours or 0 for each in legs) >= 24 * days
    ]
    return min(costs, default=None)


def test_the_cheapest_combination_is_that_of_brute_force_on_small_books() -> None:
    draw = random.Random(17)  # the same books each time
    for _ in range(examples(1_500)):
        book = a_book(draw)[:4]
        days = draw.randint(1, 6)

        choice = choose(wanted(days), book)

        assert choice.combination_fee == least(book, days)
        hours = [each.duration_hours or 0 for each in choice.combination]
        fees = [each.upfront_fee or Decimal(0) for each in choice.combination]
        if choice.combination:
            assert sum(hours) >= 24 * days
            assert sum(fees) == choice.combination_fee
            assert hours == sorted(hours, reverse=True)


@pytest.mark.parametrize("days", [100, 181, 182, 183, 10_000, 2_900_000])
def test_a_far_date_costs_little_to_reckon(days: int) -> None:
    book = [an_offering(1, 7, 71), an_offering(2, 3, 30), an_offering(3, 5, 51)]

    choice = choose(wanted(days, by_legs=True, limit=10**9), book)

    # Ten a day at best; a rest of one or two days is cheapest as part of other legs.
    def cost(left: int) -> int:
        best = {0: 0}
        for day in range(1, left + 1):
            best[day] = min(
                fee + best[max(0, day - length)] for length, fee in ((7, 71), (3, 30), (5, 51))
            )
        return best[left]

    threes = max(0, (days - 99) // 3)
    assert choice.combination_fee == 30 * threes + cost(days - 3 * threes)
    assert choice.offering == book[1]


def test_the_last_day_that_there_is_can_be_asked_for() -> None:
    want = evolve(wanted(1), until=datetime.max.replace(tzinfo=START.tzinfo))

    assert choose(want, [an_offering(1, 182, 1)]).covers is False


def test_a_leg_begins_a_combination_that_stays_within_the_limit() -> None:
    book = [an_offering(1, 14, 500), an_offering(2, 21, 700)]

    choice = choose(wanted(24, 1000, by_legs=True), book)
    alone = choose(wanted(24, 1000), book)

    assert choice.offering == book[0]
    assert [each.verdict for each in choice.candidates] == ["chosen", "over_limit"]
    assert choice.candidates[1].reason == (
        "no combination that begins with it reaches the date within the limit"
    )
    assert alone.offering == book[1]
    assert alone.candidates[0].reason == "tpeo-2 costs less per hour"


def test_without_a_limit_each_leg_will_do() -> None:
    book = [an_offering(1, 14, 500), an_offering(2, 21, 700)]

    assert choose(wanted(24, by_legs=True), book).offering == book[1]


def test_random_books_that_can_be_covered_are_covered_at_constant_prices() -> None:
    draw = random.Random(18)  # the same books each time
    covered = 0
    for _ in range(examples(3_000)):
        book = [an_offering(n, draw.randint(1, 6), draw.randint(1, 60)) for n in range(4)]
        days, budget = draw.randint(1, 15), draw.randint(1, 150)
        end, left = START, Decimal(budget)
        possible = (choose(wanted(days), book).combination_fee or 10**6) <= budget
        while end < START + days * DAY:
            moved = [
                evolve(each, start_date=end, end_date=end + (each.duration_hours or 0) * HOUR)
                for each in book
            ]
            want = evolve(wanted(days, by_legs=True), end=end, limit=left)
            choice = choose(want, moved)
            if choice.offering is None:
                # Nothing was spent, or a way to the date would have been left.
                assert end == START
                assert not possible
                break
            assert choice.offering.upfront_fee is not None
            assert choice.offering.end_date is not None
            left -= choice.offering.upfront_fee
            end = choice.offering.end_date
            assert left >= 0
        else:
            covered += 1
            assert possible
    assert covered > examples(3_000) / 10


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"end_date": None}, "it does not say when it ends, or how long it is"),
        ({"duration_hours": None}, "it does not say when it ends, or how long it is"),
        ({"duration_hours": 0}, "it does not say when it ends, or how long it is"),
        ({"upfront_fee": None, "upfront_fee_text": "12,50"}, "its fee '12,50' is not a number"),
        ({"currency_code": "EUR"}, "its fee is in EUR, not in USD"),
        ({"currency_code": None}, "its fee is in None, not in USD"),
    ],
)
def test_what_cannot_be_compared_is_named_with_the_reason(
    changes: dict[str, object], words: str
) -> None:
    odd = evolve(an_offering(1, 7, 1), **changes)  # type: ignore[arg-type]  # any change of an offering

    choice = choose(wanted(7), [odd, an_offering(2, 7, 70)])

    assert [(each.verdict, each.reason) for each in choice.candidates] == [
        ("unusable", words),
        ("chosen", "the cheapest that reaches the date"),
    ]
    assert (choice.candidates[0].usable_until is None) == ("end_date" in changes)


def test_an_offering_with_two_prices_is_not_chosen() -> None:
    book = [an_offering(1, 7, 50), an_offering(2, 7, 60), an_offering(1, 7, 51)]

    choice = choose(wanted(7), book)

    assert choice.offering == book[1]
    assert len(choice.candidates) == 2
    assert choice.candidates[0].reason == "it is listed with different prices"


def test_one_price_in_two_spellings_is_one_price() -> None:
    one = an_offering(1, 7, Decimal("50.0"))
    book = [one, evolve(one, upfront_fee_text="50.00", upfront_fee=Decimal("50.00"))]

    assert choose(wanted(7), book).offering == one


@pytest.mark.parametrize(
    ("book", "days", "limit", "reasons"),
    [
        (
            [(7, 50), (7, 60), (14, 50), (7, 50), (1, 2)],
            5,
            None,
            [
                "the cheapest that reaches the date",
                "tpeo-0 costs less",
                "tpeo-0 costs the same and ends earlier",
                "tpeo-0 costs the same and is listed first",
                "it does not reach the date",
            ],
        ),
        (
            [(7, 70), (14, 140), (14, 140), (1, 11), (21, 500)],
            30,
            300,
            [
                "tpeo-1 costs the same per hour and is longer",
                "the lowest fee per hour, as the first of several legs",
                "tpeo-1 costs the same per hour and is listed first",
                "tpeo-1 costs less per hour",
                "its fee is above the limit of 300",
            ],
        ),
    ],
)
def test_each_reason_says_what_decided(
    book: list[tuple[int, int]], days: int, limit: int | None, reasons: list[str]
) -> None:
    offerings = [an_offering(number, *each) for number, each in enumerate(book)]

    choice = choose(wanted(days, limit), offerings)

    assert [each.reason for each in choice.candidates] == reasons


# --- how it is shown


def shown(choice: ExtensionChoice) -> str:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(choice)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_choice_prints_as_a_table() -> None:
    book = [an_offering(1, 7, Decimal("65.50")), an_offering(2, 3, 20), an_offering(3, 7, "ask")]

    choice = choose(wanted(6), book)

    expected = f"""\
{ARN} until 2027-01-07 11:00: tpeo-1 for 65.50 USD is the cheapest that reaches the date
cheapest combination at today's prices: 72 h + 72 h, 40 USD
offering  hours  fee        usable until (UTC)  verdict    reason
tpeo-1    168    65.50 USD  2027-01-08 11:00    chosen     the cheapest that reaches the date
tpeo-2    72     20 USD     2027-01-04 11:00    too short  it does not reach the date
tpeo-3    168    ask USD    2027-01-08 11:00    unusable   its fee 'ask' is not a number"""
    assert choice.explain() == expected
    assert [line.rstrip() for line in shown(choice).splitlines()] == choice.explain().splitlines()
    assert choice._repr_html_().count("<tr") == 4


def test_markup_in_what_the_service_sends_is_shown_as_it_stands() -> None:
    odd = evolve(an_offering(1, 7, 5), offering_id="tpeo-[bold]x[/bold]")

    choice = choose(wanted(6), [odd])

    assert "tpeo-[bold]x[/bold]" in shown(choice)
    choice = choose(wanted(6), [evolve(odd, offering_id="<b>x</b>")])
    assert "&lt;b&gt;x&lt;/b&gt;" in choice._repr_html_()
    assert "<b>" not in choice._repr_html_()


def test_a_time_that_is_not_known_is_said() -> None:
    candidate = ExtensionCandidate(
        offering=an_offering(1, 7, 5),
        usable_until=None,
        covers=False,
        verdict="unusable",
        reason="why",
    )
    choice = ExtensionChoice(
        training_plan_arn=ARN,
        until=START,
        offering=None,
        covers=False,
        usable_until=None,
        reason="nothing",
        candidates=(candidate,),
    )

    assert "  unknown  " in choice.explain()


# --- choose_extension


@for_days
async def test_choosing_reads_and_searches_and_buys_nothing() -> None:
    service = KeptPlan(prices=lambda _: {1: 10, 7: 65, 14: 60, 21: 90, 28: 55})

    choice = await service.client().choose_extension(
        ARN, until=service.first_end + 6 * DAY, max_upfront_fee=60, currency_code="usd"
    )

    assert choice.offering is not None
    assert choice.offering.duration_hours == 28 * 24
    assert choice.covers
    # The search without a length lists three only.
    assert len(choice.candidates) == 5
    assert service.counts[EXTEND] == 0


@for_days
async def test_a_plan_that_reaches_the_date_needs_no_choice() -> None:
    service = KeptPlan()

    choice = await service.client().choose_extension(ARN, until=service.first_end - MARGIN)
    hour = await service.client().choose_extension(
        ARN, until=service.first_end - MARGIN, target="hyperpod-cluster"
    )

    assert choice.covers
    assert choice.offering is None
    assert choice.usable_until == service.first_end - MARGIN
    assert choice.reason == "the plan reaches the date without an extension"
    assert (hour.covers, hour.offering is None) == (True, False)


@pytest.mark.parametrize("status", ["Expired", "Failed"])
@for_days
async def test_a_plan_that_is_over_cannot_be_extended(status: str) -> None:
    service = KeptPlan(status=status)

    with pytest.raises(CoverageError, match=f"the plan is {status}, so it cannot be extended"):
        await service.client().choose_extension(ARN, until=service.first_end + DAY)


@for_days
async def test_a_date_in_the_past_is_refused() -> None:
    service = KeptPlan()

    with pytest.raises(InvalidRequestError, match=r"until: got 2026-12-31 11:30 UTC, and the"):
        await service.client().choose_extension(ARN, until=START - DAY)


def test_fees_per_hour_are_compared_exactly() -> None:
    # As floats or at 28 digits, both rates would be the same.
    dearer = Decimal("1.000000000000000000000000000000001")
    book = [an_offering(1, 3, dearer), an_offering(2, 3, 1)]

    assert Fraction(dearer) > 1
    assert choose(wanted(9), book).offering == book[1]
