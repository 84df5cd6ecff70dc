"""When requests leave, in which order, and how many at once; on a virtual clock."""

import math
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import pytest
from attrs import define, field

from engine.error_samples import a_failure, an_answer
from sagemaker_plans import PacePolicy
from sagemaker_plans._engine.pacing import Pacer
from sagemaker_plans._engine.request_queue import Turn
from sagemaker_plans._wire.operations import (
    CREATE_PLAN,
    DESCRIBE_HISTORY,
    DESCRIBE_PLAN,
    EXTEND_TRAINING_PLAN,
    START_STAGE,
    Operation,
)
from sagemaker_plans.errors import SageMakerPlansError, ThrottledError
from virtual_clock import LOOPS, Loop, run_virtually

FOUR_A_SECOND: Final = PacePolicy(max_rate=4)


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Loop:
    found: Loop = request.param
    return found


@define
class Requests:
    """Requests through one pacer, with the time at which each left."""

    pacer: Pacer
    lasting: float = 0.0
    left: list[tuple[str, float]] = field(factory=list[tuple[str, float]])
    under_way: int = 0
    most_under_way: int = 0

    async def send(
        self,
        name: str,
        operation: Operation = DESCRIBE_PLAN,
        *,
        due: float = 0.0,
        every: float | None = None,
        raises: Exception | None = None,
        inside: Callable[[], Awaitable[object]] | None = None,
    ) -> Turn:
        async def attempt() -> None:
            self.left.append((name, round(anyio.current_time(), 6)))
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            try:
                await anyio.sleep(self.lasting)
                if inside is not None:
                    await inside()
            finally:
                self.under_way -= 1
            if raises is not None:
                raise raises

        turn = Turn(due=due, every=every)
        await self.pacer.send(operation, attempt, turn)
        return turn

    async def send_many(self, count: int, *, every: float | None = None) -> None:
        """Send requests named 0, 1, 2 and so on, all at once."""
        async with anyio.create_task_group() as tasks:
            for number in range(count):
                tasks.start_soon(lambda name: self.send(name, every=every), str(number))

    async def throttle(self, operation: Operation = DESCRIBE_PLAN) -> None:
        with pytest.raises(ThrottledError):
            await self.send("throttled", operation, raises=an_answer())

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.left]

    @property
    def times(self) -> list[float]:
        return [time for _, time in self.left]


def of(policy: PacePolicy | None = None, *, connections: float = math.inf) -> Requests:
    return Requests(Pacer(policy or PacePolicy(), connections=connections))


def test_without_a_limit_nothing_waits_nor_gives_others_a_turn(loop: Loop) -> None:
    sent = of()

    async def run() -> None:
        steps: list[str] = []

        async def attempt() -> None:
            steps.append("sent")

        async def other() -> None:
            steps.append("other")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other)
            await sent.pacer.send(DESCRIBE_PLAN, attempt, Turn(due=0.0))
            assert steps == ["sent"]

    run_virtually(loop, run)


def test_once_limited_requests_leave_evenly_spaced(loop: Loop) -> None:
    sent = of(FOUR_A_SECOND)

    async def run() -> None:
        await sent.send_many(5)

    run_virtually(loop, run)
    assert sent.times == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_a_rate_that_was_not_used_is_not_made_up_for(loop: Loop) -> None:
    sent = of(FOUR_A_SECOND)

    async def run() -> None:
        await sent.send("first")
        await anyio.sleep(10)
        await sent.send_many(3)

    run_virtually(loop, run)
    assert sent.times == [0.0, 10.0, 10.25, 10.5]


def test_those_that_wait_leave_by_due_time(loop: Loop) -> None:
    sent = of(FOUR_A_SECOND)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sent.send, "first")
            await anyio.sleep(0.1)
            for name, due in (("c", 0.09), ("a", 0.01), ("d", 0.1), ("b", 0.05)):
                tasks.start_soon(lambda name, due: sent.send(name, due=due), name, due)

    run_virtually(loop, run)
    assert sent.names == ["first", "a", "b", "c", "d"]


def test_polls_and_other_reads_of_an_operation_share_its_rate_and_order(loop: Loop) -> None:
    sent = of(FOUR_A_SECOND)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sent.send, "first")
            await anyio.sleep(0.1)
            for name, due, every in (("b", 0.05, None), ("a", 0.01, 15.0), ("c", 0.09, 15.0)):
                tasks.start_soon(
                    lambda name, due, every: sent.send(name, due=due, every=every), name, due, every
                )

    run_virtually(loop, run)
    assert sent.left == [("first", 0.0), ("a", 0.25), ("b", 0.5), ("c", 0.75)]


def test_each_operation_has_a_rate_of_its_own(loop: Loop) -> None:
    sent = of(FOUR_A_SECOND)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(sent.send, "plan", DESCRIBE_PLAN)
                tasks.start_soon(sent.send, "history", DESCRIBE_HISTORY)

    run_virtually(loop, run)
    assert sorted(sent.left) == [
        ("history", 0.0),
        ("history", 0.25),
        ("plan", 0.0),
        ("plan", 0.25),
    ]


def test_a_throttle_begins_the_limit(loop: Loop) -> None:
    sent = of()

    async def run() -> None:
        for _ in range(10):
            await sent.send("early")
        await sent.throttle()
        await sent.send_many(3)

    run_virtually(loop, run)
    # Ten were delivered within a second, so the limit is eight a second.
    assert sent.times[11:] == pytest.approx([1 / 8, 2 / 8, 3 / 8], abs=1e-3)


@pytest.mark.parametrize(
    "error",
    [
        a_failure(request_sent=None),
        ThrottledError("no", code="ThrottlingException", operation="AnotherOperation"),
    ],
)
def test_other_failures_are_no_throttles(loop: Loop, error: SageMakerPlansError) -> None:
    sent = of()

    async def run() -> None:
        with pytest.raises(type(error)):
            await sent.send("failed", raises=error)
        await sent.send_many(3)

    run_virtually(loop, run)
    assert sent.times == [0.0] * 4


def test_with_pace_off_throttles_change_nothing(loop: Loop) -> None:
    sent = of(PacePolicy(enabled=False, max_rate=1))

    async def run() -> None:
        await sent.throttle()
        await sent.send_many(3, every=15.0)

    run_virtually(loop, run)
    assert sent.times == [0.0] * 4


def test_a_limit_that_was_forgotten_lets_all_go(loop: Loop) -> None:
    sent = of()

    async def run() -> None:
        await sent.throttle()
        await anyio.sleep(1_000)
        await sent.send_many(3)

    run_virtually(loop, run)
    assert sent.times == [0.0, 1_000.0, 1_000.0, 1_000.0]


def test_polls_that_begin_together_leave_at_20_a_second(loop: Loop) -> None:
    sent = of()

    async def run() -> None:
        await sent.send_many(4, every=15.0)

    run_virtually(loop, run)
    assert sent.times == [0.0, 0.05, 0.1, 0.15]


def test_many_polls_leave_at_twice_their_demand(loop: Loop) -> None:
    sent = of()

    async def run() -> None:
        await sent.send_many(1_500, every=15.0)

    run_virtually(loop, run)
    # 1,500 every 15 s are 100 a second.
    assert sent.times[-1] == pytest.approx(7.5, rel=0.02)


def test_polls_that_are_not_repeated_are_no_demand(loop: Loop) -> None:
    sent = of()

    async def run() -> None:
        for due in (0.0, 100.0):
            await sent.send_many(600 if due == 0 else 3, every=15.0)
            await anyio.sleep_until(100.0)

    run_virtually(loop, run)
    assert sent.times[-3:] == [100.0, 100.05, 100.1]


def test_without_a_limit_other_requests_do_not_wait_behind_polls(loop: Loop) -> None:
    sent = of()

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(lambda name: sent.send(name, every=15.0), str(number))
            await anyio.sleep(0.01)
            await sent.send("describe", due=0.01)

    run_virtually(loop, run)
    assert sent.left[1] == ("describe", 0.01)


def test_a_purchase_is_never_delayed(loop: Loop) -> None:
    sent = of(PacePolicy(max_rate=0.001, min_rate=0.001), connections=1)

    async def run() -> None:
        sent.lasting = 5.0
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sent.send, "read")
            await anyio.sleep(1)
            for number in range(3):
                tasks.start_soon(sent.send, f"purchase {number}", EXTEND_TRAINING_PLAN)

    run_virtually(loop, run)
    assert sent.times == [0.0, 1.0, 1.0, 1.0]


def test_a_throttled_purchase_does_not_delay_the_next(loop: Loop) -> None:
    sent = of()

    async def run() -> None:
        await sent.throttle(EXTEND_TRAINING_PLAN)
        await sent.send("next", EXTEND_TRAINING_PLAN)

    run_virtually(loop, run)
    assert sent.times == [0.0, 0.0]


def test_commands_are_spaced_behind_each_other(loop: Loop) -> None:
    sent = of(FOUR_A_SECOND)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(sent.send, str(number), START_STAGE)

    run_virtually(loop, run)
    assert sent.times == [0.0, 0.25, 0.5]


def test_polls_leave_their_next_place_to_a_command(loop: Loop) -> None:
    sent = of(FOUR_A_SECOND)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(lambda name: sent.send(name, every=15.0), str(number))
            await anyio.sleep(0.1)
            tasks.start_soon(sent.send, "start", START_STAGE)

    run_virtually(loop, run)
    assert sent.times == [0.0, 0.1, 0.5, 0.75]
    assert sent.names[1] == "start"


def test_a_command_without_a_limit_has_polls_make_way_too(loop: Loop) -> None:
    sent = of()

    async def run() -> None:
        await sent.throttle()
        async with anyio.create_task_group() as tasks:
            await sent.send("start", START_STAGE)
            tasks.start_soon(lambda: sent.send("poll", every=15.0))

    run_virtually(loop, run)
    # The first limit is 4 a second, and two places have passed.
    assert sent.names[-1] == "poll"
    assert sent.times[-1] == pytest.approx(2 / 4, rel=0.05)


def test_however_many_commands_come_polls_have_half_of_their_places(loop: Loop) -> None:
    sent = of(FOUR_A_SECOND)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(lambda name: sent.send(name, every=15.0), str(number))
            for number in range(40):
                await anyio.sleep(0.05)
                tasks.start_soon(sent.send, f"start {number}", START_STAGE)

    run_virtually(loop, run)
    polls = [time for name, time in sent.left if not name.startswith("start")]
    assert polls == [0.0, 0.5, 1.0, 1.5]


def test_no_more_requests_are_under_way_than_there_are_connections(loop: Loop) -> None:
    sent = of(connections=3)
    sent.lasting = 1.0

    async def run() -> None:
        await sent.send_many(7)

    run_virtually(loop, run)
    assert sent.most_under_way == 3
    assert sent.times == [0.0] * 3 + [1.0] * 3 + [2.0]


def test_the_time_in_the_queue_is_counted_apart(loop: Loop) -> None:
    sent = of(connections=1)
    sent.lasting = 1.0
    turns: list[Turn] = []

    async def run() -> None:
        async def one() -> None:
            turns.append(await sent.send("one"))

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(one)

    run_virtually(loop, run)
    assert [turn.queued for turn in turns] == pytest.approx([0.0, 1.0, 2.0])


def test_a_free_connection_goes_to_a_command_first_and_then_by_due_time(loop: Loop) -> None:
    sent = of(connections=1)
    sent.lasting = 1.0

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sent.send, "first")
            await anyio.sleep(0.5)
            for name, operation, due in (
                ("later", DESCRIBE_PLAN, 0.4),
                ("earlier", DESCRIBE_HISTORY, 0.3),
                ("start", START_STAGE, 0.5),
            ):
                tasks.start_soon(
                    lambda name, operation, due: sent.send(name, operation, due=due),
                    name,
                    operation,
                    due,
                )

    run_virtually(loop, run)
    assert sent.left == [("first", 0.0), ("start", 1.0), ("earlier", 2.0), ("later", 3.0)]


def test_a_create_does_not_wait_for_a_connection(loop: Loop) -> None:
    sent = of(connections=1)
    sent.lasting = 1.0

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(sent.send, str(number))
            await anyio.sleep(0.5)
            tasks.start_soon(sent.send, "create", CREATE_PLAN)

    run_virtually(loop, run)
    assert sent.left[1] == ("create", 0.5)


def test_connections_may_become_more(loop: Loop) -> None:
    sent = of(connections=1)
    sent.lasting = 1.0

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(sent.send, str(number))
            await anyio.sleep(0.5)
            sent.pacer.set_connections(3)

    run_virtually(loop, run)
    assert sent.times == [0.0, 0.5, 0.5]


def test_what_is_sent_while_a_request_is_under_way_waits_for_no_connection(loop: Loop) -> None:
    # A hook of the user's that asks the same client, on the last connection.
    sent = of(FOUR_A_SECOND, connections=1)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(
                lambda: sent.send("outer", inside=lambda: sent.send("inner", every=15.0))
            )
            await anyio.sleep(0.1)
            tasks.start_soon(sent.send, "waiting")

    run_virtually(loop, run)
    assert sent.left == [("outer", 0.0), ("inner", 0.25), ("waiting", 0.5)]


def test_another_client_inside_a_request_has_connections_of_its_own(loop: Loop) -> None:
    outer, inner = of(connections=1), of(connections=1)
    inner.lasting = 1.0

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: outer.send("outer", inside=lambda: inner.send("inside")))
            tasks.start_soon(inner.send, "beside")

    run_virtually(loop, run)
    assert inner.most_under_way == 1


def test_a_cancelled_request_in_the_queue_is_not_sent_and_delays_nobody(loop: Loop) -> None:
    sent = of(FOUR_A_SECOND)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sent.send, "first")
            await anyio.sleep(0.01)
            for number in range(6):

                async def one(number: int = number) -> None:
                    with anyio.move_on_after(math.inf if number % 2 else 0.1):
                        await sent.send(str(number), due=number, every=15.0)

                tasks.start_soon(one)

    run_virtually(loop, run)
    assert sent.left == [("first", 0.0), ("1", 0.25), ("3", 0.5), ("5", 0.75)]


def test_a_request_that_is_cancelled_as_it_may_leave_gives_its_connection_back(loop: Loop) -> None:
    sent = of(connections=1)
    sent.lasting = 1.0

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sent.send, "first")
            await anyio.sleep(0.5)
            scope = anyio.CancelScope()

            async def cancelled() -> None:
                with scope:
                    await sent.send("cancelled", due=0.5)

            tasks.start_soon(cancelled)
            await anyio.sleep(0.1)
            tasks.start_soon(lambda: sent.send("last", due=0.6))
            await anyio.sleep(0.1)
            # Both at once: the connection is there, and nobody wants it any more.
            sent.pacer.set_connections(2)
            scope.cancel()

    run_virtually(loop, run)
    assert sent.left == [("first", 0.0), ("last", 0.7)]


def test_a_request_that_fails_gives_its_connection_back(loop: Loop) -> None:
    sent = of(connections=1)

    async def run() -> None:
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await sent.send("failed", raises=ZeroDivisionError())
        await sent.send("last")

    run_virtually(loop, run)
    assert sent.names[-1] == "last"


def test_ten_thousand_that_wait_cost_little_each(loop: Loop) -> None:
    sent = of(PacePolicy(max_rate=1_000))

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(10_000):
                tasks.start_soon(lambda name, due: sent.send(name, due=due), str(number), -number)

    run_virtually(loop, run)
    assert len(sent.left) == 10_000
    assert sent.times[-1] == pytest.approx(10.0, rel=0.01)


def test_without_pace_polls_that_waited_for_a_connection_are_not_spread(loop: Loop) -> None:
    sent = of(PacePolicy.off(), connections=10)
    sent.lasting = 1.0

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(lambda number: sent.send(str(number), every=60.0), number)

    run_virtually(loop, run)
    assert sent.times == [0.0] * 10 + [1.0] * 10
