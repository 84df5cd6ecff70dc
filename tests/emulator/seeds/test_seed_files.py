from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.requests_made import plan_request, stage
from harness import examples
from sagemaker_plans.emulator import Emulator, SeedError
from sagemaker_plans.emulator._seeds.line_numbers import lines_of_json, lines_of_toml
from sagemaker_plans.emulator._seeds.seed_file import read_seed

TOML = """
[[fleets]]
name = "robots"
devices = ["r-1", "r-2"]
failing = ["r-2"]
description = "In the hall"
tags = { team = "vision" }
region = "us-gov-west-1"
account_id = "111122223333"

[[fleets]]
name = "sensors"
devices = 100
failure_rate = 0.1

[[plans]]
start = ["canary"]
region = "us-gov-west-1"
account_id = "111122223333"
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
account_id = "111122223333"
tags = { cost-centre = "7" }
offerings = [
    { offering_id = "tpeo-1", duration_hours = 24, upfront_fee = "10.00", resellable = true },
    { offering_id = "tpeo-2", currency_code = "EUR", sold_out = true, payment_fails = false },
]

[[training_plans]]
name = "ultra"
target_resources = ["hyperpod-cluster"]
instance_count = 36
ultra_server_type = "ml.u-p6e-gb200x72"
ultra_server_count = 2
spare_instances = 1
impaired_ultra_servers = 1

[[plan_offerings]]
offering_id = "tpo-1"
start_in_hours = 24
upfront_fee = "20.00"
target_resources = ["training-job", "endpoint"]
"""


def written(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
    return path


def test_a_toml_file_is_a_seed(tmp_path: Path) -> None:
    with Emulator(seed=written(tmp_path, "seed.toml", TOML)) as emulator:
        emulator.clock.advance(60)
        state: Any = emulator.service.snapshot()
    robots, sensors = state["fleets"]
    assert robots["DeviceFleetArn"].startswith("arn:aws-us-gov:sagemaker:us-gov-west-1:11112222")
    assert (robots["Tags"], robots["Description"]) == ({"team": "vision"}, "In the hall")
    assert len(sensors["Devices"]) == 100
    (plan,) = state["edge_deployment_plans"]
    assert plan["EdgeDeploymentPlanArn"].startswith("arn:aws-us-gov:sagemaker:us-gov-west-1:1111")
    assert plan["Stages"][0]["DeploymentStatus"]["StageStatus"] == "FAILED"
    training_plan, ultra = state["training_plans"]
    assert ultra["TotalUltraServerCount"] == 2
    assert ultra["TargetResources"] == ["hyperpod-cluster"]
    (offering,) = state["plan_offerings"]
    assert offering["UpfrontFee"] == "20.00"
    assert offering["TargetResources"] == ["training-job", "endpoint"]
    assert training_plan["TrainingPlanArn"].startswith("arn:aws:sagemaker:eu-west-1:11112222")
    assert training_plan["Tags"] == {"cost-centre": "7"}
    assert [one["UpfrontFee"] for one in training_plan["Offerings"]] == ["10.00", "1234.50"]


def test_a_json_file_is_a_seed(tmp_path: Path) -> None:
    plan = plan_request("p", stage("s"), DeviceFleetName="f")
    seed = {"fleets": [{"name": "f"}], "plans": [{"create": plan}]}
    emulator = Emulator(seed=str(written(tmp_path, "seed.json", seed)))
    state: Any = emulator.service.snapshot()
    assert len(state["fleets"][0]["Devices"]) == 10
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
        ":2: Expected ']]' at the end of an array declaration (at line 2, column 9): '[[fleets]'",
    ),
    ("s.toml", "\n\nfleets = [", ":3: "),
    ("s.toml", "fleets = []\nfleets = []\n", ":2: Cannot overwrite a value (at "),
    ("s.json", '{"fleets": [],\n "fleets": []}', ":2: the key fleets is given twice"),
    (
        "s.json",
        '{"fleets": [\n  {"name": "f", "name": "g"}]}',
        ":2: the key fleets[0].name is given twice",
    ),
    ("s.json", '{"fleets": ' + "9" * 5000 + "}", ":Exceeds the limit"),
    ("s.json", "[" * 100_000, ": the file is nested too deeply"),
    ("s.toml", "a = " + "[" * 100_000, ": the file is nested too deeply"),
    ("s.json", "[]", ":1: the file must be a table with the keys fleets, plans, training_plans"),
    (
        "s.toml",
        '[[fleets]]\nname = "f"\ncolour = 1\n',
        ":3: fleets[0].colour is not known; known are name, devices, failing, failure_rate",
    ),
    ("s.toml", "fleets = 1", ":1: fleets must be a list of tables"),
    ("s.toml", "fleets = [1]", ":1: fleets must be a list of tables"),
    ("s.toml", "\n[[fleets]]\n", ":2: fleets[0].name is required: a name"),
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
        ":4: fleets[1].name must be a name",
    ),
    (
        "s.toml",
        '[[fleets]]\nname = "f"\n[[fleets]]\n"name" = "f"\n',
        ":4: fleets[1].name must be unique, but 'f' is fleets[0].name too",
    ),
    (
        "s.toml",
        '[[fleets]]\nname = "f"\n\n[fleets.tags]\nteam = 1\n',
        ":4: fleets[0].tags must be a table of texts",
    ),
    (
        "s.toml",
        '[[fleets]]\nname = "f"\naccount_id = "12345678901"\n',
        ":3: fleets[0].account_id must be an account's number in quotes, twelve digits",
    ),
    (
        "s.toml",
        '[[fleets]]\nname = "f"\ndevices = 10_000_000\n',
        ":3: fleets[0].devices must be a list of device names, or how many, up to 1000000",
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
        "s.toml",
        '[[plan_offerings]]\noffering_id = "o"\nspare_instances = 1\n',
        ":3: plan_offerings[0].spare_instances is not known; known are offering_id, start_in_hours",
    ),
    (
        "s.toml",
        '[[plan_offerings]]\noffering_id = "o"\n[[plan_offerings]]\noffering_id = "o"\n',
        ":4: plan_offerings[1].offering_id must be unique, but 'o' is plan_offerings[0].offering",
    ),
    (
        "s.toml",
        '[[training_plans]]\nname = "t"\nstart_in_hours = inf\n',
        ":3: training_plans[0].start_in_hours must be a number of hours, up to 1000000",
    ),
    (
        "s.toml",
        '[[training_plans]]\nname = "t"\nduration_hours = true\n',
        ":3: training_plans[0].duration_hours must be a whole number of hours, up to 1000000",
    ),
    (
        "s.toml",
        '[[training_plans]]\nname = "t"\nstart_in_hours = true\n',
        ":3: training_plans[0].start_in_hours must be",
    ),
    (
        "s.toml",
        """[[training_plans]]
name = "t"
offerings = [
 { offering_id = "o" }, # one
 { offering_id = "p" }, { offering_id = "o" },
]
""",
        ":5: training_plans[0].offerings[2].offering_id must be unique, but 'o' is training_pl",
    ),
    (
        "s.json",
        {"plans": [{"create": {**plan_request("-p")}}]},
        ":5: plans[0].create.EdgeDeploymentPlanName is refused: ValidationException: 1 validat",
    ),
    (
        "s.json",
        {"plans": [{"create": plan_request("p", stage("a"), stage("-b"))}]},
        ":22: plans[0].create.Stages[1].StageName is refused: ValidationException: 1 validation",
    ),
    ("s.json", {"plans": [{}]}, ":3: plans[0].create is required: a CreateEdgeDeploymentPlan"),
]


@pytest.mark.parametrize(("name", "content", "error"), ERRORS)
def test_an_error_tells_file_line_key_and_what_is_allowed(
    tmp_path: Path, name: str, content: Any, error: str
) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(SeedError) as caught:
        Emulator(seed=path)
    assert str(caught.value).startswith(f"{path}{error}")


def test_a_name_is_unique_in_its_region_and_account(tmp_path: Path) -> None:
    places = [{}, {"region": "eu-west-1"}, {"account_id": "111122223333"}]
    seed = {"fleets": [{"name": "f", **place} for place in places]}
    emulator = Emulator(seed=written(tmp_path, "seed.json", seed))
    state: Any = emulator.service.snapshot()
    assert [one["DeviceFleetArn"].split(":", 3)[3] for one in state["fleets"]] == [
        "us-east-1:123456789012:device-fleet/f",
        "eu-west-1:123456789012:device-fleet/f",
        "us-east-1:111122223333:device-fleet/f",
    ]


def test_a_seed_is_text(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_bytes(b"\xff")
    with pytest.raises(SeedError, match=r"seed\.json: the file is not UTF-8"):
        read_seed(path)


def test_a_missing_file_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Emulator(seed=tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("seed", "error"),
    [
        (
            {
                "fleets": [{"name": "cameras"}],
                "plans": [{"create": plan_request("p")}, {"create": plan_request("p")}],
            },
            ":23: plans[1].create.EdgeDeploymentPlanName must be unique, but 'p' is plans",
        ),
        (
            {
                "fleets": [{"name": "cameras"}],
                "plans": [{"create": plan_request("p"), "start": ["nobody"]}],
            },
            ":21: plans[0].start[0] is refused: ResourceNotFound: Stage nobody does not exist in",
        ),
        (
            {"plans": [{"create": plan_request("p")}]},
            ":4: plans[0].create is refused: ResourceNotFound: Device fleet cameras does not exist",
        ),
        (
            {"training_plans": [{"name": "t"}, {"name": "t"}]},
            ":7: training_plans[1].name must be unique, but 't' is training_plans[0].name too",
        ),
        (
            {"plan_offerings": [{"offering_id": "o", "ultra_server_count": 2}]},
            ":3: plan_offerings[0] is refused: UltraServers need a type",
        ),
    ],
)
def test_what_the_service_refuses_is_an_error_of_the_file(
    tmp_path: Path, seed: Any, error: str
) -> None:
    path = written(tmp_path, "seed.json", seed)
    with pytest.raises(SeedError) as caught:
        Emulator(seed=path)
    assert str(caught.value).startswith(f"{path}{error}")


def test_every_key_of_a_toml_file_has_its_line() -> None:
    text = '''# no [[table]] = {
title = """two
[[fleets]]
lines"""
[[fleets]]
name = "a # b" # = 1
"quo ted" = 'x'
[fleets.below]
x.y = 1979-05-27 07:32:00
[[fleets]]
devices = [ "a", # ]
  ["c",
   1.5e3] ]
[[fleets.inner]]
[[fleets.inner]]
q = { a = 1, b = [ 2, 3,
  4 ] }
'''
    tomllib.loads(text)
    assert lines_of_toml(text) == {
        "title": 2,
        "fleets": 5,
        "fleets[0]": 5,
        "fleets[0].name": 6,
        "fleets[0].quo ted": 7,
        "fleets[0].below": 8,
        "fleets[0].below.x": 9,
        "fleets[0].below.x.y": 9,
        "fleets[1]": 10,
        "fleets[1].devices": 11,
        "fleets[1].devices[0]": 11,
        "fleets[1].devices[1]": 12,
        "fleets[1].devices[1][0]": 12,
        "fleets[1].devices[1][1]": 13,
        "fleets[1].inner": 14,
        "fleets[1].inner[0]": 14,
        "fleets[1].inner[1]": 15,
        "fleets[1].inner[1].q": 16,
        "fleets[1].inner[1].q.a": 16,
        "fleets[1].inner[1].q.b": 16,
        "fleets[1].inner[1].q.b[0]": 16,
        "fleets[1].inner[1].q.b[1]": 16,
        "fleets[1].inner[1].q.b[2]": 17,
    }


_NAMES = st.text("ab\"'\\,:={}#\n é", min_size=1, max_size=5)
_TEXTS = st.text("ab\"'\\,:=[]{}#\n é", max_size=5)


@settings(max_examples=examples(100))
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
        max_leaves=12,
    )
)
def test_every_key_of_a_json_file_has_its_line(content: Any) -> None:
    text = json.dumps(content, indent=1)
    shown, lines = text.split("\n"), lines_of_json(text)

    def check(value: object, where: str) -> None:
        if isinstance(value, dict):
            for key, member in cast("dict[str, object]", value).items():
                path = f"{where}.{key}" if where else key
                assert shown[lines[path] - 1].strip().startswith(json.dumps(key))
                check(member, path)
        if isinstance(value, list):
            for number, item in enumerate(cast("list[object]", value)):
                line = shown[lines[f"{where}[{number}]"] - 1].strip()
                assert json.dumps(item, indent=1).startswith(line.removesuffix(","))
                check(item, f"{where}[{number}]")

    check(content, "")
