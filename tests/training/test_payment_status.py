"""What the words of the service say of a payment."""

import pytest

from sagemaker_plans import TrainingPlanExtension
from sagemaker_plans._training.payment_status import is_failed, is_paid, is_payment_pending


@pytest.mark.parametrize(
    ("status", "payment", "expected"),
    [
        ("Scheduled", "Completed", "paid"),
        ("Active", "payment-completed", "paid"),
        ("Expired", None, "paid"),
        ("Pending", "Pending", "pending"),
        ("Pending", None, "pending"),
        ("Scheduled", "Pending", "pending"),
        ("Failed", "Completed", "failed"),
        ("Scheduled", "PAYMENT_FAILED", "failed"),
        ("Scheduled", "Processing", ""),
        (None, None, ""),
    ],
)
def test_a_payment_is_one_of_three_things_or_unknown(
    status: str | None, payment: str | None, expected: str
) -> None:
    extension = TrainingPlanExtension(offering_id="tpeo-1", status=status, payment_status=payment)
    told = {
        "failed": is_failed(extension),
        "paid": is_paid(extension),
        "pending": is_payment_pending(extension),
    }
    assert [word for word, is_so in told.items() if is_so] == ([expected] if expected else [])
