"""These tests need Airflow, which takes minutes to install: `nox -s airflow` runs them.

Airflow pins hundreds of packages, so it has an environment of its own.
"""

import json
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import pytest

from sagemaker_plans.emulator import Emulator, Timings

HAS_AIRFLOW = find_spec("airflow.sdk") is not None
if HAS_AIRFLOW:
    # Airflow reads it when it is imported, and would write into the home folder.
    os.environ["AIRFLOW_HOME"] = mkdtemp(prefix="airflow-")
    # As `airflow` this folder's modules would be looked for in Airflow.
    sys.path.insert(0, str(Path(__file__).parent))
    # Minutes in a real Airflow: `nox -s airflow_processes`.
    collect_ignore = [] if "AIRFLOW_PROCESSES" in os.environ else ["processes"]
else:
    collect_ignore_glob = ["*"]


QUICK = {"starting": 0.1, "device_report": 0.05, "payment_seconds": 0.1, "stopping": 0.05}


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """A quick emulator, or one with the timings of the test's parameters."""
    timings = Timings(**{**QUICK, **getattr(request, "param", {})})
    with Emulator(timings=timings) as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def connection(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The connection `aws_default` leads to the emulator. Nothing in the environment does."""
    monkeypatch.setenv(
        "AIRFLOW_CONN_AWS_DEFAULT",
        json.dumps(
            {
                "conn_type": "aws",
                "login": emulator.access_key_id,
                "password": emulator.secret_access_key,
                "extra": {
                    "region_name": emulator.region,
                    "service_config": {"sagemaker": {"endpoint_url": emulator.endpoint_url}},
                },
            }
        ),
    )
    return "aws_default"
