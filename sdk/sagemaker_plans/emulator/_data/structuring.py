"""Turns what exists into plain values, those of JSON, and back. It is the only importer of cattrs.

Reading is strict: no value is coerced, and a key that is not known is an error. All errors of a
document are found at once, each with its path, such as `fleets[1].failing`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    Generic,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    final,
    get_args,
    get_origin,
)

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from sagemaker_plans.emulator._state.tables import Table
from sagemaker_plans.emulator._wire.json_values import is_list, is_object

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

_Hook: TypeAlias = Callable[[Any, Any], Any]
# A structure hook of cattrs: it is called with a value and its type.

_INFINITE: Final = {"inf": math.inf, "-inf": -math.inf}
# JSON has no numbers for these.


@attrs.frozen
class Row(Generic[K, V]):
    """The form in which a document has one row of a table."""

    key: K
    row: V


def _any(_value: object) -> bool:
    return True


@attrs.frozen
class Allowed:
    """What a member may hold, where its type does not say it well enough."""

    words: str
    """The end of "must be ..."."""

    fits: Callable[[object], bool] = _any
    """Whether a value that has the right type is allowed."""


class _UnfitError(ValueError):
    """A value that is not allowed. The message goes on after its path: "must be a name"."""


@attrs.frozen
class Misfit:
    """Where a document does not fit, and why."""

    where: str
    """The path, such as `fleets[1].failing`; "" is the document itself."""

    problem: str


class MisfitsError(ValueError):
    """A document that does not fit its type.

    Args:
        misfits: All places that do not fit.
    """

    def __init__(self, misfits: tuple[Misfit, ...]) -> None:
        super().__init__("; ".join(f"{one.where or 'it'} {one.problem}" for one in misfits))
        self.misfits = misfits


@final
class Structuring:
    """Reads and writes plain values.

    Args:
        allowed: What members of some classes may hold, by their names. For all others their
            types say it.
    """

    def __init__(self, allowed: Mapping[type, Mapping[str, Allowed]] | None = None) -> None:
        self._allowed: Mapping[type, Mapping[str, Allowed]] = allowed or {}
        self._converter = cattrs.Converter(unstruct_collection_overrides={frozenset: sorted})
        self._register()

    def structured(self, value: object, kind: type[T]) -> T:
        """Return plain values as an object of a type.

        Args:
            value: The plain values, such as `json.loads` returns.
            kind: The type.

        Raises:
            MisfitsError: The values do not fit the type.
        """
        try:
            return self._converter.structure(value, kind)
        except (cattrs.BaseValidationError, _UnfitError) as error:
            raise MisfitsError(tuple(self._misfits(error, ""))) from error

    def unstructured(self, value: object) -> Any:  # noqa: ANN401  # plain values have no better type
        """Return an object as plain values, which `json.dumps` takes and `structured` reads."""
        return self._converter.unstructure(value)

    def _misfits(self, error: Exception, where: str) -> Iterator[Misfit]:
        if isinstance(error, cattrs.ClassValidationError | cattrs.IterableValidationError):
            for inner in error.exceptions:
                place = _place(inner)
                at = _joined(where, place)
                if isinstance(inner, KeyError):
                    yield Misfit(at, f"is required: {self._words_at(error, place)}")
                else:
                    yield from self._misfits(inner, at)
        elif isinstance(error, cattrs.ForbiddenExtraKeysError):
            known = ", ".join(field.name for field in attrs.fields(cast("Any", error.cl)))
            for key in sorted(error.extra_fields):
                yield Misfit(_joined(where, key), f"is not known; known are {known}")
        else:
            yield Misfit(where, str(error))

    def _words_at(self, error: cattrs.BaseValidationError, name: str) -> str:
        """Say what a member may hold that is missing."""
        allowed = self._allowed.get(error.cl, {})
        kind = getattr(attrs.fields(cast("Any", error.cl)), name).type
        return allowed[name].words if name in allowed else _words(kind)

    def _register(self) -> None:
        register = self._converter.register_structure_hook
        register(str, _text)
        register(bool, _flag)
        register(int, _count)
        register(float, _number)
        register(NoneType, _nothing)
        # Of those that fit a type, the last one counts.
        converter = self._converter
        converter.register_structure_hook_factory(attrs.has, self._class_hook)
        converter.register_structure_hook_factory(_is_list, self._list_hook)
        converter.register_structure_hook_factory(_is_union, self._union_hook)
        converter.register_structure_hook_factory(_is_mapping, self._mapping_hook)
        converter.register_structure_hook_factory(_is_table, self._table_hook)
        converter.register_structure_hook_func(_is_literal, _literal)
        converter.register_structure_hook_func(_is_open_object, _object)
        converter.register_unstructure_hook(float, _plain_number)
        converter.register_unstructure_hook_func(_is_table, self._plain_table)

    def _class_hook(self, kind: Any) -> _Hook:  # noqa: ANN401  # a class of attrs
        # The annotations of attrs are strings until somebody resolves them.
        attrs.resolve_types(get_origin(kind) or kind)
        fields = attrs.fields(kind)
        overrides: dict[str, Any] = {
            name: override(struct_hook=self._allowed_hook(note, getattr(fields, name).type))
            for name, note in self._allowed.get(kind, {}).items()
        }
        read_members = make_dict_structure_fn(
            kind, self._converter, _cattrs_forbid_extra_keys=True, **overrides
        )
        keys = ", ".join(field.name for field in fields)

        def read(value: object, _kind: object) -> object:
            if not is_object(value):
                raise _UnfitError(f"must be a table with the keys {keys}")
            return read_members(value, kind)

        return read

    def _allowed_hook(self, note: Allowed, kind: Any) -> _Hook:  # noqa: ANN401  # any annotation
        read_any = self._converter.get_structure_hook(kind)

        def read(value: object, _kind: object) -> object:
            try:
                found: object = read_any(value, kind)
            except (cattrs.BaseValidationError, _UnfitError):
                raise _UnfitError(f"must be {note.words}") from None
            if not note.fits(found):
                raise _UnfitError(f"must be {note.words}")
            return found

        return read

    def _union_hook(self, kind: Any) -> _Hook:  # noqa: ANN401  # a union
        kinds = [each for each in get_args(kind) if each is not NoneType]
        takes_none = len(kinds) < len(get_args(kind))
        *others, (last, read_last) = [
            (each, self._converter.get_structure_hook(each)) for each in kinds
        ]

        def read(value: object, _kind: object) -> object:
            if value is None and takes_none:
                return None
            for each, read_it in others:
                try:
                    return read_it(value, each)
                except (cattrs.BaseValidationError, _UnfitError):
                    continue
            return read_last(value, last)

        return read

    def _list_hook(self, kind: Any) -> _Hook:  # noqa: ANN401  # a tuple or a frozenset
        inner: Any = list[get_args(kind)[0]]  # type: ignore[misc]  # known at run time only
        read_list = self._converter.get_structure_hook(inner)
        of_tables = attrs.has(get_args(kind)[0])
        words = "must be a list of tables" if of_tables else "must be a list"

        def read(value: object, _kind: object) -> object:
            if not is_list(value) or (of_tables and not all(map(is_object, value))):
                raise _UnfitError(words)
            return get_origin(kind)(read_list(value, inner))

        return read

    def _mapping_hook(self, kind: Any) -> _Hook:  # noqa: ANN401  # a mapping
        read_mapping = self._converter.gen_structure_mapping(kind)

        def read(value: object, _kind: object) -> object:
            return read_mapping(_object(value, kind), kind)

        return read

    def _table_hook(self, kind: Any) -> _Hook:  # noqa: ANN401  # a Table
        inner: Any = tuple[Row[get_args(kind)], ...]  # type: ignore[misc]  # as above
        read_rows = self._converter.get_structure_hook(inner)

        def read(value: object, _kind: object) -> object:
            table = Table[object, object]()
            rows: tuple[Row[object, object], ...] = read_rows(value, inner)
            for one in rows:
                table[one.key] = one.row
            return table

        return read

    def _plain_table(self, table: Table[object, object]) -> list[dict[str, Any]]:
        unstructured = self.unstructured
        return [{"key": unstructured(key), "row": unstructured(row)} for key, row in table.items()]


def _place(error: Exception) -> str:
    """Return the place that cattrs has noted on an error, inside of what was read."""
    places: Iterator[str | int] = (
        note.name if isinstance(note, cattrs.AttributeValidationNote) else note.index
        for note in getattr(error, "__notes__", ())
        if isinstance(note, cattrs.AttributeValidationNote | cattrs.IterableValidationNote)
    )
    place = next(places, "")
    return f"[{place}]" if isinstance(place, int) else place


def _joined(where: str, place: str) -> str:
    return f"{where}.{place}" if where and place and not place.startswith("[") else where + place


def _words(kind: Any) -> str:  # noqa: ANN401  # any annotation
    """Say what is allowed for a type."""
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    return _NAMES.get(kind, "a table" if attrs.has(kind) else "a value")


_NAMES: Final[Mapping[object, str]] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    NoneType: "nothing",
}


def _unfit(kind: Any) -> _UnfitError:  # noqa: ANN401  # any annotation
    return _UnfitError(f"must be {_words(kind)}")


def _text(value: object, kind: type[str]) -> str:
    if not isinstance(value, str):
        raise _unfit(kind)
    return value


def _flag(value: object, kind: type[bool]) -> bool:
    if not isinstance(value, bool):
        raise _unfit(kind)
    return value


def _count(value: object, kind: type[int]) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _unfit(kind)
    return value


def _number(value: object, kind: type[float]) -> float:
    if isinstance(value, str) and value in _INFINITE:
        return _INFINITE[value]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _unfit(kind)
    try:
        return float(value)
    except OverflowError:
        raise _unfit(kind) from None


def _nothing(value: object, kind: type[None]) -> None:
    if value is not None:
        raise _unfit(kind)


def _object(value: object, _kind: object) -> Mapping[str, object]:
    if not is_object(value):
        raise _UnfitError("must be a table")
    return value


def _is_open_object(kind: object) -> bool:
    return get_origin(kind) in {Mapping, dict} and get_args(kind) == (str, object)


def _is_mapping(kind: object) -> bool:
    return get_origin(kind) in {Mapping, dict}


def _is_table(kind: object) -> bool:
    return kind is Table or get_origin(kind) is Table


def _is_union(kind: object) -> bool:
    return get_origin(kind) in {Union, UnionType}


def _is_literal(kind: object) -> bool:
    return get_origin(kind) is Literal


def _is_list(kind: object) -> bool:
    """Tell whether a type is `tuple[X, ...]` or `frozenset[X]`."""
    if get_origin(kind) is frozenset:
        return True
    return get_origin(kind) is tuple and get_args(kind)[1:] == (...,)


def _literal(value: object, kind: Any) -> object:  # noqa: ANN401  # a Literal
    if value not in get_args(kind):
        raise _unfit(kind)
    return value


def _plain_number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
