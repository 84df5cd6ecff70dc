"""What must never be, and what must be possible."""

from journal_model.states import State


def is_bought_twice(state: State) -> bool:
    """Two purchases for one key were accepted, and neither payment has failed."""
    keys = [purchase.key for purchase in state.purchases if purchase.truth != "failed"]
    return len(keys) != len(set(keys))


def is_told_wrongly(state: State) -> bool:
    """A closed record says something of its purchase that is not so."""
    for number, record in enumerate(state.records):
        truths = {one.truth for one in state.purchases if one.record == number}
        if record.state == "bought" and not truths:
            return True
        if record.state == "failed" and "failed" not in truths:
            return True
        if record.state == "not_bought" and truths - {"failed"}:
            return True
    return False
