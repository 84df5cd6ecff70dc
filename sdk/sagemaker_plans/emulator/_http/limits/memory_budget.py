"""A budget of bytes for all connections together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import final

from sagemaker_plans.emulator._wire.refusal import Refusal


@final
class Share:
    """What one holder has of a budget.

    Args:
        budget: The budget.
        cut: Called if others need what this one has. It must let go soon.
    """

    def __init__(self, budget: MemoryBudget, cut: Callable[[], None]) -> None:
        self._budget = budget
        self.cut = cut
        self.held = 0
        self.is_cut = False

    def take(self, count: int) -> None:
        """Take more bytes. If the budget is spent, those who hold most of it are cut.

        Raises:
            Refusal: This one was cut.
        """
        if self.is_cut:
            raise no_memory()
        self._budget.add(self, count)
        if self.is_cut:
            raise no_memory()

    def give_back(self, count: int) -> None:
        """Give some of the bytes back."""
        if not self.is_cut:
            self._budget.add(self, -count)

    def release(self) -> None:
        """Give everything back. A second call has no effect."""
        self._budget.add(self, -self.held)


@final
class MemoryBudget:
    """How many bytes may be held at the same time. All of its holders are in one event loop.

    One holder alone may have more: an answer that is longer than the budget is an answer, too.

    Args:
        most: So many bytes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        # Those that hold something. A dict serves as an ordered set, oldest first.
        self._shares: dict[Share, None] = {}

    @property
    def held(self) -> int:
        """How many bytes are held."""
        return self._held

    def add(self, share: Share, count: int) -> None:
        """Count bytes of a share, and cut the largest share if all are too many.

        Of two that are as large, the older one is cut. It may be the one that takes more.
        """
        share.held += count
        self._held += count
        if share.held:
            self._shares.setdefault(share)
        else:
            self._shares.pop(share, None)
        if self._held > self._most and len(self._shares) > 1:
            # One is enough: it has at least as much as was taken now.
            largest = max(self._shares, key=lambda each: each.held)
            largest.is_cut = True
            largest.release()
            largest.cut()

    @asynccontextmanager
    async def share(self, seconds: float | None) -> AsyncGenerator[Share]:
        """Give a share to a block, which has to end in time.

        Args:
            seconds: The longest time that the block may take; None for any.

        Raises:
            Refusal: Others needed the bytes.
            TimeoutError: The block took longer.
        """
        loop = asyncio.get_running_loop()
        deadline = asyncio.timeout(seconds)

        def cut() -> None:
            if not deadline.expired():
                deadline.reschedule(loop.time())

        share = Share(self, cut)
        try:
            async with deadline:
                yield share
        except TimeoutError:
            if share.is_cut:
                raise no_memory() from None
            raise
        finally:
            share.release()


def no_memory() -> Refusal:
    """Return the refusal of a request whose memory others need."""
    return Refusal("ServiceUnavailable", "Other requests need the memory that this one has.", 503)
