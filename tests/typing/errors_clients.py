"""What the type checkers must refuse about clients, waits and pagers.

Each line is wrong on purpose, and says how each checker words it. An ignore that
becomes unnecessary fails the check: then something wrong has become acceptable.
"""

# What is unknown because of an error is no error of its own.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from datetime import UTC, datetime

import boto3
from aiobotocore.session import AioSession

import sagemaker_plans as smp


class MyClient(smp.AsyncClient):  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]  # checkers have to refuse it
    """A client is final: wrap it."""


async def awaited(event: smp.RetryEvent) -> None: ...


smp.AsyncClient("eu-west-1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
smp.AsyncClient(http_backend="requests")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.AsyncClient(retry=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.AsyncClient(request_timeout="60s")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.AsyncClient.from_client()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
smp.AsyncClient.from_client(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.AsyncClient.from_client(boto3.client("sagemaker"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.AsyncClient.from_client(AioSession().create_client("sagemaker"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.shared_client("eu-west-1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
smp.shared_client(retry=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.shared_client(client=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
smp.RetryPolicy(5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
smp.RetryPolicy(max_attempts="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.RetryPolicy(on_retry=lambda: None)  # type: ignore[arg-type, misc]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.RetryPolicy(on_retry=awaited)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.PollSchedule(15)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
smp.PollSchedule(interval=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it


def on_plan(plan: smp.EdgeDeploymentPlan) -> None: ...


async def calls(client: smp.AsyncClient) -> None:
    await client.plans.describe()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    await client.plans.describe(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    client.plans.describe("spring").stages  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # checkers have to refuse it
    await client.plans.create({"EdgeDeploymentPlanName": "spring"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    await client.plans.roll_out("spring")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    await client.plans.roll_out("spring", stage_timeout=60, approve=lambda *_: True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportUnknownLambdaType]  # checkers have to refuse it
    await client.plans.roll_out("spring", stage_timeout=60, stages="canary")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    await client.plans.start_stage("spring")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it


async def waits(client: smp.AsyncClient) -> None:
    # Forever has to be typed out: timeout=None. There is one time, or one date.
    client.plans.watch("spring", timeout=1, until=datetime.now(UTC))  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    client.plans.watch("spring", until=None)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    client.plans.watch("spring", until=3600)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    await client.plans.wait_until_deployed("spring", timeout=1, until=datetime.now(UTC))  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    await client.plans.wait_until_deployed("spring", timeout=1, on_poll_error=on_plan)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    await client.plans.wait_until_stage_deployed("spring", "canary")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    await client.plans.wait_until_stage_deployed("spring", "canary", 3600)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    await client.plans.wait_until_stage_deployed("spring", "canary", timeout="1h")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    await client.plans.wait_until_stage_deployed("spring", "canary", timeout=1, on_poll=on_plan)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    await client.plans.wait_until_stage_ready("spring", "canary")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    await client.plans.wait_until_deployed("spring")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    await client.plans.wait_until_deployed("spring", timeout=1, schedule=15)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    client.plans.watch("spring")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it


async def pagers(client: smp.AsyncClient) -> None:
    for stage in client.plans.stages("spring"):  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]  # checkers have to refuse it
        print(stage)
    await client.plans.stages("spring")  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]  # checkers have to refuse it
    client.plans.stages("spring", 5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # checkers have to refuse it
    client.plans.stages("spring", page_size="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    async for page in client.plans.stages("spring").pages():
        print(page.name)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # checkers have to refuse it
