"""What a file, a pipe or a dumb terminal gets: a line for each change."""

import importlib
import sys
from io import StringIO
from typing import Any

import pytest
import rich
from rich.console import Console

from progress.stages_seen import NOON, Watch, plan, stage, terminal, written
from sagemaker_plans import Stage, StageChange
from sagemaker_plans.progress import StageProgress


def pipe(**settings: Any) -> Console:
    return Console(file=StringIO(), width=20, **settings)


def lines(*readings: Stage, console: Console | None = None) -> list[str]:
    console = console or pipe()
    with StageProgress(console=console, now=Watch()) as progress:
        for reading in readings:
            progress(reading)
    return written(console).splitlines()


def test_each_change_is_one_line_however_narrow_the_file() -> None:
    assert lines(
        stage("canary", "STARTING", pending=2, start_time=NOON),
        stage("canary", "INPROGRESS", succeeded=1, pending=1, start_time=NOON),
    ) == [
        "canary: STARTING, 0 succeeded, 2 pending, 0 failed, 0:00:00 elapsed",
        "canary: INPROGRESS, 1 succeeded, 1 pending, 0 failed, 0:00:00 elapsed",
    ]


def test_a_reading_without_a_change_is_no_line() -> None:
    assert len(lines(stage("canary"), stage("canary"))) == 1


def test_of_a_plan_only_what_changed_is_told() -> None:
    console = pipe()

    with StageProgress(console=console) as progress:
        progress(plan(stage("canary"), stage("everyone", "READYTODEPLOY")))
        progress(plan(stage("canary", "DEPLOYED"), stage("everyone", "READYTODEPLOY")))

    assert written(console).splitlines() == [
        "spring-rollout/canary: INPROGRESS, 0 succeeded, 0 pending, 0 failed",
        "spring-rollout/everyone: READYTODEPLOY, 0 succeeded, 0 pending, 0 failed",
        "spring-rollout/canary: DEPLOYED, 0 succeeded, 0 pending, 0 failed",
    ]


def test_a_stage_told_alone_is_not_told_again_with_its_plan() -> None:
    console = pipe()

    with StageProgress(console=console) as progress:
        progress(stage("canary"))
        progress(plan(stage("canary")))
        progress(plan(stage("canary")))

    assert len(written(console).splitlines()) == 1


def test_stages_of_the_same_name_are_told_for_each_plan() -> None:
    console = pipe()

    with StageProgress(console=console) as progress:
        progress(plan(stage("canary"), name="spring"))
        progress(plan(stage("canary"), name="summer"))

    assert [line.partition(":")[0] for line in written(console).splitlines()] == [
        "spring/canary",
        "summer/canary",
    ]


def test_a_change_is_told() -> None:
    console = pipe()

    with StageProgress(console=console) as progress:
        progress(StageChange(stage=stage("canary"), previous=None))

    assert written(console).startswith("canary: INPROGRESS")


def test_a_failure_is_told_in_the_service_s_words() -> None:
    assert lines(stage("canary", "FAILED", failed=1, message="1 device failed.")) == [
        "canary: FAILED, 0 succeeded, 0 pending, 1 failed: 1 device failed."
    ]


@pytest.mark.parametrize(
    "console",
    [
        pipe(),
        pipe(color_system="truecolor"),
        pipe(style="bold red", color_system="standard"),
        pipe(force_interactive=True),
        pipe(force_terminal=True, force_interactive=False, color_system="truecolor"),
    ],
    ids=["plain", "colours", "style", "interactive", "terminal-not-interactive"],
)
def test_there_are_no_control_codes(console: Console) -> None:
    (line,) = lines(stage("[red]can\x1b[1mary", "FAILED\n", failed=1), console=console)

    assert "\x1b" not in line
    assert line.startswith("[red]can?[1mary: FAILED?,")


def test_a_quiet_console_stays_quiet() -> None:
    assert lines(stage("canary"), console=pipe(quiet=True)) == []


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    console = terminal()

    assert lines(stage("canary"), console=console) == [
        "canary: INPROGRESS, 0 succeeded, 0 pending, 0 failed"
    ]


def test_a_forced_colour_does_not_make_a_file_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    output = StringIO()
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(rich, "_console", None)

    with StageProgress() as progress:
        progress(stage("canary"))

    assert output.getvalue() == "canary: INPROGRESS, 0 succeeded, 0 pending, 0 failed\n"


def test_letters_that_the_file_cannot_hold_end_no_wait() -> None:
    console = terminal(encoding="ascii", force_interactive=False)

    assert lines(stage("canár"), console=console)[0].startswith("can?r: ")


def test_without_rich_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.delitem(sys.modules, "sagemaker_plans.progress")

    with pytest.raises(ImportError) as caught:
        importlib.import_module("sagemaker_plans.progress")

    assert "pip install 'sagemaker-plans[rich]'" in str(caught.value)
    assert caught.value.name == "rich"
