"""``watch``: each stage as it is found, then every change, until all have ended."""

import gc
from contextlib import aclosing

import anyio
import pytest

from sagemaker_plans import (
    AccessDeniedError,
    EdgeDeploymentPlan,
    ResourceNotFoundError,
    SageMakerPlansError,
    Stage,
    StageChange,
    StageNotFoundError,
    StageWatch,
    ThrottledError,
    WaitTimeoutError,
)
from waiting.virtual_plans import (
    CREATED,
    VirtualPlans,
    a_plan,
    a_stage,
    denied,
    no_such_plan,
    plans_kept,
    plans_of,
    throttled,
    virtually,
)


def told(change: StageChange) -> tuple[str, str | None, str]:
    before = change.previous
    return change.stage.name, None if before is None else str(before.status), change.stage.status


async def all_of(watch: StageWatch) -> list[tuple[str, str | None, str]]:
    return [told(change) async for change in watch]


def two(first: str, second: str) -> dict[str, object]:
    return a_plan(a_stage(first, name="one"), a_stage(second, name="two"))


@virtually
async def test_it_tells_each_stage_as_found_then_every_change_until_all_have_ended() -> None:
    gateway = VirtualPlans.of(
        (0, two("INPROGRESS", "READYTODEPLOY")),
        (10, two("DEPLOYED", "READYTODEPLOY")),
        (20, two("DEPLOYED", "STARTING")),
        (40, two("DEPLOYED", "FAILED")),
    )

    assert await all_of(plans_of(gateway).watch("rollout", timeout=None)) == [
        ("one", None, "INPROGRESS"),
        ("two", None, "READYTODEPLOY"),
        ("one", "INPROGRESS", "DEPLOYED"),
        ("two", "READYTODEPLOY", "STARTING"),
        ("two", "STARTING", "FAILED"),
    ]
    assert gateway.times == [0, 15, 30, 45]


@virtually
async def test_a_change_of_counts_is_one_and_a_change_of_words_is_none() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan(a_stage(pending=2))),
        (10, a_plan(a_stage(pending=2, message="two to go"))),
        (20, a_plan(a_stage(pending=1, succeeded=1, message="one to go"))),
        (40, a_plan(a_stage("DEPLOYED", succeeded=2))),
    )

    changes = [change async for change in plans_of(gateway).watch("rollout", timeout=60)]

    assert [change.stage.devices.succeeded for change in changes] == [0, 1, 2]
    before = changes[1].previous
    assert before is not None
    # Compared is what was told, known is what was read last.
    assert before.status_message == "two to go"


@pytest.mark.parametrize("status", ["DEPLOYED", "FAILED", "STOPPED"])
@virtually
async def test_a_plan_that_has_ended_is_told_once(status: str) -> None:
    gateway = VirtualPlans.of((0, a_plan(status)))

    assert await all_of(plans_of(gateway).watch("rollout", timeout=0)) == [("canary", None, status)]
    assert gateway.times == [0]


@virtually
async def test_a_plan_without_stages_has_nothing_to_tell() -> None:
    gateway = VirtualPlans.of((0, a_plan()))

    assert await all_of(plans_of(gateway).watch("rollout", timeout=60)) == []


@virtually
async def test_an_iteration_that_has_ended_stays_ended() -> None:
    changes = aiter(plans_of(VirtualPlans.of((0, a_plan()))).watch("rollout", timeout=60))

    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await anext(changes)
    assert aiter(changes) is changes


@virtually
async def test_each_iteration_begins_anew() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (10, a_plan("DEPLOYED")))
    watch = plans_of(gateway).watch("rollout", timeout=20)

    assert await all_of(watch) == [
        ("canary", None, "INPROGRESS"),
        ("canary", "INPROGRESS", "DEPLOYED"),
    ]
    await anyio.sleep(100)
    assert await all_of(watch) == [("canary", None, "DEPLOYED")]


@virtually
async def test_the_time_runs_from_the_first_step() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
    changes = aiter(plans_of(gateway).watch("rollout", timeout=20))
    await anyio.sleep(100)

    await anext(changes)
    with pytest.raises(WaitTimeoutError) as caught:
        await anext(changes)

    assert gateway.times == [100, 115, 120]
    assert (caught.value.polls, caught.value.waited) == (3, 20)


@virtually
async def test_two_iterations_at_the_same_time_share_their_readings() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (20, a_plan("DEPLOYED")))
    watch = plans_of(gateway).watch("rollout", timeout=60)
    found: list[int] = []

    async def follow() -> None:
        found.append(len(await all_of(watch)))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(follow)

    assert found == [2, 2, 2]
    assert gateway.times == [0, 15, 30]


@virtually
async def test_at_the_deadline_it_says_which_stages_have_not_ended() -> None:
    gateway = VirtualPlans.of((0, two("FAILED", "INPROGRESS")))

    with pytest.raises(WaitTimeoutError) as caught:
        await all_of(plans_of(gateway).watch("rollout", timeout=20))

    assert str(caught.value) == (
        "the end of plan rollout did not happen within 20 s (3 polls): "
        "stage two is INPROGRESS, devices: 0 succeeded, 0 pending, 0 failed"
    )
    assert isinstance(caught.value.last_seen, EdgeDeploymentPlan)
    assert caught.value.waited == 20


@virtually
async def test_at_the_deadline_it_says_that_nothing_was_read() -> None:
    gateway = VirtualPlans.of((0, throttled()))

    with pytest.raises(WaitTimeoutError, match="nothing was read; the last reading") as caught:
        await all_of(plans_of(gateway).watch("rollout", timeout=20))

    assert (caught.value.last_seen, gateway.times[:2]) == (None, [0, 20])
    assert anyio.current_time() == 80


@virtually
async def test_without_any_time_it_tells_what_there_is_and_then_that_time_is_up() -> None:
    gateway = VirtualPlans.of((0, two("DEPLOYED", "INPROGRESS")))
    changes = aiter(plans_of(gateway).watch("rollout", timeout=0))

    assert [told(await anext(changes)) for _ in range(2)] == [
        ("one", None, "DEPLOYED"),
        ("two", None, "INPROGRESS"),
    ]
    for _ in range(2):
        with pytest.raises(WaitTimeoutError):
            await anext(changes)
    assert gateway.times == [0]


@virtually
async def test_it_ends_at_its_deadline_though_every_look_shows_a_change() -> None:
    gateway = VirtualPlans()
    for second in range(1000):
        gateway.becomes(a_plan(a_stage(succeeded=second)), since=second)
    seen: list[int] = []

    async def follow() -> None:
        async for change in plans_of(gateway).watch("rollout", timeout=40):
            seen.append(change.stage.devices.succeeded)  # noqa: PERF401  # it ends in an error

    with pytest.raises(WaitTimeoutError):
        await follow()

    assert seen == gateway.times == [0, 15, 30, 40]


@virtually
async def test_one_who_handles_changes_slowly_sees_the_state_at_the_deadline_and_no_later() -> None:
    gateway = VirtualPlans()
    for second in range(1000):
        gateway.becomes(a_plan(a_stage(succeeded=second)), since=second)
    seen: list[int] = []

    async def follow() -> None:
        async for change in plans_of(gateway).watch("rollout", timeout=40):
            seen.append(change.stage.devices.succeeded)
            await anyio.sleep(25)

    with pytest.raises(WaitTimeoutError) as caught:
        await follow()

    assert seen == gateway.times == [0, 25, 50]
    assert caught.value.waited == 75


@virtually
async def test_a_stage_that_vanishes_is_not_found_and_was_last_seen_alive() -> None:
    gateway = VirtualPlans.of(
        (0, two("DEPLOYED", "READYTODEPLOY")), (10, a_plan(a_stage("DEPLOYED", name="one")))
    )
    seen: list[tuple[str, str | None, str]] = []

    async def follow() -> None:
        async for change in plans_of(gateway).watch("rollout", timeout=60):
            seen.append(told(change))  # noqa: PERF401  # it ends in an error

    with pytest.raises(StageNotFoundError) as caught:
        await follow()

    assert str(caught.value) == "stage two of plan rollout is gone"
    assert isinstance(caught.value.last_seen, Stage)
    assert (caught.value.last_seen.name, caught.value.polls, caught.value.waited) == ("two", 2, 15)
    assert len(seen) == 2


@virtually
async def test_a_stage_that_is_added_is_told_as_found() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan(a_stage("INPROGRESS", name="one"))), (10, two("DEPLOYED", "DEPLOYED"))
    )

    assert await all_of(plans_of(gateway).watch("rollout", timeout=60)) == [
        ("one", None, "INPROGRESS"),
        ("one", "INPROGRESS", "DEPLOYED"),
        ("two", None, "DEPLOYED"),
    ]


@virtually
async def test_an_unknown_status_is_a_change_and_no_end() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("INPROGRESS")), (10, a_plan("OF_TOMORROW")), (20, a_plan("DEPLOYED"))
    )

    assert await all_of(plans_of(gateway).watch("rollout", timeout=60)) == [
        ("canary", None, "INPROGRESS"),
        ("canary", "INPROGRESS", "OF_TOMORROW"),
        ("canary", "OF_TOMORROW", "DEPLOYED"),
    ]


@virtually
async def test_a_stage_started_again_before_all_have_ended_is_followed_on() -> None:
    gateway = VirtualPlans.of(
        (0, two("FAILED", "INPROGRESS")),
        (10, two("STARTING", "INPROGRESS")),
        (20, two("DEPLOYED", "DEPLOYED")),
    )

    assert ("one", "FAILED", "STARTING") in await all_of(
        plans_of(gateway).watch("rollout", timeout=60)
    )


@virtually
async def test_failures_that_may_pass_are_not_told() -> None:
    gateway = VirtualPlans.of((0, throttled()), (20, a_plan("DEPLOYED")))

    assert await all_of(plans_of(gateway).watch("rollout", timeout=60)) == [
        ("canary", None, "DEPLOYED")
    ]


@virtually
async def test_a_plan_that_is_deleted_ends_it() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (10, no_such_plan()))

    with pytest.raises(ResourceNotFoundError) as caught:
        await all_of(plans_of(gateway).watch("rollout", timeout=60))

    assert caught.value.__notes__ == ["while waiting on plan rollout (2 polls in 15.0 s)"]


@virtually
async def test_a_plan_created_again_ends_it() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("INPROGRESS")), (10, a_plan("INPROGRESS", created=CREATED + 1))
    )

    with pytest.raises(StageNotFoundError, match="deleted and created again"):
        await all_of(plans_of(gateway).watch("rollout", timeout=60))


@virtually
async def test_what_does_not_pass_ends_it() -> None:
    with pytest.raises(AccessDeniedError):
        await all_of(plans_of(VirtualPlans.of((0, denied()))).watch("rollout", timeout=60))


@virtually
async def test_a_step_that_is_cancelled_loses_nothing() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (20, a_plan("DEPLOYED")))
    changes = aiter(plans_of(gateway).watch("rollout", timeout=60))
    await anext(changes)

    with anyio.move_on_after(17) as scope:
        await anext(changes)
    change = await anext(changes)

    assert scope.cancelled_caught
    assert told(change) == ("canary", "INPROGRESS", "DEPLOYED")
    assert gateway.times == [0, 15, 30]


@virtually
async def test_an_iteration_that_is_left_leaves_nothing_behind() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
    plans = plans_of(gateway)

    async for _ in plans.watch("rollout", timeout=None):
        break
    gc.collect()
    kept = plans_kept(plans)
    await anyio.sleep(1000)

    assert kept == 0
    assert gateway.times == [0]


@virtually
async def test_a_watch_that_nobody_iterates_sends_nothing() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
    plans = plans_of(gateway)

    watch = plans.watch("rollout", timeout=1)
    await anyio.sleep(100)

    assert aiter(watch) is not aiter(watch)
    assert (gateway.calls, plans_kept(plans)) == ([], 0)


@virtually
async def test_single_steps_go_on_where_the_last_one_ended() -> None:
    gateway = VirtualPlans.of((0, two("INPROGRESS", "DEPLOYED")), (10, two("DEPLOYED", "DEPLOYED")))
    watch = plans_of(gateway).watch("rollout", timeout=60)

    steps = [told(await anext(watch)) for _ in range(3)]

    assert steps == [
        ("one", None, "INPROGRESS"),
        ("two", None, "DEPLOYED"),
        ("one", "INPROGRESS", "DEPLOYED"),
    ]
    with pytest.raises(StopAsyncIteration):
        await anext(watch)
    # A loop over it is an iteration of its own.
    assert await all_of(watch) == [("one", None, "DEPLOYED"), ("two", None, "DEPLOYED")]


@virtually
async def test_a_watch_can_be_closed_at_the_end_of_a_block() -> None:
    gateway = VirtualPlans.of((0, two("INPROGRESS", "INPROGRESS")))
    seen: list[str] = []

    async with aclosing(plans_of(gateway).watch("rollout", timeout=None)) as changes:
        iteration = aiter(changes)
        await anext(iteration)
        await anext(changes)
        async for change in changes:
            seen.append(change.stage.name)
            break
    await changes.aclose()

    assert seen == ["one"]
    for closed in (changes, iteration):
        with pytest.raises(StopAsyncIteration):
            await anext(closed)
    assert await all_of(changes) == []
    assert len(gateway.calls) == 3


@virtually
async def test_a_step_under_way_ends_with_the_poll_after_the_watch_was_closed() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (10, a_plan("DEPLOYED")))
    watch = plans_of(gateway).watch("rollout", timeout=None)
    seen: list[tuple[str, str | None, str]] = []

    async def follow() -> None:
        seen.extend(await all_of(watch))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow)
        await anyio.sleep(1)
        await watch.aclose()

    assert anyio.current_time() == 15
    assert seen == [("canary", None, "INPROGRESS")]


@virtually
async def test_polls_that_fail_are_told_to_a_function_if_there_is_one() -> None:
    gateway = VirtualPlans.of((0, throttled()), (20, a_plan("DEPLOYED")))
    errors: list[SageMakerPlansError] = []

    watch = plans_of(gateway).watch("rollout", timeout=60, on_poll_error=errors.append)

    assert await all_of(watch) == [("canary", None, "DEPLOYED")]
    assert [type(error) for error in errors] == [ThrottledError]


@virtually
async def test_a_first_step_that_is_cancelled_may_be_taken_again() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (20, a_plan("DEPLOYED")))
    gateway.strike(1, latency=10)
    plans = plans_of(gateway)
    changes = aiter(plans.watch("rollout", timeout=None))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: plans.wait_until_deployed("rollout", timeout=None))
        with anyio.move_on_after(5):
            await anext(changes)
        await anyio.sleep(10)
        # The reading that came meanwhile is what it waited for.
        assert told(await anext(changes)) == ("canary", None, "INPROGRESS")
        assert anyio.current_time() == 15

    assert gateway.times == [0, 25]
