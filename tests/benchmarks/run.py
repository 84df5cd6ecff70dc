"""The benchmarks: `nox -s bench` makes the environments and runs this.

Each peer is a worker process in an environment of its own; all talk to one server in
another process. A round measures every peer once, one after the other, beginning with
another one in each round; there are several rounds. It prints tables in Markdown, writes
every figure as JSON, and fails if a peer could not be run.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from subprocess import SubprocessError
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

import attrs

from benchmarks import servers
from benchmarks.peers import FLEET, OURS_AND_BASE, PEERS, WIRE_PLAN, Load
from benchmarks.processes import (
    Process,
    ProcessFailedError,
    copy_without_bytecode,
    resident_bytes,
    run,
    whole,
)
from benchmarks.replay import Signed, replay, setup
from benchmarks.report import markdown
from benchmarks.results import (
    AT,
    BASE,
    CONCURRENCIES,
    MODULES,
    MOTO,
    OURS,
    STARTS,
    TLS,
    TRIO,
    Results,
)
from sagemaker_plans.emulator import Emulator, FleetSeed, PlanSeed, Seed

T = TypeVar("T")

POOL: Final = max(CONCURRENCIES)
LOADS: Final = (*(("describe", at) for at in CONCURRENCIES), ("create", AT))
WAITERS: Final = (1, 10, 100)
WAIT_INTERVAL: Final = 0.5
WAIT_INTERVALS: Final = 6
WEIGHED: Final = ((1_000, 1), (100, 10), (10_000, 1))
"""How many plans, and how many waits on each."""
SLOW_START: Final = 3.0
"""What takes longer to start, in seconds, is started in fewer rounds."""
FEWER: Final = 2
COPIED: Final = (OURS, BASE, "boto3", "capo-sagemaker")
"""Those that are also started without bytecode. sagemaker-core's packages are too many."""
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def say(line: str) -> None:
    """Tell how far it is; standard output is for the tables."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201  # a command


def turned(names: Sequence[T], by: int) -> list[T]:
    """Give the same, beginning with another one."""
    at = by % len(names) if names else 0
    return [*names[at:], *names[:at]]


def machine() -> dict[str, str]:
    """Say what this runs on, and what else it does."""
    model = "an unnamed CPU"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": f"{model}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GiB",
        "system": f"Linux {platform.release()}",
        "load average at the start (1, 5, 15 minutes)": load,
    }


@attrs.frozen(kw_only=True)
class Settings:
    """How much is measured, and by which interpreters."""

    pythons: Mapping[str, str]
    rounds: int
    seconds: float
    soak: int

    def python(self, who: str) -> str:
        """Give the interpreter that has a peer; those not named are in this one's."""
        return self.pythons.get(who, sys.executable)


class Benchmark:
    """One run.

    Args:
        settings: How much is measured.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.results = Results(
            machine=machine(),
            settings={
                "rounds": settings.rounds,
                "seconds of each load": settings.seconds,
                "connections allowed": POOL,
            },
        )

    def run(self) -> None:
        """Measure everything."""
        began = time.monotonic()
        with servers.canned(sys.executable) as server:
            peers = self.loads(server.url)
            self.elsewhere(server.url)
            self.over_tls()
            self.starts(server.url, peers)
            self.soak(server.url)
        self.waits()
        self.weights()
        self.servers()
        self.results.seconds = time.monotonic() - began

    @contextmanager
    def tolerated(self, who: str) -> Generator[None]:
        """Go on with the others if one cannot be run; the run fails at its end."""
        try:
            yield
        except (ProcessFailedError, SubprocessError, OSError, RuntimeError) as error:
            say(f"{who} could not be run: {error}")
            self.results.failures.setdefault(who, str(error))

    def worker(
        self, peer: str, url: str, stack: ExitStack, *, authority: Path | None = None
    ) -> Process:
        """Start the worker of a peer."""
        python = self._settings.python(TRIO if peer.endswith("httpx") else peer)
        worker = Process(python, "-m", "benchmarks.worker", peer, authority=authority)
        stack.enter_context(worker)
        opened = worker.ask(act="open", url=url, pool=POOL)
        self.results.versions[peer] = {"Python": opened["python"], **opened["versions"]}
        return worker

    def loads(self, url: str) -> list[str]:
        """Measure calls per second and CPU per call; gives the peers that could be run."""
        with ExitStack() as stack:
            workers: dict[str, Process] = {}
            calls: dict[str, list[int]] = {}
            for peer in PEERS:
                say(f"opening {peer}")
                with self.tolerated(peer):
                    worker = self.worker(peer, url, stack)
                    calls[peer] = [self.calls_for(worker, *load) for load in LOADS]
                    workers[peer] = worker
            for number in range(self._settings.rounds):
                say(f"calls, round {number + 1} of {self._settings.rounds}")
                for index, (operation, at) in enumerate(LOADS):
                    for peer in turned([*workers], number):
                        with self.tolerated(peer):
                            # A few untimed calls first: connections idle between rounds
                            # may have been closed.
                            _load(workers[peer], operation, at, at)
                            load = _load(workers[peer], operation, calls[peer][index], at)
                            self.note_load(operation, at, peer, load)
            return [peer for peer in workers if peer not in self.results.failures]

    def elsewhere(self, url: str) -> None:
        """Measure this package and what it stands on with httpx, on asyncio and on trio."""
        for where, kinds in OURS_AND_BASE.items():
            with ExitStack() as stack:
                workers: dict[str, Process] = {}
                for peer in kinds:
                    with self.tolerated(f"{peer}, {where}"):
                        workers[peer] = self.worker(f"{peer}, {where}", url, stack)
                self.describes(where, workers)

    def over_tls(self) -> None:
        """Measure this package and what it stands on over TLS, with a certificate made here."""
        with TemporaryDirectory() as folder, ExitStack() as stack:
            authority = Path(folder) / "authority.pem"
            with self.tolerated(TLS):
                server = stack.enter_context(servers.canned(sys.executable, authority))
                workers = {
                    peer: self.worker(peer, server.url, stack, authority=authority)
                    for peer in (OURS, BASE)
                }
                self.describes(TLS, workers)

    def describes(self, where: str, workers: Mapping[str, Process]) -> None:
        """Measure describes at one concurrency."""
        calls: dict[str, int] = {}
        for number in range(self._settings.rounds):
            say(f"describes {where}, round {number + 1} of {self._settings.rounds}")
            for peer in turned([*workers], number):
                with self.tolerated(f"{peer}, {where}"):
                    worker = workers[peer]
                    if peer not in calls:
                        calls[peer] = self.calls_for(worker, "describe", AT)
                    load = _load(worker, "describe", calls[peer], AT)
                    self.note_load(f"describe {where}", AT, peer, load)

    def calls_for(self, worker: Process, operation: str, at: int) -> int:
        """Find how many calls fill the time of a load; this also warms everything up."""
        few = max(30, at)
        _load(worker, operation, few, at)
        load = _load(worker, operation, few, at)
        return max(few, int(self._settings.seconds * load.calls / load.wall))

    def note_load(self, what: str, at: int, who: str, load: Load) -> None:
        """Note the rate of a load and the CPU seconds of one call."""
        self.results.note(f"{what} rate at {at}", who, load.calls / load.wall)
        self.results.note(f"{what} cpu at {at}", who, load.cpu / load.calls)

    def starts(self, url: str, peers: Sequence[str]) -> None:
        """Measure whole processes with one describe, and imports alone."""
        with TemporaryDirectory() as folder:
            copies: dict[str, Path] = {}
            for peer in (peer for peer in peers if peer in COPIED):
                with self.tolerated(f"packages of {peer}"):
                    copy = Path(folder) / peer
                    copies[peer] = copy_without_bytecode(self._settings.python(peer), copy)
            keys = [(STARTS[0], peer) for peer in peers]
            keys += [(STARTS[1], peer) for peer in copies]
            keys += [("import", module) for module in MODULES]
            slow: set[tuple[str, str]] = set()
            # The round before the first only fills caches: bytecode, the file system's.
            for number in range(-1, self._settings.rounds):
                say(f"starts, round {number + 1} of {self._settings.rounds}")
                for key in turned(keys, number):
                    if key in slow and number >= FEWER:
                        continue
                    with self.tolerated(" of ".join(key)):
                        wall, cpu = self.start(*key, url, copies)
                        if wall > SLOW_START:
                            slow.add(key)
                        if number >= 0:
                            self.results.note(f"{key[0]} wall", key[1], wall)
                            self.results.note(f"{key[0]} cpu", key[1], cpu)

    def start(
        self, measure: str, who: str, url: str, copies: Mapping[str, Path]
    ) -> tuple[float, float]:
        """Measure one start; gives the seconds and the CPU seconds."""
        python = self._settings.python(who)
        if measure == "import":
            spent = run(python, "-m", "benchmarks.cold", who)
            return spent["wall"], spent["cpu"]
        copy = copies[who] if measure == STARTS[1] else None
        return whole(python, "-m", "benchmarks.cold", who, url, without_bytecode=copy)

    def soak(self, url: str) -> None:
        """Find out whether many calls leave anything behind."""
        calls = self._settings.soak
        say(f"memory of {calls:,} describes")
        with self.tolerated("memory of many calls"), ExitStack() as stack:
            worker = self.worker(OURS, url, stack)
            worker.ask(act="soak", calls=calls // 4)
            before = resident_bytes(worker.pid)
            after = worker.ask(act="soak", calls=calls)["resident"]
            words = f"the process, after a warm-up of {calls // 4:,} describes"
            self.results.note("memory", words, before)
            for number, resident in enumerate(after, 1):
                words = f"its growth, {calls * number // len(after):,} describes later"
                self.results.note("memory", words, resident - before)

    def waits(self) -> None:
        """Count the describes of all who wait for one stage, at the emulator."""
        seed = Seed(fleets=(FleetSeed(name=FLEET),), plans=(PlanSeed(create=WIRE_PLAN),))
        with Emulator(seed=seed) as emulator:
            for peer in (OURS, BASE):
                say(f"waits, {peer}")
                with self.tolerated(f"waits, {peer}"), ExitStack() as stack:
                    worker = self.worker(peer, emulator.endpoint_url, stack)
                    for waiters in WAITERS:
                        before = len(emulator.requests)
                        worker.ask(
                            act="waits",
                            waiters=waiters,
                            interval=WAIT_INTERVAL,
                            intervals=WAIT_INTERVALS,
                        )
                        # There is one look more than there are intervals.
                        describes = (len(emulator.requests) - before) / (WAIT_INTERVALS + 1)
                        self.results.note(f"describes, {waiters} waiting", peer, describes)

    def weights(self) -> None:
        """Weigh waits that pause."""
        with self.tolerated("memory of waits"), ExitStack() as stack:
            worker = Process(sys.executable, "-m", "benchmarks.worker", OURS)
            stack.enter_context(worker)
            for plans, waiters in WEIGHED:
                found = worker.ask(act="weights", plans=plans, waiters=waiters)
                words = f"{plans * waiters:,} waits, {waiters} on each of {plans:,} plans"
                self.results.note("memory", words, found["bytes"] * plans * waiters)

    def servers(self) -> None:
        """Measure our emulator beside moto's server."""
        with ExitStack() as stack:
            running: dict[str, tuple[servers.Server, Sequence[Signed]]] = {}
            with self.tolerated("the emulator"):
                server = stack.enter_context(servers.emulator(sys.executable))
                running["the emulator"] = server, servers.reads_of_emulator(server.url)
            with self.tolerated(MOTO):
                python = self._settings.python(MOTO)
                self.results.versions[MOTO] = {MOTO: _moto_version(python)}
                server = stack.enter_context(servers.moto(python))
                running[MOTO] = server, servers.reads_of_moto(server.url)
            for who, (_, requests) in running.items():
                with self.tolerated(who):
                    asyncio.run(setup(requests))
            for number in range(-1, self._settings.rounds):
                say(f"servers, round {number + 1} of {self._settings.rounds}")
                for who in turned([*running], number):
                    server, requests = running[who]
                    with self.tolerated(who):
                        calls = max(100, int(500 * self._settings.seconds))
                        load = asyncio.run(replay(requests[-1], server.pid, calls, AT))
                        if number >= 0:
                            self.note_load("server", AT, who, load)


def _load(worker: Process, operation: str, calls: int, concurrency: int) -> Load:
    answer = worker.ask(act="load", operation=operation, calls=calls, concurrency=concurrency)
    return Load(**answer)


def _moto_version(python: str) -> str:
    code = 'import json, importlib.metadata as m; print(json.dumps({"moto": m.version("moto")}))'
    return str(run(python, "-c", code)["moto"])


def _put_into(page: Path, tables: str) -> None:
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{page} lacks the lines {BEGIN} and {END}")
    page.write_text(f"{before}{begin}\n\n{tables}\n{end}{after}", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare this package with its peers.")
    add = parser.add_argument
    add("--python", action="append", default=[], metavar="PEER=PATH", help="a peer's interpreter")
    add("--rounds", type=int, default=5, help="how often each is measured (5)")
    add("--seconds", type=float, default=0.4, help="how long one load takes (0.4)")
    add("--soak", type=int, default=20_000, help="describes to look for growing memory (20000)")
    add("--json", type=Path, metavar="FILE", help="where every figure is written")
    add("--page", type=Path, metavar="FILE", help="a page to put the tables into")
    return parser.parse_args()


def main() -> int:
    """Run everything; returns the exit status."""
    if sys.platform != "linux":
        raise SystemExit("the benchmarks read /proc: they run on Linux")
    options = _options()
    pythons = dict(one.split("=", 1) for one in options.python)
    benchmark = Benchmark(
        Settings(pythons=pythons, rounds=options.rounds, seconds=options.seconds, soak=options.soak)
    )
    benchmark.run()
    results = benchmark.results
    tables = markdown(results)
    print(tables)  # noqa: T201  # a command
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(attrs.asdict(results), indent=1), encoding="utf-8")
        say(f"every figure is in {options.json}")
    for who, words in results.failures.items():
        say(f"FAILED: {who} could not be run: {words}")
    if results.failures:
        return 1
    if options.page:
        _put_into(options.page, tables)
        say(f"the tables are in {options.page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
