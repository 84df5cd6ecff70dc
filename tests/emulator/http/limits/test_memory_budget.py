"""The budget of bytes that all connections share, without a socket."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from sagemaker_plans.emulator import Refusal
from sagemaker_plans.emulator._http.limits.memory_budget import MemoryBudget, Share


def shares_of(budget: MemoryBudget, cut: list[str], *names: str) -> tuple[Share, ...]:
    """Return shares that write down their names when they are cut."""
    return tuple(Share(budget, partial(cut.append, name)) for name in names)


def test_the_largest_is_cut_when_the_budget_is_spent() -> None:
    budget, cut = MemoryBudget(100), list[str]()
    small, first, second, third = shares_of(budget, cut, "small", "first", "second", "third")
    small.take(10)
    first.take(35)
    second.take(35)
    third.take(20)
    assert (budget.held, cut) == (100, [])
    # Of equals, the oldest.
    third.take(10)
    assert (budget.held, cut) == (75, ["first"])
    with pytest.raises(Refusal, match="ServiceUnavailable"):
        first.take(1)
    first.give_back(35)
    first.release()
    assert budget.held == 75
    second.give_back(10)
    third.release()
    third.release()
    assert budget.held == 35


def test_the_one_that_takes_more_may_be_the_largest() -> None:
    budget, cut = MemoryBudget(100), list[str]()
    small, greedy = shares_of(budget, cut, "small", "greedy")
    small.take(1)
    greedy.take(99)
    with pytest.raises(Refusal, match="ServiceUnavailable"):
        greedy.take(1)
    assert (budget.held, cut) == (1, ["greedy"])


def test_one_that_holds_nothing_is_never_cut() -> None:
    budget, cut = MemoryBudget(100), list[str]()
    empty, read, alone = shares_of(budget, cut, "empty", "read", "alone")
    empty.take(0)
    read.take(50)
    read.give_back(50)
    # One that is alone may have more.
    alone.take(200)
    assert (budget.held, cut) == (200, [])


def test_one_alone_may_have_more() -> None:
    budget, cut = MemoryBudget(100), list[str]()
    alone = Share(budget, lambda: cut.append("alone"))
    alone.take(1000)
    alone.take(1000)
    assert (budget.held, cut) == (2000, [])
    Share(budget, lambda: None).take(1)
    assert (budget.held, cut) == (1, ["alone"])


async def wait_with(budget: MemoryBudget, seconds: float | None, *, others: int = 0) -> None:
    """Hold 60 bytes and wait for ever, while others take some."""
    async with budget.share(seconds) as share:
        share.take(60)
        if others:
            Share(budget, lambda: None).take(others)
        try:
            await asyncio.Event().wait()
        finally:
            # It ends already, so this has no effect.
            share.cut()


def test_a_block_that_is_cut_is_refused() -> None:
    budget = MemoryBudget(100)
    with pytest.raises(Refusal, match="Other requests need the memory"):
        asyncio.run(wait_with(budget, None, others=50))
    assert budget.held == 50


def test_a_block_that_takes_too_long_is_ended() -> None:
    budget = MemoryBudget(100)
    with pytest.raises(TimeoutError):
        asyncio.run(wait_with(budget, 0))
    assert budget.held == 0
