"""Clients that others made, run as processes of an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

from sagemaker_plans.emulator import Emulator

INTERPRETER: Final = os.environ.get("JUDGES_PYTHON", "")
"""Python of an environment with the AWS CLI and capo-sagemaker."""

_CALLS: Final = Path(__file__).with_name("calls_by_capo.py")


def run(emulator: Emulator, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run Python with the very variables that the emulator tells its users to export."""
    foreign = ("AWS_", "PYTHON", "COVERAGE")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(foreign)
    }
    return subprocess.run(
        [INTERPRETER, *arguments],
        input=stdin,
        env={
            **environment,
            **emulator.environment(),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_MAX_ATTEMPTS": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def aws(emulator: Emulator, command: str, **options: Any) -> Any:
    """Run `aws sagemaker` and return what it prints, or its error as a string.

    Args:
        emulator: Who is asked.
        command: Such as `list-training-plans`.
        options: The request, by the names of the service model.
    """
    request = json.dumps(options)
    finished = run(emulator, "-m", "awscli", "sagemaker", command, "--cli-input-json", request)
    if finished.returncode:
        return finished.stderr.strip()
    assert finished.stderr == ""
    return json.loads(finished.stdout) if finished.stdout else None


def capo(emulator: Emulator, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """Make calls with capo-sagemaker, one after the other.

    Args:
        emulator: Who is asked.
        calls: Methods of its client and their arguments.

    Returns:
        Of each call `{"reply": ...}`, or `{"error": class, "code": ..., "message": ...}`.
    """
    finished = run(emulator, str(_CALLS), stdin=json.dumps(calls))
    assert (finished.returncode, finished.stderr) == (0, "")
    results: list[Any] = json.loads(finished.stdout)
    return results
