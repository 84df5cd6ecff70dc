"""What `import sagemaker_plans` gives: complete, documented, and cheap to import."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from types import FunctionType, ModuleType
from typing import NamedTuple

import attrs
import pytest

import sagemaker_plans
from loaded_modules import modules_after

PACKAGE = sagemaker_plans.__name__
ALL: list[str] = getattr(sagemaker_plans, "__all__", [])
# They take long to import, and a script that only names our types never needs them.
LOADED_WHEN_NEEDED = (
    *("aiobotocore", "botocore", "boto3"),
    *("aiohttp", "httpx", "httpx2"),
    *("cattrs", "tenacity", "html", "logging"),
    *("rich", "trio", "airflow"),
    *(f"{PACKAGE}.airflow", f"{PACKAGE}.emulator", f"{PACKAGE}.progress"),
)
NOT_FOR_CALLERS = frozenset({"AssertionError", "NotImplementedError", "StopAsyncIteration"})
NOTHING_RETURNED = frozenset({"None", "NoReturn", "Never"})


class Callee(NamedTuple):
    """A public function or method."""

    name: str
    function: FunctionType
    owner: type | None
    is_property: bool = False

    @property
    def docstring(self) -> str:
        documented = self.function
        if self.owner is not None:
            # An override may leave its docstring to the method that it overrides.
            documented = getattr(self.owner, self.function.__name__, documented)
        return inspect.getdoc(documented) or ""

    @property
    def parameters(self) -> list[inspect.Parameter]:
        parameters = list(inspect.signature(self.function).parameters.values())
        return parameters if self.owner is None else parameters[1:]

    @property
    def returned(self) -> str:
        return annotation_text(self.function.__annotations__.get("return", "None"))


def annotation_text(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def exported() -> dict[str, object]:
    return {name: getattr(sagemaker_plans, name) for name in ALL if hasattr(sagemaker_plans, name)}


def modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(sagemaker_plans.__path__, f"{PACKAGE}.")
    beside = tuple(f"{PACKAGE}.{each}" for each in ("airflow", "emulator", "progress"))
    names = [PACKAGE, *(each.name for each in found if not each.name.startswith(beside))]
    return [importlib.import_module(name) for name in names]


CLASSES: dict[str, type] = {
    name: each
    for module in modules()
    for name, each in vars(module).items()
    if isinstance(each, type) and each.__module__ == module.__name__
}


def is_protocol(cls: type) -> bool:
    """Tell whether a class only says what others must have: nobody makes an object of it."""
    return bool(getattr(cls, "_is_protocol", False))


def own_bases(cls: type) -> list[type]:
    return [each for each in cls.__mro__ if each.__module__.partition(".")[0] == PACKAGE]


def methods_of(cls: type) -> Iterator[Callee]:
    seen: set[str] = set()
    for base in own_bases(cls):
        for name, member in vars(base).items():
            if name.startswith("_") or name in seen:
                continue
            seen.add(name)
            full_name = f"{cls.__qualname__}.{name}"
            if isinstance(member, property) and isinstance(member.fget, FunctionType):
                yield Callee(full_name, member.fget, base, is_property=True)
                continue
            function: object = getattr(member, "__func__", member)
            if isinstance(function, FunctionType):
                yield Callee(
                    full_name, function, None if isinstance(member, staticmethod) else base
                )


def named_classes(annotation: object) -> list[type]:
    words = re.findall(r"\w+", annotation_text(annotation))
    return [CLASSES[word] for word in words if word in CLASSES]


def reachable_classes() -> list[type]:
    """Follow from `__all__` what annotations of results and attributes name."""
    found: dict[type, None] = {}
    waiting = [each for each in exported().values() if isinstance(each, type)]
    for function in exported_functions():
        waiting += named_classes(function.returned)
    while waiting:
        cls = waiting.pop()
        if cls in found or cls.__module__.partition(".")[0] != PACKAGE:
            continue
        found[cls] = None
        for base in own_bases(cls):
            for name, annotation in inspect.get_annotations(base).items():
                if not name.startswith("_"):
                    waiting += named_classes(annotation)
        for method in methods_of(cls):
            waiting += named_classes(method.returned)
    return list(found)


def exported_functions() -> list[Callee]:
    return [
        Callee(name, each, None) for name, each in exported().items() if inspect.isfunction(each)
    ]


REACHABLE = reachable_classes()
CALLEES = [*exported_functions(), *(each for cls in REACHABLE for each in methods_of(cls))]

every_class = pytest.mark.parametrize("cls", REACHABLE, ids=lambda cls: cls.__qualname__)
every_callee = pytest.mark.parametrize("callee", CALLEES, ids=lambda callee: callee.name)


def section(docstring: str, *titles: str) -> str | None:
    """Cut one Google section out of a docstring."""
    match = re.search(
        rf"^(?:{'|'.join(titles)}):\n((?:[ \t]+.*\n?|\n)+)", docstring, flags=re.MULTILINE
    )
    return match[1] if match else None


def undocumented_arguments(docstring: str, parameters: list[inspect.Parameter]) -> list[str]:
    text = section(docstring, "Args") or ""
    named = {
        name.strip().lstrip("*")
        for names in re.findall(r"^    (\*{0,2}\w[\w, *]*?)(?: \([^)]*\))?:", text, re.MULTILINE)
        for name in names.split(",")
    }
    return [each.name for each in parameters if each.name not in named]


def raised_by(function: Callable[..., object]) -> set[str]:
    """Name the classes that a function's own body raises."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raised = (node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc)
    names = {ast.unparse(each.func if isinstance(each, ast.Call) else each) for each in raised}
    last = {name.rpartition(".")[2] for name in names}
    return {name for name in last if name[:1].isupper()} - NOT_FOR_CALLERS


def test_the_import_loads_nothing_else() -> None:
    loaded = modules_after(f"import {PACKAGE}")

    assert {name for name in loaded if name.startswith(PACKAGE)} == {
        PACKAGE,
        f"{PACKAGE}._lazy_names",
    }


def test_the_client_loads_nothing_heavy() -> None:
    loaded = modules_after(f"from {PACKAGE} import AsyncClient")
    # Before 4.14 it imports logging, as tenacity and aiobotocore do.
    by_anyio = modules_after("import anyio.to_thread")

    assert f"{PACKAGE}._client" in loaded
    assert not {*LOADED_WHEN_NEEDED} & (loaded - by_anyio), "import these where they are needed"


def test_all_is_sorted() -> None:
    assert sorted(set(ALL)) == [*ALL]


def test_all_names_only_what_exists() -> None:
    missing = [name for name in ALL if not hasattr(sagemaker_plans, name)]

    assert missing == []


def test_checkers_see_what_programs_get() -> None:
    seen = {
        alias.name: (
            importlib.import_module(f"{node.module}.{alias.name}")
            if node.module == PACKAGE
            else getattr(importlib.import_module(node.module), alias.name)
        )
        for block in ast.parse(inspect.getsource(sagemaker_plans)).body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }

    # Beside the layers, and not for `import *`: they take long, or need an extra.
    assert sorted({*seen} - {"emulator", "progress"}) == [*ALL]
    assert [name for name in seen if getattr(sagemaker_plans, name) is not seen[name]] == []


@pytest.mark.parametrize("name", ["", ".emulator", ".errors", ".journal"])
def test_exactly_the_public_names_are_listed(name: str) -> None:
    # An interpreter of its own: what other tests imported would be listed too.
    code = (
        f"import {PACKAGE}{name} as module\n"
        "print({each for each in dir(module) if not each.startswith('__')} ^ {*module.__all__}"
        " - {'__version__'}, '__name__' in dir(module))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "set() True"


def test_a_module_that_was_imported_is_listed() -> None:
    importlib.import_module(f"{PACKAGE}.emulator")

    assert "emulator" in dir(sagemaker_plans)


def test_another_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="'sagemaker_plans' has no attribute 'Plan'") as caught:
        getattr(sagemaker_plans, "Plan")  # noqa: B009  # checkers know that there is none

    assert caught.value.name == "Plan"


@pytest.mark.skipif(find_spec("airflow.sdk") is not None, reason="Airflow is installed")
def test_without_airflow_an_error_names_the_extra() -> None:
    module = importlib.import_module("sagemaker_plans.airflow")

    with pytest.raises(ModuleNotFoundError, match=r"sagemaker-plans\[airflow\]") as caught:
        module.RollOutOperator  # noqa: B018  # on purpose

    # Here "airflow" is also the folder of the tests that need it.
    assert str(caught.value.name).startswith("airflow")


@pytest.mark.parametrize("name", ["errors", "models"])
def test_the_root_has_all_of(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.{name}")
    public: list[str] = module.__all__

    assert public
    assert {*public} - {*ALL} == set(), f"{name} has these, the root lacks them"


def test_there_is_something_to_document() -> None:
    assert "AsyncClient" in ALL
    assert {"AsyncClient.aclose", "AsyncClient.from_client"} <= {each.name for each in CALLEES}


@every_class
def test_a_class_can_be_found_where_it_says_it_is(cls: type) -> None:
    found: object = importlib.import_module(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name)

    assert found is cls


@every_class
def test_a_class_has_a_docstring(cls: type) -> None:
    # attrs and dataclasses may write one of their own: the signature, nothing more.
    assert cls.__doc__, f"{cls.__qualname__} has no docstring"
    assert not cls.__doc__.startswith(f"{cls.__name__}("), f"{cls.__qualname__} has no docstring"


@pytest.mark.parametrize(
    "name", [name for name, each in exported().items() if inspect.isclass(each)]
)
def test_an_exported_class_tells_what_it_takes(name: str) -> None:
    cls = CLASSES[name]
    written = vars(cls).get("__init__")
    if not isinstance(written, FunctionType) or attrs.has(cls) or is_protocol(cls):
        return  # inherited, or attrs made it from attributes documented one by one
    docstring = "\n".join(filter(None, [inspect.getdoc(cls), inspect.getdoc(written)]))
    parameters = list(inspect.signature(written).parameters.values())[1:]

    missing = undocumented_arguments(docstring, parameters)

    assert missing == [], f"the docstring of {cls.__qualname__} needs these under `Args:`"


@every_callee
def test_a_function_has_a_docstring(callee: Callee) -> None:
    assert callee.docstring, f"{callee.name} has no docstring"


@every_callee
def test_a_function_tells_what_it_takes(callee: Callee) -> None:
    missing = undocumented_arguments(callee.docstring, callee.parameters)

    assert missing == [], f"the docstring of {callee.name} needs these under `Args:`"


@every_callee
def test_a_function_tells_what_it_returns(callee: Callee) -> None:
    if callee.is_property or callee.returned in NOTHING_RETURNED:
        return

    assert section(callee.docstring, "Returns", "Yields"), (
        f"the docstring of {callee.name} needs `Returns:` (it returns {callee.returned})"
    )


@every_callee
def test_a_function_tells_what_it_raises(callee: Callee) -> None:
    raised = raised_by(callee.function)
    told = section(callee.docstring, "Raises") or ""

    missing = {name for name in raised if not re.search(rf"\b{name}\b", told)}

    assert missing == set(), f"the docstring of {callee.name} needs these under `Raises:`"
