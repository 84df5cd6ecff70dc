"""The code of every page runs, and prints what the page says."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Document

from docs.pages import Reader, named, pages
from docs.situations import situation_of
from sagemaker_plans._training.coverage import sweep
from sagemaker_plans.emulator import Emulator


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    loggers = [logging.getLogger(f"sagemaker_plans{part}") for part in ("", ".purchases")]
    before = [(logger.level, [*logger.handlers]) for logger in loggers]
    yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.mark.parametrize(
    "page", [page for page in pages() if "```python" in page.read_text("utf-8")], ids=named
)
def test_the_code_of_a_page_runs(
    page: Path, runner: asyncio.Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    situation = situation_of(named(page))
    # At the pace of the service, each choice of an extension would take 40 seconds.
    monkeypatch.setattr(sweep, "_PAUSE", 0.001)
    document = Document.parse(str(page), Reader(runner, tmp_path).parse)
    with Emulator(timings=situation.timings) as emulator:
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        client = situation.client()
        try:
            runner.run(situation.arrange(emulator, client, document.namespace))
            for example in document:
                example.evaluate()
        finally:
            # The page may have put another client under that name.
            runner.run(client.aclose())
    if [*tmp_path.glob("test_*.py")]:
        run_tests_in(tmp_path)


def run_tests_in(folder: Path) -> None:
    """Run the tests that a page shows, all of which must pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
