"""What holds for every order of arrivals, faults and cancellations; on a virtual clock."""

import math
from itertools import pairwise

import anyio
import anyio.lowlevel
from attrs import define, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.error_samples import an_answer
from harness import examples
from sagemaker_plans import PacePolicy
from sagemaker_plans._engine.pacing import Pacer
from sagemaker_plans._engine.request_queue import Turn
from sagemaker_plans._wire.operations import DESCRIBE_PLAN, START_STAGE
from sagemaker_plans.errors import ThrottledError
from virtual_clock import LOOPS, Loop, run_virtually

RATE = 4.0
SPACING = 1 / RATE
A_NANOSECOND = 1e-9


@frozen
class Arrival:
    """A request that comes at some time."""

    at: float
    overdue: float
    """For how long it has been due."""
    every: float | None
    is_command: bool
    leaves_after: float
    """It is cancelled after so many seconds in the queue."""
    is_throttled: bool


@define
class Book:
    """What became of each request."""

    left: list[tuple[float, Arrival]] = field(factory=list[tuple[float, Arrival]])
    cancelled: list[Arrival] = field(factory=list[Arrival])
    ended: int = 0


moments = st.floats(0, 10).map(lambda number: round(number, 2))
arrivals = st.lists(
    st.builds(
        Arrival,
        at=moments,
        overdue=moments,
        every=st.none() | st.just(15.0),
        is_command=st.booleans(),
        leaves_after=st.just(math.inf) | st.floats(0.01, 10),
        is_throttled=st.booleans(),
    ),
    max_size=30,
)


def play(
    loop: Loop, arrived: list[Arrival], policy: PacePolicy, *, connections: float, lasting: float
) -> Book:
    """Send them all, and see what becomes of each."""
    book = Book()
    pacer = Pacer(policy, connections=connections)

    async def one(arrival: Arrival) -> None:
        await anyio.sleep_until(arrival.at)
        scope = anyio.CancelScope(deadline=arrival.at + arrival.leaves_after)

        async def attempt() -> None:
            # From here on nothing is cancelled: this is about the queue.
            scope.deadline = math.inf
            book.left.append((anyio.current_time(), arrival))
            await anyio.sleep(lasting)
            if arrival.is_throttled:
                raise an_answer()

        operation = START_STAGE if arrival.is_command else DESCRIBE_PLAN
        every = None if arrival.is_command else arrival.every
        with scope:
            try:
                turn = Turn(due=arrival.at - arrival.overdue, every=every)
                await pacer.send(operation, attempt, turn)
            except ThrottledError:
                assert arrival.is_throttled
        if scope.cancelled_caught:
            book.cancelled.append(arrival)
        book.ended += 1

    async def run() -> None:
        with anyio.fail_after(100_000):
            async with anyio.create_task_group() as tasks:
                for arrival in arrived:
                    tasks.start_soon(one, arrival)
        # Nothing is left behind, so that the next one leaves at once.
        await anyio.sleep(10_000)
        before = anyio.current_time()
        await pacer.send(DESCRIBE_PLAN, anyio.lowlevel.checkpoint, Turn(due=before))
        assert anyio.current_time() == before

    run_virtually(loop, run)
    assert book.ended == len(arrived)
    assert len(book.left) + len(book.cancelled) == len(arrived)
    return book


@settings(max_examples=examples(200))
@given(st.sampled_from(LOOPS), arrivals)
def test_at_a_known_rate_each_kind_leaves_evenly_spaced_and_by_due_time(
    loop: Loop, arrived: list[Arrival]
) -> None:
    # The lowest rate is the highest: throttles change nothing.
    policy = PacePolicy(max_rate=RATE, min_rate=RATE)
    book = play(loop, arrived, policy, connections=math.inf, lasting=0.0)
    for is_command in (False, True):
        left = [each for each in book.left if each[1].is_command is is_command]
        for (before, _), (after, _) in pairwise(left):
            assert after - before >= SPACING - A_NANOSECOND
        for at, arrival in left:
            passed_over = [
                other
                for later, other in left
                if later > at and other.at < at and other.at - other.overdue < _due(arrival)
            ]
            assert passed_over == []


def _due(arrival: Arrival) -> float:
    return arrival.at - arrival.overdue


@settings(max_examples=examples(200))
@given(st.sampled_from(LOOPS), arrivals)
def test_nobody_starves(loop: Loop, arrived: list[Arrival]) -> None:
    policy = PacePolicy(max_rate=RATE, min_rate=RATE)
    book = play(loop, arrived, policy, connections=math.inf, lasting=0.0)
    # Half of the places at least are there for reads, whatever commands come.
    for at, arrival in book.left:
        assert at - arrival.at <= 2 * SPACING * len(arrived) + A_NANOSECOND


@settings(max_examples=examples(200))
@given(
    st.sampled_from(LOOPS),
    arrivals,
    st.integers(1, 4),
    st.sampled_from([0.1, 0.5, 2.0]),
    st.sampled_from([PacePolicy(), PacePolicy(max_rate=2), PacePolicy.off()]),
)
def test_nothing_is_lost_whatever_is_throttled_and_cancelled(
    loop: Loop, arrived: list[Arrival], connections: int, lasting: float, policy: PacePolicy
) -> None:
    book = play(loop, arrived, policy, connections=connections, lasting=lasting)
    for at, _ in book.left:
        since = at - lasting + A_NANOSECOND
        under_way = [other for other, _ in book.left if since < other <= at]
        assert len(under_way) <= connections


@settings(max_examples=examples(200))
@given(st.sampled_from(LOOPS), arrivals, st.sampled_from([0.1, 0.5, 2.0]))
def test_a_command_never_waits_for_a_connection_while_a_read_gets_one(
    loop: Loop, arrived: list[Arrival], lasting: float
) -> None:
    calm = [*map(_calm, arrived)]
    book = play(loop, calm, PacePolicy.off(), connections=1, lasting=lasting)
    commands = [(at, each) for at, each in book.left if each.is_command]
    for at, read in book.left:
        if not read.is_command:
            assert not [left for left, each in commands if each.at < at < left]


def _calm(arrival: Arrival) -> Arrival:
    return Arrival(arrival.at, arrival.overdue, None, arrival.is_command, math.inf, False)
