"""Seeds in YAML, with PyYAML and without it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from sagemaker_plans.emulator import SeedError
from sagemaker_plans.emulator._seeds.seed_file import read_seed

SEED = """\
# Two fleets, and a plan.
fleets:
  - name: robots
    devices: [r-1, r-2]
    failing:
      - r-2
  - {name: sensors, devices: 100, failure_rate: 0.1}
plans:
  - create:
      EdgeDeploymentPlanName: spring
      DeviceFleetName: robots
      ModelConfigs:
        - &model {ModelHandle: m, EdgePackagingJobName: j}
training_plans:
  - name: big
    offerings:
      - offering_id: tpeo-1
        upfront_fee: "10.00"
"""


def written(folder: Path, text: str, name: str = "seed.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


LAUGHS = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
"""A few hundred bytes that stand for billions of items."""


@pytest.mark.parametrize("name", ["seed.yaml", "seed.YML"])
def test_yaml_is_read(tmp_path: Path, name: str) -> None:
    seed = read_seed(written(tmp_path, SEED, name))
    assert [fleet.devices for fleet in seed.fleets] == [("r-1", "r-2"), 100]
    assert seed.plans[0].create["ModelConfigs"] == [
        {"ModelHandle": "m", "EdgePackagingJobName": "j"}
    ]
    assert seed.training_plans[0].offerings[0].upfront_fee == "10.00"


def test_an_empty_file_is_an_empty_account(tmp_path: Path) -> None:
    assert read_seed(written(tmp_path, "# nothing\n")) == read_seed(
        written(tmp_path, "{}", "seed.json")
    )


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("fleets:\n  - name: f\n    colour: 1\n", ":3: fleets[0].colour is not known; known are"),
        ("fleets:\n  - name: f\n  - name: 5\n", ":3: fleets[1].name must be a name"),
        ("fleets:\n  - name: f\n    name: g\n", ":3: the key fleets[0].name is given twice"),
        ("training_plans:\n  - name: t\n    offerings:\n    - offering_id: no\n", ":4: training_p"),
        ("fleets:\n  - yes: f\n", ":2: the key fleets[0].yes is no text; put it in quotes"),
        ("fleets:\n  - name: [f\n", ":3: expected ',' or ']'"),
        ("fleets: \x07\n", ":1: "),
        ("fleets: &a [*a]\n", ": the file is nested too deeply"),
        (LAUGHS, ":1: aliases (*name) stand for more than 100000 keys and items"),
        ("fleets: !!python/object/apply:os.getcwd []\n", ":1: could not determine a constructor"),
        ("- a\n", ":1: the file must be a table with the keys fleets, plans"),
    ],
)
def test_an_error_tells_file_line_and_key(tmp_path: Path, text: str, error: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SeedError) as caught:
        read_seed(path)
    assert str(caught.value).startswith(f"{path}{error}")


def test_an_error_without_a_place_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_loader: object) -> object:
        raise yaml.MarkedYAMLError(problem="no place")

    monkeypatch.setattr(yaml.SafeLoader, "get_single_node", broken)
    path = written(tmp_path, SEED)
    with pytest.raises(SeedError) as caught:
        read_seed(path)
    assert str(caught.value) == f"{path}:1: no place"


def test_without_pyyaml_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    path = written(tmp_path, SEED)
    with pytest.raises(SeedError) as caught:
        read_seed(path)
    assert str(caught.value) == (
        f"{path}: a seed in YAML needs PyYAML (pip install pyyaml); without it, convert the file "
        "(yq -o json seed.yaml) or write JSON or TOML"
    )
