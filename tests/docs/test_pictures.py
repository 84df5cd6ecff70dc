"""The pictures of the README show what the code draws today."""

import importlib.util
import re
from html import unescape
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

from docs.pages import ROOT


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def words_in(svg: str) -> list[str]:
    texts = re.findall(r"<text [^>]*>(.*?)</text>", svg)
    return [unescape(text).replace("\N{NO-BREAK SPACE}", " ") for text in texts]


def test_the_progress_display_is_the_one_of_today(pictures: ModuleType) -> None:
    drawn = words_in(pictures.progress_svg(pictures.recorded_progress()))
    kept = words_in(pictures.PROGRESS.read_text(encoding="utf-8"))

    # Only the words, and the last picture: another version of rich may draw another frame, or
    # draw it twice.
    title, *words = kept
    assert drawn[0] == title
    assert "".join(drawn).endswith("".join(words))
    assert "INPROGRESS" in words


def test_the_table_is_the_one_of_today(pictures: ModuleType) -> None:
    assert pictures.table_svg() == pictures.TABLE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["progress.svg", "notebook-table.svg"])
def test_a_picture_is_well_formed_and_asks_no_server(name: str) -> None:
    text = (ROOT / "docs" / "_static" / name).read_text(encoding="utf-8")

    ET.fromstring(text)  # noqa: S314  # our own file
    assert not re.findall(r"url\(['\"]?http|href=", text)


@pytest.mark.parametrize("name", ["progress.svg", "notebook-table.svg"])
def test_the_readme_shows_it(name: str) -> None:
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", Path(ROOT, "README.md").read_text("utf-8"))

    assert f"docs/_static/{name}" in shown
