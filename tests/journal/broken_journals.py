"""A journal in memory that keeps all promises, and journals that break one each."""

from collections import defaultdict
from typing import Any

import anyio.lowlevel
from attrs import define, evolve, field

from sagemaker_plans.journal import PurchaseRecord

Kept = dict[str, dict[int, PurchaseRecord]]


@define(eq=False)
class Memory:
    """What all journals of one store share."""

    kept: Kept = field(factory=lambda: defaultdict[Any, Any](dict))
    seen: Kept = field(factory=lambda: defaultdict[Any, Any](dict))
    """What a reader sees who is behind by one write."""


class GoodJournal:
    """Keeps all promises, as long as the process lives."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.closed = 0

    def key(self, plan: str) -> str:
        return plan

    def found(self, plan: str) -> dict[int, PurchaseRecord]:
        return self.memory.kept[self.key(plan)]

    async def records(self, plan: str, /) -> tuple[PurchaseRecord, ...]:
        await anyio.lowlevel.checkpoint()
        return tuple(each for _, each in sorted(self.found(plan).items()))

    async def begin(self, record: PurchaseRecord, /) -> bool:
        await anyio.lowlevel.checkpoint()
        return self.found(record.plan).setdefault(record.number, record).id == record.id

    async def end(self, record: PurchaseRecord, /) -> bool:
        await anyio.lowlevel.checkpoint()
        there = self.found(record.plan).get(record.number)
        if there is None:
            return False
        if (there.id, there.revision + 1) == (record.id, record.revision):
            self.found(record.plan)[record.number] = record
            return True
        return there == record

    async def aclose(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.closed += 1


class GetAndSet(GoodJournal):
    """Reads, and then writes: as a task state store, or a file without a lock."""

    async def begin(self, record: PurchaseRecord, /) -> bool:
        there = {each.number: each for each in await self.records(record.plan)}
        if there.get(record.number, record).id != record.id:
            return False
        await anyio.lowlevel.checkpoint()
        self.found(record.plan).setdefault(record.number, record)
        if not there:
            self.found(record.plan)[record.number] = record
        return True


class GetAndSetAtTheEnd(GoodJournal):
    """Creates atomically, but closes by reading and then writing."""

    async def end(self, record: PurchaseRecord, /) -> bool:
        there = self.found(record.plan).get(record.number)
        await anyio.lowlevel.checkpoint()
        if there is None:
            return False
        if (there.id, there.revision + 1) == (record.id, record.revision):
            self.found(record.plan)[record.number] = record
            return True
        return there == record


class Forgetful(GoodJournal):
    """Keeps its records for itself."""

    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)
        self.memory = Memory()


class EventuallyConsistent(GoodJournal):
    """Shows each write one write later."""

    async def records(self, plan: str, /) -> tuple[PurchaseRecord, ...]:
        await anyio.lowlevel.checkpoint()
        seen = self.memory.seen[plan]
        self.memory.seen[plan] = dict(self.found(plan))
        return tuple(each for _, each in sorted(seen.items()))


class LastWriterWins(GoodJournal):
    """Writes whatever comes."""

    async def begin(self, record: PurchaseRecord, /) -> bool:
        await anyio.lowlevel.checkpoint()
        self.found(record.plan)[record.number] = record
        return True

    end = begin


class NotTwice(GoodJournal):
    """Says no if a record is written again, as a plain "create if absent" does."""

    async def begin(self, record: PurchaseRecord, /) -> bool:
        is_new = record.number not in self.found(record.plan)
        return await super().begin(record) and is_new


class EndsNotTwice(GoodJournal):
    """Says no if a record is closed again."""

    async def end(self, record: PurchaseRecord, /) -> bool:
        is_there = self.found(record.plan).get(record.number) == record
        return await super().end(record) and not is_there


class BeginsAnew(GoodJournal):
    """Lets a begin that comes again undo an end."""

    async def begin(self, record: PurchaseRecord, /) -> bool:
        done = await super().begin(record)
        if done:
            self.found(record.plan)[record.number] = record
        return done


class EndsAnything(GoodJournal):
    """Creates what it should change."""

    async def end(self, record: PurchaseRecord, /) -> bool:
        self.found(record.plan).setdefault(record.number, record)
        return await super().end(record)


class EndsForAnybody(GoodJournal):
    """Does not compare the ids."""

    async def end(self, record: PurchaseRecord, /) -> bool:
        there = self.found(record.plan).get(record.number, record)
        return await super().end(evolve(record, id=there.id))


class EndsAnyRevision(GoodJournal):
    """Does not compare the revisions."""

    async def end(self, record: PurchaseRecord, /) -> bool:
        there = self.found(record.plan).get(record.number)
        if there is not None and there.id == record.id:
            self.found(record.plan)[record.number] = record
            return True
        return False


class EndsByRevisionAlone(GoodJournal):
    """Takes another's revision with the same number for its own."""

    async def end(self, record: PurchaseRecord, /) -> bool:
        done = await super().end(record)
        there = self.found(record.plan).get(record.number)
        same = there and (there.id, there.revision) == (record.id, record.revision)
        return done or bool(same)


class InTextOrder(GoodJournal):
    """Puts 10 before 2."""

    async def records(self, plan: str, /) -> tuple[PurchaseRecord, ...]:
        found = await super().records(plan)
        return tuple(sorted(found, key=lambda each: str(each.number)))


class Rounding(GoodJournal):
    """Loses microseconds."""

    async def begin(self, record: PurchaseRecord, /) -> bool:
        written_at = record.written_at.replace(microsecond=0)
        return await super().begin(evolve(record, written_at=written_at))


class ByFloat(GoodJournal):
    """Keeps a fee as the number that it is, without the zeros at its end."""

    async def begin(self, record: PurchaseRecord, /) -> bool:
        fee = record.upfront_fee
        return await super().begin(evolve(record, upfront_fee=fee and fee.normalize()))


class IgnoringCase(GoodJournal):
    """Keeps plans apart by names of files, on a file system that ignores case."""

    def key(self, plan: str) -> str:
        return plan.lower()


class CutKeys(GoodJournal):
    """Keeps the beginning of a long key."""

    def key(self, plan: str) -> str:
        return plan[:255]


class SaysNothing(GoodJournal):
    """Returns None where True or False is asked for."""

    async def begin(self, record: PurchaseRecord, /) -> bool:
        await super().begin(record)
        return None  # type: ignore[return-value]  # pyright: ignore[reportReturnType]  # wrong on purpose
