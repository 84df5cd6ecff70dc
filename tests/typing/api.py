"""Every public call and attribute of the SDK with its type, as a user's checker sees it.

Never run: `nox -s typing_api` checks it with mypy and pyright against the built wheel,
and `test_completeness.py` sees to it that nothing public is left out.
"""

from collections.abc import AsyncIterable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, assert_never, assert_type

from aiobotocore.client import AioBaseClient
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

import sagemaker_plans as smp
from sagemaker_plans import errors, models
from sagemaker_plans.journal import PurchaseJournal, PurchaseRecord


async def clients(sagemaker_client: smp.AioSageMakerClient, journal: PurchaseJournal) -> None:
    async with smp.AsyncClient() as opened:
        assert_type(opened, smp.AsyncClient)
    client = smp.AsyncClient(
        region_name="eu-west-1",
        profile_name=None,
        endpoint_url="http://127.0.0.1:8080",
        session=AioSession(),
        config=AioConfig(),
        http_backend="httpx",
        retry=smp.RetryPolicy(),
        polling=smp.PollSchedule(),
        pace=smp.PacePolicy(),
        journal=journal,
        request_timeout=timedelta(seconds=30),
    )
    wrapped = smp.AsyncClient.from_client(
        sagemaker_client,
        retry=smp.RetryPolicy.none(),
        polling=smp.PollSchedule(interval=5),
        pace=smp.PacePolicy.off(),
        journal=None,
        request_timeout=30,
    )
    assert_type(wrapped, smp.AsyncClient)
    assert_type(wrapped.plans, smp.EdgeDeploymentPlans)
    assert_type(wrapped.training_plans, smp.TrainingPlans)
    assert_type(await client.aclose(), None)


def modules_beside() -> None:
    assert_type(smp.emulator.Seed(), smp.emulator.Seed)
    assert_type(smp.progress.StageProgress(), smp.progress.StageProgress)


async def what_can_be_wrapped(
    client: AioBaseClient, like_one: smp.AioSageMakerClient, instrumented: Any
) -> None:
    assert_type(smp.AsyncClient.from_client(client), smp.AsyncClient)
    smp.AsyncClient.from_client(instrumented)
    assert_type(like_one.meta, object)
    assert_type(await like_one.close(), None)


async def shared_clients(session: AioSession, config: AioConfig) -> int:
    shared: AbstractAsyncContextManager[smp.AsyncClient, None] = smp.shared_client()
    async with shared as client:
        assert_type(client, smp.AsyncClient)
    # It takes what AsyncClient takes, and swallows no exception: nothing needs to follow.
    async with smp.shared_client(
        region_name="eu-west-1",
        profile_name=None,
        endpoint_url="http://127.0.0.1:8080",
        session=session,
        config=config,
        http_backend="httpx",
        retry=smp.RetryPolicy(),
        polling=smp.PollSchedule(),
        request_timeout=timedelta(seconds=30),
    ) as client:
        return len(await client.plans.stages("spring").collect())


def policies() -> None:
    assert_type(smp.__version__, str)

    def on_retry(event: smp.RetryEvent) -> None:
        assert_type(event.operation, str)
        assert_type(event.attempt, int)
        assert_type(event.delay, float)
        assert_type(event.elapsed, float)
        assert_type(event.error, smp.SageMakerPlansError)

    assert_type(smp.RetryPolicy.none(), smp.RetryPolicy)
    policy = smp.RetryPolicy(
        max_attempts=3,
        base_delay=0.1,
        throttle_base_delay=timedelta(seconds=1),
        max_delay=10,
        max_elapsed=None,
        max_retry_after=timedelta(seconds=5),
        budget=100,
        reconcile_limit=5,
        on_retry=on_retry,
    )
    assert_type(policy.max_attempts, int)
    assert_type(policy.base_delay, float)
    assert_type(policy.throttle_base_delay, float)
    assert_type(policy.max_delay, float)
    assert_type(policy.max_elapsed, float | None)
    assert_type(policy.max_retry_after, float)
    assert_type(policy.budget, int)
    assert_type(policy.reconcile_limit, float)
    assert_type(policy.on_retry, Callable[[smp.RetryEvent], None] | None)
    assert_type(policy.delay_bounds(ValueError(), 1), tuple[float, float])

    schedule = smp.PollSchedule(interval=15, max_interval=timedelta(minutes=1), jitter=0.5)
    assert_type(schedule.interval, float)
    assert_type(schedule.max_interval, float)
    assert_type(schedule.jitter, float)
    assert_type(schedule.pause_bounds(2), tuple[float, float])
    schedule = smp.PollSchedule(interval=60, final_interval=5)
    schedule = smp.PollSchedule(final_interval=None)
    assert_type(schedule.final_interval, float | None)
    assert_type(schedule.shortest, float)
    assert_type(schedule.pause_bounds(0, near_end=True), tuple[float, float])

    assert_type(smp.PacePolicy.off(), smp.PacePolicy)
    pace = smp.PacePolicy(max_rate=20, min_rate=0.5, cut=0.7, enabled=True)
    assert_type(pace.max_rate, float | None)
    assert_type(pace.min_rate, float)
    assert_type(pace.cut, float)
    assert_type(pace.enabled, bool)


async def plans(client: smp.AsyncClient, spec: smp.EdgeDeploymentPlanSpec) -> None:
    assert_type(await client.plans.describe("spring"), smp.EdgeDeploymentPlan)
    assert_type(await client.plans.create(spec), str)
    assert_type(await client.plans.start_stage("spring", "canary"), None)
    assert_type(await client.plans.start_stage("spring", "canary", if_needed=True), None)
    assert_type(await client.plans.stop_stage("spring", "canary"), None)
    assert_type(await client.plans.ensure_created(spec), smp.EdgeDeploymentPlan)
    assert_type(await client.plans.add_stages("spring", spec.stages), None)
    assert_type(await client.plans.delete_stage("spring", "canary"), None)
    assert_type(await client.plans.delete("spring"), None)


async def rollouts(client: smp.AsyncClient, spec: smp.EdgeDeploymentPlanSpec) -> None:
    async def approve(stage: smp.Stage, report: smp.RolloutReport) -> bool:
        return stage.devices.failed == 0 and report.is_done

    async def awaited(change: smp.StageChange) -> None: ...

    report = await client.plans.roll_out(
        spec,
        stage_timeout=timedelta(hours=1),
        max_failed=0.1,
        bake_time=timedelta(minutes=5),
        approve=approve,
        on_change=awaited,
        stages=["canary"],
        schedule=smp.PollSchedule(),
        restart=True,
        stop_on_exit=False,
    )
    assert_type(report, smp.RolloutReport)
    await client.plans.roll_out("spring", stage_timeout=None, max_failed=2, on_change=print)
    assert_type(report.plan_name, str)
    assert_type(report.stages, tuple[smp.StageReport, ...])
    assert_type(report.may_still_run, tuple[str, ...])
    assert_type(report.failed_devices, tuple[smp.StageDevice, ...])
    assert_type(report.is_done, bool)
    each = report.stage("canary")
    assert_type(each, smp.StageReport)
    assert_type(each.stage, smp.Stage)
    assert_type(each.outcome, smp.StageOutcome)
    assert_type(each.was_started, bool)
    try:
        await client.plans.roll_out("spring", stage_timeout=3600)
    except smp.RolloutStoppedError as error:
        assert_type(error.report, smp.RolloutReport)


async def lists(client: smp.AsyncClient, moment: datetime) -> None:
    pager = client.plans.list(
        name_contains="spring",
        device_fleet_name_contains="cam",
        created_after=moment,
        created_before=None,
        modified_after=moment,
        modified_before=moment,
        sort_by="LAST_MODIFIED_TIME",
        sort_order="Descending",
        page_size=50,
        start_token=None,
    )
    assert_type(pager, smp.PlanSummaryPager)
    async for plan in pager:
        assert_type(plan, smp.EdgeDeploymentPlanSummary)
        assert_type(plan.arn, str)
        assert_type(plan.name, str)
        assert_type(plan.device_fleet_name, str)
        assert_type(plan.devices, smp.DeviceCounts)
        assert_type(plan.creation_time, datetime | None)
        assert_type(plan.last_modified_time, datetime | None)
    async for page in pager.pages():
        assert_type(page, smp.PlanSummaryPage)
        assert_type(page.plans, tuple[smp.EdgeDeploymentPlanSummary, ...])
        assert_type(page.next_token, str | None)
    devices = client.plans.stage_devices(
        "spring", "canary", exclude_deployed_in_other_stage=True, page_size=5, start_token="t"
    )
    assert_type(devices, smp.StageDevicePager)
    async for device in devices:
        assert_type(device, smp.StageDevice)
        assert_type(device.name, str)
        assert_type(device.arn, str)
        assert_type(device.status, smp.DeviceDeploymentStatus | None)
        assert_type(device.status_message, str | None)
        assert_type(device.deployed_stage_name, str | None)
        assert_type(device.device_fleet_name, str | None)
        assert_type(device.description, str | None)
        assert_type(device.start_time, datetime | None)
        assert_type(device.plan_arn, str)
        assert_type(device.plan_name, str)
        assert_type(device.stage_name, str)
    async for listed in devices.pages():
        assert_type(listed, smp.StageDevicePage)
        assert_type(listed.devices, tuple[smp.StageDevice, ...])


async def stage_pages(client: smp.AsyncClient) -> None:
    pager = client.plans.stages("spring", page_size=5, start_token="token")
    assert_type(pager, smp.StagePager)
    async for stage in pager:
        assert_type(stage, smp.Stage)
    assert_type(pager.pages(), AsyncIterable[smp.StagePage])
    async for page in pager.pages():
        assert_type(page.plan, smp.EdgeDeploymentPlan)
        assert_type(page.stages, tuple[smp.Stage, ...])
        assert_type(page.next_token, str | None)
    assert_type(await pager.collect(), tuple[smp.Stage, ...])


async def waits(client: smp.AsyncClient, schedule: smp.PollSchedule) -> None:
    async def awaited(stage: smp.Stage) -> None: ...

    def called(plan: smp.EdgeDeploymentPlan) -> int:
        return len(plan.stages)

    def called_with_either(seen: smp.Stage | smp.EdgeDeploymentPlan) -> None: ...

    stage = await client.plans.wait_until_stage_deployed(
        "spring",
        "canary",
        timeout=timedelta(hours=1),
        schedule=schedule,
        on_poll=awaited,
        start_grace=60,
    )
    assert_type(stage, smp.Stage)
    await client.plans.wait_until_stage_deployed(
        "spring", "canary", timeout=None, on_poll=called_with_either
    )
    assert_type(
        await client.plans.wait_until_stage_ready("spring", "canary", timeout=60, schedule=None),
        smp.Stage,
    )
    assert_type(
        await client.plans.wait_until_deployed(
            "spring", timeout=60.5, schedule=schedule, on_poll=called
        ),
        smp.EdgeDeploymentPlan,
    )
    at_midnight = datetime(2027, 3, 1, tzinfo=UTC)

    async def awaited_error(error: smp.SageMakerPlansError) -> None: ...

    def called_with_error(error: Exception) -> None: ...

    assert_type(
        await client.plans.wait_until_stage_deployed(
            "spring", "canary", until=at_midnight, on_poll_error=awaited_error
        ),
        smp.Stage,
    )
    await client.plans.wait_until_stage_ready("spring", "canary", until=at_midnight)
    await client.plans.wait_until_stage_stopped("spring", "canary", until=at_midnight)
    assert_type(
        await client.plans.wait_until_stage_stopped(
            "spring", "canary", timeout=60, schedule=schedule, on_poll_error=called_with_error
        ),
        smp.Stage,
    )
    await client.plans.wait_until_deployed(
        "spring", until=at_midnight, on_poll_error=called_with_error
    )
    watch = client.plans.watch("spring", until=at_midnight, on_poll_error=called_with_error)
    assert_type(watch, smp.StageWatch)
    watch = client.plans.watch("spring", timeout=60, schedule=schedule)
    assert_type(watch, smp.StageWatch)
    assert_type(await anext(watch), smp.StageChange)
    async with aclosing(watch) as changes:
        assert_type(changes, smp.StageWatch)
    async for change in watch:
        assert_type(change, smp.StageChange)
        assert_type(change.stage, smp.Stage)
        assert_type(change.previous, smp.Stage | None)


async def training_plans(client: smp.AsyncClient, arn: str, record: PurchaseRecord) -> None:
    receipt = await client.training_plans.extend(
        "tpeo-1", training_plan_arn=arn, max_upfront_fee=Decimal(5000), currency_code="USD"
    )
    await client.training_plans.extend("tpeo-1", training_plan_arn=arn, idempotency_key="march")
    await client.training_plans.extend("tpeo-1", training_plan_arn=arn, idempotency_key=None)
    perhaps: str | None = arn
    await client.training_plans.extend("tpeo-1")
    await client.training_plans.extend("tpeo-1", training_plan_arn=perhaps)
    assert_type(await client.training_plans.settle(arn, bought=True), None)
    await client.training_plans.settle(arn, bought=False, record=record)
    await client.training_plans.settle(arn, bought=False, record=record.number)
    await client.training_plans.settle(arn, bought=False, record=None)
    assert_type(receipt, smp.ExtensionReceipt)
    await client.training_plans.extend("tpeo-1", training_plan_arn=arn, max_upfront_fee=5000)
    for offering in await client.training_plans.search_extension_offerings(arn):
        await client.training_plans.extend(offering, training_plan_arn=arn)
    assert_type(receipt.extension, smp.TrainingPlanExtension)
    assert_type(receipt.extensions, tuple[smp.TrainingPlanExtension, ...])
    assert_type(receipt.outcome, smp.PurchaseOutcome)
    # A user who handles the three is told of a fourth by the checker.
    match receipt.outcome:
        case "purchased" | "already_purchased" | "confirmed_by_history":
            pass
        case _:
            assert_never(receipt.outcome)

    assert_type(
        await client.training_plans.search_extension_offerings(arn, duration_hours=24),
        tuple[smp.TrainingPlanExtensionOffering, ...],
    )
    pager = client.training_plans.extension_history(arn, page_size=10, start_token="t")
    assert_type(pager, smp.ExtensionPager)
    async for extension in pager:
        assert_type(extension, smp.TrainingPlanExtension)
    async for page in pager.pages():
        assert_type(page, smp.ExtensionPage)
        assert_type(page.extensions, tuple[smp.TrainingPlanExtension, ...])
        assert_type(page.next_token, str | None)
    assert_type(await pager.collect(), tuple[smp.TrainingPlanExtension, ...])


def plan_models(plan: smp.EdgeDeploymentPlan) -> None:
    assert_type(plan.arn, str)
    assert_type(plan.name, str)
    assert_type(plan.device_fleet_name, str)
    assert_type(plan.model_configs, tuple[smp.ModelConfig, ...])
    assert_type(plan.stages, tuple[smp.Stage, ...])
    assert_type(plan.devices, smp.DeviceCounts | None)
    assert_type(plan.creation_time, datetime | None)
    assert_type(plan.last_modified_time, datetime | None)
    assert_type(plan.is_finished, bool)
    assert_type(plan.to_wire(), dict[str, object])
    assert_type(smp.EdgeDeploymentPlan.from_wire({}), smp.EdgeDeploymentPlan)

    stage = plan.stage("canary")
    assert_type(stage, smp.Stage)
    assert_type(stage.name, str)
    assert_type(stage.device_selection, smp.DeviceSelection)
    assert_type(stage.failure_handling_policy, smp.FailureHandlingPolicy)
    assert_type(stage.status, smp.StageStatus)
    assert_type(stage.status_message, str | None)
    assert_type(stage.devices, smp.DeviceCounts)
    assert_type(stage.start_time, datetime | None)
    assert_type(stage.to_spec(), smp.StageSpec)
    assert_type(stage.to_wire(), dict[str, object])
    assert_type(smp.Stage.from_wire({}), smp.Stage)

    assert_type(stage.devices.succeeded, int)
    assert_type(stage.devices.pending, int)
    assert_type(stage.devices.failed, int)
    assert_type(stage.devices.total, int)
    assert_type(stage.devices.fraction_done, float)
    assert_type(smp.DeviceCounts(1, 2, failed=3), smp.DeviceCounts)


def selections(selection: smp.DeviceSelection) -> None:
    match selection:
        case smp.PercentageOfFleet(percentage):
            assert_type(percentage, int)
        case smp.NamedDevices(device_names):
            assert_type(device_names, tuple[str, ...])
        case smp.NameContains(device_name_contains):
            assert_type(device_name_contains, str)
        case smp.UnrecognizedSelection(wire):
            assert_type(wire, Mapping[str, object])
        case _:
            assert_never(selection)
    base: smp.DeviceSelectionConfig = selection
    print(base)
    assert_type(selection.device_subset_type, smp.DeviceSubsetType)
    assert_type(selection.problems("device_selection"), Iterator[str])
    # Any iterable of names is taken.
    smp.NamedDevices(["cam-001"])
    smp.NamedDevices(f"cam-{number:03}" for number in range(1, 4))


def specs() -> None:
    stage = smp.StageSpec(
        "canary",
        smp.NamedDevices(("cam-001",)),
        failure_handling_policy=smp.FailureHandlingPolicy.DO_NOTHING,
    )
    assert_type(stage.name, str)
    assert_type(stage.device_selection, smp.DeviceSelection)
    assert_type(stage.failure_handling_policy, smp.FailureHandlingPolicy | None)
    model = smp.ModelConfig("detector", edge_packaging_job_name="detector-v7")
    assert_type(model.model_handle, str)
    assert_type(model.edge_packaging_job_name, str)
    spec = smp.EdgeDeploymentPlanSpec(
        "spring",
        device_fleet_name="cameras",
        model_configs=[model],
        stages=(each for each in [stage]),
        tags={"team": "vision"},
    )
    assert_type(spec.name, str)
    assert_type(spec.device_fleet_name, str)
    assert_type(spec.model_configs, tuple[smp.ModelConfig, ...])
    assert_type(spec.stages, tuple[smp.StageSpec, ...])
    assert_type(spec.tags, Mapping[str, str])


def every_value(policy: smp.FailureHandlingPolicy) -> str:
    match policy:
        case smp.FailureHandlingPolicy.ROLLBACK_ON_FAILURE | smp.FailureHandlingPolicy.DO_NOTHING:
            return policy.name
        case _:
            # What AWS adds later comes here, so this can be reached, and compared.
            assert_type(policy, smp.FailureHandlingPolicy)
            return "later" if policy == "PAUSE_ON_FAILURE" else policy.value


def enums(status: smp.StageStatus) -> None:
    assert_type(smp.StageStatus.DEPLOYED, smp.StageStatus)
    assert_type(list(smp.StageStatus), list[smp.StageStatus])
    assert_type(list(reversed(smp.StageStatus)), list[smp.StageStatus])
    assert_type(len(smp.StageStatus), int)
    assert_type(smp.StageStatus["DEPLOYED"], smp.StageStatus)
    assert_type(smp.StageStatus.__members__, Mapping[str, smp.StageStatus])
    assert_type(status.name, str)
    assert_type(status.value, str)
    assert_type(smp.StageStatus("A_STATUS_OF_TOMORROW"), smp.StageStatus)
    assert_type(status.is_terminal, bool)
    assert_type(status.is_under_way, bool)
    assert_type(status.is_unknown, bool)
    text: str = status
    text = status.value
    assert_type(text == "DEPLOYED", bool)
    every = (
        *(smp.StageStatus.CREATING, smp.StageStatus.READYTODEPLOY, smp.StageStatus.STARTING),
        *(smp.StageStatus.INPROGRESS, smp.StageStatus.DEPLOYED, smp.StageStatus.FAILED),
        *(smp.StageStatus.STOPPING, smp.StageStatus.STOPPED),
    )
    policies = (
        smp.FailureHandlingPolicy.ROLLBACK_ON_FAILURE,
        smp.FailureHandlingPolicy.DO_NOTHING,
    )
    kinds = (
        *(smp.DeviceSubsetType.PERCENTAGE, smp.DeviceSubsetType.SELECTION),
        smp.DeviceSubsetType.NAMECONTAINS,
    )
    device_statuses = (
        *(smp.DeviceDeploymentStatus.READYTODEPLOY, smp.DeviceDeploymentStatus.INPROGRESS),
        *(smp.DeviceDeploymentStatus.DEPLOYED, smp.DeviceDeploymentStatus.FAILED),
        *(smp.DeviceDeploymentStatus.STOPPING, smp.DeviceDeploymentStatus.STOPPED),
    )
    strings: list[str] = [*every, *policies, *kinds, *device_statuses]
    assert_type(strings, list[str])


def training_plan_models(
    extension: smp.TrainingPlanExtension, offering: smp.TrainingPlanExtensionOffering
) -> None:
    assert_type(extension.offering_id, str)
    assert_type(extension.extended_at, datetime | None)
    assert_type(extension.start_date, datetime | None)
    assert_type(extension.end_date, datetime | None)
    assert_type(extension.status, str | None)
    assert_type(extension.payment_status, str | None)
    assert_type(extension.availability_zone, str | None)
    assert_type(extension.availability_zone_id, str | None)
    assert_type(extension.duration_hours, int | None)
    assert_type(extension.upfront_fee, Decimal | None)
    assert_type(extension.upfront_fee_text, str | None)
    assert_type(extension.currency_code, str | None)

    assert_type(offering.offering_id, str)
    assert_type(offering.availability_zone, str | None)
    assert_type(offering.start_date, datetime | None)
    assert_type(offering.end_date, datetime | None)
    assert_type(offering.duration_hours, int | None)
    assert_type(offering.upfront_fee, Decimal | None)
    assert_type(offering.upfront_fee_text, str | None)
    assert_type(offering.currency_code, str | None)


def a_training_plan(plan: smp.TrainingPlan) -> None:
    assert_type(plan.arn, str)
    assert_type(plan.name, str)
    assert_type(plan.status, smp.TrainingPlanStatus)
    assert_type(plan.status_message, str | None)
    assert_type(plan.duration_hours, int | None)
    assert_type(plan.duration_minutes, int | None)
    assert_type(plan.start_time, datetime | None)
    assert_type(plan.end_time, datetime | None)
    assert_type(plan.upfront_fee, Decimal | None)
    assert_type(plan.currency_code, str | None)
    assert_type(plan.upfront_fee_text, str | None)
    assert_type(plan.total_instance_count, int | None)
    assert_type(plan.available_instance_count, int | None)
    assert_type(plan.in_use_instance_count, int | None)
    assert_type(plan.unhealthy_instance_count, int | None)
    assert_type(plan.available_spare_instance_count, int | None)
    assert_type(plan.total_ultra_server_count, int | None)
    assert_type(plan.target_resources, tuple[smp.TargetResource, ...])
    assert_type(plan.reserved_capacities, tuple[smp.ReservedCapacitySummary, ...])
    assert_type(plan.duration, timedelta | None)
    assert_type(plan.usable_until(), datetime | None)
    assert_type(plan.usable_until(smp.TargetResource.TRAINING_JOB), datetime | None)
    assert_type(plan.usable_until("endpoint"), datetime | None)
    assert_type(plan.status.is_terminal, bool)


def reserved_capacities(
    summary: smp.ReservedCapacitySummary, capacity: smp.ReservedCapacity
) -> None:
    assert_type(summary.arn, str)
    assert_type(summary.type, smp.ReservedCapacityType | None)
    assert_type(summary.ultra_server_type, str | None)
    assert_type(summary.ultra_server_count, int | None)
    assert_type(summary.instance_type, str)
    assert_type(summary.total_instance_count, int)
    assert_type(summary.status, smp.ReservedCapacityStatus)
    assert_type(summary.availability_zone, str | None)
    assert_type(summary.availability_zone_id, str | None)
    assert_type(summary.duration_hours, int | None)
    assert_type(summary.duration_minutes, int | None)
    assert_type(summary.start_time, datetime | None)
    assert_type(summary.end_time, datetime | None)
    assert_type(summary.duration, timedelta | None)
    assert_type(capacity.arn, str)
    assert_type(capacity.type, smp.ReservedCapacityType | None)
    assert_type(capacity.status, smp.ReservedCapacityStatus | None)
    assert_type(capacity.availability_zone, str | None)
    assert_type(capacity.duration_hours, int | None)
    assert_type(capacity.duration_minutes, int | None)
    assert_type(capacity.start_time, datetime | None)
    assert_type(capacity.end_time, datetime | None)
    assert_type(capacity.instance_type, str)
    assert_type(capacity.total_instance_count, int)
    assert_type(capacity.available_instance_count, int | None)
    assert_type(capacity.in_use_instance_count, int | None)
    assert_type(capacity.ultra_server_summary, smp.UltraServerSummary | None)
    assert_type(capacity.duration, timedelta | None)


def ultra_servers(servers: smp.UltraServerSummary, server: smp.UltraServer) -> None:
    assert_type(servers.type, str)
    assert_type(servers.instance_type, str)
    assert_type(servers.count, int | None)
    assert_type(servers.available_spare_instance_count, int | None)
    assert_type(servers.unhealthy_instance_count, int | None)
    assert_type(server.id, str)
    assert_type(server.type, str)
    assert_type(server.availability_zone, str)
    assert_type(server.instance_type, str)
    assert_type(server.total_instance_count, int)
    assert_type(server.configured_spare_instance_count, int | None)
    assert_type(server.available_instance_count, int | None)
    assert_type(server.in_use_instance_count, int | None)
    assert_type(server.available_spare_instance_count, int | None)
    assert_type(server.unhealthy_instance_count, int | None)
    assert_type(server.health_status, smp.UltraServerHealth | None)


def training_plan_offerings(
    offered: smp.TrainingPlanOffering, block: smp.ReservedCapacityOffering
) -> None:
    assert_type(offered.offering_id, str)
    assert_type(offered.target_resources, tuple[smp.TargetResource, ...])
    assert_type(offered.requested_start_time_after, datetime | None)
    assert_type(offered.requested_end_time_before, datetime | None)
    assert_type(offered.duration_hours, int | None)
    assert_type(offered.duration_minutes, int | None)
    assert_type(offered.upfront_fee, Decimal | None)
    assert_type(offered.currency_code, str | None)
    assert_type(offered.upfront_fee_text, str | None)
    assert_type(offered.reserved_capacity_offerings, tuple[smp.ReservedCapacityOffering, ...])
    assert_type(offered.duration, timedelta | None)
    assert_type(block.type, smp.ReservedCapacityType | None)
    assert_type(block.ultra_server_type, str | None)
    assert_type(block.ultra_server_count, int | None)
    assert_type(block.instance_type, str)
    assert_type(block.instance_count, int)
    assert_type(block.availability_zone, str | None)
    assert_type(block.duration_hours, int | None)
    assert_type(block.duration_minutes, int | None)
    assert_type(block.start_time, datetime | None)
    assert_type(block.end_time, datetime | None)
    assert_type(block.extension_start_time, datetime | None)
    assert_type(block.extension_end_time, datetime | None)
    assert_type(block.duration, timedelta | None)


def training_plan_enums() -> None:
    every: list[str] = [
        smp.TrainingPlanStatus.PENDING,
        smp.TrainingPlanStatus.ACTIVE,
        smp.TrainingPlanStatus.SCHEDULED,
        smp.TrainingPlanStatus.EXPIRED,
        smp.TrainingPlanStatus.FAILED,
        smp.ReservedCapacityStatus.PENDING,
        smp.ReservedCapacityStatus.ACTIVE,
        smp.ReservedCapacityStatus.SCHEDULED,
        smp.ReservedCapacityStatus.EXPIRED,
        smp.ReservedCapacityStatus.FAILED,
        smp.ReservedCapacityType.INSTANCE,
        smp.ReservedCapacityType.ULTRA_SERVER,
        smp.TargetResource.TRAINING_JOB,
        smp.TargetResource.HYPERPOD_CLUSTER,
        smp.TargetResource.ENDPOINT,
        smp.TargetResource.STUDIO_APPS,
        smp.UltraServerHealth.OK,
        smp.UltraServerHealth.IMPAIRED,
        smp.UltraServerHealth.INSUFFICIENT_DATA,
    ]
    print(every)


async def training_plan_reads(client: smp.AsyncClient, arn: str, moment: datetime) -> None:
    plans = client.training_plans
    assert_type(await plans.describe(arn), smp.TrainingPlan)
    by: smp.TrainingPlanSortBy = "StartTime"
    order: smp.TrainingPlanSortOrder = "Descending"
    pager = plans.list(
        status=smp.TrainingPlanStatus.ACTIVE,
        start_after=moment,
        start_before=moment,
        sort_by=by,
        sort_order=order,
        page_size=10,
        start_token="t",
    )
    assert_type(pager, smp.TrainingPlanPager)
    async for plan in pager:
        assert_type(plan, smp.TrainingPlan)
    async for page in pager.pages():
        assert_type(page, smp.TrainingPlanPage)
        assert_type(page.training_plans, tuple[smp.TrainingPlan, ...])
        assert_type(page.next_token, str | None)
    found = await plans.search_offerings(
        instance_type="ml.p5.48xlarge",
        instance_count=1,
        ultra_server_type="ml.u-p6e-gb200x72",
        ultra_server_count=1,
        start_time_after=moment,
        end_time_before=moment,
        duration_hours=24,
        target_resources=[smp.TargetResource.TRAINING_JOB, "endpoint"],
    )
    assert_type(found, tuple[smp.TrainingPlanOffering, ...])
    assert_type(await plans.reserved_capacity(arn), smp.ReservedCapacity)
    servers = plans.ultra_servers(arn, page_size=10, start_token="t")
    assert_type(servers, smp.UltraServerPager)
    assert_type(await servers.collect(), tuple[smp.UltraServer, ...])
    async for servers_page in servers.pages():
        assert_type(servers_page, smp.UltraServerPage)
        assert_type(servers_page.ultra_servers, tuple[smp.UltraServer, ...])


async def training_plan_coverage(client: smp.AsyncClient, arn: str, moment: datetime) -> None:
    plans = client.training_plans
    choice = await plans.choose_extension(
        arn,
        until=moment,
        max_upfront_fee=Decimal(5000),
        currency_code="USD",
        target=smp.TargetResource.TRAINING_JOB,
    )
    assert_type(choice, smp.ExtensionChoice)
    assert_type(choice.offering, smp.TrainingPlanExtensionOffering | None)
    assert_type(choice.candidates, tuple[smp.ExtensionCandidate, ...])
    assert_type(choice.combination_fee, Decimal | None)
    for candidate in choice.candidates:
        verdict: smp.CandidateVerdict = candidate.verdict
        print(verdict, candidate.usable_until, candidate.reason)
        assert_type(candidate.covers, bool)
    assert_type(choice.covers, bool)
    assert_type(choice.combination, tuple[smp.TrainingPlanExtensionOffering, ...])
    assert_type(choice.explain(), str)
    coverage = await plans.ensure_until(
        arn,
        moment,
        budget=40_000,
        currency_code="USD",
        target="hyperpod-cluster",
        lead=timedelta(hours=12),
        since=moment,
        timeout=60,
    )
    assert_type(coverage, smp.Coverage)
    assert_type(coverage.bought, tuple[smp.ExtensionReceipt, ...])
    assert_type(coverage.spent, Decimal)
    assert_type(coverage.pending, smp.TrainingPlanExtension | None)
    assert_type(coverage.next_at, datetime | None)
    assert_type(coverage.covered, bool)
    assert_type(coverage.late, bool)
    await plans.choose_extension(arn, until=moment)
    try:
        await plans.ensure_until(arn, moment, budget=Decimal(1))
    except smp.CoverageError as error:
        assert_type(error.coverage, smp.Coverage | None)
        assert_type(error.choice, smp.ExtensionChoice | None)


async def training_plan_waits(client: smp.AsyncClient, arn: str, moment: datetime) -> None:
    plans, schedule = client.training_plans, smp.PollSchedule()

    async def look(plan: smp.TrainingPlan) -> None: ...
    def note(extension: smp.TrainingPlanExtension) -> None: ...
    def failed(error: smp.SageMakerPlansError) -> None: ...

    assert_type(await plans.wait_until_active("demo", timeout=None), smp.TrainingPlan)
    await plans.wait_until_active(
        arn, until=moment, schedule=schedule, on_poll=look, on_poll_error=failed
    )
    extension = await plans.wait_until_extended(arn, "tpeo-1", timeout=timedelta(hours=1))
    assert_type(extension, smp.TrainingPlanExtension)
    await plans.wait_until_extended(
        arn, "tpeo-1", until=moment, schedule=schedule, on_poll=note, on_poll_error=failed
    )


def what_all_errors_have(error: smp.SageMakerPlansError) -> None:
    assert_type(error.operation, str | None)
    assert_type(error.next_token, str | None)


def what_a_failed_purchase_has(error: smp.PurchaseFailedError) -> None:
    assert_type(error.extension, smp.TrainingPlanExtension)
    assert_type(error.training_plan, smp.TrainingPlan | None)
    assert_type(error.training_plan_arn, str | None)


async def what_each_error_has(client: smp.AsyncClient) -> None:
    try:
        await client.plans.describe("spring")
    except (smp.ConfigurationError, smp.PaginationError):
        pass
    except smp.InvalidRequestError as error:
        assert_type(error.problems, tuple[str, ...])
    except smp.ServiceError as error:
        assert_type(error.code, str)
        assert_type(error.message, str)
        assert_type(error.http_status, int | None)
        assert_type(error.request_id, str | None)
        assert_type(error.retry_after, float | None)
    except smp.ConnectionFailedError as error:
        assert_type(error.request_sent, bool | None)
    except smp.PurchaseReplyError as error:
        assert_type(error.problems, tuple[str, ...])
        assert_type(error.reply, Mapping[str, object] | str | None)
        assert_type(error.http_status, int | None)
        assert_type(error.request_id, str | None)
    except smp.UnexpectedReplyError as error:
        assert_type(error.problems, tuple[str, ...])
        assert_type(error.reply, Mapping[str, object] | str | None)
        assert_type(error.http_status, int | None)
        assert_type(error.request_id, str | None)
    except smp.OutcomeUnknownError as error:
        assert_type(error.offering_id, str | None)
        assert_type(error.training_plan_arn, str | None)
        assert_type(error.plan_name, str | None)
        assert_type(error.reply, Mapping[str, object] | str | None)
    except smp.PurchaseRefusedError as error:
        assert_type(error.offering_id, str)
        assert_type(error.training_plan_arn, str | None)
    except smp.PlanMismatchError as error:
        assert_type(error.plan_name, str)
        assert_type(error.differences, tuple[str, ...])
    except (smp.StageFailedError, smp.StageStoppedError) as error:
        assert_type(error.last_seen, smp.Stage)
    except smp.StageNotStartedError as error:
        assert_type(error.last_seen, smp.Stage)
    except smp.WaitError as error:
        assert_type(error.plan, smp.EdgeDeploymentPlan | None)
        assert_type(error.plan_name, str | None)
        assert_type(error.last_seen, smp.Stage | smp.EdgeDeploymentPlan | smp.TrainingPlan | None)
        assert_type(error.polls, int)
        assert_type(error.waited, float)


def what_was_seen_last(missing: smp.StageNotFoundError, ended: smp.TrainingPlanEndedError) -> None:
    assert_type(missing.last_seen, smp.Stage | None)
    assert_type(ended.last_seen, smp.TrainingPlan)


def how_old_a_reading_is(error: smp.WaitTimeoutError) -> None:
    assert_type(error.reading_age, float | None)


def how_the_error_tree_hangs_together() -> None:
    service_errors: list[type[smp.ServiceError]] = [
        *(smp.ResourceNotFoundError, smp.ResourceInUseError, smp.ResourceLimitExceededError),
        *(smp.ConflictError, smp.ValidationError, smp.AccessDeniedError),
        *(smp.ThrottledError, smp.InternalServiceError),
    ]
    wait_errors: list[type[smp.WaitError]] = [
        *(smp.StageFailedError, smp.StageStoppedError, smp.StageNotFoundError),
        *(smp.StageNotStartedError, smp.TrainingPlanEndedError, smp.WaitTimeoutError),
    ]
    all_errors: list[type[smp.SageMakerPlansError]] = [*service_errors, *wait_errors]
    value_errors: list[type[ValueError]] = [smp.ConfigurationError, smp.InvalidRequestError]
    timeout_errors: list[type[TimeoutError]] = [smp.WaitTimeoutError]
    unknown: list[type[smp.OutcomeUnknownError]] = [smp.PurchaseReplyError]
    unread: list[type[smp.UnexpectedReplyError]] = [smp.PurchaseReplyError]
    print(all_errors, value_errors, timeout_errors, unknown, unread)


# What the modules name is what the package names.
assert_type(models.Stage, type[smp.Stage])
assert_type(errors.WaitError, type[smp.WaitError])
