"""A journal in memory that outlives the processes, on a network that loses things."""

from collections.abc import Callable
from typing import TypeVar

from attrs import define, field

from journal_world.processes import Process
from journal_world.world import Fate, World
from sagemaker_plans.journal import PurchaseJournal, PurchaseRecord

T = TypeVar("T")


class JournalLostError(Exception):
    """Nobody knows what became of a call of the journal."""


@define(eq=False)
class Shelf:
    """What the journal keeps. Its methods are atomic; a test may put weaker ones in place."""

    records: dict[int, PurchaseRecord] = field(factory=dict[int, PurchaseRecord])
    broken: list[str] = field(factory=list[str])
    """What must not happen, and did."""

    def begin(self, record: PurchaseRecord) -> bool:
        others = [each for each in self.records.values() if each.id != record.id]
        there = self.records.setdefault(record.number, record)
        if there is record and any("open" == each.state == record.state for each in others):
            self.broken.append(f"record {record.number} was begun while another was open")
        return there.id == record.id

    def end(self, record: PurchaseRecord) -> bool:
        there = self.records.get(record.number)
        if there is None or there.id != record.id:
            return False
        if there.revision + 1 == record.revision:
            self.records[record.number] = record
            return True
        return there == record


@define(eq=False)
class WorldJournal(PurchaseJournal):
    """The journal as one process sees it."""

    world: World
    shelf: Shelf
    process: Process
    fate: Callable[[], Fate]

    async def records(self, _plan: str, /) -> tuple[PurchaseRecord, ...]:
        await self.world.place(self.process, "before records")
        read = await self._carried("records", self._sorted)
        self.process.was_open |= any(
            each.state == "open"
            and each.idempotency_key == self.process.key
            and each.id != self.process.record
            for each in read
        )
        await self.world.place(self.process, "after records")
        return read

    async def begin(self, record: PurchaseRecord, /) -> bool:
        if record.state == "open":
            self.process.record = record.id
        await self.world.place(self.process, "before begin")
        begun = await self._carried("begin", lambda: self.shelf.begin(record))
        await self.world.place(self.process, "after begin")
        return begun

    async def end(self, record: PurchaseRecord, /) -> bool:
        await self.world.place(self.process, "before end")
        ended = await self._carried("end", lambda: self.shelf.end(record))
        await self.world.place(self.process, "after end")
        return ended

    def _sorted(self) -> tuple[PurchaseRecord, ...]:
        return tuple(self.shelf.records[number] for number in sorted(self.shelf.records))

    async def _carried(self, name: str, act: Callable[[], T]) -> T:
        return await self.world.carry(
            self.process, act, self.fate(), lambda: JournalLostError(name)
        )
