"""A purchase with a journal that is cancelled: what its record says then."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest

from faults.acts import EXTEND, HISTORY, OFFERING, PLAN_ARN
from faults.service_gateway import Fate as Delay
from faults.service_gateway import fates
from sagemaker_plans import errors
from training.journal.memory_journal import Fate
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


# A coroutine that is closed must not await anything. These drive one as an event loop would.


async def closed_when(coroutine: Coroutine[Any, Any, Any], reached: Callable[[], object]) -> None:
    waiting = coroutine.send(None)
    while waiting is None or not reached():
        if waiting is not None:
            await waiting
        waiting = coroutine.send(None)
    coroutine.close()


def test_a_begin_that_is_closed_writes_nothing_more(monkeypatch: Patch) -> None:
    async def main() -> list[str]:
        world = a_world(monkeypatch)
        world.journal.meets("begin", Fate(seconds=100))
        await closed_when(world.extend(), lambda: "begin" in world.journal.calls)
        return world.journal.calls

    assert run_virtually("asyncio", main) == ["records", "begin"]


def test_a_purchase_that_is_closed_in_flight_leaves_its_record_open(monkeypatch: Patch) -> None:
    async def main() -> tuple[list[str], list[tuple[int, str, str | None]]]:
        world = a_world(monkeypatch, fates={EXTEND: iter([Delay(after=100)])})
        await closed_when(world.extend(), lambda: world.bought)
        return world.journal.calls, world.journal.states

    assert run_virtually("asyncio", main) == (["records", "begin"], [(1, "open", None)])
