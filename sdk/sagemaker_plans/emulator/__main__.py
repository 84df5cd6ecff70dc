"""The emulator as a command: `python -m sagemaker_plans.emulator`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

_INTERRUPTED: Final = 130
# What shells say of a command that Ctrl-C has ended.


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM.

    Args:
        arguments: The command line without the program; None stands for that of the process.

    Returns:
        The exit status: 0 after a signal, 1 if the emulator could not start, 3 if it failed on
        requests, and 130 if Ctrl-C came before it could start.

    Raises:
        SystemExit: The command line is wrong, or asks for the help or the version only.
    """
    try:
        from sagemaker_plans.emulator._command import run  # noqa: PLC0415  # slow, and Ctrl-C may come meanwhile

        return run(arguments)
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
