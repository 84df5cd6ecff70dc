"""Seeds of all that exists: exported, read back, and the same."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.requests_made import create, extend, send, stage, start, stop
from harness import examples
from sagemaker_plans.emulator import (
    Emulator,
    FleetSeed,
    Refusal,
    Seed,
    SeedError,
    Service,
    Timings,
)
from sagemaker_plans.emulator.__main__ import main
from sagemaker_plans.emulator._data.structuring import Structuring
from sagemaker_plans.emulator._http import application
from sagemaker_plans.emulator._seeds.seed_file import read_seed
from sagemaker_plans.emulator._seeds.written_seed import seed_text
from sagemaker_plans.emulator._wire.members import Caller

NAMES = st.sampled_from(["spring", "autumn", "no_name"])
STEPS = st.one_of(
    st.tuples(st.just("create"), NAMES, st.integers(0, 2)),
    st.tuples(st.just("start"), NAMES, st.integers(0, 2)),
    st.tuples(st.just("stop"), NAMES, st.integers(0, 2)),
    st.tuples(st.just("delete"), NAMES, st.just(0)),
    st.tuples(st.just("extend"), st.just(""), st.integers(0, 2)),
    st.tuples(st.just("buy"), NAMES, st.integers(0, 1)),
    st.tuples(st.just("fleet"), NAMES, st.integers(0, 3)),
    st.tuples(st.just("create fleet"), NAMES, st.integers(0, 1)),
    st.tuples(st.just("register"), NAMES, st.integers(0, 3)),
    st.tuples(st.just("tag"), NAMES, st.integers(0, 3)),
    st.tuples(st.just("advance"), st.just(""), st.integers(0, 200_000)),
)
OFFERINGS = ["tpeo-0123456789abcdef", "tpeo-0123456789abcde0", "tpeo-0123456789abcde1"]


def take(service: Service, kind: str, name: str, number: int) -> None:
    """Take one step; many are refused."""
    match kind:
        case "create":
            create(service, name, *(stage(f"stage-{one}") for one in range(number)))
        case "start":
            start(service, name, f"stage-{number}")
        case "stop":
            stop(service, name, f"stage-{number}")
        case "delete":
            service.handle("DeleteEdgeDeploymentPlan", {"EdgeDeploymentPlanName": name})
        case "extend":
            extend(service, OFFERINGS[number])
        case "buy":
            bought = f"tpo-0123456789abcde{'f0'[number]}"
            service.handle(
                "CreateTrainingPlan",
                {"TrainingPlanName": name, "TrainingPlanOfferingId": bought},
            )
        case "advance":
            service.clock.advance(number / 1000)
        case _:
            take_with_fleet(service, kind, name, number)


def take_with_fleet(service: Service, kind: str, name: str, number: int) -> None:
    match kind:
        case "fleet":
            service.add_fleet(
                name, devices=["bad", *"abc"[:number]], failing=["bad"], failure_rate=0.5
            )
        case "create fleet":
            output = {"S3OutputLocation": "s3://reports/"}
            service.handle(
                "CreateDeviceFleet",
                {"DeviceFleetName": name, "OutputConfig": output, "Description": "new"},
                caller=Caller(region=("us-east-1", "eu-west-1")[number], account_id="111122223333"),
            )
        case "register":
            device = {"DeviceName": f"d-{number}", "Description": "in the hall"}
            tags = [{"Key": "shift", "Value": str(number)}]
            service.handle(
                "RegisterDevices", {"DeviceFleetName": name, "Devices": [device], "Tags": tags}
            )
        case _:
            arn = Caller().arn(f"device-fleet/{name}")
            tags = [{"Key": "team", "Value": str(number)}]
            service.handle("AddTags", {"ResourceArn": arn, "Tags": tags})


@settings(max_examples=examples(60))
@given(st.lists(STEPS, max_size=15))
def test_a_seed_read_back_is_the_same_state(steps: list[tuple[str, str, int]]) -> None:
    service = Service(timings=Timings(payment_seconds=60, creating=0.1))
    service.clock.hold()
    for step in steps:
        try:
            take(service, *step)
        except (Refusal, ValueError):
            continue
    exported = service.exported_seed()
    text = seed_text(exported)
    again = Service(seed=Structuring().structured(json.loads(text), Seed))
    assert again.clock.held
    assert again.clock.now() == service.clock.now()
    assert again.snapshot() == service.snapshot()
    state = again.exported_seed().state
    assert state is not None
    assert exported.state is not None
    assert state.tables == exported.state.tables
    # It goes on in the same way.
    for one in (service, again):
        one.clock.advance(30)
    assert again.snapshot() == service.snapshot()


@pytest.fixture
def filled(emulator: Emulator) -> Emulator:
    create(emulator.service, "spring", stage("canary"))
    start(emulator.service, "spring", "canary")
    extend(emulator.service)
    emulator.clock.advance(0.6)
    return emulator


def test_an_exported_file_is_a_seed(filled: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    assert filled.export_seed(path) == read_seed(path)
    with Emulator(seed=path) as other:
        assert other.service.snapshot() == filled.service.snapshot()
        assert other.clock.now() == filled.clock.now()
        now = other.clock.now() + 5
        other.clock.advance(5)
        create(other.service, "autumn")
        other.reset()
        # A reset changes no clock.
        assert other.clock.now() == now
        plans: Any = other.service.snapshot()["edge_deployment_plans"]
        assert [plan["EdgeDeploymentPlanName"] for plan in plans] == ["spring"]


def test_what_was_exported_does_not_change_any_more(filled: Emulator) -> None:
    seed = filled.export_seed()
    before = seed_text(seed)
    with Emulator(seed=seed) as other:
        other.clock.advance(60)
        extend(other.service, OFFERINGS[1])
        other.service.handle(
            "DeleteEdgeDeploymentStage",
            {"EdgeDeploymentPlanName": "spring", "StageName": "canary"},
        )
    stop(filled.service, "spring", "canary")
    assert seed_text(seed) == before


def test_a_seed_comes_over_http(filled: Emulator, tmp_path: Path) -> None:
    for number in range(30):
        create(filled.service, f"plan-{number}")
    reply = send(filled, b"", method="GET", path="/_emulator/seed")
    path = tmp_path / "seed.json"
    path.write_bytes(reply.body)
    with Emulator(seed=path) as other:
        assert other.service.snapshot() == filled.service.snapshot()


@pytest.mark.parametrize("changes", [0, 2, 5])
def test_a_seed_over_http_is_of_one_moment(
    filled: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: int
) -> None:
    """Each plan is looked at in a slice of its own, and others change what was looked at."""
    service = filled.service
    for number in range(10):
        create(service, f"plan-{number}")
    monkeypatch.setattr(application, "_SLICE_SECONDS", 0.0)
    left = changes
    in_slices = application._in_slices

    async def disturbed(pieces: Iterator[str]) -> AsyncIterator[bytes]:
        nonlocal left
        is_to_come = left > 0
        async for piece in in_slices(pieces):
            yield piece
            if is_to_come and b"plan-5" in piece:
                is_to_come = False
                left -= 1
                create(service, f"new-{left}")

    monkeypatch.setattr(application, "_in_slices", disturbed)
    path = tmp_path / "seed.json"
    path.write_bytes(send(filled, b"", method="GET", path="/_emulator/seed").body)
    assert left == 0
    with Emulator(seed=path) as other:
        assert other.service.snapshot() == service.snapshot()


def test_a_state_and_other_entries_go_together(filled: Emulator, tmp_path: Path) -> None:
    state = filled.export_seed().state
    seed = Seed(state=state, fleets=(FleetSeed(name="robots", devices=1),))
    path = tmp_path / "seed.json"
    path.write_text(seed_text(seed))
    with Emulator(seed=path) as other:
        fleets: Any = other.service.snapshot()["fleets"]
    assert [fleet["DeviceFleetName"] for fleet in fleets] == ["cameras", "robots"]


def test_an_exported_clock_that_runs_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    with Emulator() as emulator:
        emulator.clock.advance(86_400)
        emulator.export_seed(path)
        now = emulator.clock.now()
    with Emulator(seed=path) as other:
        assert now - 1 < other.clock.now() < now + 60
        assert not other.clock.held


@pytest.mark.parametrize("target", ["-", "seed.json"])
def test_the_command_exports_a_data_file(
    filled: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    target: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with Emulator(data="state.db", seed=filled.export_seed()):
        pass
    assert main(["--data", "state.db", "--export-seed", target]) == 0
    printed = capsys.readouterr().out
    text = printed if target == "-" else Path(target).read_text()
    assert bool(printed) is (target == "-")
    Path("again.json").write_text(text)
    with Emulator(seed="again.json") as other:
        assert other.service.snapshot() == filled.service.snapshot()
    # The file was let go.
    Emulator(data="state.db").stop()


def test_a_file_that_cannot_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--export-seed", str(tmp_path / "nowhere" / "seed.json")]) == 1
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["seed.toml", "seed.YAML", "seed.yml"])
def test_a_seed_is_not_written_under_the_name_of_another_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = tmp_path / name
    assert main(["--data", str(tmp_path / "state.db"), "--export-seed", str(path)]) == 1
    told = capsys.readouterr().err
    assert f"{path} must not end in {path.suffix}, because a seed is written as JSON" in told
    assert str(tmp_path / "seed.json") in told
    with pytest.raises(ValueError, match="must not end in"):
        Emulator().export_seed(path)
    assert [*tmp_path.iterdir()] == []


def test_a_seed_is_written_whole_or_not_at_all(
    filled: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = tmp_path / "seed.json", tmp_path / "link.json"
    path.write_text("{}")
    path.chmod(0o640)
    link.symlink_to(path)

    def fail(_descriptor: int) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="the disk is full"):
            filled.export_seed(link)
    assert path.read_text() == "{}"
    assert filled.export_seed(link) == read_seed(path)
    assert path.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.json", "seed.json"]


def test_a_seed_can_be_written_to_a_pipe(filled: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(path.read_text)
        filled.export_seed(path)
        assert json.loads(read.result(10))["state"]["format"] == 1
    assert path.is_fifo()


MISFITS: list[tuple[dict[str, Any], str]] = [
    ({"format": 2}, "format must be 1, the only one there is"),
    ({"clock": {"now": "noon"}}, "clock.now must be a number"),
    ({"tables": {"balloons": []}}, "tables.balloons is not known; known are fleets, edge_plans"),
    ({"tables": {"fleets": {}}}, "tables.fleets must be a list of tables"),
    ({"tables": {"fleets": [{"row": {}, "key": "x"}]}}, "tables.fleets[0].row.name is required: a"),
    ({"tables": {"fleets": [{"row": 1}]}}, "tables.fleets[0].row must be a table with the keys"),
    ({"tables": {"purchases": [{"key": "1"}]}}, "tables.purchases[0].key must be a whole number"),
]


@pytest.mark.parametrize(("wrong", "error"), MISFITS)
def test_a_state_that_does_not_fit_tells_the_place(
    filled: Emulator, tmp_path: Path, wrong: dict[str, Any], error: str
) -> None:
    path = tmp_path / "seed.json"
    seed = json.loads(seed_text(filled.export_seed()))
    for member, value in wrong.items():
        seed["state"][member] = seed["state"][member] | value if isinstance(value, dict) else value
    path.write_text(json.dumps(seed, indent=1))
    with pytest.raises(SeedError) as caught:
        read_seed(path)
    place, _, rest = str(caught.value).partition(": ")
    assert rest.startswith(f"state.{error}")
    line = path.read_text().split("\n")[int(place.rpartition(":")[2]) - 1]
    assert line.strip().startswith(
        ('"format"', '"now"', '"balloons"', '"fleets"', '"row"', '"key"')
    )
