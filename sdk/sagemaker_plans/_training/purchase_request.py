"""What a user asks to buy, checked before anything is sent."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, Self, cast

from attrs import frozen

from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN
from sagemaker_plans.errors import ConfigurationError
from sagemaker_plans.models import TrainingPlanExtensionOffering
from sagemaker_plans.models import _validation as checks

_DEFAULT_CURRENCY: Final = "USD"
"""The only currency that AWS's documentation shows for training plans."""


@frozen(kw_only=True, eq=False, repr=False)
class PurchaseRequest:
    """What was asked for, checked."""

    offering_id: str
    duration_hours: int | None
    """The length of the offering, where the caller passed the whole offering."""
    training_plan_arn: str | None
    max_upfront_fee: Decimal | None
    currency_code: str

    @classmethod
    def checked(
        cls,
        offering: str | TrainingPlanExtensionOffering,
        *,
        training_plan_arn: str | None,
        max_upfront_fee: Decimal | int | None,
        currency_code: str | None,
    ) -> Self:
        """Check what was asked for, before anything is sent.

        Args:
            offering: What to buy: an offering, or its id.
            training_plan_arn: For which plan.
            max_upfront_fee: The most that it may cost.
            currency_code: The currency of that.

        Returns:
            The request.

        Raises:
            InvalidRequestError: If an argument is of the wrong kind.
            ConfigurationError: If arguments do not go together.
        """
        duration_hours: int | None = None
        if isinstance(offering, TrainingPlanExtensionOffering):
            duration_hours = offering.duration_hours
            offering = offering.offering_id
        problems = [*checks.text("offering_id", offering)]
        if training_plan_arn is not None:
            problems += checks.training_plan_arn("training_plan_arn", training_plan_arn)
        if max_upfront_fee is not None:
            problems += _fee_problems(max_upfront_fee)
        if currency_code is not None:
            problems += checks.text("currency_code", currency_code)
        checks.raise_for("extend", problems, operation=EXTEND_TRAINING_PLAN.name)
        if max_upfront_fee is not None and training_plan_arn is None:
            raise ConfigurationError(
                "extend: max_upfront_fee needs training_plan_arn, because an offering's fee can "
                "only be looked up among the offerings for a plan",
                operation=EXTEND_TRAINING_PLAN.name,
            )
        if currency_code is not None and max_upfront_fee is None:
            raise ConfigurationError(
                f"extend: currency_code={currency_code!r} is the currency of max_upfront_fee, "
                "which is missing",
                operation=EXTEND_TRAINING_PLAN.name,
            )
        return cls(
            # Not str(offering): the text of an enum's member is its value, its str is its name.
            offering_id=str.__str__(offering),
            duration_hours=duration_hours,
            training_plan_arn=training_plan_arn and str.__str__(training_plan_arn),
            max_upfront_fee=None if max_upfront_fee is None else Decimal(max_upfront_fee),
            currency_code=currency_code or _DEFAULT_CURRENCY,
        )


def _fee_problems(value: object) -> Iterator[str]:
    allowed = isinstance(value, Decimal | int) and not isinstance(value, bool)
    number = Decimal(cast("Decimal", value)) if allowed else Decimal("NaN")
    if not number.is_finite() or number < 0:
        yield (
            f"max_upfront_fee: got {checks.shown(value)}; allowed are a Decimal such as "
            'Decimal("5000.00") and whole numbers, 0 or more; no float, which is not exact'
        )
