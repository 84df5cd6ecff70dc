"""What is tracked names no machine and no package registry, and each suppression has a reason."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Put together here, for this file is tracked too.
REGISTRY_HOSTS = tuple(
    ".".join(labels)
    for labels in (
        ("pypi", "org"),
        ("pypi", "python", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("anaconda", "org"),
        ("jfrog", "io"),
    )
)
INDEX_ADDRESS = r"https?://[^\s\"']+/simple(?![\w-])"
# Atomic, so that it is not taken for a shorter one.
SUPPRESSION = (
    r"(?># (?:noqa(?:: [A-Z]+\d+(?:, [A-Z]+\d+)*)?"
    r"|(?:type|pyright): ignore(?:\[[\w, -]+\]|(?!\[))))"
)
HOME = r"(?<![\w.~$}-])(?:/(?:home|Users)/[A-Za-z]|/root(?=/)|[A-Z]:\\+Users\\)"


def patterns() -> dict[str, re.Pattern[str]]:
    hosts = "|".join(map(re.escape, REGISTRY_HOSTS))
    found = {
        "a package registry": re.compile(f"(?:{hosts})|{INDEX_ADDRESS}", re.IGNORECASE),
        "a home directory": re.compile(HOME),
    }
    # A checkout at the root of the file system has a name too common to look for.
    if len(ROOT.parts) > len(("/", "folder")):
        found["this checkout's own place"] = re.compile(
            rf"(?<![\w./-]){re.escape(str(ROOT))}(?![\w-])"
        )
    return found


PATTERNS = patterns()


def tracked_files() -> Iterator[Path]:
    """List what git tracks, or in an unpacked source distribution all there is."""
    listing = subprocess.run(
        # A checkout may belong to another user than the one who tests it.
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode == 0:
        yield from (ROOT / name for name in listing.stdout.split("\0") if name)
        return
    for path in ROOT.rglob("*"):
        inside = path.relative_to(ROOT).parts
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in inside):
            yield path


FILES = sorted(path for path in tracked_files() if path.is_file())


def test_the_tracked_files_are_found() -> None:
    assert {ROOT / "pyproject.toml", ROOT / "noxfile.py", ROOT / "README.md"} <= {*FILES}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"index = https://{REGISTRY_HOSTS[0]}/", "a package registry"),
        ("https://mirror.example/team" + "/simple", "a package registry"),
        ("see /home" + "/ada/notes", "a home directory"),
        ("/root" + "/project", "a home directory"),
    ],
)
def test_the_patterns_find_what_they_are_for(text: str, what: str) -> None:
    assert PATTERNS[what].search(text)


@pytest.mark.parametrize("what", PATTERNS)
def test_no_tracked_file_names(what: str) -> None:
    found: list[str] = []
    for path in FILES:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
            for number, line in enumerate(text.splitlines(), 1)
            if PATTERNS[what].search(line)
        ]

    assert found == [], f"these lines name {what}:\n" + "\n".join(found)


def test_no_lock_file_is_tracked() -> None:
    found = [str(path.relative_to(ROOT)) for path in FILES if path.suffix == ".lock"]

    assert found == [], "a library is tested with what its users get: `git rm` the lock files"


def unexplained(line: str) -> bool:
    return re.search(rf"{SUPPRESSION}(?!  # )", line) is not None


@pytest.mark.parametrize("line", ["f()  # noqa: S101", "f()  # noqa: S101 - why", "f()  # noqa"])
def test_a_suppression_without_a_reason_is_found(line: str) -> None:
    assert unexplained(line)


def test_a_suppression_with_a_reason_is_none_of_those() -> None:
    assert not unexplained("f()  # noqa: S101  # type: ignore[misc]  # why")


def test_each_suppression_has_a_reason_behind_a_mark_of_its_own() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in FILES
        if path.suffix == ".py" and path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if unexplained(line)
    ]

    assert found == [], "\n".join(found)
