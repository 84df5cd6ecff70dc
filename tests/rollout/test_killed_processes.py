"""Real processes, killed by the system while a request of theirs is on the wire."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import sagemaker_plans
from sagemaker_plans.emulator import Emulator, Fault, Gate, Timings

PROGRAM = Path(__file__).with_name("rollout_process.py")
TIMINGS = Timings(starting=0.4, device_report=0.2, report_spread=0.4)
FEW = (2, 5)
MANY = range(1, 13)


def cases() -> list[object]:
    return [
        pytest.param(number, committed, marks=[] if number in FEW else [pytest.mark.exhaustive])
        for number in MANY
        for committed in (False, True)
    ]


def begin(emulator: Emulator) -> subprocess.Popen[str]:
    # Coverage measures new interpreters too, and cannot write what it has when one is killed.
    inherited = {name: each for name, each in os.environ.items() if "COVERAGE" not in name}
    source = Path(sagemaker_plans.__file__).parents[1]
    return subprocess.Popen(  # this very Python
        [sys.executable, PROGRAM, emulator.endpoint_url],
        env={**inherited, **emulator.environment(), "PYTHONPATH": str(source)},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("number", "committed"), cases())
def test_the_next_process_goes_on_where_the_killed_one_was(number: int, *, committed: bool) -> None:
    with Emulator(timings=TIMINGS) as emulator:
        gate = Gate()
        emulator.inject("*", Fault.wait_until(gate, committed=committed), nth=number)
        with begin(emulator) as killed:
            gate.wait_for_arrivals(timeout=60)
            killed.kill()
        assert killed.returncode < 0
        gate.open()
        emulator.clear_faults()

        with begin(emulator) as second:
            outcomes, _ = second.communicate(timeout=60)

        assert second.returncode == 0
        assert set(outcomes.split()) <= {"deployed", "already_deployed"}
        assert len(outcomes.split()) == 2
        carried_out = Counter(
            (request.operation, (request.body or {}).get("StageName"))
            for request in emulator.requests
            if request.committed
        )
    assert carried_out["CreateEdgeDeploymentPlan", None] == 1
    for stage in ("stage-0", "stage-1"):
        assert carried_out["StartEdgeDeploymentStage", stage] == 1
