"""The parts of `docs/emulator.md` that running its Python does not test."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from emulator.requests_made import send
from sagemaker_plans.emulator import Emulator, Fault, Service
from sagemaker_plans.emulator.__main__ import main
from sagemaker_plans.emulator._seeds.seed_file import read_seed

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def factories() -> set[str]:
    return {
        name
        for name, member in vars(Fault).items()
        if isinstance(member, classmethod) and not name.startswith("_")
    }


def test_every_fault_is_in_the_table_and_is_injected() -> None:
    assert set(re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE)) == factories()
    assert factories() <= set(re.findall(r"inject\([^\n]*Fault\.(\w+)\(", PAGE))


def test_every_operation_is_in_the_table() -> None:
    table = re.search(r"^## Operations\n(.*?)^## ", PAGE, re.DOTALL | re.MULTILINE)
    assert table is not None
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (.+) \|$", table[1], re.MULTILINE)
    assert [operation for operation, _ in rows] == sorted(Service().operations)
    assert {label.partition(";")[0] for _, label in rows} <= {"modelled", "documented", "invented"}


def test_every_option_of_the_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert options == set(re.findall(r"^\| `(--[a-z-]+)", PAGE, re.MULTILINE))


def test_every_path_of_the_admin_surface_is_named(emulator: Emulator) -> None:
    reply = send(emulator, b"", path="/_emulator/nothing").json["error"]
    paths = reply.rpartition("are: ")[2].split(", ")
    assert sorted(re.findall(r"^\| `(?:GET|POST) /_emulator/(\w+)`", PAGE, re.MULTILINE)) == paths


def test_every_behaviour_has_a_label() -> None:
    rows = PAGE.partition("| behaviour | label |")[2].splitlines()[2:]
    labels = {"modelled", "documented", "observed", "inferred", "invented", "not emulated"}
    unlabelled = [
        row
        for row in rows
        if not labels & set(re.findall(r"not emulated|\w+", row.split(" | ")[-1]))
    ]
    assert unlabelled == []
    assert len(rows) > 50


def test_its_seed_can_be_planted(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    (text,) = blocks("toml")
    path.write_text(text, encoding="utf-8")
    with Emulator(seed=path) as emulator:
        assert emulator.training_plan_arn.endswith("/big")
    assert [fleet.name for fleet in read_seed(path).fleets] == ["robots"]


def curl_knows(option: str) -> bool:
    curl = shutil.which("curl")
    if curl is None or shutil.which("bash") is None:
        return False
    manual = subprocess.run([curl, "--help", "all"], capture_output=True, text=True, check=False)
    return option in manual.stdout


@pytest.mark.skipif(
    not (curl_knows("--aws-sigv4") and curl_knows("--fail-with-body")),
    reason="needs bash and curl 7.76 or newer",
)
def test_its_commands_for_curl_work(emulator: Emulator) -> None:
    (script,) = blocks("sh")
    emulator.clock.release()
    finished = subprocess.run(
        ["bash", "-eu"],
        input=script,
        env={**os.environ, **emulator.environment()},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert '"StageStatus":"DEPLOYED"' in finished.stdout
    assert '{"__type":"ThrottlingException","message":"Rate exceeded"}' in finished.stdout
    assert "The request was throttled." in finished.stdout
    recorded = json.loads(finished.stdout.rpartition("throttled.\n")[2])
    assert [(one["operation"], one["status"]) for one in recorded] == [
        ("CreateEdgeDeploymentPlan", 200),
        ("StartEdgeDeploymentStage", 200),
        ("DescribeEdgeDeploymentPlan", 200),
        ("ListTrainingPlans", 400),
    ]


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_each_of_its_blocks_of_python_runs_as_it_stands(number: int) -> None:
    """A reader copies one of them. `tests/docs` runs all of them, one after the other."""
    exec(compile(blocks("python")[number], f"emulator.md, block {number}", "exec"), {})  # noqa: S102  # our own page
