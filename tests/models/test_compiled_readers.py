"""A compiled reader reads what the service sends, and reads it as the careful one does."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import pytest
from attrs import Factory, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from loaded_modules import modules_after
from models.samples.model_strategies import ANY_MODEL, BRIEF
from models.samples.reply_samples import with_value, without
from models.test_reading import FORMS, WRONG, Form
from sagemaker_plans._wire import converter, reading
from sagemaker_plans._wire.compiled_readers import Reader
from sagemaker_plans.models import (
    DeviceSelectionConfig,
    EdgeDeploymentPlanSummary,
    StagePage,
    TrainingPlanExtension,
    UnrecognizedSelection,
)
from sagemaker_plans.models._selection import UNDERSTOOD

STRANGE: Final[tuple[object, ...]] = (
    None,
    True,
    1,
    1.5,
    "",
    "PERCENTAGE",
    [],
    [None],
    {},
    {"Key": "x"},
    10**30,
)
"""Values that are put in the place of every value."""
COUNTS: Final = ("EdgeDeploymentSuccess", "EdgeDeploymentPending", "EdgeDeploymentFailed")


def class_of(form: Form, monkeypatch: pytest.MonkeyPatch) -> type[object]:
    """Find out what a form is read as."""
    asked: list[type[object]] = []
    read = reading.read

    def noted(cls: type[object], wire: Mapping[str, object]) -> object:
        asked.append(cls)
        return read(cls, wire)

    with monkeypatch.context() as patched:
        patched.setattr(reading, "read", noted)
        form.read(form.wire)
    return asked[0]


def agrees(cls: type[object], wire: Mapping[str, object]) -> bool:
    """Tell whether both readers give the same, unless the compiled one leaves it to the other."""
    try:
        quick: object = reading.compiled(cls)(wire, cls)
    except Exception:  # noqa: BLE001  # any kind, as the reader says
        return True
    careful: object = converter.read_carefully(cls, wire)
    return quick == careful and repr(quick) == repr(careful)


def variations(form: Form) -> Iterator[dict[str, object]]:
    """Give a form with each of its values replaced, or taken away."""
    for site in form.sites:
        yield without(form.wire, site)
        for value in (*STRANGE, *(value for value, _ in WRONG[site.kind])):
            yield with_value(form.wire, site, value)


@pytest.mark.parametrize("form", FORMS[:-1], ids=lambda form: form.name)
def test_a_usual_form_is_read_by_the_compiled_reader(
    form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    cls = class_of(form, monkeypatch)
    optional = [site for site in form.sites if not site.required]
    # The service sends all counts of a plan, or none.
    counts = [site for site in optional if site.path in COUNTS]
    alone = [[site] for site in optional if site not in counts]
    for wire in (form.wire, *(without(form.wire, *sites) for sites in (counts, *alone))):
        usual = _with_usual_selections(wire)
        assert reading.compiled(cls)(usual, cls) == converter.read_carefully(cls, usual)


def _with_usual_selections(wire: Any) -> Any:  # a JSON value
    """Give a wire form whose selections have the member of their type only."""
    if isinstance(wire, list):
        return [_with_usual_selections(each) for each in cast("list[object]", wire)]
    if not isinstance(wire, dict):
        return wire
    members = cast("dict[str, object]", wire)
    if "DeviceSubsetType" in members:
        return {"DeviceSubsetType": "PERCENTAGE", "Percentage": 5}
    return {name: _with_usual_selections(each) for name, each in members.items()}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_what_the_compiled_reader_reads_the_careful_one_reads_alike(
    form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    cls = class_of(form, monkeypatch)
    assert [wire for wire in variations(form) if not agrees(cls, wire)] == []


@pytest.mark.parametrize("model", ANY_MODEL)
@BRIEF
@given(data=st.data())
def test_every_model_is_read_alike(model: str, data: st.DataObject) -> None:
    given_model = data.draw(ANY_MODEL[model])
    assert agrees(type(given_model), given_model.to_wire())


SELECTIONS: Final = (
    {"DeviceSubsetType": "PERCENTAGE", "Percentage": 5},
    {"DeviceSubsetType": "SELECTION", "DeviceNames": ["a", "b"]},
    {"DeviceSubsetType": "NAMECONTAINS", "DeviceNameContains": "a"},
    {"DeviceSubsetType": "PERCENTAGE", "Unknown": 5},
    {"DeviceSubsetType": "SELECTION", "Percentage": 5},
    {"DeviceSubsetType": "TOMORROWS", "DeviceNames": ["a"]},
    {"DeviceSubsetType": "PERCENTAGE", "Percentage": 5, "DeviceNames": ["a"]},
    {"DeviceSubsetType": "SELECTION", "Percentage": 5, "DeviceNames": ["a"]},
    {"DeviceSubsetType": "PERCENTAGE"},
)


@given(st.floats() | st.floats(-1e9, 1e10) | st.floats(0, 2e9).map(lambda each: round(each, 3)))
def test_any_moment_is_read_alike(seconds: float) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/p"
    wire = {"EdgeDeploymentPlanArn": arn, "EdgeDeploymentPlanName": "p", "DeviceFleetName": "f"}
    counts = dict.fromkeys(COUNTS, 1)
    assert agrees(EdgeDeploymentPlanSummary, {**wire, **counts, "CreationTime": seconds})


@pytest.mark.parametrize("wire", SELECTIONS, ids=str)
def test_selections_are_read_alike(wire: Mapping[str, object]) -> None:
    assert agrees(DeviceSelectionConfig, wire)


def test_a_selection_is_not_taken_for_that_of_the_stage_before() -> None:
    form = next(form for form in FORMS if form.name == "DescribeEdgeDeploymentPlan")
    first = cast("list[dict[str, object]]", form.wire["Stages"])[0]
    stages = [{**first, "DeviceSelectionConfig": selection} for selection in SELECTIONS]
    page = reading.compiled(StagePage)({**form.wire, "Stages": stages[:3]}, StagePage)
    assert [type(stage.device_selection) for stage in page.stages] == list(UNDERSTOOD)
    page = reading.read(StagePage, {**form.wire, "Stages": stages})
    assert isinstance(page.stages[3].device_selection, UnrecognizedSelection)
    assert page == converter.read_carefully(StagePage, {**form.wire, "Stages": stages})


def _id_of(made: TrainingPlanExtension) -> str:
    return made.offering_id


@frozen(kw_only=True)
class OwnExtension(TrainingPlanExtension):
    """A user's, with attributes whose defaults are made anew."""

    notes: tuple[str, ...] = field(factory=tuple)
    first: str = field(default=Factory(_id_of, takes_self=True))


def test_defaults_that_are_made_anew_are_made_for_each_object() -> None:
    wire = {"TrainingPlanExtensionOfferingId": "tpeo-1"}
    read = [OwnExtension.from_wire(wire) for _ in range(3)]
    assert [(each.notes, each.first) for each in read] == [((), "tpeo-1")] * 3
    given = OwnExtension.from_wire({**wire, "Notes": ["a"], "First": "b"})
    assert (given.notes, given.first) == (("a",), "b")


def test_a_class_is_compiled_once_when_it_is_first_read(monkeypatch: pytest.MonkeyPatch) -> None:
    form = FORMS[0]
    cls = class_of(form, monkeypatch)
    compiled: list[type] = []
    real = reading.compiled

    def noted(cls: type) -> Reader:
        compiled.append(cls)
        return real(cls)

    monkeypatch.setattr(reading, "_COMPILED", dict[type, Reader]())
    monkeypatch.setattr(reading, "compiled", noted)
    for _ in range(3):
        reading.read(cls, form.wire)
        assert compiled == [cls]


def test_a_usual_reply_needs_no_cattrs() -> None:
    form = next(form for form in FORMS if form.name == "DescribeEdgeDeploymentPlan")
    code = "from sagemaker_plans.models import StagePage; StagePage.from_wire({wire!r}).to_dict()"
    loaded = modules_after(code.format(wire=_with_usual_selections(form.wire)))
    assert "sagemaker_plans._wire.reading" in loaded
    assert "cattrs" not in loaded
