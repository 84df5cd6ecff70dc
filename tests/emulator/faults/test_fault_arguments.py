"""Wrong arguments of faults are refused when the fault is made, not when a request comes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from sagemaker_plans.emulator import Fault


@pytest.mark.parametrize("seconds", ["1", None, True, Decimal(".1"), timedelta(seconds=1), -1])
@pytest.mark.parametrize("make", [Fault.latency, Fault.drip])
def test_a_delay_is_a_number_of_seconds(make: Callable[[Any], Fault], seconds: Any) -> None:
    with pytest.raises(ValueError, match="seconds must be zero or more, up to a billion, not "):
        make(seconds)


@pytest.mark.parametrize("seconds", ["1", True, Decimal(1), timedelta(seconds=1), 1e10])
@pytest.mark.parametrize("make", [Fault.throttle, Fault.service_unavailable])
def test_a_time_of_a_retry_is_a_number_of_seconds(make: Callable[..., Any], seconds: Any) -> None:
    with pytest.raises(ValueError, match="retry_after must be a number of seconds, up to"):
        make(retry_after=seconds)


@pytest.mark.parametrize("status", [400.5, "400", None, True, 200, 600])
def test_a_status_is_a_whole_number(status: Any) -> None:
    with pytest.raises(ValueError, match="a whole number between 400 and 599, not "):
        Fault.error("X", status=status)


@pytest.mark.parametrize("message", [None, 5, b"x"])
def test_a_message_is_a_string(message: Any) -> None:
    with pytest.raises(ValueError, match="message must be a string, not "):
        Fault.error("X", message)
    with pytest.raises(ValueError, match="message must be a string, not "):
        Fault.not_found_as_validation(message)


@pytest.mark.parametrize("member", [None, 5, ["Stages"]])
def test_a_member_is_a_string(member: Any) -> None:
    words = "member must be a member's name such as 'StageStatus', not "
    with pytest.raises(ValueError, match=words):
        Fault.missing_member(member)
    with pytest.raises(ValueError, match=words):
        Fault.unknown_enum_value("X", member=member)


def test_a_number_of_another_type_becomes_a_plain_one() -> None:
    half: Any = Fraction(1, 2)
    assert repr(Fault.latency(half).seconds) == "0.5"
    answer = Fault.throttle(retry_after=half).answer
    assert answer is not None
    assert repr(answer.retry_after) == "0.5"
