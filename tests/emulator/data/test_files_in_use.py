"""Data files that belong to one emulator, that are copied, and that cannot be used."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.requests_made import create
from sagemaker_plans.emulator import DataFileError, Emulator
from sagemaker_plans.emulator.__main__ import main
from sagemaker_plans.emulator._data import file_lock
from sagemaker_plans.emulator._data.file_lock import FileInUseError, FileLock, lock_function


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_copy_of_the_file_alone_has_all_that_was_answered(path: Path, tmp_path: Path) -> None:
    with Emulator(data=path) as emulator:
        emulator.clock.hold()
        for number in range(3):
            create(emulator.service, f"plan-{number}")
            copy = tmp_path / f"copy-{number}.db"
            shutil.copyfile(path, copy)
            with Emulator(data=copy) as again:
                assert again.service.snapshot() == emulator.service.snapshot()
                assert again.clock.now() == emulator.clock.now()


def test_a_database_without_anything_is_refused(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 0")
        database.execute("VACUUM")
    before = path.read_bytes()
    assert before
    with pytest.raises(DataFileError, match=r"is an empty database, and no data file .*copy it"):
        Emulator(data=path)
    assert path.read_bytes() == before
    assert names_in(path.parent) == ["state.db"]


def test_a_backup_in_the_own_process_lets_no_other_emulator_in(path: Path) -> None:
    with Emulator(data=path) as emulator:
        # This ends the locks that SQLite has on the file.
        path.read_bytes()
        code = f"from sagemaker_plans.emulator import Emulator; Emulator(data={str(path)!r})"
        other = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert "is in use by another emulator; stop that one" in other.stderr
        create(emulator.service, "kept")
    assert names_in(path.parent) == ["state.db"]


def test_a_link_leads_to_the_same_lock(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with Emulator(data=path), pytest.raises(DataFileError, match="is in use"):
        Emulator(data=link)


def test_a_lock_that_was_left_behind_is_taken_again(path: Path) -> None:
    path.with_name("state.db.lock").touch()
    Emulator(data=path).stop()
    assert names_in(path.parent) == ["state.db"]


def test_a_lock_that_is_deleted_while_it_is_taken_is_not_enough(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who had it before deletes it after this one has opened it."""
    real = lock_function(os.name)
    left = [path.with_name("state.db.lock")]

    def locked(descriptor: int) -> None:
        if left:
            left.pop().unlink()
        real(descriptor)

    def locked_by(_system: str) -> Callable[[int], None]:
        return locked

    monkeypatch.setattr(file_lock, "lock_function", locked_by)
    lock, other = FileLock(path), FileLock(path)
    lock.acquire()
    with pytest.raises(FileInUseError):
        other.acquire()
    lock.release()
    lock.release()
    other.acquire()
    # Somebody else has deleted it.
    path.with_name("state.db.lock").unlink()
    other.release()


def test_windows_locks_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []

    def locking(*values: object) -> None:
        calls.append(values)

    module = SimpleNamespace(LK_NBLCK="now", locking=locking)
    monkeypatch.setitem(sys.modules, "msvcrt", module)
    lock_function("nt")(7)
    assert calls == [(7, "now", 1)]


def test_a_folder_cannot_be_a_file(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"is a folder; name a file, such as .*state\.db"):
        Emulator(data=tmp_path)
    with pytest.raises(DataFileError, match=r"there is no folder .*/new; create it first"):
        Emulator(data=tmp_path / "new" / "state.db")


def test_the_file_stays_the_same_when_the_process_changes_its_folder(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    emulator = Emulator(data="state.db")
    monkeypatch.chdir(elsewhere)
    emulator.add_fleet("first")
    with pytest.raises(ValueError, match="is the data file of this emulator"):
        emulator.export_seed(path)
    emulator.stop()
    with emulator:
        emulator.add_fleet("second")
    assert names_in(elsewhere) == []
    with Emulator(data=path) as again:
        assert again.service.snapshot()["fleets"] == emulator.service.snapshot()["fleets"]


def test_what_is_no_regular_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert main(["--data", str(pipe)]) == 1
    assert capsys.readouterr().err == (
        f"The emulator cannot start: the data file {pipe} is no regular file; name another one\n"
    )
    assert names_in(tmp_path) == ["pipe"]


def test_a_lock_that_cannot_be_written_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = path.with_name("state.db.lock")
    lock.touch()
    real = os.open

    def refuse(name: Path, *values: int) -> int:
        if name == lock:
            raise PermissionError(13, "Permission denied")
        return real(name, *values)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DataFileError, match=rf"may not write {lock}; if no .*, delete that lock"):
        Emulator(data=path)
    lock.unlink()
    with pytest.raises(DataFileError, match="must be a folder in which this user may create"):
        Emulator(data=path)


def test_a_folder_that_cannot_be_written_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_values: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DataFileError, match=r"must be a folder in which .*Read-only file system"):
        Emulator(data=path)


def test_a_file_that_cannot_be_written_says_what_to_do(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Emulator(data=path).stop()
    connect = sqlite3.connect

    def read_only(file: Path, **options: Any) -> Any:
        return connect(f"file:{file}?mode=ro", uri=True, **options)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    with pytest.raises(OSError, match="cannot be written; give this user the right to"):
        Emulator(data=path)


def test_a_disk_that_is_full_at_the_start_says_what_to_do(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        assert main(["--data", str(path)]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"The emulator cannot start: the data file {path} cannot be")
    # Nothing of it is taken for a file with content.
    Emulator(data=path).stop()
