"""What the model of the purchase journal remembers: records, purchases, what is under way.

Everything is a tuple of words and small numbers, so that equal situations are equal.
"""

from typing import Final, Literal, NamedTuple

Key = Literal["K", "R"]
"""An idempotency key: what somebody wants. K is wanted by several, R by a rival."""
Offering = Literal["A", "B"]
"""B is what a new search finds in place of A."""

Phase = Literal[0, 1, 2, 3]
"""How far time has gone for one record. Each record's clock goes on its own, so that the clocks
of hosts may differ, and no order of the records' dates is taken for granted."""
BEFORE_SEND_BY: Final = 0
AFTER_SEND_BY: Final = 1
OLD_SIGNATURES_REFUSED: Final = 2
"""The service refuses every request that was signed before `send_by`."""
MAY_BE_SETTLED: Final = 3
"""`send_by` and 20 minutes, by the service's own clock."""

RecordState = Literal["open", "bought", "failed", "not_bought", "erased"]
"""Nothing is ever erased, but where that rule is left out."""
Truth = Literal["made", "paid", "failed"]
"""What became of a purchase that the service accepted. The history shows it later."""
ClosedBy = Literal["caller", "heard", "history", "person"]
"""Who ends a record. "heard" is a caller that read the service's own reply."""

Step = Literal[
    "idle",  # no call, or a process that was killed
    "read",  # it has read all records, and may yet buy
    "blocked",  # it has read a record that is open, or bought for its key: it will not buy
    "ready",  # history and price allow a purchase
    "doubt",  # the reply to begin is lost
    "fence",  # its own id was not there
    "begun",  # its record is written
    "checked",  # only if the clock is checked in place of the signed date
    "signed",
    "signed late",  # after `send_by`; only if that is not checked
    "sent",
    "looking",  # it has given up on the reply
    "heard",  # it has read that the purchase was accepted
]

NONE: Final = -1


class Record(NamedTuple):
    """A record of the journal; its number is its place in `State.records`."""

    key: Key
    offering: Offering
    phase: Phase
    state: RecordState


class Purchase(NamedTuple):
    """A purchase that the service has accepted."""

    key: Key
    offering: Offering
    truth: Truth
    after: int
    """`extended_at`: how many records had been written when it was accepted."""
    record: int
    """Whose it is, which only the model knows; NONE if that record plays no part any more."""


class Request(NamedTuple):
    """A signed purchase that is under way to the service."""

    key: Key
    offering: Offering
    record: int
    in_time: bool
    """It was signed at or before `send_by`."""


class End(NamedTuple):
    """An `end` that is under way to the journal, perhaps after its writer has gone."""

    record: int
    state: RecordState
    by: ClosedBy


class Late(NamedTuple):
    """A `begin` under way whose writer has gone. It is for the next number, or it would fail."""

    key: Key
    offering: Offering
    phase: Phase
    state: RecordState


class Client(NamedTuple):
    """A process that calls `extend` with one key, again and again."""

    key: Key
    step: Step = "idle"
    number: int = NONE
    """The number of the record that it means to write; NONE if that is taken by now."""
    look: tuple[int, ...] = ()
    """Records that it read: the history has to speak of them."""
    offering: Offering = "A"
    own: int = NONE
    """Its record, also if it does not know yet that it is written."""
    late: Phase | Literal[-1] = NONE
    """Its `begin` is under way, for so long."""


class State(NamedTuple):
    """The world between two steps."""

    clients: tuple[Client, ...]
    records: tuple[Record, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    requests: tuple[Request, ...] = ()
    late: tuple[Late, ...] = ()
    ends: tuple[End, ...] = ()
