"""A gateway without a network. It answers with the pages of a test, and records requests."""

from collections.abc import Callable, Mapping, Sequence

import anyio.lowlevel
from attrs import define, field

from sagemaker_plans import PollSchedule, RetryPolicy
from sagemaker_plans._edge.plans import EdgeDeploymentPlans
from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.training_plans import TrainingPlans
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.reply import Reply

Wire = Mapping[str, object]
Answer = Wire | Exception

ARN = "arn:aws:sagemaker:us-east-1:123456789012:edge-deployment/rollout"
TRAINING_PLAN_ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/demo"


@define
class Book(Gateway):
    """Answers each request by its page token."""

    answer: Callable[[str | None], Answer]
    requests: list[tuple[str, dict[str, object]]] = field(
        factory=list[tuple[str, dict[str, object]]]
    )

    async def call(
        self, operation: Operation, request: Mapping[str, object], /, **_: object
    ) -> Reply:
        self.requests.append((operation.name, dict(request)))
        await anyio.lowlevel.checkpoint()
        token = request.get("NextToken")
        assert token is None or isinstance(token, str)
        answer = self.answer(token)
        if isinstance(answer, Exception):
            raise answer
        return Reply(operation=operation, body=answer)

    @property
    def tokens(self) -> list[object]:
        """The page tokens of the requests, in order; None for the first page."""
        return [request.get("NextToken") for _, request in self.requests]

    @property
    def plans(self) -> EdgeDeploymentPlans:
        once = Retrier(RetryPolicy.none())
        return EdgeDeploymentPlans(self, once, polling=PollSchedule(), request_timeout=5)

    @property
    def training_plans(self) -> TrainingPlans:
        return TrainingPlans(self, Retrier(RetryPolicy.none()))


def book_of(pages: Sequence[Answer], *, errors: dict[str, Exception] | None = None) -> Book:
    """Bind pages: the one at position 2 has the token "page 2", and leads to "page 3"."""

    def answer(token: str | None) -> Answer:
        if errors and token in errors:
            return errors.pop(token)
        position = 0 if token is None else int(token.removeprefix("page "))
        page = pages[position]
        if isinstance(page, Exception) or position == len(pages) - 1:
            return page
        return {**page, "NextToken": f"page {position + 1}"}

    return Book(answer)


def stage_wire(name: str, succeeded: int = 0) -> Wire:
    """Write a stage. The count of devices distinguishes one reading from another."""
    return {
        "StageName": name,
        "DeviceSelectionConfig": {"DeviceSubsetType": "PERCENTAGE", "Percentage": 10},
        "DeploymentConfig": {"FailureHandlingPolicy": "DO_NOTHING"},
        "DeploymentStatus": {
            "StageStatus": "INPROGRESS",
            "EdgeDeploymentSuccessInStage": succeeded,
            "EdgeDeploymentPendingInStage": 0,
            "EdgeDeploymentFailedInStage": 0,
        },
    }


def plan_page(*stages: Wire, modified: int = 0) -> dict[str, object]:
    """Write a page of a plan."""
    return {
        "EdgeDeploymentPlanArn": ARN,
        "EdgeDeploymentPlanName": "rollout",
        "DeviceFleetName": "cameras",
        "ModelConfigs": [{"ModelHandle": "detector", "EdgePackagingJobName": "detector-v7"}],
        "LastModifiedTime": modified,
        "Stages": list(stages),
    }


def history_page(*offering_ids: str) -> dict[str, object]:
    """Write a page of an extension history."""
    return {
        "TrainingPlanExtensions": [
            {"TrainingPlanExtensionOfferingId": offering_id} for offering_id in offering_ids
        ]
    }
