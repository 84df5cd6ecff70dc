"""Everything between a client's method for a read and its HTTP session, found by its names.

The objects that a client is made of are known by their classes, and their methods by the
names that the code before them uses. So a botocore that prepares requests in another way
than today's is followed as well. What is found has to be what the second copies have, and
nothing may have been put in front of it: then ``PassedCode`` tells at each call, in
microseconds, whether everything still is the very object that it was.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from operator import attrgetter, call, getitem, is_, itemgetter
from threading import Lock
from time import monotonic
from types import CodeType, FunctionType, MappingProxyType, MethodType
from typing import Any, Final, cast

from sagemaker_plans._transport.aiobotocore_client.second_copies import (
    Namespace,
    SecondCopies,
    kind_of,
)

_NOT_PASSED: Final = frozenset(
    {"http_session", "_credentials", "_auth_token", "_loader", "_exceptions"}
)
"""What the fast path asks too, what was for making the client only, and the classes of
its exceptions, which decide nothing: the reply does."""
_OF_EVERY_CLASS: Final = frozenset(
    {"__doc__", "__module__", "__qualname__", "__dict__", "__weakref__", "_PY_TO_OP_NAME"}
    | {"__firstlineno__", "__static_attributes__", "__slotnames__"}
)
_OF_MAKING: Final = frozenset({"__init__", "__new__", "__copy__", "__repr__", "__getnewargs__"})
_METHODS: Final = frozenset({FunctionType, staticmethod, classmethod})
_code_of: Final = attrgetter("__code__")
_call: Final[Any] = call
_CHOSEN: Final = frozenset({"v4", "json"})
"""Keys of the dicts from which a request's signer and its reply's parser are taken."""
_order_of: Final = attrgetter("__mro__")
_EVERY_FUNCTION: Final = frozenset({"auth", "client", "endpoint", "history", "hooks", "signers"})
_PUBLIC_ONLY: Final = frozenset({"awsrequest", "httpsession", "parsers", "serialize", "validate"})
"""The modules, by the last part of their names, whose functions are looked at each time."""
_ON_THE_WAY: Final = _EVERY_FUNCTION | _PUBLIC_ONLY
_WHOLE_LOOK_EVERY: Final = 1.0
_HEAP_TYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that somebody could have written


class NotPristineError(Exception):
    """Something that a read goes past is not what botocore's authors put there."""


def functions_in(value: Any) -> Iterator[FunctionType]:  # anything
    """Give the functions that run when something is called or looked up.

    Args:
        value: A function, a method, a descriptor.

    Yields:
        Each, decorated ones with what they decorate.
    """
    if isinstance(value, property):
        yield from functions_in(value.fget)
    elif not isinstance(value, FunctionType):
        held = getattr(value, "__dict__", {}).values() if hasattr(kind_of(value), "__get__") else ()
        inner = getattr(value, "__func__", None) or getattr(value, "__wrapped__", None)
        for each in (inner, *held):
            if isinstance(each, FunctionType):
                yield from functions_in(each)
    else:
        yield value
        for cell in value.__closure__ or ():
            if isinstance(cell.cell_contents, FunctionType):
                yield from functions_in(cell.cell_contents)


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names_in(inner)
        elif isinstance(inner, str) and inner.strip("_").isidentifier():
            # Put together while it runs: "_serialize_type_" and the kind, as in visitors.
            yield inner


class PassedCode:
    """What a read goes past: of one client, or of its HTTP session.

    Args:
        copies: What is known to be as its authors wrote it.
        client: The client; None if it is not the client's.
        methods: The names of the client's methods for reads, and of their operations.
        handlers: Functions that the client's events call.
        classes: Other classes that are gone past, and the names of their methods.
        objects: Other objects that are gone past.

    Raises:
        NotPristineError: If somebody may want to see what happens there.
    """

    def __init__(
        self,
        copies: SecondCopies,
        *,
        client: object = None,
        methods: Mapping[str, str] = MappingProxyType({}),
        handlers: Iterable[FunctionType | MethodType] = (),
        classes: Mapping[type, Iterable[str]] = MappingProxyType({}),
        objects: Iterable[object] = (),
    ) -> None:
        self._copies = copies
        self._names: set[str] = set(methods)
        self._beginnings: tuple[str, ...] = ()
        self._names_of: dict[int, set[str]] = {}
        self._places: dict[tuple[int, str], tuple[Namespace, object]] = {}
        self._classes: dict[int, type] = {}
        self._made: set[int] = set()
        self._chosen: list[type] = []
        self.objects: dict[int, object] = {}
        """What the client is made of, by its id."""
        self._attributes: list[tuple[Namespace, str, object]] = []
        self._codes: dict[int, FunctionType] = {}
        if client is not None:
            self._follow_methods(client, methods)
            self._follow_object(client)
        for cls, names in classes.items():
            self._follow_class(cls)
            self._names.update(names)
            if "__init__" in names:
                self._made.update(map(id, cls.__mro__))
        for each in objects:
            self._follow_object(each)
        for handler in handlers:
            self._follow_code(handler)
            if isinstance(handler, MethodType):
                self._follow_object(handler.__self__)
        while self._follow_names():
            """Until there are no new ones."""
        for owner, name in copies.values:
            # What was taken away shows something else behind it.
            if owner in self._classes and name not in vars(self._classes[owner]):
                raise NotPristineError(name)
        self._leaves = {type(each) for each in self.objects.values()}
        self._leaves.update(self._chosen)
        self._quick_look = self._look(is_quick=True)
        self._whole_look = self._look(is_quick=False)
        self._next_whole_look = 0.0

    def holds(self) -> bool:
        """Tell whether everything is as it was.

        The functions through which each request goes are looked at each time. Their code, and
        the details (the user agent, the endpoint's rules, how members are written), are looked
        at once a second.

        Returns:
            Whether it is.
        """
        try:
            if not self._quick_look():
                return False
            now = monotonic()
            if now < self._next_whole_look:
                return True
            self._next_whole_look = now + _WHOLE_LOOK_EVERY
            return self._whole_look()
        except KeyError:  # something was taken away
            return False

    def _follow_methods(self, client: object, methods: Mapping[str, str]) -> None:
        """Follow the methods of the class that botocore made for this client alone."""
        cls = type(client)
        (base,) = cls.__bases__
        if type(cls) is not type or id(base) not in self._copies.classes:
            raise NotPristineError
        if not _OF_EVERY_CLASS.issuperset(vars(cls).keys() & dir(base)):
            raise NotPristineError
        creator = next(c for c in self._copies.classes.values() if c.__name__ == "ClientCreator")
        maker: FunctionType = self._known(vars(creator), id(creator), "_create_api_method")
        for name, operation in methods.items():
            method = vars(cls)[name]
            held = [cell.cell_contents for cell in method.__closure__]
            is_made = type(method) is FunctionType and method.__code__ in maker.__code__.co_consts
            if not is_made or sorted(held) != sorted((name, operation)):
                raise NotPristineError
            self._places[id(cls), name] = vars(cls), method
            self._follow_code(method, maker.__code__.co_consts)
        # Now the class itself is no more than its base with these methods.
        self._classes[id(cls)] = cls
        self._follow_class(base)

    def _follow_object(self, found: object) -> None:
        if id(found) in self.objects:
            return
        self.objects[id(found)] = found
        cls = type(found)
        self._follow_class(cls)
        held = getattr(found, "__dict__", {})
        for name, value in held.items():
            kind = kind_of(value)
            if any(type(vars(each).get(name)) in _METHODS for each in cls.__mro__):
                raise NotPristineError(name)
            if id(kind) in self._copies.classes:
                self._attributes.append((held, name, value))
                self._follow_object(value)
            elif kind is list:
                for each in cast("list[object]", value):
                    if id(type(each)) in self._copies.classes:
                        self._follow_object(each)
            elif kind.__flags__ & _HEAP_TYPE and name not in _NOT_PASSED and kind is not _LOCK:
                raise NotPristineError(name)

    def _follow_class(self, cls: type) -> None:
        if id(cls) not in self._copies.classes and id(cls) not in self._classes:
            raise NotPristineError(cls.__name__)
        for each in cls.__mro__:
            # Others are the standard library's; which ones, the second copy says.
            if id(each) in self._copies.classes:
                self._classes[id(each)] = each

    def _follow_names(self) -> bool:
        self._beginnings = tuple(each for each in self._names if each[0] == "_" == each[-1])
        before = len(self._places), len(self._classes), len(self._names)
        for cls in tuple(self._classes.values()):
            if id(cls) not in self._copies.classes:
                continue
            members: Namespace = vars(cls)
            for name in tuple(members):
                is_used = name in self._names or name.startswith(self._beginnings)
                is_used = is_used or name[:2] == "__" == name[-2:]
                if name in _OF_MAKING and id(cls) not in self._made:
                    continue
                if is_used and name not in _OF_EVERY_CLASS:
                    self._follow_place(members, id(cls), name)
        for owner, names in tuple(self._names_of.items()):
            held = self._copies.modules[owner]
            for name in names & held.keys():
                self._follow_place(held, owner, name)
        return before != (len(self._places), len(self._classes), len(self._names))

    def _follow_place(self, held: Namespace, owner: int, name: str) -> None:
        if (owner, name) in self._places:
            return
        value = self._known(held, owner, name)
        self._places[owner, name] = held, value
        if issubclass(kind_of(value), type):
            if id(value) in self._copies.classes:
                self._follow_class(value)
                self._made.update(map(id, value.__mro__))
        elif kind_of(value) is dict and not _CHOSEN.isdisjoint(value):
            held = cast("dict[str, object]", value)
            for key in _CHOSEN & held.keys():
                self._follow_choice(held, key)
        elif id(kind_of(value)) in self._copies.classes and not hasattr(kind_of(value), "__get__"):
            self._follow_object(value)
        else:
            self._follow_code(value)

    def _follow_choice(self, held: dict[str, object], key: str) -> None:
        cls = cast("type", held[key])
        self._follow_class(cls)
        self._attributes.append((held, key, cls))
        self._chosen.append(cls)
        self._made.update(map(id, cls.__mro__))

    def _known(self, held: Namespace, owner: int, name: str) -> Any:  # anything
        value = held[name]
        if self._copies.values.get((owner, name), self) is not value:
            raise NotPristineError(name)
        return value

    def _follow_code(self, value: object, made: tuple[object, ...] = ()) -> None:
        for function in functions_in(value):
            home = id(function.__globals__)
            if id(function) in self._codes or home not in self._copies.modules:
                continue
            if function.__code__ not in (self._copies.codes.get(id(function)), *made):
                raise NotPristineError(function.__name__)
            self._codes[id(function)] = function
            names = set(_names_in(function.__code__))
            self._names |= names
            self._names_of.setdefault(home, set()).update(names)

    def _is_on_the_way(self, owner: int, name: str, value: object) -> bool:
        """Tell whether something is a function that each request goes through."""
        role = self._role(owner)
        is_public = role in _PUBLIC_ONLY and name[0] != "_"
        if not (role in _EVERY_FUNCTION or is_public):
            return False
        # What the standard library does for them is a detail.
        if not any(id(each.__globals__) in self._copies.modules for each in functions_in(value)):
            return False
        # What is overridden is not called.
        leaves = [each for each in self._leaves if self._classes.get(owner) in each.__mro__]
        return not leaves or any(vars_of(each, name) is value for each in leaves)

    def _role(self, owner: int) -> str:
        # A class that botocore made for one client is at home nowhere.
        return self._copies.home_of.get(owner, "client").rpartition(".")[2]

    def _look(self, *, is_quick: bool) -> Callable[[], bool]:
        """Make what tells whether everything is as it was: by identity, in C, without a loop."""
        places = {
            (owner, name): found
            for (owner, name), found in self._places.items()
            if not is_quick or self._is_on_the_way(owner, name, found[1])
        }
        # Nothing may come in front of it either: in a subclass, or in the object itself.
        objects = tuple(
            each
            for each in self.objects.values()
            if hasattr(each, "__dict__")
            and (not is_quick or self._role(id(type(each))) in _ON_THE_WAY)
        )
        of_objects = {id(vars(each)) for each in objects}
        for held, name, value in self._attributes:
            if not is_quick or id(held) in of_objects or name in _CHOSEN:
                places[id(held), name] = held, value
        by_owner: dict[int, tuple[Namespace, list[str], list[object]]] = {}
        for (owner, name), (held, value) in places.items():
            _, names, values = by_owner.setdefault(owner, (held, [], []))
            names.append(name)
            values.append(value)
        # An itemgetter of one name would not give a tuple.
        several = [each for each in by_owner.values() if len(each[1]) > 1]
        getters = [itemgetter(*names) for _, names, _ in several]
        owners = [held for held, *_ in several]
        wanted = tuple(chain.from_iterable(values for *_, values in several))
        single = [each for each in by_owner.values() if len(each[1]) == 1]
        single_owners = [held for held, *_ in single]
        single_names = [name for _, (name,), _ in single]
        single_values = [value for *_, (value,) in single]
        functions = tuple(self._codes.values())
        codes = list(map(_code_of, functions))
        kinds = list(map(type, objects))
        leaves = tuple(self._leaves)
        orders = tuple(map(_order_of, leaves))
        in_front = [
            each
            for each in self._classes.values()
            if not is_quick or self._role(id(each)) in _ON_THE_WAY
        ]
        sized = [*map(vars, in_front), *map(vars, objects)]
        sizes = list(map(len, sized))

        def holds() -> bool:
            return (
                all(map(is_, chain.from_iterable(map(_call, getters, owners)), wanted))
                and all(map(is_, map(getitem, single_owners, single_names), single_values))
                and list(map(len, sized)) == sizes
                and all(map(is_, map(type, objects), kinds))
                and (is_quick or list(map(_code_of, functions)) == codes)
                and (is_quick or all(map(is_, map(_order_of, leaves), orders)))
            )

        return holds


def vars_of(cls: type, name: str) -> object:
    """Give what an object of a class finds under a name, as the class has it.

    Args:
        cls: The class.
        name: The name.

    Returns:
        What the first class of those that it is made of has; None if none has.
    """
    return next((vars(each)[name] for each in cls.__mro__ if name in vars(each)), None)


_LOCK: Final = type(Lock())
