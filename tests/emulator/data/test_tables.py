"""Tables that know what was changed, and the lock that has it kept."""

from __future__ import annotations

import pytest

from sagemaker_plans.emulator._state.fleets import Fleet
from sagemaker_plans.emulator._state.tables import StateLock, Table, Tables
from sagemaker_plans.emulator._wire.not_kept_error import NotKeptError


def table() -> Table[str, list[int]]:
    made = Table[str, list[int]]()
    made.update(a=[1], b=[2], c=[3])
    made.watch()
    return made


def test_what_is_handed_out_may_have_changed() -> None:
    rows = table()
    rows["a"].append(9)
    rows.get("nobody")
    assert "b" in rows
    assert list(rows) == ["a", "b", "c"]
    assert rows.taken_changes().touched == ("a",)
    rows.watch()
    list(rows.values())
    assert rows.taken_changes().touched == ("a", "b", "c")
    rows.watch()
    dict(rows.items())
    assert rows.taken_changes().touched == ("a", "b", "c")


def test_the_first_that_fits_is_handed_out() -> None:
    rows = table()
    assert rows.first(lambda row: row[0] > 1) == [2]
    assert rows.first(lambda row: row[0] > 5) is None
    assert rows.taken_changes().touched == ("b",)


def test_what_was_deleted_and_came_back_is_both() -> None:
    rows = table()
    rows["a"].append(9)
    rows["a"] = rows.pop("a")
    del rows["b"]
    changes = rows.taken_changes()
    assert changes.deleted == ("a", "b")
    assert changes.touched == ("a",)
    assert list(rows) == ["c", "a"]
    del rows["c"]
    assert rows.taken_changes().deleted == ()


def test_a_table_shows_how_long_it_is() -> None:
    assert repr(table()) == "<3 rows>"


def a_fleet(name: str) -> Fleet:
    return Fleet.create(name, f"arn:{name}", now=0.0)


def test_only_the_outermost_block_keeps() -> None:
    tables, kept = Tables(), list[tuple[str, ...]]()
    lock = StateLock(tables)

    def keep() -> None:
        kept.append(tables.fleets.taken_changes().touched)

    with lock:
        tables.fleets["before"] = a_fleet("before")
    lock.keep_by(keep)
    with lock:
        tables.fleets["a"] = a_fleet("a")
        with lock:
            tables.fleets["b"] = a_fleet("b")
        with lock.reading:
            assert kept == []
    assert kept == [("a", "b")]


def test_what_an_error_leaves_is_kept_too() -> None:
    tables, kept = Tables(), list[tuple[str, ...]]()
    lock = StateLock(tables)
    lock.keep_by(lambda: kept.append(tables.fleets.taken_changes().touched))

    def fail() -> None:
        with lock:
            tables.fleets["a"] = a_fleet("a")
            raise ValueError("half of it is done")

    with pytest.raises(ValueError, match="half"):
        fail()
    lock.check()
    assert kept == [("a",)]


def test_what_could_not_be_kept_is_told_until_somebody_else_keeps() -> None:
    lock = StateLock(Tables())

    def keep() -> None:
        raise OSError("the disk is full")

    lock.keep_by(keep)
    with pytest.raises(OSError, match="full"), lock:
        pass
    told = "could not be kept, so nothing is answered .* again: the disk is full"
    with pytest.raises(NotKeptError, match=told) as caught:
        lock.check()
    assert isinstance(caught.value.__cause__, OSError)
    assert lock.problem == "the disk is full"
    lock.keep_by(lambda: None)
    lock.check()
    assert lock.problem is None


def test_nothing_changes_after_what_could_not_be_kept() -> None:
    tables = Tables()
    lock = StateLock(tables)

    def keep() -> None:
        raise KeyboardInterrupt

    lock.keep_by(keep)
    with pytest.raises(KeyboardInterrupt), lock:
        tables.used_offerings["first"] = "lost"
    assert lock.problem == "KeyboardInterrupt"
    with pytest.raises(NotKeptError), lock:
        tables.used_offerings["second"] = "never"
    assert [*tables.used_offerings] == ["first"]
    assert lock.reading.acquire(blocking=False)
