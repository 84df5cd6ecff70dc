"""Plain values and back, without any coercion."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import examples
from sagemaker_plans.emulator._data.structuring import (
    Allowed,
    Misfit,
    MisfitsError,
    Structuring,
)
from sagemaker_plans.emulator._state.tables import Table

PLAIN = Structuring()


@attrs.frozen(kw_only=True)
class Thing:
    """One of each kind of member that states have."""

    text: str = ""
    flag: bool = False
    count: int = 0
    number: float = 0.0
    nothing: None = None
    maybe: int | None = None
    either: tuple[str, ...] | int = 0
    one_of: Literal["a", "b"] = "a"
    names: tuple[str, ...] = ()
    group: frozenset[str] = frozenset()
    by_name: dict[str, float] = attrs.Factory(dict[str, float])
    anything: Mapping[str, object] = attrs.Factory(dict[str, object])
    pair: tuple[int, str] = (0, "")
    table: Table[int, str] = attrs.Factory(Table[int, str])
    inner: Thing | None = None


def tabled(rows: dict[int, str]) -> Table[int, str]:
    table = Table[int, str]()
    table.update(rows)
    return table


_TEXT = st.text(max_size=3)
_NUMBER = st.floats(allow_nan=False)
THINGS = st.recursive(
    st.builds(
        Thing,
        text=_TEXT,
        flag=st.booleans(),
        count=st.integers(),
        number=_NUMBER,
        maybe=st.none() | st.integers(),
        either=st.integers() | st.lists(_TEXT, max_size=2).map(tuple),
        one_of=st.sampled_from(["a", "b"]),
        names=st.lists(_TEXT, max_size=2).map(tuple),
        group=st.frozensets(_TEXT, max_size=2),
        by_name=st.dictionaries(_TEXT, _NUMBER, max_size=2),
        anything=st.dictionaries(_TEXT, st.lists(st.integers(), max_size=2), max_size=2),
        pair=st.tuples(st.integers(), _TEXT),
        table=st.dictionaries(st.integers(), _TEXT, max_size=2).map(tabled),
    ),
    lambda inner: st.builds(Thing, inner=inner),
    max_leaves=3,
)


@settings(max_examples=examples(100))
@given(THINGS)
def test_what_is_written_can_be_read(thing: Thing) -> None:
    text = json.dumps(PLAIN.unstructured(thing), allow_nan=False)
    assert PLAIN.structured(json.loads(text), Thing) == thing


def misfits(value: object, kind: Any = Thing) -> list[tuple[str, str]]:
    with pytest.raises(MisfitsError) as caught:
        PLAIN.structured(value, kind)
    return [(one.where, one.problem) for one in caught.value.misfits]


@pytest.mark.parametrize(
    ("member", "value", "problem"),
    [
        ("text", 1, "must be a text"),
        ("flag", 1, "must be true or false"),
        ("count", True, "must be a whole number"),
        ("count", 1.0, "must be a whole number"),
        ("number", True, "must be a number"),
        ("number", "nan", "must be a number"),
        ("number", 10**400, "must be a number"),
        ("nothing", 0, "must be nothing"),
        ("maybe", "1", "must be a whole number"),
        ("either", "ab", "must be a whole number"),
        ("one_of", "c", "must be one of a, b"),
        ("names", "ab", "must be a list"),
        ("group", {}, "must be a list"),
        ("anything", [], "must be a table"),
        ("table", [1], "must be a list of tables"),
        ("inner", [], "must be a table with the keys text, flag, count, number"),
        ("colour", 1, "is not known; known are text, flag"),
    ],
)
def test_no_value_is_coerced(member: str, value: object, problem: str) -> None:
    ((where, found),) = misfits({member: value})
    assert where == member
    assert found.startswith(problem)


def test_all_misfits_are_told_with_their_paths() -> None:
    wrong = {"inner": {"names": ["a", 1, 2]}, "by_name": {"x": "y"}, "colour": 1, "count": "1"}
    assert [where for where, _ in misfits(wrong)] == [
        "count",
        "by_name.x",
        "inner.names[1]",
        "inner.names[2]",
        "colour",
    ]


def test_a_document_itself_can_be_wrong() -> None:
    ((where, problem),) = misfits([])
    assert where == ""
    assert problem.startswith("must be a table with the keys text, flag")
    assert str(MisfitsError((Misfit("", "must be a table"),))) == "it must be a table"


def test_what_is_allowed_can_be_said_in_words() -> None:
    plain = Structuring({Thing: {"count": Allowed("a number of hours", lambda hours: hours != 3)}})
    assert plain.structured({"count": 4}, Thing).count == 4
    for wrong in (3, "4"):
        with pytest.raises(MisfitsError, match="count must be a number of hours"):
            plain.structured({"count": wrong}, Thing)


@attrs.frozen
class Required:
    """All of its members have to be there."""

    hours: float
    thing: Thing
    one_of: Literal["a", "b"]


def test_what_is_missing_is_told_in_words() -> None:
    assert misfits({}, Required) == [
        ("hours", "is required: a number"),
        ("thing", "is required: a table"),
        ("one_of", "is required: one of a, b"),
    ]


def test_infinite_numbers_are_texts_in_json() -> None:
    assert PLAIN.unstructured(Thing(number=-math.inf))["number"] == "-inf"
    assert PLAIN.structured({"number": "inf"}, Thing).number == math.inf
