"""A journal that cannot be read or written, that loses replies, or that writes late."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import anyio
import pytest
from attrs import evolve

from faults.acts import EXTEND, HISTORY, OFFERING, PLAN_ARN
from faults.service_gateway import fates
from sagemaker_plans import errors
from sagemaker_plans.journal import PurchaseRecord
from training.journal.memory_journal import Fate, JournalDownError, MemoryJournal
from training.journal.worlds import OTHER, START, World, a_record, a_world, an_extension
from waiting.virtual_plans import virtually

Patch = pytest.MonkeyPatch
Caplog = pytest.LogCaptureFixture
SECRET = "a-session-token"
SEEN = an_extension()


def told(caplog: Caplog, level: int = logging.WARNING) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno >= level]


async def refused(world: World, offering: str = OFFERING) -> errors.PurchaseRefusedError:
    with pytest.raises(errors.PurchaseRefusedError) as caught:
        await world.extend(offering)
    assert "no purchase was sent: " in str(caught.value)
    assert EXTEND not in world.sent
    return caught.value


@virtually
async def test_a_journal_that_cannot_be_read_refuses_before_anything_is_asked(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("records", "fails")
    error = await refused(world)
    assert str(error).endswith("the journal cannot be read: JournalDownError: down")
    assert world.sent == []


@virtually
async def test_a_journal_that_cannot_be_written_refuses_and_sends_nothing(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("begin", "fails", "fails")
    error = await refused(world)
    assert str(error).endswith("the journal cannot be written: JournalDownError: down")
    assert world.journal.kept == []
    [warning] = told(caplog)
    assert warning == (
        f"the journal could not be written; if record 1 of {PLAN_ARN} appears in it, it stays "
        "open, although its purchase was not sent: JournalDownError: down"
    )


@virtually
async def test_the_journals_own_exception_is_among_the_causes(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("records", "fails")
    behind: BaseException | None = await refused(world)
    seen: list[type[BaseException]] = []
    while behind is not None:
        seen.append(type(behind))
        behind = behind.__cause__
    assert seen[-1] is JournalDownError


@virtually
async def test_a_begin_whose_reply_is_lost_goes_on_with_its_own_record(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("begin", "lost")
    assert (await world.extend()).outcome == "purchased"
    assert world.journal.states == [(1, "bought", "caller")]
    assert world.journal.calls == ["records", "begin", "records", "end"]


@virtually
async def test_a_begin_that_failed_takes_its_number_so_that_a_late_write_fails(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("begin", "late")
    await refused(world)
    assert world.journal.states == [(1, "not_bought", "caller")]
    world.journal.land()
    assert world.journal.states == [(1, "not_bought", "caller")]
    # Calls: all records; begin; is it there?; the closed one.
    assert world.journal.calls == ["records", "begin", "records", "begin"]
    assert (await world.extend()).outcome == "purchased"
    assert world.bought == [OFFERING]


@virtually
async def test_a_late_write_that_lands_before_its_number_is_taken_is_closed(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("begin", Fate("late", calls=2))
    await refused(world)
    assert world.journal.states == [(1, "not_bought", "caller")]
    assert world.journal.calls[-2:] == ["records", "end"]
    assert (await world.extend()).outcome == "purchased"


@virtually
async def test_a_late_write_that_lands_before_it_is_looked_for_counts(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("begin", Fate("late", calls=1))
    assert (await world.extend()).outcome == "purchased"
    assert world.journal.states == [(1, "bought", "caller")]


@virtually
async def test_a_failed_begin_whose_number_another_took_leaves_that_record_alone(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    theirs = a_record(idempotency_key="another")
    world.journal.meets("begin", "fails", Fate(before=lambda: world.journal.put(theirs)))
    await refused(world)
    assert world.journal.kept == [theirs]


@virtually
async def test_a_begin_that_is_in_doubt_and_cannot_be_looked_for_refuses(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("begin", "lost")
    world.journal.meets("records", "fine", "fails", "fine")
    await refused(world)
    assert world.journal.states == [(1, "not_bought", "caller")]


@virtually
async def test_a_record_that_cannot_be_withdrawn_stays_open_and_is_logged(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("begin", "lost", "fails")
    world.journal.meets("records", "fine", "fails")
    await refused(world)
    assert world.journal.states == [(1, "open", None)]
    [warning] = told(caplog)
    assert "record 1" in warning
    with pytest.raises(errors.OutcomeUnknownError):
        await world.extend()
    assert world.bought == []


@virtually
async def test_a_journal_that_hangs_while_a_record_is_withdrawn_is_left_after_some_seconds(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("begin", "fails", Fate(seconds=3600))
    await refused(world)
    assert anyio.current_time() == 10
    [warning] = told(caplog)
    assert warning.startswith("the journal could not be written; if record 1 of")


@virtually
async def test_a_number_that_is_taken_makes_the_purchase_start_over(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    rival = a_record(state="not_bought", closed_by="caller")
    world.journal.meets("begin", Fate(before=lambda: world.journal.put(rival)))
    assert (await world.extend()).outcome == "purchased"
    assert world.sent == [HISTORY, HISTORY, EXTEND]
    assert world.journal.states == [(1, "not_bought", "caller"), (2, "bought", "caller")]


@virtually
async def test_who_starts_over_sees_the_rivals_purchase(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    rival = a_record(idempotency_key="another", offering_id=OTHER)
    world.journal.meets("begin", Fate(before=lambda: world.journal.put(rival)))
    with pytest.raises(errors.PurchaseRefusedError, match="an earlier purchase for this plan"):
        await world.extend()
    assert world.sent == [HISTORY, HISTORY]


@virtually
async def test_who_loses_its_number_again_and_again_gives_up(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)

    def rival() -> None:
        number = len(world.journal.kept) + 1
        world.journal.put(a_record(number, state="not_bought", closed_by="caller"))

    world.journal.meets("begin", *[Fate(before=rival)] * 10)
    error = await refused(world)
    assert "the journal was written by others 10 times" in str(error)
    assert world.sent == [HISTORY] * 10


@pytest.mark.parametrize("times", [1, 3])
@virtually
async def test_an_end_that_fails_is_made_again(monkeypatch: Patch, times: int) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("end", *["fails"] * times)  # type: ignore[arg-type]  # one of the kinds
    assert (await world.extend()).outcome == "purchased"
    assert world.journal.states == [(1, "bought", "caller")]
    assert world.journal.calls.count("end") == times + 1


@virtually
async def test_an_end_whose_reply_is_lost_has_been_made(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("end", "lost")
    await world.extend()
    assert world.journal.states == [(1, "bought", "caller")]
    assert world.journal.last.revision == 1


@virtually
async def test_an_end_that_fails_for_good_turns_no_receipt_into_an_error(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("end", *["fails"] * 10)  # type: ignore[arg-type]  # one of the kinds
    receipt = await world.extend()
    assert receipt.outcome == "purchased"
    assert world.journal.states == [(1, "open", None)]
    [warning] = told(caplog)
    assert warning == (
        f"the journal does not say yet that record 1 of {PLAN_ARN} (offering {OFFERING}) is "
        "bought: JournalDownError: down"
    )
    # The history proves it to the next call.
    assert (await world.extend()).outcome == "already_purchased"


@virtually
async def test_an_end_that_hangs_is_left_after_some_seconds(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("end", Fate(seconds=3600))
    receipt = await world.extend()
    assert receipt.outcome == "purchased"
    assert anyio.current_time() == 10
    [warning] = told(caplog)
    assert warning.endswith("is bought: it did not answer in time")


@virtually
async def test_an_end_that_fails_hides_no_refusal_of_the_service(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch, fates=fates(ExtendTrainingPlan=["refused"]))
    world.journal.meets("end", *["fails"] * 10)  # type: ignore[arg-type]  # one of the kinds
    with pytest.raises(errors.AccessDeniedError):
        await world.extend()


@virtually
async def test_a_record_that_has_vanished_is_logged_and_the_receipt_stays(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    world = a_world(monkeypatch)

    async def lost_disk() -> None:
        world.journal.kept.clear()

    world.meanwhile = lost_disk
    assert (await world.extend()).outcome == "purchased"
    [warning] = told(caplog)
    assert warning.endswith("is bought: LedgerError: the record is not in it any more")


@virtually
async def test_a_record_that_changes_again_and_again_is_left_as_it_is(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    world = a_world(monkeypatch)

    def changed() -> None:
        world.journal.change(1, lambda each: evolve(each, revision=each.revision + 1))

    world.journal.meets("end", *[Fate(before=changed)] * 100)
    assert (await world.extend()).outcome == "purchased"
    [warning] = told(caplog)
    assert warning.endswith("is bought: it changes again and again")


Change = Callable[[PurchaseRecord], PurchaseRecord]


@pytest.mark.parametrize(
    ("meanwhile", "after"),
    [
        ({"state": "bought", "closed_by": "person"}, ("bought", "caller")),
        ({"state": "failed", "closed_by": "history"}, ("failed", "history")),
        ({"state": "bought", "closed_by": "history", "receipt": SEEN}, ("bought", "history")),
    ],
    ids=["a-person-knew-it", "the-history-knows-better", "the-history-knew-it"],
)
@virtually
async def test_what_was_heard_adds_to_what_others_wrote_meanwhile(
    monkeypatch: Patch, meanwhile: dict[str, Any], after: tuple[str, str], caplog: Caplog
) -> None:
    world = a_world(monkeypatch)

    async def written() -> None:
        world.journal.change(1, lambda each: evolve(each, revision=1, **meanwhile))

    world.meanwhile = written
    await world.extend()
    [(_, state, closed_by)] = world.journal.states
    assert (state, closed_by) == after
    assert told(caplog) == []


@virtually
async def test_a_history_that_cannot_be_written_down_is_used_all_the_same(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record())
    world.buys_past_the_journal()
    world.journal.meets("end", *["fails"] * 10)  # type: ignore[arg-type]  # one of the kinds
    assert (await world.extend()).outcome == "already_purchased"
    assert world.journal.states == [(1, "open", None)]
    assert len(told(caplog)) == 1


@virtually
async def test_a_journal_that_cannot_be_read_while_a_reply_is_in_doubt_hides_no_purchase(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, fates=fates(ExtendTrainingPlan=["lost after"]))
    world.journal.meets("records", "fine", "fails")
    assert (await world.extend()).outcome == "confirmed_by_history"
    assert world.journal.states == [(1, "bought", "history")]


@pytest.mark.parametrize("method", ["records", "begin", "end"])
@virtually
async def test_no_secret_of_the_journals_exception_is_told(
    monkeypatch: Patch, method: str, caplog: Caplog
) -> None:
    caplog.set_level(logging.DEBUG, "sagemaker_plans")
    world = a_world(monkeypatch)
    world.journal.meets(
        method,
        *[Fate("fails", error=JournalDownError(f"x-amz-security-token: {SECRET}"))] * 10,
    )
    said: list[str] = []
    try:
        await world.extend()
    except errors.PurchaseRefusedError as error:
        behind: BaseException | None = error
        while behind is not None:
            said += [str(behind), repr(behind)]
            behind = behind.__cause__ or behind.__context__
    said += told(caplog, logging.DEBUG)
    assert any("x-amz-security-token: [redacted]" in words for words in said)
    assert [words for words in said if SECRET in words] == []


@virtually
async def test_a_journal_shared_by_plans_keeps_their_numbers_apart(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record(plan=PLAN_ARN + "-2", written_at=START - timedelta(days=1)))
    assert (await world.extend()).outcome == "purchased"
    assert [(each.plan, each.number) for each in world.journal.kept] == [
        (PLAN_ARN + "-2", 1),
        (PLAN_ARN, 1),
    ]


def test_the_tests_own_journal_is_a_journal() -> None:
    from sagemaker_plans.journal import PurchaseJournal

    assert isinstance(MemoryJournal(), PurchaseJournal)
