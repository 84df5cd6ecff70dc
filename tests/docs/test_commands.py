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

from docs.pages import EXAMPLES, ROOT, fenced, language_of, named, pages, source_of

PIP_INSTALLS: Final = "installs from a package index; each nox session does so, from the same files"
NOT_RUN: Final = {
    "python3 -m venv .venv": "makes an environment in the checkout",
    ".venv/bin/pip install .": PIP_INSTALLS,
    "pip install .": PIP_INSTALLS,
    "pip install '.[trio]'": PIP_INSTALLS,
    "pip install '.[boto3]'": PIP_INSTALLS,
    "uv pip install '.[boto3]'": PIP_INSTALLS,
    'pip install . "prefect>=3.4" "fastapi<0.150"': PIP_INSTALLS,
    "pip install . opentelemetry-sdk opentelemetry-instrumentation-botocore": PIP_INSTALLS,
    "python docs/examples/prefect_flow.py": "`nox -s examples_prefect` runs it",
    "python docs/examples/staged_rollout.py": "`nox -s examples` runs it",
    "python docs/examples/staged_rollout.py --failing cam-002": "`nox -s examples` runs it",
    "python docs/examples/traced_rollout.py": "`nox -s examples` runs it",
    "nox -s bench -- --page docs/performance.md": "measures for minutes",
    "nox -s release -- https://ADDRESS-OF-THE-REPOSITORY": "needs a tag, and fetches tools",
    'pip install ".[airflow]"': PIP_INSTALLS,
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
            yield from (re.sub(r" +# .*", "", line) for line in prompted or lines)


def texts() -> Iterator[tuple[str, str]]:
    """Find the name and the text of every page and of every file of the examples."""
    examples = [path for suffix in ("py", "ipynb") for path in EXAMPLES.rglob(f"*.{suffix}")]
    for path in (*pages(), *examples):
        yield named(path), path.read_text(encoding="utf-8")


def installs() -> list[tuple[str, str]]:
    """Find the places and the arguments of each `pip install` that a reader is to run."""
    errors = re.compile(r"^\w+Error: .*$", re.MULTILINE)
    command = re.compile(r"\bpip install ([^`\n]+)")
    return [
        (name, each) for name, text in texts() for each in command.findall(errors.sub("", text))
    ]


def test_each_command_is_accounted_for() -> None:
    found = {command: named(page) for page in pages() for command in commands_of(page)}

    assert {*found} == {*NOT_RUN} | TESTED_HERE


def test_a_block_of_commands_is_a_console() -> None:
    command = re.compile(r"(?:\S*/)?(?:nox|pip|pytest|python3?|uv) ")
    blocks = [
        (named(page), source_of(block))
        for page in pages()
        for block in fenced(Document(page.read_text(encoding="utf-8"), str(page)))
        if language_of(block) in ("text", "")
    ]

    assert [each for each in blocks if command.match(each[1])] == []


def test_commands_install_from_a_checkout_until_the_package_is_on_an_index() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    by_name = [each for each in installs() if "sagemaker-plans" in each[1]]
    on_none = "The package is not on an index yet." in readme
    assert (by_name == []) == on_none, by_name


def test_what_is_installed_has_the_bounds_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [
        [each for each in group if isinstance(each, str)]
        for group in project["dependency-groups"].values()
    ]

    for place, arguments in installs():
        words = {re.sub(r"""["'\\,]""", "", each) for each in arguments.split()}
        names = {re.split(r"[<>=\[]", word)[0] for word in words}
        bounded = {word for word in words if re.search("[<>=]", word)}
        assert bounded <= {each for group in groups for each in group}, place
        for group in groups:
            if names & {re.split("[<>=]", each)[0] for each in group}:
                assert {each for each in group if "<" in each} <= words, place


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
