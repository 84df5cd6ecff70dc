"""Polls through a retrier: their turns, their throttles, and the budget; on a virtual clock."""

import math

import anyio
import pytest

from engine.error_samples import a_failure, an_answer
from engine.test_retries import Attempts, longest
from sagemaker_plans import PacePolicy, RetryEvent, RetryPolicy
from sagemaker_plans._engine.pacing import Pacer
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._wire.operations import DESCRIBE_PLAN, START_STAGE
from sagemaker_plans.errors import ConnectionFailedError, ThrottledError
from virtual_clock import LOOPS, Loop, run_virtually

# The lowest rate is the highest: throttles do not change it.
ONE_A_SECOND = PacePolicy(max_rate=1, min_rate=1)


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Loop:
    found: Loop = request.param
    return found


def paced(pace: PacePolicy = ONE_A_SECOND, **settings: object) -> Retrier:
    policy = RetryPolicy(**settings)  # type: ignore[arg-type]  # checked by itself
    return Retrier(policy, pacer=Pacer(pace), uniform=longest)


def test_a_throttled_poll_is_made_again_at_its_turn(loop: Loop) -> None:
    attempts = Attempts([an_answer(), an_answer()])

    async def run() -> str:
        return await paced().poll(DESCRIBE_PLAN, attempts, due=0.0, every=15.0)

    assert run_virtually(loop, run) == "done"
    assert attempts.began == [0.0, 1.0, 2.0]


def test_a_throttled_poll_comes_before_what_became_due_since(loop: Loop) -> None:
    retrier = paced()
    struck, later = Attempts([an_answer()]), Attempts([])

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: retrier.poll(DESCRIBE_PLAN, struck, due=0.0, every=15.0))
            await anyio.sleep(0.5)
            for _ in range(2):
                tasks.start_soon(lambda: retrier.poll(DESCRIBE_PLAN, later, due=0.5, every=15.0))

    run_virtually(loop, run)
    assert (struck.began, later.began) == ([0.0, 1.0], [2.0, 3.0])


def test_a_poll_gives_up_where_its_time_has_come(loop: Loop) -> None:
    attempts = Attempts([an_answer()] * 9)

    async def run() -> float:
        with pytest.raises(ThrottledError):
            await paced().poll(DESCRIBE_PLAN, attempts, due=0.0, every=15.0, give_up_at=2.5)
        return anyio.current_time()

    assert run_virtually(loop, run) == 2.5
    assert attempts.began == [0.0, 1.0, 2.0]


def test_a_throttle_after_that_time_is_raised_at_once(loop: Loop) -> None:
    attempts = Attempts([an_answer()] * 9, lasting=3.0)

    async def run() -> float:
        with pytest.raises(ThrottledError):
            await paced().poll(DESCRIBE_PLAN, attempts, due=0.0, every=15.0, give_up_at=2.5)
        return anyio.current_time()

    assert run_virtually(loop, run) == 3.0


def test_a_poll_that_was_not_throttled_waits_for_its_turn_beyond_that_time(loop: Loop) -> None:
    retrier, attempts = paced(), Attempts([])

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(
                    lambda: retrier.poll(
                        DESCRIBE_PLAN, attempts, due=0.0, every=15.0, give_up_at=1.5
                    )
                )

    run_virtually(loop, run)
    assert attempts.began == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(("asked", "waited"), [(5.0, 5.0), (500.0, 30.0)])
def test_the_service_may_ask_for_a_longer_wait_up_to_a_limit(
    loop: Loop, asked: float, waited: float
) -> None:
    attempts = Attempts([an_answer(retry_after=asked)])

    async def run() -> None:
        await paced().poll(DESCRIBE_PLAN, attempts, due=0.0, every=15.0)

    run_virtually(loop, run)
    assert attempts.began == [0.0, waited]


def test_a_wait_that_the_service_asks_for_does_not_end_after_that_time(loop: Loop) -> None:
    attempts = Attempts([an_answer(retry_after=5.0)])

    async def run() -> float:
        with pytest.raises(ThrottledError):
            await paced().poll(DESCRIBE_PLAN, attempts, due=0.0, every=15.0, give_up_at=4.0)
        return anyio.current_time()

    assert run_virtually(loop, run) == 0.0


def test_without_pace_a_throttle_is_raised_at_once(loop: Loop) -> None:
    attempts = Attempts([an_answer()])

    async def run() -> None:
        with pytest.raises(ThrottledError):
            await paced(PacePolicy.off()).poll(DESCRIBE_PLAN, attempts, due=0.0, every=15.0)

    run_virtually(loop, run)


def test_other_failures_are_raised_at_once(loop: Loop) -> None:
    attempts = Attempts([a_failure(request_sent=None)])

    async def run() -> None:
        with pytest.raises(ConnectionFailedError, match="gone"):
            await paced().poll(DESCRIBE_PLAN, attempts, due=0.0, every=15.0)

    run_virtually(loop, run)
    assert attempts.began == [0.0]


def test_polls_fill_the_budget_that_a_bad_minute_has_emptied(loop: Loop) -> None:
    retrier = paced(PacePolicy(), max_attempts=2, budget=5)

    async def start() -> str:
        return await retrier.run(START_STAGE, Attempts([an_answer()]))

    async def run() -> None:
        with pytest.raises(ThrottledError):
            await retrier.run(START_STAGE, Attempts([an_answer()] * 2))
        with pytest.raises(ThrottledError) as caught:
            await start()
        assert "budget is used up" in str(caught.value.__notes__)
        for _ in range(5):
            now = anyio.current_time()
            await retrier.poll(DESCRIBE_PLAN, Attempts([]), due=now, every=15.0)
        assert await start() == "done"

    run_virtually(loop, run)


def test_the_time_in_the_queue_is_no_time_of_the_retries(loop: Loop) -> None:
    events: list[RetryEvent] = []
    retrier = paced(
        PacePolicy(max_rate=0.01, min_rate=0.01), max_elapsed=30, on_retry=events.append
    )
    attempts = Attempts([a_failure(request_sent=None)] * 3)

    async def run() -> str:
        return await retrier.run(DESCRIBE_PLAN, attempts)

    assert run_virtually(loop, run) == "done"
    assert attempts.began == [0.0, 100.0, 200.0, 300.0]
    # Three pauses of up to 0.2, 0.4 and 0.8 s.
    assert [event.elapsed for event in events] == pytest.approx([0.0, 0.2, 0.6])


def test_fifty_starts_at_once_all_succeed_where_five_a_second_are_permitted(loop: Loop) -> None:
    retrier = Retrier(RetryPolicy(), pacer=Pacer(connections=50))
    tokens, filled_at = 5.0, 0.0

    async def attempt() -> str:
        nonlocal tokens, filled_at
        now = anyio.current_time()
        tokens, filled_at = min(5.0, tokens + 5 * (now - filled_at)), now
        await anyio.sleep(0.1)
        if tokens < 1:
            raise an_answer()
        tokens -= 1
        return "started"

    async def run() -> float:
        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(retrier.run, START_STAGE, attempt)
        return anyio.current_time()

    assert run_virtually(loop, run) < 60


def test_without_a_pacer_nothing_is_paced(loop: Loop) -> None:
    attempts = Attempts([])

    async def run() -> None:
        retrier = Retrier(RetryPolicy())
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(
                    lambda: retrier.poll(DESCRIBE_PLAN, attempts, due=0.0, every=math.inf)
                )

    run_virtually(loop, run)
    assert attempts.began == [0.0] * 3
