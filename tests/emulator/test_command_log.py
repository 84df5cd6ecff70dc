"""The options of the command that are about its log, its seed and those it serves."""

from __future__ import annotations

import importlib.metadata
import io
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from emulator.requests_made import send, send_signed
from sagemaker_plans import __version__
from sagemaker_plans.emulator import Emulator, Fault
from sagemaker_plans.emulator import __main__ as command
from sagemaker_plans.emulator._http.request_log import REQUEST_LOGGER, JsonFormatter


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, visit: Any) -> int:
    """Run the command in this process, and stop it with a signal after a visit."""
    start = Emulator.start
    visitors: list[threading.Thread] = []

    def started(emulator: Emulator) -> None:
        start(emulator)

        def call() -> None:
            try:
                visit(emulator)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        visitors.append(threading.Thread(target=call))
        visitors[-1].start()

    monkeypatch.setattr(Emulator, "start", started)
    status = command.main(arguments)
    for visitor in visitors:
        visitor.join()
    return status


def visit_all(emulator: Emulator) -> None:
    """Make one request with each kind of outcome."""
    assert send_signed(emulator, operation="ListTrainingPlans").status == 200
    emulator.inject("ListTrainingPlans", Fault.throttle())
    assert send_signed(emulator, operation="ListTrainingPlans").status == 400
    assert send_signed(emulator, operation="ListTrainingPlans", key="nobody").status == 400
    assert send(emulator, b"", {"Host": "evil.example"}, path="/_emulator/reset").status == 403
    assert send(emulator, b"", method="GET", path="/_emulator/health").status == 200
    emulator.inject("*", Fault.disconnect("fin"))
    with pytest.raises(OSError):
        send_signed(emulator, operation="ExtendTrainingPlan")


def test_each_request_is_one_line_of_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    level = REQUEST_LOGGER.getEffectiveLevel()
    assert run(monkeypatch, "--log-format", "json", visit=visit_all) == 0
    lines: list[Any] = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [
        (one["operation"], one["outcome"], one["status"], one["fault"])
        for one in sorted(lines, key=lambda one: one["time"])
    ] == [
        ("ListTrainingPlans", "ok", 200, None),
        ("ListTrainingPlans", "ThrottlingException", 400, "throttle"),
        ("ListTrainingPlans", "UnrecognizedClientException", 400, None),
        ("POST /_emulator/reset", "AccessDeniedException", 403, None),
        ("GET /_emulator/health", "ok", 200, None),
        ("ExtendTrainingPlan", "no reply", None, "disconnect_fin"),
    ]
    assert all(
        one["seconds"] >= 0 and one["request_id"] and one["level"] == "INFO" for one in lines
    )
    assert REQUEST_LOGGER.getEffectiveLevel() == level


def test_the_log_can_be_read_by_people(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--verbose", visit=visit_all) == 0
    lines = capsys.readouterr().err.splitlines()
    assert "INFO ListTrainingPlans: ok, " in lines[0]
    assert lines[1].endswith(" ms, fault throttle")
    assert len(lines) == 6


def test_without_it_requests_are_not_logged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, visit=visit_all) == 0
    assert capsys.readouterr().err == ""


def test_an_error_is_one_line_of_json_too() -> None:
    error = ValueError("a bug")
    record = logging.LogRecord(
        "x", logging.ERROR, "", 0, "It failed", None, (ValueError, error, None)
    )
    line = json.loads(JsonFormatter().format(record))
    assert (line["level"], line["message"]) == ("ERROR", "It failed")
    assert "ValueError: a bug" in line["error"]


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.strip() == importlib.metadata.version("sagemaker-plans")


def test_its_health_can_be_asked_for(emulator: Emulator) -> None:
    send_signed(emulator)
    send_signed(emulator, key="nobody")
    health = send(emulator, b"", method="GET", path="/_emulator/health").json
    assert health["status"] == "ok"
    assert health["version"] == __version__
    assert health["requests"].pop("kept_bytes") > 0
    assert health["requests"] == {
        "kept": 1,
        "dropped": 0,
        "turned_away": {"UnrecognizedClientException": 1},
    }
    assert emulator.requests_dropped == 0


@pytest.mark.parametrize(
    "text", ['{"training_plans": [{"name": "mine"}]}', '[[training_plans]]\nname = "mine"\n']
)
def test_a_seed_can_come_through_a_pipe(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    seen: list[str] = []

    def visit(emulator: Emulator) -> None:
        seen.append(emulator.training_plan_arn)

    assert run(monkeypatch, "--seed", "-", visit=visit) == 0
    assert seen[0].endswith("/mine")


def test_a_wrong_seed_from_a_pipe_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = b"[[fleets]]\nname = 5\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert command.main(["--seed", "-"]) == 1
    assert capsys.readouterr().err == (
        "The emulator cannot start: standard input:2: fleets[0].name must be a name of up to 63 "
        "letters and digits, with hyphens between them\n"
    )


def test_another_format_from_a_pipe_is_refused_with_those_that_are_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"fleets:\n - name: f\n")))
    assert command.main(["--seed", "-"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("The emulator cannot start: standard input:1: ")
    assert told.endswith("(it is read as JSON if it begins with {, and else as TOML)\n")


def test_yaml_without_pyyaml_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    path = tmp_path / "seed.yaml"
    path.write_text("fleets:\n  - name: mine\n")
    assert command.main(["--seed", str(path)]) == 1
    assert "seed.yaml: a seed in YAML needs PyYAML (pip install" in capsys.readouterr().err


def test_hosts_origins_and_the_clock_of_signatures_are_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def visit(emulator: Emulator) -> None:
        headers = {"Host": "plans", "Origin": "http://localhost:3000"}
        assert send(emulator, b"", headers, path="/_emulator/reset").status == 200
        assert emulator.signature_clock == "emulator"

    arguments = ["--allow-host", "other", "--allow-host", "plans"]
    arguments += ["--allow-origin", "http://localhost:3000", "--signature-clock", "emulator"]
    assert run(monkeypatch, *arguments, visit=visit) == 0


def test_the_wait_for_a_signal_has_a_limit_because_of_windows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits: list[float | None] = []

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            limits.append(timeout)
            # The second time, a signal has come meanwhile.
            return len(limits) == 2

    def start(_emulator: Emulator) -> None:
        """Start nothing: the wait is what is tested."""

    monkeypatch.setattr("sagemaker_plans.emulator._command.threading.Event", Event)
    monkeypatch.setattr(Emulator, "start", start)
    monkeypatch.setattr(Emulator, "endpoint_url", "http://127.0.0.1:1")
    assert command.main([]) == 0
    assert len(limits) == 2
    assert all(limit is not None and limit <= 1 for limit in limits)
