"""How often and how patiently attempts are made, under a virtual clock."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TypeVar

import anyio
import pytest
from attrs import define, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.error_samples import SAMPLES, a_failure, an_answer
from harness import examples
from sagemaker_plans import RetryEvent, RetryPolicy, errors
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_rules import Decision, decide
from sagemaker_plans._wire.operations import (
    CREATE_PLAN,
    DESCRIBE_PLAN,
    EXTEND_TRAINING_PLAN,
    OPERATIONS,
    START_STAGE,
    Operation,
    Safety,
)
from sagemaker_plans.errors import SageMakerPlansError
from virtual_clock import LOOPS, Loop, run_virtually

T = TypeVar("T")

PATIENT = RetryPolicy(max_attempts=100, max_elapsed=None, max_delay=20)
DOWN = a_failure(request_sent=None)
THROTTLED = an_answer(errors.ThrottledError)
UNSENT = a_failure(request_sent=False)


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Loop:
    found: Loop = request.param
    return found


@define
class Attempts:
    """Attempts that fail with these errors one after another, and then succeed."""

    failures: list[BaseException]
    lasting: float = 0.0
    """Seconds that each attempt takes."""
    began: list[float] = field(factory=list[float])
    """When each attempt began."""

    async def __call__(self) -> str:
        self.began.append(anyio.current_time())
        number = len(self.began)
        if self.lasting:
            await anyio.sleep(self.lasting)
        if number <= len(self.failures):
            raise self.failures[number - 1]
        return "done"

    @property
    def waits(self) -> list[float]:
        """Seconds between the end of one attempt and the beginning of the next."""
        pairs = zip(self.began, self.began[1:], strict=False)
        return [round(after - before - self.lasting, 6) for before, after in pairs]


def longest(_least: float, most: float) -> float:
    return most


def shortest(least: float, _most: float) -> float:
    return least


def make(
    loop: Loop,
    failures: Iterable[BaseException],
    *,
    policy: RetryPolicy = PATIENT,
    operation: Operation = DESCRIBE_PLAN,
    uniform: Callable[[float, float], float] = longest,
    lasting: float = 0.0,
) -> Attempts:
    """Make attempts until they end, however they end."""
    attempts = Attempts([*failures], lasting)

    async def run() -> None:
        with suppress(SageMakerPlansError):
            await Retrier(policy, uniform=uniform).run(operation, attempts)

    run_virtually(loop, run)
    return attempts


def outcome(loop: Loop, run: Callable[[], Awaitable[T]]) -> T | BaseException:
    """Run to the end, and give what was raised instead of raising it."""

    async def caught() -> T | BaseException:
        try:
            return await run()
        except BaseException as error:  # noqa: BLE001  # looked at by the test
            return error

    return run_virtually(loop, caught)


def test_a_first_success_is_all(loop: Loop) -> None:
    attempts = make(loop, [])
    assert attempts.began == [0.0]


def test_the_bound_of_the_wait_doubles_and_is_capped(loop: Loop) -> None:
    attempts = make(loop, [DOWN] * 9)
    assert attempts.waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20.0, 20.0]


def test_a_throttle_waits_longer_from_the_first_on(loop: Loop) -> None:
    attempts = make(loop, [an_answer()] * 7)
    assert attempts.waits == [1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]


def test_each_failure_has_the_wait_of_its_own_kind(loop: Loop) -> None:
    attempts = make(loop, [DOWN, an_answer(), UNSENT, an_answer()])
    assert attempts.waits == [0.2, 2.0, 0.8, 8.0]


def test_the_jitter_is_full_between_nothing_and_the_bound(loop: Loop) -> None:
    drawn: list[tuple[float, float]] = []

    def uniform(least: float, most: float) -> float:
        drawn.append((least, most))
        return least

    attempts = make(loop, [DOWN, DOWN, an_answer()], uniform=uniform)
    assert drawn == [(0.0, 0.2), (0.0, 0.4), (0.0, 4.0)]
    assert attempts.waits == [0.0, 0.0, 0.0]


def test_the_waits_of_two_runs_differ(loop: Loop) -> None:
    async def run() -> list[float]:
        attempts = Attempts([DOWN] * 20)
        await Retrier(PATIENT).run(DESCRIBE_PLAN, attempts)
        return attempts.waits

    assert run_virtually(loop, run) != run_virtually(loop, run)


@pytest.mark.parametrize(
    ("asked", "waited"),
    [(None, 1.0), (0.5, 1.0), (3.0, 3.0), (30.0, 30.0), (31.0, 30.0), (86_400.0, 30.0)],
)
def test_the_server_may_ask_for_a_longer_wait_within_bounds(
    loop: Loop, asked: float | None, waited: float
) -> None:
    attempts = make(loop, [an_answer(retry_after=asked)])
    assert attempts.waits == [waited]


def test_the_wait_is_never_shorter_than_the_server_asked_for(loop: Loop) -> None:
    attempts = make(loop, [an_answer(retry_after=0.7)], uniform=shortest)
    assert attempts.waits == [0.7]


def test_a_failing_service_may_ask_for_a_wait_too(loop: Loop) -> None:
    attempts = make(loop, [an_answer(errors.InternalServiceError, retry_after=4)])
    assert attempts.waits == [4.0]


def test_a_server_that_may_not_ask_is_not_heard(loop: Loop) -> None:
    deaf = RetryPolicy(max_retry_after=0)
    attempts = make(loop, [an_answer(retry_after=9)], policy=deaf, uniform=shortest)
    assert attempts.waits == [0.0]


@pytest.mark.parametrize("number", [1, 2, 7, 100])
def test_one_request_is_sent_at_most_so_often(loop: Loop, number: int) -> None:
    policy = RetryPolicy(max_attempts=number, max_elapsed=None)
    assert len(make(loop, [DOWN] * 200, policy=policy).began) == number


def test_the_policy_of_none_sends_once(loop: Loop) -> None:
    assert len(make(loop, [UNSENT] * 9, policy=RetryPolicy.none()).began) == 1


@pytest.mark.parametrize("limit", [0.1, 0.2, 1.0, 5.0, 60.0])
def test_no_attempt_begins_after_the_time_limit(loop: Loop, limit: float) -> None:
    policy = RetryPolicy(max_attempts=100, max_elapsed=limit)
    attempts = make(loop, [DOWN] * 200, policy=policy)
    # The one after the last would have begun too late.
    bounds = [min(20.0, 0.2 * 2**number) for number in range(len(attempts.began))]
    assert attempts.began[-1] <= limit < sum(bounds) + 1e-9


def test_the_time_of_the_attempts_themselves_counts(loop: Loop) -> None:
    policy = RetryPolicy(max_attempts=100, max_elapsed=100)
    attempts = make(loop, [DOWN] * 200, policy=policy, uniform=shortest, lasting=40)
    assert attempts.began == [0.0, 40.0, 80.0]


def test_an_attempt_may_begin_at_the_time_limit_itself(loop: Loop) -> None:
    policy = RetryPolicy(max_elapsed=0.75, base_delay=0.25)
    assert make(loop, [DOWN] * 9, policy=policy).began == [0.0, 0.25, 0.75]


def test_without_a_time_limit_only_the_attempts_count(loop: Loop) -> None:
    attempts = make(loop, [DOWN] * 200, lasting=1_000)
    assert len(attempts.began) == 100


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_what_the_table_says_is_sent_again_and_nothing_else(
    loop: Loop, operation: Operation
) -> None:
    failures = (an_answer(), UNSENT, DOWN, an_answer(errors.AccessDeniedError))
    sent_again = [len(make(loop, [each], operation=operation).began) == 2 for each in failures]
    assert sent_again == [decide(operation, each) is Decision.RETRY for each in failures]
    assert {*sent_again} == {True, False}


def test_an_attempt_that_looks_itself_is_made_again_after_doubt(loop: Loop) -> None:
    attempts = Attempts([DOWN, DOWN, DOWN])

    async def run() -> str:
        return await Retrier(PATIENT).run(CREATE_PLAN, attempts, after_look=True)

    assert outcome(loop, run) == "done"
    assert len(attempts.began) == 4


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_giving_up_raises_the_last_error_itself(loop: Loop, error: SageMakerPlansError) -> None:
    async def run() -> str:
        policy = RetryPolicy(max_attempts=2)
        return await Retrier(policy).run(DESCRIBE_PLAN, Attempts([DOWN, error]))

    assert outcome(loop, run) is error


def given_up(
    loop: Loop,
    policy: RetryPolicy,
    *failures: SageMakerPlansError,
    operation: Operation = DESCRIBE_PLAN,
) -> list[str]:
    """Give the notes of the error with which attempts end."""
    attempts = Attempts([*failures], lasting=1.0)

    async def run() -> str:
        return await Retrier(policy, uniform=longest).run(operation, attempts)

    raised = outcome(loop, run)
    assert isinstance(raised, SageMakerPlansError)
    return [*getattr(raised, "__notes__", ())]


def fresh(number: int) -> list[SageMakerPlansError]:
    return [a_failure(request_sent=None) for _ in range(number)]


def test_the_error_tells_attempts_and_time(loop: Loop) -> None:
    assert given_up(loop, RetryPolicy(max_attempts=3), *fresh(3)) == [
        "gave up after 3 attempts in 3.6 s: all attempts are used up"
    ]


def test_the_error_tells_that_the_time_was_up(loop: Loop) -> None:
    assert given_up(loop, RetryPolicy(max_elapsed=2.3), *fresh(5)) == [
        "gave up after 2 attempts in 2.2 s: the next one would begin after 2.3 s (max_elapsed)"
    ]


def test_the_error_tells_that_the_budget_was_used_up(loop: Loop) -> None:
    assert given_up(loop, RetryPolicy(budget=9), *fresh(5)) == [
        "gave up after 2 attempts in 2.2 s: the client's retry budget is used up"
    ]


def test_the_error_of_a_single_attempt_tells_so(loop: Loop) -> None:
    assert given_up(loop, RetryPolicy.none(), *fresh(1)) == [
        "gave up after 1 attempt in 1.0 s: all attempts are used up"
    ]


def test_a_refusal_at_once_has_no_note(loop: Loop) -> None:
    assert given_up(loop, PATIENT, an_answer(errors.ValidationError)) == []


def test_a_refusal_after_retries_tells_how_many(loop: Loop) -> None:
    assert given_up(loop, PATIENT, *fresh(1), an_answer(errors.ValidationError)) == [
        "gave up after 2 attempts in 2.2 s"
    ]


def test_a_refusal_after_doubt_tells_of_the_doubt_whatever_failed_in_between(loop: Loop) -> None:
    # Lost, which leaves doubt; throttled, which had no effect; then refused.
    failures = [*fresh(1), THROTTLED, an_answer(errors.ValidationError)]

    notes = given_up(loop, PATIENT, *failures, operation=START_STAGE)

    assert notes == [
        (
            "gave up after 3 attempts in 5.2 s; an earlier attempt, whose reply was lost, may "
            "have had its effect"
        )
    ]


@pytest.mark.parametrize(("operation", "sent"), [(START_STAGE, None), (DESCRIBE_PLAN, False)])
def test_a_last_attempt_that_was_not_sent_does_not_make_the_lost_one_unsent(
    loop: Loop, operation: Operation, sent: bool | None
) -> None:
    unsent = errors.ConnectionFailedError("no connection", request_sent=False)

    notes = given_up(loop, RetryPolicy(max_attempts=2), *fresh(1), unsent, operation=operation)

    assert unsent.request_sent is sent
    assert ("may have had its effect" in notes[0]) == (sent is None)


def test_what_was_never_sent_stays_unsent_after_retries(loop: Loop) -> None:
    unsent = [errors.ConnectionFailedError("no connection", request_sent=False) for _ in "ab"]

    notes = given_up(loop, RetryPolicy(max_attempts=2), *unsent, operation=START_STAGE)

    assert unsent[-1].request_sent is False
    assert "may have had its effect" not in notes[0]


def test_what_is_no_error_of_this_package_passes_at_once(loop: Loop) -> None:
    bug = ZeroDivisionError("a bug")
    attempts = Attempts([bug])

    async def run() -> str:
        return await Retrier(PATIENT).run(DESCRIBE_PLAN, attempts)

    assert outcome(loop, run) is bug
    assert (len(attempts.began), getattr(bug, "__notes__", [])) == (1, [])


def test_a_cancellation_ends_an_attempt_at_once(loop: Loop) -> None:
    attempts = Attempts([], lasting=1_000)

    async def run() -> float:
        with anyio.move_on_after(7):
            await Retrier(PATIENT).run(DESCRIBE_PLAN, attempts)
        return anyio.current_time()

    assert (outcome(loop, run), len(attempts.began)) == (7.0, 1)


def test_a_cancellation_ends_a_wait_at_once(loop: Loop) -> None:
    attempts = Attempts([an_answer(retry_after=30)] * 9)

    async def run() -> float:
        with anyio.move_on_after(7):
            await Retrier(PATIENT).run(DESCRIBE_PLAN, attempts)
        return anyio.current_time()

    assert (outcome(loop, run), len(attempts.began)) == (7.0, 1)


def test_a_lasting_outage_costs_all_calls_together_no_more_than_the_budget(loop: Loop) -> None:
    calls = 200
    attempts = [Attempts([DOWN] * 100) for _ in range(calls)]

    async def run() -> None:
        retrier = Retrier(RetryPolicy(budget=500))
        async with anyio.create_task_group() as group:
            for one in attempts:
                group.start_soon(ended, retrier, one)

    async def ended(retrier: Retrier, one: Attempts) -> None:
        with pytest.raises(errors.ConnectionFailedError):
            await retrier.run(DESCRIBE_PLAN, one)

    run_virtually(loop, run)
    # A retry costs 5: without a budget there would be 800 of them.
    assert sum(len(one.began) for one in attempts) == calls + 500 // 5


def test_successes_give_back_what_retries_took(loop: Loop) -> None:
    async def run() -> list[int]:
        retrier = Retrier(RetryPolicy(budget=10))
        sent: list[int] = []
        # Two retries use all of it up, which leaves none to the next call.
        # Four plain successes are not enough for one.
        for failures in ([DOWN] * 9, [DOWN], [], [], [], [], [DOWN], [], [DOWN], [DOWN], []):
            attempts = Attempts([*failures])
            with suppress(errors.ConnectionFailedError):
                await retrier.run(DESCRIBE_PLAN, attempts)
            sent.append(len(attempts.began))
        return sent

    # The fifth pays for one retry, and its success for the next.
    assert run_virtually(loop, run) == [3, 1, 1, 1, 1, 1, 1, 1, 2, 2, 1]


def test_the_budget_is_never_more_than_full(loop: Loop) -> None:
    async def run() -> int:
        retrier = Retrier(RetryPolicy(budget=7))
        for _ in range(20):
            await retrier.run(DESCRIBE_PLAN, Attempts([]))
        attempts = Attempts([DOWN] * 9)
        with pytest.raises(errors.ConnectionFailedError):
            await retrier.run(DESCRIBE_PLAN, attempts)
        return len(attempts.began)

    assert run_virtually(loop, run) == 2


def test_an_empty_budget_allows_no_retry(loop: Loop) -> None:
    assert len(make(loop, [DOWN] * 9, policy=RetryPolicy(budget=0)).began) == 1


def test_every_retry_is_told_to_the_hook_before_its_wait(loop: Loop) -> None:
    told: list[tuple[RetryEvent, float]] = []
    failures = [a_failure(request_sent=None), an_answer(), a_failure(request_sent=False)]

    def hook(event: RetryEvent) -> None:
        told.append((event, anyio.current_time()))

    policy = RetryPolicy(on_retry=hook)
    make(loop, failures, policy=policy, lasting=1.0)
    name = "DescribeEdgeDeploymentPlan"
    events = [
        RetryEvent(operation=name, attempt=1, delay=0.2, elapsed=1.0, error=failures[0]),
        RetryEvent(operation=name, attempt=2, delay=2.0, elapsed=2.2, error=failures[1]),
        RetryEvent(operation=name, attempt=3, delay=0.8, elapsed=5.2, error=failures[2]),
    ]
    assert told == [(event, event.elapsed) for event in events]


def test_the_hook_is_not_told_of_what_is_not_retried(loop: Loop) -> None:
    told: list[RetryEvent] = []
    policy = RetryPolicy(max_attempts=2, on_retry=told.append)
    make(loop, [DOWN] * 9, policy=policy)
    make(loop, [an_answer(errors.AccessDeniedError)], policy=policy)
    assert [event.attempt for event in told] == [1]


def test_what_the_hook_raises_ends_the_call(loop: Loop) -> None:
    mine = RuntimeError("no more")
    attempts = Attempts([DOWN] * 9)

    def hook(_: RetryEvent) -> None:
        raise mine

    async def run() -> str:
        return await Retrier(RetryPolicy(on_retry=hook)).run(DESCRIBE_PLAN, attempts)

    assert outcome(loop, run) is mine
    assert len(attempts.began) == 1


def test_every_retry_is_logged(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sagemaker_plans")
    make(loop, [DOWN, an_answer(), DOWN], policy=RetryPolicy(max_attempts=3))
    words = "DescribeEdgeDeploymentPlan: attempt {} failed, the next one follows in {} s: {}"
    assert [record.getMessage() for record in caplog.records] == [
        words.format(1, "0.20", DOWN),
        words.format(2, "2.00", an_answer()),
    ]


POLICIES = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 8),
    base_delay=st.floats(0.01, 1),
    throttle_base_delay=st.floats(0.01, 5),
    max_delay=st.floats(5, 50),
    max_elapsed=st.none() | st.floats(0.1, 60),
    budget=st.integers(0, 40),
)


@frozen(kw_only=True)
class Story:
    """A policy and what happens to the attempts under it."""

    loop: Loop
    operation: Operation
    policy: RetryPolicy
    failures: list[SageMakerPlansError]
    lasting: float
    shares: list[float]
    """Where in its range each wait is drawn, 0 to 1."""


STORIES = st.builds(
    Story,
    loop=st.sampled_from(LOOPS),
    operation=st.sampled_from(OPERATIONS),
    policy=POLICIES,
    failures=st.lists(st.sampled_from(SAMPLES), max_size=10),
    lasting=st.floats(0, 10),
    shares=st.lists(st.floats(0, 1), min_size=10, max_size=10),
)


@settings(max_examples=examples(500))
@given(story=STORIES)
def test_whatever_fails_the_attempts_keep_within_the_policy(story: Story) -> None:
    policy, shares = story.policy, iter(story.shares)
    attempts = make(
        story.loop,
        story.failures,
        policy=policy,
        operation=story.operation,
        uniform=lambda least, most: least + next(shares) * (most - least),
        lasting=story.lasting,
    )
    retries = len(attempts.began) - 1
    assert retries < policy.max_attempts
    assert retries * 5 <= policy.budget
    assert all(wait <= policy.max_delay for wait in attempts.waits)
    assert policy.max_elapsed is None or attempts.began[-1] <= policy.max_elapsed + 1e-6
    assert all(may_be_sent_again(story.operation, one) for one in story.failures[:retries])


def may_be_sent_again(operation: Operation, error: SageMakerPlansError) -> bool:
    """Say so, from the design: the attempts here do not look themselves."""
    if isinstance(error, errors.ThrottledError) or getattr(error, "request_sent", None) is False:
        return True
    in_doubt = (
        errors.ConnectionFailedError,
        errors.InternalServiceError,
        errors.UnexpectedReplyError,
    )
    harmless = {Safety.READ, Safety.COMMAND, Safety.DELETE}
    return operation.safety in harmless and isinstance(error, in_doubt)


def test_a_purchase_in_doubt_is_never_sent_again_by_any_policy(loop: Loop) -> None:
    policy = RetryPolicy(max_attempts=100, budget=1_000_000)
    sent: dict[str, int] = {}
    for error in (DOWN, a_failure(request_sent=True), an_answer(errors.InternalServiceError)):
        sent[repr(error)] = len(
            make(loop, [error], policy=policy, operation=EXTEND_TRAINING_PLAN).began
        )
    assert {*sent.values()} == {1}
