"""Forks processes that buy or settle. It has imported everything, so each starts in milliseconds.

It reads one JSON object a line: what the process is to do, see ``Task``. It is a program of its
own, because a process with threads, such as a test's, should not fork.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

import anyio
import botocore.auth
from attrs import define, field

from harness import session
from journal_processes.shop import ARN, clock
from sagemaker_plans import AsyncClient, ExtensionReceipt, PacePolicy, RetryPolicy
from sagemaker_plans._training.purchases import service_clock
from sagemaker_plans.journal import FileJournal, PurchaseJournal, PurchaseRecord

POLICY: Final = RetryPolicy(base_delay=0.01, max_delay=1.0, reconcile_limit=0.6)


@define(kw_only=True)
class Task:
    """What a process is to do."""

    name: str
    """Names its files in the folder: its result, and where it has stopped."""
    folder: str
    url: str
    backend: str = "asyncio"
    key: str = "wanted"
    offering: str = "tpeo-a"
    stops_at: str = ""
    """The place at which it stops itself, as with SIGSTOP."""
    settles: bool | None = None
    """What a person says; None for a purchase."""
    places: list[str] = field(factory=list[str])

    def pass_by(self, place: str) -> None:
        """Stop here, if this is the place."""
        if place == self.stops_at:
            self.stops_at = ""
            self.write("stopped", place)
            os.kill(os.getpid(), signal.SIGSTOP)

    def write(self, kind: str, text: str) -> None:
        path = Path(self.folder, f"{self.name}.{kind}")
        part = path.with_suffix(".part")
        part.write_text(text)
        part.rename(path)


@define(eq=False)
class StoppingJournal(PurchaseJournal):
    """A journal in files, with a place before and after each call."""

    files: FileJournal
    task: Task

    async def records(self, plan: str, /) -> tuple[PurchaseRecord, ...]:
        self.task.pass_by("before records")
        read = await self.files.records(plan)
        self.task.pass_by("after records")
        return read

    async def begin(self, record: PurchaseRecord, /) -> bool:
        self.task.pass_by("before begin")
        begun = await self.files.begin(record)
        self.task.pass_by("after begin")
        return begun

    async def end(self, record: PurchaseRecord, /) -> bool:
        self.task.pass_by("before end")
        ended = await self.files.end(record)
        self.task.pass_by("after end")
        return ended


async def run(task: Task) -> str:
    """Do it, and tell how it ended."""
    folder = Path(task.folder)
    own = session()

    def at(place: str) -> Callable[..., None]:
        def pass_by(**_: Any) -> None:
            task.pass_by(place)

        return pass_by

    events: Any = own.get_component("event_emitter")
    events.register("before-sign.sagemaker.ExtendTrainingPlan", at("before signing"))
    events.register("before-send.sagemaker.ExtendTrainingPlan", at("before sending"))
    async with AsyncClient(
        region_name="us-east-1",
        endpoint_url=task.url,
        session=own,
        retry=POLICY,
        pace=PacePolicy.off(),
        journal=StoppingJournal(FileJournal(folder / "journal"), task),
        request_timeout=10.0,
    ) as client:
        plans = client.training_plans
        if task.settles is not None:
            await plans.settle(ARN, bought=task.settles)
            return "settled"
        receipt: ExtensionReceipt = await plans.extend(
            task.offering, training_plan_arn=ARN, idempotency_key=task.key
        )
        return receipt.outcome


def work(task: Task) -> None:
    folder = Path(task.folder)

    def now() -> datetime:
        return clock(folder)

    service_clock.machine_time = now
    naive: Any = lambda: now().replace(tzinfo=None)  # noqa: E731  # one expression
    botocore.auth.get_current_datetime = naive  # type: ignore[attr-defined]  # imported there
    try:
        result = anyio.run(run, task, backend=task.backend)
    except Exception as error:  # noqa: BLE001  # the test reads it
        result = f"{type(error).__name__}: {error}"
    task.write("result", result)


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


async def _warm_up() -> None:
    async with cast("Any", session()).create_client("sagemaker", region_name="us-east-1"):
        pass


def main() -> None:
    """Fork a process for each line."""
    anyio.run(_warm_up)
    import_module("trio")

    for line in sys.stdin:
        _reap()
        task = Task(**json.loads(line))
        child = os.fork()
        if child == 0:
            try:
                work(task)
            finally:
                os._exit(0)
        task.write("pid", str(child))


if __name__ == "__main__":
    main()
