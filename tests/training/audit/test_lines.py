"""Every line about a purchase is in the table of docs/how-to/audit.md, and the other way round."""

import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import get_args

import attrs
import pytest

from faults.acts import EXTEND, HISTORY, OFFERING, PLAN_ARN, SEARCH
from sagemaker_plans import errors
from sagemaker_plans._wire.logs import PurchaseEnd, PurchaseEvent, PurchaseFacts
from training.audit.audited import (
    BOUGHT,
    CREATE,
    DESCRIBE,
    LISTED,
    LOST,
    NO_PLAN,
    NOTHING,
    SAID_NO,
    SHOWN_BEFORE,
    SHOWN_PLAN,
    Answer,
    Line,
    Script,
    Scripted,
    extension,
    plan,
)
from training.journal.memory_journal import MemoryJournal
from waiting.virtual_plans import virtually

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "audit.md"
Act = Callable[[Scripted], Awaitable[None]]
CASES: dict[str, tuple[Script, Act, list[Line]]] = {}


def case(lines: list[Line], answers: Script) -> Callable[[Act], Act]:
    def noted(act: Act) -> Act:
        CASES[act.__name__] = (answers, act, lines)
        return act

    return noted


def started(fee: str | None = None) -> Line:
    return Line("purchase_started", None, "INFO", fee, None)


def ended(outcome: str, fee: str | None, told_by: str | None, level: str = "INFO") -> Line:
    return Line("purchase_ended", outcome, level, fee, told_by)


def history(*answers: Answer) -> Script:
    return {HISTORY: [*answers]}


@case(
    [started("9.00"), ended("purchased", "10.00", f"{EXTEND} 1")],
    {HISTORY: [NOTHING], SEARCH: [LISTED], EXTEND: [extension()]},
)
async def bought_within_a_limit(world: Scripted) -> None:
    await world.extend(max_upfront_fee=20)


@case(
    [started("8.00"), ended("purchased", "10.00", f"{EXTEND} 1")],
    {HISTORY: [NOTHING], EXTEND: [extension()]},
)
async def bought_as_the_caller_saw_it(world: Scripted) -> None:
    await world.extend(SHOWN_BEFORE)


@case([ended("already_purchased", "10.00", f"{HISTORY} 1")], history(extension()))
async def bought_before(world: Scripted) -> None:
    await world.extend()


@case([ended("refused", "9.00", None)], {HISTORY: [NOTHING], SEARCH: [LISTED]})
async def too_expensive(world: Scripted) -> None:
    await world.extend(max_upfront_fee=1)


@case([ended("refused", None, f"{HISTORY} 1")], history(extension(Status="Failed")))
async def failed_before(world: Scripted) -> None:
    await world.extend()


@case([ended("refused", None, f"{EXTEND} 1")], history(SAID_NO))
async def the_history_is_not_read(world: Scripted) -> None:
    await world.extend()


@case(
    [started(), ended("not_bought", None, f"{EXTEND} 1")],
    {HISTORY: [NOTHING], EXTEND: [SAID_NO]},
)
async def the_service_says_no(world: Scripted) -> None:
    await world.extend()


@case(
    [started(), ended("failed", "10.00", f"{EXTEND} 1", "WARNING")],
    {HISTORY: [NOTHING], EXTEND: [extension(Status="Failed")]},
)
async def failed_now(world: Scripted) -> None:
    await world.extend()


@case(
    [started(), ended("confirmed_by_history", "10.00", f"{HISTORY} 2")],
    {HISTORY: [NOTHING, extension()], EXTEND: [LOST]},
)
async def lost_and_found(world: Scripted) -> None:
    await world.extend()


@case(
    [started(), ended("failed", "10.00", f"{HISTORY} 2", "WARNING")],
    {HISTORY: [NOTHING, extension(Status="Failed")], EXTEND: [LOST]},
)
async def lost_and_found_as_failed(world: Scripted) -> None:
    await world.extend()


@case(
    [started(), ended("unknown", None, None, "WARNING")],
    {HISTORY: [NOTHING], EXTEND: [LOST]},
)
async def lost_and_not_found(world: Scripted) -> None:
    await world.extend()


@case(
    [
        started(),
        ended("confirmed_by_history", "10.00", f"{HISTORY} 2"),
        Line("purchase_interrupted", "confirmed_by_history", "WARNING", None, f"{HISTORY} 2"),
    ],
    {HISTORY: [NOTHING, extension()], EXTEND: [KeyboardInterrupt()]},
)
async def interrupted_and_found(world: Scripted) -> None:
    await world.extend()


@case(
    [
        started(),
        ended("failed", "10.00", f"{HISTORY} 2", "WARNING"),
        Line("purchase_interrupted", "failed", "WARNING", None, f"{HISTORY} 2"),
    ],
    {HISTORY: [NOTHING, extension(Status="Failed")], EXTEND: [KeyboardInterrupt()]},
)
async def interrupted_and_found_as_failed(world: Scripted) -> None:
    await world.extend()


@case(
    [started(), Line("purchase_interrupted", "unknown", "WARNING", None, None)],
    {HISTORY: [NOTHING], EXTEND: [KeyboardInterrupt()]},
)
async def interrupted_and_not_found(world: Scripted) -> None:
    await world.extend()


@case(
    [
        started("10.00"),
        ended("purchased", "10.00", f"{CREATE} 1"),
        Line("purchase_shown", None, "INFO", "10.00", f"{DESCRIBE} 2"),
    ],
    {DESCRIBE: [NO_PLAN, plan()], CREATE: [BOUGHT]},
)
async def a_plan_is_bought_as_the_caller_saw_it(world: Scripted) -> None:
    await world.create(SHOWN_PLAN)


@case(
    [
        started(),
        ended("purchased", None, f"{CREATE} 1"),
        Line("purchase_shown", None, "INFO", "10.00", f"{DESCRIBE} 2"),
    ],
    {DESCRIBE: [NO_PLAN, plan()], CREATE: [BOUGHT]},
)
async def a_plan_is_bought_by_its_id(world: Scripted) -> None:
    await world.create()


@case(
    [
        started("10.00"),
        ended("purchased", "10.00", f"{CREATE} 1"),
        Line("purchase_shown", None, "WARNING", "11.00", f"{DESCRIBE} 2"),
    ],
    {DESCRIBE: [NO_PLAN, plan("11.00")], CREATE: [BOUGHT]},
)
async def a_plan_costs_more(world: Scripted) -> None:
    await world.create(SHOWN_PLAN)


@case(
    [
        started("10.00"),
        ended("purchased", "10.00", f"{CREATE} 1"),
        Line("purchase_shown", "failed", "WARNING", "10.00", f"{DESCRIBE} 2"),
    ],
    {DESCRIBE: [NO_PLAN, plan(status="Failed")], CREATE: [BOUGHT]},
)
async def a_plan_fails(world: Scripted) -> None:
    await world.create(SHOWN_PLAN)


@case(
    [
        started("10.00"),
        ended("purchased", "10.00", f"{CREATE} 1"),
        Line("purchase_not_shown", None, "WARNING", "10.00", None),
    ],
    {DESCRIBE: [NO_PLAN], CREATE: [BOUGHT]},
)
async def a_plan_does_not_show(world: Scripted) -> None:
    await world.create(SHOWN_PLAN)


@case([ended("already_purchased", "10.00", f"{DESCRIBE} 1")], {DESCRIBE: [plan()]})
async def a_plan_was_bought_before(world: Scripted) -> None:
    await world.create()


@case([ended("refused", None, f"{DESCRIBE} 1")], {DESCRIBE: [plan(status="Failed")]})
async def a_plan_failed_before(world: Scripted) -> None:
    await world.create()


@case([ended("refused", "10.00", f"{DESCRIBE} 1")], {DESCRIBE: [plan("11.00")]})
async def another_plan_has_the_name(world: Scripted) -> None:
    await world.create(SHOWN_PLAN)


@case(
    [started("10.00"), ended("confirmed_by_history", "10.00", f"{DESCRIBE} 2")],
    {DESCRIBE: [NO_PLAN, plan()], CREATE: [LOST]},
)
async def a_plan_is_lost_and_found(world: Scripted) -> None:
    await world.create(SHOWN_PLAN)


@case(
    [started("10.00"), ended("unknown", "11.00", f"{DESCRIBE} 2", "WARNING")],
    {DESCRIBE: [NO_PLAN, plan("11.00")], CREATE: [LOST]},
)
async def a_plan_is_lost_and_another_one_found(world: Scripted) -> None:
    await world.create(SHOWN_PLAN)


@case(
    [
        started("10.00"),
        ended("unknown", "11.00", f"{DESCRIBE} 2", "WARNING"),
        Line("purchase_interrupted", "unknown", "WARNING", "10.00", f"{DESCRIBE} 2"),
    ],
    {DESCRIBE: [NO_PLAN, plan("11.00")], CREATE: [KeyboardInterrupt()]},
)
async def a_plan_is_interrupted_and_another_one_found(world: Scripted) -> None:
    await world.create(SHOWN_PLAN)


@case(
    [
        started(),
        ended("unknown", None, None, "WARNING"),
        Line("purchase_settled", "bought", "WARNING", None, None),
    ],
    {HISTORY: [NOTHING], EXTEND: [LOST]},
)
async def settled(world: Scripted) -> None:
    world.journal = MemoryJournal()
    with suppress(errors.OutcomeUnknownError):
        await world.extend()
    await world.plans.settle(PLAN_ARN, bought=True)


@case(
    [
        started(),
        ended("purchased", "10.00", f"{EXTEND} 1"),
        Line("purchase_corrected", "bought", "ERROR", "10.00", None),
    ],
    {HISTORY: [NOTHING], EXTEND: [extension()]},
)
async def settled_and_corrected(world: Scripted) -> None:
    world.journal, world.meanwhile = MemoryJournal(), world.settled_as_not_bought
    await world.extend()


@case(
    [
        started(),
        ended("purchased", "10.00", f"{EXTEND} 1"),
        Line("journal_not_written", "bought", "WARNING", "10.00", None),
    ],
    {HISTORY: [NOTHING], EXTEND: [extension()]},
)
async def not_written(world: Scripted) -> None:
    world.journal = MemoryJournal()
    world.journal.meets("end", "fails", "fails", "fails", "fails")
    await world.extend()


def line_of(record: logging.LogRecord) -> Line:
    facts = vars(record)
    return Line(
        facts["event"], facts["outcome"], record.levelname, facts["fee"], facts["request_id"]
    )


@virtually
@pytest.mark.parametrize("name", [*CASES])
async def test_what_the_lines_of_a_purchase_say(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sagemaker_plans.purchases")
    answers, act, lines = CASES[name]
    world = Scripted({operation: [*said] for operation, said in answers.items()})
    with suppress(errors.SageMakerPlansError, KeyboardInterrupt):
        await act(world)
    records = [each for each in caplog.records if each.name == "sagemaker_plans.purchases"]
    assert [line_of(each) for each in records] == lines
    for each in records:
        facts = vars(each)
        assert facts["plan"] == ("big" if CREATE in facts["operation"] else PLAN_ARN)
        assert (facts["currency"] is None) is (facts["fee"] is None)
        assert facts["offering"] in {OFFERING, "tpo-1"}


def rows() -> list[tuple[str, str | None, str]]:
    """Give event, outcome and level of each row of the page's table of lines."""
    page = PAGE.read_text(encoding="utf-8")
    cells = re.findall(
        r"^\| `(\w+)` \| (?:`(\w+)`)? ?\| (INFO|WARNING|ERROR) \|", page, re.MULTILINE
    )
    return [(event, outcome or None, level) for event, outcome, level in cells]


def test_the_page_has_each_line_and_no_other() -> None:
    seen = {line[:3] for _, _, lines in CASES.values() for line in lines}

    assert sorted(rows(), key=str) == sorted(seen | REST, key=str)


REST = {
    ("journal_not_written", "failed", "WARNING"),
    ("journal_not_written", "not_bought", "WARNING"),
    ("purchase_corrected", "failed", "ERROR"),
    ("purchase_settled", "not_bought", "WARNING"),
}
"""As those of the same event, with another state of the journal's record."""


def test_the_page_has_every_event_outcome_and_field() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert {event for event, _, _ in rows()} == {*get_args(PurchaseEvent)}
    assert {outcome for _, outcome, _ in rows() if outcome} == {*get_args(PurchaseEnd)}
    for each in attrs.fields(PurchaseFacts):
        assert re.search(rf"^\| .*`{each.name}`", page, re.MULTILINE)
