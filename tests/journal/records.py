"""Records of purchases for the tests."""

import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from attrs import evolve

from sagemaker_plans.journal import PurchaseRecord
from sagemaker_plans.models import TrainingPlanExtension

PLAN: Final = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/spring"
NOW: Final = datetime(2027, 3, 1, 11, 30, tzinfo=UTC)


def a_record(number: int = 1, **changes: Any) -> PurchaseRecord:
    """Make an open record with an id of its own."""
    record = PurchaseRecord(
        plan=PLAN,
        number=number,
        id=os.urandom(8).hex(),
        idempotency_key="until-june",
        offering_id="tpeo-0123456789abcdef",
        written_at=NOW,
        send_by=NOW + timedelta(minutes=2),
        host="here",
        process=1,
    )
    return evolve(record, **changes)


def ended(record: PurchaseRecord, **changes: Any) -> PurchaseRecord:
    """Make the next revision of a record."""
    closed = {"state": "not_bought", "closed_by": "history", **changes}
    return evolve(record, revision=record.revision + 1, **closed)


FULL: Final = a_record(
    number=3,
    revision=2,
    upfront_fee=Decimal("1234.50"),
    currency_code="USD",
    extends_from=NOW,
    state="bought",
    closed_by="caller",
    receipt=TrainingPlanExtension(offering_id="tpeo-0123456789abcdef", extended_at=NOW),
)
"""A record with all its values."""
