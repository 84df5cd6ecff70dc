"""Looks up the price of an offering before the offering is bought."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, Protocol, TypeVar

from sagemaker_plans._engine.retries import Retrier
from sagemaker_plans._training.purchases.purchase_request import PurchaseRequest
from sagemaker_plans._training.reading import search_offerings
from sagemaker_plans._transport.gateway import Gateway
from sagemaker_plans.models import TrainingPlanExtensionOffering

DURATIONS: Final = tuple(24 * days for days in (*range(1, 15), *range(21, 183, 7)))
"""The lengths of extensions that AWS documents, in hours: 1 to 14 days in steps of one day,
then up to 182 days in steps of 7."""


class PriceLimit(Protocol):
    """The highest price allowed."""

    @property
    def max_upfront_fee(self) -> Decimal | None:
        """The highest price allowed."""
        ...

    @property
    def currency_code(self) -> str:
        """Its currency."""
        ...


class PricedOffering(Protocol):
    """An offering of an extension or of a new plan."""

    @property
    def upfront_fee(self) -> Decimal | None:
        """The fee; None if the service's text is no number."""
        ...

    @property
    def upfront_fee_text(self) -> str | None:
        """The fee as the service wrote it."""
        ...

    @property
    def currency_code(self) -> str | None:
        """The currency of the fee."""
        ...


Offering = TypeVar("Offering", bound=PricedOffering)


class PriceError(Exception):
    """The offering must not be bought because of its price; the message says why."""

    def __init__(self, message: str, listed: PricedOffering | None = None) -> None:
        super().__init__(message)
        self.listed = listed
        """The offering as it is listed; None if it has no price, or more than one."""


async def checked_price(
    gateway: Gateway, retrier: Retrier, request: PurchaseRequest
) -> TrainingPlanExtensionOffering:
    """Look up the price of an offering, and compare it with the highest price allowed.

    A search without a length may not list all offerings. So if the length of the offering is
    known, this searches with that length. Otherwise it searches without a length first, and
    then with each documented length.

    Args:
        gateway: Sends the requests.
        retrier: Sends them again after a failure.
        request: The purchase, with ``training_plan_arn`` and ``max_upfront_fee``.

    Returns:
        The offering as it is listed.

    Raises:
        PriceError: If the offering costs more than allowed, is in another currency, is not
            on offer, is listed with several prices, or has no readable price.
        SageMakerPlansError: If a search failed.
    """
    arn = request.training_plan_arn
    assert arn is not None
    known = request.offering.duration_hours if request.offering else None
    seen = 0
    for duration in (None, *DURATIONS) if known is None else (known,):
        offerings = await search_offerings(gateway, retrier, arn, duration_hours=duration)
        seen = max(seen, len(offerings))
        listed = [one for one in offerings if one.offering_id == request.offering_id]
        if listed:
            return affordable(request, listed)
    raise PriceError(
        f"it is not among the {seen} offerings for {arn}: it may have been sold, may no longer be "
        "offered, or may be for another plan"
    )


def affordable(request: PriceLimit, listed: Sequence[Offering]) -> Offering:
    """Compare the price of an offering with the highest price allowed.

    Args:
        request: The limit.
        listed: The offering, each time that the service lists it; at least once.

    Returns:
        The offering.

    Raises:
        PriceError: If it costs more than allowed, is in another currency, is listed with
            several prices, or has no readable price.
    """
    for problem in _price_problems(request, listed):
        raise PriceError(problem, listed[0] if len(_prices(listed)) == 1 else None)
    return listed[0]


def _prices(listed: Sequence[PricedOffering]) -> dict[tuple[Decimal | None, str], PricedOffering]:
    return {(one.upfront_fee, (one.currency_code or "").upper()): one for one in listed}


def _price_problems(request: PriceLimit, listed: Sequence[PricedOffering]) -> Iterator[str]:
    prices = _prices(listed)
    if len(prices) > 1:
        texts = ", ".join(f"{one.upfront_fee_text} {one.currency_code}" for one in prices.values())
        yield f"it is listed with different prices ({texts})"
    fee, currency = listed[0].upfront_fee, listed[0].currency_code
    most, wanted = request.max_upfront_fee, request.currency_code
    if fee is None or most is None:
        yield (
            f"its fee {listed[0].upfront_fee_text!r} is not a number, so it cannot be compared "
            f"with max_upfront_fee ({most})"
        )
    elif currency is None:
        yield f"its fee of {fee} has no currency, so it cannot be compared with a fee in {wanted}"
    elif currency.upper() != wanted.upper():
        yield (
            f"its fee is {fee} {currency}, but max_upfront_fee is in {wanted}; pass the limit in "
            "the offering's currency, and that currency as currency_code"
        )
    elif fee > most:
        yield f"its fee is {fee} {currency}, more than max_upfront_fee ({most})"
