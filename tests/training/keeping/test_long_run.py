"""200 days in seconds: prices move, offerings vanish, all lags, and the process is killed."""

import random
from collections.abc import Coroutine, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import anyio
import anyio.lowlevel
import pytest
from attrs import define, field

from harness import examples
from sagemaker_plans import Coverage, CoverageError
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import OutcomeUnknownError, PurchaseFailedError, SageMakerPlansError
from sagemaker_plans.journal import PurchaseRecord
from training.keeping.kept_plan import (
    ARN,
    DAY,
    EXTEND,
    HOUR,
    SEARCH,
    START,
    KeptJournal,
    KeptPlan,
    Prices,
    for_days,
    lost,
)

T = TypeVar("T")

MARGIN = timedelta(minutes=30)
UNTIL = START + 200 * DAY
LONGEST = 14


@define(eq=False)
class Process(Gateway):
    """A process that dies at one of its calls: from then on nothing of it reaches anybody."""

    service: KeptPlan
    journal: KeptJournal
    left: int
    """After how many steps it dies. Each call has a step before it, and one before its reply."""
    scope: anyio.CancelScope = field(factory=anyio.CancelScope)
    is_dead: bool = False

    async def _step(self) -> None:
        self.left -= 1
        if self.left <= 0:
            self.is_dead = True
            self.scope.cancel()
            await anyio.lowlevel.checkpoint()
            # Something of it is shielded, and would still like to send something.
            raise lost()

    async def call(
        self,
        operation: Operation,
        request: Mapping[str, object],
        /,
        *,
        send_by: datetime | None = None,
        **_: object,
    ) -> Reply:
        return await self._reached(self.service.call(operation, request, send_by=send_by))

    async def records(self, plan: str, /) -> tuple[PurchaseRecord, ...]:
        return await self._reached(self.journal.records(plan))

    async def begin(self, record: PurchaseRecord, /) -> bool:
        return await self._reached(self.journal.begin(record))

    async def end(self, record: PurchaseRecord, /) -> bool:
        return await self._reached(self.journal.end(record))

    async def _reached(self, effect: Coroutine[object, object, T]) -> T:
        try:
            await self._step()
            result = await effect
            await self._step()
        finally:
            effect.close()
        return result

    async def ensure_until(self, budget: Decimal, timeout: float) -> Coverage | None:  # noqa: ASYNC109  # it passes it on
        """Do what such a process does; None if it died."""
        plans = self.service.client(self, gateway=self)
        with self.scope:
            return await plans.ensure_until(ARN, UNTIL, budget=budget, timeout=timeout)
        return None


def a_service(draw: random.Random) -> KeptPlan:
    """Make a service of which nothing can be relied on but that each purchase is noted."""

    def prices(service: KeptPlan) -> Prices:
        # Prices hold for six hours.
        moment = random.Random(f"{draw_seed}{service.now:%j}{service.now.hour // 6}")
        return {
            days: f"{days * moment.uniform(8, 12):.2f}"
            for days in (1, 2, 3, 7, LONGEST)
            if moment.random() < 0.6
        }

    draw_seed = draw.random()
    service = KeptPlan(
        prices=prices,
        payment=lambda _: draw.choice([0.0, 0.01, 2.0, 12.0]),
        history_lag=lambda _: draw.choice([0.0, 0.1, 5.0, 24.0]),
        end_lag=lambda _: draw.choice([0.0, 0.1, 5.0, 12.0]),
        fails=lambda _: draw.random() < 0.1,
    )

    def before(name: str) -> None:
        if name == SEARCH and draw.random() < 0.01:
            raise lost()

    def after(name: str) -> None:
        if name == EXTEND and draw.random() < 0.2:
            raise lost()

    service.before, service.after = before, after
    return service


async def settle_as_a_person_would(service: KeptPlan, journal: KeptJournal) -> None:
    """Look up what became of an open record a day later, and say so if it was not bought."""
    await anyio.sleep(26 * 3600)
    [record] = [each for each in journal.kept.values() if each.state == "open"]
    if not any(
        each.offering_id == record.offering_id and each.at >= record.written_at
        for each in service.sold
    ):
        await service.client(journal).settle(ARN, bought=False)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(2))
@for_days
async def test_200_days_end_covered_within_the_budget_and_accounted_for(seed: int) -> None:
    draw = random.Random(seed)  # the same days in every run
    service, journal, budget = a_service(draw), KeptJournal(), Decimal(2400)
    covered: Coverage | None = None
    killed = settled = 0
    while covered is None or service.now < UNTIL - 10 * DAY:
        steps = draw.randint(1, 250) if draw.random() < 0.6 else 10**9
        process = Process(service, journal, steps)
        try:
            coverage = await process.ensure_until(budget, draw.choice([0, 600, 3 * 3600]))
        except OutcomeUnknownError:
            settled += 1
            if any(each.state == "open" for each in journal.kept.values()):
                await settle_as_a_person_would(service, journal)
        except SageMakerPlansError as error:
            if not (process.is_dead or isinstance(error, CoverageError | PurchaseFailedError)):
                raise
        else:
            if coverage is not None and coverage.covered:
                covered = coverage
        killed += process.is_dead
        await anyio.sleep(draw.uniform(1, 10) * 3600)
        assert service.wrong == []
        assert service.spent <= budget
    service.before = lambda _: None

    last = await service.client(journal).ensure_until(ARN, UNTIL, budget=budget)

    assert last.covered
    assert last.bought == ()
    assert service.end - MARGIN >= UNTIL
    # Nothing was bought twice or in vain.
    assert service.end < UNTIL + LONGEST * DAY
    paid = [each for each in service.sold if not each.fails]
    assert sum((each.hours for each in paid), 0) * HOUR == service.end - service.first_end
    # Every purchase is accounted for, in the coverage and in the journal.
    assert last.spent == service.spent <= budget
    states = [each.state for each in journal.kept.values()]
    assert states.count("bought") == len(paid)
    assert states.count("failed") == len(service.sold) - len(paid)
    assert "open" not in states
    # The run was as hard as it should be.
    assert len(paid) >= 14
    assert killed >= 20


@pytest.mark.parametrize("seed", range(examples(4)))
@for_days
async def test_without_a_journal_one_process_after_the_other_is_safe(seed: int) -> None:
    draw = random.Random(100 + seed)  # the same days in every run
    service, budget = a_service(draw), Decimal(900)
    service.before = service.after = lambda _: None
    until = START + 60 * DAY
    covered: Coverage | None = None
    while covered is None:
        assert service.now < until
        try:
            coverage = await service.client().ensure_until(ARN, until, budget=budget, timeout=1800)
        except (CoverageError, PurchaseFailedError):
            pass
        else:
            covered = coverage if coverage.covered else None
        await anyio.sleep(draw.uniform(1, 10) * 3600)
        assert service.spent <= budget

    await anyio.sleep(2 * DAY.total_seconds())
    last = await service.client().ensure_until(ARN, until, budget=budget)

    assert last.covered
    assert last.spent == service.spent
    assert service.end < until + LONGEST * DAY
