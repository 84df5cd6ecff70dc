"""Deletes plans and stages. After a lost reply, "not found" means that it is done."""

from collections.abc import Mapping

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._engine.retry_rules import Happened, what_happened
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans._wire import replies
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans.errors import ResourceNotFoundError, SageMakerPlansError


async def delete(
    gateway: Gateway, retrier: Retrier, operation: Operation, request: Mapping[str, object]
) -> None:
    """Delete a plan or a stage.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        operation: What deletes it.
        request: The request.

    Raises:
        ResourceNotFoundError: If there is no such thing, and no earlier attempt can have
            deleted it.
        SageMakerPlansError: What the last attempt raised.
    """
    may_be_gone = False

    async def attempt() -> None:
        nonlocal may_be_gone
        try:
            replies.read_done(await gateway.call(operation, request))
        except ResourceNotFoundError:
            if not may_be_gone:
                raise
        except SageMakerPlansError as error:
            may_be_gone = may_be_gone or what_happened(error) is Happened.AMBIGUOUS
            raise

    await retrier.run(operation, attempt)
