"""Which folder of the emulator may import which, read from the source."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
EMULATOR = ROOT / "sdk" / "sagemaker_plans" / "emulator"
PACKAGE = "sagemaker_plans.emulator"

# The files on top (`__init__`, `__main__`, `pytest_plugin`, `_emulator`) may import all
# folders, and no folder may import them.
MAY_IMPORT = {
    "_http": {"_service", "_faults", "_wire"},
    "_service": {"_data", "_seeds", "_state", "_wire"},
    "_seeds": {"_data", "_state", "_wire"},
    "_data": {"_state", "_wire"},
    "_state": {"_wire"},
    "_faults": {"_wire"},
    "_wire": set[str](),
}
# A seed is planted in a service, whose type its annotations name.
MAY_NAME_IN_ANNOTATIONS = {"_seeds": {"_service"}}

# The only module that may import the library. The emulator stands on its own, so the SDK has
# other ones.
SOLE_IMPORTERS = {
    "cattrs": "_data/structuring.py",
    "sqlite3": "_data/data_file.py",
    "yaml": "_seeds/yaml_text.py",
}

MOST_FILES = 13

MODULES = sorted(EMULATOR.glob("*/**/*.py"))
FOLDERS = sorted(
    folder
    for top in (EMULATOR, ROOT / "tests" / "emulator")
    for folder in (top, *top.rglob("*"))
    if folder.is_dir() and folder.name != "__pycache__"
)


class Import(NamedTuple):
    """One import of a part of the emulator; the folder is "" for the files on top."""

    folder: str
    line: int
    for_annotations: bool


def folder_of(module: str) -> str:
    """Name the folder of a module of the emulator."""
    first = module.removeprefix(PACKAGE).removeprefix(".").partition(".")[0]
    return first if (EMULATOR / first).is_dir() else ""


def targets_of(node: ast.AST) -> Iterator[str]:
    """Name the modules that one statement imports."""
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module), names=names, level=0):
            yield from (f"{module}.{alias.name}" for alias in names)
        case ast.ImportFrom(lineno=line):
            pytest.fail(f"line {line}: imports in the emulator are absolute")
        case _:
            pass


def imports_in(node: ast.AST, *, for_annotations: bool = False) -> Iterator[Import]:
    """Find all imports of parts of the emulator, those inside functions too."""
    for target in targets_of(node):
        assert isinstance(node, ast.stmt)
        if f"{target}.".startswith(f"{PACKAGE}."):
            yield Import(folder_of(target), node.lineno, for_annotations)
    guarded = (
        node.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" else []
    )
    for child in ast.iter_child_nodes(node):
        yield from imports_in(child, for_annotations=for_annotations or child in guarded)


def test_the_table_names_every_folder() -> None:
    folders = {path.relative_to(EMULATOR).parts[0] for path in MODULES}

    assert set(MAY_IMPORT) == folders


def test_the_table_has_no_circle() -> None:
    TopologicalSorter(MAY_IMPORT).prepare()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(EMULATOR)))
def test_a_module_imports_only_what_its_folder_may(path: Path) -> None:
    own = path.relative_to(EMULATOR).parts[0]
    in_annotations = MAY_NAME_IN_ANNOTATIONS.get(own, set())

    wrong = [
        f"{path.relative_to(ROOT)}:{each.line}: {own} must not import "
        f"{each.folder or 'the files on top'}"
        for each in imports_in(ast.parse(path.read_text(encoding="utf-8")))
        if each.folder not in {own} | MAY_IMPORT[own]
        and not (each.for_annotations and each.folder in in_annotations)
    ]

    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("library", SOLE_IMPORTERS)
def test_a_library_is_imported_in_one_place(library: str) -> None:
    importers = {
        str(path.relative_to(EMULATOR).as_posix())
        for path in EMULATOR.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for target in targets_of(node)
        if target.partition(".")[0] == library
    }

    assert importers == {SOLE_IMPORTERS[library]}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_folder_can_be_seen_at_a_glance(folder: Path) -> None:
    files = [path.name for path in folder.glob("*.py")]

    assert len(files) <= MOST_FILES, f"put the files of {folder.relative_to(ROOT)} into folders"
