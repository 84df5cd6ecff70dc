"""What no wait takes is refused, all of it at once, before anything is sent."""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sagemaker_plans import InvalidRequestError
from sagemaker_plans._edge.plans import EdgeDeploymentPlans
from waiting.virtual_plans import DESCRIBE, VirtualPlans, plans_of, virtually


async def stage_deployed(plans: EdgeDeploymentPlans, **arguments: Any) -> None:
    arguments.setdefault("stage_name", "canary")
    await plans.wait_until_stage_deployed(**arguments)


async def stage_ready(plans: EdgeDeploymentPlans, **arguments: Any) -> None:
    arguments.setdefault("stage_name", "canary")
    await plans.wait_until_stage_ready(**arguments)


async def plan_deployed(plans: EdgeDeploymentPlans, **arguments: Any) -> None:
    await plans.wait_until_deployed(**arguments)


async def watch(plans: EdgeDeploymentPlans, **arguments: Any) -> None:
    plans.watch(**arguments)


Wait = Callable[..., Awaitable[None]]

WAITS: dict[Wait, str] = {
    stage_deployed: "wait_until_stage_deployed",
    stage_ready: "wait_until_stage_ready",
    plan_deployed: "wait_until_deployed",
    watch: "watch",
}
OF_STAGES: list[Wait] = [stage_deployed, stage_ready]
WITH_ON_POLL: list[Wait] = [stage_deployed, plan_deployed]


async def refused(wait: Wait, **arguments: Any) -> InvalidRequestError:
    gateway = VirtualPlans()
    with pytest.raises(InvalidRequestError) as caught:
        await wait(plans_of(gateway), **{"plan_name": "rollout", "timeout": 60, **arguments})
    assert gateway.calls == []
    assert caught.value.operation == DESCRIBE
    assert str(caught.value).startswith(f"{WAITS[wait]}: ")
    return caught.value


every_wait = pytest.mark.parametrize("wait", WAITS, ids=lambda wait: wait.__name__)
not_durations = pytest.mark.parametrize(
    "value", [True, "60", math.nan, math.inf, -1, -0.001, [60]], ids=repr
)


@every_wait
@pytest.mark.parametrize("name", ["", "-x", "x" * 64, "a b", 5, None, "arn:aws:sagemaker:::x"])
@virtually
async def test_the_name_of_a_plan_is_checked(wait: Wait, name: Any) -> None:
    (problem,) = (await refused(wait, plan_name=name)).problems

    assert problem.startswith("plan_name: ")


@pytest.mark.parametrize("wait", OF_STAGES, ids=lambda wait: wait.__name__)
@pytest.mark.parametrize("name", ["", "x-", 5])
@virtually
async def test_the_name_of_a_stage_is_checked(wait: Wait, name: Any) -> None:
    (problem,) = (await refused(wait, stage_name=name)).problems

    assert problem.startswith("stage_name: ")


@pytest.mark.parametrize("wait", OF_STAGES, ids=lambda wait: wait.__name__)
@virtually
async def test_a_stage_has_to_be_named(wait: Wait) -> None:
    (problem,) = (await refused(wait, stage_name=None)).problems

    assert problem == "stage_name: a string is needed, got None"


@every_wait
@not_durations
@virtually
async def test_the_timeout_is_checked(wait: Wait, value: Any) -> None:
    (problem,) = (await refused(wait, timeout=value)).problems

    assert problem.startswith("timeout: got ")
    assert problem.endswith("allowed are seconds (0 or more, finite) or a timedelta")


@every_wait
@virtually
async def test_the_timeout_has_to_be_typed_out(wait: Wait) -> None:
    with pytest.raises(TypeError, match="timeout"):
        await wait(plans_of(VirtualPlans()), plan_name="rollout")


@every_wait
@pytest.mark.parametrize("value", [15, "often", object], ids=repr)
@virtually
async def test_the_schedule_is_checked(wait: Wait, value: Any) -> None:
    (problem,) = (await refused(wait, schedule=value)).problems

    assert problem == f"schedule: a PollSchedule is needed, got {value!r}"


@pytest.mark.parametrize("wait", WITH_ON_POLL, ids=lambda wait: wait.__name__)
@virtually
async def test_on_poll_is_checked(wait: Wait) -> None:
    (problem,) = (await refused(wait, on_poll=5)).problems

    assert problem == "on_poll: a function is needed, got 5"


@not_durations
@virtually
async def test_the_grace_is_checked(value: Any) -> None:
    (problem,) = (await refused(stage_deployed, start_grace=value)).problems

    assert problem.startswith("start_grace: got ")
    assert problem.endswith("allowed are seconds (0 or more, finite) or a timedelta")


@virtually
async def test_all_problems_are_told_at_once() -> None:
    error = await refused(
        stage_deployed,
        plan_name="",
        stage_name="",
        timeout=-1,
        schedule=1,
        on_poll=1,
        start_grace=-1,
    )

    assert [problem.split(":")[0] for problem in error.problems] == [
        "plan_name",
        "stage_name",
        "timeout",
        "schedule",
        "on_poll",
        "start_grace",
    ]
