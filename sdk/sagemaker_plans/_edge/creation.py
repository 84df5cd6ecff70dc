"""Creates plans and stages. After a lost reply it looks before it sends anything again."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Final, Generic, TypeVar

import anyio
from attrs import field, frozen

from sagemaker_plans._edge.reading import read_plan
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_rules import Happened, what_happened
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire import converter, reading, replies
from sagemaker_plans._wire.operations import CREATE_PLAN, CREATE_STAGES, Operation
from sagemaker_plans.errors import (
    InvalidRequestError,
    OutcomeUnknownError,
    PlanMismatchError,
    ResourceInUseError,
    ResourceNotFoundError,
    SageMakerPlansError,
    ServiceError,
)
from sagemaker_plans.models import (
    DeviceSelection,
    EdgeDeploymentPlan,
    EdgeDeploymentPlanSpec,
    FailureHandlingPolicy,
    NamedDevices,
    Stage,
    StageSpec,
)
from sagemaker_plans.models._validation import shown

T = TypeVar("T")

READERS_OF_REPLIES: Final = (reading, converter)
"""Imported before anything is created, for the reply."""
_FIRST_PAUSE: Final = 0.25
"""The first pause between two looks for a plan that was created just now, in seconds."""


async def create_plan(gateway: Gateway, retrier: Retrier, spec: EdgeDeploymentPlanSpec) -> str:
    """Create a plan. After a lost reply look for it before anything is sent again.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        spec: The plan to create.

    Returns:
        The plan's ARN.

    Raises:
        InvalidRequestError: If ``spec`` is not an EdgeDeploymentPlanSpec.
        PlanMismatchError: If a reply was lost, and a different plan has the name.
        OutcomeUnknownError: If a reply was lost, and it is not known whether the plan was
            created.
        SageMakerPlansError: What the last attempt raised.
    """
    raise_unless_spec("create", spec)

    async def attempt() -> str:
        return replies.read_created(await gateway.call(CREATE_PLAN, spec.to_wire()))

    async def find(error: SageMakerPlansError) -> str | None:
        plan = await read_plan(gateway, retrier, spec.name)
        raise_if_different(spec, plan, error)
        return plan.arn

    look = _Look(
        find,
        spec.name,
        what=f"plan {spec.name} may or may not have been created",
        nothing="no plan of that name was found",
        again="creating it again",
    )
    return await _create(retrier, CREATE_PLAN, attempt, look)


async def ensure_plan(
    gateway: Gateway, retrier: Retrier, spec: EdgeDeploymentPlanSpec
) -> EdgeDeploymentPlan:
    """Create a plan, unless it is there already and as the spec says.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        spec: The plan that is to be there.

    Returns:
        The plan.

    Raises:
        InvalidRequestError: If ``spec`` is not an EdgeDeploymentPlanSpec.
        PlanMismatchError: If a different plan has the name.
        OutcomeUnknownError: If a reply was lost, and it is not known whether the plan was
            created.
        SageMakerPlansError: What the last attempt raised.
    """
    raise_unless_spec("ensure_created", spec)

    async def read() -> EdgeDeploymentPlan:
        plan = await read_plan(gateway, retrier, spec.name)
        raise_if_different(spec, plan, None)
        return plan

    with suppress(ResourceNotFoundError):
        return await read()
    try:
        await create_plan(gateway, retrier, spec)
    except ServiceError as refusal:
        # Somebody else may have created it meanwhile; AWS does not document the error code.
        is_taken = isinstance(refusal, ResourceInUseError)
        with suppress(ResourceNotFoundError):
            return await _read_new(read, retrier.policy.reconcile_limit if is_taken else 0.0)
        raise
    return await _read_new(read, retrier.policy.reconcile_limit)


async def _read_new(
    read: Callable[[], Awaitable[EdgeDeploymentPlan]], limit: float
) -> EdgeDeploymentPlan:
    """Read a plan that was created just now: a reading may still be from before that."""
    deadline = anyio.current_time() + limit
    pause = _FIRST_PAUSE
    while True:
        try:
            return await read()
        except ResourceNotFoundError:
            if anyio.current_time() + pause > deadline:
                raise
        await anyio.sleep(pause)
        pause *= 2


async def add_stages(
    gateway: Gateway, retrier: Retrier, plan_name: str, stages: tuple[StageSpec, ...]
) -> None:
    """Add stages to a plan. After a lost reply look for them before anything is sent again.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        plan_name: The plan.
        stages: The stages to add.

    Raises:
        PlanMismatchError: If a reply was lost, and the plan has some of the stages only, or
            different ones with their names.
        OutcomeUnknownError: If a reply was lost, and it is not known whether the stages were
            added.
        SageMakerPlansError: What the last attempt raised.
    """
    names = ", ".join(stage.name for stage in stages)

    async def attempt() -> bool:
        wire = [stage.to_wire() for stage in stages]
        request = {"EdgeDeploymentPlanName": plan_name, "Stages": wire}
        replies.read_done(await gateway.call(CREATE_STAGES, request))
        return True

    async def find(error: SageMakerPlansError) -> bool | None:
        plan = await read_plan(gateway, retrier, plan_name)
        found = {stage.name: stage for stage in plan.stages}
        if not any(stage.name in found for stage in stages):
            return None
        differences = [
            difference
            for stage in stages
            for difference in _stage_differences(stage, found.get(stage.name))
        ]
        _raise_for(
            f"plan {plan_name} has stages of these names, but not as they were to be added",
            plan_name,
            differences,
            error,
            operation=CREATE_STAGES.name,
        )
        return True

    look = _Look(
        find,
        plan_name,
        what=f"the stages {names} may or may not have been added",
        nothing=f"plan {plan_name} was found without them, or not at all",
        again="adding them again",
    )
    await _create(retrier, CREATE_STAGES, attempt, look)


def raise_unless_spec(method: str, spec: object) -> None:
    """Check the argument of a method that creates a plan.

    Args:
        method: The method.
        spec: What was passed.

    Raises:
        InvalidRequestError: If it is not an EdgeDeploymentPlanSpec.
    """
    if not isinstance(spec, EdgeDeploymentPlanSpec):
        raise InvalidRequestError(
            method,
            (f"spec: an EdgeDeploymentPlanSpec is needed, got {shown(spec)}",),
            operation=CREATE_PLAN.name,
        )


@frozen
class _Look(Generic[T]):
    """How to find out whether a create took effect."""

    find: Callable[[SageMakerPlansError], Awaitable[T | None]]
    """Reads the plan; returns None if what was to be created is not there."""
    plan_name: str
    what: str = field(kw_only=True)
    """What is not known."""
    nothing: str = field(kw_only=True)
    """What a look showed that found nothing."""
    again: str = field(kw_only=True)
    """What not to do before somebody has checked."""

    def unknown(
        self, operation: Operation, seen: str, error: SageMakerPlansError
    ) -> OutcomeUnknownError:
        unknown = OutcomeUnknownError(
            f"{self.what}: {error}; {seen}; check with describe({self.plan_name!r}) before "
            f"{self.again}",
            operation=operation.name,
            plan_name=self.plan_name,
        )
        for note in getattr(error, "__notes__", ()):
            unknown.add_note(note)
        return unknown


async def _create(
    retrier: Retrier, operation: Operation, send: Callable[[], Awaitable[T]], look: _Look[T]
) -> T:
    may_exist = False

    async def attempt() -> T:
        nonlocal may_exist
        try:
            return await send()
        except SageMakerPlansError as error:
            happened = what_happened(error)
            # AWS does not document the error code for a name that is taken. So if an earlier
            # attempt may have had its effect, any service error may mean that it did.
            if happened is not Happened.AMBIGUOUS and not (
                happened is Happened.REFUSED and may_exist
            ):
                raise
            may_exist = True
            found = await _found(operation, look, error)
            if found is None:
                raise
            return found

    try:
        return await retrier.run(operation, attempt, after_look=True)
    except SageMakerPlansError as error:
        if not may_exist or what_happened(error) is Happened.REFUSED:
            raise
        # Nothing was found, but an earlier request may still be on its way.
        raise look.unknown(operation, look.nothing, error) from error


async def _found(operation: Operation, look: _Look[T], error: SageMakerPlansError) -> T | None:
    try:
        return await look.find(error)
    except ResourceNotFoundError:
        return None
    except PlanMismatchError:
        raise
    except SageMakerPlansError as failed:
        seen = f"the search for the plan failed too: {failed}"
        raise look.unknown(operation, seen, error) from failed


def raise_if_different(
    spec: EdgeDeploymentPlanSpec, plan: EdgeDeploymentPlan, error: SageMakerPlansError | None
) -> None:
    """Compare a plan that exists with the spec.

    Args:
        spec: The spec.
        plan: The plan.
        error: Why the plan was looked for; None for no failure.

    Raises:
        PlanMismatchError: If they differ. What the service fills in for what the spec leaves
            out is no difference.
    """
    _raise_for(
        f"a plan named {spec.name} exists ({plan.arn}), but it does not match the spec",
        spec.name,
        [*_differences(spec, plan)],
        error,
        operation=CREATE_PLAN.name,
    )


def _raise_for(
    message: str,
    plan_name: str,
    differences: list[str],
    error: SageMakerPlansError | None,
    *,
    operation: str,
) -> None:
    if differences:
        lines = "".join(f"\n  - {difference}" for difference in differences)
        mismatch = PlanMismatchError(
            f"{message}:{lines}", plan_name=plan_name, differences=tuple(differences)
        )
        mismatch.operation = operation
        raise mismatch from error


def _differences(spec: EdgeDeploymentPlanSpec, plan: EdgeDeploymentPlan) -> Iterator[str]:
    """Compare the plan that exists with the spec."""
    yield from _difference("device_fleet_name", spec.device_fleet_name, plan.device_fleet_name)
    # The service may list the models in any order.
    if Counter(spec.model_configs) != Counter(plan.model_configs):
        yield from _difference("model_configs", spec.model_configs, plan.model_configs)
    wanted = tuple(stage.name for stage in spec.stages)
    found = tuple(stage.name for stage in plan.stages)
    yield from _difference("stages", wanted, found)
    if wanted == found:
        for asked, there in zip(spec.stages, plan.stages, strict=True):
            yield from _stage_differences(asked, there)


def _stage_differences(asked: StageSpec, there: Stage | None) -> Iterator[str]:
    where = f"stage {asked.name}"
    if there is None:
        yield f"{where}: the plan does not have it"
        return
    if _comparable(asked.device_selection) != _comparable(there.device_selection):
        selections = asked.device_selection, there.device_selection
        yield from _difference(f"{where}: device_selection", *selections)
    # If the spec has no policy, the service uses this default.
    policy = asked.failure_handling_policy or FailureHandlingPolicy.ROLLBACK_ON_FAILURE
    yield from _difference(
        f"{where}: failure_handling_policy", str(policy), str(there.failure_handling_policy)
    )


def _comparable(selection: DeviceSelection) -> object:
    # The service may list named devices in any order, and each only once.
    if isinstance(selection, NamedDevices):
        return frozenset(selection.device_names)
    return selection


def _difference(what: str, asked: object, there: object) -> Iterator[str]:
    if asked != there:
        yield f"{what}: the spec has {shown(asked)}, the plan has {shown(there)}"
