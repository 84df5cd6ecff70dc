"""The pages of the example programs show the programs of today."""

import json
from typing import Final

from sybil import Document

from docs.pages import EXAMPLES, ROOT, fenced, language_of, source_of

PROGRAMS: Final = ROOT / "docs" / "programs"


def test_the_notebook_page_has_the_cells_of_the_notebook() -> None:
    page = PROGRAMS / "notebook.md"
    document = Document(page.read_text(encoding="utf-8"), str(page))
    shown = [source_of(one) for one in fenced(document) if language_of(one) != "text"]
    cells = json.loads((EXAMPLES / "rollout.ipynb").read_text(encoding="utf-8"))["cells"]

    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert [each.strip() for each in shown] == code
    for cell in cells:
        if cell["cell_type"] == "markdown" and not cell["source"][0].startswith("# "):
            assert "".join(cell["source"]) in document.text


def test_every_program_has_a_page() -> None:
    folders = (PROGRAMS, ROOT / "docs" / "how-to")
    files = (page for folder in folders for page in folder.glob("*.md"))
    pages = "".join(page.read_text(encoding="utf-8") for page in files)
    # The tutorial's own, which the README runs, and a project that another page is about.
    elsewhere = {"demo.py", "user_project"}

    programs = {each.name for each in EXAMPLES.iterdir() if each.name != "__pycache__"}
    assert {name for name in programs - elsewhere if f"examples/{name}" not in pages} == set()
