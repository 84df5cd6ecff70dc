"""The cells of the table: combinations of a kind, a fate, a transport and a place."""

from collections.abc import Iterator
from itertools import cycle, product
from typing import Any, Final

from attrs import evolve

from evidence.counting_server import CREATE, EXTEND
from evidence.generated.cells import Cell, Place, When
from evidence.generated.fates import Fate, Lookup
from evidence.generated.hooks import EVENTS, POSITIONS, RETRY_HOOKS, SCOPES, hook
from evidence.generated.kinds import ALL_KINDS, CANCELLED
from evidence.generated.places import (
    BEHAVIOURS,
    CARRIERS,
    Level,
    endpoint_place,
    foreign_session_place,
    session_place,
    wrapper_place,
)
from harness import TRANSPORTS, Transport

MAIN_FATES: Final = (Fate.ACCEPT, Fate.ACCEPT_RESET, Fate.THROTTLE, Fate.NEVER)
OTHER_FATES: Final = tuple(fate for fate in Fate if fate not in MAIN_FATES)

_LEVELS: Final[tuple[Level, ...]] = ("method", "api-call")
_WHENS: Final[tuple[When, ...]] = ("before-wrapping", "after-wrapping")

FEW_PLACES: Final[tuple[Place, ...]] = (
    *map(hook, EVENTS),
    *RETRY_HOOKS,
    *map(endpoint_place, BEHAVIOURS),
    *map(session_place, BEHAVIOURS),
    *map(foreign_session_place, BEHAVIOURS),
)
WRAPPERS: Final[tuple[Place, ...]] = tuple(
    wrapper_place(level, carrier, behaviour)
    for level, carrier, behaviour in product(_LEVELS, CARRIERS, BEHAVIOURS)
    if level == "method" or carrier in {"direct", "task", "thread"}
)
PLACES: Final = (*FEW_PLACES, *WRAPPERS)
POSITIONED: Final[dict[str, tuple[Place, ...]]] = {
    event: tuple(
        hook(event, position, scope, when)
        for position, scope, when in product(POSITIONS, SCOPES, _WHENS)
    )
    for event in EVENTS
}

_LOOKUPS: Final = (None, Lookup.TRUE, None, Lookup.LAGS, None, Lookup.GONE, None)
_MODES: Final = ("legacy", "standard", "adaptive")


class Rotation:
    """The values that rotate from cell to cell, each with its own period."""

    def __init__(self, start: int = 0) -> None:
        self._turning = {
            name: cycle((*values[start % len(values) :], *values[: start % len(values)]))
            for name, values in {
                "kind": ALL_KINDS,
                "fate": MAIN_FATES,
                "lookup": _LOOKUPS,
                "mode": _MODES,
            }.items()
        }
        self._ways = 0

    def next(self, name: str) -> Any:
        return next(self._turning[name])

    def cell(self, place: Place, kind: str, fate: Fate, transport: Transport) -> Cell:
        self._ways += 1
        return Cell(
            place,
            kind,
            fate,
            transport,
            way=place.ways[self._ways % len(place.ways)],
            # With a plan whose history cannot be read, nothing is bought.
            lookup=None if fate is Fate.NEVER else self.next("lookup"),
            mode=self.next("mode"),
        )


def _fits(cell: Cell) -> bool:
    # Another thread cannot cancel the caller's task.
    return not (cell.kind == CANCELLED and "thread" in cell.place.name)


def full_row(place: Place, transport: Transport) -> Iterator[Cell]:
    """Give the cells of one place on one transport."""
    number = PLACES.index(place) + TRANSPORTS.index(transport)
    rotation = Rotation(number)
    fates = MAIN_FATES[:2] if place in FEW_PLACES else (rotation.next("fate"),)
    # Each kind and fate on one transport, and each place on all of them; of the many wrappers
    # each takes half of them.
    share = len(TRANSPORTS) if place in FEW_PLACES else 2 * len(TRANSPORTS)
    for index, (kind, fate) in enumerate(product(ALL_KINDS, fates), number):
        if index % share == 0:
            yield rotation.cell(place, kind, fate, transport)
    for index, fate in enumerate(OTHER_FATES + MAIN_FATES[2:], number):
        if index % share == 0:
            yield rotation.cell(place, rotation.next("kind"), fate, transport)
    # A foreign session cannot be observed. For a create, this package accepts that.
    creates = () if place.name.startswith("foreign") else tuple(Fate)
    for index, fate in enumerate(creates, number):
        if index % (2 * len(TRANSPORTS)) == 0:
            cell = rotation.cell(place, rotation.next("kind"), fate, transport)
            yield evolve(cell, operation=CREATE, lookup=cell.lookup or Lookup.TRUE)


def positions_row(event: str, transport: Transport) -> Iterator[Cell]:
    """Give the cells of one event's positions on one transport."""
    rotation = Rotation(EVENTS.index(event) + TRANSPORTS.index(transport))
    # Each position on one transport.
    for place in POSITIONED[event][TRANSPORTS.index(transport) :: len(TRANSPORTS)]:
        yield rotation.cell(place, rotation.next("kind"), rotation.next("fate"), transport)


def small_row(transport: Transport) -> Iterator[Cell]:
    """Give a few cells that stand for all on one transport."""
    start = TRANSPORTS.index(transport)
    rotation = Rotation(start)
    for place in PLACES[start :: len(TRANSPORTS)]:
        yield rotation.cell(place, rotation.next("kind"), Fate.ACCEPT, transport)
        yield rotation.cell(place, rotation.next("kind"), Fate.ACCEPT_RESET, transport)
    for fate in Fate:
        cell = rotation.cell(PLACES[start], rotation.next("kind"), fate, transport)
        yield evolve(cell, operation=CREATE if fate in OTHER_FATES[::2] else EXTEND)


def fitting(cells: Iterator[Cell]) -> Iterator[Cell]:
    """Leave out the combinations that are impossible."""
    return filter(_fits, cells)
