"""``wait_until_stage_deployed``: how each way of a stage ends the wait, and what it says."""

import copy
import pickle

import anyio
import pytest

from sagemaker_plans import (
    AccessDeniedError,
    ConfigurationError,
    DeviceCounts,
    PaginationError,
    ResourceNotFoundError,
    SageMakerPlansError,
    Stage,
    StageFailedError,
    StageNotFoundError,
    StageNotStartedError,
    StageStoppedError,
    ValidationError,
    WaitError,
    WaitTimeoutError,
)
from waiting.virtual_plans import (
    CREATED,
    DESCRIBE,
    VirtualPlans,
    a_plan,
    a_stage,
    broken,
    denied,
    no_credentials,
    no_such_plan,
    plans_of,
    reset,
    throttled,
    virtually,
)


async def deployed(
    gateway: VirtualPlans, *, within: float = 120, start_grace: float | None = None
) -> Stage:
    return await plans_of(gateway).wait_until_stage_deployed(
        "rollout", "canary", timeout=within, start_grace=start_grace
    )


async def failing(
    gateway: VirtualPlans,
    kind: type[WaitError],
    *,
    within: float = 120,
    start_grace: float | None = None,
) -> WaitError:
    """Wait in vain, and check what every error of a wait promises."""
    began = anyio.current_time()
    with pytest.raises(WaitError) as caught:
        await deployed(gateway, within=within, start_grace=start_grace)
    error = caught.value
    assert type(error) is kind
    assert error.operation == DESCRIBE
    assert error.waited == anyio.current_time() - began
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # our own
        assert type(copied) is kind
        assert str(copied) == str(error)
        assert (copied.last_seen, copied.polls, copied.waited) == (
            error.last_seen,
            error.polls,
            error.waited,
        )
        if isinstance(error, WaitTimeoutError):
            assert isinstance(copied, WaitTimeoutError)
            assert copied.reading_age == error.reading_age
    return error


def stage_of(error: WaitError) -> Stage:
    assert isinstance(error.last_seen, Stage)
    return error.last_seen


@virtually
async def test_it_gives_the_stage_once_it_is_deployed() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("READYTODEPLOY")),
        (10, a_plan("STARTING")),
        (20, a_plan(a_stage("INPROGRESS", pending=3))),
        (40, a_plan(a_stage("DEPLOYED", succeeded=3))),
    )

    stage = await deployed(gateway)

    assert (stage.name, stage.status) == ("canary", "DEPLOYED")
    assert stage.devices == DeviceCounts(3, 0, 0)
    assert gateway.times == [0, 15, 30, 45]


@virtually
async def test_only_the_stage_that_is_waited_for_counts() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan(a_stage("FAILED", name="first"), a_stage("DEPLOYED"), a_stage("X", name="y")))
    )

    assert (await deployed(gateway)).name == "canary"


@virtually
async def test_a_failed_stage_ends_it_with_counts_and_the_services_words() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan(a_stage(pending=5))),
        (20, a_plan(a_stage("FAILED", succeeded=3, failed=2, message="2 of 5 rolled back"))),
    )

    error = await failing(gateway, StageFailedError)

    assert str(error) == (
        "stage canary is FAILED (2 of 5 rolled back), devices: 3 succeeded, 0 pending, 2 failed; "
        "stage_devices('rollout', 'canary') tells which devices failed, and why"
    )
    assert stage_of(error).devices.failed == 2
    assert (error.polls, error.waited) == (3, 30)


@virtually
async def test_a_stopped_stage_ends_it_and_one_that_is_stopping_does_not() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("INPROGRESS")),
        (10, a_plan("STOPPING")),
        (40, a_plan(a_stage("STOPPED", succeeded=1, pending=2))),
    )

    error = await failing(gateway, StageStoppedError)

    assert str(error) == (
        "stage canary is STOPPED, devices: 1 succeeded, 2 pending, 0 failed; somebody stopped it"
    )
    assert stage_of(error).status == "STOPPED"
    assert (error.polls, error.waited) == (4, 45)


@virtually
async def test_a_stage_that_failed_before_ends_it_at_once_and_a_restarted_one_is_waited_for() -> (
    None
):
    gateway = VirtualPlans.of((0, a_plan("FAILED")))
    error = await failing(gateway, StageFailedError)
    assert (error.polls, error.waited) == (1, 0)

    gateway.becomes(a_plan("STARTING"))
    gateway.becomes(a_plan("DEPLOYED"), since=20)

    assert (await deployed(gateway)).status == "DEPLOYED"


@virtually
async def test_a_stage_that_never_was_is_not_found_and_those_there_are_named() -> None:
    gateway = VirtualPlans.of((0, a_plan(a_stage(name="one"), a_stage(name="two"))))

    error = await failing(gateway, StageNotFoundError)

    assert str(error) == "plan rollout has no stage 'canary'; its stages: one, two"
    assert (error.last_seen, error.polls, error.waited) == (None, 1, 0)


@virtually
async def test_a_stage_that_vanishes_is_not_found_and_was_last_seen_alive() -> None:
    gateway = VirtualPlans.of((0, a_plan("READYTODEPLOY")), (10, a_plan()))

    error = await failing(gateway, StageNotFoundError)

    assert str(error) == "stage canary of plan rollout is gone"
    assert stage_of(error).status == "READYTODEPLOY"
    assert (error.polls, error.waited) == (2, 15)


@virtually
async def test_a_plan_that_is_deleted_ends_it_with_a_note_on_the_wait() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (20, no_such_plan()))

    with pytest.raises(ResourceNotFoundError) as caught:
        await deployed(gateway)

    assert caught.value.code == "ResourceNotFound"
    assert caught.value.__notes__ == ["while waiting on plan rollout (3 polls in 30.0 s)"]
    again = pickle.loads(pickle.dumps(caught.value))  # our own
    assert again.__notes__ == caught.value.__notes__


@pytest.mark.parametrize("unsaid", [False, True])
@virtually
async def test_a_plan_created_again_under_its_name_is_another_plan(unsaid: bool) -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("INPROGRESS")),
        # The member is optional, so a reply may lack it.
        (10, a_plan("INPROGRESS", created=None if unsaid else CREATED)),
        (20, a_plan("CREATING", created=CREATED + 60)),
    )

    error = await failing(gateway, StageNotFoundError)

    assert str(error) == (
        "plan rollout was deleted and created again at 2023-11-14 22:14:20+00:00; "
        "what was waited for is gone"
    )
    assert (error.polls, error.waited) == (3, 30)


@virtually
async def test_a_plan_without_a_creation_time_is_waited_for_all_the_same() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("INPROGRESS", created=None)), (20, a_plan("DEPLOYED", created=CREATED))
    )

    assert (await deployed(gateway)).status == "DEPLOYED"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (denied(), AccessDeniedError),
        (no_credentials(), ConfigurationError),
        (ValidationError("no", code="ValidationException"), ValidationError),
        (PaginationError("in a circle"), PaginationError),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@virtually
async def test_what_does_not_pass_ends_it_with_a_note(
    error: SageMakerPlansError, kind: type[SageMakerPlansError]
) -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (10, error))

    with pytest.raises(kind) as caught:
        await deployed(gateway)

    assert type(caught.value) is kind
    assert str(caught.value) == str(error)
    assert caught.value.__notes__ == ["while waiting on plan rollout (2 polls in 15.0 s)"]


@virtually
async def test_the_cause_of_what_does_not_pass_is_kept() -> None:
    error, cause = denied(), ValueError("of a library below")

    class Denying(VirtualPlans):
        async def call(self, *_: object) -> None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # always raises
            await anyio.sleep(1)
            raise error from cause

    with pytest.raises(AccessDeniedError) as caught:
        await deployed(Denying())

    assert caught.value.__cause__ is cause


@pytest.mark.parametrize(
    "error",
    [throttled(), broken(), reset(), reset(request_sent=False), reset(request_sent=True)],
    ids=str,
)
@virtually
async def test_what_may_pass_does_not_end_it(error: SageMakerPlansError) -> None:
    gateway = VirtualPlans.of((0, error), (50, a_plan("DEPLOYED")))

    assert (await deployed(gateway)).status == "DEPLOYED"


@virtually
async def test_a_reply_that_cannot_be_read_does_not_end_it() -> None:
    gateway = VirtualPlans.of((0, {}), (20, a_plan("INPROGRESS")), (40, a_plan("DEPLOYED")))
    gateway.strike(3, {**a_plan("DEPLOYED"), "Stages": "lost"})

    assert (await deployed(gateway)).status == "DEPLOYED"


@virtually
async def test_at_the_deadline_it_says_what_it_saw() -> None:
    gateway = VirtualPlans.of((0, a_plan(a_stage(succeeded=1, pending=8, failed=1))))

    error = await failing(gateway, WaitTimeoutError, within=20)

    assert str(error) == (
        "the deployment of canary did not happen within 20 s (3 polls): "
        "stage canary is INPROGRESS, devices: 1 succeeded, 8 pending, 1 failed"
    )
    assert isinstance(error, TimeoutError)
    assert stage_of(error).devices.pending == 8
    assert (error.polls, error.waited, error.__cause__) == (3, 20, None)


@virtually
async def test_at_the_deadline_it_says_that_nothing_was_read_and_why() -> None:
    gateway = VirtualPlans.of((0, throttled()))

    error = await failing(gateway, WaitTimeoutError, within=20)

    assert str(error) == (
        f"the deployment of canary did not happen within 20 s ({error.polls} polls): nothing was "
        "read; the last reading failed: DescribeEdgeDeploymentPlan answered ThrottlingException: "
        "Rate exceeded (HTTP 400)"
    )
    assert isinstance(error, WaitTimeoutError)
    assert (error.last_seen, error.waited, error.reading_age) == (None, 80, None)
    assert error.polls == len(gateway.calls)
    assert type(error.__cause__) is type(throttled())


@virtually
async def test_a_failure_that_passed_is_not_told_at_the_deadline() -> None:
    gateway = VirtualPlans.of((0, broken()), (10, a_plan("INPROGRESS")))

    error = await failing(gateway, WaitTimeoutError, within=40)

    assert "failed:" not in str(error)
    assert error.__cause__ is None


@virtually
async def test_the_stage_seen_before_the_failures_is_told_at_the_deadline() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (10, broken()))

    error = await failing(gateway, WaitTimeoutError, within=40)

    assert "stage canary is INPROGRESS" in str(error)
    assert "; the last reading is 100 s old; the last poll failed: Describe" in str(error)
    assert isinstance(error, WaitTimeoutError)
    assert error.reading_age == 100
    assert stage_of(error).status == "INPROGRESS"


@virtually
async def test_an_unknown_status_is_waited_out_and_told_at_the_deadline() -> None:
    gateway = VirtualPlans.of((0, a_plan("PAUSED_BY_TOMORROW")))

    error = await failing(gateway, WaitTimeoutError, within=20)

    assert "stage canary is PAUSED_BY_TOMORROW" in str(error)
    assert str(error).endswith("a status is unknown to this release, which may be the reason")
    gateway.becomes(a_plan("DEPLOYED"))
    assert (await deployed(gateway)).status == "DEPLOYED"


@virtually
async def test_a_stage_nobody_starts_is_waited_for_until_the_deadline_which_says_so() -> None:
    gateway = VirtualPlans.of((0, a_plan("READYTODEPLOY")))

    error = await failing(gateway, WaitTimeoutError, within=20)

    assert str(error).endswith("; READYTODEPLOY does not move by itself: start it with start_stage")


@virtually
async def test_a_stage_nobody_starts_in_its_grace_ends_it_at_the_end_of_the_grace() -> None:
    gateway = VirtualPlans.of((0, a_plan(a_stage("READYTODEPLOY", pending=2))))

    error = await failing(gateway, StageNotStartedError, start_grace=20)

    assert str(error) == (
        "stage canary is READYTODEPLOY, devices: 0 succeeded, 2 pending, 0 failed "
        "after 20 s (start_grace): "
        "READYTODEPLOY does not move by itself: start it with start_stage"
    )
    assert gateway.times == [0, 15, 20]
    assert stage_of(error).status == "READYTODEPLOY"
    assert (error.polls, error.waited) == (3, 20)


@virtually
async def test_without_any_grace_a_stage_has_to_be_started_already() -> None:
    gateway = VirtualPlans.of((0, a_plan("READYTODEPLOY")))
    gateway.strike(1, latency=3)

    error = await failing(gateway, StageNotStartedError, start_grace=0)

    assert (error.polls, error.waited) == (1, 3)


@virtually
async def test_a_grace_longer_than_the_timeout_leaves_the_end_to_the_timeout() -> None:
    gateway = VirtualPlans.of((0, a_plan("READYTODEPLOY")))

    error = await failing(gateway, WaitTimeoutError, within=20, start_grace=30)

    assert "start it with start_stage" in str(error)


@virtually
async def test_a_stage_started_within_its_grace_is_waited_for() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("READYTODEPLOY")), (19, a_plan("STARTING")), (60, a_plan("DEPLOYED"))
    )

    assert (await deployed(gateway, start_grace=20)).status == "DEPLOYED"
    # The moment at which the grace ends is a look, and only one.
    assert gateway.times == [0, 15, 20, 35, 50, 65]


@virtually
async def test_the_grace_begins_when_the_stage_is_ready_and_anew_each_time_it_moved() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("CREATING")),
        (25, a_plan("READYTODEPLOY")),
        (40, a_plan("STARTING")),
        (55, a_plan("READYTODEPLOY")),
    )

    error = await failing(gateway, StageNotStartedError, within=600, start_grace=20)

    # Ready since 30, moved at 45, ready again since 60.
    assert error.waited == 80
    assert error.plan_name == "rollout"


@virtually
async def test_a_failed_look_at_the_end_of_the_grace_is_not_repeated_at_once() -> None:
    gateway = VirtualPlans.of((0, a_plan("READYTODEPLOY")))
    gateway.strike(3, broken())

    error = await failing(gateway, StageNotStartedError, start_grace=20)

    assert gateway.times == [0, 15, 20, 50]
    assert (error.polls, error.waited) == (4, 50)


@virtually
async def test_old_news_that_come_after_the_grace_are_not_held_against_a_stage() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("READYTODEPLOY")), (16, a_plan("STARTING")), (60, a_plan("DEPLOYED"))
    )
    # It left at 15, when the stage was still ready, and comes at 40.
    gateway.strike(2, latency=25)

    assert (await deployed(gateway, start_grace=20)).status == "DEPLOYED"
    assert gateway.times == [0, 15, 40, 55, 70]


@virtually
async def test_a_slow_on_poll_does_not_use_up_the_grace() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("READYTODEPLOY")), (16, a_plan("STARTING")), (60, a_plan("DEPLOYED"))
    )

    async def slow_at_the_second(_: Stage) -> None:
        await anyio.sleep(10 if len(gateway.calls) == 2 else 0)

    stage = await plans_of(gateway).wait_until_stage_deployed(
        "rollout", "canary", timeout=120, start_grace=20, on_poll=slow_at_the_second
    )

    assert stage.status == "DEPLOYED"
    assert gateway.times == [0, 15, 25, 40, 55, 70]


@virtually
async def test_two_waits_with_graces_of_their_own_do_not_disturb_each_other() -> None:
    gateway = VirtualPlans.of((0, a_plan("READYTODEPLOY")))
    plans = plans_of(gateway)
    ended: list[float] = []

    async def wait(grace: float) -> None:
        with pytest.raises(StageNotStartedError) as caught:
            await plans.wait_until_stage_deployed(
                "rollout", "canary", timeout=None, start_grace=grace
            )
        ended.append(caught.value.waited)

    async with anyio.create_task_group() as tasks:
        for grace in (7, 11, 40):
            tasks.start_soon(wait, grace)

    assert ended == [7, 11, 40]
    assert gateway.times == [0, 7, 11, 26, 40]


@pytest.mark.parametrize("is_async", [False, True])
@virtually
async def test_on_poll_sees_the_stage_at_each_reading(is_async: bool) -> None:
    gateway = VirtualPlans.of(
        (0, a_plan(a_stage(pending=2))),
        (20, a_plan(a_stage(succeeded=1, pending=1))),
        (40, a_plan(a_stage("DEPLOYED", succeeded=2))),
    )
    gateway.strike(2, throttled())
    seen: list[tuple[float, str, int]] = []

    def note(stage: Stage) -> None:
        seen.append((anyio.current_time(), stage.status, stage.devices.succeeded))

    async def note_later(stage: Stage) -> None:
        await anyio.sleep(1)
        note(stage)

    stage = await plans_of(gateway).wait_until_stage_deployed(
        "rollout", "canary", timeout=120, on_poll=note_later if is_async else note
    )

    late = int(is_async)
    assert seen == [(late, "INPROGRESS", 0), (45 + late, "DEPLOYED", 2)]
    assert stage.devices.succeeded == 2


@pytest.mark.parametrize("status", ["FAILED", "STOPPED"])
@virtually
async def test_on_poll_sees_how_it_ended_before_the_error_does(status: str) -> None:
    gateway = VirtualPlans.of((0, a_plan(status)))
    seen: list[str] = []

    with pytest.raises(WaitError):
        await plans_of(gateway).wait_until_stage_deployed(
            "rollout", "canary", timeout=120, on_poll=lambda stage: seen.append(stage.status)
        )

    assert seen == [status]


@virtually
async def test_on_poll_may_wait_on_the_same_plan() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")), (20, a_plan("DEPLOYED")))
    plans = plans_of(gateway)

    async def wait_too(_: Stage) -> None:
        await plans.wait_until_deployed("rollout", timeout=60)

    await plans.wait_until_stage_deployed("rollout", "canary", timeout=60, on_poll=wait_too)

    assert gateway.times == [0, 0, 15, 30, 30]


@virtually
async def test_an_error_of_on_poll_ends_the_wait_as_it_is() -> None:
    gateway = VirtualPlans.of((0, a_plan("INPROGRESS")))
    mine = ZeroDivisionError()

    def fail(_: Stage) -> None:
        raise mine

    with pytest.raises(ZeroDivisionError) as caught:
        await plans_of(gateway).wait_until_stage_deployed(
            "rollout", "canary", timeout=60, on_poll=fail
        )

    assert caught.value is mine
    assert gateway.times == [0]
