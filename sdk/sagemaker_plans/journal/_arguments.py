"""Checks of what the methods of a journal are given."""

from sagemaker_plans.errors import InvalidRequestError
from sagemaker_plans.journal._record import PurchaseRecord
from sagemaker_plans.models import _validation as checks


def check_plan(plan: object) -> None:
    """Check the argument of ``records``.

    Args:
        plan: The value that a caller passed.

    Raises:
        InvalidRequestError: If it is not a text.
    """
    checks.raise_for("records", checks.text("plan", plan))


def check_first(record: object) -> None:
    """Check the argument of ``begin``.

    Args:
        record: The value that a caller passed.

    Raises:
        InvalidRequestError: If it is not a record that can be the first of its number.
    """
    checked = _checked("begin", record)
    if checked.revision != 0 or checked.number < 1:
        problem = (
            f"got number {checked.number}, revision {checked.revision}; allowed are numbers from "
            "1, and revision 0"
        )
        raise InvalidRequestError("begin", (problem,))


def check_next(record: object) -> None:
    """Check the argument of ``end``.

    Args:
        record: The value that a caller passed.

    Raises:
        InvalidRequestError: If it is not a record that can follow another one.
    """
    checked = _checked("end", record)
    if checked.revision < 1 or checked.number < 1:
        problem = (
            f"got revision {checked.revision} of number {checked.number}; allowed are revisions "
            "from 1, and numbers from 1"
        )
        raise InvalidRequestError("end", (problem,))


def _checked(method: str, record: object) -> PurchaseRecord:
    if not isinstance(record, PurchaseRecord):
        problem = f"record: a PurchaseRecord is needed, got {checks.shown(record)}"
        raise InvalidRequestError(method, (problem,))
    checks.raise_for(method, checks.text("record.plan", record.plan))
    return record
