"""Plans that change at set times, seen through waits on a virtual clock."""

import copy
import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, ParamSpec, Self

import anyio
import anyio.lowlevel
import pytest
from attrs import frozen
from hypothesis import settings

from harness import examples
from sagemaker_plans import PacePolicy, PollSchedule, RetryPolicy
from sagemaker_plans._edge.plans import EdgeDeploymentPlans
from sagemaker_plans._engine.pacing import Pacer
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.errors import (
    AccessDeniedError,
    ConfigurationError,
    ConnectionFailedError,
    InternalServiceError,
    ResourceNotFoundError,
    SageMakerPlansError,
    ThrottledError,
)
from virtual_clock import LOOPS, Loop, run_virtually

P = ParamSpec("P")

DESCRIBE: Final = "DescribeEdgeDeploymentPlan"
A_DAY: Final = 86_400.0
CREATED: Final = 1_700_000_000.0
STEADY: Final = PollSchedule(interval=15, jitter=0)
"""Looks at 0, 15, 30 and so on, as long as looking takes no time."""

PATIENT: Final = settings(deadline=None, max_examples=examples(25))
"""For properties: the machine may be busy with other things."""

Answer = Mapping[str, object] | BaseException
"""A reply's body, or what the call raises."""


def hang_guarded(loop: Loop, test: Callable[[], Awaitable[None]]) -> None:
    """Run a test on a virtual clock; what hangs ends after a virtual day."""

    async def guarded() -> None:
        with anyio.move_on_after(A_DAY) as guard:
            await test()
        assert not guard.cancelled_caught, "this did not end within a day"

    run_virtually(loop, guarded)


def virtually(test: Callable[P, Awaitable[None]]) -> Callable[..., None]:
    """Make a test of a coroutine function: on both loops, on a virtual clock."""

    @functools.wraps(test)
    def run(loop: Loop, *args: P.args, **kwargs: P.kwargs) -> None:
        hang_guarded(loop, lambda: test(*args, **kwargs))

    signature = inspect.signature(test)
    taken = [inspect.Parameter("loop", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    named = signature.replace(
        parameters=[*taken, *signature.parameters.values()], return_annotation=None
    )
    run.__signature__ = named  # type: ignore[attr-defined]  # what pytest reads
    return pytest.mark.parametrize("loop", LOOPS)(run)


def a_stage(
    status: str = "INPROGRESS",
    *,
    name: str = "canary",
    succeeded: int = 0,
    pending: int = 0,
    failed: int = 0,
    message: str | None = None,
) -> dict[str, object]:
    told = {} if message is None else {"EdgeDeploymentStatusMessage": message}
    return {
        "StageName": name,
        "DeviceSelectionConfig": {"DeviceSubsetType": "PERCENTAGE", "Percentage": 100},
        "DeploymentConfig": {"FailureHandlingPolicy": "DO_NOTHING"},
        "DeploymentStatus": {
            "StageStatus": status,
            "EdgeDeploymentSuccessInStage": succeeded,
            "EdgeDeploymentPendingInStage": pending,
            "EdgeDeploymentFailedInStage": failed,
            **told,
        },
    }


def a_plan(
    *stages: dict[str, object] | str, name: str = "rollout", created: float | None = CREATED
) -> dict[str, object]:
    """Give a reply of Describe; a text is the status of the stage ``canary``."""
    told = {} if created is None else {"CreationTime": created}
    return {
        "EdgeDeploymentPlanArn": f"arn:aws:sagemaker:eu-west-1:123:edge-deployment/{name}",
        "EdgeDeploymentPlanName": name,
        "DeviceFleetName": "cameras",
        "ModelConfigs": [{"ModelHandle": "detector", "EdgePackagingJobName": "detector-v7"}],
        "Stages": [a_stage(stage) if isinstance(stage, str) else stage for stage in stages],
        **told,
    }


def throttled(retry_after: float | None = None) -> SageMakerPlansError:
    return ThrottledError(
        "Rate exceeded",
        code="ThrottlingException",
        operation=DESCRIBE,
        http_status=400,
        retry_after=retry_after,
    )


def broken(retry_after: float | None = None) -> SageMakerPlansError:
    return InternalServiceError(
        "oh no", code="InternalFailure", operation=DESCRIBE, retry_after=retry_after
    )


def reset(*, request_sent: bool | None = None) -> SageMakerPlansError:
    return ConnectionFailedError("reset by peer", request_sent=request_sent, operation=DESCRIBE)


def no_such_plan() -> SageMakerPlansError:
    return ResourceNotFoundError(
        "Edge deployment plan rollout does not exist.", code="ResourceNotFound", operation=DESCRIBE
    )


def denied() -> SageMakerPlansError:
    return AccessDeniedError("no", code="AccessDeniedException", operation=DESCRIBE)


def no_credentials() -> SageMakerPlansError:
    return ConfigurationError("no AWS credentials were found", operation=DESCRIBE)


@frozen
class Call:
    plan_name: str
    began: float


@frozen
class _Fault:
    answer: Answer | None
    latency: float


class VirtualPlans(Gateway):
    """A service in memory: each plan is as was set for the time at which it is asked for."""

    def __init__(self, *, latency: float = 0.0) -> None:
        self.calls: list[Call] = []
        self.answered: dict[int, float] = {}
        self.under_way = 0
        self.most_under_way = 0
        self.request_timeout = 60.0
        self._latency = latency
        self._history: dict[str, list[tuple[float, Answer]]] = {}
        self._faults: dict[int, _Fault] = {}

    @classmethod
    def of(cls, *answers: tuple[float, Answer], name: str = "rollout") -> Self:
        """Make one with the states of a plan, each with the time from which it is so."""
        made = cls()
        for since, answer in answers:
            made.becomes(answer, since=since, name=name)
        return made

    def becomes(self, answer: Answer, *, since: float = 0.0, name: str = "rollout") -> None:
        """Let a plan be this from a time on; what is set last wins."""
        self._history.setdefault(name, []).append((since, answer))

    def strike(self, call: int, answer: Answer | None = None, *, latency: float = 0.0) -> None:
        """Let the nth call be answered otherwise, or late."""
        self._faults[call] = _Fault(answer, latency)

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        name = str(request["EdgeDeploymentPlanName"])
        now = anyio.current_time()
        self.calls.append(Call(name, now))
        number = len(self.calls)
        fault = self._faults.get(number, _Fault(None, self._latency))
        # As it is when the request comes: a slow reply brings old news.
        answer = fault.answer or [state for since, state in self._history[name] if since <= now][-1]
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await anyio.lowlevel.checkpoint()
            # As the real one does.
            with anyio.move_on_after(self.request_timeout) as limit:
                await anyio.sleep(fault.latency)
        finally:
            self.under_way -= 1
        if limit.cancelled_caught:
            raise ConnectionFailedError(
                f"no whole reply within {self.request_timeout:g} s",
                request_sent=None,
                operation=operation.name,
            )
        self.answered[number] = anyio.current_time()
        if isinstance(answer, BaseException):
            # Anew each time: an error collects notes.
            raise copy.copy(answer)
        return Reply(operation=operation, body=answer, http_status=200)

    @property
    def times(self) -> list[float]:
        """When each call began."""
        return [call.began for call in self.calls]


class CommandedPlans(VirtualPlans):
    """Plans that take commands, too, without an effect."""

    def __init__(self, *, latency: float = 0.0) -> None:
        super().__init__(latency=latency)
        self.commanded: list[float] = []
        """When each command was carried out."""

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        if operation.name == DESCRIBE:
            return await super().call(operation, request)
        await anyio.lowlevel.checkpoint()
        self.commanded.append(anyio.current_time())
        return Reply(operation=operation, body={"EdgeDeploymentPlanArn": "arn"}, http_status=200)


def plans_of(
    gateway: Gateway,
    *,
    polling: PollSchedule = STEADY,
    request_timeout: float = 60.0,
    pace: PacePolicy | None = None,
) -> EdgeDeploymentPlans:
    """Give ``client.plans`` of a client of that service; by default polls leave at once."""
    if isinstance(gateway, VirtualPlans):
        gateway.request_timeout = request_timeout
    return EdgeDeploymentPlans(
        gateway,
        Retrier(RetryPolicy.none(), pacer=Pacer(pace or PacePolicy.off())),
        polling=polling,
        request_timeout=request_timeout,
    )


def plans_kept(plans: EdgeDeploymentPlans) -> int:
    """Count the plans of which a client keeps something."""
    return len(plans._polls._shared)
