"""The service of a virtual world: it sells, shows what it sold late, and checks signatures."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any, Final

from attrs import define, field, frozen

from journal_world.processes import Process
from journal_world.world import World

ARN: Final = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/big"
EXTEND: Final = "ExtendTrainingPlan"
HISTORY: Final = "DescribeTrainingPlanExtensionHistory"
SEARCH: Final = "SearchTrainingPlanOfferings"
SIGNATURES_LAST: Final = timedelta(minutes=5)
OFFERINGS: Final = ("tpeo-a", "tpeo-b", "tpeo-c")


class ServiceRefusal(Exception):  # noqa: N818  # an answer of the service, not a failure
    """The service says no."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@frozen(eq=False)
class Sale:
    """One purchase that the service accepted."""

    offering: str
    process: Process
    key: str
    record: str | None
    """The record under which its process sent it."""
    at: float
    extended_at: float
    shown_at: float
    paid_at: float
    fails_at: float

    def status(self, now: float) -> tuple[str, str]:
        if self.fails_at <= now:
            return "Failed", "Failed"
        return ("Pending", "Pending") if now < self.paid_at else ("Active", "Completed")


@define(eq=False)
class WorldService:
    """The service."""

    world: World
    draw: Random
    lag: float = 0.0
    """After how many seconds the history shows a purchase."""
    resells: bool = True
    """Whether an offering that was sold can be bought again."""
    whole_seconds: bool = False
    """Whether it cuts times to whole seconds."""
    newest_first: bool = False
    """In which order it lists extensions."""
    failing: float = 0.0
    """How likely a payment fails."""
    pending: float = 0.0
    """How likely a payment takes a while."""
    sales: list[Sale] = field(factory=list[Sale])
    broken: list[str] = field(factory=list[str])
    """What must not happen, and did."""

    def date(self) -> str:
        return format_datetime(self.world.service_time().replace(microsecond=0), usegmt=True)

    def handle(
        self, process: Process, operation: str, members: Mapping[str, Any], signed: datetime | None
    ) -> dict[str, object]:
        """Carry out a request now.

        Raises:
            ServiceRefusal: If it is refused; it had no effect.
        """
        if signed is None or abs(self.world.service_time() - signed) > SIGNATURES_LAST:
            raise ServiceRefusal("InvalidSignatureException", "Signature expired")
        if operation == HISTORY:
            shown = [each for each in self.sales if each.shown_at <= self.world.now]
            return {"TrainingPlanExtensions": self._listed(shown)}
        if operation == SEARCH:
            offerings = [_offered(each) for each in OFFERINGS]
            return {"TrainingPlanExtensionOfferings": offerings, "TrainingPlanOfferings": []}
        return self._sell(process, members["TrainingPlanExtensionOfferingId"])

    def _sell(self, process: Process, offering: str) -> dict[str, object]:
        now = self.world.now
        standing = [each for each in self.sales if each.fails_at > now]
        if not self.resells and any(each.offering == offering for each in standing):
            raise ServiceRefusal("ResourceInUse", "this offering is not available any more")
        fails = self.draw.random() < self.failing
        pends = self.draw.random() < self.pending
        takes = self.draw.choice((0.0, 30.0, 600.0))
        when = self.world.service_time().timestamp()
        sale = Sale(
            offering=offering,
            process=process,
            key=process.key,
            record=process.record,
            at=now,
            extended_at=float(int(when)) if self.whole_seconds else round(when, 3),
            shown_at=now + self.lag,
            paid_at=now + takes if pends else now,
            fails_at=now + takes if fails else float("inf"),
        )
        if any(each.key == sale.key for each in standing):
            self.broken.append(f"two purchases for key {sale.key!r}")
        self.sales.append(sale)
        return {"TrainingPlanExtensions": self._listed(self.sales)}

    def _listed(self, sales: list[Sale]) -> list[dict[str, object]]:
        written = [self._written(each) for each in sales]
        return written[::-1] if self.newest_first else written

    def _written(self, sale: Sale) -> dict[str, object]:
        status, payment = sale.status(self.world.now)
        return {
            "TrainingPlanExtensionOfferingId": sale.offering,
            "ExtendedAt": sale.extended_at,
            "StartDate": 1_800_000_000.0,
            "EndDate": 1_800_086_400.0,
            "Status": status,
            "PaymentStatus": payment,
            "UpfrontFee": "100.00",
            "CurrencyCode": "USD",
            "DurationHours": 24,
        }


def _offered(offering: str) -> dict[str, object]:
    return {
        "TrainingPlanExtensionOfferingId": offering,
        "AvailabilityZone": "us-east-1a",
        "StartDate": 1_800_000_000.0,
        "EndDate": 1_800_086_400.0,
        "DurationHours": 24,
        "UpfrontFee": "100.00",
        "CurrencyCode": "USD",
    }
