"""A service in memory that permits some requests a second, on the event loop's clock."""

import math
from collections.abc import Mapping
from typing import Final

import anyio
from attrs import define, field, frozen

from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import DESCRIBE_PLAN, Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import ThrottledError

STAGE: Final = "canary"
COMMAND: Final = "StartEdgeDeploymentStage"


@frozen
class Request:
    """A request that the service has got."""

    operation: str
    plan_name: str
    at: float
    is_permitted: bool


@define
class PermittingService(Gateway):
    """A token bucket that all operations share, filled at ``rate`` up to one second's worth.

    All plans are deployed from ``deployed_at`` on.
    """

    rate: float
    latency: float = 0.1
    deployed_at: float = math.inf
    requests: list[Request] = field(factory=list[Request])
    _tokens: float = field(init=False)
    _filled_at: float = 0.0

    def __attrs_post_init__(self) -> None:
        self._tokens = self.rate

    def _take(self, now: float) -> bool:
        if self.rate == math.inf:
            return True
        self._tokens = min(self.rate, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    async def ask(self, operation: str, plan_name: str) -> str | None:
        """Give a plan's status; None for a throttle."""
        now = anyio.current_time()
        is_permitted = self._take(now)
        self.requests.append(Request(operation, plan_name, now, is_permitted))
        await anyio.sleep(self.latency)
        if not is_permitted:
            return None
        return "DEPLOYED" if now >= self.deployed_at else "INPROGRESS"

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        """Answer as the service does."""
        plan_name = str(request["EdgeDeploymentPlanName"])
        status = await self.ask(operation.name, plan_name)
        if status is None:
            raise ThrottledError(
                "Rate exceeded",
                code="ThrottlingException",
                operation=operation.name,
                http_status=400,
            )
        body: Mapping[str, object] = {}
        if operation is DESCRIBE_PLAN:
            body = _plan(plan_name, status)
        return Reply(operation=operation, body=body, http_status=200)


def _plan(name: str, status: str) -> Mapping[str, object]:
    return {
        "EdgeDeploymentPlanArn": f"arn:aws:sagemaker:eu-west-1:123456789012:edge-deployment/{name}",
        "EdgeDeploymentPlanName": name,
        "DeviceFleetName": "cameras",
        "ModelConfigs": [{"ModelHandle": "detector", "EdgePackagingJobName": "detector-v7"}],
        "Stages": [
            {
                "StageName": STAGE,
                "DeviceSelectionConfig": {"DeviceSubsetType": "PERCENTAGE", "Percentage": 100},
                "DeploymentConfig": {"FailureHandlingPolicy": "DO_NOTHING"},
                "DeploymentStatus": {
                    "StageStatus": status,
                    "EdgeDeploymentSuccessInStage": 0,
                    "EdgeDeploymentPendingInStage": 10,
                    "EdgeDeploymentFailedInStage": 0,
                },
            }
        ],
    }
