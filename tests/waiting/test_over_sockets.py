"""What waits cost and survive on the wire, counted at the server."""

import gc
from collections import Counter
from typing import Literal

import anyio
import pytest

from harness import MakeClient, Transport, a_spec, client_for, own_port
from sagemaker_plans import (
    AccessDeniedError,
    ConfigurationError,
    EdgeDeploymentPlan,
    PollSchedule,
    ResourceNotFoundError,
    Stage,
    ThrottledError,
    WaitTimeoutError,
)
from sagemaker_plans.emulator import Emulator, Fault, FleetSeed, PlanSeed, Seed, Timings
from waiting.virtual_plans import DESCRIBE, plans_kept

STAGES = tuple(f"stage-{number}" for number in range(10))
OFTEN = PollSchedule(interval=0.02, max_interval=0.05)
AN_HOUR = 3600.0


def rolling_out(plans: int) -> Emulator:
    """Give an emulator whose plans deploy all their stages when its clock moves an hour."""
    seeds = [
        PlanSeed(create=a_spec(f"rollout-{number}", stages=10).to_wire(), start=STAGES)
        for number in range(plans)
    ]
    seed = Seed(fleets=(FleetSeed(name="cameras"),), plans=tuple(seeds))
    emulator = Emulator(seed=seed, timings=Timings(starting=AN_HOUR / 2))
    emulator.clock.hold()
    return emulator


def described(emulator: Emulator) -> Counter[object]:
    bodies = (request.body for request in emulator.requests_of(DESCRIBE))
    return Counter(body and body["EdgeDeploymentPlanName"] for body in bodies)


@pytest.mark.anyio
async def test_ten_waits_on_ten_stages_of_a_plan_see_the_same_four_replies(
    transport: Transport,
) -> None:
    polls: Counter[str] = Counter()

    with rolling_out(plans=1) as emulator:

        def count(stage: Stage) -> None:
            polls[stage.name] += 1
            if polls.total() == 3 * len(STAGES):
                emulator.clock.advance(AN_HOUR)

        async with (
            client_for(emulator.endpoint_url, transport, polling=OFTEN) as client,
            anyio.create_task_group() as tasks,
        ):
            for stage in STAGES:
                tasks.start_soon(
                    lambda name: client.plans.wait_until_stage_deployed(
                        "rollout-0", name, timeout=60, on_poll=count
                    ),
                    stage,
                )

        assert described(emulator) == {"rollout-0": 4}
    assert polls == dict.fromkeys(STAGES, 4)


@pytest.mark.anyio
async def test_a_wait_that_joins_later_costs_one_request_and_shares_the_rest(
    transport: Transport,
) -> None:
    polls: Counter[str] = Counter()
    rarely = PollSchedule(interval=AN_HOUR, max_interval=AN_HOUR)

    with rolling_out(plans=1) as emulator:
        async with (
            client_for(emulator.endpoint_url, transport) as client,
            anyio.create_task_group() as tasks,
        ):

            async def wait(name: str) -> None:
                def count(_: EdgeDeploymentPlan) -> None:
                    polls[name] += 1
                    if name == "fourth":
                        tasks.cancel_scope.cancel()
                    elif polls[name] == 1:
                        # As soon as one has read something the next one joins.
                        successor = {"first": "second", "second": "third", "third": "fourth"}
                        tasks.start_soon(wait, successor[name])

                await client.plans.wait_until_deployed(
                    "rollout-0", timeout=None, schedule=rarely, on_poll=count
                )

            tasks.start_soon(wait, "first")

        assert described(emulator) == {"rollout-0": 4}
    assert polls["second"] <= 3


@pytest.mark.anyio
async def test_a_thousand_waits_on_a_hundred_plans_cost_what_a_hundred_cost(
    transport: Transport,
) -> None:
    polls: Counter[str] = Counter()
    deployed: Counter[str] = Counter()

    with rolling_out(plans=100) as emulator:
        async with (
            client_for(
                emulator.endpoint_url,
                transport,
                polling=PollSchedule(interval=0.5),
                request_timeout=60,
            ) as client,
            anyio.create_task_group() as tasks,
        ):

            async def wait(plan: str, name: str) -> None:
                def count(_: Stage) -> None:
                    polls[plan] += 1
                    if polls.total() == 1000:
                        emulator.clock.advance(AN_HOUR)

                await client.plans.wait_until_stage_deployed(plan, name, timeout=60, on_poll=count)
                deployed[plan] += 1

            for number in range(100):
                for stage in STAGES:
                    tasks.start_soon(wait, f"rollout-{number}", stage)

        requests = described(emulator)
        gc.collect()
        assert plans_kept(client.plans) == 0
    assert deployed == {f"rollout-{number}": 10 for number in range(100)}
    # Each reply was seen by all ten who waited for it.
    assert {plan: seen / 10 for plan, seen in polls.items()} == requests


FAULTS = (
    Fault.throttle(),
    Fault.throttle(retry_after=0.01),
    Fault.internal_failure(),
    Fault.service_unavailable(),
    Fault.disconnect("fin"),
    Fault.disconnect("rst"),
    Fault.cut_body(),
    Fault.truncated_json(),
    Fault.not_json(),
    Fault.empty_object(),
    Fault.missing_member("StageStatus"),
    Fault.unknown_enum_value(),
    Fault.unknown_member(),
    Fault.latency(0.01),
    Fault.empty_page(),
    Fault.hang(),
)


@pytest.mark.anyio
@pytest.mark.parametrize("order", ["forwards", "backwards"])
async def test_a_wait_survives_whatever_the_network_does(
    transport: Transport, order: Literal["forwards", "backwards"]
) -> None:
    faults = FAULTS if order == "forwards" else FAULTS[::-1]

    with rolling_out(plans=1) as emulator:
        for number, fault in enumerate(faults, 1):
            emulator.inject(DESCRIBE, fault, nth=number)
        async with client_for(
            emulator.endpoint_url, transport, polling=OFTEN, request_timeout=0.5
        ) as client:

            def advance(_: Stage) -> None:
                if len(emulator.requests_of(DESCRIBE)) > len(faults):
                    emulator.clock.advance(AN_HOUR)

            stage = await client.plans.wait_until_stage_deployed(
                "rollout-0", "stage-3", timeout=60, on_poll=advance
            )

        struck = [request.fault for request in emulator.requests_of(DESCRIBE)]
    assert stage.status == "DEPLOYED"
    assert struck[: len(faults)] == [fault.name for fault in faults]
    assert set(struck[len(faults) :]) == {None}


@pytest.mark.anyio
async def test_an_endpoint_that_is_gone_is_told_at_the_deadline(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client(polling=OFTEN, request_timeout=0.5) as client:
        await client.plans.create(a_spec())
        emulator.stop()
        port = int(emulator.endpoint_url.rpartition(":")[2])

        with (
            own_port(port),
            pytest.raises(WaitTimeoutError, match="the last reading failed: ") as caught,
        ):
            await client.plans.wait_until_deployed("rollout", timeout=0.1)

    assert caught.value.last_seen is None
    assert caught.value.polls >= 2


@pytest.mark.anyio
async def test_throttles_until_the_deadline_are_its_cause(
    emulator: Emulator, make_client: MakeClient
) -> None:
    emulator.inject(DESCRIBE, Fault.throttle(retry_after=3600), times=None)
    async with make_client(polling=OFTEN, request_timeout=0.5) as client:
        with pytest.raises(WaitTimeoutError, match="Rate exceeded") as caught:
            await client.plans.wait_until_deployed("rollout", timeout=0.1)

    assert isinstance(caught.value.__cause__, ThrottledError)


@pytest.mark.anyio
async def test_who_may_not_read_is_told_so_by_all_waits(
    emulator: Emulator, make_client: MakeClient
) -> None:
    denial = Fault.error("AccessDeniedException", "not you", status=403)
    emulator.inject(DESCRIBE, denial, times=None)
    async with make_client() as client:
        with pytest.raises(AccessDeniedError, match="not you") as caught:
            await client.plans.wait_until_deployed("rollout", timeout=60)
        with pytest.raises(AccessDeniedError):
            async for _ in client.plans.watch("rollout", timeout=60):
                pass

    assert caught.value.__notes__[0].startswith("while waiting on plan rollout (1 polls in")
    assert len(emulator.requests) == 2


@pytest.mark.anyio
@pytest.mark.parametrize("as_validation", [False, True])
async def test_a_plan_that_is_not_there_is_not_waited_for(
    emulator: Emulator,
    make_client: MakeClient,
    as_validation: bool,
) -> None:
    if as_validation:
        emulator.inject(DESCRIBE, Fault.not_found_as_validation())
    async with make_client() as client:
        with pytest.raises(ResourceNotFoundError):
            await client.plans.wait_until_deployed("nobody", timeout=60)

    assert len(emulator.requests) == 1


@pytest.mark.anyio
async def test_a_client_that_is_closed_ends_its_waits(make_client: MakeClient) -> None:
    async with make_client(polling=OFTEN) as client:
        await client.plans.create(a_spec())

        with pytest.raises(ConfigurationError, match="this client is closed") as caught:
            await client.plans.wait_until_deployed(
                "rollout", timeout=60, on_poll=lambda _: client.aclose()
            )

    assert "while waiting on plan rollout (2 polls in" in caught.value.__notes__[-1]


@pytest.mark.anyio
async def test_a_wait_that_is_cancelled_in_a_look_leaves_the_client_usable(
    emulator: Emulator, make_client: MakeClient
) -> None:
    async with make_client(polling=OFTEN) as client:
        await client.plans.create(a_spec())
        with emulator.hold_replies(DESCRIBE) as gate:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: client.plans.wait_until_deployed("rollout", timeout=None))
                await anyio.to_thread.run_sync(gate.wait_for_arrivals)
                tasks.cancel_scope.cancel()

        plan = await client.plans.describe("rollout")

    assert len(plan.stages) == 2
