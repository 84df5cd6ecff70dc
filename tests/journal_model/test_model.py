"""No second purchase for one key is in reach, and each rule that is left out brings one in reach.

The protocol is DESIGN.md, section 6. Time has four phases for each record; the history shows an
entry at one look and not at the next; every write to the journal may come late or never; every
process may sleep and be killed between any two steps, and starts again without end. What is
counted is states, and none is left out: the same situation is counted once.
"""

import re
from collections.abc import Callable

import pytest

from docs.pages import ROOT
from journal_model.exploration import explore
from journal_model.properties import is_bought_twice, is_told_wrongly
from journal_model.rules import Rules
from journal_model.states import State

PAGE = ROOT / "docs" / "explanation" / "journal.md"

ALL_RULES = Rules()

LEFT_OUT: dict[str, tuple[str, Rules]] = {
    "nothing is erased": ("K", Rules(records_are_kept=False)),
    "begin is conditional": ("KK", Rules(begin_is_conditional=False)),
    "begin must be known": ("KK", Rules(begin_must_be_known=False)),
    "own ids": ("KK", Rules(own_ids=False)),
    "end is conditional": ("KK", Rules(end_is_conditional=False)),
    "signed date, not at all": ("KK", Rules(signed_date_is_checked="not at all")),
    "signed date, clock before": ("KK", Rules(signed_date_is_checked="clock before signing")),
    "settling waits": ("KK", Rules(settling_waits=False)),
    "old signatures are refused": ("KK", Rules(old_signatures_are_refused=False)),
    "absence proves nothing": ("KK", Rules(absence_proves_nothing=False)),
    "own entry, any": ("K", Rules(history_proves="any entry")),
    "own entry, not before": ("KR", Rules(history_proves="not before")),
}
"""Whose processes are needed: K for each process with the key, R for a rival with another."""


def is_wrong(state: State) -> bool:
    return is_bought_twice(state) or is_told_wrongly(state)


@pytest.mark.parametrize(("processes", "states"), [("K", 158), ("KK", 4_036), ("KR", 30_970)])
def test_no_key_is_bought_twice_and_no_record_lies(processes: str, states: int) -> None:
    found = explore(processes, ALL_RULES, is_wrong)

    assert found.trace == (), "\n".join(found.trace)
    # The model has not become smaller by mistake.
    assert found.states == states


@pytest.mark.exhaustive
def test_nor_with_three_processes() -> None:
    found = explore("KKK", ALL_RULES, is_wrong)

    assert found.trace == (), "\n".join(found.trace)
    assert found.states == 106_522


@pytest.mark.parametrize(
    "rule",
    [
        # A rival's steps make this one by far the longest.
        pytest.param(rule, marks=[pytest.mark.exhaustive] if processes == "KR" else [])
        for rule, (processes, _) in LEFT_OUT.items()
    ],
)
def test_without_this_rule_a_key_is_bought_twice(rule: str) -> None:
    processes, rules = LEFT_OUT[rule]

    trace = explore(processes, rules, is_bought_twice).trace

    told = "\n".join(trace)
    print(f"\nWithout the rule {rule!r}:\n{told}")  # noqa: T201  # shown with -s
    accepted = [step for step in trace if "accepts" in step]
    assert len(accepted) >= 2, told
    # The last step is the second purchase that stands.
    assert trace[-1] == accepted[-1], told
    assert len(trace) == steps_on_the_page()[rule], told


def steps_on_the_page() -> dict[str, int]:
    rows = re.findall(
        r"^\| (.+?) \| (\d+) \| .+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {name: int(steps) for name, steps in rows}


def test_the_page_tells_of_every_rule() -> None:
    assert steps_on_the_page().keys() == LEFT_OUT.keys()


@pytest.mark.parametrize(
    ("processes", "rules"),
    [
        ("KK", Rules(late_begin_is_fenced=False)),
        # A rival who may buy while K's purchase does not show yet.
        pytest.param("KR", Rules(bought_blocks=False), marks=pytest.mark.exhaustive),
    ],
    ids=["late begin is fenced", "bought blocks"],
)
def test_this_rule_guards_something_else(processes: str, rules: Rules) -> None:
    found = explore(processes, rules, is_wrong)

    assert found.trace == (), "\n".join(found.trace)


def truths(state: State) -> list[str]:
    return sorted(purchase.truth for purchase in state.purchases)


def record_states(state: State) -> list[str]:
    return [record.state for record in state.records]


def bought_and_paid(state: State) -> bool:
    return truths(state) == ["paid"] and record_states(state) == ["bought"]


def accepted_behind_a_killed_process(state: State) -> bool:
    return (
        truths(state) == ["made"]
        and record_states(state) == ["open"]
        and all(client.step == "idle" for client in state.clients)
    )


def bought_again_after_a_failure(state: State) -> bool:
    return truths(state) == ["failed", "made"]


def asleep_while_another_bought(state: State) -> bool:
    return {client.step for client in state.clients} == {"signed", "heard"}


def written_behind_a_killed_process(state: State) -> bool:
    return bool(state.late) and all(client.step == "idle" for client in state.clients)


@pytest.mark.parametrize(
    "goal",
    [
        bought_and_paid,
        accepted_behind_a_killed_process,
        bought_again_after_a_failure,
        asleep_while_another_bought,
        written_behind_a_killed_process,
    ],
)
def test_the_model_can_do_what_it_is_about(goal: Callable[[State], bool]) -> None:
    assert explore("KK", ALL_RULES, goal).trace


def test_both_keys_can_be_bought() -> None:
    def both(state: State) -> bool:
        return {one.key for one in state.purchases if one.truth == "paid"} == {"K", "R"}

    assert explore("KR", ALL_RULES, both).trace
