"""A journal in files: one file for each revision of each record, never changed."""

import errno
import json
import os
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final, cast, final

from anyio import to_thread

from sagemaker_plans.errors import ConfigurationError
from sagemaker_plans.journal._arguments import check_first, check_next, check_plan
from sagemaker_plans.journal._record import PurchaseRecord

_RECORD: Final = re.compile(r"([0-9]{8,})\.([0-9]{4,})\.json", re.ASCII)
_TEMPORARY: Final = ".tmp"
_OLD: Final = 3600.0
"""Seconds after which no process is still busy with its temporary file."""
_READABLE: Final = 100
"""How many characters of a plan's key stand in the name of its folder."""
# EINVAL is what Python makes of Windows' "incorrect function" and "not supported".
_HAS_NO_LINKS: Final = frozenset(
    {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
)
# Windows opens no folders; NTFS keeps the changes of its folders in order by itself.
_SYNCS_FOLDERS: Final = os.name != "nt"


@final
class FileJournal:
    """A journal in a folder, for the processes of one machine.

    Every revision of a record is a file of its own, which is written once and never changed.
    It gets its name by a hard link, which fails if the name is taken. So no locks are needed,
    and a process that is killed leaves no half record and no lock behind. The files are JSON,
    and a person can read them.

    The folder must exist. It is not created: a folder that is not there may be a typing
    mistake or a volume that is not mounted, and an empty journal in its place would let
    purchases be made again. For the same reason take a folder *inside* a volume, not the
    mount point itself.

    The exceptions of the operating system (``OSError``) reach the caller; they name the path.
    A file that is not a record, because somebody changed it, is a ``ValueError``, never a
    missing record.

    Args:
        folder: The folder, on a file system with hard links (not FAT). It keeps a subfolder
            for each training plan.

    Raises:
        ConfigurationError: If ``folder`` is not a path.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        if not isinstance(cast("object", folder), str | os.PathLike) or not os.fspath(folder):
            raise ConfigurationError(f"FileJournal: folder: got {folder!r}; a path is needed")
        # Absolute, because the process may change its working folder.
        self._folder = Path(folder).absolute()

    def __repr__(self) -> str:
        return f"FileJournal({str(self._folder)!r})"

    async def records(self, plan: str, /) -> tuple[PurchaseRecord, ...]:
        """Read all records of a plan, each in its latest revision.

        Args:
            plan: The plan, as in ``PurchaseRecord.plan``.

        Returns:
            The records by their number; empty if there are none.

        Raises:
            InvalidRequestError: If it is not a text.
            OSError: If the folder or a file cannot be read.
            ValueError: If a file is not the record that its name says.
        """
        check_plan(plan)
        return await to_thread.run_sync(self._records, plan)

    async def begin(self, record: PurchaseRecord, /) -> bool:
        """Write a new record, unless the plan has a record with this number.

        If this call is cancelled, the record is there or it is not; it is never there in part.

        Args:
            record: The record, with revision 0.

        Returns:
            Whether the journal now has this very record (the same ``id``), also if an earlier
            call wrote it. False if the number is taken by another one.

        Raises:
            OSError: If the record cannot be written.
            InvalidRequestError: If it is not a record with revision 0.
            ValueError: If a file is not a record.
        """
        check_first(record)
        return await to_thread.run_sync(self._begin, record)

    async def end(self, record: PurchaseRecord, /) -> bool:
        """Replace a record by its next revision.

        If this call is cancelled, the revision is there or it is not; it is never there in
        part.

        Args:
            record: The new revision. It is written only if the journal has the record with
                the same number and ``id`` in the revision before.

        Returns:
            Whether the journal now has this very revision, also if an earlier call wrote it.
            False if it has the record in another revision, with other values, or with
            another ``id``.

        Raises:
            OSError: If the record cannot be written.
            InvalidRequestError: If it is not a record with a later revision.
            ValueError: If a file is not a record.
        """
        check_next(record)
        return await to_thread.run_sync(self._end, record)

    def _records(self, plan: str) -> tuple[PurchaseRecord, ...]:
        home = self._home(plan)
        latest = dict(sorted(_revisions(home)))
        # A writer may have died between the link and the sync. What is shown is durable.
        if latest:
            self._sync(home)
        return tuple(_read(home, plan, *place) for place in latest.items())

    def _begin(self, record: PurchaseRecord) -> bool:
        home = self._home(record.plan)
        if (there := _latest(home, record)) is None:
            with suppress(FileExistsError):
                home.mkdir()
            if self._create(home, record):
                return True
            there = _read(home, record.plan, record.number, 0)
        self._sync(home)
        return there.id == record.id

    def _end(self, record: PurchaseRecord) -> bool:
        home = self._home(record.plan)
        there = _latest(home, record)
        if there is None:
            return False
        if (there.id, there.revision + 1) == (record.id, record.revision):
            if self._create(home, record):
                return True
            there = _read(home, record.plan, record.number, record.revision)
        self._sync(home)
        return there.to_dict() == record.to_dict()

    def _home(self, plan: str) -> Path:
        """Name the folder of a plan, and raise unless the journal's folder is there."""
        if not self._folder.is_dir():
            code, words = errno.ENOENT, "does not exist; create it, or mount its volume"
            if self._folder.exists():
                code, words = errno.ENOTDIR, "is not a folder"
            # OSError makes a FileNotFoundError or a NotADirectoryError of it.
            raise OSError(code, f"the folder of the journal {words}", str(self._folder))
        return self._folder / _folder_name(plan)

    def _create(self, home: Path, record: PurchaseRecord) -> bool:
        """Create the file of a revision, whole and durable; False if it was there before."""
        text = json.dumps(record.to_dict(), indent=2, sort_keys=True) + "\n"
        place = home / _file_name(record.number, record.revision)
        temporary = home / f".{place.stem}-{os.getpid()}-{os.urandom(8).hex()}{_TEMPORARY}"
        try:
            with _naming(place), temporary.open("x", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            _remove_left_overs(home, temporary)
            _link(temporary, place)
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
        self._sync(home)
        return True

    def _sync(self, home: Path) -> None:
        # The upper one too: it has the name of the plan's folder, which may be new.
        for folder in (home, self._folder):
            _sync_folder(folder)


def _folder_name(plan: str) -> str:
    """Make the name of a plan's folder.

    A part of the key for people, and a hash that tells keys apart: also those that differ
    only in case, on a file system that ignores it.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", plan.lower(), flags=re.ASCII)[-_READABLE:].strip("-")
    digest = sha256(plan.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{readable}-{digest}" if readable else digest


def _file_name(number: int, revision: int) -> str:
    return f"{number:08d}.{revision:04d}.json"


def _revisions(home: Path) -> Iterator[tuple[int, int]]:
    """Find the number and the revision of each file, in no order."""
    try:
        paths = [*home.iterdir()]
    except FileNotFoundError:
        return
    for path in paths:
        name = path.name
        found = _RECORD.fullmatch(name)
        place = (int(found[1]), int(found[2])) if found else None
        if place is not None and _file_name(*place) == name:
            yield place
        elif name.endswith(".json") and not name.startswith("."):
            raise ValueError(
                f"{path}: this is not the name of a record; has somebody renamed or copied it?"
            )


def _latest(home: Path, record: PurchaseRecord) -> PurchaseRecord | None:
    """Read the latest revision of the record with the same number."""
    revisions = [revision for number, revision in _revisions(home) if number == record.number]
    return _read(home, record.plan, record.number, max(revisions)) if revisions else None


def _read(home: Path, plan: str, number: int, revision: int) -> PurchaseRecord:
    path = home / _file_name(number, revision)
    raw = path.read_bytes()
    try:
        record = PurchaseRecord.from_dict(json.loads(raw))
    except Exception as error:
        raise ValueError(
            f"{path}: this is not a record of a purchase (any more): {error}"
        ) from error
    if (record.plan, record.number, record.revision) != (plan, number, revision):
        raise ValueError(
            f"{path}: this is the record of another place: number {record.number}, revision "
            f"{record.revision}, plan {record.plan!r}"
        )
    return record


def _link(temporary: Path, place: Path) -> None:
    try:
        os.link(temporary, place)
    except OSError as error:
        if error.errno not in _HAS_NO_LINKS:
            raise
        raise OSError(
            error.errno,
            "this file system has no hard links, and without them FileJournal cannot create "
            "a record of which it is sure; take a folder on another one, or a DynamoDBJournal",
            str(place),
        ) from error


def _remove_left_overs(home: Path, own: Path) -> None:
    """Remove temporary files of processes that died long ago.

    Should such a process only have slept, then its link fails, and it has written nothing.
    """
    # By the clock of the file system, which may be another machine's.
    now = own.stat().st_mtime
    for path in home.iterdir():
        if path.name.startswith(".") and path.name.endswith(_TEMPORARY):
            # It may be gone, or belong to somebody else. It does no harm where it is.
            with suppress(OSError):
                if now - path.stat().st_mtime > _OLD:
                    path.unlink()


def _sync_folder(folder: Path) -> None:
    if not _SYNCS_FOLDERS:
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        with _naming(folder):
            os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _naming(path: Path) -> Generator[None]:
    """Put the path into an error of an open file, which does not have it."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
