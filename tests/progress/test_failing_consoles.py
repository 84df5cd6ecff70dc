"""Consoles that fail or stand still: no wait ends, and none stands still with them."""

import logging
import sys
import threading
from io import StringIO, TextIOBase
from time import monotonic
from typing import TextIO, cast

import pytest
from rich.console import Console

from progress import stages_seen
from progress.stages_seen import NOON, last_picture, last_picture_in, plan, stage, terminal, written
from sagemaker_plans.progress import StageProgress, _background


class File(TextIOBase):
    """Not memory, as far as the display can see."""

    def __init__(self) -> None:
        super().__init__()
        self.text = StringIO()

    def write(self, text: str) -> int:
        return self.text.write(text)


class BrokenFile(File):
    """Raises with each write, once it is told to."""

    error: BaseException | None = None

    def write(self, text: str) -> int:
        if self.error is not None:
            raise self.error
        return super().write(text)


class StoppedFile(File):
    """Takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def write(self, text: str) -> int:
        assert self.may_go_on.wait(30)
        return super().write(text)


def on(file: File, kind: str) -> Console:
    return Console(
        file=cast("TextIO", file),
        force_terminal=True,
        force_interactive=kind == "terminal",
        width=100,
        height=40,
        legacy_windows=False,
        color_system=None,
    )


both = pytest.mark.parametrize("kind", ["terminal", "pipe"])


def assert_nothing_is_left() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("progress") or type(thread).__module__ == "rich.live":
            thread.join(timeout=5)
            assert not thread.is_alive()


@both
@pytest.mark.parametrize(
    "error", [BrokenPipeError("nobody reads"), ValueError("closed file"), OSError(5, "gone")]
)
def test_a_console_that_fails_is_told_once_and_raises_nothing(
    kind: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    file = BrokenFile()
    streams = sys.stdout, sys.stderr

    with StageProgress(console=on(file, kind)) as progress:
        file.error = error
        for status in ("STARTING", "INPROGRESS", "DEPLOYED"):
            progress(plan(stage("canary", status)))

    (record,) = caplog.records
    assert (record.name, record.levelno) == ("sagemaker_plans", logging.WARNING)
    assert record.exc_info is not None
    assert "display has failed" in record.message
    assert (sys.stdout, sys.stderr) == streams
    assert_nothing_is_left()


@both
def test_a_clock_that_fails_ends_no_wait(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    times = [NOON] * 20

    with StageProgress(console=on(File(), kind), now=times.pop) as progress:
        times.clear()
        progress(stage())
        progress(stage())

    assert len(caplog.records) == 1
    assert "pop from empty list" in caplog.text
    assert_nothing_is_left()


@both
def test_a_console_that_stands_still_holds_up_one_poll_and_for_a_moment(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_background, "_PATIENCE", 0.01)
    file = StoppedFile()
    console = on(file, kind)
    statuses = ["CREATING", "READYTODEPLOY", "STARTING", "INPROGRESS", "STOPPING"]

    with StageProgress(console=console) as progress:
        file.may_go_on.clear()
        before = monotonic()
        for status in statuses:
            progress(plan(stage("canary", status)))
        taken = monotonic() - before
        file.may_go_on.set()
        progress(plan(stage("canary", "DEPLOYED", start_time=NOON)))

    assert taken < 5
    assert_nothing_is_left()
    if kind == "terminal":
        assert "DEPLOYED" in last_picture_in(file.text.getvalue())[-1]
    else:
        told = [line.split()[1].rstrip(",") for line in file.text.getvalue().splitlines()]
        assert told == [*statuses, "DEPLOYED"]


@both
def test_a_display_that_ends_while_its_console_stands_still_is_finished_later(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_background, "_PATIENCE", 0.01)
    file = StoppedFile()
    console = on(file, kind)

    with StageProgress(console=console) as progress:
        file.may_go_on.clear()
        progress(plan(stage("canary", "STARTING")))
        progress(plan(stage("canary", "DEPLOYED")))
    file.may_go_on.set()
    assert_nothing_is_left()

    assert "DEPLOYED" in file.text.getvalue()
    assert ("\x1b[?25h" in file.text.getvalue()) is (kind == "terminal")


def test_changes_that_come_faster_than_they_can_be_drawn_are_drawn_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_background, "_CREDIT", 0.0)
    console = terminal()

    with StageProgress(console=console) as progress:
        before = written(console)
        for number in range(100):
            progress(plan(stage("canary", succeeded=number)))
        drawn = written(console)

    assert drawn.removeprefix(before).count("canary") <= 1  # rich's own thread may have drawn
    assert " 99 " in last_picture(console)[2]


def test_what_is_no_reading_is_refused() -> None:
    with StageProgress(console=terminal()) as progress, pytest.raises(TypeError, match="'canary'"):
        progress("canary")  # type: ignore[arg-type]  # wrong on purpose


def test_a_pipe_is_told_of_statuses_and_not_of_each_poll() -> None:
    console = terminal(force_interactive=False)

    with StageProgress(console=console, now=stages_seen.Watch()) as progress:
        for number in range(50):
            progress(plan(stage(pending=100 - number, succeeded=number)))
        progress(plan(stage("canary", "DEPLOYED", succeeded=100)))

    assert written(console).splitlines() == [
        "spring-rollout/canary: INPROGRESS, 0 succeeded, 100 pending, 0 failed",
        "spring-rollout/canary: DEPLOYED, 100 succeeded, 0 pending, 0 failed",
    ]


def test_a_display_that_was_never_opened_can_be_left() -> None:
    console = terminal()

    StageProgress(console=console).__exit__(None, None, None)

    assert written(console) == ""
