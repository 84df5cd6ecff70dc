"""What a person may say of a purchase, and when."""

import logging
from datetime import timedelta

import anyio
import pytest
from attrs import evolve

from faults.acts import EXTEND, HISTORY, OFFERING, PLAN_ARN
from faults.service_gateway import fates
from sagemaker_plans import errors
from sagemaker_plans.journal import PurchaseRecord
from training.journal.memory_journal import Fate
from training.journal.worlds import OTHER, START, World, a_record, a_world, an_extension
from waiting.virtual_plans import virtually

Patch = pytest.MonkeyPatch
CERTAIN = 25 * 60.0
"""Seconds after its record at which a request is dead for certain."""


async def refused(world: World, *, bought: bool, record: int | None = None) -> str:
    """Return why nothing was settled."""
    with pytest.raises(errors.PurchaseRefusedError) as caught:
        await world.settle(bought=bought, record=record)
    assert (caught.value.training_plan_arn, caught.value.operation) == (PLAN_ARN, EXTEND)
    before, words = str(caught.value).split("nothing was settled, because ")
    assert before in {"settle: ", "settle: record 1 of the journal: "}
    return words


@virtually
async def test_not_bought_frees_the_key_once_the_request_is_dead(
    monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record())
    await anyio.sleep(CERTAIN)
    await world.settle(bought=False)
    assert world.journal.states == [(1, "not_bought", "person")]
    assert world.journal.last.revision == 1
    [warning] = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert warning.getMessage() == (
        f"settled by a person: offering {OFFERING} for plan {PLAN_ARN} was not bought (record 1 of "
        "the journal)"
    )
    assert (await world.extend()).outcome == "purchased"


@virtually
async def test_not_bought_is_refused_while_the_request_may_still_be_accepted(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record())
    await anyio.sleep(CERTAIN - 1)
    assert await refused(world, bought=False) == (
        "before 2023-11-14 22:38:20 UTC, by the service's clock, its request may still be "
        "accepted; wait until then"
    )
    assert world.journal.states == [(1, "open", None)]
    await anyio.sleep(1)
    await world.settle(bought=False)


@pytest.mark.parametrize("ahead", [-86400, 86400])
@virtually
async def test_the_services_clock_decides_not_this_machines(monkeypatch: Patch, ahead: int) -> None:
    world = a_world(monkeypatch)
    world.ahead = timedelta(seconds=ahead)
    world.journal.put(a_record())
    await refused(world, bought=False)
    await anyio.sleep(CERTAIN)
    await world.settle(bought=False)
    assert world.journal.states == [(1, "not_bought", "person")]


@virtually
async def test_not_bought_is_refused_if_the_service_does_not_say_the_time(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.is_dated = False
    world.journal.put(a_record())
    await anyio.sleep(10 * CERTAIN)
    assert (await refused(world, bought=False)).startswith("the service's reply has no date")


@pytest.mark.parametrize(("fails", "state"), [(False, "bought"), (True, "failed")])
@virtually
async def test_not_bought_is_refused_if_the_history_shows_it_and_that_is_written(
    monkeypatch: Patch, *, fails: bool, state: str
) -> None:
    world = a_world(monkeypatch)
    world.sells_again(payment_fails=fails)
    world.journal.put(a_record())
    world.buys_past_the_journal()
    await anyio.sleep(CERTAIN)
    words = await refused(world, bought=False)
    assert words.startswith("the history shows it (bought at 2023-11-14 22:13:20")
    assert world.journal.states == [(1, state, "history")]


@virtually
async def test_not_bought_is_refused_if_the_history_shows_the_offering_without_a_date(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record())
    undated = an_extension(None).to_wire()

    def answered(*_: object, **__: object) -> dict[str, object]:
        return {"TrainingPlanExtensions": [undated]}

    monkeypatch.setattr(type(world.service.service), "handle", answered)
    await anyio.sleep(CERTAIN)
    assert (await refused(world, bought=False)) == (
        "the history shows this offering without the time at which it was bought"
    )


@virtually
async def test_an_older_purchase_of_the_offering_does_not_stand_in_the_way(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.sells_again()
    world.buys_past_the_journal()
    await anyio.sleep(3600)
    world.journal.put(a_record(written_at=world.time(), send_by=world.time()))
    await anyio.sleep(CERTAIN)
    await world.settle(bought=False)
    assert world.journal.states == [(1, "not_bought", "person")]


@virtually
async def test_bought_may_be_said_at_once_and_gives_no_receipt(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record())
    await world.settle(bought=True)
    assert world.journal.states == [(1, "bought", "person")]
    assert world.journal.last.receipt is None
    with pytest.raises(errors.PurchaseRefusedError, match="a person settled"):
        await world.extend()


@virtually
async def test_bought_and_shown_is_closed_by_the_history(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record())
    world.buys_past_the_journal()
    await world.settle(bought=True)
    assert world.journal.states == [(1, "bought", "history")]
    assert world.journal.last.receipt is not None


@virtually
async def test_bought_and_shown_is_refused_if_it_cannot_be_written(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record())
    world.buys_past_the_journal()
    world.journal.meets("end", *["fails"] * 10)  # type: ignore[arg-type]  # one of the kinds
    assert (await refused(world, bought=True)).startswith("the history shows it")
    assert world.journal.states == [(1, "open", None)]


@virtually
async def test_the_same_said_twice_is_said_once(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record())
    for _ in range(2):
        await world.settle(bought=True, record=1)
    assert world.journal.last.revision == 1


@virtually
async def test_a_person_may_take_back_bought_once_the_request_is_dead(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record(state="bought", closed_by="person"))
    await refused(world, bought=False, record=1)
    await anyio.sleep(CERTAIN)
    await world.settle(bought=False, record=1)
    assert world.journal.states == [(1, "not_bought", "person")]


@virtually
async def test_a_person_may_take_back_not_bought_and_then_the_history_counts(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record(state="not_bought", closed_by="person"))
    world.buys_past_the_journal()
    await refused(world, bought=False, record=1)
    await world.settle(bought=True, record=1)
    assert world.journal.states == [(1, "bought", "person")]
    assert (await world.extend()).outcome == "already_purchased"
    assert world.journal.states == [(1, "bought", "history")]


@pytest.mark.parametrize("closed_by", ["caller", "history"])
@pytest.mark.parametrize(
    ("state", "bought"), [("bought", True), ("failed", True), ("not_bought", False)]
)
@virtually
async def test_what_the_service_said_cannot_be_settled_otherwise(
    monkeypatch: Patch, state: str, closed_by: str, *, bought: bool
) -> None:
    world = a_world(monkeypatch)
    record = a_record(state=state, closed_by=closed_by)
    world.journal.put(record)
    await anyio.sleep(CERTAIN)
    await world.settle(bought=bought, record=1)
    words = await refused(world, bought=not bought, record=1)
    assert words == f"it is closed already: {state}, by the {closed_by}"
    assert world.journal.kept == [record]


@virtually
async def test_a_record_is_named_by_its_number_by_itself_or_is_the_open_one(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    first = a_record(1, state="bought", closed_by="person")
    world.journal.put(first)
    world.journal.put(a_record(2, idempotency_key="another"))
    await anyio.sleep(CERTAIN)
    await world.settle(bought=False)
    assert [state for _, state, _ in world.journal.states] == ["bought", "not_bought"]
    await world.settle(bought=False, record=first)
    assert [state for _, state, _ in world.journal.states] == ["not_bought", "not_bought"]
    await world.settle(bought=True, record=2)
    assert [state for _, state, _ in world.journal.states] == ["not_bought", "bought"]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (None, "the journal has no open record for"),
        (7, "the journal has no record 7 for"),
    ],
)
@virtually
async def test_a_record_that_is_not_there_is_an_invalid_request(
    monkeypatch: Patch, record: int | None, words: str
) -> None:
    world = a_world(monkeypatch)
    with pytest.raises(errors.InvalidRequestError, match=words) as none:
        await world.settle(bought=True, record=record)
    assert str(none.value).endswith("it has none")
    world.journal.put(a_record(state="failed", closed_by="caller"))
    with pytest.raises(errors.InvalidRequestError, match=words) as closed:
        await world.settle(bought=True, record=record)
    assert str(closed.value).endswith("it has 1 (failed)")
    assert world.sent == []


@pytest.mark.parametrize("method", ["records", "end"])
@virtually
async def test_a_journal_that_fails_refuses(monkeypatch: Patch, method: str) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record())
    world.journal.meets(method, Fate("fails", error=OSError("signature=abc")))
    what = "read" if method == "records" else "written"
    words = f"the journal cannot be {what}: OSError: signature=[redacted]"
    assert await refused(world, bought=True) == words
    assert world.journal.states == [(1, "open", None)]


@virtually
async def test_a_history_that_cannot_be_read_refuses(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.service.fates = fates(DescribeTrainingPlanExtensionHistory=["refused"])
    world.journal.put(a_record())
    words = await refused(world, bought=True)
    assert words.startswith(f"the extension history of {PLAN_ARN} could not be read: ")
    assert world.journal.states == [(1, "open", None)]


@virtually
async def test_a_record_that_changed_meanwhile_is_looked_at_again(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record())

    def heard() -> None:
        world.journal.change(
            1, lambda each: evolve(each, state="bought", closed_by="caller", revision=1)
        )

    await anyio.sleep(CERTAIN)
    world.journal.meets("end", Fate(before=heard))
    assert (await refused(world, bought=False)).startswith("it is closed already: bought")
    assert world.sent == [HISTORY, HISTORY]


@virtually
async def test_what_a_person_says_is_never_written_into_a_record_that_came_meanwhile(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record())

    def closed_and_another_one_opened() -> None:
        world.journal.change(
            1, lambda each: evolve(each, state="not_bought", closed_by="caller", revision=1)
        )
        world.journal.put(a_record(2, offering_id=OTHER, idempotency_key="another"))

    world.journal.meets("end", Fate(before=closed_and_another_one_opened))
    await refused(world, bought=True)
    assert world.journal.states == [(1, "not_bought", "caller"), (2, "open", None)]


@virtually
async def test_a_record_that_changes_all_the_time_is_given_up(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record())

    def changed() -> None:
        world.journal.change(1, lambda each: evolve(each, revision=each.revision + 1))

    world.journal.meets("end", *[Fate(before=changed)] * 20)
    assert await refused(world, bought=True) == "the journal is written by others all the time"
    assert world.sent == [HISTORY] * 10


def a_record_of(plan: str) -> PurchaseRecord:
    return a_record(plan=plan, written_at=START)


@virtually
async def test_a_record_of_another_plan_is_an_invalid_request(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.journal.put(a_record())
    with pytest.raises(errors.InvalidRequestError, match="which is another plan"):
        await world.plans().settle(PLAN_ARN, bought=True, record=a_record_of(PLAN_ARN + "-2"))
    assert world.journal.states == [(1, "open", None)]


@virtually
async def test_settle_waits_for_a_purchase_of_the_same_client(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    plans = world.plans()
    world.sleeps = 5
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: plans.extend(OFFERING, training_plan_arn=PLAN_ARN))
        await anyio.sleep(1)
        with pytest.raises(errors.InvalidRequestError, match=r"it has 1 \(bought\)"):
            await plans.settle(PLAN_ARN, bought=True)
    assert anyio.current_time() >= 5
