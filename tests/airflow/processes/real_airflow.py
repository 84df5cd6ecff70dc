"""A real Airflow: its processes, a database, and its API."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from postgres import database, free_port

PATIENCE: Final = 300.0
HERE: Final = Path(__file__).parent
DAGS: Final = {
    *("buy_0", "buy_3", "keep", "mapped", "mapped_in_store"),
    *("roll", "roll_deferred", "many"),
}


def eventually(what: str, look: Callable[[], Any], patience: float = PATIENCE) -> Any:
    deadline = time.monotonic() + patience
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience:g} s: {what}")
        time.sleep(0.1)
    return found


@define
class RealAirflow:
    """The processes of one Airflow."""

    home: Path
    env: dict[str, str]
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(factory=dict)
    _token: str = ""

    COMPONENTS = (
        ("api-server", "--host", "127.0.0.1", "--workers", "1", "--port"),
        ("scheduler", "--skip-serve-logs"),
        ("dag-processor",),
        ("triggerer", "--skip-serve-logs"),
    )

    def start(self, component: str) -> None:
        (command,) = [each for each in self.COMPONENTS if each[0] == component]
        port = [str(self.port)] if command[-1] == "--port" else []
        with (self.home / f"{component}.log").open("ab") as log:
            self.processes[component] = subprocess.Popen(
                [sys.executable, "-m", "airflow", *command, *port],
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self, component: str) -> str:
        """Read what a component has written."""
        return (self.home / f"{component}.log").read_text(encoding="utf-8", errors="replace")

    def kill(self, component: str) -> None:
        """Kill a component's main process, as a machine's lack of memory would."""
        process = self.processes.pop(component)
        process.kill()
        process.wait()

    def stop(self) -> None:
        for process in self.processes.values():
            os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def api(self, path: str, body: object = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.loads(reply.read() or b"null")

    def wait_until_healthy(self) -> None:
        def healthy() -> bool:
            try:
                health = self.api("/api/v2/monitor/health")
            except OSError:
                return False
            return all(each["status"] in {"healthy", None} for each in health.values())

        eventually("Airflow is healthy", healthy)
        self._token = self.api("/auth/token")["access_token"]

        def dags() -> bool:
            found = {each["dag_id"] for each in self.api("/api/v2/dags")["dags"]}
            return found >= DAGS

        eventually("the DAGs are there", dags)

    def trigger(self, dag: str, run_id: str, conf: dict[str, str]) -> None:
        body = {"dag_run_id": run_id, "conf": conf, "logical_date": None}
        self.api(f"/api/v2/dags/{dag}/dagRuns", body)

    def clear(self, dag: str, run_id: str) -> None:
        """Run all tasks of a run again, as a person does in the interface."""
        body = {"dag_run_id": run_id, "dry_run": False, "only_failed": False}
        self.api(f"/api/v2/dags/{dag}/clearTaskInstances", body)

    def state(self, dag: str, run_id: str) -> str:
        return str(self.api(f"/api/v2/dags/{dag}/dagRuns/{run_id}")["state"])

    def tasks(self, dag: str, run_id: str) -> list[str]:
        """Give the states of a run's tasks. The API gives 100 at a time."""
        path = f"/api/v2/dags/{dag}/dagRuns/{run_id}/taskInstances?limit=100&offset="
        states: list[str] = []
        while found := self.api(f"{path}{len(states)}")["task_instances"]:
            states += [str(each["state"]) for each in found]
        return states

    def ended(self, dag: str, run_id: str) -> str:
        """Wait until a run has ended. Give its state."""

        def end() -> str | None:
            state = self.state(dag, run_id)
            return state if state in {"success", "failed"} else None

        return str(eventually(f"{dag} {run_id} ends", end))

    def processes_of(self, run_id: str) -> dict[str, int]:
        """Give the process of the task that runs now, and that of its supervisor."""
        path = self.home / "notes" / run_id
        eventually(f"{run_id} runs", path.exists)
        return dict(json.loads(path.read_text()))


@contextmanager
def real_airflow(folder: Path, env: dict[str, str]) -> Iterator[RealAirflow]:
    with ExitStack() as stack:
        url = stack.enter_context(database(folder))
        url = url.replace("postgresql:", "postgresql+psycopg2:")
        port = free_port()
        for name in ("journal", "notes"):
            (folder / name).mkdir()
        settings = {
            "API__PORT": str(port),
            "API_AUTH__JWT_SECRET": "a secret of this test " * 4,
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "CORE__DAGS_FOLDER": str(HERE / "dags"),
            "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__PARALLELISM": "4",
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "DATABASE__SQL_ALCHEMY_CONN": url,
            "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
            "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
            "TRIGGERER__JOB_HEARTBEAT_SEC": "2",
            "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
            "USAGE_DATA_COLLECTION__ENABLED": "False",
            "WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
        }
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
            **{f"AIRFLOW__{name}": value for name, value in settings.items()},
            "AIRFLOW_HOME": str(folder),
            "JOURNAL": str(folder / "journal"),
            "NOTES": str(folder / "notes"),
            **env,
        }
        subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env=env,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        airflow = RealAirflow(folder, env, port)
        stack.callback(airflow.stop)
        for component, *_ in airflow.COMPONENTS:
            airflow.start(component)
        airflow.wait_until_healthy()
        yield airflow
