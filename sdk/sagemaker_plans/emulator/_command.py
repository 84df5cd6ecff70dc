"""What `python -m sagemaker_plans.emulator` does. `__main__` imports it late: it is slow."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import tomllib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory
from typing import Final

from sagemaker_plans._version import __version__
from sagemaker_plans.emulator._emulator import Emulator
from sagemaker_plans.emulator._http.application import LOGGER
from sagemaker_plans.emulator._http.request_log import JsonFormatter
from sagemaker_plans.emulator._http.signature import DEFAULT_CREDENTIALS
from sagemaker_plans.emulator._seeds.written_seed import check_seed_path, seed_text
from sagemaker_plans.emulator._wire.refusal import Refusal

_SIGNAL_SECONDS: Final = 0.25
# On Windows, a wait without a time limit cannot be interrupted by Ctrl-C.


def run(arguments: Sequence[str] | None) -> int:
    """Serve until SIGINT or SIGTERM.

    Args:
        arguments: The command line without the program; None stands for that of the process.

    Returns:
        The exit status: 0 after a signal, 1 if the emulator could not start, and 3 if it
        failed on requests.

    Raises:
        SystemExit: The command line is wrong, or asks for the help or the version only.
        KeyboardInterrupt: Ctrl-C came before it could start.
    """
    options = _parser().parse_args(arguments)
    # Ctrl-C should end this read, so it comes before the handlers of signals.
    piped = _piped() if options.seed == "-" else None
    stopped = threading.Event()
    before = {
        number: signal.signal(number, lambda _number, _frame: stopped.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with _logged(options):
            return _serve(options, piped, stopped)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _serve(options: argparse.Namespace, piped: bytes | None, stopped: threading.Event) -> int:
    emulator: Emulator | None = None
    try:
        if options.export_seed not in {None, "-"}:
            check_seed_path(Path(options.export_seed))
        with _seed_path(options.seed, piped) as seed:
            emulator = Emulator(
                host=options.host,
                port=options.port,
                speed=options.speed,
                credentials="any" if options.any_credentials else _credentials(options.credentials),
                loose_fleets=options.loose_fleets,
                seed=seed,
                data=options.data,
                signature_clock=options.signature_clock,
                allow_hosts=options.allow_host,
                allow_origins=options.allow_origin,
            )
        if options.export_seed is not None:
            return _export(emulator, options.export_seed)
        emulator.start()
        _announce(emulator)
    except (OSError, ValueError, Refusal) as error:
        print(f"The emulator cannot start: {error}", file=sys.stderr)  # noqa: T201  # a command
        if emulator is not None:
            emulator.stop()
        return 1
    while not stopped.wait(_SIGNAL_SECONDS):
        pass
    emulator.stop()
    # Each failure was logged with its traceback when it happened.
    return 3 if emulator.failures else 0


def _export(emulator: Emulator, path: str) -> int:
    seed = emulator.export_seed(None if path == "-" else path)
    emulator.stop()
    if path == "-":
        _write(seed_text(seed))
    return 0


def _announce(emulator: Emulator) -> None:
    lines = [f"The emulator is ready at {emulator.endpoint_url}"]
    lines += _settings(emulator.environment(), windows=sys.platform == "win32")
    _write("\n".join((*lines, "")))


def _write(text: str) -> None:
    """Write to standard output at once: scripts wait for it through a pipe."""
    try:
        print(text, end="", flush=True)  # noqa: T201  # a command
    except OSError as error:
        # What is left of it would fail again when the process ends, with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OSError(f"standard output cannot be written: {error}") from error


def _piped() -> bytes:
    """Read standard input to its end; nothing if it is closed."""
    return b"" if sys.stdin is None else sys.stdin.buffer.read()


def _credentials(given: Sequence[str]) -> Mapping[str, str] | None:
    """Return the usual keys and those of the command line; None for the usual ones."""
    more: dict[str, str] = {}
    for each in given:
        key, colon, secret = each.partition(":")
        if not colon:
            raise ValueError(
                "--credentials takes an access key id, a colon and its secret key, such as "
                f"111122223333:secret, not {each!r}"
            )
        more[key] = secret
    return {**DEFAULT_CREDENTIALS, **more} if more else None


def _settings(environment: Mapping[str, str], *, windows: bool) -> Iterator[str]:
    """Write the commands that set variables, for the shells of a platform."""
    if not windows:
        yield from (f"export {name}={quote(value)}" for name, value in environment.items())
        return
    yield "In PowerShell:"
    for name, value in environment.items():
        quoted = value.replace("'", "''")
        yield f"$env:{name} = '{quoted}'"
    yield "In cmd.exe:"
    yield from (f'set "{name}={value}"' for name, value in environment.items())


@contextmanager
def _seed_path(seed: str | None, piped: bytes | None) -> Generator[str | None]:
    """Yield the path of the seed. What was piped in becomes a file, which errors can name."""
    if piped is None:
        yield seed
        return
    piped = piped.removeprefix(b"\xef\xbb\xbf")  # PowerShell writes it
    if not piped.strip():
        raise ValueError("standard input has no seed; {} is the seed of an empty account")
    suffix = ".json" if piped.lstrip().startswith(b"{") else ".toml"
    with TemporaryDirectory() as folder:
        path = Path(folder, f"stdin{suffix}")
        path.write_bytes(piped)
        try:
            yield str(path)
        except ValueError as error:
            told = str(error).replace(str(path), "standard input")
            if isinstance(error.__cause__, tomllib.TOMLDecodeError):
                told += " (it is read as JSON if it begins with {, and else as TOML)"
            raise ValueError(told) from error


@contextmanager
def _logged(options: argparse.Namespace) -> Generator[None]:
    """Write the log to standard error, with a line for each request if that is asked for."""
    if not options.verbose and options.log_format is None:
        yield
        return
    handler = logging.StreamHandler()
    json_wanted = options.log_format == "json"
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(JsonFormatter() if json_wanted else text)
    level = LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sagemaker_plans.emulator",
        description="A local SageMaker for edge deployment plans and training plan extensions.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to bind (127.0.0.1); one that is not loopback gives a warning",
    )
    parser.add_argument("--port", type=int, default=0, help="port to bind (any that is free)")
    parser.add_argument(
        "--seed",
        metavar="FILE",
        help="JSON, TOML or YAML file with what exists at first; - reads standard input",
    )
    parser.add_argument(
        "--data",
        metavar="FILE",
        help="file that keeps all that exists, and outlives a crash; if it is there, it counts "
        "in place of the seed",
    )
    parser.add_argument(
        "--export-seed",
        metavar="FILE",
        help="write what exists as a seed to FILE (- is standard output), and do not serve",
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, help="emulated seconds per second (1.0)"
    )
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument(
        "--any-credentials",
        action="store_true",
        help="accept any key: signatures are checked for form only",
    )
    keys.add_argument(
        "--credentials",
        action="append",
        default=[],
        metavar="KEY:SECRET",
        help="one more access key and its secret; a key of twelve digits belongs to the account "
        "with that number; may be repeated",
    )
    parser.add_argument(
        "--loose-fleets",
        action="store_true",
        help="let plans name fleets and devices that nobody has registered",
    )
    parser.add_argument(
        "--signature-clock",
        choices=["both", "machine", "emulator"],
        default="both",
        help="the clock with which the dates of signatures are compared (both)",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="one more name or address by which clients reach the emulator; may be repeated",
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="the origin of web pages that may use the emulator; may be repeated",
    )
    parser.add_argument(
        "--verbose", action="store_true", help="log every request to standard error"
    )
    parser.add_argument(
        "--log-format",
        choices=["text", "json"],
        help="the format of the log (text); logs every request, as --verbose does",
    )
    return parser
