"""Nothing public is left out of the files that say the types of everything public."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sagemaker_plans as smp
from sagemaker_plans import emulator, journal, progress

HERE = Path(__file__).parent
FILES = [HERE / "api.py", HERE / "emulator_api.py", HERE / "journal_api.py"]

# What other objects lead to.
CLIENT = smp.AsyncClient()
GROUPS = [type(CLIENT.plans), type(CLIENT.training_plans)]
# Of the emulator's faults: what a fault is made of, and who uses the emulator makes none so.
# What the emulator uses to keep and restore what exists, and says of it that it is private.
INSIDE = {
    *("answer", "change", "delivery"),
    *("format", "guard_by", "moves", "reading", "restore", "resume", "tables"),
}


def names_used() -> set[str]:
    used: set[str] = set()
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                    used.add(name)
                case ast.keyword(arg=str(name)):
                    used.add(name)
                case _:
                    pass
    return used


USED = names_used()


def public_classes() -> list[type]:
    listed = [
        getattr(module, name)
        for module in (smp, emulator, journal, progress)
        for name in module.__all__
    ]
    return [*GROUPS, *(each for each in listed if isinstance(each, type))]


def attributes_of(cls: type) -> Iterator[str]:
    for base in cls.__mro__:
        if base.__module__.startswith("sagemaker_plans"):
            yield from vars(base)
            yield from vars(base).get("__annotations__", ())


@pytest.mark.parametrize(
    "module", [smp, emulator, journal, progress], ids=lambda each: each.__name__
)
def test_every_public_name_is_used(module: object) -> None:
    assert {*getattr(module, "__all__")} - USED == set()  # noqa: B009  # modules have no type


@pytest.mark.parametrize("cls", public_classes(), ids=lambda each: each.__name__)
def test_every_public_attribute_is_used(cls: type) -> None:
    public = {name for name in attributes_of(cls) if not name.startswith("_")}

    assert public - USED - INSIDE == set()
