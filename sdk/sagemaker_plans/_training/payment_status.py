"""What the states of an extension say of its payment.

The service model has free strings for both. AWS's documentation shows the statuses
Pending, Active, Scheduled, Failed and Expired, and the payments Pending and Completed.
"""

import re
from typing import Final

from sagemaker_plans.models import TrainingPlanExtension

_NO_LETTERS: Final = re.compile(r"[\W\d_]+")


def _folded(text: str | None) -> str:
    return _NO_LETTERS.sub("", text or "").casefold()


def is_failed(extension: TrainingPlanExtension) -> bool:
    """Tell whether an extension, or the payment for it, failed.

    Args:
        extension: The extension.

    Returns:
        Whether it did, however that is spelled.
    """
    return any("failed" in _folded(text) for text in (extension.status, extension.payment_status))


def is_payment_pending(extension: TrainingPlanExtension) -> bool:
    """Tell whether the payment for an extension is still pending.

    Args:
        extension: The extension.

    Returns:
        Whether it is, however that is spelled. Without a word on the payment, the status
        of the extension counts.
    """
    if is_failed(extension):
        return False
    return "pending" in (_folded(extension.payment_status) or _folded(extension.status))
