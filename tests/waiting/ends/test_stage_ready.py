"""``wait_until_stage_ready``: until a stage can be started, or is past that."""

import pytest

from sagemaker_plans import (
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
    no_such_plan,
    plans_of,
    throttled,
    virtually,
)


async def ready(gateway: VirtualPlans) -> Stage:
    return await plans_of(gateway).wait_until_stage_ready("rollout", "canary", timeout=60)


@virtually
async def test_it_gives_the_stage_once_it_is_created() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("CREATING")), (20, throttled()), (40, a_plan("READYTODEPLOY"))
    )

    assert (await ready(gateway)).status == "READYTODEPLOY"
    assert gateway.times == [0, 15, 30, 60]


@pytest.mark.parametrize(
    "status",
    ["READYTODEPLOY", "STARTING", "INPROGRESS", "DEPLOYED", "FAILED", "STOPPING", "STOPPED"],
)
@virtually
async def test_a_stage_past_its_creation_is_ready_whatever_became_of_it(status: str) -> None:
    gateway = VirtualPlans.of((0, a_plan(status)))

    assert (await ready(gateway)).status == status
    assert gateway.times == [0]


@pytest.mark.parametrize(
    ("status", "kind"), [("FAILED", StageFailedError), ("STOPPED", StageStoppedError)]
)
@virtually
async def test_a_creation_that_comes_to_nothing_is_an_error(
    status: str, kind: type[WaitError]
) -> None:
    gateway = VirtualPlans.of((0, a_plan("CREATING")), (10, a_plan(status)))

    with pytest.raises(kind, match=f"stage canary is {status}") as caught:
        await ready(gateway)

    assert isinstance(caught.value.last_seen, Stage)
    assert (caught.value.last_seen.status, caught.value.polls, caught.value.waited) == (
        status,
        2,
        15,
    )


@virtually
async def test_a_stage_that_was_started_meanwhile_is_ready() -> None:
    gateway = VirtualPlans.of((0, a_plan("CREATING")), (10, a_plan("INPROGRESS")))

    assert (await ready(gateway)).status == "INPROGRESS"


@virtually
async def test_an_unknown_status_is_waited_out() -> None:
    gateway = VirtualPlans.of((0, a_plan("WARMING_UP")), (20, a_plan("READYTODEPLOY")))

    assert (await ready(gateway)).status == "READYTODEPLOY"


@virtually
async def test_an_unknown_status_is_told_at_the_deadline() -> None:
    gateway = VirtualPlans.of((0, a_plan("WARMING_UP")))

    with pytest.raises(WaitTimeoutError) as caught:
        await ready(gateway)

    assert str(caught.value) == (
        "the creation of canary did not happen within 60 s (5 polls): stage canary is WARMING_UP, "
        "devices: 0 succeeded, 0 pending, 0 failed; "
        "a status is unknown to this release, which may be the reason"
    )
    assert isinstance(caught.value.last_seen, Stage)


@virtually
async def test_at_the_deadline_it_says_that_nothing_was_read() -> None:
    gateway = VirtualPlans.of((0, throttled()))

    with pytest.raises(WaitTimeoutError, match="nothing was read; the last reading failed") as got:
        await ready(gateway)

    assert got.value.last_seen is None


@virtually
async def test_a_stage_that_never_was_is_not_found() -> None:
    with pytest.raises(StageNotFoundError, match="has no stage 'canary'; its stages: none"):
        await ready(VirtualPlans.of((0, a_plan())))


@virtually
async def test_a_stage_that_vanishes_is_not_found() -> None:
    gateway = VirtualPlans.of((0, a_plan("CREATING")), (10, a_plan()))

    with pytest.raises(StageNotFoundError, match="stage canary of plan rollout is gone"):
        await ready(gateway)


@virtually
async def test_a_plan_that_is_deleted_ends_it() -> None:
    gateway = VirtualPlans.of((0, a_plan("CREATING")), (10, no_such_plan()))

    with pytest.raises(ResourceNotFoundError):
        await ready(gateway)


@virtually
async def test_a_plan_created_again_ends_it() -> None:
    gateway = VirtualPlans.of(
        (0, a_plan("CREATING")), (10, a_plan("READYTODEPLOY", created=CREATED + 1))
    )

    with pytest.raises(StageNotFoundError, match="deleted and created again"):
        await ready(gateway)
