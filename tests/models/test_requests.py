"""What the service is documented to refuse is refused at once, in words to act on."""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness import examples
from models import service_model
from models.samples.model_strategies import PATIENT, names, plan_specs, stage_specs
from sagemaker_plans.errors import InvalidRequestError
from sagemaker_plans.models import (
    EdgeDeploymentPlanSpec,
    FailureHandlingPolicy,
    ModelConfig,
    NameContains,
    NamedDevices,
    PercentageOfFleet,
    StageSpec,
    UnrecognizedSelection,
    _validation,
)

NAME_RULE: Final = (
    "allowed are 1 to 63 letters (a-z, A-Z), digits and hyphens, "
    "with a letter or digit at both ends"
)
TAG_TEXT: Final = "letters, digits, spaces and any of _ . : / = + - @"
DETECTOR: Final = ModelConfig("detector", "detector-v7")
CANARY: Final = StageSpec("canary", PercentageOfFleet(5))
PLAN_ARN: Final = "arn:aws:sagemaker:eu-west-1:111122223333:edge-deployment/spring"
TRAINING_ARN: Final = "arn:aws:sagemaker:us-east-1:111122223333:training-plan/big"


def refusals(make: Callable[..., object], *args: Any, **kwargs: Any) -> tuple[str, ...]:
    """Call with what is refused, and give the problems that are listed."""
    with pytest.raises(InvalidRequestError) as caught:
        make(*args, **kwargs)
    return caught.value.problems


def plan(
    name: Any = "spring",
    *,
    fleet: Any = "cameras",
    models: Any = (DETECTOR,),
    stages: Any = (CANARY,),
    tags: Any = None,
) -> EdgeDeploymentPlanSpec:
    return EdgeDeploymentPlanSpec(
        name, device_fleet_name=fleet, model_configs=models, stages=stages, tags=tags
    )


def stage(
    name: Any = "canary", selection: Any = CANARY.device_selection, policy: Any = None
) -> Any:
    return StageSpec(name, selection, policy)


# --- names ---

WRONG_NAMES: Final = {
    "empty": ("", "''"),
    "too long": ("a" * 64, repr("a" * 64)),
    "hyphen first": ("-a", "'-a'"),
    "hyphen last": ("a-", "'a-'"),
    "underscore": ("a_b", "'a_b'"),
    "space": ("a b", "'a b'"),
    "newline last": ("a\n", r"'a\n'"),
    "letter of another script": ("é", "'é'"),
    "digit of another script": ("٣", "'٣'"),
}


@pytest.mark.parametrize(("value", "shown"), WRONG_NAMES.values(), ids=WRONG_NAMES)
def test_a_name_that_breaks_the_pattern_is_refused(value: str, shown: str) -> None:
    assert refusals(plan, value) == (f"name: got {shown}; {NAME_RULE}",)


@pytest.mark.parametrize("value", [None, 5, True, b"spring", ["spring"]], ids=repr)
def test_a_name_that_is_no_text_is_refused(value: object) -> None:
    assert refusals(plan, value) == (f"name: a string is needed, got {value!r}",)


def test_an_arn_in_place_of_a_name_is_recognized() -> None:
    assert refusals(plan, PLAN_ARN) == (
        f"name: got '{PLAN_ARN}'; {NAME_RULE}; this is an ARN, its name is needed",
    )


def test_a_long_value_is_shortened_in_the_message() -> None:
    (problem,) = refusals(plan, "x" * 5000)
    assert len(problem) < 250


NAMED: Final[Mapping[str, Callable[[str], object]]] = {
    "name": plan,
    "device_fleet_name": lambda name: plan(fleet=name),
    "model_configs[0].model_handle": lambda name: plan(models=[ModelConfig(name, "job")]),
    "model_configs[1].edge_packaging_job_name": lambda name: plan(
        models=[DETECTOR, ModelConfig("detector", name)]
    ),
}


@pytest.mark.parametrize(("argument", "make"), NAMED.items(), ids=NAMED)
def test_every_name_of_a_plan_is_checked(argument: str, make: Callable[[str], object]) -> None:
    assert refusals(make, "-") == (f"{argument}: got '-'; {NAME_RULE}",)


STAGE_NAMED: Final[Mapping[str, Callable[[str], object]]] = {
    "name": stage,
    "device_selection.device_names[1]": lambda name: stage(selection=NamedDevices(["a", name])),
    "device_selection.device_name_contains": lambda name: stage(selection=NameContains(name)),
}


@pytest.mark.parametrize(("argument", "make"), STAGE_NAMED.items(), ids=STAGE_NAMED)
def test_every_name_of_a_stage_is_checked(argument: str, make: Callable[[str], object]) -> None:
    assert refusals(make, "-") == (f"{argument}: got '-'; {NAME_RULE}",)


@pytest.mark.parametrize("name", ["a", "9", "a" * 63, "a--b", "A-1", "1" + "-" * 61 + "1"])
def test_a_name_within_the_rule_is_taken(name: str) -> None:
    assert plan(name).name == name


AWS_NAME: Final = re.compile(
    service_model.service().shape_for("EntityName").metadata.get("pattern", ""), re.ASCII
)

NEAR_NAMES: Final = st.one_of(
    st.text("aZ9", min_size=55, max_size=70),
    st.text("aZ9-_é\n ٣.", max_size=12),
    names(),
    st.text(max_size=5),
    st.builds(str.__add__, names(), st.sampled_from(["-", "--", "\n", "_", "a"])),
)


@settings(PATIENT, max_examples=examples(300))
@given(NEAR_NAMES)
@example("a" * 63)
@example("a" * 64)
@example("a" + "-" * 61 + "a")
@example("a" + "-" * 62 + "a")
def test_names_are_taken_exactly_if_the_service_model_takes_them(text: str) -> None:
    allowed = 1 <= len(text) <= 63 and AWS_NAME.fullmatch(text) is not None
    assert (not tuple(_validation.name("name", text))) == allowed


# --- stages of a plan ---


def numbered(count: int) -> list[StageSpec]:
    return [StageSpec(f"stage-{number}", PercentageOfFleet(1)) for number in range(count)]


def test_an_eleventh_stage_is_refused() -> None:
    assert refusals(plan, stages=numbered(11)) == ("stages: got 11; allowed are up to 10",)


@pytest.mark.parametrize("count", [0, 1, 10])
def test_up_to_ten_stages_are_taken(count: int) -> None:
    assert len(plan(stages=numbered(count)).stages) == count


def test_a_stage_name_given_again_is_refused_where_it_stands() -> None:
    again = StageSpec("canary", NamedDevices(["cam-1"]))
    assert refusals(plan, stages=[CANARY, *numbered(1), again, again]) == (
        "stages[2].name: got 'canary' again; stage names must be unique within a plan",
        "stages[3].name: got 'canary' again; stage names must be unique within a plan",
    )


def test_stage_names_that_differ_by_case_are_two_names() -> None:
    assert len(plan(stages=[CANARY, StageSpec("Canary", PercentageOfFleet(5))]).stages) == 2


def test_what_is_no_stage_is_refused_where_it_stands() -> None:
    assert refusals(plan, stages=[CANARY, "everyone", None]) == (
        "stages[1]: a StageSpec is needed, got 'everyone'",
        "stages[2]: a StageSpec is needed, got None",
    )


def test_what_is_no_model_config_is_refused_where_it_stands() -> None:
    assert refusals(plan, models=[("detector", "detector-v7")]) == (
        "model_configs[0]: a ModelConfig is needed, got ('detector', 'detector-v7')",
    )


@pytest.mark.parametrize("value", [None, 5, "canary", b"canary", {"a": 1}, DETECTOR], ids=repr)
@pytest.mark.parametrize("argument", ["stages", "models"])
def test_what_is_no_list_is_refused(argument: str, value: object) -> None:
    name = {"stages": "stages", "models": "model_configs"}[argument]
    expected = (f"{name}: a list is needed, got {value!r}",)
    assert refusals(plan, **{argument: value}) == expected


# --- selections ---


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (101, "101"),
        (-5, "-5"),
        (True, "True"),
        (50.0, "50.0"),
        ("50", "'50'"),
        (None, "None"),
    ],
)
def test_a_percentage_that_is_no_whole_number_of_1_to_100_is_refused(
    value: Any, shown: str
) -> None:
    assert refusals(stage, selection=PercentageOfFleet(value)) == (
        f"device_selection.percentage: got {shown}; allowed are whole numbers from 1 to 100",
    )


@pytest.mark.parametrize("value", [1, 100])
def test_a_percentage_at_either_end_of_its_range_is_taken(value: int) -> None:
    assert stage(selection=PercentageOfFleet(value)).device_selection.percentage == value


def test_a_selection_of_no_device_is_refused() -> None:
    assert refusals(stage, selection=NamedDevices([])) == (
        "device_selection.device_names: got no device; at least one name is needed",
    )


@pytest.mark.parametrize("value", ["cam-001", b"cam-001", 5, None, {"cam-001": 1}], ids=repr)
def test_device_names_that_are_no_list_are_refused_whole(value: Any) -> None:
    # At once, not only in a stage.
    assert refusals(NamedDevices, value) == (f"device_names: a list is needed, got {value!r}",)


def test_a_device_name_that_is_no_text_is_refused_where_it_stands() -> None:
    names: Any = ["cam-1", 2]
    assert refusals(stage, selection=NamedDevices(names)) == (
        "device_selection.device_names[1]: a string is needed, got 2",
    )


def test_a_selection_that_can_only_be_read_is_refused() -> None:
    wire = {"DeviceSubsetType": "BYAGE"}
    assert refusals(stage, selection=UnrecognizedSelection(wire)) == (
        (
            f"device_selection: got UnrecognizedSelection(wire={wire!r}), which can be read but "
            "not sent; allowed are PercentageOfFleet, NamedDevices and NameContains"
        ),
    )


@pytest.mark.parametrize("value", [None, 50, ["cam-1"], {"Percentage": 5}, NamedDevices], ids=repr)
def test_what_is_no_selection_is_refused(value: object) -> None:
    assert refusals(stage, selection=value) == (
        (
            f"device_selection: got {value!r}; "
            "allowed are PercentageOfFleet, NamedDevices and NameContains"
        ),
    )


# --- policies ---


@pytest.mark.parametrize(
    "value", ["TOMORROW", "do_nothing", "", 5, True, ["DO_NOTHING"], {}, b"DO_NOTHING"], ids=repr
)
def test_what_is_no_listed_policy_is_refused(value: object) -> None:
    assert refusals(stage, policy=value) == (
        (
            f"failure_handling_policy: got {value!r}; "
            "allowed are ROLLBACK_ON_FAILURE, DO_NOTHING and None"
        ),
    )


@pytest.mark.parametrize("policy", FailureHandlingPolicy)
def test_a_listed_policy_can_be_given_as_its_text(policy: FailureHandlingPolicy) -> None:
    assert stage(policy=policy.value).failure_handling_policy is policy


def test_tomorrows_policy_is_taken_if_it_is_asked_for_by_its_type() -> None:
    policy = FailureHandlingPolicy("TOMORROW")
    assert stage(policy=policy).failure_handling_policy is policy


def test_no_policy_leaves_the_choice_to_the_service() -> None:
    assert "DeploymentConfig" not in stage().to_wire()


# --- tags ---


def test_a_51st_tag_is_refused() -> None:
    tags = {f"key-{number}": "" for number in range(51)}
    assert refusals(plan, tags=tags) == ("tags: got 51 tags; allowed are up to 50",)


def test_50_tags_are_taken() -> None:
    tags = {f"key-{number}": "" for number in range(50)}
    assert plan(tags=tags).tags == tags


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("", "''"),
        ("a*b", "'a*b'"),
        ("tab\t", r"'tab\t'"),
        ("a,b", "'a,b'"),
        ("😀", "'😀'"),
        ("k" * 129, "'" + "k" * 37 + "..." + "k" * 38 + "'"),
    ],
)
def test_a_tag_key_that_breaks_the_rule_is_refused(key: str, shown: str) -> None:
    expected = (f"tags: key: got {shown}; allowed are 1 to 128 {TAG_TEXT}",)
    assert refusals(plan, tags={key: "vision"}) == expected


@pytest.mark.parametrize(
    ("value", "shown"),
    [("50%", "'50%'"), ("a\n", r"'a\n'"), ("v" * 257, "'" + "v" * 37 + "..." + "v" * 38 + "'")],
)
def test_a_tag_value_that_breaks_the_rule_is_refused(value: str, shown: str) -> None:
    expected = (f"tags['team']: got {shown}; allowed are 0 to 256 {TAG_TEXT}",)
    assert refusals(plan, tags={"team": value}) == expected


@pytest.mark.parametrize("value", [None, 5, ["vision"]], ids=repr)
def test_a_tag_value_that_is_no_text_is_refused(value: object) -> None:
    expected = (f"tags['team']: a string is needed, got {value!r}",)
    assert refusals(plan, tags={"team": value}) == expected


def test_a_tag_key_that_is_no_text_is_refused() -> None:
    assert refusals(plan, tags={5: "vision"}) == ("tags: key: a string is needed, got 5",)


@pytest.mark.parametrize("value", ["team", 5, [("team", "vision")], {"team"}], ids=repr)
def test_tags_that_are_no_mapping_are_refused(value: object) -> None:
    expected = (f"tags: a mapping of keys to values is needed, got {value!r}",)
    assert refusals(plan, tags=value) == expected


@pytest.mark.parametrize(
    "text",
    [
        "k",
        "k" * 128,
        "team vision",
        "_.:/=+-@",
        "équipe",
        "команда",
        "チーム",
        "٣½Ⅷ",
        "\N{NO-BREAK SPACE}",
        "\N{MATHEMATICAL FRAKTUR CAPITAL U}",
    ],
)
def test_letters_spaces_and_numbers_of_any_script_are_taken_in_tags(text: str) -> None:
    assert plan(tags={text: text}).tags == {text: text}


@pytest.mark.parametrize("value", ["", "v" * 256])
def test_a_tag_value_at_either_end_of_its_length_is_taken(value: str) -> None:
    assert plan(tags={"team": value}).tags == {"team": value}


# --- several at once ---


def test_every_problem_of_a_plan_is_listed_in_one_error() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        plan("-", fleet=None, models=[ModelConfig("", "job")], stages=[CANARY, CANARY, 3], tags=[])
    assert str(caught.value) == (
        "EdgeDeploymentPlanSpec: 6 problems:\n"
        f"  - name: got '-'; {NAME_RULE}\n"
        "  - device_fleet_name: a string is needed, got None\n"
        f"  - model_configs[0].model_handle: got ''; {NAME_RULE}\n"
        "  - stages[2]: a StageSpec is needed, got 3\n"
        "  - stages[1].name: got 'canary' again; stage names must be unique within a plan\n"
        "  - tags: a mapping of keys to values is needed, got []"
    )


def test_every_problem_of_a_stage_is_listed_in_one_error() -> None:
    assert refusals(stage, 5, PercentageOfFleet(0), "LATER") == (
        "name: a string is needed, got 5",
        "device_selection.percentage: got 0; allowed are whole numbers from 1 to 100",
        (
            "failure_handling_policy: got 'LATER'; allowed are ROLLBACK_ON_FAILURE, DO_NOTHING "
            "and None"
        ),
    )


def test_the_message_names_what_was_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"\AStageSpec: name: a string is needed"):
        stage(None)


# --- what is not refused ---


def test_percentages_need_not_add_up() -> None:
    parts = [StageSpec(f"part-{n}", PercentageOfFleet(90)) for n in range(3)]
    assert plan(stages=parts).stages == tuple(parts)


def test_a_device_may_be_in_several_stages() -> None:
    stages = [StageSpec(name, NamedDevices(["cam-1"])) for name in ("first", "second")]
    assert plan(stages=stages).stages == tuple(stages)


def test_a_device_may_be_named_twice() -> None:
    names = ["cam-1", "cam-1"]
    assert stage(selection=NamedDevices(names)).device_selection.device_names == tuple(names)


def test_a_plan_may_be_made_without_stages() -> None:
    spec = EdgeDeploymentPlanSpec("spring", device_fleet_name="cameras", model_configs=[DETECTOR])
    assert spec.stages == ()


def test_a_plan_may_name_no_model() -> None:
    assert plan(models=[]).model_configs == ()


def test_a_model_may_be_listed_twice() -> None:
    assert plan(models=[DETECTOR, DETECTOR]).model_configs == (DETECTOR, DETECTOR)


def test_any_iterable_is_taken_for_a_list() -> None:
    def each(*values: object) -> Iterator[object]:
        yield from values

    spec = plan(models=each(DETECTOR), stages=dict.fromkeys([CANARY]).keys())
    assert (spec.model_configs, spec.stages) == ((DETECTOR,), (CANARY,))


def test_device_names_may_come_from_a_generator() -> None:
    selection = NamedDevices(f"cam-{number}" for number in range(2))
    assert stage(selection=selection).device_selection == NamedDevices(["cam-0", "cam-1"])


def test_tags_may_come_as_any_mapping() -> None:
    assert plan(tags=MappingProxyType({"team": "vision"})).tags == {"team": "vision"}


def test_later_changes_of_the_callers_tags_do_not_reach_the_spec() -> None:
    tags = {"team": "vision"}
    spec = plan(tags=tags)
    tags["team"] = "audio"
    assert spec.tags == {"team": "vision"}


def test_no_tags_are_an_empty_mapping() -> None:
    assert plan(tags=None).tags == {}


@PATIENT
@given(plan_specs() | stage_specs())
def test_what_the_service_takes_is_taken(spec: EdgeDeploymentPlanSpec | StageSpec) -> None:
    assert type(spec).from_wire(spec.to_wire()) == spec


# --- the checks that the client makes ---


@pytest.mark.parametrize("value", ["", "  ", None, 5, b"tpeo-1"], ids=repr)
def test_an_identifier_that_is_empty_or_no_text_is_refused(value: object) -> None:
    assert tuple(_validation.text("offering_id", value)) == (
        f"offering_id: a string that is not empty is needed, got {value!r}",
    )


def test_an_identifier_of_any_form_is_taken() -> None:
    assert tuple(_validation.text("offering_id", "tpeo_0!")) == ()


@pytest.mark.parametrize("value", ["", None, 5, "t" * 8193], ids=["empty", "none", "int", "long"])
def test_a_page_token_that_no_page_can_have_is_refused(value: object) -> None:
    assert tuple(_validation.page_token("start_token", value)) == (
        (
            f"start_token: got {_validation.shown(value)}; "
            "allowed is a token of an earlier page, 1 to 8,192 characters"
        ),
    )


@pytest.mark.parametrize("value", ["t", "t" * 8192, "\n"], ids=["short", "long", "newline"])
def test_a_page_token_of_any_characters_is_taken(value: str) -> None:
    assert tuple(_validation.page_token("start_token", value)) == ()


WRONG_ARNS: Final = {
    "none": None,
    "empty": "",
    "name": "big",
    "another resource": PLAN_ARN,
    "another service": TRAINING_ARN.replace("sagemaker", "bedrock"),
    "short account": TRAINING_ARN.replace("111122223333", "11112222333"),
    "digits of another script": TRAINING_ARN.replace("1", "١"),  # noqa: RUF001  # that is what is tested
    "too long": TRAINING_ARN + "x" * 2048,
    "too short": "arn:aws:sagemaker::111122223333:training-plan/x",
    "newline": TRAINING_ARN + "\n",
}


@pytest.mark.parametrize("value", WRONG_ARNS.values(), ids=WRONG_ARNS)
def test_what_is_no_arn_of_a_training_plan_is_refused(value: object) -> None:
    assert tuple(_validation.training_plan_arn("training_plan_arn", value)) == (
        (
            f"training_plan_arn: got {_validation.shown(value)}; allowed is a training plan's ARN "
            "(arn:aws:sagemaker:REGION:ACCOUNT:training-plan/NAME), not its name"
        ),
    )


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_a_training_plan_of_any_partition_is_taken(partition: str) -> None:
    arn = TRAINING_ARN.replace("aws", partition, 1)
    assert tuple(_validation.training_plan_arn("training_plan_arn", arn)) == ()


def test_large_bounds_are_shown_with_separators() -> None:
    assert tuple(_validation.whole_number("duration_hours", 0, 1, 87_600)) == (
        "duration_hours: got 0; allowed are whole numbers from 1 to 87,600",
    )


def test_a_refusal_by_the_client_names_the_operation() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        _validation.raise_for("extend", iter(["a", "b"]), operation="ExtendTrainingPlan")
    assert caught.value.operation == "ExtendTrainingPlan"


def test_nothing_is_raised_where_there_is_no_problem() -> None:
    seen = iter(())
    _validation.raise_for("extend", seen)
    assert list(seen) == []
