"""What the scenes by chance have found, each in a scene of its own."""

from collections.abc import Sequence

import pytest

from journal_world.outside.journal import JournalLostError, Shelf, WorldJournal
from journal_world.outside.service import ARN, EXTEND, HISTORY
from journal_world.processes import Process
from journal_world.scenes import HOUR, KEY, MINUTE, RIVAL, Scene
from journal_world.world import Fate
from sagemaker_plans import ExtensionPage, ExtensionReceipt, errors
from sagemaker_plans._wire import replies
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.journal import PurchaseRecord


@pytest.fixture(name="patch")
def _patch(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


def cannot(*_: object) -> bool:
    """Stand in for a journal that cannot be written."""
    return False


def next_to_nothing(options: Sequence[float]) -> float:
    """Let a payment fail at once."""
    return options[0]


def killed_before_sending(scene: Scene) -> Process:
    """Launch a process that dies between its record and its purchase."""
    first = scene.call()
    kill(scene, first, "after begin")
    return first


def kill(scene: Scene, process: Process, place: str) -> None:
    def act(each: Process, where: str) -> None:
        if each is process and where == place:
            scene.world.kill(each)

    scene.also(act)


def nap(scene: Scene, process: Process, place: str, seconds: float) -> None:
    def sleep(each: Process, where: str) -> None:
        if each is process and where == place and place not in each.places[:-1]:
            scene.world.stop(each, seconds)

    scene.also(sleep)


def states(scene: Scene) -> list[tuple[str, str | None]]:
    return [(each.state, each.closed_by) for each in scene.shelf.records.values()]


def settled(scene: Scene, *, bought: bool, record: int | None = None) -> object:
    person = scene.world.launch(
        "a person", lambda each: scene.plans(each).settle(ARN, bought=bought, record=record)
    )
    scene.run()
    return person.result()


def test_a_reply_that_is_read_late_allows_no_late_signature() -> None:
    scene = Scene.made(0)
    sleeper = scene.call()
    nap(scene, sleeper, f"after {HISTORY}", HOUR)
    nap(scene, sleeper, "after begin", 200.0)
    scene.person(HOUR + 60.0)
    scene.call(KEY, "tpeo-b", after=HOUR + 100.0)

    scene.run()

    assert not [*scene.problems()], scene.explain()
    assert isinstance(sleeper.result(), errors.PurchaseRefusedError)
    assert "was signed at 01:03:20 UTC, and the last moment" in str(sleeper.result())
    assert [each.offering for each in scene.service.sales] == ["tpeo-b"]


def test_old_records_do_not_make_a_rivals_purchase_ours() -> None:
    scene = Scene.made(0)
    killed_before_sending(scene)
    reader = scene.call(KEY, "tpeo-b", after=10.0)
    nap(scene, reader, "after records", 30 * MINUTE)
    scene.person(26 * MINUTE)
    scene.call(RIVAL, "tpeo-a", after=27 * MINUTE)

    scene.run()

    receipt = reader.result()
    assert isinstance(receipt, ExtensionReceipt)
    assert (receipt.outcome, receipt.extension.offering_id) == ("purchased", "tpeo-b")
    assert [state for state, _ in states(scene)] == ["not_bought", "bought", "bought"]


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_two_in_one_second_the_one_that_did_not_fail_is_ours(
    patch: pytest.MonkeyPatch, *, newest_first: bool
) -> None:
    scene = Scene.made(0, whole_seconds=True, newest_first=newest_first, failing=1.0, lag=60.0)
    patch.setattr(scene.draw, "choice", next_to_nothing)
    failed = scene.call()
    scene.run()
    scene.service.failing = 0.0
    scene.world.now = float(int(scene.world.now))
    second = scene.call()

    scene.run()

    assert isinstance(failed.result(), errors.PurchaseFailedError)
    receipt = second.result()
    assert isinstance(receipt, ExtensionReceipt)
    times = {each.extended_at for each in scene.service.sales}
    assert len(times) == 1
    assert receipt.extension.status == "Active"
    scene.world.now += HOUR
    third = scene.call(KEY, "tpeo-b")
    scene.run()
    assert getattr(third.result(), "outcome", None) == "already_purchased"
    assert [state for state, _ in states(scene)] == ["failed", "bought"]


def test_an_unread_journal_makes_no_rivals_purchase_ours(patch: pytest.MonkeyPatch) -> None:
    async def lost(*_: object) -> tuple[PurchaseRecord, ...]:
        raise JournalLostError

    scene = Scene.made(0)
    sleeper = scene.call()
    sleeper.dooms.append(Fate("never"))
    nap(scene, sleeper, f"after {EXTEND}", 40 * MINUTE)
    scene.person(26 * MINUTE)
    scene.call(RIVAL, "tpeo-a", after=27 * MINUTE)
    scene.world.at(39 * MINUTE, lambda: patch.setattr(WorldJournal, "records", lost))

    scene.run()

    assert isinstance(sleeper.result(), errors.OutcomeUnknownError)
    assert [state for state, _ in states(scene)] == ["not_bought", "bought"]


def test_nothing_begins_while_the_journal_lacks_what_the_history_proves(
    patch: pytest.MonkeyPatch,
) -> None:
    scene = Scene.made(0)
    first = scene.call()
    kill(scene, first, f"after {EXTEND}")
    scene.run()
    patch.setattr(Shelf, "end", cannot)
    rival, same = scene.call(RIVAL, "tpeo-b"), scene.call(KEY, "tpeo-b")

    scene.run()

    assert isinstance(rival.result(), errors.PurchaseRefusedError)
    assert "the journal does not say yet that offering tpeo-a (record 1" in str(rival.result())
    assert getattr(same.result(), "outcome", None) == "already_purchased"
    assert states(scene) == [("open", None)]


def test_an_old_history_settles_nothing(patch: pytest.MonkeyPatch) -> None:
    scene = Scene.made(0)
    killed_before_sending(scene)
    scene.run()
    person = scene.world.launch(
        "a person", lambda each: scene.plans(each).settle(ARN, bought=False), after=10 * MINUTE
    )
    read = replies.read_as

    def slowly(cls: type[object], reply: Reply) -> object:
        # It is stopped when it has read the date and not yet the rest.
        assert cls is ExtensionPage
        scene.world.now += 2 * HOUR
        return read(cls, reply)

    with patch.context() as within:
        within.setattr(replies, "read_as", slowly)
        scene.run()

    too_soon = person.result()

    assert isinstance(too_soon, errors.PurchaseRefusedError)
    assert "may still be accepted" in str(too_soon)
    assert settled(scene, bought=False) is None
    assert states(scene) == [("not_bought", "person")]


def test_a_person_corrects_a_wrong_word() -> None:
    scene = Scene.made(0, lag=HOUR)
    first = scene.call()
    kill(scene, first, f"after {EXTEND}")
    scene.run()
    scene.world.now += 30 * MINUTE
    assert settled(scene, bought=False) is None
    scene.world.now += HOUR

    assert settled(scene, bought=False, record=1) is None
    assert settled(scene, bought=True, record=1) is None

    assert states(scene) == [("bought", "person")]
    assert settled(scene, bought=True, record=1) is None
    assert states(scene) == [("bought", "history")]


def test_a_person_is_told_that_the_journal_cannot_be_written(patch: pytest.MonkeyPatch) -> None:
    scene = Scene.made(0)
    first = scene.call()
    kill(scene, first, f"after {EXTEND}")
    scene.run()
    patch.setattr(Shelf, "end", cannot)

    refused = settled(scene, bought=True)

    assert isinstance(refused, errors.PurchaseRefusedError)
    assert str(refused).endswith("but the journal cannot be written")


def test_a_person_settles_the_record_that_was_open_when_they_spoke() -> None:
    scene = Scene.made(0)
    killed_before_sending(scene)
    scene.run()
    scene.world.now += HOUR
    late = scene.world.launch("late", lambda each: scene.plans(each).settle(ARN, bought=True))
    nap(scene, late, "before end", MINUTE)
    early = scene.world.launch(
        "early", lambda each: scene.plans(each).settle(ARN, bought=False), after=1.0
    )
    rival = scene.call(RIVAL, "tpeo-b", after=2.0)
    kill(scene, rival, "after begin")

    scene.run()

    assert early.result() is None
    assert late.result() is None
    assert states(scene) == [("bought", "person"), ("open", None)]
