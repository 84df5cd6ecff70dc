"""Stages as they are seen in a rollout, and consoles that keep what they show."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO

from rich.console import Console

from sagemaker_plans import (
    DeviceCounts,
    EdgeDeploymentPlan,
    FailureHandlingPolicy,
    PercentageOfFleet,
    Stage,
    StageStatus,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Watch:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def after(self, **units: float) -> None:
        self.now = NOON + timedelta(**units)


def stage(
    name: str = "canary",
    status: str = "INPROGRESS",
    *,
    succeeded: int = 0,
    pending: int = 0,
    failed: int = 0,
    message: str | None = None,
    start_time: datetime | None = None,
) -> Stage:
    return Stage(
        name=name,
        device_selection=PercentageOfFleet(10),
        failure_handling_policy=FailureHandlingPolicy.DO_NOTHING,
        status=StageStatus(status),
        status_message=message,
        devices=DeviceCounts(succeeded, pending, failed),
        start_time=start_time,
    )


def plan(*stages: Stage, name: str = "spring-rollout") -> EdgeDeploymentPlan:
    return EdgeDeploymentPlan(
        arn=f"arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/{name}",
        name=name,
        device_fleet_name="cameras",
        model_configs=(),
        stages=stages,
    )


def terminal(*, width: int = 100, encoding: str = "utf-8", **settings: object) -> Console:
    file = StringIO()
    # Rich reads the encoding off the file; a StringIO has none.
    console = Console(
        file=file,
        force_terminal=True,
        width=width,
        height=40,
        legacy_windows=False,
        **{"color_system": None, **settings},  # type: ignore[arg-type]  # any setting of rich
    )
    if encoding != "utf-8":
        console.file = _Encoded(encoding)
    return console


class _Encoded(StringIO):
    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a property there
        return self._encoding


def written(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def last_picture(console: Console) -> list[str]:
    """Give the lines that stand on the terminal now."""
    return last_picture_in(written(console))


def last_picture_in(output: str) -> list[str]:
    """Give the lines that stand on a terminal that got this."""
    _, _, last = output.rpartition("\x1b[2K")
    return [line.rstrip() for line in re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", last).splitlines()]
