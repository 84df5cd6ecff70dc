"""Choosing and keeping through the emulator, on all three transports, and wrong arguments."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import anyio
import pytest

from harness import MakeClient
from sagemaker_plans import AsyncClient, Coverage, CoverageError, InvalidRequestError
from sagemaker_plans.emulator import Emulator, Timings
from training.keeping.kept_plan import DESCRIBE, EXTEND, HISTORY, SEARCH, KeptJournal

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


@pytest.fixture
def emulator() -> Any:
    with Emulator(timings=Timings(payment_seconds=0.2)) as running:
        yield running


async def end_of(client: AsyncClient, arn: str) -> datetime:
    end = (await client.training_plans.describe(arn)).end_time
    assert end is not None
    return end


def operations(emulator: Emulator) -> set[str]:
    return {each.operation for each in emulator.requests}


async def test_a_plan_is_kept_in_one_call_that_can_be_repeated(
    emulator: Emulator, make_client: MakeClient
) -> None:
    arn = emulator.training_plan_arn
    async with make_client() as client:
        until = await end_of(client, arn) + 5 * DAY

        choice = await client.training_plans.choose_extension(arn, until=until)
        coverage = await client.training_plans.ensure_until(arn, until, budget=Decimal(9000))
        again = await client.training_plans.ensure_until(arn, until, budget=Decimal(9000))

    assert choice.offering is not None
    assert choice.offering.duration_hours == 168
    assert coverage.covered
    assert (coverage.spent, coverage.budget) == (Decimal("8641.50"), Decimal(9000))
    assert [each.extension.offering_id for each in coverage.bought] == [choice.offering.offering_id]
    assert again.covered
    assert again.bought == ()
    assert len(emulator.purchases) == 1
    assert operations(emulator) == {DESCRIBE, EXTEND, HISTORY, SEARCH}


async def test_a_plan_is_kept_leg_by_leg(emulator: Emulator, make_client: MakeClient) -> None:
    arn = emulator.training_plan_arn
    async with make_client() as client:
        until = await end_of(client, arn) + 2.5 * DAY

        coverage = await client.training_plans.ensure_until(arn, until, budget=4000)

    assert coverage.covered
    assert [each.extension.duration_hours for each in coverage.bought] == [48, 24]
    assert coverage.spent == Decimal("3703.50")


async def test_an_offering_that_is_sold_again_and_again_keeps_a_plan(
    emulator: Emulator, make_client: MakeClient
) -> None:
    arn = emulator.add_training_plan("again")
    emulator.add_extension_offering(arn, upfront_fee="10", resellable=True)
    async with make_client() as client:
        until = await end_of(client, arn) + 2.5 * DAY

        coverage = await client.training_plans.ensure_until(arn, until, budget=30)

    assert coverage.covered
    assert coverage.spent == 30
    assert len(emulator.purchases) == 3


async def test_with_a_journal_of_several_clients_one_buys(
    emulator: Emulator, make_client: MakeClient
) -> None:
    arn, journal = emulator.training_plan_arn, KeptJournal()
    got: list[Coverage] = []
    async with make_client() as client:
        until = await end_of(client, arn) + 5 * DAY

    async def process() -> None:
        async with make_client(journal=journal) as client:
            got.append(await client.training_plans.ensure_until(arn, until, budget=20_000))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(process)

    assert [each.covered for each in got] == [True] * 3
    assert sum(len(each.bought) for each in got) == len(emulator.purchases) == 1


def soon(emulator: Emulator, minutes: int) -> str:
    """Make a plan that ends soon, with an extension on sale."""
    arn = emulator.add_training_plan("soon", start_in_hours=minutes / 60 - 24, duration_hours=24)
    emulator.add_extension_offering(arn)
    return arn


async def test_just_before_the_last_hour_it_buys_late(
    emulator: Emulator, make_client: MakeClient
) -> None:
    arn = soon(emulator, 80)
    async with make_client() as client:
        until = await end_of(client, arn) + DAY / 2
        coverage = await client.training_plans.ensure_until(arn, until, budget=9000)

    assert coverage.covered
    assert coverage.late
    assert len(emulator.purchases) == 1


async def test_five_minutes_before_the_last_hour_it_is_too_late(
    emulator: Emulator, make_client: MakeClient
) -> None:
    arn = soon(emulator, 64)
    async with make_client() as client:
        until = await end_of(client, arn) + DAY / 2
        with pytest.raises(CoverageError, match="it is too late"):
            await client.training_plans.ensure_until(arn, until, budget=9000)

    assert emulator.purchases == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"until": datetime(2030, 1, 1)}, "until: got "),  # that is the point
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, "allowed are times in the future"),
        ({"until": "2030-01-01"}, "until: got '2030-01-01'"),
        ({"budget": 1.5}, "budget: got 1.5; allowed are a Decimal"),
        ({"budget": True}, "budget: got True"),
        ({"budget": Decimal("NaN")}, "budget: got Decimal"),
        ({"budget": Decimal(-1)}, "budget: got Decimal"),
        ({"budget": None}, "budget: got None"),
        ({"budget": "100"}, "budget: got '100'"),
        ({"currency_code": ""}, "currency_code: "),
        ({"target": 5}, "target: "),
        ({"lead": -1}, "lead: "),
        ({"timeout": -1}, "timeout: "),
        ({"timeout": None}, "timeout: "),
        ({"since": datetime(2026, 1, 1)}, "since: got "),  # that is the point
        ({"training_plan_arn": "demo"}, "training_plan_arn: "),
    ],
)
async def test_arguments_that_are_wrong_are_named_and_nothing_is_bought(
    emulator: Emulator, make_client: MakeClient, changes: dict[str, Any], words: str
) -> None:
    given: dict[str, Any] = {
        "training_plan_arn": emulator.training_plan_arn,
        "until": datetime.now(UTC) + 33 * DAY,
        "budget": 9000,
        **changes,
    }
    async with make_client() as client:
        with pytest.raises(InvalidRequestError) as caught:
            await client.training_plans.ensure_until(**given)

    assert words in str(caught.value)
    assert EXTEND not in operations(emulator)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"until": datetime(2030, 1, 1)}, "until: got "),  # that is the point
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, "allowed are times in the future"),
        ({"max_upfront_fee": 1.5}, "max_upfront_fee: got 1.5"),
        ({"currency_code": 5}, "currency_code: "),
        ({"target": ""}, "target: "),
        ({"training_plan_arn": None}, "training_plan_arn: "),
    ],
)
async def test_a_choice_checks_its_arguments_too(
    emulator: Emulator, make_client: MakeClient, changes: dict[str, Any], words: str
) -> None:
    given: dict[str, Any] = {
        "training_plan_arn": emulator.training_plan_arn,
        "until": datetime.now(UTC) + 33 * DAY,
        **changes,
    }
    async with make_client() as client:
        with pytest.raises(InvalidRequestError) as caught:
            await client.training_plans.choose_extension(**given)

    assert words in str(caught.value)


async def test_several_problems_are_listed_at_once(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as client:
        with pytest.raises(InvalidRequestError) as caught:
            await client.training_plans.ensure_until(
                emulator.training_plan_arn,
                datetime(2030, 1, 1),  # that is the point
                budget=1.5,  # type: ignore[arg-type]  # likewise
            )

    assert len(caught.value.problems) == 2
    assert emulator.requests == ()


@pytest.mark.parametrize("status", ["Expired", "Failed"])
async def test_a_plan_that_is_over_is_an_error(
    emulator: Emulator, make_client: MakeClient, status: Any
) -> None:
    arn = emulator.add_training_plan("over", status=status)
    emulator.add_extension_offering(arn)
    until = datetime.now(UTC) + 33 * DAY
    async with make_client() as client:
        with pytest.raises(CoverageError, match=f"the plan is {status}") as caught:
            await client.training_plans.ensure_until(arn, until, budget=9000)
        with pytest.raises(CoverageError, match=f"the plan is {status}"):
            await client.training_plans.choose_extension(arn, until=until)

    assert caught.value.training_plan_arn == arn
    assert EXTEND not in operations(emulator)


async def test_another_currency_than_the_offerings_buys_nothing(
    emulator: Emulator, make_client: MakeClient
) -> None:
    arn = emulator.training_plan_arn
    async with make_client() as client:
        until = await end_of(client, arn) + DAY
        with pytest.raises(CoverageError, match="no offering that can be compared") as caught:
            await client.training_plans.ensure_until(arn, until, budget=9000, currency_code="EUR")

    assert caught.value.choice is not None
    assert {each.reason for each in caught.value.choice.candidates} == {
        "its fee is in USD, not in EUR"
    }
    assert EXTEND not in operations(emulator)
