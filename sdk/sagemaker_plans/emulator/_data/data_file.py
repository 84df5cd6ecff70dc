"""A file that has all that exists, and outlives a crash of the process.

It is an SQLite database with one row for each resource. What a request has changed is on the disk
before its reply is sent, in one transaction. There is no write-ahead log: it would be faster, but
then a copy of the file alone would lack the latest changes, and nobody would notice. It is the
only importer of sqlite3.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, final, get_args, get_type_hints

import attrs

from sagemaker_plans.emulator._data.data_file_error import DataFileError
from sagemaker_plans.emulator._data.file_lock import FileInUseError, FileLock
from sagemaker_plans.emulator._data.structuring import MisfitsError, Structuring
from sagemaker_plans.emulator._state.clock import Clock, ClockReading
from sagemaker_plans.emulator._state.tables import StateLock, Table, Tables
from sagemaker_plans.emulator._wire.not_kept_error import NotKeptError

FORMAT: Final = 1
"""The version of the format. A file with a higher one is refused."""

_APPLICATION: Final = int.from_bytes(b"smpe", "big")
# SQLite keeps this number in the header of the file. It says whose file it is.

_PRIMARY: Final = 0xFF
# The other bits of an error's code are details.

_IN_USE: Final = "is in use by another emulator; stop that one, or name another file"
_CHANGE_RIGHTS: Final = (
    "cannot be written; give this user the right to write it and its folder, or name another file"
)
_PROBLEMS: Final = {
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_NOTADB: "is no data file of an emulator",
    sqlite3.SQLITE_READONLY: _CHANGE_RIGHTS,
    sqlite3.SQLITE_CANTOPEN: _CHANGE_RIGHTS,
    sqlite3.SQLITE_FULL: "cannot be written: free some space, and start the emulator again",
    sqlite3.SQLITE_IOERR: "cannot be read or written: look at the disk",
}

_CLOCK: Final = "clock"
# The kind of the one row that is not in a table.

_PLAIN: Final = Structuring()

_SCHEMA: Final = """
CREATE TABLE resources (
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    UNIQUE (kind, key)
)
"""
_WRITE: Final = """
INSERT INTO resources (kind, key, value, checksum) VALUES (?, ?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, checksum = excluded.checksum
"""
_DELETE: Final = "DELETE FROM resources WHERE kind = ? AND key = ?"
_READ: Final = "SELECT kind, key, value, checksum FROM resources ORDER BY position"


@attrs.frozen
class RowTypes:
    """The types of the keys and the rows of a table."""

    key: Any
    row: Any


@functools.cache
def row_types() -> Mapping[str, RowTypes]:
    """Return the types in each table, by the table's name."""
    hints = get_type_hints(Tables)
    return {field.name: RowTypes(*get_args(hints[field.name])) for field in attrs.fields(Tables)}


@final
class DataFile:
    """The file of one service. It is locked while it is open.

    Args:
        path: The file.
        tables: What exists in the service.
        clock: The service's clock.
        lock: The lock of both.
    """

    def __init__(self, path: Path, tables: Tables, clock: Clock, lock: StateLock) -> None:
        # Absolute, so that it stays the same file when the process changes its folder. Besides,
        # some names, such as ":memory:", mean no file to SQLite.
        self._path = path = path.absolute()
        # Links to it lead to one lock.
        self._file_lock = FileLock(path.resolve())
        self._opened: tuple[int, int] | None = None
        self._tables = tables
        self._clock = clock
        self._lock = lock
        self._moves = -1
        self._is_new = False
        self._kept: dict[tuple[str, str], str] = {}
        self._database: sqlite3.Connection | None = None

    def open(self) -> None:
        """Take over what the file has, or write all that exists if it is new; then keep changes.

        The clock of the file ran on while nobody had it, unless it was held. If the file is
        open already, nothing is done.

        Raises:
            DataFileError: The file is in use by another emulator, is damaged, is no such file,
                was written by a newer version, or cannot be read.
            OSError: It cannot be written.
        """
        with self._lock.reading:
            if self._database is not None:
                return
            try:
                self._take()
                self._database = sqlite3.connect(
                    self._path, timeout=0, isolation_level=None, check_same_thread=False
                )
                self._is_new = self._inspected()
                self._opened = _identity(self._path)
                if self._is_new:
                    # What an earlier file had is not in this one.
                    self._kept.clear()
                    for table in self._tables.by_name().values():
                        table.watch(touched=True)
                else:
                    self._load()
                # The clock goes on at another speed, perhaps. This also shows that the file can
                # be written, before anything is answered.
                self._keep()
            except BaseException as error:
                self.close()
                if isinstance(error, sqlite3.Error):
                    raise self._sqlite_error(error) from error
                raise
            self._lock.keep_by(self._keep)
            self._clock.guard_by(self._lock)

    def is_at(self, path: Path) -> bool:
        """Tell whether a path leads to this file."""
        return _identity(path) == _identity(self._path) is not None

    def close(self) -> None:
        """Let the file go. A change after that is an OSError. A second call has no effect."""
        with self._lock.reading:
            try:
                if self._database is not None:
                    self._database.close()
                    self._database = None
            finally:
                self._file_lock.release()

    def _take(self) -> None:
        """Lock the file for this emulator."""
        folder = self._path.parent
        if self._path.is_dir():
            raise self._error(f"is a folder; name a file, such as {self._path / 'state.db'}")
        if self._path.exists() and not self._path.is_file():
            raise self._error("is no regular file; name another one")
        if not folder.is_dir():
            raise self._error(f"cannot be created: there is no folder {folder}; create it first")
        try:
            self._file_lock.acquire()
        except FileInUseError as error:
            raise self._error(_IN_USE) from error
        except OSError as error:
            lock = self._file_lock.path
            if isinstance(error, PermissionError) and lock.exists():
                raise self._error(
                    f"cannot be used: this user may not write {lock}; if no emulator runs on the "
                    "file, delete that lock"
                ) from error
            raise self._error(
                f"cannot be used: {folder} must be a folder in which this user may create files, "
                f"and on a file system with locks: {error}"
            ) from error

    def _load(self) -> None:
        try:
            rows: list[tuple[str, str, str, int]] = self._run(_READ).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._error(f"is damaged: {error}") from error
        self._tables.clear()
        self._kept.clear()
        tables, types = self._tables.by_name(), row_types()
        reading: ClockReading | None = None
        for kind, key, value, checksum in rows:
            what = f"{kind} {key}"
            if checksum != _checksum(kind, key, value):
                raise self._error(f"is damaged: {what} was changed by something else")
            try:
                if kind == _CLOCK:
                    reading = _PLAIN.structured(json.loads(value), ClockReading)
                else:
                    row_key = _PLAIN.structured(json.loads(key), types[kind].key)
                    tables[kind][row_key] = _PLAIN.structured(json.loads(value), types[kind].row)
            except (KeyError, MisfitsError) as error:
                raise self._error(f"is damaged: {what} cannot be read: {error}") from error
            self._kept[kind, key] = value
        if reading is None:
            raise self._error("is damaged: it has no clock")
        self._clock.resume(reading, ran_on=True)

    def _keep(self) -> None:
        """Write what has changed, and return when it is on the disk."""
        deletions: dict[tuple[str, str], None] = {}
        writes: dict[tuple[str, str], str] = {}
        for kind, table in self._tables.by_name().items():
            for is_deleted, key, value in _changes(table):
                if is_deleted:
                    deletions[kind, key] = None
                elif value != self._kept.get((kind, key)) or (kind, key) in deletions:
                    _check_readable(kind, key, value)
                    writes[kind, key] = value
        if not deletions and not writes and self._moves == self._clock.moves:
            return
        if _identity(self._path) != self._opened:
            raise NotKeptError(
                f"the data file {self._path} was deleted or replaced while it was in use"
            )
        moves, reading = self._clock.moves, self._clock.reading()
        writes[_CLOCK, ""] = _json(reading)
        try:
            self._write(deletions, writes)
        except sqlite3.Error as error:
            raise NotKeptError(str(self._sqlite_error(error))) from error
        for deleted in deletions:
            self._kept.pop(deleted, None)
        self._kept |= writes
        self._moves = moves

    def _write(
        self, deletions: Iterable[tuple[str, str]], writes: Mapping[tuple[str, str], str]
    ) -> None:
        run = self._run
        run("BEGIN IMMEDIATE")
        try:
            if self._is_new:
                run(_SCHEMA)
                run(f"PRAGMA application_id = {_APPLICATION}")
                run(f"PRAGMA user_version = {FORMAT}")
            for kind, key in deletions:
                run(_DELETE, kind, key)
            for (kind, key), value in writes.items():
                run(_WRITE, kind, key, value, _checksum(kind, key, value))
            run("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                # After some errors, SQLite has rolled back already.
                run("ROLLBACK")
            raise
        self._is_new = False

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        if self._database is None:
            raise NotKeptError(
                f"the data file {self._path} is closed, because the emulator was stopped"
            )
        return self._database.execute(statement, values)

    def _inspected(self) -> bool:
        """Return whether the file is new. Nothing is written to what has content."""
        run = self._run
        # The lock of the first transaction is then held until the file is closed.
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA synchronous = FULL")
        if not self._path.stat().st_size:
            # Even an empty transaction would write to it. The first one has all that exists.
            return True
        run("BEGIN EXCLUSIVE")
        run("COMMIT")
        (names,) = run("SELECT count(*) FROM sqlite_master").fetchone()
        (application,) = run("PRAGMA application_id").fetchone()
        (version,) = run("PRAGMA user_version").fetchone()
        if names == application == 0:
            raise self._error(
                "is an empty database, and no data file of an emulator. If it is a copy, copy it "
                "again while the emulator is stopped; otherwise delete it"
            )
        if application != _APPLICATION:
            raise self._error("is a database of another program; nothing was changed in it")
        if version > FORMAT:
            raise self._error(
                f"was written by a newer version of this package, in format {version}; "
                f"this version reads formats up to {FORMAT}"
            )
        found = run("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise self._error(f"is damaged: {found}")
        return False

    def _sqlite_error(self, error: sqlite3.Error) -> DataFileError:
        # Errors of the sqlite3 module itself have no code.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
        return self._error(f"{_PROBLEMS.get(code, 'cannot be used')}: {error}")

    def _error(self, problem: str) -> DataFileError:
        return DataFileError(f"the data file {self._path} {problem}")


def _changes(table: Table[object, object]) -> Iterator[tuple[bool, str, str]]:
    """Return what a table has noted: whether it is deleted, the key, and the new value."""
    changes = table.taken_changes()
    for key in changes.deleted:
        yield True, _json(key), ""
    for key in changes.touched:
        yield False, _json(key), _json(table[key])


def _check_readable(kind: str, key: str, value: str) -> None:
    """Refuse what could not be read again, such as a number that a test gave as a name."""
    types = row_types()[kind]
    try:
        _PLAIN.structured(json.loads(key), types.key)
        _PLAIN.structured(json.loads(value), types.row)
    except MisfitsError as error:
        raise TypeError(f"{kind} {key} cannot be kept: {error}") from error


def _json(value: object) -> str:
    return json.dumps(_PLAIN.unstructured(value), separators=(",", ":"), allow_nan=False)


def _checksum(*texts: str) -> int:
    return zlib.crc32("\0".join(texts).encode())


def _identity(path: Path) -> tuple[int, int] | None:
    """Tell one file from another that has its name; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
