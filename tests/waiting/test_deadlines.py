"""A wait gives up only after it has looked at its deadline, or a request's time later."""

import gc
import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any, cast

import anyio
import pytest

from sagemaker_plans import (
    PollSchedule,
    ResourceNotFoundError,
    Stage,
    StageFailedError,
    WaitTimeoutError,
)
from sagemaker_plans._edge.plans import EdgeDeploymentPlans
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import SageMakerPlansError
from virtual_clock import freeze
from waiting.virtual_plans import (
    Answer,
    CommandedPlans,
    VirtualPlans,
    a_plan,
    a_stage,
    broken,
    no_such_plan,
    plans_kept,
    plans_of,
    reset,
    throttled,
    virtually,
)

HANGS = 1e9


@pytest.mark.parametrize(
    "error", [throttled(), throttled(3600), broken(), reset(), {"no": "plan"}], ids=str
)
@virtually
async def test_a_look_at_the_deadline_that_fails_is_made_again(error: Answer) -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (16, a_plan("DEPLOYED")))
    gateway.strike(3, error)

    plan = await plans_of(gateway).wait_until_deployed("rollout", timeout=20)

    assert plan.is_finished
    assert gateway.times[:3] == [0, 15, 20]
    assert len(gateway.calls) == 4
    assert anyio.current_time() <= 20 + 15


@virtually
async def test_it_looks_again_and_again_but_not_for_ever() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (16, broken()))

    with pytest.raises(WaitTimeoutError) as caught:
        await plans_of(gateway).wait_until_deployed("rollout", timeout=20)

    assert anyio.current_time() == 80
    pauses = [later - earlier for earlier, later in pairwise(gateway.times[2:])]
    assert 0.25 <= pauses[0] <= 0.5
    assert all(3.75 <= pause <= 7.5 for pause in pauses[4:])
    assert 10 <= len(pauses) <= 20
    assert caught.value.reading_age == 65
    assert "the last reading is 65 s old; the last poll failed: " in str(caught.value)


@virtually
async def test_a_reading_that_began_before_the_deadline_is_not_the_last_word() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (19, a_plan("DEPLOYED")))
    gateway.strike(2, latency=30)

    assert (await plans_of(gateway).wait_until_deployed("rollout", timeout=20)).is_finished
    assert gateway.times == [0, 15, 45]


@virtually
async def test_three_hundred_deadlines_and_joiners_cost_one_look_a_second() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
    plans = plans_of(gateway)
    late: list[float] = []

    async def wait(joins_at: float, timeout: float) -> None:  # noqa: ASYNC109  # of the wait
        await anyio.sleep(joins_at)
        with pytest.raises(WaitTimeoutError) as caught:
            await plans.wait_until_deployed("rollout", timeout=timeout)
        late.append(caught.value.waited - timeout)

    async with anyio.create_task_group() as tasks:
        for number in range(300):
            tasks.start_soon(wait, number / 20, 300 + number / 40)

    assert len(late) == 300
    assert 0 <= min(late) <= max(late) <= 1
    # 15 for those who join, 23 for the deadlines, and one each 15 s between.
    assert len(gateway.calls) <= 60
    assert Counter(map(int, gateway.times)).most_common(1)[0][1] <= 2


@virtually
async def test_a_regular_look_just_before_a_deadline_waits_for_it() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
    plans = plans_of(gateway)

    async def wait(timeout: float) -> None:  # noqa: ASYNC109  # of the wait
        with pytest.raises(WaitTimeoutError):
            await plans.wait_until_deployed("rollout", timeout=timeout)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait, 15.5)
        tasks.start_soon(wait, 40)

    assert gateway.times == [0, 15.5, 30.5, 40]


@virtually
async def test_a_process_that_was_frozen_over_its_deadline_looks_once_more() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (40, a_plan("DEPLOYED")))
    found: list[bool] = []

    async def wait() -> None:
        plan = await plans_of(gateway).wait_until_deployed("rollout", timeout=50)
        found.append(plan.is_finished)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(31)
        freeze(120)

    assert found == [True]
    assert gateway.times == [0, 15, 30, 151]


@pytest.mark.parametrize("thaws", [True, False])
@virtually
async def test_a_process_frozen_in_a_look_over_its_deadline_looks_once_more(thaws: bool) -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (40, a_plan("DEPLOYED")))
    # It left at 30, before the stage was deployed.
    gateway.strike(3, latency=121.5 if thaws else HANGS)
    if not thaws:
        gateway.strike(4, latency=HANGS)
    ends: list[object] = []

    async def wait() -> None:
        try:
            ends.append(await plans_of(gateway).wait_until_deployed("rollout", timeout=50))
        except WaitTimeoutError as error:
            ends.append(error.waited)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(31)
        freeze(120)

    # The request's own time passed too; so it counts as failed at once.
    assert len(gateway.calls) == 4
    assert (ends == [151 + 60]) is not thaws


class TenPages(VirtualPlans):
    """A plan whose ten stages come on ten pages."""

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        reply = await super().call(operation, request)
        assert isinstance(reply.body, Mapping)
        page = int(str(request.get("NextToken", 0)))
        stages = cast("list[object]", reply.body["Stages"])
        more = {"NextToken": str(page + 1)} if page < 9 else {}
        return Reply(
            operation=operation,
            body={**reply.body, "Stages": stages[page : page + 1], **more},
            http_status=200,
        )


@virtually
async def test_each_page_has_its_time_so_that_ten_slow_ones_can_be_waited_for() -> None:
    gateway = TenPages(latency=7)
    gateway.becomes(a_plan(*(a_stage("DEPLOYED", name=f"stage-{n}") for n in range(10))))
    plans = plans_of(gateway, request_timeout=60)

    assert len((await plans.describe("rollout")).stages) == 10
    assert len((await plans.wait_until_deployed("rollout", timeout=300)).stages) == 10
    assert anyio.current_time() == 140


@virtually
async def test_pages_that_go_on_after_the_deadline_do_not_hold_it_up() -> None:
    gateway = TenPages(latency=7)
    gateway.becomes(a_plan(*(a_stage("INPROGRESS", name=f"stage-{n}") for n in range(10))))

    with pytest.raises(WaitTimeoutError, match="within 60 s after the deadline") as caught:
        await plans_of(gateway, request_timeout=60).wait_until_deployed("rollout", timeout=5)

    assert (caught.value.waited, caught.value.reading_age, gateway.under_way) == (65, None, 0)


@virtually
async def test_a_wait_may_have_a_date_as_its_end() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
    until = datetime.now(UTC) + timedelta(seconds=20)

    with pytest.raises(WaitTimeoutError) as caught:
        await plans_of(gateway).wait_until_deployed("rollout", until=until)

    assert caught.value.waited == pytest.approx(20, abs=5)
    assert f"did not happen by {until} (3 polls)" in str(caught.value)


async def every_kind(plans: EdgeDeploymentPlans, **time: Any) -> int:
    """Wait in each way, in vain, and count the ends."""

    async def watch() -> None:
        async for _ in plans.watch("rollout", **time):
            pass

    waits: list[Callable[[], Any]] = [
        lambda: plans.wait_until_deployed("rollout", **time),
        lambda: plans.wait_until_stage_deployed("rollout", "canary", **time),
        lambda: plans.wait_until_stage_ready("rollout", "canary", **time),
        watch,
    ]
    for wait in waits:
        with pytest.raises(WaitTimeoutError):
            await wait()
    return len(waits)


@pytest.mark.parametrize(
    "date",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=-12))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    ],
    ids=str,
)
@virtually
async def test_a_date_that_has_passed_leaves_one_look(date: datetime) -> None:
    gateway = VirtualPlans.of((0, a_plan("CREATING")))

    assert await every_kind(plans_of(gateway), until=date) == len(gateway.calls)
    assert anyio.current_time() == 0


@virtually
async def test_a_date_of_the_last_year_there_is_is_as_good_as_none() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (20, a_plan("DEPLOYED")))
    end = datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))

    assert (await plans_of(gateway).wait_until_deployed("rollout", until=end)).is_finished


def nearly(status: str, succeeded: int, failed: int, pending: int) -> dict[str, object]:
    return a_plan(a_stage(status, succeeded=succeeded, failed=failed, pending=pending))


@virtually
async def test_polls_come_closer_once_nine_of_ten_devices_have_reported() -> None:
    gateway = VirtualPlans.of(
        (0, nearly("INPROGRESS", 0, 0, 0)),
        (20, nearly("INPROGRESS", 8, 0, 2)),
        (40, nearly("INPROGRESS", 8, 1, 1)),
        (52, nearly("DEPLOYED", 9, 1, 0)),
    )
    schedule = PollSchedule(interval=15, final_interval=2, jitter=0)
    plans = plans_of(gateway, polling=schedule)

    await plans.wait_until_stage_deployed("rollout", "canary", timeout=None)

    assert gateway.times == [0, 15, 30, 45, 47, 49, 51, 53]


@virtually
async def test_they_come_closer_for_a_wait_on_all_stages_if_one_is_nearly_done() -> None:
    first = a_stage("DEPLOYED", name="first")
    gateway = VirtualPlans.of(
        (0, a_plan(first, a_stage(succeeded=9, pending=1))), (3, a_plan(first, "DEPLOYED"))
    )
    schedule = PollSchedule(interval=15, final_interval=2, jitter=0)

    await plans_of(gateway, polling=schedule).wait_until_deployed("rollout", timeout=None)

    assert gateway.times == [0, 2, 4]


@virtually
async def test_a_stage_that_is_not_there_yet_does_not_bring_polls_closer() -> None:
    gateway = VirtualPlans.of((0, nearly("STOPPING", 9, 0, 1)), (20, nearly("DEPLOYED", 9, 0, 1)))
    schedule = PollSchedule(interval=15, final_interval=2, jitter=0)

    await plans_of(gateway, polling=schedule).wait_until_deployed("rollout", timeout=None)

    assert gateway.times == [0, 15, 30]


@pytest.mark.parametrize("command", ["start", "stop", "create"])
@virtually
async def test_a_reading_from_before_a_command_of_this_client_is_no_verdict(command: str) -> None:
    gateway = CommandedPlans.of((0, no_such_plan() if command == "create" else a_plan("FAILED")))
    gateway.strike(1, latency=10)
    plans = plans_of(gateway)
    ends: list[object] = []

    async def wait() -> None:
        try:
            ends.append(await plans.wait_until_stage_deployed("rollout", "canary", timeout=60))
        except SageMakerPlansError as error:
            ends.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(5)
        gateway.becomes(a_plan("DEPLOYED"))
        if command == "create":
            from harness import a_spec

            await plans.create(a_spec())
        elif command == "start":
            await plans.start_stage("rollout", "canary")
        else:
            await plans.stop_stage("rollout", "canary")
        # Another plan is another matter.
        await plans.start_stage("another", "canary")

    assert isinstance(ends[0], Stage)
    assert gateway.times == [0, 10]


@virtually
async def test_a_reading_missed_before_a_command_is_no_verdict_either() -> None:
    gateway = CommandedPlans.of((0, a_plan("INPROGRESS")), (10, a_plan("FAILED")))
    plans = plans_of(gateway)
    found: list[Stage] = []

    async def restart(_: Stage) -> None:
        if not anyio.current_time():
            await anyio.sleep(20)
            gateway.becomes(a_plan("DEPLOYED"), since=20)
            await plans.start_stage("rollout", "canary")

    async def other() -> None:
        with pytest.raises(StageFailedError):
            await plans.wait_until_stage_deployed("rollout", "canary", timeout=60)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        found.append(
            await plans.wait_until_stage_deployed("rollout", "canary", timeout=60, on_poll=restart)
        )

    assert [stage.status for stage in found] == ["DEPLOYED"]


@virtually
async def test_ten_thousand_waits_are_not_woken_by_readings_that_change_nothing() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (100, a_plan("DEPLOYED")))
    plans = plans_of(gateway)
    woken = 0
    ended: list[float] = []

    async def wait(timeout: float) -> None:  # noqa: ASYNC109  # of the wait
        await plans.wait_until_stage_deployed("rollout", "canary", timeout=timeout)
        ended.append(anyio.current_time())

    async with anyio.create_task_group() as tasks:
        for number in range(2_000):
            tasks.start_soon(wait, 1000 + random.Random(number).random())
        await anyio.sleep(20)
        shared = plans._polls.get("rollout")
        hand_out = shared._seats.hand_out

        def counted(*args: Any, **named: Any) -> Any:
            nonlocal woken
            result = hand_out(*args, **named)
            woken += len(result.seats)
            return result

        shared._seats.hand_out = counted  # type: ignore[method-assign]  # replaced for this test
        await anyio.sleep(70)
        assert woken == 0

    assert ended == [105] * 2_000
    assert len(gateway.calls) == 8


@virtually
async def test_a_refusal_is_told_as_it_is() -> None:
    gateway = VirtualPlans.of((0, no_such_plan()))

    with pytest.raises(ResourceNotFoundError):
        await plans_of(gateway).wait_until_deployed("rollout", timeout=20)


@virtually
async def test_a_deadline_is_looked_at_though_polls_for_an_earlier_one_fail() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (45, a_plan("DEPLOYED")))
    gateway.strike(3, throttled(retry_after=3600), latency=29)
    plans = plans_of(gateway, request_timeout=30)
    ended: list[float] = []

    async def wait(timeout: float) -> None:  # noqa: ASYNC109  # of the wait
        await plans.wait_until_deployed("rollout", timeout=timeout)
        ended.append(anyio.current_time())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait, 20)
        tasks.start_soon(wait, 21)

    # The third one was made for the first deadline only, and ends at 49.
    assert gateway.times == [0, 15, 20, 49]
    assert ended == [49, 49]


@virtually
async def test_a_wait_that_has_timed_out_is_freed_at_once() -> None:
    plans = plans_of(VirtualPlans.of((0, a_plan("INPROGRESS"))))
    gc.collect()
    gc.disable()
    try:
        with suppress(WaitTimeoutError):
            await plans.wait_until_deployed("rollout", timeout=20)
        kept = plans_kept(plans)
    finally:
        gc.enable()
    assert kept == 0
