"""Draws the pictures of the README: the progress display, and the table of a notebook.

    python docs/pictures.py

Needs the extra `rich`. Both pictures are drawn by the code that users run, of one and the
same moment of a rollout; a test holds the files against it.
"""

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

from rich.console import Console

import sagemaker_plans as smp
from sagemaker_plans.progress import StageProgress

HOME: Final = Path(__file__).parent / "_static"
PROGRESS: Final = HOME / "progress.svg"
TABLE: Final = HOME / "notebook-table.svg"

NOW: Final = datetime(2026, 11, 2, 9, 41, 7, tzinfo=UTC)
_COLUMNS: Final = 100
_TABLE_SIZE: Final = (780, 168)  # pixels


def _stage(
    name: str, percentage: int, status: smp.StageStatus, *counts: int, minutes: int | None = None
) -> smp.Stage:
    return smp.Stage(
        name=name,
        device_selection=smp.PercentageOfFleet(percentage),
        failure_handling_policy=smp.FailureHandlingPolicy.ROLLBACK_ON_FAILURE,
        status=status,
        status_message="2 of 380 devices: the model did not load" if counts[2] else None,
        devices=smp.DeviceCounts(*counts),
        start_time=None if minutes is None else NOW - timedelta(minutes=minutes, seconds=7),
    )


def plan() -> smp.EdgeDeploymentPlan:
    """Give a plan in the middle of its rollout."""
    return smp.EdgeDeploymentPlan(
        arn="arn:aws:sagemaker:eu-west-1:123456789012:edge-deployment/spring-rollout",
        name="spring-rollout",
        device_fleet_name="cameras",
        model_configs=(smp.ModelConfig("detector", "detector-v7"),),
        stages=(
            _stage("canary", 1, smp.StageStatus.DEPLOYED, 10, 0, 0, minutes=95),
            _stage("first-third", 33, smp.StageStatus.DEPLOYED, 330, 0, 0, minutes=62),
            _stage("two-thirds", 38, smp.StageStatus.INPROGRESS, 214, 164, 2, minutes=19),
            _stage("everyone", 100, smp.StageStatus.READYTODEPLOY, 0, 280, 0),
        ),
        devices=smp.DeviceCounts(554, 444, 2),
        creation_time=NOW - timedelta(hours=2),
        last_modified_time=NOW - timedelta(minutes=19),
    )


def recorded_progress() -> Console:
    """Let the display show the plan, on a terminal that is recorded."""
    console = Console(
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        width=_COLUMNS,
        record=True,
        force_interactive=True,
        no_color=False,
        legacy_windows=False,
    )
    with StageProgress(console=console, now=lambda: NOW) as progress:
        progress(plan())
        # One picture, not each redrawing of it.
        console.export_text(clear=True)
    return console


def progress_svg(console: Console) -> str:
    """Draw what was recorded, with the reader's own fonts."""
    title = "await client.plans.wait_until_deployed(..., on_poll=progress)"
    svg = console.export_svg(title=title, unique_id="progress")
    # A picture that asks another server for its font is shown without it, or not at all.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def table_svg() -> str:
    """Draw the table as a notebook shows it."""
    width, height = _TABLE_SIZE
    # Any: the method is a notebook's to call.
    table = cast("Any", plan())._repr_html_()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">\n'
        '<rect width="100%" height="100%" rx="8" fill="#ffffff"/>\n'
        f'<foreignObject x="16" y="12" width="{width - 32}" height="{height - 24}">\n'
        '<div xmlns="http://www.w3.org/1999/xhtml" '
        'style="font: 13px system-ui, sans-serif; color: #1f2328">\n'
        f"{table}\n"
        "</div>\n</foreignObject>\n</svg>\n"
    )


def main() -> None:
    """Draw both."""
    PROGRESS.write_text(progress_svg(recorded_progress()), encoding="utf-8")
    TABLE.write_text(table_svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
