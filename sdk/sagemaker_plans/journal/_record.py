"""What a journal keeps of each purchase, and what this package needs of a journal."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, Protocol, Self, cast, get_args, runtime_checkable

from attrs import frozen

from sagemaker_plans.errors import UnexpectedReplyError
from sagemaker_plans.models import TrainingPlanExtension

PurchaseState = Literal["open", "bought", "failed", "not_bought"]
"""What is known of a recorded purchase.

``open``: it was about to be sent; whether it was bought is not known yet.
``bought``: it was bought.
``failed``: it was bought, and the service says that it failed.
``not_bought``: it was not bought.
"""

ClosedBy = Literal["caller", "history", "person"]
"""Who found out what became of a purchase.

``caller``: the process that sent it, from the service's reply.
``history``: a later call, from the plan's extension history.
``person``: somebody who called ``settle``.
"""


@frozen(kw_only=True)
class PurchaseRecord:
    """One purchase in a journal. Records are never deleted; only their state changes."""

    plan: str
    """The ARN of the plan. The records are numbered by it."""
    number: int
    """Its number among the records of the plan, from 1."""
    id: str
    """An id of its own, which no other record ever has."""
    revision: int = 0
    """How often the record was changed since it was written."""
    idempotency_key: str
    """What was wanted. For each key, one purchase is made at most."""
    offering_id: str
    """The offering that was about to be bought."""
    upfront_fee: Decimal | None = None
    """Its fee, in units of ``currency_code``; None if it was not looked up."""
    currency_code: str | None = None
    """The currency of the fee."""
    extends_from: datetime | None = None
    """The end of the plan from which the extension starts (UTC); None if it was not seen."""
    written_at: datetime
    """When the record was written, by the service's clock where that is known (UTC)."""
    send_by: datetime
    """No request that is signed later than this is sent, by the same clock (UTC)."""
    host: str
    """The name of the machine that wrote it."""
    process: int
    """The id of the process that wrote it."""
    state: PurchaseState = "open"
    """What is known of the purchase."""
    closed_by: ClosedBy | None = None
    """Who found that out; None while the record is open."""
    receipt: TrainingPlanExtension | None = None
    """The extension that was bought, as it was seen then; None if nobody saw it."""

    def to_dict(self) -> dict[str, object]:
        """Convert the record to plain values, ready for JSON.

        Returns:
            A new dict, from which ``from_dict`` makes an equal record. Fees are strings,
            times ISO 8601 in UTC.
        """
        return {
            "plan": self.plan,
            "number": self.number,
            "id": self.id,
            "revision": self.revision,
            "idempotency_key": self.idempotency_key,
            "offering_id": self.offering_id,
            "upfront_fee": None if self.upfront_fee is None else f"{self.upfront_fee:f}",
            "currency_code": self.currency_code,
            "extends_from": self.extends_from and _written(self.extends_from),
            "written_at": _written(self.written_at),
            "send_by": _written(self.send_by),
            "host": self.host,
            "process": self.process,
            "state": self.state,
            "closed_by": self.closed_by,
            "receipt": None if self.receipt is None else self.receipt.to_wire(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> Self:
        """Read a record from the values that ``to_dict`` made.

        Args:
            values: The values.

        Returns:
            The record.

        Raises:
            ValueError: If a value is missing, unknown, or not what ``to_dict`` writes.
        """
        try:
            return cls._read(values)
        except (
            KeyError,
            TypeError,
            AttributeError,
            ArithmeticError,
            ValueError,
            UnexpectedReplyError,
        ) as error:
            raise ValueError(f"not a purchase record: {error!r}") from error

    @classmethod
    def _read(cls, values: dict[str, object]) -> Self:
        fee, extends_from = values["upfront_fee"], values["extends_from"]
        state, closed_by = values["state"], values["closed_by"]
        if state not in get_args(PurchaseState):
            raise ValueError(f"state {state!r}")
        if closed_by is not None and closed_by not in get_args(ClosedBy):
            raise ValueError(f"closed_by {closed_by!r}")
        receipt = values["receipt"]
        return cls(
            plan=_text(values, "plan"),
            number=_number(values, "number"),
            id=_text(values, "id"),
            revision=_number(values, "revision"),
            idempotency_key=_text(values, "idempotency_key"),
            offering_id=_text(values, "offering_id"),
            upfront_fee=None if fee is None else _fee(values),
            currency_code=_text_or_none(values, "currency_code"),
            extends_from=None if extends_from is None else _time(values, "extends_from"),
            written_at=_time(values, "written_at"),
            send_by=_time(values, "send_by"),
            host=_text(values, "host"),
            process=_number(values, "process"),
            state=cast("PurchaseState", state),
            closed_by=cast("ClosedBy | None", closed_by),
            receipt=None
            if receipt is None
            else TrainingPlanExtension.from_wire(cast("dict[str, object]", receipt)),
        )


def _written(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def _text(values: dict[str, object], name: str) -> str:
    value = values[name]
    if not isinstance(value, str):
        raise TypeError(f"{name}: {value!r}")
    return value


def _text_or_none(values: dict[str, object], name: str) -> str | None:
    return None if values[name] is None else _text(values, name)


def _number(values: dict[str, object], name: str) -> int:
    value = values[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{name}: {value!r}")
    return value


def _fee(values: dict[str, object]) -> Decimal:
    fee = Decimal(_text(values, "upfront_fee"))
    if not fee.is_finite():
        raise ValueError(f"upfront_fee: {fee}")
    return fee


def _time(values: dict[str, object], name: str) -> datetime:
    time = datetime.fromisoformat(_text(values, name))
    if time.tzinfo is None:
        raise ValueError(f"{name}: a time without its offset from UTC")
    return time


@runtime_checkable
class PurchaseJournal(Protocol):
    """Keeps the records of purchases, so that each is made once across crashes and processes.

    An implementer has to give three things. Without any of them, two processes may buy twice:

    - *Durable*: when ``begin`` or ``end`` has returned, the record survives a crash.
    - *Atomic*: of several writers of one number and revision, one succeeds.
    - *Consistent*: ``records`` shows every write that has returned, whoever made it.

    A method that cannot tell what happened raises an exception, of any class. Whoever called
    it finds out by calling ``records``.
    """

    async def records(self, plan: str, /) -> tuple[PurchaseRecord, ...]:
        """Read all records of a plan, each in its latest revision.

        Args:
            plan: The ARN of the plan, as in ``PurchaseRecord.plan``.

        Returns:
            The records by their number; empty if there are none.
        """
        ...

    async def begin(self, record: PurchaseRecord, /) -> bool:
        """Write a new record, unless the plan has a record with this number.

        Args:
            record: The record, with revision 0.

        Returns:
            Whether the journal now has this very record (the same ``id``), also if an earlier
            call wrote it. False if the number is taken by another one.
        """
        ...

    async def end(self, record: PurchaseRecord, /) -> bool:
        """Replace a record by its next revision.

        Args:
            record: The new revision. It is written only if the journal has the record with
                the same number and ``id`` in the revision before.

        Returns:
            Whether the journal now has this very revision, also if an earlier call wrote it.
            False if it has the record in another revision, or with another ``id``.
        """
        ...
