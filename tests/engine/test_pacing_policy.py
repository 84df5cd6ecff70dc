"""What a pace may be, and what is refused with its name and value."""

import math
from fractions import Fraction
from typing import Any

import attrs
import pytest

from sagemaker_plans import AsyncClient, ConfigurationError, PacePolicy
from sagemaker_plans.models._validation import shown

NO_RATES: tuple[Any, ...] = (
    0, -1, -0.5, 0.0009, 100_001, True, math.nan, math.inf, -math.inf, "1", b"1", [], 1j, 10**400,
)  # fmt: skip


def problems(**settings: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        PacePolicy(**settings)
    return str(caught.value)


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert attrs.asdict(PacePolicy()) == {
        "max_rate": None,
        "min_rate": 0.1,
        "cut": 0.8,
        "enabled": True,
    }


def test_off_is_otherwise_the_default() -> None:
    assert PacePolicy.off() == attrs.evolve(PacePolicy(), enabled=False)


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        PacePolicy().cut = 0.5  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # wrong on purpose


@pytest.mark.parametrize("rate", [2, 2.0, Fraction(2)])
def test_rates_are_numbers_of_any_type(rate: Any) -> None:
    policy = PacePolicy(max_rate=rate, min_rate=rate)
    assert (policy.max_rate, policy.min_rate) == (2.0, 2.0)


@pytest.mark.parametrize("rate", [0.001, 100_000])
def test_the_bounds_of_rates_are_allowed(rate: float) -> None:
    assert PacePolicy(max_rate=rate, min_rate=rate).max_rate == rate


@pytest.mark.parametrize("argument", ["max_rate", "min_rate"])
@pytest.mark.parametrize("value", NO_RATES, ids=lambda value: str(value)[:9])
def test_what_is_no_rate_is_refused(argument: str, value: Any) -> None:
    found = problems(**{argument: value})
    assert found.startswith(f"PacePolicy: {argument}: got {shown(value)}; ")
    assert "allowed are requests a second, 0.001 to 100,000" in found
    assert ";" not in found.partition("allowed")[0].partition("; ")[0]


def test_min_rate_cannot_be_none() -> None:
    assert problems(min_rate=None).startswith("PacePolicy: min_rate: got None")


def test_the_highest_rate_is_not_below_the_lowest() -> None:
    assert problems(max_rate=0.05) == (
        "PacePolicy: max_rate: got 0.05; allowed are requests a second, 0.001 to 100,000, not "
        "below min_rate (0.1), and None"
    )


@pytest.mark.parametrize("value", [0, 1, -0.1, 1.5, math.nan, math.inf, True, "0.5", None])
def test_what_is_no_cut_is_refused(value: Any) -> None:
    found = problems(cut=value)
    assert found.startswith(f"PacePolicy: cut: got {value!r}; ")
    assert found.endswith("allowed are fractions between 0 and 1")


@pytest.mark.parametrize("value", [0, 1, None, "yes"])
def test_enabled_is_a_bool(value: Any) -> None:
    assert problems(enabled=value).endswith("; allowed are True and False")


def test_every_problem_is_listed() -> None:
    found = problems(max_rate=0, min_rate=-1, cut=2, enabled=None)
    assert [part.partition(":")[0] for part in found.split("; ") if ": got " in part] == [
        "PacePolicy",
        "min_rate",
        "cut",
        "enabled",
    ]


@pytest.mark.parametrize("pace", [None, 20, "off", PacePolicy])
def test_a_client_refuses_another_pace(pace: Any) -> None:
    with pytest.raises(ConfigurationError, match="pace: a PacePolicy is needed, got "):
        AsyncClient(region_name="eu-west-1", pace=pace)
