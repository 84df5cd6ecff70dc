import asyncio
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.triggers.base import BaseTrigger
from airflow_world import SPEC, again, context, first_event, run

from sagemaker_plans import AsyncClient
from sagemaker_plans.airflow import (
    CreateEdgeDeploymentPlanOperator,
    PlanDeployedTrigger,
    RollOutOperator,
    SageMakerPlansHook,
    StageDeployedTrigger,
    TrainingPlanExtendedTrigger,
)
from sagemaker_plans.emulator import Emulator
from sagemaker_plans_airflow import connection
from sagemaker_plans_airflow.connection import AwsConnection, shared_client

ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/big"
REACH: dict[str, Any] = {
    "aws_conn_id": "aws_other",
    "region_name": "eu-west-1",
    "verify": "/etc/bundle.pem",
    "botocore_config": {"connect_timeout": 7, "proxies": {"https": "http://proxy:8080"}},
}
DEFAULT = AwsConnection(
    aws_conn_id="aws_default", region_name=None, verify=None, botocore_config=None
)


@pytest.mark.parametrize(
    "trigger",
    [
        StageDeployedTrigger(
            plan_name="plan",
            stage_name="canary",
            until="2027-01-01T00:00:00+00:00",
            max_failed=0.5,
            poll_interval=5,
            **REACH,
        ),
        PlanDeployedTrigger(plan_name="plan", until=None, poll_interval=5, **REACH),
        TrainingPlanExtendedTrigger(
            training_plan_arn=ARN, offering_id="tpeo-1", until=None, poll_interval=5, **REACH
        ),
    ],
)
def test_a_trigger_is_made_again_with_all_that_it_had(trigger: BaseTrigger) -> None:
    made = again(trigger)

    assert type(made) is type(trigger)
    assert made.serialize() == trigger.serialize()
    kwargs = made.serialize()[1]
    assert {name: kwargs[name] for name in REACH} == REACH


@pytest.mark.usefixtures("emulator")
def test_an_operator_hands_its_connection_on() -> None:
    run(CreateEdgeDeploymentPlanOperator(task_id="create", spec=SPEC), context())
    reach: dict[str, Any] = {
        "region_name": "us-east-1",
        "verify": False,
        "botocore_config": {"read_timeout": 9},
    }
    operator = RollOutOperator(
        task_id="roll_out", plan_name=SPEC.name, poll_interval=0.1, deferrable=True, **reach
    )

    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context())

    kwargs = deferred.value.trigger.serialize()[1]
    assert {name: kwargs[name] for name in reach} == reach
    assert kwargs["aws_conn_id"] == "aws_default"


@pytest.mark.usefixtures("emulator")
def test_the_hook_uses_what_it_is_given_and_then_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_AWS_OTHER",
        json.dumps(
            {
                "conn_type": "aws",
                "login": "id",
                "password": "secret",
                "extra": {
                    "region_name": "us-west-2",
                    "verify": False,
                    "config_kwargs": {"read_timeout": 11},
                    "endpoint_url": "http://127.0.0.1:9",
                },
            }
        ),
    )

    async def seen(hook: SageMakerPlansHook) -> tuple[object, ...]:
        async with await hook.get_async_conn() as client:  # type: ignore[no-untyped-call]  # the provider's
            return (
                client.meta.region_name,
                client.meta.endpoint_url,
                client.meta.config.read_timeout,
            )

    of_connection = SageMakerPlansHook("aws_other")
    given = SageMakerPlansHook("aws_other", region_name="eu-west-1", config={"read_timeout": 12})

    assert asyncio.run(seen(of_connection)) == ("us-west-2", "http://127.0.0.1:9", 11)
    assert of_connection.verify is False
    assert asyncio.run(seen(given)) == ("eu-west-1", "http://127.0.0.1:9", 12)


def test_waits_of_one_event_loop_share_a_client_and_their_polls(emulator: Emulator) -> None:
    run(CreateEdgeDeploymentPlanOperator(task_id="create", spec=SPEC), context())
    before = len(emulator.requests)
    until = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()

    async def wait_together() -> list[Any]:
        waits = [
            first_event(again(PlanDeployedTrigger(plan_name=SPEC.name, until=until)))
            for _ in range(50)
        ]
        return await asyncio.gather(*waits)

    events = asyncio.run(wait_together())

    assert {(each["status"], each["error"]) for each in events} == {("timeout", "WaitTimeoutError")}
    # One at the beginning, and one at the deadline.
    assert 2 <= len(emulator.requests) - before <= 4


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_client_is_shared_by_equal_connections_and_closed_after_the_last() -> None:
    other = AwsConnection(
        aws_conn_id="aws_default", region_name="eu-west-1", verify=None, botocore_config=None
    )
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(shared_client(DEFAULT))
        second = await stack.enter_async_context(shared_client(DEFAULT))
        third = await stack.enter_async_context(shared_client(other))
        assert first is second
        assert first is not third
        await first.plans.list().collect()

    async with shared_client(DEFAULT) as later:
        assert later is not first
        await later.plans.list().collect()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_after_a_connection_that_could_not_be_opened_the_next_user_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[AwsConnection] = []
    real = AwsConnection.hook

    def hook(connection: AwsConnection) -> SageMakerPlansHook:
        opened.append(connection)
        if len(opened) == 1:
            raise RuntimeError("Airflow does not answer")
        return real(connection)

    monkeypatch.setattr(AwsConnection, "hook", hook)
    with pytest.raises(RuntimeError):
        async with shared_client(DEFAULT):
            raise AssertionError("it is not open")

    async with shared_client(DEFAULT) as client:
        assert isinstance(client, AsyncClient)


def test_a_wait_that_is_cancelled_gives_the_client_back_and_disturbs_no_other(
    emulator: Emulator,
) -> None:
    run(CreateEdgeDeploymentPlanOperator(task_id="create", spec=SPEC), context())
    before = len(emulator.requests)
    until = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    cancelled, other = (
        PlanDeployedTrigger(plan_name=SPEC.name, until=each) for each in (None, until)
    )

    async def cancel_one() -> Any:
        first, second = (asyncio.create_task(first_event(each)) for each in (cancelled, other))
        while len(emulator.requests) == before:  # noqa: ASYNC110  # another thread answers
            await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        event = await second
        assert connection._clients.get() == {}
        return event

    assert asyncio.run(cancel_one())["status"] == "timeout"


def test_an_error_of_the_service_becomes_an_event() -> None:
    trigger = PlanDeployedTrigger(plan_name="nowhere", until=None)

    event = asyncio.run(first_event(trigger))

    assert (event["status"], event["error"]) == ("error", "ResourceNotFoundError")
