"""A service whose answers are written in advance, for what the lines about purchases say."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import anyio
from attrs import define, evolve, field

from faults.acts import EXTEND, OFFERING, PLAN_ARN
from sagemaker_plans import RetryPolicy, TrainingPlanExtensionOffering, TrainingPlanOffering, errors
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.training_plans import TrainingPlans
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply
from training.journal.memory_journal import MemoryJournal

CREATE, DESCRIBE = "CreateTrainingPlan", "DescribeTrainingPlan"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/big"
LOST = errors.ConnectionFailedError("the reply was lost", request_sent=None)
SAID_NO = errors.ResourceLimitExceededError(
    operation=EXTEND,
    code="ResourceLimitExceeded",
    message="no",
    http_status=400,
    request_id=f"{EXTEND} 1",
)
NO_PLAN = errors.ResourceNotFoundError("none", operation=DESCRIBE, code="ResourceNotFound")

Answer = Mapping[str, object] | BaseException
Script = dict[str, list[Answer]]
"""The answers by operation."""


class Line(NamedTuple):
    event: str
    outcome: str | None
    level: str
    fee: str | None
    told_by: str | None
    """The operation and number of the request whose id it has."""


def extension(fee: str = "10.00", **said: str) -> Answer:
    one = {"TrainingPlanExtensionOfferingId": OFFERING, "UpfrontFee": fee, "CurrencyCode": "USD"}
    return {"TrainingPlanExtensions": [{**one, **said}]}


def plan(fee: str = "10.00", status: str = "Active") -> Answer:
    named = {"TrainingPlanArn": ARN, "TrainingPlanName": "big", "Status": status}
    return {**named, "UpfrontFee": fee, "CurrencyCode": "USD", "DurationHours": 24}


NOTHING: Answer = {"TrainingPlanExtensions": []}
LISTED: Answer = {
    "TrainingPlanOfferings": [],
    "TrainingPlanExtensionOfferings": [
        {"TrainingPlanExtensionOfferingId": OFFERING, "UpfrontFee": "9.00", "CurrencyCode": "USD"}
    ],
}
BOUGHT: Answer = {"TrainingPlanArn": ARN}
SHOWN_BEFORE = TrainingPlanExtensionOffering(
    offering_id=OFFERING, upfront_fee=Decimal("8.00"), currency_code="USD"
)
SHOWN_PLAN = TrainingPlanOffering(
    offering_id="tpo-1",
    target_resources=(),
    upfront_fee=Decimal("10.00"),
    currency_code="USD",
    duration_hours=24,
)


@define(eq=False)
class Scripted(Gateway):
    """Answers each operation with the answers of a test, and repeats the last one."""

    answers: Script
    journal: MemoryJournal | None = None
    meanwhile: Callable[[], object] = bool
    """Called when a purchase has arrived."""
    asked: list[str] = field(factory=list[str])

    async def call(
        self, operation: Operation, _request: Mapping[str, object], /, **_: object
    ) -> Reply:
        await anyio.lowlevel.checkpoint()
        name = operation.name
        self.asked.append(name)
        answers = self.answers[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if name in {EXTEND, CREATE}:
            self.meanwhile()
        if isinstance(answer, BaseException):
            raise answer
        told_by = f"{name} {self.asked.count(name)}"
        return Reply(operation=operation, body=answer, http_status=200, request_id=told_by)

    @property
    def plans(self) -> TrainingPlans:
        policy = RetryPolicy(max_attempts=2, reconcile_limit=1)
        return TrainingPlans(self, Retrier(policy), journal=self.journal)

    async def extend(self, offering: Any = OFFERING, **arguments: Any) -> None:
        await self.plans.extend(offering, training_plan_arn=PLAN_ARN, **arguments)

    async def create(self, offering: Any = "tpo-1", **arguments: Any) -> None:
        await self.plans.create("big", offering, **arguments)

    def settled_as_not_bought(self) -> None:
        assert self.journal is not None
        self.journal.change(
            1, lambda each: evolve(each, state="not_bought", closed_by="person", revision=1)
        )
