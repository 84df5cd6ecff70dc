from __future__ import annotations

import pytest

from sagemaker_plans.emulator import RecordedRequest
from sagemaker_plans.emulator._http.recorder import Headers, Recorder, size_of


def request(number: int, *, body: bytes = b"{}") -> RecordedRequest:
    return RecordedRequest(
        request_id=str(number),
        operation="ListTrainingPlans",
        raw_body=body,
        headers=Headers({"host": "localhost"}),
        region="us-east-1",
        account_id="123456789012",
        received_at=0.0,
    )


def ids(recorder: Recorder) -> list[str]:
    return [one.request_id for one in recorder.snapshot()]


def test_the_latest_requests_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(most_requests=3)
    for number in range(5):
        recorder.add(request(number))
    assert ids(recorder) == ["2", "3", "4"]
    assert (recorder.kept, recorder.dropped) == (3, 2)
    (warning,) = caplog.messages
    assert "at most 3 requests" in warning


def test_only_so_many_bytes_are_kept() -> None:
    recorder = Recorder(most_bytes=10_000)
    for number in range(5):
        recorder.add(request(number, body=b" " * 3000))
    assert ids(recorder) == ["3", "4"]
    assert recorder.kept_bytes == sum(map(size_of, recorder.snapshot()))
    assert recorder.kept_bytes <= 10_000
    recorder.add(request(5, body=b" " * 20_000))
    assert (ids(recorder), recorder.kept_bytes, recorder.dropped) == ([], 0, 6)


def test_a_dropped_request_can_still_get_its_reply() -> None:
    recorder = Recorder(most_requests=1)
    recorder.add(request(1))
    recorder.add(request(2))
    recorder.mark_reply("1", 200, None)
    recorder.mark_reply("2", 200, None)
    assert [one.status for one in recorder.snapshot()] == [200]


def test_a_reset_counts_from_zero() -> None:
    recorder = Recorder(most_requests=1)
    recorder.add(request(1))
    recorder.add(request(2))
    recorder.turn_away("X")
    recorder.clear()
    assert (recorder.kept, recorder.kept_bytes, recorder.dropped) == (0, 0, 0)
    assert recorder.turned_away == {}


def test_long_bodies_do_not_fill_the_screen() -> None:
    assert "b'{}'" in repr(request(1))
    assert "<501 bytes>" in repr(request(1, body=b" " * 501))
