"""A client stays in one event loop, also where only asyncio can run."""

import asyncio
import sys

import anyio
import pytest

from sagemaker_plans import ConfigurationError
from sagemaker_plans._client.first_loop import FirstLoop
from virtual_clock import VirtualTimeLoop


def test_without_trio_in_the_process_another_event_loop_is_refused_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "trio")
    first = FirstLoop()

    async def use() -> None:
        for _ in range(3):
            first.check()
            await asyncio.sleep(7)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(use())
    with (
        asyncio.Runner(loop_factory=VirtualTimeLoop) as runner,
        pytest.raises(ConfigurationError, match="belongs to the event loop"),
    ):
        runner.run(use())


def test_an_event_loop_of_trio_that_comes_later_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have asyncio's as its host, so that both run."""
    first = FirstLoop()

    async def use() -> None:
        first.check()

    with monkeypatch.context() as without:
        without.delitem(sys.modules, "trio")
        anyio.run(use)
    with pytest.raises(ConfigurationError, match="belongs to the event loop"):
        anyio.run(use, backend="trio")
