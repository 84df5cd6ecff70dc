"""The shared polls of a client: sent by its retrier, each request when its turn comes."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sagemaker_plans._engine.polls.polled_wait import ends_waits
from sagemaker_plans._engine.polls.readings import PollTurn
from sagemaker_plans._engine.polls.shared_polls import SharedPollsByName
from sagemaker_plans._engine.retries import PollRetrier, Retrier
from sagemaker_plans.errors import SageMakerPlansError, ThrottledError

V = TypeVar("V")


def paced_polls(
    retrier: Retrier,
    read: Callable[[PollRetrier, str], Awaitable[V]],
    *,
    kind: str,
    timeout: float,
) -> SharedPollsByName[V]:
    """Make the shared polls of one kind of thing.

    Args:
        retrier: Sends each request of a poll once, because the next poll follows anyway.
        read: Reads the thing of a name, with what sends its requests.
        kind: What it is, for the log, such as "plan".
        timeout: How long after its deadline a waiter gives up, in seconds.

    Returns:
        The polls, by name.
    """

    async def read_once(name: str, turn: PollTurn) -> V:
        requests = retrier.for_poll(
            due=turn.due, every=turn.every, give_up_at=turn.give_up_at, begin=turn.begin
        )
        return await read(requests, name)

    def keeps_turn(error: SageMakerPlansError) -> bool:
        return retrier.is_paced and isinstance(error, ThrottledError)

    return SharedPollsByName(
        read_once, kind=kind, timeout=timeout, ends_waits=ends_waits, keeps_turn=keeps_turn
    )
