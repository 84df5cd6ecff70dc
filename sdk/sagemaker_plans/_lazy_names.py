"""Names of a package whose modules are imported when a name is first used."""

from collections.abc import Callable, Mapping
from importlib import import_module
from sys import modules


def lazy_names(
    package: str, origins: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make what a package needs to import its public names late.

    Args:
        package: The package's name.
        origins: For each public name the module that defines it, relative to the package. A
            module that is public itself is its own origin.

    Returns:
        The package's ``__getattr__`` and ``__dir__``.
    """

    def fetch(name: str) -> object:
        if name not in origins:
            # In the words of Python, which the import system and debuggers read.
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        module = import_module(f"{package}.{origins[name]}")
        found: object = module if origins[name] == name else getattr(module, name)
        setattr(modules[package], name, found)
        return found

    def names() -> list[str]:
        return sorted({*vars(modules[package]), *origins})

    return fetch, names
