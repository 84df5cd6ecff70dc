"""Processes of a real Airflow are killed in the middle of things. Everything ends, and once."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import anyio
import pytest
from processes.real_airflow import RealAirflow, eventually, real_airflow

from sagemaker_plans import (
    AsyncClient,
    EdgeDeploymentPlanSpec,
    ModelConfig,
    NamedDevices,
    StageSpec,
)
from sagemaker_plans.emulator import Emulator, Timings

EXTEND, START = "ExtendTrainingPlan", "StartEdgeDeploymentStage"
DESCRIBE = "DescribeEdgeDeploymentPlan"
WAITED_FOR = "waited-for"
TIMINGS = Timings(history_lag=20.0, payment_seconds=2.0, starting=3.0, device_report=0.5)


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[RealAirflow, Emulator]]:
    # The database has a user of its own, whom pytest keeps out of its folders.
    with TemporaryDirectory() as folder, Emulator(timings=TIMINGS) as emulator:
        env = {
            **emulator.environment(),
            "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
            "WAITED_FOR": WAITED_FOR,
        }
        with real_airflow(Path(folder), env) as airflow:
            yield airflow, emulator


def create_plan(emulator: Emulator, name: str) -> None:
    emulator.add_fleet("cameras", devices=["cam-001", "cam-002", "cam-003"])

    async def create() -> None:
        async with AsyncClient(
            endpoint_url=emulator.endpoint_url, region_name=emulator.region, session=None
        ) as client:
            await client.plans.create(
                EdgeDeploymentPlanSpec(
                    name=name,
                    device_fleet_name="cameras",
                    model_configs=[ModelConfig("detector", "detector-v7")],
                    stages=[
                        StageSpec("canary", NamedDevices(["cam-001"])),
                        StageSpec("everyone", NamedDevices(["cam-002", "cam-003"])),
                    ],
                )
            )

    with pytest.MonkeyPatch.context() as patch:
        for variable, value in emulator.environment().items():
            patch.setenv(variable, value)
        anyio.run(create)


def kill(airflow: RealAirflow, victim: str, run_id: str) -> None:
    """Kill what runs the task: its process, its supervisor, both, or the whole scheduler."""
    if victim == "scheduler":
        airflow.kill("scheduler")
        airflow.start("scheduler")
        return
    processes = airflow.processes_of(run_id)
    for each in ("supervisor", "task"):
        if victim in {each, "both"}:
            os.kill(processes[each], signal.SIGKILL)


VICTIMS = ["task", "supervisor", "both", "scheduler"]


@pytest.mark.parametrize("dag", ["buy_3", "keep"])
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_purchase_is_made_once_whatever_is_killed(
    world: tuple[RealAirflow, Emulator], victim: str, dag: str
) -> None:
    airflow, emulator = world
    run_id = f"{victim}-{uuid4().hex[:8]}"
    plan = emulator.add_training_plan(f"plan-{run_id}")
    offering = emulator.add_extension_offering(plan, duration_hours=168, resellable=True)
    until = (datetime.now(UTC) + timedelta(days=33)).isoformat()

    with emulator.hold_replies(EXTEND) as gate:
        airflow.trigger(dag, run_id, {"plan": plan, "offering": offering, "until": until})
        gate.wait_for_arrivals(timeout=300.0)
        kill(airflow, victim, run_id)
    state = airflow.ended(dag, run_id)

    bought = [each for each in emulator.purchases if each.training_plan_arn == plan]
    assert (state, len(bought)) == ("success", 1)


def test_a_restarted_scheduler_buys_nothing_again_without_retries_either(
    world: tuple[RealAirflow, Emulator],
) -> None:
    airflow, emulator = world
    run_id = f"no-retries-{uuid4().hex[:8]}"
    plan = emulator.add_training_plan(f"plan-{run_id}")
    offering = emulator.add_extension_offering(plan, duration_hours=168, resellable=True)

    with emulator.hold_replies(EXTEND) as gate:
        airflow.trigger("buy_0", run_id, {"plan": plan, "offering": offering})
        gate.wait_for_arrivals(timeout=300.0)
        kill(airflow, "scheduler", run_id)
    state = airflow.ended("buy_0", run_id)

    bought = [each for each in emulator.purchases if each.training_plan_arn == plan]
    assert (state, len(bought)) == ("success", 1)


@pytest.mark.parametrize("dag", ["buy_3", "keep"])
def test_a_task_that_is_cleared_in_the_middle_of_a_purchase_buys_nothing_again(
    world: tuple[RealAirflow, Emulator], dag: str
) -> None:
    airflow, emulator = world
    run_id = f"cleared-{uuid4().hex[:8]}"
    plan = emulator.add_training_plan(f"plan-{run_id}")
    offering = emulator.add_extension_offering(plan, duration_hours=168, resellable=True)
    until = (datetime.now(UTC) + timedelta(days=33)).isoformat()

    with emulator.hold_replies(EXTEND) as gate:
        airflow.trigger(dag, run_id, {"plan": plan, "offering": offering, "until": until})
        gate.wait_for_arrivals(timeout=300.0)
        airflow.clear(dag, run_id)
    state = airflow.ended(dag, run_id)

    bought = [each for each in emulator.purchases if each.training_plan_arn == plan]
    assert (state, len(bought)) == ("success", 1)


@pytest.mark.parametrize(
    ("dag", "state", "times"), [("mapped", "success", 1), ("mapped_in_store", "failed", 0)]
)
def test_mapped_tasks_that_want_the_same_buy_it_once_with_a_journal_and_never_without(
    world: tuple[RealAirflow, Emulator], dag: str, state: str, times: int
) -> None:
    airflow, emulator = world
    run_id = f"mapped-{uuid4().hex[:8]}"
    plan = emulator.add_training_plan(f"plan-{run_id}")
    offering = emulator.add_extension_offering(plan, duration_hours=168, resellable=True)

    airflow.trigger(dag, run_id, {"plan": plan, "offering": offering})

    assert airflow.ended(dag, run_id) == state
    bought = [each for each in emulator.purchases if each.training_plan_arn == plan]
    assert len(bought) == times


def runs(emulator: Emulator, plan: str) -> list[str]:
    """Name the stages of a plan that the service agreed to start."""
    requests = [(each, each.body or {}) for each in emulator.requests_of(START)]
    return [
        str(body["StageName"])
        for each, body in requests
        if body["EdgeDeploymentPlanName"] == plan and (each.committed or each.status == 200)
    ]


@pytest.mark.parametrize("victim", VICTIMS)
def test_no_stage_runs_twice_whatever_is_killed(
    world: tuple[RealAirflow, Emulator], victim: str
) -> None:
    airflow, emulator = world
    run_id = f"{victim}-{uuid4().hex[:8]}"
    plan = f"plan-{run_id}"
    create_plan(emulator, plan)

    with emulator.hold_replies(START) as gate:
        airflow.trigger("roll", run_id, {"plan": plan})
        gate.wait_for_arrivals(timeout=300.0)
        kill(airflow, victim, run_id)
    state = airflow.ended("roll", run_id)

    assert (state, runs(emulator, plan)) == ("success", ["canary", "everyone"])


def test_a_triggerer_that_is_killed_changes_nothing(
    world: tuple[RealAirflow, Emulator],
) -> None:
    airflow, emulator = world
    run_id = f"triggerer-{uuid4().hex[:8]}"
    plan = f"plan-{run_id}"
    create_plan(emulator, plan)

    airflow.trigger("roll_deferred", run_id, {"plan": plan})
    eventually(
        "the task is deferred",
        lambda: "deferred" in airflow.tasks("roll_deferred", run_id),
    )
    airflow.kill("triggerer")
    airflow.start("triggerer")
    state = airflow.ended("roll_deferred", run_id)

    assert (state, runs(emulator, plan)) == ("success", ["canary", "everyone"])


def memory_of(pid: int) -> float:
    """Add up the memory of a process and its descendants, in MiB."""
    children: dict[int, list[int]] = {}
    resident: dict[int, float] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(
                line.split(":", 1) for line in status.read_text().splitlines() if ":" in line
            )
        except OSError:
            continue
        number = int(status.parent.name)
        children.setdefault(int(lines["PPid"]), []).append(number)
        resident[number] = int(lines.get("VmRSS", "0 kB").split()[0]) / 1024

    def total(process: int) -> float:
        return resident.get(process, 0.0) + sum(map(total, children.get(process, [])))

    return total(pid)


def test_300_waits_on_one_plan_cost_one_request_per_interval_and_little_memory(
    world: tuple[RealAirflow, Emulator],
) -> None:
    airflow, emulator = world
    create_plan(emulator, WAITED_FOR)
    run_id = f"many-{uuid4().hex[:8]}"
    triggerer = airflow.processes["triggerer"].pid
    before = memory_of(triggerer)

    airflow.trigger("many", run_id, {})
    eventually(
        "300 tasks are deferred",
        lambda: airflow.tasks("many", run_id).count("deferred") == 300,
    )
    # A wait that joins looks at once. So count when the triggerer has begun all of them.
    eventually(
        "300 triggers run", lambda: "300 triggers currently running" in airflow.log("triggerer")
    )
    time.sleep(15.0)
    first, began = len(emulator.requests_of(DESCRIBE)), time.monotonic()
    time.sleep(60.0)
    requests, lasted = len(emulator.requests_of(DESCRIBE)) - first, time.monotonic() - began
    each = (memory_of(triggerer) - before) / 300
    print(
        f"{requests} requests in {lasted:.0f} s; {each:.2f} MiB for each wait; before {before:.0f}"
    )

    assert requests <= lasted / 12 + 1
    assert each <= 2.0
