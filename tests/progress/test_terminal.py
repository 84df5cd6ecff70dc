"""What stands on a terminal while stages are deployed."""

import sys
import threading
import time
from io import StringIO

import anyio
import pytest
import rich
from rich.console import Console

from progress.stages_seen import NOON, Watch, last_picture, plan, stage, terminal, written
from sagemaker_plans import Stage, StageChange, StageStatus
from sagemaker_plans.progress import StageProgress

SHOW_CURSOR = "\x1b[?25h"


def picture(*seen: Stage, width: int = 100, encoding: str = "utf-8") -> list[str]:
    console = terminal(width=width, encoding=encoding)
    with StageProgress(console=console, now=Watch()) as progress:
        progress(plan(*seen))
        return last_picture(console)


def refresh_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if type(one).__module__ == "rich.live"]


def assert_no_thread_is_left() -> None:
    # Rich tells its thread to end and does not wait for it.
    for thread in refresh_threads():
        thread.join(timeout=5)
    assert refresh_threads() == []


def test_before_the_first_reading_it_says_that_it_waits() -> None:
    console = terminal()

    with StageProgress(console=console):
        assert last_picture(console) == ["waiting for the first reading"]


def test_each_stage_has_a_bar_numbers_and_its_time(watch: Watch) -> None:
    console = terminal(width=80)
    watch.after(minutes=12, seconds=3)

    with StageProgress(console=console, now=watch) as progress:
        progress(
            plan(
                stage("canary", succeeded=4300, pending=5600, failed=100, start_time=NOON),
                stage("everyone", "READYTODEPLOY", pending=90_000),
            )
        )

        assert last_picture(console) == [
            "spring-rollout  0 of 2 stages deployed",
            "stage     status         progress    done  succeeded  pending  failed  elapsed",
            "canary    INPROGRESS     ━━━━x─────   44%      4,300    5,600     100  0:12:03",
            "everyone  READYTODEPLOY  ──────────    0%          0   90,000       0",
            "all                      ━x────────    4%      4,300   95,600     100  0:12:03",
        ]


def test_the_picture_is_that_of_the_last_reading() -> None:
    console = terminal()

    with StageProgress(console=console) as progress:
        progress(plan(stage("canary", "STARTING", pending=2)))
        progress(plan(stage("canary", "DEPLOYED", succeeded=2)))

        assert "STARTING" not in "".join(last_picture(console))
        assert "DEPLOYED" in "".join(last_picture(console))


def test_the_last_picture_stays_when_the_display_is_closed() -> None:
    console = terminal()

    with StageProgress(console=console) as progress:
        progress(plan(stage("canary", "DEPLOYED", succeeded=2)))

    assert "DEPLOYED" in "".join(last_picture(console))
    assert SHOW_CURSOR in written(console)


def test_a_single_stage_needs_no_plan_and_no_sum() -> None:
    console = terminal()

    with StageProgress(console=console) as progress:
        progress(stage("canary", succeeded=1, pending=1))
        heading, line = last_picture(console)

    assert heading.startswith("stage ")
    assert line.startswith("canary ")


def test_a_change_shows_the_stage_as_it_is_now() -> None:
    console = terminal()
    before, after = stage("canary", "STARTING"), stage("canary", "INPROGRESS", succeeded=1)

    with StageProgress(console=console) as progress:
        progress(StageChange(stage=after, previous=before))

        assert "INPROGRESS" in last_picture(console)[1]


def test_a_stage_seen_alone_moves_under_its_plan_when_that_is_seen() -> None:
    console = terminal()

    with StageProgress(console=console) as progress:
        progress(stage("canary", "STARTING"))
        progress(stage("other-plans-stage", "STARTING"))
        progress(plan(stage("canary", "INPROGRESS"), stage("everyone", "CREATING")))
        progress(stage("canary", "DEPLOYED"))
        names = [line.split()[0] for line in last_picture(console)]

        assert ["stage", "other-plans-stage", "spring-rollout", *names[3:]] == names
        assert names[3:] == ["stage", "canary", "everyone", "all"]
        assert "1 of 2 stages deployed" in last_picture(console)[2]


def test_two_plans_stand_below_each_other() -> None:
    console = terminal()

    with StageProgress(console=console) as progress:
        progress(plan(stage("canary"), name="spring"))
        progress(plan(stage("canary"), name="summer"))
        lines = last_picture(console)

    assert [line.split()[0] for line in lines] == [
        "spring",
        "stage",
        "canary",
        "summer",
        "stage",
        "canary",
    ]


def test_a_stage_that_is_gone_from_its_plan_is_gone_from_the_picture() -> None:
    console = terminal()

    with StageProgress(console=console) as progress:
        progress(plan(stage("canary"), stage("everyone")))
        progress(plan(stage("canary")))

        assert "everyone" not in "".join(last_picture(console))


def test_a_plan_without_stages_is_named() -> None:
    assert picture() == ["spring-rollout  0 of 0 stages deployed"]


def test_failed_stages_and_devices_are_counted_and_explained() -> None:
    title, _, canary, message = picture(
        stage("canary", "FAILED", succeeded=9999, failed=1, message="1 of 10000 devices failed.")
    )

    assert title == "spring-rollout  0 of 1 stages deployed, 1 failed"
    assert canary.split()[2].endswith("━x")
    assert message == "! canary: 1 of 10000 devices failed."


def test_the_message_of_a_stage_that_goes_well_is_left_out() -> None:
    assert "2 of 2" not in "".join(picture(stage(succeeded=2, message="2 of 2 devices deployed.")))


@pytest.mark.parametrize("status", ["STOPPED", "PAUSEDFORREVIEW"])
def test_the_message_of_an_unusual_end_is_shown(status: str) -> None:
    assert picture(stage("canary", status, message="on request"))[-1] == "! canary: on request"


def test_an_unknown_status_is_shown_as_it_is() -> None:
    assert " PAUSEDFORREVIEW " in picture(stage("canary", "PAUSEDFORREVIEW"))[2]


@pytest.mark.parametrize("status", StageStatus)
def test_every_status_has_its_word_and_its_colour(status: StageStatus) -> None:
    console = terminal(color_system="standard")

    with StageProgress(console=console) as progress:
        progress(stage("canary", status))

    assert status in written(console)
    assert status is StageStatus.READYTODEPLOY or f"m{status}" in written(console)


def test_a_stage_without_devices_has_no_percentage() -> None:
    assert "%" not in picture(stage("nobody", "DEPLOYED"))[2]


def test_a_hundred_percent_is_not_said_while_a_device_is_pending() -> None:
    assert " 99% " in picture(stage(succeeded=9999, pending=1))[2]


@pytest.mark.parametrize("width", [120, 100, 80, 70, 60, 50, 40, 30, 12])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    lines = picture(
        stage("the-second-ring-of-the-rollout-in-western-europe", succeeded=4300, pending=5600),
        stage("canary", "FAILED", succeeded=9000, failed=1000, message="Many words " * 20),
        width=width,
    )

    assert len(lines) == 6
    assert [line for line in lines if len(line) > width] == []


def test_a_line_leaves_room_for_an_echoed_ctrl_c() -> None:
    lines = picture(stage("canary", "FAILED", failed=1, message="words " * 30), width=60)

    assert max(map(len, lines)) == 60 - len("^C")


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (100, "stage status progress done succeeded pending failed elapsed"),
        (80, "stage status progress succeeded pending failed elapsed"),
        (70, "stage status progress succeeded pending failed"),
        (60, "stage status progress succeeded failed"),
        (50, "stage status succeeded failed"),
        (40, "stage status failed"),
    ],
)
def test_a_narrow_terminal_keeps_what_matters_most(width: int, headings: str) -> None:
    seen = stage("the-second-ring-of-the-rollout", succeeded=43_000, pending=100_000)

    assert headings.split() == picture(seen, width=width)[1].split()


def test_a_long_name_is_cut_and_gets_what_room_there_is() -> None:
    name = "the-second-ring-of-the-rollout-in-western-europe"

    assert picture(stage(name), width=120)[2].startswith("the-second-ring-of-the-roll..  ")
    assert picture(stage(name), width=80)[2].startswith("the-second-r..  ")


def test_bars_do_not_move_when_a_status_changes() -> None:
    starting, deployed = picture(stage("canary", "STARTING")), picture(stage("canary", "DEPLOYED"))

    assert starting[1] == deployed[1]


def test_control_codes_of_a_reply_do_not_reach_the_terminal() -> None:
    seen = stage("can\x1b[2Jary", "FAILED\a", failed=1, message="\x1b]0;title\a and \x9b31m")
    console = terminal()

    with StageProgress(console=console) as progress:
        progress(plan(seen, name="spring\r\nrollout"))

    assert "can?[2Jary" in written(console)
    assert "spring??rollout" in written(console)
    assert "! can?[2Jary: ?]0;title? and ?31m" in written(console)


def test_an_encoding_without_lines_gets_ascii() -> None:
    lines = picture(
        stage("canár", succeeded=8, pending=1, failed=1, message="größer"),
        width=80,
        encoding="ascii",
    )

    assert all(line.isascii() for line in lines)
    assert lines[2].split()[:3] == ["can?r", "INPROGRESS", "###########x-"]


def test_time_passes_between_readings(watch: Watch) -> None:
    console = terminal()

    with StageProgress(console=console, now=watch) as progress:
        progress(stage("canary", start_time=NOON))
        watch.after(hours=25, seconds=1)
        deadline = time.monotonic() + 5
        while "25:00:01" not in written(console) and time.monotonic() < deadline:
            time.sleep(0.05)

    assert "25:00:01" in written(console)


def test_the_time_of_a_stage_stops_at_its_end(watch: Watch) -> None:
    console = terminal()
    everyone = stage("everyone", "READYTODEPLOY")

    with StageProgress(console=console, now=watch) as progress:
        progress(plan(stage("canary", "INPROGRESS", start_time=NOON), everyone))
        watch.after(minutes=1)
        progress(plan(stage("canary", "DEPLOYED", start_time=NOON), everyone))
        watch.after(minutes=5)
        progress(plan(stage("canary", "DEPLOYED", start_time=NOON), everyone))
        _, _, canary, _, total = last_picture(console)

    assert canary.endswith(" 0:01:00")
    assert total.endswith(" 0:05:00")


def test_the_time_of_all_stops_at_the_end_of_the_last(watch: Watch) -> None:
    console = terminal()
    done = stage("canary", "DEPLOYED", start_time=NOON)

    with StageProgress(console=console, now=watch) as progress:
        progress(plan(done, stage("everyone", "INPROGRESS", start_time=NOON)))
        watch.after(minutes=2)
        progress(plan(done, stage("everyone", "DEPLOYED", start_time=NOON)))
        watch.after(minutes=7)
        progress(plan(done, stage("everyone", "DEPLOYED", start_time=NOON)))

        assert last_picture(console)[-1].endswith(" 0:02:00")


def test_how_long_a_stage_took_that_was_found_at_its_end_is_not_guessed(watch: Watch) -> None:
    console = terminal()
    watch.after(days=3)

    with StageProgress(console=console, now=watch) as progress:
        progress(stage("canary", "DEPLOYED", succeeded=2, start_time=NOON))

        assert last_picture(console)[1].endswith("       0")


def test_a_stage_that_is_started_again_has_a_new_time(watch: Watch) -> None:
    console = terminal()

    with StageProgress(console=console, now=watch) as progress:
        progress(stage("canary", "INPROGRESS", start_time=NOON))
        watch.after(minutes=1)
        progress(stage("canary", "FAILED", start_time=NOON))
        watch.after(minutes=10)
        again = watch.now
        watch.after(minutes=12)
        # The run in between fell between two readings.
        progress(stage("canary", "FAILED", start_time=again))

        assert last_picture(console)[1].endswith(" 0:02:00")


def test_a_service_clock_that_is_ahead_gives_no_negative_time(watch: Watch) -> None:
    console = terminal()
    watch.after(seconds=-30)

    with StageProgress(console=console, now=watch) as progress:
        progress(stage("canary", start_time=NOON))

        assert last_picture(console)[1].endswith(" 0:00:00")


def test_an_error_closes_the_display() -> None:
    console = terminal()
    before = sys.stdout, sys.stderr

    def fail() -> None:
        with StageProgress(console=console) as progress:
            progress(stage())
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert written(console).count(SHOW_CURSOR) == 1
    assert before == (sys.stdout, sys.stderr)
    assert_no_thread_is_left()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancellation_closes_the_display(backend: str) -> None:
    console = terminal()

    async def cancelled() -> bool:
        with anyio.move_on_after(0.01) as scope, StageProgress(console=console) as progress:
            progress(stage())
            assert refresh_threads()
            await anyio.sleep_forever()
        return scope.cancelled_caught

    assert anyio.run(cancelled, backend=backend)
    assert written(console).count(SHOW_CURSOR) == 1
    assert_no_thread_is_left()


def test_a_display_can_be_used_again_and_begins_anew() -> None:
    console = terminal()
    progress = StageProgress(console=console)

    with progress:
        progress(stage("canary"))
    with progress:
        progress(stage("everyone"))

        assert "canary" not in "".join(last_picture(console))


def test_a_display_that_is_open_cannot_be_opened_again() -> None:
    progress = StageProgress(console=terminal())

    with progress, pytest.raises(RuntimeError, match="open already"):
        progress.__enter__()


def test_a_display_that_is_not_open_says_how_to_open_it() -> None:
    with pytest.raises(RuntimeError, match="with StageProgress"):
        StageProgress(console=terminal())(stage())


class TerminalFile(StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_printed_meanwhile_appears_above(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = TerminalFile()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(rich, "_console", None)

    with StageProgress() as progress:
        progress(stage("canary"))
        print("a line of the script's own")  # noqa: T201  # what a script prints meanwhile

    after = screen.getvalue().partition("a line of the script's own")[2]
    assert "canary" in after
    assert sys.stdout is screen


def test_what_goes_to_a_file_is_not_taken_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    output, screen = StringIO(), TerminalFile()
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(sys, "stderr", screen)

    with StageProgress(console=Console(stderr=True)) as progress:
        progress(stage("canary"))
        print("data")  # noqa: T201  # what a script prints meanwhile

    assert output.getvalue() == "data\n"
    assert "canary" in screen.getvalue()


def test_it_runs_where_there_is_no_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    console = terminal()

    with StageProgress(console=console) as progress:
        progress(stage("canary"))

        assert "canary" in last_picture(console)[1]
