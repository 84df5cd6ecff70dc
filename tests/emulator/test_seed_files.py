from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator.requests_made import plan_request, stage
from sagemaker_plans.emulator import Emulator, SeedError
from sagemaker_plans.emulator._seed_file import read_seed

TOML = """
[[fleets]]
name = "robots"
devices = ["r-1", "r-2"]
failing = ["r-2"]

[[fleets]]
name = "sensors"
devices = 100
failure_rate = 0.1

[[plans]]
start = ["canary"]
[plans.create]
EdgeDeploymentPlanName = "spring"
DeviceFleetName = "robots"
ModelConfigs = [{ ModelHandle = "m", EdgePackagingJobName = "j" }]
[[plans.create.Stages]]
StageName = "canary"
DeviceSelectionConfig = { DeviceSubsetType = "PERCENTAGE", Percentage = 100 }

[[training_plans]]
name = "big"
status = "Active"
start_in_hours = -1.5
duration_hours = 100
instance_type = "ml.p5.48xlarge"
instance_count = 4
region = "eu-west-1"
offerings = [
    { offering_id = "tpeo-1", duration_hours = 24, upfront_fee = "10.00", resellable = true },
    { offering_id = "tpeo-2", currency_code = "EUR", sold_out = true, payment_fails = false },
]
"""


def written(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
    return path


def test_a_toml_file_furnishes_the_world(tmp_path: Path) -> None:
    with Emulator(seed=written(tmp_path, "seed.toml", TOML)) as emulator:
        emulator.clock.advance(60)
        state: Any = emulator.service.snapshot()
    assert set(state["fleets"]) == {"robots", "sensors"}
    (plan,) = state["edge_deployment_plans"]
    assert plan["Stages"][0]["DeploymentStatus"]["StageStatus"] == "FAILED"
    (training_plan,) = state["training_plans"]
    assert training_plan["TrainingPlanArn"].startswith("arn:aws:sagemaker:eu-west-1:")
    assert [one["UpfrontFee"] for one in training_plan["Offerings"]] == ["10.00", "1234.50"]


def test_a_json_file_does_too(tmp_path: Path) -> None:
    seed = {"fleets": [{"name": "f"}], "plans": [{"create": plan_request("p", stage("s"))}]}
    emulator = Emulator(seed=str(written(tmp_path, "seed.json", seed)))
    state: Any = emulator.service.snapshot()
    assert len(state["fleets"]["f"]) == 10
    assert state["training_plans"] == []


def test_an_empty_seed_is_an_empty_account(tmp_path: Path) -> None:
    assert read_seed(written(tmp_path, "seed.toml", "")) == read_seed(
        written(tmp_path, "seed.json", {})
    )


ERRORS: list[tuple[str, Any, str]] = [
    ("s.json", '{\n "fleets": [,]\n}', ":2: Expecting value"),
    (
        "s.toml",
        "\n[[fleets]\n",
        ": Expected ']]' at the end of an array declaration (at li",
    ),
    ("s.json", "[]", ": the file must be a table with the keys fleets, plans, training_plans"),
    (
        "s.toml",
        '[[fleets]]\nname = "f"\ncolour = 1\n',
        ":3: fleets[0].colour is not known; known are name, devices, failing, failure_rate",
    ),
    ("s.toml", "fleets = 1", ":1: fleets must be a list of tables"),
    ("s.toml", "fleets = [1]", ":1: fleets must be a list of tables"),
    ("s.toml", "[[fleets]]\n", ": fleets[0].name is required: a name"),
    ("s.toml", "\n\n[[fleets]]\nname = 5\n", ":4: fleets[0].name must be a name"),
    ("s.toml", '[[fleets]]\nname = ""\n', ":2: fleets[0].name must be a name"),
    (
        "s.toml",
        '[[fleets]]\nname = "f"\ndevices = -1\n',
        ":3: fleets[0].devices must be a list of device names, or how many",
    ),
    (
        "s.toml",
        '[[fleets]]\nname = "f"\nfailure_rate = 2\n',
        ":3: fleets[0].failure_rate must be a number between 0 and 1",
    ),
    (
        "s.toml",
        '[[fleets]]\nname = "f"\n[[fleets]]\nname = 1\n',
        ": fleets[1].name must be a name",
    ),
    (
        "s.toml",
        '[[training_plans]]\nname = "t"\nstatus = "Done"\n',
        ":3: training_plans[0].status must be one of Pending, Active, Scheduled, Expired, Fa",
    ),
    (
        "s.toml",
        '[[training_plans]]\nname = "t"\n[[training_plans.offerings]]\nsold_out = 1\n',
        ":4: training_plans[0].offerings[0].sold_out must be true or false",
    ),
    (
        "s.json",
        {"plans": [{"create": {**plan_request("-p")}}]},
        ":4: plans[0].create 1 validation error detected: Value '-p' at",
    ),
    ("s.json", {"plans": [{}]}, ": plans[0].create is required: a CreateEdgeDeploymentPlan"),
]


@pytest.mark.parametrize(("name", "content", "error"), ERRORS)
def test_an_error_tells_file_line_key_and_what_is_allowed(
    tmp_path: Path, name: str, content: Any, error: str
) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(SeedError) as caught:
        read_seed(path)
    assert str(caught.value).startswith(f"{path}{error}")


def test_a_seed_is_text(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_bytes(b"\xff")
    with pytest.raises(SeedError, match=r"seed\.json: the file is not UTF-8"):
        read_seed(path)


def test_a_missing_file_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Emulator(seed=tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    "seed",
    [
        {"plans": [{"create": plan_request("p")}, {"create": plan_request("p")}]},
        {"plans": [{"create": plan_request("p"), "start": ["nobody"]}]},
        {"training_plans": [{"name": "t"}, {"name": "t"}]},
    ],
)
def test_what_the_service_refuses_is_an_error_of_the_file(tmp_path: Path, seed: Any) -> None:
    path = written(tmp_path, "seed.json", seed)
    with pytest.raises(SeedError, match=r"seed\.json: "):
        Emulator(seed=path)
