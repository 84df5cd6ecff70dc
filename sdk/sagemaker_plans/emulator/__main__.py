"""The emulator as a command: `python -m sagemaker_plans.emulator`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from shlex import quote

from sagemaker_plans.emulator._emulator import Emulator
from sagemaker_plans.emulator._wire.refusal import Refusal


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM.

    Args:
        arguments: The command line without the program; None stands for that of the process.

    Returns:
        The exit status: 0 after a signal, 1 if the emulator could not start, and 3 if it
        failed on requests.

    Raises:
        SystemExit: The command line is wrong.
    """
    options = _parser().parse_args(arguments)
    stopped = threading.Event()
    before = {
        number: signal.signal(number, lambda _number, _frame: stopped.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        emulator = Emulator(
            host=options.host,
            port=options.port,
            speed=options.speed,
            credentials="any" if options.any_credentials else None,
            seed=options.seed,
        )
        emulator.start()
    except (OSError, ValueError, Refusal) as error:
        print(f"The emulator cannot start: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 1
    else:
        _announce(emulator)
        stopped.wait()
        emulator.stop()
        # Each failure was logged with its traceback when it happened.
        return 3 if emulator.failures else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _announce(emulator: Emulator) -> None:
    lines = [f"The emulator is ready at {emulator.endpoint_url}"]
    lines += [f"export {name}={quote(value)}" for name, value in emulator.environment().items()]
    # Scripts wait for these lines through a pipe.
    print("\n".join(lines), flush=True)  # noqa: T201 - a command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sagemaker_plans.emulator",
        description="A local SageMaker for edge deployment plans and training plan extensions.",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to bind (127.0.0.1); one that is not loopback gives a warning",
    )
    parser.add_argument("--port", type=int, default=0, help="port to bind (any that is free)")
    parser.add_argument(
        "--seed", metavar="FILE", help="JSON or TOML file with the resources that exist at first"
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, help="emulated seconds per second (1.0)"
    )
    parser.add_argument(
        "--any-credentials",
        action="store_true",
        help="accept any key: signatures are checked for form only",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
