"""Other processes: started, asked in lines of JSON, looked at, ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

TESTS: Final = Path(__file__).parents[1]
TIME_TO_END: Final = 10.0
TIME_TO_ANSWER: Final = 600.0
LAST_WORDS: Final = 4000


class ProcessFailedError(Exception):
    """Another process did not do what it was for; the text says why."""


def environment(*, authority: Path | None = None) -> dict[str, str]:
    """Give the environment of every process: no AWS settings or proxies of this machine.

    Args:
        authority: The certificate of the authority that a server over TLS has; None if no
            server has one.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTHON")) and not name.lower().endswith("_proxy")
    }
    trusted = {} if authority is None else {"AWS_CA_BUNDLE": str(authority)}
    return {
        **kept,
        **trusted,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONPATH": str(TESTS),
    }


class Process:
    """A process of an interpreter, in the process group of this one.

    Args:
        python: The interpreter.
        arguments: Its arguments.
        authority: As for `environment`.
    """

    def __init__(self, python: str, *arguments: str, authority: Path | None = None) -> None:
        self._words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `end`
        self._name = " ".join(arguments)
        try:
            self._process = subprocess.Popen(  # the benchmark's own
                [python, *arguments],
                env=environment(authority=authority),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                text=True,
            )
        except OSError as error:
            self._words.close()
            raise ProcessFailedError(f"cannot run {python}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def read_line(self) -> str:
        """Read a line that it prints; raises ProcessFailedError if it ends or hangs instead."""
        assert self._process.stdout is not None
        watch = threading.Timer(TIME_TO_ANSWER, self._process.kill)
        watch.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watch.cancel()
        if line:
            return line
        raise ProcessFailedError(f"`{self._name}` ended early:\n{self.last_words()}")

    def is_running(self) -> bool:
        """Tell whether it has not ended yet."""
        return self._process.poll() is None

    def ask(self, **order: object) -> dict[str, Any]:
        """Give a worker an order; returns its answer, or raises ProcessFailedError."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise ProcessFailedError(f"`{self._name}` is gone:\n{self.last_words()}") from error
        answer: dict[str, Any] = json.loads(self.read_line())
        if "error" in answer:
            raise ProcessFailedError(f"`{self._name}`, told {order}:\n{answer['error']}")
        return answer

    def last_words(self) -> str:
        """Give the end of what it wrote to standard error."""
        self._words.seek(0)
        return self._words.read().decode(errors="replace")[-LAST_WORDS:]

    def end(self) -> None:
        """End it, and wait until it has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.terminate()
        try:
            self._process.wait(TIME_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._words):
            pipe.close()


def run(python: str, *arguments: str) -> dict[str, Any]:
    """Run a process to its end; returns the JSON of the last line that it prints."""
    ran = subprocess.run(  # the benchmark's own
        [python, *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIME_TO_ANSWER,
    )
    if ran.returncode != 0:
        raise ProcessFailedError(f"`{' '.join(arguments)}` failed:\n{ran.stderr[-LAST_WORDS:]}")
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


class Spent(NamedTuple):
    """What a process took from its start to its end, in seconds."""

    wall: float
    cpu: float


def whole(python: str, *arguments: str, without_bytecode: Path | None = None) -> Spent:
    """Run a process to its end, and measure it from the outside.

    Args:
        python: The interpreter.
        arguments: Its arguments.
        without_bytecode: A copy of its packages without bytecode, to be used in their place.
            They are then compiled in this process, and what was compiled is not kept. None
            uses the packages as they are installed, with their bytecode.
    """
    env = environment()
    options: tuple[str, ...] = ()
    if without_bytecode is not None:
        paths = os.pathsep.join([str(without_bytecode), str(TESTS)])
        env |= {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
        options = ("-S",)  # the packages that are installed stay out of sight
    with tempfile.TemporaryFile() as words:
        began = time.perf_counter()
        running = subprocess.Popen(  # the benchmark's own
            [python, *options, *arguments],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(running.pid, 0)
        wall = time.perf_counter() - began
        running.returncode = os.waitstatus_to_exitcode(status)
        if running.returncode != 0:
            words.seek(0)
            text = words.read().decode(errors="replace")[-LAST_WORDS:]
            raise ProcessFailedError(f"`{' '.join(arguments)}` failed:\n{text}")
    return Spent(wall, usage.ru_utime + usage.ru_stime)


def copy_without_bytecode(python: str, folder: Path) -> Path:
    """Copy the packages of an interpreter, but not their bytecode; gives the copy."""
    code = "import json, sysconfig; print(json.dumps({'path': sysconfig.get_path('purelib')}))"
    packages = run(python, "-c", code)["path"]
    return shutil.copytree(packages, folder, ignore=shutil.ignore_patterns("__pycache__"))


def resident_bytes(pid: int) -> int:
    """Read how much memory a process has; only Linux tells in this way."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Read how much CPU time a process has used; only Linux tells in this way."""
    # After the name, which may hold anything, in brackets.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
