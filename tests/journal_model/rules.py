"""The rules of the protocol, each of which can be left out."""

from typing import Literal, NamedTuple


class Rules(NamedTuple):
    """DESIGN.md, section 6: "Across processes and crashes: the journal"."""

    records_are_kept: bool = True
    """Records are numbered and never deleted."""
    begin_is_conditional: bool = True
    """`begin` creates record n+1 only if it is not there."""
    begin_must_be_known: bool = True
    """A `begin` whose reply is lost has not happened until the record is read."""
    own_ids: bool = True
    """A record has its writer's own id: only that one is taken for one's own."""
    late_begin_is_fenced: bool = True
    """Own id not there: the number is taken by a closed record."""
    end_is_conditional: bool = True
    """`end` closes the record of the own id, not whatever has the number."""
    signed_date_is_checked: Literal["signed date", "clock before signing", "not at all"] = (
        "signed date"
    )
    """A request is sent only if its signed date is at or before `send_by`."""
    settling_waits: bool = True
    """`bought=False` is refused before `send_by` and 20 minutes."""
    absence_proves_nothing: bool = True
    """A history that does not show the purchase of an open record leaves it open."""
    history_proves: Literal["own entry", "not before", "any entry"] = "own entry"
    """Which entries prove a record: those between it and the next record, those not before
    `written_at`, or every entry of the offering."""
    bought_blocks: bool = True
    """A bought record blocks the whole plan until the history shows it paid or failed."""
    old_signatures_are_refused: bool = True
    """The service's own rule, on which the protocol rests."""

    @property
    def time_is_kept(self) -> bool:
        """Whether a record's request is dead for certain before a person may settle it."""
        return (
            self.signed_date_is_checked == "signed date"
            and self.settling_waits
            and self.old_signatures_are_refused
            and self.own_ids
            and self.begin_must_be_known
        )
