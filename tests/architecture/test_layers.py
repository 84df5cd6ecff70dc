"""The layers of DESIGN hold: read from the source, so that lazy imports count too."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "sdk"
PACKAGE = "sagemaker_plans"

PATHS = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}


def layer_table() -> list[tuple[str, ...]]:
    """Read the rows of the table that opens `__init__.py`, from the top."""
    rows: list[tuple[str, ...]] = []
    for line in PATHS[PACKAGE].read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if row := re.match(r"#   (\w+(?:, \w+)*) ", line):
            rows.append(tuple(row[1].split(", ")))
    return rows


# A folder may import what stands below it.
LAYERS = layer_table()
RANKS = {part: rank for rank, row in enumerate(LAYERS) for part in row}
SPINE = ("_client", "_edge", "_engine", "_transport", "_wire", "models", "errors")
# Beside the layers, with the parts that each may import.
BESIDE: dict[str, frozenset[str]] = {
    "airflow": frozenset({"__init__", "_client", "_edge", "_lazy_names", "journal", "errors"}),
    "emulator": frozenset({"_version"}),
    "progress": frozenset({"models", "errors"}),
}

# The modules of `_transport` that the layers above it may import: SageMaker's, and that of
# DynamoDB for a journal there. `_client` alone plugs in what is behind the first.
SEAMS = frozenset(f"{PACKAGE}._transport.{name}" for name in ("gateway", "dynamodb.gateway"))
# They would serve any service, so they know nothing of this one.
ENGINES_WITHOUT_AWS = frozenset(
    f"{PACKAGE}._engine.{name}"
    for name in (
        "not_copied",
        "pagination",
        "polling",
        "polls.own_task",
        "polls.poller",
        "polls.readings",
        "polls.seats",
        "polls.shared_polls",
    )
)
WITHOUT_AWS = ENGINES_WITHOUT_AWS | {
    f"{PACKAGE}.{name}" for name in ("errors", "_engine.durations", "models._validation")
}

# What reads and writes models knows them, and the converter needs cattrs, slow to import. So the
# two methods that read and write fetch these modules when they are called.
FETCHED_WHEN_CALLED = {
    (f"{PACKAGE}.models._wire_form", f"{PACKAGE}._wire.{name}") for name in ("converter", "reading")
}

# What a part may import for its annotations only.
NAMED_IN_ANNOTATIONS: dict[str, frozenset[str]] = {
    "__init__": frozenset({"emulator", "progress"}),  # reached as attributes of the package
    "errors": frozenset({"models"}),  # a wait's error holds what was last seen
    "journal": frozenset({"_transport"}),  # it accepts a session of aiobotocore
}

# The only places that may import the library: a folder or a module. The emulator stands on
# its own.
SOLE_IMPORTERS: dict[str, frozenset[str]] = {
    "aiobotocore": frozenset({"_transport.aiobotocore_client.parts"}),
    "airflow": frozenset({"airflow"}),
    "aiohttp": frozenset({"_transport"}),
    "botocore": frozenset({"_transport"}),
    "cattrs": frozenset({"_wire.converter"}),
    "httpx": frozenset({"_transport"}),
    "httpx2": frozenset({"_transport"}),
    "rich": frozenset({"progress"}),
    "tenacity": frozenset({"_engine.retries"}),
    "trio": frozenset({"_engine.polls.own_task"}),
}

# It stands beside the package, because pytest imports it at each start.
PLUGIN = "pytest_sagemaker_plans"
# What `sagemaker_plans.airflow` gives.
AIRFLOW = "sagemaker_plans_airflow"

MOST_FILES = 13
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
    top, _, below = module.partition(".")
    if top == AIRFLOW:
        return "airflow"
    return below.partition(".")[0] or "__init__"


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
    named = NAMED_IN_ANNOTATIONS.get(own, frozenset())
    if module.name in ENGINES_WITHOUT_AWS:
        return wanted.target in WITHOUT_AWS
    fetched = wanted.lazy and (module.name, wanted.target) in FETCHED_WHEN_CALLED
    if own == other or fetched or (wanted.for_annotations and other in named):
        return True
    # A fixture opens a client, but every pytest run of a user loads the plugin.
    if module.name == PLUGIN:
        return wanted.lazy or wanted.for_annotations
    if own not in RANKS:
        return other in BESIDE.get(own, RANKS)
    if other == "_transport" and own != "_client":
        return wanted.target in SEAMS and RANKS[own] < RANKS[other]
    return other in RANKS and RANKS[own] < RANKS[other]


def test_the_whole_package_is_read() -> None:
    names = {module.name for module in MODULES}

    assert {PACKAGE, f"{PACKAGE}.errors", f"{PACKAGE}.models"} <= names
    assert any(module.imports for module in MODULES)


def test_the_table_keeps_its_spine() -> None:
    ranks = [RANKS[part] for part in SPINE]

    assert ranks == sorted(set(ranks)), f"the layers must stand in this order: {SPINE}"
    assert RANKS["_edge"] == RANKS["_training"], "neither of the two knows of the other"


def test_no_folder_holds_more_than_one_can_take_in() -> None:
    tests = (path.parent for path in (ROOT / "tests").rglob("*.py"))
    folders = {*tests, *(path.parent for path in PATHS.values())}
    files = {
        str(folder.relative_to(ROOT)): len(list(folder.glob("*.py"))) for folder in sorted(folders)
    }

    assert {folder: count for folder, count in files.items() if count > MOST_FILES} == {}


def test_what_the_table_names_exists() -> None:
    gone = [part for part in RANKS if f"{PACKAGE}.{part}" not in PATHS]

    assert gone == [], f"take these out of the table that opens {PATHS[PACKAGE].relative_to(ROOT)}"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_every_module_has_its_layer(module: Module) -> None:
    assert module.part in {"__init__", *RANKS, *BESIDE}, (
        f"{module.path.relative_to(ROOT)} stands in no layer: "
        "put it into the table that opens __init__.py"
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
            if each.target in PATHS and each.target != module.name and not each.for_annotations
            if not (each.lazy and (module.name, each.target) in FETCHED_WHEN_CALLED)
        }
        for module in MODULES
    }

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"these import each other in a circle: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("library", SOLE_IMPORTERS)
def test_a_library_is_imported_in_one_place(library: str) -> None:
    importers = SOLE_IMPORTERS[library]

    wrong = [
        f"{module.at(each.line)}: {library} is imported only in {', '.join(sorted(importers))}"
        for module in MODULES
        if module.name != PLUGIN
        and not {module.part, module.name.removeprefix(f"{PACKAGE}.")} & (importers | {"emulator"})
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
