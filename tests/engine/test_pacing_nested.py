"""What is sent as part of another request comes before all others, as long as that one runs."""

import anyio
import pytest

from engine.test_pacing import Requests, of
from sagemaker_plans import PacePolicy
from sagemaker_plans._wire.operations import CREATE_PLAN, DESCRIBE_PLAN, START_STAGE, Operation
from virtual_clock import LOOPS, Loop, run_virtually


async def _with_a_queue(sent: Requests, operation: Operation) -> None:
    async def look() -> None:
        await sent.send("look", DESCRIBE_PLAN, due=anyio.current_time())

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(sent.send, f"poll {number}")
        await anyio.sleep(0.5)
        await sent.send("command", operation, due=0.5, inside=look)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("operation", [CREATE_PLAN, START_STAGE])
def test_the_look_of_a_command_does_not_wait_behind_polls(loop: Loop, operation: Operation) -> None:
    """A create has a connection of its own, but its look needs a turn all the same."""
    sent = of(PacePolicy(max_rate=1))

    run_virtually(loop, _with_a_queue, sent, operation)

    assert dict(sent.left)["look"] <= 3


@pytest.mark.parametrize("loop", LOOPS)
def test_a_task_that_outlives_the_request_in_which_it_began_has_no_privilege(loop: Loop) -> None:
    sent = of(connections=1)

    async def run() -> None:
        async with anyio.create_task_group() as tasks:

            async def later() -> None:
                await anyio.sleep(1)
                await sent.send("later")

            async def start_task() -> None:
                tasks.start_soon(later)

            await sent.send("first", inside=start_task)
            sent.lasting = 5
            tasks.start_soon(sent.send, "second")

    run_virtually(loop, run)

    assert sent.left == [("first", 0.0), ("second", 0.0), ("later", 5.0)]
    assert sent.most_under_way == 1
