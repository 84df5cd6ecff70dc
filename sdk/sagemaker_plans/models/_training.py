"""Training plan extensions: the offerings, and the extensions that were bought."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from attrs import field, frozen

from sagemaker_plans.models._wire_form import WireModel, token_or_none, wire

PurchaseOutcome = Literal["purchased", "already_purchased", "confirmed_by_history"]
"""How the package knows of a purchase.

``purchased``: this call bought it, and the service's reply confirmed it.
``already_purchased``: the plan's history had it before this call; no purchase was sent.
``confirmed_by_history``: the reply was lost, but the plan's history shows the purchase.
"""


@frozen(kw_only=True)
class TrainingPlanExtension(WireModel):
    """An extension of a training plan that was bought."""

    offering_id: str = field(metadata=wire("TrainingPlanExtensionOfferingId"))
    """The offering that was bought (``tpeo-...``)."""
    extended_at: datetime | None = None
    """When it was bought (UTC)."""
    start_date: datetime | None = None
    """When the added time starts (UTC)."""
    end_date: datetime | None = None
    """When the added time ends (UTC)."""
    status: str | None = None
    """The status, a free string. AWS documents Pending, Active, Scheduled, Failed, Expired."""
    payment_status: str | None = None
    """The status of the payment, a free string. AWS's examples show Pending and Completed."""
    availability_zone: str | None = None
    """The Availability Zone of the capacity."""
    availability_zone_id: str | None = None
    """The id of the Availability Zone, which is the same in every account."""
    duration_hours: int | None = None
    """The length, in hours."""
    upfront_fee: Decimal | None = None
    """The fee, in units of ``currency_code``; None if the service's text is no number."""
    currency_code: str | None = None
    """The currency of the fee, such as ``"USD"``."""
    upfront_fee_text: str | None = field(default=None, metadata=wire("UpfrontFee"))
    """The fee as the service wrote it."""


@frozen(kw_only=True)
class TrainingPlanExtensionOffering(WireModel):
    """An extension that can be bought for a training plan."""

    offering_id: str = field(metadata=wire("TrainingPlanExtensionOfferingId"))
    """The id to pass to ``extend`` (``tpeo-...``)."""
    availability_zone: str | None = None
    """The Availability Zone of the capacity."""
    start_date: datetime | None = None
    """When the added time would start (UTC)."""
    end_date: datetime | None = None
    """When the added time would end (UTC)."""
    duration_hours: int | None = None
    """The length, in hours."""
    upfront_fee: Decimal | None = None
    """The fee, in units of ``currency_code``; None if the service's text is no number."""
    currency_code: str | None = None
    """The currency of the fee, such as ``"USD"``."""
    upfront_fee_text: str | None = field(default=None, metadata=wire("UpfrontFee"))
    """The fee as the service wrote it."""


@frozen(kw_only=True)
class ExtensionPage(WireModel):
    """One page of a training plan's extension history."""

    extensions: tuple[TrainingPlanExtension, ...] = field(metadata=wire("TrainingPlanExtensions"))
    """The extensions of this page."""
    next_token: str | None = field(converter=token_or_none)
    """The token with which the next page is read; None on the last page."""


@frozen(kw_only=True)
class ExtensionReceipt(WireModel):
    """The result of ``extend``."""

    extension: TrainingPlanExtension
    """The extension that was bought."""
    extensions: tuple[TrainingPlanExtension, ...]
    """All extensions of the plan, including this one."""
    outcome: PurchaseOutcome
    """How the package knows of the purchase."""

    def _repr_html_(self) -> str:
        from sagemaker_plans.models._tables import notebook  # noqa: PLC0415  # for notebooks only, 3 ms

        return notebook.receipt_html(self)
