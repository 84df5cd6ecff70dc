"""Scenes: a world with processes that buy, a person who settles, and everything that goes wrong."""

from collections.abc import Callable, Coroutine, Iterator
from random import Random
from typing import Any, Final, Self

from attrs import define, field

from journal_world.outside.gateway import WorldGateway
from journal_world.outside.journal import Shelf, WorldJournal
from journal_world.outside.service import ARN, EXTEND, Sale, WorldService
from journal_world.processes import Process
from journal_world.world import FINE, Fate, World
from sagemaker_plans import ExtensionReceipt, RetryPolicy, errors
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.training_plans import TrainingPlans

POLICY: Final = RetryPolicy(max_attempts=3, reconcile_limit=3.0)
MINUTE: Final = 60.0
HOUR: Final = 3600.0
KEY, RIVAL = "wanted", "rival"

SIGNING: Final = (f"before signing {EXTEND}", f"after signing {EXTEND}")
PLACES: Final = (
    *SIGNING,
    f"after {EXTEND}",
    "before records",
    "after records",
    "before begin",
    "after begin",
    "before end",
    "after end",
    "after DescribeTrainingPlanExtensionHistory",
)


@define(eq=False)
class Scene:
    """One world, with all that it needs."""

    draw: Random
    world: World
    service: WorldService
    shelf: Shelf
    service_faults: float = 0.0
    """How likely a request to the service meets a fault."""
    journal_faults: float = 0.0
    calls: list[Process] = field(factory=list[Process])
    """All processes that call ``extend``."""
    persons: list[Process] = field(factory=list[Process])

    @classmethod
    def made(cls, seed: int | str, **settings: Any) -> Self:
        draw = Random(seed)  # for tests
        world = World(draw)
        return cls(draw, world, WorldService(world, draw, **settings), Shelf())

    # what goes wrong on the way

    def service_fate(self, name: str, process: Process) -> Fate | str:
        draw = self.draw
        if name == EXTEND and process.dooms:
            doom: Fate = process.dooms.pop()
            return doom
        if draw.random() >= self.service_faults:
            return FINE
        codes = ["ThrottlingException", "AccessDenied", "Unsent"]
        fates: list[Fate | str] = [
            *codes,
            Fate(told=False),
            Fate("never"),
            Fate("late", late=draw.choice((1.0, 70.0, 290.0, 1000.0))),
            Fate(before=draw.uniform(0, 50), after=draw.uniform(0, 50)),
        ]
        return draw.choice(fates) if name == EXTEND else draw.choice([*fates[:2], fates[4]])

    def journal_fate(self) -> Fate:
        draw = self.draw
        if draw.random() >= self.journal_faults:
            return FINE
        return draw.choice(
            [
                Fate(told=False),
                Fate("never"),
                Fate("late", late=draw.choice((0.2, 5.0, 100.0, 2000.0))),
                Fate(before=draw.uniform(0, 400), after=draw.uniform(0, 400)),
            ]
        )

    def also(self, at_place: Callable[[Process, str], None]) -> None:
        """Do something more when a process passes a place."""
        before = self.world.at_place

        def both(process: Process, place: str) -> None:
            before(process, place)
            at_place(process, place)

        self.world.at_place = both

    # who acts

    def plans(self, process: Process) -> TrainingPlans:
        """Give a process its client."""
        return TrainingPlans(
            WorldGateway(self.world, self.service, process, self.service_fate),
            Retrier(POLICY, uniform=self.draw.uniform),
            journal=WorldJournal(self.world, self.shelf, process, self.journal_fate),
        )

    def buying(self, process: Process, fee: int | None) -> Coroutine[Any, Any, object]:
        return self.plans(process).extend(
            process.offering,
            training_plan_arn=ARN,
            idempotency_key=process.key,
            max_upfront_fee=fee,
        )

    def settling(
        self, process: Process, *, bought: bool, record: int
    ) -> Coroutine[Any, Any, object]:
        return self.plans(process).settle(ARN, bought=bought, record=record)

    def call(self, key: str = KEY, offering: str = "tpeo-a", **settings: Any) -> Process:
        """Launch a process that buys."""
        fee = 200 if self.draw.random() < 0.2 else None

        def extend(process: Process) -> Coroutine[Any, Any, object]:
            return self.buying(process, fee)

        name = f"call {len(self.calls) + 1}"
        process = self.world.launch(name, extend, key=key, offering=offering, **settings)
        self.calls.append(process)
        return process

    def person(self, after: float) -> None:
        """Let a person say the truth about each record that is open then."""
        self.world.at(self.world.now + after, self._settle)

    def _settle(self) -> None:
        for record in [*self.shelf.records.values()]:
            if record.state != "open":
                continue

            def settle(process: Process, number: int = record.number, it: str = record.id) -> Any:
                return self.settling(process, bought=bool(self.sales_of(it)), record=number)

            self.persons.append(self.world.launch("a person", settle))

    def sales_of(self, record: str) -> list[Sale]:
        return [each for each in self.service.sales if each.record == record]

    def run(self) -> None:
        self.world.run()

    def calm_down(self) -> ExtensionReceipt | object:
        """Let all faults pass, have a person settle, and buy once more."""
        self.service_faults = self.journal_faults = 0.0
        self.service.failing = 0.0
        self.world.at_place = lambda _process, _place: None
        self.world.at_step = lambda _process: None
        self.person(2 * HOUR)
        self.run()
        result: object = None
        for _ in range(4):
            process = self.call(KEY, "tpeo-c")
            self.run()
            result = process.result()
            if isinstance(result, ExtensionReceipt):
                break
            self.world.now += 2 * HOUR
        return result

    # what must hold

    def problems(self) -> Iterator[str]:
        """Find everything that must not be, once the world has come to rest."""
        yield from self.service.broken
        yield from self.shelf.broken
        for process in self.calls:
            if not process.is_killed:
                yield from self._untrue(process)
        for record in self.shelf.records.values():
            sales = self.sales_of(record.id)
            if len(sales) > 1:
                yield f"record {record.number}: sent {len(sales)} purchases"
            if record.state == "not_bought" and sales:
                yield f"record {record.number} says not bought, and it was"
            if record.state in {"bought", "failed"} and not sales:
                yield f"record {record.number} says {record.state}, and nothing was bought"
            if record.state == "failed" and sales and sales[0].fails_at > self.world.now:
                yield f"record {record.number} says failed, and it did not"

    def _untrue(self, process: Process) -> Iterator[str]:
        result = process.result()
        own = [each for each in self.service.sales if each.process is process]
        where = f"{process.name} ({process.key}, {process.offering})"
        match result:
            case ExtensionReceipt():
                yield from self._untrue_receipt(process, result, own, where)
            case errors.PurchaseFailedError():
                time = result.extension.extended_at
                failed = [
                    each
                    for each in self.service.sales
                    if each.key == process.key
                    and time is not None
                    and each.extended_at == time.timestamp()
                    and each.fails_at <= self.world.now
                ]
                if not failed:
                    yield f"{where}: said failed, and nothing of this key did"
            case errors.OutcomeUnknownError():
                if not process.lost and not process.was_open:
                    yield f"{where}: said unknown, and it was known"
            case errors.SageMakerPlansError():
                if own:
                    yield f"{where}: said {type(result).__name__}, and had bought"
            case _:
                yield f"{where}: raised {result!r}"

    def _untrue_receipt(
        self, process: Process, receipt: ExtensionReceipt, own: list[Sale], where: str
    ) -> Iterator[str]:
        shown = receipt.extension
        assert shown.extended_at is not None
        bought = [
            each
            for each in self.service.sales
            if (each.offering, each.extended_at)
            == (shown.offering_id, shown.extended_at.timestamp())
        ]
        if not bought:
            yield f"{where}: got a receipt, and the service sold nothing"
        elif receipt.outcome != "already_purchased":
            if not any(each in own for each in bought):
                yield f"{where}: got the receipt of somebody else's purchase"
        elif not any(each.key == process.key for each in bought) and (
            shown.offering_id != process.offering
        ):
            yield f"{where}: got a receipt for another key's {shown.offering_id}"

    def explain(self) -> str:
        """Tell what happened, for the message of a test that fails."""
        lines = [f"now {self.world.now:.1f} s"]
        for process in [*self.calls, *self.persons]:
            end = "killed" if process.is_killed else repr(process.result())
            began = f"{process.name} {process.key} {process.offering} at {process.started:.1f} s"
            how = f"{process.steps} steps, clock {process.ahead:+.0f} s: {end}"
            lines += [f"{began}, {how}", "    " + ", ".join(process.places)]
        lines += [f"sold at {each.at:.1f} s: {each}" for each in self.service.sales]
        lines += [repr(each) for each in self.shelf.records.values()]
        return "\n".join(lines)
