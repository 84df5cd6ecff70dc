"""The arguments of ``create``, checked before anything is sent."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Self, cast

from attrs import frozen

from sagemaker_plans._training.purchases.purchase_request import DEFAULT_CURRENCY, fee_problems
from sagemaker_plans._wire.operations import CREATE_TRAINING_PLAN
from sagemaker_plans.errors import ConfigurationError
from sagemaker_plans.models import TrainingPlanOffering
from sagemaker_plans.models import _training_checks as plan_checks
from sagemaker_plans.models import _validation as checks


@frozen(kw_only=True, eq=False, repr=False)
class PlanRequest:
    """The checked arguments of ``create``."""

    name: str
    offering_id: str
    offering: TrainingPlanOffering | None
    """The offering; None if the caller passed only its id."""
    max_upfront_fee: Decimal | None
    currency_code: str
    tags: Mapping[str, str]
    spare_instance_count: int | None

    @classmethod
    def checked(
        cls,
        name: str,
        offering: str | TrainingPlanOffering,
        *,
        max_upfront_fee: Decimal | int | None,
        currency_code: str | None,
        tags: Mapping[str, str] | None,
        spare_instance_count_per_ultra_server: int | None,
    ) -> Self:
        """Check the arguments, before anything is sent.

        Args:
            name: The name of the plan.
            offering: The offering to buy, or its id.
            max_upfront_fee: The highest price allowed.
            currency_code: The currency of ``max_upfront_fee``.
            tags: The tags of the plan.
            spare_instance_count_per_ultra_server: How many spares each UltraServer has.

        Returns:
            The request.

        Raises:
            InvalidRequestError: If an argument has a wrong type or value.
            ConfigurationError: If an argument needs another one, which is missing.
        """
        given = offering if isinstance(offering, TrainingPlanOffering) else None
        offering_id = given.offering_id if given else offering
        spares = spare_instance_count_per_ultra_server
        problems = [
            *plan_checks.training_plan_name("name", name),
            *plan_checks.training_plan_offering_id("offering_id", offering_id),
        ]
        if max_upfront_fee is not None:
            problems += fee_problems(max_upfront_fee)
        if currency_code is not None:
            problems += checks.text("currency_code", currency_code)
        if tags is not None:
            problems += checks.tags("tags", tags)
        if spares is not None:
            problems += checks.whole_number(
                "spare_instance_count_per_ultra_server", spares, 0, plan_checks.MAX_INTEGER
            )
        checks.raise_for("create", problems, operation=CREATE_TRAINING_PLAN.name)
        if currency_code is not None and max_upfront_fee is None:
            raise ConfigurationError(
                f"create: currency_code={currency_code!r} is the currency of max_upfront_fee, "
                "which is missing",
                operation=CREATE_TRAINING_PLAN.name,
            )
        return cls(
            name=str.__str__(name),
            offering_id=str.__str__(cast("str", offering_id)),
            offering=given,
            max_upfront_fee=None if max_upfront_fee is None else Decimal(max_upfront_fee),
            currency_code=currency_code or DEFAULT_CURRENCY,
            tags=dict(tags or {}),
            spare_instance_count=spares,
        )
