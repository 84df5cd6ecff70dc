"""A purchase with a journal that is cancelled: what its record says then."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any

import anyio
import pytest
from attrs import define

from faults.acts import EXTEND, HISTORY, OFFERING, PLAN_ARN
from faults.service_gateway import Fate as Delay
from faults.service_gateway import Kind, fates
from sagemaker_plans import errors
from sagemaker_plans._training.purchases import service_clock
from sagemaker_plans._transport.gateway import Interrupted
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.journal import PurchaseRecord
from training.journal.memory_journal import Fate, MemoryJournal
from training.journal.worlds import World, a_world
from virtual_clock import run_virtually
from waiting.virtual_plans import virtually

Patch = pytest.MonkeyPatch
Caplog = pytest.LogCaptureFixture


async def cancelled_after(seconds: float, world: World, **settings: Any) -> None:
    """Buy, and cancel it at a time."""
    with anyio.move_on_after(seconds) as scope:
        await world.plans(**settings).extend(OFFERING, training_plan_arn=PLAN_ARN)
    assert scope.cancelled_caught


@virtually
async def test_during_the_first_reading_of_the_journal_nothing_is_written(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("records", Fate(seconds=10))
    await cancelled_after(5, world)
    assert (world.journal.kept, world.sent) == ([], [])


@virtually
async def test_during_the_history_nothing_is_written(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch, fates={HISTORY: iter([Delay(before=10)])})
    await cancelled_after(5, world)
    assert world.journal.calls == ["records"]


@virtually
async def test_during_begin_its_number_is_taken_by_a_closed_record(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("begin", Fate(seconds=10))
    await cancelled_after(5, world)
    assert world.journal.states == [(1, "not_bought", "caller")]
    assert world.sent == [HISTORY]
    assert (await world.extend()).outcome == "purchased"


@virtually
async def test_during_a_begin_that_was_carried_out_its_record_is_closed(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch)

    class Slow(type(world.journal)):  # type: ignore[misc]  # its class
        """Writes at once, and answers later."""

        async def begin(self, record: Any, /) -> bool:
            written = bool(await super().begin(record))
            if record.state == "open":
                await anyio.sleep(10)
            return written

    world.journal = Slow()
    await cancelled_after(5, world)
    assert world.journal.states == [(1, "not_bought", "caller")]
    assert (await world.extend()).outcome == "purchased"


@virtually
async def test_in_the_pause_after_a_throttle_the_record_is_closed_as_not_bought(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, fates=fates(ExtendTrainingPlan=["throttled"]))
    await cancelled_after(5, world, throttle_base_delay=100.0, max_delay=100.0)
    assert world.journal.states == [(1, "not_bought", "caller")]
    assert world.sent == [HISTORY, EXTEND]
    assert (await world.extend()).outcome == "purchased"


@virtually
async def test_in_flight_and_shown_the_record_is_closed_by_the_history(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, fates={EXTEND: iter([Delay(after=10)])})
    await cancelled_after(5, world)
    assert world.journal.states == [(1, "bought", "history")]
    assert world.bought == [OFFERING]
    assert (await world.extend()).outcome == "already_purchased"


@virtually
async def test_in_flight_and_failed_the_record_is_closed_as_failed(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch, pays=0, fates={EXTEND: iter([Delay(after=10)])})
    world.sells_again(payment_fails=True)
    await cancelled_after(5, world)
    assert world.journal.states == [(1, "failed", "history")]


@virtually
async def test_in_flight_and_not_shown_the_record_stays_open(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    world = a_world(monkeypatch, lag=3600, fates={EXTEND: iter([Delay(after=10)])})
    world.sells_again()
    await cancelled_after(5, world)
    assert world.journal.states == [(1, "open", None)]
    assert any("its outcome is not known" in each for each in caplog.messages)
    with pytest.raises(errors.OutcomeUnknownError):
        await world.extend()
    assert world.bought == [OFFERING]


@virtually
async def test_after_the_reply_the_record_is_still_closed_as_bought(monkeypatch: Patch) -> None:
    world = a_world(monkeypatch)
    world.journal.meets("end", Fate(seconds=8))
    with anyio.CancelScope() as scope:
        scope.deadline = anyio.current_time() + 5
        receipt = await world.extend()
        assert receipt.outcome == "purchased"
    assert world.journal.states == [(1, "bought", "caller")]


@virtually
async def test_an_interruption_that_is_no_cancellation_closes_the_record_too(
    monkeypatch: Patch,
) -> None:
    world = a_world(monkeypatch, fates=fates(ExtendTrainingPlan=["throttled"]))

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(BaseException) as caught:
        await world.plans(on_retry=interrupted).extend(OFFERING, training_plan_arn=PLAN_ARN)
    assert isinstance(caught.value, KeyboardInterrupt)
    assert world.journal.states == [(1, "not_bought", "caller")]


# What the gateway knows when a call is interrupted, the record says.


@define(eq=False)
class Heard(World):
    """Interrupts a purchase after its reply was heard, and tells the reply."""

    raised: BaseException | None = None
    """What interrupts it; None for whatever comes from outside."""
    is_heard: bool = False

    async def meets_its_end(self) -> None:
        if self.raised is not None:
            raise self.raised
        await anyio.sleep_forever()

    async def call(
        self,
        operation: Operation,
        request: Mapping[str, object],
        /,
        *,
        send_by: datetime | None = None,
        interrupted: Interrupted | None = None,
    ) -> Reply:
        heard: Reply | errors.SageMakerPlansError
        try:
            heard = await super().call(operation, request, send_by=send_by)
        except errors.SageMakerPlansError as error:
            heard = error
        if interrupted is None:
            assert isinstance(heard, Reply)
            return heard
        self.is_heard = True
        try:
            await self.meets_its_end()
        except BaseException:
            interrupted(heard)
            raise
        raise AssertionError


def heard(monkeypatch: Patch, raised: BaseException | None = None, **settings: Any) -> Heard:
    plain = a_world(monkeypatch, lag=3600, **settings)
    world = Heard(plain.service, raised=raised)
    monkeypatch.setattr(service_clock, "machine_time", world.machine_time)
    return world


HEARD: Mapping[Kind, tuple[str, str | None]] = {
    "fine": ("bought", "caller"),
    "refused": ("not_bought", "caller"),
    "throttled": ("not_bought", "caller"),
    "unsent": ("not_bought", "caller"),
    "down after": ("open", None),
    "unreadable": ("open", None),
    "not ours": ("open", None),
}


@pytest.mark.parametrize("kind", HEARD)
@virtually
async def test_what_was_heard_before_a_cancellation_closes_the_record(
    monkeypatch: Patch, kind: Kind
) -> None:
    world = heard(monkeypatch, fates=fates(ExtendTrainingPlan=[kind]))
    await cancelled_after(5, world)
    assert world.journal.states == [(1, *HEARD[kind])]
    assert world.sent.count(EXTEND) == 1
    # Only what is in doubt is looked for.
    assert (world.sent[-1] == HISTORY) is (HEARD[kind][0] == "open")


@virtually
async def test_a_failure_that_was_heard_before_a_cancellation_closes_the_record(
    monkeypatch: Patch, caplog: Caplog
) -> None:
    world = heard(monkeypatch, pays=0)
    world.sells_again(payment_fails=True)
    await cancelled_after(5, world)
    assert world.journal.states == [(1, "failed", "caller")]
    assert any("the service says that it failed" in each for each in caplog.messages)


@virtually
async def test_what_was_heard_before_ctrl_c_closes_the_record(monkeypatch: Patch) -> None:
    mine = KeyboardInterrupt()
    world = heard(monkeypatch, mine)
    with pytest.raises(BaseException) as caught:
        await world.extend()
    assert caught.value is mine
    assert world.journal.states == [(1, "bought", "caller")]


# On asyncio a shielded scope does not keep off Task.cancel().


class Slow(MemoryJournal):
    """Takes two seconds for each write, and answers a second after it."""

    async def begin(self, record: PurchaseRecord, /) -> bool:
        await anyio.sleep(1)
        written = await super().begin(record)
        await anyio.sleep(1)
        return written

    async def end(self, record: PurchaseRecord, /) -> bool:
        await anyio.sleep(1)
        written = await super().end(record)
        await anyio.sleep(1)
        return written


def task_cancelled_at(monkeypatch: Patch, *times: float, all_tasks: bool = False) -> World:
    """Buy with a slow journal, and cancel the task at these times."""

    async def main() -> World:
        world = a_world(monkeypatch)
        world.journal = Slow()
        task = asyncio.ensure_future(world.extend())
        for time in times:
            await asyncio.sleep(time - anyio.current_time())
            tasks = asyncio.all_tasks() - {asyncio.current_task()} if all_tasks else {task}
            for each in tasks:
                each.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        return world

    return run_virtually("asyncio", main)


@pytest.mark.parametrize("times", [[0.5], [1.5], [0.5, 1.5], [1.5, 1.7, 2.5], [1.5, 2.5, 4.5]])
def test_a_task_that_is_cancelled_during_begin_leaves_no_open_record(
    monkeypatch: Patch, caplog: Caplog, times: list[float]
) -> None:
    world = task_cancelled_at(monkeypatch, *times)
    assert world.journal.states == [(1, "not_bought", "caller")]
    assert EXTEND not in world.sent
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("times", [[2.5], [3.5], [2.5, 2.7, 3.5]])
def test_a_task_that_is_cancelled_during_end_leaves_a_closed_record(
    monkeypatch: Patch, caplog: Caplog, times: list[float]
) -> None:
    world = task_cancelled_at(monkeypatch, *times)
    assert world.journal.states == [(1, "bought", "caller")]
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    ("times", "outcome", "words"),
    [
        ([2.5], "bought", f"(offering {OFFERING}) is bought: CancelledError: "),
        ([1.5, 1.7], "not_bought", "although its purchase was not sent: CancelledError: "),
    ],
    ids=["end", "begin"],
)
def test_a_loop_that_ends_during_the_last_write_leaves_a_line_in_the_log(
    monkeypatch: Patch, caplog: Caplog, times: list[float], outcome: str, words: str
) -> None:
    # It cancels all tasks.
    world = task_cancelled_at(monkeypatch, *times, all_tasks=True)
    assert world.journal.states == [(1, "open", None)]
    [line] = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert (vars(line)["event"], vars(line)["outcome"]) == ("journal_not_written", outcome)
    assert line.getMessage().endswith(words)


# A coroutine that is closed must not await anything. These drive one as an event loop would.


async def closed_when(coroutine: Coroutine[Any, Any, Any], reached: Callable[[], object]) -> None:
    waiting = coroutine.send(None)
    while waiting is None or not reached():
        if waiting is not None:
            await waiting
        waiting = coroutine.send(None)
    coroutine.close()


def test_a_begin_that_is_closed_writes_nothing_more(monkeypatch: Patch, caplog: Caplog) -> None:
    async def main() -> list[str]:
        world = a_world(monkeypatch)
        world.journal.meets("begin", Fate(seconds=100))
        await closed_when(world.extend(), lambda: "begin" in world.journal.calls)
        return world.journal.calls

    assert run_virtually("asyncio", main) == ["records", "begin"]
    [line] = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert (vars(line)["event"], vars(line)["outcome"]) == ("journal_not_written", "not_bought")


@pytest.mark.parametrize(("kind", "outcome"), [("fine", "bought"), ("refused", "not_bought")])
def test_a_purchase_that_is_closed_after_its_reply_leaves_a_line_in_the_log(
    monkeypatch: Patch, caplog: Caplog, kind: Kind, outcome: str
) -> None:
    async def main() -> list[tuple[int, str, str | None]]:
        world = heard(monkeypatch, fates={EXTEND: iter([Delay(kind)])})
        await closed_when(world.extend(), lambda: world.is_heard)
        return world.journal.states

    assert run_virtually("asyncio", main) == [(1, "open", None)]
    line = caplog.records[-1]
    assert (vars(line)["event"], vars(line)["outcome"]) == ("journal_not_written", outcome)
    assert line.getMessage().endswith(f"is {outcome}: its coroutine was closed")


def test_a_purchase_that_is_closed_in_flight_leaves_its_record_open(monkeypatch: Patch) -> None:
    async def main() -> tuple[list[str], list[tuple[int, str, str | None]]]:
        world = a_world(monkeypatch, fates={EXTEND: iter([Delay(after=100)])})
        await closed_when(world.extend(), lambda: world.bought)
        return world.journal.calls, world.journal.states

    assert run_virtually("asyncio", main) == (["records", "begin"], [(1, "open", None)])
