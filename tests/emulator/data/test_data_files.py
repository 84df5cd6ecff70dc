"""Data files that go on, that are refused, and that can no longer be written."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import pytest

from emulator.requests_made import OFFERING, create, extend, send, send_signed, stage, start, stop
from sagemaker_plans.emulator import (
    DataFileError,
    Emulator,
    Refusal,
    Seed,
    SeedError,
    Service,
    Timings,
)
from sagemaker_plans.emulator._wire.not_kept_error import NotKeptError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def filled(path: Path) -> Any:
    """Make a file with a bit of everything, and return its state."""
    with Emulator(data=path, timings=Timings(payment_seconds=60)) as emulator:
        emulator.clock.hold()
        service = emulator.service
        create(service, "spring", stage("canary"), stage("everyone"))
        start(service, "spring", "canary")
        emulator.clock.advance(0.6)
        stop(service, "spring", "canary")
        emulator.clock.advance(60)
        start(service, "spring", "canary")
        create(service, "gone")
        service.handle("DeleteEdgeDeploymentPlan", {"EdgeDeploymentPlanName": "gone"})
        extend(service)
        service.handle(
            "CreateTrainingPlan",
            {
                "TrainingPlanName": "new",
                "TrainingPlanOfferingId": "tpo-0123456789abcde0",
                "Tags": [{"Key": "team", "Value": "blue"}],
            },
        )
        emulator.add_fleet("robots", devices=["r-1", "r-2"], failing=["r-2"])
        emulator.clock.advance(1)
        return state_of(emulator)


def state_of(emulator: Emulator) -> Any:
    return emulator.clock.now(), emulator.clock.held, emulator.service.snapshot()


def run(path: Path, *statements: str) -> None:
    database = sqlite3.connect(path)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()


def test_what_existed_exists_again(path: Path) -> None:
    before = filled(path)
    with Emulator(data=str(path)) as emulator:
        assert state_of(emulator) == before
        # Both go on: the payment is through, and the stage reports.
        emulator.clock.advance(60)
        state: Any = emulator.service.snapshot()
        (plan,) = state["edge_deployment_plans"]
        assert plan["Stages"][0]["DeploymentStatus"]["StageStatus"] == "DEPLOYED"
        with pytest.raises(Refusal, match="already purchased"):
            extend(emulator.service, OFFERING)
        assert len(emulator.purchases) == 2


def test_the_seed_counts_for_a_new_file_and_for_a_reset(path: Path) -> None:
    with Emulator(data=path, seed=Seed(), loose_fleets=True) as emulator:
        create(emulator.service, "kept")
    with Emulator(data=path) as emulator:
        plans: Any = emulator.service.snapshot()["edge_deployment_plans"]
        assert [plan["EdgeDeploymentPlanName"] for plan in plans] == ["kept"]
        assert emulator.service.training_plan_arns == ()
        emulator.reset()
        default = state_of(emulator)[2]
    assert default["training_plans"]
    assert default["edge_deployment_plans"] == []
    with Emulator(data=path, seed=Seed()) as emulator:
        assert state_of(emulator)[2].keys() == default.keys()
        assert emulator.service.snapshot()["fleets"] == default["fleets"]


def test_the_order_is_that_of_creation(path: Path) -> None:
    names = ["c", "a", "b"]
    with Emulator(data=path, seed=Seed()) as emulator:
        for name in names:
            emulator.add_training_plan(name)
        with emulator.service._resources.lock:
            plans = emulator.service._resources.tables.training_plans
            first = next(iter(plans))
            plans[first] = plans.pop(first)
        emulator.add_extension_offering(next(iter(plans)))
        before = emulator.service.training_plan_arns
    assert [arn.rpartition("/")[2] for arn in before] == ["a", "b", "c"]
    with Emulator(data=path) as emulator:
        assert emulator.service.training_plan_arns == before


def test_a_clock_that_runs_ran_on(path: Path) -> None:
    with Emulator(data=path, speed=1e6) as emulator:
        emulator.clock.advance(5)
        shown = emulator.clock.now()
    with Emulator(data=path) as emulator:
        assert emulator.clock.now() > shown
        assert not emulator.clock.held
        assert emulator.clock.speed == 1.0
        assert emulator.clock.advanced_since(0) == 5


def test_a_clock_at_another_speed_ran_on_at_that(path: Path) -> None:
    Emulator(data=path).stop()
    with Emulator(data=path, speed=1e9) as emulator:
        shown = emulator.clock.now()
    with Emulator(data=path) as emulator:
        assert emulator.clock.now() >= shown


def test_a_machine_whose_clock_was_put_back_does_not_put_it_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Emulator(data=path) as emulator:
        create(emulator.service, "spring")
        shown = emulator.clock.now()
    monkeypatch.setattr("time.time", lambda: 1.0)
    with Emulator(data=path) as emulator:
        assert emulator.clock.now() >= round(shown, 1) - 0.1


def test_what_is_refused_or_read_is_not_written(path: Path) -> None:
    with Emulator(data=path) as emulator:
        emulator.clock.hold()
        create(emulator.service, "spring")
        data: Any = emulator._data
        changes = data._database.total_changes
        with pytest.raises(Refusal):
            create(emulator.service, "spring")
        assert send_signed(emulator).status == 200
        assert send(emulator, b"", method="GET", path="/_emulator/state").status == 200
        assert data._database.total_changes == changes
        create(emulator.service, "autumn")
        # The plan and the clock; the fleet was looked at, and is as it was.
        assert data._database.total_changes == changes + 2


def test_a_file_in_use_is_refused(path: Path) -> None:
    with Emulator(data=path) as emulator:
        with pytest.raises(DataFileError, match=r"state\.db is in use by another emulator"):
            Emulator(data=path)
        create(emulator.service, "spring")
    Emulator(data=path).stop()


@pytest.mark.parametrize("content", [b"no database at all " * 100, b"{}"])
def test_a_foreign_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DataFileError, match=r"state\.db is no data file of an emulator"):
        Emulator(data=path)
    assert path.read_bytes() == content
    assert [one.name for one in path.parent.iterdir()] == ["state.db"]


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    run(path, "CREATE TABLE resources (kind)", "INSERT INTO resources VALUES ('x')")
    before = path.read_bytes()
    with pytest.raises(DataFileError, match=r"is a database of another program; nothing was"):
        Emulator(data=path)
    assert path.read_bytes() == before


def test_a_newer_format_is_refused(path: Path) -> None:
    filled(path)
    run(path, "PRAGMA user_version = 2")
    before = path.read_bytes()
    with pytest.raises(DataFileError, match=r"newer version of this package, in format 2; this"):
        Emulator(data=path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE resources SET value = '{}'",
            r"is damaged: fleets \"[^ ]+/cameras\" was changed by some",
        ),
        ("UPDATE resources SET checksum = 0", "is damaged: [^ ]+ [^ ]+ was changed"),
        ("DELETE FROM resources WHERE kind = 'clock'", "is damaged: it has no clock"),
        ("DROP TABLE resources", "is damaged: no such table: resources"),
    ],
)
def test_a_damaged_row_is_refused(path: Path, statement: str, problem: str) -> None:
    filled(path)
    run(path, statement)
    before = path.read_bytes()
    with pytest.raises(DataFileError, match=problem):
        Emulator(data=path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "key", "value", "problem"),
    [
        ("clock", "", '{"now":1}', "clock  cannot be read: machine is required: a number; held"),
        ("fleets", '"f"', '{"name":1,"devices":{}}', 'fleets "f" cannot be read: name must be a'),
        ("balloons", '"b"', "{}", 'balloons "b" cannot be read'),
    ],
)
def test_a_row_that_does_not_fit_is_refused(
    path: Path, kind: str, key: str, value: str, problem: str
) -> None:
    filled(path)
    checksum = zlib.crc32(f"{kind}\0{key}\0{value}".encode())
    statement = "INSERT OR REPLACE INTO resources VALUES (NULL, ?, ?, ?, ?)"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(statement, (kind, key, value, checksum))
        database.commit()
    with pytest.raises(DataFileError) as caught:
        Emulator(data=path)
    assert f"is damaged: {problem}" in str(caught.value)


def test_a_damaged_file_is_refused(path: Path) -> None:
    filled(path)
    whole = path.read_bytes()
    for length in range(1000, len(whole), len(whole) // 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DataFileError, match=r"state\.db is damaged: "):
            Emulator(data=path)
        assert path.read_bytes() == whole[:length]
    broken = bytearray(whole)
    broken[4096:8192] = bytes(4096)
    path.write_bytes(broken)
    with pytest.raises(DataFileError, match=r"state\.db is damaged: "):
        Emulator(data=path)


def test_what_breaks_the_rules_of_the_file_is_damage(path: Path) -> None:
    filled(path)
    with_rule, without = "value TEXT NOT NULL", "value TEXT         "
    change = "UPDATE sqlite_master SET sql = replace(sql, '{}', '{}')"
    run(path, "PRAGMA writable_schema = ON", change.format(with_rule, without))
    run(path, "UPDATE resources SET value = NULL WHERE kind = 'clock'")
    run(path, "PRAGMA writable_schema = ON", change.format(without, with_rule))
    with pytest.raises(DataFileError, match=r"is damaged: NULL value in resources\.value"):
        Emulator(data=path)


def test_a_full_disk_loses_nothing_that_was_answered(path: Path) -> None:
    with Emulator(data=path, seed=Seed(), loose_fleets=True) as emulator:
        create(emulator.service, "kept")
        data: Any = emulator._data
        data._database.execute("PRAGMA max_page_count = 1")
        with pytest.raises(OSError, match=r"cannot be written: free some space, .* full"):
            emulator.add_fleet("large", devices=10_000)
        with pytest.raises(OSError, match="a change could not be kept, so nothing is answered"):
            create(emulator.service, "lost")
    with Emulator(data=path) as emulator:
        state: Any = emulator.service.snapshot()
        assert [fleet["DeviceFleetName"] for fleet in state["fleets"]] == ["cameras"]
        assert [one["EdgeDeploymentPlanName"] for one in state["edge_deployment_plans"]] == ["kept"]


def test_an_empty_file_is_a_new_one(path: Path) -> None:
    path.touch()
    with Emulator(data=path) as emulator:
        create(emulator.service, "spring")
    with Emulator(data=path) as emulator:
        assert emulator.service.snapshot()["edge_deployment_plans"] != []


def test_a_wrong_seed_leaves_no_file(tmp_path: Path, path: Path) -> None:
    seed = tmp_path / "seed.toml"
    seed.write_text("[[plans]]\ncreate = 1\n")
    with pytest.raises(SeedError):
        Emulator(data=path, seed=seed)
    assert not path.exists()


def test_what_cannot_be_written_is_never_answered(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    emulator = Emulator(data=path)
    emulator.start()
    data: Any = emulator._data
    try:
        data._database.execute("PRAGMA query_only = ON")
        body = json.dumps(
            {"EdgeDeploymentPlanName": "p", "DeviceFleetName": "cameras", "ModelConfigs": []}
        ).encode()
        body = body.replace(b"[]", b'[{"ModelHandle": "m", "EdgePackagingJobName": "j"}]')
        reply = send_signed(emulator, body, operation="CreateEdgeDeploymentPlan")
        assert (reply.status, reply.json["__type"]) == (500, "InternalFailure")
        assert "give this user the right to write it" in reply.json["message"]
        # Nobody may see the plan, which is not in the file.
        assert send_signed(emulator).status == 500
        for question in ("seed", "state"):
            assert send(emulator, b"", method="GET", path=f"/_emulator/{question}").status == 500
        assert send(emulator, b'{"hold": true}', path="/_emulator/clock").status == 500
        health = send(emulator, b"", method="GET", path="/_emulator/health")
        assert (health.status, health.json["status"]) == (503, "broken")
        assert health.json["why"] == str(emulator.failures[0])
        assert send(emulator, b"", method="HEAD", path="/_emulator/health").status == 503
        with pytest.raises(NotKeptError, match="until the emulator is started again"):
            emulator.add_fleet("lost")
        assert not emulator.clock.held
        error, *others = emulator.failures
        assert "attempt to write a readonly database" in str(error)
        assert "Traceback" not in caplog.text
        assert {type(other) for other in others} == {NotKeptError}
    finally:
        emulator.stop()
    emulator.start()
    try:
        assert send(emulator, b"", method="GET", path="/_emulator/health").status == 200
        assert send_signed(emulator).json == {"EdgeDeploymentPlanSummaries": []}
    finally:
        emulator.stop()


def test_what_could_not_be_read_again_is_not_written(path: Path) -> None:
    wrong: Any = 12.5
    with Emulator(data=path) as emulator:
        resources = emulator.service._resources
        # A bug of the emulator, made for this test: its own methods refuse such a value.
        with pytest.raises(TypeError) as caught, resources.lock:
            resources.tables.used_offerings["tpo-1"] = wrong
    assert str(caught.value) == 'used_offerings "tpo-1" cannot be kept: it must be a text'
    with Emulator(data=path) as emulator:
        assert len(emulator.service.training_plan_arns) == 1


def test_a_stopped_emulator_has_let_its_file_go(path: Path) -> None:
    emulator = Emulator(data=path)
    emulator.start()
    create(emulator.service, "spring")
    emulator.stop()
    emulator.stop()
    with pytest.raises(OSError, match="is closed, because the emulator was stopped"):
        emulator.clock.advance(1)
    with Emulator(data=path) as other:
        create(other.service, "autumn")
        with pytest.raises(DataFileError, match="is in use"):
            emulator.start()
    with emulator:
        plans: Any = emulator.service.snapshot()["edge_deployment_plans"]
        assert [plan["EdgeDeploymentPlanName"] for plan in plans] == ["spring", "autumn"]


def test_an_emulator_that_cannot_bind_lets_its_file_go(path: Path) -> None:
    with Emulator() as taken:
        emulator = Emulator(data=path, port=int(taken.endpoint_url.rpartition(":")[2]))
        with pytest.raises(OSError, match="in use"):
            emulator.start()
        Emulator(data=path).stop()


def test_without_a_file_nothing_is_noted() -> None:
    service = Service()
    create(service, "spring")
    for table in service._resources.tables.by_name().values():
        assert table.taken_changes().touched == ()


def test_a_new_file_after_the_old_one_was_deleted_has_all_that_exists(path: Path) -> None:
    emulator = Emulator(data=path)
    with emulator:
        emulator.add_fleet("one")
    path.unlink()
    with emulator:
        emulator.add_fleet("two")
        emulator.clock.hold()
        before = state_of(emulator)
    with Emulator(data=path) as again:
        assert state_of(again) == before


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_was_deleted_in_use_is_told(path: Path, *, replaced: bool) -> None:
    with Emulator(data=path) as emulator:
        path.unlink()
        if replaced:
            path.touch()
        with pytest.raises(OSError, match="was deleted or replaced while it was in use"):
            emulator.add_fleet("lost")


def test_a_seed_is_not_written_over_the_data_file(path: Path) -> None:
    with Emulator(data=path) as emulator:
        with pytest.raises(ValueError, match="is the data file of this emulator"):
            emulator.export_seed(path)
        emulator.add_fleet("kept")
    with Emulator(data=path) as again:
        fleets: Any = again.service.snapshot()["fleets"]
        assert [each["DeviceFleetName"] for each in fleets] == ["cameras", "kept"]


def test_no_name_means_that_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Emulator(data=":memory:") as emulator:
        emulator.add_fleet("kept")
    assert (tmp_path / ":memory:").stat().st_size > 0
