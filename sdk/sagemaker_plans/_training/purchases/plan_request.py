"""The arguments of ``create``, checked before anything is sent and compared with what exists."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Self, cast

from attrs import frozen

from sagemaker_plans._training.purchases.purchase_request import DEFAULT_CURRENCY, fee_problems
from sagemaker_plans._wire.operations import CREATE_TRAINING_PLAN
from sagemaker_plans.errors import ConfigurationError, UnexpectedReplyError
from sagemaker_plans.models import TrainingPlan, TrainingPlanOffering, TrainingPlanStatus
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
        if given and not problems:
            problems += _offering_problems(given)
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


def _offering_problems(offering: TrainingPlanOffering) -> Iterator[str]:
    """Check an offering that a caller may have made by hand.

    What was bought is compared with it. An error of that kind would come after the purchase.
    """
    fee = cast("object", offering.upfront_fee)
    if not (fee is None or (isinstance(fee, Decimal) and fee.is_finite())):
        yield f"offering_id.upfront_fee: got {checks.shown(fee)}; allowed are a Decimal and None"
        return
    try:
        TrainingPlanOffering.from_wire(offering.to_wire())
    except UnexpectedReplyError as error:
        yield from (f"offering_id: {problem}" for problem in error.problems)
    except Exception as error:  # noqa: BLE001  # whatever a value of the wrong type leads to
        yield f"offering_id: got an offering with a value of the wrong type: {error}"


def search_for(offering: TrainingPlanOffering | None) -> Mapping[str, object]:
    """Give the search that finds an offering again.

    Args:
        offering: The offering; None if only its id is known.

    Returns:
        The members of the request.
    """
    if offering is None:
        return {}
    members: dict[str, object] = {
        "TargetResources": [str.__str__(each) for each in offering.target_resources] or None
    }
    if offering.duration_hours is not None:
        members["DurationHours"] = offering.duration_hours + bool(offering.duration_minutes)
    for capacity in offering.reserved_capacity_offerings[:1]:
        if capacity.ultra_server_type is not None:
            members["UltraServerType"] = capacity.ultra_server_type
            members["UltraServerCount"] = capacity.ultra_server_count
        else:
            members["InstanceType"] = capacity.instance_type
            members["InstanceCount"] = capacity.instance_count
    return {name: value for name, value in members.items() if value is not None}


def differences(
    request: PlanRequest, offering: TrainingPlanOffering | None, plan: TrainingPlan
) -> Iterator[str]:
    """Compare the plan that exists with what was asked for, as far as both say something.

    Args:
        request: What was asked for.
        offering: The offering, as far as it is known.
        plan: The plan that exists.

    Yields:
        Each difference.
    """
    if plan.status == TrainingPlanStatus.EXPIRED:
        yield "status: the plan has expired"
    if offering is None:
        most, fee = request.max_upfront_fee, plan.upfront_fee
        if most is not None and fee is not None and fee > most:
            yield f"upfront_fee: the limit is {most:f}, the plan has {fee:f}"
        return
    wanted: dict[str, tuple[object, object]] = {
        "target_resources": (set(offering.target_resources), set(plan.target_resources)),
        "instance_type": (
            {each.instance_type for each in offering.reserved_capacity_offerings},
            {each.instance_type for each in plan.reserved_capacities},
        ),
        "instance_count": (
            {each.instance_count for each in offering.reserved_capacity_offerings},
            {each.total_instance_count for each in plan.reserved_capacities},
        ),
    }
    length, found = offering.duration, plan.duration
    # An extended plan is longer, and costs more.
    if length is not None and found is not None and found <= length:
        wanted["duration"] = (length, found)
        wanted["upfront_fee"] = (offering.upfront_fee, plan.upfront_fee)
    for what, (asked, there) in wanted.items():
        if asked and there and asked != there:
            yield f"{what}: the offering has {_plain(asked)}, the plan has {_plain(there)}"


def _plain(value: object) -> str:
    if isinstance(value, set):
        return ", ".join(sorted(map(str, cast("set[object]", value))))
    return str(value)
