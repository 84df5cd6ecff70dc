"""The tutorial can be typed into `python -m asyncio`, line by line, also with Python 3.11."""

import ast
import codeop
from typing import Final

import pytest
from sybil import Document

from docs.pages import ROOT, fenced, language_of, source_of

TUTORIAL: Final = ROOT / "docs" / "tutorial.md"


def blocks() -> list[str]:
    document = Document(TUTORIAL.read_text(encoding="utf-8"), str(TUTORIAL))
    return [source_of(one) for one in fenced(document) if language_of(one) == "python"]


@pytest.mark.parametrize("block", blocks())
def test_a_block_can_be_typed(block: str) -> None:
    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    typed: list[str] = []
    # Enter once more, as the tutorial says. The console compiles its lines without a newline
    # at the end, so a compound statement ends only at an empty line.
    for line in [*block.splitlines(), ""]:
        typed.append(line)
        if compiler("\n".join(typed), symbol="single") is not None:
            typed.clear()

    assert "".join(typed).strip() == ""
