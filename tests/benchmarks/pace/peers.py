"""What waits for a thousand plans: this package, and what people write with boto3.

Each begins all its waits at once, and tells how many ended in a false timeout. Commands are
sent meanwhile.
"""

import random
from typing import Any, Final, Protocol

import anyio
from attrs import define, field
from botocore.exceptions import CapacityNotAvailableError
from botocore.retries.adaptive import ClientRateLimiter, RateClocker
from botocore.retries.bucket import Clock, TokenBucket
from botocore.retries.throttling import CubicCalculator

from benchmarks.pace.service import COMMAND, STAGE, PermittingService
from sagemaker_plans import PacePolicy, PollSchedule, RetryPolicy
from sagemaker_plans._edge.plans import EdgeDeploymentPlans
from sagemaker_plans._engine.pacing import Pacer
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans.errors import SageMakerPlansError, WaitTimeoutError

DESCRIBE: Final = "DescribeEdgeDeploymentPlan"


class Peer(Protocol):
    """Something that waits for plans."""

    async def wait(self, plan_name: str, seconds: float) -> bool:
        """Wait for a plan; tell whether it was seen deployed."""
        ...

    async def command(self, plan_name: str) -> bool:
        """Start a stage; tell whether it was accepted."""
        ...


class ThisPackage:
    """``client.plans`` with the defaults."""

    def __init__(self, service: PermittingService, pace: PacePolicy | None = None) -> None:
        self._plans = EdgeDeploymentPlans(
            service,
            Retrier(RetryPolicy(), pacer=Pacer(pace or PacePolicy(), connections=50)),
            polling=PollSchedule(),
            request_timeout=60.0,
        )

    async def wait(self, plan_name: str, seconds: float) -> bool:
        """Wait for a plan."""
        try:
            await self._plans.wait_until_stage_deployed(plan_name, STAGE, timeout=seconds)
        except WaitTimeoutError:
            return False
        return True

    async def command(self, plan_name: str) -> bool:
        """Start a stage."""
        try:
            await self._plans.start_stage(plan_name, STAGE)
        except SageMakerPlansError:
            return False
        return True


def _pause(most: float) -> float:
    return random.uniform(0, most)  # no secret


@define
class Boto3Loop:
    """A loop around a describe that sleeps 15 to 60 s, with botocore's retries.

    The retries are those of mode ``legacy``, which is the default up to botocore 1.43: five
    attempts, with pauses of at most 1, 2, 4 and 8 s (botocore/retryhandler.py and the data
    file _retry.json).
    """

    service: PermittingService
    attempts: int = 5

    async def _send(self, operation: str, plan_name: str) -> str | None:
        for attempt in range(self.attempts):
            status = await self.service.ask(operation, plan_name)
            if status is not None:
                return status
            if attempt + 1 < self.attempts:
                await anyio.sleep(_pause(2.0**attempt))
        return None

    async def wait(self, plan_name: str, seconds: float) -> bool:
        """Wait for a plan."""
        deadline = anyio.current_time() + seconds
        pause = 15.0
        while anyio.current_time() < deadline:
            status = await self._send(DESCRIBE, plan_name)
            if status == "DEPLOYED":
                return True
            pause = 15.0 if status else min(60.0, 2 * pause)
            await anyio.sleep(pause)
        return False

    async def command(self, plan_name: str) -> bool:
        """Start a stage."""
        return await self._send(COMMAND, plan_name) is not None


class _LoopClock(Clock):
    def current_time(self) -> float:
        return anyio.current_time()


class _Told:
    """Stands for what finds out from a reply whether it is a throttle."""

    def is_throttling_error(self, *, is_throttle: bool) -> bool:
        return is_throttle


@define
class AdaptiveLoop(Boto3Loop):
    """The same loop with botocore's mode ``adaptive``: its own classes, on the loop's clock.

    Three attempts, as in mode ``standard``, which it stands on.
    """

    attempts: int = 3
    # Any: this drives what is private there.
    _bucket: Any = field(init=False)
    _limiter: Any = field(init=False)
    _first: anyio.Lock = field(factory=anyio.Lock)
    """One after the other takes from the bucket; botocore's threads do in any order."""

    def __attrs_post_init__(self) -> None:
        clock = _LoopClock()
        self._bucket = TokenBucket(max_rate=1, clock=clock)
        self._limiter = ClientRateLimiter(
            rate_adjustor=CubicCalculator(starting_max_rate=0, start_time=clock.current_time()),
            rate_clocker=RateClocker(clock),
            token_bucket=self._bucket,
            throttling_detector=_Told(),
            clock=clock,
        )

    async def _send(self, operation: str, plan_name: str) -> str | None:
        limiter = self._limiter
        for attempt in range(self.attempts):
            if limiter._enabled:
                await self._acquire()
            status = await self.service.ask(operation, plan_name)
            limiter.on_receiving_response(is_throttle=status is None)
            if status is not None:
                return status
            if attempt + 1 < self.attempts:
                await anyio.sleep(min(20.0, _pause(2.0**attempt)))
        return None

    async def _acquire(self) -> None:
        async with self._first:
            while True:
                try:
                    self._bucket.acquire(block=False)
                except CapacityNotAvailableError:
                    await anyio.sleep(max(0.001, self._bucket._sleep_amount(1)))
                else:
                    return
