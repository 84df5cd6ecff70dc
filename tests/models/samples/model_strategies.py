"""Hypothesis strategies for the models and their wire forms.

What the service says is drawn wide (any text, any number); what is asked of it is
drawn from all that it is documented to take.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, cast, get_args

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from harness import examples
from models.samples import training_plan_strategies
from sagemaker_plans._wire.values import parse_fee
from sagemaker_plans.models import (
    CandidateVerdict,
    Coverage,
    DeviceCounts,
    DeviceDeploymentStatus,
    DeviceSelectionConfig,
    DeviceSubsetType,
    EdgeDeploymentPlan,
    EdgeDeploymentPlanSpec,
    EdgeDeploymentPlanSummary,
    ExtensionCandidate,
    ExtensionChoice,
    ExtensionPage,
    ExtensionReceipt,
    FailureHandlingPolicy,
    ModelConfig,
    NameContains,
    NamedDevices,
    PercentageOfFleet,
    PlanSummaryPage,
    PurchaseOutcome,
    RolloutReport,
    Stage,
    StageChange,
    StageDevice,
    StageDevicePage,
    StageOutcome,
    StagePage,
    StageReport,
    StageSpec,
    StageStatus,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
    UnrecognizedSelection,
)
from sagemaker_plans.models._wire_form import WireModel

PATIENT: Final = settings(
    deadline=None, max_examples=examples(25), suppress_health_check=[HealthCheck.too_slow]
)
"""For property tests: a slow machine is not a failure."""
BRIEF: Final = settings(PATIENT, max_examples=examples(5))
"""For properties that depend on a model's class more than on its values."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST_EXACT: Final = EPOCH + timedelta(seconds=2**33)
"""Up to here (March 2242) a double distinguishes one microsecond from the next."""

TIMESTAMP_MEMBERS: Final = frozenset(
    {
        "CreationTime",
        "DeploymentStartTime",
        "EdgeDeploymentStageStartTime",
        "EndDate",
        "ExtendedAt",
        "LastModifiedTime",
        "StartDate",
    }
    | training_plan_strategies.MEMBERS_WITH_TIMES
)


def moments() -> st.SearchStrategy[datetime]:
    """Timestamps of which a double holds every microsecond."""
    return st.integers(0, 2**33 * 1_000_000).map(lambda n: EPOCH + timedelta(microseconds=n))


def names() -> st.SearchStrategy[str]:
    """Names that the service accepts."""
    return st.from_regex(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?", fullmatch=True)


def statuses() -> st.SearchStrategy[StageStatus]:
    return st.sampled_from([*StageStatus]) | st.text().map(StageStatus)


def policies() -> st.SearchStrategy[FailureHandlingPolicy]:
    return st.sampled_from([*FailureHandlingPolicy]) | st.text().map(FailureHandlingPolicy)


def _json_values() -> st.SearchStrategy[object]:
    scalars = st.none() | st.booleans() | st.integers() | st.text()
    # Typed by hand: recursive() joins the types of its parts.
    nested: st.SearchStrategy[object] = st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    )
    return nested


def _strange_wires() -> st.SearchStrategy[dict[str, object]]:
    known = set(DeviceSubsetType)
    members = st.text().filter(
        lambda key: (
            key not in {"DeviceSubsetType", "Percentage", "DeviceNames"}
            and key != "DeviceNameContains"
        )
    )
    kinds = st.text().filter(lambda kind: kind not in known)
    return st.builds(_strange_wire, kinds, st.dictionaries(members, _json_values(), max_size=3))


def _strange_wire(kind: str, others: dict[str, object]) -> dict[str, object]:
    return {"DeviceSubsetType": kind, **others}


def unrecognized_selections() -> st.SearchStrategy[UnrecognizedSelection]:
    # A type that AWS may add later, or a known type without its member.
    torn = st.sampled_from([{"DeviceSubsetType": kind.value} for kind in DeviceSubsetType])
    return st.builds(
        UnrecognizedSelection, _strange_wires() | cast("st.SearchStrategy[dict[str, object]]", torn)
    )


def described_selections() -> st.SearchStrategy[DeviceSelectionConfig]:
    """Selections that a reply may bring and this release understands."""
    return st.one_of(
        st.builds(PercentageOfFleet, st.integers()),
        st.builds(NamedDevices, st.lists(st.text(), max_size=4)),
        st.builds(NameContains, st.text()),
    )


def requested_selections() -> st.SearchStrategy[DeviceSelectionConfig]:
    """Selections that the service accepts."""
    return st.one_of(
        st.builds(PercentageOfFleet, st.integers(1, 100)),
        st.builds(NamedDevices, st.lists(names(), min_size=1, max_size=4)),
        st.builds(NameContains, names()),
    )


def device_counts() -> st.SearchStrategy[DeviceCounts]:
    # The model's own bound is the width of a wire integer.
    number = st.integers(-(2**31), 2**31 - 1)
    return st.builds(DeviceCounts, number, number, number)


def model_configs() -> st.SearchStrategy[ModelConfig]:
    return st.builds(ModelConfig, st.text(), st.text())


def stages(
    selections: Callable[[], st.SearchStrategy[DeviceSelectionConfig]] = lambda: (
        described_selections() | unrecognized_selections()
    ),
) -> st.SearchStrategy[Stage]:
    return st.builds(
        Stage,
        name=st.text(),
        device_selection=selections(),
        failure_handling_policy=policies(),
        status=statuses(),
        status_message=st.none() | st.text(),
        devices=device_counts(),
        start_time=st.none() | moments(),
    )


def plans(
    of_stages: Callable[[], st.SearchStrategy[Stage]] = stages, *, most: int = 3
) -> st.SearchStrategy[EdgeDeploymentPlan]:
    return st.builds(
        EdgeDeploymentPlan,
        arn=st.text(),
        name=st.text(),
        device_fleet_name=st.text(),
        model_configs=st.lists(model_configs(), max_size=2).map(tuple),
        stages=st.lists(of_stages(), max_size=most).map(tuple),
        devices=st.none() | device_counts(),
        creation_time=st.none() | moments(),
        last_modified_time=st.none() | moments(),
    )


def understood_plans() -> st.SearchStrategy[EdgeDeploymentPlan]:
    """Plans without an unrecognized selection, which alone keeps unknown members."""
    return plans(lambda: stages(described_selections))


def stage_specs() -> st.SearchStrategy[StageSpec]:
    return st.builds(StageSpec, names(), requested_selections(), st.none() | policies())


def _tag_texts(shortest: int, longest: int) -> st.SearchStrategy[str]:
    characters = st.characters(categories=["L", "Z", "N"], include_characters="_.:/=+-@")
    return st.text(characters, min_size=shortest, max_size=longest)


def tags() -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(_tag_texts(1, 128), _tag_texts(0, 256), max_size=3)


def plan_specs() -> st.SearchStrategy[EdgeDeploymentPlanSpec]:
    return st.builds(
        EdgeDeploymentPlanSpec,
        names(),
        device_fleet_name=names(),
        model_configs=st.lists(st.builds(ModelConfig, names(), names()), max_size=3),
        stages=st.lists(stage_specs(), max_size=10, unique_by=lambda stage: stage.name),
        tags=st.none() | tags(),
    )


def fee_texts() -> st.SearchStrategy[str | None]:
    return st.none() | st.text() | st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,4})?", fullmatch=True)


def extensions() -> st.SearchStrategy[TrainingPlanExtension]:
    text = st.none() | st.text()

    def extension(fee: str | None) -> st.SearchStrategy[TrainingPlanExtension]:
        return st.builds(
            TrainingPlanExtension,
            offering_id=st.text(),
            extended_at=st.none() | moments(),
            start_date=st.none() | moments(),
            end_date=st.none() | moments(),
            status=text,
            payment_status=text,
            availability_zone=text,
            availability_zone_id=text,
            duration_hours=st.none() | st.integers(),
            upfront_fee=st.just(parse_fee(fee)),
            currency_code=text,
            upfront_fee_text=st.just(fee),
        )

    return fee_texts().flatmap(extension)


def offerings() -> st.SearchStrategy[TrainingPlanExtensionOffering]:
    text = st.none() | st.text()

    def offering(fee: str | None) -> st.SearchStrategy[TrainingPlanExtensionOffering]:
        return st.builds(
            TrainingPlanExtensionOffering,
            offering_id=st.text(),
            availability_zone=text,
            start_date=st.none() | moments(),
            end_date=st.none() | moments(),
            duration_hours=st.none() | st.integers(),
            upfront_fee=st.just(parse_fee(fee)),
            currency_code=text,
            upfront_fee_text=st.just(fee),
        )

    return fee_texts().flatmap(offering)


def stage_pages() -> st.SearchStrategy[StagePage]:
    return st.builds(
        StagePage,
        plan=plans(most=0),
        stages=st.lists(stages(), max_size=2).map(tuple),
        next_token=st.none() | st.text(min_size=1),
    )


def plan_summaries() -> st.SearchStrategy[EdgeDeploymentPlanSummary]:
    return st.builds(
        EdgeDeploymentPlanSummary,
        arn=st.text(),
        name=st.text(),
        device_fleet_name=st.text(),
        devices=device_counts(),
        creation_time=st.none() | moments(),
        last_modified_time=st.none() | moments(),
    )


def plan_summary_pages() -> st.SearchStrategy[PlanSummaryPage]:
    return st.builds(
        PlanSummaryPage,
        plans=st.lists(plan_summaries(), max_size=2).map(tuple),
        next_token=st.none() | st.text(min_size=1),
    )


def stage_devices() -> st.SearchStrategy[StageDevice]:
    text = st.none() | st.text()
    known = st.sampled_from([*DeviceDeploymentStatus])
    return st.builds(
        StageDevice,
        name=st.text(),
        arn=st.text(),
        status=st.none() | known | st.text().map(DeviceDeploymentStatus),
        status_message=text,
        deployed_stage_name=text,
        device_fleet_name=text,
        description=text,
        start_time=st.none() | moments(),
        plan_arn=st.text(),
        plan_name=st.text(),
        stage_name=st.text(),
    )


def stage_device_pages() -> st.SearchStrategy[StageDevicePage]:
    return st.builds(
        StageDevicePage,
        devices=st.lists(stage_devices(), max_size=2).map(tuple),
        next_token=st.none() | st.text(min_size=1),
    )


def stage_reports() -> st.SearchStrategy[StageReport]:
    outcomes: list[StageOutcome] = ["already_deployed", "deployed", "under_way", "not_started"]
    return st.builds(
        StageReport,
        stage=stages(),
        outcome=st.sampled_from(outcomes),
        was_started=st.booleans(),
    )


def rollout_reports() -> st.SearchStrategy[RolloutReport]:
    return st.builds(
        RolloutReport,
        plan_name=names(),
        stages=st.lists(stage_reports(), max_size=2).map(tuple),
        may_still_run=st.lists(names(), max_size=2).map(tuple),
        failed_devices=st.lists(stage_devices(), max_size=2).map(tuple),
    )


def stage_changes() -> st.SearchStrategy[StageChange]:
    return st.builds(StageChange, stage=stages(), previous=st.none() | stages())


def extension_pages() -> st.SearchStrategy[ExtensionPage]:
    return st.builds(
        ExtensionPage,
        extensions=st.lists(extensions(), max_size=2).map(tuple),
        next_token=st.none() | st.text(min_size=1),
    )


def candidates() -> st.SearchStrategy[ExtensionCandidate]:
    return st.builds(
        ExtensionCandidate,
        offering=offerings(),
        usable_until=st.none() | moments(),
        covers=st.booleans(),
        verdict=st.sampled_from(get_args(CandidateVerdict)),
        reason=names(),
    )


def choices() -> st.SearchStrategy[ExtensionChoice]:
    return st.builds(
        ExtensionChoice,
        training_plan_arn=names(),
        until=moments(),
        offering=st.none() | offerings(),
        covers=st.booleans(),
        usable_until=st.none() | moments(),
        reason=names(),
        candidates=st.lists(candidates(), max_size=2).map(tuple),
        combination=st.lists(offerings(), max_size=2).map(tuple),
        combination_fee=st.none() | st.decimals(0, 9, places=2),
    )


def coverages() -> st.SearchStrategy[Coverage]:
    return st.builds(
        Coverage,
        training_plan_arn=names(),
        until=moments(),
        covered=st.booleans(),
        usable_until=st.none() | moments(),
        bought=st.lists(receipts(), max_size=1).map(tuple),
        spent=st.decimals(0, 9, places=2),
        budget=st.decimals(0, 9, places=2),
        currency_code=names(),
        pending=st.none() | extensions(),
        next_at=st.none() | moments(),
        late=st.booleans(),
    )


def receipts() -> st.SearchStrategy[ExtensionReceipt]:
    outcomes: list[PurchaseOutcome] = ["purchased", "already_purchased", "confirmed_by_history"]
    return st.builds(
        ExtensionReceipt,
        extension=extensions(),
        extensions=st.lists(extensions(), max_size=2).map(tuple),
        outcome=st.sampled_from(outcomes),
    )


UNDERSTOOD: Final[Mapping[str, st.SearchStrategy[WireModel]]] = {
    "DeviceCounts": device_counts(),
    "DeviceSelectionConfig": described_selections(),
    "EdgeDeploymentPlan": understood_plans(),
    "EdgeDeploymentPlanSpec": plan_specs(),
    "EdgeDeploymentPlanSummary": plan_summaries(),
    "ModelConfig": model_configs(),
    "Stage": stages(described_selections),
    "StageDevice": stage_devices(),
    "StageSpec": stage_specs(),
    "TrainingPlanExtension": extensions(),
    "TrainingPlanExtensionOffering": offerings(),
    **training_plan_strategies.wire_models(moments()),
}
"""By its name, every model with a wire form, in forms that this release knows."""

WITH_WIRE_FORM: Final[Mapping[str, st.SearchStrategy[WireModel]]] = {
    **UNDERSTOOD,
    "EdgeDeploymentPlan": plans(),
    "Stage": stages(),
    "UnrecognizedSelection": unrecognized_selections(),
}
"""By its name, every model with a wire form."""

ANY_MODEL: Final[Mapping[str, st.SearchStrategy[WireModel]]] = {
    **WITH_WIRE_FORM,
    "Coverage": coverages(),
    "ExtensionCandidate": candidates(),
    "ExtensionChoice": choices(),
    "ExtensionPage": extension_pages(),
    "ExtensionReceipt": receipts(),
    "PlanSummaryPage": plan_summary_pages(),
    "RolloutReport": rollout_reports(),
    "StageChange": stage_changes(),
    "StageDevicePage": stage_device_pages(),
    "StagePage": stage_pages(),
    **training_plan_strategies.pages(moments()),
    "StageReport": stage_reports(),
}
"""By its name, every model."""


def rewritten(wire: object, change: Callable[[str, object], object], key: str = "") -> object:
    """Copy a wire form, changing its values by their member's name.

    Args:
        wire: A wire form, or a value in one.
        change: Takes a member's name (empty at the top and in a list) and its value,
            whose inside was changed before, and gives the new value.
        key: The name of the member that ``wire`` is the value of.

    Returns:
        The new wire form.
    """
    if isinstance(wire, dict):
        members = cast("dict[str, object]", wire)
        return change(key, {name: rewritten(item, change, name) for name, item in members.items()})
    if isinstance(wire, list):
        return change(key, [rewritten(item, change) for item in cast("list[object]", wire)])
    return change(key, wire)
