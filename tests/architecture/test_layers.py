"""The layers of DESIGN hold: read from the source, so that lazy imports count too."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "sdk"
PACKAGE = "sagemaker_plans"

# From the top. A part may import what stands below it, and its neighbours where
# the layer says so; `__init__` shows all of them to users.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("__init__",),
    ("_client",),
    ("_plans", "_training_plans"),
    (
        *("_retrying", "_paging", "_polling"),
        *("_gateway", "_aiobotocore", "_wire", "_shapes", "_operations"),
    ),
    ("models",),
    ("errors",),
)
NEIGHBOURS_MEET = frozenset(LAYERS[3])
GROUPS = frozenset(LAYERS[2])
# Beside the house, with the parts that each may import.
ANNEXES: dict[str, frozenset[str]] = {
    "emulator": frozenset(),
    "progress": frozenset({"models", "errors"}),
}
RANKS = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}

# What a part may import for its annotations only. (The operation groups may be
# named by every part.)
NAMED_IN_ANNOTATIONS: dict[str, frozenset[str]] = {
    "errors": frozenset({"models"}),  # a wait's error holds what was last seen
    "_client": frozenset({"aiobotocore"}),  # it accepts a session and a config
}

# The only part that may import the library. The emulator stands on its own.
SOLE_IMPORTERS: dict[str, str] = {
    "aiobotocore": "_aiobotocore",
    "aiohttp": "_aiobotocore",
    "botocore": "_aiobotocore",
    "cattrs": "_wire",
    "httpx": "_aiobotocore",
    "httpx2": "_aiobotocore",
    "rich": "progress",
    "tenacity": "_retrying",
}

MOST_LINES = 400
EMPTY_NAMES = frozenset({"base", "common", "helper", "helpers", "manager", "util", "utils"})


class Import(NamedTuple):
    """One module that another one imports."""

    target: str
    line: int
    for_annotations: bool
    lazy: bool


class Module(NamedTuple):
    """One source file of the package."""

    name: str
    path: Path
    imports: tuple[Import, ...]

    @property
    def part(self) -> str:
        return part_of(self.name)

    def at(self, line: int) -> str:
        return f"{self.path.relative_to(ROOT)}:{line}"


def part_of(module: str) -> str:
    """Name the layer table's entry for a module: the first name below the package."""
    _, _, below = module.partition(".")
    return below.partition(".")[0] or "__init__"


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


def is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def targets_of(node: ast.AST, package: str) -> Iterator[str]:
    """Name the modules that one statement or call imports."""
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            above = package.split(".")[: len(package.split(".")) - level + 1] if level else []
            origin = ".".join([*above, *([module] if module else [])])
            for alias in names:
                submodule = f"{origin}.{alias.name}"
                yield submodule if submodule in PATHS else origin
        case ast.Call(
            func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(target)), *_],
        ):
            yield target
        case _:
            pass


def imports_in(
    node: ast.AST, package: str, *, for_annotations: bool = False, lazy: bool = False
) -> Iterator[Import]:
    for target in targets_of(node, package):
        assert isinstance(node, ast.stmt | ast.expr)
        yield Import(target, node.lineno, for_annotations, lazy)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        lazy = True
    guarded = node.body if isinstance(node, ast.If) and is_type_checking(node.test) else []
    for child in ast.iter_child_nodes(node):
        yield from imports_in(
            child,
            package,
            for_annotations=for_annotations or child in guarded,
            lazy=lazy,
        )


def read(name: str, path: Path) -> Module:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return Module(name, path, tuple(imports_in(tree, package)))


MODULES = [read(name, path) for name, path in PATHS.items()]


def is_allowed(module: Module, wanted: Import) -> bool:
    """Judge an import of one part of the package by another."""
    own, other = module.part, part_of(wanted.target)
    if own == other:
        return True
    if module.name == f"{PACKAGE}.emulator.pytest_plugin":
        # A fixture opens a client, but every pytest run of a user loads the plugin.
        return wanted.lazy or wanted.for_annotations
    if own in ANNEXES:
        return other in ANNEXES[own]
    if other not in RANKS or other == "__init__":
        return False
    if wanted.for_annotations and (other in GROUPS | NAMED_IN_ANNOTATIONS.get(own, frozenset())):
        return True
    return RANKS[own] < RANKS[other] or {own, other} <= NEIGHBOURS_MEET


def test_the_whole_package_is_read() -> None:
    names = {module.name for module in MODULES}

    assert {PACKAGE, f"{PACKAGE}.errors", f"{PACKAGE}.models"} <= names
    assert any(module.imports for module in MODULES)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_every_module_has_its_layer(module: Module) -> None:
    assert module.part in {*RANKS, *ANNEXES}, (
        f"{module.path.relative_to(ROOT)} stands in no layer: "
        "put it into LAYERS above, and into the table that opens __init__.py"
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_imports_only_go_down(module: Module) -> None:
    wrong = [
        f"{module.at(each.line)}: {module.part} must not import {each.target}"
        for each in module.imports
        if each.target.partition(".")[0] == PACKAGE and not is_allowed(module, each)
    ]

    assert wrong == [], (
        "\n".join(wrong) + "\nMove what is needed to a lower layer, or hand it in as an argument."
    )


def test_no_two_modules_import_each_other() -> None:
    graph = {
        module.name: {
            each.target
            for each in module.imports
            if each.target in PATHS
            and each.target != module.name
            and not each.for_annotations
            and module.part != "emulator"
        }
        for module in MODULES
    }

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"these import each other in a circle: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize(("library", "importer"), SOLE_IMPORTERS.items(), ids=list(SOLE_IMPORTERS))
def test_a_library_is_imported_in_one_place(library: str, importer: str) -> None:
    wrong = [
        f"{module.at(each.line)}: {library} is imported in {importer} only"
        for module in MODULES
        if module.part not in {importer, "emulator"}
        for each in module.imports
        if each.target.partition(".")[0] == library
        and not (
            each.for_annotations and library in NAMED_IN_ANNOTATIONS.get(module.part, frozenset())
        )
    ]

    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_module_can_be_read_in_one_sitting(module: Module) -> None:
    lines = len(module.path.read_text(encoding="utf-8").splitlines())

    assert lines <= MOST_LINES, (
        f"{module.path.relative_to(ROOT)} has {lines} lines of at most {MOST_LINES}: "
        "split it by what its parts are about"
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_module_is_named_for_its_role(module: Module) -> None:
    words = {word for word in module.name.replace(".", "_").split("_") if word}

    assert not words & EMPTY_NAMES, (
        f"{module.path.relative_to(ROOT)}: a name such as {min(words & EMPTY_NAMES)!r} "
        "says nothing; name the role (gateway, pager, wire)"
    )
