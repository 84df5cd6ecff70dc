"""Wrong arguments from Python are refused before anything changes, with and without a file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from emulator.requests_made import create, stage, stage_state, start
from sagemaker_plans.emulator import (
    Clock,
    Emulator,
    Fault,
    FleetSeed,
    OfferingSeed,
    PlanOfferingSeed,
    PlanSeed,
    Seed,
    Service,
    TrainingPlanSeed,
)
from sagemaker_plans.emulator._seeds import allowed_values
from sagemaker_plans.emulator._service.tag_operations import TAG_LIMIT

FLEET = "arn:aws:sagemaker:us-east-1:123456789012:device-fleet/cameras"
PLAN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/demo-plan"
MANY_TAGS = {f"key-{number}": "" for number in range(TAG_LIMIT + 1)}

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("add_fleet", {"name": 5}, "name must be a name .*, not 5$"),
    ("add_fleet", {"name": "no_name"}, "name must be a name .*, not 'no_name'$"),
    ("add_fleet", {"name": "x" * 64}, "name must be a name of up to 63 "),
    ("add_fleet", {"name": "f", "devices": None}, "devices must be a list .*, not None$"),
    ("add_fleet", {"name": "f", "devices": 1.5}, "devices must be a list .*, not 1.5$"),
    ("add_fleet", {"name": "f", "devices": True}, "devices must be a list .*, not True$"),
    ("add_fleet", {"name": "f", "devices": ["a", 5]}, r"devices must be a list .*\['a', 5\]$"),
    ("add_fleet", {"name": "f", "devices": ["a", "a"]}, r"devices must be .* each name once"),
    ("add_fleet", {"name": "f", "devices": ["a b"]}, r"devices must be a list .*\['a b'\]$"),
    ("add_fleet", {"name": "f", "failing": ["a", "a"]}, "failing must be a list of names, each"),
    ("add_fleet", {"name": "f", "failing": {"f-0001": 1}}, "failing must be a list of names"),
    ("add_fleet", {"name": "f", "failing": ["f-001"]}, "failing: there is no device 'f-001' in"),
    ("add_fleet", {"name": "f", "failure_rate": "0.1"}, "failure_rate must be a number between"),
    ("add_fleet", {"name": "f", "failure_rate": math.nan}, "failure_rate must be a number"),
    ("add_fleet", {"name": "f", "description": "é"}, "description must be a text of up to 800"),
    ("add_fleet", {"name": "f", "tags": {"a": 1}}, r"tags must be a table .*, not \{'a': 1\}$"),
    ("add_fleet", {"name": "f", "tags": ["a"]}, "tags must be a table of texts"),
    ("add_fleet", {"name": "f", "tags": {"a": "?"}}, "tags must be a table of texts"),
    ("add_fleet", {"name": "f", "tags": MANY_TAGS}, f"tags must be a table .*, up to {TAG_LIMIT}"),
    ("add_fleet", {"name": "f", "region": "US-EAST-1"}, "region must be the name of a region"),
    ("add_fleet", {"name": "f", "region": 5}, "region must be the name of a region"),
    ("add_fleet", {"name": "f", "account_id": "12"}, "account_id must be an account's number"),
    ("add_fleet", {"name": "f", "account_id": 10**11}, "account_id must be an account's number"),
    ("add_devices", {"fleet_arn": FLEET, "names": "cam-1"}, "names must be a list of names"),
    ("add_devices", {"fleet_arn": FLEET, "names": ["a", 1]}, "names must be a list of names"),
    ("add_devices", {"fleet_arn": FLEET, "names": [], "failing": ["x"]}, "no device 'x' in the"),
    ("add_devices", {"fleet_arn": FLEET, "names": ["a"], "tags": {"": ""}}, "tags must be a table"),
    ("add_devices", {"fleet_arn": 5, "names": []}, "fleet_arn must be a text, not 5$"),
    ("add_devices", {"fleet_arn": "f", "names": []}, "there is no device fleet f"),
    ("add_tags", {"arn": FLEET, "tags": {"a": 1}}, r"tags must be a table .*, not \{'a': 1\}$"),
    ("add_tags", {"arn": FLEET, "tags": None}, "tags must be a table .*, not None$"),
    ("add_tags", {"arn": None, "tags": {}}, "arn must be a text, not None$"),
    ("tags_of", {"arn": 5}, "arn must be a text, not 5$"),
    ("add_training_plan", {"name": "no_name"}, "name must be a name of up to 64 "),
    ("add_training_plan", {"name": "p", "status": "Broken"}, "status must be .*, not 'Broken'$"),
    ("add_training_plan", {"name": "p", "start_in_hours": math.inf}, "start_in_hours must be a n"),
    ("add_training_plan", {"name": "p", "start_in_hours": "1"}, "start_in_hours must be a numb"),
    ("add_training_plan", {"name": "p", "duration_hours": 1.5}, "duration_hours must be a whole"),
    ("add_training_plan", {"name": "p", "duration_hours": 10**7}, "duration_hours must be a w"),
    ("add_training_plan", {"name": "p", "instance_type": None}, "instance_type must be a text"),
    ("add_training_plan", {"name": "p", "instance_count": -1}, "instance_count must be a whole"),
    ("add_training_plan", {"name": "p", "target_resources": "x"}, "target_resources must be a l"),
    ("add_training_plan", {"name": "p", "spare_instances": "1"}, "spare_instances must be a wh"),
    ("add_training_plan", {"name": "p", "tags": {"a": None}}, "tags must be a table of texts"),
    ("add_extension_offering", {"upfront_fee": 12.5}, "upfront_fee must be .*, not 12.5$"),
    ("add_extension_offering", {"upfront_fee": Decimal(-1)}, r"upfront_fee .*, not Decimal\('-1'"),
    (
        "add_plan_offering",
        {"upfront_fee": Decimal("nan")},
        "upfront_fee must be a price of zero or",
    ),
    ("add_plan_offering", {"duration_hours": Fraction(9, 2)}, "duration_hours must be a whole num"),
    ("add_extension_offering", {"duration_hours": -1}, "duration_hours must be a whole number"),
    ("add_extension_offering", {"currency_code": ""}, "currency_code must be a text, not ''$"),
    ("add_extension_offering", {"offering_id": ""}, "offering_id must be an offering's id"),
    ("add_extension_offering", {"sold_out": "no"}, "sold_out must be true or false, not 'no'$"),
    ("add_extension_offering", {"training_plan_arn": []}, r"there is no training plan \[\]"),
    ("add_plan_offering", {"offering_id": "TPO"}, "offering_id must be an offering's id of up to"),
    ("add_plan_offering", {"start_in_hours": math.nan}, "start_in_hours must be a number of hours"),
    ("add_plan_offering", {"upfront_fee": None}, "upfront_fee must be a decimal number in quotes"),
    ("add_plan_offering", {"region": ""}, "region must be the name of a region"),
    ("inject", {"operation": "List", "fault": Fault.hang()}, "there is no operation 'List'"),
    ("inject", {"operation": "*", "fault": Fault.hang(), "nth": 1.5}, "whole numbers, not 1.5 and"),
    ("inject", {"operation": "*", "fault": Fault.hang(), "times": "1"}, "whole numbers, not 1 and"),
    ("requests_of", {"operation": ["ListTags"]}, "there is no operation"),
]


@pytest.fixture(scope="module")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Emulator, Emulator]]:
    """One without a file, and one with."""
    folder = tmp_path_factory.mktemp("arguments")
    plain, kept = Emulator(), Emulator(data=folder / "state.db")
    for emulator in (plain, kept):
        emulator.clock.hold()
    yield plain, kept
    kept.stop()
    with Emulator(data=folder / "state.db") as again:
        assert again.service.snapshot() == kept.service.snapshot()


@pytest.mark.parametrize(("method", "arguments", "problem"), WRONG)
def test_a_wrong_argument_is_refused_before_anything_changes(
    emulators: tuple[Emulator, Emulator], method: str, arguments: dict[str, Any], problem: str
) -> None:
    if method == "add_extension_offering":
        arguments = {"training_plan_arn": PLAN, **arguments}
    for emulator in emulators:
        before = emulator.service.snapshot()
        with pytest.raises(ValueError, match=problem):
            getattr(emulator, method)(**arguments)
        assert emulator.service.snapshot() == before


@pytest.mark.parametrize("seconds", ["1", None, True, Decimal(1), math.nan, math.inf, -1])
def test_a_clock_advances_by_numbers(seconds: Any) -> None:
    clock = Clock()
    clock.hold()
    before = clock.reading()
    with pytest.raises(ValueError, match=r"the clock can advance by zero or more seconds.*"):
        clock.advance(seconds)
    assert (clock.now(), clock.reading().jumps) == (before.now, ())


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"port": "80"}, "port must be between 0 and 65535, not '80'"),
        ({"port": True}, "port must be between 0 and 65535, not True"),
        ({"speed": "fast"}, "speed must be a positive number, not 'fast'"),
        ({"failure_tolerance": "1"}, "failure_tolerance must be a number between 0 and 1, not '1'"),
        ({"loose_fleets": "no"}, "loose_fleets must be true or false, not 'no'"),
        ({"seed": 5}, "seed must be a Seed or the path of a file, not 5"),
        ({"credentials": ["test"]}, "credentials must be \"any\" or a mapping .* not \\['test'\\]"),
        ({"credentials": {"a b": "s"}}, "an access key id is a text without blanks.*, not 'a b'"),
        ({"credentials": {5: "s"}}, "an access key id is a text without blanks.*, not 5"),
        ({"credentials": {"a": ""}}, "the secret key of 'a' must be a text"),
        ({"credentials": {"a": None}}, "the secret key of 'a' must be a text"),
        ({"signature_clock": ["both"]}, "signature_clock must be"),
    ],
)
def test_a_wrong_option_is_refused_before_there_is_a_file(
    tmp_path: Path, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        Emulator(data=tmp_path / "state.db", **options)
    assert [*tmp_path.iterdir()] == []


def test_the_most_tags_are_those_of_the_service() -> None:
    assert allowed_values._MOST_TAGS == TAG_LIMIT


def test_names_may_come_from_anything_that_can_be_gone_through(service: Service) -> None:
    arn = service.add_fleet("f", devices=(f"d-{n}" for n in range(3)), failing={"d-1": ""}.keys())
    service.add_devices(arn, {"e-1"}, failing=iter(["d-2"]))
    create(service, "p", stage("s"), DeviceFleetName="f")
    start(service, "p", "s")
    service.clock.advance(60)
    assert stage_state(service, "p", "s") == ("FAILED", 2, 0, 2)


def test_a_device_that_is_registered_again_is_a_new_one(service: Service) -> None:
    service.add_fleet("f", devices=["a", "b"], failing=["a", "b"])
    create(service, "p", stage("s"), DeviceFleetName="f")
    named: dict[str, object] = {"DeviceFleetName": "f"}
    service.handle("DeregisterDevices", {**named, "DeviceNames": ["a"]})
    service.handle("RegisterDevices", {**named, "Devices": [{"DeviceName": "a"}]})
    start(service, "p", "s")
    service.clock.advance(60)
    assert stage_state(service, "p", "s") == ("FAILED", 1, 0, 1)


def plan(name: str) -> PlanSeed:
    request = {
        "EdgeDeploymentPlanName": name,
        "DeviceFleetName": "cameras",
        "ModelConfigs": [{"ModelHandle": "m", "EdgePackagingJobName": "j"}],
    }
    return PlanSeed(create=request)


USUAL = Seed.default()
OWN = "123456789012"


@pytest.mark.parametrize(
    ("seed", "problem"),
    [
        (
            Seed(fleets=(FleetSeed(name="f"), FleetSeed(name="f", account_id=OWN))),
            r"fleets\[1\]\.name must be unique, but 'f' is fleets\[0\]\.name too",
        ),
        (
            Seed(training_plans=(TrainingPlanSeed(name="t", account_id=OWN),) * 2),
            r"training_plans\[1\]\.name must be unique, but 't' is training_plans\[0\]\.name too",
        ),
        (
            Seed(plan_offerings=(PlanOfferingSeed(offering_id="o"),) * 2),
            r"plan_offerings\[1\]\.offering_id must be unique, but 'o' is plan_offerings\[0\]",
        ),
        (
            Seed(fleets=USUAL.fleets, plans=(plan("p"), plan("q"), plan("p"))),
            r"plans\[2\]\.create\.EdgeDeploymentPlanName must be unique, but 'p' is plans\[0\]",
        ),
        (Seed(fleets=(FleetSeed(name="no_name"),)), r"fleets\[0\] is wrong: name must be a name"),
        (
            Seed(training_plans=(TrainingPlanSeed(name="t", duration_hours=-1),)),
            r"training_plans\[0\] is wrong: duration_hours must be",
        ),
        (
            Seed(
                training_plans=(
                    TrainingPlanSeed(name="t", offerings=(OfferingSeed(offering_id=""),)),
                )
            ),
            r"training_plans\[0\]\.offerings\[0\] is wrong: offering_id must be",
        ),
        (
            Seed(plan_offerings=(PlanOfferingSeed(offering_id=""),)),
            r"plan_offerings\[0\] is wrong: offering_id must be",
        ),
        (Seed(plans=(PlanSeed(create={}, region=""),)), r"plans\[0\] is wrong: region must be"),
        (Seed(fleets=(FleetSeed(name="f", failing=("x",)),)), "failing: there is no device 'x'"),
    ],
)
def test_a_wrong_seed_changes_nothing(service: Service, seed: Seed, problem: str) -> None:
    create(service, "kept")
    before, now = service.snapshot(), service.clock.now()
    with pytest.raises(ValueError, match=problem):
        service.plant(seed)
    assert service.snapshot() == before
    service.reset()
    assert service.training_plan_arns == (PLAN,)
    assert service.clock.now() == now


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (
            {"fleets": USUAL.fleets},
            r"fleets\[0\]\.name must be unique, but 'cameras' is in the sta",
        ),
        ({"training_plans": (TrainingPlanSeed(name="demo-plan"),)}, "'demo-plan' is in the state"),
        (
            {
                "training_plans": (
                    TrainingPlanSeed(
                        name="t", offerings=(OfferingSeed(offering_id="tpeo-0123456789abcdef"),)
                    ),
                )
            },
            "'tpeo-0123456789abcdef' is in the state too",
        ),
        ({"plan_offerings": USUAL.plan_offerings}, "'tpo-0123456789abcdef' is in the state too"),
        ({"plans": (plan("p"),)}, "'p' is in the state too"),
    ],
)
def test_an_entry_beside_a_state_has_a_name_of_its_own(
    service: Service, entries: dict[str, Any], problem: str
) -> None:
    create(service, "p")
    state = service.exported_seed().state
    with pytest.raises(ValueError, match=problem):
        Service(seed=Seed(state=state, **entries))
    # In another region, it is another one.
    elsewhere = FleetSeed(name="cameras", region="eu-west-1")
    assert Service(seed=Seed(state=state, fleets=(elsewhere,))).snapshot()["fleets"] != []


def test_a_state_that_is_refused_moves_no_clock(service: Service) -> None:
    state = service.exported_seed().state
    other = Service(clock=Clock(start=5.0))
    other.clock.hold()
    with pytest.raises(ValueError, match="no device 'x'"):
        other.plant(Seed(state=state, fleets=(FleetSeed(name="f", failing=("x",)),)))
    assert other.clock.now() < 1e6
    assert other.clock.held
