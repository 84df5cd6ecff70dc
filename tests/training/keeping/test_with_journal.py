"""``ensure_until`` with a journal: several processes at once, and earlier purchases."""

import re
from datetime import timedelta
from decimal import Decimal

import anyio
import pytest
from attrs import evolve

from sagemaker_plans import Coverage, CoverageError
from sagemaker_plans.errors import OutcomeUnknownError, PurchaseFailedError
from sagemaker_plans.models import TrainingPlanExtension
from training.keeping.kept_plan import (
    ARN,
    DAY,
    EXTEND,
    HISTORY,
    SEARCH,
    START,
    KeptJournal,
    KeptPlan,
    for_days,
    lost,
)

MARGIN = timedelta(minutes=30)


async def ensure(
    service: KeptPlan,
    journal: KeptJournal,
    days: int,
    budget: int = 1000,
    *,
    timeout: float = 3600,  # noqa: ASYNC109  # that of the method under test
) -> Coverage:
    """Keep the plan, as a process of its own does."""
    return await service.client(journal).ensure_until(
        ARN, service.first_end + days * DAY - MARGIN, budget=Decimal(budget), timeout=timeout
    )


@pytest.mark.parametrize("hours", [0, 0.2])
@pytest.mark.parametrize("lag", [0, 0.5])
@for_days
async def test_of_several_processes_at_once_one_buys(hours: float, lag: float) -> None:
    service = KeptPlan(
        prices=lambda _: {1: 10, 3: 29}, payment=lambda _: hours, history_lag=lambda _: lag
    )
    journal = KeptJournal()
    got: list[Coverage] = []

    async def process(delay: float) -> None:
        await anyio.sleep(delay)
        got.append(await ensure(service, journal, 2, timeout=2 * 3600))

    async with anyio.create_task_group() as tasks:
        for delay in (0, 0, 0, 0.5, 3, 60):
            tasks.start_soon(process, delay)

    assert service.wrong == []
    # 20 for two days; or three at once, which cost more.
    assert service.lengths == [3]
    assert all(each.covered for each in got)
    assert sum(len(each.bought) for each in got) == 1
    assert {each.spent for each in got} == {Decimal(29)}
    assert [each.state for each in journal.kept.values()].count("bought") == 1


@for_days
async def test_processes_that_buy_legs_take_turns() -> None:
    service = KeptPlan(prices=lambda _: {1: 10}, payment=lambda _: 0.2, end_lag=lambda _: 0.1)
    journal = KeptJournal()
    got: list[Coverage] = []

    async def process() -> None:
        got.append(await ensure(service, journal, 4, 40, timeout=5 * 3600))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(process)

    assert service.wrong == []
    assert service.lengths == [1, 1, 1, 1]
    assert all(each.covered for each in got)
    assert sum(len(each.bought) for each in got) == 4
    keys = [each.idempotency_key for each in journal.kept.values() if each.state == "bought"]
    assert keys == [f"from 2027-01-{day}T11:30:00Z" for day in (10, 11, 12, 13)]


@for_days
async def test_two_calls_in_one_client_take_turns() -> None:
    service = KeptPlan(prices=lambda _: {1: 10}, payment=lambda _: 0.2)
    plans = service.client()
    until = service.first_end + 2 * DAY - MARGIN

    async def call() -> None:
        assert (await plans.ensure_until(ARN, until, budget=20)).covered

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(call)

    assert service.lengths == [1, 1]


@for_days
async def test_the_journal_explains_what_the_history_does_not_show_yet() -> None:
    service = KeptPlan(prices=lambda _: {1: 6, 2: 11}, history_lag=lambda _: 5.0)
    journal = KeptJournal()
    await ensure(service, journal, 1, 10)

    covered = await ensure(service, journal, 1, 10)
    waiting = await ensure(service, journal, 2, 10)

    assert (covered.covered, covered.spent) == (True, Decimal(6))
    # The next leg has to wait until the history shows this one as paid.
    assert (waiting.covered, waiting.pending) == (False, None)
    assert waiting.next_at == service.now + timedelta(minutes=15)
    bought = service.sold[0].offering_id
    assert waiting.reason == f"the history to show that offering {bought} is paid"
    with pytest.raises(CoverageError, match="6 of 10 USD are spent"):
        await ensure(service, journal, 2, 10, timeout=6 * 3600)
    assert service.lengths == [1]


@for_days
async def test_an_open_record_of_a_running_process_is_waited_for() -> None:
    service = KeptPlan(prices=lambda _: {1: 10})
    journal = KeptJournal()

    async def slow(name: str) -> None:
        if name == EXTEND and not service.sold:
            await anyio.sleep(200)

    service.before = slow
    got: list[Coverage] = []

    async def process() -> None:
        got.append(await ensure(service, journal, 1))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(process)
        await anyio.sleep(10)
        early = await ensure(service, journal, 1, timeout=0)
        assert (early.covered, early.bought, early.pending) == (False, (), None)
        assert early.reason is not None
        assert re.fullmatch(
            r"process \d+ on .+, which may be buying offering tpeo-1-\d+ now "
            r"\(record 1 of the journal\)",
            early.reason,
        )
        tasks.start_soon(process)

    assert [each.covered for each in got] == [True, True]
    assert len(service.sold) == 1


@for_days
async def test_a_record_that_stays_open_is_an_unknown_outcome_until_it_is_settled() -> None:
    service = KeptPlan(prices=lambda _: {1: 10})
    journal = KeptJournal()

    def never_arrives(name: str) -> None:
        if name == EXTEND:
            raise lost()

    service.before = never_arrives
    with pytest.raises(OutcomeUnknownError):
        await ensure(service, journal, 1)
    service.before = lambda _: None
    await anyio.sleep(3600)
    searches = service.counts[SEARCH]

    for _ in range(3):
        with pytest.raises(OutcomeUnknownError, match=r"record 1 of the journal .* is open"):
            await ensure(service, journal, 1)

    assert service.sold == []
    # Nobody searches for what cannot be bought.
    assert service.counts[SEARCH] == searches
    await service.client(journal).settle(ARN, bought=False)
    assert (await ensure(service, journal, 1)).covered


@for_days
async def test_a_record_begun_between_the_look_and_the_purchase_is_waited_for() -> None:
    service = KeptPlan(prices=lambda _: {1: 10})
    journal = KeptJournal()
    reads: list[str] = []

    async def rival(name: str) -> None:
        if name == HISTORY:
            reads.append(name)
            if len(reads) == 2:
                # The record is there when the purchase reads the journal.
                record = evolve(
                    example, number=1, id="rival", written_at=service.now, send_by=service.now
                )
                await journal.begin(record)

    other = KeptJournal()
    await ensure(KeptPlan(prices=lambda _: {1: 10}), other, 1)
    example = evolve(other.kept[1], state="open", closed_by=None, receipt=None, revision=0)
    service.before = rival

    with pytest.raises(OutcomeUnknownError):
        await ensure(service, journal, 1, timeout=1800)

    assert service.sold == []


@for_days
async def test_what_a_person_settled_as_bought_is_waited_for() -> None:
    service = KeptPlan(prices=lambda _: {1: 10}, history_lag=lambda _: 2.0)
    journal = KeptJournal()

    def drop(name: str) -> None:
        if name == EXTEND:
            raise lost()

    service.after = drop
    with pytest.raises(OutcomeUnknownError):
        await ensure(service, journal, 1)
    await service.client(journal).settle(ARN, bought=True)

    # The end has moved, so it is covered; beyond it nothing is known yet.
    assert (await ensure(service, journal, 1)).covered
    with pytest.raises(CoverageError, match="a person settled record 1 of the journal as bought"):
        await ensure(service, journal, 2, timeout=600)
    service.after = lambda _: None
    assert (await ensure(service, journal, 2, timeout=3 * 3600)).covered
    assert service.lengths == [1, 1]


@for_days
async def test_a_payment_that_failed_meanwhile_is_told_once_and_frees_the_leg() -> None:
    service = KeptPlan(prices=lambda _: {1: 10}, payment=lambda _: 2.0, fails=lambda _: True)
    journal = KeptJournal()
    assert not (await ensure(service, journal, 1)).covered
    await anyio.sleep(2 * 3600)
    service.fails = lambda _: False
    service.prices = lambda _: {2: 15}

    with pytest.raises(PurchaseFailedError) as caught:
        await ensure(service, journal, 1)
    coverage = await ensure(service, journal, 1, timeout=3 * 3600)

    assert "call ensure_until again" in caught.value.__notes__[0]
    assert (coverage.covered, coverage.spent) == (True, Decimal(15))
    assert service.lengths == [1, 2]


@for_days
async def test_a_journal_that_cannot_be_read_or_written_stops_purchases() -> None:
    service, journal = KeptPlan(), KeptJournal(broken=True)

    with pytest.raises(CoverageError, match="nothing is bought: the journal cannot be read"):
        await ensure(service, journal, 1)

    assert service.calls == []


@for_days
async def test_a_receipt_without_an_end_buys_nothing_twice() -> None:
    service, journal = KeptPlan(prices=lambda _: {1: 10}, history_lag=lambda _: 50.0), KeptJournal()
    await ensure(service, journal, 1)
    record = journal.kept[1]
    assert isinstance(record.receipt, TrainingPlanExtension)
    journal.kept[1] = evolve(record, receipt=evolve(record.receipt, end_date=None))
    service.sold.clear()

    coverage = await ensure(service, journal, 1, timeout=100)

    assert not coverage.covered
    assert service.sold == []
    assert service.now < START + DAY
