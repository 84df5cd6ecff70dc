"""The example with 50 plans: at a service that throttles, and with one that fails."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from rollout.world import CREATE, MINUTES, START, STOP, Process, World, guarded
from sagemaker_plans import RolloutStoppedError
from virtual_clock import run_virtually

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "many_rollouts.py"
NAMES = [f"rollout-{number:02}" for number in range(1, 51)]
RATE = 10


def example() -> Any:
    spec = importlib.util.spec_from_file_location("many_rollouts", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def world_of_sites() -> World:
    """Give a world in which each plan of the example finds its fleet."""
    world = World(timings=MINUTES, rate=RATE)
    for name in NAMES:
        world.service.add_fleet(name.replace("rollout", "site"))
    return world


def client_of(process: Process) -> Any:
    return SimpleNamespace(plans=process.plans)


def test_it_has_30_lines_at_most() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 30


def test_all_are_rolled_out_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    worlds: list[World] = []

    @guarded
    async def run() -> None:
        worlds.append(world_of_sites())
        await example().roll_out_all(client_of(Process(worlds[0])))
        for name in NAMES:
            assert set(worlds[0].statuses(name).values()) == {"DEPLOYED"}

    run_virtually("asyncio", run)

    (world,) = worlds
    assert world.accepted(CREATE).total() == 50
    assert world.accepted(START) == {"canary": 50, "everyone": 50}
    # A small part of the requests was wasted.
    assert world.throttles < 0.15 * len(world.sent)
    shown = capsys.readouterr().out
    for name in NAMES:
        assert name in shown


def test_the_first_that_fails_stops_them_all() -> None:
    @guarded
    async def run() -> None:
        world = world_of_sites()
        world.service.add_fleet("site-07", devices=20, failing=["site-07-0002"])
        with pytest.raises(ExceptionGroup) as group:
            await example().roll_out_all(client_of(Process(world)))
        (stopped,) = group.value.exceptions
        assert isinstance(stopped, RolloutStoppedError)
        assert stopped.report.plan_name == "rollout-07"
        assert [device.name for device in stopped.report.failed_devices] == ["site-07-0002"]
        await anyio.sleep(60)
        for name in NAMES:
            running = {*world.statuses(name).values()} & {"STARTING", "INPROGRESS", "STOPPING"}
            assert not running, name
        assert world.accepted(STOP).total() > 0

    run_virtually("asyncio", run)
