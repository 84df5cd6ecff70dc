"""The commands of the pages: each runs here, or has a reason why it does not."""

import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from sybil import Document

from docs.pages import ROOT, fenced, language_of, named, pages, source_of

PIP_INSTALLS: Final = "installs from a package index; each nox session does so, from the same files"
NOT_RUN: Final = {
    "python3 -m venv .venv": "makes an environment in the checkout",
    ".venv/bin/pip install .": PIP_INSTALLS,
    "pip install .": PIP_INSTALLS,
    "pip install '.[trio]'": PIP_INSTALLS,
    "pip install 'sagemaker-plans[boto3]'": PIP_INSTALLS,
    "uv pip install 'sagemaker-plans[boto3]'": PIP_INSTALLS,
    "nox -s release -- https://ADDRESS-OF-THE-REPOSITORY": "needs a tag, and fetches tools",
    'pip install "sagemaker-plans[airflow]"': PIP_INSTALLS,
    '.venv/bin/pip install "nox[uv]"': PIP_INSTALLS,
    '.venv/bin/pip install --editable ".[rich,trio]" --group dev --group docs': PIP_INSTALLS,
    ".venv/bin/python -m pip install --quiet --upgrade pip": PIP_INSTALLS,
    ".venv/bin/python -m asyncio": "waits for a person; the tutorial's blocks run as a page",
    ".venv/bin/python -m pytest tests/docs": "these tests",
    'python3 -m venv .venv && .venv/bin/pip install --quiet ".[rich]" && '
    ".venv/bin/python docs/examples/demo.py": "`nox -s demo` does it",
    'python3 -m venv .venv && .venv/bin/pip install --quiet "nox[uv]" && '
    ".venv/bin/nox -s tests": "`.ci/run` takes it from the README",
    "python -m sagemaker_plans.emulator --data state.db": "tests/emulator/data starts and kills it",
}
EMULATOR: Final = "python -m sagemaker_plans.emulator"
TESTED_HERE: Final = {EMULATOR}


def commands_of(path: Path) -> Iterator[str]:
    """Find the commands of a page: all lines of a block, or those that begin with a dollar sign."""
    document = Document(path.read_text(encoding="utf-8"), str(path))
    for block in fenced(document):
        if language_of(block) == "console":
            lines = source_of(block).splitlines()
            prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
            yield from prompted or lines


def test_each_command_is_accounted_for() -> None:
    found = {command: named(page) for page in pages() for command in commands_of(page)}

    assert {*found} == {*NOT_RUN} | TESTED_HERE


def test_the_emulator_says_what_its_page_says() -> None:
    page = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
    shown = page.partition(f"$ {EMULATOR}\n")[2].partition("```")[0]
    process = subprocess.Popen(
        [sys.executable, "-m", "sagemaker_plans.emulator"], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        said = "".join(process.stdout.readline() for _ in shown.splitlines())
        process.send_signal(signal.SIGTERM)

    assert re.sub(r":\d+$", ":1", said, flags=re.MULTILINE) == re.sub(
        r":\d+$", ":1", shown, flags=re.MULTILINE
    )
    assert process.returncode == 0


def test_the_groups_and_extras_that_are_installed_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    words = " ".join(NOT_RUN)

    for group in re.findall(r"--group (\w+)", words):
        assert group in project["dependency-groups"]
    for extras in re.findall(r"\.\[([\w,]+)\]", words):
        assert {*extras.split(",")} <= {*project["project"]["optional-dependencies"]}


def sessions() -> list[str]:
    page = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    return re.findall(r"`nox -s (\w+)`", page)


@pytest.mark.parametrize("session", sessions())
def test_a_session_that_is_named_exists(session: str) -> None:
    source = (ROOT / "noxfile.py").read_text(encoding="utf-8")

    decorators = r"^@nox\.session.*\n(?:@nox\.parametrize.*\n)?"
    assert re.search(rf"{decorators}def {session}\(", source, re.MULTILINE)
