"""One state for all that differ in names only, or in what can play no part any more."""

from typing import Final

from journal_model.clients import is_alive
from journal_model.rules import Rules
from journal_model.states import (
    AFTER_SEND_BY,
    MAY_BE_SETTLED,
    NONE,
    OLD_SIGNATURES_REFUSED,
    Client,
    ClosedBy,
    End,
    Late,
    Offering,
    Phase,
    Purchase,
    Record,
    RecordState,
    Request,
    State,
)
from journal_model.world import may_end


def normal(state: State, rules: Rules) -> State:
    """Name processes of one key, and the two offerings, by what they do."""
    state = remembered(state, rules)
    if state.records and state.records[0].offering == "B":
        state = with_offerings_swapped(state)
    clients = tuple(sorted(state.clients))
    return state if clients == state.clients else state._replace(clients=clients)


def with_offerings_swapped(state: State) -> State:
    """Call A what was called B."""
    return State(
        tuple(
            client if client.step in WITHOUT_OFFERING else client._replace(offering=other(client))
            for client in state.clients
        ),
        tuple(record._replace(offering=other(record)) for record in state.records),
        tuple(sorted(one._replace(offering=other(one)) for one in state.purchases)),
        tuple(sorted(one._replace(offering=other(one)) for one in state.requests)),
        tuple(sorted(one._replace(offering=other(one)) for one in state.late)),
        state.ends,
    )


WITHOUT_OFFERING: Final = ("idle", "read", "blocked", "ready")


def other(named: Client | Record | Purchase | Request | Late) -> Offering:
    return "A" if named.offering == "B" else "B"


def remembered(state: State, rules: Rules) -> State:
    """Forget what can play no part any more."""
    clients = tuple([without_what_is_stale(client, state, rules) for client in state.clients])
    state = State(
        clients,
        state.records,
        tuple(sorted({one for one in state.purchases if is_of_use(one, rules)})),
        tuple(sorted([one for one in state.requests if is_awaited(one, state, rules)])),
        tuple(sorted({*state.late})),
        still_to_end(state),
    )
    if rules.time_is_kept:
        state = without_time_that_matters_to_nobody(state)
    if rules.begin_is_conditional and rules.end_is_conditional:
        for number, record in enumerate(state.records):
            if record.state not in ("open", "bought") and not is_in_use(number, state):
                return remembered(forgotten(state, number), rules)
    return state


def still_to_end(state: State) -> tuple[End, ...]:
    """Ends that can still close something, one for all that would do the same.

    A record that is closed is never open again, so some ends come too late for ever.
    """
    ends = {
        end if end.by == "heard" else end._replace(by=WHO_ENDS[end.state])
        for end in state.ends
        if may_end(state.records[end.record], end)
    }
    # What was heard does all that the history does.
    ends -= {end._replace(by="history") for end in ends if end.by == "heard"}
    return tuple(sorted(ends))


WHO_ENDS: Final[dict[RecordState, ClosedBy]] = {
    "bought": "history",
    "failed": "history",
    "not_bought": "caller",
}


def is_of_use(purchase: Purchase, rules: Rules) -> bool:
    """Whether an entry of the history can still be taken for somebody's."""
    return (
        purchase.record != NONE or purchase.truth != "failed" or rules.history_proves != "own entry"
    )


def is_awaited(request: Request, state: State, rules: Rules) -> bool:
    """Whether a request may be accepted, or somebody may hear that it is refused."""
    return is_alive(state, request, rules) or any(
        client.step == "sent" and client.own == request.record for client in state.clients
    )


def is_in_use(number: int, state: State) -> bool:
    """Whether a closed record is named by anything that is under way."""
    return (
        any(client.own == number or number in client.look for client in state.clients)
        or any(request.record == number for request in state.requests)
        or any(end.record == number for end in state.ends)
        or any(one.record == number and one.truth != "failed" for one in state.purchases)
    )


def without_what_is_stale(client: Client, state: State, rules: Rules) -> Client:
    """A process whose number is taken cannot begin; some steps can then lead to nothing."""
    if client.number in (NONE, len(state.records)) or not rules.begin_is_conditional:
        return client
    if client.step in ("read", "ready"):
        return Client(client.key)
    if client.own == NONE and rules.end_is_conditional and rules.own_ids:
        return Client(client.key)
    return client


def without_time_that_matters_to_nobody(state: State) -> State:
    """Set the clock of a record forward if nothing of it can be sent, or arrive, any more."""
    if all(record.phase == MAY_BE_SETTLED for record in state.records) and not state.late:
        return state
    signing = {client.own for client in state.clients if client.step in UNTIL_SENT}
    arriving = {request.record for request in state.requests}

    def phase(number: int, record: Record) -> Phase:
        if record.phase >= OLD_SIGNATURES_REFUSED:
            return MAY_BE_SETTLED
        if number in signing:
            return record.phase
        return AFTER_SEND_BY if number in arriving else MAY_BE_SETTLED

    return state._replace(
        records=tuple(
            [one._replace(phase=phase(number, one)) for number, one in enumerate(state.records)]
        ),
        # Nobody is there to send for a call that is over.
        late=tuple(sorted({one._replace(phase=MAY_BE_SETTLED) for one in state.late})),
    )


UNTIL_SENT: Final = ("doubt", "fence", "begun", "signed", "sent")
"""Here a process may yet sign a request, once more if it is throttled."""


def forgotten(state: State, number: int) -> State:
    """Take a record out of the journal, and out of all that names it."""

    def renamed(other: int) -> int:
        return other - 1 if other > number else NONE if other == number else other

    return State(
        tuple(
            client._replace(
                number=client.number - (client.number > number),
                own=renamed(client.own),
                look=tuple(map(renamed, client.look)),
            )
            for client in state.clients
        ),
        state.records[:number] + state.records[number + 1 :],
        tuple(
            purchase._replace(
                record=renamed(purchase.record), after=purchase.after - (purchase.after > number)
            )
            for purchase in state.purchases
        ),
        tuple(request._replace(record=renamed(request.record)) for request in state.requests),
        state.late,
        tuple(
            end._replace(record=renamed(end.record)) for end in state.ends if end.record != number
        ),
    )
