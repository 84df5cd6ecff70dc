"""What a process does in one call of `extend`, step by step. It may be killed between any two.

Each step is a pair: what happens, in words, and the state after it.
"""

from collections.abc import Callable, Iterator
from typing import Final

from journal_model.rules import Rules
from journal_model.states import (
    BEFORE_SEND_BY,
    MAY_BE_SETTLED,
    NONE,
    OLD_SIGNATURES_REFUSED,
    Client,
    End,
    Late,
    Offering,
    Purchase,
    Record,
    RecordState,
    Request,
    State,
    Step,
)

Steps = Iterator[tuple[str, State]]


def client_steps(state: State, who: int, rules: Rules) -> Steps:
    """All that process `who` can do next, and what the service answers to it."""
    step = state.clients[who].step
    yield from STEPS[step](state, who, rules)
    if step != "idle":
        # A refusal, a crash, a kill: the call is over. What it sent may still arrive.
        yield "is killed, and will start again", gone(state, who, rules)


def reads_all_records(state: State, who: int, rules: Rules) -> Steps:
    """ "Order: read all records; history; price; then `begin`." """
    yield "reads all records", changed(state, who, reading(state, state.clients[who], rules))


def reading(state: State, me: Client, rules: Rules) -> Client:
    """ "Read all records": those of which the history has to speak, if there are any."""
    indexed = [*enumerate(state.records)]
    opened = tuple(number for number, record in indexed if record.state == "open")
    bought = [(number, record.key) for number, record in indexed if record.state == "bought"]
    mine = tuple(number for number, key in bought if key == me.key)
    if opened or mine:
        return Client(me.key, "blocked", look=(opened or mine)[:1])
    blocking = tuple(number for number, _ in bought) if rules.bought_blocks else ()
    return Client(me.key, "read", number=len(state.records), look=blocking)


def ends_by_the_history(state: State, who: int, rules: Rules) -> Steps:
    """ "Same key, bought: already_purchased. Open and not shown: OutcomeUnknownError.

    History says failed: PurchaseFailedError." Nothing is sent in any of these.
    """
    (number,) = state.clients[who].look
    for shown, seen in answers(state, number, rules):
        end = end_by_history(state, number, seen)
        yield f"finds that purchase {shown} in the history", gone(state, who, rules, end)
    if not rules.absence_proves_nothing:
        end = End(number, "not_bought", "history")
        yield "does not find it in the history, and closes it", gone(state, who, rules, end)


def reads_the_history(state: State, who: int, rules: Rules) -> Steps:
    """ "A bought record blocks the whole plan until the history shows it paid or failed."

    The history may lag, so each look shows a purchase, or does not.
    """
    me = state.clients[who]
    told = (answers(state, number, rules) for number in me.look)
    if all(any(shown != "pending" for shown, _ in found) for found in told):
        ready = me._replace(step="ready", look=())
        yield "finds nothing against a purchase in the history", changed(state, who, ready)


def answers(state: State, number: int, rules: Rules) -> list[tuple[str, RecordState]]:
    """What a look into the history can tell of a record, apart from nothing."""
    if number == NONE:
        return []
    offering = state.records[number].offering
    found: set[tuple[str, RecordState]] = set()
    for entry in state.purchases:
        if entry.offering == offering and proves(entry, number, rules):
            found.add(("pending", "bought"))
            if entry.truth != "made":
                found.add((entry.truth, "failed" if entry.truth == "failed" else "bought"))
    return sorted(found)


def proves(entry: Purchase, number: int, rules: Rules) -> bool:
    """Whether this entry of the same offering is taken for the record's purchase."""
    match rules.history_proves:
        case "own entry":
            # After this record was written, and before any other. Records that play no part
            # any more are forgotten by the model, not by the journal.
            return entry.after == number + 1 and entry.record != NONE
        case "not before":
            return entry.after > number
        case "any entry":
            return True


def end_by_history(state: State, number: int, seen: RecordState) -> End | None:
    """The end that the history permits, if the record needs one."""
    return None if state.records[number].state == seen else End(number, seen, "history")


def begins(state: State, who: int, rules: Rules) -> Steps:
    """ "`begin` is the last step before the send." """
    me = state.clients[who]
    for offering in offerings():
        begun = me._replace(offering=offering)
        written = with_record(state, who, rules, Record(me.key, offering, 0, "open"))
        if written is not None:
            known = begun._replace(step="begun", number=NONE, own=me.number)
            yield f"begins: record for {offering} written", changed(written, who, known)
        if rules.begin_must_be_known:
            lost = begun._replace(step="doubt", late=BEFORE_SEND_BY)
            yield f"begins for {offering}; the reply is lost", changed(state, who, lost)
        else:
            # It goes on, though its record may come later, or never.
            lost = begun._replace(step="signed", number=NONE)
            late = Late(me.key, offering, BEFORE_SEND_BY, "open")
            yield (
                f"begins for {offering}; the reply is lost, and it signs its request",
                changed(state._replace(late=(*state.late, late)), who, lost),
            )


def offerings() -> tuple[Offering, ...]:
    """The one that was asked for, and the one that a new search finds."""
    return ("A", "B")


def with_record(state: State, who: int | None, rules: Rules, record: Record) -> State | None:
    """Write a record under the next number; None if that is taken."""
    number = len(state.records) if who is None else state.clients[who].number
    if not rules.begin_is_conditional and number != NONE and number < len(state.records):
        records = (*state.records[:number], record, *state.records[number + 1 :])
        return state._replace(records=records)
    if number != len(state.records):
        return None
    # All that is under way for this number comes too late from now on.
    clients = state.clients
    if rules.begin_is_conditional:
        clients = tuple(
            other if at == who else other._replace(late=NONE) for at, other in enumerate(clients)
        )
    return state._replace(records=(*state.records, record), clients=clients, late=())


def looks_for_its_record(state: State, who: int, rules: Rules) -> Steps:
    """ "Its reply lost: read; own id is there: go on." """
    me = state.clients[who]
    taken = me.number if 0 <= me.number < len(state.records) else NONE
    if me.own != NONE:
        found = me._replace(step="begun", number=NONE)
        yield "reads the records, and its own is there", changed(state, who, found)
    elif not rules.own_ids and taken != NONE and state.records[taken].state == "open":
        found = me._replace(step="begun", number=NONE, own=taken, late=NONE)
        yield "reads the records, and takes the open one for its own", changed(state, who, found)
    elif rules.late_begin_is_fenced:
        fencing = me._replace(step="fence")
        yield "reads the records, and its own is not there", changed(state, who, fencing)
    else:
        yield "reads the records, and its own is not there, and refuses", gone(state, who, rules)


def fences(state: State, who: int, rules: Rules) -> Steps:
    """ "Else write n+1 oneself as closed, so that a late write fails, and refuse." """
    me = state.clients[who]
    fence = Record(me.key, me.offering, MAY_BE_SETTLED, "not_bought")
    closed = with_record(state._replace(late=()), who, rules, fence)
    if closed is not None:
        # Its own begin is dead now, and its call is over.
        over = Client(me.key)
        yield "writes that number as closed, and refuses", changed(closed, who, over)
        return
    # The number is taken: by its own record, which came late, or by somebody's.
    number = me.own if rules.end_is_conditional else me.number
    if number != NONE:
        end = End(number, "not_bought", "caller")
        yield (
            "finds the number taken, ends it as not bought, and refuses",
            gone(state, who, rules, end),
        )


def signs(state: State, who: int, rules: Rules) -> Steps:
    """ "Each attempt is sent only if its *signed* date is at or before `send_by`." """
    me = state.clients[who]
    in_time = state.records[me.own].phase == BEFORE_SEND_BY
    check = rules.signed_date_is_checked
    if me.step == "begun" and check == "clock before signing" and in_time:
        yield "sees that there is time left", changed(state, who, me._replace(step="checked"))
    elif in_time or me.step == "checked" or check == "not at all":
        step: Step = "signed" if in_time else "signed late"
        words = "signs its request" if in_time else "signs its request, after send_by"
        yield words, changed(state, who, me._replace(step=step))
    else:
        end = End(me.own, "not_bought", "caller")
        yield (
            "finds its signed date after send_by, ends its record, and refuses",
            gone(state, who, rules, end),
        )


def sends(state: State, who: int, _: Rules) -> Steps:
    """Send. A request that was signed long ago is dead before it arrives."""
    me = state.clients[who]
    request = Request(me.key, me.offering, me.own, in_time=me.step == "signed")
    sent = state._replace(requests=(*state.requests, request))
    yield "sends its request", changed(sent, who, me._replace(step="sent"))


def waits_for_the_reply(state: State, who: int, rules: Rules) -> Steps:
    """What it hears: accepted, throttled, refused."""
    me = state.clients[who]
    yield "gives up on the reply", changed(state, who, me._replace(step="looking"))
    for at, request in enumerate(state.requests):
        if request.record != me.own or me.own == NONE:
            continue
        rest = state._replace(requests=state.requests[:at] + state.requests[at + 1 :])
        if is_alive(state, request, rules):
            heard = changed(accepted(rest, request), who, me._replace(step="heard"))
            yield f"hears that the service accepts its request for {request.offering}", heard
        # "Throttled: retry." Each attempt is signed anew, and checked anew.
        yield "is throttled, and tries again", changed(rest, who, me._replace(step="begun"))
        end = End(me.own, "not_bought", "caller")
        refused = changed(rest, who, Client(me.key))
        yield "is refused, and its end is sent", refused._replace(ends=(*rest.ends, end))


def looks_for_its_purchase(state: State, who: int, rules: Rules) -> Steps:
    """ "Anything ambiguous: the history is asked for a bounded time." """
    number = state.clients[who].own
    for shown, seen in answers(state, number, rules):
        end = end_by_history(state, number, seen)
        yield f"finds its purchase {shown} in the history", gone(state, who, rules, end)


def returns_the_receipt(state: State, who: int, rules: Rules) -> Steps:
    """ "A failed `end` never turns a receipt into an error": it may land late, or never."""
    end = End(state.clients[who].own, "bought", "heard")
    yield "returns the receipt, and its end is sent", gone(state, who, rules, end)


STEPS: Final[dict[Step, Callable[[State, int, Rules], Steps]]] = {
    "idle": reads_all_records,
    "read": reads_the_history,
    "blocked": ends_by_the_history,
    "ready": begins,
    "doubt": looks_for_its_record,
    "fence": fences,
    "begun": signs,
    "checked": signs,
    "signed": sends,
    "signed late": sends,
    "sent": waits_for_the_reply,
    "looking": looks_for_its_purchase,
    "heard": returns_the_receipt,
}


def is_alive(state: State, request: Request, rules: Rules) -> bool:
    """ "The service refuses signatures older than some five minutes." """
    if request.record == NONE or not request.in_time or not rules.old_signatures_are_refused:
        return True
    return state.records[request.record].phase < OLD_SIGNATURES_REFUSED


def accepted(state: State, request: Request) -> State:
    """The service commits a purchase. It sells the same offering again if it likes."""
    purchase = Purchase(request.key, request.offering, "made", len(state.records), request.record)
    return state._replace(purchases=(*state.purchases, purchase))


def changed(state: State, who: int, client: Client) -> State:
    """Put a process in its new step."""
    return state._replace(clients=(*state.clients[:who], client, *state.clients[who + 1 :]))


def gone(state: State, who: int, rules: Rules, end: End | None = None) -> State:
    """The call is over: its process knows nothing any more, but what it sent may arrive."""
    me = state.clients[who]
    late = state.late
    if me.late != NONE and rules.begin_is_conditional:
        late = (*late, Late(me.key, me.offering, me.late, "open"))
    ends = state.ends if end is None else (*state.ends, end)
    return changed(state._replace(late=late, ends=ends), who, Client(me.key))
