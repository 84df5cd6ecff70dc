"""What happens around the processes: the service, the journal's late writes, a person, time."""

from journal_model.clients import Steps, accepted, is_alive, with_record
from journal_model.rules import Rules
from journal_model.states import (
    BEFORE_SEND_BY,
    MAY_BE_SETTLED,
    NONE,
    End,
    Phase,
    Record,
    RecordState,
    State,
)

LATER: dict[Phase, tuple[Phase, str]] = {
    0: (1, "send_by passes"),
    1: (2, "requests signed by then are refused from now on"),
    2: (3, "send_by and 20 minutes pass"),
}


def world_steps(state: State, rules: Rules) -> Steps:
    """All that may happen next without a process."""
    yield from service_steps(state, rules)
    yield from journal_steps(state, rules)
    yield from person_steps(state, rules)
    yield from time_steps(state)


def service_steps(state: State, rules: Rules) -> Steps:
    """The service takes a request, or a payment ends. A request may also never arrive."""
    for at, request in enumerate(state.requests):
        if is_alive(state, request, rules):
            rest = state._replace(requests=state.requests[:at] + state.requests[at + 1 :])
            words = (
                f"the service accepts the request for {request.offering}; no one hears the reply"
            )
            yield words, accepted(rest, request)
    for at, purchase in enumerate(state.purchases):
        if purchase.truth == "made":
            before, behind = state.purchases[:at], state.purchases[at + 1 :]
            paid, failed = purchase._replace(truth="paid"), purchase._replace(truth="failed")
            what = f"the payment for {purchase.offering}"
            yield f"{what} goes through", state._replace(purchases=(*before, paid, *behind))
            yield f"{what} fails", state._replace(purchases=(*before, failed, *behind))


def journal_steps(state: State, rules: Rules) -> Steps:
    """Writes arrive, also those whose writer has given up, or is gone."""
    for who, client in enumerate(state.clients):
        if client.late != NONE and client.step in ("doubt", "fence"):
            record = Record(client.key, client.offering, client.late, "open")
            written = with_record(state, who, rules, record)
            if written is not None:
                known = client._replace(own=client.number, late=NONE)
                clients = (*written.clients[:who], known, *written.clients[who + 1 :])
                yield "a begin without a reply is written", written._replace(clients=clients)
    for late in state.late:
        written = with_record(state, None, rules, Record(*late))
        if written is not None:
            yield "a begin of a call that is over is written", written
    for at, end in enumerate(state.ends):
        rest = state._replace(ends=state.ends[:at] + state.ends[at + 1 :])
        yield f"{end.state} is written to the record", ended(rest, end, rules)


def ended(state: State, end: End, rules: Rules) -> State:
    """Close a record. Doing it again is success."""
    if not may_end(state.records[end.record], end):
        return state
    records = list(state.records)
    closed: RecordState = end.state if rules.records_are_kept else "erased"
    records[end.record] = records[end.record]._replace(state=closed)
    return state._replace(records=tuple(records))


def may_end(record: Record, end: End) -> bool:
    """ "A purchase that was heard corrects even a settled record"; but failed is final."""
    return (
        record.state == "open"
        or (end.by == "heard" and record.state == "not_bought")
        or (end.by == "history" and end.state == "failed" and record.state == "bought")
    )


def person_steps(state: State, rules: Rules) -> Steps:
    """`settle`, truthfully. The person sees no more of the future than anybody."""
    for number, record in enumerate(state.records):
        if record.state != "open":
            continue
        truths = {one.truth for one in state.purchases if one.record == number}
        if not truths:
            if record.phase == MAY_BE_SETTLED or not rules.settling_waits:
                # "`bought=False` is refused before `send_by` + 20 minutes."
                end = End(number, "not_bought", "person")
                yield "a person settles: not bought", state._replace(ends=(*state.ends, end))
        elif "failed" not in truths:
            end = End(number, "bought", "person")
            yield "a person settles: bought", state._replace(ends=(*state.ends, end))
        # A payment that failed is left to the history: whoever calls next closes the record.


def time_steps(state: State) -> Steps:
    """Time passes for one record, written or under way."""
    for number, record in enumerate(state.records):
        if record.phase != MAY_BE_SETTLED:
            phase, words = LATER[record.phase]
            aged = record._replace(phase=phase)
            records = (*state.records[:number], aged, *state.records[number + 1 :])
            yield words, state._replace(records=records)
    for who, client in enumerate(state.clients):
        if client.late == BEFORE_SEND_BY:
            clients = list(state.clients)
            clients[who] = client._replace(late=LATER[BEFORE_SEND_BY][0])
            yield (
                "send_by passes before the record is written",
                state._replace(clients=tuple(clients)),
            )
