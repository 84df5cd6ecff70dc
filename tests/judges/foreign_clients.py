"""Clients that others made, run as processes of an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sagemaker_plans.emulator import Emulator

INTERPRETER: Final = os.environ.get("JUDGES_PYTHON", "")
"""Python of an environment with the AWS CLI and capo-sagemaker."""

BOTO3: Final = os.environ.get("JUDGES_BOTO3", "")
"""Python of an environment with the newest boto3."""

SAGEMAKER_CORE: Final = os.environ.get("JUDGES_SAGEMAKER_CORE", "")
"""Python of an environment with sagemaker-core."""

NODE: Final = os.environ.get("JUDGES_NODE", "")
"""Node, which finds the AWS SDK for JavaScript by NODE_PATH."""

_HERE: Final = Path(__file__).parent


def run(
    emulator: Emulator, interpreter: str, *arguments: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program with the very variables that the emulator tells its users to export."""
    foreign = ("AWS_", "PYTHON", "COVERAGE")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(foreign)
    }
    return subprocess.run(
        [interpreter, *arguments],
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
    finished = run(
        emulator, INTERPRETER, "-m", "awscli", "sagemaker", command, "--cli-input-json", request
    )
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
    return _results(emulator, INTERPRETER, "calls_by_capo.py", calls)


def boto3(emulator: Emulator, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """Make calls with the newest boto3, one after the other.

    Args:
        emulator: Who is asked.
        calls: Operations and their arguments.

    Returns:
        Of each call `{"reply": ...}`, or `{"error": class, "Code": ..., "Message": ...}`.
    """
    return _results(emulator, BOTO3, "calls_by_boto3.py", calls)


def javascript(emulator: Emulator, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """Make calls with the AWS SDK for JavaScript, as `boto3` does."""
    return _results(emulator, NODE, "calls_by_javascript.cjs", calls)


def sagemaker_core(emulator: Emulator) -> Any:
    """Roll a plan out with sagemaker-core, and return what its objects have."""
    return _printed(emulator, SAGEMAKER_CORE, "calls_by_sagemaker_core.py")


def _printed(emulator: Emulator, interpreter: str, program: str, stdin: str = "") -> Any:
    finished = run(emulator, interpreter, str(_HERE / program), stdin=stdin)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def _results(emulator: Emulator, interpreter: str, program: str, calls: Sequence[Any]) -> list[Any]:
    results: list[Any] = _printed(emulator, interpreter, program, json.dumps(calls))
    return results
