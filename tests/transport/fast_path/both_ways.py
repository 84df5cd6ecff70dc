"""Sends the same read both ways: through the client, and on the fast path."""

import json
from typing import Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from attrs import frozen

from harness import Transport, session
from sagemaker_plans import AsyncClient, PacePolicy, RetryPolicy, SageMakerPlansError
from sagemaker_plans._wire.operations import OPERATIONS, Safety
from transport.clients import fast_path_of, gateway_of

READS: Final = tuple(each for each in OPERATIONS if each.safety is Safety.READ)
CHANGING: Final = {"X-Amz-Date", "Authorization", "amz-sdk-invocation-id"}
ARN: Final = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/p-0123456789"
NAME: Final = "EdgeDeploymentPlanName"
SECRET: Final = "s/e+c ret"
TAKEN: Final = 0.8
PLAN: Final = {
    "EdgeDeploymentPlanArn": "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/p",
    "EdgeDeploymentPlanName": "p",
    "ModelConfigs": [{"ModelHandle": "m", "EdgePackagingJobName": "j"}],
    "DeviceFleetName": "f",
    "Stages": [],
}


@frozen
class Response:
    """A whole reply, as an HTTP session of aiobotocore gives it."""

    status_code: int
    headers: dict[str, str]
    raw: bytes

    @property
    def content(self) -> Any:
        return self._content()

    async def _content(self) -> bytes:
        return self.raw


def a_request(operation: Any, name: str = "p") -> dict[str, object]:
    arn = f"{ARN}{name}"
    capacity = {"ReservedCapacityArn": arn.replace(":training-plan/", ":reserved-capacity/")}
    members: dict[str, dict[str, object]] = {
        "DescribeEdgeDeploymentPlan": {NAME: name},
        "ListEdgeDeploymentPlans": {"NameContains": name},
        "ListStageDevices": {NAME: name, "StageName": name},
        "DescribeTrainingPlan": {"TrainingPlanName": name},
        "ListTrainingPlans": {"NextToken": name},
        "DescribeReservedCapacity": {**capacity},
        "ListUltraServersByReservedCapacity": {**capacity},
    }
    return members.get(operation.name, {"TrainingPlanArn": arn})


class Script:
    """What the HTTP sessions of a test are given, and what they answer."""

    def __init__(self) -> None:
        self.given: list[Any] = []
        self.reply = Response(200, {}, json.dumps(PLAN).encode())


def answering(base: Any, script: Script) -> Any:
    class Session(base):  # type: ignore[misc]  # its base is chosen at run time
        async def send(self, request: Any) -> Any:
            script.given.append(request)
            return script.reply

    return Session


@frozen
class Setting:
    """How a client is made."""

    region: str = "us-east-1"
    endpoint_url: str | None = None
    token: str | None = None
    secret: str = SECRET
    whole_model: bool = False
    app: str | None = None
    fips: bool = False
    dual_stack: bool = False


def opened(setting: Setting, transport: Transport, script: Script) -> AsyncClient:
    theirs = session() if setting.whole_model else None
    if theirs is not None:
        theirs.set_credentials("AKID", setting.secret, setting.token)
    base = AIOHTTPSession if transport.http_backend == "aiohttp" else HttpxSession
    config: dict[str, Any] = {"http_session_cls": answering(base, script)}
    if setting.fips or setting.dual_stack:
        config["use_fips_endpoint"] = setting.fips
        config["use_dualstack_endpoint"] = setting.dual_stack
    if setting.app is not None:
        config["user_agent_appid"] = setting.app
    return AsyncClient(
        region_name=setting.region,
        endpoint_url=setting.endpoint_url,
        session=theirs,
        config=AioConfig(**config),
        http_backend="auto",
        retry=RetryPolicy.none(),
        pace=PacePolicy.off(),
    )


def shown(request: Any) -> object:
    """Everything of a request but what changes with each."""
    headers = [
        (name, None if name in CHANGING else value) for name, value in request.headers.items()
    ]
    context = {key: value for key, value in request.context.items() if key != "sagemaker_plans"}
    kinds: dict[str, str] = {key: type(value).__name__ for key, value in context.items()}
    names = type(request).__name__, type(request.headers).__name__
    sent = request.method, request.url, headers, request.body, request.stream_output
    return names, sent, kinds


async def verdict(client: AsyncClient, members: dict[str, object], operation: Any) -> object:
    """Send a read, and give what its caller is told, whoever it is above the gateway."""
    try:
        if operation is READS[0]:
            return repr(await client.plans.describe(str(members[NAME])))
        return (await gateway_of(client).call(operation, members)).http_status
    except SageMakerPlansError as error:
        facts = {name: value for name, value in vars(error).items() if name[0] != "_"}
        facts.pop("reply", None)
        return type(error), str(error), repr(facts)


async def both_ways(
    client: AsyncClient, script: Script, operation: Any, members: dict[str, object]
) -> tuple[list[object], list[Any]]:
    """Send the same read by the client and on the fast path."""
    gateway = gateway_of(client)
    path = fast_path_of(client)
    verdicts: list[object] = []
    requests: list[Any] = []
    for way in (None, path):
        gateway._fast_path = way
        before = len(script.given)
        verdicts.append(await verdict(client, members, operation))
        requests += script.given[before:]
    gateway._fast_path = path
    return verdicts, requests


async def learned(client: AsyncClient, script: Script, operation: Any) -> None:
    members = a_request(operation)
    kept, script.reply = script.reply, Response(200, {}, json.dumps(PLAN).encode())
    for _ in range(3):
        await verdict(client, members, operation)
    script.reply = kept
    assert operation.name in fast_path_of(client)._models
