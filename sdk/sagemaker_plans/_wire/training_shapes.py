"""AWS's structures of training plan extensions as classes, as in ``edge_shapes``."""

from datetime import datetime
from typing import ClassVar, Self

from attrs import define

from sagemaker_plans.models import (
    ExtensionPage,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
)
from sagemaker_plans.models._training import parse_fee


@define(kw_only=True, eq=False, repr=False)
class ExtensionShape:
    """An extension that was bought."""

    aws: ClassVar = "TrainingPlanExtension"
    TrainingPlanExtensionOfferingId: str
    ExtendedAt: datetime | None = None
    StartDate: datetime | None = None
    EndDate: datetime | None = None
    Status: str | None = None
    PaymentStatus: str | None = None
    AvailabilityZone: str | None = None
    AvailabilityZoneId: str | None = None
    DurationHours: int | None = None
    UpfrontFee: str | None = None
    CurrencyCode: str | None = None

    def model(self) -> TrainingPlanExtension:
        return TrainingPlanExtension(
            offering_id=self.TrainingPlanExtensionOfferingId,
            extended_at=self.ExtendedAt,
            start_date=self.StartDate,
            end_date=self.EndDate,
            status=self.Status,
            payment_status=self.PaymentStatus,
            availability_zone=self.AvailabilityZone,
            availability_zone_id=self.AvailabilityZoneId,
            duration_hours=self.DurationHours,
            upfront_fee=parse_fee(self.UpfrontFee),
            currency_code=self.CurrencyCode,
            upfront_fee_text=self.UpfrontFee,
        )

    @classmethod
    def of(cls, model: TrainingPlanExtension) -> Self:
        return cls(
            TrainingPlanExtensionOfferingId=model.offering_id,
            ExtendedAt=model.extended_at,
            StartDate=model.start_date,
            EndDate=model.end_date,
            Status=model.status,
            PaymentStatus=model.payment_status,
            AvailabilityZone=model.availability_zone,
            AvailabilityZoneId=model.availability_zone_id,
            DurationHours=model.duration_hours,
            UpfrontFee=_fee_text(model),
            CurrencyCode=model.currency_code,
        )


@define(kw_only=True, eq=False, repr=False)
class OfferingShape:
    """An extension that can be bought."""

    aws: ClassVar = "TrainingPlanExtensionOffering"
    TrainingPlanExtensionOfferingId: str
    AvailabilityZone: str | None = None
    StartDate: datetime | None = None
    EndDate: datetime | None = None
    DurationHours: int | None = None
    UpfrontFee: str | None = None
    CurrencyCode: str | None = None

    def model(self) -> TrainingPlanExtensionOffering:
        return TrainingPlanExtensionOffering(
            offering_id=self.TrainingPlanExtensionOfferingId,
            availability_zone=self.AvailabilityZone,
            start_date=self.StartDate,
            end_date=self.EndDate,
            duration_hours=self.DurationHours,
            upfront_fee=parse_fee(self.UpfrontFee),
            currency_code=self.CurrencyCode,
            upfront_fee_text=self.UpfrontFee,
        )

    @classmethod
    def of(cls, model: TrainingPlanExtensionOffering) -> Self:
        return cls(
            TrainingPlanExtensionOfferingId=model.offering_id,
            AvailabilityZone=model.availability_zone,
            StartDate=model.start_date,
            EndDate=model.end_date,
            DurationHours=model.duration_hours,
            UpfrontFee=_fee_text(model),
            CurrencyCode=model.currency_code,
        )


def _fee_text(model: TrainingPlanExtension | TrainingPlanExtensionOffering) -> str | None:
    if model.upfront_fee_text is None and model.upfront_fee is not None:
        return f"{model.upfront_fee:f}"
    return model.upfront_fee_text


@define(kw_only=True, eq=False, repr=False)
class ExtendedShape:
    """What a purchase answers."""

    aws: ClassVar = "ExtendTrainingPlanResponse"
    TrainingPlanExtensions: tuple[ExtensionShape, ...]


@define(kw_only=True, eq=False, repr=False)
class HistoryShape:
    """One page of a training plan's extensions."""

    aws: ClassVar = "DescribeTrainingPlanExtensionHistoryResponse"
    TrainingPlanExtensions: tuple[ExtensionShape, ...]
    NextToken: str | None = None

    def page(self) -> ExtensionPage:
        return ExtensionPage(
            extensions=tuple(extension.model() for extension in self.TrainingPlanExtensions),
            next_token=self.NextToken or None,
        )


@define(kw_only=True, eq=False, repr=False)
class OfferingsShape:
    """What a search answers. The ordinary offerings beside it are looked for, not read."""

    aws: ClassVar = "SearchTrainingPlanOfferingsResponse"
    TrainingPlanOfferings: tuple[object, ...]
    TrainingPlanExtensionOfferings: tuple[OfferingShape, ...] | None = None
