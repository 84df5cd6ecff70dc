"""The items of a table of DynamoDB: how a record is written, and how it is read.

The items:

==========  ======  ==================================================================
attribute   type    content
==========  ======  ==================================================================
plan        string  partition key: ``PurchaseRecord.plan``, shortened if it is long
number      number  sort key: ``PurchaseRecord.number``
id          string  ``PurchaseRecord.id``
revision    number  ``PurchaseRecord.revision``
state       string  ``PurchaseRecord.state``, for people
record      string  the whole record, ``PurchaseRecord.to_dict()`` as JSON
==========  ======  ==================================================================
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from sagemaker_plans.journal._record import PurchaseRecord

KEYS: Final = {"plan": ("HASH", "S"), "number": ("RANGE", "N")}
"""The key of the table: for each attribute its role and its type."""

_LONGEST_KEY: Final = 1024
"""Bytes of a plan's key that stand in an item; DynamoDB takes 2048."""


def partition_key(plan: str) -> str:
    """Make the partition key of a plan.

    Args:
        plan: The plan, as in ``PurchaseRecord.plan``.

    Returns:
        The same text; of a long one its beginning and a hash.
    """
    raw = plan.encode()
    if len(raw) <= _LONGEST_KEY:
        return plan
    # Longer than any key that is not shortened, so it is never that of another plan.
    return f"{raw[:_LONGEST_KEY].decode(errors='ignore')} sha256:{sha256(raw).hexdigest()}"


def item_of(record: PurchaseRecord) -> dict[str, dict[str, str]]:
    """Write the item of a record.

    Args:
        record: The record.

    Returns:
        The attributes, in the form of DynamoDB's requests.
    """
    return {
        "plan": {"S": partition_key(record.plan)},
        "number": {"N": str(record.number)},
        "id": {"S": record.id},
        "revision": {"N": str(record.revision)},
        "state": {"S": record.state},
        "record": {"S": json.dumps(record.to_dict(), sort_keys=True)},
    }


def record_in(item: Mapping[str, Any], plan: str, table: str) -> PurchaseRecord:
    """Read the record of an item.

    Args:
        item: The attributes, in the form of DynamoDB's replies.
        plan: The plan that was asked for.
        table: The name of the table, for messages.

    Returns:
        The record.

    Raises:
        ValueError: If the item is not a record of this plan, because somebody changed it.
    """
    where = f"table {table}, plan {plan!r}, number {item.get('number')}"
    try:
        record = PurchaseRecord.from_dict(json.loads(item["record"]["S"]))
        written = item_of(record)
        changed = [name for name in written if name != "record" and written[name] != item[name]]
    except Exception as error:
        raise ValueError(
            f"{where}: this is not the record of a purchase (any more): {error!r}"
        ) from error
    if changed or record.plan != plan:
        raise ValueError(
            f"{where}: its attributes do not match its record: {', '.join(changed) or 'plan'}"
        )
    return record
