"""The state of thousands of plans, without holding the loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from http.client import HTTPException
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.requests_made import create, send, send_signed, stage
from sagemaker_plans.emulator import Emulator
from sagemaker_plans.emulator._http import application
from sagemaker_plans.emulator._wire.json_pieces import json_pieces


def pieces(count: int) -> Iterator[str]:
    return json_pieces({"a": iter(range(count)), "b": {"c": iter(()), "d": [1]}})


def test_pieces_of_json_are_json() -> None:
    assert json.loads("".join(pieces(3))) == {"a": [0, 1, 2], "b": {"c": [], "d": [1]}}


@pytest.mark.parametrize(("seconds", "turns"), [(0.0, 100), (3600.0, 0)])
def test_others_get_their_turn_after_each_slice(
    monkeypatch: pytest.MonkeyPatch, seconds: float, turns: int
) -> None:
    monkeypatch.setattr(application, "_SLICE_SECONDS", seconds)

    async def count_turns() -> int:
        counted = 0
        ended = False

        async def other() -> None:
            nonlocal counted
            while not ended:
                counted += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        text = [piece async for piece in application._in_slices(pieces(100))]
        ended = True
        turns_of_other = counted
        await task
        assert json.loads(b"".join(text))["a"] == list(range(100))
        return turns_of_other

    assert asyncio.run(count_turns()) >= turns
    if not turns:
        assert asyncio.run(count_turns()) == 0


def test_the_whole_state_arrives(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "_SLICE_SECONDS", 0.0)
    for number in range(50):
        create(emulator.service, f"plan-{number}", stage("s"))
    state = send(emulator, b"", method="GET", path="/_emulator/state").json
    assert {name: state[name] for name in emulator.service.snapshot()} == json.loads(
        json.dumps(emulator.service.snapshot())
    )


def test_half_of_an_answer_is_not_taken_for_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = Emulator()
    emulator.start()
    error = RuntimeError("a bug")

    def broken() -> Iterator[object]:
        yield 1
        raise error

    monkeypatch.setattr(application, "_SLICE_SECONDS", 0.0)
    monkeypatch.setattr(emulator.service, "snapshot_parts", lambda: {"fleets": broken()})
    try:
        with pytest.raises(HTTPException):
            send(emulator, b"", method="GET", path="/_emulator/state")
        assert emulator.failures == (error,)
        assert send_signed(emulator).status == 200
    finally:
        emulator.stop()


def test_only_the_first_bugs_are_kept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    emulator = Emulator()
    emulator.start()

    def broken(*_args: object, **_options: object) -> object:
        raise RuntimeError("a bug")

    monkeypatch.setattr(emulator.service, "handle", broken)
    try:
        assert {send_signed(emulator).status for _ in range(25)} == {500}
    finally:
        emulator.stop()
    assert len(emulator.failures) == 20
    assert caplog.text.count("Traceback") == 20
    assert caplog.text.count("one more request: RuntimeError('a bug')") == 5


@pytest.mark.parametrize("is_open", [True, False])
def test_a_connection_that_breaks_in_the_middle_is_closed_without_a_word(*, is_open: bool) -> None:
    closed: list[str] = []
    transport = SimpleNamespace(close=lambda: closed.append("closed"))
    request: Any = SimpleNamespace(transport=transport if is_open else None)
    parts: Any = dict.fromkeys(("handler", "admin", "rules", "dates_replies"))

    async def broken(_: object) -> Any:
        raise ConnectionResetError

    served = application.Application(**parts, failures=[])
    asyncio.run(served._answer(request, broken))

    assert closed == ["closed"] * is_open
    assert served.failures == []
