"""One peer in a process of its own, told what to do in lines of JSON.

`python -m benchmarks.worker PEER` reads one order per line, such as
`{"act": "load", "operation": "describe", "calls": 100, "concurrency": 20}`, and writes one
line for each: what was found, or `{"error": ...}`. Like `peers` it needs nothing but the
standard library and the peer.
"""

from __future__ import annotations

import gc
import importlib
import importlib.metadata
import json
import os
import platform
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final

from benchmarks.peers import WORKERS, Peer
from benchmarks.processes import resident_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SOAK_CONCURRENCY: Final = 20
SOAK_READINGS: Final = 4


class Worker:
    """What a peer can be told to do."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def open(self, url: str, pool: int) -> Mapping[str, object]:
        """Open the peer; gives the versions of all that takes part."""
        self._peer.open(url, pool)
        versions = {name: importlib.metadata.version(name) for name in self._peer.distributions}
        return {"python": platform.python_version(), "versions": versions}

    def load(self, operation: str, calls: int, concurrency: int) -> Mapping[str, object]:
        """Make calls. Collects garbage before, so that none of it is another load's."""
        gc.collect()
        return self._peer.load(operation, calls, concurrency)._asdict()

    def soak(self, calls: int) -> Mapping[str, object]:
        """Describe very often; gives the memory of the process after each quarter."""
        readings: list[int] = []
        for _ in range(SOAK_READINGS):
            self._peer.load("describe", calls // SOAK_READINGS, SOAK_CONCURRENCY)
            gc.collect()
            readings.append(resident_bytes(os.getpid()))
        return {"calls": calls, "resident": readings}

    def waits(self, **settings: Any) -> Mapping[str, object]:
        """Let many wait for one stage; see `waits.wait`."""
        importlib.import_module("benchmarks.waiting.waits").wait(self._peer, **settings)
        return {}

    def weights(self, **settings: Any) -> Mapping[str, object]:
        """Weigh waits that pause; see `waits.weigh`."""
        weight: float = importlib.import_module("benchmarks.waiting.waits").weight(**settings)
        return {"bytes": weight}

    def close(self) -> Mapping[str, object]:
        """Close the peer."""
        self._peer.close()
        return {}


def main(name: str) -> None:
    """Serve orders until there are no more."""
    # Some peers print; what they print shall not be taken for an answer.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        worker = Worker(WORKERS[name]())
        for line in sys.stdin:
            order: dict[str, Any] = json.loads(line)
            try:
                act: Callable[..., object] = getattr(worker, order.pop("act"))
                answer = act(**order)
            except Exception:  # noqa: BLE001  # told to the one who asked
                answer = {"error": traceback.format_exc()}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
