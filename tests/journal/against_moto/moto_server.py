"""The server of moto, as a process of an environment of its own."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from harness import own_port

INTERPRETER: Final = os.environ.get("MOTO_PYTHON", "")
"""Python of an environment with moto and its server."""

_PATIENCE: Final = 60.0


@contextmanager
def serving() -> Generator[str]:
    """Serve while the context lasts; gives the endpoint."""
    foreign = ("AWS_", "PYTHON", "COVERAGE")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(foreign)
    }
    with own_port() as port:
        pass
    process = subprocess.Popen(
        [INTERPRETER, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=environment,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    endpoint_url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(endpoint_url, process)
        yield endpoint_url
    finally:
        process.terminate()
        process.wait()


def _wait_for(endpoint_url: str, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{endpoint_url}/moto-api/", timeout=5):
                return
        except urllib.error.URLError:
            time.sleep(0.1)
    raise RuntimeError(f"moto's server did not begin to serve (exit {process.returncode})")
