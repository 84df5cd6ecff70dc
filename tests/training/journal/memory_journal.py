"""A journal in memory, whose calls may fail, lose their replies, or be carried out late."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeVar

import anyio
from attrs import define, field, frozen

from sagemaker_plans.journal import PurchaseRecord

T = TypeVar("T")

Kind = Literal["fine", "fails", "lost", "late"]
"""``fails``: nothing is written. ``lost``: it is written, but the reply is lost. ``late``: the
reply is lost, and it is written only when a later call comes, or on ``land``."""


class JournalDownError(Exception):
    """What a broken journal raises."""


@frozen
class Fate:
    """What happens to one call of the journal."""

    kind: Kind = "fine"
    calls: int = 10**6
    """For ``late``: right before which of the calls that follow it is written, from 1."""
    before: Callable[[], object] = bool
    """Called right before; somebody else may write meanwhile."""
    seconds: float = 0.0
    """How long the call takes."""
    error: BaseException = field(factory=lambda: JournalDownError("down"))
    """What the call raises."""


FINE = Fate()


@define(eq=False)
class MemoryJournal:
    """Keeps its records in memory, as a good journal does, except where it has fates."""

    fates: dict[str, Iterator[Fate]] = field(factory=dict[str, Iterator[Fate]])
    """The next fates by method."""
    kept: list[PurchaseRecord] = field(factory=list[PurchaseRecord])
    calls: list[str] = field(factory=list[str])
    _late: list[tuple[int, Callable[[], object]]] = field(
        init=False, factory=list[tuple[int, Callable[[], object]]]
    )

    def meets(self, method: str, *fates: Fate | Kind) -> None:
        """Give the next calls of a method their fates."""
        self.fates[method] = iter([Fate(one) if isinstance(one, str) else one for one in fates])

    @property
    def states(self) -> list[tuple[int, str, str | None]]:
        """Number, state and who closed it, of each record."""
        return [(each.number, each.state, each.closed_by) for each in self._of(None)]

    @property
    def last(self) -> PurchaseRecord:
        """The record with the highest number."""
        return self._of(None)[-1]

    def land(self) -> None:
        """Carry out all late writes."""
        late, self._late = self._late, []
        for _, act in late:
            act()

    async def records(self, plan: str, /) -> tuple[PurchaseRecord, ...]:
        return await self._call("records", lambda: tuple(self._of(plan)))

    async def begin(self, record: PurchaseRecord, /) -> bool:
        return await self._call("begin", lambda: self.put(record))

    async def end(self, record: PurchaseRecord, /) -> bool:
        return await self._call("end", lambda: self._replace(record))

    def put(self, record: PurchaseRecord) -> bool:
        """Write a record, unless its number is taken by another."""
        for each in self.kept:
            if (each.plan, each.number) == (record.plan, record.number):
                return each.id == record.id
        self.kept.append(record)
        return True

    def change(self, number: int, changed: Callable[[PurchaseRecord], PurchaseRecord]) -> None:
        """Change a record as somebody else would."""
        [position] = [at for at, each in enumerate(self.kept) if each.number == number]
        self.kept[position] = changed(self.kept[position])

    def _replace(self, record: PurchaseRecord) -> bool:
        for position, each in enumerate(self.kept):
            if (each.plan, each.number, each.id) == (record.plan, record.number, record.id):
                if each.revision == record.revision - 1:
                    self.kept[position] = record
                return self.kept[position] == record
        return False

    def _of(self, plan: str | None) -> list[PurchaseRecord]:
        kept: Iterable[PurchaseRecord] = (
            each for each in self.kept if plan is None or each.plan == plan
        )
        return sorted(kept, key=lambda each: each.number)

    async def _call(self, method: str, act: Callable[[], T]) -> T:
        self.calls.append(method)
        due = [late for late in self._late if late[0] <= len(self.calls)]
        self._late = [late for late in self._late if late not in due]
        for _, written in due:
            written()
        fate = next(self.fates.get(method, iter(())), FINE)
        await anyio.sleep(fate.seconds)
        fate.before()
        match fate.kind:
            case "fine":
                return act()
            case "lost":
                act()
            case "late":
                self._late.append((len(self.calls) + fate.calls, act))
            case "fails":
                pass
        raise fate.error
