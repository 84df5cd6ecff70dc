"""The service's clock, read from the dates of its replies."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_plans._training.purchases import service_clock
from sagemaker_plans._training.purchases.service_clock import ServiceClock, machine_time
from sagemaker_plans._wire.operations import DESCRIBE_HISTORY
from sagemaker_plans._wire.reply import Reply

NOW = datetime(2026, 11, 22, 0, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_clock, "machine_time", lambda: NOW)


def heard(date: str | None) -> ServiceClock:
    clock = ServiceClock()
    clock.hear(Reply(operation=DESCRIBE_HISTORY, body={}, date=date))
    return clock


def test_the_machines_own_clock_is_aware() -> None:
    assert abs(machine_time() - datetime.now(UTC)) < timedelta(minutes=1)


def test_until_a_reply_has_a_date_this_machines_clock_stands_in() -> None:
    clock = ServiceClock()
    assert clock.first_shown is None
    assert clock.now() == NOW
    assert clock.on_this_machine(NOW) == NOW


@pytest.mark.parametrize(
    "date",
    ["Sun, 22 Nov 2026 00:12:00 GMT", "Sun, 22 Nov 2026 00:12:00 -0000", "22 Nov 2026 01:12 +0100"],
)
def test_a_reply_shows_how_far_the_service_is_ahead(date: str) -> None:
    clock = heard(date)
    assert clock.first_shown is not None
    assert clock.now() == NOW + timedelta(minutes=2)
    assert clock.on_this_machine(NOW) == NOW - timedelta(minutes=2)


@pytest.mark.parametrize(
    "date",
    [None, "", "yesterday", "Sun, 99 Nov 2026 00:12:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"],
)
def test_a_reply_without_a_usable_date_changes_nothing(date: str | None) -> None:
    clock = heard(date)
    assert clock.first_shown is None
    assert clock.now() == NOW


@given(st.text() | st.from_regex(r"\w{3}, \d+ (Jan|Nov) \d+ \d+:\d+:\d+ [+-]?\d+"))
def test_no_date_raises_and_none_leaves_a_clock_that_cannot_count(date: str) -> None:
    clock = heard(date)
    clock.on_this_machine(clock.now() + timedelta(minutes=5))
