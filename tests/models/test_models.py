"""The models are values: frozen, slotted, comparable, hashable, and picklable."""

import ast
import copy
import inspect
import pickle
import re
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from enum import Enum
from itertools import pairwise
from typing import Any, Final

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.samples.model_strategies import ANY_MODEL, BRIEF, PATIENT, device_counts
from sagemaker_plans import models
from sagemaker_plans.errors import InvalidRequestError
from sagemaker_plans.models import (
    DeviceCounts,
    DeviceSelectionConfig,
    DeviceSubsetType,
    EdgeDeploymentPlan,
    EdgeDeploymentPlanSpec,
    FailureHandlingPolicy,
    ModelConfig,
    NameContains,
    NamedDevices,
    PercentageOfFleet,
    Stage,
    StagePage,
    StageSpec,
    StageStatus,
    TrainingPlanExtension,
    UnrecognizedSelection,
)
from sagemaker_plans.models._enums import OpenEnum

MODELS: Final[list[type]] = [
    found
    for found in vars(models).values()
    if inspect.isclass(found) and found.__name__ in models.__all__ and attrs.has(found)
]
ENUMS: Final[list[type[OpenEnum]]] = [*OpenEnum.__subclasses__()]

every_class = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
every_model = pytest.mark.parametrize("name", ANY_MODEL)
every_enum = pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
every_member = pytest.mark.parametrize("member", [member for enum in ENUMS for member in enum])


def stage(name: str = "canary", status: StageStatus = StageStatus.DEPLOYED) -> Stage:
    return Stage(
        name=name,
        device_selection=PercentageOfFleet(5),
        failure_handling_policy=FailureHandlingPolicy.DO_NOTHING,
        status=status,
        devices=DeviceCounts(3, 0, 1),
        start_time=datetime(2026, 3, 1, tzinfo=UTC),
    )


def plan(*stages: Stage) -> EdgeDeploymentPlan:
    return EdgeDeploymentPlan(
        arn="arn", name="spring", device_fleet_name="cameras", model_configs=(), stages=stages
    )


def attribute_names(model: object) -> list[str]:
    cls: Any = type(model)
    return list(attrs.fields_dict(cls))


# --- all models ---


def test_the_public_names_are_sorted() -> None:
    assert models.__all__ == sorted(models.__all__)


def test_every_public_model_is_drawn_in_these_tests() -> None:
    selections = {cls.__name__ for cls in MODELS if issubclass(cls, DeviceSelectionConfig)}
    drawn = set(ANY_MODEL) - {"DeviceSelectionConfig", "UnrecognizedSelection"}
    assert drawn == {cls.__name__ for cls in MODELS} - selections


def test_the_public_names_are_models_enums_the_selections_base_and_the_outcomes() -> None:
    known = {cls.__name__ for cls in [*MODELS, *ENUMS]}
    assert set(models.__all__) - known == {
        "CandidateVerdict",
        "DeviceSelection",
        "DeviceSelectionConfig",
        "PurchaseOutcome",
        "StageOutcome",
        "TrainingPlanSortBy",
        "TrainingPlanSortOrder",
    }


@every_class
def test_models_are_slotted(model: type) -> None:
    assert "__dict__" not in dir(model)


@every_class
def test_every_attribute_of_a_model_is_documented(model: type) -> None:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(definition, ast.ClassDef)
    documented = {
        statement.target.id
        for statement, below in pairwise(definition.body)
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
    }
    assert {attribute.name for attribute in attrs.fields(model)} - documented == set()


@every_model
@BRIEF
@given(data=st.data())
def test_no_attribute_can_be_set(name: str, data: st.DataObject) -> None:
    model = data.draw(ANY_MODEL[name])
    for attribute in attribute_names(model):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(model, attribute, None)


@every_model
@BRIEF
@given(data=st.data())
def test_no_attribute_is_a_list(name: str, data: st.DataObject) -> None:
    model = data.draw(ANY_MODEL[name])
    values = [getattr(model, attribute) for attribute in attribute_names(model)]
    assert [value for value in values if isinstance(value, list)] == []


@every_model
@PATIENT
@given(data=st.data())
def test_models_survive_pickling(name: str, data: st.DataObject) -> None:
    model = data.draw(ANY_MODEL[name])
    assert pickle.loads(pickle.dumps(model)) == model


@every_model
@BRIEF
@given(data=st.data())
def test_models_survive_copying(name: str, data: st.DataObject) -> None:
    model = data.draw(ANY_MODEL[name])
    assert (copy.copy(model), copy.deepcopy(model)) == (model, model)


@every_model
@BRIEF
@given(data=st.data())
def test_equal_models_have_equal_hashes(name: str, data: st.DataObject) -> None:
    model = data.draw(ANY_MODEL[name])
    assert len({model, copy.deepcopy(model)}) == 1


@pytest.mark.parametrize("attribute", [field.name for field in attrs.fields(Stage)])
def test_stages_that_differ_in_one_attribute_are_not_equal(attribute: str) -> None:
    others: dict[str, object] = {
        "name": "everyone",
        "device_selection": PercentageOfFleet(6),
        "failure_handling_policy": FailureHandlingPolicy.ROLLBACK_ON_FAILURE,
        "status": StageStatus.FAILED,
        "status_message": "why",
        "devices": DeviceCounts(3, 1, 1),
        "start_time": None,
    }
    change: Any = {attribute: others[attribute]}
    assert attrs.evolve(stage(), **change) != stage()


def test_models_of_two_classes_are_not_equal() -> None:
    selections: set[DeviceSelectionConfig] = {NameContains("cam"), NamedDevices(["cam"])}
    assert len(selections) == 2


def test_specs_that_differ_in_their_tags_only_are_not_equal() -> None:
    def spec(value: str) -> EdgeDeploymentPlanSpec:
        return EdgeDeploymentPlanSpec(
            "spring", device_fleet_name="cameras", model_configs=[], tags={"team": value}
        )

    assert spec("vision") != spec("audio")


def test_unrecognized_selections_that_differ_in_their_wire_are_not_equal() -> None:
    assert UnrecognizedSelection({"Age": 1}) != UnrecognizedSelection({"Age": 2})


def test_the_models_alone_can_be_written_to_the_wire() -> None:
    program = "from sagemaker_plans.models import NameContains as N; print(N('cam').to_wire())"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == str(NameContains("cam").to_wire())


# --- plans and stages ---


def test_a_stage_is_found_by_its_name() -> None:
    everyone = stage("everyone")
    assert plan(stage("canary"), everyone).stage("everyone") is everyone


@pytest.mark.parametrize(
    ("stages", "known"), [((), "none"), (("canary", "everyone"), "canary, everyone")]
)
def test_a_stage_that_is_not_there_is_a_key_error_that_lists_the_others(
    stages: tuple[str, ...], known: str
) -> None:
    with pytest.raises(KeyError) as caught:
        plan(*map(stage, stages)).stage("Canary")
    assert caught.value.args == (f"plan spring has no stage 'Canary'; its stages: {known}",)


TERMINAL: Final = {StageStatus.DEPLOYED, StageStatus.FAILED, StageStatus.STOPPED}


@pytest.mark.parametrize("status", [*StageStatus, StageStatus("PAUSED"), StageStatus("")])
def test_only_deployed_failed_and_stopped_are_terminal(status: StageStatus) -> None:
    assert status.is_terminal == (status in TERMINAL)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((), True),
        (("DEPLOYED",), True),
        (("DEPLOYED", "FAILED", "STOPPED"), True),
        (("DEPLOYED", "READYTODEPLOY"), False),
        (("STOPPING",), False),
        (("DEPLOYED", "PAUSED"), False),
    ],
)
def test_a_plan_is_finished_when_every_stage_is_terminal(
    statuses: tuple[str, ...], expected: object
) -> None:
    stages = [stage(f"s{n}", StageStatus(status)) for n, status in enumerate(statuses)]
    assert plan(*stages).is_finished == expected


def test_a_stage_gives_the_spec_that_would_create_it() -> None:
    expected = StageSpec("canary", PercentageOfFleet(5), FailureHandlingPolicy.DO_NOTHING)
    assert stage().to_spec() == expected


def test_a_stage_of_tomorrows_policy_gives_a_spec_with_it() -> None:
    policy = FailureHandlingPolicy("TOMORROW")
    assert attrs.evolve(stage(), failure_handling_policy=policy).to_spec() == StageSpec(
        "canary", PercentageOfFleet(5), policy
    )


def test_a_stage_of_an_unrecognized_selection_gives_no_spec() -> None:
    odd = attrs.evolve(stage(), device_selection=UnrecognizedSelection({}))
    with pytest.raises(InvalidRequestError, match="can be read but not sent"):
        odd.to_spec()


def test_the_page_of_a_plan_has_its_stages_beside_the_header() -> None:
    page = StagePage(plan=plan(), stages=(stage(),), next_token=None)
    assert (page.plan.stages, page.stages) == ((), (stage(),))


# --- device counts ---


def test_the_total_counts_every_device() -> None:
    assert DeviceCounts(succeeded=3, pending=4, failed=1).total == 8


@pytest.mark.parametrize(
    ("counts", "fraction"),
    [
        (DeviceCounts(0, 0, 0), 0.0),
        (DeviceCounts(0, 5, 0), 0.0),
        (DeviceCounts(3, 4, 1), 0.5),
        (DeviceCounts(0, 0, 2), 1.0),
        (DeviceCounts(2, 0, 0), 1.0),
    ],
)
def test_the_fraction_done_is_the_share_that_is_no_longer_pending(
    counts: DeviceCounts, fraction: float
) -> None:
    assert counts.fraction_done == fraction


@PATIENT
@given(device_counts().filter(lambda c: min(c.succeeded, c.pending, c.failed) >= 0))
def test_the_fraction_done_is_between_none_and_all(counts: DeviceCounts) -> None:
    assert 0.0 <= counts.fraction_done <= 1.0


# --- selections ---


def told(selection: DeviceSelectionConfig) -> object:
    match selection:
        case PercentageOfFleet(percentage):
            return percentage
        case NamedDevices(device_names):
            return device_names
        case NameContains(device_name_contains):
            return device_name_contains
        case UnrecognizedSelection(wire):
            return wire
        case _:
            return "none of them"


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (PercentageOfFleet(5), 5),
        (NamedDevices(["cam-1", "cam-2"]), ("cam-1", "cam-2")),
        (NameContains("cam"), "cam"),
        (UnrecognizedSelection({"Age": 7}), {"Age": 7}),
    ],
)
def test_selections_are_told_apart_by_match(
    selection: DeviceSelectionConfig, expected: object
) -> None:
    assert told(selection) == expected


@pytest.mark.parametrize(
    ("selection", "kind"),
    [
        (PercentageOfFleet(5), DeviceSubsetType.PERCENTAGE),
        (NamedDevices(["cam-1"]), DeviceSubsetType.SELECTION),
        (NameContains("cam"), DeviceSubsetType.NAMECONTAINS),
        (UnrecognizedSelection({"DeviceSubsetType": "BYAGE"}), DeviceSubsetType("BYAGE")),
        (UnrecognizedSelection({}), DeviceSubsetType("")),
    ],
)
def test_a_selection_tells_the_services_name_of_its_kind(
    selection: DeviceSelectionConfig, kind: DeviceSubsetType
) -> None:
    assert selection.device_subset_type == kind


def test_the_base_class_of_selections_cannot_be_created() -> None:
    kind: Any = DeviceSelectionConfig
    with pytest.raises(TypeError, match="abstract"):
        kind()


# --- open enums ---


@every_member
def test_a_known_value_is_the_member(member: OpenEnum) -> None:
    assert type(member)(str(member)) is member


@every_member
def test_a_known_value_is_not_unknown(member: OpenEnum) -> None:
    assert not member.is_unknown


@every_member
def test_a_known_value_has_the_usual_repr(member: OpenEnum) -> None:
    assert repr(member) == f"<{type(member).__name__}.{member.name}: {member.value!r}>"


@every_member
def test_the_name_of_a_member_is_its_value_in_capitals(member: OpenEnum) -> None:
    assert member.name.isupper()
    spelled = [re.sub(r"[^A-Z]", "", text.upper()) for text in (member.name, member.value)]
    assert spelled[0] == spelled[1]


@every_enum
@PATIENT
@given(text=st.text())
def test_an_unknown_value_is_like_its_text(enum: type[OpenEnum], text: str) -> None:
    value = enum(text)
    # A known value may have another name than its text, such as ACTIVE for Active.
    assume(value.is_unknown)
    assert (value == text, hash(value), str(value), value.value, value.name) == (
        True,
        hash(text),
        text,
        text,
        text,
    )


@every_enum
@pytest.mark.parametrize("text", ["TOMORROW", "", "deployed", "is_unknown", "name", " DEPLOYED"])
def test_an_unknown_value_is_unknown(enum: type[OpenEnum], text: str) -> None:
    assert enum(text).is_unknown


@every_enum
def test_an_unknown_value_is_of_the_enums_type(enum: type[OpenEnum]) -> None:
    assert isinstance(enum("TOMORROW"), enum)


@every_enum
def test_an_unknown_value_says_so_in_its_repr(enum: type[OpenEnum]) -> None:
    assert repr(enum("TOMORROW")) == f"<{enum.__name__} unknown value: 'TOMORROW'>"


@every_enum
@PATIENT
@given(text=st.text())
def test_an_unknown_value_equals_itself_read_again(enum: type[OpenEnum], text: str) -> None:
    assert len({enum(text), enum(text)}) == 1


def test_unknown_values_of_other_texts_are_not_equal() -> None:
    assert StageStatus("PAUSED") != StageStatus("QUEUED")


@every_enum
@PATIENT
@given(text=st.text())
def test_an_unknown_value_survives_pickling(enum: type[OpenEnum], text: str) -> None:
    found = pickle.loads(pickle.dumps(enum(text)))
    assert (type(found), found, found.is_unknown) == (enum, text, enum(text).is_unknown)


@every_enum
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_an_unknown_value_survives_copying(enum: type[OpenEnum], duplicate: Any) -> None:
    found = duplicate(enum("TOMORROW"))
    assert (type(found), found, found.is_unknown) == (enum, "TOMORROW", True)


@every_enum
def test_unknown_values_are_not_met_when_iterating(enum: type[OpenEnum]) -> None:
    before = list(enum)
    enum("TOMORROW")
    assert list(enum) == before


@every_enum
def test_unknown_values_are_not_remembered(enum: type[OpenEnum]) -> None:
    assert enum("TOMORROW") is not enum("TOMORROW")


@every_enum
@pytest.mark.parametrize("value", [None, 5, True, b"FAILED", ["FAILED"]], ids=repr)
def test_what_is_no_text_is_no_value_of_an_enum(enum: type[OpenEnum], value: Any) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        enum(value)


def test_a_value_of_another_enum_is_taken_as_its_text() -> None:
    stranger = StageStatus(DeviceSubsetType.SELECTION)
    assert (type(stranger.value), repr(stranger)) == (
        str,
        "<StageStatus unknown value: 'SELECTION'>",
    )


@every_enum
def test_open_enums_are_enums(enum: type[OpenEnum]) -> None:
    assert issubclass(enum, Enum)


# --- training plans ---


def test_an_extension_needs_no_more_than_its_offering() -> None:
    optional = attrs.asdict(TrainingPlanExtension(offering_id="tpeo-1"))
    assert {name for name, value in optional.items() if value is not None} == {"offering_id"}


def test_a_model_config_can_be_given_by_position() -> None:
    assert ModelConfig("detector", "detector-v7") == ModelConfig(
        model_handle="detector", edge_packaging_job_name="detector-v7"
    )
