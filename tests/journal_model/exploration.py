"""Goes through every state of the model, the nearest first, and tells the way to a bad one."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from journal_model.clients import client_steps, is_alive
from journal_model.rules import Rules
from journal_model.states import (
    AFTER_SEND_BY,
    MAY_BE_SETTLED,
    NONE,
    OLD_SIGNATURES_REFUSED,
    Client,
    Key,
    State,
)
from journal_model.world import forgotten, may_end, world_steps


class Exploration(NamedTuple):
    """What was found."""

    states: int
    trace: tuple[str, ...]
    """The shortest way to a bad state, in words; empty if there is none."""


def steps(state: State, rules: Rules) -> Iterator[tuple[str, State]]:
    for who in range(len(state.clients)):
        name = name_of(state, who)
        for words, then in client_steps(state, who, rules):
            if then != state:
                yield f"{name} {words}", then
    yield from world_steps(state, rules)


def name_of(state: State, who: int) -> str:
    return "the rival" if state.clients[who].key == "R" else f"process {who + 1}"


def explore(
    keys: str, rules: Rules, is_bad: Callable[[State], bool], *, most: int = 2_000_000
) -> Exploration:
    """Visit all states that processes with these keys can reach."""
    start = State(tuple(Client(key) for key in wanted(keys)))
    came_from: dict[State, State | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        for _, then in steps(state, rules):
            found = normal(then, rules)
            if found in came_from:
                continue
            came_from[found] = state
            if is_bad(found):
                return Exploration(len(came_from), retold(start, path(came_from, found), rules))
            waiting.append(found)
            assert len(came_from) <= most, "more states than were expected"
    return Exploration(len(came_from), ())


def wanted(keys: str) -> Iterator[Key]:
    for key in keys:
        yield "K" if key == "K" else "R"


def path(came_from: dict[State, State | None], last: State) -> list[State]:
    found: list[State] = []
    here: State | None = last
    while here is not None:
        found.append(here)
        here = came_from[here]
    return found[-2::-1]


def retold(start: State, states: list[State], rules: Rules) -> tuple[str, ...]:
    """Walk the way again with processes that keep their places, and say each step."""
    told: list[str] = []
    here = start
    for there in states:
        words, here = next(
            (words, remembered(then, rules))
            for words, then in steps(here, rules)
            if normal(then, rules) == there
        )
        told.append(words)
    return tuple(told)


def normal(state: State, rules: Rules) -> State:
    """One state for all that differ in names only, or in what can play no part any more."""
    state = remembered(state, rules)
    clients = tuple(sorted(state.clients))
    return state if clients == state.clients else state._replace(clients=clients)


def remembered(state: State, rules: Rules) -> State:
    """Forget what can play no part any more."""
    records = state.records
    waiting = {client.own for client in state.clients if client.step == "sent"}
    clients = tuple(without_what_is_stale(client, state, rules) for client in state.clients)
    requests = tuple(
        sorted(
            request
            for request in state.requests
            # Whoever waits for its reply can still hear that it is refused.
            if is_alive(state, request, rules) or request.record in waiting
        )
    )
    ends = tuple(
        sorted(
            {
                end
                for end in state.ends
                # A record that is closed is never open again.
                if may_end(records[end.record], end, rules)
            }
        )
    )
    purchases = tuple(
        sorted(
            {
                purchase
                for purchase in state.purchases
                if purchase.record != NONE
                or purchase.truth != "failed"
                or rules.history_proves != "own entry"
            }
        )
    )
    late = tuple(sorted(set(state.late)))
    state = State(clients, records, purchases, requests, late, ends)
    if rules.time_is_kept:
        state = without_time_that_matters_to_nobody(state)
    if rules.begin_is_conditional and rules.end_is_conditional:
        in_use = {request.record for request in requests}
        in_use.update(end.record for end in ends)
        in_use.update(one.record for one in purchases if one.truth != "failed")
        for client in clients:
            in_use.add(client.own)
            in_use.update(client.look)
        for number, record in enumerate(records):
            if record.state in ("failed", "not_bought") and number not in in_use:
                return remembered(forgotten(state, number), rules)
    return state


def without_what_is_stale(client: Client, state: State, rules: Rules) -> Client:
    """A process whose number is taken cannot begin; some steps can then lead to nothing."""
    if client.number in (NONE, len(state.records)) or not rules.begin_is_conditional:
        return client
    if client.step == "read" and client.look:
        return client._replace(number=NONE)
    if client.step in ("read", "ready"):
        return Client(client.key)
    if client.own == NONE and rules.end_is_conditional and rules.own_ids:
        return Client(client.key)
    return client


def without_time_that_matters_to_nobody(state: State) -> State:
    """Set the clock of a record forward if nothing of it can be sent, or arrive, any more."""
    signing = {
        client.own
        for client in state.clients
        if client.step in ("doubt", "fence", "begun", "signed", "sent")
    }
    arriving = {request.record for request in state.requests}
    records = tuple(
        record._replace(
            phase=MAY_BE_SETTLED
            if record.phase >= OLD_SIGNATURES_REFUSED
            or number not in signing
            and number not in arriving
            else AFTER_SEND_BY
            if number not in signing
            else record.phase
        )
        for number, record in enumerate(state.records)
    )
    late = tuple({one._replace(phase=MAY_BE_SETTLED) for one in state.late})
    return state._replace(records=records, late=late)
