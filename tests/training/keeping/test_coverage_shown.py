"""How the result of ``ensure_until`` is shown, and its error."""

import copy
import io
import pickle
from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve
from rich.console import Console

from sagemaker_plans import Coverage, CoverageError
from training.keeping.kept_plan import ARN, DAY, START, KeptPlan, for_days

MARGIN = timedelta(minutes=30)


async def a_coverage(service: KeptPlan, *, days: float = 1) -> Coverage:
    return await service.client().ensure_until(
        ARN, service.first_end + days * DAY - MARGIN, budget=Decimal("1E+2"), timeout=0
    )


def shown(coverage: Coverage) -> str:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(coverage)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().rstrip("\n")


@for_days
async def test_a_coverage_prints_as_a_table() -> None:
    coverage = await a_coverage(KeptPlan(days=2, payment=lambda _: 2.0), days=0.5)

    expected = f"""\
training plan        {ARN}
wanted until (UTC)   2027-01-02 23:00
usable until (UTC)   2027-01-03 11:00
covered              not yet
spent                10 of 100 USD
bought now           tpeo-1-20270102, 10 USD
waiting for          the payment of offering tpeo-1-20270102
call again at (UTC)  2027-01-01 11:45"""
    assert coverage.explain() == expected
    assert shown(coverage) == expected
    html = coverage._repr_html_()
    assert html.count("<tr") == 8
    assert "2027-01-01 11:45" in html
    late = evolve(coverage, late=True, usable_until=None, reason=None, next_at=None, covered=True)
    assert late.explain().splitlines()[2:] == [
        "usable until (UTC)  unknown",
        "covered             yes",
        "spent               10 of 100 USD",
        "bought now (late)   tpeo-1-20270102, 10 USD",
    ]


@for_days
async def test_markup_is_escaped() -> None:
    coverage = evolve(await a_coverage(KeptPlan(), days=0), currency_code="<b>[bold]x")

    assert "<b>[bold]x" in shown(coverage)
    assert "&lt;b&gt;[bold]x" in coverage._repr_html_()


@for_days
async def test_the_error_pickles_and_copies_with_what_was_tried() -> None:
    with pytest.raises(CoverageError) as caught:
        await a_coverage(KeptPlan(), days=200)

    for same in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):
        assert str(same) == str(caught.value)
        assert same.coverage == caught.value.coverage
        assert same.choice == caught.value.choice
        assert same.choice is not None
        assert same.training_plan_arn == ARN


@for_days
async def test_the_length_of_a_plan_in_two_blocks_explains_no_end() -> None:
    # There is a gap between its blocks, so it ends later than its length says.
    block = {"ReservedCapacityArn": "arn", "InstanceType": "ml.p5", "TotalInstanceCount": 1}
    block["Status"] = "Active"
    service = KeptPlan()
    service.changed["ReservedCapacitySummaries"] = [block, block]
    service.changed["DurationHours"] = 24
    whole = KeptPlan()
    whole.changed["DurationHours"] = 24

    coverage = await a_coverage(service)

    assert coverage.covered
    assert coverage.usable_until == START + 10 * DAY - MARGIN
    with pytest.raises(CoverageError, match="explains 2027-01-01 11:30 only"):
        await a_coverage(whole)
