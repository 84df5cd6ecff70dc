"""The code in docstrings runs: indented blocks below a line that ends with a colon."""

import ast
import asyncio
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen
from sybil.document import PythonDocStringDocument

from docs.pages import ROOT
from docs.situations import situation_of
from sagemaker_plans import progress
from sagemaker_plans.emulator import Emulator

SOURCE: Final = ROOT / "sdk" / "sagemaker_plans"

# "For example::" of a method has a test of its own: `test_method_examples.py`.
_BLOCK: Final = re.compile(r"(?<!For example:):\n\n((?:(?: {4}.*)?\n)+)")


@frozen
class Snippet:
    """A block of a docstring that is Python."""

    path: Path
    code: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(SOURCE)}: {self.code.strip().splitlines()[0]}"


def is_python(text: str) -> bool:
    try:
        compile(text, "docstring", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
    except SyntaxError:
        return False
    return True


def snippets() -> Iterator[Snippet]:
    for path in sorted(SOURCE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for _, _, docstring in PythonDocStringDocument.extract_docstrings(source):
            for block in _BLOCK.findall(inspect.cleandoc(docstring) + "\n"):
                code = textwrap.dedent(block).strip()
                if is_python(code):
                    yield Snippet(path, code)


SNIPPETS: Final = [*snippets()]


def test_the_snippets_are_found() -> None:
    assert SOURCE / "progress" / "__init__.py" in {each.path for each in SNIPPETS}


@pytest.mark.parametrize("snippet", SNIPPETS, ids=str)
def test_the_code_of_a_docstring_runs(snippet: Snippet, monkeypatch: pytest.MonkeyPatch) -> None:
    situation = situation_of("docs/how-to/wait-and-watch.md")
    names: dict[str, object] = {name: getattr(progress, name) for name in progress.__all__}
    started = 'for each in ("canary", "everyone"): await client.plans.start_stage(NAME, each)'
    code = compile(
        f"NAME = 'spring-rollout'\n{started}\n{snippet.code}",
        str(snippet.path),
        "exec",
        ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        dont_inherit=True,
    )
    with Emulator(timings=situation.timings) as emulator, asyncio.Runner() as runner:
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        client = situation.client()
        try:
            runner.run(situation.arrange(emulator, client, names))
            outcome: object = eval(code, names)  # noqa: S307  # our own docstrings
            assert inspect.iscoroutine(outcome)
            runner.run(outcome)
        finally:
            runner.run(client.aclose())
