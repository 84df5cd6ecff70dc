"""A shop, and a nursery of processes that buy in it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define, field

from journal_processes.shop import Shop, open_shop, wait_for

_PAUSE: Final = 0.002
_TESTS: Final = Path(__file__).parents[1]


@define(eq=False)
class Worker:
    """A process of its own."""

    name: str
    folder: Path
    pid: int

    def stopped_at(self) -> str:
        """Wait until it has stopped itself, and tell where."""
        place = wait_for(self.folder / f"{self.name}.stopped")
        while self._state() not in {"T", "gone"}:
            time.sleep(_PAUSE)
        return place

    def result(self) -> str:
        return wait_for(self.folder / f"{self.name}.result")

    def kill(self) -> None:
        """Kill it as with ``kill -9``, and wait until it is gone."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        while self._state() != "gone":
            time.sleep(_PAUSE)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _state(self) -> str:
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return "gone"
        return "gone" if state == "Z" else state


@define(eq=False)
class World:
    """A folder with a journal and a clock, a shop, and processes."""

    folder: Path
    shop: Shop
    nursery: "subprocess.Popen[str]"
    workers: list[Worker] = field(factory=list[Worker])
    numbers: Any = field(factory=count)

    def start(self, **task: Any) -> Worker:
        """Start a process; see ``nursery.Task``."""
        name = f"worker-{next(self.numbers)}"
        told = {"name": name, "folder": str(self.folder), "url": self.shop.url, **task}
        assert self.nursery.stdin is not None
        self.nursery.stdin.write(json.dumps(told) + "\n")
        self.nursery.stdin.flush()
        pid = int(wait_for(self.folder / f"{name}.pid"))
        self.workers.append(Worker(name, self.folder, pid))
        return self.workers[-1]

    def sold(self) -> list[str]:
        return [each["TrainingPlanExtensionOfferingId"] for each in self.shop.sold]


@pytest.fixture(scope="session")
def nursery() -> Iterator["subprocess.Popen[str]"]:
    paths = [str(_TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    started = subprocess.Popen(  # our own program
        [sys.executable, "-m", "journal_processes.nursery"],
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    with started:
        yield started
        assert started.stdin is not None
        started.stdin.close()


@pytest.fixture
def world(tmp_path: Path, nursery: "subprocess.Popen[str]") -> Iterator[World]:
    (tmp_path / "journal").mkdir()
    with open_shop(tmp_path) as shop:
        made = World(tmp_path, shop, nursery)
        yield made
        for worker in made.workers:
            worker.kill()
