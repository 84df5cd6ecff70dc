"""Many plans at one display: what is drawn, and what it costs."""

import sys
import threading
from collections.abc import Callable
from io import StringIO
from types import FrameType
from typing import Any

import pytest
from rich.console import Console, Group
from rich.segment import Segment

from harness import MakeClient, a_spec
from progress.stages_seen import NOON, Watch, last_picture, plan, stage, terminal, written
from sagemaker_plans import EdgeDeploymentPlan, StageChange
from sagemaker_plans.emulator import Emulator
from sagemaker_plans.progress import StageProgress, _background
from sagemaker_plans.progress._drawing import Picture


def plans(count: int, status: str = "INPROGRESS", **settings: Any) -> list[EdgeDeploymentPlan]:
    return [
        plan(
            stage("canary", "DEPLOYED", succeeded=2, start_time=NOON),
            stage("everyone", status, start_time=NOON, **settings),
            name=f"plan-{number:03}",
        )
        for number in range(count)
    ]


def small_terminal(height: int = 12, width: int = 100) -> Console:
    console = terminal(width=width)
    console.size = console.size.__class__(width, height)
    return console


def test_plans_that_the_screen_holds_show_every_stage() -> None:
    console = small_terminal(height=10)

    with StageProgress(console=console, now=Watch()) as progress:
        for each in plans(2):
            progress(each)

        assert [line.split()[0] for line in last_picture(console)] == [
            *("plan-000", "stage", "canary", "everyone", "all"),
            *("plan-001", "stage", "canary", "everyone", "all"),
        ]


def test_more_plans_than_the_screen_holds_show_as_a_line_each_and_a_sum(watch: Watch) -> None:
    console = small_terminal(height=9, width=88)
    watch.after(minutes=2)

    with StageProgress(console=console, now=watch) as progress:
        for each in plans(3, succeeded=10, pending=28):
            progress(each)
        progress(plan(stage("canary", "DEPLOYED", succeeded=2), name="done"))

        assert [" ".join(line.split()) for line in last_picture(console)] == [
            "1 of 4 plans deployed",
            "plan stages status progress done succeeded pending failed elapsed",
            "plan-000 1/2 INPROGRESS ━━━─────── 30% 12 28 0 0:02:00",
            "plan-001 1/2 INPROGRESS ━━━─────── 30% 12 28 0 0:02:00",
            "plan-002 1/2 INPROGRESS ━━━─────── 30% 12 28 0 0:02:00",
            "done 1/1 DEPLOYED ━━━━━━━━━━ 100% 2 0 0",
            "all ━━━─────── 31% 38 84 0 0:02:00",
        ]


def test_plans_that_deserve_attention_come_first_where_not_even_a_line_each_fits() -> None:
    console = small_terminal(height=8)

    with StageProgress(console=console, now=Watch()) as progress:
        for each in plans(20, "DEPLOYED"):
            progress(each)
        progress(plan(name="empty"))
        progress(plan(stage("canary", "PAUSED"), name="odd"))
        progress(plan(stage("canary", "FAILED", failed=1, message="no disk"), name="broken"))
        lines = last_picture(console)

    assert lines[0] == "21 of 23 plans deployed, 1 failed"
    assert [line.split()[0] for line in lines[2:6]] == ["plan-000", "plan-001", "odd", "broken"]
    assert lines[6] == "and 19 more plans"
    assert lines[7].split()[0] == "all"
    assert len(lines) == 8


def test_messages_take_the_room_that_is_left() -> None:
    console = small_terminal(height=8)

    with StageProgress(console=console, now=Watch()) as progress:
        for name in ("spring", "summer", "autumn"):
            message = f"{name}: no disk"
            stages = stage("canary", "FAILED", failed=1, message=message), stage("everyone")
            progress(plan(*stages, name=name))

        assert last_picture(console)[6:] == [
            "! spring/canary: spring: no disk",
            "! summer/canary: summer: no disk",
        ]


def test_the_last_picture_has_all_plans_and_messages() -> None:
    console = small_terminal(height=8)

    with StageProgress(console=console, now=Watch()) as progress:
        for each in plans(30, "FAILED", failed=1, message="no disk"):
            progress(each)

    lines = last_picture(console)
    assert len([line for line in lines if line.startswith("plan-0")]) == 30
    assert len([line for line in lines if line.startswith("! plan-0")]) == 30
    assert "and" not in "".join(lines)


def test_a_single_plan_with_more_stages_than_lines_shows_as_a_line_each_stage() -> None:
    console = small_terminal(height=6)
    stages = [stage(f"stage-{number}", "CREATING") for number in range(9)]

    with StageProgress(console=console) as progress:
        progress(plan(*stages, stage("canary")))
        names = [line.split()[0] for line in last_picture(console)]

    assert names == ["0", "stage", "stage-0", "canary", "and", "all"]


def test_stages_alone_and_plans_share_a_full_screen() -> None:
    console = small_terminal(height=7)

    with StageProgress(console=console) as progress:
        progress(stage("alone", "FAILED", failed=1, message="no disk"))
        for each in plans(2):
            progress(each)
        lines = last_picture(console)

    assert lines[0] == "0 of 3 plans and stages deployed, 1 failed"
    assert [line.split()[0] for line in lines[1:]] == [
        *("plan", "alone", "plan-000", "plan-001", "all", "!"),
    ]


def test_a_picture_ends_its_last_line_so_that_another_can_stand_below_it() -> None:
    console = Console(file=StringIO())

    console.print(Group(Picture([(Segment("one"),)]), Picture([(Segment("two"),)])))

    assert written(console).splitlines() == ["one", "two"]


def test_a_screen_of_three_lines_still_gets_a_picture() -> None:
    console = small_terminal(height=3)

    with StageProgress(console=console) as progress:
        for each in plans(5):
            progress(each)

        assert last_picture(console)[0] == "0 of 5 plans deployed"
        assert len(last_picture(console)) == 3


def test_stages_of_the_same_name_stand_below_their_own_plans() -> None:
    console = terminal()

    with StageProgress(console=console) as progress:
        progress.for_plan("spring")(stage("canary", "STARTING"))
        progress.for_plan("summer")(stage("canary", "FAILED", failed=1))
        progress.for_plan("spring")(StageChange(stage=stage("canary", "DEPLOYED"), previous=None))
        lines = last_picture(console)

    assert [line.split()[:2] for line in lines] == [
        ["spring"],
        ["stage", "status"],
        ["canary", "DEPLOYED"],
        ["summer", "1"],
        ["stage", "status"],
        ["canary", "FAILED"],
    ]


def test_a_stage_that_could_be_of_either_plan_is_counted_for_neither() -> None:
    console = terminal(force_interactive=False)

    with StageProgress(console=console) as progress:
        progress(plan(stage("canary"), name="spring"))
        progress(plan(stage("canary"), name="summer"))
        progress(stage("canary", "FAILED"))
        progress(plan(stage("canary", "DEPLOYED"), name="autumn"))
        progress(stage("canary", "STOPPED"))

    assert [line.partition(",")[0] for line in written(console).splitlines()] == [
        "spring/canary: INPROGRESS",
        "summer/canary: INPROGRESS",
        "canary: FAILED",
        "autumn/canary: DEPLOYED",
        "canary: STOPPED",
    ]


def test_a_stage_told_alone_moves_to_its_plan_when_that_has_got_it() -> None:
    console = terminal()

    with StageProgress(console=console) as progress:
        progress(plan(stage("canary")))
        progress(stage("everyone", "CREATING"))
        progress(plan(stage("canary"), stage("everyone", "CREATING")))
        names = [line.split()[0] for line in last_picture(console)]

    assert names == ["spring-rollout", "stage", "canary", "everyone", "all"]


def test_changes_of_a_watch_that_names_its_plan_stand_below_it() -> None:
    console = terminal(force_interactive=False)

    class Changes:
        plan_name = "spring"

        def __aiter__(self) -> "Changes":
            return self

        async def __anext__(self) -> StageChange:
            return StageChange(stage=stage("canary"), previous=None)

    with StageProgress(console=console) as progress:
        step = aiter(progress.follow(Changes())).__anext__()
        with pytest.raises(StopIteration):
            step.__await__().__next__()

    assert written(console).startswith("spring/canary: INPROGRESS")


@pytest.mark.anyio
async def test_a_wait_for_a_stage_tells_the_display_its_plan(
    make_client: MakeClient, emulator: Emulator
) -> None:
    console = terminal(force_interactive=False)
    async with make_client() as client:
        for name in ("spring", "summer"):
            await client.plans.create(a_spec(name, stages=1))
            await client.plans.start_stage(name, "stage-0")
        emulator.clock.advance(60)

        with StageProgress(console=console) as progress:
            for name in ("spring", "summer"):
                await client.plans.wait_until_stage_deployed(
                    name, "stage-0", timeout=5, on_poll=progress
                )

    assert [line.partition(":")[0] for line in written(console).splitlines()] == [
        "spring/stage-0",
        "summer/stage-0",
    ]


def calls_made(action: Callable[[], object]) -> int:
    """Count the calls of Python functions, in all threads."""
    made = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal made
        made += event == "call"

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return made


@pytest.fixture
def _time_to_draw_all(monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine some changes of the preparation would be left to rich's thread.
    monkeypatch.setattr(_background, "_CREDIT", 1000.0)


def cost_of_a_poll(count: int, *, is_change: bool, is_terminal: bool) -> int:
    console = terminal(width=120, force_interactive=is_terminal)
    with StageProgress(console=console, now=Watch()) as progress:
        for each in plans(count, pending=9):
            progress(each)
        again = plans(count, "FAILED" if is_change else "INPROGRESS", pending=9)[count // 2]
        return calls_made(lambda: progress(again))


@pytest.mark.usefixtures("_time_to_draw_all")
@pytest.mark.parametrize("kind", ["terminal", "pipe"])
def test_a_poll_that_changes_nothing_costs_the_same_however_many_plans(kind: str) -> None:
    few = cost_of_a_poll(4, is_change=False, is_terminal=kind == "terminal")
    many = cost_of_a_poll(400, is_change=False, is_terminal=kind == "terminal")

    assert few < 200
    assert many < few + 50  # of which the garbage collector may make some


def test_a_line_on_a_pipe_costs_the_same_however_many_plans() -> None:
    few = cost_of_a_poll(4, is_change=True, is_terminal=False)

    assert cost_of_a_poll(400, is_change=True, is_terminal=False) <= few + 10


@pytest.mark.usefixtures("_time_to_draw_all")
def test_a_change_on_a_terminal_costs_at_most_a_screen() -> None:
    screen = cost_of_a_poll(60, is_change=True, is_terminal=True)

    # The sums are added up anew: some calls for each plan, where drawing it takes hundreds.
    assert cost_of_a_poll(460, is_change=True, is_terminal=True) < screen + 400 * 12
