"""The emulator's training plans behind a gateway, on the loop's own clock."""

import copy
from collections import Counter
from collections.abc import Mapping
from typing import Any

import anyio
import anyio.lowlevel

from sagemaker_plans import PollSchedule, RetryPolicy
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.training_plans import TrainingPlans
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._transport.service_errors import service_error
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from sagemaker_plans.emulator import Clock, Refusal, Seed, Service, Timings
from waiting.virtual_plans import STEADY

DESCRIBE = "DescribeTrainingPlan"
HISTORY = "DescribeTrainingPlanExtensionHistory"


class VirtualTraining(Gateway):
    """Answers as the emulator does. Notes when what was asked; strikes with errors."""

    def __init__(self, *, payment_seconds: float = 100.0, history_lag: float = 0.0) -> None:
        # A time at which seconds and halves of them are exact floats.
        clock = Clock(source=anyio.current_time, start=1_700_000_000.0)
        timings = Timings(payment_seconds=payment_seconds, history_lag=history_lag)
        self.state = Service(clock=clock, timings=timings, seed=Seed())
        self.calls: list[tuple[str, float]] = []
        self.faults: dict[int, Exception] = {}
        """What the nth call raises instead of an answer."""
        self.down_until = 0.0
        """Until this time every call is lost."""
        self.outage: Exception | None = None
        self.changed: dict[str, Mapping[str, object]] = {}
        """Members that replace those of a reply, by operation."""

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        now = anyio.current_time()
        self.calls.append((operation.name, now))
        await anyio.lowlevel.checkpoint()
        fault = self.faults.get(len(self.calls))
        if fault is None and now < self.down_until:
            fault = self.outage
        if fault is not None:
            raise copy.copy(fault)
        try:
            body: dict[str, Any] = self.state.handle(operation.name, request)
        except Refusal as refusal:
            raise service_error(
                operation.name,
                code=refusal.code,
                message=refusal.message,
                http_status=refusal.status,
                headers={},
                request_id=None,
            ) from None
        body = {**body, **self.changed.get(operation.name, {})}
        return Reply(operation=operation, body=body, http_status=200)

    def times(self, operation: str = DESCRIBE) -> list[float]:
        """Tell when an operation was asked for."""
        return [when for name, when in self.calls if name == operation]

    @property
    def counts(self) -> Counter[str]:
        """Tell how often each operation was asked for."""
        return Counter(name for name, _ in self.calls)

    def plans(self, polling: PollSchedule = STEADY) -> TrainingPlans:
        """Give ``client.training_plans`` of a client of this service."""
        return TrainingPlans(
            self, Retrier(RetryPolicy.none()), polling=polling, request_timeout=60.0
        )
