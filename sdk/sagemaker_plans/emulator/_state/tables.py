"""Tables of resources, which know what was changed, and the lock for everything that exists."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping, ValuesView
from typing import Final, Generic, Self, TypeVar, final

import attrs

from sagemaker_plans.emulator._state.edge_plans import EdgePlan
from sagemaker_plans.emulator._state.fleets import Fleet
from sagemaker_plans.emulator._state.plan_offerings import PlanOffering
from sagemaker_plans.emulator._state.training_plans import Purchase, TrainingPlan
from sagemaker_plans.emulator._wire.not_kept_error import NotKeptError

K = TypeVar("K")
V = TypeVar("V")


@attrs.frozen
class Changes(Generic[K]):
    """The keys of a table under which something may be different from before."""

    deleted: tuple[K, ...]
    """What was deleted. Such a key may be in `touched` too: then it came back, at the end."""

    touched: tuple[K, ...]
    """What was written, or handed out. Whoever holds a row may have changed it."""


@final
class Table(MutableMapping[K, V]):
    """A dict of resources in the order in which they came.

    While it is watched, it notes each key that is written or deleted, and each whose row it
    hands out. So no change of a row is missed, however it was made.
    """

    __slots__ = ("_deleted", "_rows", "_touched", "_watched")

    def __init__(self) -> None:
        self._rows: dict[K, V] = {}
        self._watched = False
        # A dict serves as an ordered set.
        self._touched: dict[K, None] = {}
        self._deleted: dict[K, None] = {}

    def __getitem__(self, key: K) -> V:
        row = self._rows[key]
        if self._watched:
            self._touched[key] = None
        return row

    def __setitem__(self, key: K, row: V) -> None:
        self._rows[key] = row
        if self._watched:
            self._touched[key] = None

    def __delitem__(self, key: K) -> None:
        del self._rows[key]
        if self._watched:
            self._touched.pop(key, None)
            self._deleted[key] = None

    def __iter__(self) -> Iterator[K]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<{len(self)} rows>"

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def values(self) -> ValuesView[V]:
        """Return all rows; while the table is watched, each counts as handed out."""
        return super().values() if self._watched else self._rows.values()

    def first(self, fits: Callable[[V], bool]) -> V | None:
        """Return the first row that fits. Only this one counts as handed out."""
        found = next((key for key, row in self._rows.items() if fits(row)), None)
        return None if found is None else self[found]

    def watch(self, *, touched: bool = False) -> None:
        """Note from now on what changes.

        Args:
            touched: Whether all rows count as changed already.
        """
        self._watched = True
        if touched:
            self._touched = dict.fromkeys(self._rows)

    def taken_changes(self) -> Changes[K]:
        """Return what was noted, and note nothing any more."""
        changes = Changes(tuple(self._deleted), tuple(self._touched))
        self._watched = False
        self._deleted.clear()
        self._touched.clear()
        return changes


@attrs.frozen(kw_only=True)
class Tables:
    """Everything that exists.

    A new kind of resource joins here with one line. Then data files keep it, seeds can have it,
    and a reset deletes it.
    """

    fleets: Table[str, Fleet] = attrs.field(factory=Table[str, Fleet])
    """By ARN."""

    edge_plans: Table[str, EdgePlan] = attrs.field(factory=Table[str, EdgePlan])
    """By ARN."""

    training_plans: Table[str, TrainingPlan] = attrs.field(factory=Table[str, TrainingPlan])
    """By ARN."""

    plan_offerings: Table[str, PlanOffering] = attrs.field(factory=Table[str, PlanOffering])
    """Offerings of new training plans, by id."""

    used_offerings: Table[str, str] = attrs.field(factory=Table[str, str])
    """The ARN of the latest plan that was made from an offering, by the offering's id."""

    purchases: Table[int, Purchase] = attrs.field(factory=Table[int, Purchase])
    """Every accepted purchase, by its number."""

    def by_name(self) -> Mapping[str, Table[object, object]]:
        """Return all tables by their names here."""
        return {field.name: getattr(self, field.name) for field in attrs.fields(Tables)}

    def clear(self) -> None:
        """Delete everything."""
        for table in self.by_name().values():
            table.clear()


@final
class StateLock:
    """The lock that a thread holds while it reads or changes what exists.

    `with lock:` is for changes. When the outermost such block ends, what it changed is kept
    before any other thread sees it. `with lock.reading:` is for blocks that change nothing, and
    costs nothing more than a lock.

    Args:
        tables: What exists.
    """

    __slots__ = ("_broken", "_depth", "_keep", "_tables", "changes", "reading")

    def __init__(self, tables: Tables) -> None:
        self.reading: Final = threading.RLock()
        self._tables = tables
        self._depth = 0
        self.changes: int = 0
        """How many blocks for changes have ended."""
        self._keep: Callable[[], None] | None = None
        self._broken: BaseException | None = None

    def keep_by(self, keep: Callable[[], None]) -> None:
        """Say who keeps what changes, from the next change on."""
        with self.reading:
            self._keep = keep
            self._broken = None

    @property
    def problem(self) -> str | None:
        """Why a change could not be kept; None if all were."""
        if self._broken is None:
            return None
        return str(self._broken) or type(self._broken).__name__

    def check(self) -> None:
        """Raise an error if a change could not be kept. Nothing may be answered after that.

        Raises:
            NotKeptError: A change could not be kept.
        """
        if self._broken is not None:
            raise NotKeptError(
                f"a change could not be kept, so nothing is answered until the emulator is "
                f"started again: {self.problem}"
            ) from self._broken

    def __enter__(self) -> Self:
        self.reading.acquire()
        try:
            self.check()
        except NotKeptError:
            self.reading.release()
            raise
        self._depth += 1
        if self._depth == 1 and self._keep is not None:
            for table in self._tables.by_name().values():
                table.watch()
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            if self._depth == 1 and self._keep is not None:
                self._keep()
        except BaseException as error:
            # Even if it was Ctrl-C: what has changed is not in the file, and never will be.
            self._broken = error
            raise
        finally:
            self._depth -= 1
            self.changes += 1
            self.reading.release()
