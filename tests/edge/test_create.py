"""Creating a plan: after a lost reply it is described first, in every combination."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

import anyio
import attrs
import pytest

from faults.acts import CREATE, DESCRIBE
from faults.service_gateway import Kind, ServiceGateway, fates
from harness import MakeClient, a_spec, fast_retries
from sagemaker_plans import (
    DeviceSelectionConfig,
    EdgeDeploymentPlanSpec,
    FailureHandlingPolicy,
    ModelConfig,
    NameContains,
    NamedDevices,
    PercentageOfFleet,
    RetryPolicy,
    StageSpec,
    errors,
)
from sagemaker_plans._edge.creation import create_plan
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans.emulator import Emulator, Fault
from sagemaker_plans.models._validation import shown
from virtual_clock import LOOPS, Loop, run_virtually

ARN = "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/rollout"
CANARIES = NamedDevices(["cam-001", "cam-002"])
PLAN = a_spec()
FOUR_TIMES = RetryPolicy(max_attempts=4)
ROLLBACK = FailureHandlingPolicy.ROLLBACK_ON_FAILURE
DO_NOTHING = FailureHandlingPolicy.DO_NOTHING


def models(*handles: str) -> list[ModelConfig]:
    return [ModelConfig(handle, f"{handle}-job") for handle in handles]


def spec_of(
    *stages: StageSpec, fleet: str = "cameras", configs: Iterable[ModelConfig] = ()
) -> EdgeDeploymentPlanSpec:
    return EdgeDeploymentPlanSpec(
        "rollout",
        device_fleet_name=fleet,
        model_configs=[*configs] or models("detector"),
        stages=stages,
    )


def staged(selection: DeviceSelectionConfig, policy: FailureHandlingPolicy | None = None) -> Any:
    return spec_of(StageSpec("canary", selection, policy))


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Loop:
    found: Loop = request.param
    return found


@attrs.define
class Creation:
    """A create with the fates of its requests, and its result."""

    create: Iterable[Kind] = ()
    describe: Iterable[Kind] = ()
    there: EdgeDeploymentPlanSpec | None = None
    """A plan of another caller that exists; None if there is none."""
    policy: RetryPolicy = FOUR_TIMES
    arn: str | None = None
    error: errors.SageMakerPlansError | None = None
    created: int = 0
    described: int = 0

    async def make(self, spec: EdgeDeploymentPlanSpec) -> None:
        gateway = ServiceGateway(
            fates(CreateEdgeDeploymentPlan=self.create, DescribeEdgeDeploymentPlan=self.describe)
        )
        if self.there is not None:
            cameras = [f"cam-{number:03}" for number in range(1, 11)]
            gateway.service.add_fleet(self.there.device_fleet_name, devices=cameras)
            gateway.service.handle(CREATE, self.there.to_wire())
        try:
            self.arn = await create_plan(gateway, Retrier(self.policy, uniform=max), spec)
        except errors.SageMakerPlansError as error:
            self.error = error
        operations = [one.operation for one in gateway.sent]
        self.created, self.described = operations.count(CREATE), operations.count(DESCRIBE)

    @property
    def result(self) -> tuple[object, int, int]:
        """The ARN or the error's class, and the numbers of creates and describes."""
        return self.arn or type(self.error), self.created, self.described


def created(loop: Loop, *, spec: Any = PLAN, **settings: Any) -> Creation:
    creation = Creation(**settings)
    run_virtually(loop, creation.make, spec)
    return creation


def test_a_create_with_a_reply_is_not_followed_by_a_describe(loop: Loop) -> None:
    assert created(loop).result == (ARN, 1, 0)


@pytest.mark.parametrize("lost", ["lost after", "down after", "unreadable"])
def test_a_plan_whose_create_reply_was_lost_is_found(loop: Loop, lost: Kind) -> None:
    assert created(loop, create=[lost]).result == (ARN, 1, 1)


@pytest.mark.parametrize("lost", ["lost before", "down before"])
def test_a_create_without_effect_is_sent_again(loop: Loop, lost: Kind) -> None:
    assert created(loop, create=[lost]).result == (ARN, 2, 1)


def test_each_lost_reply_is_followed_by_a_describe(loop: Loop) -> None:
    lost: list[Kind] = ["lost before", "down before", "lost after"]
    assert created(loop, create=lost).result == (ARN, 3, 3)


@pytest.mark.parametrize("again", ["throttled", "unsent"])
def test_a_create_that_provably_had_no_effect_is_sent_again_at_once(
    loop: Loop, again: Kind
) -> None:
    assert created(loop, create=[again] * 3).result == (ARN, 4, 0)


@pytest.mark.parametrize(
    ("again", "error"),
    [("throttled", errors.ThrottledError), ("unsent", errors.ConnectionFailedError)],
)
def test_a_create_that_never_had_an_effect_raises_its_last_error(
    loop: Loop, again: Kind, error: type[Exception]
) -> None:
    assert created(loop, create=[again] * 9).result == (error, 4, 0)


@pytest.mark.parametrize("last", ["unsent", "lost before", "down before"])
def test_after_a_lost_reply_no_failure_proves_that_nothing_was_created(
    loop: Loop, last: Kind
) -> None:
    creation = created(loop, create=["lost before", *[last] * 9])
    looks = 4 if last in {"lost before", "down before"} else 1
    assert creation.result == (errors.OutcomeUnknownError, 4, looks)
    error = creation.error
    assert isinstance(error, errors.OutcomeUnknownError)
    assert error.plan_name == "rollout"
    assert error.operation == CREATE
    assert "check with describe('rollout') before creating it again" in str(error)
    assert "no plan of that name was found" in str(error)
    assert [note.split(" in ")[0] for note in error.__notes__] == ["gave up after 4 attempts"]


def test_a_request_that_arrives_after_the_describe_is_found_by_the_next(loop: Loop) -> None:
    # It is carried out during the pause before the second attempt.
    policy = RetryPolicy(base_delay=9, throttle_base_delay=9, max_delay=9)
    creation = created(loop, create=["lost and late"], policy=policy)
    assert creation.result[0] == ARN


def test_a_service_error_without_doubt_is_raised(loop: Loop) -> None:
    assert created(loop, create=["refused"]).result == (errors.AccessDeniedError, 1, 0)


def test_a_refusal_after_a_lost_reply_is_the_answer_if_nothing_is_there(loop: Loop) -> None:
    creation = created(loop, create=["lost before", "refused"])
    assert creation.result == (errors.AccessDeniedError, 2, 2)
    [note] = creation.error.__notes__ if creation.error else []
    assert note.endswith("; an earlier attempt, whose reply was lost, may have had its effect")


def test_a_name_that_exists_at_the_first_attempt_is_a_plain_error(loop: Loop) -> None:
    creation = created(loop, there=a_spec())
    assert creation.result == (errors.ResourceInUseError, 1, 0)


def test_a_name_that_exists_after_no_effect_is_a_plain_error(loop: Loop) -> None:
    creation = created(loop, create=["unsent"], there=a_spec())
    assert creation.result == (errors.ResourceInUseError, 2, 0)


def test_a_name_that_exists_after_a_lost_reply_is_looked_at(loop: Loop) -> None:
    # Carried out late, after the first look.
    creation = created(loop, create=["lost and late", "throttled"])
    assert creation.result == (ARN, 3, 2)


@pytest.mark.parametrize("lost", ["lost before", "down before"])
def test_a_plan_of_another_caller_that_matches_counts_as_created(loop: Loop, lost: Kind) -> None:
    creation = created(loop, create=[lost], there=a_spec())
    assert creation.result == (ARN, 1, 1)


DIFFERENT: dict[str, tuple[EdgeDeploymentPlanSpec, EdgeDeploymentPlanSpec, str]] = {
    "fleet": (
        spec_of(fleet="cameras"),
        spec_of(fleet="doorbells"),
        "device_fleet_name: the spec has 'cameras', the plan has 'doorbells'",
    ),
    "models": (
        spec_of(configs=models("detector")),
        spec_of(configs=models("detector", "tracker")),
        "model_configs: the spec has (ModelConfig(",
    ),
    "a model twice": (
        spec_of(configs=models("detector", "detector", "tracker")),
        spec_of(configs=models("detector", "tracker", "tracker")),
        "model_configs: the spec has (ModelConfig(",
    ),
    "stages": (
        spec_of(StageSpec("canary", CANARIES)),
        spec_of(StageSpec("canary", CANARIES), StageSpec("rest", PercentageOfFleet(100))),
        "stages: the spec has ('canary',), the plan has ('canary', 'rest')",
    ),
    "order of the stages": (
        spec_of(StageSpec("a", CANARIES), StageSpec("b", CANARIES)),
        spec_of(StageSpec("b", CANARIES), StageSpec("a", CANARIES)),
        "stages: the spec has ('a', 'b'), the plan has ('b', 'a')",
    ),
    "percentage": (
        staged(PercentageOfFleet(10)),
        staged(PercentageOfFleet(11)),
        "stage canary: device_selection: the spec has PercentageOfFleet(percentage=10), the plan",
    ),
    "devices": (
        staged(CANARIES),
        staged(NamedDevices(["cam-001", "cam-003"])),
        "stage canary: device_selection: the spec has NamedDevices(",
    ),
    "part of a name": (
        staged(NameContains("cam")),
        staged(NameContains("bell")),
        "stage canary: device_selection: the spec has NameContains(",
    ),
    "kind of selection": (
        staged(PercentageOfFleet(10)),
        staged(CANARIES),
        "stage canary: device_selection: the spec has PercentageOfFleet(",
    ),
    "policy": (
        staged(CANARIES, DO_NOTHING),
        staged(CANARIES, ROLLBACK),
        "stage canary: failure_handling_policy: the spec has 'DO_NOTHING', the plan has 'ROLLBACK",
    ),
    "default policy": (
        staged(CANARIES),
        staged(CANARIES, DO_NOTHING),
        "stage canary: failure_handling_policy: the spec has 'ROLLBACK_ON_FAILURE', the plan has",
    ),
}


@pytest.mark.parametrize(("asked", "there", "words"), DIFFERENT.values(), ids=DIFFERENT)
def test_a_plan_that_differs_never_counts_as_created(
    loop: Loop, asked: EdgeDeploymentPlanSpec, there: EdgeDeploymentPlanSpec, words: str
) -> None:
    creation = created(loop, create=["lost before"], spec=asked, there=there)
    assert creation.result == (errors.PlanMismatchError, 1, 1)
    error = creation.error
    assert isinstance(error, errors.PlanMismatchError)
    assert (error.plan_name, error.operation) == ("rollout", CREATE)
    assert [difference[: len(words)] for difference in error.differences] == [words]
    assert f"a plan named rollout exists ({ARN}), but it does not match the spec" in str(error)
    assert isinstance(error.__cause__, errors.ConnectionFailedError)


def test_one_error_lists_every_difference(loop: Loop) -> None:
    asked = spec_of(StageSpec("canary", CANARIES), configs=models("a"), fleet="one")
    there = spec_of(
        StageSpec("canary", PercentageOfFleet(5), DO_NOTHING), configs=models("b"), fleet="two"
    )
    error = created(loop, create=["lost before"], spec=asked, there=there).error
    assert isinstance(error, errors.PlanMismatchError)
    assert error.differences[1] == (
        f"model_configs: the spec has {shown(asked.model_configs)}, "
        f"the plan has {shown(there.model_configs)}"
    )
    assert str(error).startswith(
        f"a plan named rollout exists ({ARN}), but it does not match the spec:\n  - "
        + "\n  - ".join(error.differences)
    )
    assert [difference.split(": the spec has")[0] for difference in error.differences] == [
        "device_fleet_name",
        "model_configs",
        "stage canary: device_selection",
        "stage canary: failure_handling_policy",
    ]


SAME: dict[str, tuple[EdgeDeploymentPlanSpec, EdgeDeploymentPlanSpec]] = {
    "order of the models": (
        spec_of(configs=models("detector", "tracker")),
        spec_of(configs=models("tracker", "detector")),
    ),
    "order of the devices": (
        staged(CANARIES),
        staged(NamedDevices(["cam-002", "cam-001"])),
    ),
    "a device named twice": (
        staged(NamedDevices(["cam-001", "cam-002", "cam-001"])),
        staged(CANARIES),
    ),
    "a policy that is the default": (staged(CANARIES), staged(CANARIES, ROLLBACK)),
    "a default that is spelled out": (staged(CANARIES, ROLLBACK), staged(CANARIES)),
    "no stages": (spec_of(), spec_of()),
    "tags, which are not described": (
        attrs.evolve(a_spec(), tags={"team": "vision"}),
        a_spec(),
    ),
}


@pytest.mark.parametrize(("asked", "there"), SAME.values(), ids=SAME)
def test_equivalent_plans_do_not_differ(
    loop: Loop, asked: EdgeDeploymentPlanSpec, there: EdgeDeploymentPlanSpec
) -> None:
    creation = created(loop, create=["lost before"], spec=asked, there=there)
    assert creation.result == (ARN, 1, 1)


@pytest.mark.parametrize("lost", ["lost before", "lost after", "down after", "unreadable"])
@pytest.mark.parametrize("failing", ["refused", "lost before", "down after", "throttled"])
def test_a_describe_that_fails_leaves_the_outcome_unknown(
    loop: Loop, lost: Kind, failing: Kind
) -> None:
    creation = created(loop, create=[lost], describe=[failing] * 9)
    looks = 1 if failing == "refused" else 4
    assert creation.result == (errors.OutcomeUnknownError, 1, looks)
    error = creation.error
    assert isinstance(error, errors.OutcomeUnknownError)
    assert error.plan_name == "rollout"
    assert isinstance(error.__cause__, errors.SageMakerPlansError)
    lost_reply = error.__cause__.__context__
    assert isinstance(lost_reply, errors.SageMakerPlansError)
    assert str(error).startswith(
        f"plan rollout may or may not have been created: {lost_reply}; "
        f"the search for the plan failed too: {error.__cause__}; "
        "check with describe('rollout') before creating it again"
    )


def test_a_look_is_itself_retried(loop: Loop) -> None:
    creation = created(loop, create=["lost after"], describe=["throttled", "down before"])
    assert creation.result == (ARN, 1, 3)


def test_without_retries_a_lost_reply_is_still_followed_by_a_describe(loop: Loop) -> None:
    none = RetryPolicy.none()
    assert created(loop, create=["lost after"], policy=none).result == (ARN, 1, 1)
    lost = created(loop, create=["lost before"], policy=none)
    assert lost.result == (errors.OutcomeUnknownError, 1, 1)
    assert "; no plan of that name was found; check with " in str(lost.error)


@pytest.mark.parametrize("wrong", [None, "rollout", {"name": "rollout"}, a_spec().to_wire()])
def test_an_object_that_is_not_a_spec_is_refused_before_anything_is_sent(
    loop: Loop, wrong: Any
) -> None:
    creation = created(loop, spec=wrong)
    assert creation.result == (errors.InvalidRequestError, 0, 0)
    assert isinstance(creation.error, errors.InvalidRequestError)
    assert creation.error.operation == CREATE
    assert str(creation.error).startswith("create")
    [problem] = creation.error.problems
    assert problem == f"spec: an EdgeDeploymentPlanSpec is needed, got {shown(wrong)}"


async def answered(create: Callable[[], Awaitable[str]]) -> str | errors.SageMakerPlansError:
    try:
        return await create()
    except errors.SageMakerPlansError as error:
        return error


@pytest.mark.anyio
@pytest.mark.parametrize(
    "fault",
    [None, Fault.disconnect("rst", committed=True), Fault.not_json(), Fault.internal_failure()],
    ids=["nothing", "reset", "unreadable", "down"],
)
async def test_of_two_clients_that_create_one_name_one_gets_an_error(
    emulator: Emulator, make_client: MakeClient, fault: Fault | None
) -> None:
    specs = [a_spec(stages=1), a_spec(stages=2)]
    answers: dict[int, str | errors.SageMakerPlansError] = {}
    async with make_client() as first, make_client() as second:
        if fault is not None:
            emulator.inject(CREATE, fault, times=2)

        async def create(number: int) -> None:
            client = (first, second)[number]
            answers[number] = await answered(partial(client.plans.create, specs[number]))

        async with anyio.create_task_group() as group:
            group.start_soon(create, 0)
            group.start_soon(create, 1)
        plan = await first.plans.describe("rollout")

    winners = [number for number, answer in answers.items() if answer == plan.arn]
    assert [len(specs[number].stages) for number in winners] == [len(plan.stages)]
    [loser] = [answer for answer in answers.values() if answer != plan.arn]
    assert type(loser) in {errors.ResourceInUseError, errors.PlanMismatchError}


@pytest.mark.anyio
async def test_of_two_clients_that_create_the_same_plan_one_gets_resource_in_use(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client() as first, make_client() as second:
        arn = await first.plans.create(a_spec())
        with pytest.raises(errors.ResourceInUseError, match="already exists"):
            await second.plans.create(a_spec())
    assert arn == ARN
    assert len(emulator.requests_of(CREATE)) == 2


@pytest.mark.anyio
async def test_a_cancelled_create_sends_no_more(
    emulator: Emulator, make_client: MakeClient
) -> None:
    emulator.inject(CREATE, Fault.disconnect(), times=None)
    waiting = anyio.Event()

    def tell(_: object) -> None:
        waiting.set()

    patient = fast_retries(
        max_attempts=100,
        base_delay=20,
        max_delay=20,
        on_retry=tell,
    )
    async with make_client(retry=patient) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.plans.create, a_spec())
        await waiting.wait()
        tasks.cancel_scope.cancel()
    assert len(emulator.requests_of(CREATE)) == 1
