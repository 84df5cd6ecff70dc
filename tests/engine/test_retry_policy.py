"""What a retry policy may be, and what is refused with its name and value."""

import math
from datetime import timedelta
from typing import Any

import attrs
import pytest

from sagemaker_plans import ConfigurationError, RetryPolicy
from sagemaker_plans.models._validation import shown

DURATIONS = (
    "base_delay",
    "throttle_base_delay",
    "max_delay",
    "max_elapsed",
    "max_retry_after",
    "reconcile_limit",
)
ZERO_ALLOWED = {"max_retry_after", "reconcile_limit"}
NO_DURATIONS: tuple[Any, ...] = (-1, -0.5, True, math.nan, math.inf, -math.inf, "1", b"1", [], 1j)
NO_NUMBERS: tuple[Any, ...] = (-1, True, 2.0, math.nan, "3", None, [3])
TOO_LARGE_FOR_A_FLOAT = 10**400


def problems(**settings: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        RetryPolicy(**settings)
    return str(caught.value)


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert attrs.asdict(RetryPolicy()) == {
        "max_attempts": 5,
        "base_delay": 0.2,
        "throttle_base_delay": 1.0,
        "max_delay": 20.0,
        "max_elapsed": 120.0,
        "max_retry_after": 30.0,
        "budget": 500,
        "reconcile_limit": 10.0,
        "on_retry": None,
    }


def test_none_sends_once_and_is_otherwise_the_default() -> None:
    assert RetryPolicy.none() == attrs.evolve(RetryPolicy(), max_attempts=1)


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        RetryPolicy().max_attempts = 9  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # wrong on purpose


@pytest.mark.parametrize("argument", DURATIONS)
@pytest.mark.parametrize("value", [2, 2.0, timedelta(seconds=2), timedelta(milliseconds=2000)])
def test_durations_are_seconds_or_timedeltas(argument: str, value: Any) -> None:
    settings: dict[str, Any] = {argument: value}
    seconds = getattr(RetryPolicy(**settings), argument)
    assert (seconds, type(seconds)) == (2.0, float)


def test_an_elapsed_time_without_limit_has_to_be_typed_out() -> None:
    assert RetryPolicy(max_elapsed=None).max_elapsed is None


@pytest.mark.parametrize("argument", DURATIONS)
@pytest.mark.parametrize("value", NO_DURATIONS, ids=repr)
def test_no_duration_is_refused_with_its_name_its_value_and_what_is_allowed(
    argument: str, value: Any
) -> None:
    least = "0 or more" if argument in ZERO_ALLOWED else "more than 0"
    expected = f"RetryPolicy: {argument}: got {value!r}; allowed are seconds ({least}, finite)"
    assert problems(**{argument: value}) == f"{expected} or a timedelta"


@pytest.mark.parametrize("argument", DURATIONS)
def test_a_number_too_large_for_a_duration_is_refused_like_any_other(argument: str) -> None:
    message = problems(**{argument: TOO_LARGE_FOR_A_FLOAT})
    assert message.startswith(f"RetryPolicy: {argument}: got 1000000000")
    assert "allowed are seconds" in message


@pytest.mark.parametrize("argument", DURATIONS)
@pytest.mark.parametrize("value", [0, 0.0, timedelta(0)])
def test_no_time_at_all_is_allowed_where_it_means_something(argument: str, value: Any) -> None:
    if argument in ZERO_ALLOWED:
        settings: dict[str, Any] = {argument: value}
        seconds = getattr(RetryPolicy(**settings), argument)
        assert (seconds, type(seconds)) == (0.0, float)
    else:
        expected = f"{argument}: got {value!r}; allowed are seconds (more than 0"
        assert expected in problems(**{argument: value})


def test_a_negative_timedelta_is_refused() -> None:
    expected = "max_delay: got datetime.timedelta(days=-1, seconds=86399);"
    assert expected in problems(max_delay=timedelta(seconds=-1))


@pytest.mark.parametrize("value", [*NO_NUMBERS, 0, 101], ids=repr)
def test_no_number_of_attempts_is_refused(value: Any) -> None:
    expected = f"max_attempts: got {value!r}; allowed are whole numbers from 1 to 100"
    assert problems(max_attempts=value) == f"RetryPolicy: {expected}"


@pytest.mark.parametrize("value", [*NO_NUMBERS, 1_000_001], ids=repr)
def test_no_budget_is_refused(value: Any) -> None:
    expected = f"budget: got {value!r}; allowed are whole numbers from 0 to 1,000,000"
    assert problems(budget=value) == f"RetryPolicy: {expected}"


@pytest.mark.parametrize("settings", [{"max_attempts": 100, "budget": 0}, {"budget": 1_000_000}])
def test_the_ends_of_the_ranges_are_allowed(settings: dict[str, Any]) -> None:
    policy = RetryPolicy(**settings)
    assert {name: getattr(policy, name) for name in settings} == settings


async def _forgotten(event: object) -> None:
    raise AssertionError(event)


@pytest.mark.parametrize(
    "value", [1, "log", [print], _forgotten], ids=["number", "text", "list", "async"]
)
def test_a_hook_that_cannot_be_called_or_would_not_be_awaited_is_refused(value: Any) -> None:
    assert problems(on_retry=value) == (
        f"RetryPolicy: on_retry: got {shown(value)}; allowed are a function, not async, and None"
    )


@pytest.mark.parametrize("base", ["base_delay", "throttle_base_delay"])
def test_a_cap_below_a_base_is_refused(base: str) -> None:
    message = problems(**{base: 3, "max_delay": 2})
    assert message.startswith("RetryPolicy: max_delay: got 2; allowed are seconds not below ")
    assert f"{base} (3)" in message


def test_a_cap_equal_to_the_bases_is_allowed() -> None:
    policy = RetryPolicy(base_delay=2, throttle_base_delay=2, max_delay=2)
    assert policy.max_delay == 2.0


def test_every_problem_is_listed_at_once() -> None:
    message = problems(
        max_attempts=0,
        base_delay=-1,
        throttle_base_delay="1",
        max_delay=math.nan,
        max_elapsed=0,
        max_retry_after=math.inf,
        budget=True,
        reconcile_limit=-1,
        on_retry=7,
    )
    named = [part.split(":", 1)[0] for part in message.removeprefix("RetryPolicy: ").split("; ")]
    assert [name for name in named if not name.startswith("allowed")] == [
        "max_attempts",
        "budget",
        "base_delay",
        "throttle_base_delay",
        "max_delay",
        "max_elapsed",
        "max_retry_after",
        "reconcile_limit",
        "on_retry",
    ]


def test_a_bad_policy_is_a_value_error_too() -> None:
    with pytest.raises(ValueError, match="max_attempts"):
        RetryPolicy(max_attempts=0)
