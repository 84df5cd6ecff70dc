"""Records in files: what is there, what is refused, and what a person may have done to it."""

import errno
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from journal.records import FULL, PLAN, a_record, ended
from sagemaker_plans import ConfigurationError
from sagemaker_plans.journal import FileJournal, PurchaseJournal, PurchaseRecord
from sagemaker_plans.journal import _file as files

pytestmark = pytest.mark.anyio


def homes_in(folder: Path) -> list[Path]:
    """Find the folders of all plans."""
    return [*folder.iterdir()]


def home_of(folder: Path) -> Path:
    """Find the folder of the only plan."""
    (home,) = homes_in(folder)
    return home


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in home_of(folder).iterdir())


async def test_it_is_a_journal(tmp_path: Path) -> None:
    assert isinstance(FileJournal(tmp_path), PurchaseJournal)


async def test_each_revision_is_a_file_that_a_person_can_read(tmp_path: Path) -> None:
    journal = FileJournal(str(tmp_path))
    record = a_record()
    await journal.begin(record)
    await journal.end(ended(record))

    home = home_of(tmp_path)
    assert names_in(tmp_path) == ["00000001.0000.json", "00000001.0001.json"]
    text = (home / "00000001.0001.json").read_text(encoding="ascii")
    assert json.loads(text) == ended(record).to_dict()
    assert text.startswith('{\n  "closed_by": "history",\n')
    assert home.name.startswith("arn-aws-sagemaker-us-east-1-123456789012-training-plan-spring-")


async def test_a_relative_folder_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "journal").mkdir()
    monkeypatch.chdir(tmp_path)
    journal = FileJournal("journal")
    monkeypatch.chdir("/")

    assert await journal.begin(a_record())
    assert repr(journal) == f"FileJournal({str(tmp_path / 'journal')!r})"


@pytest.mark.parametrize("folder", [None, "", 5, b""], ids=repr)
async def test_a_folder_that_is_no_path_is_refused(folder: object) -> None:
    with pytest.raises(ConfigurationError, match="folder: got"):
        FileJournal(folder)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # wrong on purpose


@pytest.mark.parametrize(
    "name",
    ["", "../../etc", "a" * 1900, "CON", "é\N{GRINNING FACE}", "\ud800", "nul\0", ".", "a/b"],
    ids=lambda name: ascii(name[:20]),
)
async def test_a_plan_may_have_any_name(tmp_path: Path, name: str) -> None:
    journal = FileJournal(tmp_path)
    plan = PLAN.removesuffix("spring") + name
    record = a_record(plan=plan)

    assert await journal.begin(record)
    assert await journal.records(plan) == (record,)
    assert len(home_of(tmp_path).name) < 150


async def test_plans_that_differ_in_case_only_have_other_folders_in_any_case(
    tmp_path: Path,
) -> None:
    journal = FileJournal(tmp_path)
    for plan in (PLAN, PLAN.replace("spring", "SPRING")):
        await journal.begin(a_record(plan=plan))

    assert len({each.name.lower() for each in homes_in(tmp_path)}) == 2


# what cannot be used


async def calls_of(journal: FileJournal) -> list[OSError]:
    """Call each method, and return what it raised."""
    raised: list[OSError] = []
    for call in (
        lambda: journal.records(PLAN),
        lambda: journal.begin(a_record()),
        lambda: journal.end(ended(a_record())),
    ):
        with pytest.raises(OSError) as caught:
            await call()
        raised.append(caught.value)
    return raised


async def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for error in await calls_of(FileJournal(tmp_path / "journal")):
        assert isinstance(error, FileNotFoundError)
        assert "does not exist; create it, or mount its volume" in str(error)
        assert str(tmp_path / "journal") in str(error)
    assert homes_in(tmp_path) == []


async def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    file.touch()

    for error in await calls_of(FileJournal(file)):
        assert isinstance(error, NotADirectoryError)
        assert f"is not a folder: '{file}'" in str(error)


# Root may write to any folder but this one, and so may everybody.
async def test_a_folder_that_cannot_be_written_is_an_error_with_its_path() -> None:
    with pytest.raises(OSError, match="/proc/self"):
        await FileJournal("/proc/self").begin(a_record())


async def test_a_folder_of_a_plan_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    await FileJournal(tmp_path).begin(a_record())
    home = home_of(tmp_path)
    home.rename(tmp_path / "elsewhere")
    home.symlink_to(tmp_path / "nowhere")

    with pytest.raises(FileNotFoundError, match=home.name):
        await FileJournal(tmp_path).begin(a_record())


async def test_a_folder_without_rights_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not by chmod: the tests may run as root, who may do all.
    def refuse(path: Path) -> Iterator[Path]:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    await FileJournal(tmp_path).begin(a_record())
    monkeypatch.setattr(Path, "iterdir", refuse)

    for error in await calls_of(FileJournal(tmp_path)):
        assert isinstance(error, PermissionError)
        assert str(tmp_path) in str(error)


LIMITED = """
import anyio, resource, signal, sys
from journal.records import PLAN, a_record
from sagemaker_plans.journal import FileJournal

async def main(folder):
    journal = FileJournal(folder)
    first = a_record(host="h" * 100)
    assert await journal.begin(first)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
    try:
        await journal.begin(a_record(2))
    except OSError as error:
        print(error)
    print(len(await journal.records(PLAN)))

anyio.run(main, sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limits for files")
async def test_a_disk_that_takes_half_a_record_has_no_record(tmp_path: Path) -> None:
    # Not measured: the limit is one for the measurements, too.
    unmeasured = {name: each for name, each in os.environ.items() if "COVERAGE" not in name}
    path = os.pathsep.join(filter(None, sys.path))

    told = await anyio.run_process(
        [sys.executable, "-c", LIMITED, str(tmp_path)], env={**unmeasured, "PYTHONPATH": path}
    )

    place = home_of(tmp_path) / "00000002.0000.json"
    assert told.stdout.decode().splitlines() == [f"[Errno 27] File too large: '{place}'", "1"]
    assert names_in(tmp_path) == ["00000001.0000.json"]


@pytest.mark.parametrize("failing", ["of the file", "of the folder"])
async def test_what_cannot_be_synced_is_an_error_with_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    journal = FileJournal(tmp_path)
    await journal.begin(a_record())
    home = home_of(tmp_path)
    synced: list[int] = []

    def fail(_file: int) -> None:
        synced.append(1)
        if len(synced) > (failing == "of the folder"):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left on device: ") as caught:
        await journal.begin(a_record(2))

    expected = home if failing == "of the folder" else home / "00000002.0000.json"
    assert caught.value.filename == str(expected)
    assert not [name for name in names_in(tmp_path) if name.endswith(".tmp")]


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL])
async def test_a_file_system_without_hard_links_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, "no")

    monkeypatch.setattr(os, "link", refuse)

    with pytest.raises(OSError, match=r"has no hard links.*00000001\.0000\.json") as caught:
        await FileJournal(tmp_path).begin(a_record())

    assert caught.value.errno == code
    assert names_in(tmp_path) == []


async def test_another_error_of_a_link_stays_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: object) -> None:
        raise OSError(errno.EIO, "Input/output error", str(paths[1]))

    monkeypatch.setattr(os, "link", refuse)

    with pytest.raises(OSError, match="Input/output error"):
        await FileJournal(tmp_path).begin(a_record())


async def test_a_system_that_opens_no_folders_still_keeps_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_SYNCS_FOLDERS", False)
    record = a_record()

    assert await FileJournal(tmp_path).begin(record)
    assert await FileJournal(tmp_path).records(PLAN) == (record,)


# durability, as far as a test can see it


async def test_the_file_is_synced_before_it_gets_its_name_and_the_folders_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, link = os.fsync, os.link

    def told_fsync(file: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{file}').readlink().suffix or 'folder'}")
        fsync(file)

    def told_link(temporary: Path, place: Path) -> None:
        done.append("link")
        link(temporary, place)

    monkeypatch.setattr(os, "fsync", told_fsync)
    monkeypatch.setattr(os, "link", told_link)
    journal = FileJournal(tmp_path)
    record = a_record()

    await journal.begin(record)
    assert done == ["sync .tmp", "link", "sync folder", "sync folder"]

    # Another process may have written it, and died before it synced the folders.
    for call in (journal.begin(record), journal.records(PLAN), journal.end(a_record(revision=1))):
        done.clear()
        await call
        assert done == ["sync folder", "sync folder"]


async def test_a_call_that_is_cancelled_ends_with_the_whole_record_or_none(
    tmp_path: Path,
) -> None:
    journal = FileJournal(tmp_path)
    record = a_record()

    with anyio.CancelScope() as scope:
        scope.cancel()
        await journal.begin(record)

    assert await journal.records(PLAN) in {(), (record,)}
    assert await journal.begin(record)


# what lies there


async def test_a_rival_that_is_faster_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = FileJournal(tmp_path)
    link = os.link

    def after_rivals(record: PurchaseRecord) -> None:
        """Let a rival write the same number and revision between the look and the link."""

        def slow(temporary: Path, place: Path) -> None:
            monkeypatch.setattr(os, "link", link)
            anyio.run(journal.end if place.stem.endswith("1") else journal.begin, record)
            link(temporary, place)

        monkeypatch.setattr(os, "link", slow)

    first, second = a_record(), a_record()
    after_rivals(first)
    assert not await journal.begin(second)
    assert await journal.records(PLAN) == (first,)

    by_person = ended(first, closed_by="person")
    after_rivals(by_person)
    assert not await journal.end(ended(first))
    assert await journal.records(PLAN) == (by_person,)


async def test_temporary_files_are_no_records_and_old_ones_go(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    await journal.begin(a_record())
    home = home_of(tmp_path)
    young, old = home / ".00000002.0000-1-aa.tmp", home / ".00000002.0000-1-bb.tmp"
    for each in (young, old):
        each.write_text('{"plan": "', encoding="ascii")
    (home / ".DS_Store").touch()
    (home / "README").touch()
    two_hours_ago = young.stat().st_mtime - 7200
    os.utime(old, (two_hours_ago, two_hours_ago))
    os.utime(home / ".DS_Store", (two_hours_ago, two_hours_ago))

    assert len(await journal.records(PLAN)) == 1
    assert await journal.begin(a_record(2))

    assert names_in(tmp_path) == [
        young.name,
        ".DS_Store",
        "00000001.0000.json",
        "00000002.0000.json",
        "README",
    ]


RUBBISH = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    b"[" * 100_000,
    json.dumps({**FULL.to_dict(), "receipt": {}}).encode(),
    json.dumps({**FULL.to_dict(), "receipt": "yes"}).encode(),
    json.dumps({**FULL.to_dict(), "state": "closed"}).encode(),
]


@pytest.mark.parametrize("raw", RUBBISH, ids=lambda raw: ascii(raw[-20:]))
async def test_rubbish_is_never_a_missing_record(tmp_path: Path, raw: bytes) -> None:
    journal = FileJournal(tmp_path)
    record = a_record()
    await journal.begin(record)
    path = home_of(tmp_path) / "00000001.0000.json"
    path.write_bytes(raw)

    for call in (journal.records(PLAN), journal.begin(record), journal.end(ended(record))):
        with pytest.raises(ValueError, match="not a record of a purchase") as caught:
            await call
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "name", ["00000002.0000.json", "00000001.0007.json", "00000001.0000 (copy).json", "1.0.json"]
)
async def test_a_copy_under_another_name_is_no_record(tmp_path: Path, name: str) -> None:
    journal = FileJournal(tmp_path)
    await journal.begin(a_record())
    home = home_of(tmp_path)
    (home / name).write_bytes((home / "00000001.0000.json").read_bytes())

    with pytest.raises(ValueError, match=r"record of another place|not the name of a record"):
        await journal.records(PLAN)


async def test_a_record_of_another_plan_is_no_record(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    await journal.begin(a_record(plan=PLAN.replace("spring", "other-one")))
    home = home_of(tmp_path)
    await journal.begin(a_record())
    (mine,) = [each for each in homes_in(tmp_path) if each != home]
    (home / "00000001.0000.json").replace(mine / "00000001.0000.json")

    with pytest.raises(
        ValueError, match="record of another place: number 1, revision 0, plan 'arn"
    ):
        await journal.records(PLAN)
