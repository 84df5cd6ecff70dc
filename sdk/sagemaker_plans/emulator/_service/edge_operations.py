"""The operations on edge deployment plans and their stages, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from sagemaker_plans.emulator._service.fleet_operations import fleet_arn
from sagemaker_plans.emulator._state.edge_plans import DEFAULT_POLICY, EdgePlan, Stage
from sagemaker_plans.emulator._state.fleets import Device, Fleet
from sagemaker_plans.emulator._state.rollout import (
    BUSY,
    RUNNING,
    STARTABLE,
    Rollout,
)
from sagemaker_plans.emulator._state.tables import Table
from sagemaker_plans.emulator._state.timings import Timings
from sagemaker_plans.emulator._wire.members import (
    Caller,
    Reply,
    Request,
    flag,
    is_between,
    optional_text,
    structure,
    structures,
    tags,
    text,
)
from sagemaker_plans.emulator._wire.pagination import page, with_token
from sagemaker_plans.emulator._wire.refusal import in_use, invalid, limit_exceeded, not_found

STAGE_LIMIT: Final = 10
"""The number of stages that one plan may have, from the documentation."""


@attrs.define
class EdgeDeployments:
    """All fleets and edge deployment plans, and the operations on them."""

    now: Callable[[], float]
    timings: Timings
    loose_fleets: bool
    failure_tolerance: float
    fleets: Table[str, Fleet]
    """By ARN."""

    plans: Table[str, EdgePlan]
    """By ARN. The fleet of a plan is always there."""

    def create_plan(self, request: Request, caller: Caller) -> Reply:
        """Answer CreateEdgeDeploymentPlan."""
        name = text(request, "EdgeDeploymentPlanName")
        arn = caller.arn(f"edge-deployment/{name}")
        if arn in self.plans:
            raise in_use(f"Edge deployment plan {name} already exists.")
        fleet_name = text(request, "DeviceFleetName")
        plan = EdgePlan(
            name=name,
            arn=arn,
            fleet_name=fleet_name,
            model_configs=structures(request, "ModelConfigs"),
            created_at=self.now(),
            modified_at=self.now(),
            tags=tags(request),
        )
        fleet = self.fleets.get(fleet_arn(fleet_name, caller))
        if fleet is None:
            if not self.loose_fleets:
                raise not_found(f"Device fleet {fleet_name} does not exist.")
            fleet = Fleet.create(fleet_name, fleet_arn(fleet_name, caller), now=self.now())
        self._add_stages(plan, fleet, structures(request, "Stages"))
        self.fleets[fleet.arn] = fleet
        self.plans[arn] = plan
        return {"EdgeDeploymentPlanArn": plan.arn}

    def create_stages(self, request: Request, caller: Caller) -> Reply:
        """Answer CreateEdgeDeploymentStage."""
        plan = self._plan(request, caller)
        self._add_stages(plan, self._fleet(plan, caller), structures(request, "Stages"))
        plan.modified_at = self.now()
        return {}

    def describe_plan(self, request: Request, caller: Caller) -> Reply:
        """Answer DescribeEdgeDeploymentPlan."""
        plan, now = self._shown(self._plan(request, caller))
        stages, next_token = page(
            "DescribeEdgeDeploymentPlan",
            request,
            tuple(plan.stages.values()),
            default_size=STAGE_LIMIT,
        )
        reply = plan.summary(now)
        reply["ModelConfigs"] = [dict(config) for config in plan.model_configs]
        reply["Stages"] = [stage.summary(now) for stage in stages]
        return with_token(reply, next_token)

    def start_stage(self, request: Request, caller: Caller) -> Reply:
        """Answer StartEdgeDeploymentStage."""
        plan, now = self._plan(request, caller), self.now()
        stage = plan.stage(text(request, "StageName"))
        status = stage.status(now)
        if status not in STARTABLE:
            raise in_use(f"Stage {stage.name} cannot be started while it is {status}.")
        fleet = self._fleet(plan, caller)
        # The fleet may have changed since the stage was created.
        stage.devices = fleet.select(stage.selection, loose=self.loose_fleets)
        self._join(fleet, stage)
        stage.rollout = Rollout(
            devices=stage.devices,
            failing=tuple(
                position for position, device in enumerate(stage.devices) if device in fleet.failing
            ),
            started_at=now,
            first_report_after=self.timings.starting,
            report_interval=min(
                self.timings.device_report,
                self.timings.report_spread / max(len(stage.devices), 1),
            ),
            stopping=self.timings.stopping,
            failure_tolerance=self.failure_tolerance,
            before=stage.rollout and attrs.evolve(stage.rollout, before=None),
        )
        plan.modified_at = now
        return {}

    def stop_stage(self, request: Request, caller: Caller) -> Reply:
        """Answer StopEdgeDeploymentStage."""
        plan, now = self._plan(request, caller), self.now()
        stage = plan.stage(text(request, "StageName"))
        status = stage.status(now)
        if stage.rollout is None or status not in RUNNING:
            raise invalid(f"Stage {stage.name} cannot be stopped while it is {status}.")
        stage.rollout = attrs.evolve(stage.rollout, stopped_at=now)
        plan.modified_at = now
        return {}

    def delete_stage(self, request: Request, caller: Caller) -> Reply:
        """Answer DeleteEdgeDeploymentStage."""
        plan, now = self._plan(request, caller), self.now()
        stage = plan.stage(text(request, "StageName"))
        _check_not_busy((stage,), now)
        del plan.stages[stage.name]
        plan.modified_at = now
        return {}

    def delete_plan(self, request: Request, caller: Caller) -> Reply:
        """Answer DeleteEdgeDeploymentPlan."""
        plan = self._plan(request, caller)
        _check_not_busy(tuple(plan.stages.values()), self.now())
        del self.plans[plan.arn]
        return {}

    def list_plans(self, request: Request, caller: Caller) -> Reply:
        """Answer ListEdgeDeploymentPlans."""
        sort_keys: dict[str, Callable[[EdgePlan], tuple[float | str, str]]] = {
            "NAME": lambda plan: (plan.name, plan.name),
            "DEVICE_FLEET_NAME": lambda plan: (plan.fleet_name, plan.name),
            "CREATION_TIME": lambda plan: (plan.created_at, plan.name),
            "LAST_MODIFIED_TIME": lambda plan: (plan.modified_at, plan.name),
        }
        found = sorted(
            (
                plan
                for arn, plan in self.plans.items()
                if caller.owns(arn) and _is_listed(plan, request)
            ),
            key=sort_keys[optional_text(request, "SortBy") or "CREATION_TIME"],
            reverse=optional_text(request, "SortOrder") == "Descending",
        )
        listed, next_token = page("ListEdgeDeploymentPlans", request, found, default_size=100)
        summaries = [shown.summary(now) for shown, now in map(self._shown, listed)]
        return with_token({"EdgeDeploymentPlanSummaries": summaries}, next_token)

    def list_stage_devices(self, request: Request, caller: Caller) -> Reply:
        """Answer ListStageDevices."""
        plan, now = self._shown(self._plan(request, caller))
        stage = plan.stage(text(request, "StageName"))
        positions: Sequence[int] = range(len(stage.devices))
        if flag(request, "ExcludeDevicesDeployedInOtherStage"):
            elsewhere = set[str]().union(
                *(
                    other.rollout.deployed(now)
                    for other in plan.stages.values()
                    if other is not stage and other.rollout is not None
                )
            )
            positions = [index for index in positions if stage.devices[index] not in elsewhere]
        listed, next_token = page("ListStageDevices", request, positions, default_size=100)
        fleet = self._fleet(plan, caller)
        summaries = [_device_summary(plan, stage, index, fleet, now) for index in listed]
        return with_token({"DeviceDeploymentSummaries": summaries}, next_token)

    def _shown(self, plan: EdgePlan) -> tuple[EdgePlan, float]:
        """Return a plan as readings show it, and the time that they show."""
        moment = self.now() - self.timings.reading_lag
        return (plan.as_of(moment) if self.timings.reading_lag else plan), moment

    def _fleet(self, plan: EdgePlan, caller: Caller) -> Fleet:
        return self.fleets[fleet_arn(plan.fleet_name, caller)]

    def _plan(self, request: Request, caller: Caller) -> EdgePlan:
        name = text(request, "EdgeDeploymentPlanName")
        try:
            return self.plans[caller.arn(f"edge-deployment/{name}")]
        except KeyError:
            raise not_found(f"Edge deployment plan {name} does not exist.") from None

    def _add_stages(self, plan: EdgePlan, fleet: Fleet, specs: Sequence[Request]) -> None:
        """Add all stages. If one of them is refused, add none."""
        if len(plan.stages) + len(specs) > STAGE_LIMIT:
            raise limit_exceeded(
                f"An edge deployment plan has at most {STAGE_LIMIT} stages; "
                f"{len(plan.stages) + len(specs)} were asked for."
            )
        ready_at = self.now() + self.timings.creating
        added: dict[str, Stage] = {}
        for spec in specs:
            name = text(spec, "StageName")
            if name in plan.stages:
                raise in_use(f"Stage {name} already exists in edge deployment plan {plan.name}.")
            if name in added:
                raise invalid(f"Stage name {name} is given more than once.")
            selection = structure(spec, "DeviceSelectionConfig")
            policy = DEFAULT_POLICY
            if "DeploymentConfig" in spec:
                policy = text(structure(spec, "DeploymentConfig"), "FailureHandlingPolicy")
            devices = fleet.select(selection, loose=self.loose_fleets)
            added[name] = Stage(name, selection, policy, ready_at, devices)
        # All stages are valid, so the plan can change now.
        plan.stages |= added
        for stage in added.values():
            self._join(fleet, stage)

    def _join(self, fleet: Fleet, stage: Stage) -> None:
        """Register the devices that a stage names, where nobody else has to."""
        if self.loose_fleets:
            fleet.add(stage.devices, Device(registered_at=self.now()))


def _check_not_busy(stages: Sequence[Stage], now: float) -> None:
    for stage in stages:
        if (status := stage.status(now)) in BUSY:
            raise in_use(f"Stage {stage.name} is {status}.")


def _is_listed(plan: EdgePlan, request: Request) -> bool:
    return (
        (optional_text(request, "NameContains") or "") in plan.name
        and (optional_text(request, "DeviceFleetNameContains") or "") in plan.fleet_name
        and is_between(request, "CreationTime", plan.created_at)
        and is_between(request, "LastModifiedTime", plan.modified_at)
    )


def _device_summary(plan: EdgePlan, stage: Stage, index: int, fleet: Fleet, now: float) -> Reply:
    name = stage.devices[index]
    summary: Reply = {
        "EdgeDeploymentPlanArn": plan.arn,
        "EdgeDeploymentPlanName": plan.name,
        "StageName": stage.name,
        "DeviceFleetName": plan.fleet_name,
        "DeviceName": name,
        "DeviceArn": fleet.device_arn(name),
        "DeviceDeploymentStatus": "READYTODEPLOY",
    }
    if stage.rollout is not None:
        status = stage.rollout.device_status(index, now)
        summary["DeviceDeploymentStatus"] = status
        summary["DeploymentStartTime"] = stage.rollout.started_at
        if status == "DEPLOYED":
            summary["DeployedStageName"] = stage.name
        if status == "FAILED":
            summary["DeviceDeploymentStatusMessage"] = "The device agent reported a failure."
    return summary
