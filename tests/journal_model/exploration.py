"""Goes through every state of the model, the nearest first, and tells the way to a bad one."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from journal_model.clients import client_steps
from journal_model.normal_form import normal, remembered
from journal_model.rules import Rules
from journal_model.states import Client, Key, State
from journal_model.world import world_steps


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
