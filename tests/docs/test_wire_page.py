"""The page of AWS's members says what the code does: every member, attribute and type."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

import anyio
import attrs
import pytest

import sagemaker_plans
from docs.pages import ROOT
from harness import TRANSPORTS, client_for
from models.drift import structures
from models.samples.reply_samples import sample
from models.service_model import service
from sagemaker_plans import PercentageOfFleet, StageSpec
from sagemaker_plans.emulator import Emulator

PAGE: Final = (ROOT / "docs" / "reference" / "wire.md").read_text(encoding="utf-8")

# The structures that a model is, or a part of: the model, and the way from it.
PARTS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "DescribeEdgeDeploymentPlanResponse": ("EdgeDeploymentPlan", ()),
    "DeploymentStageStatusSummary": ("Stage", ()),
    "EdgeDeploymentStatus": ("Stage", ("DeploymentStatus",)),
    "EdgeDeploymentConfig": ("Stage", ("DeploymentConfig",)),
    "EdgeDeploymentModelConfig": ("ModelConfig", ()),
    "CreateEdgeDeploymentPlanRequest": ("EdgeDeploymentPlanSpec", ()),
    "DeploymentStage": ("StageSpec", ()),
    "EdgeDeploymentPlanSummary": ("EdgeDeploymentPlanSummary", ()),
    "DeviceDeploymentSummary": ("StageDevice", ()),
    "TrainingPlanExtension": ("TrainingPlanExtension", ()),
    "TrainingPlanExtensionOffering": ("TrainingPlanExtensionOffering", ()),
    "DescribeTrainingPlanResponse": ("TrainingPlan", ()),
    "ReservedCapacitySummary": ("ReservedCapacitySummary", ()),
    "DescribeReservedCapacityResponse": ("ReservedCapacity", ()),
    "UltraServerSummary": ("UltraServerSummary", ()),
    "UltraServer": ("UltraServer", ()),
    "TrainingPlanOffering": ("TrainingPlanOffering", ()),
    "ReservedCapacityOffering": ("ReservedCapacityOffering", ()),
}
MOMENT: Final = datetime(2026, 3, 1, tzinfo=UTC)
STRUCTURES_OF: Final = {model: aws for aws, (model, way) in PARTS.items() if not way}


@attrs.frozen
class Row:
    """A row of the page's tables."""

    structure: str
    member: str
    attributes: tuple[str, ...]
    types: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.structure}.{self.member}"


def rows() -> Iterator[Row]:
    structure = ""
    for line in PAGE.splitlines():
        if line.startswith("#"):
            structure = line.removeprefix("### ") if line.startswith("### ") else ""
        elif structure and line.startswith("| `"):
            cells = re.split(r"(?<!\\)\|", line.strip("|"))
            member, attribute, kind = (each.strip().replace("\\|", "|") for each in cells[:3])
            yield Row(
                structure,
                member.strip("`"),
                tuple(re.findall("`([^`]+)`", attribute)),
                tuple(re.findall("`([^`]+)`", kind)),
            )


ROWS: Final = tuple(rows())
MODEL_ROWS: Final = [row for row in ROWS if row.structure in PARTS]
SELECTION_ROWS: Final = [
    row
    for row in ROWS
    if row.structure == "DeviceSelectionConfig" and row.member != "DeviceSubsetType"
]


def fields_of(cls: type[object]) -> dict[str, object]:
    """Give the attributes of an attrs class, each with its annotation; none of another's."""
    return {field.name: field.type for field in attrs.fields(cls)} if attrs.has(cls) else {}


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Take a model apart: each plain value with the way to it."""
    if fields := fields_of(type(value)):
        for name in fields:
            yield from leaves(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, tuple):
        for number, item in enumerate(cast("tuple[object, ...]", value)):
            yield from leaves(item, f"{path}[{number}]")
    else:
        yield path, value


def another(value: object) -> object:
    """Give another value of the same kind, which is one for this member, too."""
    if isinstance(value, str):
        return "another"
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, list):
        return []
    members = cast("dict[str, object]", value)
    if "DeviceSubsetType" in members:
        return {"DeviceSubsetType": "NAMECONTAINS", "DeviceNameContains": "another"}
    return {name: another(each) for name, each in members.items()}


def model_and_wire(row: Row) -> tuple[type[sagemaker_plans.Stage], dict[str, object]]:
    name, _ = PARTS[row.structure]
    # Any of the models: they have the same two methods.
    model = cast("type[sagemaker_plans.Stage]", getattr(sagemaker_plans, name))
    wire = sample(service().shape_for(STRUCTURES_OF[name]))  # type: ignore[arg-type]  # botocore has no types
    return model, wire


def changed_by(row: Row) -> set[str]:
    """Find the attributes that change with a member."""
    model, wire = model_and_wire(row)
    holder = wire
    for step in PARTS[row.structure][1]:
        holder = cast("dict[str, object]", holder[step])
    if row.member == "UpfrontFee":
        holder[row.member] = "1.50"
    before = dict(leaves(model.from_wire(wire)))
    holder[row.member] = another(holder[row.member])
    after = dict(leaves(model.from_wire(wire)))
    return {path for path in {*before, *after} if before.get(path, ...) != after.get(path, ...)}


def test_every_member_has_its_row() -> None:
    known = structures()
    listed = {name: {row.member for row in ROWS if row.structure == name} for name in known}

    assert listed == known
    assert {row.structure for row in ROWS} == {*known}


@pytest.mark.parametrize("row", MODEL_ROWS, ids=str)
def test_a_member_is_in_the_attribute_that_the_page_names(row: Row) -> None:
    if "StagePage." in row.attributes[0]:
        return  # of the page, not of the plan
    changed = {path.partition("[")[0] for path in changed_by(row)}
    roots = {each.partition(".")[0] for each in changed}

    assert {each for each in row.attributes if each in changed | roots} == {*row.attributes}
    assert {each for each in changed if not each.startswith(row.attributes)} == set()


@pytest.mark.parametrize("row", MODEL_ROWS, ids=str)
def test_an_attribute_has_the_type_that_the_page_names(row: Row) -> None:
    for path, kind in zip(row.attributes, row.types, strict=False):
        owner, _ = model_and_wire(row)
        *above, name = path.split(".")
        if above:
            owner = {
                "devices": sagemaker_plans.DeviceCounts,
                "StagePage": sagemaker_plans.StagePage,
            }[above[0]]
        assert written(fields_of(owner)[name]) == kind


def written(annotation: object) -> str:
    """Write a type as the page does, without modules."""
    if annotation == sagemaker_plans.DeviceSelection:
        return "DeviceSelection"
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    if "[" in str(annotation):
        text = str(annotation)
    return re.sub(r"\b\w+\.(?=\w)", "", text)


@pytest.mark.parametrize("row", SELECTION_ROWS, ids=str)
def test_a_selection_has_what_the_page_names(row: Row) -> None:
    name, attribute = row.attributes[0].split(".")
    selection = getattr(sagemaker_plans, name)
    value: object = {"int": 30, "str": "cam", "tuple[str, ...]": ["cam-001"]}[row.types[0]]
    kind = selection(value).device_subset_type

    read = sagemaker_plans.DeviceSelectionConfig.from_wire(
        {"DeviceSubsetType": str(kind), row.member: value}
    )

    assert read == selection(value)
    assert written(fields_of(selection)[attribute]) == row.types[0]


def test_a_request_has_the_members_that_the_page_names(emulator: Emulator) -> None:
    listed: dict[str, set[str]] = {}
    for operation, member in re.findall(r"^\| ([A-Z]\w+) \| `(\w+)` \|", PAGE, re.MULTILINE):
        listed.setdefault(operation, set()).add(member)
    arn = emulator.training_plan_arn

    async def call_all() -> None:
        async with client_for(emulator.endpoint_url, TRANSPORTS[0]) as client:
            plans, training_plans = client.plans, client.training_plans
            for offering in await training_plans.search_extension_offerings(arn):
                emulator.clock.advance(10)
                await training_plans.extend(offering.offering_id)
            await training_plans.search_extension_offerings(arn, duration_hours=24)
            await training_plans.extension_history(arn, page_size=1).collect()
            now = datetime.now(UTC)
            await training_plans.search_offerings(
                instance_type="ml.p5.48xlarge",
                instance_count=1,
                ultra_server_type="ml.u-x",
                ultra_server_count=1,
                start_time_after=now,
                end_time_before=now,
                duration_hours=24,
                target_resources=["endpoint"],
            )
            await training_plans.describe(arn)
            filters: dict[str, Any] = {"sort_by": "Status", "sort_order": "Ascending"}
            await training_plans.list(
                status="Active", start_after=now, start_before=now, page_size=1, **filters
            ).collect()
            capacity = arn.replace("training-plan", "reserved-capacity")
            await training_plans.reserved_capacity(capacity)
            for attempt in (
                training_plans.list(start_token="t").collect(),
                training_plans.ultra_servers(capacity, page_size=1, start_token="t").collect(),
                plans.stages("a-plan", page_size=1, start_token="t").collect(),
                training_plans.create(
                    "a-plan",
                    "tpo-none",
                    tags={"team": "vision"},
                    spare_instance_count_per_ultra_server=1,
                ),
                plans.start_stage("a-plan", "a-stage"),
                plans.stop_stage("a-plan", "a-stage"),
                plans.add_stages("a-plan", [StageSpec("a-stage", PercentageOfFleet(5))]),
                plans.delete_stage("a-plan", "a-stage"),
                plans.delete("a-plan"),
                plans.stage_devices(
                    "a-plan",
                    "a-stage",
                    exclude_deployed_in_other_stage=True,
                    page_size=1,
                    start_token="t",
                ).collect(),
                plans.list(
                    name_contains="a",
                    device_fleet_name_contains="a",
                    created_after=MOMENT,
                    created_before=MOMENT,
                    modified_after=MOMENT,
                    modified_before=MOMENT,
                    sort_by="NAME",
                    sort_order="Ascending",
                    page_size=1,
                    start_token="t",
                ).collect(),
            ):
                with pytest.raises(sagemaker_plans.ServiceError):
                    await attempt

    anyio.run(call_all)

    sent: dict[str, set[str]] = {}
    for request in emulator.requests:
        sent.setdefault(request.operation, set()).update(request.body or {})
    assert sent == listed
