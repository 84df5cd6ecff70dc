"""Runs the code of a page of documentation, block by block, as a reader would.

A block of Python runs at the top level, where `await` and `async with` may stand, as in
`python -m asyncio` and in a notebook. All blocks of a page share their names and one
event loop. A block of `text` right below one of Python is what that one prints; if it
raises, the end of its traceback. `...` stands for anything. A block that begins with
`# name.py` is a file: it is written to a folder, not run.
"""

import ast
import asyncio
import doctest
import inspect
import io
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

from attrs import frozen
from sybil import Document, Example, Region
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = ROOT / "docs" / "examples"

_LANGUAGE: Final = re.compile(r"(?P<language>[^\n]*)\n")
_FILE: Final = re.compile(r"# (\w+\.py)\n")
_PYTHON: Final = "python"
_OUTPUT: Final = "text"


@frozen
class Code:
    """A block of Python, and what it is said to print."""

    source: str
    expected: str | None


def pages() -> Iterator[Path]:
    """Find every page: the README, and what is in `docs`."""
    yield ROOT / "README.md"
    built = ROOT / "docs" / "_build"
    for path in sorted((ROOT / "docs").rglob("*.md")):
        if built not in path.parents and EXAMPLES not in path.parents:
            yield path


def named(path: Path) -> str:
    """Name a page as it is named in the checkout."""
    return path.relative_to(ROOT).as_posix()


def fenced(document: Document) -> list[Region]:
    """Find the fenced blocks of a page, in their order."""
    return sorted(RawFencedCodeBlockLexer(_LANGUAGE)(document), key=lambda one: one.start)


def language_of(region: Region) -> str:
    """Name the language of a block; empty if it names none."""
    assert region.lexemes is not None
    return str(region.lexemes["language"]).strip()


def source_of(region: Region) -> str:
    """Give the text of a block."""
    assert region.lexemes is not None
    return str(region.lexemes["source"])


class Reader:
    """Reads one page after the other and does what it says.

    Args:
        runner: The event loop in which the page's code runs.
        folder: Where the page's files are written.
    """

    def __init__(self, runner: asyncio.Runner, folder: Path) -> None:
        self._runner = runner
        self._folder = folder

    def parse(self, document: Document) -> Iterable[Region]:
        """Find the blocks of Python, each with its output. This is a parser for Sybil."""
        blocks = fenced(document)
        outputs = {
            document.text[: block.start].rstrip(): source_of(block)
            for block in blocks
            if language_of(block) == _OUTPUT
        }
        for block in blocks:
            if language_of(block) == _PYTHON:
                code = Code(source_of(block), outputs.get(document.text[: block.end].rstrip()))
                yield Region(block.start, block.end, code, self.evaluate)

    def evaluate(self, example: Example) -> str | None:
        """Run a block. This is an evaluator for Sybil.

        Args:
            example: The block.

        Returns:
            What is wrong with its output, if anything.
        """
        code = example.parsed
        assert isinstance(code, Code)
        if file := _FILE.match(code.source):
            (self._folder / file[1]).write_text(code.source, encoding="utf-8")
            return None
        printed = io.StringIO()
        with redirect_stdout(printed):
            try:
                self._run(code.source, example)
            except Exception as error:
                if code.expected is None:
                    raise
                printed.write("".join(traceback.format_exception_only(error)))
        if code.expected is None:
            return None
        return difference(code.expected, printed.getvalue())

    def _run(self, source: str, example: Example) -> None:
        compiled = compile(
            # The traceback of a failure then names the line of the page.
            "\n" * example.line + source,
            example.path,
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
            dont_inherit=True,
        )
        outcome: object = eval(compiled, example.namespace)  # noqa: S307  # our own pages
        if inspect.iscoroutine(outcome):
            self._runner.run(outcome)


def difference(expected: str, printed: str) -> str | None:
    """Compare what a page shows with what was printed.

    Args:
        expected: What the page shows.
        printed: What was printed.

    Returns:
        How they differ, or None.
    """
    checker = doctest.OutputChecker()
    if checker.check_output(expected, printed, doctest.ELLIPSIS):
        return None
    return checker.output_difference(
        doctest.Example("", expected), printed, doctest.ELLIPSIS | doctest.REPORT_NDIFF
    )
