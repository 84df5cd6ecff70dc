"""Asks the service again and again until it shows what was bought."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_policy import RetryPolicy
from sagemaker_plans.errors import SageMakerPlansError

T = TypeVar("T")

_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 2.0


async def until_shown(
    look: Callable[[Retrier], Awaitable[T | None]],
    failed: Callable[[SageMakerPlansError], None],
    *,
    within: float,
) -> T | None:
    """Look for something until it shows, or until the time is up.

    Args:
        look: Looks for it once, with one attempt at each request; gives None if it does not show.
        failed: Called with the error of a look that failed.
        within: The time, in seconds.

    Returns:
        What is there; None if nothing shows.
    """
    # One attempt for each reading, because the loop reads again anyway.
    once, pause = Retrier(RetryPolicy.none()), _FIRST_PAUSE
    with anyio.move_on_after(within):
        while True:
            try:
                found = await look(once)
            except SageMakerPlansError as error:
                failed(error)
                found = None
            if found is not None:
                return found
            await anyio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
    return None
