"""Every public call and attribute of the emulator, its plugin and the progress display.

Checked as `api.py` is.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Literal, assert_type

from rich.console import Console

import sagemaker_plans as smp
from sagemaker_plans.emulator import (
    Clock,
    DataFileError,
    Emulator,
    Fault,
    FleetSeed,
    Gate,
    OfferingSeed,
    PlanOfferingSeed,
    PlanSeed,
    Purchase,
    RecordedRequest,
    Refusal,
    SavedState,
    Seed,
    SeedError,
    Service,
    Timings,
    TrainingPlanSeed,
)
from sagemaker_plans.progress import StageProgress


def emulators() -> None:
    with Emulator(data=Path("state.db")) as entered:
        assert_type(entered, Emulator)
        assert_type(entered.export_seed(), Seed)
        assert_type(entered.export_seed("seed.json"), Seed)
    emulator = Emulator(
        host="127.0.0.1",
        port=0,
        speed=60.0,
        timings=Timings(device_report=0.1),
        credentials={"test": "test"},
        loose_fleets=True,
        failure_tolerance=0.1,
        seed=Path("seed.toml"),
        signature_clock="emulator",
        allow_hosts=["plans"],
        allow_origins=("http://localhost:3000",),
    )
    assert_type(emulator.start(), None)
    assert_type(emulator.signature_clock, Literal["both", "machine", "emulator"])
    assert_type(emulator.requests_dropped, int)
    assert_type(emulator.turned_away, Mapping[str, int])
    assert_type(emulator.endpoint_url, str)
    assert_type(emulator.region, str)
    assert_type(emulator.access_key_id, str)
    assert_type(emulator.secret_access_key, str)
    assert_type(emulator.environment(), dict[str, str])
    assert_type(emulator.clock, Clock)
    assert_type(emulator.requests, tuple[RecordedRequest, ...])
    assert_type(emulator.requests_of("ExtendTrainingPlan"), tuple[RecordedRequest, ...])
    assert_type(emulator.purchases, tuple[Purchase, ...])
    assert_type(emulator.failures, tuple[Exception, ...])
    assert_type(emulator.training_plan_arn, str)
    assert_type(emulator.service, Service)
    assert_type(emulator.reset(), None)
    assert_type(emulator.stop(), None)


def state(emulator: Emulator) -> None:
    fleet = emulator.add_fleet("cameras", devices=5, failing=["cameras-0001"], failure_rate=0.1)
    assert_type(fleet, str)
    emulator.add_fleet(
        "cameras",
        devices=["cam-001"],
        description="In the hall",
        tags={"team": "vision"},
        region="us-gov-west-1",
        account_id="111122223333",
    )
    assert_type(
        emulator.add_devices(fleet, ["cam-011"], failing=["cam-011"], tags={"hall": "2"}),
        tuple[str, ...],
    )
    emulator.add_tags(fleet, {"team": "vision"})
    assert_type(emulator.tags_of(fleet), dict[str, str])
    assert_type(emulator.account_id, str)
    arn = emulator.add_training_plan(
        "plan",
        status="Active",
        start_in_hours=-1,
        duration_hours=24,
        instance_type="ml.p5.48xlarge",
        instance_count=4,
        region="us-east-1",
        target_resources=["endpoint"],
        ultra_server_type="ml.u-p6e-gb200x72",
        ultra_server_count=2,
        spare_instances=1,
        impaired_ultra_servers=1,
        tags={"team": "vision"},
        account_id="111122223333",
    )
    assert_type(arn, str)
    assert_type(
        emulator.add_plan_offering(
            offering_id="tpo-1",
            start_in_hours=1,
            duration_hours=24,
            upfront_fee="1.50",
            currency_code="USD",
            instance_type="ml.p5.48xlarge",
            instance_count=4,
            ultra_server_type="ml.u-p6e-gb200x72",
            ultra_server_count=2,
            target_resources=["endpoint"],
            region="us-east-1",
            resellable=False,
            sold_out=False,
            payment_fails=False,
        ),
        str,
    )
    assert_type(
        emulator.add_extension_offering(
            arn,
            offering_id="tpeo-1",
            duration_hours=24,
            upfront_fee="1.50",
            currency_code="USD",
            resellable=False,
            sold_out=False,
            payment_fails=False,
        ),
        str,
    )


def clocks(clock: Clock) -> None:
    Clock(speed=2.0, source=lambda: 0.0, start=0.0)
    assert_type(clock.now(), float)
    assert_type(clock.hold(), None)
    assert_type(clock.release(), None)
    assert_type(clock.advance(1), None)
    assert_type(clock.advanced_since(0.0), float)
    assert_type(clock.held, bool)
    assert_type(clock.speed, float)


def faults(emulator: Emulator, gate: Gate) -> None:
    every = (
        Fault.throttle(retry_after=1),
        Fault.error("Oops", "message", status=400, committed=False),
        Fault.internal_failure(committed=True),
        Fault.service_unavailable(),
        Fault.not_found_as_validation("Requested resource not found."),
        Fault.latency(0.1),
        Fault.wait_until(gate, committed=True),
        Fault.hang(committed=True),
        Fault.disconnect("rst", committed=True),
        Fault.drip(0.1),
        Fault.cut_body(),
        Fault.truncated_json(),
        Fault.not_json(),
        Fault.empty_object(),
        Fault.missing_member("Stages"),
        Fault.empty_page(),
        Fault.repeated_token(),
        Fault.unknown_enum_value(),
        Fault.unknown_member(),
    )
    for fault in every:
        assert_type(fault, Fault)
        assert_type(fault.name, str)
        assert_type(fault.committed, bool)
        assert_type(fault.seconds, float)
        assert_type(fault.gate, Gate | None)
        assert_type(fault.damage, Callable[[bytes], bytes] | None)
        assert_type(fault.content_type, str)
        assert_type(fault.only_paged, bool)
        emulator.inject("ExtendTrainingPlan", fault, nth=2, times=None)
    assert_type(emulator.clear_faults(), None)

    with emulator.hold_replies("ExtendTrainingPlan", committed=False) as held:
        assert_type(held, Gate)
        assert_type(held.wait_for_arrivals(2, timeout=1), None)
        assert_type(held.arrivals, int)
        assert_type(held.is_open, bool)
        assert_type(held.open(), None)


async def passage(gate: Gate) -> None:
    assert_type(await gate.passage(), None)


def records(request: RecordedRequest, purchase: Purchase) -> None:
    assert_type(request.request_id, str)
    assert_type(request.operation, str)
    assert_type(request.body, Mapping[str, object] | None)
    assert_type(request.raw_body, bytes)
    assert_type(request.headers["user-agent"], str)
    assert_type(request.region, str | None)
    assert_type(request.account_id, str)
    assert_type(request.received_at, float)
    assert_type(request.fault, str | None)
    assert_type(request.committed, bool)
    assert_type(request.status, int | None)
    assert_type(request.error_code, str | None)

    assert_type(purchase.offering_id, str)
    assert_type(purchase.training_plan_arn, str)
    assert_type(purchase.at, float)
    assert_type(purchase.request_id, str)
    assert_type(purchase.upfront_fee, str)
    assert_type(purchase.currency_code, str)


def seeds() -> None:
    seed = Seed(
        fleets=(
            FleetSeed(
                name="cameras",
                devices=3,
                failing=("a",),
                failure_rate=0.5,
                description="In the hall",
                tags={"team": "vision"},
                region="us-gov-west-1",
                account_id="111122223333",
            ),
        ),
        plans=(
            PlanSeed(
                create={"EdgeDeploymentPlanName": "spring"},
                start=("canary",),
                region="us-gov-west-1",
                account_id=None,
            ),
        ),
        training_plans=(
            TrainingPlanSeed(
                name="plan",
                status=None,
                start_in_hours=0,
                duration_hours=24,
                instance_type="ml.p5.48xlarge",
                instance_count=1,
                region="us-east-1",
                target_resources=("endpoint",),
                ultra_server_type=None,
                ultra_server_count=0,
                spare_instances=0,
                impaired_ultra_servers=0,
                tags={"team": "vision"},
                account_id=None,
                offerings=(
                    OfferingSeed(
                        offering_id="tpeo-1",
                        duration_hours=24,
                        upfront_fee="1.50",
                        currency_code="USD",
                        resellable=True,
                        sold_out=True,
                        payment_fails=True,
                    ),
                ),
            ),
        ),
        plan_offerings=(PlanOfferingSeed(offering_id="tpo-1"),),
    )
    more = Seed(
        fleets=[FleetSeed(name=name, devices=iter("ab"), failing={"a"}) for name in "fg"],
        plans=iter(seed.plans),
        training_plans=(TrainingPlanSeed(name="p", offerings=[]) for _ in range(1)),
        plan_offerings=[PlanOfferingSeed(offering_id="o", target_resources=["endpoint"])],
    )
    assert_type(more.fleets, tuple[FleetSeed, ...])
    assert_type(seed.plan_offerings, tuple[PlanOfferingSeed, ...])
    assert_type(seed.fleets, tuple[FleetSeed, ...])
    assert_type(seed.fleets[0].devices, tuple[str, ...] | int)
    assert_type(seed.plans, tuple[PlanSeed, ...])
    assert_type(seed.training_plans, tuple[TrainingPlanSeed, ...])
    assert_type(seed.training_plans[0].offerings, tuple[OfferingSeed, ...])
    assert_type(Seed.default(), Seed)
    assert_type(seed.state, SavedState | None)
    value_errors: list[type[ValueError]] = [SeedError, DataFileError]
    print(value_errors)


def services(seed: Seed) -> None:
    service = Service(
        clock=Clock(),
        timings=Timings(),
        loose_fleets=False,
        failure_tolerance=0.0,
        seed=seed,
        account_id="111122223333",
    )
    assert_type(service.operations, tuple[str, ...])
    assert_type(service.purchases, tuple[Purchase, ...])
    assert_type(service.training_plan_arns, tuple[str, ...])
    assert_type(service.snapshot(), dict[str, object])
    assert_type(service.snapshot_parts(), dict[str, object])
    assert_type(service.exported_seed(), Seed)
    assert_type(service.seed_parts(), Mapping[str, object])
    assert_type(service.changes, int)
    assert_type(service.problem, str | None)
    assert_type(service.plant(seed), None)
    assert_type(seed.plant(service), None)
    assert_type(service.reset(), None)
    service.add_fleet("cameras")
    assert_type(service.add_training_plan("plan"), str)
    assert_type(service.add_extension_offering("arn"), str)
    try:
        assert_type(service.handle("ExtendTrainingPlan", {}), dict[str, object])
    except Refusal as refusal:
        assert_type(refusal.code, str)
        assert_type(refusal.message, str)
        assert_type(refusal.status, int)


def timings() -> None:
    every = Timings(
        creating=0,
        starting=0.5,
        device_report=0.2,
        report_spread=2,
        stopping=0.5,
        payment_seconds=1,
        history_lag=0,
        reading_lag=0,
    )
    assert_type(every.creating, float)
    assert_type(every.starting, float)
    assert_type(every.device_report, float)
    assert_type(every.report_spread, float)
    assert_type(every.stopping, float)
    assert_type(every.payment_seconds, float)
    assert_type(every.history_lag, float)
    assert_type(every.reading_lag, float)


async def what_the_plugin_serves(
    sagemaker_emulator: Emulator, sagemaker_emulator_client: smp.AsyncClient
) -> None:
    async with sagemaker_emulator_client as client:
        assert_type(client, smp.AsyncClient)
    assert_type(sagemaker_emulator.endpoint_url, str)


async def progress(client: smp.AsyncClient, now: Callable[[], datetime]) -> None:
    opened: AbstractContextManager[StageProgress] = StageProgress(console=Console(), now=now)
    with opened as display:
        # One display serves every kind of wait.
        await client.plans.wait_until_stage_deployed("p", "s", timeout=1, on_poll=display)
        await client.plans.wait_until_deployed("p", timeout=1, on_poll=display)
        async for change in display.follow(client.plans.watch("p", timeout=1)):
            assert_type(change, smp.StageChange)
        for_plan: Callable[[smp.Stage | smp.EdgeDeploymentPlan | smp.StageChange], None]
        for_plan = display.for_plan("p")
        await client.plans.wait_until_deployed("p", timeout=1, on_poll=for_plan)
