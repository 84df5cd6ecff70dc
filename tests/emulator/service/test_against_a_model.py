"""Random operations on the service and on a model that is small enough to be right."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from emulator.requests_made import (
    create,
    described,
    extend,
    history,
    stage,
    stage_state,
    start,
    stop,
)
from harness import examples
from sagemaker_plans.emulator import Refusal, Service, Timings

TIMINGS = Timings(
    creating=3, starting=2, device_report=1, report_spread=1000, stopping=4, payment_seconds=5
)
FLEET = {"cameras": (5, frozenset({1, 3})), "robots": (3, frozenset[int]())}
NAMES = st.sampled_from(["p", "q"])
STAGES = st.sampled_from(["a", "b"])
OFFERINGS = ["tpeo-0123456789abcdef", "tpeo-0123456789abcde0", "tpeo-0123456789abcde1"]


@attrs.define
class StageModel:
    """One stage that goes second by second where the emulator computes."""

    fleet: str
    status: str = "CREATING"
    left: int = 3
    reported: int = 0

    def counts(self) -> tuple[str, int, int, int]:
        devices, failing = FLEET[self.fleet]
        failed = len([number for number in failing if number < self.reported])
        return self.status, self.reported - failed, devices - self.reported, failed

    def second(self) -> None:
        devices, failing = FLEET[self.fleet]
        if self.status in {"CREATING", "STARTING", "STOPPING"}:
            self.left -= 1
            if self.left == 0:
                following = {
                    "CREATING": "READYTODEPLOY",
                    "STARTING": "INPROGRESS",
                    "STOPPING": "STOPPED",
                }
                self.status = following[self.status]
        elif self.status == "INPROGRESS":
            self.reported += 1
            if self.reported == devices:
                self.status = "FAILED" if failing else "DEPLOYED"


class EmulatorAgainstModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.service = Service(timings=TIMINGS)
        self.service.clock.hold()
        for name, (devices, failing) in FLEET.items():
            names = [f"d{number}" for number in range(devices)]
            self.service.add_fleet(name, devices=names, failing=[names[at] for at in failing])
        self.plans: dict[str, tuple[str, dict[str, StageModel]]] = {}
        self.bought: dict[str, int] = {}

    def outcome(self, call: Any, *arguments: Any, **options: Any) -> str:
        try:
            call(*arguments, **options)
        except Refusal as refusal:
            return refusal.code
        return "done"

    @rule(plan=NAMES, fleet=st.sampled_from(sorted(FLEET)), stages=st.sets(STAGES))
    def create(self, plan: str, fleet: str, stages: set[str]) -> None:
        outcome = self.outcome(
            create, self.service, plan, *map(stage, sorted(stages)), DeviceFleetName=fleet
        )
        if plan in self.plans:
            assert outcome == "ResourceInUse"
        else:
            assert outcome == "done"
            self.plans[plan] = (fleet, {name: StageModel(fleet) for name in sorted(stages)})

    @rule(plan=NAMES, name=STAGES)
    def add_stage(self, plan: str, name: str) -> None:
        outcome = self.outcome(
            self.service.handle,
            "CreateEdgeDeploymentStage",
            {"EdgeDeploymentPlanName": plan, "Stages": [stage(name)]},
        )
        if plan not in self.plans:
            assert outcome == "ResourceNotFound"
        elif name in self.plans[plan][1]:
            assert outcome == "ResourceInUse"
        else:
            assert outcome == "done"
            fleet, stages = self.plans[plan]
            stages[name] = StageModel(fleet)

    @rule(plan=NAMES, name=STAGES)
    def start(self, plan: str, name: str) -> None:
        outcome = self.outcome(start, self.service, plan, name)
        found = self._find(plan, name)
        if found is None:
            assert outcome == "ResourceNotFound"
        elif found.status in {"READYTODEPLOY", "STOPPED", "FAILED"}:
            assert outcome == "done"
            found.status, found.left, found.reported = "STARTING", 2, 0
        else:
            assert outcome == "ResourceInUse"

    @rule(plan=NAMES, name=STAGES)
    def stop(self, plan: str, name: str) -> None:
        outcome = self.outcome(stop, self.service, plan, name)
        found = self._find(plan, name)
        if found is None:
            assert outcome == "ResourceNotFound"
        elif found.status in {"STARTING", "INPROGRESS"}:
            assert outcome == "done"
            found.status, found.left = "STOPPING", 4
        else:
            assert outcome == "ValidationException"

    @rule(plan=NAMES, name=STAGES)
    def delete_stage(self, plan: str, name: str) -> None:
        outcome = self.outcome(
            self.service.handle,
            "DeleteEdgeDeploymentStage",
            {"EdgeDeploymentPlanName": plan, "StageName": name},
        )
        found = self._find(plan, name)
        if found is None:
            assert outcome == "ResourceNotFound"
        elif found.status in {"STARTING", "INPROGRESS", "STOPPING"}:
            assert outcome == "ResourceInUse"
        else:
            assert outcome == "done"
            del self.plans[plan][1][name]

    @rule(plan=NAMES)
    def delete(self, plan: str) -> None:
        outcome = self.outcome(
            self.service.handle, "DeleteEdgeDeploymentPlan", {"EdgeDeploymentPlanName": plan}
        )
        if plan not in self.plans:
            assert outcome == "ResourceNotFound"
        elif any(
            one.status in {"STARTING", "INPROGRESS", "STOPPING"}
            for one in self.plans[plan][1].values()
        ):
            assert outcome == "ResourceInUse"
        else:
            assert outcome == "done"
            del self.plans[plan]

    @rule(offering=st.sampled_from(OFFERINGS))
    def extend(self, offering: str) -> None:
        outcome = self.outcome(extend, self.service, offering)
        if offering in self.bought or any(left > 0 for left in self.bought.values()):
            assert outcome == "ConflictException"
        else:
            assert outcome == "done"
            self.bought[offering] = 5

    @rule(seconds=st.integers(1, 8))
    def wait(self, seconds: int) -> None:
        self.service.clock.advance(seconds)
        for _ in range(seconds):
            for _, stages in self.plans.values():
                for one in stages.values():
                    one.second()
            self.bought = {name: left - 1 for name, left in self.bought.items()}

    @invariant()
    def every_stage_is_where_it_should_be(self) -> None:
        for plan, (fleet, stages) in self.plans.items():
            found = described(self.service, plan)
            assert found["DeviceFleetName"] == fleet
            assert [one["StageName"] for one in found["Stages"]] == list(stages)
            for name, one in stages.items():
                assert stage_state(self.service, plan, name) == one.counts()
            counts = [one.counts() for one in stages.values()]
            assert found["EdgeDeploymentSuccess"] == sum(one[1] for one in counts)
            assert found["EdgeDeploymentPending"] == sum(one[2] for one in counts)
            assert found["EdgeDeploymentFailed"] == sum(one[3] for one in counts)

    @invariant()
    def every_purchase_is_in_the_history_once(self) -> None:
        found = [
            (one["TrainingPlanExtensionOfferingId"], one["PaymentStatus"])
            for one in history(self.service)["TrainingPlanExtensions"]
        ]
        assert found == [
            (name, "Pending" if left > 0 else "Completed") for name, left in self.bought.items()
        ]
        assert [one.offering_id for one in self.service.purchases] == list(self.bought)

    def _find(self, plan: str, name: str) -> StageModel | None:
        return self.plans[plan][1].get(name) if plan in self.plans else None


TestEmulatorAgainstModel = EmulatorAgainstModel.TestCase
TestEmulatorAgainstModel.settings = settings(max_examples=examples(40), stateful_step_count=30)
