"""Seeds that are made in Python: from any iterables, and with entries of a wrong class."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.requests_made import plan_request, stage
from sagemaker_plans.emulator import (
    FleetSeed,
    OfferingSeed,
    PlanOfferingSeed,
    PlanSeed,
    Seed,
    Service,
    TrainingPlanSeed,
)


def test_a_list_may_be_anything_that_can_be_gone_through_once() -> None:
    fleet = FleetSeed(name="f", devices=(f"d-{n}" for n in range(3)), failing=iter(["d-1"]))
    plan = PlanSeed(
        create=plan_request("p", stage("s"), DeviceFleetName="f"),
        start=iter(["s"]),
    )
    training_plan = TrainingPlanSeed(
        name="t",
        target_resources=iter(["endpoint"]),
        offerings=(OfferingSeed(offering_id=f"o-{n}") for n in range(2)),
    )
    offering = PlanOfferingSeed(offering_id="o", target_resources={"endpoint": ""}.keys())
    seed = Seed(
        fleets=iter([fleet]),
        plans=[plan],
        training_plans=(each for each in [training_plan]),
        plan_offerings={offering.offering_id: offering}.values(),
    )
    service = Service(seed=seed)
    for _ in range(2):
        service.clock.advance(60)
        state: Any = service.snapshot()
        assert state["fleets"][0]["Devices"] == ["d-0", "d-1", "d-2"]
        ((status,),) = (
            [each["DeploymentStatus"]["StageStatus"] for each in one["Stages"]]
            for one in state["edge_deployment_plans"]
        )
        assert status == "FAILED"
        assert len(state["training_plans"][0]["Offerings"]) == 2
        assert state["training_plans"][0]["TargetResources"] == ["endpoint"]
        assert state["plan_offerings"][0]["TargetResources"] == ["endpoint"]
        service.reset()


# Without their types, because what they are given is wrong.
SEED: Any = Seed
FLEET: Any = FleetSeed
PLAN: Any = PlanSeed
TRAINING_PLAN: Any = TrainingPlanSeed
F = FleetSeed(name="f")


@pytest.mark.parametrize(
    ("seed", "problem"),
    [
        (SEED(fleets=5), "fleets must be a list of FleetSeed, not 5"),
        (SEED(fleets=F), r"fleets must be a list of FleetSeed, not FleetSeed\(name='f'"),
        (SEED(fleets={"f": F}), r"fleets must be a list of FleetSeed, not \{'f': "),
        (SEED(plans="ab"), "plans must be a list of PlanSeed, not 'ab'"),
        (
            SEED(fleets=[{"name": "f"}]),
            r"fleets\[0\] must be of the class FleetSeed, not \{'name': ",
        ),
        (
            SEED(plan_offerings=[F]),
            r"plan_offerings\[0\] must be of the class PlanOfferingSeed, not ",
        ),
        (
            SEED(training_plans=[TRAINING_PLAN(name="t", offerings=[F])]),
            r"training_plans\[0\]\.offerings\[0\] must be of the class OfferingSeed, not FleetSeed",
        ),
        (SEED(state={}), r"state must be a SavedState or None, not \{\}"),
        (
            SEED(fleets=[FLEET(name="f", devices="ab")]),
            r"fleets\[0\] is wrong: devices must be a list of device names.*, not 'ab'",
        ),
        (
            SEED(fleets=[FLEET(name="f", failing=5)]),
            r"fleets\[0\] is wrong: failing must be a list of names, .*, not 5",
        ),
        (
            SEED(plans=[PLAN(create={}, start="s")]),
            r"plans\[0\] is wrong: start must be a list of names, not 's'",
        ),
    ],
)
def test_what_is_no_list_and_no_such_entry_is_named(seed: Seed, problem: str) -> None:
    service = Service()
    before = service.snapshot()["fleets"]
    with pytest.raises(ValueError, match=f"^{problem}"):
        service.plant(seed)
    assert service.snapshot()["fleets"] == before
