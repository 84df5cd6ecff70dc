"""One cold start, in a process of its own; prints the seconds and CPU seconds as JSON.

`python -m benchmarks.cold PEER URL` goes from before the first import to the peer's first
reply, `python -m benchmarks.cold MODULE` imports a module and nothing else.
"""

import sys
import time

_WALL, _CPU = time.perf_counter(), time.process_time()


def _tell() -> None:
    wall, cpu = time.perf_counter() - _WALL, time.process_time() - _CPU
    # On a line of its own, whatever the peer printed.
    print(f'\n{{"wall": {wall}, "cpu": {cpu}}}')  # noqa: T201  # a command


def _first_reply(name: str, url: str) -> None:
    from benchmarks.peers import PEERS

    peer = PEERS[name]()
    peer.open(url, pool=None)
    peer.load("describe", 1, 1)
    _tell()
    peer.close()


if __name__ == "__main__":
    if sys.argv[2:]:
        _first_reply(*sys.argv[1:])
    else:
        __import__(sys.argv[1])
        _tell()
