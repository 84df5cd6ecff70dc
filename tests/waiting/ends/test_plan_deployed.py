"""``wait_until_deployed``: until every stage of a plan is deployed."""

import anyio
import pytest

from sagemaker_plans import (
    EdgeDeploymentPlan,
    ResourceNotFoundError,
    Stage,
    StageFailedError,
    StageNotFoundError,
    StageStoppedError,
    WaitError,
    WaitTimeoutError,
)
from waiting.virtual_plans import (
    CREATED,
    VirtualPlans,
    a_plan,
    a_stage,
    no_such_plan,
    plans_of,
    throttled,
    virtually,
)


def two(first: str, second: str) -> dict[str, object]:
    return a_plan(a_stage(first, name="one"), a_stage(second, name="two"))


async def deployed(gateway: VirtualPlans) -> EdgeDeploymentPlan:
    return await plans_of(gateway).wait_until_deployed("rollout", timeout=60)


@virtually
async def test_it_gives_the_plan_once_every_stage_is_deployed() -> None:
    gateway = VirtualPlans.of(
        (0, two("INPROGRESS", "READYTODEPLOY")),
        (10, two("DEPLOYED", "STARTING")),
        (20, throttled()),
        (40, two("DEPLOYED", "DEPLOYED")),
    )

    plan = await deployed(gateway)

    assert [stage.status for stage in plan.stages] == ["DEPLOYED", "DEPLOYED"]
    assert gateway.times == [0, 15, 30, 60]


@virtually
async def test_a_plan_without_stages_is_deployed() -> None:
    assert (await deployed(VirtualPlans.of((0, a_plan())))).stages == ()


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (
            "FAILED",
            StageFailedError,
            "stage_devices('rollout', 'two') tells which devices failed, and why",
        ),
        ("STOPPED", StageStoppedError, "somebody stopped it"),
    ],
)
@virtually
async def test_one_stage_that_comes_to_nothing_ends_it_though_others_go_on(
    status: str, kind: type[WaitError], words: str
) -> None:
    gateway = VirtualPlans.of((0, two("INPROGRESS", "STARTING")), (10, two("INPROGRESS", status)))

    with pytest.raises(kind) as caught:
        await deployed(gateway)

    assert str(caught.value) == (
        f"stage two is {status}, devices: 0 succeeded, 0 pending, 0 failed; {words}"
    )
    # The stage, as in a wait on one stage; the plan has the others.
    assert isinstance(caught.value.last_seen, Stage)
    assert (caught.value.last_seen.name, caught.value.last_seen.status) == ("two", status)
    assert caught.value.plan is not None
    assert [stage.status for stage in caught.value.plan.stages] == ["INPROGRESS", status]
    assert (caught.value.polls, caught.value.waited) == (2, 15)


@virtually
async def test_all_failed_stages_are_told_and_failures_before_stops() -> None:
    with pytest.raises(StageFailedError, match=r"^stage one is FAILED.*; stage two is FAILED"):
        await deployed(VirtualPlans.of((0, two("FAILED", "FAILED"))))
    with pytest.raises(StageFailedError, match=r"^stage two is FAILED"):
        await deployed(VirtualPlans.of((0, two("STOPPED", "FAILED"))))


@virtually
async def test_at_the_deadline_it_says_which_stages_are_missing() -> None:
    gateway = VirtualPlans.of((0, two("DEPLOYED", "READYTODEPLOY")))

    with pytest.raises(WaitTimeoutError) as caught:
        await deployed(gateway)

    assert str(caught.value) == (
        "the deployment of plan rollout did not happen within 60 s (5 polls): stage two is "
        "READYTODEPLOY, devices: 0 succeeded, 0 pending, 0 failed; "
        "READYTODEPLOY does not move by itself: start it with start_stage"
    )
    assert isinstance(caught.value.last_seen, EdgeDeploymentPlan)
    assert caught.value.plan == caught.value.last_seen
    assert (caught.value.polls, caught.value.waited) == (5, 60)


@virtually
async def test_at_the_deadline_it_says_that_nothing_was_read() -> None:
    with pytest.raises(WaitTimeoutError, match="nothing was read; the last reading") as caught:
        await deployed(VirtualPlans.of((0, throttled())))

    assert (caught.value.last_seen, caught.value.plan) == (None, None)


@virtually
async def test_an_unknown_status_is_told_at_the_deadline() -> None:
    with pytest.raises(WaitTimeoutError, match="a status is unknown to this release"):
        await deployed(VirtualPlans.of((0, two("DEPLOYED", "OF_TOMORROW"))))


@pytest.mark.parametrize("left", [a_plan(), a_plan(a_stage("DEPLOYED", name="one"))])
@virtually
async def test_a_plan_whose_stages_vanish_is_not_called_deployed(left: dict[str, object]) -> None:
    gateway = VirtualPlans.of((0, two("DEPLOYED", "READYTODEPLOY")), (10, left))

    with pytest.raises(StageNotFoundError, match=r"^stage (one|two) of plan rollout is gone$"):
        await deployed(gateway)


@virtually
async def test_a_stage_that_is_added_is_waited_for_too() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan(a_stage("INPROGRESS", name="one"))),
        (10, two("DEPLOYED", "INPROGRESS")),
        (20, two("DEPLOYED", "DEPLOYED")),
    )

    assert len((await deployed(gateway)).stages) == 2


@virtually
async def test_a_plan_that_is_deleted_ends_it() -> None:
    with pytest.raises(ResourceNotFoundError) as caught:
        await deployed(VirtualPlans.of((0, a_plan("INPROGRESS")), (10, no_such_plan())))

    assert caught.value.__notes__ == ["while waiting on plan rollout (2 polls in 15.0 s)"]


@virtually
async def test_a_plan_created_again_is_another_plan_even_if_that_one_is_deployed() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("INPROGRESS")), (10, a_plan("DEPLOYED", created=CREATED + 60))
    )

    with pytest.raises(StageNotFoundError, match="deleted and created again") as caught:
        await deployed(gateway)

    assert caught.value.last_seen is None
    assert caught.value.plan is not None
    assert caught.value.plan.is_finished


@virtually
async def test_on_poll_sees_the_plan_at_each_reading() -> None:
    gateway = VirtualPlans.of((0, two("INPROGRESS", "STARTING")), (10, two("DEPLOYED", "DEPLOYED")))
    seen: list[tuple[float, list[str]]] = []

    def note(plan: EdgeDeploymentPlan) -> None:
        seen.append((anyio.current_time(), [stage.status for stage in plan.stages]))

    await plans_of(gateway).wait_until_deployed("rollout", timeout=60, on_poll=note)

    assert seen == [(0, ["INPROGRESS", "STARTING"]), (15, ["DEPLOYED", "DEPLOYED"])]
