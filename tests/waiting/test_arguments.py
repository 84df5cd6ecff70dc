"""What no wait takes is refused, all of it at once, before anything is sent."""

import math
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from sagemaker_plans import InvalidRequestError
from sagemaker_plans._edge.plans import EdgeDeploymentPlans
from sagemaker_plans._engine.time_limit import NOT_GIVEN
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

NAIVE = datetime(2027, 3, 1)  # that it has no time zone is the point

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
    given = {"plan_name": "rollout", "timeout": 60, **arguments}
    if given["timeout"] is NOT_GIVEN:
        del given["timeout"]
    with pytest.raises(InvalidRequestError) as caught:
        await wait(plans_of(gateway), **given)
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
async def test_the_time_has_to_be_typed_out(wait: Wait) -> None:
    (problem,) = (await refused(wait, timeout=NOT_GIVEN)).problems

    assert problem == (
        "timeout: neither timeout nor until is given; one of them is needed, and timeout=None "
        "waits for as long as it takes"
    )


@every_wait
@pytest.mark.parametrize("timeout", [60, None, -1], ids=repr)
@virtually
async def test_one_time_is_enough(wait: Wait, timeout: Any) -> None:  # noqa: ASYNC109  # of the wait
    problem, *_ = (await refused(wait, timeout=timeout, until=datetime.now(UTC))).problems

    assert re.fullmatch(
        rf"until: got datetime.* beside a timeout of {timeout}; only one of them is allowed",
        problem,
    )


@every_wait
@pytest.mark.parametrize("value", [NAIVE, "2027-03-01", 60, date(2027, 3, 1), True], ids=repr)
@virtually
async def test_the_date_is_checked(wait: Wait, value: Any) -> None:
    (problem,) = (await refused(wait, timeout=NOT_GIVEN, until=value)).problems

    assert problem.startswith("until: got ")
    assert problem.endswith(
        "; allowed are datetimes with a time zone, such as datetime.now(UTC) + timedelta(hours=1)"
    )


def test_what_is_not_given_shows_as_that() -> None:
    assert repr(NOT_GIVEN) == "<not given>"


@every_wait
@pytest.mark.parametrize("value", [15, "often", object], ids=repr)
@virtually
async def test_the_schedule_is_checked(wait: Wait, value: Any) -> None:
    (problem,) = (await refused(wait, schedule=value)).problems

    assert problem == f"schedule: a PollSchedule is needed, got {value!r}"


@every_wait
@virtually
async def test_on_poll_error_is_checked(wait: Wait) -> None:
    (problem,) = (await refused(wait, on_poll_error=5)).problems

    assert problem == "on_poll_error: a function is needed, got 5"


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
