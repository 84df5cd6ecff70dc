"""The check of journals: good ones pass, and each broken one is told what it breaks."""

from functools import partial
from pathlib import Path

import pytest

from journal import broken_journals as broken
from journal.broken_journals import GoodJournal, Memory
from sagemaker_plans.journal import FileJournal, PurchaseJournal, check_journal

pytestmark = pytest.mark.anyio


async def test_a_good_journal_passes() -> None:
    await check_journal(partial(GoodJournal, Memory()))


async def test_a_store_that_is_in_use_can_be_checked() -> None:
    memory = Memory()

    await check_journal(partial(GoodJournal, memory))
    await check_journal(partial(GoodJournal, memory))


async def test_files_pass(tmp_path: Path) -> None:
    await check_journal(lambda: FileJournal(tmp_path))


async def test_what_was_made_is_closed() -> None:
    made: list[GoodJournal] = []

    def make() -> GoodJournal:
        made.append(GoodJournal(Memory()))
        return made[-1]

    with pytest.raises(AssertionError):
        await check_journal(make)  # each with a memory of its own

    assert [each.closed for each in made] == [1] * len(made)
    assert len(made) > 1


BROKEN: dict[type[GoodJournal], str] = {
    broken.Forgetful: "durable and consistent: what begin wrote is seen by another journal",
    broken.EventuallyConsistent: "durable and consistent: what begin wrote is seen",
    broken.LastWriterWins: "a number is given once: begin of a taken number returned True",
    broken.GetAndSet: "atomic: of 8 calls of begin at once",
    broken.GetAndSetAtTheEnd: "atomic: of 8 calls of end at once",
    broken.NotTwice: "begin again: begin of a record that is there returned False",
    broken.EndsNotTwice: "end again: end with a revision that is there returned False",
    broken.BeginsAnew: "begin again: it does not undo an end",
    broken.EndsAnything: "end: end of a record that is not there returned True",
    broken.EndsForAnybody: "end asks for the id: end with another id returned True",
    broken.EndsAnyRevision: "end asks for the revision: end with revision 2 of 0 returned True",
    broken.EndsByRevisionAlone: "end asks for the revision: end with revision 1 of 1",
    broken.InTextOrder: "order: records come by their number",
    broken.Rounding: "durable and consistent: what begin wrote is seen",
    broken.ByFloat: "fields come back exactly as they were written",
    broken.IgnoringCase: "plans are apart",
    broken.CutKeys: "plans are apart",
    broken.SaysNothing: "durable: begin of a first record returned None; it must return True",
}


@pytest.mark.parametrize("journal", BROKEN, ids=lambda each: each.__name__)
async def test_a_broken_journal_is_told_what_it_breaks(journal: type[GoodJournal]) -> None:
    memory = Memory()

    def make() -> PurchaseJournal:
        return journal(memory)

    with pytest.raises(AssertionError) as caught:
        await check_journal(make)

    assert str(caught.value).startswith(BROKEN[journal])
