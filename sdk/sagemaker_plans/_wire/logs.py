"""Writes to the log where an outcome is at stake.

A filter or a handler of the user's may raise an exception. It must not take the place of a
receipt, nor of the error that says what happened.
"""

import logging
import sys
import traceback
from contextlib import suppress
from decimal import Decimal
from typing import Final, Literal, cast

from attrs import asdict, frozen

from sagemaker_plans.errors import SageMakerPlansError
from sagemaker_plans.models._validation import shown

_LOG: Final = logging.getLogger("sagemaker_plans")
_PURCHASES: Final = logging.getLogger("sagemaker_plans.purchases")
_LONGEST_FEE: Final = 100
"""How many digits a fee may have to be written without an exponent."""

PurchaseEvent = Literal[
    "purchase_started",
    "purchase_ended",
    "purchase_interrupted",
    "purchase_shown",
    "purchase_not_shown",
    "purchase_settled",
    "purchase_corrected",
    "journal_not_written",
]
"""What happened to a purchase, or to its record in the journal."""

PurchaseEnd = Literal[
    "purchased",
    "already_purchased",
    "confirmed_by_history",
    "failed",
    "refused",
    "not_bought",
    "unknown",
    "bought",
]
"""How a purchase ended: the outcomes of receipts, those of errors, the states of records."""


@frozen(kw_only=True)
class PurchaseFacts:
    """What an auditor asks of a purchase. Each is a field of the line in the log."""

    event: PurchaseEvent
    """What happened."""
    operation: str
    """The AWS operation."""
    plan: str | None = None
    """The ARN of the plan, or the name of a new one; None if the caller named none."""
    offering: str | None = None
    """The id of the offering."""
    fee: str | None = None
    """The upfront fee, as a decimal number; None if it is not known."""
    currency: str | None = None
    """The currency of the fee."""
    outcome: PurchaseEnd | None = None
    """How it ended; None if it has not ended, or nobody knows yet."""
    request_id: str | None = None
    """The id of the request that told the outcome."""
    idempotency_key: str | None = None
    """What stands for the purchase in the journal; for a new plan, its name."""


def tell(
    level: int,
    message: str,
    *values: object,
    purchase: PurchaseFacts | None = None,
    exc_info: BaseException | None = None,
) -> None:
    """Write a line to the log of the package, or to that of its purchases.

    Args:
        level: The level, of ``logging``.
        message: The message, with a percent sign for each value.
        values: The values.
        purchase: The facts of a purchase, which become fields of the line; None for a line
            that is about something else.
        exc_info: An exception to show with its traceback.
    """
    log = _LOG if purchase is None else _PURCHASES
    fields = None if purchase is None else asdict(purchase)
    try:
        try:
            log.log(level, message, *values, exc_info=exc_info, extra=fields, stacklevel=2)
        except KeyError as error:
            if "Attempt to overwrite" not in str(error):
                raise
            # A factory of log records has set one of these names, which logging refuses.
            whole = None if fields is None else {"purchase": fields}
            log.log(level, message, *values, exc_info=exc_info, extra=whole, stacklevel=2)
    except Exception:  # noqa: BLE001  # whatever a filter or a handler raises
        # As the handlers of logging itself do it. Standard error may be closed.
        with suppress(Exception):
            if logging.raiseExceptions and sys.stderr is not None:
                traceback.print_exc()


def fee_text(fee: object) -> str | None:
    """Write a fee for the log. What is no Decimal is shown as it is.

    Args:
        fee: The fee, as a caller or a journal gave it; None if it is not known.

    Returns:
        The text; None for None.
    """
    if fee is None:
        return None
    if not isinstance(fee, Decimal) or abs(fee.adjusted()) > _LONGEST_FEE:
        return shown(fee)
    # A subclass may have a way of its own to write itself, which may fail.
    return f"{Decimal(fee):f}"


def id_of(error: SageMakerPlansError | None) -> str | None:
    """Tell which request an error is about.

    Args:
        error: The error; None if there is none.

    Returns:
        The id of the request; None if it is not known.
    """
    return cast("str | None", getattr(error, "request_id", None))
