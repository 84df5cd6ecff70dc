"""The arguments of ``extend``, checked before anything is sent."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, Self, cast

from attrs import frozen

from sagemaker_plans._wire.operations import EXTEND_TRAINING_PLAN
from sagemaker_plans.errors import ConfigurationError
from sagemaker_plans.models import TrainingPlanExtensionOffering
from sagemaker_plans.models import _validation as checks

_MAX_KEY_LENGTH: Final = 256
DEFAULT_CURRENCY: Final = "USD"
"""The only currency that AWS's documentation shows for training plans."""


@frozen(kw_only=True, eq=False, repr=False)
class PurchaseRequest:
    """The checked arguments of a purchase."""

    offering_id: str
    offering: TrainingPlanExtensionOffering | None
    """The offering; None if the caller passed only its id."""
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
        """Check the arguments of a purchase, before anything is sent.

        Args:
            offering: The offering to buy, or its id.
            training_plan_arn: The plan to extend.
            max_upfront_fee: The highest price allowed.
            currency_code: The currency of ``max_upfront_fee``.

        Returns:
            The request.

        Raises:
            InvalidRequestError: If an argument has a wrong type or value.
            ConfigurationError: If an argument needs another one, which is missing.
        """
        given = offering if isinstance(offering, TrainingPlanExtensionOffering) else None
        offering_id = given.offering_id if given else offering
        problems = [*checks.offering_id("offering_id", offering_id)]
        if given and not isinstance(cast("object", given.upfront_fee), Decimal | None):
            problems.append(
                f"offering_id.upfront_fee: got {checks.shown(given.upfront_fee)}; allowed are a "
                "Decimal and None"
            )
        if training_plan_arn is not None:
            problems += checks.training_plan_arn("training_plan_arn", training_plan_arn)
        if max_upfront_fee is not None:
            problems += fee_problems(max_upfront_fee)
        if currency_code is not None:
            problems += checks.text("currency_code", currency_code)
        checks.raise_for("extend", problems, operation=EXTEND_TRAINING_PLAN.name)
        if max_upfront_fee is not None and training_plan_arn is None:
            raise ConfigurationError(
                "extend: max_upfront_fee needs training_plan_arn, because the service lists the "
                "fee of an offering only among the offerings for its plan",
                operation=EXTEND_TRAINING_PLAN.name,
            )
        if currency_code is not None and max_upfront_fee is None:
            raise ConfigurationError(
                f"extend: currency_code={currency_code!r} is the currency of max_upfront_fee, "
                "which is missing",
                operation=EXTEND_TRAINING_PLAN.name,
            )
        return cls(
            # Not str(offering): for a member of an enum that would be its name, not its value.
            offering_id=str.__str__(cast("str", offering_id)),
            offering=given,
            training_plan_arn=training_plan_arn and str.__str__(training_plan_arn),
            max_upfront_fee=None if max_upfront_fee is None else Decimal(max_upfront_fee),
            currency_code=currency_code or DEFAULT_CURRENCY,
        )


def checked_key(journal: object, key: object, training_plan_arn: object) -> str | None:
    """Check what a purchase needs for a journal, or has although there is none.

    Args:
        journal: The journal of the client; None if it has none.
        key: The idempotency key that the caller passed.
        training_plan_arn: The plan to extend.

    Returns:
        The key, or None for the offering's id.

    Raises:
        InvalidRequestError: If the key has a wrong type or length.
        ConfigurationError: If an argument needs another one, which is missing.
    """
    operation = EXTEND_TRAINING_PLAN.name
    if key is not None:
        problems = [*checks.text("idempotency_key", key)]
        if not problems and len(cast("str", key)) > _MAX_KEY_LENGTH:
            problems.append(
                f"idempotency_key: got {len(cast('str', key))} characters; allowed are at most "
                f"{_MAX_KEY_LENGTH}"
            )
        checks.raise_for("extend", problems, operation=operation)
    if journal is None and key is not None:
        raise ConfigurationError(
            f"extend: idempotency_key={key!r} needs a journal: pass AsyncClient(journal=...), such "
            "as FileJournal(folder) of sagemaker_plans.journal",
            operation=operation,
        )
    if journal is not None and training_plan_arn is None:
        raise ConfigurationError(
            "extend: a client with a journal needs training_plan_arn, because the journal keeps "
            "its records by plan",
            operation=operation,
        )
    return None if key is None else str.__str__(cast("str", key))


def fee_problems(value: object, argument: str = "max_upfront_fee") -> Iterator[str]:
    """Check the highest price allowed.

    Args:
        value: The value that a caller passed.
        argument: The name of the argument.

    Yields:
        Each problem.
    """
    allowed = isinstance(value, Decimal | int) and not isinstance(value, bool)
    number = Decimal(cast("Decimal", value)) if allowed else Decimal("NaN")
    if not number.is_finite() or number < 0:
        yield (
            f"{argument}: got {checks.shown(value)}; allowed are a Decimal such as "
            'Decimal("5000.00") and whole numbers, 0 or more; a float is not exact'
        )
