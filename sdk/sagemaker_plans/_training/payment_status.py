"""Reads from the two statuses of an extension whether the payment failed or is pending.

In the service model both are free strings. AWS's documentation shows the statuses Pending,
Active, Scheduled, Failed and Expired, and the payment statuses Pending and Completed.
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
        Whether one of them failed. Case, spaces and digits do not matter.
    """
    return any("failed" in _folded(text) for text in (extension.status, extension.payment_status))


def is_payment_pending(extension: TrainingPlanExtension) -> bool:
    """Tell whether the payment for an extension is still pending.

    Args:
        extension: The extension.

    Returns:
        Whether it is pending. Case, spaces and digits do not matter. If there is no payment
        status, the status of the extension counts.
    """
    if is_failed(extension):
        return False
    return "pending" in (_folded(extension.payment_status) or _folded(extension.status))
