"""Names of a package whose modules are imported when a name is first used."""

from collections.abc import Callable, Mapping
from importlib import import_module
from sys import modules
from types import ModuleType


def lazy_names(
    package: str, origins: Mapping[str, str], *, unlisted: tuple[str, ...] = ()
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make what a package needs to import its public names late.

    Args:
        package: The package's name.
        origins: For each public name the module that defines it, relative to the package. A
            module that is public itself is its own origin.
        unlisted: Public modules that ``dir`` does not name. Who looks at all that it names
            should not need an extra.

    Returns:
        The package's ``__getattr__`` and ``__dir__``.
    """

    def fetch(name: str) -> object:
        origin = name if name in unlisted else origins.get(name)
        if origin is None:
            # In the words of Python, which the import system and debuggers read.
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        module = import_module(f"{package}.{origin}")
        found: object = module if origin == name else getattr(module, name)
        setattr(modules[package], name, found)
        return found

    def names() -> list[str]:
        # Nothing that the module only imports for itself.
        here = vars(modules[package])
        public = {*origins, *here["__all__"]}
        shown = {name for name, value in here.items() if _is_shown(name, value)}
        return sorted(public | shown)

    return fetch, names


def _is_shown(name: str, value: object) -> bool:
    """Tell whether ``dir`` names this: as in other modules, but without what is private."""
    is_public_module = isinstance(value, ModuleType) and not name.startswith("_")
    return is_public_module or (name.startswith("__") and name.endswith("__"))
