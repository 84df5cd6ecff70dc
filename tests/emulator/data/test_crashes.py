"""Processes that are killed at any moment under load, and start again with all they answered."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import threading
from collections.abc import Generator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import attrs
import pytest

from emulator.requests_made import plan_request, send, send_signed, stage
from sagemaker_plans.emulator import Emulator

CLIENTS = 3
COMMAND = [sys.executable, "-m", "sagemaker_plans.emulator"]


@attrs.define
class Facts:
    """What one client was told, and what it asked for without an answer."""

    plans: dict[str, Any] = attrs.Factory(dict[str, Any])
    """Descriptions by name; None for what was deleted, and no entry while it is in doubt."""

    bought: set[str] = attrs.Factory(set[str])
    in_doubt: set[str] = attrs.Factory(set[str])
    """Offerings that were asked for, perhaps without an answer."""

    devices: dict[str, str] = attrs.Factory(dict[str, str])
    """What the tag of each device says that was registered."""

    now: float = 0.0
    answers: int = 0


def call(emulator: Emulator, operation: str, **members: Any) -> Any:
    reply = send_signed(emulator, json.dumps(members).encode(), operation=operation)
    assert reply.status in {200, 400}, reply.body
    return json.loads(reply.body or b"{}")


def described(emulator: Emulator, name: str) -> Any:
    """Describe a plan, without what depends on the time."""
    plan = call(emulator, "DescribeEdgeDeploymentPlan", EdgeDeploymentPlanName=name)
    if plan.get("__type") == "ResourceNotFound":
        return None
    for member in ("Success", "Pending", "Failed"):
        del plan[f"EdgeDeployment{member}"]
    for one in plan["Stages"]:
        one["DeploymentStatus"] = one["DeploymentStatus"].get("EdgeDeploymentStageStartTime")
    return plan


def live(emulator: Emulator, number: int, facts: Facts, chance: random.Random) -> None:
    """Change things, and note each answer, until the process is gone."""
    with contextlib.suppress(OSError, HTTPException):
        for turn in range(10_000):
            name = f"plan-{number}-{chance.randrange(6)}"
            named = {"EdgeDeploymentPlanName": name}
            kind = chance.choice(["create", "start", "delete", "extend", "register", "advance"])
            if kind == "advance":
                step = b'{"advance": 1}'
                facts.now = send(emulator, step, path="/_emulator/clock").json["now"]
            elif kind == "extend":
                offering = f"tpeo-{number}-{chance.randrange(500)}"
                facts.in_doubt.add(offering)
                reply = call(
                    emulator, "ExtendTrainingPlan", TrainingPlanExtensionOfferingId=offering
                )
                if "__type" not in reply:
                    facts.bought.add(offering)
            elif kind == "register":
                device = f"device-{number}-{chance.randrange(10**9)}"
                call(
                    emulator,
                    "RegisterDevices",
                    DeviceFleetName="cameras",
                    Devices=[{"DeviceName": device}],
                    Tags=[{"Key": "turn", "Value": str(turn)}],
                )
                facts.devices[device] = str(turn)
            else:
                facts.plans.pop(name, None)
                if kind == "create":
                    stages = (stage("canary"), stage(f"stage-{turn}"))
                    call(emulator, "CreateEdgeDeploymentPlan", **plan_request(name, *stages))
                elif kind == "start":
                    call(emulator, "StartEdgeDeploymentStage", **named, StageName="canary")
                else:
                    call(emulator, "DeleteEdgeDeploymentPlan", **named)
                facts.plans[name] = described(emulator, name)
            facts.answers += 1


@contextlib.contextmanager
def running(*arguments: str) -> Generator[tuple[Emulator, subprocess.Popen[str]]]:
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().rpartition(":")[2]
        assert port, process.communicate()[1]
        try:
            # One that does not run: it knows how to reach the one that does.
            yield Emulator(port=int(port)), process
        finally:
            process.kill()
            process.communicate()


def check(emulator: Emulator, number: int, facts: Facts) -> None:
    """Compare what exists with what was answered."""
    for name, plan in facts.plans.items():
        assert described(emulator, name) == plan
    for device, turn in facts.devices.items():
        there = call(emulator, "DescribeDevice", DeviceFleetName="cameras", DeviceName=device)
        tags = call(emulator, "ListTags", ResourceArn=there["DeviceArn"])["Tags"]
        assert tags == [{"Key": "turn", "Value": turn}]
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:training-plan/plan-{number}"
    shown: set[str] = set()
    token: dict[str, str] = {}
    while True:
        page = call(emulator, "DescribeTrainingPlanExtensionHistory", TrainingPlanArn=arn, **token)
        ids = [one["TrainingPlanExtensionOfferingId"] for one in page["TrainingPlanExtensions"]]
        assert not shown & {*ids}
        shown |= {*ids}
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert facts.bought <= shown <= facts.in_doubt
    facts.bought |= shown


def survive(folder: Path, *, kills: int, most: int, seed: int) -> int:
    chance = random.Random(seed)
    plans = [
        {
            "name": f"plan-{number}",
            "offerings": [{"offering_id": f"tpeo-{number}-{one}"} for one in range(500)],
        }
        for number in range(CLIENTS)
    ]
    file = folder / "seed.json"
    file.write_text(json.dumps({"fleets": [{"name": "cameras"}], "training_plans": plans}))
    everything = ("--data", str(folder / "state.db"), "--seed", str(file))
    clients = [Facts() for _ in range(CLIENTS)]
    for _ in range(kills):
        with running(*everything) as (emulator, process):
            for number, facts in enumerate(clients):
                check(emulator, number, facts)
            now = send(emulator, b'{"hold": true}', path="/_emulator/clock").json["now"]
            assert now >= max(facts.now for facts in clients)
            # Held, it moves by what the clients advance it.
            clients[0].now = now
            threads = [
                threading.Thread(target=live, args=(emulator, number, facts, chance))
                for number, facts in enumerate(clients)
            ]
            wanted = sum(facts.answers for facts in clients) + chance.randrange(5, most)
            for thread in threads:
                thread.start()
            while sum(facts.answers for facts in clients) < wanted:
                threads[0].join(0.001)
                assert all(thread.is_alive() for thread in threads)
            process.kill()
            for thread in threads:
                thread.join()
    with running(*everything) as (emulator, _):
        for number, facts in enumerate(clients):
            check(emulator, number, facts)
        assert send(emulator, b'{"hold": true}', path="/_emulator/clock").json["now"] <= (
            max(facts.now for facts in clients) + CLIENTS
        )
    return sum(facts.answers for facts in clients)


def test_a_killed_process_starts_again_with_all_that_it_answered(tmp_path: Path) -> None:
    assert survive(tmp_path, kills=2, most=30, seed=1) >= 10


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(3))
def test_many_killed_processes(tmp_path: Path, seed: int) -> None:
    assert survive(tmp_path, kills=6, most=100, seed=seed) >= 50
