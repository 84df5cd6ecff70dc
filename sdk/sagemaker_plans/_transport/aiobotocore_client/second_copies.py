"""What botocore's and aiobotocore's modules hold when nobody has changed them.

Tracers and fakes change these modules in place: a method is wrapped, a name is bound to
something else, the code of a function is exchanged. Whoever was here before us leaves no
trace that could be asked for, and names, files and modules can be anybody's. So each
module is made a second time, from the code that its own loader has, in a namespace that
nobody else has seen. What is alike in both is what its authors wrote. The comparison takes
a few milliseconds, once in a process, when the first client reads for the second time.
"""

import sys
from collections.abc import Iterable, Mapping
from functools import cache, partial
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any, Final

MODULES: Final = (
    "botocore.args",
    "botocore.auth",
    "botocore.awsrequest",
    "botocore.client",
    "botocore.compat",
    "botocore.compress",
    "botocore.config",
    "botocore.context",
    "botocore.endpoint",
    "botocore.endpoint_provider",
    "botocore.errorfactory",
    "botocore.handlers",
    "botocore.history",
    "botocore.hooks",
    "botocore.httpchecksum",
    "botocore.httpsession",
    "botocore.model",
    "botocore.parsers",
    "botocore.regions",
    "botocore.retries.base",
    "botocore.retries.quota",
    "botocore.retries.standard",
    "botocore.serialize",
    "botocore.signers",
    "botocore.useragent",
    "botocore.utils",
    "botocore.validate",
    "aiobotocore._endpoint_helpers",
    "aiobotocore._helpers",
    "aiobotocore.args",
    "aiobotocore.awsrequest",
    "aiobotocore.client",
    "aiobotocore.config",
    "aiobotocore.context",
    "aiobotocore.endpoint",
    "aiobotocore.hooks",
    "aiobotocore.httpchecksum",
    "aiobotocore.httpsession",
    "aiobotocore.parsers",
    "aiobotocore.regions",
    "aiobotocore.retries.standard",
    "aiobotocore.signers",
)
"""Where the code stands between a client's methods and what its HTTP session sends with."""

Namespace = Mapping[str, Any]
Place = tuple[int, str]
"""A namespace (its id, or that of the class or dict that has it), and a name in it."""

_WRAPPED_METHODS: Final = (staticmethod, classmethod)
_PLAIN: Final = (str, bytes, int, float, set, frozenset, type(None))


def kind_of(value: object) -> Any:  # any class
    """Give the class of an object: its own, whatever it calls itself.

    Args:
        value: The object.

    Returns:
        The class.
    """
    return type(value)


class SecondCopies:
    """What the modules of a process have in common with second copies of them.

    Raises:
        Exception: Whatever loaders raise that have no code to make a copy of.
    """

    def __init__(self) -> None:
        self.values: dict[Place, object] = {}
        """What is where its authors put it."""
        self.classes: dict[int, type] = {}
        """Classes of these modules, by their id."""
        self.codes: dict[int, CodeType] = {}
        """What their functions run, by the function's id."""
        self.modules: dict[int, Namespace] = {}
        """The namespaces of the modules, by their id."""
        self.home_of: dict[int, str] = {}
        """The name of the module, by the id of its namespace or of a class of it."""
        self._namespaces: dict[int, int] = {}
        self._class_of: dict[int, type] = {}
        self._same: dict[tuple[int, int], bool] = {}
        self._kept: list[object] = []
        pairs = [(vars(sys.modules[name]), _second_copy(name)) for name in MODULES]
        self._kept.extend(pairs)
        for found, copied in pairs:
            self.modules[id(found)] = found
            self.home_of[id(found)] = copied["__name__"]
            self._namespaces[id(copied)] = id(found)
        for found, copied in pairs:
            self._compare(id(found), found, copied)
        handlers = vars(sys.modules["botocore.handlers"])
        self.builtin_handlers: tuple[tuple[Any, ...], ...] = tuple(
            self.values[id(handlers), "BUILTIN_HANDLERS"]  # type: ignore[arg-type]  # read from a module without types
        )
        """What botocore registers in each session."""
        for needed_until_now in (self._kept, self._same, self._class_of, self._namespaces):
            needed_until_now.clear()

    def _compare(self, owner: int, found: Namespace, copied: Namespace) -> None:
        for name, value in copied.items():
            if name in found and self._is_same(found[name], value):
                self.values[owner, name] = found[name]

    def _is_same(self, found: object, copied: object) -> bool:
        if found is copied:
            return True
        pair = id(found), id(copied)
        if pair not in self._same:
            # What refers to itself is as it was, if all else is.
            self._same[pair] = True
            self._kept.append((found, copied))
            self._same[pair] = self._is_alike(found, copied)
        return self._same[pair]

    def _is_alike(self, found: Any, copied: Any) -> bool:  # noqa: PLR0911  # anything
        if isinstance(copied, type):
            # A proxy object calls itself what it stands for; its type does not.
            return issubclass(kind_of(found), type) and self._is_same_class(found, copied)
        kind = kind_of(found)
        meant = kind_of(copied)
        if kind is not self._class_of.get(id(meant), meant):
            return False
        if kind is FunctionType:
            return self._is_same_function(found, copied)
        if kind in _PLAIN:
            return bool(found == copied)
        if issubclass(kind, (tuple, list)):
            return self._all_same(found, copied)
        if issubclass(kind, dict):
            return self._all_same(found, copied) and self._all_same(found.values(), copied.values())
        parts = _parts_of(copied)
        return self._all_same(_parts_of(found), parts)

    def _all_same(self, found: Iterable[object], copied: Iterable[object]) -> bool:
        left, right = list(found), list(copied)
        return len(left) == len(right) and all(map(self._is_same, left, right))

    def _is_same_function(self, found: FunctionType, copied: FunctionType) -> bool:
        home = id(copied.__globals__)
        self.codes[id(found)] = copied.__code__
        parts = [
            [each.__defaults__, each.__kwdefaults__, each.__closure__, vars(each)]
            for each in (found, copied)
        ]
        return (
            found.__code__ == copied.__code__
            # Generated code (a named tuple's) has a namespace of its own.
            and self._namespaces.get(home, id(found.__globals__)) == id(found.__globals__)
            and self._all_same(*parts)
        )

    def _is_same_class(self, found: type, copied: type) -> bool:
        if found.__qualname__ != copied.__qualname__ or type(found) is not type(copied):
            return False
        self._class_of[id(copied)] = found
        if not self._all_same(found.__bases__, copied.__bases__):
            return False
        self._compare(id(found), vars(found), vars(copied))
        self.classes[id(found)] = found
        self.home_of[id(found)] = copied.__module__
        # What was taken away shows something else behind it.
        return all(name in vars(found) for name in vars(copied))


def _parts_of(value: Any) -> list[object]:  # noqa: PLR0911  # anything
    """Give what an object does its work with, if others put that into it."""
    if kind_of(value) is partial:
        return [value.func, value.args, value.keywords]
    if isinstance(value, property):
        return [value.fget, value.fset, value.fdel]
    if kind_of(value) in _WRAPPED_METHODS:
        return [value.__func__]
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, CellType):
        return [value.cell_contents]
    if hasattr(value, "__wrapped__"):
        return [value.__wrapped__]
    if hasattr(kind_of(value), "__get__"):
        return list(getattr(value, "__dict__", {}).values())
    return []


def _second_copy(name: str) -> Namespace:
    module = sys.modules[name]
    loader: Any = module.__loader__
    code: CodeType = loader.get_code(name)
    namespace: dict[str, object] = {
        "__name__": name,
        "__package__": module.__package__,
        "__spec__": module.__spec__,
        "__file__": module.__file__,
    }
    exec(code, namespace)  # noqa: S102  # what the module was made of
    return namespace


@cache
def second_copies() -> SecondCopies:
    """Compare the modules with second copies, once in a process.

    Returns:
        What they have in common.

    Raises:
        Exception: If no copies can be made: a loader without code, a module that is no more.
    """
    return SecondCopies()
