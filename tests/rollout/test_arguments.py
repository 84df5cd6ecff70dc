"""Bad input is told before anything is sent."""

from functools import partial
from typing import Any

import pytest

from edge.books import Book, plan_page, stage_wire
from harness import a_spec
from sagemaker_plans import InvalidRequestError, RolloutReport, Stage
from sagemaker_plans._edge.rollout.arguments import RolloutArguments

pytestmark = pytest.mark.anyio


class Approver:
    async def __call__(self, stage: Stage, report: RolloutReport) -> bool:
        return stage.name in report.may_still_run


def no_coroutine(*_: object) -> bool:
    return True


async def approve(*_: object) -> bool:
    return True


def arguments(**given: Any) -> dict[str, Any]:
    defaults = {"plan": "rollout", "stage_timeout": 60}
    return {**defaults, **given}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"plan": "-"}, "plan: got '-'"),
    (
        {"plan": {"name": "rollout"}},
        "plan: the name of a plan or an EdgeDeploymentPlanSpec is needed, got {'name': 'rollout'}",
    ),
    ({"stage_timeout": -1}, "stage_timeout: got -1;"),
    ({"stage_timeout": "1h"}, "stage_timeout: got '1h'"),
    ({"max_failed": 1.5}, "max_failed: got 1.5; allowed are whole numbers of devices from 0"),
    ({"max_failed": -1}, "max_failed: got -1"),
    ({"max_failed": -0.1}, "max_failed: got -0.1"),
    ({"max_failed": float("nan")}, "max_failed: got nan"),
    ({"max_failed": True}, "max_failed: got True"),
    ({"max_failed": "2"}, "max_failed: got '2'"),
    ({"max_failed": None}, "max_failed: got None"),
    ({"bake_time": -5}, "bake_time: got -5;"),
    ({"approve": no_coroutine}, "allowed are coroutine functions"),
    ({"approve": "yes"}, "approve: got 'yes'"),
    ({"on_change": "print"}, "on_change: a function is needed, got 'print'"),
    ({"stages": []}, "stages: got no stage; at least one is needed"),
    ({"stages": "stage-0"}, "stages: a list is needed, got 'stage-0'"),
    ({"stages": ["-"]}, "stages[0]: got '-'"),
    ({"schedule": 15}, "schedule: a PollSchedule is needed, got 15"),
    ({"restart": "yes"}, "restart: got 'yes'"),
    ({"stop_on_exit": 1}, "stop_on_exit: got 1"),
    (
        {"plan": a_spec(), "stages": ["stage-0", "canary"]},
        "stages[1]: got 'canary', which the plan does not have; its stages: stage-0, stage-1",
    ),
]


@pytest.mark.parametrize(("given", "words"), BAD, ids=[words for _, words in BAD])
async def test_bad_input_is_told_before_anything_is_sent(given: Any, words: str) -> None:
    book = Book(lambda _: {})

    with pytest.raises(InvalidRequestError) as caught:
        await book.plans.roll_out(**arguments(**given))

    assert words in str(caught.value)
    assert len(caught.value.problems) == 1
    assert book.requests == []


async def test_a_stage_that_the_plan_does_not_have_is_told_before_anything_is_started() -> None:
    book = Book(lambda _: plan_page(stage_wire("stage-0")))

    with pytest.raises(InvalidRequestError, match="got 'canary', which the plan does not have"):
        await book.plans.roll_out("rollout", stage_timeout=60, stages=["canary"])

    assert [operation for operation, _ in book.requests] == ["DescribeEdgeDeploymentPlan"]


async def test_a_plan_without_stages_has_none() -> None:
    book = Book(lambda _: plan_page())

    with pytest.raises(InvalidRequestError, match="its stages: none"):
        await book.plans.roll_out("rollout", stage_timeout=60, stages=["canary"])


class Number:
    """An integer of another library."""

    def __index__(self) -> int:
        return 2


@pytest.mark.parametrize("function", [approve, partial(approve), Approver(), None])
@pytest.mark.parametrize("most", [0, 2, 0.0, 1.0, Number()])
async def test_good_input_is_taken(function: Any, most: Any) -> None:
    wanted = RolloutArguments(
        plan="rollout",
        stage_timeout=None,
        max_failed=most,
        bake_time=0,
        approve=function,
        on_change=print,
        stages=iter(["stage-0"]),
        schedule=None,
        restart=False,
        stop_on_exit=True,
    )

    wanted.check()

    assert wanted.stages == ("stage-0",)
    assert type(wanted.max_failed) in {int, float}
