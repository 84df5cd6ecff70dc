"""Searches the extensions of a plan, duration by duration, at the pace of the service."""

from typing import Final

import anyio

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.coverage.choice import Wanted, choose
from sagemaker_plans._training.purchases.price_check import DURATIONS
from sagemaker_plans._training.reading import search_offerings
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans.models import TrainingPlanExtensionOffering

_PAUSE: Final = 1 / 0.95
"""Seconds between two searches. AWS's sample searches 0.2 to 1 times a second."""


class Sweep:
    """The offerings of one plan, as far as they have been searched.

    Args:
        gateway: Sends the searches.
        retrier: Sends them again after a failure.
        arn: The plan.
    """

    def __init__(self, gateway: Gateway, retrier: Retrier, arn: str) -> None:
        self._gateway = gateway
        self._retrier = retrier
        self._arn = arn
        self._next = float("-inf")
        self.offerings: list[TrainingPlanExtensionOffering] = []
        """All offerings that were found, in the order in which they were found."""

    async def search(self, wanted: Wanted) -> None:
        """Search what can matter for a choice.

        A search without a duration comes first; it may not list all offerings. Then come
        the durations that reach the date, and the shorter ones only if none of those can be
        bought.

        Args:
            wanted: What is chosen for.

        Raises:
            SageMakerPlansError: If a search failed.
        """
        await self._search(None)
        for hours in DURATIONS:
            if hours >= wanted.hours:
                await self._search(hours)
        if not choose(wanted, self.offerings).covers:
            for hours in DURATIONS:
                if hours < wanted.hours:
                    await self._search(hours)

    async def _search(self, hours: int | None) -> None:
        if self._retrier.is_paced:
            await anyio.sleep_until(self._next)
            self._next = anyio.current_time() + _PAUSE
        found = await search_offerings(
            self._gateway, self._retrier, self._arn, duration_hours=hours
        )
        # Prices may have moved since an earlier search: the last one counts.
        ids = {each.offering_id for each in found}
        self.offerings = [each for each in self.offerings if each.offering_id not in ids]
        self.offerings += found
