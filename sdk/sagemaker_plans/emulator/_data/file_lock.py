"""A lock on a file that belongs to one emulator, whatever else opens the file.

SQLite's own locks end as soon as anything in the same process closes the file, a backup too. So
the lock is on a file of its own, beside it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, final

_SUFFIX: Final = ".lock"


class FileInUseError(Exception):
    """Another emulator has the lock."""


@final
class FileLock:
    """The lock beside a file. The operating system lets it go when the process ends.

    Args:
        path: The file. Its lock has this name with `.lock` added.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + _SUFFIX)
        self._descriptor: int | None = None

    @property
    def path(self) -> Path:
        """The file that is locked."""
        return self._path

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            FileInUseError: Another emulator has it, in this process or in another one.
            OSError: The lock cannot be created, or the file system has no locks.
        """
        lock = lock_function(os.name)
        while self._descriptor is None:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                lock(descriptor)
                # Who had it before may have deleted it meanwhile. Then others lock a new one.
                if self._is(descriptor):
                    self._descriptor = descriptor
            except (BlockingIOError, PermissionError) as error:
                raise FileInUseError from error
            finally:
                if self._descriptor is None:
                    os.close(descriptor)

    def release(self) -> None:
        """Let the lock go. A second call has no effect."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            if self._is(descriptor):
                # Windows does not delete what is open. Then the file stays, and is used again.
                with contextlib.suppress(PermissionError):
                    self._path.unlink()
        finally:
            os.close(descriptor)

    def _is(self, descriptor: int) -> bool:
        """Tell whether the open file is still the one that has the name."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False


def lock_function(system: str) -> Callable[[int], object]:
    """Return what locks an open file at once or raises an error.

    Args:
        system: The system, as `os.name` has it.
    """
    if system == "nt":
        # Type checkers know this module on Windows only.
        windows: Any = importlib.import_module("msvcrt")
        return lambda descriptor: windows.locking(descriptor, windows.LK_NBLCK, 1)
    posix: Any = importlib.import_module("fcntl")
    return lambda descriptor: posix.flock(descriptor, posix.LOCK_EX | posix.LOCK_NB)
