"""Reading is strict with what is there, and says where it does not fit."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Final

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from models import service_model
from models.drift import REPLIES
from models.samples.model_strategies import PATIENT
from models.samples.reply_samples import Site, sample, sites, with_value, without
from sagemaker_plans._wire import replies, training_replies
from sagemaker_plans._wire.operations import (
    CREATE_PLAN,
    CREATE_TRAINING_PLAN,
    DESCRIBE_HISTORY,
    DESCRIBE_PLAN,
    DESCRIBE_RESERVED_CAPACITY,
    DESCRIBE_TRAINING_PLAN,
    EXTEND_TRAINING_PLAN,
    LIST_PLANS,
    LIST_STAGE_DEVICES,
    LIST_TRAINING_PLANS,
    LIST_ULTRA_SERVERS,
    SEARCH_OFFERINGS,
    START_STAGE,
    Operation,
)
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans._wire.values import parse_fee
from sagemaker_plans.errors import InvalidRequestError, UnexpectedReplyError
from sagemaker_plans.models import (
    DeviceCounts,
    DeviceSelectionConfig,
    EdgeDeploymentPlan,
    EdgeDeploymentPlanSpec,
    ExtensionPage,
    NamedDevices,
    PercentageOfFleet,
    PlanSummaryPage,
    ReservedCapacity,
    Stage,
    StageDevicePage,
    StagePage,
    StageSpec,
    TrainingPlan,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
    TrainingPlanPage,
    UltraServerPage,
)
from sagemaker_plans.models._validation import shown

READERS: Final[Mapping[Operation, Callable[[Reply], object]]] = {
    DESCRIBE_PLAN: partial(replies.read_as, StagePage),
    CREATE_PLAN: replies.read_created,
    LIST_PLANS: partial(replies.read_as, PlanSummaryPage),
    LIST_STAGE_DEVICES: partial(replies.read_as, StageDevicePage),
    EXTEND_TRAINING_PLAN: training_replies.read_extended,
    SEARCH_OFFERINGS: training_replies.read_offerings,
    DESCRIBE_HISTORY: partial(replies.read_as, ExtensionPage),
    DESCRIBE_TRAINING_PLAN: partial(replies.read_as, TrainingPlan),
    LIST_TRAINING_PLANS: partial(replies.read_as, TrainingPlanPage),
    CREATE_TRAINING_PLAN: training_replies.read_created_training_plan,
    DESCRIBE_RESERVED_CAPACITY: partial(replies.read_as, ReservedCapacity),
    LIST_ULTRA_SERVERS: partial(replies.read_as, UltraServerPage),
}


@frozen
class Form:
    """Something that is read: a reply to an operation, or the wire form of a spec."""

    name: str
    read: Callable[[Mapping[str, object]], object]
    wire: Mapping[str, object]
    sites: tuple[Site, ...]


def _reply_form(operation: Operation) -> Form:
    shape = service_model.operation(operation.name).output_shape
    assert shape is not None

    def read(wire: Mapping[str, object]) -> object:
        return READERS[operation](reply_of(operation, wire))

    return Form(operation.name, read, sample(shape), sites(shape))


def _spec_form() -> Form:
    shape = service_model.operation(CREATE_PLAN.name).input_shape
    assert shape is not None
    return Form(shape.name, EdgeDeploymentPlanSpec.from_wire, sample(shape), sites(shape))


def reply_of(operation: Operation, body: Mapping[str, object]) -> Reply:
    return Reply(operation=operation, body=body, http_status=200, request_id="id-1")


FORMS: Final = (*map(_reply_form, READERS), _spec_form())

NAIVE: Final = datetime(2026, 3, 1)
BEFORE_UTC: Final = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))

WRONG: Final[Mapping[str, tuple[tuple[object, str], ...]]] = {
    "string": (
        (None, "expected a string, got null"),
        (7, "expected a string, got int 7"),
        (True, "expected a string, got bool True"),
        (["v"], "expected a string, got list ['v']"),
    ),
    "integer": (
        (None, "expected a whole number, got null"),
        ("7", "expected a whole number, got str '7'"),
        (7.0, "expected a whole number, got float 7.0"),
        (True, "expected a whole number, got bool True"),
    ),
    "long": (
        (None, "expected a whole number, got null"),
        ("7", "expected a whole number, got str '7'"),
    ),
    "timestamp": (
        ("2026-03-01T00:00:00Z", "expected epoch seconds, got str '2026-03-01T00:00:00Z'"),
        (True, "expected epoch seconds, got bool True"),
        (float("nan"), "expected epoch seconds, got float nan"),
        (float("inf"), "expected epoch seconds, got float inf"),
        (10**18, "expected epoch seconds, got int 1000000000000000000"),
        (NAIVE, f"expected an aware datetime, got datetime {NAIVE!r}"),
        (BEFORE_UTC, f"expected a datetime that exists in UTC, got datetime {shown(BEFORE_UTC)}"),
    ),
    "list": (
        (None, "expected a list, got null"),
        ("v", "expected a list, got str 'v'"),
        ({"0": 1}, "expected a list, got dict {'0': 1}"),
    ),
    "structure": (
        (None, "expected an object, got null"),
        ("v", "expected an object, got str 'v'"),
        ([], "expected an object, got list []"),
    ),
}


def required_members() -> list[object]:
    return [
        pytest.param(form, site, id=f"{form.name}-{site.path}")
        for form in FORMS
        for site in form.sites
        if site.required and site.is_member
    ]


def optional_members() -> list[object]:
    return [
        pytest.param(form, site, id=f"{form.name}-{site.path}")
        for form in FORMS
        for site in form.sites
        if not site.required
    ]


def wrong_values() -> list[object]:
    return [
        pytest.param(form, site, value, words, id=f"{form.name}-{site.path}-{position}")
        for form in FORMS
        for site in form.sites
        for position, (value, words) in enumerate(WRONG[site.kind])
        if site.required or value is not None
    ]


def problems_of(form: Form, wire: Mapping[str, object]) -> tuple[str, ...]:
    # A spec is a request, so no reply is to blame.
    expected = InvalidRequestError if form.name.endswith("Request") else UnexpectedReplyError
    with pytest.raises((InvalidRequestError, UnexpectedReplyError)) as caught:
        form.read(wire)
    assert type(caught.value) is expected
    return caught.value.problems


def test_every_reply_that_is_read_is_tested_here() -> None:
    assert {operation.name for operation in READERS} == set(REPLIES)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_whole_reply_is_read(form: Form) -> None:
    assert form.read(form.wire) == form.read(json.loads(json.dumps(form.wire)))


@pytest.mark.parametrize(("form", "site"), required_members())
def test_a_missing_required_member_is_named_by_its_path(form: Form, site: Site) -> None:
    expected = (f"{site.path}: required member is missing",)
    assert problems_of(form, without(form.wire, site)) == expected


@pytest.mark.parametrize(("form", "site", "value", "words"), wrong_values())
def test_a_value_of_the_wrong_type_is_named_by_its_path(
    form: Form, site: Site, value: object, words: str
) -> None:
    assert problems_of(form, with_value(form.wire, site, value)) == (f"{site.path}: {words}",)


@pytest.mark.parametrize(("form", "site"), optional_members())
def test_an_optional_member_that_is_null_reads_as_if_it_were_absent(form: Form, site: Site) -> None:
    # Only an unrecognized selection tells the two apart: it keeps the wire as it is.
    null, absent = with_value(form.wire, site, None), without(form.wire, site)
    if site.path.endswith("DeviceSelectionConfig.Percentage"):
        null, absent = _of_another_kind(null, site), _of_another_kind(absent, site)
    assert form.read(null) == form.read(absent)


def _of_another_kind(wire: Mapping[str, object], site: Site) -> dict[str, object]:
    kind = Site("", (*site.keys[:-1], "DeviceSubsetType"), "string", required=True)
    return with_value(wire, kind, "SELECTION")


@PATIENT
@given(data=st.data())
def test_all_problems_of_a_reply_are_listed(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(FORMS))
    leaves = [site for site in form.sites if site.required and site.is_leaf and site.is_member]
    broken = data.draw(st.lists(st.sampled_from(leaves), min_size=1, unique=True))
    expected = sorted(f"{site.path}: required member is missing" for site in broken)
    assert sorted(problems_of(form, without(form.wire, *broken))) == expected


@pytest.mark.parametrize("operation", READERS, ids=lambda operation: operation.name)
def test_an_empty_object_lacks_every_required_member_of_the_reply(operation: Operation) -> None:
    form = _reply_form(operation)
    expected = [
        f"{site.path}: required member is missing"
        for site in form.sites
        if site.required and len(site.keys) == 1
    ]
    assert sorted(problems_of(form, {})) == sorted(expected)


def test_what_is_no_object_at_all_is_named_as_the_reply() -> None:
    with pytest.raises(UnexpectedReplyError) as caught:
        Stage.from_wire([])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # wrong on purpose
    assert caught.value.problems == ("reply: expected an object, got list []",)


@pytest.mark.parametrize("spec", [EdgeDeploymentPlanSpec, StageSpec])
def test_a_spec_that_is_no_object_does_not_speak_of_replies(
    spec: type[EdgeDeploymentPlanSpec | StageSpec],
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        spec.from_wire([])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # wrong on purpose
    assert str(caught.value) == f"{spec.__name__}: wire: expected an object, got list []"


def test_a_wrong_value_with_the_mark_of_a_path_does_not_confuse_the_path() -> None:
    wire = {"EdgeDeploymentSuccess": "1 @ $.X", "EdgeDeploymentPending": 0}
    with pytest.raises(UnexpectedReplyError) as caught:
        DeviceCounts.from_wire(wire | {"EdgeDeploymentFailed": 0})
    expected = ("EdgeDeploymentSuccess: expected a whole number, got str '1 @ $.X'",)
    assert caught.value.problems == expected


def test_a_long_wrong_value_is_shortened() -> None:
    wire = {"EdgeDeploymentSuccess": "x" * 10_000, "EdgeDeploymentPending": 0}
    with pytest.raises(UnexpectedReplyError) as caught:
        DeviceCounts.from_wire(wire | {"EdgeDeploymentFailed": 0})
    assert len(str(caught.value)) < 250


def test_another_kind_of_selection_than_asked_for_is_refused() -> None:
    wire = {"DeviceSubsetType": "PERCENTAGE", "Percentage": 5}
    with pytest.raises(UnexpectedReplyError) as caught:
        NamedDevices.from_wire(wire)
    assert caught.value.reply == wire
    assert str(caught.value) == (
        "this is no NamedDevices:\n  - DeviceSubsetType: this is a PercentageOfFleet"
    )


def test_a_misread_model_says_which_model_and_keeps_the_wire() -> None:
    wire = {"DeviceSubsetType": None}
    with pytest.raises(UnexpectedReplyError) as caught:
        PercentageOfFleet.from_wire(wire)
    assert (str(caught.value), caught.value.reply) == (
        "this is no PercentageOfFleet:\n  - DeviceSubsetType: expected a string, got null",
        wire,
    )


def test_a_misread_reply_carries_its_facts() -> None:
    with pytest.raises(UnexpectedReplyError) as caught:
        replies.read_created(reply_of(CREATE_PLAN, {"EdgeDeploymentPlanArn": 5}))
    error = caught.value
    assert (error.operation, error.http_status, error.request_id, error.reply) == (
        "CreateEdgeDeploymentPlan",
        200,
        "id-1",
        {"EdgeDeploymentPlanArn": 5},
    )


def test_the_reason_that_the_reader_gave_is_the_cause() -> None:
    with pytest.raises(UnexpectedReplyError) as caught:
        replies.read_created(reply_of(CREATE_PLAN, {}))
    assert isinstance(caught.value.__cause__, Exception)


def test_the_reply_in_the_error_is_the_one_of_the_wire_with_all_its_members() -> None:
    raw = b'{"EdgeDeploymentPlanArn": null, "Unmodelled": 1}'
    with pytest.raises(UnexpectedReplyError) as caught:
        replies.read_created(Reply(operation=CREATE_PLAN, body={}, raw=raw))
    assert caught.value.reply == {"EdgeDeploymentPlanArn": None, "Unmodelled": 1}


NO_OBJECTS: Final = {
    "html": (b"<html>busy</html>", "'<html>busy</html>'"),
    "cut": (b'{"EdgeDeploymentPlanArn": "arn', '\'{"EdgeDeploymentPlanArn": "arn\''),
    "list": (b"[1]", "'[1]'"),
    "null": (b"null", "'null'"),
    "no-utf-8": (b"\xff{", "'\\\\xff{'"),
}


@pytest.mark.parametrize(("raw", "text"), NO_OBJECTS.values(), ids=NO_OBJECTS)
@pytest.mark.parametrize("read", [replies.read_created, replies.read_done], ids=["created", "done"])
def test_a_success_that_is_no_json_object_is_unexpected(
    read: Callable[[Reply], object], raw: bytes, text: str
) -> None:
    with pytest.raises(UnexpectedReplyError) as caught:
        read(Reply(operation=CREATE_PLAN, body={}, raw=raw))
    assert caught.value.problems == (f"reply: expected a JSON object, got {text}",)


@pytest.mark.parametrize("read", [replies.read_created, replies.read_done], ids=["created", "done"])
def test_the_text_that_is_no_json_object_is_kept_whole(read: Callable[[Reply], object]) -> None:
    with pytest.raises(UnexpectedReplyError) as caught:
        read(Reply(operation=CREATE_PLAN, body={}, raw=b"<html>" + b"x" * 5000))
    assert caught.value.reply == "<html>" + "x" * 5000


@pytest.mark.parametrize("read", [replies.read_created, replies.read_done], ids=["created", "done"])
def test_json_that_is_nested_without_end_is_unexpected(read: Callable[[Reply], object]) -> None:
    raw = b"[" * 200_000
    with pytest.raises(UnexpectedReplyError) as caught:
        read(Reply(operation=CREATE_PLAN, body={}, raw=raw))
    assert caught.value.reply == raw.decode()


@pytest.mark.parametrize("raw", [None, b"", b" \n", b"{}", b'{"AddedTomorrow": 1}'])
def test_a_command_is_done_by_an_empty_reply_or_an_object(raw: bytes | None) -> None:
    reply = Reply(operation=START_STAGE, body={}, raw=raw)
    assert replies.read_done(reply) is None  # type: ignore[func-returns-value]  # that is what is tested


def test_the_header_of_a_page_has_no_stages() -> None:
    page = replies.read_as(StagePage, reply_of(DESCRIBE_PLAN, _reply_form(DESCRIBE_PLAN).wire))
    assert (page.plan.stages, len(page.stages)) == ((), 2)


@pytest.mark.parametrize(("wire", "expected"), [("t-1", "t-1"), ("", None), (None, None)])
@pytest.mark.parametrize(
    "operation",
    [DESCRIBE_PLAN, DESCRIBE_HISTORY, LIST_TRAINING_PLANS, LIST_ULTRA_SERVERS],
    ids=lambda op: op.name,
)
def test_an_empty_token_says_the_same_as_none(
    operation: Operation, wire: str | None, expected: str | None
) -> None:
    form = _reply_form(operation)
    page = form.read({**form.wire, "NextToken": wire})
    assert getattr(page, "next_token", "absent") == expected


def test_a_search_without_extension_offerings_found_none() -> None:
    assert (
        training_replies.read_offerings(reply_of(SEARCH_OFFERINGS, {"TrainingPlanOfferings": []}))
        == ()
    )


def test_ordinary_offerings_beside_are_not_read() -> None:
    body = {"TrainingPlanOfferings": [{"Whatever": 1}, None], "TrainingPlanExtensionOfferings": []}
    assert training_replies.read_offerings(reply_of(SEARCH_OFFERINGS, body)) == ()


def test_a_search_for_new_plans_reads_their_offerings_and_no_extensions() -> None:
    body = {
        "TrainingPlanOfferings": [
            {"TrainingPlanOfferingId": "tpo-1", "TargetResources": ["training-job", "balloon"]}
        ],
        "TrainingPlanExtensionOfferings": [None],
    }
    (offering,) = training_replies.read_plan_offerings(reply_of(SEARCH_OFFERINGS, body))
    assert offering.offering_id == "tpo-1"
    assert [each.is_unknown for each in offering.target_resources] == [False, True]


def test_an_offering_of_a_new_plan_that_does_not_fit_is_named() -> None:
    body = {"TrainingPlanOfferings": [{"TrainingPlanOfferingId": "tpo-1"}]}
    with pytest.raises(UnexpectedReplyError) as caught:
        training_replies.read_plan_offerings(reply_of(SEARCH_OFFERINGS, body))
    assert caught.value.problems == (
        "TrainingPlanOfferings[0].TargetResources: required member is missing",
    )


def _plan_with(**counts: int) -> EdgeDeploymentPlan:
    wire: dict[str, object] = {
        "EdgeDeploymentPlanArn": "arn",
        "EdgeDeploymentPlanName": "spring",
        "ModelConfigs": [],
        "DeviceFleetName": "cameras",
        "Stages": [],
        **counts,
    }
    return EdgeDeploymentPlan.from_wire(wire)


def test_a_plan_without_any_count_has_no_device_counts() -> None:
    assert _plan_with().devices is None


def test_a_plan_with_some_counts_has_zero_for_the_others() -> None:
    assert _plan_with(EdgeDeploymentPending=3).devices == DeviceCounts(0, 3, 0)


def test_a_plan_of_zero_counts_has_device_counts() -> None:
    counts = {"EdgeDeploymentSuccess": 0, "EdgeDeploymentPending": 0, "EdgeDeploymentFailed": 0}
    assert _plan_with(**counts).devices == DeviceCounts(0, 0, 0)


def test_names_and_arns_of_a_reply_are_not_checked_against_patterns() -> None:
    form = _reply_form(DESCRIBE_PLAN)
    wire = {**form.wire, "EdgeDeploymentPlanName": "no name of -- today -"}
    assert EdgeDeploymentPlan.from_wire(wire).name == "no name of -- today -"


def test_a_percentage_of_a_reply_is_not_checked_against_its_range() -> None:
    wire = {"DeviceSubsetType": "PERCENTAGE", "Percentage": 250}
    assert DeviceSelectionConfig.from_wire(wire) == PercentageOfFleet(250)


def test_a_spec_that_the_service_would_refuse_is_refused_when_read() -> None:
    wire: dict[str, object] = {
        "EdgeDeploymentPlanName": "-",
        "ModelConfigs": [],
        "DeviceFleetName": "cameras",
    }
    with pytest.raises(InvalidRequestError) as caught:
        EdgeDeploymentPlanSpec.from_wire(wire)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["name"]


PLAIN_FEES: Final = {
    "1234.50": Decimal("1234.50"),
    "0": Decimal(0),
    "0.00": Decimal("0.00"),
    "007": Decimal(7),
    "123456789012345678901234567890.12": Decimal("123456789012345678901234567890.12"),
}


@pytest.mark.parametrize(("text", "fee"), PLAIN_FEES.items())
def test_a_plain_decimal_text_is_a_fee(text: str, fee: Decimal) -> None:
    assert str(parse_fee(text)) == str(fee)


ODD_FEES: Final = (
    "1,234.50",
    "NaN",
    "Infinity",
    "1e3",
    "",
    " 1 ",
    "1\n",
    "-1",
    "+1",
    ".5",
    "5.",
    "1_000",
    "USD 5",
    "٣",
)


@pytest.mark.parametrize("text", ODD_FEES)
@pytest.mark.parametrize("model", [TrainingPlanExtension, TrainingPlanExtensionOffering])
def test_a_fee_that_is_no_plain_decimal_stays_as_text(
    model: type[TrainingPlanExtension | TrainingPlanExtensionOffering], text: str
) -> None:
    found = model.from_wire({"TrainingPlanExtensionOfferingId": "tpeo-1", "UpfrontFee": text})
    assert (found.upfront_fee, found.upfront_fee_text) == (None, text)


@pytest.mark.parametrize("model", [TrainingPlanExtension, TrainingPlanExtensionOffering])
def test_no_fee_is_neither_a_number_nor_a_text(
    model: type[TrainingPlanExtension | TrainingPlanExtensionOffering],
) -> None:
    found = model.from_wire({"TrainingPlanExtensionOfferingId": "tpeo-1"})
    assert (found.upfront_fee, found.upfront_fee_text) == (None, None)


@pytest.mark.parametrize("model", [TrainingPlanExtension, TrainingPlanExtensionOffering])
def test_a_fee_is_a_decimal_with_the_digits_of_its_text(
    model: type[TrainingPlanExtension | TrainingPlanExtensionOffering],
) -> None:
    found = model.from_wire({"TrainingPlanExtensionOfferingId": "tpeo-1", "UpfrontFee": "0.10"})
    assert (type(found.upfront_fee), str(found.upfront_fee)) == (Decimal, "0.10")


@pytest.mark.parametrize(
    ("fee", "text"), [(Decimal("12.50"), "12.50"), (Decimal("1E+3"), "1000")], ids=str
)
@pytest.mark.parametrize("model", [TrainingPlanExtension, TrainingPlanExtensionOffering])
def test_a_fee_given_without_its_text_is_written_in_full(
    model: type[TrainingPlanExtension | TrainingPlanExtensionOffering], fee: Decimal, text: str
) -> None:
    assert model(offering_id="tpeo-1", upfront_fee=fee).to_wire()["UpfrontFee"] == text


@pytest.mark.parametrize("seconds", [-(10**9), 0, 1])
def test_any_whole_second_of_the_calendar_is_a_timestamp(seconds: int) -> None:
    wire = {"TrainingPlanExtensionOfferingId": "tpeo-1", "StartDate": seconds}
    expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert TrainingPlanExtensionOffering.from_wire(wire).start_date == expected


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-7))], ids=str)
def test_a_datetime_is_read_as_utc_whatever_zone_it_came_in(zone: timezone) -> None:
    came = datetime(2026, 3, 1, 12, tzinfo=UTC).astimezone(zone)

    found = TrainingPlanExtension.from_wire(
        {"TrainingPlanExtensionOfferingId": "tpeo-1", "ExtendedAt": came}
    ).extended_at

    assert found == came
    assert found is not None
    assert found.tzinfo is UTC  # not the machine's zone, which may happen to be as far from it
