from __future__ import annotations

import contextlib
import os
import re
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from emulator.requests_made import send_signed
from sagemaker_plans.emulator import Emulator
from sagemaker_plans.emulator.__main__ import main
from sagemaker_plans.emulator._command import _settings

COMMAND = [sys.executable, "-m", "sagemaker_plans.emulator"]
EXPORTS = [
    "AWS_ENDPOINT_URL_SAGEMAKER",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "NO_PROXY",
    "no_proxy",
]


def knock(port: int, served: threading.Semaphore) -> None:
    """Send requests until the emulator has stopped."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.suppress(OSError, HTTPException):
        while True:
            connection.request("GET", "/_emulator/state")
            connection.getresponse().read()
            served.release()
    connection.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_announces_itself_and_a_signal_ends_it_cleanly_under_load(
    number: signal.Signals,
) -> None:
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        exports = [process.stdout.readline() for _ in EXPORTS]
        served = threading.Semaphore(0)
        clients = [
            threading.Thread(target=knock, args=(int(first.rpartition(":")[2]), served))
            for _ in range(8)
        ]
        for client in clients:
            client.start()
        for _ in range(50):
            assert served.acquire(timeout=10)
        process.send_signal(number)
        rest, errors = process.communicate(timeout=10)
        for client in clients:
            client.join()
    url = re.fullmatch(r"The emulator is ready at (http://127\.0\.0\.1:\d+)\n", first)
    assert url is not None
    assert exports[0] == f"export AWS_ENDPOINT_URL_SAGEMAKER={url[1]}\n"
    assert [re.split("[ =]", line)[1] for line in exports] == EXPORTS
    assert (process.returncode, rest, errors) == (0, "", "")


def run(
    arguments: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
    visit: Any = None,
) -> int:
    """Run the command in this process, and stop it with a signal when it is ready."""
    visitors: list[threading.Thread] = []
    start = Emulator.start

    def started(emulator: Emulator) -> None:
        start(emulator)

        def call() -> None:
            if visit is not None:
                visit(emulator)
            os.kill(os.getpid(), signal.SIGTERM)

        visitors.append(threading.Thread(target=call))
        visitors[-1].start()

    monkeypatch.setattr(Emulator, "start", started)
    status = main(arguments)
    for visitor in visitors:
        visitor.join()
    return status


def test_it_serves_what_the_seed_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = tmp_path / "seed.toml"
    seed.write_text('[[training_plans]]\nname = "mine"\n')
    replies: list[Any] = []

    def visit(emulator: Emulator) -> None:
        assert emulator.clock.speed == 60
        replies.append(
            send_signed(emulator, operation="ListTrainingPlans", key="any", secret="thing").json
        )

    before = signal.getsignal(signal.SIGTERM)
    arguments = ["--seed", str(seed), "--any-credentials", "--speed", "60"]
    assert run(arguments, monkeypatch, visit) == 0
    assert replies[0]["TrainingPlanSummaries"][0]["TrainingPlanName"] == "mine"
    assert signal.getsignal(signal.SIGTERM) is before
    assert capsys.readouterr().err == ""


def test_it_warns_of_addresses_that_others_reach(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert run(["--host", "0.0.0.0"], monkeypatch) == 0
    assert (
        "0.0.0.0 is not a loopback address: every host that reaches it can control" in caplog.text
    )


def test_a_seed_that_makes_no_sense_is_explained_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = tmp_path / "seed.toml"
    seed.write_text('[[fleets]]\nname = "a"\n\n[[fleets]]\nname = "b"\nfailing = 3\n')
    assert main(["--seed", str(seed)]) == 1
    assert capsys.readouterr().err == (
        f"The emulator cannot start: {seed}:6: fleets[1].failing must be a list of names, each "
        "once, of up to 63 letters and digits, with hyphens between them\n"
    )


def test_failures_of_the_emulator_show_in_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class BrokenError(Exception):
        """A bug of the emulator, made for a test."""

    def broken(*_args: object, **_options: object) -> Any:
        raise BrokenError

    def visit(emulator: Emulator) -> None:
        monkeypatch.setattr(emulator.service, "handle", broken)
        assert send_signed(emulator).status == 500

    assert run([], monkeypatch, visit) == 3
    assert "BrokenError" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seed", "nothing.toml"], "No such file"),
        (["--port", "99999"], "port must be between 0 and 65535"),
        (["--speed", "0"], "speed must be a positive number"),
        (["--host", "256.0.0.1"], "The emulator cannot start"),
    ],
)
def test_what_cannot_start_says_why(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(arguments) == 1
    assert words in capsys.readouterr().err


def test_it_runs_as_a_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sagemaker_plans.emulator import __main__

    monkeypatch.setattr(sys, "argv", ["emulator", "--help"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(__main__.__file__, run_name="__main__")
    assert caught.value.code == 0
    assert "--any-credentials" in capsys.readouterr().out


def test_a_wrong_command_line_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--colour"])
    assert caught.value.code == 2
    assert "usage: python -m sagemaker_plans.emulator" in capsys.readouterr().err


def test_windows_gets_the_lines_of_its_own_shells() -> None:
    lines = [*_settings({"NAME": "it's", "OTHER": "a b"}, windows=True)]

    assert lines == [
        "In PowerShell:",
        "$env:NAME = 'it''s'",
        "$env:OTHER = 'a b'",
        "In cmd.exe:",
        'set "NAME=it\'s"',
        'set "OTHER=a b"',
    ]
