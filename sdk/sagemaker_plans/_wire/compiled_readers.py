"""Compiles readers for wire forms that look as the service sends them.

``converter`` reads whatever comes, and says what does not fit. To do that it goes through each
structure in loops. A reader of this module is one function for a whole reply, which takes
less than half of the time. It cannot explain a misfit: whatever is unusual makes it raise, and
then ``converter`` reads. So both give the same model, or only ``converter`` gives one.

A class is compiled when it is first read, which takes 2 ms. That is less than the import of
cattrs takes, which ``converter`` needs.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NoReturn, get_args, get_origin

import attrs

from sagemaker_plans._wire.structures import Spread, Structure, structure_of
from sagemaker_plans.models import DeviceSelectionConfig
from sagemaker_plans.models._enums import OpenEnum
from sagemaker_plans.models._selection import UNDERSTOOD

Reader = Callable[[Any, Any], Any]
"""What reads the values of a type; it is called with a value and the type."""

_EXACT: Final = (str, int, bool)
"""A value of one of these types, and not of a subclass, is what it is on the wire."""
_NOTHING: Final[Mapping[str, object]] = {}


class UnusualError(Exception):
    """A wire form that is left to ``converter``."""


def _leave() -> NoReturn:
    raise UnusualError


def _is_open_enum(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, OpenEnum)


class _Writer:
    """Writes a function: its lines, and the objects that they name.

    Each method writes what is done with one value, and returns the expression of the result.

    Args:
        reader_of: Gives what reads the values of any other type.
    """

    def __init__(self, reader_of: Callable[[Any], Reader]) -> None:
        self._reader_of = reader_of
        self._count = 0
        self._lines: list[str] = []
        self._indent = 1
        self._objects: dict[str, Any] = {"UnusualError": UnusualError}

    def function(self, cls: type) -> Reader:
        """Compile the function that reads a class."""
        made = self._value(cls, "wire")
        source = "\n".join(("def read(wire, _):", *self._lines, f"    return {made}"))
        exec(compile(source, f"<reader of {cls.__name__}>", "exec"), self._objects)  # noqa: S102  # written here, of this package's own names
        read: Reader = self._objects["read"]
        return read

    def _write(self, line: str) -> None:
        self._lines.append("    " * self._indent + line)

    def _variable(self) -> str:
        self._count += 1
        return f"value_{self._count}"

    def _object(self, value: object) -> str:
        name = self._variable()
        self._objects[name] = value
        return name

    def _require(self, condition: str) -> None:
        self._write(f"if not ({condition}): raise UnusualError")

    def _assign(self, expression: str) -> str:
        name = self._variable()
        self._write(f"{name} = {expression}")
        return name

    def _value(self, kind: Any, value: str) -> str:  # noqa: ANN401  # the type of an attribute
        if kind in _EXACT:
            self._require(f"type({value}) is {kind.__name__}")
            return value
        if _is_open_enum(kind):
            # A value that this release does not know is not among the keys.
            return f"{self._object({str(member): member for member in kind})}[{value}]"
        if get_origin(kind) is tuple:
            return self._items(get_args(kind)[0], value)
        if kind is DeviceSelectionConfig or attrs.has(kind):
            self._require(f"type({value}) is dict")
            is_model = kind is not DeviceSelectionConfig
            return self._model(structure_of(kind), value) if is_model else self._selection(value)
        read = f"{self._object(self._reader_of(kind))}({value}, {self._object(kind)})"
        if kind is datetime:
            # The one thing in nearly all structures that a call of its own costs time for. It
            # gives the same as ``values`` or, on some systems before 1970, raises.
            made = f"{self._object(datetime.fromtimestamp)}({value}, {self._object(UTC)})"
            return f"({made} if type({value}) is float else {read})"
        return read

    def _items(self, kind: Any, value: str) -> str:  # noqa: ANN401  # the type of an item
        self._require(f"type({value}) is list")
        items, item = self._assign("[]"), self._variable()
        self._write(f"for {item} in {value}:")
        self._indent += 1
        self._write(f"{items}.append({self._value(kind, item)})")
        self._indent -= 1
        return f"tuple({items})"

    def _selection(self, value: str) -> str:
        """Read a selection with the member of its own type and no other."""
        self._require(f"len({value}) == 2")
        found, word = self._variable(), "if"
        for way in UNDERSTOOD:
            _, member = structure_of(way).members
            self._write(f"{word} {member.name!r} in {value}:")
            self._indent += 1
            read = self._value(member.kind, self._assign(f"{value}[{member.name!r}]"))
            self._write(f"{found} = {self._object(way)}({read})")
            self._indent -= 1
            word = "elif"
        self._write("else: raise UnusualError")
        self._require(f"{found}.device_subset_type == {value}['DeviceSubsetType']")
        return found

    def _model(self, structure: Structure, value: str) -> str:
        found: dict[str, str] = {}
        self._attributes(structure, value, found)
        settings = ", ".join(f"{name}={expression}" for name, expression in found.items())
        return f"{self._object(structure.model)}({settings})"

    def _attributes(self, structure: Structure, value: str, found: dict[str, str]) -> None:
        fields = attrs.fields_dict(structure.model)
        for name, attribute, kind, is_required in structure.members:
            if is_required:
                read = self._value(kind, self._assign(f"{value}[{name!r}]"))
                found[attribute] = read if read.isidentifier() else self._assign(read)
                continue
            member, read = self._assign(f"{value}.get({name!r})"), self._variable()
            self._write(f"if {member} is None: {read} = {self._default(fields[attribute])}")
            self._write("else:")
            self._indent += 1
            self._write(f"{read} = {self._value(kind, member)}")
            self._indent -= 1
            found[attribute] = read
        for name, inside, _ in structure.places:
            place = self._assign(f"{value}.get({name!r}, {self._object(_NOTHING)})")
            self._require(f"type({place}) is dict")
            self._attributes(inside, place, found)
        for spread in structure.spreads:
            found[spread.attribute] = self._spread(spread, fields[spread.attribute], value)

    def _spread(self, spread: Spread, field: "attrs.Attribute[Any]", value: str) -> str:
        members = spread.structure.members
        if any(each.is_required for each in members):
            return self._assign(self._model(spread.structure, value))
        # All of its members are there, or none.
        read = self._variable()
        names = " or ".join(f"{each.name!r} in {value}" for each in members)
        whole = tuple(each._replace(is_required=True) for each in members)
        self._write(f"if {names}:")
        self._indent += 1
        self._write(f"{read} = {self._model(spread.structure._replace(members=whole), value)}")
        self._indent -= 1
        self._write(f"else: {read} = {self._default(field)}")
        return read

    def _default(self, field: "attrs.Attribute[Any]") -> str:
        default: Any = field.default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # to mypy a function
            # Made anew for each object, as only a class of the user's may want it.
            return f"{self._object(_leave)}()"
        return self._object(None if default is attrs.NOTHING else default)


def compiled_reader(cls: type, reader_of: Callable[[Any], Reader]) -> Reader:
    """Compile a reader.

    Args:
        cls: The class of a model, or another that declares its members as models do.
        reader_of: Gives what reads the values of a type that has no structure, such as
            timestamps.

    Returns:
        The reader, which is called with a wire form and the class. It raises an exception of
        any kind if ``converter`` has to read instead.
    """
    return _Writer(reader_of).function(cls)
