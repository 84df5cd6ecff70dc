"""A service in virtual time that several processes use, each of which may be killed."""

import copy
import math
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal, cast

import anyio
import anyio.lowlevel
from attrs import define, field, frozen

from engine.error_samples import an_answer
from harness import a_spec
from sagemaker_plans import (
    AccessDeniedError,
    ConnectionFailedError,
    EdgeDeploymentPlanSpec,
    InternalServiceError,
    PollSchedule,
    RetryPolicy,
    RolloutReport,
)
from sagemaker_plans._edge.plans import EdgeDeploymentPlans
from sagemaker_plans._engine.pacing import PacePolicy, Pacer
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._transport.service_errors import service_error
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.emulator import Clock, Refusal, Seed, Service, Timings

CREATE, DESCRIBE = "CreateEdgeDeploymentPlan", "DescribeEdgeDeploymentPlan"
START, STOP = "StartEdgeDeploymentStage", "StopEdgeDeploymentStage"
DEVICES = "ListStageDevices"

STEADY: Final = PollSchedule(interval=15, jitter=0)
A_DAY: Final = 86_400.0
MINUTES: Final = Timings(creating=20, starting=30, device_report=30, report_spread=300, stopping=20)
"""Stages take minutes, like real ones."""

Fate = Literal[
    "fine", "throttled", "unsent", "lost before", "lost after", "late", "down", "denied", "hangs"
]
_LOST: Final = ConnectionFailedError("lost", request_sent=None)
_FAILURES: Final[Mapping[str, Exception]] = {
    "throttled": an_answer(),
    "unsent": ConnectionFailedError("refused", request_sent=False),
    "lost before": _LOST,
    "lost after": _LOST,
    "late": _LOST,
    "down": an_answer(InternalServiceError),
    "denied": an_answer(AccessDeniedError),
}

Moment = Literal["before", "after"]
"""Whether a process is killed before its request is carried out, or before its reply comes."""


@frozen
class Sent:
    """One request that was carried out."""

    caller: str
    operation: str
    stage: str | None
    accepted: bool
    at: float


@define(eq=False)
class World:
    """The service, and what it was asked."""

    timings: Timings = MINUTES
    devices: int = 20
    failing: tuple[str, ...] = ()
    failure_tolerance: float = 0.0
    seed: int | None = None
    """Of random delays; None for none."""
    rate: float = math.inf
    """So many requests of one operation are taken in a second; the others are throttled."""
    service: Service = field(init=False)
    sent: list[Sent] = field(factory=list[Sent])
    fates: dict[str, list[Fate]] = field(factory=dict[str, list[Fate]])
    """The next fates by operation."""
    late_by: float = 5.0
    """After so many seconds a request that is late is carried out."""
    _late: list[tuple[float, Callable[[], object]]] = field(
        factory=list[tuple[float, Callable[[], object]]]
    )
    _random: random.Random = field(init=False)
    _taken: dict[str, deque[float]] = field(factory=dict[str, deque[float]], init=False)
    was_fated: anyio.Event | None = None
    """Set when a request has met a fate that is not fine."""
    throttles: int = field(default=0, init=False)
    asked: set[tuple[str, str, str | None]] = field(
        factory=set[tuple[str, str, str | None]], init=False
    )
    """Who has begun a request, of which operation and for which stage."""

    def __attrs_post_init__(self) -> None:
        clock = Clock(source=anyio.current_time, start=1_700_000_000.0)
        self.service = Service(
            clock=clock,
            timings=self.timings,
            seed=Seed(),
            failure_tolerance=self.failure_tolerance,
        )
        self.service.add_fleet("cameras", devices=self.devices, failing=self.failing)
        self._random = random.Random(self.seed)  # it is a test's own

    @property
    def delay(self) -> float:
        return 0.0 if self.seed is None else self._random.uniform(0, 2)

    def takes(self, operation: str) -> bool:
        """Tell whether the service takes one more request now."""
        now = anyio.current_time()
        taken = self._taken.setdefault(operation, deque())
        while taken and taken[0] <= now - 1:
            taken.popleft()
        if len(taken) >= self.rate:
            self.throttles += 1
            return False
        taken.append(now)
        return True

    def carry_out(self, caller: str, operation: str, request: Mapping[str, object]) -> Any:
        stage = cast("str | None", request.get("StageName"))
        answer: object = None
        try:
            answer = self.service.handle(operation, request)
        except Refusal as refusal:
            answer = service_error(
                operation,
                code=refusal.code,
                message=refusal.message,
                http_status=refusal.status,
                headers={},
                request_id=None,
            )
        accepted = not isinstance(answer, Exception)
        self.sent.append(Sent(caller, operation, stage, accepted, anyio.current_time()))
        return answer

    def arrive(self) -> None:
        """Carry out what is late."""
        now = anyio.current_time()
        due = [carry_out for at, carry_out in self._late if at <= now]
        self._late = [each for each in self._late if each[0] > now]
        for carry_out in due:
            carry_out()

    def later(self, carry_out: Callable[[], object]) -> None:
        self._late.append((anyio.current_time() + self.late_by, carry_out))

    def accepted(self, operation: str) -> Counter[str | None]:
        """Count the requests of an operation that the service accepted, by stage."""
        return Counter(
            one.stage for one in self.sent if one.operation == operation and one.accepted
        )

    def started_by(self, stage: str) -> list[str]:
        return [
            one.caller
            for one in self.sent
            if (one.operation, one.stage, one.accepted) == (START, stage, True)
        ]

    def statuses(self, plan: str = "rollout") -> dict[str, str]:
        self.arrive()
        reply: Any = self.service.handle(DESCRIBE, {"EdgeDeploymentPlanName": plan})
        return {
            stage["StageName"]: stage["DeploymentStatus"]["StageStatus"]
            for stage in reply["Stages"]
        }


@define(eq=False)
class Process(Gateway):
    """A process that uses the service."""

    world: World
    name: str = "first"
    dies_at: int | None = None
    """The number of the request at which it is killed; None for never."""
    dies: Moment = "after"
    requests: int = 0
    is_dead: bool = False
    scope: anyio.CancelScope = field(factory=anyio.CancelScope)

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        if self.is_dead:
            await anyio.sleep_forever()
        self.requests += 1
        stage = cast("str | None", request.get("StageName"))
        self.world.asked.add((self.name, operation.name, stage))
        await anyio.lowlevel.checkpoint()
        await anyio.sleep(self.world.delay)
        self.world.arrive()
        if self.requests == self.dies_at and self.dies == "before":
            await self._die()
        fates = self.world.fates.get(operation.name)
        fate: Fate = fates.pop(0) if fates else "fine"
        if not self.world.takes(operation.name):
            fate = "throttled"
        if fate == "late":
            self.world.later(lambda: self.world.carry_out(self.name, operation.name, {**request}))
        answer: Any = None
        if fate in {"fine", "lost after"}:
            answer = self.world.carry_out(self.name, operation.name, request)
        if fate != "fine" and self.world.was_fated is not None:
            self.world.was_fated.set()
        if self.requests == self.dies_at:
            await self._die()
        if fate == "hangs":
            await anyio.sleep_forever()
        await anyio.sleep(self.world.delay)
        failure = _FAILURES.get(fate, answer)
        if isinstance(failure, Exception):
            raise copy.copy(failure)
        return Reply(operation=operation, body=answer, http_status=200)

    async def _die(self) -> None:
        """Be killed: nothing is sent from now on, whatever the code still tries."""
        self.is_dead = True
        self.scope.cancel()
        await anyio.sleep_forever()

    @property
    def plans(self) -> EdgeDeploymentPlans:
        """``client.plans`` of a client in this process."""
        pace = PacePolicy.off() if self.world.rate == math.inf else PacePolicy()
        retrier = Retrier(RetryPolicy(), pacer=Pacer(pace))
        return EdgeDeploymentPlans(self, retrier, polling=STEADY, request_timeout=60)

    async def roll_out(
        self, plan: str | EdgeDeploymentPlanSpec | None = None, **arguments: Any
    ) -> RolloutReport | None:
        """Roll a plan out. None if this was killed on the way."""
        arguments = {"stage_timeout": 3600, **arguments}
        with self.scope:
            return await self.plans.roll_out(a_spec() if plan is None else plan, **arguments)
        return None


def guarded(test: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Let a test end after a virtual day."""

    async def run() -> None:
        with anyio.move_on_after(A_DAY) as guard:
            await test()
        assert not guard.cancelled_caught, "this did not end within a day"

    return run
