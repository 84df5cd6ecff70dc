"""What a process does that is measured whole.

`python -m benchmarks.cold PEER URL` goes from the first import to the peer's first reply and
closes the peer. `python -m benchmarks.cold MODULE` imports a module and nothing else; it
prints the seconds and CPU seconds of that as JSON.
"""

import sys
import time

_WALL, _CPU = time.perf_counter(), time.process_time()


def _first_reply(name: str, url: str) -> None:
    from benchmarks.peers import PEERS

    peer = PEERS[name]()
    peer.open(url, pool=None)
    peer.load("describe", 1, 1)
    peer.close()


if __name__ == "__main__":
    if sys.argv[2:]:
        _first_reply(*sys.argv[1:])
    else:
        __import__(sys.argv[1])
        wall, cpu = time.perf_counter() - _WALL, time.process_time() - _CPU
        print(f'{{"wall": {wall}, "cpu": {cpu}}}')  # noqa: T201  # a command
