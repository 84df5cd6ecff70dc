"""The budget of bytes that all connections share, without a socket."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from sagemaker_plans.emulator import Refusal
from sagemaker_plans.emulator._http.limits.memory_budget import MemoryBudget, Share


def test_the_oldest_is_cut_when_the_budget_is_spent() -> None:
    budget, cut = MemoryBudget(100), list[str]()
    first, second, third = (
        Share(budget, partial(cut.append, name)) for name in ("first", "second", "third")
    )
    first.take(40)
    second.take(40)
    third.take(20)
    assert (budget.held, cut) == (100, [])
    third.take(30)
    assert (budget.held, cut) == (90, ["first"])
    with pytest.raises(Refusal, match="ServiceUnavailable"):
        first.take(1)
    first.give_back(40)
    first.release()
    assert budget.held == 90
    second.give_back(10)
    third.release()
    third.release()
    assert budget.held == 30


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
        asyncio.run(wait_with(budget, None, others=70))
    assert budget.held == 70


def test_a_block_that_takes_too_long_is_ended() -> None:
    budget = MemoryBudget(100)
    with pytest.raises(TimeoutError):
        asyncio.run(wait_with(budget, 0))
    assert budget.held == 0
