"""Tells what a rollout did, and which devices failed."""

from typing import Final

from sagemaker_plans._edge.listing import stage_device_pager
from sagemaker_plans._edge.rollout.readings import StageReadings
from sagemaker_plans._edge.rollout.stage_start import StageStart
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans.models import (
    DeviceDeploymentStatus,
    RolloutReport,
    StageDevice,
    StageOutcome,
    StageReport,
    StageStatus,
)

_MOST: Final = 1_000
"""So many failed devices are in a report at most."""
_NAMED: Final = 5
"""So many failed devices are named in a message."""

UNTOUCHED: Final = frozenset({StageStatus.CREATING, StageStatus.READYTODEPLOY})
"""The statuses of a stage that was never started."""


def report_of(
    readings: StageReadings,
    starts: dict[str, StageStart],
    failed_devices: tuple[StageDevice, ...] = (),
) -> RolloutReport:
    """Tell what a rollout has done so far.

    Args:
        readings: What it has read.
        starts: The starts that it has made, by stage.
        failed_devices: The devices that failed in the stage that has stopped it.

    Returns:
        The report.
    """
    return RolloutReport(
        plan_name=readings.plan.name,
        stages=tuple(_stage_report(readings, starts.get(name), name) for name in readings.names),
        may_still_run=tuple(
            name for name in readings.names if may_run(readings, starts.get(name), name)
        ),
        failed_devices=failed_devices,
    )


def may_run(readings: StageReadings, start: StageStart | None, name: str) -> bool:
    """Tell whether a stage may run.

    Args:
        readings: What the rollout has read.
        start: Its start of the stage; None if it has made none.
        name: The stage.

    Returns:
        Whether it may run: the last reading says so, or may be from before the start.
    """
    stage = readings.last[name]
    if start is not None and start.is_own and start.is_old(stage):
        return True
    return not stage.status.is_terminal and stage.status not in UNTOUCHED


def _stage_report(readings: StageReadings, start: StageStart | None, name: str) -> StageReport:
    stage = readings.last[name]
    outcome: StageOutcome
    if readings.first[name].status is StageStatus.DEPLOYED:
        outcome = "already_deployed"
    elif may_run(readings, start, name):
        outcome = "under_way"
    elif stage.status is StageStatus.DEPLOYED:
        outcome = "deployed"
    elif stage.status is StageStatus.FAILED:
        outcome = "failed"
    else:
        outcome = "stopped" if stage.status is StageStatus.STOPPED else "not_started"
    return StageReport(
        stage=stage, outcome=outcome, was_started=start is not None and start.accepted
    )


async def failed_devices(
    gateway: Gateway, retrier: Retrier, plan_name: str, stage_name: str
) -> tuple[StageDevice, ...]:
    """Read which devices of a stage failed.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        plan_name: The plan.
        stage_name: The stage.

    Returns:
        The devices, not more than 1,000.

    Raises:
        SageMakerPlansError: If they cannot be read.
    """
    found: list[StageDevice] = []
    async for device in stage_device_pager(gateway, retrier, plan_name, stage_name):
        if device.status is DeviceDeploymentStatus.FAILED:
            found.append(device)
            if len(found) == _MOST:
                break
    return tuple(found)


def message_of(reason: str, report: RolloutReport, problems: list[str]) -> str:
    """Write the message of a rollout that has stopped.

    Args:
        reason: Why it has stopped.
        report: What it has done.
        problems: What went wrong at its end.

    Returns:
        The message.
    """
    parts = [f"the rollout of plan {report.plan_name} has stopped: {reason}"]
    if report.failed_devices:
        named = [_device_text(device) for device in report.failed_devices[:_NAMED]]
        if more := len(report.failed_devices) - len(named):
            named.append(f"and {more} more")
        parts.append(f"failed devices: {', '.join(named)}")
    if report.may_still_run:
        parts.append(f"may still run: {', '.join(report.may_still_run)}")
    return "; ".join([*parts, *problems])


def _device_text(device: StageDevice) -> str:
    return f"{device.name} ({device.status_message})" if device.status_message else device.name
