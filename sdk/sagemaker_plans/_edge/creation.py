"""Creates plans. After a lost reply it looks for the plan before it sends anything again."""

from collections import Counter
from collections.abc import Iterator
from typing import cast

from attrs import define

from sagemaker_plans._edge.reading import read_plan, stage_pager
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_rules import Happened, what_happened
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire import replies
from sagemaker_plans._wire.operations import CREATE_PLAN
from sagemaker_plans.errors import (
    InvalidRequestError,
    OutcomeUnknownError,
    PlanMismatchError,
    ResourceNotFoundError,
    SageMakerPlansError,
)
from sagemaker_plans.models import (
    DeviceSelectionConfig,
    EdgeDeploymentPlan,
    EdgeDeploymentPlanSpec,
    FailureHandlingPolicy,
    NamedDevices,
    Stage,
    StageSpec,
)
from sagemaker_plans.models._validation import shown


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
    if not isinstance(cast("object", spec), EdgeDeploymentPlanSpec):
        raise InvalidRequestError(
            "create",
            (f"spec: an EdgeDeploymentPlanSpec is needed, got {shown(spec)}",),
            operation=CREATE_PLAN.name,
        )
    creation = _PlanCreation(gateway, retrier, spec)
    try:
        return await retrier.run(CREATE_PLAN, creation.attempt, after_look=True)
    except SageMakerPlansError as error:
        if not creation.may_exist or what_happened(error) is Happened.REFUSED:
            raise
        # The plan was not there, but an earlier request may still be on its way.
        seen = "no plan of that name was found"
        raise _outcome_unknown(spec, seen, error) from error


def _outcome_unknown(
    spec: EdgeDeploymentPlanSpec, seen: str, error: SageMakerPlansError
) -> OutcomeUnknownError:
    unknown = OutcomeUnknownError(
        f"plan {spec.name} may or may not have been created: {error}; {seen}; check with "
        f"describe({spec.name!r}) before creating it again",
        operation=CREATE_PLAN.name,
        plan_name=spec.name,
    )
    for note in getattr(error, "__notes__", ()):
        unknown.add_note(note)
    return unknown


@define(eq=False, repr=False)
class _PlanCreation:
    """One create, with all attempts at it."""

    gateway: Gateway
    retrier: Retrier
    spec: EdgeDeploymentPlanSpec
    may_exist: bool = False

    async def attempt(self) -> str:
        try:
            request = self.spec.to_wire()
            return replies.read_created(await self.gateway.call(CREATE_PLAN, request))
        except SageMakerPlansError as error:
            happened = what_happened(error)
            # AWS does not document the error code for a name that is taken. So if an earlier
            # attempt may have created the plan, any service error may mean that it did.
            if happened is not Happened.AMBIGUOUS and not (
                happened is Happened.REFUSED and self.may_exist
            ):
                raise
            self.may_exist = True
            found = await self._find_plan(error)
            if found is None:
                raise
            return found.arn

    async def _find_plan(self, error: SageMakerPlansError) -> EdgeDeploymentPlan | None:
        name = self.spec.name
        try:
            plan = await read_plan(stage_pager(self.gateway, self.retrier, name))
        except ResourceNotFoundError:
            return None
        except SageMakerPlansError as failed:
            seen = f"the search for the plan failed too: {failed}"
            raise _outcome_unknown(self.spec, seen, error) from failed
        if differences := tuple(_differences(self.spec, plan)):
            lines = "".join(f"\n  - {difference}" for difference in differences)
            raise PlanMismatchError(
                f"a plan named {name} exists ({plan.arn}), but it does not match the spec:{lines}",
                plan_name=name,
                differences=differences,
            ) from error
        return plan


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


def _stage_differences(asked: StageSpec, there: Stage) -> Iterator[str]:
    where = f"stage {asked.name}"
    if _comparable(asked.device_selection) != _comparable(there.device_selection):
        selections = asked.device_selection, there.device_selection
        yield from _difference(f"{where}: device_selection", *selections)
    # If the spec has no policy, the service uses this default.
    policy = asked.failure_handling_policy or FailureHandlingPolicy.ROLLBACK_ON_FAILURE
    yield from _difference(
        f"{where}: failure_handling_policy", str(policy), str(there.failure_handling_policy)
    )


def _comparable(selection: DeviceSelectionConfig) -> object:
    # The service may list named devices in any order, and each only once.
    if isinstance(selection, NamedDevices):
        return frozenset(selection.device_names)
    return selection


def _difference(what: str, asked: object, there: object) -> Iterator[str]:
    if asked != there:
        yield f"{what}: the spec has {shown(asked)}, the plan has {shown(there)}"
