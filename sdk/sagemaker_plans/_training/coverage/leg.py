"""What ``ensure_until`` is asked for, and the extensions that it buys one after the other."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from attrs import frozen

from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN
from sagemaker_plans.errors import (
    ConflictError,
    OutcomeUnknownError,
    PurchaseRefusedError,
    ResourceInUseError,
    ResourceLimitExceededError,
    ResourceNotFoundError,
    SageMakerPlansError,
    ValidationError,
)
from sagemaker_plans.journal import PurchaseRecord
from sagemaker_plans.models import (
    ExtensionReceipt,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
)

SOLD: Final = (ResourceNotFoundError, ResourceLimitExceededError)
"""What the service answers if an offering is there no more."""
REFUSED: Final = (
    PurchaseRefusedError,
    ResourceInUseError,
    ConflictError,
    ValidationError,
    *SOLD,
)
"""What may be otherwise after a new choice: it is dearer or sold, or somebody else is buying."""


class NothingSentError(Exception):
    """An earlier purchase is not settled, so nothing was sent.

    Args:
        unknown: The error that says so.
    """

    def __init__(self, unknown: OutcomeUnknownError) -> None:
        super().__init__(str(unknown))
        self.unknown = unknown


@frozen(kw_only=True, eq=False)
class Leg:
    """An extension that is about to be bought."""

    offering: TrainingPlanExtensionOffering
    fee: Decimal
    currency_code: str
    key: str
    """The idempotency key."""
    latest: datetime
    """The last moment at which it may be sent, by the service's clock."""
    starts: datetime
    """The end of the plan from which it was chosen."""


Buy = Callable[[Leg], Awaitable[ExtensionReceipt]]


@frozen(kw_only=True, eq=False)
class Target:
    """What is wanted."""

    arn: str
    until: datetime
    budget: Decimal
    currency_code: str
    resource: str | None
    """For what the machines are used; None for the most careful of the plan's own."""
    lead: timedelta
    since: datetime | None
    timeout: float


class NotYetError(Exception):
    """Something has to happen first.

    Args:
        what: What has to happen, in words, or the error that is raised if it does not happen
            in time.
        pending: The extension whose payment is waited for.
    """

    def __init__(
        self, what: str | SageMakerPlansError, pending: TrainingPlanExtension | None = None
    ) -> None:
        super().__init__(str(what))
        self.error = what if isinstance(what, SageMakerPlansError) else None
        self.pending = pending


def buying(record: PurchaseRecord) -> str:
    """Name the process that may be buying now.

    Args:
        record: Its record in the journal, which is open and recent.

    Returns:
        What is waited for, in words.
    """
    return (
        f"process {record.process} on {record.host}, which may be buying offering "
        f"{record.offering_id} now (record {record.number} of the journal)"
    )


def unsettled(record: PurchaseRecord) -> OutcomeUnknownError:
    """Make the error for a record of the journal that stays open.

    Args:
        record: The record.

    Returns:
        The error.
    """
    return OutcomeUnknownError(
        f"offering {record.offering_id} may or may not have been bought: record {record.number} of "
        f"the journal (written {record.written_at:%Y-%m-%d %H:%M:%S} UTC by process "
        f"{record.process} on {record.host}) is open, and the history does not show it, which "
        "proves nothing; nothing is bought for this plan until it shows or somebody calls "
        "training_plans.settle()",
        operation=EXTEND_TRAINING_PLAN.name,
        offering_id=record.offering_id,
        training_plan_arn=record.plan,
    )
